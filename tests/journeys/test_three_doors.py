"""One affiliate, three doors, one conversation: with a real mail server, a Bot API and a browser's requests, against a started
Tributary with real workers."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest
import requests

from tests.factories import PASSWORD
from tests.journeys.test_click_to_paid import Outsider
from tests.live import LiveStack, wait_for
from tests.servers.bot_api import Bot, BotApiServer, bot_api_server
from tests.servers.mail_servers import Mailbox, Sink, mailbox, smtp_sink

PEOPLE = """
import json
from accounts.services import create_key
from tests.factories import *
doors = make_program("doors", name="Doors")
make_rule(doors, value="10")
ana = make_affiliate("ana@doors.example", "Ana", owner=True, country="DE", language="en", external_id="ana-of-doors")
make_enrollment(ana, doors)
make_coupon(ana, doors, code="DOORS")
keys = {}
for name, role in (("sofia", "support"), ("mara", "manager"), ("ada", "admin")):
    person = assign(make_user(f"{name}@doors.example", name.capitalize()), role, *([] if role == "admin" else [doors]))
    keys[name] = create_key(person, name=name, role=role, program=None if role == "admin" else doors, by=None)[1]
print("keys:" + json.dumps(keys))
"""


class Caller(Outsider):
    """A person of the team with a key of theirs."""

    def __init__(self, stack: LiveStack, key: str) -> None:
        self.address = f"{stack.base_url}/api/v1"
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {key}"


class Visitor:
    """Somebody signed in, or with nothing but a link, as a browser without scripts would be."""

    def __init__(self, stack: LiveStack, email: str = "") -> None:
        self.base, self.session, self.token = stack.base_url, requests.Session(), ""
        self.session.headers["Referer"] = self.base
        if email:
            self.page("/accounts/login/")
            self.send("/accounts/login/", login=email, password=PASSWORD)

    def page(self, path: str) -> str:
        return self._seen(self.session.get(self.base + path, timeout=30))

    def send(self, path: str, **fields: Any) -> str:
        """As a form of the page that was seen last."""
        fields["csrfmiddlewaretoken"] = self.token
        return self._seen(self.session.post(self.base + path, data=fields, timeout=30))

    def _seen(self, answer: requests.Response) -> str:
        assert answer.status_code == 200, (answer.url, answer.status_code, answer.text[:2000])
        self.token = next(iter(re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', answer.text)), self.token)
        return html.unescape(answer.text)


@dataclass
class Doors:
    """The program's doors as the outside world sees them, and those who stand on both sides."""

    server: BotApiServer
    bot: Bot
    mails: Mailbox
    sink: Sink
    ana: Visitor
    sofia: Caller
    mara: Visitor
    ada: Caller
    stack: LiveStack

    def stream(self) -> str:
        return self.ana.page("/portal/help/doors/")

    def tickets(self) -> list[dict[str, Any]]:
        """Ana's, the oldest first."""
        return self.sofia.get("/tickets?affiliate=ana-of-doors")["results"][::-1]

    def arrived(self, text: str) -> dict[str, Any]:
        """Ana's ticket that holds these words, once they have come in and found an owner."""
        found: list[dict[str, Any]] = []

        def look() -> bool:
            whole = (self.sofia.get(f"/tickets/{ticket['id']}") for ticket in self.tickets())
            found[:] = [each for each in whole if any(text in message["body_text"] for message in each["messages"])]
            return bool(found) and found[0]["assignee"]

        wait_for(look, 60, lambda: self.stack.output[-4000:])
        return found[0]


@pytest.fixture(scope="module")
def doors(live_stack: LiveStack) -> Iterator[Doors]:
    printed = live_stack.manage("shell", "-c", PEOPLE)
    keys = json.loads(printed.partition("keys:")[2].splitlines()[0])
    ada = Caller(live_stack, keys["ada"])
    with bot_api_server() as server, mailbox() as mails, smtp_sink() as sink:
        bot = server.bot(username="doors_bot")
        settings = {"address": "help@doors.example", "imap_url": mails.url, "smtp_url": sink.url}
        ada.post("/channels", kind="email", name="Help", slug="doors-mail", program="doors", settings=settings)
        settings = {"token": bot.token, "api_base_url": server.url}
        ada.post("/channels", kind="telegram", name="Bot", slug="doors-bot", program="doors", settings=settings)
        people = {name: Visitor(live_stack, f"{name}@doors.example") for name in ("ana", "mara")}
        yield Doors(server, bot, mails, sink, sofia=Caller(live_stack, keys["sofia"]), ada=ada, stack=live_stack, **people)


