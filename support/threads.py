"""Where a message belongs: which ticket, or beside which one a new one begins.

In this order: our own tokens; what the message answers (In-Reply-To, then every one of References; in a chat, the message replied to);
then, of a mail, the sender's ticket of the same subject within `TICKET_THREAD_DAYS`; of a chat, the one open in it. What leads to
somebody else's ticket leads to a new one that is linked to it, as does what leads to one resolved more than `TICKET_REOPEN_DAYS` ago,
or against which a rule stands that the team has stated (`support.starting`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice

from django.conf import settings
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from channels.models import Channel, Chat, Contact
from channels.parsed import Parsed
from support.models import Message, StartRule, Ticket, TicketLink, TicketStatus
from support.models.messages import LONGEST_NAME, Direction
from support.starting import Words, rules_of, why_it_starts
from support.subjects import subject_key
from support.together import MOST_OF_ONE_SENDER, current, held, held_as, subject_of

MOST_OPEN = 10  # open tickets of one chat that a message may join
NEW = "new"  # the bot command with which an affiliate says: this is about something else
SHOWN = (Direction.IN, Direction.OUT, Direction.AUTO)  # what the affiliate has, and can answer


@dataclass(frozen=True)
class Place:
    """Its ticket; or none, and the one beside which a new one begins, with the reason why it is not that one."""

    ticket: Ticket | None = None
    answered: Message | None = None
    beside: Ticket | None = None
    kind: str = TicketLink.Kind.RELATED
    why: str = ""  # ends the sentence "Started as its own request because …"


def find_place(channel: Channel, parsed: Parsed) -> Place:
    """Queries: one for the tokens, one for however many messages it refers to, one for the sender's or the chat's tickets."""
    writer = writer_of(parsed)
    if parsed.chat is not None and parsed.command == NEW:
        return Place(why=_("they sent /new"))
    rules = [] if parsed.written_by_us or parsed.automatic else rules_of(channel)
    said = Words(parsed.text, timezone.now(), parsed.topic)
    beside: Place | None = None
    for ticket, answered, by_token in _referred_to(parsed):
        # Who holds our token has our mail: a doubtful one may join there, marked, and never by what anybody could write.
        claimed = by_token and parsed.claims is not None and is_party(parsed.claims, ticket)
        if not claimed and not is_party(writer, ticket, parsed.chat):
            why = _("somebody else wrote in that conversation")
            beside = beside or Place(beside=ticket, kind=TicketLink.Kind.OTHER_SENDER, why=why)
        elif ticket.program_id != channel.program_id or not may_go_on(ticket):
            beside = beside or Place(beside=ticket, why=_("the request that it answers was over long ago"))
        elif why := why_it_starts([rule for rule in rules if rule.kind == StartRule.Kind.RESOLVED], said, ticket):
            beside = beside or Place(beside=ticket, why=why)
        else:
            return Place(ticket, answered if answered and answered.ticket_id == ticket.pk else None)
    known = _open_in(parsed.chat, writer) if parsed.chat else _same_subject(channel, writer, parsed.subject)
    joined, refused = place_among(known, rules, said)
    return joined or beside or refused or Place()


def place_among(tickets: Iterable[Ticket], rules: list[StartRule], said: Words) -> tuple[Place | None, Place | None]:
    """The first of these that no stated rule stands against; else, why not the first one."""
    refused: Place | None = None
    for ticket in islice(tickets, MOST_OPEN):
        why = why_it_starts(rules, said, ticket)
        if not why:
            return Place(ticket), None
        refused = refused or Place(beside=ticket, why=why)
    return None, refused


def writer_of(parsed: Parsed) -> Contact:
    """Whose request it is: the sender's; of what we wrote in a company account, the one we wrote to."""
    if parsed.written_by_us and parsed.chat is not None and parsed.chat.contact is not None:
        return parsed.chat.contact
    return parsed.contact


def is_party(writer: Contact, ticket: Ticket, chat: Chat | None = None) -> bool:
    """Whether what this contact writes may stand in this ticket: it is theirs, or their affiliate's. Who is not known yet counts,
    in a group of which a person has said whose it is, as that affiliate's; who belongs to an affiliate no more writes anew."""
    if writer.affiliate_id is not None:
        return ticket.affiliate_id == writer.affiliate_id or (ticket.affiliate_id is None and ticket.contact_id == writer.pk)
    if chat is not None and chat.affiliate_id is not None and ticket.chat_id == chat.pk:
        return ticket.affiliate_id == chat.affiliate_id
    return ticket.affiliate_id is None and ticket.contact_id == writer.pk


