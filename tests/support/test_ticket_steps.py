"""What managers do to a ticket, step by step, and what each step asks."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from support.models import Task, Ticket
from tests.factories_support import make_message, make_ticket

pytestmark = pytest.mark.django_db


@pytest.fixture
def ticket(music, ana):
    ticket = make_ticket(ana, music, subject="Where is my money")
    make_message(ticket, "It has not come yet")
    return ticket


def url(name, ticket):
    return reverse(f"manage:{name}", args=[ticket.public_id])


def test_steps_of_one_ticket(as_person, mara, sofia, ticket):
    browser = as_person(mara)

    def after(name, **data):
        answer = browser.post(url(name, ticket), {**data, "place": "show=mine"})
        assert answer["Location"].endswith("?show=mine")
        ticket.refresh_from_db()
        return ticket

    assert after("ticket_assign", to=sofia.email).assignee == sofia
    assert after("ticket_assign", to="me").assignee == mara
    assert after("ticket_assign", to="").assignee is None
    assert after("ticket_snooze", when="1h").snoozed_until > timezone.now()
    assert after("ticket_snooze", when="now").snoozed_until is None
    own = timezone.localtime() + timedelta(days=3)
    asleep = after("ticket_snooze", when="pick", until=f"{own:%Y-%m-%dT%H:%M}", why="The bank answers on Thursday")
    assert asleep.snoozed_until == own.replace(second=0, microsecond=0)
    assert "The bank answers on Thursday" in browser.get("/manage/inbox/?show=snoozed").content.decode()
    after("ticket_snooze", when="now")
    assert after("ticket_status", status="on_hold", reason="The bank answers tomorrow").status == "on_hold"
    assert after("ticket_status", status="resolved").status == "resolved"
    changed = after(
        "ticket_change",
        **{"change-subject": "Payout", "change-type": "dispute", "change-priority": "high", "change-tags": "Money, VIP"},
    )
    assert (changed.subject, changed.type, changed.priority, changed.tags) == ("Payout", "dispute", "high", ["money", "vip"])


def test_a_snooze_counts_in_the_readers_zone(as_person, mara, ticket):
    mara.time_zone = "Asia/Jakarta"
    mara.save()

    as_person(mara).post(url("ticket_snooze", ticket), {"when": "tomorrow"})

    ticket.refresh_from_db()
    assert ticket.snoozed_until.hour == 2  # nine in the morning there


def test_a_task_has_an_owner_and_a_time_and_is_done_by_itself(as_person, mara, sofia, ticket):
    browser = as_person(mara)
    data = {
        "task-title": "Ask the bank",
        "task-owner": sofia.pk,
        "task-due_at": "2030-01-02T10:00",
        "message": ticket.messages.get().public_id,
    }

    browser.post(url("task_create", ticket), data)
    task = Task.objects.get()
    assert (task.owner, task.message) == (sofia, ticket.messages.get())
    browser.post(reverse("manage:task_finish", args=[task.public_id]))

    task.refresh_from_db()
    assert task.done_by == mara


def test_what_a_step_asks_stands_in_a_dialog_and_on_a_page_without_a_script(as_person, mara, music, ana, ticket):
    twin = make_ticket(ana, music, subject="Twin")
    browser, message = as_person(mara), ticket.messages.get()
    steps = {
        url("ticket_change", ticket): "Where is my money",
        f"{url('task_create', ticket)}?message={message.public_id}": message.public_id,
        url("ticket_merge", ticket): twin.public_id,
        url("ticket_link", ticket): twin.public_id,
        reverse("manage:message_split", args=[message.public_id]): "With all that was written after it",
    }
    page = browser.get(url("ticket_detail", ticket)).content.decode()
    assert [path for path in steps if f'href="{path}' not in page] == []

    for path, asked in steps.items():
        page = browser.get(path).content.decode()
        dialog = browser.get(path, headers={"HX-Request": "true", "HX-Target": "dialog"}).content.decode()
        assert asked in page and asked in dialog
        assert "<h1>" in page and "<html" not in dialog
    page = browser.get(url("ticket_change", ticket), {"show": "mine"}).content.decode()
    assert f'href="{url("ticket_detail", ticket)}?show=mine" data-close' in page


def test_merging_splitting_and_linking(as_person, mara, music, ana, bao, ticket):
    browser = as_person(mara)
    twin, third = make_ticket(ana, music, subject="Twin"), make_ticket(bao, music, subject="Third")
    make_message(twin, "First of the twin")
    second = make_message(twin, "Another thing")

    browser.post(url("ticket_link", ticket), {"other": third.public_id})
    assert "Third" in browser.get(url("ticket_detail", ticket)).content.decode()
    answer = browser.post(reverse("manage:message_split", args=[second.public_id]), {"subject": "A thing of its own"})
    assert Ticket.objects.get(subject="A thing of its own").public_id in answer["Location"]
    answer = browser.post(url("ticket_merge", twin), {"other": f"http://localhost{url('ticket_detail', ticket)}?show=all"})
    assert ticket.public_id in answer["Location"]
    assert "First of the twin" in browser.get(url("ticket_detail", ticket)).content.decode()
    assert ticket.public_id in browser.get(url("ticket_detail", twin))["Location"]


def test_two_peoples_tickets_are_not_merged_and_one_hears_why(as_person, mara, music, bao, ticket):
    other = make_ticket(bao, music)

    page = as_person(mara).post(url("ticket_merge", ticket), {"other": other.public_id}, follow=True)

    assert "different people" in page.content.decode()


def test_what_the_card_leaves_for_later_comes_when_it_is_opened(as_person, mara, ticket):
    browser = as_person(mara)
    browser.post(url("ticket_causes", ticket), {"causes": "Postbacks <late>"})
    card = browser.get(url("ticket_card", ticket), headers={"HX-Request": "true"}).content.decode()

    for name, asked in (
        ("ticket_causes", "Postbacks &lt;late&gt;"),
        ("improvement_raise", "One that was raised before"),
        ("ticket_past", "Nothing has happened here yet"),
    ):
        assert f'"{url(name, ticket)}"' in card
        assert asked in browser.get(url(name, ticket)).content.decode()
    assert "<h1>Ana</h1>" in browser.get(url("ticket_card", ticket)).content.decode()
