"""What a person has to look at: items that could not be filed, messages that did not leave, senders whom nobody knows."""

from __future__ import annotations

from email.utils import parseaddr

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from affiliates.models import Affiliate
from channels.contacts import claimed_affiliates, match_contact, unmatch_contact
from channels.forms import MatchForm, RescueForm, UntieForm
from channels.models import Channel, Contact, InboundItem, Outgoing
from channels.outgoing import confirm_arrival, give_up, send_again
from channels.parsed import find_filed
from channels.quarantine import make_ticket, readable_text, set_aside, try_again
from core.access import Can, manager_required, rights_of
from core.listing import (
    BooleanFilter,
    BulkAction,
    ChoiceFilter,
    Column,
    Empty,
    Listing,
    PersonColumn,
    RelatedFilter,
    StateColumn,
    TimeColumn,
)
from core.models import Event
from core.ui import redirect_back, refusals_as_errors, refusals_as_messages

Status = Outgoing.Status


# Quarantine


def _quarantined(request: HttpRequest) -> QuerySet[InboundItem]:
    items = InboundItem.objects.filter(channel__in=Channel.objects.visible_to(request.user))
    return items.filter(status=InboundItem.Status.QUARANTINED).select_related("channel__program")


def quarantine_listing(request: HttpRequest) -> Listing:
    return Listing(
        request,
        _quarantined(request).filter(dismissed_at__isnull=True).defer("raw"),
        name="quarantine",
        caption=_("Quarantine"),
        columns=[
            Column("sender", gettext_lazy("From"), value=lambda item: item.sender or "—"),
            Column("subject", gettext_lazy("Subject"), value=lambda item: item.subject or "—"),
            Column("reason", gettext_lazy("Why it is here")),
            PersonColumn("channel", gettext_lazy("Channel"), sort="channel__name"),
            TimeColumn("received_at", gettext_lazy("Came in"), sort=True),
        ],
        filters=[
            RelatedFilter("channel", gettext_lazy("Channel"), rows=lambda: Channel.objects.visible_to(request.user), param="slug")
        ],
        search=["sender", "subject", "reason"],
        default_sort="-received_at",
        row_url=lambda item: reverse("manage:quarantine_detail", args=[item.public_id]),
        row_name=lambda item: item.subject or item.sender or item.public_id,
        bulk=[
            BulkAction(
                _("Set aside"),
                reverse("manage:quarantine_dismiss"),
                confirm=lambda number: ngettext(
                    "Set {count} item aside? It stays kept and counted, and out of this list.",
                    "Set {count} items aside? They stay kept and counted, and out of this list.",
                    number,
                ),
            )
        ],
        empty=Empty(_("Nothing is quarantined"), _("Everything that came in found its ticket."), icon="shield-check"),
    )


@manager_required(Can.SEE_TICKETS)
def quarantine_list(request: HttpRequest) -> HttpResponse:
    return quarantine_listing(request).response("channels/manager/quarantine_list.html")


@manager_required(Can.ANSWER_TICKETS)
@require_POST
def quarantine_dismiss(request: HttpRequest) -> HttpResponse:
    with refusals_as_messages(request):
        for item in quarantine_listing(request).selected():
            set_aside(item, by=request.user)
    return redirect_back(request, "manage:quarantine_list")


@manager_required(Can.SEE_TICKETS)
def quarantine_detail(request: HttpRequest, public_id: str) -> HttpResponse:
    """The reason, what can be read of it, and the button that makes a ticket of it."""
    item = get_object_or_404(_quarantined(request), pk=InboundItem.pk_from(public_id))
    answers = rights_of(request.user).has(Can.ANSWER_TICKETS, item.channel.program_id)
    text = readable_text(item)
    name, address = parseaddr(item.sender)
    initial = {"value": address if "@" in address else "", "name": name, "subject": item.subject, "text": text}
    form = RescueForm(request.POST or None, channel=item.channel, initial=initial)
    if answers and form.is_valid():
        given = form.cleaned_data
        with refusals_as_errors(form):
            reference = make_ticket(item, by=request.user, kind=form.kind, **given)
            filed = find_filed(reference)
            if filed is None:
                return redirect("manage:quarantine_list")
            messages.success(request, _("It is a ticket now, with the words as they came."))
            return redirect("manage:ticket_detail", filed.ticket)
    context = {"item": item, "text": text, "form": form if answers else None, "events": Event.objects.about(item)}
    return render(request, "channels/manager/quarantine_detail.html", context)


