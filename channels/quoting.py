"""What of a mail is new, and what is quoted from before: the quoted part is folded where the mail is shown.

Every function is bounded in time whatever it is given: mail-parser-reply's expressions grow with the square of what they read, so
that they see the beginning of a mail alone, its blank lines and long lines squeezed.
"""

from __future__ import annotations

import re
from functools import cache

import quotequail
from inscriptis import get_text
from mailparser_reply import EmailReplyParser

WINDOW = 2500  # characters that mail-parser-reply reads
LONGEST_PAGE = 300_000  # characters of HTML whose quotes are looked for; of a longer page only the words are read
LONGEST_WORDS = 1_000_000  # characters of HTML that are read at all

_QUOTED = re.compile(r"\s*>")
_ATTRIBUTION = re.compile(r"[^\n]{0,300}(<[^<>\s]+@[^<>\s]+>|\b(19|20)\d\d\b|\d{1,2}:\d\d)[^\n]{0,100}:\s*")
_SEPARATOR = re.compile(r"\s*[-_]{2,}[^\n]{0,60}[-_]{2,}\s*")


def fold(text: str) -> tuple[str, str]:
    """(new, quoted): the text in two, nothing lost between them but blank lines. All of it is new where nothing else would be."""
    text = text.strip("\n")
    for at in (_by_reply_parser(text), _by_quotes(text), _by_quotequail(text)):
        if at is not None:
            at = _before_attribution(text, at)
            new, quoted = text[:at].rstrip(), text[at:].strip("\n")
            if new.strip() and quoted.strip():
                return new, quoted
    return text, ""


@cache
def _parser() -> EmailReplyParser:
    return EmailReplyParser(languages=["en", "de", "fr", "es", "it", "nl", "pl", "sv", "ja"])


def _by_reply_parser(text: str) -> int | None:
    """Where the newest reply ends, as mail-parser-reply knows the clients' ways of saying so."""
    beginning = text[:WINDOW]
    squeezed = re.sub(r"\n{3,}", "\n\n", re.sub(r"[^\S\n]+", " ", beginning))
    squeezed = "\n".join(line[:200] for line in squeezed.split("\n"))
    newest = _parser().read(squeezed).latest_reply
    if not newest or not squeezed.startswith(newest) or any(len(line) > 200 for line in beginning.split("\n")):
        return None
    letters = sum(not letter.isspace() for letter in newest)
    if letters == sum(not letter.isspace() for letter in beginning):
        return None
    return _after_letters(text, letters)


def _after_letters(text: str, number: int) -> int:
    for at, letter in enumerate(text):
        if not letter.isspace():
            number -= 1
            if number == 0:
                return at + 1
    return len(text)


def _by_quotes(text: str) -> int | None:
    """Where nothing but quoted lines follow."""
    lines = text.split("\n")
    first = len(lines)
    while first and (not lines[first - 1].strip() or _QUOTED.match(lines[first - 1])):
        first -= 1
    if not any(_QUOTED.match(line) for line in lines[first:]):
        return None
    return sum(len(line) + 1 for line in lines[:first])


def _by_quotequail(text: str) -> int | None:
    at = 0
    for shown, part in quotequail.quote(text):
        if not shown:
            return at if at else None
        at += len(part) + 1
    return None


def _before_attribution(text: str, at: int) -> int:
    """The line above a quote that says who wrote it, or that it begins, belongs to it: in whatever language."""
    lines = text[:at].rstrip().split("\n")
    for number in (1, 2):  # it may be broken in two
        tail = " ".join(lines[-number:])
        if len(tail) < 400 and (_ATTRIBUTION.fullmatch(tail) or _SEPARATOR.fullmatch(tail)):
            return len("\n".join(lines[:-number]))
    return at


def words_of_page(html: str) -> tuple[str, str]:
    """(new, quoted) of an HTML mail, as words. ("", "") for what no parser can take: the page itself is still there."""
    if len(html) <= LONGEST_PAGE:
        try:
            parts = quotequail.quote_html(html)
        except Exception:  # lxml, on a page of nothing but comments among others
            parts = []
        new = "\n".join(_words(part) for shown, part in parts if shown).strip()
        quoted = "\n".join(_words(part) for shown, part in parts if not shown).strip()
        if new and quoted:
            at = _before_attribution(new, len(new))
            if new[:at].strip():
                return new[:at].rstrip(), f"{new[at:].strip()}\n{quoted}".strip()
            return new, quoted
    return fold(_words(html[:LONGEST_WORDS]))


def _words(html: str) -> str:
    if not html.strip():
        return ""
    try:
        text = get_text(html)
    except Exception:  # as above
        return ""
    lines = (line.rstrip() for line in text.replace("\x00", "").split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
