"""Requests for better terms: the manager grants up to a limit and for a time, the head above it; granted, it is a dated rule."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from affiliates.models import Affiliate
from commissions.models import CommissionRule, RuleType
from commissions.rates import rate_text
from commissions.services import archive_rule, create_rule
from core.access import Can, check, rights_of
from core.components import day_text
from core.events import record
from programs.models import Offer, Program
from support import events
from support.errors import NotNow, TicketError
from support.models import TermsLimit, TermsRequest, Ticket, TicketStatus, TicketType
from support.services.messages import add_note, clean_text, receive, reply
from support.services.tickets import lock_ticket, open_ticket, portal_channel

Status = TermsRequest.Status


@transaction.atomic
def ask_for_terms(
    affiliate: Affiliate, program: Program, *, by: Any, wanted: str, why: str, offer: Offer | None = None
) -> Ticket:
    """The affiliate asks for better terms in a program that has approved them: one request at a time."""
    wanted, why = " ".join(wanted.split())[:300], clean_text(why, ())
    if not wanted:
        raise TicketError(_("Say what you ask for."), code="blank", field="wanted")
    if not affiliate.enrollments.filter(program=program, status="approved").exists():
        raise NotNow(_("Terms are for those whom the program has approved."), code="not_approved")
    Affiliate.objects.select_for_update(no_key=True).get(pk=affiliate.pk)
    waiting = TermsRequest.objects.filter(ticket__affiliate=affiliate, ticket__program=program)
    if waiting.filter(status__in=[Status.ASKED, Status.PASSED_UP]).exists():
        raise NotNow(_("You have asked already: the answer comes here."), code="asked")
    ticket = open_ticket(
        program=program,
        channel=portal_channel(program),
        subject=_("Better terms: %(wanted)s") % {"wanted": wanted},
        affiliate=affiliate,
        type=TicketType.TERMS,
        by=by,
    )
    TermsRequest.objects.create(ticket=ticket, offer=offer, wanted=wanted)
    record(events.TERMS_ASKED, ticket, affiliate, by=by, data={"wanted": wanted})
    receive(ticket, text=f"{wanted}\n\n{why}", author=by)
    return ticket


@transaction.atomic
def open_terms_request(ticket: Ticket, *, by: Any, wanted: str) -> TermsRequest:
    """What an affiliate asked for in a message becomes a request that is decided like one of the portal."""
    check(by, Can.ANSWER_TICKETS, ticket.program_id)
    ticket = lock_ticket(ticket, follow_merge=False)
    wanted = " ".join(wanted.split())[:300]
    if not wanted:
        raise TicketError(_("Say what they ask for."), code="blank", field="wanted")
    if ticket.affiliate is None or ticket.type != TicketType.TERMS or TermsRequest.objects.filter(ticket=ticket).exists():
        raise NotNow(_("Only an affiliate’s request for better terms is made one, once."), code="type")
    request = TermsRequest.objects.create(ticket=ticket, wanted=wanted)
    record(events.TERMS_ASKED, ticket, ticket.affiliate, by=by, data={"wanted": wanted})
    return request


def limit_of(program: Program) -> TermsLimit | None:
    return TermsLimit.objects.filter(program=program).first()


def may_exceed(user: Any, program: Program) -> bool:
    return rights_of(user).has(Can.EXCEED_TERMS_LIMIT, program.pk)


def day_begins(day: date, zone: tzinfo) -> datetime:
    """The first moment of a day where the program is, in UTC: where clocks are put forward at midnight, one o'clock."""
    return datetime.combine(day, time(0), zone).astimezone(UTC)


def is_above_limit(program: Program, type: str, value: Decimal, until: date) -> bool:
    """Without a limit every request is the head's."""
    limit = limit_of(program)
    if limit is None:
        return True
    most = limit.percentage if type == RuleType.PERCENTAGE else limit.flat
    today = timezone.localdate(timezone=program.zone)
    return most is None or value > most or until > today + timedelta(days=limit.days)


