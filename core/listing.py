"""The way every list page works: search, filters, sort, pages, bulk actions and files, all from the address.

A view declares the list and answers with it:

    def commission_listing(request):
        return Listing(
            request,
            Commission.objects.visible_to(request.user).select_related("affiliate"),
            name="commissions",
            columns=[
                PersonColumn("affiliate", _("Affiliate"), sort="affiliate__name", url=lambda c: c.affiliate.get_absolute_url()),
                StateColumn("state", _("State")),
                MoneyColumn("amount", _("Amount"), sort=True),
                TimeColumn("created_at", _("Earned"), sort=True),
            ],
            filters=[ChoiceFilter("decision", _("Decision"), choices=Decision), DateFilter("created_at", _("Earned"))],
            search=["affiliate__name", "conversion__external_id"],
            default_sort="-created_at",
            bulk=[BulkAction(_("Approve"), reverse("manage:commission_approve"), confirm=lambda n: ngettext("Approve it?", "Approve {count}?", n))],
            empty=Empty(_("No commissions yet"), _("They appear with the first conversion."), url, _("Add a link")),
        )

    def commission_list(request):
        return commission_listing(request).response("commissions/manager/commission_list.html")

    def commission_approve(request):            # the bulk action's POST
        with refusals_as_messages(request):
            approve_commissions(commission_listing(request).selected().values_list("pk", flat=True), by=request.user)

The template extends a layout and says {% include "components/listing.html" %} in its content. A page runs two queries
(count, rows), one more per related filter, whatever its length.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.forms import BaseForm
from django.http import HttpRequest, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from core.columns import (
    CodeColumn,
    Column,
    DayColumn,
    MoneyColumn,
    NumberColumn,
    PercentColumn,
    PersonColumn,
    StateColumn,
    TimeColumn,
    WhyColumn,
    ordered,
)
from core.errors import Refusal
from core.exports import stream_csv, stream_xlsx
from core.filters import (
    BooleanFilter,
    ChoiceFilter,
    DateFilter,
    Filter,
    MultiChoiceFilter,
    RelatedFilter,
    TextFilter,
    search_condition,
)
from core.saved_views import Shelf, shelf_of

__all__ = [
    "BooleanFilter",
    "BulkAction",
    "ChoiceFilter",
    "CodeColumn",
    "Column",
    "DateFilter",
    "DayColumn",
    "Empty",
    "Filter",
    "Listing",
    "MoneyColumn",
    "MultiChoiceFilter",
    "NumberColumn",
    "PercentColumn",
    "PersonColumn",
    "RelatedFilter",
    "SelectionChanged",
    "StateColumn",
    "TextFilter",
    "TimeColumn",
    "WhyColumn",
]

PER_PAGE = 50
NEAR = 20  # pages that are read in one go
FETCH = 2000  # rows at a time from the server-side cursor of an export


class SelectionChanged(Refusal):
    """What was chosen is no longer what there is."""


@dataclass(frozen=True)
class BulkAction:
    """A button over the chosen rows that POSTs them. `confirm` is asked first: a function of how many, so that the words agree
    with the number, which stands in them as {count}. `form` adds its fields. `states` are the tabs under which it can do anything."""

    label: Any
    url: str
    confirm: Callable[[int], str] | None = None
    icon: str = ""
    tone: str = ""  # "primary" or "danger"
    form: BaseForm | None = None
    states: Collection[str] | None = None  # None: under all of them

    def __post_init__(self) -> None:
        if self.form is not None:
            # The fields stand outside the form element that they belong to, and must not hold up the other actions.
            self.form.use_required_attribute = False
            for field in self.form.fields.values():
                field.widget.attrs["form"] = "bulk"

    @property
    def asked(self) -> dict[str, str]:
        """What is asked of one row and of many; the page puts the number in once it is known."""
        return {"one": self.confirm(1), "many": self.confirm(5)} if self.confirm else {}


@dataclass(frozen=True)
class Empty:
    """What stands where nothing is yet: the sentence, one example, one button."""

    title: Any
    text: Any = ""
    button_url: str = ""
    button_label: Any = ""
    icon: str = "inbox"


@dataclass(frozen=True)
class Row:
    object: Any
    cells: SafeString  # its <th> and <td>: in a template, these alone would take a third of a page's time
    url: str
    name: str  # to those who hear a row's checkbox without its cells


@dataclass(frozen=True)
class Heading:
    column: Column
    url: str  # sorts by this column; "" where it does not sort
    direction: str  # aria-sort: "ascending", "descending" or "none"


@dataclass(frozen=True)
class ShownFilter:
    filter: Filter
    value: Any
    told: str  # the value in words; "" where the filter is off
    clear_url: str
    widget: dict[str, Any]


class Listing:
    """One list, as its address asks for it. `queryset` is what the reader may see, with what its cells need selected.

    On a POST the address in force is the one that the posted form came from (its field `matching`).
    """

    def __init__(
        self,
        request: HttpRequest,
        queryset: QuerySet[Any],
        *,
        columns: Sequence[Column],
        name: str = "list",
        caption: Any = "",
        filters: Sequence[Filter] = (),
        search: Sequence[str | Callable[[str], Q | None]] = (),
        search_hint: Any = "",
        default_sort: str = "-pk",
        bulk: Sequence[BulkAction] = (),
        empty: Empty | None = None,
        row_url: Callable[[Any], str] | None = None,
        row_name: Callable[[Any], str] = str,
        per_page: int = PER_PAGE,
        tabs: str = "",
    ) -> None:
        self.request = request
        self.queryset = queryset
        self.columns = list(columns)
        self.name = name
        self.caption = caption or name.replace("_", " ").replace("-", " ").capitalize()  # what screen readers call the table
        self.filters = list(filters)
        self.search = list(search)
        self.search_hint = search_hint or _("Search")
        self.default_sort = default_sort
        self.empty = empty or Empty(_("Nothing here yet"))
        self.row_url = row_url
        self.row_name = row_name
        self.per_page = per_page
        self.tabs = tabs  # the key of the one choice filter that stands as tabs above the list
        self.params = QueryDict(request.POST.get("matching", "")) if request.method == "POST" else request.GET
        tab = next((f.read(self.params) for f in self.filters if f.key == tabs), None)
        self.bulk = [action for action in bulk if tab is None or action.states is None or tab in action.states]

    # What the address asks for

    @cached_property
    def values(self) -> dict[str, Any]:
        """The filters that are on, with their values."""
        read = {f.key: f.read(self.params) for f in self.filters}
        return {key: value for key, value in read.items() if value is not None}

    @cached_property
    def text(self) -> str:
        return self.params.get("q", "").strip() if self.search else ""

    @property
    def narrowed(self) -> bool:
        return bool(self.values or self.text)

    @cached_property
    def sort(self) -> str:
        """The sort in force: a column's key, with a minus where descending; or the default."""
        asked = self.params.get("sort", "")
        return asked if asked.removeprefix("-") in {c.key for c in self.columns if c.sort} else self.default_sort

    @cached_property
    def matching(self) -> QuerySet[Any]:
        """Everything that the filters and the search leave, unsorted."""
        queryset = self.queryset
        for f in self.filters:
            if f.key in self.values:
                queryset = f.narrow(queryset, self.values[f.key])
        return queryset.filter(search_condition(self.text, self.search)) if self.text else queryset

    @cached_property
    def sorted(self) -> QuerySet[Any]:
        """What matches, in a total order: the primary key decides between equals, so that pages neither repeat nor drop a row."""
        descending = self.sort.startswith("-")
        column = next((c for c in self.columns if c.key == self.sort.lstrip("-") and c.sort), None)
        terms = column.order_by if column else [self.sort.lstrip("-")]
        return self.matching.order_by(*ordered(terms, descending), "-pk" if descending else "pk")

    @cached_property
    def count(self) -> int:
        return self.matching.order_by().count()

    @cached_property
    def pages(self) -> int:
        return max(1, -(-self.count // self.per_page))

    @cached_property
    def page(self) -> int:
        asked = self.params.get("page", "1")
        return min(max(int(asked), 1), self.pages) if asked.isascii() and asked.isdigit() and len(asked) < 10 else 1

    # What the page shows

    @cached_property
    def rows(self) -> list[Row]:
        if not self.count:
            return []
        head, *others = (column for column in self.columns if column.shown)
        rows = []
        for thing in self._things():
            url = self.row_url(thing) if self.row_url else ""
            name = head.cell(thing)
            if url and not head.url:
                name = format_html('<a href="{}">{}</a>', url, name)
            cells = [head.boxed("th", name), *(column.boxed("td", column.cell(thing)) for column in others)]
            rows.append(Row(thing, mark_safe("".join(cells)), url, self.row_name(thing) if self.bulk else ""))
        return rows

    def _things(self) -> list[Any]:
        """The page's rows. A far page finds its keys first, so that what cells need is not read for all that is skipped."""
        place = slice(self.first - 1, self.first - 1 + self.per_page)
        if self.page <= NEAR:
            return list(self.sorted[place])
        keys = list(self.sorted.values_list("pk", flat=True)[place])
        found = self.queryset.in_bulk(keys)
        return [found[key] for key in keys if key in found]

    @property
    def first(self) -> int:
        return (self.page - 1) * self.per_page + 1

    @property
    def last(self) -> int:
        return min(self.page * self.per_page, self.count)

    @property
    def headings(self) -> list[Heading]:
        headings = []
        for column in self.columns:
            if not column.shown:
                continue
            url, direction = "", ""
            if column.sort:
                here = self.sort.lstrip("-") == column.key
                descending = self.sort.startswith("-")
                # A first click sorts text from A, numbers and times from the greatest.
                first = f"-{column.key}" if column.align == "end" or isinstance(column, (TimeColumn, DayColumn)) else column.key
                turned = column.key if descending else f"-{column.key}"
                url = self.address(sort=turned if here else first, page=None)
                direction = ("descending" if descending else "ascending") if here else "none"
            headings.append(Heading(column, url, direction))
        return headings

    @cached_property
    def shown_filters(self) -> list[ShownFilter]:
        shown = []
        for f in self.filters:
            value = self.values.get(f.key)
            widget = f.widget(value)
            if isinstance(f, ChoiceFilter) and not isinstance(f, MultiChoiceFilter):
                widget["options"] = [
                    (label, self.address(**{f.key: key, "page": None}), on) for key, label, on in widget["options"]
                ]
            clear = self.address(**dict.fromkeys(f.names), page=None)
            shown.append(ShownFilter(f, value, f.told(value) if value is not None else "", clear, widget))
        return shown

    @property
    def tab_filter(self) -> ShownFilter | None:
        return next((s for s in self.shown_filters if s.filter.key == self.tabs), None)

    @property
    def bar_filters(self) -> list[ShownFilter]:
        """Among the rows of one thing there is nothing to choose."""
        return [s for s in self.shown_filters if s.filter.key != self.tabs and not self._single(s)]

    @staticmethod
    def _single(shown: ShownFilter) -> bool:
        return isinstance(shown.filter, RelatedFilter) and shown.value is None and len(shown.widget["options"]) < 2

    @property
    def page_links(self) -> list[tuple[int | None, str]]:
        """(number, address) of the pages worth a link; a gap is (None, "")."""
        near = sorted({1, self.pages, *range(max(1, self.page - 2), min(self.pages, self.page + 2) + 1)})
        links: list[tuple[int | None, str]] = []
        for before, number in zip([0, *near], near, strict=False):
            if number - before > 1:
                links.append((None, ""))
            links.append((number, self.address(page=number if number > 1 else None)))
        return links

    @property
    def previous_url(self) -> str:
        return self.address(page=self.page - 1 if self.page > 2 else None) if self.page > 1 else ""

    @property
    def next_url(self) -> str:
        return self.address(page=self.page + 1) if self.page < self.pages else ""

    @property
    def csv_url(self) -> str:
        return self.address(export="csv", page=None)

    @property
    def xlsx_url(self) -> str:
        return self.address(export="xlsx", page=None)

    @property
    def clear_url(self) -> str:
        ours = {"q", *(name for f in self.filters for name in f.names)}
        return self.address(**dict.fromkeys(ours), page=None)

    # The address

    @cached_property
    def clean_params(self) -> QueryDict:
        """The address without what says nothing: empty fields, the first page, the export."""
        clean = QueryDict(mutable=True)
        for name, values in self.params.lists():
            kept = [value for value in values if value]
            if kept and name not in {"export", "matching"} and (name, kept) != ("page", ["1"]):
                clean.setlist(name, kept)
        return clean

    @property
    def query(self) -> str:
        """What matches, for the bulk form: the address without the page."""
        query = self.clean_params.copy()
        query.pop("page", None)
        return query.urlencode()

    @cached_property
    def shelf(self) -> Shelf | None:
        """The reader's saved views of this list, where there is something to save."""
        return shelf_of(self.request, self.clean_params) if self.search or self.filters else None

    def address(self, **changes: Any) -> str:
        """This list's address with some parameters changed, or (None) taken away."""
        query = {**dict(self.clean_params.lists()), **changes}
        told = urlencode({name: value for name, value in query.items() if value is not None}, doseq=True)
        return f"{self.path}?{told}" if told else self.path

    @property
    def path(self) -> str:
        return self.request.path

    @property
    def hidden_params(self) -> list[tuple[str, str]]:
        """What the filter form carries along unseen: the sort, the tab, and parameters that are not this list's."""
        fields = {"q", "page", *(name for s in self.bar_filters for name in s.filter.names if not self._by_links(s.filter))}
        return [(name, value) for name, values in self.clean_params.lists() if name not in fields for value in values]

    @staticmethod
    def _by_links(f: Filter) -> bool:
        return isinstance(f, ChoiceFilter) and not isinstance(f, MultiChoiceFilter)

    # The answers

    def response(self, template: str, context: dict[str, Any] | None = None) -> HttpResponseBase:
        """The page; the list alone where htmx asks for it; or the file that `?export=` names, of exactly what matches."""
        export = self.params.get("export")
        if export == "csv":
            return stream_csv(self._exported(), self._export_labels(), self._filename())
        if export == "xlsx":
            return stream_xlsx(self._exported(), self._export_labels(), self._filename())
        context = {**(context or {}), "listing": self}
        if getattr(self.request, "htmx", False) and self.request.htmx.target == "listing":  # type: ignore[attr-defined]
            response = render(self.request, "components/listing.html", context)
            response["HX-Push-Url"] = self.address()
        else:
            response = render(self.request, template, context)
        patch_vary_headers(response, ["HX-Request"])
        return response

    def selected(self) -> QuerySet[Any]:
        """The rows that a bulk form posted: the checked ones, or all that match where the form says so.

        Only rows of the list's own queryset are ever among them. Raises SelectionChanged where nothing is chosen, or where
        "all" is another number than the reader was shown.
        """
        post = self.request.POST
        if post.get("all_matching"):
            if post.get("matching_count") != str(self.count):
                raise SelectionChanged(
                    _("When you chose, %(before)s matched; now %(now)s do. Look again and choose anew.")
                    % {"before": post.get("matching_count") or "?", "now": self.count}
                )
            return self.matching
        keys = [key for key in post.getlist("selected") if key.isascii() and key.isdigit() and len(key) < 19]
        if not keys:
            raise SelectionChanged(_("Choose at least one row first."))
        return self.queryset.filter(pk__in=keys)

    def _exported(self) -> Iterator[list[Any]]:
        # Rows are read after the response has left the middleware: the reader's zone and language are taken along.
        zone, language = timezone.get_current_timezone(), translation.get_language() or "en"
        columns, rows = self.columns, self.sorted
        with timezone.override(zone), translation.override(language):
            for thing in rows.iterator(chunk_size=FETCH):
                yield [cell for column in columns for cell in column.export_cells(thing)]

    def _export_labels(self) -> list[str]:
        return [label for column in self.columns for label in column.export_labels()]

    def _filename(self) -> str:
        return f"{self.name}-{timezone.localdate():%Y-%m-%d}"
