"""Mails against a real SMTP server on loopback: sent once, kept where there is none, tried again where it is away."""

import socket
from datetime import timedelta

import pytest
import time_machine
from aiosmtpd.controller import Controller
from django.core.mail import send_mail
from django.utils import timezone

from core.mail import send_due
from core.models import Mail

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def our_backend(settings):
    settings.EMAIL_BACKEND = "core.mail.KeepingBackend"  # pytest-django puts one of memory in its place


class Sink:
    def __init__(self) -> None:
        self.received: list[tuple[str, str]] = []
        self.answer = "250 OK"
        self.to_recipient = "250 OK"
        self.connections = 0
        self.hangs_up = False

    async def handle_EHLO(self, server, session, envelope, hostname, responses) -> list[str]:
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options) -> str:
        if self.to_recipient.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.to_recipient

    async def handle_DATA(self, server, session, envelope) -> str:
        if self.answer.startswith("250"):
            self.received.append((envelope.rcpt_tos[0], envelope.content.decode()))
        if self.hangs_up:
            server.transport.close()
        return self.answer


@pytest.fixture
def sink(settings):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    sink = Sink()
    controller = Controller(sink, hostname="127.0.0.1", port=port)
    controller.start()
    settings.MAIL_SERVER = {"host": "127.0.0.1", "port": port}
    yield sink
    controller.stop()


def write(to="ana@tributary.example"):
    send_mail("A word\nBcc: everybody", "Hello.", "Tributary <t@tributary.example>", [to])


def test_without_a_mail_server_every_mail_is_kept(settings):
    settings.MAIL_SERVER = None
    write()

    assert send_due() == 0
    assert Mail.objects.get().status == "kept"


def test_with_a_server_it_is_sent_once(sink):
    write()

    assert (send_due(), send_due()) == (1, 0)
    [(to, content)] = sink.received
    assert to == "ana@tributary.example" and "Subject: A word Bcc: everybody" in content
    assert Mail.objects.get().status == "sent"


def test_a_server_that_is_away_is_tried_again_later(sink, settings):
    write()
    here = settings.MAIL_SERVER
    settings.MAIL_SERVER = {**here, "port": 1}  # nobody listens there
    assert send_due() == 0
    mail = Mail.objects.get()
    assert (mail.status, mail.attempts) == ("queued", 1) and mail.due_at > timezone.now()

    settings.MAIL_SERVER = here
    with time_machine.travel(timezone.now() + timedelta(minutes=5)):
        assert send_due() == 1


def test_a_refused_mail_fails_with_the_servers_words_and_holds_up_no_other(sink):
    sink.answer = "554 no thanks"
    write()
    assert send_due() == 0
    assert Mail.objects.get().status == "failed" and "no thanks" in Mail.objects.get().error

    sink.answer = "250 OK"
    write("bao@tributary.example")
    assert send_due() == 1


@pytest.mark.parametrize("answer", ["450 come back later", "451 local error", "421 closing"])
@pytest.mark.parametrize("at", ["to_recipient", "answer"])
def test_who_is_refused_for_now_is_tried_again_later(sink, at, answer):
    setattr(sink, at, answer)
    write()
    assert send_due() == 0
    mail = Mail.objects.get()
    assert (mail.status, mail.attempts) == ("queued", 1) and mail.due_at > timezone.now() and answer[4:] in mail.error

    setattr(sink, at, "250 OK")
    with time_machine.travel(timezone.now() + timedelta(minutes=5)):
        assert send_due() == 1


def test_an_address_that_is_refused_for_good_fails(sink):
    sink.to_recipient = "550 nobody here"
    write()

    assert send_due() == 0
    assert Mail.objects.get().status == "failed"


def test_a_connection_lost_after_the_message_leaves_it_open_and_sends_no_second_one(sink):
    sink.hangs_up = True
    write()
    assert send_due() == 0
    assert Mail.objects.get().status == "unknown"

    sink.hangs_up = False
    with time_machine.travel(timezone.now() + timedelta(hours=5)):
        assert send_due() == 0
    assert len(sink.received) == 1


def test_an_address_that_cannot_be_written_fails_alone(sink):
    write()
    Mail.objects.update(to="ana@" + "ü" * 80 + ".example")  # no label of a domain is that long
    write("bao@tributary.example")

    assert send_due() == 1
    assert [mail.status for mail in Mail.objects.order_by("pk")] == ["failed", "sent"]


def test_a_round_uses_one_connection(sink):
    for name in ("ana", "bao", "citra"):
        write(f"{name}@tributary.example")

    assert send_due() == 3
    assert sink.connections == 1


def test_a_worker_killed_in_the_middle_leaves_an_unknown_mail_never_a_second_one(sink):
    write()
    Mail.objects.update(status="sending", due_at=timezone.now() - timedelta(minutes=11))

    assert send_due() == 0
    assert Mail.objects.get().status == "unknown" and sink.received == []
