"""What is written to a bot: kept raw, read, and filed or quarantined; each update once."""

import pytest
from django.utils import timezone

from channels.inbound import process_due
from channels.models import Chat, Contact, InboundItem, Outgoing, StartLink
from channels.parsed import Automatic, Kind
from channels.telegram import buttons
from channels.telegram.buttons import Answer, make_data
from channels.telegram.chats import ChatError, give_chat, why_silent
from channels.telegram.start_links import disconnect_telegram, make_start_link
from core.access import AccessError
from tests.channels.telegram import bot_api as bot_api
from tests.channels.telegram import door as door
from tests.channels.telegram import filed as filed
from tests.factories import event_names, make_member, make_user, owner_of


def test_a_message_becomes_one_of_a_contact_that_nobody_guessed(door, filed, ana):
    item = door.say("Where is my money?", name=ana.name, username="ana")

    assert (item.status, item.sender) == ("filed", "Ana @ana")
    (parsed,) = filed
    chat = Chat.objects.get()
    assert (parsed.kind, parsed.text, parsed.chat, parsed.provider_id) == (
        Kind.MESSAGE, "Where is my money?", chat, f"{chat.pk} {chat.provider_id} {door.bot.updates[-1]['message']['message_id']}",
    )  # fmt: skip
    assert parsed.contact.affiliate is None
    assert (chat.contact, chat.kind, str(parsed.contact.addresses.get())) == (parsed.contact, "private", "@ana")
    assert chat.last_in_at is not None


def test_the_same_update_twice_is_one_message_and_one_duplicate(door, filed):
    update = door.server.say(door.bot, "Hello")
    first, again = door.take_in(update), door.take_in(update)

    assert (first.status, again.status, again.duplicate_of) == ("filed", "duplicate", first)
    assert len(filed) == 1


def test_replies_edits_and_commands_say_what_they_are_about(door, filed):
    first = door.server.say(door.bot, "Hello")["message"]
    door.say("And?", reply_to_message=first)
    door.say("Hello again", kind="edited_message")
    door.say("/money")

    chat = Chat.objects.get()
    assert filed[0].replied_to == [f"{chat.pk} {chat.provider_id} {first['message_id']}"]
    assert filed[1].kind == Kind.EDIT
    assert filed[2].command == "money"


def test_files_are_fetched_and_named_safely(door, filed):
    voice = door.server.file(door.bot, b"OggS voice", "voice/file_3.oga")
    document = door.server.file(door.bot, b"%PDF-1.7", "documents/file_4.pdf")
    door.say(None, voice={"file_id": voice, "duration": 2})
    door.say(None, document={"file_id": document, "file_name": "../../etc/pass\u202ewd.pdf"}, caption="My invoice")

    assert [(f.name, f.content) for p in filed for f in p.files] == [("voice.ogg", b"OggS voice"), ("passwd.pdf", b"%PDF-1.7")]
    assert filed[1].text == "My invoice"


def test_a_file_over_twenty_megabytes_is_told_as_a_note(door, filed):
    large = door.server.file(door.bot, 21 * 1024 * 1024, "videos/file_9.mp4")
    door.say("See this", video={"file_id": large})
    door.say("And this", video={"file_id": large, "file_size": 21 * 1024 * 1024})

    assert all("20 MB" in parsed.notes[0] and parsed.files == [] for parsed in filed)


def test_a_file_that_cannot_be_fetched_now_waits_and_then_goes_without(door, filed, monkeypatch):
    file = door.server.file(door.bot, b"x", "documents/file_1.txt")
    door.channel.settings["api_base_url"] = "http://127.0.0.1:1"
    door.channel.save()
    item = door.say("My list", document={"file_id": file, "file_name": "list.txt"})
    assert (item.status, filed) == ("received", [])

    InboundItem.objects.update(attempts=2, due_at=item.received_at)
    process_due(door.channel)
    item.refresh_from_db()
    assert (item.status, filed[0].text) == ("filed", "My list")
    assert "list.txt could not be fetched" in filed[0].notes[0]


def test_what_nobody_reads_is_quarantined_whole_with_its_reason(door, filed):
    strange = door.hear(inline_query={"id": "1", "from": {"id": 1}, "query": "x", "offset": ""})
    broken = door.hear(message={"message_id": "one"})

    assert (strange.status, broken.status) == ("quarantined", "quarantined")
    assert "inline_query" in strange.reason and broken.reason.startswith("This is not what Telegram sends")
    assert filed == []


def test_another_bot_in_a_group_is_automatic(door, filed):
    door.say("Daily digest", chat=-500, **{"from": {"id": 3, "is_bot": True, "first_name": "Digest"}})
    assert filed[0].automatic == Automatic.GENERATED


