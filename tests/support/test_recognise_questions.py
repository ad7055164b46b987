"""A question that answers itself is taken for one only where it plainly is one."""

import pytest

from support.answers import Question, command, recognise

MONEY, LINK, NUMBERS, OFFERS = Question.MONEY, Question.LINK, Question.NUMBERS, Question.OFFERS


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("When do I get my money?", MONEY),
        ("hi! when will i be paid??", MONEY),
        ("when is the next payout", MONEY),
        ("Where is my money", MONEY),
        ("Wann bekomme ich mein Geld?", MONEY),
        ("wann wird meine Provision ausgezahlt", MONEY),
        ("Nächste Auszahlung?", MONEY),
        ("what is my link?", LINK),
        ("send me my affiliate link pls", LINK),
        ("Wo finde ich meinen Link?", LINK),
        ("schick mir bitte den Gutscheincode", LINK),
        ("my stats", NUMBERS),
        ("how many clicks do I have", NUMBERS),
        ("Wie viele Klicks habe ich?", NUMBERS),
        ("meine Umsätze", NUMBERS),
        ("what converts best right now?", OFFERS),
        ("Which offers are good", OFFERS),
        ("Was konvertiert gerade?", OFFERS),
        ("Welche Angebote laufen?", OFFERS),
    ],
)
def test_plain_questions_in_english_and_german(text, question):
    assert recognise(text) == question


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "thanks!",
        "my link is broken",
        "when do I get my money? the commission of order 17 is missing",
        "wann kommt mein Geld, die Provision fehlt",
        "my payout was wrong",
        "meine Zahlen sind falsch",
        "Mein Link funktioniert nicht",
        "my link and my stats",
        "when do you pay my money " + "because I need it for many reasons " * 5,
        "please change my payout method",
        "the money is linked to the offers",
        "\x00",
    ],
)
def test_whatever_tells_of_a_problem_or_of_several_things_is_left_to_a_person(text):
    assert recognise(text) is None


@pytest.mark.parametrize(
    ("text", "question"),
    [("/money", MONEY), ("/money@tributary_bot please", MONEY), ("/LINK", LINK), ("/zahlen", NUMBERS), ("/offers", OFFERS),
     ("money", None), ("/start abc", None), ("", None), ("  ", None)],
)  # fmt: skip
def test_commands(text, question):
    assert command(text) == question
