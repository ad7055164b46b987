"""Payout batches on their pages: what would be paid, the batch, its approval by a second person, and the money's way out."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from commissions.models import Commission
from commissions.services import approve_commissions
from intake.services import record_refund
from payouts.models import Payout, PayoutBatch, PayoutMethod
from payouts.previews import Outcome, preview_batch
from payouts.prospects import prospects
from payouts.services import approve_batch, compute_batch, prepare_batch, set_payout_method
from tests.factories import (
    event_names,
    make_affiliate,
    make_batch,
    make_commission,
    make_conversion,
    make_enrollment,
    make_payout,
    make_user,
    owner_of,
)

pytestmark = pytest.mark.django_db
LIST = "/manage/payouts/"


def told(response) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def shown(response) -> list:
    return [row.object for row in response.context["listing"].rows]


def earn(program, affiliate, amount, by) -> Commission:
    """An approved commission, payable since a month."""
    sold = timezone.now() - timedelta(days=60)
    commission = make_commission(make_conversion(program, affiliate, "1000.00", occurred_at=sold), amount=amount)
    approve_commissions([commission.pk], by=by, at=sold + timedelta(days=1))
    return commission


def paypal(affiliate) -> None:
    details = {"email": affiliate.email}
    set_payout_method(affiliate, by=owner_of(affiliate), type="paypal", currency="USD", details=details)


@pytest.fixture
def owed(music, mara, ana, bao, citra, dmitri):
    """Ana can be paid; Bao is below the minimum of 20.00; Citra has no method; Dmitri's refund took back more than he earned."""
    for affiliate in (ana, bao, dmitri):
        paypal(affiliate)
    earn(music, ana, "60.00", mara)
    earn(music, ana, "15.00", mara)
    earn(music, bao, "12.50", mara)
    earn(music, citra, "99.00", mara)
    paid_before = earn(music, dmitri, "30.00", mara)
    payout = make_payout(make_batch(music, status="done"), dmitri, "30.00", "paid")
    payout.lines.create(commission=paid_before, amount=paid_before.amount)
    record_refund(paid_before.conversion, external_id="r1", amount=Decimal("500.00"), by=mara)


def prepare(as_person, person, **fields) -> PayoutBatch:
    answer = as_person(person).post(
        f"{LIST}new/", {"program": "music", "cutoff": f"{timezone.localtime():%Y-%m-%dT%H:%M:59}", **fields}
    )
    assert answer.status_code == 302, answer.context["form"].errors
    batch = PayoutBatch.objects.get(pk=PayoutBatch.pk_from(answer.url.strip("/").rsplit("/", 1)[1]))
    return compute_batch(batch.pk)  # as the worker does once the request's transaction is committed


# Preparing


def test_what_would_be_paid_is_shown_before_anything_is_made(as_person, mara, owed):
    page = as_person(mara).get(f"{LIST}new/")
    text = page.content.decode()

    assert page.context["preview"].ready == Outcome("", 1, Decimal("75.00"))
    assert "$75.00" in text and "to 1 affiliate of Music" in text
    assert "Below the program&#x27;s minimum" in text or "Below the program's minimum" in text
    assert not PayoutBatch.objects.filter(status="draft").exists()


def test_the_preview_is_what_the_batch_comes_to(as_person, mara, music, owed):
    foreseen = preview_batch(music, "USD", timezone.now())

    batch = prepare(as_person, mara)

    found = {}
    for payout in batch.payouts.all():
        number, amount = found.get((payout.exceptions or [""])[0], (0, Decimal(0)))
        found[(payout.exceptions or [""])[0]] = (number + 1, amount + payout.amount)
    assert {outcome.exception: (outcome.affiliates, outcome.amount) for outcome in [foreseen.ready, *foreseen.left]} == found
    assert set(found) == {"", "below_minimum", "no_method", "not_positive"}
    assert preview_batch(music, "USD", timezone.now()).ready.affiliates == 0  # what it holds is not payable twice


