"""The living style page: every piece of the one language, drawn by the same code as on every other page."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from core.access import Can, manager_required
from core.components import STATES, number_text
from core.listing import (
    BulkAction,
    ChoiceFilter,
    CodeColumn,
    Column,
    DateFilter,
    Empty,
    Listing,
    MultiChoiceFilter,
    TimeColumn,
)
from core.ui import Chart, Period, Series, redirect_back, refusals_as_messages

TONES = ("waiting", "decided", "ready", "done", "stopped", "held", "neutral")
ICONS = [
    "home", "users", "user-plus", "building-store", "tag", "link", "qrcode", "ticket", "click", "shopping-cart", "coin",
    "receipt-2", "cash-banknote", "scale", "chart-line", "settings", "shield-lock", "mail", "key", "history",
]  # fmt: skip


class ExampleForm(forms.Form):
    name = forms.CharField(label=_("Program's name"), help_text=_("Affiliates see it on their first page."))
    currency = forms.ChoiceField(label=_("Currency"), choices=[("USD", "USD"), ("EUR", "EUR"), ("VND", "VND")])
    minimum = forms.DecimalField(label=_("Minimum payout"))
    model = forms.ChoiceField(
        label=_("Attribution"),
        choices=[("last", _("The last click")), ("first", _("The first click"))],
        widget=forms.RadioSelect,
        initial="last",
    )
    note = forms.CharField(label=_("Note"), widget=forms.Textarea(attrs={"rows": 2}), required=False)
    open = forms.BooleanField(
        label=_("Open for applications"), required=False, help_text=_("Anyone may apply on the public page.")
    )


class NoteForm(forms.Form):
    note = forms.CharField(label=_("Note"), max_length=200)


@manager_required(Can.ADMINISTER)
def style(request: HttpRequest) -> HttpResponseBase:
    """Examples are made here and stand for nothing; the list is a real one, of rows that every installation has."""
    listing = migration_listing(request)
    if request.method == "POST":
        with refusals_as_messages(request):
            number = listing.selected().count()
            told = ngettext(
                "%(count)s row was chosen. Nothing was done.", "%(count)s rows were chosen. Nothing was done.", number
            )
            messages.success(request, told % {"count": number_text(number)})
        return redirect_back(request, "manage:style")
    return listing.response("core/manager/style.html", examples(request))


def migration_listing(request: HttpRequest) -> Listing:
    """What brought this database to its version: tabs, search, filters, pages, files and bulk actions to try."""
    address = reverse("manage:style")
    apps = MigrationRecorder.Migration.objects.order_by("app").values_list("app", "app").distinct()
    return Listing(
        request,
        MigrationRecorder.Migration.objects.all(),
        name="migrations",
        caption=_("Migrations"),
        columns=[
            CodeColumn("name", _("Name"), sort=True),
            Column("app", _("App"), sort=True),
            TimeColumn("applied", _("Applied"), sort=True),
        ],
        filters=[
            ChoiceFilter("kind", _("Kind"), choices=[("first", _("First")), ("later", _("Later"))], apply=_of_kind),
            MultiChoiceFilter("app", _("App"), choices=lambda: list(apps)),
            DateFilter("applied", _("Applied")),
        ],
        tabs="kind",
        search=["name"],
        default_sort="-applied",
        per_page=5,
        bulk=[
            BulkAction(
                _("Ask first"),
                address,
                confirm=lambda number: ngettext(
                    "Choose {count} row? Nothing is done to it.", "Choose {count} rows? Nothing is done to them.", number
                ),
                icon="circle-check",
                tone="primary",
            ),
            BulkAction(_("With a note"), address, icon="pencil", form=NoteForm()),
            BulkAction(_("Only of later ones"), address, icon="x", tone="danger", states=["later"]),
        ],
        empty=Empty(_("Nothing here yet")),
    )


def _of_kind(rows: QuerySet[Any], kind: str) -> QuerySet[Any]:
    first = Q(name__startswith="0001")
    return rows.filter(first if kind == "first" else ~first)


def examples(request: HttpRequest) -> dict[str, Any]:
    now, today = timezone.now(), timezone.localdate()
    period = Period.from_request(request)
    return {
        "tones": [(tone, [key for key, state in STATES.items() if state.tone == tone]) for tone in TONES],
        "icons": ICONS,
        "amounts": [
            (Decimal("1234.5"), "USD"),
            (Decimal("-89.99"), "EUR"),
            (Decimal("1250000"), "VND"),
            (Decimal("0.125"), "KWD"),
        ],
        "moments": [
            now - timedelta(minutes=4),
            now - timedelta(hours=7),
            now + timedelta(days=2),
            now - timedelta(days=40),
            now - timedelta(days=500),
        ],
        "today": today,
        "people": [{"name": "Mara"}, {"name": "Felix Brandt"}, {"name": "Ana’s travel blog"}],
        "period": period,
        "chart": _chart(today),
        "bars": Chart(
            "Commission by affiliate",
            ["Ana", "Bao", "Citra", "Dmitri", "Ella"],
            [Series("Approved", [1280, 940, 710, 455, 60]), Series("Pending", [220, 310, 90, 120, 35])],
            kind="bar",
            currency="USD",
            stacked=True,
        ),
        "trend": [4, 7, 5, 9, 12, 8, 13, 15, 11, 18],
        "form": ExampleForm({"name": "", "currency": "USD", "minimum": "x", "model": "last"})
        if "errors" in request.GET
        else ExampleForm(),
        "timeline": [
            {
                "at": now - timedelta(minutes=12),
                "actor": "Mara",
                "sentence": "Approved the commission of $12.40.",
                "icon": "circle-check",
                "reason": "",
            },
            {
                "at": now - timedelta(hours=5),
                "actor": None,
                "sentence": "Credited to Ana by her link “autumn”.",
                "icon": "link",
                "reason": "",
            },
            {
                "at": now - timedelta(days=2),
                "actor": "Felix",
                "sentence": "Put on hold.",
                "icon": "hand-stop",
                "reason": "The order is being checked with the shop.",
            },
        ],
        "rows": [
            ("Ana", "approved", Decimal("128.4"), now - timedelta(hours=3)),
            ("Bao", "pending", Decimal("64.2"), now - timedelta(hours=9)),
            ("Citra", "on_hold", Decimal("1320"), now - timedelta(days=1)),
            ("Dmitri", "reversed", Decimal("-18.75"), now - timedelta(days=3)),
            ("Ella", "paid", Decimal("7.5"), now - timedelta(days=30)),
        ],
    }


def _chart(today: date) -> Chart:
    days = [today - timedelta(days=n) for n in range(29, -1, -1)]
    now = [Decimal(420 + 37 * ((n * 7) % 11) + 9 * n) for n in range(30)]
    before = [Decimal(380 + 31 * ((n * 5) % 13) + 5 * n) for n in range(30)]
    return Chart(
        "Sales a day",
        days,
        [Series("This period", now), Series("Period before", before, compared=True)],
        currency="USD",
        notes={17: "Newsletter sent"},
    )
