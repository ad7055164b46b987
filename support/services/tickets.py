"""Tickets: opening them, what state they are in, whose they are.

**The states.** A ticket is *new* until one of us writes. What the affiliate writes makes every state but new *open*: it is our turn.
An answer makes it *pending* (their turn), a first word leaves it *open*, unless the writer says otherwise. A person may put it on
*hold* (something else must happen first) or *resolve* it. Nothing automatic, from either side, changes a state. Pending and hold end
by themselves at `status_until`. Leaving *resolved* is a reopening, and is counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from affiliates.models import Affiliate
from channels.models import Channel, Chat, Contact
from core.access import Can, check, rights_of
from core.components import moment_text
from core.events import record
from core.writing import insert
from programs.models import Program
from support import events
from support.errors import NotNow, TicketError
from support.models import Level, Priority, StatusChange, TermsRequest, Ticket, TicketStatus, TicketType
from support.models.tickets import PAUSING, TO_DECIDE
from support.services.following import follow
from support.services.withdrawals import withdraw_what_is_open
from support.together import held_as, hold
from team.queries import is_there

CHANGEABLE = frozenset({"subject", "type", "priority", "level", "tags", "language"})
LONGEST_TAG = 40
UNDECIDED_FOR = timedelta(days=3)  # how long what is to be decided waits for somebody before it is our turn again


def lock_ticket(ticket: Ticket, *, follow_merge: bool = True) -> Ticket:
    """The row as it is now, held until the transaction ends. One that went into another leads to that one, or is refused."""
    pk = ticket.pk
    while True:
        if (known := held_as(pk)) is not None:
            return known
        # Alone with its channel: planning a join with all it belongs to takes ten times as long as reading what is asked for.
        locked = Ticket.objects.select_for_update(no_key=True, of=("self",)).select_related("channel").get(pk=pk)
        if locked.merged_into_id is None:
            hold(locked)
            return locked
        if not follow_merge:
            raise NotNow(_("This ticket went into another one. Work there."), code="merged")
        pk = locked.merged_into_id


def portal_channel(program: Program) -> Channel:
    """The program's own door, made with its first message."""
    channel = Channel.objects.filter(program=program, kind=Channel.Kind.PORTAL).first()
    if channel is None:
        defaults = {"name": f"{program} · {_('Portal')}"[:120], "slug": f"portal-{program.pk}"}
        channel, _new = Channel.objects.get_or_create(program=program, kind=Channel.Kind.PORTAL, defaults=defaults)
    return channel


@transaction.atomic(savepoint=False)
def open_ticket(
    *,
    program: Program,
    channel: Channel,
    subject: str,
    affiliate: Affiliate | None = None,
    contact: Contact | None = None,
    chat: Chat | None = None,
    type: str = TicketType.QUESTION,
    priority: str = Priority.NORMAL,
    tags: Sequence[str] = (),
    language: str = "",
    by: User | None = None,
    status: str = TicketStatus.NEW,
    because: str = "",
) -> Ticket:
    """A ticket without a message yet: its first one sets its clocks and finds its owner. A contact's affiliate is the ticket's.
    `because`: why what began it did not join another."""
    if affiliate is None and contact is not None:
        affiliate = contact.affiliate
    if not language:
        language = (affiliate.language if affiliate else "") or (contact.language if contact else "")
    now = timezone.now()
    ticket = Ticket(
        program=program,
        channel=channel,
        subject=" ".join(subject.split())[:500] or _("Without a subject"),
        affiliate=affiliate,
        contact=contact,
        chat=chat,
        type=type,
        priority=priority,
        tags=clean_tags(tags),
        language=language,
        status=status,
        opened_because=because[:300],
        created_at=now,
        last_at=now,
    )
    insert(ticket)
    insert(StatusChange(ticket=ticket, status=status, at=now, by=by))
    data = {"subject": ticket.subject, "channel": channel.kind, "program": program.public_id}
    record(events.TICKET_OPENED, ticket, affiliate, contact, by=by, data=data, reason=because[:300])
    hold(ticket)
    return ticket


