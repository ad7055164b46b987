"""Claims and disputes: raised about one commission or payout, decided once, with what the decision does to the money in the same
transaction, explained to the affiliate."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from affiliates.models import Affiliate
from commissions.models import Commission, Decision, ReasonCode
from commissions.services import approve_commissions, award_commission, check_not_corrected, reject_commissions
from core.access import Can, check
from core.components import money_text
from core.events import record
from core.money import plain_amount
from payouts.models import Payout, PayoutStatus
from payouts.services import adjust_payout, fail_payout
from support import events
from support.errors import NotNow, TicketError
from support.models import ClaimDecision, MissingSale, Ticket, TicketStatus, TicketType
from support.services.messages import clean_text, receive, reply
from support.services.missing_sales import Sale, record_missing_sale
from support.services.tickets import lock_ticket, open_ticket, portal_channel
from tracking.models import Conversion

Kind, Outcome = ClaimDecision.Kind, ClaimDecision.Outcome
LONGEST_CLAIM = 10_000


@transaction.atomic
def raise_claim(
    affiliate: Affiliate, *, by: Any, text: str, commission: Commission | None = None, payout: Payout | None = None
) -> Ticket:
    """The affiliate says what is wrong with a commission or payout of theirs. What is said about it again joins what is open."""
    about = commission or payout
    if about is None or (commission is not None and payout is not None) or about.affiliate_id != affiliate.pk:
        raise TicketError(_("Choose what it is about."), code="required")
    text = clean_text(text, ())[:LONGEST_CLAIM]
    Affiliate.objects.select_for_update(no_key=True).get(pk=affiliate.pk)
    named: dict[str, Any] = {"about_commission": commission, "about_payout": payout}
    ticket = Ticket.objects.unresolved().undecided().filter(affiliate=affiliate, **named).first()
    if ticket is None:
        if commission is not None:
            program, type = commission.conversion.program, TicketType.CLAIM
            subject = _("Commission of order %(order)s") % {"order": commission.conversion.external_id}
        else:
            assert payout is not None
            program, type = payout.batch.program, TicketType.DISPUTE
            subject = _("Payout of %(amount)s") % {"amount": money_text(payout.amount, payout.currency)}
        ticket = open_ticket(
            program=program, channel=portal_channel(program), subject=subject, affiliate=affiliate, type=type, by=by
        )
        ticket.about_commission, ticket.about_payout = commission, payout
        ticket.save(update_fields=["about_commission", "about_payout"])
        record(events.CLAIM_RAISED, ticket, about, affiliate, by=by, data={"subject": ticket.subject})
    receive(ticket, text=text, author=by)
    return ticket


@transaction.atomic
def decide_claim(
    ticket: Ticket,
    kind: str,
    *,
    by: Any,
    reason: str,
    amount: Decimal | None = None,
    not_executed: bool = False,
    sale: Sale | None = None,
) -> ClaimDecision:
    """Uphold, correct or refuse, once. `reason` is what the affiliate reads.

    Upheld: an undecided commission is approved, a rejected one is awarded anew, a payout that did not go out is taken out and payable
    again; one that is paid was right, and stands. Corrected: `amount` is what the commission should have earned in all, of the whole
    sale: what refunds take back of it is taken back of the correction in the same proportion; of a payout what is still owed beside
    it, which the next batch pays. Of a sale that never came in, `sale` is recorded, and earns what the rules of its time say.
    One commission or payout is corrected once, whoever disputes it again: the database holds it.
    """
    check(by, Can.ANSWER_TICKETS, ticket.program_id)
    reason = clean_text(reason, ())
    if kind not in Kind.values:
        raise TicketError(_("Uphold, correct or refuse it."), code="invalid_choice", field="kind")
    ticket = lock_ticket(ticket, follow_merge=False)
    if ClaimDecision.objects.filter(ticket=ticket).exists():
        raise NotNow(_("This was decided already. A new claim is a new request."), code="decided")
    about = ticket.about_commission or ticket.about_payout
    missing = about is None and MissingSale.objects.filter(ticket=ticket).exists()
    if about is None and not missing and kind != Kind.REFUSE:
        raise NotNow(_("It is about no commission, payout or order yet: say first which."), code="about_nothing")
    if kind == Kind.CORRECT and amount is None and not missing:
        raise TicketError(_("Say what it should have been."), code="required", field="amount")
    did: str = ""
    gets: Decimal | None = None
    if kind != Kind.REFUSE:
        if missing:
            if sale is None:
                raise TicketError(_("Say which sale is to be recorded."), code="required", field="order")
            about = record_missing_sale(ticket, sale, by=by)
            did, gets = f"commission:{about.pk}", about.net
        elif ticket.about_commission is not None:
            did, gets = _settle_commission(ticket.about_commission, kind, amount, by, ticket)
        else:
            assert ticket.about_payout is not None
            did, gets = _settle_payout(ticket.about_payout, kind, amount, by, reason, not_executed)
    currency = about.currency if about is not None else ""
    decision = ClaimDecision.objects.create(
        ticket=ticket,
        kind=kind,
        reason=reason,
        amount=gets,
        currency=currency if gets is not None else "",
        did=did,
        decided_by=by,
    )
    decision.message = reply(ticket, _explained(decision), by=by, status=TicketStatus.RESOLVED)
    decision.save(update_fields=["message"])
    data = {"decision": str(decision.outcome.label)}
    if gets is not None:
        data |= {"amount": plain_amount(gets, currency), "currency": currency}
    sold = about.conversion if isinstance(about, Commission) else None
    record(events.CLAIM_DECIDED, ticket, about, sold, ticket.affiliate, by=by, data=data, reason=reason)
    return decision


def _settle_commission(commission: Commission, kind: str, amount: Decimal | None, by: Any, ticket: Ticket) -> tuple[str, Decimal]:
    """What was done, and what the affiliate gets by it. Each service locks and checks for itself."""
    Conversion.objects.select_for_update(of=("self",)).get(pk=commission.conversion_id)  # before its commissions, as refunds do
    commission = Commission.objects.select_for_update(of=("self",)).select_related("affiliate").get(pk=commission.pk)
    check_not_corrected(commission)
    if commission.amount and commission.net == 0:
        raise NotNow(_("The customer got all of the money back for this sale: it earns nothing."), code="refunded")
    undecided = commission.decision in (Decision.PENDING, Decision.ON_HOLD)
    earned = commission.amount if commission.decision == Decision.APPROVED else Decimal(0)
    if kind == Kind.UPHOLD:
        if commission.decision == Decision.APPROVED:
            raise NotNow(_("It is approved already. Correct its amount, or refuse the claim."), code="approved")
        if undecided:
            approve_commissions([commission.pk], by=by)
            return f"commission:{commission.pk}", commission.net
        amount = commission.amount
    assert amount is not None
    if earned and amount <= earned:
        raise TicketError(
            _("It has earned as much. What was earned is only taken back by a refund of the sale."),
            code="not_more",
            field="amount" if kind == Kind.CORRECT else None,
        )
    if undecided:
        reject_commissions([commission.pk], by=by, reason_code=ReasonCode.OTHER, note=_("Replaced by its correction."))
    name = _("Correction: %(subject)s") % {"subject": ticket.subject}
    awarded = award_commission(commission, amount - earned, by=by, name=name)
    return f"commission:{awarded.pk}", awarded.net


def _settle_payout(
    payout: Payout, kind: str, amount: Decimal | None, by: Any, reason: str, not_executed: bool
) -> tuple[str, Decimal | None]:
    """What was done, and what the affiliate gets by it: nothing (None) where the payout was right."""
    if kind == Kind.CORRECT:
        assert amount is not None
        adjustment = adjust_payout(payout, amount, by=by, reason=reason)
        return f"adjustment:{adjustment.pk}", adjustment.amount
    payout.refresh_from_db()
    check(by, Can.DECIDE_COMMISSIONS, payout.batch.program_id)
    if payout.status == PayoutStatus.PAID:
        return f"payout:{payout.pk}", None
    if payout.status != PayoutStatus.READY:
        raise NotNow(
            _("This payout was not made: what it named is payable as it is. Refuse the dispute, and say so."), code="state"
        )
    fail_payout(payout, by=by, reason=reason[:300], not_executed=not_executed)
    return f"payout:{payout.pk}", payout.amount


def _explained(decision: ClaimDecision) -> str:
    """What the affiliate reads."""
    gets = money_text(decision.amount, decision.currency) if decision.amount is not None else ""
    if decision.kind == Kind.REFUSE:
        head = _("We looked at it again, and it stays as it is.")
    elif decision.outcome == Outcome.CONFIRMED:
        head = _("We looked at the payout again, and it was right.")
    elif decision.did.startswith("adjustment:"):
        head = _("You are right: %(amount)s more are owed, and come with the next payout.") % {"amount": gets}
    elif decision.did.startswith("payout:"):
        head = _("You are right: %(amount)s was taken out of that payout and is paid with the next one.") % {"amount": gets}
    else:
        head = _("You are right: you get %(amount)s for it.") % {"amount": gets}
    return f"{head}\n\n{decision.reason}"
