"""The filer that support registers: it makes messages of tickets out of what came in, through whatever door.

It runs in the savepoint of one item. The chat, or of a mail its sender, is held for that long, so that what arrives together is filed
one after another: two messages of a new chat are one ticket.
"""

from __future__ import annotations

import logging

from django.db import OperationalError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from channels.files import TooLarge, keep_file
from channels.models import Contact, InboundItem, Outgoing
from channels.parsed import Authenticity, Automatic, Bounce, Kind, Parsed, ParsedFile, Quarantine
from channels.together import is_held
from core.events import record, ref
from support import events, together
from support.chat_answers import answer_command, answer_in_ticket, question_in
from support.mail_answers import answer_mail, may_answer
from support.models import Message, MessageVersion, Priority, Ticket, TicketStatus
from support.models.messages import LONGEST_NAME, Direction
from support.services import NamedFile, edit_message, link_tickets, mark_deleted, open_ticket, receive, receive_own
from support.services.following import follow
from support.services.tickets import lock_ticket, set_status
from support.subjects import bare_subject, title_of
from support.threads import Place, find_place, is_party, messages_named, target_of, writer_of

_log = logging.getLogger(__name__)
EXPIRED = "4.4.7"  # RFC 3463: delivery time expired, which is for good although it begins with 4


def file_item(item: InboundItem, parsed: Parsed) -> str:
    """Registered with channels.parsed.register_filer, which says what is promised. The same item again is the same message."""
    _hold(parsed)
    known = _known(item, parsed)
    if known is not None:
        return ref(known)
    if parsed.kind == Kind.EDIT:
        return _file_edit(item, parsed)
    if parsed.kind == Kind.DELETION:
        return _file_deletion(parsed)
    if parsed.automatic in (Automatic.BOUNCE, Automatic.LOOP):
        message = _file_return(item, parsed)
    elif answered := answer_command(item, parsed):
        return answered
    else:
        message = _file_message(item, parsed)
    if (set_of := together.current.get()) is not None:
        set_of.note(message)
    return ref(message)


def _hold(parsed: Parsed) -> None:
    """A chat is held since its parser has found it (channels.telegram.chats.chat_of)."""
    if parsed.chat is None and not is_held(parsed.contact):
        Contact.objects.select_for_update(no_key=True).filter(pk=parsed.contact.pk).values("pk").get()


def _known(item: InboundItem, parsed: Parsed) -> Message | None:
    """What this item has become already; or what is here under another one: a mail to two mailboxes of one program, a chat's
    message whose edit came first."""
    if parsed.kind == Kind.EDIT:
        version = MessageVersion.objects.filter(inbound=item).select_related("message").first()
        if version is not None:
            return version.message
    name = parsed.provider_id[:LONGEST_NAME] if parsed.kind == Kind.MESSAGE else ""
    found = _found(item, name)
    own = next((message for message in found if message.inbound_id == item.pk), None)
    return own or next((message for message in found if _is_copy(message, item, parsed)), None)


def _found(item: InboundItem, name: str) -> list[Message]:
    """What has come in as this item, or under this name."""
    set_of = together.current.get()
    if set_of is not None and item.pk in set_of.items and (not name or name in set_of.named):
        own = set_of.items[item.pk]
        return [own] if own is not None else [each for each in set_of.named.get(name, []) if each.inbound_id is not None]
    same = Q(inbound=item)
    if name:
        same |= Q(provider_id=name, inbound__isnull=False)
    return list(Message.objects.filter(same).select_related("ticket"))


def _is_copy(message: Message, item: InboundItem, parsed: Parsed) -> bool:
    if parsed.chat is not None:
        return True
    theirs = message.direction == Direction.IN and message.contact_id == parsed.contact.pk and message.body_text == parsed.text
    return theirs and message.ticket.program_id == item.channel.program_id


def _file_message(item: InboundItem, parsed: Parsed) -> Message:
    place = find_place(item.channel, parsed)
    ticket = place.ticket or _open(item, parsed, place)
    files, left_out = keep_files(parsed.files)
    remarks = "\n".join([*parsed.notes, *left_out])
    if parsed.written_by_us:
        author = parsed.chat.business.person if parsed.chat and parsed.chat.business else None
        return receive_own(
            ticket,
            text=parsed.text,
            author=author,
            inbound=item,
            files=files,
            provider_id=parsed.provider_id,
            reply_to=place.answered,
            remarks=remarks,
        )
    message = receive(
        ticket,
        text=parsed.text,
        html=parsed.html,
        quoted=parsed.quoted,
        contact=parsed.contact,
        author=parsed.contact.user,
        files=files,
        inbound=item,
        provider_id=parsed.provider_id,
        reply_to=place.answered,
        topic=parsed.topic,
        automatic=parsed.automatic,
        authenticity=parsed.authenticity,
        remarks=remarks,
    )
    if place.ticket is None:
        _answer_from_data(ticket, message, parsed)
    return message


def _answer_from_data(ticket: Ticket, message: Message, parsed: Parsed) -> None:
    """Where this fails, what was asked is filed all the same and waits for a person."""
    if question_in(parsed) is None and not may_answer(ticket, message):
        return
    try:
        with transaction.atomic():
            answer_in_ticket(ticket, parsed)
            answer_mail(ticket, message)
    except OperationalError:  # the database's: the item is tried again
        raise
    except Exception:
        if together.current.get() is not None:  # of a set the ticket in hand may have been changed: it is filed by itself
            raise
        _log.exception("ticket %s is not answered by itself", ticket.pk)


