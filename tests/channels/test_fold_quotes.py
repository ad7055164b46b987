import time

import pytest

from channels.quoting import fold, words_of_page


@pytest.mark.parametrize(
    ("text", "new"),
    [
        (
            "Thank you.\n\nOn Mon, 3 Mar 2025 at 10:00, Music <help@music.example> wrote:\n> What happened?\n>\n> Mara",
            "Thank you.",
        ),
        ("Thank you.\n\nOn Mon, 3 Mar 2025 at 10:00, Music partners\n<help@music.example> wrote:\n\n> Old", "Thank you."),
        ("Danke.\n\nAm 03.03.2025 um 10:00 schrieb Music <help@music.example>:\n> Alt", "Danke."),
        ("Спасибо!\n\nпн, 3 мар. 2025 г. в 10:00, Music <help@music.example>:\n\n> старое", "Спасибо!"),
        ("Cảm ơn.\n\nVào T2, 3 thg 3, 2025 vào lúc 10:00 Music <help@music.example> đã viết:\n> cũ\n> cũ", "Cảm ơn."),
        ("Terima kasih\n\nPada tanggal Sen, 3 Mar 2025 pukul 10.00 Music <help@music.example> menulis:\n> lama", "Terima kasih"),
        ("Thanks\n\n-----Original Message-----\nFrom: Music\nSent: Monday\nTo: Ana\nSubject: x\n\nOld text", "Thanks"),
        ("Thanks\n\n________________________________\nFrom: Music <help@music.example>\nSent: Monday\nTo: Ana\n\nOld", "Thanks"),
        ("Merci\n\nLe lun. 3 mars 2025 à 10:00, Music <help@music.example> a écrit :\n> Ancien", "Merci"),
    ],
    ids=["gmail", "broken line", "german", "russian", "vietnamese", "indonesian", "outlook", "outlook lines", "french"],
)
def test_what_was_written_before_is_folded_with_the_line_that_says_so(text, new):
    shown, quoted = fold(text)

    assert shown == new
    assert "".join((shown + quoted).split()) == "".join(text.split())


@pytest.mark.parametrize(
    "text",
    [
        "Just a question, and nothing quoted.",
        "> What is it?\nA link.\n> Which one?\nThis one.",
        "> Everything here is quoted\n> by somebody who wrote below it\n\nThat is my answer.",
        "> only a quote",
        "I wrote to you on 3 March 2025:\nnothing came back.",
        "My list:\n- one\n- two\n\nRegards\n-- \nAna",
        "",
    ],
    ids=["plain", "between the lines", "below", "alone", "a sentence like one", "a list and a signature", "empty"],
)
def test_what_is_new_is_never_folded(text):
    assert fold(text) == (text, "")


def test_the_quote_of_a_page_is_folded():
    html = (
        '<div dir="ltr">Thanks <b>a lot</b></div><br><div class="gmail_quote"><div class="gmail_attr">'
        "On Mon, 3 Mar 2025, Music &lt;help@music.example&gt; wrote:<br></div>"
        '<blockquote class="gmail_quote">Old <b>text</b></blockquote></div>'
    )
    new, quoted = words_of_page(html)

    assert new == "Thanks a lot"
    assert quoted.startswith("On Mon")
    assert "Old text" in quoted


@pytest.mark.parametrize(
    "html", ["", "<!-- nothing -->", "<", "\x00", "<table>" * 3000], ids=["none", "comment", "sign", "nul", "deep"]
)
def test_pages_that_are_none(html):
    assert "\x00" not in "".join(words_of_page(html))


@pytest.mark.parametrize(
    "text",
    [
        "On Mon " * 20_000,
        "On " + "a " * 50_000,
        "\n" * 100_000 + "x",
        "On a@b wrote " * 10_000,
        "> x\n" * 40_000,
        "From: a\nSent: b\n" * 8_000,
        "_" * 100_000,
        "a 2025 10:00 " * 9_000 + ":",
        "Le a " * 20_000,
    ],
    ids=["on", "on a", "lines", "wrote", "quotes", "from", "underscores", "times", "le"],
)
def test_no_text_takes_long(text):
    begun = time.process_time()
    fold(text)

    assert time.process_time() - begun < 3
