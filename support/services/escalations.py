"""Asking somebody who knows more, without letting go: the ticket keeps its owner, its affiliate and its clocks.

One question is open at a time. Handing it on, or asking again, is a new escalation with a number and a reason, so that a ticket that
goes to and fro is seen to do so. The answer comes back as a note, and calls the owner and whoever asked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.queries import people_who
from core.access import Can, check, rights_of
from core.events import record
from core.mail import write_mail
from support import events, live
from support.errors import NotNow, TicketError
from support.models import Cause, Difficulty, Escalation, Level, Mention, Message, Ticket, TicketStatus
from support.models.messages import Direction
from support.services.following import follow
from support.services.messages import add_note
from support.services.tickets import lock_ticket
from support.services.withdrawals import withdraw
from team.queries import may_be_notified

SALT = "support.escalation"
ACCEPT_WITHIN = {  # how soon somebody of that level takes it
    Level.ENGINEER: timedelta(minutes=30),
    Level.TRAFFIC: timedelta(minutes=30),
    Level.EXPERT: timedelta(hours=4),
}
LINK_FOR = timedelta(days=7)
SHORTEST_QUESTION = 20  # characters: "please look" asks nothing
LONGEST = 10_000
ROLES = {Level.ENGINEER: {"engineer"}, Level.TRAFFIC: {"head", "manager"}, Level.EXPERT: {"head"}}  # who is told


@transaction.atomic
def escalate(
    ticket: Ticket,
    level: str,
    question: str,
    *,
    by: User,
    reason: str = "",
    holder: User | None = None,
    expert_name: str = "",
    expert_email: str = "",
    shown: Collection[Message] = (),
) -> Escalation:
    """Ask a level something precise. `holder`: whom it is meant for; for a company expert outside the team, a name and an address
    to which a link goes that opens this question alone, with the messages in `shown`.
    """
    check(by, Can.ANSWER_TICKETS, ticket.program_id)
    question, reason = _words(question), _words(reason)
    _check_question(level, question, holder, ticket.program_id, expert_email)
    ticket = lock_ticket(ticket, follow_merge=False)
    if ticket.status == TicketStatus.RESOLVED:
        raise NotNow(_("It is resolved, and a resolved ticket asks nobody anything: open it first."), code="resolved")
    last = ticket.escalations.order_by("-number").select_for_update().first()
    if last is not None and not reason:
        raise TicketError(
            _("It was asked before (%(number)s): say why it goes further, so that it does not go to and fro.")
            % {"number": last.number},
            code="required",
            field="reason",
        )
    now = timezone.now()
    open_one = last if last is not None and last.status in (Escalation.Status.ASKED, Escalation.Status.ACCEPTED) else None
    if open_one is not None:
        _close(open_one, Escalation.Status.PASSED_ON)
    escalation = Escalation.objects.create(
        ticket=ticket,
        number=last.number + 1 if last else 1,
        previous=open_one,
        level=level,
        question=question,
        reason=reason,
        asked_by=by,
        holder=holder,
        expert_name=expert_name.strip()[:120],
        expert_email=expert_email.strip(),
        link_until=now + LINK_FOR if expert_email else None,
        accept_due=now + ACCEPT_WITHIN[Level(level)],
    )
    escalation.shown.set(ticket.messages.filter(pk__in=[each.pk for each in shown]))
    data = {"level": str(Level(level).label), "question": question[:300], "number": escalation.number}
    record(events.TICKET_ESCALATED, escalation, ticket, by=by, data=data, reason=reason)
    _set_level(ticket, level)
    _tell_holders(escalation)
    return escalation


def _words(text: str) -> str:
    return text.replace("\x00", "").strip()[:LONGEST]


def _check_question(level: str, question: str, holder: User | None, program: int, expert_email: str) -> None:
    if level not in ACCEPT_WITHIN:
        raise TicketError(_("Choose the level that is to answer."), code="invalid_choice", field="level")
    if len(question) < SHORTEST_QUESTION:
        raise TicketError(
            _("Ask something precise: what is to be found out, and what you have looked at already."),
            code="short",
            field="question",
        )
    if holder is not None and not rights_of(holder).has(Can.ANSWER_TICKETS, program):
        raise TicketError(_("This person does not answer in this program."), code="invalid_choice", field="holder")
    if expert_email:
        if level != Level.EXPERT or holder is not None:
            raise TicketError(_("A link goes to a company expert alone."), code="invalid", field="expert_email")
        try:
            validate_email(expert_email.strip())
        except ValidationError:
            raise TicketError(_("This is no e-mail address."), code="invalid", field="expert_email") from None


def _close(escalation: Escalation, status: str) -> None:
    escalation.status, escalation.closed_at = status, timezone.now()
    escalation.save()


def _set_level(ticket: Ticket, level: str) -> None:
    ticket.level = level
    ticket.save(update_fields=["level"])
    follow(ticket)


def _tell_holders(escalation: Escalation) -> None:
    context = {"escalation": escalation, "ticket": escalation.ticket}
    if escalation.expert_email:
        link = f"{settings.BASE_URL}{reverse('escalation_answer', args=[escalation_token(escalation)])}"
        # About nothing, so that colleagues who see the ticket do not find the link among the mails and answer in the expert's name.
        write_mail(escalation.expert_email, "support/mails/escalation_expert", {**context, "link": link})
        return
    for person in [escalation.holder] if escalation.holder else _people_of(escalation):
        if person != escalation.asked_by and may_be_notified(person):
            write_mail(person.email, "support/mails/escalation", context, about=[escalation.ticket])


def _people_of(escalation: Escalation) -> list[User]:
    """Whose work this level is, in the program; the heads where nobody's."""
    people = people_who(Can.ANSWER_TICKETS, escalation.ticket.program_id)
    for roles in (ROLES[Level(escalation.level)], {"head"}):
        found = [person for person in people if rights_of(person).roles & roles]
        if found:
            return found
    return []


