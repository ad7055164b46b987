"""The company's own accounts: what is written there is kept whoever writes under them; contacts are told who writes now."""

from datetime import timedelta

import pytest
from django.utils import timezone

from channels.inbound import process_due
from channels.models import BusinessConnection, Chat, InboundItem, Outgoing
from channels.parsed import Automatic, Kind
from channels.telegram.business import BusinessError, change_person
from channels.telegram.chats import why_silent
from channels.telegram.standing_in import look_after_accounts
from tests.channels.telegram import bot_api as bot_api
from tests.channels.telegram import connect
from tests.channels.telegram import door as door
from tests.channels.telegram import filed as filed
from tests.factories import event_names
from tests.factories_team import make_absence, make_cover

ACCOUNT = {"id": 9001, "is_bot": False, "first_name": "Music partners", "username": "music_partners"}
BAO = {"id": 7001, "type": "private", "first_name": "Bao", "username": "bao_hanoi"}


@pytest.fixture
def account(door, music):
    door.channel.program = music
    door.channel.save()

    def tell(id="biz-1", **fields):
        told = {
            "id": id,
            "user": ACCOUNT,
            "user_chat_id": 9001,
            "date": 1,
            "is_enabled": True,
            "rights": {"can_reply": True},
        } | fields
        door.bot.connections[id] = told
        return door.hear(business_connection=told)

    door.tell = tell
    item = tell()
    found = BusinessConnection.objects.get()
    assert (item.status, item.filed_as) == ("filed", f"businessconnection:{found.pk}")
    return found


def from_bao(door, text="Hello", **fields):
    return door.say(text, kind=fields.pop("kind", "business_message"), business_connection_id="biz-1", **fields)


def from_account(door, text="On its way", **fields):
    return door.say(text, kind="business_message", business_connection_id="biz-1", chat=7001, **{"from": ACCOUNT}, **fields)


def test_messages_edits_and_deletions_are_kept(door, filed, account):
    from_bao(door, "Where is my money?")
    from_bao(door, "Where is my money, please?", kind="edited_business_message")
    door.hear(deleted_business_messages={"business_connection_id": "biz-1", "chat": BAO, "message_ids": [3]})

    chat = Chat.objects.get()
    assert [(p.kind, p.written_by_us, p.chat) for p in filed] == [
        (Kind.MESSAGE, False, chat), (Kind.EDIT, False, chat), (Kind.DELETION, False, chat),
    ]  # fmt: skip
    assert filed[2].deleted == [f"{chat.pk} 7001 3"]
    assert (chat.business, str(chat.contact.addresses.get())) == (account, "@bao_hanoi")


def test_what_its_person_writes_on_their_own_device_is_our_answer_to_the_contact(door, filed, account, mara, ada):
    change_person(account, mara, by=ada)
    from_bao(door)
    from_account(door)
    from_account(door, "I am away", is_from_offline=True)
    from_account(door, "Written here", sender_business_bot={"id": door.bot.id, "is_bot": True, "first_name": "T"})

    assert [(p.written_by_us, p.contact.name, p.text, p.automatic) for p in filed] == [
        (False, "Bao", "Hello", Automatic.NO), (True, "Bao", "On its way", Automatic.NO), (True, "Bao", "I am away", Automatic.GENERATED),
    ]  # fmt: skip
    assert set(InboundItem.objects.values_list("status", flat=True)) == {"filed"}


def test_what_an_unnamed_person_wrote_waits_and_is_filed_once_they_are_named(door, filed, account, mara, ada):
    item = from_account(door)
    assert (item.status, filed) == ("quarantined", [])
    assert "Say who writes as Music partners" in item.reason

    change_person(account, mara, by=ada)
    process_due(door.channel)

    item.refresh_from_db()
    assert (item.status, filed[0].written_by_us) == ("filed", True)


def test_a_lapsed_right_to_reply_is_seen_before_one_types(door, filed, account):
    from_bao(door)
    chat = Chat.objects.select_related("business", "channel").get()
    assert why_silent(chat) == ""
    assert "24 hours" in why_silent(chat, timezone.now() + timedelta(hours=25))
    door.tell(rights={})
    assert "does not let the bot reply" in why_silent(Chat.objects.get())
    door.tell(is_enabled=False)
    assert "has disconnected the bot" in why_silent(Chat.objects.get())
    assert event_names(account).count("business_connection.changed") == 3


def test_an_account_connected_anew_keeps_its_chats_and_its_person(door, filed, account, mara, ada):
    change_person(account, mara, by=ada)
    from_bao(door)
    door.tell(id="biz-2")
    door.tell(id="biz-1", is_enabled=False)
    door.say("Back again", kind="business_message", business_connection_id="biz-2")

    account.refresh_from_db()
    assert (account.connection_id, account.is_enabled, account.person) == ("biz-2", True, mara)
    assert filed[0].chat == filed[1].chat


def test_an_account_that_was_connected_before_we_listened_is_asked_for(door, filed, music):
    rights = {"can_reply": True}
    door.bot.connections["biz-1"] = {
        "id": "biz-1", "user": ACCOUNT, "user_chat_id": 9001, "date": 1, "is_enabled": True, "rights": rights,
    }  # fmt: skip
    assert from_bao(door).status == "filed"
    assert BusinessConnection.objects.get().can_reply


