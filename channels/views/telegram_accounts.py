"""The company's own Telegram accounts and the groups that bots are in, for managers: who writes, and whose a group is."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from channels.forms_telegram import AccountForm, GroupForm
from channels.models import BusinessConnection, Chat
from channels.telegram.business import change_person
from channels.telegram.chats import give_chat
from core.access import Can, manager_required, rights_of
from core.columns import Column, PersonColumn, StateColumn, TimeColumn
from core.filters import BooleanFilter
from core.listing import Empty, Listing
from core.models import Event
from core.ui import refusals_as_errors


@manager_required(Can.SEE_TICKETS)
def telegram_account_list(request: HttpRequest) -> HttpResponse:
    accounts = BusinessConnection.objects.visible_to(request.user).select_related("channel__program", "person")
    rights = rights_of(request.user)
    listing = Listing(
        request,
        accounts,
        name="telegram-accounts",
        columns=[
            Column("shown_name", _("Account"), value=lambda a: a.shown_name, sort=True),
            Column("username", _("Handle"), value=lambda a: f"@{a.username}" if a.username else ""),
            PersonColumn("person", _("Writes there now"), sort="person__name"),
            StateColumn("state", _("State"), value=_state),
            Column("channel", _("Bot"), value=lambda a: a.channel.name, sort="channel__name"),
            Column("program", _("Program"), value=lambda a: a.channel.program.name, sort="channel__program__name"),
            TimeColumn("changed_at", _("Changed"), sort=True),
        ],
        search=["shown_name", "username"],
        default_sort="shown_name",
        row_url=lambda a: (
            reverse("manage:telegram_account", args=[a.public_id])
            if rights.has(Can.MANAGE_CHANNELS, a.channel.program_id)
            else ""
        ),
        empty=Empty(
            _("No account of the company's is connected"),
            _(
                "In Telegram: Settings, Telegram Business, Chatbots. Enter your bot's name there and let it reply; the account appears here."
            ),
        ),
    )
    return listing.response("channels/manager/telegram_account_list.html")


def _state(account: BusinessConnection) -> str:
    if not account.is_enabled:
        return "disconnected"
    return "connected" if account.can_reply else "read_only"


@manager_required(Can.MANAGE_CHANNELS)
def telegram_account(request: HttpRequest, public_id: str) -> HttpResponse:
    accounts = BusinessConnection.objects.visible_to(request.user, Can.MANAGE_CHANNELS).select_related(
        "channel__program", "person"
    )
    account = get_object_or_404(accounts, pk=BusinessConnection.pk_from(public_id))
    form = AccountForm(request.POST or None, account=account)
    if form.is_valid():
        with refusals_as_errors(form):
            change_person(account, by=request.user, **form.cleaned_data)
            messages.success(request, _("Saved. Contacts are told who writes to them now."))
            return redirect("manage:telegram_account", account.public_id)
    context = {
        "account": account,
        "form": form,
        "state": _state(account),
        "chats": account.chats.count(),
        "events": Event.objects.about(account),
    }
    return render(request, "channels/manager/telegram_account.html", context)


@manager_required(Can.SEE_TICKETS)
def telegram_group_list(request: HttpRequest) -> HttpResponse:
    rights = rights_of(request.user)
    listing = Listing(
        request,
        Chat.objects.visible_to(request.user).filter(kind=Chat.Kind.GROUP).select_related("affiliate", "channel__program"),
        name="telegram-groups",
        columns=[
            Column("title", _("Group"), value=str, sort=True),
            PersonColumn("affiliate", _("Affiliate"), sort="affiliate__name"),
            Column("channel", _("Bot"), value=lambda chat: chat.channel.name, sort="channel__name"),
            TimeColumn("last_in_at", _("Last message"), sort=True),
            Column("closed_reason", _("Why nothing can be sent"), value=lambda chat: chat.closed_reason),
        ],
        filters=[BooleanFilter("nobodys", _("Nobody's yet"), apply=_nobodys)],
        search=["title", "affiliate__name"],
        default_sort="-last_in_at",
        row_url=lambda chat: (
            reverse("manage:telegram_group", args=[chat.public_id])
            if rights.has(Can.ANSWER_TICKETS, chat.channel.program_id)
            else ""
        ),
        empty=Empty(
            _("No groups"),
            _(
                "Add the bot to a group in Telegram, and let it read there (BotFather: Group Privacy off). It appears with its first message."
            ),
        ),
    )
    return listing.response("channels/manager/telegram_group_list.html")


def _nobodys(chats: QuerySet[Chat], value: bool) -> QuerySet[Chat]:
    return chats.filter(affiliate__isnull=value)


@manager_required(Can.ANSWER_TICKETS)
def telegram_group(request: HttpRequest, public_id: str) -> HttpResponse:
    groups = (
        Chat.objects.visible_to(request.user, Can.ANSWER_TICKETS)
        .filter(kind=Chat.Kind.GROUP)
        .select_related("affiliate", "channel__program")
    )
    group = get_object_or_404(groups, pk=Chat.pk_from(public_id))
    form = GroupForm(request.POST or None, user=request.user, initial={"affiliate": group.affiliate and group.affiliate.email})
    if form.is_valid():
        with refusals_as_errors(form):
            give_chat(group, form.cleaned_data["affiliate"], by=request.user)
            messages.success(request, _("Saved."))
            return redirect("manage:telegram_group_list")
    context = {"group": group, "form": form, "events": Event.objects.about(group)}
    return render(request, "channels/manager/telegram_group.html", context)