def escalation_token(escalation: Escalation) -> str:
    return signing.dumps(escalation.pk, salt=SALT)


def escalation_of(token: str) -> Escalation:
    """What an expert's link opens: that question, until it expires or is closed. TicketError where it opens nothing (any more)."""
    try:
        pk = signing.loads(token, salt=SALT)
    except signing.BadSignature:
        raise TicketError(_("This link is not complete. Open it from the mail once more."), code="invalid") from None
    rows = Escalation.objects.exclude(expert_email="").select_related("ticket__program", "asked_by")
    escalation = rows.filter(pk=pk).first()
    if escalation is None:
        raise TicketError(_("This link is not complete. Open it from the mail once more."), code="invalid")
    if escalation.status == Escalation.Status.WITHDRAWN:
        raise NotNow(_("This question was withdrawn: no answer is needed any more. Thank you."), code="closed")
    if escalation.status not in (Escalation.Status.ASKED, Escalation.Status.ACCEPTED):
        raise NotNow(_("This question is closed. Thank you."), code="closed")
    if escalation.link_until is None or timezone.now() >= escalation.link_until:
        raise NotNow(_("This link has expired. Ask whoever sent it for a new one."), code="expired")
    return escalation


@transaction.atomic
def accept_escalation(escalation: Escalation, *, by: User | None) -> Escalation:
    """Somebody takes it: from now on it is shown with them. `by` is None for the expert with the link."""
    escalation = _lock_open(escalation, by)
    if by is None and not escalation.expert_email:
        raise TicketError(_("Only an expert takes it by a link."), code="invalid")
    if escalation.status == Escalation.Status.ACCEPTED:
        if escalation.holder == by:
            return escalation
        raise NotNow(_("%(person)s has it.") % {"person": escalation.held_by}, code="held")
    escalation.status, escalation.accepted_at, escalation.holder = Escalation.Status.ACCEPTED, timezone.now(), by
    escalation.save()
    data = {"person": escalation.held_by}
    record(events.ESCALATION_ACCEPTED, escalation, escalation.ticket, by=by, data=data)
    live.touch(escalation.ticket)
    return escalation


