"""The inbox in a real browser: by the keyboard alone, with what comes by itself, on a phone and in the dark."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from support.models import Commitment, Draft, MacroUse, Message
from support.services import add_note, open_ticket, receive
from support.services.macros import Words, create_macro
from tests.browser.stage import DESK, axe_finds, look_over, off_screen, too_wide
from tests.factories_support import make_channel, make_message, make_ticket

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
INBOX = "/manage/inbox/"


@pytest.fixture
def tickets(music, ana, bao, mara):
    now = timezone.now()
    money = make_ticket(
        ana, music, subject="Where is my money", next_due=now - timedelta(minutes=2), first_reply_due=now - timedelta(minutes=2)
    )
    make_message(money, "It has not come yet.\nWhen will it?", quoted_text="> Your payout is on its way")
    link = make_ticket(bao, music, subject="My link", next_due=now + timedelta(minutes=20), channel=make_channel(music))
    make_message(link, "How do I add a sub id?")
    make_message(link, "I ask Jun", "note", author=mara)
    return money, link


def test_a_night_by_the_keyboard_alone(open_page, mara, sofia, tickets):
    page = open_page(mara, viewport=DESK)
    page.goto(INBOX)
    keys = page.keyboard
    expect(page.locator(".queue-row")).to_have_count(2)

    keys.press("j")
    keys.press("Enter")
    expect(page.get_by_role("heading", name="Where is my money")).to_be_visible()
    expect(page.locator("#about")).to_contain_text("Other tickets")
    assert look_over(page) == []

    keys.press("n")
    expect(page.locator("#composer-body")).to_be_focused()
    page.get_by_text("Call a colleague").click()
    page.get_by_role("button", name="Sofia", exact=True).click()
    keys.type("and @so")
    keys.press("Enter")
    expect(page.locator("#composer-body")).to_have_value("@Sofia and @Sofia ")
    keys.type("do you know?")
    keys.press("Control+Enter")
    expect(page.locator(".msg-note")).to_contain_text("do you know")
    keys.press("r")
    keys.type("On Friday.")
    keys.press("Control+Enter")
    expect(page.locator(".msg-out")).to_contain_text("On Friday.")
    expect(page.locator("#ticket-head")).to_contain_text("Waiting for the affiliate")
    keys.press("e")
    expect(page.locator("#ticket-head .chip").first).to_have_text("Resolved")

    expect(page.locator(".queue-row")).to_have_count(1)
    keys.press("j")
    keys.press("x")
    expect(page.locator(".queue-bulk")).to_be_visible()
    expect(page.locator(".bulk-count")).to_have_text("1 selected")
    keys.press("o")
    expect(page.get_by_role("heading", name="My link")).to_be_visible()
    keys.press("s")
    page.get_by_role("button", name="In an hour").click()
    expect(page.locator("#ticket-head")).to_contain_text("Snoozed")
    keys.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Next ticket, ticket before")
    keys.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    keys.press("/")
    expect(page.locator("#inbox-search")).to_be_focused()
    keys.type("sub id")
    keys.press("Enter")
    expect(page.locator(".queue-row mark").first).to_have_text("sub")


def test_what_is_typed_before_a_ticket_has_come_is_written_into_it(open_page, mara, tickets):
    page, held = open_page(mara, viewport=DESK), []
    page.goto(INBOX)
    page.route(f"**{INBOX}{tickets[0].public_id}/**", lambda route: route.continue_() if held else held.append(route))
    page.keyboard.press("j")
    with page.expect_request(lambda request: tickets[0].public_id in request.url):
        page.keyboard.press("Enter")
    page.keyboard.type("r")
    page.keyboard.type("On nerves,\njoke")
    held[0].continue_()
    expect(page.locator("#composer-body")).to_have_value("On nerves,\njoke")
    expect(page.locator("#draft-state")).to_have_text("Draft kept")

    page.keyboard.press("Escape")
    page.keyboard.type("tAsk jo")
    expect(page.get_by_role("dialog").get_by_label("What")).to_have_value("Ask jo")
    page.get_by_role("dialog").get_by_role("link", name="Cancel").click()
    page.locator("#stream-history > summary").click()
    expect(page.locator("#stream-history")).to_contain_text("Nothing has happened here yet")


def test_what_affiliates_write_appears_by_itself_and_a_draft_outlives_the_page(open_page, mara, sofia, music, bao, tickets):
    money, _link = tickets
    page = open_page(mara, viewport=DESK)
    page.goto(f"{INBOX}{money.public_id}/")
    box = page.locator("#composer-body")
    box.fill("Let me")
    expect(page.locator("#draft-state")).to_have_text("Draft kept")
    other = open_page(sofia, viewport=DESK)
    other.goto(f"{INBOX}{money.public_id}/")
    box.press_sequentially(" look", delay=20)
    expect(other.locator("#here")).to_have_text("Mara is writing")

    new = open_ticket(program=music, channel=money.channel, affiliate=bao, subject="Something new")
    receive(new, text="Hello")
    receive(money, text="Are you there?")
    add_note(money, "I have asked Felix", by=sofia)

    expect(page.locator(".queue-row.is-new", has_text="Something new")).to_be_visible(timeout=6000)
    expect(page.locator("#ticket-stream")).to_contain_text("Are you there?", timeout=6000)
    expect(page.locator("#ticket-stream")).to_contain_text("I have asked Felix")
    expect(box).to_have_value("Let me look")
    expect(page.locator("#draft-state")).to_have_text("Draft kept")
    expect(page.locator("#composer")).to_have_attribute("data-dirty", "no")
    page.reload()
    expect(page.locator("#composer-body")).to_have_value("Let me look")
    assert Draft.objects.get().body == "Let me look"


def test_a_macro_and_a_promise_by_the_keyboard_while_the_box_stays_ones_own(open_page, mara, tickets):
    money, _link = tickets
    create_macro(by=mara, name="Looking at it", program=money.program, variants=[Words("I am looking at it, {{ first_name }}.")])
    page = open_page(mara, viewport=DESK)
    page.goto(f"{INBOX}{money.public_id}/")
    keys, box = page.keyboard, page.locator("#composer-body")

    keys.press("m")
    keys.type("looking")
    expect(page.locator("#macro-found .macro-choice")).to_have_count(1)
    expect(page.locator("#macro-search")).to_be_in_viewport()
    keys.press("Enter")
    expect(box).to_have_value("I am looking at it, Ana.")
    expect(box).to_be_focused()
    with page.expect_response("**/promises/suggest/") as asked:
        keys.type(" You hear from me tomorrow by 10:00")
    expect(box).to_be_focused()
    expect(box).to_be_enabled()
    assert asked.value.ok
    page.get_by_label("is a promise, for me to keep").check()
    box.focus()
    keys.press("Control+Enter")

    expect(page.locator(".msg-out")).to_contain_text("tomorrow by 10:00")
    assert Commitment.objects.get().owner == mara
    assert MacroUse.objects.get().macro.name == "Looking at it"


def test_a_ticket_goes_into_another_that_is_chosen_by_its_subject(open_page, mara, music, bao, tickets):
    _money, link = tickets
    later = make_ticket(bao, music, subject="And the coupon", channel=link.channel)
    make_message(later, "Also, which coupon is mine?")
    page = open_page(mara, viewport=DESK)
    page.goto(f"{INBOX}{later.public_id}/")

    page.locator("#ticket-head").get_by_label("More").click()
    page.get_by_role("link", name="Merge into another").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("My link").check()
    dialog.get_by_role("button", name="Merge").click()

    expect(page.get_by_role("heading", name="My link")).to_be_visible()
    expect(page.locator("#ticket-stream")).to_contain_text("which coupon is mine")


def test_a_phone_shows_one_pane_at_a_time(open_page, mara, tickets):
    page = open_page(mara, viewport={"width": 390, "height": 844}, color_scheme="dark")
    page.goto(INBOX)
    assert axe_finds(page) == []

    page.get_by_role("link", name="Where is my money").click()
    expect(page.get_by_role("heading", name="Where is my money")).to_be_visible()
    expect(page.locator("#queue")).to_be_hidden()
    assert not too_wide(page)
    assert off_screen(page) == []
    page.locator("#composer-body").fill("On Friday.")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".msg-out")).to_contain_text("On Friday.")
    assert Message.objects.filter(direction="out").count() == 1
    page.get_by_role("link", name="Back to the queue").click()
    expect(page.locator(".queue-row")).to_have_count(1)
