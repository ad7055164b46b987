"""An affiliate's chat in a real browser: sent by Enter, files dropped and pasted, answers that come by themselves."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from support.models import Message
from support.services import add_note, reply
from tests.browser.stage import look_over
from tests.factories import owner_of
from tests.factories_knowledge import make_article

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
HELP = "/portal/help/"

# A file as the browser hands it to a page: by its own events, as the pictures on a desk cannot be reached from here.
GIVE = """([type, name]) => {
  const given = new DataTransfer();
  given.items.add(new File(["a,b"], name, { type: "text/csv" }));
  const options = { bubbles: true, cancelable: true };
  const target = document.querySelector(type === "drop" ? ".talk-card" : "#write textarea");
  target.dispatchEvent(type === "drop"
    ? new DragEvent("drop", { ...options, dataTransfer: given })
    : new ClipboardEvent("paste", { ...options, clipboardData: given }));
}"""


def write(page: Page, text: str) -> None:
    page.get_by_label("Your message").fill(text)
    page.get_by_label("Your message").press("Enter")
    expect(page.locator(".talk-own").last).to_contain_text(text)
    expect(page.get_by_label("Your message")).to_have_value("")
    expect(page.locator(".talk-refused")).to_be_hidden()


def test_a_chat_is_written_into_and_answers_by_itself(open_page, music, ana, mara):
    page = open_page(owner_of(ana), viewport={"width": 1440, "height": 900})
    page.goto(HELP)
    write(page, "Where is my link?")
    write(page, "The one of May")

    first = Message.objects.earliest("pk")
    add_note(first.ticket, "She asks this each month", by=mara)
    reply(first.ticket, "Under Links, the first one.", by=mara)
    expect(page.locator(".talk").last).to_contain_text("Under Links, the first one.")
    expect(page.locator("main")).not_to_contain_text("each month")
    assert Message.objects.filter(direction="in").values("ticket").distinct().count() == 1

    assert look_over(page) == []


def test_files_are_dropped_and_pasted(open_page, music, ana):
    page = open_page(owner_of(ana))
    page.goto(HELP)
    page.evaluate(GIVE, ["drop", "dropped.csv"])
    page.evaluate(GIVE, ["paste", "pasted.csv"])
    expect(page.locator("#talk-files li")).to_have_count(2)
    write(page, "My numbers")

    expect(page.locator(".talk-file")).to_have_count(2)
    assert sorted(Message.objects.get().attachments.values_list("name", flat=True)) == ["dropped.csv", "pasted.csv"]
    expect(page.locator("#talk-files")).to_be_hidden()


def test_what_is_typed_may_be_answered_at_once_and_a_person_is_one_press_away(open_page, music, ana):
    make_article(title="How cookies work", text="A cookie remembers the click for thirty days.")
    page = open_page(owner_of(ana))
    page.goto(HELP)
    box = page.get_by_label("Your message")
    box.press_sequentially("cookies click")
    expect(page.get_by_role("link", name="How cookies work")).to_be_visible()

    box.fill("When do I get my money?")
    page.locator(".suggested").get_by_role("button").first.click()
    expect(page.locator(".answer")).to_be_visible()
    page.get_by_role("button", name="I still want a person").click()
    expect(page.locator(".talk-own")).to_contain_text("When do I get my money?")
    expect(box).to_have_value("")
