"""What a raw mail says: a pure reading of bytes that never fails on content, only on form beyond all bounds.

Sources: RFC 5322 and 2045 to 2049 (form), RFC 2047 and 2231 (names), RFC 3676 (flowed text), RFC 3834 (automatic answers),
RFC 3464 (delivery reports), MS-OXTNEF (winmail.dat).
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email import utils as email_utils
from email.header import decode_header
from email.message import Message
from email.utils import collapse_rfc2231_value, getaddresses, parsedate_to_datetime
from typing import Any

from tnefparse import TNEF

from channels.files import safe_name
from channels.parsed import Automatic, Bounce, ParsedFile

MOST_PARTS = 500
MOST_REFERENCES = 1000
MOST_RECIPIENTS = 1000
LONGEST_TEXT = 1_000_000  # characters shown and searched; the raw mail keeps everything
LONGEST_HTML = 3_000_000
LONGEST_HEADER = 200_000

# Newer Pythons refuse whole lists for one odd address unless they are told not to.
_LENIENT: dict[str, Any] = {"strict": False} if getattr(email_utils, "supports_strict_parsing", False) else {}
_ID = re.compile(r"<([^<>\s]{1,990})>")
_CHARSETS = {
    "ansi_x3.4-1968": "ascii", "iso-8859-8-i": "iso-8859-8", "iso-8859-8-e": "iso-8859-8", "iso-8859-6-i": "iso-8859-6",
    "ks_c_5601-1987": "cp949", "ks_c_5601": "cp949", "euc-kr": "cp949", "gb2312": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030",
    "gb_2312-80": "gb18030", "shift_jis": "cp932", "x-sjis": "cp932", "windows-31j": "cp932", "iso-2022-jp": "iso2022_jp_ext",
    "windows-874": "cp874", "tis-620": "cp874", "unicode-1-1-utf-7": "utf-7", "x-mac-cyrillic": "mac-cyrillic", "big5": "big5hkscs",
    "x-unknown": "utf-8", "unknown-8bit": "utf-8", "default_charset": "utf-8", "iso-8859-1": "cp1252", "us-ascii": "ascii",
}  # fmt: skip


class Unreadable(Exception):
    """The mail's form is beyond what is read: it is kept raw, for a person to decide."""


@dataclass(frozen=True, slots=True)
class Address:
    email: str  # as it came, its host in lower case
    name: str = ""


@dataclass(slots=True)
class ParsedMail:
    """`recipients` and `delivered_to` are ours and others'; `notes`: what could not be read, for whoever reads the rest."""

    message_id: str = ""
    in_reply_to: list[str] = field(default_factory=list)
    references: list[str] = field(default_factory=list)
    sender: Address = Address("")
    reply_to: list[Address] = field(default_factory=list)
    recipients: list[Address] = field(default_factory=list)
    delivered_to: list[str] = field(default_factory=list)
    subject: str = ""
    date: datetime | None = None
    text: str = ""
    html: str = ""
    files: list[ParsedFile] = field(default_factory=list)
    automatic: Automatic = Automatic.NO
    bounces: list[Bounce] = field(default_factory=list)
    results: str = ""  # the first Authentication-Results
    loops: list[str] = field(default_factory=list)  # X-Loop: who has had it already
    notes: list[str] = field(default_factory=list)


def parse_mail(raw: bytes) -> ParsedMail:
    """Raises Unreadable where the parts are nested or counted beyond all bounds."""
    try:
        message = message_from_bytes(raw, policy=policy.compat32)
        leaves = list(_leaves(message))
        mail = _headers(message)
        _read_content(mail, leaves)
        mail.bounces = list(_bounces(leaves))
    except RecursionError:
        raise Unreadable("nested too deeply") from None
    mail.automatic = _automatic(message, mail)
    return mail


# Headers


