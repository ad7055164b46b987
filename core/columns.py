"""The columns of a list: how a cell looks on the page, how it sorts, and what it is in a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

from django.db.models.expressions import Combinable, F, OrderBy
from django.template import Context
from django.template.loader import get_template
from django.utils import timezone
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from core import components
from core.money import round_money

Getter = Callable[[Any], Any] | str


def get(row: Any, getter: Getter) -> Any:
    """The row's value by a callable or a dotted path; None where the path ends early. Methods without arguments are called."""
    if callable(getter):
        return getter(row)
    value = row
    for name in getter.split("."):
        if value is None:
            return None
        value = value[name] if isinstance(value, dict) else getattr(value, name)
        if callable(value):
            value = value()
    return value


@dataclass(frozen=True)
class Column:
    """A column of text.

    value    dotted path or callable; the key where not given
    sort     True: by the key's field; or a field's name, an expression, or several of them; None: not sortable
    url      row -> address of the cell's link
    template a template that renders the cell, with `row` and `value`
    export   dotted path or callable for files; True: the value; False: not in files
    shown    False: in files alone
    """

    key: str
    label: Any
    value: Getter | None = None
    sort: bool | str | Combinable | Sequence[str | Combinable] | None = None
    url: Callable[[Any], str] | None = None
    template: str = ""
    export: Getter | bool = True
    align: str = ""
    shown: bool = True

    def get(self, row: Any) -> Any:
        return get(row, self.value or self.key)

    def cell(self, row: Any) -> SafeString:
        value = self.get(row)
        if self.template:
            rendered: SafeString = _template(self.template).render(Context({"row": row, "value": value}))
            return rendered
        shown = self.show(row, value)
        if self.url and (address := self.url(row)):
            return format_html('<a href="{}">{}</a>', address, shown)
        return shown

    def boxed(self, tag: str, cell: SafeString) -> str:
        """The cell in its box: `th` names the row, `td` the rest."""
        scope = ' scope="row"' if tag == "th" else ""
        number = ' class="num"' if self.align == "end" else ""
        return f"<{tag}{scope}{number}>{cell}</{tag}>"

    def show(self, row: Any, value: Any) -> SafeString:
        return escape(value) if value not in (None, "") else mark_safe(components.NOTHING)

    @property
    def order_by(self) -> list[Any]:
        if not self.sort:
            return []
        if self.sort is True:
            return [self.key]
        return [self.sort] if isinstance(self.sort, (str, Combinable)) else list(self.sort)

    def export_labels(self) -> list[str]:
        return [] if self.export is False else [str(self.label)]

    def export_cells(self, row: Any) -> list[Any]:
        if self.export is False:
            return []
        return [self.get(row) if self.export is True else get(row, self.export)]


@cache
def _template(name: str) -> Any:
    return get_template(name).template  # type: ignore[attr-defined]


@dataclass(frozen=True)
class NumberColumn(Column):
    align: str = "end"

    def show(self, row: Any, value: Any) -> SafeString:
        return escape(components.number_text(value))


@dataclass(frozen=True)
class PercentColumn(Column):
    """A ratio (0.124), shown as 12.4%."""

    align: str = "end"

    def show(self, row: Any, value: Any) -> SafeString:
        return escape(components.percent_text(value))


@dataclass(frozen=True)
class MoneyColumn(Column):
    """An amount; in files it has its currency's decimals, and the currency stands in a column of its own beside it."""

    currency: Getter = "currency"
    align: str = "end"

    def show(self, row: Any, value: Any) -> SafeString:
        return components.money(value, get(row, self.currency))

    def export_labels(self) -> list[str]:
        labels = super().export_labels()
        return [labels[0], f"{labels[0]} (currency)"] if labels else []

    def export_cells(self, row: Any) -> list[Any]:
        cells, currency = super().export_cells(row), get(row, self.currency)
        return [cells[0] if cells[0] is None else round_money(Decimal(cells[0]), currency), currency] if cells else []


@dataclass(frozen=True)
class StateColumn(Column):
    """The state chip; `text` gives its label where the shared one does not fit. Files get the state's own name."""

    text: Getter | None = None

    def show(self, row: Any, value: Any) -> SafeString:
        return components.chip(value, get(row, self.text) if self.text else "")

    def export_cells(self, row: Any) -> list[Any]:
        return [str(getattr(cell, "value", cell)) if cell is not None else None for cell in super().export_cells(row)]


@dataclass(frozen=True)
class TimeColumn(Column):
    """An instant, in the reader's zone."""

    def show(self, row: Any, value: Any) -> SafeString:
        return components.when(value)

    def export_cells(self, row: Any) -> list[Any]:
        return [
            timezone.localtime(cell) if isinstance(cell, datetime) and timezone.is_aware(cell) else cell
            for cell in super().export_cells(row)
        ]


@dataclass(frozen=True)
class DayColumn(Column):
    def show(self, row: Any, value: Any) -> SafeString:
        return components.day(value)


@dataclass(frozen=True)
class PersonColumn(Column):
    """Someone with a name; the link is around the name. `detail` is a quieter second line."""

    detail: Getter | None = None

    def cell(self, row: Any) -> SafeString:
        value = self.get(row)
        address = self.url(row) if self.url and value is not None else ""
        return components.person(value, url=address, detail=(get(row, self.detail) or "") if self.detail else "")

    def export_cells(self, row: Any) -> list[Any]:
        return [str(getattr(cell, "name", "") or cell) if cell is not None else None for cell in super().export_cells(row)]


@dataclass(frozen=True)
class WhyColumn(Column):
    """A sentence, or several, that open on demand. `title`: what to press; `more`: a quieter last sentence."""

    title: Getter | None = None
    more: Getter | None = None

    def show(self, row: Any, value: Any) -> SafeString:
        sentences = format_html_join("", "<p>{}</p>", ((each,) for each in (value if isinstance(value, list) else [value])))
        more = get(row, self.more) if self.more else ""
        body = sentences + format_html('<p class="quiet">{}</p>', more) if more else sentences
        return components.why(body, get(row, self.title) if self.title else "")


@dataclass(frozen=True)
class CodeColumn(Column):
    """What machines wrote: ids, codes, addresses."""

    def show(self, row: Any, value: Any) -> SafeString:
        return format_html("<code>{}</code>", value) if value not in (None, "") else mark_safe(components.NOTHING)


def ordered(terms: Sequence[Any], descending: bool) -> list[Any]:
    """ORM ordering by the terms. Plain fields stay plain, so that their indexes serve; expressions put what is empty last."""
    result: list[Any] = []
    for term in terms:
        if isinstance(term, str):
            backward = term.startswith("-") != descending
            result.append(f"-{term.lstrip('-')}" if backward else term.lstrip("-"))
        elif isinstance(term, OrderBy):
            result.append(term.reverse_ordering() or term if descending else term)
        elif isinstance(term, (Combinable, F)):
            result.append(term.desc(nulls_last=True) if descending else term.asc(nulls_last=True))  # type: ignore[attr-defined]
    return result
