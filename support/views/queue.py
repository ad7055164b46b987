"""The queue beside every ticket: what to answer next, what is looked for, and what is done to several at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from accounts.queries import people_who
from core.access import Can, programs_of
from core.listing import ChoiceFilter, Listing, RelatedFilter, TextFilter
from core.saved_views import Shelf, shelf_of
from support import live
from support.models import Level, Priority, Ticket, TicketType
from support.queries.queue import SHELVES, Counts, QueueRow, counts_of, newest_rows, places_of, queue_rows
from support.queries.search import Found, excerpts, search_tickets

PAGE = "manage:ticket_list"
MOST = 500  # tickets that one list counts, and pages through; beyond that, one narrows it
PER_PAGE = 25
_ANY = f"{Ticket.prefix}_"
TURNS = ("", "mine", "unassigned")  # the shelves of what waits for us


@dataclass(frozen=True)
class Field:
    """One filter: its options (value, label, chosen), or None where one writes."""

    key: str
    label: Any
    options: list[tuple[str, str, bool]] | None
    value: Any


@dataclass(frozen=True)
class Narrowing:
    """A filter that is on, and the address without it."""

    label: Any
    told: str
    clear_url: str


class Queue(Listing):
    """The inbox as its address asks for it, also where it stands beside an open ticket."""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(
            request,
            Ticket.objects.visible_to(request.user),
            columns=[],
            name="inbox",
            filters=_filters(lambda kind: self.places[kind], lambda: self.people),
            search=["subject"],
            search_hint=_("Words, names, addresses, ids"),
            per_page=PER_PAGE,
        )

    @cached_property
    def mark(self) -> str:
        """Read before the rows: what changes in between is loaded once more rather than missed."""
        return live.marks(programs_of(self.request.user, Can.SEE_TICKETS), self.request.user.pk)[0]

    @cached_property
    def people(self) -> QuerySet[User]:
        """Those who answer: read once, for the filter and for whom one gives tickets to."""
        people = people_who(Can.ANSWER_TICKETS).only("name", "email")
        len(people)
        return people

    @cached_property
    def places(self) -> dict[str, list[tuple[str, str]]]:
        return places_of(self.request.user)

    @cached_property
    def shown_shelf(self) -> str:
        """Who searches looks through all, unless they say where."""
        asked = self.params.get("show", "")
        return asked if asked in SHELVES and asked else "all" if self.text else ""

    @cached_property
    def found(self) -> Found:
        return search_tickets(self.text, by=self.request.user, whole=self.params.get("all") == "1")

    @cached_property
    def matching(self) -> QuerySet[Ticket]:
        tickets = SHELVES[self.shown_shelf].narrow(self.queryset, self.request.user)
        for each in self.filters:
            if each.key in self.values:
                tickets = each.narrow(tickets, self.values[each.key])
        return tickets.filter(pk__in=self.found.tickets) if self.text else tickets

    @cached_property
    def sorted(self) -> QuerySet[Ticket]:
        return self.matching.order_by(*SHELVES[self.shown_shelf].order)

    @property
    def shows_all_found(self) -> bool:
        """Whether it is all of what the search has found: then that need not be narrowed."""
        return bool(self.text) and not self.values and self.shown_shelf == "all"

    @cached_property
    def keys(self) -> list[int]:
        """Of all that is shown, in its order, up to one more than MOST: whoever has so many to answer wants the first ones."""
        return list(self.sorted.values_list("pk", flat=True)[: MOST + 1])

    @cached_property
    def count(self) -> int:
        return len(self.found.tickets if self.shows_all_found else self.keys)

    @property
    def many(self) -> bool:
        return self.count > MOST

    @cached_property
    def tickets(self) -> list[QueueRow]:
        """The page's rows, where it was searched for with the words around the hit."""
        skipped, user = self.first - 1, self.request.user
        if self.shows_all_found:
            shown = newest_rows(self.found.tickets, user, skipped, self.per_page)
        else:
            shown = queue_rows(self.keys[skipped : skipped + self.per_page], user)
        messages = {self.found.messages[row.pk]: row.pk for row in shown if row.pk in self.found.messages} if self.text else {}
        marked = {messages[pk]: text for pk, text in excerpts(messages, self.found.asked).items()}
        for row in shown:
            row.excerpt = marked.get(row.pk, row.excerpt)
            row.url = self.url_of(row)
        return shown

    def url_of(self, ticket: Ticket | QueueRow) -> str:
        url = self._url_of_any.replace(_ANY, ticket.public_id, 1)
        return f"{url}?{self.place}" if self.place else url

    @cached_property
    def _url_of_any(self) -> str:
        """Of a ticket without its id: to find the address of every row costs as much as all that the database tells of it."""
        return reverse("manage:ticket_detail", args=[_ANY])

    @cached_property
    def place(self) -> str:
        """The queue's own part of the address, its page included."""
        return self.clean_params.urlencode()

    @cached_property
    def clean_params(self) -> QueryDict:
        """What says something to the queue: an open ticket's address may hold more (the part of its history, its messages)."""
        ours = {"q", "all", "show", "page", *(name for each in self.filters for name in each.names)}
        clean = QueryDict(mutable=True)
        for name, values in self.params.lists():
            kept = [value for value in values if value]
            if kept and name in ours and (name, kept) != ("page", ["1"]):
                clean.setlist(name, kept)
        return clean

    @cached_property
    def path(self) -> str:
        """The queue's, also beside an open ticket."""
        return reverse(PAGE)

    @property
    def whole_url(self) -> str:
        """The same search through every message, where only the newest were looked through."""
        return self.address(all="1", page=None) if self.text and self.found.more else ""

    @cached_property
    def shelf(self) -> Shelf | None:
        return shelf_of(self.request, self.clean_params, PAGE)

    @cached_property
    def counts(self) -> Counts:
        return counts_of(self.request.user)

    @cached_property
    def tabs_shown(self) -> list[tuple[str, str, str, int, bool]]:
        """(key, label, address, how many wait there or 0, whether it is the one shown)"""
        waiting = {"": self.counts.to_answer, "mine": self.counts.mine, "unassigned": self.counts.unassigned}
        return [
            (key, str(shelf.label), self.address(show=key or None, page=None), waiting.get(key, 0), key == self.shown_shelf)
            for key, shelf in SHELVES.items()
        ]

    @property
    def first_tabs(self) -> list[tuple[str, str, str, int, bool]]:
        return [tab for tab in self.tabs_shown if tab[0] in TURNS]

    @property
    def other_tabs(self) -> list[tuple[str, str, str, int, bool]]:
        return [tab for tab in self.tabs_shown if tab[0] not in TURNS]

    @property
    def tells_states(self) -> bool:
        """On the first shelves everything waits for us: only what is new says so."""
        return self.shown_shelf not in TURNS

    @property
    def fields(self) -> list[Field]:
        """The filters, as the fields of one form: beside the conversation there is no room for a bar."""
        fields = []
        for each in self.filters:
            value = self.values.get(each.key)
            options = each.widget(value).get("options")
            if options is None or len(options) > 1:
                fields.append(Field(each.key, each.label, options, value or ""))
        return fields

    @property
    def search_params(self) -> list[tuple[str, str]]:
        """What the search keeps: the filters, not the page."""
        return [(name, values[-1]) for name, values in self.clean_params.lists() if name not in ("q", "all", "page")]

    @property
    def narrowed_by(self) -> list[Narrowing]:
        on = [(each, self.values[each.key]) for each in self.filters if each.key in self.values]
        return [Narrowing(each.label, each.told(value), self.address(**{each.key: None}, page=None)) for each, value in on]


