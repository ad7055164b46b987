"""The list of commissions, one commission's page, and deciding from both."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from commissions.models import Commission, Decision
from commissions.queries import STATES
from commissions.services import approve_commissions
from intake.services import record_refund
from payouts.models import PayoutLine
from tests.factories import (
    event_names,
    make_affiliate,
    make_batch,
    make_commission,
    make_conversion,
    make_payout,
    make_refund,
    make_reversal,
    make_rule,
)

pytestmark = pytest.mark.django_db
LIST = "/manage/commissions/"


def earn(program, affiliate, amount="10.00", **fields) -> Commission:
    return make_commission(make_conversion(program, affiliate), amount=amount, **fields)


def shown(response) -> list[Commission]:
    return [row.object for row in response.context["listing"].rows]


def told(response) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def decisions() -> list[str]:
    return list(Commission.objects.order_by("pk").values_list("decision", flat=True))


def in_payout(program, affiliate, status) -> Commission:
    commission = earn(program, affiliate, decision=Decision.APPROVED)
    payout = make_payout(make_batch(program), affiliate, "10.00", status)
    PayoutLine.objects.create(payout=payout, commission=commission, amount=commission.amount)
    return commission


@pytest.fixture
def one_of_each(music, ana):
    """A commission in each state."""
    whole = earn(music, ana)
    make_reversal(whole, make_refund(whole.conversion, "100.00"), "10.00")
    return {
        "pending": earn(music, ana),
        "on_hold": earn(music, ana, decision=Decision.ON_HOLD),
        "approved": earn(music, ana, decision=Decision.APPROVED, payable_at=timezone.now() + timedelta(days=1)),
        "payable": earn(music, ana, decision=Decision.APPROVED),
        "in_payout": in_payout(music, ana, "ready"),
        "paid": in_payout(music, ana, "paid"),
        "rejected": earn(music, ana, decision=Decision.REJECTED),
        "reversed": whole,
    }


def test_each_state_has_a_tab_that_shows_its_own(as_person, mara, one_of_each):
    browser = as_person(mara)
    assert len(shown(browser.get(LIST))) == len(STATES)
    for state, commission in one_of_each.items():
        page = browser.get(LIST, {"state": state})
        assert shown(page) == [commission], state
        assert f"{STATES[state]}</span>" in page.content.decode()


def test_every_row_says_why(as_person, mara, music, ana):
    conversion = make_conversion(music, ana, "100.00", external_id="order-7")
    make_rule(music, name="Autumn", value="10")
    make_commission(conversion)

    page = as_person(mara).get(LIST).content.decode()
    assert "10% of $100.00 (order order-7) is $10.00, by rule “Autumn”, version 1" in page


def test_filters_narrow_and_stand_in_the_address(as_person, hana, music, books, ana, bao):
    small, large = earn(music, ana, "2.50"), earn(music, bao, "250.00")
    other = earn(books, ana, "20.00")
    old = earn(music, bao, "20.00", occurred_at=timezone.now() - timedelta(days=40))
    browser = as_person(hana)

    def found(**query):
        return set(shown(browser.get(LIST, query)))

    assert found(program="books") == {other}
    assert found(affiliate=ana.public_id) == {small, other}
    assert found(rule=music.rules.get().public_id) == {small, large, old}
    assert found(amount_min="20", amount_max="20,00") == {other, old}
    assert found(amount_min="-1", amount_max="NaN") == {small, large, other, old}
    day = (timezone.localdate() - timedelta(days=39)).isoformat()
    assert found(occurred_at_to=day) == {old}
    assert found(q=f"{bao.name} {large.conversion.external_id}") == {large}
    assert found(q=small.public_id) == {small}


@pytest.mark.parametrize("query", ["", "?state=payable&amount_min=1"])
def test_a_page_takes_as_many_queries_at_one_row_as_at_a_hundred(as_person, hana, music, books, ana, query):
    browser = as_person(hana)
    earn(music, ana, decision=Decision.APPROVED)
    browser.get(LIST)  # a session's first page writes the session down
    with CaptureQueriesContext(connection) as one:
        assert len(shown(browser.get(LIST + query))) == 1
    for _ in range(60):
        earn(music, make_affiliate(), decision=Decision.APPROVED)
        earn(books, ana, decision=Decision.APPROVED)
    with CaptureQueriesContext(connection) as many:
        assert len(shown(browser.get(LIST + query))) == 50
    assert len(one) == len(many) <= 12


def test_checked_rows_are_approved_and_others_are_not(as_person, mara, music, ana):
    first, second, third = (earn(music, ana) for _ in range(3))

    answer = as_person(mara).post(f"{LIST}approve/", {"selected": [first.pk, third.pk], "next": f"{LIST}?state=pending"})

    assert answer.url == f"{LIST}?state=pending"
    assert told(answer) == ["2 commissions approved."]
    assert decisions() == ["approved", "pending", "approved"]
    assert event_names() == ["commission.approved"] * 2


def test_all_that_match_are_approved_beyond_the_page(as_person, mara, music, ana, bao):
    for _ in range(55):
        earn(music, ana)
    left = earn(music, bao)
    matching = f"affiliate={ana.public_id}&state=pending"
    browser = as_person(mara)
    assert browser.get(f"{LIST}?{matching}").context["listing"].pages == 2

    answer = browser.post(f"{LIST}approve/", {"all_matching": "1", "matching": matching, "matching_count": "55"})

    assert told(answer) == ["55 commissions approved."]
    assert list(Commission.objects.pending()) == [left]


def test_all_that_match_is_refused_once_it_is_another_number(as_person, mara, music, ana):
    earn(music, ana)
    earn(music, ana)

    answer = as_person(mara).post(f"{LIST}approve/", {"all_matching": "1", "matching": "", "matching_count": "1"})

    assert "1 matched; now 2 do" in told(answer)[0]
    assert decisions() == ["pending", "pending"]


def test_what_was_decided_before_stays_as_it_is_and_that_is_said(as_person, mara, music, ana):
    rejected, pending = earn(music, ana, decision=Decision.REJECTED), earn(music, ana)
    browser = as_person(mara)

    answer = browser.post(f"{LIST}approve/", {"all_matching": "1", "matching": "", "matching_count": "2"})
    assert told(answer) == ["1 commission approved. 1 that was chosen too stays as it is."]
    assert decisions() == ["rejected", "approved"]

    answer = browser.post(f"{LIST}approve/", {"selected": [rejected.pk, pending.pk]})
    assert "decided already" in told(answer)[-1]


def test_rejecting_asks_for_a_reason_and_another_one_for_a_note(as_person, mara, music, ana):
    commission = earn(music, ana)
    browser, chosen = as_person(mara), {"selected": [commission.pk]}

    browser.post(f"{LIST}reject/", chosen)
    browser.post(f"{LIST}reject/", chosen | {"reject-reason_code": "other"})
    assert decisions() == ["pending"]

    answer = browser.post(f"{LIST}reject/", chosen | {"reject-reason_code": "other", "reject-note": "A fair price was refused"})
    assert told(answer)[-1] == "1 commission rejected."
    commission.refresh_from_db()
    assert (commission.decision, commission.reason_code, commission.note) == ("rejected", "other", "A fair price was refused")


def test_hold_and_release(as_person, mara, music, ana):
    first, second = earn(music, ana), earn(music, ana)
    browser = as_person(mara)

    browser.post(f"{LIST}hold/", {"selected": [first.pk], "hold-reason_code": "fraud_check"})
    assert decisions() == ["on_hold", "pending"]
    browser.post(f"{LIST}release/", {"selected": [first.pk, second.pk]})
    assert decisions() == ["pending", "pending"]
    assert event_names() == ["commission.held", "commission.released"]


def test_another_programs_commissions_are_not_there(as_person, nils, music, ana):
    commission = earn(music, ana)
    browser = as_person(nils)

    assert shown(browser.get(LIST)) == []
    assert browser.get(f"{LIST}{commission.public_id}/").status_code == 404
    assert browser.get(f"{LIST}com_nonsense/").status_code == 404
    browser.post(f"{LIST}approve/", {"selected": [commission.pk]})
    assert decisions() == ["pending"]


@pytest.mark.parametrize(("role", "sees"), [("felix", True), ("sofia", True), ("jun", False), ("vera", False), ("otto", False)])
def test_those_who_do_not_decide_see_no_buttons_and_their_posts_are_refused(request, as_person, music, ana, role, sees):
    commission = earn(music, ana)
    browser = as_person(request.getfixturevalue(role))

    page, detail = browser.get(LIST), browser.get(f"{LIST}{commission.public_id}/")
    assert (page.status_code, detail.status_code) == ((200, 200) if sees else (403, 403))
    for answer in (page, detail):
        assert f"{LIST}approve/" not in answer.content.decode()
    for action in ("approve", "reject", "hold", "release"):
        assert browser.post(f"{LIST}{action}/", {"selected": [commission.pk]}).status_code == 403
    assert decisions() == ["pending"]


def test_actions_are_posts_alone(as_person, mara):
    for action in ("approve", "reject", "hold", "release"):
        assert as_person(mara).get(f"{LIST}{action}/").status_code == 405


def test_a_commissions_page_tells_its_whole_story(as_person, mara, music, ana):
    conversion = make_conversion(music, ana, "100.00", occurred_at=timezone.now() - timedelta(days=40))
    make_rule(music, name="Autumn")
    commission = make_commission(conversion)
    approve_commissions([commission.pk], by=mara)
    record_refund(conversion, external_id="return-9", amount=Decimal("30.00"), by=mara, reason="Damaged in transit")
    payout = make_payout(make_batch(music), ana, "7.00", "paid")
    PayoutLine.objects.create(payout=payout, commission=commission, amount=commission.amount)

    page = as_person(mara).get(f"{LIST}{commission.public_id}/").content.decode()

    assert "10% of $100.00" in page and "by rule “Autumn”" in page
    assert "return-9" in page and "Damaged in transit" in page and "$3.00" in page
    assert "Commission approved" in page and "Owed to the affiliate" in page
    assert f"/manage/payouts/statements/{payout.public_id}/" in page
    assert "Commission of $10.00 approved" in page and "$3.00 of the commission taken back after a refund" in page
    assert f"/manage/conversions/{conversion.public_id}/" in page
    assert f"{LIST}approve/" not in page  # it is decided


def test_one_commission_is_decided_on_its_page(as_person, mara, music, ana):
    commission = earn(music, ana)
    browser, address = as_person(mara), f"{LIST}{commission.public_id}/"
    assert f"{LIST}approve/" in browser.get(address).content.decode()

    answer = browser.post(f"{LIST}approve/", {"selected": commission.pk}, HTTP_REFERER=f"http://testserver{address}")

    assert answer.url.endswith(address)
    assert decisions() == ["approved"]


def test_the_file_holds_what_matches_with_the_explanation(as_person, mara, one_of_each):
    answer = as_person(mara).get(LIST, {"state": "payable", "export": "csv"})
    lines = b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()

    assert len(lines) == 2
    assert lines[0].startswith("Affiliate,Commission,Commission (currency),Order,")
    assert "payable" in lines[1] and "10.00,USD" in lines[1] and "flat" not in lines[1] and "by rule" in lines[1]


def test_an_empty_list_teaches(as_person, mara):
    assert "No commissions yet" in as_person(mara).get(LIST).content.decode()
