"""Claims and disputes: decided once, the money set right in the same transaction, explained, reported."""

from decimal import Decimal

import pytest

from commissions.models import Commission
from core.errors import Refusal
from support.models import ClaimDecision, Ticket
from support.services import change_ticket, merge_tickets, split_ticket, undo_move
from support.services.claims import decide_claim, raise_claim
from tests.factories import make_batch, make_commission, make_conversion, make_payout, owner_of
from tests.factories_support import make_ticket
from tests.pages import assert_same_queries, csv_of, text_of
from tests.portal import member


@pytest.fixture
def sale(music, ana):
    return make_conversion(music, ana, "100.00", external_id="sale-of-ana")


def claimed(ana, commission):
    return raise_claim(ana, by=owner_of(ana), text="It was my sale", commission=commission)


def test_it_is_tied_to_what_it_is_about_and_joins_what_is_open(ana, sale):
    commission = make_commission(sale, amount="10.00")
    ticket = claimed(ana, commission)
    assert (ticket.type, ticket.about_commission, ticket.subject) == ("claim", commission, "Commission of order sale-of-ana")
    assert claimed(ana, commission) == ticket


def test_nobody_claims_what_is_another_s(ana, bao, music):
    theirs = make_commission(make_conversion(music, bao))
    with pytest.raises(Refusal, match="what it is about"):
        claimed(ana, theirs)


def test_upheld_while_undecided_approves_it(ana, sale, mara):
    commission = make_commission(sale, amount="10.00")
    decision = decide_claim(claimed(ana, commission), "uphold", by=mara, reason="It was yours.")
    commission.refresh_from_db()
    assert (commission.decision, decision.amount, decision.did) == ("approved", Decimal(10), f"commission:{commission.pk}")


def test_upheld_after_rejection_awards_it_anew(ana, sale, mara):
    commission = make_commission(sale, amount="10.00", decision="rejected")
    decide_claim(claimed(ana, commission), "uphold", by=mara, reason="We were wrong.")
    awarded = Commission.objects.exclude(pk=commission.pk).get()
    commission.refresh_from_db()
    assert (awarded.amount, awarded.decision, commission.decision) == (Decimal(10), "approved", "rejected")
    assert awarded.rule_version.rule.archived_at is not None  # it wins nothing else


@pytest.mark.parametrize(("decision", "gets"), [("pending", "25.00"), ("rejected", "25.00"), ("approved", "15.00")])
def test_corrected_it_earns_what_it_should_have(ana, sale, mara, decision, gets):
    commission = make_commission(sale, amount="10.00", decision=decision)
    made = decide_claim(claimed(ana, commission), "correct", by=mara, reason="25 was agreed.", amount=Decimal("25.00"))
    assert made.amount == Decimal(gets)
    assert Commission.objects.approved().filter(conversion=sale).count() == (2 if decision == "approved" else 1)


def test_what_was_earned_is_not_taken_back_by_a_decision(ana, sale, mara):
    ticket = claimed(ana, make_commission(sale, amount="10.00", decision="approved"))
    with pytest.raises(Refusal, match="only taken back by a refund"):
        decide_claim(ticket, "correct", by=mara, reason="Less.", amount=Decimal("5.00"))
    with pytest.raises(Refusal, match="approved already"):
        decide_claim(ticket, "uphold", by=mara, reason="Yes.")
    assert not ClaimDecision.objects.exists()


def test_refused_it_changes_no_money_and_says_why(ana, sale, mara):
    ticket = claimed(ana, make_commission(sale, amount="10.00", decision="rejected"))
    decide_claim(ticket, "refuse", by=mara, reason="It was a test order.")
    ticket.refresh_from_db()
    message = ticket.messages.filter(direction="out").get()
    assert "stays as it is" in message.body_text and "It was a test order." in message.body_text
    assert (Commission.objects.count(), ticket.status) == (1, "resolved")
    with pytest.raises(Refusal, match="decided already"):
        decide_claim(ticket, "uphold", by=mara, reason="After all.")


def test_who_may_not_decide_about_money_decides_nothing(ana, sale, sofia):
    commission = make_commission(sale, amount="10.00")
    with pytest.raises(Refusal):
        decide_claim(claimed(ana, commission), "uphold", by=sofia, reason="x")
    commission.refresh_from_db()
    assert commission.decision == "pending" and not ClaimDecision.objects.exists()


def test_a_payout_that_did_not_go_out_is_taken_out_and_payable_again(ana, sale, music, felix, mara):
    commission = make_commission(sale, decision="approved", amount="50.00")
    payout = make_payout(make_batch(music, by=felix), ana, "50.00")
    payout.lines.create(commission=commission, amount="50.00")
    ticket = raise_claim(ana, by=owner_of(ana), text="My account is closed", payout=payout)
    decide_claim(ticket, "uphold", by=mara, reason="Set the new one.")
    payout.refresh_from_db()
    assert (ticket.type, payout.status, payout.lines.get().released_at is not None) == ("dispute", "failed", True)


