"""The team's time: calendars of opening hours; who is on duty, away, and how much they can carry."""

from team.models.calendars import Calendar as Calendar
from team.models.people import ACCOUNTS as ACCOUNTS
from team.models.people import OPEN_TICKETS as OPEN_TICKETS
from team.models.people import Absence as Absence
from team.models.people import Capacity as Capacity
from team.models.shifts import Coverage as Coverage
from team.models.shifts import Door as Door
from team.models.shifts import Duty as Duty
from team.models.shifts import HandoverNote as HandoverNote
from team.models.shifts import Shift as Shift
from team.models.shifts import ShiftChange as ShiftChange
