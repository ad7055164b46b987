"""Calendars on their pages: hours as people write them, the holidays of the next year, who may set them."""

from __future__ import annotations

from datetime import date

import pytest
import time_machine
from django.urls import reverse

from core.errors import Refusal
from core.models import Event
from team.models import Calendar
from team.weeks import read_hours, write_hours
from tests.pages import text_of

FIELDS = {"name": "Berlin", "time_zone": "Europe/Berlin", "holidays_country": "DE", "day_0": "9-12:30, 13:30–18"}


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("", []),
        ("9-17", [[540, 1020]]),
        ("13:30–18:00, 9-12.30", [[540, 750], [810, 1080]]),
        ("0-24", [[0, 1440]]),
        ("9-12, 12-17", [[540, 1020]]),
    ],
)
def test_hours_are_read_as_people_write_them(text, spans):
    assert read_hours(text) == spans
    assert read_hours(write_hours(spans)) == spans


@pytest.mark.parametrize("text", ["morning", "17-9", "9-25", "9:75-10", "9-12, 11-13", "9-9"])
def test_hours_that_no_day_has_are_refused(text):
    with pytest.raises(Refusal):
        read_hours(text)


@pytest.mark.django_db
def test_a_calendar_is_made_changed_and_keeps_its_history(client, ada):
    client.force_login(ada)
    client.post(reverse("manage:calendar_create"), FIELDS)
    calendar = Calendar.objects.get()
    assert calendar.weekly_hours == [[[540, 750], [810, 1080]], [], [], [], [], [], []]

    page = reverse("manage:calendar_edit", args=[calendar.public_id])
    with time_machine.travel("2026-11-23T12:00Z", tick=False):
        client.post(page, {**FIELDS, "closed_days": "2026-12-24\n2026-12-31", "open_days": "2026-12-26"})
        told = text_of(client.get(page))

    calendar.refresh_from_db()
    assert (calendar.closed_days, calendar.open_days) == ([date(2026, 12, 24), date(2026, 12, 31)], [date(2026, 12, 26)])
    assert "Our own closed day" in told
    assert "we work" in told
    assert {event.data["fields"] for event in Event.objects.about(calendar)} == {
        "own closed days, holidays on which we work",
        "name, time zone, hours, holidays of",
    }


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("closed_days", "soon", "is no date"),
        ("holidays_subdivision", "XX", "Known regions"),
        ("day_3", "9-8", "does not lie within one day"),
    ],
)
def test_what_is_wrong_is_told_at_its_field(client, ada, field, value, error):
    client.force_login(ada)

    assert error in text_of(client.post(reverse("manage:calendar_create"), {**FIELDS, field: value}))
    assert not Calendar.objects.exists()