def test_what_became_payable_this_very_minute_is_in_the_first_count(as_person, mara, music, ana):
    music.hold_days, music.minimum_payout = 0, 0
    music.save()
    paypal(ana)
    approve_commissions([make_commission(make_conversion(music, ana)).pk], by=mara)

    assert as_person(mara).get(f"{LIST}new/").context["preview"].ready == Outcome("", 1, Decimal("10.00"))


def test_an_earlier_time_and_another_currency_hold_less(as_person, mara, owed):
    browser = as_person(mara)
    before = f"{timezone.localtime() - timedelta(days=40):%Y-%m-%dT%H:%M}"

    assert browser.get(f"{LIST}new/", {"program": "music", "cutoff": before}).context["preview"].empty
    page = browser.get(f"{LIST}new/", {"program": "music", "currency": "eur", "cutoff": f"{timezone.localtime():%Y-%m-%dT%H:%M}"})
    assert page.context["currency"] == "EUR" and page.context["preview"].empty
    assert "Nothing is payable in Music" in page.content.decode()


@pytest.mark.parametrize(
    ("field", "value"), [("program", "books"), ("program", "nothing"), ("currency", "XQ"), ("cutoff", "soon"), ("cutoff", "")]
)
def test_a_form_that_cannot_stand_makes_nothing(as_person, mara, books, owed, field, value):
    made = PayoutBatch.objects.count()
    fields = {"program": "music", "cutoff": f"{timezone.localtime():%Y-%m-%dT%H:%M}"} | {field: value}

    page = as_person(mara).post(f"{LIST}new/", fields)

    assert page.status_code == 200 and page.context["form"].errors
    assert PayoutBatch.objects.count() == made


def test_a_batch_is_computed_and_shows_who_is_paid_and_why_others_are_not(as_person, mara, ana, owed):
    batch = prepare(as_person, mara)
    page = as_person(mara).get(f"{LIST}{batch.public_id}/")
    text = page.content.decode()

    assert [payout.status for payout in shown(page)] == ["skipped", "ready", "skipped", "skipped"]  # by amount, the highest first
    assert "$75.00" in text and "Left for later" in text
    assert "$12.50 of at least $20.00" in text
    assert "No payout method in this currency" in text and "Refunds took back more than was earned" in text
    assert "Batch prepared" in text and "Computed: 4 affiliates" in text
    ready = as_person(mara).get(f"{LIST}{batch.public_id}/", {"status": "ready"})
    assert [payout.affiliate for payout in shown(ready)] == [ana]
    missing = as_person(mara).get(f"{LIST}{batch.public_id}/", {"exception": "no_method"})
    assert [payout.affiliate.name for payout in shown(missing)] == ["Citra"]


def test_a_computing_batch_shows_how_far_it_is_and_asks_again(as_person, mara, music):
    batch = make_batch(music, by=mara, status="computing", affiliates_total=340, affiliates_done=120)
    text = as_person(mara).get(f"{LIST}{batch.public_id}/").content.decode()

    assert "120 of 340 affiliates" in text and 'value="120"' in text
    assert 'hx-trigger="every 1s"' in text and 'http-equiv="refresh"' in text
    assert "Nothing has moved" not in text

    PayoutBatch.objects.filter(pk=batch.pk).update(progress_at=timezone.now() - timedelta(minutes=2))
    assert "Nothing has moved for a while" in as_person(mara).get(f"{LIST}{batch.public_id}/").content.decode()

    PayoutBatch.objects.filter(pk=batch.pk).update(status="draft")
    assert 'hx-trigger="every' not in as_person(mara).get(f"{LIST}{batch.public_id}/").content.decode()


# Approving and paying