def _open(item: InboundItem, parsed: Parsed, place: Place) -> Ticket:
    writer, chat = writer_of(parsed), parsed.chat
    name = parsed.files[0].name if parsed.files else ""
    ticket = open_ticket(
        program=item.channel.program,
        channel=item.channel,
        chat=chat,
        affiliate=writer.affiliate or (chat.affiliate if chat else None),
        contact=writer,
        subject=bare_subject(parsed.subject) or title_of(parsed.text) or name,
        priority=Priority.LOW if parsed.automatic else Priority.NORMAL,
        tags=["automatic"] if parsed.automatic else ["unverified"] if parsed.authenticity == Authenticity.DOUBTFUL else [],
        status=TicketStatus.PENDING if parsed.written_by_us else TicketStatus.NEW,
        because=place.why,
    )
    if place.beside is not None:
        link_tickets(place.beside, ticket, by=None, kind=place.kind)
    return ticket


def keep_files(files: list[ParsedFile]) -> tuple[list[NamedFile], list[str]]:
    kept, left_out = [], []
    for each in files:
        try:
            kept.append(NamedFile(keep_file(each.content), each.name, each.content_id))
        except TooLarge as refusal:
            left_out.append(f"{each.name}: {refusal.message}")
    return kept, left_out


def _file_edit(item: InboundItem, parsed: Parsed) -> str:
    """What it says now, with what it said before; one whose beginning never came here is a message of its own."""
    message = next(iter(messages_named([parsed.provider_id])), None)
    if message is None:
        return ref(_file_message(item, parsed))
    files, _left_out = keep_files(parsed.files)
    known = set(message.attachments.values_list("file", flat=True))
    if message.body_text == parsed.text and known.issuperset(each.file.pk for each in files):
        return ref(message)  # a link's preview came, or a picture's quality: nothing that is read has changed
    return ref(edit_message(message, parsed.text, inbound=item, html=parsed.html, files=files))


def _file_deletion(parsed: Parsed) -> str:
    messages = messages_named(parsed.deleted)
    mark_deleted(messages)
    if messages:
        return ref(messages[0])
    return ref(parsed.chat or parsed.contact)  # what was deleted had never come here


def _file_return(item: InboundItem, parsed: Parsed) -> Message:
    """A bounce, or our own words come back: it stands in the ticket that our message is in, whoever brought it."""
    ours = [
        message
        for message in messages_named([each.message_id for each in parsed.bounces if each.message_id] + parsed.replied_to)
        if message.direction in (Direction.OUT, Direction.AUTO)
    ]
    ticket = ours[0].ticket if ours else next(iter(Ticket.objects.filter(pk__in=map(Ticket.pk_from, parsed.tokens))), None)
    if ticket is None or ticket.program_id != item.channel.program_id or not _may_return(item, parsed, ticket):
        raise Quarantine(
            _("It says that a mail was not delivered, but that mail is not known here.")
            if parsed.automatic == Automatic.BOUNCE
            else _("These are our own words, come back: to answer them would never end.")
        )
    files, left_out = keep_files(parsed.files)
    message = receive(
        target_of(ticket),
        text=parsed.text,
        html=parsed.html,
        contact=parsed.contact,
        files=files,
        inbound=item,
        provider_id=parsed.provider_id,
        reply_to=ours[0] if ours else None,
        automatic=parsed.automatic,
        remarks="\n".join([*parsed.notes, *left_out]),
    )
    for bounce in parsed.bounces:
        _mark_bounced(
            bounce,
            next((each for each in ours if each.provider_id == bounce.message_id[:LONGEST_NAME]), ours[0] if ours else None),
        )
    return message


def _may_return(item: InboundItem, parsed: Parsed, ticket: Ticket) -> bool:
    """A bounce comes from whichever mail server gave up. Whoever says alone that these are our words ("X-Loop") is a stranger."""
    if parsed.automatic == Automatic.BOUNCE or is_party(parsed.contact, target_of(ticket)):
        return True
    own = str(item.channel.settings.get("address", ""))
    return parsed.contact.addresses.filter(value__iexact=own).exists()


def _mark_bounced(bounce: Bounce, message: Message | None) -> None:
    """Our message did not arrive: it says so, and its ticket is open again, so that its owner finds another way. What is only
    late (4.x.x), or arrived after all (2.x.x), changes nothing."""
    if message is None or message.outgoing is None or not (bounce.status.startswith("5") or bounce.status == EXPIRED):
        return
    outgoing = message.outgoing
    if bounce.recipient and bounce.recipient.strip().lower() != outgoing.to.lower():
        return
    why = " ".join(f"{bounce.status} {bounce.diagnostic}".split())[:1000]
    if not Outgoing.objects.filter(pk=outgoing.pk).exclude(error=why).update(status=Outgoing.Status.FAILED, error=why):
        return
    ticket = lock_ticket(message.ticket)
    record(events.MESSAGE_BOUNCED, message, ticket, data={"recipient": outgoing.to, "why": why[:300]})
    if ticket.status != TicketStatus.NEW:
        set_status(ticket, TicketStatus.OPEN, by=None, reason=_("Our message was not delivered."))
    ticket.save()
    follow(ticket)