def _headers(message: Message) -> ParsedMail:
    senders = _addresses(message, "From") or _addresses(message, "Sender") or _addresses(message, "Return-Path")
    recipients = [*_addresses(message, "To"), *_addresses(message, "Cc")]
    delivered = [a.email for name in ("Delivered-To", "X-Original-To", "Envelope-To") for a in _addresses(message, name)]
    return ParsedMail(
        message_id=next(iter(message_ids(message, "Message-ID")), ""),
        in_reply_to=message_ids(message, "In-Reply-To"),
        references=message_ids(message, "References")[-MOST_REFERENCES:],
        sender=senders[0] if senders else Address(""),
        reply_to=_addresses(message, "Reply-To"),
        recipients=recipients[:MOST_RECIPIENTS],
        delivered_to=delivered[:MOST_RECIPIENTS],
        subject=header_text(message, "Subject"),
        date=_date(message),
        results=_plain(message.get("Authentication-Results", "")),
        loops=[clean(str(value)).strip() for value in message.get_all("X-Loop", [])],
    )


def header_text(message: Message, name: str) -> str:
    """One header in words: encoded words decoded, bare 8-bit bytes guessed at, line breaks out."""
    value = message.get(name)
    return "" if value is None else " ".join(clean(_unfold(value)[:LONGEST_HEADER]).split())


def _unfold(value: Any) -> str:
    """A header as compat32 gives it: text, or a Header that holds bytes which no header may have."""
    text = str(value)
    if any("\ud800" <= c <= "\udfff" for c in text) or getattr(value, "_chunks", None):
        raw = b"".join(_bytes_of(part) for part, _charset in decode_header(value))
        if b"=?" not in raw:
            return guess(raw)
        text = guess(raw)
    try:
        parts = decode_header(text)
    except Exception:  # binascii, LookupError, ValueError: a broken encoded word stands as it came
        return text
    return "".join(part if isinstance(part, str) else decode(part, charset) for part, charset in parts)


def _bytes_of(part: str | bytes) -> bytes:
    return part if isinstance(part, bytes) else part.encode("utf-8", "surrogateescape")


def _addresses(message: Message, name: str) -> list[Address]:
    """Addresses first, names decoded after: a comma in an encoded name parts nothing."""
    found = []
    for name_text, email in getaddresses([_plain(value) for value in message.get_all(name, [])], **_LENIENT):
        email = clean(email).strip().strip("<>")
        if "@" in email:
            local, _at, host = email.rpartition("@")
            found.append(Address(f"{local}@{host.lower()}", " ".join(clean(_unfold(name_text)).split())[:200]))
    return found


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return value[:LONGEST_HEADER]
    return "".join(guess(_bytes_of(part)) for part, _charset in decode_header(value))[:LONGEST_HEADER]


def message_ids(message: Message, name: str) -> list[str]:
    """Without their angle brackets, each once; words with an @ where there are no brackets."""
    text = " ".join(clean(_plain(value)) for value in message.get_all(name, []))
    found = _ID.findall(text) or [word.strip("<>") for word in text.split() if "@" in word]
    return list(dict.fromkeys(found))


def _date(message: Message) -> datetime | None:
    """Aware, in UTC; None where there is none that can be read. A zone of "-0000" says UTC (RFC 5322, 3.3)."""
    try:
        date = parsedate_to_datetime(_plain(message.get("Date", "")))
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


# Content


def _leaves(message: Message) -> Iterator[Message]:
    """Every part that holds something, in order; a mail within the mail counts as one."""
    waiting, seen = [message], 0
    while waiting:
        part = waiting.pop()
        seen += 1
        if seen > MOST_PARTS:
            raise Unreadable("more parts than a mail has")
        if part.get_content_maintype() == "multipart" and isinstance(part.get_payload(), list):
            waiting.extend(reversed(part.get_payload()))  # type: ignore[arg-type]
        else:
            yield part