def test_contacts_are_told_who_writes_now_at_once_or_with_their_next_message(door, filed, account, mara, sofia, ada):
    change_person(account, mara, by=ada)
    from_bao(door)
    from_bao(door, "Hi", sender=7002, name="Ella", username="ella")
    ella = Chat.objects.get(provider_id=7002)
    ella.last_in_at = timezone.now() - timedelta(days=3)
    ella.save()
    assert Outgoing.objects.count() == 0

    change_person(account, sofia, by=ada)

    told = Outgoing.objects.get()
    assert told.chat.provider_id == 7001
    assert "Sofia here" in told.payload["text"] and "Mara" in told.payload["text"]
    from_bao(door, "Are you there?", sender=7002, name="Ella", username="ella")
    from_bao(door, "Thanks", sender=7002, name="Ella", username="ella")
    assert sorted(Outgoing.objects.values_list("chat__provider_id", flat=True)) == [7001, 7002]
    assert "chat.introduced" in event_names(ella)


def test_the_shown_name_changes_where_the_account_lets_the_bot(door, filed, account, mara, ada, nils):
    with pytest.raises(BusinessError, match="does not let the bot change"):
        change_person(account, mara, by=ada, shown_name="Mara · Music")
    with pytest.raises(BusinessError, match="does not answer"):
        change_person(account, nils, by=ada)
    door.tell(rights={"can_reply": True, "can_edit_name": True})

    change_person(BusinessConnection.objects.get(), mara, by=ada, shown_name="Mara · Music")

    assert BusinessConnection.objects.get().shown_name == "Mara · Music"
    assert door.bot.calls[-1] == ("setBusinessAccountName", {"business_connection_id": "biz-1", "first_name": "Mara · Music"})


def test_two_bots_may_serve_one_account_apart(door, filed, account, bot_api):
    other = connect(bot_api, bot_api.bot())
    assert not other.business_connections.exists()


def fresh(account):
    return BusinessConnection.objects.get(pk=account.pk)


def test_a_deputy_writes_while_the_person_is_away_and_contacts_are_told_both_times(door, filed, account, mara, sofia, ada):
    change_person(account, mara, by=ada)
    from_bao(door)
    assert look_after_accounts() == 0
    absence = make_absence(mara, deputy=sofia)

    assert (look_after_accounts(), look_after_accounts()) == (1, 0)
    assert (fresh(account).person, fresh(account).stands_in_for) == (sofia, mara)
    absence.delete()
    assert look_after_accounts() == 1

    assert (fresh(account).person, fresh(account).stands_in_for) == (mara, None)
    told = [row.payload["text"] for row in Outgoing.objects.order_by("pk")]
    assert ["Sofia here" in told[0], "Mara here" in told[1]] == [True, True]


def test_without_a_deputy_the_home_page_asks_who_writes_and_whoever_is_named_gives_it_back(
    door, filed, account, mara, sofia, ada, as_person
):
    change_person(account, mara, by=ada)
    absence = make_absence(mara)
    assert look_after_accounts() == 0
    assert "1 company account has nobody who writes" in as_person(ada).get("/manage/").content.decode()

    change_person(account, sofia, by=ada)

    assert "company account has nobody" not in as_person(ada).get("/manage/").content.decode()
    assert look_after_accounts() == 0
    absence.delete()
    assert look_after_accounts() == 1
    assert fresh(account).person == mara


def test_the_one_who_covers_all_accounts_writes_too(door, filed, account, ana, mara, sofia, ada):
    change_person(account, mara, by=ada)
    make_cover(ana, make_absence(mara), sofia)

    assert look_after_accounts() == 1
    assert fresh(account).person == sofia


@pytest.mark.parametrize("left", ["deactivated", "revoked"])
def test_who_leaves_leaves_the_account_and_its_chats_behind(door, filed, account, mara, ada, as_person, left):
    change_person(account, mara, by=ada)
    from_bao(door)
    if left == "deactivated":
        type(mara).objects.filter(pk=mara.pk).update(is_active=False)
    else:
        mara.assignments.update(revoked_at=timezone.now(), revoked_by=ada)

    assert (look_after_accounts(), look_after_accounts()) == (1, 0)

    assert fresh(account).person is None
    assert Chat.objects.get().business == account
    assert "1 company account has nobody who writes" in as_person(ada).get("/manage/").content.decode()


def test_who_stands_in_keeps_the_account_when_its_person_leaves(door, filed, account, mara, sofia, ada):
    change_person(account, mara, by=ada)
    make_absence(mara, deputy=sofia)
    look_after_accounts()
    mara.is_active = False
    mara.save()

    assert look_after_accounts() == 0
    assert (fresh(account).person, fresh(account).stands_in_for) == (sofia, None)


def test_the_shown_name_follows_the_person_where_the_bot_may(door, filed, account, mara, sofia, ada):
    door.tell(rights={"can_reply": True, "can_edit_name": True})
    change_person(fresh(account), mara, by=ada, shown_name="Mara · Music")
    make_absence(mara, deputy=sofia)

    look_after_accounts()

    assert fresh(account).shown_name == "Sofia · Music"