def test_who_made_a_batch_is_offered_no_approval_and_refused_one(as_person, felix, owed):
    batch = prepare(as_person, felix)
    address = f"{LIST}{batch.public_id}/"
    browser = as_person(felix)

    text = browser.get(address).content.decode()
    assert f"{address}approve/" not in text and "another person approves it" in text
    answer = browser.post(f"{address}approve/")
    assert "you made this batch yourself" in told(answer)[0]
    batch.refresh_from_db()
    assert batch.status == "draft"


def test_a_second_person_approves_downloads_the_file_and_marks_it_as_paid(as_person, mara, felix, ana, owed):
    batch = prepare(as_person, mara)
    address, browser = f"{LIST}{batch.public_id}/", as_person(felix)
    text = browser.get(address).content.decode()
    assert "Approve $75.00 to 1 affiliate of Music?" in text
    assert "payments.csv" not in text
    assert browser.get(f"{address}payments.csv").url == address  # there is none before the approval

    browser.post(f"{address}approve/")
    text = browser.get(address).content.decode()
    assert "Start the payment of $75.00 to 1 affiliate?" in text and "payments.csv" not in text
    browser.post(f"{address}start/")
    assert f'href="{address}payments.csv"' in browser.get(address).content.decode()
    file = browser.get(f"{address}payments.csv")
    lines = b"".join(file.streaming_content).decode("utf-8-sig").splitlines()
    assert file["Content-Disposition"] == f'attachment; filename="payments-{batch.public_id}.csv"'
    assert len(lines) == 2 and "ana@tributary.example" in lines[1] and ",75.00,USD," in lines[1]

    tomorrow = f"{timezone.localtime() + timedelta(days=1):%Y-%m-%dT%H:%M}"
    assert "future" in told(browser.post(f"{address}paid/", {"paid_at": tomorrow}))[-1]
    assert told(browser.post(f"{address}paid/", {"paid_at": ""}))[-1] == "This field is required."
    browser.post(f"{address}paid/", {"paid_at": f"{timezone.localtime():%Y-%m-%dT%H:%M}", "reference": "SEPA 2026-11"})

    batch.refresh_from_db()
    assert (batch.status, batch.approved_by, batch.reference) == ("done", felix, "SEPA 2026-11")
    assert Payout.objects.get(batch=batch, affiliate=ana).status == "paid"
    text = browser.get(address).content.decode()
    assert "Paid, reference SEPA 2026-11" in text and "Cancel the batch" not in text


def test_approving_twice_says_that_somebody_was_here_before(as_person, mara, felix, hana, owed):
    batch = prepare(as_person, mara)
    as_person(felix).post(f"{LIST}{batch.public_id}/approve/")

    answer = as_person(hana).post(f"{LIST}{batch.public_id}/approve/")

    assert "somebody was here before" in told(answer)[0]
    assert event_names(batch).count("batch.approved") == 1


def test_managers_cancel_a_draft_and_only_approvers_an_approved_one(as_person, mara, felix, owed):
    batch = prepare(as_person, mara)
    address = f"{LIST}{batch.public_id}/"
    approve_batch(batch, by=felix)
    assert f"{address}cancel/" not in as_person(mara).get(address).content.decode()
    as_person(mara).post(f"{address}cancel/")
    batch.refresh_from_db()
    assert batch.status == "approved"

    assert "Nobody is paid with it" in as_person(felix).get(address).content.decode()
    as_person(felix).post(f"{address}cancel/")
    batch.refresh_from_db()
    assert batch.status == "cancelled"
    assert "Would have been paid" in as_person(felix).get(address).content.decode()


