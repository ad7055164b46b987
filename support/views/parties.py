"""Whose an unknown sender is, said beside the ticket."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib import messages
from django.db.models import Prefetch, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from affiliates.models import Affiliate, AffiliateMember
from channels.models import ContactAddress
from core.access import Can, manager_required
from core.filters import search_condition
from core.ui import refusals_as_messages
from support.models import Ticket
from support.services.parties import match_sender, unmatch_sender
from support.views.tickets import back_to, visible_ticket
from tracking.models import Coupon, Link

SHOWN = 6
SHORTEST = 2  # characters


@manager_required(Can.ANSWER_TICKETS)
@require_safe
def ticket_whose(request: HttpRequest, public_id: str) -> HttpResponse:
    """Affiliates whose name, e-mail, id, link or coupon the text may be, each with what would be visible to whom."""
    ticket = visible_ticket(request, public_id, Can.ANSWER_TICKETS)
    text = request.GET.get("q", "").strip()[:200]
    context = {
        "ticket": ticket,
        "text": text,
        "found": _found(request, text) if ticket.contact and len(text) >= SHORTEST else [],
        "tickets": Ticket.objects.filter(contact=ticket.contact_id, affiliate=None).count(),
        "addresses": ", ".join(str(address) for address in _proved(ticket)),
    }
    response = render(request, "support/manager/_whose_found.html", context)
    response["Cache-Control"] = "no-store"
    return response


def _proved(ticket: Ticket) -> Iterable[ContactAddress]:
    """From which what comes is the affiliate's, too, once that is said."""
    return ticket.contact.addresses.exclude(kind=ContactAddress.Kind.UNPROVED) if ticket.contact else ()


def _found(request: HttpRequest, text: str) -> list[Affiliate]:
    people = AffiliateMember.objects.filter(removed_at=None, user__is_active=True).select_related("user")
    known = search_condition(text, ["name", "email", "external_id__iexact"]) | Q(pk=Affiliate.pk_from(text) or 0)
    for model in (Link, Coupon):
        known |= Q(pk__in=model.objects.filter(code__iexact=text).values("affiliate"))
    visible = Affiliate.objects.visible_to(request.user).filter(known).order_by("name", "pk")
    return list(visible.prefetch_related(Prefetch("members", people, to_attr="people"))[:SHOWN])


@manager_required(Can.ANSWER_TICKETS)
@require_POST
def ticket_match(request: HttpRequest, public_id: str) -> HttpResponse:
    ticket = visible_ticket(request, public_id, Can.ANSWER_TICKETS)
    pk = Affiliate.pk_from(request.POST.get("affiliate", ""))
    affiliate = Affiliate.objects.visible_to(request.user).filter(pk=pk or 0).first()
    reason = " ".join(request.POST.get("reason", "").split())[:300]
    if affiliate is None:
        messages.error(request, _("There is no such affiliate for you."))
    elif not reason:
        messages.error(request, _("Say how you know: it stands in the history."))
    else:
        with refusals_as_messages(request):
            match_sender(ticket, affiliate, by=request.user, reason=reason)
            messages.success(request, _("What they wrote and write is %(affiliate)s’s.") % {"affiliate": affiliate})
    return back_to(request, ticket)


@manager_required(Can.ANSWER_TICKETS)
@require_POST
def ticket_unmatch(request: HttpRequest, public_id: str) -> HttpResponse:
    ticket = visible_ticket(request, public_id, Can.ANSWER_TICKETS)
    with refusals_as_messages(request):
        unmatch_sender(
            ticket, by=request.user, reason=_("Said so beside the ticket “%(subject)s”.") % {"subject": ticket.subject}
        )
        messages.success(request, _("What they wrote is nobody’s again: the affiliate sees none of it any more."))
    return back_to(request, ticket)
