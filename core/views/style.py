"""The living style page: every piece of the one language, drawn by the same code as on every other page."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.access import Can, manager_required
from core.components import STATES
from core.ui import Chart, Period, Series

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


@manager_required(Can.ADMINISTER)
def style(request: HttpRequest) -> HttpResponse:
    """Examples are made here and stand for nothing: no row of the database is read."""
    return render(request, "core/manager/style.html", examples(request))


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
