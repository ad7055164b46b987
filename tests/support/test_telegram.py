"""From a message to a bot to a ticket, and from a reply to the chat: through both floors, with a real Bot API beside them."""

from datetime import timedelta

import pytest
from django.utils import timezone

from channels.models import Outgoing, StartLink
from channels.outgoing import send_due
from channels.telegram.business import change_person
from channels.telegram.start_links import make_start_link
from core.errors import Refusal
from core.events import deliver_due
from support.models import Message, Ticket
from support.models.answers import AutoAnswer
from support.services import reply
from tests.channels.telegram import bot_api as bot_api
from tests.channels.telegram import door as door
from tests.factories import make_enrollment, owner_of
from tests.factories_support import make_business_connection
from tests.pages import text_of

PERSON = {"id": 7001, "is_bot": False, "first_name": "Bao", "username": "bao_hanoi", "language_code": "en"}


@pytest.fixture
def bot(door, music):
    door.channel.program = music
    door.channel.save()
    return door


@pytest.fixture
def connected(bot, ana, music):
    """Ana's owner, known by the Telegram account 7001."""
    if not ana.enrollments.filter(program=music).exists():
        make_enrollment(ana, music)
    url = make_start_link(ana, bot.channel, by=owner_of(ana))
    bot.say(f"/start {url.partition('start=')[2]}", language="en")
    assert StartLink.objects.get().used_at
    return ana


def told(item):
    return Outgoing.objects.get(key=f"command:{item.pk}").payload["text"]


def test_a_question_becomes_a_ticket_its_reply_goes_into_the_chat_and_an_answer_to_it_joins_the_ticket(bot, mara):
    bot.say("My tracking link breaks", language="en")
    ticket = Ticket.objects.get()
    assert ticket.chat.provider_id == 7001 and ticket.affiliate is None

    reply(ticket, "Which browser?", by=mara)
    send_due(bot.channel.pk, seconds=3)
    deliver_due()

    (sent,) = bot.bot.sent
    assert (sent["chat_id"], sent["text"]) == (7001, "Which browser?")
    bot.say("Firefox", reply_to_message={**bot.bot.updates[-1]["message"], "message_id": sent["message_id"]})
    messages = list(Message.objects.order_by("pk"))
    assert [m.ticket for m in messages] == [ticket] * 3
    assert messages[2].reply_to == messages[1]


def test_money_answers_itself_to_whoever_is_known_and_a_person_is_one_tap_away(bot, connected):
    item = bot.say("/money", language="en")

    given = AutoAnswer.objects.get()
    assert item.filed_as == f"autoanswer:{given.pk}"
    assert (given.affiliate, given.channel_kind) == (connected, "telegram")
    assert not Ticket.objects.exists()
    tap = {"id": "5", "from": PERSON, "message": bot.server.say(bot.bot, "x")["message"]}
    bot.hear(callback_query=tap | {"data": f"answer:{given.pk}.person"})
    bot.hear(callback_query=tap | {"id": "6", "data": f"answer:{given.pk}.person"})
    ticket = Ticket.objects.get()
    assert (ticket.affiliate, ticket.chat.provider_id, ticket.messages.count()) == (connected, 7001, 1)


def test_a_stranger_is_told_how_to_connect_and_nothing_of_anybody(bot, ana):
    assert "connect Telegram in the portal" in told(bot.say("/money", language="en"))
    assert "connect Telegram in the portal" in told(bot.say("/start", language="en"))
    assert not Ticket.objects.exists() and not AutoAnswer.objects.exists()


def test_help_names_the_commands_and_an_unknown_one_is_for_a_person(bot, connected):
    assert "/money" in told(bot.say("/help", language="en"))
    assert bot.say("/discount for me").filed_as.startswith("message:")


def test_a_question_in_words_is_a_ticket_with_the_answer_beside_it(bot, connected):
    bot.say("my stats", language="en")

    ticket = Ticket.objects.get()
    assert [m.direction for m in ticket.messages.order_by("pk")] == ["in", "auto"]
    assert ticket.status == "new"  # no person has answered


def test_a_german_affiliate_is_answered_in_german_whatever_their_telegram_speaks(bot, connected):
    connected.language = "de"
    connected.save()

    item = bot.say("/geld", language="en")

    assert "Wann Sie Ihr Geld bekommen" in told(item)
    [[enough, person]] = Outgoing.objects.get(key=f"command:{item.pk}").payload["reply_markup"]["inline_keyboard"]
    assert (enough["text"], person["text"]) == ("Das beantwortet es", "Einen Menschen fragen")


def test_an_answer_about_money_stands_where_only_the_asker_reads(bot, connected):
    """Others of the account read the tickets' messages in the portal, and are not all for its money."""
    bot.say("When do I get my money?", language="en")

    ticket = Ticket.objects.get()
    assert [m.direction for m in ticket.messages.all()] == ["in"]
    assert ticket.status == "new"
    sent = Outgoing.objects.get(key=f"answer:{ticket.pk}")
    assert "When you get your money" in sent.payload["text"]
    assert sent.chat == ticket.chat


def test_nobody_settles_anothers_answer(bot, connected):
    bot.say("/money", language="en")
    other = {**PERSON, "id": 7002, "first_name": "Otto"}
    tap = {"id": "5", "from": other, "message": bot.server.say(bot.bot, "x")["message"]}
    assert bot.hear(callback_query=tap | {"data": f"answer:{AutoAnswer.objects.get().pk}.person"}).status == "quarantined"


def test_contacts_are_told_who_writes_now_in_their_ticket_too(bot, music, mara, sofia, ada):
    account = make_business_connection(bot.channel, person=mara, connection_id="biz-1")
    bot.say("Hello", kind="business_message", business_connection_id="biz-1")
    change_person(account, sofia, by=ada)
    deliver_due()
    deliver_due()

    ticket = Ticket.objects.get()
    auto = ticket.messages.get(direction="auto")
    assert "Sofia here" in auto.body_text
    assert Outgoing.objects.filter(chat=ticket.chat).count() == 1


def test_a_lapsed_right_to_reply_is_told_above_the_composer_and_nothing_is_queued(bot, music, mara, as_person):
    make_business_connection(bot.channel, person=mara, connection_id="biz-1")
    bot.say("Hello", kind="business_message", business_connection_id="biz-1")
    ticket = Ticket.objects.get()
    page = f"/manage/inbox/{ticket.public_id}/"
    assert "24 hours" not in text_of(as_person(mara).get(page))
    ticket.chat.last_in_at = timezone.now() - timedelta(hours=25)
    ticket.chat.save()

    assert "Telegram lets the bot reply within 24 hours" in text_of(as_person(mara).get(page))
    with pytest.raises(Refusal, match="24 hours"):
        reply(ticket, "Too late", by=mara)
    assert not Outgoing.objects.exists()
