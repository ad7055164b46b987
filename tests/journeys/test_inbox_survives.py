"""What the inbox stands on is killed while mails and updates come in and replies go out: nothing is lost, filed or sent twice.

A started Tributary, a real mail server that keeps what it is given, and a local Bot API. Those who send do as mail servers and
Telegram do: again until they are answered, and now and then once more. The points of the kills are drawn from a seed and counted
in what was answered. `INBOX_SURVIVES=large` runs the same with 10,000 mails and updates and 1,000 replies.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.message import EmailMessage
from functools import partial
from pathlib import Path

import psycopg2
import pytest
import requests

from config.env import embedded_database_url
from tests.journeys.test_click_to_paid import Outsider
from tests.live import LiveStack, processes_of, started_stack, wait_for
from tests.servers.bot_api import Bot, BotApiServer, bot_api_server, message
from tests.servers.mail_servers import Sink, smtp_sink


@dataclass(frozen=True)
class Size:
    mails: int
    updates: int  # half are handed over by the hook, half are asked for; some come both ways
    replies: int
    kills: int
    patience: float  # seconds, for everything


LARGE = os.environ.get("INBOX_SURVIVES") == "large"
SIZE = Size(4_000, 6_000, 1_000, 25, 3_600) if LARGE else Size(120, 200, 40, 5, 300)
SEED = int(os.environ.get("INBOX_SURVIVES_SEED", 20261123))
AGAIN = 0.1  # of what was answered is sent once more
TALKS = max(SIZE.replies // 10, 4)  # tickets by mail, and as many chats: all begun before the first kill
UNREADABLE = 25  # every so manieth mail names no sender


@dataclass
class World:
    stack: LiveStack
    api: Outsider
    sink: Sink
    telegram: BotApiServer
    bot: Bot
    mail: dict
    chat: dict

    def rows(self, question: str, values: Sequence[object] = ()) -> list[tuple]:
        """Asked of the database itself, which may be away just now."""
        deadline = time.monotonic() + 60
        while True:
            try:
                connection = psycopg2.connect(embedded_database_url(self.stack.data), connect_timeout=5)
                try:
                    with connection, connection.cursor() as cursor:
                        cursor.execute(question, values or None)
                        return cursor.fetchall() if cursor.description else []
                finally:
                    connection.close()
            except psycopg2.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)  # it is being started again


@pytest.fixture(scope="module")
def world(prepared_data: Path) -> Iterator[World]:
    with smtp_sink() as sink, bot_api_server() as telegram, started_stack(prepared_data) as stack:
        api = Outsider(stack, "admin", "Survivor")
        api.post("/programs", name="Survivor", slug="survivor", currency="USD")
        bot = telegram.bot()
        settings = {"address": "help@survivor.example", "smtp_url": sink.url}
        mail = api.post("/channels", kind="email", name="Mail", slug="mail", program="survivor", settings=settings)
        settings = {"token": bot.token, "api_base_url": telegram.url}
        chat = api.post("/channels", kind="telegram", name="Bot", slug="bot", program="survivor", settings=settings)
        yield World(stack, api, sink, telegram, bot, mail, chat)


class Senders:
    """Everybody out there, and how much of theirs was answered."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.answered: Counter[str] = Counter()
        self.done = 0
        self.changed = threading.Condition()
        self.until = time.monotonic() + SIZE.patience
        self.local = threading.local()
        for number in range(5 * TALKS):
            chat = said(number)["message"]["chat"]
            world.bot.known_chats[chat["id"]] = chat  # whom it may write to

    @property
    def session(self) -> requests.Session:
        if not hasattr(self.local, "session"):
            self.local.session = requests.Session()
        return self.local.session

    def send(
        self, kind: str, ask: Callable[[requests.Session], requests.Response], expected: int, *, again: bool = False
    ) -> None:
        """Until it is answered; then, perhaps, once more."""
        for _time in range(1 + again):
            while True:
                assert time.monotonic() < self.until, f"{kind} was never answered\n{self.world.stack.output}"
                try:
                    answer = ask(self.session)
                except requests.RequestException:  # nobody there, or the connection broke
                    time.sleep(0.1)
                    continue
                if answer.status_code == expected:
                    break
                assert answer.status_code >= 500, (kind, answer.status_code, answer.text)
                time.sleep(0.1)
            with self.changed:
                self.answered[kind] += 1
        with self.changed:
            self.done += 1
            self.changed.notify_all()

    def wait_until_done(self, number: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: self.done >= number, self.until - time.monotonic()), self.world.stack.output

    def mail(self, number: int, *, again: bool = False) -> None:
        channel = self.world.mail
        headers = {"X-Hook-Secret": channel["secret"], "Content-Type": "message/rfc822"}
        raw = written(number)
        self.send("mail", lambda s: s.post(self.here(channel), data=raw, headers=headers, timeout=20), 202, again=again)

    def update(self, number: int, *, again: bool = False) -> None:
        channel = self.world.chat
        headers = {"X-Telegram-Bot-Api-Secret-Token": channel["secret"]}
        body = said(number)
        self.send("update", lambda s: s.post(self.here(channel), json=body, headers=headers, timeout=20), 200, again=again)

    def reply(self, number: int, ticket: str, *, again: bool = False) -> None:
        api = self.world.api
        headers = {"Authorization": str(api.session.headers["Authorization"]), "Idempotency-Key": f"reply-{number}"}
        body, path = {"body": f"Reply number {number}."}, f"{api.address}/tickets/{ticket}/messages"
        self.send("reply", lambda s: s.post(path, json=body, headers=headers, timeout=20), 201, again=again)

    def keep(self, numbers: list[int], **_again: bool) -> None:
        """Telegram keeps these until it is asked."""
        self.world.bot.updates.extend(map(said, numbers))
        with self.changed:
            self.done += 1

    def here(self, channel: dict) -> str:
        return f"{self.world.stack.base_url}/hooks/{channel['kind']}/{channel['slug']}"