def may_go_on(ticket: Ticket) -> bool:
    """Whether a message can still join it: one that was resolved long ago is over."""
    oldest = timezone.now() - timedelta(days=settings.TICKET_REOPEN_DAYS)
    return ticket.status != TicketStatus.RESOLVED or (ticket.resolved_at is not None and ticket.resolved_at >= oldest)


def target_of(ticket: Ticket) -> Ticket:
    """The ticket that this one's words are in: itself, or the one that it went into, over however many steps."""
    while ticket.merged_into is not None:
        ticket = ticket.merged_into
    return ticket


def messages_named(provider_ids: list[str], chat: Chat | None = None) -> list[Message]:
    """Those of our messages that go by these names, in the order of the names, newest first where several share one."""
    if not provider_ids:
        return []
    provider_ids = [name[:LONGEST_NAME] for name in provider_ids]
    place = {name: number for number, name in reversed(list(enumerate(provider_ids)))}
    found = sorted(_shown(provider_ids), key=lambda message: (place[message.provider_id], -message.pk))
    if found or chat is None:
        return found
    # Sent into this chat, and not yet told by what name Telegram knows it.
    numbers = [name.rpartition(" ")[2] for name in provider_ids]
    return list(
        Message.objects.filter(outgoing__chat=chat, outgoing__provider_id__in=numbers).select_related("ticket", "outgoing")
    )


def _shown(provider_ids: list[str]) -> list[Message]:
    together = current.get()
    if together is not None and all(name in together.named for name in provider_ids):
        named = {message.pk: message for name in provider_ids for message in together.named[name]}
        return [message for message in named.values() if message.direction in SHOWN]
    return list(Message.objects.named(provider_ids).filter(direction__in=SHOWN).select_related("ticket", "outgoing"))


def _referred_to(parsed: Parsed) -> Iterator[tuple[Ticket, Message | None, bool]]:
    """Each with the message that is answered there, and whether our own token leads to it."""
    pks = [pk for pk in map(Ticket.pk_from, parsed.tokens) if pk is not None]
    named = {pk: ticket for pk in pks if (ticket := held_as(pk)) is not None}
    if missing := [pk for pk in pks if pk not in named]:
        named |= Ticket.objects.select_related("merged_into").in_bulk(missing)
    answered = messages_named(parsed.replied_to, parsed.chat)
    for pk in pks:
        if pk in named:
            ticket = target_of(named[pk])
            yield ticket, next((message for message in answered if message.ticket_id == ticket.pk), None), True
    for message in answered:
        yield target_of(message.ticket), message, False


def _open_in(chat: Chat, writer: Contact) -> Iterator[Ticket]:
    """The chat's open tickets of this party, the one last written in first."""
    together = current.get()
    if together is not None and chat.pk in together.in_chat:
        rows: Iterable[Ticket] = [ticket for ticket in together.in_chat[chat.pk] if ticket.status != TicketStatus.RESOLVED]
    else:
        rows = _unresolved_in(chat, writer)
    newest = sorted(map(held, rows), key=lambda ticket: (ticket.last_at, ticket.pk), reverse=True)
    return (ticket for ticket in newest if is_party(writer, ticket, chat))


def _unresolved_in(chat: Chat, writer: Contact) -> Iterable[Ticket]:
    whose = Q(contact=writer) | Q(
        affiliate__in={writer.affiliate_id, chat.affiliate_id} - {None}
    )  # not everybody's of a large group
    return Ticket.objects.unresolved().filter(whose, chat=chat)


def _same_subject(channel: Channel, writer: Contact, subject: str) -> Iterator[Ticket]:
    key = subject_key(subject)
    if not key:
        return
    together = current.get()
    same = together.of_subject.get(subject_of(channel, writer, subject)) if together is not None else None
    if same is None:
        same = [ticket for ticket in map(held, _recent(channel, writer)) if subject_key(ticket.subject) == key]
    newest = sorted(same, key=lambda ticket: (ticket.last_at, ticket.pk), reverse=True)
    yield from (ticket for ticket in map(target_of, newest) if is_party(writer, ticket) and may_go_on(ticket))


def _recent(channel: Channel, writer: Contact) -> Iterable[Ticket]:
    since = timezone.now() - timedelta(days=settings.TICKET_THREAD_DAYS)
    rows = Ticket.objects.filter(contact=writer, program=channel.program_id, channel__kind=channel.kind, last_at__gte=since)
    return rows.select_related("merged_into").order_by("-last_at", "-pk")[:MOST_OF_ONE_SENDER]
