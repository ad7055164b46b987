"""The affiliate's side: one chat with each program, whatever door each message came through; never a note, never a number."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from affiliates.access import current_member, has_function
from affiliates.models import WORKING, Affiliate, EnrollmentStatus, Function
from channels.files import MOST_BYTES
from channels.parsed import Automatic
from core.components import moment_text
from programs.models import Program
from support import live
from support.models import ChatRead, Message, Ticket
from support.models.messages import Direction
from support.queries.care import care_of
from support.services.messages import MOST_FILES
from support.threads import SHOWN

RETURNED = (Automatic.BOUNCE, Automatic.LOOP)  # what a mail server or our own words coming back say to us, not to them
MOST = 60  # messages of one look; older ones by asking
TALKING = (*WORKING, EnrollmentStatus.PENDING, EnrollmentStatus.INVITED)  # enrollments that have somebody to talk to
UNREAD_FOR = timedelta(days=90)
FILE_LIMITS = {"number": MOST_FILES, "megabytes": MOST_BYTES // 2**20}  # as pages state them


def sees_money(request: HttpRequest) -> bool:
    return has_function(request, Function.FINANCE, Function.LEADER)


def visible_messages(request: HttpRequest) -> QuerySet[Message]:
    """What this person of the affiliate may read: all of its chats, payout disputes for those who see its money. The one place
    that decides it; attachments follow."""
    affiliate: Affiliate = request.affiliate  # type: ignore[attr-defined]
    return chat_messages(affiliate, money=sees_money(request))


def chat_messages(affiliate: Affiliate, *, money: bool) -> QuerySet[Message]:
    messages = Message.objects.filter(ticket__affiliate=affiliate, direction__in=SHOWN).exclude(automatic__in=RETURNED)
    return messages if money else messages.filter(ticket__about_payout__isnull=True)


def visible_tickets(request: HttpRequest) -> QuerySet[Ticket]:
    tickets = Ticket.objects.filter(affiliate=request.affiliate)  # type: ignore[attr-defined]
    return tickets if sees_money(request) else tickets.filter(about_payout__isnull=True)


def chat_programs(affiliate: Affiliate) -> list[Program]:
    """Whom they can talk to: the programs that they work in or ask to."""
    return list(
        Program.objects.filter(enrollments__affiliate=affiliate, enrollments__status__in=TALKING).distinct().order_by("name")
    )


def unread_by_program(affiliate: Affiliate, user: Any, *, money: bool) -> dict[int, int]:
    """How many messages of ours this person has not seen, by program."""
    read = ChatRead.objects.filter(affiliate=affiliate, user=user, program=OuterRef("ticket__program"))
    since = timezone.now() - UNREAD_FOR
    unread = (
        chat_messages(affiliate, money=money)
        .exclude(direction=Direction.IN)
        .filter(created_at__gt=since, ticket__last_at__gt=since)
        .annotate(read_at=Subquery(read.values("read_at")[:1]))
        .filter(Q(read_at__isnull=True) | Q(created_at__gt=F("read_at")))
    )
    return dict(unread.order_by().values_list("ticket__program").annotate(number=Count("pk")))


def unread(request: HttpRequest) -> int:
    """For the menu, on every page of the portal: counted again only after something was said or read."""
    member = current_member(request)
    if member is None:
        return 0
    money = sees_money(request)
    key, mark = unread_key(member.affiliate_id, request.user, money), live.chat_mark(member.affiliate_id)
    number = live.kept_number(key, mark)
    if number is None:
        number = sum(unread_by_program(member.affiliate, request.user, money=money).values())
        live.keep_number(key, mark, number)
    return number


def unread_key(affiliate: int, user: Any, money: bool) -> str:
    return f"unread:{affiliate}:{user.pk}:{int(money)}"


def open_ticket_of(tickets: QuerySet[Ticket], program: Program) -> Ticket | None:
    """What waits for an answer, or for them: of what is not resolved, where something was said last."""
    return tickets.filter(program=program).unresolved().order_by("-last_at", "-pk").first()  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Expectation:
    """Who answers, and by when: as the clocks of the open request say it; without one, as the service level promises."""

    person: Any  # the personal manager, or whoever covers for them; None: the support team
    due: datetime | None
    minutes: int | None
    sentence: str = ""  # outside of everyone's hours: when somebody is there
    detail: str = ""  # what that person is to them


def expectation(affiliate: Affiliate, program: Program, ticket: Ticket | None) -> Expectation:
    from support.models import TicketStatus

    due = None
    if ticket is not None and ticket.status in (TicketStatus.NEW, TicketStatus.OPEN):
        due = min(
            (at for at in (ticket.first_reply_due, ticket.answer_due, ticket.next_reply_due) if at is not None), default=None
        )
    care, now = care_of(affiliate), timezone.now()
    own = care.person == affiliate.manager
    sentence = ""
    if ticket is not None and ticket.told_until is not None and ticket.told_until > now:
        sentence = _("Nobody is on duty right now; we are back on %(when)s.") % {"when": moment_text(ticket.told_until)}
    detail = _("Your personal manager") if own else care.sentence
    return Expectation(care.person, due, _promised_minutes(affiliate, program), sentence, detail)


def _promised_minutes(affiliate: Affiliate, program: Program) -> int | None:
    """Of the service level that a question in the portal would get."""
    from channels.models import Channel
    from support.models import Priority, SlaPolicy

    policies = SlaPolicy.objects.filter(is_active=True).filter(
        Q(program__isnull=True) | Q(program=program),
        Q(segment="") | Q(segment__in=affiliate.tags),
        Q(channel_kind="") | Q(channel_kind=Channel.Kind.PORTAL),
        Q(priority="") | Q(priority=Priority.NORMAL),
    )
    policy = policies.first()
    return policy.first_reply_minutes if policy else None
