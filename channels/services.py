"""Channels are connected, changed, paused and closed here."""

from __future__ import annotations

import secrets
from typing import Any

from django.core.validators import validate_slug
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from channels.events import CHANNEL_CHANGED, CHANNEL_CREATED
from channels.kinds import ChannelError, rules_of
from channels.models import Channel
from channels.trouble import RECEIVING, trouble_over
from core.access import Can, check
from core.errors import Conflict
from core.events import record
from core.secrets import Unreadable
from programs.models import Program


@transaction.atomic
def create_channel(*, by: Any, kind: str, name: str, slug: str, program: Program, settings: dict[str, Any]) -> Channel:
    """A new door of a program. What opens it is kept encrypted; its hook's secret is `channel.read_secrets()["hook_secret"]`."""
    check(by, Can.MANAGE_CHANNELS, program.pk)
    rules = rules_of(kind)
    channel = Channel(kind=kind, name=_named(name), slug=_slug(slug), program=program)
    given = rules.read(settings, channel)
    channel.settings = given.settings
    channel.keep_secrets({**given.secrets, "hook_secret": secrets.token_urlsafe(32)})
    try:
        with transaction.atomic():
            channel.save()
    except IntegrityError:
        raise Conflict(_("This short name is taken. Choose another."), code="taken", field="slug") from None
    record(CHANNEL_CREATED, channel, program, by=by, data={"channel": channel.name})
    transaction.on_commit(lambda: rules.connect(channel), robust=True)
    return channel


@transaction.atomic
def change_channel(
    channel: Channel, *, by: Any, name: str | None = None, status: str | None = None, settings: dict[str, Any] | None = None
) -> Channel:
    """Change what is given. A mailbox whose IMAP account or folder changes is read from its beginning; what is known stays known."""
    check(by, Can.MANAGE_CHANNELS, channel.program_id)
    channel = Channel.objects.select_for_update(of=("self",)).select_related("program").get(pk=channel.pk)
    if channel.kind == Channel.Kind.PORTAL:
        raise ChannelError(_("A portal is there as long as its program is."), code="kind")
    rules = rules_of(channel.kind)
    before = (channel.name, channel.status, channel.settings, _secrets_of(channel))
    if name is not None:
        channel.name = _named(name)
    if status is not None:
        channel.status = Channel.Status(status)
    if settings is not None:
        given = rules.read(settings, channel)
        if given.settings.get("imap_url") != channel.settings.get("imap_url"):
            channel.imap_uidvalidity, channel.imap_uid = None, 0
        channel.settings = given.settings
        channel.keep_secrets({"hook_secret": before[3].get("hook_secret") or secrets.token_urlsafe(32), **given.secrets})
        if before[3] == {}:  # it was locked: what the hook said of that is over
            transaction.on_commit(lambda: trouble_over(channel, RECEIVING))
    if (channel.name, channel.status, channel.settings, _secrets_of(channel)) != before:
        channel.save()
        record(CHANNEL_CHANGED, channel, by=by, data={"channel": channel.name, "status": channel.status})
        transaction.on_commit(lambda: rules.connect(channel), robust=True)
    return channel


def _secrets_of(channel: Channel) -> dict[str, Any]:
    """Nothing, where they cannot be read any more: they are entered anew."""
    try:
        return channel.read_secrets()
    except Unreadable:
        return {}


def _named(name: str) -> str:
    if not name.strip():
        raise ChannelError(_("Give it a name."), code="required", field="name")
    return name.strip()[:120]


def _slug(slug: str) -> str:
    try:
        validate_slug(slug)
    except Exception:
        raise ChannelError(_("A short name has letters, digits, - or _ alone."), code="invalid", field="slug") from None
    if slug in ("new", "reconciliation"):  # pages stand there
        raise Conflict(_("This short name is taken. Choose another."), code="taken", field="slug")
    return slug[:60]
