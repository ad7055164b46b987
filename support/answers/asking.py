"""The one door: a question, who asks it, and the answer; and the same answer as plain text."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from affiliates.models import Function
from core.errors import Refusal
from support.answers.money import about_money
from support.answers.numbers import about_numbers
from support.answers.promotion import about_links, about_offers
from support.answers.shapes import Answer, Asker, Question, Section

_ANSWERS: dict[Question, Callable[[Asker, datetime], Answer]] = {
    Question.MONEY: about_money,
    Question.LINK: about_links,
    Question.NUMBERS: about_numbers,
    Question.OFFERS: about_offers,
}
# As the pages of the portal have it: money for those who see to it, the rest for everybody of the account.
_FOR: dict[Question, tuple[Function, ...]] = {Question.MONEY: (Function.FINANCE, Function.LEADER)}


class NotForYou(Refusal):
    """The function of the person in their affiliate's account does not open this."""


def questions_for(functions: Iterable[str]) -> list[Question]:
    """Those that a person with these functions may ask."""
    held = frozenset(functions)
    return [q for q in Question if held and (q not in _FOR or {Function.OWNER, *_FOR[q]} & held)]


def is_for_all(question: Question) -> bool:
    """Whether everybody of an affiliate's account may read the answer: one that is not must stand where others do not read."""
    return question not in _FOR


def answer(question: Question, asker: Asker, now: datetime | None = None) -> Answer:
    """From the data of this moment. NotForYou where the asker's functions do not open it."""
    if question not in questions_for(asker.functions):
        raise NotForYou(
            _("In your account this is for those who see to its money. Ask an owner to give you the function."), code="function"
        )
    return _ANSWERS[question](asker, now or timezone.now())


def as_text(answer: Answer) -> str:
    """For a message: lines, no markup. Addresses are whole."""
    blocks = [answer.title, *(_section_text(section) for section in answer.sections)]
    if answer.note:
        blocks.append(answer.note)
    blocks += [f"{way.label}: {settings.BASE_URL}{reverse(way.url_name)}" for way in answer.ways]
    return "\n\n".join(block for block in blocks if block)


def _section_text(section: Section) -> str:
    lines = [section.title] if section.title else []
    for fact in section.facts:
        told = f"• {fact.label}: {fact.value}" if fact.label else f"• {fact.value}"
        lines.append(f"{told} ({fact.note})" if fact.note else told)
    return "\n".join([*lines, *section.sentences])
