"""One search for everything a member of the team may see: what it is called."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from affiliates.models import Affiliate
from commissions.models import Commission
from core.access import Can, Rights, programs_of, rights_of
from core.components import day_text
from payouts.models import Payout, PayoutBatch
from programs.models import Program
from support.models import Ticket
from support.queries.search import search_tickets
from tracking.attribution import parse_click_id
from tracking.models import Click, Conversion, Coupon, Link

EACH = 6  # of a kind


@dataclass(frozen=True)
class Found:
    """One thing that was found: where it is, what it is, and what tells it from others."""

    url: str
    kind: str
    label: str
    detail: str
    icon: str


def search(text: str, *, by: Any) -> list[Found]:
    """At most EACH of every kind, by a constant number of queries: people by any part, codes by their beginning, orders whole."""
    text = " ".join(text.split())[:200]
    if len(text) < 2 or "\x00" in text:
        return []
    rights = rights_of(by)
    found = [*_actions(text, rights), *_people(text, by)]
    if rights.has(Can.SEE_TICKETS):
        found += _tickets(text, by)
    if rights.has(Can.SEE_TRACKING):
        found += _tracked(text, by)
    if rights.has(Can.SEE_MONEY):
        found += _money(text, by)
    return found


ACTIONS = [  # what people come to do: (page, words, icon, who may)
    ("manage:affiliate_create", gettext_lazy("Add an affiliate"), "user-plus", Can.MANAGE_AFFILIATES),
    ("manage:link_create", gettext_lazy("Make a link"), "link", Can.MANAGE_TRACKING),
    ("manage:coupon_create", gettext_lazy("Add a coupon"), "ticket", Can.MANAGE_TRACKING),
    ("manage:batch_create", gettext_lazy("Prepare a payout"), "cash-banknote", Can.PREPARE_PAYOUTS),
    ("manage:ledger_verify", gettext_lazy("Proof of the ledger"), "scale", Can.APPROVE_PAYOUTS),
    ("manage:program_create", gettext_lazy("Make a program"), "building-store", Can.MANAGE_PROGRAMS),
    ("manage:member_appoint", gettext_lazy("Appoint somebody"), "users-plus", Can.MANAGE_PEOPLE),
    ("manage:key_create", gettext_lazy("Make an API key"), "key", Can.ADMINISTER),
]
EVERYWHERE = {"manage:program_create"}  # only with the right in every program


def _actions(text: str, rights: Rights) -> Iterator[Found]:
    words = text.lower().split()
    for page, label, icon, can in ACTIONS:
        may = rights.everywhere(can) if page in EVERYWHERE else rights.has(can)
        if may and all(word in str(label).lower() for word in words):
            yield Found(reverse(page), _("Action"), str(label), "", icon)


def _people(text: str, by: Any) -> Iterator[Found]:
    named = Q(name__icontains=text) | Q(email__icontains=text) | Q(external_id=text)
    for affiliate in Affiliate.objects.visible_to(by).filter(named | Q(pk=Affiliate.pk_from(text) or 0)).order_by("name")[:EACH]:
        url = reverse("manage:affiliate_detail", args=[affiliate.public_id])
        yield Found(url, _("Affiliate"), affiliate.name, affiliate.email, "user")
    programs = programs_of(by, Can.SEE)
    visible = Program.objects.all() if programs is None else Program.objects.filter(pk__in=programs)
    for program in visible.filter(Q(name__icontains=text) | Q(slug__icontains=text))[:EACH]:
        yield Found(
            reverse("manage:program_detail", args=[program.slug]), _("Program"), program.name, program.slug, "building-store"
        )
    if rights_of(by).has(Can.SEE_TEAM):
        team = User.objects.filter(assignments__revoked_at=None, assignments__isnull=False, is_service=False).distinct()
        for user in team.filter(Q(name__icontains=text) | Q(email__icontains=text))[:EACH]:
            yield Found(reverse("manage:member_detail", args=[user.public_id]), _("Team"), user.name, user.email, "users")


def _tickets(text: str, by: Any) -> Iterator[Found]:
    keys = search_tickets(text, by=by).tickets[:EACH]
    rows = Ticket.objects.select_related("affiliate", "contact").in_bulk(keys)
    for key in keys:
        ticket = rows[key]
        yield Found(
            reverse("manage:ticket_detail", args=[ticket.public_id]),
            _("Ticket"),
            ticket.subject,
            str(ticket.party),
            "message-circle",
        )


def _tracked(text: str, by: Any) -> Iterator[Found]:
    click = parse_click_id(text)
    one = Q(click_id=click) if click else Q(external_id=text) | Q(pk=Conversion.pk_from(text) or 0)
    for conversion in Conversion.objects.visible_to(by).filter(one).select_related("affiliate")[:EACH]:
        url = reverse("manage:conversion_detail", args=[conversion.public_id])
        yield Found(
            url, _("Conversion"), conversion.external_id, str(conversion.affiliate or _("Nobody credited")), "shopping-cart"
        )
    if click:
        clicks = Click.objects.filter(pk=click)
        programs = programs_of(by, Can.SEE_TRACKING)
        for row in clicks if programs is None else clicks.filter(program_id__in=programs):
            url = f"{reverse('manage:click_list')}?q={row.pk}"
            yield Found(url, _("Click"), str(row.pk), day_text(timezone.localtime(row.at).date()), "click")
    for link in Link.objects.visible_to(by).filter(code__istartswith=text).select_related("affiliate")[:EACH]:
        yield Found(reverse("manage:link_detail", args=[link.public_id]), _("Link"), link.code, link.affiliate.name, "link")
    for coupon in Coupon.objects.visible_to(by).filter(code__istartswith=text).select_related("affiliate")[:EACH]:
        url = f"{reverse('manage:coupon_list')}?q={coupon.code}"
        yield Found(url, _("Coupon"), coupon.code, coupon.affiliate.name, "ticket")


def _money(text: str, by: Any) -> Iterator[Found]:
    for commission in Commission.objects.visible_to(by).filter(pk=Commission.pk_from(text) or 0).select_related("affiliate"):
        url = reverse("manage:commission_detail", args=[commission.public_id])
        yield Found(url, _("Commission"), commission.public_id, commission.affiliate.name, "receipt")
    batches = PayoutBatch.objects.visible_to(by)
    for batch in batches.filter(Q(reference__icontains=text) | Q(pk=PayoutBatch.pk_from(text) or 0)).select_related("program")[
        :EACH
    ]:
        url = reverse("manage:batch_detail", args=[batch.public_id])
        yield Found(url, _("Payout batch"), batch.reference or batch.public_id, batch.program.name, "cash-banknote")
    payouts = Payout.objects.filter(batch__in=batches, pk=Payout.pk_from(text) or 0).select_related("affiliate")
    for payout in payouts:
        url = reverse("manage:payout_detail", args=[payout.public_id])
        yield Found(url, _("Payout"), payout.public_id, payout.affiliate.name, "cash")
