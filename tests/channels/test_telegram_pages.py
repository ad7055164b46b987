import re

import pytest

from channels.models import BusinessConnection, Contact, StartLink
from tests.channels.telegram import bot_api as bot_api
from tests.channels.telegram import door as door
from tests.channels.telegram import filed as filed
from tests.factories import owner_of
from tests.factories_support import make_business_connection, make_channel, make_chat, make_contact
from tests.pages import assert_same_queries, text_of
from tests.portal import member

ACCOUNTS, GROUPS, ACCOUNT_PAGE = "/manage/telegram/", "/manage/telegram/groups/", "/portal/account/"


def test_an_affiliate_connects_telegram_by_a_link_and_takes_it_away_again(as_person, door, filed, music, ana, enroll):
    door.channel.program = music
    door.channel.save()
    client = as_person(owner_of(ana))
    assert f"Connect @{door.bot.username} (Music)" in text_of(client.get(ACCOUNT_PAGE))

    page = client.post(f"/portal/telegram/{door.channel.public_id}/connect/").content.decode()

    url = re.search(r'https://t\.me/\w+\?start=([\w-]+)"', page)
    assert url and "data:image/svg" in page
    assert url[1] not in StartLink.objects.get().token_hash
    door.say(f"/start {url[1]}")
    contact = Contact.objects.get()
    assert "@bao_hanoi" in text_of(client.get(ACCOUNT_PAGE))
    client.post(f"/portal/telegram/{contact.public_id}/disconnect/")
    contact.refresh_from_db()
    assert contact.affiliate is None


def test_nobody_disconnects_what_is_a_colleagues(door, music, ana, enroll):
    door.channel.program = music
    door.channel.save()
    contact = make_contact(ana, telegram=7, user=owner_of(ana))
    client = member(ana, "marketing")
    assert "Disconnect" not in text_of(client.get(ACCOUNT_PAGE))
    client.post(f"/portal/telegram/{contact.public_id}/disconnect/")
    contact.refresh_from_db()
    assert contact.affiliate == ana


def test_bots_of_programs_that_are_not_ones_own_are_not_offered(as_person, books, ana, music, enroll):
    bot = make_channel(books, "telegram")
    client = as_person(owner_of(ana))
    assert "Telegram" not in text_of(client.get(ACCOUNT_PAGE))
    assert client.post(f"/portal/telegram/{bot.public_id}/connect/").status_code == 404


def test_a_manager_says_who_writes_under_an_account(as_person, ada, sofia, music):
    account = make_business_connection(make_channel(music, "telegram"))
    client = as_person(ada)
    assert "Music partners" in text_of(client.get(ACCOUNTS))
    page = f"/manage/telegram/accounts/{account.public_id}/"
    assert "Nobody is named who writes here" in text_of(client.get(page))

    client.post(page, {"person": sofia.pk, "shown_name": account.shown_name})

    assert BusinessConnection.objects.get().person == sofia
    assert "Sofia writes as Music partners" in text_of(client.get(page))
    refused = text_of(client.post(page, {"person": sofia.pk, "shown_name": "Sofia"}))
    assert "does not let the bot change this name" in refused


def test_a_manager_says_whose_a_group_is(as_person, mara, ana, music, enroll):
    group = make_chat(make_channel(music, "telegram"), kind="group", title="Ana and us")
    client = as_person(mara)
    assert "Ana and us" in text_of(client.get(GROUPS, {"nobodys": "yes"}))

    client.post(f"{GROUPS}{group.public_id}/", {"affiliate": ana.email})

    group.refresh_from_db()
    assert group.affiliate == ana
    client.post(f"{GROUPS}{group.public_id}/", {"affiliate": ""})
    group.refresh_from_db()
    assert group.affiliate is None


def test_lists_take_as_many_queries_for_many_as_for_one(as_person, ada, music):
    bot = make_channel(music, "telegram")
    client = as_person(ada)

    def add(number=10):
        for _ in range(number):
            make_business_connection(bot, person=ada)
            make_chat(bot, kind="group")

    add(1)
    assert_same_queries(client, ACCOUNTS, add)
    assert_same_queries(client, GROUPS, add)


@pytest.fixture
def enroll(music, ana):
    from tests.factories import make_enrollment

    return ana.enrollments.filter(program=music).first() or make_enrollment(ana, music)
