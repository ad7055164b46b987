"""A mail that plainly asks for what the data tells: its answer is offered to whoever replies, with one click, and sent by nobody else
unless the program has chosen so for the mailbox (`support.mail_answers`).

A mail's sender is only as sure as their mailbox, and a reply there cannot be taken back: a person reads it first.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from accounts.models import User
from affiliates.models import AffiliateMember, Function
from channels.models import Channel
from core.access import Can, check, rights_of
from support.answers import Asker, Question, answer, as_text, questions_for, recognise
from support.errors import NotNow, TicketError
from support.languages import as_read_by
from support.models import Message, Ticket
from support.models.messages import Direction

LONGEST = 600  # characters: a mail greets and signs
_NEEDS = {
    Question.MONEY: Can.SEE_MONEY,
    Question.NUMBERS: Can.SEE_MONEY,
    Question.OFFERS: Can.SEE_MONEY,
    Question.LINK: Can.SEE_TRACKING,
}


@dataclass(frozen=True)
class Offer:
    """The question that a mail asks, as whom (functions in the affiliate's account), and why its answer is not to be put there
    (empty: it may be)."""

    question: Question
    functions: frozenset[str]
    refused: str = ""


def offered_answer(ticket: Ticket, *, to: User) -> Offer | None:
    """For the mail that waits for a reply, where it asks such a question; never for what no person wrote."""
    if ticket.channel.kind != Channel.Kind.EMAIL or ticket.affiliate is None:
        return None
    last = ticket.messages.filter(direction__in=[Direction.IN, Direction.OUT]).order_by("created_at", "pk").last()
    if last is None or last.direction != Direction.IN or last.automatic:
        return None
    question = asked_in(ticket, last)
    if question is None or not rights_of(to).has(_NEEDS[question], ticket.program_id):
        return None
    return offer_for(question, ticket, last)


def draft_answer(ticket: Ticket, *, by: User) -> str:
    """The answer for the ticket's affiliate in its program, in their language, from the data of now."""
    check(by, Can.ANSWER_TICKETS, ticket.program_id)
    offer = offered_answer(ticket, to=by)
    if offer is None or ticket.affiliate is None:
        raise NotNow(_("Their last mail does not ask this any more."), code="not_asked")
    if offer.refused:
        raise TicketError(offer.refused, code="not_theirs")
    with as_read_by(ticket):
        return as_text(answer(offer.question, Asker(ticket.affiliate, offer.functions, ticket.program)))


def asked_in(ticket: Ticket, mail: Message) -> Question | None:
    """Which question the mail plainly asks, in its words or its subject."""
    return recognise(mail.body_text, LONGEST) or recognise(f"{ticket.subject} {mail.body_text}", LONGEST)


def offer_for(question: Question, ticket: Ticket, last: Message) -> Offer:
    """A reply stands in the chat, which all of the account's people read. A sender who is none of them is told what any of them
    may know: a person has matched them with the affiliate."""
    members = AffiliateMember.objects.filter(affiliate=ticket.affiliate, removed_at=None)
    functions = dict(members.values_list("user", "functions"))
    user = last.contact.user_id if last.contact else None
    own = frozenset(functions.get(user or 0, ())) or frozenset({Function.MARKETING})
    refused = ""
    if question not in questions_for(own):
        refused = _("Whoever wrote it is not known as one of those who see to the money of this account.")
    elif not all(question in questions_for(each) for each in functions.values()):
        refused = _("Others of this account would read it in the portal. Point to their page of money instead.")
    return Offer(question, own, refused)
