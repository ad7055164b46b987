"""Channels over the API."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.urls import path
from rest_framework.request import Request

from channels.models import Channel
from channels.queries import Reconciliation, reconcile
from channels.services import change_channel, create_channel
from core.access import Can
from core.api.answers import Answer, Free, Id, Number, Secret, Time, Word
from core.api.fields import FILTER, OPTIONAL, Choice, FreeObject, Input, Reference, Text
from core.api.operations import address, operation
from core.api.references import find, found
from programs.api import find_program

MADE = [Channel.Kind.EMAIL, Channel.Kind.TELEGRAM, Channel.Kind.PHONE]


def find_channel(user: Any, text: str) -> Channel | None:
    """By id or slug, among those that the caller sees."""
    return find(Channel.objects.visible_to(user).select_related("program"), text, "slug")


class ChannelInput(Input):
    kind = Choice(choices=[kind.value for kind in MADE])
    name = Text(max_length=120)
    slug = Text(max_length=60, help_text="Stands in the hook's address.")
    program = Reference(find_program)
    settings = FreeObject(
        help_text="email {address, imap_url?, smtp_url?, sender_name?, skip_existing?, answers_itself?};"
        " telegram {token, api_base_url?}; phone {number?}",
        **OPTIONAL,
    )


class ChannelChange(Input):
    name = Text(max_length=120)
    status = Choice(choices=Channel.Status.values)
    settings = FreeObject(help_text="Those that change.")


class ChannelAnswer(Answer):
    id = Id("chn")
    kind = Word(choices=Channel.Kind.values)
    name = Word()
    slug = Word()
    program = Id("prg")
    status = Word(choices=Channel.Status.values)
    settings = Free(help_text="Without what opens the channel.")
    hook_url = Word(allow_null=True, help_text="Where to hand over what comes in.")
    secret = Secret(help_text="Shown once, to whoever makes the channel: what its hook asks for.")
    receive_error = Word(allow_null=True)
    send_error = Word(allow_null=True)
    created_at = Time()


class ReconciliationAnswer(Answer):
    received = Number(help_text="The sum of the others.")
    filed = Number()
    duplicate = Number()
    quarantined = Number()


class ChannelFilters(Input):
    kind = Choice(choices=Channel.Kind.values, **FILTER)
    program = Reference(find_program, **FILTER)
    status = Choice(choices=Channel.Status.values, **FILTER)


def with_secret(channel: Channel) -> Channel:
    """As the answer to whoever has made it shows it."""
    channel.__dict__["secret"] = channel.read_secrets().get("hook_secret")
    return channel


@operation(Can.SEE_TICKETS, ChannelAnswer, filters=ChannelFilters, newest_by="created_at")
def channel_list(request: Request, filters: dict[str, Any]) -> QuerySet[Channel]:
    """List channels"""
    return Channel.objects.visible_to(request.user).filter(**filters)


@operation(Can.MANAGE_CHANNELS, ChannelAnswer, takes=ChannelInput, status=201)
def channel_create(request: Request, data: dict[str, Any]) -> Channel:
    """Connect a channel

    The answer holds the secret that the hook asks for: as `X-Hook-Secret` for mails; Telegram is told of it by itself.
    """
    return with_secret(create_channel(by=request.user, **{"settings": {}, **data}))


@operation(Can.SEE_TICKETS, ChannelAnswer)
def channel_get(request: Request, id: str) -> Channel:
    """Show a channel"""
    return found(find_channel(request.user, id))


@operation(Can.MANAGE_CHANNELS, ChannelAnswer, takes=ChannelChange)
def channel_update(request: Request, id: str, data: dict[str, Any]) -> Channel:
    """Change, pause or close a channel"""
    return change_channel(found(find_channel(request.user, id)), by=request.user, **data)


@operation(Can.SEE_TICKETS, ReconciliationAnswer)
def channel_reconciliation(request: Request, id: str) -> Reconciliation:
    """What came in through a channel, and what became of it

    An item that is stored and not worked on yet is counted as soon as it is: within seconds.
    """
    return reconcile(found(find_channel(request.user, id)))


api = [
    path("channels", address(get=channel_list, post=channel_create), name="channel_list"),
    path("channels/<str:id>", address(get=channel_get, patch=channel_update), name="channel_detail"),
    path("channels/<str:id>/reconciliation", address(get=channel_reconciliation), name="channel_reconciliation"),
]
