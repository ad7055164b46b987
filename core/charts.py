"""Charts as data: what tributary.js draws with Chart.js, and the table of the same numbers that stands beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from core.components import money_text, number_text, short_day

PALETTE = 6  # how many --chart-N colours the stylesheet has


@dataclass(frozen=True)
class Series:
    """One line or set of bars. `compared` draws it muted and dashed: the same measure in the period before."""

    label: str
    values: Sequence[Any]
    compared: bool = False


@dataclass(frozen=True)
class Chart:
    """A chart with one unit: numbers, or money of one currency.

    `labels` are texts or dates, as many as every series has values; `notes` maps an index to what happened then.
    """

    title: str
    labels: Sequence[Any]
    series: Sequence[Series]
    kind: str = "line"  # or "bar"
    currency: str = ""
    stacked: bool = False
    notes: dict[int, str] = field(default_factory=dict)

    def text(self, value: Any) -> str:
        """One value in the reader's format."""
        if value is None:
            return "—"
        return money_text(value, self.currency) if self.currency else number_text(value)

    @property
    def label_texts(self) -> list[str]:
        return [label if isinstance(label, str) else short_day(label) for label in self.labels]

    @property
    def unfinished(self) -> str:
        """What stands beside the last day where it is today: its numbers still grow."""
        last = self.labels[-1] if self.labels else None
        return _("so far") if isinstance(last, date) and last >= timezone.localdate() else ""

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The table beside the chart."""
        notes = ({len(self.labels) - 1: self.unfinished} if self.unfinished else {}) | self.notes
        return [
            {"label": label, "cells": [self.text(series.values[i]) for series in self.series], "note": notes.get(i, "")}
            for i, label in enumerate(self.label_texts)
        ]

    @property
    def data(self) -> dict[str, Any]:
        """What the script draws. Values are numbers there: a picture needs no exact decimals, the texts beside them are exact."""
        return {
            "kind": self.kind,
            "stacked": self.stacked,
            "labels": self.label_texts,
            "currency": self.currency,
            "unfinished": self.unfinished,
            "notes": {str(i): str(note) for i, note in self.notes.items()},
            "series": [
                {
                    "label": str(series.label),
                    "values": [float(v) if isinstance(v, Decimal) else v for v in series.values],
                    "texts": [self.text(v) for v in series.values],
                    "compared": series.compared,
                }
                for series in self.series
            ],
        }
