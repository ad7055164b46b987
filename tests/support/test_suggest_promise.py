"""Which times a reply names, as of a Monday at noon in Berlin."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from support.promises import suggest_promise

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 11, 23, 12, tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("I will look into it in 2 hours.", (23, 14)),
        ("You hear from me within an hour", (23, 13)),
        ("In half an hour it is there", (23, 12, 30)),
        ("Ich melde mich in einer halben Stunde", (23, 12, 30)),
        ("In 30 min I know more", (23, 12, 30)),
        ("Ich melde mich in zwei Stunden.", (23, 14)),
        ("Das dauert; innerhalb von 3 Tagen ist es erledigt", (26, 18)),
        ("We send it today", (23, 18)),
        ("Heute noch", (23, 18)),
        ("by the end of the day", (23, 18)),
        ("I'll call you tomorrow 15:00", (24, 15)),
        ("I'll call you tomorrow at 3pm", (24, 15)),
        ("tomorrow at noon", (24, 12)),
        ("Morgen um 15 Uhr rufe ich an", (24, 15)),
        ("Morgen um 9.30 Uhr", (24, 9, 30)),
        ("Guten Morgen, übermorgen ist es da", (25, 18)),
        ("You get the money by Friday", (27, 18)),
        ("on Friday at 10:15", (27, 10, 15)),
        ("Bis Freitag haben Sie es", (27, 18)),
        ("Am Montag um 9 Uhr", (30, 9)),
        ("next Monday", (30, 18)),
        ("By 15:00 it is done", (23, 15)),
        ("bis 10 Uhr", (24, 10)),
        ("at 11 am", (24, 11)),
        ("on 2026-11-25 it is paid", (25, 18)),
        ("am 25.11. um 14:00", (25, 14)),
        ("on November 25th", (25, 18)),
        ("am 25. November", (25, 18)),
        ("by the end of the week", (27, 18)),
    ],
)
def test_a_time_is_found(text, due):
    suggestion = suggest_promise(text, MONDAY)

    assert suggestion is not None
    assert suggestion.due_at == datetime(2026, 11, *due, tzinfo=BERLIN)


def test_a_day_that_was_this_year_is_next_years():
    assert suggest_promise("on 3 January at 10:00", MONDAY).due_at == datetime(2027, 1, 3, 10, tzinfo=BERLIN)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Thank you for asking.",
        "Guten Morgen",
        "Your commission was 12.50 for 3 sales",
        "It was paid on 2026-01-02",
        "on 31 February",
        "the offer pays 15 per sale",
        "Version 1.2.3 in use",
    ],
)
def test_where_no_time_to_come_is_named_nothing_is_suggested(text):
    assert suggest_promise(text, MONDAY) is None


def test_the_sentence_that_names_it_is_what_is_promised():
    text = "Hello Ana.\nThanks for the details. I will send the corrected 12.50 USD by Friday. Until then!"

    suggestion = suggest_promise(text, MONDAY)

    assert (suggestion.sentence, suggestion.words) == ("I will send the corrected 12.50 USD by Friday.", "by Friday")


@pytest.mark.parametrize(
    ("text", "doubtful"),
    [
        ("I will send it by Friday.", False),
        ("Your money comes tomorrow", False),
        ("Wir melden uns bis Freitag", False),
        ("Is Friday fine? You have it by Friday.", False),
        ("Please send it tomorrow. I look at it on Wednesday.", False),
        ("Could you send it by Friday?", True),
        ("Please send it by Friday", True),
        ("Bitte bis Freitag schicken", True),
        ("Können Sie es morgen schicken?", True),
        ("Your payout was sent on Monday", True),
        ("It was the campaign of 3 January", True),
        ("The campaign starts on 3 June", True),
        ("Our office is closed on Friday", True),
        ("We are closed tomorrow", True),
        ("The hold ends on 1.12.2026", True),
        ("Die Kampagne endet morgen", True),
        ("When the hold ends tomorrow, we pay it", False),
        ("Liste vom 1.12.2026", True),
        ("I mean the report of 1.12.2026", True),
        ("I cannot do it before Friday.", True),
        ("Das kann ich nicht vor Freitag sagen", True),
    ],
)
def test_what_is_asked_or_past_or_far_away_or_cannot_be_is_doubtful(text, doubtful):
    assert suggest_promise(text, MONDAY).doubtful == doubtful


def test_hours_pass_while_the_clocks_change():
    evening = datetime(2026, 10, 24, 23, tzinfo=BERLIN)

    due = suggest_promise("in 6 hours", evening).due_at

    assert due.timestamp() - evening.timestamp() == 6 * 3600


def test_a_long_text_takes_no_long_time():
    assert suggest_promise("1 " * 50_000, MONDAY) is None