@transaction.atomic
def grant_terms(
    request: TermsRequest, *, by: Any, type: str, value: Decimal, until: date, starts: date | None = None, reason: str
) -> CommissionRule:
    """A rule of the affiliate's own; it comes before whatever paid less specifically. Days are those of the program's zone: it
    counts from the beginning of `starts` (without it, or where that is today, from now) to the end of `until`. Whatever counted
    before counts again from the first moment of the day after."""
    request = _lock(request, by)
    program, affiliate = request.ticket.program, request.ticket.affiliate
    assert affiliate is not None  # asked by an affiliate
    now = timezone.now()
    today = timezone.localdate(now, timezone=program.zone)
    if starts is not None and starts < today:
        raise TicketError(_("What was sold before today is paid as it was agreed then."), code="past", field="starts")
    if until < max(today, starts or today):
        raise TicketError(_("Better terms have an end, and it lies ahead."), code="past", field="until")
    if is_above_limit(program, type, value, until) and not may_exceed(by, program):
        raise NotNow(_("This is above your limit. Pass it up to the head."), code="above_limit", field="value")
    starts_at = now if starts is None or starts == today else day_begins(starts, program.zone)
    ends_at = day_begins(until + timedelta(days=1), program.zone)
    others = CommissionRule.objects.filter(program=program, event=request.event, archived_at__isnull=True)
    priority = max(others.values_list("priority", flat=True), default=0)
    name = _("%(affiliate)s until %(day)s") % {"affiliate": affiliate, "day": until.isoformat()}
    rule = create_rule(
        program,
        by=by,
        name=name[:120],
        event=request.event,
        type=type,
        value=value,
        offer=request.offer,
        affiliate=affiliate,
        priority=priority,
        starts_at=starts_at,
        ends_at=ends_at,
    )
    request.type, request.value, request.ends_at, request.rule = type, value, ends_at, rule
    _settle(request, Status.GRANTED, by, reason)
    data = {"rate": rate_text(type, value, program.currency), "until": day_text(until), "since": day_text(starts or today)}
    told = _("Granted: %(rate)s from %(since)s until %(until)s, this day included.") % data
    reply(request.ticket, f"{told}\n\n{request.reason}".strip(), by=by, status=TicketStatus.RESOLVED)
    record(events.TERMS_GRANTED, request.ticket, rule, affiliate, by=by, data=data, reason=request.reason)
    return rule


@transaction.atomic
def refuse_terms(request: TermsRequest, *, by: Any, reason: str) -> TermsRequest:
    request = _lock(request, by)
    if not reason.strip():
        raise TicketError(_("Say why: they will ask."), code="blank", field="reason")
    _settle(request, Status.REFUSED, by, reason)
    reply(request.ticket, request.reason, by=by, status=TicketStatus.RESOLVED)
    record(events.TERMS_REFUSED, request.ticket, request.ticket.affiliate, by=by, reason=request.reason)
    return request


@transaction.atomic
def pass_up_terms(request: TermsRequest, *, by: Any, reason: str) -> TermsRequest:
    """The head decides; the owner stays in front of the affiliate."""
    request = _lock(request, by)
    request.status = Status.PASSED_UP
    request.save(update_fields=["status"])
    add_note(request.ticket, _("Passed up to the head. %(reason)s") % {"reason": reason.strip()}, by=by)
    record(events.TERMS_PASSED_UP, request.ticket, by=by, reason=reason)
    return request


def _lock(request: TermsRequest, by: Any) -> TermsRequest:
    rows = TermsRequest.objects.select_for_update(of=("self",)).select_related("ticket__program", "ticket__affiliate", "offer")
    request = rows.get(pk=request.pk)
    check(by, Can.SET_RULES, request.ticket.program_id)
    check(by, Can.ANSWER_TICKETS, request.ticket.program_id)
    if request.status in (Status.GRANTED, Status.REFUSED):
        raise NotNow(_("This was decided already."), code="decided")
    return request


def _settle(request: TermsRequest, status: str, by: Any, reason: str) -> None:
    request.status, request.reason, request.decided_by = status, clean_text(reason, ()) if reason.strip() else "", by
    request.decided_at = timezone.now()
    request.save()


@transaction.atomic
def set_terms_limit(program: Program, *, by: Any, percentage: Decimal | None, flat: Decimal | None, days: int) -> TermsLimit:
    """Up to where managers grant by themselves."""
    check(by, Can.EXCEED_TERMS_LIMIT, program.pk)
    values = {"percentage": percentage, "flat": flat, "days": days}
    limit, _new = TermsLimit.objects.update_or_create(program=program, defaults=values)
    record(events.TERMS_LIMIT_SET, program, by=by, data={key: str(value) for key, value in values.items()})
    return limit


def end_terms(limit: int = 200) -> int:
    """Archive the rules whose time is over, as of then: since then what paid before has paid again, whenever this runs. Returns how
    many there were."""
    ended = 0
    due = TermsRequest.objects.filter(status=Status.GRANTED, ended_at__isnull=True, ends_at__lte=timezone.now())
    for pk in list(due.order_by("ends_at").values_list("pk", flat=True)[:limit]):
        with transaction.atomic():
            request = due.select_for_update(skip_locked=True, of=("self",)).select_related("rule", "ticket").filter(pk=pk).first()
            if request is None or request.rule is None:
                continue
            archive_rule(request.rule, by=None, at=request.ends_at)
            request.ended_at = timezone.now()
            request.save(update_fields=["ended_at"])
            record(events.TERMS_ENDED, request.ticket, request.rule, request.ticket.affiliate)
            ended += 1
    return ended
