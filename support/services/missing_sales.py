"""Claims for sales that never came in: told by the affiliate, and, decided in their favour, recorded through intake like any
other order, so that the rules of that time say what they earn."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from affiliates.models import Affiliate
from commissions.models import Commission
from commissions.queries import explain_unpriced
from commissions.services import approve_commissions
from core.access import Can, check
from core.events import record
from core.money import check_currency, round_money
from intake.services import Rejected, credit_claimed_conversion, record_conversions
from payouts.models import Payout
from programs.models import Program
from support import events
from support.errors import NotNow, TicketError
from support.models import ClaimDecision, MissingSale, Ticket, TicketType
from support.services.messages import clean_text, receive
from support.services.tasks import put_task
from support.services.tickets import awaits_decision, lock_ticket, open_ticket, portal_channel
from tracking.attribution import explain_attribution
from tracking.conversions import ConversionInput
from tracking.models import Conversion


@dataclass(frozen=True)
class Sale:
    """A sale as it is told. `order` is the shop's own number, by which it is recorded once; `amount` is in `currency`."""

    order: str
    occurred_at: datetime
    amount: Decimal | None = None
    currency: str = ""
    event: str = "sale"
    click_id: str = ""
    coupon: str = ""


@transaction.atomic
def raise_missing_sale(affiliate: Affiliate, program: Program, sale: Sale, *, by: Any, text: str) -> Ticket:
    """The affiliate says that a sale of theirs is missing. Said again of the same order it joins what is open; where the order has
    come in meanwhile and earned them something, it is a claim about that commission."""
    from support.services.claims import LONGEST_CLAIM, raise_claim

    if not affiliate.enrollments.filter(program=program).exists():
        raise NotNow(_("You are not in this program."), code="not_enrolled")
    known = _earned_by(affiliate, program, sale.order)
    if known is not None:
        return raise_claim(affiliate, by=by, text=text, commission=known)
    text = clean_text(text, ())[:LONGEST_CLAIM]
    Affiliate.objects.select_for_update(no_key=True).get(pk=affiliate.pk)
    waiting = Ticket.objects.unresolved().undecided().filter(affiliate=affiliate, program=program)
    ticket = waiting.filter(missing_sale__order=sale.order).first()
    if ticket is None:
        ticket = open_ticket(
            program=program,
            channel=portal_channel(program),
            subject=_("Missing sale: order %(order)s") % {"order": sale.order},
            affiliate=affiliate,
            type=TicketType.CLAIM,
            by=by,
        )
        _keep(ticket, sale)
        record(events.CLAIM_RAISED, ticket, affiliate, by=by, data={"subject": ticket.subject})
    receive(ticket, text=text, author=by)
    return ticket


def _earned_by(affiliate: Affiliate, program: Program, order: str) -> Commission | None:
    rows = Commission.objects.filter(affiliate=affiliate, conversion__program=program, conversion__external_id=order)
    return rows.select_related("conversion__program").order_by("pk").first()


def _keep(ticket: Ticket, sale: Sale) -> MissingSale:
    return MissingSale.objects.create(
        ticket=ticket,
        order=sale.order,
        event=sale.event,
        occurred_at=sale.occurred_at,
        amount=sale.amount,
        currency=sale.currency,
        click_id=sale.click_id,
        coupon=sale.coupon,
    )


@transaction.atomic
def say_what_it_is_about(ticket: Ticket, text: str, *, by: Any) -> Ticket:
    """A claim or dispute that came in a message is tied to what it is about: a commission or payout by its id, or an order by its
    number, which may be missing."""
    check(by, Can.ANSWER_TICKETS, ticket.program_id)
    ticket = lock_ticket(ticket, follow_merge=False)
    text = text.strip()
    if ticket.affiliate is None or ticket.type not in (TicketType.CLAIM, TicketType.DISPUTE) or not awaits_decision(ticket):
        raise NotNow(_("Only an affiliate’s claim or dispute that is not decided is about something."), code="type")
    if ticket.about_commission_id or ticket.about_payout_id:
        raise NotNow(_("It says already what it is about."), code="about")
    about: Commission | Payout | MissingSale | None = None
    if (pk := Payout.pk_from(text)) is not None:
        about = Payout.objects.filter(pk=pk, affiliate=ticket.affiliate, batch__program=ticket.program).first()
        ticket.about_payout = about
    elif (pk := Commission.pk_from(text)) is not None:
        about = Commission.objects.filter(pk=pk, affiliate=ticket.affiliate, conversion__program=ticket.program).first()
        ticket.about_commission = about
    elif text and ticket.type == TicketType.CLAIM:
        MissingSale.objects.filter(ticket=ticket).delete()
        about = ticket.about_commission = _earned_by(ticket.affiliate, ticket.program, text)
        about = about or _keep(ticket, Sale(text[:200], ticket.created_at, currency=ticket.program.currency))
    if about is None:
        raise TicketError(_("They have no such commission or payout in this program."), code="unknown", field="about")
    ticket.save(update_fields=["about_commission", "about_payout"])
    return ticket


