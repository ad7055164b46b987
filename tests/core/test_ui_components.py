"""The small pieces of the one language: what they say, to whom, and in which format."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest
import time_machine
from django import forms
from django.template import Context, Template
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from core import components, ui
from core.components import STATES, chip, day, delta, icon, money, person, sparkline, when
from core.ui import Chart, Series

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def render(source: str, **context) -> str:
    return Template(source).render(Context(context))


def test_every_state_has_a_tone_an_icon_that_exists_and_a_word():
    for state in STATES:
        drawn = chip(state)
        assert 'class="chip chip-' in drawn
        assert "<svg" in drawn
        assert str(STATES[state].label) in drawn


@pytest.mark.parametrize(
    ("state", "tone"),
    [
        ("pending", "waiting"),
        ("approved", "decided"),
        ("payable", "ready"),
        ("paid", "done"),
        ("active", "done"),
        ("rejected", "stopped"),
        ("reversed", "stopped"),
        ("suspended", "stopped"),
        ("on_hold", "held"),
        ("draft", "neutral"),
        ("something_new", "neutral"),
    ],
)
def test_a_state_has_the_colour_of_its_meaning(state, tone):
    assert f"chip-{tone}" in chip(state)


def test_an_unknown_state_is_told_by_its_name_and_escaped():
    assert "Something new" in chip("something_new")
    assert "<b>" not in chip("<b>x")


def test_money_shows_its_currency_and_a_real_minus():
    assert "−$1,234.50" in money(Decimal("-1234.5"), "USD")
    assert "USD" in money(Decimal("1"), "USD")
    assert money(Decimal("1250000"), "VND").count("VND") == 1
    assert "KWD\u00a00.125" in money(Decimal("0.125"), "KWD")
    assert money(None, "USD") == components.NOTHING


@time_machine.travel(NOW, tick=False)
def test_a_near_time_is_relative_and_tells_the_exact_one_in_the_readers_zone():
    with timezone.override("Asia/Ho_Chi_Minh"):
        drawn = when(NOW - timedelta(hours=3))
    assert "3 hours ago" in drawn
    assert "4:00:00" in drawn
    assert 'datetime="2026-11-23T09:00:00+00:00"' in drawn


@time_machine.travel(NOW, tick=False)
def test_the_hour_that_comes_twice_in_autumn_is_told_apart():
    with timezone.override("Europe/Berlin"):
        first, second = (components.exact(datetime(2026, 10, 25, hour, 30, tzinfo=UTC)) for hour in (0, 1))
    assert first != second


@time_machine.travel(NOW, tick=False)
def test_a_far_time_is_a_day_with_its_year_only_where_needed():
    assert ">Oct 1<" in when(datetime(2026, 10, 1, tzinfo=UTC))
    assert ">Oct 1, 2025<" in when(datetime(2025, 10, 1, tzinfo=UTC))
    assert "in 2 days" in when(NOW + timedelta(days=2))


@time_machine.travel(datetime(2026, 11, 23, 10, 0, tzinfo=UTC), tick=False)
@pytest.mark.parametrize(
    ("hours", "told"),
    [
        (-37, "2 days ago"),
        (-33, "yesterday"),
        (-24, "yesterday"),
        (-23.9, "23 hours ago"),
        (-0.99, "59 minutes ago"),
        (25, "tomorrow"),
    ],
)
def test_a_near_time_counts_whole_hours_then_the_calendars_days(hours, told):
    assert f">{told}<" in when(timezone.now() + timedelta(hours=hours))


@given(
    now=st.datetimes(datetime(2026, 1, 2), datetime(2027, 1, 1)),
    seconds=st.integers(-7 * 86400 + 1, 7 * 86400 - 1),
    zone=st.sampled_from(["UTC", "Asia/Tokyo", "America/St_Johns", "Europe/Berlin", "Pacific/Kiritimati"]),
)
def test_a_relative_time_never_tells_more_than_was_nor_another_day(now, seconds, zone):
    now = now.replace(tzinfo=UTC)
    at = now + timedelta(seconds=seconds)
    with timezone.override(zone):
        told = components.relative_text(at, now)
        days = (timezone.localtime(at).date() - timezone.localtime(now).date()).days
    if told in ("yesterday", "tomorrow"):
        assert days == (1 if told == "tomorrow" else -1)
        return
    number, unit = int(told.removeprefix("in ").split()[0]), told.removeprefix("in ").split()[1].rstrip("s")
    assert told.startswith("in ") == (seconds > 0)
    if unit in ("day", "week"):
        assert number * {"day": 1, "week": 7}[unit] == abs(days)
    else:
        size = {"second": 1, "minute": 60, "hour": 3600}[unit]
        assert number * size <= max(abs(seconds), 1) < (number + 1) * size


def test_the_day_of_an_instant_is_the_readers_day():
    with timezone.override("Asia/Jakarta"):
        assert "Nov 24" in day(datetime(2026, 11, 23, 20, 0, tzinfo=UTC))
    assert "Nov 23" in day(date(2026, 11, 23))


def test_a_delta_says_against_what_and_whether_that_is_good():
    better = delta(120, 100, against="in October", currency="USD")
    assert "delta-good" in better
    assert "+20%" in better
    assert "from $100.00 in October" in better
    assert "delta-bad" in delta(120, 100, good="down")
    assert "delta-same" in delta(120, 100, good="")
    assert "no change" in delta(5, 5)
    assert "%" not in delta(5, 0)
    assert "+50%" in delta(-50, -100)
    assert delta(None, 3) == ""


def test_a_person_is_escaped_and_linked_by_name():
    drawn = person(SimpleNamespace(name="Ana <Blog>"), url="/a/?x=1&y=2")
    assert "Ana &lt;Blog&gt;" in drawn
    assert 'href="/a/?x=1&amp;y=2"' in drawn
    assert components.initials("felix.brandt@example.com") == "FB"
    assert components.initials("…") == "?"


def test_icons_are_names_not_paths():
    with pytest.raises(ValueError, match="no icon"):
        icon("../../package")
    with pytest.raises(FileNotFoundError, match="no icon 'nosuchicon'"):
        icon("nosuchicon")


def test_a_sparkline_needs_two_points_and_bears_flat_ones():
    assert sparkline([1]) == ""
    assert "polyline" in sparkline([3, 3, 3])
    assert 'aria-label="flat"' in sparkline([3, 3], label="flat")


def test_a_chart_comes_with_the_table_of_its_numbers():
    chart = Chart(
        "Sales",
        ["Mon", "Tue"],
        [Series("Now", [Decimal("1.5"), None]), Series("</script>", [2, 3], compared=True)],
        currency="USD",
        notes={1: "Sale"},
    )
    page = render("{% chart chart %}", chart=chart)
    assert "$1.50" in page
    assert "Sale" in page
    assert "</script>\\u" not in page
    assert page.count("</script>") == 1
    assert page.count('scope="row"') == 2


def test_why_opens_without_a_script():
    assert render("{% why %}Because {{ x }}.{% endwhy %}", x="<b>") == (
        '<details class="why"><summary>Why?</summary><div class="why-body">Because &lt;b&gt;.</div></details>'
    )


def test_the_timeline_tells_events_by_their_facts_and_others_by_their_name():
    ui.register_fact("test.approved", "circle-check", "Approved %(amount)s for %(missing)s.")
    events = [
        SimpleNamespace(name="test.approved", at=NOW, by=None, data={"amount": "<5>"}, reason="", about=[]),
        SimpleNamespace(name="test.seen_once", at=NOW, by="Mara", data={}, reason="she asked", about=[]),
    ]
    page = render("{% timeline events %}", events=events)
    assert "Approved &lt;5&gt; for —." in page
    assert "Test seen once" in page
    assert "she asked" in page
    assert "Mara" in page


def test_a_field_ties_label_help_and_error_to_its_control():
    class NameForm(forms.Form):
        name = forms.CharField(help_text="As on the bank account.")
        kind = forms.ChoiceField(choices=[("a", "A")], widget=forms.RadioSelect)
        agreed = forms.BooleanField(required=False)

    page = render("{% form_body form %}", form=NameForm({"name": ""}))
    assert '<label class="field-label" for="id_name">' in page
    assert 'aria-describedby="id_name_help id_name_error"' in page
    assert 'aria-invalid="true"' in page
    assert 'id="id_name_error"' in page
    assert "<fieldset" in page
    assert page.count("optional") == 0
    assert 'type="checkbox" name="agreed"' in page