def lateness(ticket: Ticket, now: Any) -> str:
    if ticket.next_due is None:
        return ""
    if ticket.next_due <= now:
        return "late"
    return "soon" if ticket.is_due_soon(now) else ""


def _filters(places: Callable[[str], list[tuple[str, str]]], people: Callable[[], QuerySet[User]]) -> list[Any]:
    return [
        ChoiceFilter("program", gettext_lazy("Program"), field="program__slug", choices=lambda: places("program")),
        ChoiceFilter("channel", gettext_lazy("Channel"), field="channel__slug", choices=lambda: places("channel")),
        RelatedFilter("assignee", gettext_lazy("Owner"), rows=people, param="email"),
        ChoiceFilter("type", gettext_lazy("Type"), choices=TicketType),
        ChoiceFilter("level", gettext_lazy("Level"), choices=Level),
        ChoiceFilter("priority", gettext_lazy("Priority"), choices=Priority),
        TextFilter("tag", gettext_lazy("Tag"), apply=_with_tag),
    ]


def _with_tag(tickets: QuerySet[Ticket], tag: str) -> QuerySet[Ticket]:
    """The ticket's own, or the affiliate's: until there are segments, a segment is a tag."""
    tag = tag.lower()
    return tickets.filter(Q(tags__contains=[tag]) | Q(affiliate__tags__contains=[tag]))