def _read_content(mail: ParsedMail, leaves: list[Message]) -> None:
    texts: list[str] = []
    pages: list[str] = []
    for part in leaves:
        kind = part.get_content_type()
        if kind in ("message/delivery-status", "text/rfc822-headers"):
            continue
        if kind in ("text/plain", "text/html") and part.get_content_disposition() != "attachment" and not _file_name(part):
            (texts if kind == "text/plain" else pages).append(_words(part))
        elif kind in ("application/ms-tnef", "application/vnd.ms-tnef") or _file_name(part).lower() == "winmail.dat":
            mail.files += _unpacked(part, texts, pages)
        else:
            mail.files.append(_file(part, len(mail.files)))
        if part.defects:
            mail.notes.append(f"{kind}: {', '.join(sorted({type(defect).__name__ for defect in part.defects}))}")
    mail.html = "\n".join(pages)[:LONGEST_HTML]
    mail.text = "\n".join(texts).strip("\r\n")[:LONGEST_TEXT]


def _words(part: Message) -> str:
    text = decode(_payload(part), part.get_content_charset()).replace("\r\n", "\n").replace("\r", "\n")
    if part.get_content_type() == "text/plain" and str(part.get_param("format", "")).lower() == "flowed":
        text = _unflowed(text, str(part.get_param("delsp", "")).lower() == "yes")
    return clean(text)


def _unflowed(text: str, delete_space: bool) -> str:
    """RFC 3676: a line that ends in a space goes on in the next one of the same quoting; one begun by a space was stuffed."""
    lines: list[str] = []
    open_depth = -1  # the quoting of a line that waits for its end, -1 while none does
    for line in text.split("\n"):
        depth = len(line) - len(line.lstrip(">"))
        rest = line[depth:].removeprefix(" ")
        flowing = rest.endswith(" ") and rest != "-- "
        if open_depth == depth and rest != "-- ":
            lines[-1] += rest
        else:
            lines.append(">" * depth + (" " if depth else "") + rest)
        if flowing and delete_space:
            lines[-1] = lines[-1][:-1]
        open_depth = depth if flowing else -1
    return "\n".join(lines)


def _payload(part: Message) -> bytes:
    """The content without its transfer encoding. Broken base64 gives what could be read."""
    if part.get_content_maintype() == "message":
        inner = part.get_payload()
        messages = inner if isinstance(inner, list) else []
        whole = policy.compat32.clone(max_line_length=None)
        return b"\n".join(each.as_bytes(policy=whole) for each in messages if isinstance(each, Message))
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _file_name(part: Message) -> str:
    """From Content-Disposition, else the type's `name`; RFC 2231 pieces put together, encoded words decoded."""
    try:
        value = part.get_param("filename", None, "content-disposition") or part.get_param("name", None)
        name = "" if value is None else _unfold(collapse_rfc2231_value(value))
    except (LookupError, UnicodeError, ValueError, TypeError):
        return "file"
    return " ".join(clean(name).split())


def _file(part: Message, number: int) -> ParsedFile:
    content_id = clean(_plain(part.get("Content-ID", ""))).strip().strip("<>")
    name = _file_name(part) or _unnamed(part, part.get_content_type(), number)
    return ParsedFile(safe_name(name), _payload(part), content_id[:250])


def _unnamed(part: Message, kind: str, number: int) -> str:
    if kind == "message/rfc822":
        inner = part.get_payload()
        subject = header_text(inner[0], "Subject") if isinstance(inner, list) and inner else ""  # type: ignore[arg-type]
        return f"{subject or 'mail'}.eml"
    endings = {"text/calendar": "ics", "text/plain": "txt", "text/html": "html", "application/pdf": "pdf", "image/jpeg": "jpg"}
    return f"file-{number + 1}.{endings.get(kind) or re.sub(r'[^a-z0-9]', '', kind.partition('/')[2])[:8] or 'bin'}"


def _unpacked(part: Message, texts: list[str], pages: list[str]) -> list[ParsedFile]:
    """What is in a winmail.dat; the file itself where it cannot be read."""
    try:
        tnef = TNEF(_payload(part), do_checksum=False)
        files = [
            ParsedFile(safe_name(clean(str(each.long_filename() or each.name or ""))), bytes(each.data))
            for each in tnef.attachments
        ]
        if tnef.htmlbody:
            pages.append(clean(tnef.htmlbody if isinstance(tnef.htmlbody, str) else guess(tnef.htmlbody)))
        elif tnef.body:
            texts.append(clean(tnef.body if isinstance(tnef.body, str) else guess(tnef.body)))
    except Exception:  # its reader asserts, indexes and unpacks whatever is there
        return [_file(part, 0)]
    return files


