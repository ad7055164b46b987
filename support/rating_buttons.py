"""Ratings in Telegram: five buttons under one message, in the private chat that was helped."""

from __future__ import annotations

from django.utils.translation import gettext as _

from channels import outgoing
from channels.models import Chat
from channels.parsed import Quarantine
from channels.telegram.buttons import Answer, Press, make_data
from core.errors import Refusal
from core.events import ref
from support.languages import as_read_by
from support.models import Rating
from support.services.ratings import give_rating, rating_link, reopen_from_rating

PREFIX = "csat"
FACES = {5: "😀", 4: "🙂", 3: "😐", 2: "🙁", 1: "😞"}
AGAIN = "again"


def takes_buttons(chat: Chat) -> bool:
    """In a group anybody might tap; from a company's own account buttons cannot be sent."""
    return chat.kind == Chat.Kind.PRIVATE and chat.business_id is None and not chat.closed_reason


def ask_in_telegram(rating: Rating, chat: Chat) -> None:
    with as_read_by(rating.ticket):
        buttons = [{"text": face, "callback_data": make_data(PREFIX, f"{rating.pk}.{score}")} for score, face in FACES.items()]
        payload = {
            "method": "sendMessage",
            "chat_id": chat.provider_id,
            "text": _("Solved: “%(subject)s”. How were you helped?") % {"subject": rating.ticket.subject[:100]},
            "reply_markup": {"inline_keyboard": [buttons]},
        }
    outgoing.queue(rating.ticket.channel, str(chat.provider_id), payload, key=f"rating:{rating.pk}", about=ref(rating), chat=chat)


def rate_by_button(press: Press) -> Answer:
    """A tap on one of the five, or on "not solved". Only in the chat that was asked."""
    pk, _dot, what = press.data.partition(".")
    rating = Rating.objects.select_related("ticket__channel").filter(pk=int(pk) if pk.isascii() and pk.isdigit() else 0).first()
    if rating is None or press.chat is None or rating.ticket.chat_id != press.chat.pk:
        raise Quarantine(_("A rating was tapped in a chat that was not asked for it."))
    with as_read_by(rating.ticket):
        try:
            if what == AGAIN:
                reopen_from_rating(rating)
                return Answer(ref(rating), _("It goes on: write what is missing."))
            rating = give_rating(rating, int(what) if what.isascii() and what.isdigit() else None, via=Rating.Via.TELEGRAM)
        except Refusal as refusal:
            return Answer(ref(rating), refusal.message)
        _thank(rating, press.chat)
        return Answer(ref(rating), _("Thank you."))


def _thank(rating: Rating, chat: Chat) -> None:
    """Once for each rating: where to say why, and the way back where it is not solved."""
    payload = {
        "method": "sendMessage",
        "chat_id": chat.provider_id,
        "text": _("Thank you. Say why, if you like; and if it is not solved, it goes on."),
        "reply_markup": {
            "inline_keyboard": [
                [{"text": _("Say why"), "url": rating_link(rating)}],
                [{"text": _("It is not solved"), "callback_data": make_data(PREFIX, f"{rating.pk}.{AGAIN}")}],
            ]
        },
    }
    outgoing.queue(
        rating.ticket.channel,
        str(chat.provider_id),
        payload,
        key=f"rating:{rating.pk}:thanks",
        about=ref(rating),
        chat=chat,
    )
