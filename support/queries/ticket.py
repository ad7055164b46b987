"""One ticket as its page reads it: what was said, what is due, what belongs to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, OuterRef, Prefetch, Q, QuerySet, Subquery, When, prefetch_related_objects
from django.db.models.functions import JSONObject
from django.utils.translation import gettext as _

from accounts.models import User
from affiliates.models import Affiliate
from channels.contacts import claimed_affiliates
from channels.parsed import Authenticity
from core.access import Can, programs_of
from core.events import ref
from core.models import Event
from support.display import shown_text
from support.models import Attachment, ChatRead, Message, Move, Task, Ticket, TicketLink, TicketRead

PART = 30  # messages that are read at once
READERS = 6  # colleagues of whom is told when they had it open
BESIDE = 8  # other tickets of the same sender
# What the stream of messages or the page itself tells already.
IN_THE_STREAM = ["message.received", "message.sent", "message.told", "note.added"]


@dataclass(frozen=True)
class Conversation:
    """The newest part of what was said, or a part before; the oldest first."""

    messages: list[Message]
    older: int  # where the part before ends; 0 where there is none
    newest: bool


def conversation(ticket: Ticket, before: int = 0) -> Conversation:
    """In four queries: messages, their files, what they said before edits, what they ask to be done; three more at most where
    somebody may not be who they say."""
    rows = Message.objects.filter(ticket=ticket)
    if before:
        edge = rows.filter(pk=before).first()
        if edge is not None:
            rows = rows.filter(Q(created_at__lt=edge.created_at) | Q(created_at=edge.created_at, pk__lt=edge.pk))
    rows = rows.defer("search").select_related("author", "contact", "outgoing", "inbound", "reply_to").defer("inbound__raw")
    rows = rows.prefetch_related(Prefetch("attachments", Attachment.objects.select_related("file")))
    shown = list(rows.order_by("-created_at", "-pk")[: PART + 1])
    more = len(shown) > PART
    shown = shown[:PART][::-1]
    prefetch_related_objects([message for message in shown if message.edited_at], "versions")
    for message in shown:
        message.ticket = ticket  # whose affiliate is read already
        message.shown = shown_text(message.body_text)  # type: ignore[attr-defined]
    _name_claims(shown)
    return Conversation(shown, shown[0].pk if more else 0, not before)


def _name_claims(messages: list[Message]) -> None:
    """Of what is doubtful: the affiliate whose address it bears. None where nothing is."""
    strangers = [m.contact for m in messages if m.authenticity == Authenticity.DOUBTFUL and m.contact is not None]
    owners = claimed_affiliates(strangers)
    for message in messages:
        message.claimed = owners.get(message.contact_id or 0)  # type: ignore[attr-defined]


def seen_in_portal() -> Case:
    """Of a ticket: until when somebody of the affiliate has read their chat; unknown of what not all of them see."""
    read = ChatRead.objects.filter(affiliate=OuterRef("affiliate"), program=OuterRef("program")).order_by("-read_at")
    return Case(When(about_payout__isnull=True, then=Subquery(read.values("read_at")[:1])))


def read_by(reader: Any) -> ArraySubquery:
    """Of a ticket: the colleagues who had it open last, the newest first, for `readers_of`."""
    rows = TicketRead.objects.filter(ticket=OuterRef("pk")).exclude(user=reader.pk).order_by("-read_at", "pk")
    return ArraySubquery(rows.values(told=JSONObject(name="user__name", email="user__email", at="read_at"))[:READERS])


def readers_of(ticket: Ticket) -> list[tuple[str, datetime, bool]]:
    """(first name, when, whether after the last that was written) of a ticket that was read with `read_by`."""
    told = []
    for each in ticket.read_by:  # type: ignore[attr-defined]
        at = datetime.fromisoformat(each["at"])
        told.append((User(name=each["name"], email=each["email"]).get_short_name(), at, at >= ticket.last_at))
    return told


def next_clock(ticket: Ticket) -> tuple[str, datetime] | None:
    """What is due first, and when. Every clock, with its why, stands on the card beside (`support.cards.clocks_card`)."""
    named = [
        (_("First reply"), ticket.first_reply_due),
        (_("Answer"), ticket.answer_due),
        (_("Next reply"), ticket.next_reply_due),
        (_("Resolution"), ticket.resolution_due),
    ]
    return min(((label, due) for label, due in named if due is not None), key=lambda clock: clock[1], default=None)


def history_of(ticket: Ticket) -> QuerySet[Event]:
    """What was done to it, without what was said: that stands in the stream."""
    return Event.objects.filter(about__contains=[ref(ticket)]).exclude(name__in=IN_THE_STREAM).order_by("-at", "-pk")


def hidden_tickets(affiliate: Affiliate, user: Any) -> list[str]:
    """Registered with affiliates.queries.register_hidden: the affiliate's requests in programs that the reader does not see, and
    what a sender who turned out to be somebody else has taken along."""
    hidden = Q(pk__in=[])
    if (programs := programs_of(user, Can.SEE_TICKETS)) is not None:
        hidden |= Q(affiliate=affiliate) & ~Q(program__in=programs)
    wrong = Event.objects.about(affiliate).filter(name="contact.unmatched", data__wrong=True).values_list("about", flat=True)
    if strangers := [int(each.removeprefix("contact:")) for about in wrong for each in about if each.startswith("contact:")]:
        hidden |= Q(contact__in=strangers) & (Q(affiliate=None) | ~Q(affiliate=affiliate))
    return [f"ticket:{pk}" for pk in Ticket.objects.filter(hidden).values_list("pk", flat=True)]


def moves_of(ticket: Ticket) -> QuerySet[Move]:
    """What was merged with it or split off from it, and can go back."""
    moves = Move.objects.filter(Q(source=ticket) | Q(target=ticket), undone_at=None)
    return moves.select_related("source", "target")


def tasks_of(ticket: Ticket) -> QuerySet[Task]:
    return ticket.tasks.select_related("owner", "done_by").order_by("done_at", "due_at", "pk")


def links_of(ticket: Ticket, user: Any) -> list[tuple[Ticket, str]]:
    """Tickets that belong to this one, as far as the reader may see them, each with why."""
    links = TicketLink.objects.filter(Q(ticket=ticket) | Q(other=ticket)).values_list("ticket", "other", "kind")
    kinds = {(other if mine == ticket.pk else mine): kind for mine, other, kind in links}
    found = Ticket.objects.visible_to(user).in_bulk(list(kinds))
    return [(found[pk], str(TicketLink.Kind(kind).label)) for pk, kind in kinds.items() if pk in found]


def tickets_beside(ticket: Ticket, user: Any) -> QuerySet[Ticket]:
    """Others of the same sender, the newest first, without those that went into another."""
    same = Q(pk__in=[])
    if ticket.affiliate_id:
        same |= Q(affiliate=ticket.affiliate_id)
    if ticket.contact_id:
        same |= Q(contact=ticket.contact_id)
    beside = Ticket.objects.visible_to(user).filter(same, merged_into__isnull=True).exclude(pk=ticket.pk)
    return beside.order_by("-last_at")