def test_payouts_are_left_out_with_a_reason_all_or_none(as_person, mara, music, ana, owed, ella):
    paypal(ella)
    ella.enrollments.update(status="approved")
    earn(music, ella, "44.00", mara)
    batch = prepare(as_person, mara)
    address, browser = f"{LIST}{batch.public_id}/", as_person(mara)
    ready = {payout.affiliate.name: payout for payout in batch.payouts.filter(status="ready").select_related("affiliate")}
    assert set(ready) == {"Ana", "Ella"}

    answer = browser.post(f"{address}leave-out/", {"selected": [ready["Ana"].pk], "reason": ""})
    assert "the affiliate will ask" in told(answer)[-1]
    answer = browser.post(
        f"{address}leave-out/", {"all_matching": "1", "matching": "", "matching_count": "5", "reason": "Bank holiday"}
    )
    assert told(answer)[-1] == "2 payouts are left out."
    assert set(batch.payouts.exclude(status="skipped").values_list("status", "reason")) == {("failed", "Bank holiday")}
    text = browser.get(address).content.decode()
    assert "Nobody can be paid with this batch" in text
    assert "Ana left out of the batch" in text and "Ella left out of the batch" in text
    skipped = batch.payouts.filter(status="skipped").first()
    answer = browser.post(f"{address}leave-out/", {"selected": [skipped.pk], "reason": "Bank holiday"})
    assert "None of the chosen payouts" in told(answer)[-1]


def test_a_method_that_was_changed_since_is_shown_and_holds_up_the_approval(as_person, mara, felix, ana, owed):
    batch = prepare(as_person, mara)
    set_payout_method(ana, by=owner_of(ana), type="paypal", currency="USD", details={"email": "new@tributary.example"})
    browser = as_person(felix)

    assert "method was changed since" in browser.get(f"{LIST}{batch.public_id}/").content.decode()
    assert "Ana" in told(browser.post(f"{LIST}{batch.public_id}/approve/"))[0]
    batch.refresh_from_db()
    assert batch.status == "draft"


# One payout


def test_a_payouts_page_lists_its_lines(as_person, mara, music, ana, owed):
    earned = Commission.objects.get(affiliate=ana, amount="60.00")
    record_refund(earned.conversion, external_id="return-3", amount=Decimal("100.00"), by=mara)
    batch = prepare(as_person, mara)
    payout = batch.payouts.get(affiliate=ana)
    browser, address = as_person(mara), f"{LIST}statements/{payout.public_id}/"

    page = browser.get(address)
    text = page.content.decode()
    assert [line.amount for line in shown(page)] == [Decimal("60"), Decimal("15"), Decimal("-6")]
    assert "$69.00" in text and "Refund return-3" in text and f"/manage/commissions/{earned.public_id}/" in text
    assert len(shown(browser.get(address, {"kind": "refund"}))) == 1

    browser.post(f"{address}leave-out/", {"reason": "She asked us to wait"})
    payout.refresh_from_db()
    assert (payout.status, payout.reason) == ("failed", "She asked us to wait")
    text = browser.get(address).content.decode()
    assert "She asked us to wait" in text and "Batch prepared" in text


# Who may, and how fast


def test_another_programs_payouts_are_not_there(as_person, nils, mara, owed):
    batch = prepare(as_person, mara)
    payout = batch.payouts.first()
    browser = as_person(nils)

    assert shown(browser.get(LIST)) == []
    for address in (f"{LIST}{batch.public_id}/", f"{LIST}statements/{payout.public_id}/", f"{LIST}bat_x/"):
        assert browser.get(address).status_code == 404
    for action in ("cancel/", "recompute/", "leave-out/"):
        assert browser.post(f"{LIST}{batch.public_id}/{action}", {"reason": "x"}).status_code == 404
    assert browser.post(f"{LIST}statements/{payout.public_id}/leave-out/", {"reason": "x"}).status_code == 404


