"""Mails and Telegram updates filed a second, in two processes on two cores, against the least that PostgreSQL must do for them.

Filed means all of it: the raw item is committed, then parsed; its sender is found or made, it is threaded, its ticket has its
clocks and its events, and an owner is looked for. Each comes as a hook takes it in (one by one, committed before it is answered),
and in pages, as those who ask for them store and file them. The bare load writes the same raw rows and a message for each, with
one commit an item beside the hook and one a page beside the pages, in the same two processes.

The aims: 200 mails and 500 updates a second.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from email.message import EmailMessage

PROCESSES = 2
MAILS = int(os.environ.get("INBOX_MAILS", 1_000))  # in each turn
UPDATES = int(os.environ.get("INBOX_UPDATES", 2_000))
WRITERS = 400  # of each kind: people come back, as in a real inbox
PAGE = 100
AIMS = {"mails": 200, "updates": 500}


def main() -> int:
    program = _program()
    slow = []
    for kind, number in (("mails", MAILS), ("updates", UPDATES)):
        for way in ("hook", "pages"):
            bare = _turn("bare", way, kind, number, program)
            _turn("filed", way, kind, WRITERS, program, warm=True)
            filed = _turn("filed", way, kind, number, program)
            print(
                f"{kind:8} by {way:6} bare {bare:8,.0f}/s   filed {filed:7,.0f}/s   ratio {bare / filed:6.1f}   aim {AIMS[kind]}/s",
                flush=True,
            )
            if filed < AIMS[kind]:
                slow.append(f"{kind} by {way}")
    if slow:
        print(f"under the aim: {', '.join(slow)}")
    return 1 if slow else 0


def _turn(what: str, way: str, kind: str, number: int, program: int, *, warm: bool = False) -> float:
    """So many items through a channel of their own; returns how many a second, from the first one's start to the last one's end."""
    from django.db import connection

    from channels.models import Channel

    name = f"{what}-{way}-{kind}{'-warm' if warm else ''}"
    door = "email" if kind == "mails" else "telegram"
    shown = {"address": f"{name}@bench.example"} if kind == "mails" else {"bot_id": 5_000_000_001, "polling": True}
    channel = Channel.objects.create(kind=door, name=name, slug=name, program_id=program, settings=shown)
    connection.close()
    context = multiprocessing.get_context("spawn")
    ready, times = context.Barrier(PROCESSES), context.Queue()
    children = [
        context.Process(target=_child, args=(what, way, kind, range(part, number, PROCESSES), channel.pk, ready, times))
        for part in range(PROCESSES)
    ]
    for child in children:
        child.start()
    spans = [times.get(timeout=600) for _each in children]
    for child in children:
        child.join()
    left = channel.inbound.exclude(status="filed").count() if what == "filed" else 0
    assert not left, f"{left} of {name} are not filed"
    return number / (max(end for _start, end in spans) - min(start for start, _end in spans))


def _child(what: str, way: str, kind: str, numbers: range, channel_pk: int, ready, times) -> None:
    import django

    django.setup()
    from channels.models import Channel

    channel = Channel.objects.select_related("program").get(pk=channel_pk)
    make = _mail if kind == "mails" else _update
    items = [make(channel, number) for number in numbers]
    work = {"bare": _bare, "filed": _file}[what]
    ready.wait()
    start = time.time()
    work(channel, items, way)
    times.put((start, time.time()))


def _file(channel, items: list[tuple[str, bytes]], way: str) -> None:
    from channels.inbound import Arrival, process_due, store_many, take_in, take_in_by_turns

    if way == "hook":
        take = take_in if channel.kind == "email" else take_in_by_turns
        for name, raw in items:
            take(channel, raw, name)
    else:
        for first in range(0, len(items), PAGE):
            store_many(channel, [Arrival(name, raw) for name, raw in items[first : first + PAGE]])
            process_due(channel)
    while channel.inbound.filter(status="received").exists():  # the other process may be filing them
        process_due(channel)
        time.sleep(0.005)


_RAW = """
    INSERT INTO channels_inbounditem (channel_id, provider_id, content_hash, raw, size, received_at, status, reason, sender, subject,
                                      filed_as, attempts, due_at)
    VALUES (%s, %s, '', %s, %s, now(), 'filed', '', '', '', 'message:1', 0, now()) RETURNING id
"""
_MESSAGE = """
    INSERT INTO support_message (ticket_id, program_id, language, direction, body_text, body_html, quoted_text, is_answer, automatic,
                                 authenticity, provider_id, remarks, created_at, inbound_id)
    VALUES (%s, %s, '', 'in', %s, '', '', false, '', '', %s, '', now(), %s)
"""


def _bare(channel, items: list[tuple[str, bytes]], way: str) -> None:
    from django.db import connection, transaction

    from channels.models import Contact
    from support.models import Ticket

    writer = Contact.objects.create(name="Bare")
    ticket = Ticket.objects.create(program=channel.program, channel=channel, contact=writer, subject="Bare").pk
    step = 1 if way == "hook" else PAGE
    for first in range(0, len(items), step):
        with transaction.atomic(), connection.cursor() as cursor:
            for name, raw in items[first : first + step]:
                cursor.execute(_RAW, [channel.pk, name, raw, len(raw)])
                cursor.execute(_MESSAGE, [ticket, channel.program_id, raw.decode()[-200:], name, cursor.fetchone()[0]])


def _mail(channel, number: int) -> tuple[str, bytes]:
    from channels.mail import provider_id_of

    who = number % WRITERS
    mail = EmailMessage()
    mail["From"], mail["To"] = f"Writer {who} <writer-{who}@blog.example>", channel.settings["address"]
    mail["Subject"] = f"Question {number % (3 * WRITERS)} about my payout"
    mail["Message-ID"] = f"<{channel.slug}-{number}@blog.example>"
    mail["Date"] = "Mon, 02 Nov 2026 09:30:00 +0000"
    mail.set_content(
        f"Hello,\n\nwhen do I get what I earned in month {number}? I sent the papers.\n\nKind regards\nWriter {who}\n"
    )
    raw = mail.as_bytes()
    return provider_id_of(raw), raw


def _update(channel, number: int) -> tuple[str, bytes]:
    who = 7_000_000 + number % WRITERS
    person = {"id": who, "is_bot": False, "first_name": "Bao", "username": f"bao_{who}", "language_code": "vi"}
    chat = {"id": who, "type": "private", "first_name": "Bao", "username": f"bao_{who}"}
    text = f"Line {number}: the landing page of the summer offer is slow, can you look?"
    update = {
        "update_id": number,
        "message": {"message_id": number, "date": 1_760_000_000, "chat": chat, "from": person, "text": text},
    }
    return f"{channel.settings['bot_id']}:{number}", json.dumps(update).encode()


def _program() -> int:
    from programs.models import Program
    from support.services.clocks import active_policies

    active_policies()  # the one that is there from the first request on
    return Program.objects.create(name="Filing", slug="filing", currency="USD").pk


if __name__ == "__main__":
    main()
