"""Mails in, from a mailbox that is asked again and again (IMAP4rev1, RFC 3501).

How far it has been read is a UIDVALIDITY and a UID, kept in the transaction that keeps the mails, and never a mark in the mailbox:
it is opened read-only, and what somebody reads, moves or flags there changes nothing here. An outage of any length is read up in
pages. A new UIDVALIDITY means reading everything again; what is known already is a duplicate.
"""

from __future__ import annotations

import imaplib
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC
from email.utils import format_datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from imap_tools.imap_utf7 import utf7_encode

from channels.files import MOST_BYTES
from channels.inbound import Arrival, process_due, store_many
from channels.mail import NOT_FETCHED, TOO_LARGE, provider_id_of
from channels.models import Channel
from channels.trouble import RECEIVING, note_trouble, trouble_over
from core.alone import alone
from core.secrets import Unreadable
from core.server_urls import imap_server

TIMEOUT = 30  # seconds without a word
WINDOW = 5_000  # UIDs that are asked for at once: imaplib takes lines of a megabyte
MOST_MAILS, MOST_PAGE_BYTES = 100, 16 * 2**20  # of one page, which is one transaction


class Trouble(Exception):
    """The mailbox cannot be read now, in words for whoever looks after the channel."""


def poll(channel_pk: int) -> int:
    """Read what is new in the mailbox, then file it; returns how many mails were stored. Nothing where somebody else does."""
    with alone("imap", channel_pk) as held:
        channel = Channel.objects.select_related("program").get(pk=channel_pk)
        if not held or channel.status != Channel.Status.ACTIVE:
            return 0
        try:
            with _opened(channel) as (client, validity, following):
                stored = _read_up(channel, client, validity, following)
        except Trouble as trouble:
            note_trouble(channel, RECEIVING, str(trouble))
            return 0
        Channel.objects.filter(pk=channel.pk).update(polled_at=timezone.now())
        trouble_over(channel, RECEIVING)
    return stored


def try_receiving(channel: Channel) -> None:
    """Connect, sign in and open the folder, as before reading. Raises Trouble."""
    with _opened(channel):
        pass


@contextmanager
def _opened(channel: Channel) -> Iterator[tuple[imaplib.IMAP4, int, int]]:
    """The mailbox, read-only, with its UIDVALIDITY and UIDNEXT. What goes wrong inside is Trouble."""
    try:
        server = imap_server(str(channel.read_secrets().get("imap_url", "")))
    except Unreadable:
        raise Trouble(_("Its password cannot be read: SECRET_KEY has changed. Enter it again.")) from None
    except ValueError:
        raise Trouble(_("The address of its IMAP server cannot be read.")) from None
    client: imaplib.IMAP4 | None = None
    try:
        client = _connected(server)
        if client.select(f'"{_quoted(server["folder"])}"', readonly=True)[0] != "OK":
            raise Trouble(_("There is no folder %(folder)s in the mailbox.") % {"folder": server["folder"]})
        yield client, _number(client, "UIDVALIDITY"), _number(client, "UIDNEXT")
    except OSError as error:
        told = {"host": server["host"], "error": error.strerror or error}
        raise Trouble(_("%(host)s cannot be reached: %(error)s") % told) from error
    except imaplib.IMAP4.error as error:  # abort (a lost connection) is one of the latter
        text = error.args[0] if error.args else error
        raise Trouble(text.decode(errors="replace") if isinstance(text, bytes) else str(error)) from error
    finally:
        if client is not None:
            with suppress(OSError, imaplib.IMAP4.error):
                client.logout()


def _connected(server: dict[str, Any]) -> imaplib.IMAP4:
    tls = ssl.create_default_context()
    if server["use_ssl"]:
        client: imaplib.IMAP4 = imaplib.IMAP4_SSL(server["host"], server["port"], ssl_context=tls, timeout=TIMEOUT)
    else:
        client = imaplib.IMAP4(server["host"], server["port"], timeout=TIMEOUT)
        if server["use_tls"]:
            client.starttls(tls)
    if "AUTH=PLAIN" in client.capabilities:  # takes every letter of a password (RFC 4616)
        client.authenticate("PLAIN", lambda _challenge: f"\0{server['username']}\0{server['password']}".encode())
    else:
        client.login(server["username"], server["password"])
    return client


def _quoted(folder: str) -> str:
    return str(utf7_encode(folder).decode()).replace("\\", "\\\\").replace('"', '\\"')


def _number(client: imaplib.IMAP4, name: str) -> int:
    found = client.response(name)[1]
    if not found or found[-1] is None:
        raise Trouble(_("The IMAP server does not tell its %(name)s: mails cannot be told apart there.") % {"name": name})
    return int(found[-1])


