"""The inbox as managers see it: the queue, one ticket, what they do there."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from support.models import Draft, Mention, Message, Task, Ticket, TicketRead
from support.services import add_note
from support.services.chats import mark_chat_read
from tests.factories_support import (
    make_attachment,
    make_channel,
    make_contact,
    make_conversation,
    make_inbound,
    make_message,
    make_ticket,
)
from tests.pages import text_of

pytestmark = pytest.mark.django_db
INBOX = "/manage/inbox/"


@pytest.fixture
def ticket(music, ana):
    ticket = make_ticket(ana, music, subject="Where is my money")
    make_message(ticket, "It has not come yet")
    return ticket


def subjects(answer):
    return [row.subject for row in answer.context["queue"].tickets]


def url(name, ticket):
    return reverse(f"manage:{name}", args=[ticket.public_id])


def due(minutes):
    return timezone.now() + timedelta(minutes=minutes)


# The queue


def test_what_breaches_next_stands_on_top_and_what_has_no_clock_last(as_person, mara, music, ana):
    for subject, at in (("later", due(60)), ("never", None), ("late", due(-5)), ("soon", due(5))):
        make_ticket(ana, music, subject=subject, next_due=at)

    assert subjects(as_person(mara).get(INBOX)) == ["late", "soon", "later", "never"]


def test_each_shelf_holds_its_own(as_person, mara, sofia, music, ana):
    make_ticket(ana, music, subject="mine", assignee=mara)
    make_ticket(ana, music, subject="hers", assignee=sofia)
    make_ticket(ana, music, subject="nobody's")
    make_ticket(ana, music, subject="waiting", status="pending")
    make_ticket(ana, music, subject="held", status="on_hold")
    make_ticket(ana, music, subject="asleep", snoozed_until=due(60))
    make_ticket(ana, music, subject="done", status="resolved")
    browser = as_person(mara)

    def shelf(show):
        return sorted(subjects(browser.get(INBOX, {"show": show})))

    assert shelf("") == ["hers", "mine", "nobody's"]
    assert shelf("mine") == ["mine"]
    assert shelf("unassigned") == ["nobody's"]
    assert shelf("waiting") == ["waiting"]
    assert shelf("on_hold") == ["held"]
    assert shelf("snoozed") == ["asleep"]
    assert shelf("resolved") == ["done"]
    assert len(shelf("all")) == 7


def test_filters_stand_in_the_address(as_person, mara, music, ana, bao):
    mail = make_channel(music, slug="mail")
    bao.tags = ["vip"]
    bao.save()
    make_ticket(ana, music, subject="by mail", channel=mail, type="dispute")
    make_ticket(ana, music, subject="tagged", tags=["vip"], level="engineer", priority="urgent")
    make_ticket(bao, music, subject="of somebody tagged")
    browser = as_person(mara)

    for query, expected in [
        ("channel=mail", ["by mail"]),
        ("type=dispute", ["by mail"]),
        ("level=engineer", ["tagged"]),
        ("priority=urgent", ["tagged"]),
        ("tag=VIP", ["of somebody tagged", "tagged"]),
        ("program=music&type=question", ["of somebody tagged", "tagged"]),
    ]:
        assert sorted(subjects(browser.get(f"{INBOX}?{query}"))) == expected, query


def test_another_programs_tickets_are_not_there(as_person, nils, ticket):
    browser = as_person(nils)

    assert subjects(browser.get(INBOX, {"show": "all"})) == []
    assert subjects(browser.get(INBOX, {"q": "money"})) == []
    assert browser.get(url("ticket_detail", ticket)).status_code == 404
    assert browser.get(url("ticket_card", ticket)).status_code == 404


def test_a_search_looks_through_all_and_marks_the_words(as_person, mara, music, ana):
    old = make_ticket(ana, music, subject="Old", status="resolved")
    make_message(old, "The postback is silent")

    page = as_person(mara).get(INBOX, {"q": "postback"})

    assert subjects(page) == ["Old"]
    assert "<mark>postback</mark>" in page.content.decode()


def test_what_was_found_is_shown_page_by_page_the_newest_first(as_person, mara, music, ana):
    for number in range(27):
        make_ticket(ana, music, subject=f"Payout {number:02}")

    pages = [as_person(mara).get(INBOX, {"q": "payout", "page": page}) for page in (1, 2)]

    assert [subjects(page) for page in pages] == [
        [f"Payout {number:02}" for number in numbers] for numbers in (range(26, 1, -1), (1, 0))
    ]


def test_the_ticket_tells_who_of_the_team_has_read_it(as_person, mara, sofia, ticket):
    for _again in range(2):
        as_person(sofia).get(url("ticket_card", ticket))
    assert TicketRead.objects.get().user == sofia

    assert "Read by Sofia" in text_of(as_person(mara).get(url("ticket_detail", ticket)))
    assert "Read by" not in text_of(as_person(sofia).get(url("ticket_detail", ticket)))
    TicketRead.objects.update(read_at=ticket.last_at - timedelta(hours=1))
    assert "(before the last message)" in text_of(as_person(mara).get(url("ticket_detail", ticket)))


def test_the_queue_takes_as_many_queries_at_one_ticket_as_at_forty(as_person, ada, music, ana, bao, ticket):
    browser = as_person(ada)

    def queries(path):
        browser.get(path)
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(path).status_code == 200
        return len(captured)

    one = queries(INBOX)
    for number in range(40):
        other = make_conversation(make_ticket(bao, music, assignee=ada if number % 2 else None), by=ada)
        Draft.objects.create(ticket=other, user=ada, body="…")

    assert queries(INBOX) == one <= 12


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true", "HX-Target": "ticket"}])
def test_a_ticket_takes_as_many_queries_at_one_message_as_at_fifty_and_asks_for_no_queue(as_person, mara, ticket, headers):
    browser = as_person(mara)

    def queries(path):
        browser.get(path, headers=headers)
        with CaptureQueriesContext(connection) as captured:
            page = browser.get(path, headers=headers)
        assert page.status_code == 200
        assert "queue-row" not in page.content.decode()
        return len(captured)

    def ask_for_tasks(number):
        for message in ticket.messages.all()[:number]:
            Task.objects.create(ticket=ticket, message=message, title="Look", owner=mara, due_at=due(60))

    path = url("ticket_detail", ticket)
    nothing = queries(path)
    ask_for_tasks(1)
    one = queries(path)
    make_conversation(ticket, turns=25, by=mara)
    ask_for_tasks(10)

    assert queries(path) == one == nothing + 1 <= 10


def test_managers_see_which_replies_the_affiliate_has_seen_in_the_portal(as_person, mara, ticket, ana):
    make_message(ticket, "On its way", direction="out", author=mara)
    browser = as_person(mara)
    assert "Seen in the portal" not in browser.get(url("ticket_detail", ticket)).content.decode()

    mark_chat_read(ana, ticket.program, by=ana.members.get().user)
    make_message(ticket, "It has arrived", direction="out", author=mara, at=timezone.now() + timedelta(minutes=1))

    page = browser.get(url("ticket_detail", ticket)).content.decode()
    assert page.count('visually-hidden">Seen in the portal') == 1


def test_the_queue_beside_a_ticket_is_loaded_by_itself_as_it_was(as_person, mara, ticket):
    browser = as_person(mara)
    page = browser.get(url("ticket_detail", ticket), {"show": "all"}).content.decode()
    assert f'hx-get="{INBOX}?show=all" hx-trigger="load"' in page

    queue = browser.get(INBOX, {"show": "all"}, headers={"HX-Request": "true", "HX-Target": "queue"}).content.decode()

    assert queue.lstrip().startswith('<section class="inbox-queue" id="queue"')
    assert f'data-id="{ticket.public_id}"' in queue


def test_a_view_is_saved_and_stands_beside_an_open_ticket_too(as_person, mara, ticket):
    browser = as_person(mara)
    browser.post(reverse("view_save"), {"path": INBOX, "name": "Mine, urgent", "query": "show=mine&priority=urgent"})

    assert "Mine, urgent" in browser.get(INBOX).content.decode()
    assert "Mine, urgent" in browser.get(INBOX, headers={"HX-Request": "true", "HX-Target": "queue"}).content.decode()


# One ticket


def test_the_stream_tells_what_was_said_and_folds_what_was_quoted(as_person, mara, ticket):
    make_message(ticket, "An answer", quoted_text="> It has not come yet")
    make_message(ticket, "Between us", "note", author=mara)

    page = as_person(mara).get(url("ticket_detail", ticket)).content.decode()

    for text in ("It has not come yet", "An answer", "Between us", "Internal note", "Quoted text"):
        assert text in page


def test_markup_in_a_message_is_text(as_person, mara, ticket):
    make_message(ticket, "<script>alert(1)</script> https://example.org/?a=1&b=2")

    page = as_person(mara).get(url("ticket_detail", ticket)).content.decode()

    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page


def test_a_mail_is_a_text_its_formatted_whole_and_its_files_one_click_away(as_person, mara, ticket):
    mail = make_message(ticket, "Look", body_html="<b>Look</b>", inbound=make_inbound(ticket.channel))
    file = make_attachment(mail, "sales.csv")

    page = as_person(mara).get(url("ticket_detail", ticket)).content.decode()

    for address in (
        reverse("manage:message_html", args=[mail.public_id]),
        reverse("manage:message_raw", args=[mail.public_id]),
        reverse("manage:attachment_download", args=[file.public_id]),
    ):
        assert f'href="{address}"' in page


def test_long_conversations_come_in_parts(as_person, mara, ticket):
    for number in range(40):
        make_message(ticket, f"message-{number}.")
    browser = as_person(mara)

    def said(**query):
        shown = browser.get(url("ticket_detail", ticket), query).context["said"]
        return shown.older, [message.body_text for message in shown.messages]

    older, newest = said()
    assert newest == [f"message-{number}." for number in range(10, 40)]
    assert said(before=older) == (0, ["It has not come yet", *(f"message-{number}." for number in range(10))])


def test_a_reply_waits_for_the_affiliate_and_takes_the_draft_with_it(as_person, mara, ticket):
    browser = as_person(mara)
    browser.post(url("draft_keep", ticket), {"body": "On its way", "mode": "reply"})
    assert "On its way" in browser.get(url("ticket_detail", ticket)).content.decode()

    browser.post(url("message_create", ticket), {"mode": "reply", "body": "On its way", "after": "pending", "place": "show=mine"})

    ticket.refresh_from_db()
    assert (ticket.status, ticket.assignee) == ("pending", mara)
    assert Message.objects.filter(ticket=ticket, direction="out", body_text="On its way", author=mara).exists()
    assert not Draft.objects.exists()


def test_a_first_word_keeps_it_open_and_a_note_goes_nowhere(as_person, mara, ticket):
    browser = as_person(mara)

    browser.post(url("message_create", ticket), {"mode": "first", "body": "I look into it"})
    ticket.refresh_from_db()
    assert ticket.status == "open"
    browser.post(url("message_create", ticket), {"mode": "note", "body": "Ask Felix"})

    assert list(ticket.messages.values_list("direction", "is_answer"))[1:] == [("out", False), ("note", True)]


def test_what_cannot_be_sent_stays_in_the_box(as_person, mara, music):
    stranger = make_ticket(contact=make_contact(telegram=5), program=music, channel=make_channel(music, status="closed"))

    page = as_person(mara).post(url("message_create", stranger), {"mode": "reply", "body": "Hello there"}, follow=True)

    assert "closed" in page.content.decode()
    assert "Hello there" in page.content.decode()
    assert Draft.objects.get().body == "Hello there"


def test_whoever_only_reads_finds_nothing_to_write_in(as_person, vera, ticket):
    browser = as_person(vera)

    assert 'id="composer"' not in browser.get(url("ticket_detail", ticket)).content.decode()
    assert browser.post(url("message_create", ticket), {"mode": "reply", "body": "x"}).status_code == 403


def test_the_card_tells_who_it_is_and_what_else_they_asked(as_person, mara, music, ana, ticket):
    ana.note = "Prefers to be written to in the evening"
    ana.save()
    make_ticket(ana, music, subject="Another question")

    card = as_person(mara).get(url("ticket_card", ticket)).content.decode()

    for text in ("Ana", "Prefers to be written", "Another question", "Music"):
        assert text in card


def test_the_card_of_a_stranger(as_person, mara, music):
    stranger = make_ticket(contact=make_contact(email="wanda@elsewhere.example", name="Wanda"), program=music)

    card = as_person(mara).get(url("ticket_card", stranger)).content.decode()

    assert "Wanda" in card
    assert "wanda@elsewhere.example" in card


# Several at once


def test_several_are_done_at_once_and_one_that_is_refused_holds_up_no_other(as_person, mara, sofia, music, ana):
    rows = [make_ticket(ana, music) for _ in range(3)]
    into = make_ticket(ana, music)
    merged = make_ticket(ana, music, status="resolved", merged_into=into)
    browser = as_person(mara)

    page = browser.post(
        f"{INBOX}bulk/", {"do": "assign", "to": sofia.email, "selected": [t.pk for t in (*rows, merged)]}, follow=True
    )

    assert set(Ticket.objects.filter(assignee=sofia)) == set(rows)
    assert "3 tickets changed." in page.content.decode()
    assert "went into another" in page.content.decode()


def test_all_that_match_are_resolved(as_person, mara, music, ana):
    for number in range(3):
        make_ticket(ana, music, tags=["outage"] if number else [])
    browser = as_person(mara)

    browser.post(f"{INBOX}bulk/", {"do": "resolved", "all_matching": "1", "matching": "tag=outage", "matching_count": "2"})

    assert sorted(Ticket.objects.values_list("status", flat=True)) == ["new", "resolved", "resolved"]


def test_bulk_never_reaches_another_program(as_person, nils, ticket):
    as_person(nils).post(f"{INBOX}bulk/", {"do": "resolved", "selected": [ticket.pk]})

    ticket.refresh_from_db()
    assert ticket.status == "new"


# Mentions, news, home


def test_a_mention_is_told_in_the_menu_until_the_ticket_is_opened(as_person, mara, sofia, ticket):
    add_note(ticket, "@Sofia please have a look", by=mara)
    browser = as_person(sofia)

    assert "please have a look" in browser.get(f"{INBOX}mentions/").content.decode()
    assert browser.get(INBOX).context["queue"].counts.mentions == 1
    browser.get(url("ticket_detail", ticket))

    assert Mention.objects.get().seen_at is not None
    assert browser.get(INBOX).context["queue"].counts.mentions == 0


def test_news_changes_its_marks_when_something_comes(as_person, mara, sofia, ticket, django_capture_on_commit_callbacks):
    browser, other = as_person(mara), as_person(sofia)
    before = browser.get(f"{INBOX}news/", {"ticket": ticket.public_id}).json()

    with django_capture_on_commit_callbacks(execute=True):
        add_note(ticket, "Hm", by=sofia)
    other.get(f"{INBOX}news/", {"ticket": ticket.public_id, "writing": "1"})
    after = browser.get(f"{INBOX}news/", {"ticket": ticket.public_id}).json()

    assert before["queue"] != after["queue"]
    assert before["ticket"] != after["ticket"]
    assert after["here"] == [{"name": "Sofia", "writing": True}]


def test_news_is_cheap_and_tells_nothing_of_what_one_may_not_see(as_person, nils, ticket):
    browser = as_person(nils)
    browser.get(f"{INBOX}news/")

    with CaptureQueriesContext(connection) as captured:
        told = browser.get(f"{INBOX}news/", {"ticket": ticket.public_id}).json()

    assert told["ticket"] == ""
    assert len(captured) <= 4


def test_home_tells_what_is_late_and_what_soon_will_be(as_person, mara, vera, music, ana):
    make_ticket(ana, music, next_due=due(-1), warn_at=due(-3))
    make_ticket(ana, music, next_due=due(1), warn_at=due(-1))
    make_ticket(ana, music, next_due=due(1), warn_at=due(-1))
    make_ticket(ana, music, next_due=due(60), warn_at=due(30))

    home = as_person(mara).get("/manage/").content.decode()

    assert "1 ticket is late" in home
    assert "2 tickets are about to be late" in home
    assert "about to be late" not in as_person(vera).get("/manage/").content.decode()


def test_the_menu_counts_what_is_ones_own(as_person, mara, music, ana):
    make_ticket(ana, music, assignee=mara)
    make_ticket(ana, music, assignee=mara, snoozed_until=due(60))
    make_ticket(ana, music)

    assert '<span class="count nav-count">1</span>' in as_person(mara).get("/manage/affiliates/").content.decode()
