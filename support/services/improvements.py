"""Improvements to a program: raised by tickets, decided by those who manage the program, told to those who raised them."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from core.access import Can, check
from core.events import record
from support import events
from support.errors import NotNow, TicketError
from support.models import Improvement, ImprovementVoice, Notice, Ticket
from support.services.messages import tell_if_reached
from support.services.notices import notify

Status = Improvement.Status


@transaction.atomic
def raise_improvement(
    ticket: Ticket, *, by: User, title: str = "", text: str = "", improvement: Improvement | None = None
) -> Improvement:
    """File a ticket as an improvement to its program: a new one, or one that others have raised before and is not decided."""
    check(by, Can.ANSWER_TICKETS, ticket.program_id)
    if improvement is None:
        title = " ".join(title.split())[:160]
        if not title:
            raise TicketError(_("Say what would be better."), code="blank", field="title")
        improvement = Improvement.objects.create(program=ticket.program, title=title, text=text.strip(), created_by=by)
    else:
        improvement = Improvement.objects.select_for_update().get(pk=improvement.pk)
        if improvement.program_id != ticket.program_id:
            raise NotNow(_("These belong to different programs."), code="other_program")
        if improvement.status != Status.OPEN:
            raise NotNow(_("This is decided already."), code="decided")
    voice, new = ImprovementVoice.objects.get_or_create(improvement=improvement, ticket=ticket, defaults={"by": by})
    if new:
        record(events.IMPROVEMENT_RAISED, improvement, ticket, ticket.affiliate, by=by, data={"title": improvement.title})
    return improvement


@transaction.atomic
def decide_improvement(improvement: Improvement, accept: bool, *, by: User, reason: str) -> Improvement:
    """Accept or decline it, with a reason in words for the affiliates: every ticket that raised it is told so, and whoever filed
    it."""
    check(by, Can.MANAGE_PROGRAMS, improvement.program_id)
    improvement = Improvement.objects.select_for_update(of=("self",)).select_related("program").get(pk=improvement.pk)
    if improvement.status != Status.OPEN:
        raise NotNow(_("This is decided already."), code="decided")
    reason = reason.strip()
    if not reason:
        raise TicketError(_("Say why: those who raised it read it."), code="blank", field="reason")
    now = timezone.now()
    improvement.status = Status.ACCEPTED if accept else Status.DECLINED
    improvement.reason, improvement.decided_by, improvement.decided_at = reason, by, now
    improvement.save()
    told = {"title": improvement.title, "reason": reason, "program": improvement.program}
    text = (
        _("You asked for an improvement: “%(title)s”. %(program)s will make it.\n\n%(reason)s") % told
        if accept
        else _("You asked for an improvement: “%(title)s”. %(program)s will not make it.\n\n%(reason)s") % told
    )
    for voice in improvement.standing_voices.select_related("ticket__program", "ticket__affiliate", "by"):
        if tell_if_reached(voice.ticket, text) is not None:
            voice.told_at = now
            voice.save(update_fields=["told_at"])
        if voice.by_id != by.pk:
            notify(voice.by, voice.ticket, Notice.Kind.DECIDED, text=f"{improvement.get_status_display()}: {improvement.title}")
    tickets = [voice.ticket for voice in improvement.standing_voices.select_related("ticket")]
    data = {"title": improvement.title, "state": str(improvement.get_status_display())}
    record(events.IMPROVEMENT_DECIDED, improvement, *tickets, by=by, data=data, reason=reason)
    return improvement
