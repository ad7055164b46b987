"""What a mailbox answers by itself, where its program has chosen so: a mail that plainly asks for what the data tells.

It answers those alone whom the mail server has proved to be one of the affiliate's people, and never what no person wrote (RFC 3834,
2). Whatever a person would not be offered as an answer (`support.drafts`) is not sent either.
"""

from __future__ import annotations

from django.utils.translation import gettext as _

from affiliates.models import AffiliateMember
from channels.models import Channel
from channels.parsed import Authenticity
from support.answers import Asker, answer, as_text
from support.drafts import asked_in, offer_for
from support.languages import as_read_by
from support.models import Message, Ticket
from support.services.messages import tell_if_reached


def may_answer(ticket: Ticket, message: Message) -> bool:
    """Whether its mailbox answers those who wrote this, whatever they ask."""
    channel, sender = ticket.channel, message.contact
    proved = not message.automatic and message.authenticity == Authenticity.PROVED
    known = ticket.affiliate_id is not None and sender is not None and sender.user_id is not None
    return proved and known and channel.kind == Channel.Kind.EMAIL and bool(channel.settings.get("answers_itself"))


def answer_mail(ticket: Ticket, message: Message) -> None:
    """By itself, in the ticket that the mail has begun; it stops no clock, and a person reads the mail all the same."""
    if not may_answer(ticket, message):
        return
    assert ticket.affiliate is not None and message.contact is not None
    user = message.contact.user_id
    members = AffiliateMember.objects.filter(affiliate=ticket.affiliate, user=user, removed_at=None, user__is_active=True)
    question = asked_in(ticket, message)
    if question is None or not members.exists():
        return
    offer = offer_for(question, ticket, message)
    if not offer.refused:
        with as_read_by(ticket):
            text = as_text(answer(question, Asker(ticket.affiliate, offer.functions, ticket.program)))
            person = _("This was answered by itself. A person reads your mail, too.")
            tell_if_reached(ticket, f"{text}\n\n{person}")
