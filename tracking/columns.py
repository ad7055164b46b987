"""Cells of the lists of links and clicks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from core import components
from core.listing import Column
from tracking.models import Click, Link


def link_url(link: Link) -> str:
    return reverse("manage:link_detail", args=[link.public_id])


@dataclass(frozen=True)
class LinkColumn(Column):
    """A link's code with a button that copies its address, and where it leads if that is not the landing page."""

    def cell(self, row: Link) -> SafeString:
        deep = row.destination_url.removeprefix("https://").removeprefix("http://")
        beyond = format_html('<span class="quiet clip" title="{}">{}</span>', row.destination_url, deep) if deep else ""
        return format_html(
            '<span class="link-cell"><a href="{}">{}</a>{}{}</span>',
            link_url(row),
            row.code,
            components.copy(row.url, _("Copy the link"), show=False),
            beyond,
        )


@dataclass(frozen=True)
class ClickIdColumn(Column):
    """The first digits of a click id, with a button that copies it whole."""

    def cell(self, row: Click) -> SafeString:
        return format_html(
            '<span class="link-cell"><code title="{}">{}…</code>{}</span>',
            row.pk,
            str(row.pk)[:8],
            components.copy(row.pk, _("Copy the click id"), show=False),
        )


@dataclass(frozen=True)
class VisitorColumn(Column):
    """A person or a bot."""

    def get(self, row: Click) -> Any:
        return _("Bot") if row.bot else _("Person")

    def show(self, row: Click, value: Any) -> SafeString:
        if row.bot:
            return format_html('<span class="quiet">{} {}</span>', components.icon("robot", 14), value)
        return super().show(row, value)