@transaction.atomic
def answer_escalation(escalation: Escalation, answer: str, *, by: User | None) -> Message:
    """The answer comes back into the ticket as a note and calls whoever asked and whoever owns it."""
    answer = _words(answer)
    if not answer:
        raise TicketError(_("Write the answer."), code="blank", field="answer")
    escalation = _lock_open(escalation, by)
    if by is None and not escalation.expert_email:
        raise TicketError(_("Only an expert answers by a link."), code="invalid")
    escalation.answer, escalation.answered_by = answer, by
    escalation.holder = by if by is not None else escalation.holder
    escalation.accepted_at = escalation.accepted_at or timezone.now()
    _close(escalation, Escalation.Status.ANSWERED)
    ticket = escalation.ticket
    who = str(by or escalation.expert_name or escalation.expert_email)
    text = _("%(who)s answers the question “%(question)s”:") % {"who": who, "question": escalation.question[:200]}
    note = _note(ticket, f"{text}\n\n{answer}", by=by or escalation.asked_by)
    record(events.ESCALATION_ANSWERED, escalation, ticket, by=by, data={"person": who, "number": escalation.number})
    _call({escalation.asked_by, ticket.assignee} - {by, None}, note)
    _set_level(lock_ticket(ticket), Level.SUPPORT)
    return note


def _note(ticket: Ticket, text: str, *, by: User) -> Message:
    """Whoever asked may have lost the right to write here since; the answer comes back all the same."""
    if rights_of(by).has(Can.ANSWER_TICKETS, ticket.program_id):
        return add_note(ticket, text, by=by)
    ticket = lock_ticket(ticket)
    note = Message.objects.write(ticket, direction=Direction.NOTE, author=by, body_text=text)
    record(events.NOTE_ADDED, note, ticket, by=by)
    return note


def _call(people: Iterable[User | None], note: Message) -> None:
    called = [person for person in people if person is not None]
    Mention.objects.bulk_create([Mention(message=note, user=person) for person in called], ignore_conflicts=True)
    for person in called:
        live.touch_user(person.pk)


@transaction.atomic
def withdraw_escalation(escalation: Escalation, *, by: User, reason: str = "") -> Escalation:
    """It is not needed any more, say those who asked it or answer for the ticket. Whoever was asked answers, or hands it on for a
    reason that is counted: it is never just given back."""
    escalation = _lock_open(escalation, by)
    if not may_withdraw(escalation, by):
        raise TicketError(_("Answer it, or hand it on and say why: it is withdrawn by those who asked."), code="not_asked_by")
    ticket = lock_ticket(escalation.ticket)
    withdraw(escalation, ticket, by=by, reason=_words(reason))
    ticket.save(update_fields=["level"])
    follow(ticket)
    return escalation


def may_withdraw(escalation: Escalation, user: User) -> bool:
    return user in (escalation.asked_by, escalation.ticket.assignee) or bool({"head", "admin"} & rights_of(user).roles)


def _lock_open(escalation: Escalation, by: User | None) -> Escalation:
    if by is not None:
        check(by, Can.ANSWER_TICKETS, escalation.ticket.program_id)
    lock_ticket(escalation.ticket)
    escalation = (
        Escalation.objects.select_for_update(of=("self",))
        .select_related("ticket__program", "ticket__assignee", "holder", "asked_by")
        .get(pk=escalation.pk)
    )
    if escalation.status not in (Escalation.Status.ASKED, Escalation.Status.ACCEPTED):
        raise NotNow(_("This question is closed: %(status)s.") % {"status": escalation.get_status_display()}, code="closed")
    return escalation


