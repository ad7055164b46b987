"""The click table's days are made ahead, once, and take in what came too early."""

from datetime import UTC, date, datetime

import pytest
from django.db import connection

from tests.factories import make_click, make_link
from tracking.models import Click
from tracking.partitions import first_id, make_partitions, make_partitions_ahead

pytestmark = pytest.mark.django_db
FAR = datetime(2031, 5, 17, 12, tzinfo=UTC)


def rows_of(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        return cursor.fetchone()[0]


def test_days_are_made_once():
    first, last = date(2031, 5, 16), date(2031, 5, 18)

    assert (make_partitions(first, last), make_partitions(first, last)) == (3, 0)


def test_two_weeks_stand_ready():
    make_partitions_ahead(date(2031, 5, 1))

    assert rows_of("tracking_click_20310430") == rows_of("tracking_click_20310515") == 0


def test_clicks_that_came_before_their_day_was_made_move_into_it():
    click = make_click(make_link(), at=FAR)
    assert rows_of("tracking_click_other") == 1

    make_partitions(FAR.date(), FAR.date())

    assert (rows_of("tracking_click_other"), rows_of("tracking_click_20310517")) == (0, 1)
    assert Click.objects.get(pk=click).at == FAR


def test_a_day_begins_at_its_first_millisecond():
    assert first_id(FAR.date()).int >> 80 == int(datetime(2031, 5, 17, tzinfo=UTC).timestamp() * 1000)
