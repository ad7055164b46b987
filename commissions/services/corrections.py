"""What somebody decided that an affiliate is to earn beside what the rules gave."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from commissions.errors import CommissionError, NotNow
from commissions.models import Commission, RuleType
from commissions.services.decisions import approve_commissions
from commissions.services.reversals import reverse_for_refund
from commissions.services.rules import archive_rule, create_rule
from core.access import Can, check
from tracking.models import Conversion


@transaction.atomic
def award_commission(commission: Commission, amount: Decimal, *, by: Any, name: str) -> Commission:
    """One more commission on the same sale, approved at once: a flat rule of its own says what it is, and is over as it begins.

    What was decided before stays as it is, and is corrected once, which the database holds: another correction is one of the
    correction. `amount` is in the commission's currency, above zero, of the whole sale: what refunds took back of the sale so
    far is taken back of it at once, in the same proportion.
    """
    conversion = (
        Conversion.objects.select_for_update(of=("self",)).select_related("program", "offer").get(pk=commission.conversion_id)
    )
    commission = Commission.objects.select_for_update(of=("self",)).select_related("affiliate").get(pk=commission.pk)
    program = conversion.program
    check(by, Can.DECIDE_COMMISSIONS, program.pk)
    if amount <= 0:
        raise CommissionError(_("The amount is above zero."), code="invalid", field="amount")
    if commission.currency != program.currency:
        raise NotNow(_("This commission is not in the program’s currency."), code="currency")
    if conversion.refunded and conversion.refunded == conversion.amount:
        raise NotNow(_("The customer got all of the money back for this sale: it earns nothing."), code="refunded")
    check_not_corrected(commission)
    now = timezone.now()
    rule = create_rule(
        program,
        by=by,
        name=name[:120],
        event=conversion.event,
        type=RuleType.FLAT,
        value=amount,
        offer=conversion.offer,
        affiliate=commission.affiliate,
        starts_at=now,
    )
    archive_rule(rule, by=by, at=now)  # in the moment in which it begins: no sale lies between
    awarded = Commission.objects.create(
        affiliate=commission.affiliate,
        conversion=conversion,
        rule_version=rule.versions.get(),
        occurred_at=conversion.occurred_at,
        amount=amount,
        currency=commission.currency,
        corrects=commission,
    )
    for refund in conversion.refunds.order_by("pk"):
        reverse_for_refund(conversion, refund, by=by, now=now)
    approve_commissions([awarded.pk], by=by)
    awarded.refresh_from_db()
    return awarded


def check_not_corrected(commission: Commission) -> None:
    """NotNow where a decision corrected it before. The row is locked."""
    before = Commission.objects.filter(corrects=commission).first()
    if before is not None:
        raise NotNow(
            _("It was corrected before, by %(id)s. What is wrong with that is said about that commission.")
            % {"id": before.public_id},
            code="corrected",
        )
