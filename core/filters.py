"""The filters of a list: what stands in the address, how it narrows the rows, and how the filter bar shows it.

A value in the address that a filter cannot read narrows nothing: addresses are shared, and choices come and go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from dataclasses import field as attribute
from datetime import date
from typing import Any

from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils.translation import gettext as _

from core.components import day_text
from core.periods import Period, read_day

Apply = Callable[[QuerySet[Any], Any], QuerySet[Any]]
RELATED_LIMIT = 200  # options that a select still serves well


@dataclass(frozen=True)
class Filter:
    """One filter: `field` is the ORM lookup it narrows by (the key where not given); `apply(queryset, value)` replaces that."""

    key: str
    label: Any
    field: str = ""
    apply: Apply | None = None
    template: str = attribute(default="", init=False)

    @property
    def names(self) -> list[str]:
        """The parameters of the address that are this filter's."""
        return [self.key]

    def read(self, params: QueryDict) -> Any:
        """The value in the address, cleaned; None where there is none."""
        return params.get(self.key, "").strip() or None

    def narrow(self, queryset: QuerySet[Any], value: Any) -> QuerySet[Any]:
        return self.apply(queryset, value) if self.apply else queryset.filter(self.condition(value))

    def condition(self, value: Any) -> Q:
        return Q(**{self.field or self.key: value})

    def told(self, value: Any) -> str:
        """The value as the filter bar tells it."""
        return str(value)

    def widget(self, value: Any) -> dict[str, Any]:
        """What the filter's own template needs."""
        return {}


@dataclass(frozen=True)
class TextFilter(Filter):
    template: str = attribute(default="components/filters/text.html", init=False)

    def read(self, params: QueryDict) -> Any:
        value = super().read(params)
        return value.replace("\x00", "") or None if value else None

    def condition(self, value: Any) -> Q:
        lookup = self.field or self.key
        return Q(**{lookup if "__i" in lookup or "__exact" in lookup else f"{lookup}__icontains": value})


@dataclass(frozen=True)
class ChoiceFilter(Filter):
    """One of some values. `choices` are [(value, label)], or a Choices class, or a callable that gives them."""

    choices: Any = ()
    template: str = attribute(default="components/filters/choice.html", init=False)

    def options(self) -> list[tuple[str, str]]:
        choices: Iterable[Any] = (
            self.choices() if callable(self.choices) and not hasattr(self.choices, "choices") else self.choices
        )
        return [(str(value), str(label)) for value, label in getattr(choices, "choices", choices)]

    def read(self, params: QueryDict) -> Any:
        value = super().read(params)
        return value if value in dict(self.options()) else None

    def told(self, value: Any) -> str:
        return dict(self.options()).get(value, str(value))

    def widget(self, value: Any) -> dict[str, Any]:
        return {"options": [(key, label, key == value) for key, label in self.options()]}


@dataclass(frozen=True)
class MultiChoiceFilter(ChoiceFilter):
    """Any of some values."""

    template: str = attribute(default="components/filters/multi_choice.html", init=False)

    def read(self, params: QueryDict) -> Any:
        known = dict(self.options())
        return [value for value in dict.fromkeys(params.getlist(self.key)) if value in known] or None

    def condition(self, value: Any) -> Q:
        return Q(**{f"{self.field or self.key}__in": value})

    def told(self, value: Any) -> str:
        labels = dict(self.options())
        return _(", ").join(labels[key] for key in value)

    def widget(self, value: Any) -> dict[str, Any]:
        return {"options": [(key, label, key in (value or ())) for key, label in self.options()]}


@dataclass(frozen=True)
class BooleanFilter(ChoiceFilter):
    """Yes or no. `yes` and `no` name the two; the value is a bool."""

    yes: Any = ""
    no: Any = ""

    def options(self) -> list[tuple[str, str]]:
        return [("yes", str(self.yes or _("Yes"))), ("no", str(self.no or _("No")))]

    def narrow(self, queryset: QuerySet[Any], value: Any) -> QuerySet[Any]:
        return super().narrow(queryset, value == "yes")


@dataclass(frozen=True)
class RelatedFilter(Filter):
    """One of some rows: `rows` is their queryset (or a callable), `param` the attribute that the address carries, by which
    people know a row where there is one (a slug, a code) and its public id elsewhere: never its number."""

    rows: Any = None
    param: str = "public_id"
    template: str = attribute(default="components/filters/related.html", init=False)

    def _rows(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = self.rows() if callable(self.rows) else self.rows.all()
        return rows

    def read(self, params: QueryDict) -> Any:
        value = super().read(params)
        if value is None:
            return None
        rows = self._rows()
        if self.param == "public_id":
            return rows.filter(pk=rows.model.pk_from(value)).first()
        return rows.filter(**{self.param: value.replace("\x00", "")}).first()

    def widget(self, value: Any) -> dict[str, Any]:
        rows = list(self._rows()[:RELATED_LIMIT])
        if value is not None and value not in rows:
            rows.insert(0, value)
        return {"options": [(getattr(row, self.param), str(row), row == value) for row in rows]}


@dataclass(frozen=True)
class DateFilter(Filter):
    """Days from and to, both included, in the reader's zone. `instant` False: the field is a date."""

    instant: bool = True
    template: str = attribute(default="components/filters/date.html", init=False)

    @property
    def names(self) -> list[str]:
        return [f"{self.key}_from", f"{self.key}_to"]

    def read(self, params: QueryDict) -> Any:
        start, end = (read_day(params.get(name)) for name in self.names)
        return (start, end) if start or end else None

    def condition(self, value: tuple[date | None, date | None]) -> Q:
        start, end = value
        lookup = self.field or self.key
        if not self.instant:
            return Q(**({f"{lookup}__gte": start} if start else {})) & Q(**({f"{lookup}__lte": end} if end else {}))
        first = {f"{lookup}__gte": Period("custom", start, start).bounds()[0]} if start else {}
        last = {f"{lookup}__lt": Period("custom", end, end).bounds()[1]} if end else {}
        return Q(**first) & Q(**last)

    def told(self, value: tuple[date | None, date | None]) -> str:
        start, end = value
        if start and end:
            return day_text(start) if start == end else Period("custom", start, end).span
        return _("from %(day)s") % {"day": day_text(start)} if start else _("until %(day)s") % {"day": day_text(end)}  # type: ignore[arg-type]

    def widget(self, value: Any) -> dict[str, Any]:
        start, end = value or (None, None)
        return {"start": start, "end": end, "from_name": self.names[0], "to_name": self.names[1]}


def search_condition(text: str, lookups: Sequence[str | Callable[[str], Q | None]]) -> Q:
    """Every word of the text in any of the fields. A lookup may name its own kind ("code__iexact") or be a callable word -> Q."""
    condition = Q()
    for word in text.replace("\x00", "").split()[:8]:
        anywhere = Q()
        for lookup in lookups:
            if callable(lookup):
                anywhere |= lookup(word) or Q()
            else:
                anywhere |= Q(**{lookup if lookup.endswith(_OWN_KIND) else f"{lookup}__icontains": word})
        condition &= anywhere or Q(pk__in=[])  # a word that no lookup can be about matches nothing
    return condition


_OWN_KIND = ("__exact", "__iexact", "__startswith", "__istartswith", "__contains", "__icontains")