@transaction.atomic
def change_status(ticket: Ticket, status: str, *, by: User | None, until: datetime | None = None, reason: str = "") -> Ticket:
    """Put the ticket into a state; `until`: when a pending one or one on hold is open again. `by` is None for what the clock does."""
    if by is not None:
        check(by, Can.ANSWER_TICKETS, ticket.program_id)
    if status == TicketStatus.NEW:
        raise TicketError(_("A ticket is new until somebody writes, and never again."), code="status", field="status")
    if until is not None and status not in PAUSING:
        raise TicketError(_("Only what waits or is on hold has an end."), code="until", field="until")
    if until is not None and until <= timezone.now():
        raise TicketError(_("This time is over."), code="past", field="until")
    ticket = lock_ticket(ticket, follow_merge=False)
    if (ticket.status, ticket.status_until) == (status, until):
        return ticket
    set_status(ticket, status, by=by, until=until, reason=reason)
    ticket.save()
    follow(ticket)
    return ticket


def set_status(
    ticket: Ticket, status: str, *, by: User | None, until: datetime | None = None, reason: str = ""
) -> StatusChange | None:
    """Change the locked row's state, write its history, tell it; None where it was that already. The caller saves and follows.

    What is to be decided (a claim, a dispute, a request for better terms) is resolved by its decision alone, or where it went into
    another ticket, and waits for nobody without an end. An open question to somebody who knows more ends with it."""
    was, now = ticket.status, timezone.now()
    if status in (TicketStatus.RESOLVED, *PAUSING) and awaits_decision(ticket):
        if status == TicketStatus.RESOLVED and was != status:
            raise NotNow(_("It is to be decided: it ends with the decision, and with nothing else."), code="undecided")
        if status in PAUSING:
            until = until or now + UNDECIDED_FOR
    ticket.status_until = until
    if was == status:
        return None
    if was == TicketStatus.RESOLVED:
        ticket.reopened += 1
    ticket.status = status
    ticket.resolved_at = now if status == TicketStatus.RESOLVED else None
    if status == TicketStatus.RESOLVED:
        withdraw_what_is_open(ticket, by=by, reason=reason)
    change = insert(StatusChange(ticket=ticket, status=status, at=now, by=by, reason=reason[:300]))
    data = {"status": str(TicketStatus(status).label), "was": was, "to": status, "until": until.isoformat() if until else None}
    record(events.TICKET_STATUS_CHANGED, ticket, by=by, data=data, reason=reason)
    return change


@transaction.atomic
def assign(ticket: Ticket, to: User | None, *, by: User | None, reason: str = "") -> Ticket:
    """Give the ticket to somebody who may answer in its program and is on duty, or back to the team (None). Oneself one may
    always take it; a service owns none. `reason` is the "why?" of it."""
    if by is not None:
        check(by, Can.ANSWER_TICKETS, ticket.program_id)
    ticket = lock_ticket(ticket, follow_merge=False)
    if to is not None and to.is_service:
        raise TicketError(_("A service owns no tickets: give it to a person."), code="service", field="assignee")
    if to is not None and not rights_of(to).has(Can.ANSWER_TICKETS, ticket.program_id):
        raise TicketError(
            _("%(person)s does not answer tickets of this program.") % {"person": to}, code="assignee", field="assignee"
        )
    if ticket.assignee == to:
        return ticket
    if to is not None and to != by and not is_there(to, timezone.now()):
        raise TicketError(
            _("%(person)s is not on duty now: nobody is given work off shift or on leave.") % {"person": to},
            code="off_shift",
            field="assignee",
        )
    set_assignee(ticket, to, by=by, reason=reason or _given_because(to, by))
    ticket.save()
    follow(ticket)
    return ticket


def _given_because(to: User | None, by: User | None) -> str:
    if by is None:
        return ""
    told = _("%(person)s took it.") if to == by else _("%(person)s gave it to them.")
    return told % {"person": by}


def set_assignee(ticket: Ticket, to: User | None, *, by: User | None, reason: str) -> None:
    """Change the locked row's owner and tell it. The caller saves and follows."""
    was = ticket.assignee
    ticket.assignee, ticket.assigned_at, ticket.assigned_reason = to, timezone.now() if to else None, reason
    name = events.TICKET_ASSIGNED if to else events.TICKET_UNASSIGNED
    data = {"person": str(to) if to else "", "was": str(was) if was else "", "to": to.public_id if to else None}
    record(name, ticket, by=by, data=data, reason=reason)