@manager_required(Can.ANSWER_TICKETS)
@require_POST
def quarantine_retry(request: HttpRequest, public_id: str) -> HttpResponse:
    item = get_object_or_404(_quarantined(request), pk=InboundItem.pk_from(public_id))
    with refusals_as_messages(request):
        item = try_again(item, by=request.user)
        if item.status == InboundItem.Status.QUARANTINED:
            messages.warning(request, _("It still cannot be filed: %(reason)s") % {"reason": item.reason})
            return redirect("manage:quarantine_detail", item.public_id)
        messages.success(request, _("It is filed now."))
    return redirect("manage:quarantine_list")


@manager_required(Can.SEE_TICKETS)
def quarantine_raw(request: HttpRequest, public_id: str) -> HttpResponse:
    """Its bytes as they came, as a download that no browser runs."""
    item = get_object_or_404(_quarantined(request), pk=InboundItem.pk_from(public_id))
    response = HttpResponse(bytes(item.raw or b""), content_type="application/octet-stream")
    response["Content-Disposition"] = f'attachment; filename="{item.public_id}.txt"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


# What did not leave


def _undelivered(request: HttpRequest) -> QuerySet[Outgoing]:
    rows = Outgoing.objects.filter(channel__in=Channel.objects.visible_to(request.user))
    return rows.filter(status__in=[Status.FAILED, Status.UNKNOWN]).select_related("channel__program")


def outgoing_listing(request: HttpRequest) -> Listing:
    return Listing(
        request,
        _undelivered(request),
        name="undelivered",
        caption=_("Not delivered"),
        columns=[
            Column("to", gettext_lazy("To"), sort=True),
            StateColumn("status", gettext_lazy("State"), sort=True),
            Column("error", gettext_lazy("What happened")),
            PersonColumn("channel", gettext_lazy("Channel"), sort="channel__name"),
            TimeColumn("created_at", gettext_lazy("Written"), sort=True),
        ],
        filters=[
            ChoiceFilter("status", gettext_lazy("State"), choices=[(s.value, s.label) for s in (Status.FAILED, Status.UNKNOWN)]),
            RelatedFilter(
                "channel", gettext_lazy("Channel"), rows=lambda: Channel.objects.visible_to(request.user), param="slug"
            ),
        ],
        search=["to", "error"],
        default_sort="-created_at",
        row_url=lambda row: reverse("manage:outgoing_detail", args=[row.public_id]),
        row_name=lambda row: row.to,
        empty=Empty(_("Everything was delivered"), _("What a mail server or Telegram refuses is shown here."), icon="send"),
    )


@manager_required(Can.SEE_TICKETS)
def outgoing_list(request: HttpRequest) -> HttpResponse:
    return outgoing_listing(request).response("channels/manager/outgoing_list.html")


@manager_required(Can.SEE_TICKETS)
def outgoing_detail(request: HttpRequest, public_id: str) -> HttpResponse:
    rows = Outgoing.objects.filter(channel__in=Channel.objects.visible_to(request.user)).select_related("channel__program")
    row = get_object_or_404(rows, pk=Outgoing.pk_from(public_id))
    context = {
        "row": row,
        "text": row.payload.get("text") or row.payload.get("caption") or "",
        "filed": find_filed(row.about),
        "answers": rights_of(request.user).has(Can.ANSWER_TICKETS, row.channel.program_id),
        "events": Event.objects.about(row),
    }
    return render(request, "channels/manager/outgoing_detail.html", context)


