"""Views that people save of a list: a name for what its address asks for.

Each is its owner's alone. To share one is to share the list's address: it carries search, filters and sort for whoever opens it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.http import HttpRequest, QueryDict
from django.urls import Resolver404, resolve, reverse
from django.utils.translation import gettext as _

from core.errors import Refusal
from core.models import SavedView

MOST = 20  # of one list; more would be a list to search in itself
LONGEST = 2000  # a query, as addresses go
UNKEPT = {"page", "export", "matching"}  # a place in the list, and what asks for a file


class SavedViewError(Refusal):
    """A view that cannot be saved so."""


@dataclass(frozen=True)
class ShownView:
    view: SavedView
    url: str
    current: bool  # whether the list shows just this


@dataclass(frozen=True)
class Shelf:
    """The reader's views of the list that is shown."""

    path: str
    query: str  # what the list asks for now: what would be saved
    views: list[ShownView]

    @property
    def current(self) -> ShownView | None:
        return next((shown for shown in self.views if shown.current), None)


def shelf_of(request: HttpRequest, params: QueryDict, page: str = "") -> Shelf | None:
    """One query. None where nobody is signed in, and on lists within one thing's page: these are found by the thing.

    `page` names the list's own page, where it stands beside something on another one.
    """
    match, user = request.resolver_match, request.user
    if not user.is_authenticated or (not page and (match is None or match.kwargs)):
        return None
    path = reverse(page) if page else request.path
    asked = _kept(params)
    views = SavedView.objects.filter(owner=user.pk, page=page or match.view_name).order_by("name")[:MOST]  # type: ignore[union-attr]
    shown = [ShownView(view, f"{path}?{view.query}", _meaning(QueryDict(view.query)) == _meaning(asked)) for view in views]
    return Shelf(path, asked.urlencode(), shown)


def save_view(path: str, name: str, query: str, *, by: Any) -> SavedView:
    """Keep what the list at `path` asks for under a name; the same name again is the same view with the new question."""
    page, name = _page_at(path), _named(name)
    asked = _kept(QueryDict(query)).urlencode()
    if not asked:
        raise SavedViewError(_("There is nothing to save yet: search, filter or sort the list first."), code="empty")
    if len(asked) > LONGEST:
        raise SavedViewError(_("This view has more filters than an address can carry."), code="too_long")
    others = SavedView.objects.filter(owner=by, page=page).exclude(name=name)
    if others.count() >= MOST:
        raise SavedViewError(_("A list keeps at most %(most)d views. Delete one first.") % {"most": MOST}, code="too_many")
    view, _created = SavedView.objects.update_or_create(owner=by, page=page, name=name, defaults={"query": asked})
    return view


def rename_view(view: SavedView, name: str) -> None:
    view.name = _named(name)
    try:
        with transaction.atomic():
            view.save(update_fields=["name"])
    except IntegrityError:
        raise SavedViewError(_("Another view of this list is called “%(name)s”.") % {"name": view.name}, field="name") from None


def address_of(view: SavedView) -> str:
    return f"{reverse(view.page)}?{view.query}"


def _page_at(path: str) -> str:
    """The name of the list's page, so that a view outlives a change of its address."""
    try:
        match = resolve(path)
    except Resolver404:
        match = None
    if match is None or match.kwargs:
        raise SavedViewError(_("Views are saved of lists alone."), code="no_list")
    return match.view_name


def _named(name: str) -> str:
    name = " ".join(name.replace("\x00", "").split())
    longest = SavedView._meta.get_field("name").max_length or 0
    if not name or len(name) > longest:
        raise SavedViewError(_("Give the view a name of at most %(longest)d characters.") % {"longest": longest}, field="name")
    return name


def _kept(params: QueryDict) -> QueryDict:
    kept = QueryDict(mutable=True)
    for name, values in params.lists():
        values = [value for value in values if value]
        if values and name not in UNKEPT:
            kept.setlist(name, values)
    return kept


def _meaning(params: QueryDict) -> list[tuple[str, list[str]]]:
    """Two addresses that ask for the same say it in any order."""
    return sorted((name, sorted(values)) for name, values in params.lists())
