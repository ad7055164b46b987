"""The team's time: calendars of opening hours; who is on duty, away, and how much they can carry."""

from team.models.calendars import Calendar as Calendar