def record_missing_sale(ticket: Ticket, sale: Sale, *, by: Any) -> Commission:
    """Record the locked ticket's sale and approve what it earns by the rules of its time; returns that commission.

    It is credited by what came with it (a click, a coupon), else by this decision, which the conversion names. An order that came in
    and was credited to nobody is credited by the decision, as it came. NotNow, and nothing is done, where it is somebody's already,
    where the evidence names somebody else, or where it earns nothing.
    """
    affiliate, program = ticket.affiliate, ticket.program
    assert affiliate is not None  # a claim is an affiliate's
    check(by, Can.DECIDE_COMMISSIONS, program.pk)
    known = (
        Conversion.objects.filter(program=program, external_id=sale.order, event=sale.event).select_related("affiliate").first()
    )
    if known is None:
        known = _record(ticket, sale, by)
    elif known.affiliate is not None:
        told = {"order": sale.order, "id": known.public_id, "who": known.affiliate}
        raise NotNow(
            _("Order %(order)s is recorded already, as %(id)s, credited to %(who)s: it is not recorded twice.") % told,
            code="recorded",
        )
    else:
        credit_claimed_conversion(known, affiliate, claim=ticket.public_id, by=by)
    conversion = Conversion.objects.select_related("program", "affiliate").get(pk=known.pk)
    if conversion.affiliate_id != affiliate.pk:
        why = explain_attribution(conversion.reason, conversion.given.get("tried", []))
        told = {"who": conversion.affiliate or _("nobody"), "why": why}
        raise NotNow(_("By this it would be credited to %(who)s: %(why)s") % told, code="credited_otherwise")
    commission = conversion.commissions.filter(affiliate=affiliate).first()
    if commission is None:
        why = explain_unpriced(conversion) if conversion.unpriced else _("No rule of that time pays anything for it.")
        raise NotNow(_("It would earn nothing. %(why)s") % {"why": why}, code="earns_nothing")
    approve_commissions([commission.pk], by=by)
    ticket.about_commission = commission
    ticket.save(update_fields=["about_commission"])
    return commission


def _record(ticket: Ticket, sale: Sale, by: Any) -> Conversion:
    if sale.amount is None or sale.amount != round_money(sale.amount, check_currency(sale.currency)):
        raise TicketError(_("Give the amount of the sale, in its currency."), code="invalid", field="sold")
    assert ticket.affiliate is not None
    row = ConversionInput(
        sale.event,
        sale.order,
        sale.occurred_at,
        sale.amount,
        sale.currency,
        click_id=sale.click_id,
        coupon=sale.coupon,
        affiliate=ticket.affiliate.public_id,
        claim=ticket.public_id,
    )
    (answer,) = record_conversions(ticket.program, [row], by=by)
    if isinstance(answer, Rejected):
        raise answer.refusal
    if not answer.created:
        raise NotNow(_("The order came in at this moment. Look again."), code="recorded")
    return Conversion.objects.get(pk=answer.id)


@transaction.atomic
def look_again(told: dict[str, Any]) -> None:
    """The shop tells an order that a claim has recorded with another amount: what was decided stands, and whoever decided has a
    day to look at it; once, however often it is told. `told`: of tracking.events.CONVERSION_TOLD_OTHERWISE."""
    decision = ClaimDecision.objects.filter(ticket=Ticket.pk_from(told["claim"])).select_related("ticket", "decided_by").first()
    if decision is None:
        return
    ticket = lock_ticket(decision.ticket)
    title = _(
        "Order %(external_id)s: the shop tells %(told)s %(told_currency)s, the claim was decided with %(amount)s %(currency)s."
    )
    title = (title % told)[:300]
    if not ticket.tasks.filter(title=title).exists():
        put_task(ticket, title, owner=decision.decided_by, due_at=timezone.now() + timedelta(days=1))


def claimed_sale(ticket: Ticket) -> Sale | None:
    """What the affiliate told of it, to begin with."""
    missing = MissingSale.objects.filter(ticket=ticket).first()
    if missing is None:
        return None
    return Sale(
        missing.order,
        missing.occurred_at,
        missing.amount,
        missing.currency,
        missing.event,
        missing.click_id,
        missing.coupon,
    )