@transaction.atomic
def snooze(ticket: Ticket, until: datetime | None, *, by: User, reason: str = "") -> Ticket:
    """Out of the queue until then, or until the affiliate writes; None: back into it. Clocks run on. `reason`: what it waits for."""
    check(by, Can.ANSWER_TICKETS, ticket.program_id)
    if until is not None and until <= timezone.now():
        raise TicketError(_("This time is over."), code="past", field="until")
    ticket = lock_ticket(ticket, follow_merge=False)
    reason = " ".join(reason.split())[:300]
    if (ticket.snoozed_until, ticket.snoozed_reason if until else reason) != (until, reason):
        ticket.snoozed_until = until
        if until is not None:
            ticket.snoozed_reason = reason
            data = {"until": until.isoformat(), "when": moment_text(until)}
            record(events.TICKET_SNOOZED, ticket, by=by, data=data, reason=reason)
        else:
            record(events.TICKET_WOKEN, ticket, by=by)
        ticket.save(update_fields=["snoozed_until", "snoozed_reason"])
        follow(ticket)
    return ticket


@transaction.atomic
def change_ticket(ticket: Ticket, *, by: User | None, **fields: Any) -> Ticket:
    """Change some of `CHANGEABLE`; nothing is recorded where nothing changes."""
    if by is not None:
        check(by, Can.ANSWER_TICKETS, ticket.program_id)
    if unknown := fields.keys() - CHANGEABLE:
        raise TypeError(f"not to be changed of a ticket: {', '.join(sorted(unknown))}")
    ticket = lock_ticket(ticket, follow_merge=False)
    if "tags" in fields:
        fields["tags"] = clean_tags(fields["tags"])
    if "subject" in fields:
        fields["subject"] = " ".join(fields["subject"].split())[:500]
        if not fields["subject"]:
            raise TicketError(_("Give it a subject."), code="blank", field="subject")
    for name, choices in (("type", TicketType), ("priority", Priority), ("level", Level)):
        if name in fields and fields[name] not in choices.values:
            raise TicketError(_("There is no such choice."), code="choice", field=name)
    if fields.get("type", ticket.type) != ticket.type and is_about_money(ticket):
        raise NotNow(_("It is about money, and stays in the report of what was decided: its type is not changed."), code="money")
    changed = [name for name, value in fields.items() if getattr(ticket, name) != value]
    if not changed:
        return ticket
    for name in changed:
        setattr(ticket, name, fields[name])
    ticket.save(update_fields=changed)
    labels = [str(Ticket._meta.get_field(name).verbose_name) for name in changed]  # type: ignore[union-attr]
    record(events.TICKET_CHANGED, ticket, by=by, data={"fields": ", ".join(labels)})
    follow(ticket)
    return ticket


def is_about_money(ticket: Ticket) -> bool:
    """Whether something is decided in it: a claim, a payment dispute, a request for better terms."""
    claimed = ticket.about_commission_id is not None or ticket.about_payout_id is not None
    return claimed or TermsRequest.objects.filter(ticket=ticket).exists()


def awaits_decision(ticket: Ticket) -> bool:
    return ticket.type in TO_DECIDE and ticket.merged_into_id is None and Ticket.objects.undecided().filter(pk=ticket.pk).exists()


def clean_tags(tags: Sequence[str]) -> list[str]:
    """Small letters, each once, in their order."""
    return list(dict.fromkeys(tag for tag in (" ".join(str(tag).lower().split())[:LONGEST_TAG] for tag in tags) if tag))


def wake_due(limit: int = 500) -> int:
    """End what was to last until now: waiting, holds, snoozes. Returns how many tickets came back."""
    woken = 0
    now = timezone.now()
    for pk in Ticket.objects.filter(Q(status_until__lte=now) | Q(snoozed_until__lte=now)).values_list("pk", flat=True)[:limit]:
        with transaction.atomic():
            ticket = Ticket.objects.select_for_update(no_key=True, skip_locked=True, of=("self",)).filter(pk=pk).first()
            if ticket is None:
                continue  # somebody has it in hand; the next round looks again
            if ticket.snoozed_until is not None and ticket.snoozed_until <= now:
                ticket.snoozed_until = None
            if ticket.status_until is not None and ticket.status_until <= now:
                if ticket.status in PAUSING:
                    set_status(ticket, TicketStatus.OPEN, by=None, reason=_("The time it was to wait is over."))
                ticket.status_until = None
            ticket.save()
            follow(ticket)
            woken += 1
    return woken
