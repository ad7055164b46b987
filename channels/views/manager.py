"""Channels, for those who connect them; and how what came in through them was filed, for everybody of the team."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from channels.forms import FORMS
from channels.kinds import ChannelError, rules_of
from channels.models import Channel
from channels.queries import reconcile, reconcile_many
from channels.services import change_channel, create_channel
from core.access import Can, manager_required, rights_of
from core.listing import BooleanFilter, ChoiceFilter, Column, Empty, Listing, PersonColumn, RelatedFilter, StateColumn, TimeColumn
from core.models import Event
from core.ui import refusals_as_errors


@manager_required(Can.SEE_TICKETS)
def channel_list(request: HttpRequest) -> HttpResponse:
    """Every channel with its reconciliation, and what is wrong with it."""
    channels = Channel.objects.visible_to(request.user).select_related("program")
    connects = rights_of(request.user).has(Can.MANAGE_CHANNELS)
    return Listing(
        request,
        channels,
        name="channels",
        caption=_("Channels"),
        columns=[
            PersonColumn("name", gettext_lazy("Channel"), value=lambda channel: channel, sort="name", detail="shown_address"),
            Column("kind", gettext_lazy("Kind"), value=lambda channel: channel.get_kind_display(), sort="kind"),
            PersonColumn("program", gettext_lazy("Program"), sort="program__name"),
            StateColumn("state", gettext_lazy("State"), value=lambda channel: channel.state),
            TimeColumn("trouble_since", gettext_lazy("Wrong since")),
            TimeColumn("polled_at", gettext_lazy("Last looked"), sort=True),
        ],
        filters=[
            ChoiceFilter("kind", gettext_lazy("Kind"), choices=Channel.Kind),
            ChoiceFilter("status", gettext_lazy("State"), choices=Channel.Status),
            BooleanFilter(
                "trouble",
                gettext_lazy("Trouble"),
                yes=gettext_lazy("Does not work"),
                no=gettext_lazy("Works"),
                apply=_in_trouble,
            ),
            RelatedFilter("program", gettext_lazy("Program"), rows=lambda: _programs(request), param="slug"),
        ],
        search=["name", "slug"],
        default_sort="name",
        row_url=lambda channel: reverse("manage:channel_detail", args=[channel.slug]),
        empty=Empty(
            _("No channels yet"),
            _("A mailbox, a Telegram bot or a phone line: whatever affiliates write or say through it becomes a ticket."),
            reverse("manage:channel_create", args=["email"]) if connects else "",
            _("Connect a mailbox"),
            icon="plug",
        ),
    ).response("channels/manager/channel_list.html", {"connects": connects})


def _in_trouble(channels: QuerySet[Channel], wrong: bool) -> QuerySet[Channel]:
    troubled = Channel.objects.in_trouble()
    return channels.filter(pk__in=troubled) if wrong else channels.exclude(pk__in=troubled)


def _programs(request: HttpRequest) -> QuerySet[Any]:
    from programs.queries import visible_programs

    return visible_programs(request.user, Can.SEE_TICKETS)


@manager_required(Can.SEE_TICKETS)
def reconciliation(request: HttpRequest) -> HttpResponse:
    """For each channel: received = filed + duplicate + quarantined."""
    channels = list(Channel.objects.visible_to(request.user).exclude(kind=Channel.Kind.PORTAL).select_related("program"))
    counts = reconcile_many(channels)
    rows = [(channel, counts[channel.pk]) for channel in channels]
    totals = {
        name: sum(getattr(c, name) for _channel, c in rows)
        for name in ("received", "filed", "duplicate", "quarantined", "waiting")
    }
    return render(request, "channels/manager/reconciliation.html", {"rows": rows, "totals": totals})


@manager_required(Can.SEE_TICKETS)
def channel_detail(request: HttpRequest, slug: str) -> HttpResponse:
    channel = get_object_or_404(Channel.objects.visible_to(request.user).select_related("program"), slug=slug)
    manages = rights_of(request.user).has(Can.MANAGE_CHANNELS, channel.program_id) and channel.kind != Channel.Kind.PORTAL
    context = {
        "channel": channel,
        "manages": manages,
        "counts": reconcile(channel),
        "events": Event.objects.about(channel),
        "shown": _shown_settings(channel),
        "locked": channel.is_locked,
    }
    return render(request, "channels/manager/channel_detail.html", context)


def _shown_settings(channel: Channel) -> list[tuple[str, Any]]:
    labels = {
        "address": _("E-mail address"),
        "sender_name": _("Name shown as sender"),
        "imap_url": _("IMAP server"),
        "smtp_url": _("SMTP server"),
        "username": _("Bot"),
        "api_base_url": _("Bot API server"),
        "number": _("Number"),
        "authserv_id": _("Mail server whose word counts"),
        "authserv_learned": _("Mail server whose word counts, as learned"),
    }
    if channel.settings.get("authserv_id"):
        del labels["authserv_learned"]
    return [(label, channel.settings[name]) for name, label in labels.items() if channel.settings.get(name)]


@manager_required(Can.MANAGE_CHANNELS)
def channel_create(request: HttpRequest, kind: str) -> HttpResponse:
    if kind not in FORMS:
        raise Http404
    form = FORMS[kind](request.POST or None, by=request.user)
    if form.is_valid():
        fields = {name: form.cleaned_data[name] for name in ("name", "slug", "program")}
        with refusals_as_errors(form):
            channel = create_channel(by=request.user, kind=kind, settings=form.settings(), **fields)
            messages.success(request, _("%(channel)s is connected.") % {"channel": channel})
            return redirect("manage:channel_detail", channel.slug)
    return render(request, "channels/manager/channel_create.html", {"form": form, "kind": Channel.Kind(kind)})


@manager_required(Can.MANAGE_CHANNELS)
def channel_edit(request: HttpRequest, slug: str) -> HttpResponse:
    channel = _managed(request, slug)
    form = FORMS[channel.kind](request.POST or None, by=request.user, channel=channel)
    if form.is_valid():
        with refusals_as_errors(form):
            given = form.cleaned_data
            change_channel(channel, by=request.user, name=given["name"], status=given["status"], settings=form.settings())
            messages.success(request, _("Saved."))
            return redirect("manage:channel_detail", channel.slug)
    return render(request, "channels/manager/channel_edit.html", {"form": form, "channel": channel})


@manager_required(Can.MANAGE_CHANNELS)
@require_POST
def channel_try(request: HttpRequest, slug: str) -> HttpResponse:
    """Connect and sign in, in both directions, now."""
    channel = _managed(request, slug)
    try:
        rules_of(channel.kind).trial(channel)
    except ChannelError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("It works: we are let in."))
    return redirect("manage:channel_detail", channel.slug)


@manager_required(Can.MANAGE_CHANNELS)
def channel_secret(request: HttpRequest, slug: str) -> HttpResponse:
    """What its hook asks for, on a page of its own: it opens the channel to whoever reads it."""
    channel = _managed(request, slug)
    secret = None if channel.is_locked else channel.read_secrets().get("hook_secret")
    return render(request, "channels/manager/channel_secret.html", {"channel": channel, "secret": secret})


def _managed(request: HttpRequest, slug: str) -> Channel:
    channels = Channel.objects.visible_to(request.user, Can.MANAGE_CHANNELS).select_related("program")
    return get_object_or_404(channels.exclude(kind=Channel.Kind.PORTAL), slug=slug)
