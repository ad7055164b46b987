"""Pages behind signed links, in a browser in which nobody is signed in: they have forms, which have to arrive."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from support.models import Rating
from support.services.escalations import escalate, escalation_token
from support.services.ratings import rating_token
from tests.factories_support import make_ticket

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

QUESTION = "May the partner name our brand in their advertisements in Germany?"
# As a scanner's script might, that tries what happens on a page: it is no hand.
PRETEND = """() => {
  for (const name of ["pointermove", "touchstart", "keydown", "wheel"]) window.dispatchEvent(new Event(name, { bubbles: true }));
  scrollTo(0, 100);
}"""


def test_a_scanners_look_records_nothing_and_the_first_move_of_a_hand_the_clicked_score(open_page, music, ana, sofia):
    ticket = make_ticket(ana, music, status="resolved", assignee=sofia)
    rating = Rating.objects.create(ticket=ticket, program=music, channel=ticket.channel, person=sofia)
    page = open_page()
    posts = []
    page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)

    page.goto(f"/rate/{rating_token(rating, 4)}/")
    expect(page.get_by_role("button", name="Send “Good”")).to_be_visible()
    page.evaluate(PRETEND)
    page.reload()
    rating.refresh_from_db()
    assert (posts, rating.score) == ([], None)

    page.mouse.move(200, 200)
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you")
    rating.refresh_from_db()
    assert (len(posts), rating.score, rating.via) == (1, 4, "link")
    page.mouse.move(300, 300)  # nothing is left to send
    assert len(posts) == 1


def test_an_expert_answers_from_the_link(open_page, music, ana, sofia):
    ticket = make_ticket(ana, music, status="open", assignee=sofia)
    asked = escalate(ticket, "expert", QUESTION, by=sofia, expert_name="Lena", expert_email="lena@legal.example")
    page = open_page()

    page.goto(f"/questions/{escalation_token(asked)}/")
    page.get_by_role("button", name="I look into it").click()
    expect(page.get_by_role("button", name="I look into it")).to_have_count(0)
    page.get_by_label("Your answer").fill("It is allowed in Germany.")
    page.get_by_role("button", name="Send the answer").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you")
    assert "allowed in Germany" in ticket.messages.get(direction="note", body_text__contains="Lena").body_text