def test_a_group_is_an_affiliates_once_a_person_says_so(door, filed, ana, mara, nils):
    door.channel.program = mara.assignments.get().program
    door.channel.save()
    door.say("Hello all", chat=-500, title="Ana and us")
    chat = Chat.objects.get()
    assert (chat.kind, chat.title, chat.contact, chat.affiliate) == ("group", "Ana and us", None, None)

    give_chat(chat, ana, by=mara)

    chat.refresh_from_db()
    assert chat.affiliate == ana
    assert "chat.given" in event_names(ana)
    with pytest.raises(AccessError):
        give_chat(chat, None, by=nils)
    private = Chat.objects.create(channel=door.channel, provider_id=5, kind="private")
    with pytest.raises(ChatError):
        give_chat(private, ana, by=mara)


def test_a_group_that_grows_goes_on_under_its_new_id(door, filed):
    door.say("Hello", chat=-500)
    door.say(None, chat=-500, migrate_to_chat_id=-100500)
    door.say("Hello again", chat=-100500)

    assert [chat.provider_id for chat in Chat.objects.all()] == [-100500]
    assert filed[0].chat == filed[1].chat
    assert filed[0].provider_id != filed[1].provider_id


def test_a_blocked_bot_is_shown_before_one_types_and_an_unblocked_one_is_free_again(door, filed):
    door.say("Hello")
    chat = Chat.objects.get()
    assert why_silent(chat) == ""
    person = {"id": 7001, "is_bot": False, "first_name": "Bao"}

    def member(status):
        where = {"id": 7001, "type": "private", "first_name": "Bao"}
        return door.hear(
            my_chat_member={"chat": where, "from": person, "date": 1, "new_chat_member": {"status": status, "user": person}}
        )

    assert member("kicked").status == "filed"
    chat.refresh_from_db()
    assert "blocked" in why_silent(chat)
    member("member")
    chat.refresh_from_db()
    assert why_silent(chat) == ""
    assert event_names(chat) == ["chat.closed", "chat.reopened"]


def start(door, url, **fields):
    item = door.say(f"/start {url.partition('start=')[2]}", **fields)
    return item, Outgoing.objects.filter(key=f"start:{item.pk}").get().payload["text"]


def test_a_start_link_ties_the_telegram_account_to_the_member_once(door, filed, ana):
    owner = owner_of(ana)
    url = make_start_link(ana, door.channel, by=owner)
    assert url.startswith(f"https://t.me/{door.bot.username}?start=") and len(url.partition("start=")[2]) <= 64

    item, told = start(door, url)

    contact = Contact.objects.get()
    assert (item.status, item.filed_as, filed) == ("filed", f"contact:{contact.pk}", [])
    assert (contact.affiliate, contact.user) == (ana, owner)
    assert ana.name in told and "belongs to" in told
    _item, told = start(door, url, sender=7002, name="Otto", username="otto")
    assert "was used before" in told
    assert Contact.objects.filter(affiliate=ana).count() == 1


def test_start_links_expire_and_a_newer_one_ends_the_older(door, filed, ana):
    owner = owner_of(ana)
    older, newer = make_start_link(ana, door.channel, by=owner), make_start_link(ana, door.channel, by=owner)
    assert "expired" in start(door, older)[1]
    StartLink.objects.update(expires_at=timezone.now())
    assert "expired" in start(door, newer)[1]
    assert "not one of ours" in start(door, "x?start=made-up")[1]
    assert Contact.objects.get().affiliate is None


def test_nobodys_telegram_is_taken_over_by_anothers_link(door, filed, ana, bao):
    start(door, make_start_link(ana, door.channel, by=owner_of(ana)))
    _item, told = start(door, make_start_link(bao, door.channel, by=owner_of(bao)))
    assert "belongs to another account already" in told
    contact = Contact.objects.get()
    assert contact.affiliate == ana

    disconnect_telegram(contact, ana, by=owner_of(ana))
    start(door, make_start_link(bao, door.channel, by=owner_of(bao)))
    contact.refresh_from_db()
    assert contact.affiliate == bao


def test_a_link_of_someone_who_left_ties_nothing(door, filed, ana):
    member = make_member(ana, make_user(), "marketing")
    url = make_start_link(ana, door.channel, by=member.user)
    member.removed_at = member.created_at
    member.save()
    assert "no longer belongs" in start(door, url)[1]
    assert Contact.objects.get().affiliate is None


def test_a_tap_on_a_button_reaches_whoever_registered_its_prefix(door, filed, monkeypatch):
    monkeypatch.setattr(buttons, "_handlers", {})
    heard = []
    buttons.register_buttons("csat", lambda press: heard.append(press) or Answer("rating:7", "Thank you"))
    person = {"id": 7001, "is_bot": False, "first_name": "Bao"}
    tap = {"id": "77", "from": person, "message": door.server.say(door.bot, "?")["message"]}

    item = door.hear(callback_query=tap | {"data": make_data("csat", "tok:good")})
    unknown = door.hear(callback_query=tap | {"data": "other:1"})

    assert (item.status, item.filed_as, heard[0].data, heard[0].contact.name) == ("filed", "rating:7", "tok:good", "Bao")
    told = Outgoing.objects.get(key__startswith="tap:").payload
    assert told == {"method": "answerCallbackQuery", "callback_query_id": "77", "text": "Thank you"}
    assert unknown.status == "quarantined"
    with pytest.raises(ValueError):
        make_data("csat", "x" * 64)
