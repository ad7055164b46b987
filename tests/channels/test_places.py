"""Servers outside that do not answer hold some of the threads that talk with them, and never all."""

import pytest

from channels import imap, outgoing, tasks
from config.runtime.post import THREADS
from core import events, mail
from core.tasks import DELIVERING, MAILING, deliver_due_events, send_due_mails

PLACES = {tasks.poll_mailbox: (imap, "poll", 3), tasks.send_channel: (outgoing, "send_due", 4)}


@pytest.mark.parametrize("task", PLACES, ids=lambda task: task.name)
def test_while_mailboxes_and_channels_hang_others_are_asked_later(monkeypatch, task):
    module, name, places = PLACES[task]
    hanging = []

    def hang(number: int) -> int:
        hanging.append(number)
        task(number + 1)  # meanwhile the next one is asked
        return 0

    monkeypatch.setattr(module, name, hang)
    for _round in range(2):
        hanging.clear()
        task(1)
        assert hanging == list(range(1, places + 1))  # and whoever comes after has them again


def test_what_hangs_leaves_threads_to_the_clocks(monkeypatch):
    hanging = []
    monkeypatch.setattr(mail, "send_due", lambda: hanging.append(send_due_mails()))
    send_due_mails()
    assert len(hanging) == MAILING._initial_value
    monkeypatch.setattr(events, "deliver_due", lambda: hanging.append(deliver_due_events()))
    deliver_due_events()
    assert len(hanging) == MAILING._initial_value + DELIVERING._initial_value
    assert len(hanging) + sum(places for _module, _name, places in PLACES.values()) <= THREADS - 3


def test_a_channel_with_much_to_send_lets_the_others_be_asked_before_it_goes_on(monkeypatch):
    asked = []
    monkeypatch.setattr(outgoing, "send_due", lambda channel: 5)
    monkeypatch.setattr(tasks, "send_soon", lambda task, *args: asked.append((task, args)))
    tasks.send_channel(1)
    assert asked == [(tasks.send_due_outgoing, ())]
