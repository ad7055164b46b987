"""Mails as items: what tells one from every other, and what one says in the shape that every door has."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Sequence
from email.parser import BytesHeaderParser
from email.policy import compat32

from django.utils.translation import gettext as _

from channels import contacts
from channels.authentication import judge, own_server, read_results
from channels.contacts import contact_at, find_or_make_contact, find_or_make_stranger
from channels.files import MOST_BYTES
from channels.mime import Address, ParsedMail, Unreadable, header_text, message_ids, parse_mail
from channels.models import Channel, ContactAddress, InboundItem
from channels.parsed import Authenticity, Automatic, Kind, Parsed, Quarantine
from channels.quoting import fold, words_of_page
from channels.tokens import tickets_in

TOO_LARGE = b"X-Tributary-Too-Large: "  # before the headers of a mail whose whole was not fetched; its size in bytes follows
NOT_FETCHED = b"X-Tributary-Not-Fetched: "  # in place of a mail that the server names and does not give
LONGEST_HEADERS = 2**20  # bytes
_NOT_A_PERSON = re.compile(r"(no-?reply|do-?not-?reply|notifications?|wordpress|mailer|forms?)([+.-]|@)", re.IGNORECASE)
_ADDRESS = re.compile(r"[^\s@<>()\[\],;:\"]{1,64}@[^\s@<>()\[\],;:\"]{1,255}")


def provider_id_of(raw: bytes) -> str:
    """The same for the same mail however often and by whichever way it comes: its Message-ID and what it says.

    A mail that is delivered once more has other trace headers, and another one may bear a Message-ID that is not its own.
    """
    head, body = _parted(raw)
    headers = BytesHeaderParser(policy=compat32).parsebytes(head)
    said = hashlib.sha256()
    for name in ("From", "Date", "Subject"):
        said.update(header_text(headers, name).encode() + b"\n")
    said.update(b"\n".join(line.rstrip() for line in body.strip().split(b"\n")))
    message_id = next(iter(message_ids(headers, "Message-ID")), "")
    return f"{message_id[:180]}:{said.hexdigest()}"


def _parted(raw: bytes) -> tuple[bytes, bytes]:
    end = re.search(rb"\r?\n\r?\n", raw[:LONGEST_HEADERS])
    return (raw[: end.start()], raw[end.end() :]) if end else (raw[:LONGEST_HEADERS], raw[LONGEST_HEADERS:])


def parse_item(item: InboundItem) -> Parsed:
    """For channels.inbound: reads the item's mail and finds who wrote it."""
    return _parsed(_read(item), item.channel)


def look_ahead(items: Sequence[InboundItem]) -> None:
    """Of a set: who writes."""
    senders: dict[Channel, list[str]] = defaultdict(list)
    for item in items:
        try:
            senders[item.channel].append(_writer(_read(item), _own(item.channel)).email)
        except Quarantine:
            continue  # it is told where the item is parsed
    for channel, addresses in senders.items():
        contacts.look_up(ContactAddress.Kind.EMAIL, addresses, channel.program)


def _read(item: InboundItem) -> ParsedMail:
    """Once, however often it is asked. Raises Quarantine."""
    if item.said is None:
        raw = bytes(item.raw or b"")
        _note_headers(item, raw)
        item.said = _taken_apart(raw)
    mail: ParsedMail = item.said
    return mail


def _taken_apart(raw: bytes) -> ParsedMail:
    if raw.startswith(TOO_LARGE):
        raise Quarantine(
            _("The mail is larger than %(most)d MB. Its headers are here; the whole is still in the mailbox.")
            % {"most": MOST_BYTES // 2**20}
        )
    if raw.startswith(NOT_FETCHED):
        raise Quarantine(_("The mail server names this mail and does not give it. It may still be in the mailbox."))
    try:
        return parse_mail(raw)
    except Unreadable as error:
        raise Quarantine(_("The mail cannot be taken apart: %(error)s.") % {"error": error}) from None


def _note_headers(item: InboundItem, raw: bytes) -> None:
    """Who and what, for the list of what is quarantined, before anything else can fail."""
    headers = BytesHeaderParser(policy=compat32).parsebytes(_parted(raw)[0])
    item.sender = header_text(headers, "From")[:320]
    item.subject = header_text(headers, "Subject")[:500]


def _parsed(mail: ParsedMail, channel: Channel) -> Parsed:
    own = _own(channel)
    sender = _writer(mail, own)
    # Our own words come back: from a list, a forward, a copy to ourselves.
    looped = sender.email.lower() == own or tickets_in([mail.message_id]) or own in (each.lower() for each in mail.loops)
    automatic = Automatic.LOOP if looped else mail.automatic
    results = read_results(mail.results) if mail.results else None
    authenticity = judge(results, own_server(channel, results), sender.email.rpartition("@")[2])
    doubtful = authenticity == Authenticity.DOUBTFUL
    if doubtful:
        contact = find_or_make_stranger(sender.email, sender.name, channel.program)
    else:
        contact = find_or_make_contact(ContactAddress.Kind.EMAIL, sender.email, sender.name, channel.program)
    text, quoted = fold(mail.text) if mail.text.strip() else words_of_page(mail.html)
    return Parsed(
        kind=Kind.MESSAGE,
        contact=contact,
        text=text,
        html=mail.html,
        quoted=quoted,
        subject=mail.subject,
        files=mail.files,
        provider_id=mail.message_id,
        replied_to=list(dict.fromkeys([*mail.in_reply_to, *reversed(mail.references)])),
        tokens=tickets_in(_where_tokens_stand(mail)),
        automatic=automatic,
        bounces=mail.bounces,
        authenticity=authenticity,
        claims=contact_at(ContactAddress.Kind.EMAIL, sender.email) if doubtful else None,
        notes=[str(results), *mail.notes] if doubtful else mail.notes,
    )


def _own(channel: Channel) -> str:
    return str(channel.settings.get("address", "")).lower()


def _where_tokens_stand(mail: ParsedMail) -> list[str]:
    """The nearest first: what is answered, where it was sent to, what it refers to, newest first."""
    to = [*mail.delivered_to, *(each.email for each in mail.recipients)]
    return [*mail.in_reply_to, *to, *reversed(mail.references), *(bounce.message_id for bounce in mail.bounces)]


def _writer(mail: ParsedMail, own: str) -> Address:
    """Whose words they are: the sender's, or, of a mail that a form sent, whom it names for answers. Raises Quarantine."""
    sender = mail.sender
    answers = mail.reply_to[0] if mail.reply_to else None
    if answers and answers.email.lower() != own and (_NOT_A_PERSON.match(sender.email) or sender.email.lower() == own):
        sender = answers
    if _ADDRESS.fullmatch(sender.email):
        return sender
    if mail.automatic == Automatic.BOUNCE:  # a null sender
        return Address(f"mailer-daemon@{own.rpartition('@')[2] or 'localhost'}", sender.name)
    raise Quarantine(_("It names no sender that could be answered: nobody knows whose it is."))