def sweep_acceptances(limit: int = 200) -> int:
    """What nobody took in time is told, once, to the owner, whoever asked, and the heads. Returns how many there were."""
    told = 0
    due = Escalation.objects.filter(
        status=Escalation.Status.ASKED, accept_missed_at__isnull=True, accept_due__lte=timezone.now()
    ).values_list("pk", flat=True)
    for pk in list(due.order_by("accept_due")[:limit]):
        with transaction.atomic():
            escalation = (
                Escalation.objects.select_for_update(skip_locked=True, of=("self",))
                .select_related("ticket__assignee", "asked_by", "holder")
                .filter(pk=pk, status=Escalation.Status.ASKED, accept_missed_at__isnull=True)
                .first()
            )
            if escalation is None:
                continue
            escalation.accept_missed_at = timezone.now()
            escalation.save(update_fields=["accept_missed_at"])
            record(
                events.ESCALATION_NOT_ACCEPTED,
                escalation,
                escalation.ticket,
                data={"level": str(Level(escalation.level).label)},
            )
            heads = [p for p in people_who(Can.ANSWER_TICKETS, escalation.ticket.program_id) if "head" in rights_of(p).roles]
            for person in {escalation.asked_by, escalation.ticket.assignee, *heads} - {None}:
                assert person is not None
                if not may_be_notified(person):
                    continue
                context = {"escalation": escalation, "ticket": escalation.ticket}
                write_mail(person.email, "support/mails/escalation_missed", context, about=[escalation.ticket])
            live.touch(escalation.ticket)
            told += 1
    return told


@transaction.atomic
def name_causes(ticket: Ticket, names: Iterable[str], *, by: User) -> list[Cause]:
    """What the problem came from: causes of its program known by that name, or new ones. One that was mended is named anew, unless
    the ticket has it."""
    check(by, Can.ANSWER_TICKETS, ticket.program_id)
    spelled: dict[str, str] = {}
    for name in (" ".join(each.split())[:160] for each in names):
        if name:
            spelled.setdefault(name.lower(), name)
    rows = Cause.objects.filter(Q(mended_at=None) | Q(tickets=ticket), program=ticket.program_id).distinct()
    rows = rows.alias(lowered=Lower("name")).filter(lowered__in=list(spelled))
    known = {cause.name.lower(): cause for cause in rows.order_by(F("mended_at").desc(nulls_first=True))}
    causes = [
        known.get(lowered) or Cause.objects.create(program_id=ticket.program_id, name=name) for lowered, name in spelled.items()
    ]
    ticket.causes.set(causes)
    record(events.TICKET_CAUSES_NAMED, ticket, by=by, data={"causes": ", ".join(cause.name for cause in causes)})
    return causes


@transaction.atomic
def mend_causes(causes: Iterable[Cause], *, by: User) -> int:
    """These are mended: whatever comes of them again is counted anew. Returns how many were not yet."""
    mended = 0
    for cause in Cause.objects.select_for_update().filter(pk__in=[each.pk for each in causes], mended_at=None):
        check(by, Can.ANSWER_TICKETS, cause.program_id)
        cause.mended_at = timezone.now()
        cause.save(update_fields=["mended_at"])
        record(events.CAUSE_MENDED, cause, by=by, data={"name": cause.name})
        mended += 1
    return mended


@transaction.atomic
def propose_difficulty(ticket: Ticket, value: int, *, by: User) -> Difficulty:
    """How hard it was, 1 to 5. The same value from a second person confirms it; another value is a new proposal."""
    check(by, Can.ANSWER_TICKETS, ticket.program_id)
    if value not in range(1, 6):
        raise TicketError(_("From 1 to 5."), code="invalid", field="difficulty")
    ticket = lock_ticket(ticket, follow_merge=False)
    difficulty = Difficulty.objects.filter(ticket=ticket).first()
    if difficulty is None:
        difficulty = Difficulty(ticket=ticket, value=value, proposed_by=by)
    elif difficulty.value == value and difficulty.proposed_by != by:
        if difficulty.confirmed_by is None:
            difficulty.confirmed_by, difficulty.confirmed_at = by, timezone.now()
    elif difficulty.value != value:
        difficulty.value, difficulty.proposed_by, difficulty.confirmed_by, difficulty.confirmed_at = value, by, None, None
    difficulty.save()
    confirmed = difficulty.confirmed_by is not None
    record(
        events.DIFFICULTY_CONFIRMED if confirmed else events.DIFFICULTY_PROPOSED, ticket, by=by, data={"value": difficulty.value}
    )
    return difficulty
