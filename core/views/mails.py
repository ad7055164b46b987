"""The mails that Tributary wrote: kept where no mail server is set, sent otherwise."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from core.access import Can, manager_required
from core.listing import ChoiceFilter, Column, DateFilter, Empty, Listing, StateColumn, TimeColumn
from core.mail import readable_mails
from core.models import Mail


@manager_required(Can.MANAGE_AFFILIATES)
def mail_list(request: HttpRequest) -> HttpResponse:
    return Listing(
        request,
        readable_mails(request.user).defer("body", "html"),
        name="mails",
        columns=[
            TimeColumn("created_at", _("Written"), sort=True),
            Column("to", _("To"), sort=True),
            Column("subject", _("Subject"), url=lambda mail: reverse("manage:mail_detail", args=[mail.public_id])),
            StateColumn("status", _("State"), sort=True),
        ],
        filters=[ChoiceFilter("status", _("State"), choices=Mail.Status), DateFilter("created_at", _("Written"))],
        search=["to", "subject"],
        search_hint=_("Search address or subject"),
        default_sort="-created_at",
        empty=Empty(_("No mails yet"), _("Invitations, approvals and payouts write the first ones."), icon="mail"),
    ).response("core/manager/mail_list.html", {"kept": settings.MAIL_SERVER is None})


@manager_required(Can.MANAGE_AFFILIATES)
def mail_detail(request: HttpRequest, public_id: str) -> HttpResponse:
    """The text part alone: a mail's HTML is never shown as a page of ours."""
    mail = get_object_or_404(readable_mails(request.user), pk=Mail.pk_from(public_id))
    return render(request, "core/manager/mail_detail.html", {"mail": mail, "kept": settings.MAIL_SERVER is None})
