"""My link, and what converts now."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Max, Q
from django.utils.translation import gettext as _

from commissions.converting import DAYS, LEAST_AFFILIATES, LEAST_CLICKS, Earning, what_converts
from commissions.rates import rates_of
from core.choices import country_name
from core.components import money_text, number_text
from support.answers.shapes import Answer, Asker, Fact, Question, Section, Way
from tracking.forms_portal import promoted_offers
from tracking.models import Link, Status

SHOWN = 5
OFFERS = 8


def about_links(asker: Asker, now: datetime) -> Answer:
    """Links that count: active ones of offers that the affiliate may promote now; the one that sold last first."""
    offers = promoted_offers(asker.affiliate)
    if asker.program is not None:
        offers = offers.filter(program=asker.program)
    counting = Link.objects.filter(affiliate=asker.affiliate, status=Status.ACTIVE, offer__in=offers).select_related("offer")
    links = list(counting.annotate(sold=Max("conversions__occurred_at")).order_by("-sold", "-pk"))
    links.sort(key=lambda link: link.sold is None)  # those that never sold, newest first, after those that did
    sections = [
        Section(
            "",
            [Fact(link.offer.name, link.url, "" if link.sold else _("no sale yet"), copy=link.url) for link in links[:SHOWN]],
            [_("%(number)s more are on the page of your links.") % {"number": number_text(len(links) - SHOWN)}]
            if len(links) > SHOWN
            else [],
        )
    ]
    coupons = asker.affiliate.coupons.filter(
        Q(offer__isnull=True) | Q(offer__in=offers), status=Status.ACTIVE, program__in=offers.values("program")
    )
    codes = [
        Fact(coupon.offer.name if coupon.offer else coupon.program.name, coupon.code, copy=coupon.code)
        for coupon in coupons.select_related("offer", "program").order_by("-pk")[:SHOWN]
    ]
    if codes:
        sections.append(Section(_("Your coupons"), codes))
    if not links:
        told = (
            _("You have no link that counts now. Make one: it takes a minute.")
            if offers.exists()
            else _("There is no offer that you may promote now: a link would count for nothing.")
        )
        sections[0] = Section("", sentences=[told])
    ways = [Way(_("All links"), "portal:link_list")]
    return Answer(Question.LINK, _("Your link"), sections, ways, at=now)


def about_offers(asker: Asker, now: datetime) -> Answer:
    """What a click earned lately, in the narrowest circle that is wide enough to tell of nobody."""
    offers = promoted_offers(asker.affiliate)
    if asker.program is not None:
        offers = offers.filter(program=asker.program)
    offers = list(offers)
    rates = rates_of(asker.affiliate.pk, offers, now)
    found = what_converts(asker.affiliate, offers, now)
    by_program: dict[str, list[Fact]] = {}
    for each in found[:OFFERS]:
        paid = ", ".join(f"{rate.text} ({rate.label})" for rate in rates[each.offer.pk])
        by_program.setdefault(each.offer.program.name, []).append(_fact(each, paid, asker))
    sections = [Section(name if len(by_program) > 1 else "", facts) for name, facts in by_program.items()]
    if not offers:
        sections = [Section("", sentences=[_("There is no offer that you may promote now.")])]
    note = _(
        "Earned per click in the last %(days)s days, before refunds. A figure stands only where at least %(affiliates)s other"
        " affiliates together had %(clicks)s clicks, none of them most of it; otherwise it would say little, or too much of one."
    ) % {"days": number_text(DAYS), "affiliates": number_text(LEAST_AFFILIATES), "clicks": number_text(LEAST_CLICKS)}
    ways = [Way(_("All offers"), "portal:offer_list")]
    return Answer(Question.OFFERS, _("What converts now"), sections, ways, note if offers else "", now)


def _fact(each: Earning, paid: str, asker: Asker) -> Fact:
    currency = each.offer.program.currency
    notes = [_among(each, asker)] if each.epc is not None else []
    if each.own is not None:
        notes.append(_("yours: %(amount)s") % {"amount": money_text(each.own, currency)})
    if paid:
        notes.append(_("pays %(rates)s") % {"rates": paid})
    value = (
        _("%(amount)s a click") % {"amount": money_text(each.epc, currency)}
        if each.epc is not None
        else _("too few clicks to say")
    )
    return Fact(each.offer.name, value, "; ".join(notes))


def _among(each: Earning, asker: Asker) -> str:
    """Among whom it was counted: what was asked for, or the wider circle that it had to be."""
    values = {
        "country": country_name(asker.affiliate.country) if asker.affiliate.country else "",
        "kind": asker.affiliate.get_kind_display(),
        "clicks": number_text(each.clicks),
    }
    if each.same_country and each.same_kind:
        told = _("affiliates from %(country)s, %(kind)s; %(clicks)s clicks")
    elif each.same_kind:
        told = _("affiliates of every country, %(kind)s; %(clicks)s clicks")
    elif each.same_country:
        told = _("affiliates from %(country)s, every kind of traffic; %(clicks)s clicks")
    else:
        told = _("all affiliates; %(clicks)s clicks")
    return told % values
