"""Articles, macros and rooms for tests, by plain functions as in `tests.factories`."""

from __future__ import annotations

import itertools
from typing import Any

from django.utils import timezone

from knowledge.models import Article, ArticleVersion
from programs.models import Program
from support.models import Macro, MacroVariant, Room, RoomMember
from tests.factories import make_user

_numbers = itertools.count(1)


def make_article(program: Program | None = None, **fields: Any) -> Article:
    """A published article for affiliates, with its first version; without a program it holds for all."""
    number = next(_numbers)
    defaults = {"title": f"Article {number}", "text": f"Text {number}.", "status": "published", "audience": "affiliates"}
    fields = {**defaults, **fields}
    if fields["status"] != "draft":
        fields.setdefault("published_at", timezone.now())
    article = Article.objects.create(program=program, **fields)
    ArticleVersion.objects.create(article=article, number=1, title=article.title, text=article.text)
    return article


def make_macro(program: Program | None = None, text: str = "Hello {{name}}.", **fields: Any) -> Macro:
    """A macro with one variant for everybody."""
    fields.setdefault("name", f"Macro {next(_numbers)}")
    macro = Macro.objects.create(program=program, **fields)
    MacroVariant.objects.create(macro=macro, text=text)
    return macro


def make_room(*people: Any, **fields: Any) -> Room:
    """A room of these, made by the first of them."""
    people = people or (make_user(),)
    fields.setdefault("name", f"Room {next(_numbers)}")
    room = Room.objects.create(created_by=people[0], **fields)
    RoomMember.objects.bulk_create([RoomMember(room=room, user=person, added_by=people[0]) for person in people])
    return room
