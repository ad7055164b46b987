"""The one language's tags and filters; built in, so that no template loads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import template
from django.db.models import Count, QuerySet, Window
from django.forms import BoundField, CheckboxInput, CheckboxSelectMultiple, FileInput, RadioSelect, Select
from django.http import QueryDict
from django.template import Context, NodeList
from django.template.base import FilterExpression, Parser, Token, token_kwargs
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import slugify

from core import components, ui
from core.charts import Chart
from core.languages import language_name
from core.models import Event
from core.periods import PRESETS, Period
from core.ui import moment

register = template.Library()
OLDER = 50  # events of a timeline that are shown at once

register.simple_tag(components.icon)
register.simple_tag(components.chip)
register.simple_tag(components.money)
register.simple_tag(components.when)
register.simple_tag(components.day)
register.simple_tag(components.person)
register.simple_tag(components.delta)
register.simple_tag(components.sparkline)
register.simple_tag(components.copy)
register.simple_tag(ui.url_if_any)
register.simple_tag(ui.address_of)
register.simple_tag(ui.navigation)
register.filter("number", components.number_text)
register.filter("percent", components.percent_text)
register.filter("duration", components.duration_text)
register.filter("minutes", components.minutes_text)
register.filter("language", language_name)


@register.simple_tag(takes_context=True)
def menu(context: Context, audience: str) -> list[ui.MenuSection]:
    """{% menu "manager" as sections %}"""
    return ui.menu(context["request"], audience)


@register.simple_tag(takes_context=True)
def cards(context: Context, page: str, thing: Any) -> SafeString:
    """{% cards "affiliate" affiliate %}: the cards that other apps put on this page."""
    return ui.cards(context["request"], page, thing)


@register.filter
def layout(audience: Any) -> str:
    """{% extends audience|layout %}: the layout of pages that belong to every audience."""
    return f"layouts/{audience}.html"


@register.inclusion_tag("components/empty.html")
def empty(title: Any, text: Any = "", button_url: str = "", button_label: Any = "", icon: str = "inbox") -> dict[str, Any]:
    """{% empty title text button_url button_label icon="…" %}: what would stand here, one example, one button."""
    return {"title": title, "text": text, "button_url": button_url, "button_label": button_label, "icon_name": icon}


@register.inclusion_tag("components/timeline.html", takes_context=True)
def timeline(
    context: Context, events: QuerySet[Event] | Sequence[dict[str, Any]], limit: int = OLDER, page: str = ""
) -> dict[str, Any]:
    """{% timeline events %}: a query of core events, or dicts with at, actor, sentence, icon, reason.

    The newest `limit`; how many there are, and the way to those before (`?history=15` leaves out the newest 15), in one query.
    They stand on the page that shows it, or on `page`.
    """
    query = context["request"].GET.copy() if "request" in context else QueryDict(mutable=True)
    asked = query.pop("history", [""])[-1]
    skipped = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 10 else 0
    shown, total = _part(events, skipped, OLDER if skipped else limit)
    if skipped and not shown:
        skipped = 0
        shown, total = _part(events, 0, limit)

    def address(skip: int) -> str:
        changed = query.copy()
        if skip:
            changed["history"] = str(skip)
        return f"{page}?{changed.urlencode()}#history"

    last = skipped + len(shown)
    return {
        "moments": [event if isinstance(event, dict) else moment(event) for event in shown],
        "first": skipped + 1,
        "last": last,
        "total": total,
        "newer_url": address(skipped - OLDER if skipped - OLDER >= limit else 0) if skipped else "",
        "older_url": address(last) if last < total else "",
    }


def _part(events: Any, skipped: int, number: int) -> tuple[list[Any], int]:
    """Some of the events, and how many there are in all."""
    if not isinstance(events, QuerySet):
        return list(events[skipped : skipped + number]), len(events)
    found = list(events.select_related("by").annotate(total=Window(Count("pk")))[skipped : skipped + number])
    return found, found[0].total if found else 0


@register.inclusion_tag("components/chart.html")
def chart(chart: Chart, height: str = "normal") -> dict[str, Any]:
    """{% chart spec %}: a core.ui.Chart, drawn by script, with the table of its numbers beside it. height: "normal" or "low"."""
    return {"chart": chart, "key": f"chart-{slugify(chart.title) or 'numbers'}", "height": height}


@register.inclusion_tag("components/period_picker.html", takes_context=True)
def period_picker(context: Context, period: Period, compare: bool = True) -> dict[str, Any]:
    """{% period_picker period %}: presets and own days, with the period before (`compare=False`: the page compares nothing);
    kept in the address beside what is there."""
    kept = context["request"].GET.copy()
    for name in ("period", "from", "to", "compare", "page"):
        kept.pop(name, None)

    def address(**changes: str) -> str:
        query = kept.copy()
        query.update({name: value for name, value in changes.items() if value})
        return f"?{query.urlencode()}"

    compared = "" if period.compare else "no"
    span = {name: value for name, value in period.query.items() if name != "compare"}
    return {
        "period": period,
        "kept": [(name, value) for name, values in kept.lists() for value in values],
        "presets": [(label, address(period=key, compare=compared), key == period.key) for key, label in PRESETS.items()],
        "compare_url": address(**span, compare="no" if period.compare else "") if compare else "",
    }


@register.inclusion_tag("components/field.html")
def field(bound: BoundField, label: Any = "", hint: Any = "") -> dict[str, Any]:
    """{% field form.name %}: label, control, help and errors, tied together for those who do not see them."""
    widget = bound.field.widget
    single, many = isinstance(widget, CheckboxInput), isinstance(widget, (CheckboxSelectMultiple, RadioSelect))
    kind = "form-select" if isinstance(widget, Select) and not many else "form-control"
    help_text = hint or bound.help_text
    described = [f"{bound.auto_id}_help"] * bool(help_text) + [f"{bound.auto_id}_error"] * bool(bound.errors)
    attrs: dict[str, Any] = {"class": f"{widget.attrs.get('class', '')} {'form-check-input' if single or many else kind}".strip()}
    if bound.errors:
        attrs["class"] += " is-invalid"
        attrs["aria-invalid"] = "true"
    if described and not many:
        attrs["aria-describedby"] = " ".join(described)
    return {
        "bound": bound,
        "single": single,
        "many": many,
        "file": isinstance(widget, FileInput),
        "options": list(bound.subwidgets) if many else [],
        "label": label or bound.label,
        "help_text": help_text,
        "described": " ".join(described),
        "widget": "" if many else bound.as_widget(attrs=attrs),
    }


@register.inclusion_tag("components/form_body.html")
def form_body(form: Any) -> dict[str, Any]:
    """{% form_body form %}: errors of the whole, hidden fields, every field; `form.fieldsets` [(legend, names)] groups them."""
    groups = [
        (legend, [form[name] for name in names if name in form.fields])
        for legend, names in getattr(form, "fieldsets", [("", list(form.fields))])
    ]
    shown = [(legend, [bound for bound in fields if not bound.is_hidden]) for legend, fields in groups]
    return {"form": form, "groups": [(legend, fields) for legend, fields in shown if fields]}


class WhyNode(template.Node):
    def __init__(self, nodelist: NodeList, options: dict[str, FilterExpression]) -> None:
        self.nodelist = nodelist
        self.options = options

    def render(self, context: Context) -> SafeString:
        label = self.options["label"].resolve(context) if "label" in self.options else ""
        return components.why(mark_safe(self.nodelist.render(context)), label)


@register.tag
def why(parser: Parser, token: Token) -> WhyNode:
    """{% why %}the sentence and the evidence{% endwhy %}, or {% why label="…" %}: opens without a script."""
    options = token_kwargs(token.split_contents()[1:], parser)
    nodelist = parser.parse(("endwhy",))
    parser.delete_first_token()
    return WhyNode(nodelist, options)
