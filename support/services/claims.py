"""Claims and disputes: raised about one commission or payout, decided once, with what the decision does to the money in the same
transaction, explained to the affiliate."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from affiliates.models import Affiliate
from commissions.models import Commission, Decision, ReasonCode
from commissions.services import approve_commissions, award_commission, reject_commissions
from core.access import Can, check
from core.components import money_text
from core.events import record
from core.money import plain_amount
from payouts.models import Payout, PayoutStatus
from payouts.services import fail_payout
from support import events
from support.errors import NotNow, TicketError
from support.models import ClaimDecision, Ticket, TicketStatus, TicketType
from support.services.messages import clean_text, receive, reply
from support.services.tickets import lock_ticket, open_ticket, portal_channel

Kind = ClaimDecision.Kind
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
    ticket = Ticket.objects.unresolved().filter(affiliate=affiliate, **named).first()
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
    ticket: Ticket, kind: str, *, by: Any, reason: str, amount: Decimal | None = None, not_executed: bool = False
) -> ClaimDecision:
    """Uphold, correct or refuse, once. `reason` is what the affiliate reads.

    Upheld: an undecided commission is approved, a rejected one is awarded anew, a payout that did not go out is taken out and payable
    again. Corrected: `amount` is what the commission should have earned in all (of a payout: what is still owed beside it).
    """
    check(by, Can.ANSWER_TICKETS, ticket.program_id)
    reason = clean_text(reason, ())
    if kind not in Kind.values:
        raise TicketError(_("Uphold, correct or refuse it."), code="invalid_choice", field="kind")
    if kind == Kind.CORRECT and amount is None:
        raise TicketError(_("Say what it should have been."), code="required", field="amount")
    ticket = lock_ticket(ticket, follow_merge=False)
    if ClaimDecision.objects.filter(ticket=ticket).exists():
        raise NotNow(_("This was decided already. A new claim is a new request."), code="decided")
    about = ticket.about_commission or ticket.about_payout
    if about is None:
        raise NotNow(_("It is about no commission and no payout yet: say first which."), code="about_nothing")
    did, gets = "", None
    if kind != Kind.REFUSE:
        if ticket.about_commission is not None:
            did, gets = _settle_commission(ticket.about_commission, kind, amount, by, ticket)
        else:
            assert ticket.about_payout is not None
            did, gets = _settle_payout(ticket.about_payout, kind, amount, by, ticket, reason, not_executed)
    currency = about.currency
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
    data = {"decision": str(Kind(kind).label)}
    if gets is not None:
        data |= {"amount": plain_amount(gets, currency), "currency": currency}
    record(events.CLAIM_DECIDED, ticket, about, ticket.affiliate, by=by, data=data, reason=reason)
    return decision


def _settle_commission(commission: Commission, kind: str, amount: Decimal | None, by: Any, ticket: Ticket) -> tuple[str, Decimal]:
    """What was done, and what the affiliate gets by it. Each service locks and checks for itself."""
    commission = Commission.objects.select_for_update(of=("self",)).select_related("affiliate").get(pk=commission.pk)
    name = _("Correction: %(subject)s") % {"subject": ticket.subject}
    undecided = commission.decision in (Decision.PENDING, Decision.ON_HOLD)
    earned = _earned(commission)
    if kind == Kind.UPHOLD:
        if commission.decision == Decision.APPROVED:
            raise NotNow(_("It is approved already. Correct its amount, or refuse the claim."), code="approved")
        if undecided:
            approve_commissions([commission.pk], by=by)
            return f"commission:{commission.pk}", commission.amount
        amount = commission.amount
    assert amount is not None
    if earned and amount <= earned:
        raise TicketError(
            _("It has earned as much. What was earned is only taken back by a refund of the sale."),
            code="not_more",
            field="amount" if kind == Kind.CORRECT else None,
        )
    amount -= earned
    if undecided:
        reject_commissions([commission.pk], by=by, reason_code=ReasonCode.OTHER, note=_("Replaced by its correction."))
    awarded = award_commission(commission, amount, by=by, name=name)
    return f"commission:{awarded.pk}", amount


def _earned(commission: Commission) -> Decimal:
    """What the locked commission has earned already: by itself, and by what earlier decisions awarded for it, or for that."""
    whole, found = {commission.pk}, {commission.pk}
    while found:
        decisions = ClaimDecision.objects.filter(ticket__about_commission__in=found, did__startswith="commission:")
        found = {int(did.partition(":")[2]) for did in decisions.values_list("did", flat=True)} - whole
        whole |= found
    approved = Commission.objects.filter(pk__in=whole, decision=Decision.APPROVED)
    return sum(approved.values_list("amount", flat=True), Decimal(0))


def _settle_payout(
    payout: Payout, kind: str, amount: Decimal | None, by: Any, ticket: Ticket, reason: str, not_executed: bool
) -> tuple[str, Decimal]:
    if kind == Kind.UPHOLD:
        if payout.status != PayoutStatus.READY:
            raise NotNow(
                _("This payout is %(status)s: it cannot be taken out. Correct it by what is still owed, or refuse the dispute.")
                % {"status": str(payout.told_status).lower()},
                code="state",
            )
        fail_payout(payout, by=by, reason=reason[:300], not_executed=not_executed)
        return f"payout:{payout.pk}", payout.amount
    assert amount is not None
    line = payout.lines.filter(commission__isnull=False).select_related("commission").order_by("-amount").first()
    if line is None or line.commission is None:
        raise NotNow(_("This payout holds no commission that a correction could stand on."), code="no_line")
    awarded = award_commission(line.commission, amount, by=by, name=_("Correction: %(subject)s") % {"subject": ticket.subject})
    return f"commission:{awarded.pk}", amount


def _explained(decision: ClaimDecision) -> str:
    """What the affiliate reads."""
    gets = money_text(decision.amount, decision.currency) if decision.amount is not None else ""
    if decision.kind == Kind.REFUSE:
        head = _("We looked at it again, and it stays as it is.")
    elif decision.did.startswith("payout:"):
        head = _("You are right: %(amount)s was taken out of that payout and is paid with the next one.") % {"amount": gets}
    else:
        head = _("You are right: you get %(amount)s for it.") % {"amount": gets}
    return f"{head}\n\n{decision.reason}"
