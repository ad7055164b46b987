"""Mails go out over a real SMTP server."""

import pytest
from django.db import transaction

from channels.files import keep_file
from channels.models import Outgoing
from channels.outgoing import queue, send_due
from channels.tokens import make_message_id, make_reply_address
from core.ids import encode_id
from tests.factories_support import make_channel
from tests.servers.mail_servers import smtp_sink

ADDRESS = "help@music.example"
TICKET = encode_id("tkt", 7)


@pytest.fixture(scope="module")
def server():
    with smtp_sink() as sink:
        yield sink


@pytest.fixture
def sink(server):
    server.mails.clear()
    server.envelopes.clear()
    server.answers.clear()
    return server


@pytest.fixture
def channel(music, sink):
    return make_channel(music, settings={"address": ADDRESS, "sender_name": "Music partners"}, secrets={"smtp_url": sink.url})


def put(channel, to="ana@blog.example", **payload):
    with transaction.atomic():
        return queue(channel, to, {"subject": "Re: A question", "text": "An answer", **payload}, key=f"{to} {len(payload)}")


def test_a_mail_bears_who_sends_it_and_the_way_back(channel, sink):
    message_id = make_message_id(TICKET, "msg_1", ADDRESS)
    headers = {
        "Message-ID": f"<{message_id}>",
        "Reply-To": make_reply_address(TICKET, ADDRESS),
        "In-Reply-To": "<one@blog.example>",
    }
    row = put(channel, headers=headers)

    assert send_due(channel.pk) == 1

    (mail,) = sink.mails
    assert (mail["From"], mail["To"], mail["Subject"]) == (f"Music partners <{ADDRESS}>", "ana@blog.example", "Re: A question")
    assert (mail["Message-ID"], mail["In-Reply-To"]) == (f"<{message_id}>", "<one@blog.example>")
    assert mail["Reply-To"] == make_reply_address(TICKET, ADDRESS)
    assert mail.get_content().strip() == "An answer"
    assert sink.envelopes[0].mail_from == ADDRESS
    row.refresh_from_db()
    assert row.provider_id == message_id


def test_files_go_with_it_and_none_is_shown_by_itself(channel, sink, settings, tmp_path):
    settings.DATA_FOLDER = tmp_path
    page, picture = keep_file(b"<html><script>alert(1)</script>"), keep_file(b"\x89PNG\r\n\x1a\n" + b"\x00" * 20)
    put(channel, files=[{"file": page.pk, "name": "a page.html"}, {"file": picture.pk, "name": "Übersicht.png"}])
    send_due(channel.pk)

    first, second = sink.mails[0].iter_attachments()
    assert (first.get_content_type(), first.get_filename()) == ("application/octet-stream", "a page.html")
    assert (second.get_content_type(), second.get_filename()) == ("image/png", "Übersicht.png")
    assert first.get_payload(decode=True) == b"<html><script>alert(1)</script>"


def test_a_file_that_is_lost_is_no_reason_to_send_half_a_mail(channel, sink):
    row = put(channel, files=[{"file": 0, "name": "gone.txt"}])
    send_due(channel.pk)

    row.refresh_from_db()
    assert (row.status, "gone.txt" in row.error, sink.mails) == ("failed", True, [])


@pytest.mark.parametrize(
    ("says", "status"),
    [("550 no such mailbox", "failed"), ("451 greylisted", "queued"), ("", "unknown")],
    ids=["refused", "later", "cut off after the mail"],
)
def test_each_answer_of_the_server_has_its_state_and_others_go_on(channel, sink, says, status):
    sink.answers["bad@blog.example"] = says
    bad, good = put(channel, "bad@blog.example"), put(channel, "good@blog.example")

    send_due(channel.pk)

    bad.refresh_from_db()
    good.refresh_from_db()
    assert (bad.status, good.status) == (status, "sent")


def test_a_subject_and_an_address_bring_no_headers_of_their_own(channel, sink):
    put(channel, subject="Re: One\r\nBcc: other@blog.example")
    row = put(channel, "ana@blog.example\nBcc: other@blog.example")
    send_due(channel.pk)

    assert len(sink.mails) == 1
    assert (sink.mails[0]["Bcc"], sink.envelopes[0].rcpt_tos) == (None, ["ana@blog.example"])
    row.refresh_from_db()
    assert row.status == "failed"


def test_without_a_mail_server_mails_wait_and_it_is_told(music, settings):
    settings.MAIL_SERVER = None
    channel = make_channel(music, settings={"address": ADDRESS})
    put(channel)
    send_due(channel.pk)

    channel.refresh_from_db()
    assert "EMAIL_URL" in channel.send_error
    assert Outgoing.objects.get().status == "queued"


def test_without_one_of_its_own_the_installations_carries_it(music, sink, settings):
    settings.MAIL_SERVER = {
        "host": "127.0.0.1",
        "port": sink.port,
        "username": "",
        "password": "",
        "use_tls": False,
        "use_ssl": False,
    }
    channel = make_channel(music, settings={"address": ADDRESS})
    put(channel)

    assert send_due(channel.pk) == 1
    assert sink.mails[0]["From"] == f"Music <{ADDRESS}>"