def _read_up(channel: Channel, client: imaplib.IMAP4, validity: int, following: int) -> int:
    """Store everything below the UID that comes next, page by page."""
    uid = channel.imap_uid if channel.imap_uidvalidity == validity else 0
    stored = 0
    while uid < following - 1:
        until = min(uid + WINDOW, following - 1)
        found = _search(channel, client, uid + 1, until)
        for page in _pages(client, found):
            arrivals = [_arrival(validity, each, raw) for each, raw in _fetch(client, page)]
            if not _keep(channel, arrivals, validity, max(page)):
                return stored  # somebody else has changed the cursor
            stored += len(arrivals)
            process_due(channel)
        uid = until
        _keep(channel, [], validity, uid)
    return stored


@transaction.atomic
def _keep(channel: Channel, arrivals: list[Arrival], validity: int, uid: int) -> bool:
    """The mails and how far the mailbox is read, together or not at all."""
    row = Channel.objects.select_for_update(of=("self",)).get(pk=channel.pk)
    if (row.imap_uidvalidity, row.imap_uid) != (channel.imap_uidvalidity, channel.imap_uid):
        return False
    if arrivals:
        store_many(channel, arrivals)
    channel.imap_uidvalidity, channel.imap_uid = validity, uid
    channel.save(update_fields=["imap_uidvalidity", "imap_uid"])
    return True


def _search(channel: Channel, client: imaplib.IMAP4, first: int, last: int) -> list[int]:
    asked = ["UID", f"{first}:{last}"]
    if channel.settings.get("skip_existing"):  # mails from before it was connected stay there
        day = format_datetime(channel.created_at.astimezone(UTC)).split()[1:4]  # in English, whatever the machine speaks
        asked += ["SINCE", "-".join(day)]
    answer, data = client.uid("SEARCH", *asked)
    if answer != "OK":
        raise Trouble(_("The IMAP server refuses to search: %(answer)s") % {"answer": data})
    return sorted(uid for uid in map(int, b" ".join(each or b"" for each in data).split()) if first <= uid <= last)


def _pages(client: imaplib.IMAP4, uids: list[int]) -> Iterator[list[int]]:
    """Mails that are fetched and kept together: not too many, and not too large together."""
    for start in range(0, len(uids), MOST_MAILS):
        some = uids[start : start + MOST_MAILS]
        sizes = _sizes(client, some)
        page: list[int] = []
        total = 0
        for uid in some:
            size = sizes.get(uid, 0)
            if page and total + size > MOST_PAGE_BYTES:
                yield page
                page, total = [], 0
            page.append(uid)
            total += size
        yield page


def _sizes(client: imaplib.IMAP4, uids: list[int]) -> dict[int, int]:
    answer, data = client.uid("FETCH", _set(uids), "(UID RFC822.SIZE)")
    if answer != "OK":
        return {}
    found = {}
    for line in data:
        text = line if isinstance(line, bytes) else b""
        uid, size = re.search(rb"\bUID (\d+)", text), re.search(rb"\bRFC822\.SIZE (\d+)", text)
        if uid and size:
            found[int(uid[1])] = int(size[1])
    return found


def _fetch(client: imaplib.IMAP4, uids: list[int]) -> list[tuple[int, bytes]]:
    """The raw mails of a page. One that the server will not give is told, in its place; one that is gone by now is none."""
    sizes = _sizes(client, uids)
    large = [uid for uid in uids if sizes.get(uid, 0) > MOST_BYTES]
    whole = [uid for uid in uids if uid not in large]
    found = _bodies(client, whole, "BODY.PEEK[]") if whole else {}
    if found is None:
        found = {}
        for uid in whole:
            one = _bodies(client, [uid], "BODY.PEEK[]")
            found |= {uid: NOT_FETCHED + b"UID %d\r\n\r\n" % uid} if one is None else one
    for uid in large:
        heads = _bodies(client, [uid], "BODY.PEEK[HEADER]") or {}
        found[uid] = TOO_LARGE + b"%d\r\n" % sizes[uid] + heads.get(uid, b"\r\n")
    return sorted(found.items())


def _bodies(client: imaplib.IMAP4, uids: list[int], what: str) -> dict[int, bytes] | None:
    """By UID; None where the server refuses."""
    try:
        answer, data = client.uid("FETCH", _set(uids), f"(UID {what})")
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error:
        return None
    if answer != "OK":
        return None
    found: dict[int, bytes] = {}
    for number, part in enumerate(data):
        if isinstance(part, tuple):
            after = data[number + 1] if number + 1 < len(data) else b""
            around = part[0] + b" " + (after if isinstance(after, bytes) else b"")  # the UID may stand behind the mail
            uid = re.search(rb"\bUID (\d+)", around)
            if uid and int(uid[1]) in uids:
                found[int(uid[1])] = part[1]
    return found


def _arrival(validity: int, uid: int, raw: bytes) -> Arrival:
    told_apart = f"uid:{validity}:{uid}" if raw.startswith(NOT_FETCHED) else provider_id_of(raw)
    return Arrival(told_apart, raw)


def _set(uids: list[int]) -> str:
    return ",".join(map(str, uids))
