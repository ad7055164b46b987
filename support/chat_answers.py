"""What a bot answers by itself in a private chat, from real data: its commands, and questions that plainly ask the same.

A command is answered and becomes no ticket; a button under the answer asks for a person. A question in words is a ticket as every
other, and the answer stands in it at once: it stops no clock.
"""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from affiliates.models import AffiliateMember
from channels import outgoing
from channels.models import Channel, Chat, Contact, InboundItem
from channels.parsed import Kind, Parsed, Quarantine
from channels.telegram import buttons
from channels.telegram.buttons import Press, make_data
from core.events import ref
from support.answers import Asker, NotForYou, Question, answer, as_text, command, is_for_all, recognise
from support.languages import as_read_by
from support.models import Ticket
from support.models.answers import AutoAnswer
from support.services.answers import give_answer, settle_answer
from support.services.messages import receive, tell_automatically
from support.services.tickets import open_ticket

PREFIX = "answer"
GREETINGS = ("start", "help")


def answer_command(item: InboundItem, parsed: Parsed) -> str | None:
    """The reference of what a command became; None where it is for a person."""
    if not parsed.command or not _is_private(parsed) or parsed.chat is None:
        return None
    question = command(f"/{parsed.command}")
    with as_read_by(parsed.contact):
        if question is not None:
            return _answer(item, parsed.chat, parsed.contact, question)
        if parsed.command in GREETINGS:
            return _say(item, parsed.chat, _greeting(item, parsed.contact))
    return None


def _is_private(parsed: Parsed) -> bool:
    """Between one person and a bot of ours: a group may read along, and in a company's account a person speaks."""
    chat = parsed.chat
    private = chat is not None and chat.kind == Chat.Kind.PRIVATE and chat.business_id is None
    return private and parsed.kind == Kind.MESSAGE and not parsed.automatic and not parsed.written_by_us


def _greeting(item: InboundItem, contact: Contact) -> str:
    lines = [_("Hello. Write what you need, here; people of %(program)s answer.") % {"program": item.channel.program.name}]
    if _member(contact) is None:
        lines.append(_how_to_connect())
    else:
        asked = {"money": Question.MONEY, "link": Question.LINK, "numbers": Question.NUMBERS, "offers": Question.OFFERS}
        lines.append("\n".join(f"/{word} – {question.label}" for word, question in asked.items()))
    return "\n\n".join(lines)


def _how_to_connect() -> str:
    return _("To be known here, connect Telegram in the portal: Account, Telegram.")


def _answer(item: InboundItem, chat: Chat, contact: Contact, question: Question) -> str:
    member = _member(contact)
    if member is None:
        return _say(item, chat, _("This tells of an account, and I do not know yet which is yours.") + " " + _how_to_connect())
    try:
        given, found = give_answer(question, member, item.channel.program, channel_kind=Channel.Kind.TELEGRAM)
    except NotForYou as refusal:
        return _say(item, chat, refusal.message)
    choices = [
        {"text": _("That answers it"), "callback_data": make_data(PREFIX, f"{given.pk}.{AutoAnswer.Outcome.HELPED}")},
        {"text": _("Ask a person"), "callback_data": make_data(PREFIX, f"{given.pk}.{AutoAnswer.Outcome.PERSON}")},
    ]
    _say(item, chat, as_text(found), reply_markup={"inline_keyboard": [choices]})
    return ref(given)


def _say(item: InboundItem, chat: Chat, text: str, **more: Any) -> str:
    outgoing.queue(
        item.channel, str(chat.provider_id), {"text": text, **more}, key=f"command:{item.pk}", about=ref(chat), chat=chat
    )
    return ref(chat)


def settle_by_button(press: Press) -> buttons.Answer:
    """It was enough, or a person is wanted: then the question is a ticket of the chat."""
    pk, _dot, outcome = press.data.partition(".")
    rows = AutoAnswer.objects.select_related("affiliate", "program")
    given = rows.filter(pk=int(pk) if pk.isascii() and pk.isdigit() else 0).first()
    user = press.contact.user
    if given is None or user is None or given.user_id != user.pk or outcome not in AutoAnswer.Outcome.values:
        raise Quarantine(_("A button under an answer was tapped by somebody who had not asked."))
    wanted_before = given.outcome == AutoAnswer.Outcome.PERSON
    settle_answer(given, outcome)
    with as_read_by(press.contact):
        if outcome == AutoAnswer.Outcome.HELPED or wanted_before or press.chat is None:
            return buttons.Answer(
                ref(given), _("Good.") if outcome == AutoAnswer.Outcome.HELPED else _("A person answers you here.")
            )
        label = str(Question(given.question).label)
        ticket = open_ticket(
            program=press.channel.program,
            channel=press.channel,
            chat=press.chat,
            affiliate=given.affiliate,
            contact=press.contact,
            subject=label,
        )
        receive(ticket, text=label, contact=press.contact, author=user)
        return buttons.Answer(ref(ticket), _("A person answers you here."))


def question_in(parsed: Parsed) -> Question | None:
    """What these words plainly ask for, where a bot may answer."""
    return recognise(parsed.text) if _is_private(parsed) and not parsed.files else None


def answer_in_ticket(ticket: Ticket, parsed: Parsed) -> None:
    """The answer from data beside a new ticket whose first words plainly ask for it, for a member whose function opens it."""
    question = question_in(parsed)
    member = _member(parsed.contact) if question else None
    if question is None or member is None:
        return
    with as_read_by(parsed.contact):
        try:
            found = answer(question, Asker(member.affiliate, frozenset(member.functions), ticket.program))
        except NotForYou:
            return
        if is_for_all(question):
            tell_automatically(ticket, as_text(found))
        elif parsed.chat is not None:  # a message of the ticket would be read in the portal by those whom it is not for
            outgoing.queue(
                ticket.channel,
                str(parsed.chat.provider_id),
                {"text": as_text(found)},
                key=f"answer:{ticket.pk}",
                about=ref(ticket),
                chat=parsed.chat,
            )


def _member(contact: Contact) -> AffiliateMember | None:
    if contact.affiliate_id is None or contact.user_id is None:
        return None
    members = AffiliateMember.objects.filter(affiliate=contact.affiliate_id, user=contact.user_id, removed_at=None)
    return members.select_related("affiliate", "user").first()
