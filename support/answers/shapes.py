"""What an answer is made of: words that are ready to be read, in the reader's language and formats, without any markup."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _

from affiliates.models import Affiliate, Function
from programs.models import Program


class Question(models.TextChoices):
    MONEY = "money", _("When do I get my money?")
    LINK = "link", _("My link")
    NUMBERS = "numbers", _("My numbers")
    OFFERS = "offers", _("What converts now?")


@dataclass(frozen=True)
class Asker:
    """Who asks: a person of an affiliate with their functions in its account, about one program or (None) all of theirs."""

    affiliate: Affiliate
    functions: frozenset[str]
    program: Program | None = None

    def has(self, *functions: Function) -> bool:
        """As the portal's guard has it: owners may everything (`affiliates.access.has_function`)."""
        return bool({Function.OWNER, *functions} & self.functions)


@dataclass(frozen=True)
class Fact:
    """One line: what it is, how much, and what that means. `state` names a state chip, `copy` what can be copied."""

    label: str
    value: str
    note: str = ""
    state: str = ""
    copy: str = ""


@dataclass(frozen=True)
class Section:
    title: str
    facts: list[Fact] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)  # what it comes to: first what is, then what is missing


@dataclass(frozen=True)
class Way:
    """Where there is more of it, or something to do: a page of the portal."""

    label: str
    url_name: str


@dataclass(frozen=True)
class Answer:
    question: Question
    title: str
    sections: list[Section]
    ways: Collection[Way] = ()
    note: str = ""  # what it rests on
    at: datetime | None = None