@pytest.mark.parametrize(
    ("role", "sees", "prepares", "approves"),
    [("mara", True, True, False), ("felix", True, True, True), ("sofia", True, False, False), ("jun", False, False, False)],
)
def test_roles_see_prepare_and_approve(request, as_person, music, hana, ana, role, sees, prepares, approves):
    paypal(ana)
    earn(music, ana, "60.00", hana)
    batch = compute_batch(prepare_batch(music, "USD", timezone.now(), by=hana).pk)
    address, browser = f"{LIST}{batch.public_id}/", as_person(request.getfixturevalue(role))

    assert browser.get(LIST).status_code == browser.get(address).status_code == (200 if sees else 403)
    assert browser.get(f"{LIST}new/").status_code == (200 if prepares else 403)
    assert ("Prepare a payout" in browser.get(LIST).content.decode()) == prepares
    assert (f"{address}approve/" in browser.get(address).content.decode()) == approves
    for action in ("approve/", "start/", "paid/"):
        assert (browser.post(f"{address}{action}").status_code == 403) == (not approves)
    assert (browser.get(f"{address}payments.csv").status_code == 403) == (not approves)
    for action in ("recompute/", "cancel/"):
        assert (browser.post(f"{address}{action}").status_code == 403) == (not prepares)


def test_pages_take_as_many_queries_at_one_row_as_at_a_hundred(as_person, hana, mara, felix, music, books):
    browser = as_person(hana)

    def counts() -> list[int]:
        found = []
        batch = PayoutBatch.objects.order_by("pk").first()
        payout = batch.payouts.order_by("pk").first()
        for address in (LIST, f"{LIST}{batch.public_id}/", f"{LIST}statements/{payout.public_id}/"):
            browser.get(address)
            with CaptureQueriesContext(connection) as queries:
                assert browser.get(address).status_code == 200
            found.append(len(queries))
        return found

    batch = make_batch(music, by=mara)
    payout = make_payout(batch)
    payout.lines.create(commission=make_commission(make_conversion(music)), amount=10)
    one = counts()
    for number in range(60):
        make_batch(music if number % 2 else books, by=make_user(), approved_by=make_user(), status="done")
        affiliate = make_affiliate()
        make_enrollment(affiliate, music)
        method = PayoutMethod.objects.create(
            affiliate=affiliate, type="manual", currency="USD", details=b"", usable_from=timezone.now()
        )
        make_payout(batch, affiliate, status="skipped", method=method, exceptions=["below_minimum"])
        payout.lines.create(commission=make_commission(make_conversion(music)), amount=10)
    many = counts()
    assert one == many
    assert max(many) <= 12


# Whom the program does not pay


def test_a_suspended_affiliates_money_is_left_and_a_terminated_ones_settled(as_person, mara, felix, music, ana, owed, ella, bao):
    paypal(ella)
    earn(music, ella, "44.00", mara)
    ana.enrollments.update(status="suspended")
    ella.enrollments.update(status="terminated")
    foreseen = preview_batch(music, "USD", timezone.now())
    assert foreseen.ready == Outcome("", 1, Decimal("44.00"))
    assert Outcome("not_approved", 1, Decimal("75.00")) in foreseen.left

    batch = prepare(as_person, mara)

    assert [(payout.affiliate, payout.exceptions) for payout in batch.payouts.filter(status="ready")] == [(ella, [])]
    left = batch.payouts.get(affiliate=ana)
    assert (left.status, left.exceptions, left.lines.count()) == ("skipped", ["not_approved"], 0)
    assert "suspended or not approved" in as_person(mara).get(f"{LIST}{batch.public_id}/").content.decode()
    music.refresh_from_db()
    [prospect] = prospects(ana.pk, [music], [])
    assert prospect.barred and not prospect.due
    assert prospects(bao.pk, [music], [])[0].barred is False


def test_who_is_suspended_after_the_computation_holds_up_the_approval(as_person, mara, felix, ana, owed):
    batch = prepare(as_person, mara)
    ana.enrollments.update(status="suspended")

    assert "Ana (The affiliate is suspended" in told(as_person(felix).post(f"{LIST}{batch.public_id}/approve/"))[0]
    batch.refresh_from_db()
    assert batch.status == "draft"