DECISIONS = {"arrived": confirm_arrival, "again": send_again, "never": give_up}


@manager_required(Can.ANSWER_TICKETS)
@require_POST
def outgoing_decide(request: HttpRequest, public_id: str) -> HttpResponse:
    row = get_object_or_404(_undelivered(request), pk=Outgoing.pk_from(public_id))
    decide = DECISIONS.get(request.POST.get("decision", ""))
    if decide is not None:
        with refusals_as_messages(request):
            decide(row, by=request.user)
            messages.success(request, _("Noted."))
    return redirect_back(request, "manage:outgoing_list")


# Contacts


@manager_required(Can.SEE_TICKETS)
def contact_list(request: HttpRequest) -> HttpResponse:
    """Those who wrote, unknown ones first."""
    contacts = Contact.objects.visible_to(request.user).select_related("affiliate").prefetch_related("addresses")
    return Listing(
        request,
        contacts,
        name="contacts",
        caption=_("Contacts"),
        columns=[
            PersonColumn("name", gettext_lazy("Contact"), value=lambda contact: contact, sort="name"),
            Column(
                "addresses", gettext_lazy("Addresses"), value=lambda contact: ", ".join(str(a) for a in contact.addresses.all())
            ),
            PersonColumn("affiliate", gettext_lazy("Affiliate"), sort="affiliate__name"),
            TimeColumn("created_at", gettext_lazy("First wrote"), sort=True),
        ],
        filters=[BooleanFilter("unknown", gettext_lazy("Nobody's yet"), field="affiliate__isnull")],
        search=["name", "addresses__value", "affiliate__name"],
        default_sort="-created_at",
        row_url=lambda contact: reverse("manage:contact_detail", args=[contact.public_id]),
        empty=Empty(_("Nobody has written yet"), _("Whoever writes to a channel stands here."), icon="address-book"),
    ).response("channels/manager/contact_list.html")


@manager_required(Can.SEE_TICKETS)
def contact_detail(request: HttpRequest, public_id: str) -> HttpResponse:
    """Who it is as far as known, and the form by which a person says whose it is."""
    contact = _contact(request, public_id)
    answers = rights_of(request.user).has(Can.ANSWER_TICKETS)
    claimed = claimed_affiliates([contact]).get(contact.pk)
    if claimed is not None and not Affiliate.objects.visible_to(request.user).filter(pk=claimed.pk).exists():
        claimed = None
    form = None
    if answers and contact.affiliate is None:
        form = MatchForm(request.POST or None, by=request.user, initial={"affiliate": claimed})
    if form is not None and form.is_valid():
        with refusals_as_errors(form):
            given = form.cleaned_data
            match_contact(contact, given["affiliate"], by=request.user, reason=given["reason"])
            messages.success(request, _("What they write is %(affiliate)s’s from now on.") % {"affiliate": given["affiliate"]})
            return redirect("manage:contact_detail", contact.public_id)
    context = {
        "contact": contact,
        "claimed": claimed,
        "form": form,
        "reason_form": UntieForm() if answers and contact.affiliate else None,
        "events": Event.objects.about(contact),
    }
    return render(request, "channels/manager/contact_detail.html", context)


@manager_required(Can.ANSWER_TICKETS)
@require_POST
def contact_unmatch(request: HttpRequest, public_id: str) -> HttpResponse:
    contact = _contact(request, public_id)
    form = UntieForm(request.POST)
    if form.is_valid():
        with refusals_as_messages(request):
            wrong = form.cleaned_data["what"] == UntieForm.WRONG
            unmatch_contact(contact, by=request.user, reason=form.cleaned_data["reason"], wrong=wrong)
    else:
        messages.error(request, _("Say what is true, and why."))
    return redirect("manage:contact_detail", contact.public_id)


def _contact(request: HttpRequest, public_id: str) -> Contact:
    contacts = Contact.objects.visible_to(request.user).select_related("affiliate", "user", "matched_by")
    return get_object_or_404(contacts, pk=Contact.pk_from(public_id))
