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
from core.middleware import csp
from core.models import Mail


@manager_required(Can.MANAGE_AFFILIATES)
def mail_list(request: HttpRequest) -> HttpResponse:
    return Listing(
        request,
        readable_mails(request.user).defer("body", "html"),
        name="mails",
        columns=[
            Column("subject", _("Subject")),
            Column("to", _("To"), sort=True),
            StateColumn("status", _("State"), sort=True),
            TimeColumn("created_at", _("Written"), sort=True),
        ],
        filters=[ChoiceFilter("status", _("State"), choices=Mail.Status), DateFilter("created_at", _("Written"))],
        search=["to", "subject"],
        search_hint=_("Address or subject"),
        default_sort="-created_at",
        row_url=lambda mail: reverse("manage:mail_detail", args=[mail.public_id]),
        empty=Empty(_("No mails yet"), _("Invitations, approvals and payouts write the first ones."), icon="mail"),
    ).response("core/manager/mail_list.html", {"kept": settings.MAIL_SERVER is None})


# What a mail's HTML may do in its frame: carry its own styles, and nothing else; links open beside it.
FRAMED = (
    """<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">"""
    """<base target="_blank">"""
)


@manager_required(Can.MANAGE_AFFILIATES)
@csp(style_src_attr=["'unsafe-inline'"])  # the frame is held to this page's policy as well, and mails are styled in their tags
def mail_detail(request: HttpRequest, public_id: str) -> HttpResponse:
    """Both parts. The HTML stands in a sandboxed frame: no script, no form, nothing loaded from anywhere, no access to this page."""
    mail = get_object_or_404(readable_mails(request.user), pk=Mail.pk_from(public_id))
    return render(request, "core/manager/mail_detail.html", {"mail": mail, "framed": FRAMED + mail.html if mail.html else ""})
