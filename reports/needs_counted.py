"""What needs a member of the team and is told by its number and its age alone: doors that do not work, what could not be filed or
delivered, questions of colleagues, swaps and days off to decide, articles to look at again, applications, mails that failed.

However many kinds there are, they are counted by one statement.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import CharField, Count, DateTimeField, Min, Q, QuerySet, Value
from django.db.models.functions import Cast, Least
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from affiliates.models import Enrollment, EnrollmentStatus
from channels.models import Channel, InboundItem, Outgoing
from channels.telegram.standing_in import without_a_writer
from core.access import Can, is_admin, programs_of, rights_of
from core.components import number_text
from core.events import stuck_deliveries
from core.models import Mail
from knowledge.models import Article
from programs.models import Program
from programs.queries import visible_programs
from support.models import Escalation, ManagerProposal
from team.models import Absence, ShiftChange
from tracking.models import Conversion

FAILED_FOR = 7  # days


@dataclass(frozen=True, slots=True)
class Need:
    """One line of the list."""

    icon: str
    tone: str  # of the state chips: what kind of waiting it is
    title: str
    url: str
    label: str = ""  # of its button; without one it is only told
    detail: str = ""
    since: datetime | None = None


def counted_needs(user: Any, programs: list[Program]) -> Iterator[tuple[str, Need]]:
    """(kind, need) in the order in which they are best settled; each leads to the list that shows what is counted here."""
    rows = dict(_rows(user, programs))
    if not rows:
        return
    first, *others = (_counted(name, *counted) for name, counted in rows.items())
    found = {each["need"]: each for each in first.union(*others, all=True)}
    for name in rows:
        counted = found.get(name)  # nothing where Django knows beforehand that there is none
        if counted and counted["number"]:
            yield name, _told(name, counted["number"], counted["since"])


def _rows(user: Any, programs: list[Program]) -> Iterator[tuple[str, tuple[QuerySet[Any], Any]]]:
    """Of each kind that the reader can settle: its rows, and since when each waits."""
    rights = rights_of(user)
    if rights.has(Can.MANAGE_CHANNELS):
        broken = Channel.objects.visible_to(user, Can.MANAGE_CHANNELS).in_trouble()
        yield "unwritten", (without_a_writer(user, timezone.now()), "changed_at")
        yield "trouble", (broken, Least("receive_error_since", "send_error_since"))
    if rights.has(Can.ANSWER_TICKETS):
        doors = Channel.objects.visible_to(user, Can.ANSWER_TICKETS)
        items = InboundItem.objects.filter(channel__in=doors, status=InboundItem.Status.QUARANTINED, dismissed_at__isnull=True)
        yield "quarantined", (items, "received_at")
        undelivered = [Outgoing.Status.FAILED, Outgoing.Status.UNKNOWN]
        yield "undelivered", (Outgoing.objects.filter(channel__in=doors, status__in=undelivered), "created_at")
        yield "asked", (Escalation.objects.visible_to(user).open().filter(holder=user), "created_at")
    changes = ShiftChange.objects.filter(in_return_for__isnull=True)
    yield "swap", (changes.filter(state=ShiftChange.State.PROPOSED, taken_by=user), "created_at")
    if rights.has(Can.PLAN_TEAM):
        yield "swaps", (changes.filter(state=ShiftChange.State.ACCEPTED), "created_at")
        yield "absences", (Absence.objects.filter(state=Absence.State.ASKED), "created_at")
        planned = visible_programs(user, Can.PLAN_TEAM)
        yield "managers", (ManagerProposal.objects.filter(state="proposed", rule__program__in=planned), "created_at")
    if rights.has(Can.WRITE_ARTICLES):
        own = Q(owner=user) | Q(owner__isnull=True)
        articles = Article.objects.visible_to(user, Can.WRITE_ARTICLES).overdue(timezone.localdate()).filter(own)
        yield "articles", (articles, "review_by")
    if rights.has(Can.MANAGE_AFFILIATES):
        pending = Enrollment.objects.filter(within(user, Can.MANAGE_AFFILIATES, "program"), status=EnrollmentStatus.PENDING)
        yield "enrollments", (pending, "created_at")
    if rights.has(Can.RECORD_CONVERSIONS):
        unpriced = Conversion.objects.unpriced(programs).filter(within(user, Can.RECORD_CONVERSIONS, "program"))
        yield "unpriced", (unpriced, "occurred_at")
    if is_admin(user):
        yield "stuck", (stuck_deliveries(), "event__at")
        # Of the last days alone: a mail that failed stays so, and what it was about is settled elsewhere.
        lately = timezone.now() - timedelta(days=FAILED_FOR)
        yield "mails", (Mail.objects.filter(status=Mail.Status.FAILED, created_at__gte=lately), "created_at")


def within(user: Any, can: Can, field: str) -> Q:
    """Rows of the programs in which the user can."""
    programs = programs_of(user, can)
    return Q() if programs is None else Q(**{f"{field}__in": programs})


def _counted(name: str, rows: QuerySet[Any], since: Any) -> QuerySet[Any]:
    named = rows.order_by().values(need=Value(name, output_field=CharField()))
    return named.annotate(number=Count("pk"), since=Min(Cast(since, DateTimeField())))


def _told(name: str, number: int, since: datetime | None) -> Need:
    icon, tone, title, place, query, label = {
        "unwritten": (
            "brand-telegram",
            "waiting",
            ngettext(
                "%(number)s company account has nobody who writes", "%(number)s company accounts have nobody who writes", number
            ),
            "telegram_account_list",
            "",
            _("Name somebody"),
        ),
        "trouble": (
            "plug-connected-x",
            "stopped",
            ngettext("%(number)s channel does not work", "%(number)s channels do not work", number),
            "channel_list",
            "?trouble=yes",
            _("Look"),
        ),
        "quarantined": (
            "shield-question",
            "waiting",
            ngettext("%(number)s message could not be filed", "%(number)s messages could not be filed", number),
            "quarantine_list",
            "",
            _("Look"),
        ),
        "undelivered": (
            "mail-x",
            "stopped",
            ngettext("%(number)s reply was not delivered", "%(number)s replies were not delivered", number),
            "outgoing_list",
            "",
            _("Look"),
        ),
        "asked": (
            "stairs-up",
            "waiting",
            ngettext("%(number)s colleague’s question is with you", "%(number)s colleagues’ questions are with you", number),
            "escalation_list",
            "?mine=yes",
            _("Answer"),
        ),
        "swap": (
            "arrows-exchange",
            "waiting",
            ngettext("You are asked to take %(number)s shift", "You are asked to take %(number)s shifts", number),
            "my_shifts",
            "",
            _("Decide"),
        ),
        "swaps": (
            "arrows-exchange",
            "waiting",
            ngettext("%(number)s swap of shifts to approve", "%(number)s swaps of shifts to approve", number),
            "my_shifts",
            "",
            _("Decide"),
        ),
        "absences": (
            "beach",
            "waiting",
            ngettext("%(number)s request for days off", "%(number)s requests for days off", number),
            "absence_list",
            "",
            _("Decide"),
        ),
        "managers": (
            "user-heart",
            "decided",
            ngettext(
                "%(number)s affiliate is proposed for a personal manager",
                "%(number)s affiliates are proposed for a personal manager",
                number,
            ),
            "proposal_list",
            "",
            _("Decide"),
        ),
        "articles": (
            "book-2",
            "waiting",
            ngettext("%(number)s article is overdue for a review", "%(number)s articles are overdue for a review", number),
            "article_list",
            "?review=yes",
            _("Review"),
        ),
        "enrollments": (
            "user-plus",
            "waiting",
            ngettext("%(number)s affiliate wants to join", "%(number)s affiliates want to join", number),
            "enrollment_list",
            "?status=pending",
            _("Decide"),
        ),
        "unpriced": (
            "coin-off",
            "waiting",
            ngettext(
                "%(number)s conversion in a currency that its program has no rate for",
                "%(number)s conversions in a currency that their program has no rate for",
                number,
            ),
            "conversion_list",
            "?status=unpriced",
            _("Look"),
        ),
        "stuck": (
            "plug-connected-x",
            "stopped",
            ngettext("%(number)s event could not be delivered", "%(number)s events could not be delivered", number),
            "admin:core_eventdelivery_changelist",
            "?state=stuck",
            _("Look"),
        ),
        "mails": (
            "mail-off",
            "stopped",
            ngettext("%(number)s mail could not be sent", "%(number)s mails could not be sent", number),
            "mail_list",
            "?status=failed",
            _("Look"),
        ),
    }[name]
    told = title % {"number": number_text(number)}
    return Need(icon, tone, told, reverse(place if ":" in place else f"manage:{place}") + query, label, since=since)
