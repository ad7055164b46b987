"""What pages are built from: the menu and page cards that apps register, the reader's theme, and the way back.

Higher apps register in their `apps.py` (`ready`); core knows no business noun:

    register_menu("manager", _("Money"), _("Commissions"), "manage:commission_list", "receipt", 410, allowed=Can.SEE_MONEY)
    register_card("affiliate", "commissions/manager/_affiliate_card.html", 30, affiliate_card)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cache, lru_cache, partial
from typing import Any

from django.contrib import messages
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse
from django.utils.functional import SimpleLazyObject
from django.utils.html import format_html, format_html_join
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import SafeString, mark_safe

from core.access import Can, is_team, rights_of
from core.charts import Chart, Series
from core.components import NOTHING, icon, money_text
from core.errors import Refusal
from core.periods import Period

__all__ = [
    "Chart",
    "Entry",
    "Period",
    "Series",
    "address_of",
    "cards",
    "menu",
    "menu_within",
    "moment",
    "navigation",
    "redirect_back",
    "refusals_as_errors",
    "refusals_as_messages",
    "register_card",
    "register_fact",
    "register_menu",
    "with_money",
]

THEMES = ("light", "dark")
AUDIENCES = ("manager", "portal")  # in the order in which the account pages look for a menu that the reader may use

Allowed = Callable[[HttpRequest], bool]
Count = Callable[[HttpRequest], int]
MOST_COUNTED = 99
_ANY_ID = "any_id"
CardProvider = Callable[[HttpRequest, Any], "dict[str, Any] | None"]


@dataclass(frozen=True, eq=False)  # each is itself alone: comparing labels would translate them
class Entry:
    """One line of a menu. `allowed` sees the request; it runs on every page, so it must not ask the database anew each time."""

    audience: str
    section: Any
    label: Any
    url_name: str
    icon: str
    order: int
    allowed: Allowed
    count: Count | None = None
    within: str = ""
    hint: Any = ""


@dataclass(frozen=True)
class MenuItem:
    label: str
    url: str
    icon: str
    current: bool
    count: str = ""  # what waits there for the reader
    hint: Any = ""
    inside: list[MenuItem] = field(default_factory=list)  # what stands within it, while the reader is there
    tabs: list[MenuItem] = field(default_factory=list)  # itself and these, on these pages themselves: not on those of one row

    @property
    def here(self) -> bool:
        """Current, and nothing within it is."""
        return self.current and not any(item.current for item in self.inside)


@dataclass(frozen=True)
class MenuSection:
    label: str
    items: list[MenuItem]


@dataclass(frozen=True)
class Fact:
    """How the timeline tells one kind of event."""

    icon: str
    sentence: Any  # a text with %(key)s of the event's data, or a callable that takes the event


_entries: dict[tuple[str, str], Entry] = {}
_cards: dict[str, dict[str, tuple[int, CardProvider]]] = {}
_facts: dict[str, Fact] = {}


def register_menu(
    audience: str,
    section: Any,
    label: Any,
    url_name: str,
    icon: str,
    order: int,
    *,
    allowed: Can | Allowed | None = None,
    count: Count | None = None,
    within: str = "",
    hint: Any = "",
) -> None:
    """Put a page into the menu of "manager", "portal" or "public". Sections stand in the order of their first entry.

    What is not needed every day stands `within` another entry (its URL's name): beneath it in the managers' menu while the reader
    is there, among its tabs in the portal. To who may not see that entry it is one of its own. `hint` says what a page is for
    where the pages within one entry are listed.

    `allowed` is the capability that the page's guard asks for, or takes the request. Without it every member of the team sees
    a manager's entry, and everybody one of the others. `count` tells how much waits there for the reader: it is asked on every
    page, so it is one query that stops early.
    """
    if allowed is None:
        may: Allowed = (lambda request: is_team(request.user)) if audience == "manager" else (lambda request: True)
    elif isinstance(allowed, Can):
        may = partial(_has, allowed)
    else:
        may = allowed
    _entries[audience, url_name] = Entry(audience, section, label, url_name, icon, order, may, count, within, hint)


def _has(can: Can, request: HttpRequest) -> bool:
    return rights_of(request.user).has(can)


def menu(request: HttpRequest, audience: str) -> list[MenuSection]:
    """The menu as this reader sees it; the entry whose address the page's address continues is the current one."""
    urls = _urls(request, (entry for entry in _entries.values() if entry.audience == audience))
    current = _current(request.path, list(urls.values()))
    shown = {entry.url_name for entry in urls}
    families: dict[str, list[Entry]] = {}
    for entry in urls:
        if entry.within in shown:
            families.setdefault(entry.within, []).append(entry)
    sections: dict[str, list[MenuItem]] = {}
    for entry in urls:
        if entry.within in shown:
            continue
        family = families.get(entry.url_name, [])
        at = current in {urls[each] for each in (entry, *family)}
        item = _item(request, entry, urls[entry], current)
        inside = [_item(request, each, urls[each], current) for each in family] if at else []
        tabs = [item, *inside] if inside and request.path in {urls[each] for each in (entry, *family)} else []
        sections.setdefault(str(entry.section), []).append(replace(item, current=at, inside=inside, tabs=tabs))
    return [MenuSection(label, items) for label, items in sections.items()]


def navigation(sections: Iterable[MenuSection]) -> SafeString:
    """A menu as HTML: every page shows it."""
    told = ((_labelled(section), _title(section), _entry_list(section.items)) for section in sections)
    return format_html(
        '<div class="nav-sections">{}</div>',
        format_html_join("", '<div class="nav-section"{}>{}<ul>{}</ul></div>', told),
    )


def _labelled(section: MenuSection) -> SafeString:
    return format_html(' role="group" aria-label="{}"', section.label) if section.label else mark_safe("")


def _title(section: MenuSection) -> SafeString:
    if not section.label or section.label == section.items[0].label:
        return mark_safe("")
    return format_html('<p class="nav-title" aria-hidden="true">{}</p>', section.label)


def _entry_list(items: Iterable[MenuItem]) -> SafeString:
    return mark_safe("".join(f"<li>{_entry(item)}{_inside(item)}</li>" for item in items))


def _inside(item: MenuItem) -> SafeString:
    if not item.inside:
        return mark_safe("")
    inner = ((_link(each.label, each.url, "", each.current, each.count),) for each in item.inside)
    return format_html('<ul class="nav-inside">{}</ul>', format_html_join("", "<li>{}</li>", inner))


def _entry(item: MenuItem) -> SafeString:
    return _link(item.label, item.url, item.icon, item.here, item.count)


@lru_cache(maxsize=4096)
def _link(label: str, url: str, icon_name: str, current: bool, count: str) -> SafeString:
    return format_html(
        '<a class="nav-entry" href="{}"{}>{}<span>{}</span>{}</a>',
        url,
        mark_safe(' aria-current="page"' if current else ""),
        icon(icon_name) if icon_name else "",
        label,
        format_html('<span class="count nav-count">{}</span>', count) if count else "",
    )


def menu_within(request: HttpRequest, audience: str, url_name: str) -> list[MenuItem]:
    """The entries that stand under another, as this reader sees them."""
    inside = [entry for entry in _entries.values() if entry.audience == audience and entry.within == url_name]
    return [_item(request, entry, url, None) for entry, url in _urls(request, inside).items()]


def _urls(request: HttpRequest, entries: Iterable[Entry]) -> dict[Entry, str]:
    """Those that the reader may see, in order, with their addresses."""
    seen = sorted((entry for entry in entries if entry.allowed(request)), key=lambda entry: entry.order)
    return {entry: url for entry in seen if (url := url_if_any(entry.url_name))}


def _item(request: HttpRequest, entry: Entry, url: str, current: str | None) -> MenuItem:
    waiting = entry.count(request) if entry.count else 0
    told = f"{MOST_COUNTED}+" if waiting > MOST_COUNTED else str(waiting or "")
    return MenuItem(str(entry.label), url, entry.icon, url == current, told, entry.hint)


@cache  # asked for every entry of the menu, on every page
def url_if_any(name: str) -> str:
    """The address of a page that this installation may not have, else "". A test holds that every menu entry has one."""
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


def address_of(name: str, public_id: str) -> str:
    """The address of one thing's page or action, as `reverse` gives it: rows of a list ask for hundreds."""
    return _address_with_id(name).replace(_ANY_ID, public_id)


@cache
def _address_with_id(name: str) -> str:
    return reverse(name, args=[_ANY_ID])


def _current(path: str, urls: list[str]) -> str | None:
    if path in urls:
        return path
    shortest = min(urls, key=len, default="")
    root = shortest if all(url.startswith(shortest) for url in urls) else ""  # the home page: every address continues its own
    inside = [url for url in urls if url != root and path.startswith(url)]
    return max(inside, key=len, default=None)


def audience_of(request: HttpRequest) -> str:
    """Whose navigation pages that belong to every audience (sign-in, account) wear: the first one with anything in it."""
    if getattr(request, "user", None) is None or not request.user.is_authenticated:
        return "public"
    return next((audience for audience in AUDIENCES if menu(request, audience)), "public")


def register_card(page: str, template: str, order: int, provider: CardProvider) -> None:
    """Put a card on another app's page. The provider gets (request, object); it returns the card's context, or None: no card."""
    _cards.setdefault(page, {})[template] = (order, provider)


def cards(request: HttpRequest, page: str, thing: Any) -> SafeString:
    """All cards of a page, rendered in their order."""
    rendered = []
    for template, (_order, provider) in sorted(_cards.get(page, {}).items(), key=lambda item: item[1][0]):
        context = provider(request, thing)
        if context is not None:
            rendered.append(render_to_string(template, {"object": thing, **context}, request=request))
    return mark_safe("".join(rendered))


def register_fact(name: str, icon: str, sentence: Any) -> None:
    """Teach the timeline to tell an event: `sentence` is a (lazy) text with %(key)s of the event's data, or takes the event."""
    _facts[name] = Fact(icon, sentence)


def with_money(sentence: Any) -> Callable[[Any], str]:
    """For register_fact: the sentence with the event's data, its `amount` in the reader's format ("—" where there is none)."""

    def tell(event: Any) -> str:
        amount = event.data.get("amount")
        told = money_text(Decimal(amount), event.data["currency"]) if amount is not None else NOTHING
        return str(sentence) % {**event.data, "amount": told}

    return tell


def fact(name: str) -> Fact:
    """How to tell an event; one that nobody registered is told by its name."""
    return _facts.get(name) or Fact("point", name.replace(".", " ").replace("_", " ").capitalize())


def moment(event: Any) -> dict[str, Any]:
    """A core event as the timeline shows it. What the sentence asks for and the event does not hold is a dash."""
    told = fact(event.name)
    sentence = told.sentence(event) if callable(told.sentence) else str(told.sentence)
    if not callable(told.sentence) and "%(" in sentence:
        keys = [part.partition(")")[0] for part in sentence.split("%(")[1:]]
        sentence = sentence % {**dict.fromkeys(keys, "—"), **event.data}
    return {"at": event.at, "actor": event.by, "sentence": sentence, "icon": told.icon, "reason": event.reason}


def context(request: HttpRequest) -> dict[str, Any]:
    """What every template has: the theme that the reader chose ("" follows the system) and the navigation it wears."""
    theme = request.COOKIES.get("theme", "")
    return {
        "theme": theme if theme in THEMES else "",
        "audience": SimpleLazyObject(lambda: audience_of(request)),
    }


def redirect_back(request: HttpRequest, fallback: str, *args: Any) -> HttpResponseRedirect:
    """Back to where the reader came from (`next`, else the referring page of ours), else to the named page."""
    for target in (request.POST.get("next"), request.GET.get("next"), request.headers.get("Referer")):
        if target and url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure()):
            return HttpResponseRedirect(target)
    return HttpResponseRedirect(reverse(fallback, args=args))


@contextmanager
def refusals_as_messages(request: HttpRequest) -> Iterator[None]:
    """Tell the reader what was refused, and why, as a message on the next page."""
    try:
        yield
    except Refusal as refusal:
        messages.error(request, refusal.message)


@contextmanager
def refusals_as_errors(form: BaseForm) -> Iterator[None]:
    """Show a refusal at the field that it names, or above the form; afterwards the form is no longer valid."""
    try:
        yield
    except Refusal as refusal:
        form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
