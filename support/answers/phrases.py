"""Recognising a question that answers itself, in English and German. It is offered, never decided: a short message that
plainly asks it is taken for it, anything longer or about something going wrong is left to a person."""

from __future__ import annotations

import re
import unicodedata

from support.answers.shapes import Question

LONGEST = 140  # characters: who writes more tells more than this can answer
COMMANDS = {
    "/money": Question.MONEY, "/geld": Question.MONEY,
    "/link": Question.LINK,
    "/numbers": Question.NUMBERS, "/zahlen": Question.NUMBERS,
    "/offers": Question.OFFERS, "/angebote": Question.OFFERS,
}  # fmt: skip

# Words that tell of a problem: whoever uses one wants a person.
_TROUBLE = re.compile(
    r"\b(wrong|missing|mistake|error|broken|not working|doesn'?t work|does not work|disput\w*|complain\w*|cheat\w*|stolen|hack\w*|"
    r"refund\w*|reversed|change|delete|wrongly|lawyer|scam|"
    r"falsch\w*|fehl\w*|kaputt|funktioniert nicht|geht nicht|beschwer\w*|betrug|gestohlen|andern|aendern|loschen|loeschen|anwalt|"
    r"storniert\w*|erstatt\w*)\b"
)
_ASKED: list[tuple[Question, re.Pattern[str]]] = [
    (
        Question.MONEY,
        re.compile(
            r"\b(when|how soon|where)\b.{0,40}\b(paid|pay ?out|payment|money|commissions?|earnings)\b"
            r"|\bnext (payout|payment)\b|\bmy (payout|payment|balance|money)\b"
            r"|\b(wann|wo)\b.{0,40}\b(geld|auszahlung\w*|ausgezahlt|bezahlt|provision\w*|zahlung)\b"
            r"|\bnachste auszahlung\b|\bmein(e|en)? (guthaben|auszahlung|geld)\b"
        ),
    ),
    (
        Question.LINK,
        re.compile(
            r"\b(my|give me|send me|get|where|what is)\b.{0,25}\b(links?|coupons?|promo ?codes?)\b"
            r"|\b(mein\w*|wo|schick\w*|gib|welche\w*)\b.{0,25}\b(partner|affiliate)?-?(links?|gutschein\w*|rabattcode\w*|trackinglink)\b"
        ),
    ),
    (
        Question.NUMBERS,
        re.compile(
            r"\bmy (numbers|stats|statistics|clicks|conversions|sales|results|performance)\b"
            r"|\bhow many (clicks|sales|conversions)\b|\bhow am i doing\b|\bhow much (have i|did i) (earn\w*|ma[dk]e)\b"
            r"|\bmeine (zahlen|statistik\w*|klicks|verkaufe|umsatze|ergebnisse)\b|\bwie viele (klicks|verkaufe|conversions)\b"
            r"|\bwie lauft es\b|\bwie ?viel habe ich verdient\b"
        ),
    ),
    (
        Question.OFFERS,
        re.compile(
            r"\bwhat('?s| is| are)?\b.{0,20}\b(convert\w*|sells?|selling|works?|best offers?)\b|\b(best|top) (offers?|programs?|converting)\b"
            r"|\bwhich offers?\b|\bwas\b.{0,20}\b(konvertiert|verkauft sich|lauft (gut|gerade|am besten)|geht gut)\b"
            r"|\b(beste\w*|welche\w*) angebot\w*\b"
        ),
    ),
]


def command(text: str) -> Question | None:
    """/money, /link, /numbers, /offers, as Telegram sends them (/money@the_bot in a group)."""
    first = text.strip().split(maxsplit=1)[:1]
    return COMMANDS.get(first[0].partition("@")[0].lower()) if first else None


def recognise(text: str, longest: int = LONGEST) -> Question | None:
    """The question that a message plainly asks; None where it is long, asks several, or tells of a problem."""
    plain = _plain(text)
    if not plain or len(plain) > longest or _TROUBLE.search(plain):
        return None
    asked = [question for question, pattern in _ASKED if pattern.search(plain)]
    return asked[0] if len(asked) == 1 else None


def _plain(text: str) -> str:
    """Small letters without accents ("ä" as "a"), one space between words."""
    letters = unicodedata.normalize("NFKD", text.replace("’", "'").casefold())
    return " ".join("".join(c for c in letters if not unicodedata.combining(c)).split())
