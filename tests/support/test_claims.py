"""Claims and disputes: decided once, the money set right in the same transaction, explained, reported."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from commissions.models import Commission
from commissions.services import approve_commissions, reject_commissions
from core.errors import Refusal
from intake.services import record_refund
from payouts.models import Adjustment
from payouts.queries import balances
from payouts.services import approve_batch, compute_batch, mark_batch_paid, prepare_batch, set_payout_method
from payouts.statements import statement_of
from payouts.verification import verify_ledger
from support.models import ClaimDecision, Ticket
from support.services import change_status, change_ticket, merge_tickets, reply, split_ticket, undo_move
from support.services.calls import log_call
from support.services.claims import decide_claim, raise_claim
from tests.factories import earn, make_batch, make_commission, make_conversion, make_payout, make_rule, owner_of
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
    assert "It was yours." in rows[1] and "The affiliate was right" in rows[1]


def test_the_report_takes_as_many_queries_for_many(music, ana, mara, as_person):
    def add():
        commission = make_commission(make_conversion(music, ana), amount="10.00")
        decide_claim(claimed(ana, commission), "refuse", by=mara, reason="No.")

    add()
    assert_same_queries(as_person(mara), "/manage/disputes/", lambda: [add() for _ in range(3)], most=16)


@pytest.mark.parametrize("decision", ["pending", "rejected", "approved"])
def test_one_commission_is_corrected_once_and_what_is_wrong_with_the_correction_is_said_of_that(ana, sale, mara, decision):
    commission = make_commission(sale, amount="10.00", decision="pending" if decision == "approved" else decision)
    if decision == "approved":
        approve_commissions([commission.pk], by=mara)
    made = decide_claim(claimed(ana, commission), "correct", by=mara, reason="25 was agreed.", amount=Decimal("25.00"))
    awarded = Commission.objects.get(corrects=commission)
    assert made.did == f"commission:{awarded.pk}"

    again = claimed(ana, commission)
    for kind, amount in (("uphold", None), ("correct", Decimal("30.00"))):
        with pytest.raises(Refusal, match=f"corrected before, by {awarded.public_id}"):
            decide_claim(again, kind, by=mara, reason="Again.", amount=amount)
    with pytest.raises(IntegrityError, match="commission_corrected_once"), transaction.atomic():
        make_commission(sale, corrects=commission, rule_version=make_rule(sale.program).versions.get())

    more = awarded.amount + 5
    assert decide_claim(claimed(ana, awarded), "correct", by=mara, reason="30.", amount=more).amount == Decimal("5.00")
    assert verify_ledger() == []


@pytest.mark.parametrize("decision", ["pending", "rejected", "approved"])
@pytest.mark.parametrize("order", ["before", "after"])
def test_what_refunds_take_back_is_taken_back_of_a_correction_to_the_cent(ana, sale, mara, decision, order):
    commission = make_commission(sale, amount="10.00")
    if decision == "approved":
        approve_commissions([commission.pk], by=mara)
    elif decision == "rejected":
        reject_commissions([commission.pk], by=mara, reason_code="other")
    ticket = claimed(ana, commission)

    def refund():
        record_refund(sale, external_id="part", amount=Decimal("33.33"), by=mara)

    if order == "before":
        refund()
    made = decide_claim(ticket, "correct", by=mara, reason="25 was agreed.", amount=Decimal("25.00"))
    if order == "after":
        refund()

    awarded = Commission.objects.get(corrects=commission)
    assert awarded.amount == Decimal("15.00" if decision == "approved" else "25.00")
    assert awarded.reversed == (awarded.amount * Decimal("0.3333")).quantize(Decimal("0.01"))
    assert made.amount == (awarded.net if order == "before" else awarded.amount)
    assert verify_ledger() == []


def test_what_the_customer_got_back_whole_earns_nothing_by_any_decision(ana, sale, mara):
    ticket = claimed(ana, make_commission(sale, amount="10.00"))
    record_refund(sale, external_id="whole", amount=Decimal("100.00"), by=mara)
    for kind, amount in (("uphold", None), ("correct", Decimal("30.00"))):
        with pytest.raises(Refusal, match="got all of the money back"):
            decide_claim(ticket, kind, by=mara, reason="x", amount=amount)


def test_what_was_rejected_is_awarded_anew_once(ana, sale, mara):
    commission = make_commission(sale, amount="10.00", decision="rejected")
    decide_claim(claimed(ana, commission), "uphold", by=mara, reason="We were wrong.")

    with pytest.raises(Refusal, match="corrected before"):
        decide_claim(claimed(ana, commission), "uphold", by=mara, reason="Once more.")


@pytest.fixture
def paid(ana, music, mara, felix):
    """A payout that went out: 99.99 by three sales."""
    music.hold_days, music.minimum_payout = 0, 0
    music.save()
    set_payout_method(ana, by=owner_of(ana), type="manual", currency="USD", details={})
    for amount in ("10.00", "60.00", "29.99"):
        earn(music, ana, mara, amount)
    batch = compute_batch(prepare_batch(music, "USD", timezone.now(), by=mara).pk)
    return mark_batch_paid(approve_batch(batch, by=felix), by=felix).payouts.get()


def disputed(ana, payout):
    return raise_claim(ana, by=owner_of(ana), text="It is too little", payout=payout)


def test_what_is_still_owed_of_a_paid_payout_comes_with_the_next_batch_whatever_is_refunded_meanwhile(
    ana, music, mara, felix, paid
):
    ticket = disputed(ana, paid)
    largest = paid.lines.get(amount="60.00").commission
    record_refund(largest.conversion, external_id="meanwhile", amount=Decimal("333.33"), by=mara)  # of 1,000.00: 20.00

    made = decide_claim(ticket, "correct", by=mara, reason="The bank kept a fee.", amount=Decimal("25.55"))

    assert (made.amount, made.currency, made.outcome) == (Decimal("25.55"), "USD", "corrected")
    assert "$25.55 more are owed, and come with the next payout" in ticket.messages.get(direction="out").body_text
    assert balances(ana.pk)[0].payable == Decimal("5.55")
    batch = compute_batch(prepare_batch(music, "USD", timezone.now(), by=mara).pk)
    following = mark_batch_paid(approve_batch(batch, by=felix), by=felix).payouts.get()
    statement = statement_of(following)
    assert (following.amount, statement.adjusted, statement.taken_back) == (Decimal("5.55"), Decimal("25.55"), Decimal("-20.00"))
    assert statement.adjustments[0].earlier == paid
    assert balances(ana.pk)[0].payable == 0 and verify_ledger() == []


def test_two_disputes_of_one_payout_award_once(ana, mara, paid):
    decide_claim(disputed(ana, paid), "correct", by=mara, reason="A fee.", amount=Decimal("5.00"))
    again = disputed(ana, paid)
    with pytest.raises(Refusal, match=r"\$5.00 were added to this payout already"):
        decide_claim(again, "correct", by=mara, reason="A fee.", amount=Decimal("5.00"))
    with pytest.raises(IntegrityError), transaction.atomic():
        Adjustment.objects.create(payout=paid, amount=5, currency="USD", reason="Twice", created_by=mara)
    assert ClaimDecision.objects.count() == 1
    assert decide_claim(again, "refuse", by=mara, reason="It is settled.").outcome == "refused"


def test_a_paid_payout_that_was_right_stands(ana, mara, paid):
    ticket = disputed(ana, paid)
    made = decide_claim(ticket, "uphold", by=mara, reason="The bank says it arrived.")
    paid.refresh_from_db()
    assert (made.outcome, made.amount, paid.status) == ("confirmed", None, "paid")
    assert "it was right" in ticket.messages.get(direction="out").body_text


@pytest.mark.parametrize(("amount", "match"), [("0", "above zero"), ("0.001", "more decimals"), ("NaN", "above zero")])
def test_what_is_no_amount_of_the_currency_is_not_owed(ana, mara, paid, amount, match):
    with pytest.raises(Refusal, match=match):
        decide_claim(disputed(ana, paid), "correct", by=mara, reason="x", amount=Decimal(amount))


def test_a_payout_in_another_currency_is_corrected_in_that_one(ana, music, mara):
    payout = make_payout(make_batch(music, status="done", currency="JPY"), ana, "5000", status="paid")
    ticket = disputed(ana, payout)
    with pytest.raises(Refusal, match="more decimals"):
        decide_claim(ticket, "correct", by=mara, reason="x", amount=Decimal("10.50"))
    decide_claim(ticket, "correct", by=mara, reason="A fee.", amount=Decimal("500"))
    assert {b.currency: b.payable for b in balances(ana.pk)}["JPY"] == 500


@pytest.mark.parametrize("status", ["failed", "cancelled", "skipped"])
def test_a_payout_that_was_not_made_is_not_corrected(ana, music, mara, status):
    ticket = disputed(ana, make_payout(make_batch(music), ana, status=status))
    for kind, amount in (("correct", Decimal(5)), ("uphold", None)):
        with pytest.raises(Refusal, match="not made"):
            decide_claim(ticket, kind, by=mara, reason="x", amount=amount)


def test_a_claim_goes_into_no_other_ticket_and_stays_in_the_report(ana, music, sale, mara):
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


def test_only_a_decision_ends_it_and_it_waits_for_nobody_without_an_end(ana, music, sale, mara):
    ticket = claimed(ana, make_commission(sale, amount="10.00"))
    with pytest.raises(Refusal, match="ends with the decision"):
        change_status(ticket, "resolved", by=mara)
    for _time in range(2):
        reply(ticket, "We look into it", by=mara)
        ticket.refresh_from_db()
        assert ticket.status == "pending" and ticket.status_until > timezone.now() + timedelta(days=2)
    call = log_call(
        music, by=mara, kind="incoming", started_at=timezone.now(), affiliate=ana, said="Done?", answered="Yes", solved=True
    )
    assert (call.ticket, call.ticket.status) == (ticket, "pending")

    decide_claim(ticket, "refuse", by=mara, reason="No.")
    ticket.refresh_from_db()
    assert (ticket.status, ticket.status_until) == ("resolved", None)
