"""One ticket as its page reads it: what was said, what is due, what belongs to it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, Exists, OuterRef, Prefetch, Q, QuerySet, Subquery, When, prefetch_related_objects
from django.db.models.functions import JSONObject
from django.utils.translation import gettext as _

from accounts.models import User
from affiliates.models import Affiliate
from channels.contacts import claimed_affiliates
from channels.parsed import Authenticity
from core.access import Can, programs_of
from core.events import ref
from core.models import Event
from core.prepared import Prepared
from support.display import shown_text
from support.models import (
    Attachment,
    Cause,
    ChatRead,
    Commitment,
    Difficulty,
    Draft,
    Escalation,
    ImprovementVoice,
    Mention,
    Message,
    Move,
    Notice,
    RoomPost,
    Task,
    Ticket,
    TicketLink,
    TicketRead,
)

PART = 30  # messages that are read at once
READERS = 6  # colleagues of whom is told when they had it open
BESIDE = 8  # other tickets of the same sender
# What is shown of a message: planning a join of all that it belongs to takes longer than reading it.
READ = (
    *("ticket", "direction", "created_at", "body_text", "body_html", "quoted_text", "is_answer", "authenticity", "remarks"),
    *("edited_at", "deleted_at", "inbound", "reply_to"),
    *("author__name", "author__email", "contact__name", "contact__affiliate", "outgoing__status", "outgoing__error"),
)
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
    rows = rows.select_related("author", "contact", "outgoing").only(*READ)
    files = Prefetch("attachments", Attachment.objects.select_related("file"), to_attr="files")
    shown: list[Message] = list(rows.prefetch_related(files).order_by("-created_at", "-pk")[: PART + 1])
    more = len(shown) > PART
    shown = shown[:PART][::-1]
    prefetch_related_objects([message for message in shown if message.edited_at], "versions")
    answers = [message for message in shown if message.reply_to_id]
    prefetch_related_objects(answers, Prefetch("reply_to", Message.objects.only("body_text")))
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


@dataclass(frozen=True)
class Around:
    """What belongs to a ticket before its reader. Few tickets have any of the first: it is read where it is there."""

    tasks: bool
    links: bool
    draft: bool
    promises: bool
    asks: bool  # a question to others is open
    promised: bool  # at any time, as the next ones
    asked: bool
    graded: bool
    causes: bool
    voices: bool  # for improvements
    posts: bool  # in rooms of the team
    calls: bool  # a note calls the reader
    notices: bool  # the reader was told of it
    seen_at: datetime | None  # until when somebody of the affiliate has read their chat; unknown of what not all of them see
    readers: list[tuple[str, datetime, bool]]  # colleagues who had it open last: first name, when, whether after the last message


def around(ticket: Ticket, reader: Any) -> Around:
    """In one query."""
    row = _AROUND.first(ticket.pk, reader.pk)
    assert row is not None
    *told, readers = row
    told.append([_reader(json.loads(each), ticket) for each in readers])
    return Around(*told)


def _reader(told: dict[str, str], ticket: Ticket) -> tuple[str, datetime, bool]:
    at = datetime.fromisoformat(told["at"])
    return User(name=told["name"], email=told["email"]).get_short_name(), at, at >= ticket.last_at


def _around(ticket: int, reader: int) -> QuerySet[Ticket, Any]:
    this = {"ticket": OuterRef("pk")}
    seen = ChatRead.objects.filter(affiliate=OuterRef("affiliate"), program=OuterRef("program")).order_by("-read_at")
    reads = TicketRead.objects.filter(**this).exclude(user=reader).order_by("-read_at", "pk")
    return Ticket.objects.filter(pk=ticket).values_list(
        Exists(Task.objects.filter(**this)),
        Exists(TicketLink.objects.filter(Q(**this) | Q(other=OuterRef("pk")))),
        Exists(Draft.objects.filter(**this, user=reader)),
        Exists(Commitment.objects.open().filter(**this)),
        Exists(Escalation.objects.open().filter(**this)),
        Exists(Commitment.objects.filter(**this)),
        Exists(Escalation.objects.filter(**this)),
        Exists(Difficulty.objects.filter(**this)),
        Exists(Cause.tickets.through.objects.filter(**this)),
        Exists(ImprovementVoice.objects.filter(**this)),
        Exists(RoomPost.objects.filter(**this)),
        Exists(Mention.objects.filter(message__ticket=OuterRef("pk"), user=reader, seen_at__isnull=True)),
        Exists(Notice.objects.filter(**this, user=reader, seen_at__isnull=True)),
        Case(When(about_payout__isnull=True, then=Subquery(seen.values("read_at")[:1]))),
        ArraySubquery(reads.values(told=JSONObject(name="user__name", email="user__email", at="read_at"))[:READERS]),
    )


_AROUND = Prepared(_around, 2)


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
    """Tickets that belong to this one, as far as the reader may see them, each with why; what went into it is here."""
    links = TicketLink.objects.filter(Q(ticket=ticket) | Q(other=ticket)).values_list("ticket", "other", "kind")
    kinds = {(other if mine == ticket.pk else mine): kind for mine, other, kind in links}
    found = Ticket.objects.visible_to(user).exclude(merged_into=ticket).in_bulk(list(kinds))
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