def mail(subject: str, text: str) -> bytes:
    written = EmailMessage()
    written["From"], written["To"], written["Subject"] = "Ana <ana@doors.example>", "help@doors.example", subject
    written["Message-ID"] = "<first@doors.example>"
    written.set_content(text)
    return written.as_bytes()


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_three_doors_one_stream_answered_escalated_rated_and_a_claim_upheld(doors: Doors) -> None:
    # She writes in the portal, by mail, and, once her account is tied to it by a link, in Telegram.
    doors.ana.send("/portal/help/doors/write/", text="My link does not open")
    doors.mails.put(mail("Coupon", "Does my coupon still work?"))
    [connect] = re.findall(r'action="(/portal/telegram/\w+/connect/)"', doors.ana.page("/portal/account/"))
    [token] = set(re.findall(r"https://t\.me/doors_bot\?start=([\w-]+)", doors.ana.send(connect)))
    known = {"sender": 8001, "name": "Ana", "username": "ana_writes", "language": "en"}
    doors.server.say(doors.bot, f"/start {token}", **known)
    wait_for(lambda: doors.bot.texts, 60, lambda: doors.stack.output[-4000:])
    doors.server.say(doors.bot, "Clicks are missing since noon", **known)

    by_portal, by_mail, by_chat = (
        doors.arrived(text) for text in ("My link does not open", "my coupon still work", "Clicks are missing")
    )
    assert len({ticket["id"] for ticket in (by_portal, by_mail, by_chat)}) == 3
    stream = doors.stream()
    for text in ("My link does not open", "Does my coupon still work?", "Clicks are missing since noon"):
        assert text in stream
    assert not re.search(r"tkt_|\bticket", stream, re.IGNORECASE)

    # Each has an owner and a clock; Sofia answers in minutes, through the door that each came in by.
    for asked, answer in ((by_portal, "It opens again."), (by_mail, "It does, until May.")):
        assert asked["sla"]["state"] == "running"
        [written] = asked["messages"]
        assert moment(asked["sla"]["first_reply_due"]) - moment(written["created_at"]) <= timedelta(minutes=5)
        doors.sofia.post(f"/tickets/{asked['id']}/messages", body=answer)
        after = doors.sofia.get(f"/tickets/{asked['id']}")
        assert (after["status"], after["sla"]["first_reply_due"], after["sla"]["state"]) == ("pending", None, "paused")
    wait_for(lambda: doors.sink.mails, 30)
    [sent] = doors.sink.mails
    assert "ana@doors.example" in sent["To"] and sent["In-Reply-To"] == "<first@doors.example>"
    assert "until May" in sent.get_body().get_content()

    # What nobody of the team knows, Mara asks an expert of the company, who has a link and no account; Ana reads none of what they say.
    chat = f"/tickets/{by_chat['id']}"
    page, mara = f"/manage/inbox/{by_chat['id']}/escalate/", doors.mara
    mara.page(page)
    question = "Were clicks of link 7 dropped between 12:00 and 13:00 today?"
    mara.send(page, level="expert", question=question, expert_name="Lena", expert_email="lena@hosting.example")
    escalated = doors.sofia.get(chat)
    assert (escalated["level"], escalated["assignee"]) == ("expert", by_chat["assignee"])
    assert escalated["sla"]["state"] == "running"
    admin = Visitor(doors.stack, "ada@doors.example")
    [sent_to_lena] = set(re.findall(r"/manage/mails/mai_\w+/", admin.page("/manage/mails/?q=lena@hosting.example")))
    [link] = set(re.findall(r"/questions/[\w:-]+/", admin.page(sent_to_lena)))
    lena = Visitor(doors.stack)
    assert question in lena.page(link) and "Clicks are missing" not in lena.page(link)
    assert doors.sofia.get(chat)["level"] == "expert"  # looking at it answers nothing
    lena.send(link, answer="A deploy held them up; all are counted now.")
    back = doors.sofia.get(chat)
    assert back["level"] == "support"
    assert ["note" for m in back["messages"] if "all are counted now" in m["body_text"]] == ["note"]
    before = len(doors.bot.sent)
    doors.sofia.post(f"{chat}/messages", body="They were late, and are all there now.")
    wait_for(lambda: len(doors.bot.sent) > before, 30)
    assert doors.bot.texts[-1] == "They were late, and are all there now."
    stream = doors.stream()
    for text in ("It opens again.", "It does, until May.", "They were late, and are all there now."):
        assert text in stream
    assert "deploy" not in stream and "Lena" not in stream and "link 7" not in stream

    # It is solved; she says how she was helped with one tap.
    doors.sofia.post(f"{chat}/status", 200, status="resolved")
    wait_for(lambda: any("reply_markup" in each and "How were you helped" in each["text"] for each in doors.bot.sent), 30)
    asked = next(each for each in doors.bot.sent if "How were you helped" in each.get("text", ""))
    best = asked["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
    person = {"id": 8001, "is_bot": False, "first_name": "Ana", "username": "ana_writes", "language_code": "en"}
    shown = {"message_id": asked["message_id"], "date": 1_760_000_000, "chat": {"id": 8001, "type": "private"}}
    doors.server.update(
        doors.bot, callback_query={"id": "1", "from": person, "chat_instance": "1", "message": shown, "data": best}
    )
    wait_for(lambda: any("Say why" in str(each.get("reply_markup")) for each in doors.bot.sent), 60)

    # A commission was rejected; she says that this is wrong, Mara looks again, and what she is owed appears.
    sale = doors.ada.post(
        "/conversions", program="doors", event="sale", external_id="order-9", amount="80.00", currency="USD", coupon="DOORS"
    )
    [commission] = sale["commissions"]
    doors.ada.post("/commissions/reject", 200, ids=[commission["id"]], reason_code="test_order")
    [claim] = set(re.findall(r"/portal/claims/new/\?commission=\w+", doors.ana.page("/portal/conversions/")))
    doors.ana.send(claim, text="This was a real order")
    ticket = doors.arrived("This was a real order")
    doors.mara.send(f"/manage/inbox/{ticket['id']}/decide/", kind="uphold", reason="It was taken for a test.")
    stream = doors.stream()
    assert "You are right: you get $8.00 for it." in stream and "It was taken for a test." in stream
    [balance] = doors.ada.get("/affiliates/ana-of-doors/balance")
    assert balance["approved"] == "8.00"
    assert "Upheld" in doors.mara.page("/manage/disputes/")
    for email in ("doors-mail", "doors-bot"):
        counted = doors.ada.get(f"/channels/{email}/reconciliation")
        assert counted["received"] == counted["filed"] + counted["duplicate"] + counted["quarantined"]
        assert counted["quarantined"] == 0