def written(number: int) -> bytes:
    mail = EmailMessage()
    if number % UNREADABLE:
        who = number % (5 * TALKS)
        mail["From"], mail["Subject"] = f"Writer {who} <writer-{who}@blog.example>", f"Matter {who}"
    mail["To"], mail["Message-ID"] = "help@survivor.example", f"<mail-{number}@blog.example>"
    mail.set_content(f"Mail number {number}.")
    return mail.as_bytes()


def said(number: int) -> dict:
    who = 7000 + number % (5 * TALKS)
    content = message(f"Update number {number}.", message_id=number, sender=who, name=f"Talker {who}", username=f"talker_{who}")
    return {"update_id": 500_000 + number, "message": content}


def is_unreadable(number: int) -> bool:
    return number % UNREADABLE == 0


def unreadable_of(mails: int) -> int:
    return sum(map(is_unreadable, range(1, mails + 1)))


def kill_points(draw: random.Random, work: int) -> list[tuple[int, str]]:
    """After how much work which one is killed: each of them at least once, all within the first nine tenths."""
    whom = ["worker", "post", "web", "valkey-server", "postgres"]
    whom += draw.choices(whom, k=SIZE.kills - len(whom))
    draw.shuffle(whom)
    return list(zip(sorted(draw.sample(range(work // 20, work * 9 // 10), len(whom))), whom, strict=True))


def kill(world: World, whom: str) -> None:
    """SIGKILL to a running one; where it is just being started again, the next one that is."""
    wait_for(lambda: process_of(world.stack, whom), 60, lambda: world.stack.output)
    os.kill(process_of(world.stack, whom), signal.SIGKILL)


def process_of(stack: LiveStack, whom: str) -> int:
    """An embedded server itself; the main process of a worker; one of the web's processes, the newest. 0 while there is none."""
    found = processes_of(stack.data)
    if whom in ("valkey-server", "postgres"):
        return next((pid for pid, command in found.items() if command.split(" ")[0].endswith(f"/{whom}")), 0)
    assert stack.process
    ours = {pid: command for pid, command in found.items() if parent_of(pid) == stack.process.pid}
    word = {"worker": "runtime.worker", "post": "runtime.post", "web": "granian"}[whom]
    main = next((pid for pid, command in ours.items() if word in command), 0)
    if whom != "web":
        return main
    return max((pid for pid, command in found.items() if parent_of(pid) == main and word in command), default=0)


def parent_of(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def test_nothing_is_lost_filed_twice_or_sent_twice_whatever_is_killed(world: World) -> None:
    draw = random.Random(SEED)
    senders = Senders(world)
    started = time.monotonic()
    for number in range(1, TALKS + 1):
        senders.mail(number)
        senders.update(number)
    begun = 2 * TALKS - unreadable_of(TALKS)
    wait_for(lambda: len(tickets(world)) == begun, 300, lambda: f"{len(tickets(world))} of {begun}\n{world.stack.output}")

    work = work_of(draw, senders, tickets(world))
    points = kill_points(draw, len(work))
    began = senders.done
    with ThreadPoolExecutor(8) as pool:
        under_way = [pool.submit(piece) for piece in work]
        for point, whom in points:
            senders.wait_until_done(began + point)
            time.sleep(draw.uniform(0, 0.05))  # anywhere within the work that is under way
            kill(world, whom)
            print(
                f"{time.monotonic() - started:.0f} s: {whom} was killed after {senders.done} of {began + len(work)}", flush=True
            )
        for piece in under_way:
            piece.result()
    print(f"{time.monotonic() - started:.0f} s: everything was answered", flush=True)
    world.stack.wait_until_healthy(60)
    settle(world)
    print(f"{time.monotonic() - started:.0f} s: nothing is on its way any more", flush=True)

    check_what_came_in(world, senders)
    check_what_went_out(world)


def tickets(world: World) -> list[str]:
    found, address = [], f"{world.api.address}/tickets?limit=100"
    while address:
        page = world.api.session.get(address, timeout=30).json()
        found += [row["id"] for row in page["results"]]
        address = page["next"]
    return found


def work_of(draw: random.Random, senders: Senders, begun: list[str]) -> list[Callable[[], None]]:
    """Everything else that is to come, mixed; what Telegram keeps until it is asked comes into its queue in ten portions."""
    rest = range(TALKS + 1, SIZE.updates + 1)
    asked_for = [number for number in rest if number % 2]
    work = [partial(senders.mail, number) for number in range(TALKS + 1, SIZE.mails + 1)]
    work += [partial(senders.update, number) for number in rest if number % 2 == 0 or draw.random() < AGAIN]
    work += [partial(senders.reply, number, begun[number % len(begun)]) for number in range(SIZE.replies)]
    draw.shuffle(work)
    work = [partial(piece, again=draw.random() < AGAIN) for piece in work]
    size = -(-len(asked_for) // 10)
    for portion, first in enumerate(range(0, len(asked_for), size)):
        work.insert(portion * len(work) // 10, partial(senders.keep, asked_for[first : first + size]))
    return work


def settle(world: World) -> None:
    """Until nothing is on its way any more; what was cut off while it was filed is taken up within seconds."""
    still = """
        SELECT (SELECT count(*) FROM channels_inbounditem WHERE status = 'received'),
               (SELECT count(*) FROM channels_outgoing WHERE status IN ('queued', 'sending'))
    """
    asked_for = {500_000 + number for number in range(TALKS + 1, SIZE.updates + 1) if number % 2}
    here = "SELECT count(*) FROM channels_inbounditem WHERE status <> 'duplicate' AND provider_id = ANY(%s)"
    names = [f"{world.bot.id}:{number}" for number in asked_for]
    wait_for(lambda: world.rows(here, [names]) == [(len(names),)], SIZE.patience, lambda: world.stack.output)
    wait_for(lambda: world.rows(still) == [(0, 0)], SIZE.patience, lambda: f"{world.rows(still)}\n{world.stack.output}")


def check_what_came_in(world: World, senders: Senders) -> None:
    unreadable = unreadable_of(SIZE.mails)
    for channel, kind, filed, quarantined in (
        (world.mail, "mail", SIZE.mails - unreadable, unreadable),
        (world.chat, "update", SIZE.updates, 0),
    ):
        told = world.api.get(f"/channels/{channel['id']}/reconciliation")
        assert (told["filed"], told["quarantined"]) == (filed, quarantined)
        assert told["received"] == told["filed"] + told["duplicate"] + told["quarantined"] >= senders.answered[kind]
    written_down = Counter(text for (text,) in world.rows("SELECT body_text FROM support_message WHERE direction = 'in'"))
    sent = [f"Mail number {n}." for n in range(1, SIZE.mails + 1) if not is_unreadable(n)]
    sent += [f"Update number {n}." for n in range(1, SIZE.updates + 1)]
    assert written_down == Counter(sent)
    assert world.rows("SELECT count(*) FROM support_message WHERE direction = 'in' AND inbound_id IS NULL") == [(0,)]
    alone = "SELECT count(*) FROM support_ticket t WHERE NOT EXISTS (SELECT FROM support_message m WHERE m.ticket_id = t.id)"
    assert world.rows(alone) == [(0,)]


def check_what_went_out(world: World) -> None:
    arrived = Counter(mail.get_content().strip() for mail in world.sink.mails) + Counter(world.bot.texts)
    assert {text: times for text, times in arrived.items() if times > 1} == {}
    sent = "SELECT m.body_text, o.status FROM support_message m JOIN channels_outgoing o ON o.id = m.outgoing_id"
    rows = world.rows(sent)
    assert Counter(text for text, _status in rows) == Counter(f"Reply number {n}." for n in range(SIZE.replies))
    assert {status for _text, status in rows} <= {"sent", "unknown"}
    assert {text for text, status in rows if status == "sent"} <= arrived.keys()
    print(dict(Counter(status for _text, status in rows)), flush=True)
    # Nobody knows whether these arrived: a person decides about each, and unless more was said since, its ticket is open for that.
    unseen = """
        SELECT count(*) FROM channels_outgoing o JOIN support_message m ON m.outgoing_id = o.id JOIN support_ticket t ON t.id = m.ticket_id
        WHERE o.status = 'unknown' AND t.status NOT IN ('new', 'open')
          AND NOT EXISTS (SELECT FROM support_message n WHERE n.ticket_id = t.id AND n.direction = 'out' AND n.id > m.id)
    """
    wait_for(lambda: world.rows(unseen) == [(0,)], 60, lambda: world.stack.output)
