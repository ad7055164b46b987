"""What goes from one ticket to another by a merge or a split, kept as a `Move`, and going back.

Undone, a merge leaves no trace in clocks and states where nothing happened in between: the states that it made do not count any more
(`StatusChange.void`), so the clocks are those of two requests that waited all along. What was written after it stays in the ticket
in which it was written; what somebody changed since stays changed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import Max, Q
from django.utils.translation import gettext as _

from support.models import ClaimDecision, Draft, Escalation, Message, Move, StatusChange, TermsRequest, Ticket, TicketLink
from support.models.messages import Direction

WHOLE = ("messages", "tasks", "commitments", "calls", "room_posts", "notices")  # rows that go as they are
STATE = ("status", "status_until", "resolved_at", "reopened")
TOLD = ("warned_of", "breached_of")
OWNED = ("assignee_id", "assigned_at", "assigned_reason")
ABOUT = ("type", "about_commission_id", "level", "snoozed_until", "snoozed_reason")
KEPT_OF_SOURCE = (*STATE, *TOLD, *OWNED, *ABOUT)
KEPT_OF_TARGET = (*STATE, *TOLD, *ABOUT, "tags", "priority")


def snapshot(ticket: Ticket, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: _plain(getattr(ticket, name)) for name in names}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return [_plain(each) for each in value] if isinstance(value, list) else value


def _read(name: str, value: Any) -> Any:
    field: Any = Ticket._meta.get_field(name.removesuffix("_id"))
    if isinstance(field, ArrayField):
        return [field.base_field.to_python(each) for each in value]
    return value if field.is_relation else field.to_python(value)


def restore(ticket: Ticket, kept: dict[str, Any], names: tuple[str, ...]) -> None:
    for name in names:
        setattr(ticket, name, _read(name, kept[name]))


def move_rows(source: Ticket, target: Ticket) -> dict[str, Any]:
    """All that belongs to the one belongs to the other; returns what `put_rows_back` needs."""
    moved: dict[str, Any] = {}
    for name in WHOLE:
        rows = getattr(source, name)
        moved[name] = sorted(rows.values_list("pk", flat=True))
        rows.update(ticket=target)
    known = target.drafts.values_list("user", flat=True)  # what they have begun in both stays in both
    moved["drafts"] = _move(source.drafts.exclude(user__in=list(known)), target)
    moved["voices"] = _move(source.voices.exclude(improvement__in=target.voices.values("improvement")), target)
    moved["escalations"] = _move_escalations(source, target)
    moved["terms"] = _move(TermsRequest.objects.filter(ticket=source), target)
    moved["causes"] = sorted(set(source.causes.values_list("pk", flat=True)) - set(target.causes.values_list("pk", flat=True)))
    target.causes.add(*moved["causes"])
    moved["links"] = _move_links(source, target)
    return moved


def _move(rows: Any, target: Ticket) -> list[int]:
    found: list[int] = sorted(rows.values_list("pk", flat=True))
    rows.model.objects.filter(pk__in=found).update(ticket=target)
    return found


def _move_escalations(source: Ticket, target: Ticket) -> list[list[Any]]:
    """(row, its number, its reason): they are counted on after those of the target, and each but a first one has a reason."""
    last = target.escalations.aggregate(last=Max("number"))["last"] or 0
    rows = []
    for escalation in source.escalations.order_by("number"):
        rows.append([escalation.pk, escalation.number, escalation.reason])
        escalation.ticket, escalation.number = target, last + escalation.number
        if escalation.number > 1 and not escalation.reason:
            escalation.reason = _("It came with “%(subject)s”, which went into this ticket.") % {"subject": source.subject[:200]}
        escalation.save(update_fields=["ticket", "number", "reason"])
    return rows


def _move_links(source: Ticket, target: Ticket) -> list[int]:
    """Each link of the merged one to a third is the target's; those between the two, and those it has already, stay where they are."""
    moved = []
    for link in TicketLink.objects.filter(Q(ticket=source) | Q(other=source)).order_by("pk"):
        third = link.other_id if link.ticket_id == source.pk else link.ticket_id
        known = TicketLink.objects.filter(Q(ticket=target, other=third) | Q(ticket=third, other=target)).exists()
        if third != target.pk and not known:
            link.ticket_id, link.other_id = (target.pk, third) if link.ticket_id == source.pk else (third, target.pk)
            link.save(update_fields=["ticket", "other"])
            moved.append(link.pk)
    return moved


