"""Tickets that belong together, and what does not: merging, splitting, linking.

A merge moves messages and what hangs on them into the target, so that a conversation is read and threaded in one place; what stood
where is kept as a `Move`, by which it can be taken apart again. Mails that answer the merged one find the target through their
messages and `merged_into`.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from core.access import Can, check, rights_of
from core.events import record
from support import events
from support.errors import NotNow, TicketError
from support.models import (
    ClaimDecision,
    Level,
    Message,
    Move,
    Priority,
    StatusChange,
    TermsRequest,
    Ticket,
    TicketLink,
    TicketStatus,
    TicketType,
)
from support.models.messages import Direction
from support.models.tickets import OPEN, PAUSING
from support.services.following import follow
from support.services.moves import (
    KEPT_OF_SOURCE,
    KEPT_OF_TARGET,
    high_water,
    move_rows,
    put_rows_back,
    restamp,
    restore,
    restore_target,
    snapshot,
    why_it_stays,
)
from support.services.tickets import awaits_decision, is_about_money, lock_ticket, open_ticket, set_status
from support.subjects import title_of


@transaction.atomic
def merge_tickets(ticket: Ticket, into: Ticket, *, by: User, reason: str = "") -> Ticket:
    """Move all of `ticket` into another one of the same affiliate (or contact) and program; it is resolved and stays as a sign.

    What hung on it goes along: tasks, promises, questions to others, a claim, a request for terms, causes, drafts. The target is
    what needs somebody sooner: open where either was, waiting where either was; snoozed only where neither needs somebody before."""
    check(by, Can.ANSWER_TICKETS, ticket.program_id)
    check(by, Can.ANSWER_TICKETS, into.program_id)
    if ticket.pk == into.pk:
        raise TicketError(_("A ticket cannot go into itself."), code="itself", field="into")
    for each in sorted([ticket, into], key=lambda each: each.pk):  # always in this order: two that merge each other wait, not die
        locked = lock_ticket(each, follow_merge=False)
        ticket, into = (locked, into) if each.pk == ticket.pk else (ticket, locked)
    _check_mergeable(ticket, into)
    before = {"source": snapshot(ticket, KEPT_OF_SOURCE), "target": snapshot(into, KEPT_OF_TARGET)}
    had_terms = TermsRequest.objects.filter(ticket=ticket).exists()
    asked = ticket.escalations.open().exists()
    move = Move(kind=Move.Kind.MERGE, source=ticket, target=into, by=by, before=before, moved=move_rows(ticket, into))
    if (
        ticket.about_commission_id is not None
        or had_terms
        or awaits_decision(ticket)
        or into.type in (TicketType.QUESTION, TicketType.OTHER)
    ):
        into.type = ticket.type
    if ticket.about_commission_id is not None:
        into.about_commission_id, ticket.about_commission_id = ticket.about_commission_id, None
    if asked:
        into.level = ticket.level
    changed = [_join_states(ticket, into, by)]
    ticket.assignee, ticket.snoozed_until = None, None
    ticket.merged_into = into
    gone = set_status(ticket, TicketStatus.RESOLVED, by=by, reason=_("Went into another ticket."))
    ticket.save()
    into.tags = list(dict.fromkeys([*into.tags, *ticket.tags]))
    into.priority = max(into.priority, ticket.priority, key=Priority.values.index)
    into.affiliate = into.affiliate or ticket.affiliate  # and stays so: the contact says whose both are
    restamp(into)
    move.after = {"target": snapshot(into, KEPT_OF_TARGET)}
    move.changes = {"source": [gone.pk] if gone else [], "target": [each.pk for each in changed if each]}
    move.moved |= high_water(move)
    move.save()
    data = {"subject": ticket.subject, "messages": move.moved["messages"], "into": into.public_id}
    record(events.TICKET_MERGED, ticket, into, by=by, data=data, reason=reason)
    follow(ticket)
    follow(into)
    return into


def _join_states(ticket: Ticket, into: Ticket, by: User) -> StatusChange | None:
    """The locked target is in the state, and shown at the time, at which either needs somebody."""
    if ticket.snoozed_until is None:
        if _need(ticket.status) >= _need(into.status):
            into.snoozed_until = None
    elif _need(into.status) < _need(ticket.status) or (into.snoozed_until or ticket.snoozed_until) > ticket.snoozed_until:
        into.snoozed_until, into.snoozed_reason = ticket.snoozed_until, ticket.snoozed_reason
    if _need(ticket.status) > _need(into.status):
        status = TicketStatus.OPEN if ticket.status in OPEN else ticket.status
        return set_status(into, status, by=by, until=ticket.status_until, reason=_("Another ticket went into it."))
    if ticket.status in PAUSING and into.status in PAUSING:
        into.status_until = min((at for at in (into.status_until, ticket.status_until) if at is not None), default=None)
    return None


def _need(status: str) -> int:
    return 2 if status in OPEN else 1 if status in PAUSING else 0


def _check_mergeable(ticket: Ticket, into: Ticket) -> None:
    if ticket.program_id != into.program_id:
        raise NotNow(_("These belong to different programs."), code="other_program")
    same_affiliate = ticket.affiliate_id is not None and ticket.affiliate_id == into.affiliate_id
    same_contact = ticket.contact_id is not None and ticket.contact_id == into.contact_id
    # Matched after one of them was opened: the contact says whose both are.
    if not (same_affiliate or (same_contact and None in (ticket.affiliate_id, into.affiliate_id))):
        raise NotNow(_("These are of different people: link them instead, or say first who the sender is."), code="other_party")
    _check_claims(ticket, into)
    if ticket.escalations.open().exists() and into.escalations.open().exists():
        raise NotNow(
            _(
                "Each has a question to somebody who knows more, and one ticket has one at a time: withdraw one, or wait for its answer."
            ),
            code="escalated",
        )


def _check_claims(ticket: Ticket, into: Ticket) -> None:
    if into.about_payout_id != ticket.about_payout_id:  # those of the account who do not see its money would lose what they wrote
        raise NotNow(_("What is about a payout is read by those who see the money alone: link it instead."), code="money")
    if not is_about_money(ticket):
        return
    decided = ClaimDecision.objects.filter(ticket__in=[ticket, into]).exists()
    if decided or TermsRequest.objects.filter(ticket=ticket).exclude(status=TermsRequest.Status.ASKED).exists():
        raise NotNow(_("What was decided stays where it was decided: link it instead."), code="money")
    same = ticket.about_commission_id == into.about_commission_id and not TermsRequest.objects.filter(ticket=ticket).exists()
    if is_about_money(into) and not same:
        raise NotNow(_("Each is about money of its own and is decided by itself: link them instead."), code="money")


@transaction.atomic
def undo_move(move: Move, *, by: User) -> Ticket:
    """Take a merge apart, or put back what was split off; returns the ticket that has its words again. NotNow where that would not
    be the truth any more."""
    check(by, Can.ANSWER_TICKETS, move.source.program_id)
    pair = Ticket.objects.select_for_update(no_key=True, of=("self",)).filter(pk__in=[move.source_id, move.target_id])
    tickets = {ticket.pk: ticket for ticket in pair.select_related("program", "affiliate", "channel", "assignee").order_by("pk")}
    move = Move.objects.select_for_update().get(pk=move.pk)
    move.source, move.target = tickets[move.source_id], tickets[move.target_id]
    if told := why_it_stays(move):
        raise NotNow(told, code="moved")
    move.undone_at, move.undone_by = timezone.now(), by
    move.save(update_fields=["undone_at", "undone_by"])
    if move.kind == Move.Kind.SPLIT:
        return _put_back(move, by)
    source, target = move.source, move.target
    source.merged_into = None
    restore(source, move.before["source"], KEPT_OF_SOURCE)
    if source.assignee is not None and not rights_of(source.assignee).has(Can.ANSWER_TICKETS, source.program_id):
        source.assignee, source.assigned_at, source.assigned_reason = None, None, ""
    StatusChange.objects.filter(pk__in=move.changes["source"]).update(void=True)
    put_rows_back(move)
    if move.moved.get("escalations") and not source.escalations.open().exists():
        source.level = Level.SUPPORT  # its question was answered or withdrawn in the meantime
    restore_target(move)
    restamp(source)
    restamp(target)
    record(events.TICKET_TAKEN_APART, source, target, by=by, data={"subject": source.subject, "from": target.subject})
    follow(source)
    follow(target)
    return source


def _put_back(move: Move, by: User) -> Ticket:
    """What was split off is in its ticket again. Where it has gone on by itself since, that is a merge, with what was written."""
    source, target = move.source, move.target
    gone_on = set(target.messages.values_list("pk", flat=True)) != set(move.moved["messages"])
    claims = target.about_payout_id != source.about_payout_id or target.about_commission_id is not None
    if gone_on or claims or target.status_changes.count() > 1 or TermsRequest.objects.filter(ticket=target).exists():
        return merge_tickets(target, source, by=by, reason=_("It had been split off from it."))
    move_rows(target, source)
    TicketLink.objects.filter(ticket=source, other=target, kind=TicketLink.Kind.SPLIT).delete()
    target.assignee, target.snoozed_until = None, None
    target.merged_into = source
    set_status(target, TicketStatus.RESOLVED, by=by, reason=_("Went back into the ticket from which it was split off."))
    target.save()
    target.status_changes.update(void=True)
    restamp(source)
    record(events.TICKET_PUT_BACK, source, target, by=by, data={"subject": target.subject})
    follow(target)
    follow(source)
    return source


@transaction.atomic
def split_ticket(message: Message, *, by: User, subject: str = "", with_later: bool = False) -> Ticket:
    """A new ticket out of this message (`with_later`: and all after it); the rest stays. The first thing must stay a request: a
    ticket cannot lose all that it holds."""
    check(by, Can.ANSWER_TICKETS, message.ticket.program_id)
    ticket = lock_ticket(message.ticket, follow_merge=False)
    message = Message.objects.get(pk=message.pk)
    if message.ticket_id != ticket.pk:
        raise NotNow(_("Somebody has moved this message in the meantime. Reload and look again."), code="moved")
    moving = Q(pk=message.pk)
    if with_later:
        moving |= Q(created_at__gt=message.created_at) | Q(created_at=message.created_at, pk__gt=message.pk)
    moved = list(ticket.messages.filter(moving).order_by("created_at", "pk"))
    if not ticket.messages.exclude(pk__in=[each.pk for each in moved]).exists():
        raise NotNow(_("Then nothing would be left in this ticket."), code="whole")
    turned = any(each.direction == Direction.OUT for each in moved)
    new = open_ticket(
        program=ticket.program,
        channel=ticket.channel,
        chat=ticket.chat,
        affiliate=ticket.affiliate,
        contact=message.contact or ticket.contact,
        subject=subject.strip() or title_of(message.body_text) or ticket.subject,
        type=TicketType.QUESTION if is_about_money(ticket) else ticket.type,  # what is claimed stays where it was claimed
        priority=ticket.priority,
        tags=ticket.tags,
        language=ticket.language,
        status=TicketStatus.OPEN if turned else TicketStatus.NEW,
        by=by,
        because=_("%(person)s split it off from “%(subject)s”") % {"person": by, "subject": ticket.subject[:200]},
    )
    numbers = [each.pk for each in moved]
    taken = {
        name: sorted(getattr(ticket, name).filter(message__in=numbers).values_list("pk", flat=True))
        for name in ("tasks", "commitments")
    }
    Message.objects.filter(pk__in=numbers).update(ticket=new)
    ticket.tasks.filter(pk__in=taken["tasks"]).update(ticket=new)
    ticket.commitments.filter(pk__in=taken["commitments"]).update(ticket=new)
    Move.objects.create(kind=Move.Kind.SPLIT, source=ticket, target=new, by=by, moved={"messages": numbers, **taken})
    new.parent, new.about_payout = ticket, ticket.about_payout  # still read by those alone who see the account's money
    restamp(new)
    restamp(ticket)
    TicketLink.objects.create(ticket=ticket, other=new, kind=TicketLink.Kind.SPLIT, created_by=by)
    data = {"subject": new.subject, "messages": numbers, "new": new.public_id}
    record(events.TICKET_SPLIT, ticket, new, by=by, data=data)
    follow(ticket)
    follow(new)
    return new


@transaction.atomic
def link_tickets(ticket: Ticket, other: Ticket, *, by: User | None, kind: str = TicketLink.Kind.RELATED) -> TicketLink:
    """Say that these belong together; once, whichever way round."""
    if by is not None:
        check(by, Can.ANSWER_TICKETS, ticket.program_id)
        check(by, Can.ANSWER_TICKETS, other.program_id)
    if ticket.pk == other.pk:
        raise TicketError(_("A ticket is not linked to itself."), code="itself", field="other")
    list(Ticket.objects.select_for_update(no_key=True).filter(pk__in=[ticket.pk, other.pk]).order_by("pk").values("pk"))
    there = TicketLink.objects.filter(Q(ticket=ticket, other=other) | Q(ticket=other, other=ticket)).first()
    if there is not None:
        return there
    link = TicketLink.objects.create(ticket=ticket, other=other, kind=kind, created_by=by)
    record(events.TICKET_LINKED, ticket, other, by=by, data={"kind": str(TicketLink.Kind(kind).label)})
    return link
