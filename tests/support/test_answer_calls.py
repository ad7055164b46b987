"""A request that began with a call is answered in writing by the door that reaches them; calls start where one reads."""

import pytest
from django.utils import timezone

from core.errors import Refusal
from support.models import Message, PhoneCall
from support.services import reply
from support.services.calls import log_call
from support.services.doors import answer_through, doors_of
from tests.factories import make_affiliate
from tests.factories_support import make_channel, make_chat, make_contact, make_ticket


@pytest.fixture
def called(music, ana, mara):
    make_contact(ana, phone="+493012345678")
    return log_call(
        music, by=mara, kind="incoming", started_at=timezone.now(), affiliate=ana, said="When is my money here?"
    ).ticket


@pytest.fixture
def mailbox(music):
    return make_channel(music, "email")


def test_it_is_answered_where_they_wrote_last_else_in_their_portal(music, ana, mara, called, mailbox):
    assert [door.key for door in doors_of(called)] == ["portal", f"mail-{mailbox.pk}"]
    make_ticket(ana, music, channel=mailbox, last_in_at=timezone.now())
    assert doors_of(called)[0].key == f"mail-{mailbox.pk}"

    message = reply(called, "On Friday.", by=mara)

    called.refresh_from_db()
    assert (called.channel, message.outgoing.to) == (mailbox, ana.email)


def test_the_writer_sees_and_chooses_the_door(music, ana, mara, called, mailbox, as_person):
    chat = make_chat(make_channel(music, "telegram"), make_contact(ana, telegram=77))
    client = as_person(mara)
    page = client.get(f"/manage/inbox/{called.public_id}/").content.decode()
    assert all(f'value="{key}"' in page for key in ("portal", f"chat-{chat.pk}", f"mail-{mailbox.pk}"))

    client.post(f"/manage/inbox/{called.public_id}/messages/", {"body": "On Friday.", "mode": "reply", "door": f"chat-{chat.pk}"})

    called.refresh_from_db()
    assert (called.channel, called.chat) == (chat.channel, chat)
    assert Message.objects.get(body_text="On Friday.").outgoing.chat == chat
    assert "Answered from now on" in client.get(f"/manage/inbox/{called.public_id}/history/").content.decode()


def test_another_affiliate_s_chat_and_one_that_is_closed_are_no_doors(music, ana, mara, called):
    bot = make_channel(music, "telegram")
    make_chat(bot, make_contact(ana, telegram=77), closed_reason="They blocked the bot.")
    theirs = make_chat(bot, make_contact(make_affiliate(), telegram=78))
    with pytest.raises(Refusal, match="Choose how"):
        answer_through(called, f"chat-{theirs.pk}", by=mara)


def test_a_stranger_whom_nothing_reaches_is_called_back(music, mara):
    ticket = log_call(music, by=mara, kind="incoming", started_at=timezone.now(), number="+4930111222", said="Hello").ticket
    with pytest.raises(Refusal, match="Nothing reaches them"):
        reply(ticket, "Hello", by=mara)


def test_calls_start_and_are_written_down_where_one_reads_about_them(music, ana, mara, called, as_person):
    client = as_person(mara)
    other = make_ticket(ana, music)
    for page in (f"/manage/affiliates/{ana.public_id}/", f"/manage/inbox/{other.public_id}/card/"):
        shown = client.get(page).content.decode()
        assert 'href="tel:+493012345678"' in shown and "number=%2B493012345678" in shown

    told = f"?affiliate={ana.public_id}&number=%2B493012345678&kind=outgoing&program={music.slug}&ticket={other.public_id}"
    form = client.get(f"/manage/inbox/calls/new/{told}").context["form"]
    data = {name: form[name].value() for name in form.fields if form[name].value() not in (None, "")}
    data |= {"program": music.pk, "answered": "On Friday.", "started_at": "2026-01-05T12:00"}
    assert client.post("/manage/inbox/calls/new/", data).status_code == 302
    call = PhoneCall.objects.order_by("-pk").first()
    assert (call.ticket, call.kind, call.number) == (other, "outgoing", "+493012345678")


def test_a_call_is_not_put_into_another_s_request(music, ana, mara):
    other = make_ticket(make_affiliate(), music)
    with pytest.raises(Refusal, match="somebody else"):
        log_call(music, by=mara, kind="outgoing", started_at=timezone.now(), affiliate=ana, answered="x", about=other)