def test_the_page_is_one_box_and_shows_nothing_of_another(ana, bao, music, sale, as_person):
    commission = make_commission(sale, amount="10.00")
    theirs = make_commission(make_conversion(music, bao))
    client = as_person(ana)
    assert client.get(f"/portal/claims/new/?commission={theirs.public_id}").status_code == 404
    assert client.get("/portal/claims/new/").status_code == 404
    assert client.post(f"/portal/claims/new/?commission={commission.public_id}", {"text": "Mine"}).status_code == 302
    assert Ticket.objects.get().about_commission == commission


def test_a_payout_is_disputed_by_who_sees_the_money(ana, music):
    payout = make_payout(make_batch(music, status="done"), ana, status="paid")
    for function, status in (("marketing", 404), ("finance", 200)):
        assert member(ana, function).get(f"/portal/claims/new/?payout={payout.public_id}").status_code == status


def test_the_report_tells_it_and_is_a_file(ana, sale, mara, felix, as_person):
    ticket = claimed(ana, make_commission(sale, amount="10.00"))
    client = as_person(mara)
    page = client.post(f"/manage/inbox/{ticket.public_id}/decide/", {"kind": "uphold", "reason": "It was yours."})
    assert page.status_code == 302, text_of(page)
    rows = csv_of(as_person(felix).get("/manage/disputes/?export=csv"))
    assert "It was yours." in rows[1] and "Upheld" in rows[1]


def test_the_report_takes_as_many_queries_for_many(music, ana, mara, as_person):
    def add():
        commission = make_commission(make_conversion(music, ana), amount="10.00")
        decide_claim(claimed(ana, commission), "refuse", by=mara, reason="No.")

    add()
    assert_same_queries(as_person(mara), "/manage/disputes/", lambda: [add() for _ in range(3)], most=16)


@pytest.mark.parametrize("decision", ["pending", "rejected", "approved"])
def test_a_second_claim_about_the_same_commission_awards_nothing_twice(ana, sale, mara, decision):
    commission = make_commission(sale, amount="10.00", decision=decision)
    decide_claim(claimed(ana, commission), "correct", by=mara, reason="25 was agreed.", amount=Decimal("25.00"))

    again = claimed(ana, commission)
    for kind, amount in (("uphold", None), ("correct", Decimal("25.00"))):
        with pytest.raises(Refusal):
            decide_claim(again, kind, by=mara, reason="Again.", amount=amount)
    made = decide_claim(again, "correct", by=mara, reason="30 was agreed.", amount=Decimal("30.00"))

    assert made.amount == Decimal("5.00")
    earned = Commission.objects.filter(conversion=sale, decision="approved")
    assert sum(earned.values_list("amount", flat=True)) == Decimal("30.00")


def test_what_was_rejected_is_awarded_anew_once(ana, sale, mara):
    commission = make_commission(sale, amount="10.00", decision="rejected")
    decide_claim(claimed(ana, commission), "uphold", by=mara, reason="We were wrong.")

    with pytest.raises(Refusal, match="earned as much"):
        decide_claim(claimed(ana, commission), "uphold", by=mara, reason="Once more.")


def test_a_claim_goes_along_where_its_ticket_goes_but_never_two_into_one_and_stays_in_the_report(ana, music, sale, mara):
    ticket = claimed(ana, make_commission(sale, amount="10.00"))
    other = claimed(ana, make_commission(make_conversion(music, ana)))
    with pytest.raises(Refusal, match="money of its own"):
        merge_tickets(ticket, other, by=mara)
    with pytest.raises(Refusal, match="stays in the report"):
        change_ticket(ticket, type="question", by=mara)

    into = merge_tickets(ticket, make_ticket(ana, music), by=mara)
    assert (into.type, into.about_commission) == ("claim", ticket.about_commission)
    decide_claim(into, "refuse", by=mara, reason="It is right as it is.")
    with pytest.raises(Refusal, match="decided here since"):
        undo_move(into.moves_in.get(), by=mara)


def test_what_is_said_about_a_payout_is_never_read_by_those_who_do_not_see_the_money(ana, music, mara):
    payout = make_payout(make_batch(music, status="done"), ana, status="paid")
    dispute = raise_claim(ana, by=owner_of(ana), text="9,000 dollars are missing", payout=payout)
    raise_claim(ana, by=owner_of(ana), text="And my link is broken", payout=payout)
    ordinary = make_ticket(ana, music)

    assert split_ticket(dispute.messages.order_by("pk").last(), by=mara).type == "question"
    for one, other in ((dispute, ordinary), (ordinary, dispute)):
        with pytest.raises(Refusal):
            merge_tickets(one, other, by=mara)

    page = text_of(member(ana, "marketing").get(f"/portal/help/{music.slug}/"))
    assert "9,000" not in page and "broken" not in page
    assert "broken" in text_of(member(ana, "finance").get(f"/portal/help/{music.slug}/"))
