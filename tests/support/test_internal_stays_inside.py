"""What the team writes for itself (notes, rooms, questions to others, its own articles) reaches no affiliate by any door."""

import json
import re

import pytest

from channels.models import Outgoing
from core.events import deliver_due
from core.models import Mail
from support.answers import Asker, Question, answer, as_text
from support.models import Message, Ticket
from support.placeholders import PLACEHOLDERS, Subject, fill
from support.queries.rooms import posts_of
from support.services import add_note, change_status, reply
from support.services.escalations import answer_escalation, escalate
from support.services.keeping import keep_answer
from support.services.portal import notify_unread
from support.services.rooms import create_room, post_in_room
from tests.factories import assign, make_user, owner_of
from tests.factories_knowledge import make_article
from tests.factories_support import make_channel, make_chat, make_contact, make_message, make_ticket
from tests.pages import text_of

SECRET = "quokka"  # stands in everything that is internal, and in nothing else
PROBE = "wombat"  # what one looks for to find it


@pytest.fixture
def buyer(music):
    return assign(make_user("kai@tributary.example", "Kai"), "buyer", music)


@pytest.fixture(params=["portal", "email", "telegram"])
def ticket(request, music, ana, sofia, jun, buyer):
    """One question, discussed everywhere inside, answered through its door, and resolved."""
    secrets = {"token": "1:x"} if request.param == "telegram" else None
    channel = make_channel(music, request.param, secrets=secrets)
    contact = make_contact(ana, user=owner_of(ana), **({"telegram": 77} if secrets else {"email": "ana@home.example"}))
    chat = make_chat(channel, contact) if secrets else None
    ticket = make_ticket(ana, music, channel=channel, contact=contact, chat=chat, status="open", assignee=sofia)
    make_message(ticket, "Which margin do you have?", contact=contact, author=owner_of(ana))
    make_article(music, title=f"Margin {SECRET}", text=f"Our margin is the {SECRET} {PROBE} one.", audience="team")
    make_article(title=f"Margin {SECRET}", text=f"Which margin do you have: {SECRET} {PROBE}", audience="team")
    add_note(ticket, f"@Jun {SECRET}: may we say it?", by=sofia)
    room = create_room(by=sofia, name=f"Buyers {SECRET}", people=[buyer])
    post_in_room(room, f"Does {SECRET} margin hold?", by=sofia, ticket=ticket)
    question = f"What is the margin of {SECRET}, and may the affiliate know it?"
    asked = escalate(ticket, "engineer", question, by=sofia)
    answer_escalation(asked, f"Never tell: {SECRET}.", by=jun)
    asked.refresh_from_db()
    keep_answer(asked, "article", by=sofia)
    reply(ticket, "We do not tell that.", by=sofia)
    change_status(ticket, "resolved", by=sofia)
    deliver_due()
    ticket.room = room
    return ticket


def test_nothing_of_it_is_sent_shown_found_suggested_or_filled_in(ticket, ana, music, sofia, as_person):
    Message.objects.filter(notify_at__isnull=False).update(notify_at=ticket.created_at)
    notify_unread()
    browser = as_person(ana)
    pages = [
        "/portal/help/", "/portal/help/music/", "/portal/help/music/news/", "/portal/learn/", f"/portal/learn/?q={PROBE}",
        "/portal/learn/?q=margin", f"/portal/answers/suggest/?program=music&q=which+margin+{PROBE}",
    ]  # fmt: skip

    shown = {page: browser.get(page).content.decode() for page in pages}
    sent = json.dumps([each.payload for each in Outgoing.objects.all()])
    mails = [mail for mail in Mail.objects.all() if mail.to.startswith("ana@")]
    told = [as_text(answer(question, Asker(ana, frozenset({"owner"})))) for question in Question]
    words, _missing = fill(" ".join(f"{{{{{name}}}}}" for name in PLACEHOLDERS), Subject(music, ana, writer=sofia))

    assert "We do not tell that." in shown["/portal/help/music/"]
    for text in (*shown.values(), sent, words, *told, *(f"{mail.subject} {mail.body} {mail.html}" for mail in mails)):
        assert SECRET not in text


@pytest.mark.parametrize("ticket", ["portal"], indirect=True)
def test_a_media_buyer_reads_the_room_and_neither_the_ticket_nor_its_notes(ticket, buyer, as_person):
    browser = as_person(buyer)

    assert [SECRET in post.text for post in posts_of(ticket.room, buyer)] == [True]
    room = text_of(browser.get(f"/manage/rooms/{ticket.room.public_id}/"))
    assert "a ticket that you do not see" in room and "Which margin" not in room and "may we say it" not in room
    assert browser.get(f"/manage/inbox/{ticket.public_id}/").status_code in (403, 404)
    assert browser.get("/manage/inbox/").status_code == 403


@pytest.mark.parametrize("ticket", ["portal"], indirect=True)
def test_beside_a_ticket_stand_articles_of_its_program_in_its_language_marked_where_they_are_internal(
    ticket, music, books, sofia, as_person
):
    told = make_article(music, title="Which margin", text="Margin, and what you have of it.")
    make_article(music, title="Welche Marge", text="Margin und Marge.", language="de", original=told)
    make_article(books, title="Margin of books", text="Which margin do you have?")
    make_article(music, title="Margin some day", text="Which margin do you have?", status="draft")

    def beside():
        card = as_person(sofia).get(f"/manage/inbox/{ticket.public_id}/card/").content.decode()
        shown = re.findall(r"<li><div><a [^>]*>([^<]+)</a>(.*?)</li>", card.partition("Written down about it")[2], re.DOTALL)
        return {title: "Team only" in rest for title, rest in shown}

    assert beside() == {"Which margin": False, f"Margin {SECRET}": True}
    Ticket.objects.filter(pk=ticket.pk).update(language="de")
    assert beside() == {"Welche Marge": False, f"Margin {SECRET}": True}
