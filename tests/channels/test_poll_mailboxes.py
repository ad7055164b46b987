"""A real IMAP server is read: by UIDVALIDITY and UID, whatever happens to marks, mails and connections."""

import socket

import pytest
from django.utils import timezone

from channels import imap
from channels.imap import poll
from channels.models import InboundItem
from channels.queries import reconcile
from support.models import Message
from tests.channels.mails import mail, with_file
from tests.factories_support import make_channel
from tests.servers.mail_servers import mailbox

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def server():
    with mailbox() as box:
        yield box


@pytest.fixture
def box(server):
    server.remove_all()
    return server


@pytest.fixture
def channel(music, box):
    return connected(music, box.url)


def connected(program, url, **settings):
    settings = {"address": "help@music.example", "polls": True, **settings}
    return make_channel(program, settings=settings, secrets={"imap_url": url, "hook_secret": "x"})


def letter(number, **headers):
    return mail(f"Question {number}", Message_ID=f"<{number}@blog.example>", Subject=f"Question {number}", **headers)


def told(channel):
    channel.refresh_from_db()
    found = reconcile(channel)
    return found.received, found.filed, found.duplicate, found.quarantined


def test_what_is_in_the_mailbox_becomes_messages_once(box, channel):
    box.put(letter(1), letter(2))

    assert poll(channel.pk) == 2
    assert poll(channel.pk) == 0

    assert sorted(Message.objects.values_list("body_text", flat=True)) == ["Question 1", "Question 2"]
    assert told(channel) == (2, 2, 0, 0)
    assert channel.polled_at is not None


def test_the_bytes_are_kept_as_they_came_and_the_mailbox_is_left_as_it_was(box, channel):
    raw = with_file("numbers.csv", b"1;2").replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    box.put(raw)
    poll(channel.pk)

    assert bytes(InboundItem.objects.get().raw) == raw
    assert box.flags() == []


def test_marks_of_others_change_nothing(box, channel):
    box.put(letter(1))
    box.mark_all_read()

    assert poll(channel.pk) == 1


def test_an_outage_is_read_up_in_pages_each_kept_with_its_cursor(box, channel, monkeypatch):
    monkeypatch.setattr(imap, "MOST_MAILS", 7)
    monkeypatch.setattr(imap, "WINDOW", 11)
    box.put(*[letter(number) for number in range(30)])
    real = imap.store_many
    kept = []

    def store(channel, arrivals):
        if len(kept) == 2:
            raise KeyboardInterrupt  # the worker is killed in the middle of a page
        kept.append(len(arrivals))
        return real(channel, arrivals)

    monkeypatch.setattr(imap, "store_many", store)
    with pytest.raises(KeyboardInterrupt):
        poll(channel.pk)
    channel.refresh_from_db()
    assert InboundItem.objects.count() == sum(kept) < 30

    monkeypatch.setattr(imap, "store_many", real)
    assert poll(channel.pk) == 30 - sum(kept)
    assert told(channel) == (30, 30, 0, 0)


def test_large_mails_are_fetched_by_themselves(box, channel, monkeypatch):
    monkeypatch.setattr(imap, "MOST_PAGE_BYTES", 3000)
    pages = []
    real = imap.store_many
    monkeypatch.setattr(imap, "store_many", lambda channel, arrivals: pages.append(len(arrivals)) or real(channel, arrivals))
    box.put(letter(1), with_file("film.bin", b"x" * 4000), letter(2), letter(3))

    assert poll(channel.pk) == 4
    assert pages == [1, 1, 2]


def test_a_mail_beyond_the_bound_is_told_by_its_headers(box, channel, monkeypatch):
    monkeypatch.setattr(imap, "MOST_BYTES", 3000)
    box.put(with_file("film.bin", b"x" * 9000), letter(1))

    assert poll(channel.pk) == 2
    item = InboundItem.objects.get(status="quarantined")
    assert ("larger than" in item.reason, item.subject, item.size < 3000) == (True, "A file", True)
    assert told(channel) == (2, 1, 0, 1)


def test_a_new_uidvalidity_is_read_from_its_beginning_and_files_nothing_twice(music, box):
    channel = connected(music, f"{box.url}/Support")
    box.make_anew("Support")
    box.put(letter(1), letter(2), folder="Support")
    poll(channel.pk)
    before = channel.imap_uidvalidity

    box.make_anew("Support")
    box.put(letter(2), letter(1), letter(3), folder="Support")
    assert poll(channel.pk) == 3

    assert told(channel) == (5, 3, 2, 0)
    assert channel.imap_uidvalidity != before


def test_a_poisonous_mail_harms_no_other(box, channel):
    box.put(letter(1), b"\xff\xfe no mail", letter(2))
    poll(channel.pk)

    assert told(channel) == (3, 2, 0, 1)


def test_what_was_there_before_may_stay_there(music, box):
    channel = connected(music, box.url, skip_existing=True)
    with box.client() as client:
        client.append("INBOX", "", '"01-Jan-2020 10:00:00 +0000"', letter(1))
    box.put(letter(2))

    assert poll(channel.pk) == 1
    assert Message.objects.get().body_text == "Question 2"


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda url: url.replace("p%C3%A4ssword", "wrong"), ""),
        (lambda url: f"{url}/Nowhere", "no folder Nowhere"),
        (lambda url: f"imap://help:x@127.0.0.1:{closed_port()}", "refused"),
    ],
    ids=["password", "folder", "closed"],
)
def test_what_is_wrong_is_told_since_when_until_it_works_again(music, box, spoil, told):
    channel = connected(music, spoil(box.url))
    assert poll(channel.pk) == 0

    channel.refresh_from_db()
    assert channel.receive_error
    assert told in channel.receive_error
    since = channel.receive_error_since
    poll(channel.pk)
    channel.refresh_from_db()
    assert channel.receive_error_since == since < timezone.now()

    channel.keep_secrets({"imap_url": box.url})
    channel.save()
    box.put(letter(1))
    assert poll(channel.pk) == 1
    channel.refresh_from_db()
    assert (channel.receive_error, channel.receive_error_since) == ("", None)


@pytest.mark.parametrize("status", ["paused", "closed"])
def test_a_channel_that_rests_is_not_read(box, channel, status):
    box.put(letter(1))
    channel.status = status
    channel.save()

    assert poll(channel.pk) == 0


def test_a_mail_by_the_hook_and_by_imap_is_one_message(box, channel):
    from channels.inbound import take_in
    from channels.mail import provider_id_of

    take_in(channel, letter(1), provider_id_of(letter(1)))
    box.put(letter(1, Received="from the provider"))
    poll(channel.pk)

    assert told(channel) == (2, 1, 1, 0)


def closed_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]
