"""The board, the numbers, promises and improvements as people see and do them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from accounts.models import Role
from core.events import ref
from core.models import Event, Mail
from support.models import ClockResult, Commitment, Message, Notice, StatusChange
from support.queries.numbers import by_day, figures, shown_figures
from support.services.clocks import refresh_clocks
from support.services.improvements import raise_improvement
from support.services.notices import notify
from support.services.promises import make_commitment
from team.models import Absence
from tests.factories import assign, make_affiliate, make_user, owner_of
from tests.factories_support import make_channel, make_message, make_ticket
from tests.pages import assert_same_queries, text_of

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


def answered(program, after: float, *, by, at=NOON, channel=None, resolved: float | None = None):
    """A ticket of the program that was answered after so many minutes, and resolved after so many."""
    ticket = make_ticket(make_affiliate(), program, at=at, channel=channel)
    make_message(ticket, at=at)
    make_message(ticket, direction="out", author=by, at=at + after * MINUTE)
    if resolved is not None:
        ticket.status, ticket.resolved_at, ticket.assignee = "resolved", at + resolved * MINUTE, by
        ticket.save()
        StatusChange.objects.create(ticket=ticket, status="resolved", at=ticket.resolved_at)
    with time_machine.travel(at + 100 * MINUTE, tick=False):
        refresh_clocks(ticket)
    return ticket


def test_figures_are_medians_and_hits_by_person_channel_program_and_hour(music, books, mara, sofia):
    mail = make_channel(music)
    answered(music, 2, by=sofia, resolved=30)
    answered(music, 4, by=sofia)
    answered(music, 9, by=mara, channel=mail, at=NOON + 60 * MINUTE)
    answered(books, 3, by=make_user())

    total, lines = figures("person", NOON - DAY, NOON + DAY, programs=[music.pk])
    assert (total.opened, total.resolved, total.backlog) == (3, 1, 2)
    assert (total.first_reply.median, total.first_reply.hit_rate) == (4 * MINUTE, 2 / 3)
    assert [(line.label, line.first_reply.median) for line in lines if line.first_reply.done] == [
        ("Mara", 9 * MINUTE),
        ("Sofia", 3 * MINUTE),
    ]
    assert {line.label: line.resolution.median for line in lines if line.resolution.done} == {"Sofia": 30 * MINUTE}

    def hits(by: str, programs=None) -> list[tuple[str, int, int]]:
        lines = figures(by, NOON - DAY, NOON + DAY, programs=programs, zone="Europe/Berlin")[1]
        return [(line.label, line.first_reply.hits, line.first_reply.decided) for line in lines]

    assert hits("program") == [("Books", 1, 1), ("Music", 2, 3)]
    assert hits("hour", [music.pk]) == [("13:00", 2, 2), ("14:00", 0, 1)]
    assert [(label.split(" ·")[0], *rest) for label, *rest in hits("channel", [music.pk])][0] == (mail.name, 0, 1)


def test_content_is_the_share_of_good_scores_among_those_given(music, mara, sofia):
    for person, score in ((mara, 5), (mara, 4), (mara, 3), (sofia, 1), (sofia, None)):
        ticket = make_ticket(program=music, at=NOON)
        ticket.ratings.create(
            program=music,
            channel=ticket.channel,
            person=person,
            score=score,
            rated_at=NOON if score else None,
            via="link" if score else "",
        )

    total, lines = figures("person", NOON - DAY, NOON + DAY, programs=[music.pk])

    assert (total.ratings, total.csat) == (4, 0.5)
    assert {line.label: line.csat for line in lines if line.ratings} == {"Mara": 2 / 3, "Sofia": 0}


def test_figures_outside_the_period_are_not_counted(music, sofia):
    answered(music, 2, by=sofia)

    total, lines = figures("person", NOON + DAY, NOON + 2 * DAY)

    assert (total.opened, total.first_reply.done) == (0, 0)
    assert total.backlog == 1


def test_the_backlog_of_each_day_is_reckoned_back_from_now(music, sofia):
    answered(music, 2, by=sofia, at=NOON, resolved=3 * 1440)
    answered(music, 2, by=sofia, at=NOON + DAY)
    days = [date(2026, 11, 23) + number * DAY for number in range(4)]

    course = by_day(days, NOON, NOON + 4 * DAY, programs=[music.pk], zone="UTC")

    assert [(day.opened, day.resolved, day.backlog) for day in course] == [(1, 0, 1), (1, 0, 2), (0, 0, 2), (0, 1, 1)]


def test_a_program_shows_its_measured_figures_only_where_it_says_so_and_has_enough(client, music, sofia, ana):
    music.public = True
    music.save()
    now = timezone.now()
    for _number in range(10):
        answered(music, 4, by=sofia, at=now - DAY)
    page = reverse("program_public", args=[music.slug])
    assert shown_figures(music) is None
    assert "How soon you are answered" not in text_of(client.get(page))

    music.shows_support = True
    music.save()
    told = text_of(client.get(page))
    assert "First reply by a person 4 min" in told
    assert "10 questions" in told
    client.force_login(owner_of(ana))
    assert "First reply by a person 4 min" in text_of(client.get(reverse("portal:help_chat", args=[music.slug])))

    ClockResult.objects.filter(ticket__in=music.tickets.values("pk")[:1]).delete()
    assert shown_figures(music)  # measured some minutes ago, as the page says
    cache.clear()
    assert shown_figures(music) is None


def test_the_page_of_figures_measures_once_in_some_minutes_and_says_when(client, music, mara, sofia):
    page = reverse("manage:support_numbers")
    client.force_login(mara)
    assert client.get(page).context["total"].opened == 0
    answered(music, 2, by=sofia, at=timezone.now() - DAY)

    told = client.get(page)

    assert told.context["total"].opened == 0
    assert "Measured" in told.content.decode()
    assert told.context["at"] <= timezone.now()
    cache.clear()
    assert client.get(page).context["total"].opened == 1


def test_every_figure_of_a_month_is_what_one_reckons_by_hand(music, mara, sofia):
    """Five questions: first replies after 1, 2, 3, 4 and 10 minutes, of a target of 5; three of them settled."""
    for after, resolved in ((1, 20), (2, 40), (3, 90), (4, None), (10, None)):
        answered(music, after, by=sofia, resolved=resolved)

    total, lines = figures("person", NOON - DAY, NOON + DAY, programs=[music.pk], zone="Asia/Tokyo")

    assert (total.first_reply.median, total.first_reply.most) == (3 * MINUTE, 7.6 * MINUTE)  # between the 4th and the 5th
    assert (total.first_reply.hits, total.first_reply.decided) == (4, 5)
    assert (total.resolution.median, total.resolution.most) == (40 * MINUTE, 80 * MINUTE)
    assert (total.opened, total.resolved, total.backlog, total.csat) == (5, 3, 2, None)
    hours = figures("hour", NOON - DAY, NOON + DAY, programs=[music.pk], zone="Asia/Tokyo")[1]
    assert [line.label for line in hours if line.first_reply.done] == ["21:00"]
    empty = figures("person", NOON + 30 * DAY, NOON + 31 * DAY, programs=[music.pk])[0]
    assert (empty.first_reply.median, empty.hit_rate, empty.csat, empty.opened) == (None, None, None, 0)


def test_the_board_shows_who_carries_too_much_and_what_nobody_owns(client, music, mara, sofia):
    for _number in range(26):
        make_ticket(program=music, assignee=sofia, next_due=timezone.now() - MINUTE)
    make_ticket(program=music)
    client.force_login(mara)

    told = text_of(client.get(reverse("manage:support_board")))

    assert "1 person carries more than they can: Sofia" in told
    assert "Nobody 1" in told
    assert "26 / 25 26" in told


def test_board_and_numbers_take_as_many_queries_with_more_of_everything(client, music, mara):
    client.force_login(mara)
    answered(music, 2, by=mara)

    def add() -> None:
        for _number in range(5):
            person = assign(make_user(), Role.SUPPORT, music)
            answered(music, 2, by=person, resolved=20, channel=make_channel(music))

    for name in ("support_board", "support_numbers", "promise_list", "improvement_list"):
        assert_same_queries(client, reverse(f"manage:{name}"), add)


def test_only_figures_of_ones_own_programs_are_seen(client, music, books, mara):
    answered(books, 2, by=make_user(name="Nils of books"))
    client.force_login(mara)

    assert "Nils of books" not in text_of(client.get(reverse("manage:support_numbers")))
    assert "Nils of books" not in text_of(client.get(reverse("manage:support_board")))


# Promises


@pytest.fixture
def ticket(music, ana):
    found = make_ticket(ana, music)
    make_message(found)
    return found


def test_a_text_that_names_a_time_is_offered_as_a_promise(client, mara):
    client.force_login(mara)
    page = reverse("manage:promise_suggest")

    told = client.post(page, {"body": "I will send it by Friday.", "mode": "reply"}).content.decode()

    assert "by Friday" in told and 'name="promise_due"' in told and " checked" in told
    asked = client.post(page, {"body": "Could you send it by Friday?", "mode": "reply"}).content.decode()
    assert "by Friday" in asked and " checked" not in asked
    unticked = client.post(page, {"body": "I will send it by Friday, Ana.", "mode": "reply", "promise_offered": "by Friday"})
    assert " checked" not in unticked.content.decode()
    assert client.post(page, {"body": "Thank you.", "mode": "reply"}).content.decode().strip() == ""
    assert client.post(page, {"body": "By Friday.", "mode": "note"}).content.decode().strip() == ""


def test_a_reply_becomes_a_promise_unless_its_writer_says_that_it_is_none(client, ticket, mara):
    client.force_login(mara)
    due = timezone.localtime() + DAY
    seen = {"promise_offered": "Tomorrow", "promise_text": "Send it", "promise_due": due.strftime("%Y-%m-%dT%H:%M")}
    page = reverse("manage:message_create", args=[ticket.public_id])

    client.post(page, {**seen, "mode": "reply", "body": "Tomorrow."})
    assert not Commitment.objects.exists()
    declined = Event.objects.get(name="commitment.declined")
    assert declined.data["words"] == "Tomorrow" and ref(Message.objects.get(direction="out")) in declined.about
    client.post(page, {**seen, "mode": "reply", "body": "Tomorrow.", "promise": "on"})

    promise = Commitment.objects.get()
    assert (promise.text, promise.owner, promise.message.body_text) == ("Send it", mara, "Tomorrow.")
    told = text_of(client.get(reverse("manage:ticket_detail", args=[ticket.public_id])))
    assert "This keeps the promise: Send it" in told

    client.post(page, {"mode": "reply", "body": "Here it is.", "keeps": promise.pk})
    promise.refresh_from_db()
    assert (promise.status, promise.settled_message.body_text) == ("kept", "Here it is.")


def test_what_was_sent_before_the_box_was_seen_promises_by_its_words(client, ticket, mara):
    client.force_login(mara)
    page = reverse("manage:message_create", args=[ticket.public_id])

    client.post(page, {"mode": "reply", "body": "Could you send it tomorrow?"})
    client.post(page, {"mode": "note", "body": "I do it tomorrow."})
    assert not Commitment.objects.exists()
    client.post(
        page, {"mode": "reply", "body": "Hello. You have it tomorrow.", "promise_offered": "by Friday"}
    )  # written anew since

    promise = Commitment.objects.get()
    assert (promise.text, promise.owner) == ("You have it tomorrow.", mara)


def test_a_time_that_was_offered_while_one_typed_is_read_again_as_the_reply_goes_out(client, ticket, mara):
    client.force_login(mara)
    typed = (timezone.localtime() - 10 * MINUTE).strftime("%Y-%m-%dT%H:%M")
    seen = {"promise_offered": "in 5 minutes", "promise_text": "A call", "promise_due": typed, "promise_due_offered": typed}

    body = {"mode": "reply", "body": "I call you in 5 minutes.", "promise": "on"}
    client.post(reverse("manage:message_create", args=[ticket.public_id]), {**seen, **body})

    promise = Commitment.objects.get()
    assert promise.text == "A call" and promise.due_at - promise.message.created_at == 5 * MINUTE


def test_a_promise_for_a_time_that_is_over_stops_the_reply(client, ticket, mara):
    client.force_login(mara)
    fields = {"mode": "reply", "body": "Yesterday.", "promise": "on", "promise_text": "It", "promise_due": "2020-01-01T10:00"}

    client.post(reverse("manage:message_create", args=[ticket.public_id]), fields)
    offered = {"promise_offered": "2020-01-01", "promise_due_offered": fields["promise_due"]}
    client.post(
        reverse("manage:message_create", args=[ticket.public_id]), {**fields, **offered, "body": "You have it on 2020-01-01."}
    )

    assert not Message.objects.filter(direction="out").exists()


def test_promises_are_settled_from_their_list_and_shown_on_the_affiliates_page(client, ticket, mara):
    promise = make_commitment(ticket, text="Send it", due_at=timezone.now() + DAY / 2, owner=mara, by=mara)
    client.force_login(mara)
    affiliate = reverse("manage:affiliate_detail", args=[ticket.affiliate.public_id])
    assert "Send it" in text_of(client.get(affiliate))
    assert "Send it" in text_of(client.get(reverse("manage:promise_list")))

    assert "1 promise of yours is due" in text_of(client.get(reverse("manage:home")))

    client.post(reverse("manage:promise_settle", args=[promise.public_id]), {"status": "broken", "reason": "Too late"})

    assert Commitment.objects.get().status == "broken"


def test_a_ticket_is_filed_as_an_improvement_from_its_card_and_decided_on_its_page(client, ticket, mara):
    client.force_login(mara)
    client.post(reverse("manage:improvement_raise", args=[ticket.public_id]), {"title": "Weekly payouts"})
    improvement = ticket.voices.get().improvement
    page = reverse("manage:improvement_detail", args=[improvement.public_id])
    assert ticket.subject in text_of(client.get(page))

    client.post(reverse("manage:improvement_decide", args=[improvement.public_id]), {"decision": "accept", "reason": "Soon."})

    assert "Accepted" in text_of(client.get(page))
    assert ticket.messages.filter(direction="auto").count() == 1


def test_an_improvement_of_another_program_is_not_joined(client, ticket, books, mara, ada):
    other = raise_improvement(make_ticket(program=books), by=ada, title="More books")
    client.force_login(mara)

    client.post(reverse("manage:improvement_raise", args=[ticket.public_id]), {"improvement": other.pk})

    assert not ticket.voices.exists()


def test_a_clock_says_why(client, ticket, mara):
    refresh_clocks(ticket)
    client.force_login(mara)

    told = text_of(client.get(reverse("manage:ticket_card", args=[ticket.public_id])))

    assert "were counted, by these hours: around the clock." in told
    assert "The service level “Standard” is the first one that fits. It is for every ticket." in told


def test_what_a_person_was_told_stands_in_the_inbox_until_they_open_the_ticket(client, ticket, mara):
    notify(mara, ticket, Notice.Kind.WARNED, clock="first_reply", due_at=NOON)
    notify(mara, ticket, Notice.Kind.WARNED, clock="resolution", due_at=NOON)
    notify(mara, ticket, Notice.Kind.BREACHED, clock="first_reply", due_at=NOON, by_mail=True)
    client.force_login(mara)
    inbox = reverse("manage:ticket_list")
    page = reverse("manage:ticket_detail", args=[ticket.public_id])
    assert "1 ticket needs you" in text_of(client.get(inbox))
    reminders = text_of(client.get(reverse("manage:mention_list")))
    assert "Overdue: First reply" in reminders
    assert "Due soon: Resolution" in reminders
    assert "Due soon: First reply" not in reminders  # it was, and is told as overdue
    mail = Mail.objects.get(to=mara.email)
    assert mail.subject == f"Overdue: {ticket}"
    assert page in mail.body

    client.get(page)

    assert "needs you" not in text_of(client.get(inbox))


def test_on_leave_nothing_notifies(ticket, mara):
    today = timezone.localdate()
    Absence.objects.create(person=mara, kind="vacation", first_day=today, last_day=today, state="approved", asked_by=mara)

    assert notify(mara, ticket, Notice.Kind.WARNED, by_mail=True) is None
    assert not Mail.objects.exists()
