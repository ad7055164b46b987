"""The phone log: a call becomes words of a request, with whoever was on the phone, how long, and what follows."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import phonenumbers
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from affiliates.models import Affiliate
from channels.contacts import find_or_make_contact, match_contact
from channels.models import Channel, Contact, ContactAddress
from core.access import Can, check
from core.events import record
from programs.models import Program
from support import events
from support.errors import TicketError
from support.models import Message, PhoneCall, Ticket, TicketStatus
from support.models.messages import Direction
from support.services.following import follow
from support.services.messages import clean_text, receive
from support.services.tasks import add_task
from support.services.tickets import awaits_decision, lock_ticket, open_ticket, set_assignee, set_status

LONGEST_CALL = 24 * 60  # minutes
Kind = PhoneCall.Kind


def normal_number(text: str, country: str = "") -> str:
    """E.164 ("+493012345678") of a number as people write it; a national one is read as of `country` (ISO 3166)."""
    text = text.strip()
    if not text:
        return ""
    try:
        number = phonenumbers.parse(text, country or None)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_possible_number(number):
        raise TicketError(_("Give the number with its country, such as +49 30 1234567."), code="invalid", field="number")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def shown_number(number: str) -> str:
    """As people read it: "+49 30 1234567"."""
    try:
        return phonenumbers.format_number(phonenumbers.parse(number), phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    except phonenumbers.NumberParseException:
        return number


@transaction.atomic
def log_call(
    program: Program,
    *,
    by: User,
    kind: str,
    started_at: datetime,
    minutes: int = 0,
    affiliate: Affiliate | None = None,
    number: str = "",
    name: str = "",
    said: str = "",
    answered: str = "",
    follow_up: str = "",
    follow_up_due: datetime | None = None,
    follow_up_owner: User | None = None,
    solved: bool = False,
    about: Ticket | None = None,
) -> PhoneCall:
    """Write a call down. It joins the request that it was `about`, else the open one of the affiliate (or of the number's contact),
    else it begins one.

    `said`: what they said, which is our turn; `answered`: what we said, which is an answer. Both stand in the affiliate's chat.
    `solved`: nothing is open any more. What is to be decided stays open nevertheless: no call decides it.
    """
    check(by, Can.ANSWER_TICKETS, program.pk)
    number = normal_number(number, affiliate.country if affiliate else "")
    _check_call(kind, started_at, minutes, affiliate, number, said, answered)
    channel = phone_channel(program)
    contact = _contact(program, affiliate, number, name, by)
    party = affiliate or (contact.affiliate if contact else None)
    ticket = _joined(about, program, party, contact) or _ticket(program, channel, party, contact, said or answered, by)
    them = receive(ticket, text=clean_text(said, ()), contact=contact, at=timezone.now()) if said.strip() else None
    if kind == Kind.MISSED and them is None:
        them = receive(ticket, text=_("They called, and nobody answered."), contact=contact)
    us = _answer(ticket, answered, by) if answered.strip() else None
    task = None
    if follow_up.strip():
        due = follow_up_due or timezone.now() + timedelta(days=1)
        task = add_task(ticket, follow_up, owner=follow_up_owner or by, due_at=due, by=by, message=them or us)
    ticket = lock_ticket(ticket)
    call = PhoneCall.objects.create(
        ticket=ticket,
        kind=kind,
        contact=contact,
        number=number,
        by=by,
        started_at=started_at,
        minutes=minutes,
        said=them,
        answered=us,
        task=task,
    )
    data = {"kind": str(Kind(kind).label), "number": number, "minutes": minutes}
    record(events.CALL_LOGGED, call, ticket, ticket.affiliate, by=by, data=data)
    if solved and us is not None and task is None and not awaits_decision(ticket):
        set_status(ticket, TicketStatus.RESOLVED, by=by, reason=_("Solved on the phone."))
        ticket.save()
        follow(ticket)
    return call


def _check_call(
    kind: str, started_at: datetime, minutes: int, affiliate: Affiliate | None, number: str, said: str, answered: str
) -> None:
    if kind not in Kind.values:
        raise TicketError(_("Say who called."), code="invalid_choice", field="kind")
    if started_at > timezone.now() + timedelta(minutes=5):
        raise TicketError(_("This lies in the future."), code="future", field="started_at")
    if not 0 <= minutes <= LONGEST_CALL:
        raise TicketError(_("At most a day."), code="invalid", field="minutes")
    if affiliate is None and not number:
        raise TicketError(_("Say who it was: an affiliate, or a number."), code="required", field="number")
    if kind == Kind.MISSED and (minutes or answered.strip()):
        raise TicketError(_("Nobody answered, so nothing was said by us and no time passed."), code="invalid", field="kind")
    if kind != Kind.MISSED and not said.strip() and not answered.strip():
        raise TicketError(_("Write down what was said."), code="required", field="said")


def phone_channel(program: Program) -> Channel:
    """The program's phone, made with its first call where nobody has made one."""
    phones = Channel.objects.filter(program=program, kind=Channel.Kind.PHONE).exclude(status=Channel.Status.CLOSED)
    return phones.order_by("pk").first() or Channel.objects.create(
        program=program, kind=Channel.Kind.PHONE, name=f"{program} · {_('Phone')}"[:120], slug=f"phone-{program.pk}"
    )


def _contact(program: Program, affiliate: Affiliate | None, number: str, name: str, by: User) -> Contact | None:
    """Whose number it is. One that nobody knew is this affiliate's, as whoever spoke with them says."""
    if not number:
        return None
    contact = find_or_make_contact(ContactAddress.Kind.PHONE, number, name, program)
    if affiliate is not None and contact.affiliate_id is None:
        contact = match_contact(contact, affiliate, by=by, reason=_("They spoke on the phone."))
    return contact


def _joined(about: Ticket | None, program: Program, affiliate: Affiliate | None, contact: Contact | None) -> Ticket | None:
    """The request from which they were called. TicketError where it is somebody else's."""
    if about is None:
        return None
    ticket = lock_ticket(about)
    whose = (ticket.affiliate_id, affiliate.pk) if affiliate else (ticket.contact_id, contact.pk if contact else None)
    if ticket.program_id != program.pk or whose[0] != whose[1]:
        raise TicketError(_("This call was with somebody else than the request."), code="other_party", field="affiliate")
    return ticket


def _ticket(
    program: Program, channel: Channel, affiliate: Affiliate | None, contact: Contact | None, words: str, by: User
) -> Ticket:
    whose: dict[str, Any] = {"affiliate": affiliate} if affiliate is not None else {"contact": contact}
    open_one = Ticket.objects.unresolved().filter(program=program, **whose).order_by("-last_at", "-pk").first()
    if open_one is not None:
        return lock_ticket(open_one)
    subject = next((line.strip()[:80] for line in words.splitlines() if line.strip()), "") or _("A call")
    return open_ticket(program=program, channel=channel, subject=subject, affiliate=affiliate, contact=contact, by=by)


def _answer(ticket: Ticket, words: str, by: User) -> Message:
    """Said on the phone, so delivered already; for the clocks it is an answer like any other."""
    ticket = lock_ticket(ticket)
    message = Message.objects.write(ticket, direction=Direction.OUT, author=by, body_text=clean_text(words, ()))
    record(events.MESSAGE_SENT, message, ticket, by=by, data={"is_answer": True})
    ticket.last_at = ticket.last_out_at = message.created_at
    if ticket.assignee is None:
        set_assignee(ticket, by, by=by, reason=_("They were on the phone."))
    set_status(ticket, TicketStatus.PENDING, by=by)
    ticket.save()
    follow(ticket)
    return message