# What sent it


def _automatic(message: Message, mail: ParsedMail) -> Automatic:
    """Whether a person wrote it. Nothing automatic is ever answered automatically (RFC 3834, section 2)."""
    sender = mail.sender.email.lower()
    empty_path = _plain(message.get("Return-Path", "")).strip() == "<>"
    report = message.get_content_type() == "multipart/report"
    if mail.bounces or (report and _parameter(message, "report-type") == "delivery-status"):
        return Automatic.BOUNCE
    if sender.startswith(("mailer-daemon@", "postmaster@")) and (empty_path or report):
        return Automatic.BOUNCE
    submitted = re.split(r"[;(\s]", _plain(message.get("Auto-Submitted", "")).strip().lower())[
        0
    ]  # parameters and comments follow
    precedence = _plain(message.get("Precedence", "")).strip().lower()
    answered = any(message.get(name) for name in ("X-Autoreply", "X-Autorespond", "X-Auto-Reply"))
    if submitted == "auto-replied" or precedence == "auto_reply" or answered:
        return Automatic.REPLY
    listed = message.get("List-Id") or message.get("List-Unsubscribe")
    if submitted not in ("", "no") or precedence in ("bulk", "list", "junk") or listed or empty_path or report:
        return Automatic.GENERATED
    return Automatic.NO


def _parameter(part: Message, name: str) -> str:
    try:
        return str(collapse_rfc2231_value(part.get_param(name, ""))).lower()
    except (LookupError, UnicodeError, ValueError, TypeError):
        return ""


def _bounces(leaves: list[Message]) -> Iterator[Bounce]:
    """One for each recipient that a delivery report says failed (RFC 3464, 2.3); a delay is none yet."""
    original = _original_id(leaves)
    for part in leaves:
        blocks = part.get_payload() if part.get_content_type() == "message/delivery-status" else None
        for block in blocks if isinstance(blocks, list) else []:
            if not isinstance(block, Message) or header_text(block, "Action").lower() not in ("failed", ""):
                continue
            recipient = header_text(block, "Final-Recipient") or header_text(block, "Original-Recipient")
            if recipient:
                status = re.search(r"\d\.\d{1,3}\.\d{1,3}", header_text(block, "Status"))
                yield Bounce(
                    recipient=recipient.rpartition(";")[2].strip().lower()[:320],
                    status=status[0] if status else "",
                    diagnostic=header_text(block, "Diagnostic-Code")[:1000],
                    message_id=original,
                )


def _original_id(leaves: list[Message]) -> str:
    for part in leaves:
        if part.get_content_type() == "message/rfc822" and isinstance(part.get_payload(), list) and part.get_payload():
            return next(iter(message_ids(part.get_payload()[0], "Message-ID")), "")  # type: ignore[index,arg-type]
        if part.get_content_type() == "text/rfc822-headers":
            return next(iter(message_ids(message_from_bytes(_payload(part), policy=policy.compat32), "Message-ID")), "")
    return ""


# Letters


def decode(content: bytes, charset: str | None) -> str:
    """By the charset that is named, where the bytes agree; else guessed. Never fails."""
    name = (charset or "").strip().strip("\"'").lower()
    try:
        return content.decode(codecs.lookup(_CHARSETS.get(name, name) or "ascii").name)
    except (LookupError, UnicodeError, ValueError):
        return guess(content)


def guess(content: bytes) -> str:
    """UTF-8 where it is that (chance makes it so hardly ever), else the Western code page, which takes any byte."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def clean(text: str) -> str:
    """Without what the database or a reader cannot take: NUL and halves of surrogate pairs."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