def put_rows_back(move: Move) -> None:
    """What has come with it and is still there; and what was asked or promised since by one of its messages."""
    source, target, moved = move.source, move.target, move.moved
    for name in (*WHOLE, "drafts", "voices", "terms"):
        rows: Any = TermsRequest.objects.filter(ticket=target) if name == "terms" else getattr(target, name)
        if name == "drafts":
            rows = rows.exclude(user__in=Draft.objects.filter(ticket=source).values("user"))
        rows.filter(pk__in=moved.get(name, ())).update(ticket=source)
    target.tasks.filter(message__in=moved["messages"]).update(ticket=source)
    target.commitments.filter(message__in=moved["messages"]).update(ticket=source)
    for pk, number, reason in moved.get("escalations", ()):
        Escalation.objects.filter(pk=pk, ticket=target).update(ticket=source, number=number, reason=reason)
    if moved.get("causes"):
        target.causes.remove(*moved["causes"])
    for link in TicketLink.objects.filter(pk__in=moved.get("links", ())).filter(Q(ticket=target) | Q(other=target)):
        link.ticket_id, link.other_id = (source.pk, link.other_id) if link.ticket_id == target.pk else (link.ticket_id, source.pk)
        link.save(update_fields=["ticket", "other"])


def why_it_stays(move: Move) -> str:
    """Why this cannot be taken back truthfully any more; "" where it can."""
    target = move.target
    if move.undone_at is not None:
        return _("This was taken apart already.")
    if target.merged_into_id is not None:
        return _("“%(subject)s” has itself gone into another ticket since: take that apart first.") % {"subject": target.subject}
    if move.kind == Move.Kind.SPLIT:
        if move.source.merged_into_id is not None:
            return _("“%(subject)s” has gone into another ticket since: take that apart first.") % {
                "subject": move.source.subject
            }
        return ""
    if target.messages.filter(pk__in=move.moved["messages"]).count() < len(move.moved["messages"]):
        return _("Some of what came with it was split off since: put that back first.")
    claimed = move.after["target"]["about_commission_id"] != move.before["target"]["about_commission_id"]
    if claimed and ClaimDecision.objects.filter(ticket=target).exists():
        return _("The claim that came with it has been decided here since.")
    open_terms = TermsRequest.objects.filter(pk__in=move.moved["terms"]).exclude(status=TermsRequest.Status.ASKED)
    if open_terms.exists():
        return _("The request for better terms that came with it has been worked on here since.")
    return ""


def restore_target(move: Move) -> None:
    """What the merge changed of the locked target is as it was, unless somebody has changed it since."""
    target, before, after = move.target, move.before["target"], move.after["target"]
    now = snapshot(target, KEPT_OF_TARGET)
    for name in (*ABOUT, "tags", "priority"):
        if now[name] == after[name]:
            restore(target, before, (name,))
    restore(target, {name: sorted({*now[name], *before[name]}) for name in TOLD}, TOLD)
    if all(now[name] == after[name] for name in STATE) and not _went_on(move):
        restore(target, before, STATE)
        StatusChange.objects.filter(pk__in=move.changes["target"]).update(void=True)


def _went_on(move: Move) -> bool:
    """Whether anything was said in the target since, something is asked in it, or its state was changed."""
    said = Message.objects.filter(ticket=move.target, pk__gt=move.moved["last_message"])
    later = StatusChange.objects.filter(ticket=move.target, pk__gt=move.moved["last_change"])
    asks = move.target.escalations.open()  # what came with the merge has gone back already
    return said.exclude(direction=Direction.NOTE).exists() or later.exists() or asks.exists()


def high_water(move: Move) -> dict[str, int]:
    """Up to which rows the target reached when the move was made: what is above has happened since."""
    return {
        "last_message": Message.objects.filter(ticket__in=[move.source, move.target]).aggregate(last=Max("pk"))["last"] or 0,
        "last_change": StatusChange.objects.filter(ticket__in=[move.source, move.target]).aggregate(last=Max("pk"))["last"] or 0,
    }


def restamp(ticket: Ticket) -> None:
    """The times of its last messages, after these have moved."""
    last: dict[str, datetime | None] = ticket.messages.aggregate(
        last_at=Max("created_at"),
        last_in_at=Max("created_at", filter=Q(direction=Direction.IN, automatic="")),
        last_out_at=Max("created_at", filter=Q(direction=Direction.OUT)),
    )
    ticket.last_at = last["last_at"] or ticket.created_at
    ticket.last_in_at, ticket.last_out_at = last["last_in_at"], last["last_out_at"]
    ticket.save()
