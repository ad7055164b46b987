"""Conversions that came before their click was in the database: it was spooled to disk while PostgreSQL was away."""

from __future__ import annotations

from datetime import datetime, timedelta

from affiliates.models import Enrollment, EnrollmentStatus
from core.rows import select_rows
from programs.models import Program
from tracking.attribution import Attribution, ClickEvidence, Evidence, Terms, attribute
from tracking.conversions import ConversionInput, Decided
from tracking.models import Click, Conversion, Customer

LATE = timedelta(days=7)  # how long a click may be on its way from a click server's spool
CHUNK = 1000


def credit_late(program: Program, *, now: datetime) -> list[Decided]:
    """Judge the conversions whose awaited click is there now; returns those that it credits, in the caller's transaction.

    What came in is not touched, only nobody becomes somebody. Those it does not credit (the click is too old, say) wait no more.
    Customers are locked before conversions, by name, as `write_conversions` does.
    """
    ids = [
        pk
        for (pk,) in select_rows(
            """SELECT v.id FROM tracking_conversion v
               WHERE v.program_id = %s AND v.awaited_click_id IS NOT NULL AND v.created_at >= %s
                 AND EXISTS (SELECT FROM tracking_click k WHERE k.id = v.awaited_click_id)
               ORDER BY v.id LIMIT %s""",
            [program.pk, now - LATE, CHUNK],
        )
    ]
    if not ids:
        return []
    named = Customer.objects.filter(conversions__in=ids).order_by("external_id").values_list("pk", flat=True)
    customers = {c.pk: c for c in Customer.objects.filter(pk__in=list(named)).order_by("external_id").select_for_update()}
    waiting = list(
        Conversion.objects.filter(pk__in=ids, awaited_click_id__isnull=False).order_by("occurred_at", "pk").select_for_update()
    )
    clicks = {click.pk: click for click in Click.objects.filter(pk__in=[conversion.awaited_click_id for conversion in waiting])}
    approved = Enrollment.objects.filter(program=program, status=EnrollmentStatus.APPROVED)
    terms = Terms(
        program.pk,
        program.attribution_model,
        timedelta(days=program.attribution_window_days),
        set(approved.filter(affiliate__in={c.affiliate_id for c in clicks.values()}).values_list("affiliate_id", flat=True)),
    )
    decided = []
    for conversion in waiting:
        to = attribute(_evidence(conversion, clicks[conversion.awaited_click_id]), terms)  # type: ignore[index]
        _settle(conversion, to)
        if to.affiliate_id is None:
            continue
        customer = customers.get(conversion.customer_id or 0)
        if customer is not None and customer.affiliate_id is None:
            customer.affiliate_id, customer.link_id, customer.offer_id = to.affiliate_id, to.link_id, to.offer_id
            customer.tied_at = conversion.occurred_at
            customer.save(update_fields=["affiliate", "link", "offer", "tied_at"])
        decided.append(Decided(conversion.pk, _as_it_came(conversion), to))
    return decided


def _evidence(conversion: Conversion, click: Click) -> Evidence:
    whose = (click.link_id, click.affiliate_id, click.offer_id, click.program_id)
    found = ClickEvidence(click.pk, click.at, *whose, click.outcome, click.subs)
    return Evidence(conversion.occurred_at, click_given=str(click.pk), click=found)


def _settle(conversion: Conversion, to: Attribution) -> None:
    conversion.awaited_click_id = None
    conversion.affiliate_id, conversion.source, conversion.reason = to.affiliate_id, to.source, to.reason
    conversion.click_id, conversion.link_id, conversion.offer_id, conversion.subs = to.click_id, to.link_id, to.offer_id, to.subs
    conversion.given.pop("tried", None)
    conversion.save(
        update_fields=["awaited_click_id", "affiliate", "source", "reason", "click_id", "link", "offer", "subs", "given"]
    )


def _as_it_came(conversion: Conversion) -> ConversionInput:
    return ConversionInput(
        conversion.event, conversion.external_id, conversion.occurred_at, conversion.amount, conversion.currency
    )
