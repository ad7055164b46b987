"""Tasks: each by itself, whatever becomes of the others, of the ticket, or of who was to do it."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from support.models import Notice, Ticket
from support.services import add_task, change_status, finish_task
from support.services.tasks import give_tasks_to_deputies, watch_tasks
from tests.factories import event_names
from tests.factories_support import make_message, make_ticket
from tests.factories_team import make_absence
from tests.pages import text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked(ana, music):
    return make_message(make_ticket(ana, music), "My link, and my money, and a banner please")


def to_do(message, by, *owners, hours=1):
    at = timezone.now() + timedelta(hours=hours)
    return [add_task(message.ticket, f"Part {n}", by=by, owner=o, due_at=at, message=message) for n, o in enumerate(owners, 1)]


def test_one_message_is_several_tasks_and_none_is_done_with_another_or_with_the_ticket(as_person, asked, mara, sofia, jun):
    first, second, third = to_do(asked, mara, mara, sofia, jun)
    finish_task(first, by=mara)
    browser = as_person(mara)
    url = reverse("manage:ticket_status", args=[asked.ticket.public_id])

    page = text_of(browser.post(url, {"status": "resolved"}, follow=True))

    assert "What remains to be done: Part 2 (Sofia" in page and "Part 3 (Jun" in page and "Part 1 (" not in page
    assert Ticket.objects.get().status == "resolved"
    assert asked.ticket.tasks.filter(done_at=None).count() == 2
    shelf = as_person(sofia).get(reverse("manage:ticket_list"), {"show": "tasks"}).content.decode()
    assert asked.ticket.public_id in shelf
    finish_task(second, by=sofia)
    assert asked.ticket.public_id not in as_person(sofia).get(reverse("manage:ticket_list"), {"show": "tasks"}).content.decode()


def test_whoever_resolves_it_with_the_answer_hears_what_remains(as_person, asked, mara, sofia):
    to_do(asked, mara, sofia)
    url = reverse("manage:message_create", args=[asked.ticket.public_id])
    page = text_of(as_person(mara).post(url, {"mode": "reply", "body": "Done.", "after": "resolved"}, follow=True))
    assert "What remains to be done: Part 1 (Sofia" in page


def test_the_owner_is_told_once_when_the_time_has_come_also_of_a_resolved_ticket(asked, mara, sofia):
    to_do(asked, mara, sofia, hours=-1)
    to_do(asked, mara, sofia, hours=1)
    change_status(asked.ticket, "resolved", by=mara)

    assert (watch_tasks(), watch_tasks()) == (1, 0)

    (notice,) = Notice.objects.all()
    assert (notice.user, notice.kind, notice.text) == (sofia, "task", "Part 1")


def test_on_leave_the_deputy_does_what_falls_due_then(asked, mara, sofia):
    (soon,), (later,) = to_do(asked, mara, mara), to_do(asked, mara, mara, hours=24 * 9)
    today = timezone.localdate()
    make_absence(mara, today - timedelta(days=1), today + timedelta(days=2), deputy=sofia)

    assert (give_tasks_to_deputies(), give_tasks_to_deputies()) == (1, 0)

    soon.refresh_from_db(), later.refresh_from_db()
    assert (soon.owner, later.owner) == (sofia, mara)
    assert event_names(asked.ticket)[-1] == "task.given"
