"""Updates are read as Telegram documents them; what is not as documented is Malformed and nothing worse."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.telegram.updates import (
    Connection,
    Deleted,
    Housekeeping,
    Malformed,
    Membership,
    Pressed,
    Said,
    read_update,
)
from tests.servers.bot_api import message


def read(**content):
    return read_update(json.dumps({"update_id": 5, **content}).encode())[1]


def said(text=None, **fields):
    found = read(message=message(text, message_id=12, **fields))
    assert isinstance(found, Said)
    return found


def test_a_text_has_a_sender_a_chat_and_a_number():
    found = said("Xin chào", reply_to_message=message("Hello", message_id=11), quote={"text": "Hel", "position": 0})
    assert (found.text, found.message_id, found.replied_to, found.quoted) == ("Xin chào", 12, 11, "Hel")
    assert (found.sender.id, found.sender.name, found.sender.username, found.sender.language) == (7001, "Bao", "bao_hanoi", "vi")
    assert (found.chat.id, found.chat.private) == (7001, True)


def test_a_topic_of_a_group_is_named_and_what_began_it_is_not_what_a_message_answers():
    root = message("Payouts", message_id=40)
    found = said("Hi", message_thread_id=40, is_topic_message=True, reply_to_message=root)
    assert (found.topic, found.replied_to) == ("40", None)
    assert said("Hi", message_thread_id=40).topic == ""  # a thread of replies, in a group without topics


def test_a_command_is_told_from_a_text_with_a_slash():
    assert (said("/money@tributary_bot last month").command, said("/money last month").argument) == ("money", "last month")
    assert said("and/or").command == ""


def test_of_a_photo_the_largest_form_is_taken_and_its_caption_is_the_text():
    sizes = [{"file_id": "s", "width": 90, "height": 90}, {"file_id": "l", "width": 1280, "height": 720, "file_size": 9}]
    found = said(photo=sizes, caption="My banner")
    assert (found.text, [(f.id, f.name, f.size) for f in found.files]) == ("My banner", [("l", "photo.jpg", 9)])


def test_voices_documents_and_animations_are_files():
    assert said(voice={"file_id": "v", "duration": 3}).files[0].name == "voice.ogg"
    assert said(document={"file_id": "d", "file_name": "numbers.xlsx"}).files[0].name == "numbers.xlsx"
    gif = said(animation={"file_id": "a"}, document={"file_id": "a", "file_name": "x.mp4"})
    assert [f.id for f in gif.files] == ["a"]


def test_what_is_no_text_is_told_in_words():
    assert said(contact={"first_name": "Ella", "phone_number": "+6391"}).text == "Ella\n+6391"
    assert said(location={"latitude": 21.03, "longitude": 105.85}).text == "21.03, 105.85"
    assert said(sticker={"file_id": "s", "emoji": "👍"}).text == "👍"
    assert said(poll={"question": "When?", "options": [{"text": "Monday"}]}).text == "When?\n– Monday"
    assert said("Hi", forward_origin={"type": "hidden_user", "sender_user_name": "Otto"}).notes == ["Forwarded from Otto."]


def test_an_anonymous_admin_is_the_group():
    anonymous = {"id": 1087968824, "is_bot": True, "first_name": "Group"}
    found = said(
        "Hello", chat=-100, **{"sender_chat": {"id": -100, "type": "supergroup", "title": "Partners"}, "from": anonymous}
    )
    assert (found.sender.id, found.sender.name, found.sender.is_bot) == (-100, "Partners", False)


def test_housekeeping_is_nobodys_request():
    assert read(message=message(None, message_id=1, chat=-5, new_chat_title="New")) == Housekeeping(said("x", chat=-5).chat, None)
    assert read(message=message(None, message_id=1, chat=-5, migrate_to_chat_id=-1005)).migrated_to == -1005


def test_the_right_to_reply_is_read_from_the_rights_and_from_what_was_before_them():
    user = {"id": 9, "is_bot": False, "first_name": "Music partners"}
    base = {"id": "c", "user": user, "user_chat_id": 9, "date": 1, "is_enabled": True}
    new = read(business_connection=base | {"rights": {"can_reply": True, "can_edit_name": True}})
    assert isinstance(new, Connection)
    assert (new.can_reply, new.can_edit_name, new.is_enabled) == (True, True, True)
    assert read(business_connection=base | {"can_reply": True}).can_reply
    assert not read(business_connection=base | {"rights": {}}).can_reply


def test_deletions_membership_and_taps():
    chat = {"id": 7001, "type": "private", "first_name": "Bao"}
    gone = read(deleted_business_messages={"business_connection_id": "c", "chat": chat, "message_ids": [3, 4]})
    assert isinstance(gone, Deleted) and gone.message_ids == [3, 4]
    person = {"id": 7001, "is_bot": False, "first_name": "Bao"}
    changed = read(
        my_chat_member={"chat": chat, "from": person, "date": 1, "new_chat_member": {"status": "kicked", "user": person}}
    )
    assert isinstance(changed, Membership) and changed.status == "kicked"
    tap = read(callback_query={"id": "q", "from": person, "data": "csat:x", "message": message("?", message_id=4)})
    assert isinstance(tap, Pressed) and (tap.data, tap.message_id) == ("csat:x", 4)


def test_an_update_of_a_kind_unknown_here_comes_by_its_name():
    assert read(inline_query={"id": "1"}) == "inline_query"


def test_no_text_holds_what_postgresql_does_not_take():
    assert said("a\x00b").text == "ab"
    raw = b'{"update_id": 1, "message": {"message_id": 1, "chat": {"id": 1, "type": "private"}, "text": "\\ud800x"}}'
    assert read_update(raw)[1].text == "?x"


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b'{"update_id": "1"}', b'{"update_id": true}', b"\xff", b"[" * 100_000])
def test_what_is_no_update_is_malformed(raw):
    with pytest.raises(Malformed):
        read_update(raw)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "type", "chat", "from", "text", "message_id", "photo", "file_id", "title"]), inner
        )
    ),
    max_leaves=12,
)
KINDS = [
    "message", "edited_message", "business_connection", "deleted_business_messages", "my_chat_member", "callback_query",
]  # fmt: skip


@given(kind=st.sampled_from(KINDS), content=JSON)
def test_no_update_breaks_the_reader(kind, content):
    try:
        read_update(json.dumps({"update_id": 1, kind: content}).encode())
    except Malformed:
        pass
