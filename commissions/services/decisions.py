"""Decisions about commissions: by one person, once, for all that were chosen or for none."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from commissions import events
from commissions.errors import CommissionError, NotNow
from commissions.models import Commission, Decision, ReasonCode
from commissions.services.reversals import amount_told, reversal_posting
from core.access import AccessError, Can, programs_of
from core.components import number_text
from core.events import Fact, record_many
from core.rows import select_rows
from ledger.models import TransferKind
from ledger.services import Posting, earned, post_transfers


@transaction.atomic
def approve_commissions(ids: Collection[int], *, by: Any, at: datetime | None = None) -> int:
    """Approve what is undecided among `ids`; returns how many. The row locks let only one decision win.

    The hold ends `hold_days` whole days of 24 hours after the sale, whatever clocks are put forward or back meanwhile;
    what was reversed before the approval is settled with it.
    """
    now = at or timezone.now()
    locked = _lock_undecided(ids, by=by)
    rows = select_rows(
        """UPDATE commissions_commission c
           SET decision = 'approved', decided_at = %(now)s, decided_by_id = %(by)s, reason_code = '',
               payable_at = greatest(%(now)s, v.occurred_at + make_interval(hours => 24 * p.hold_days))
           FROM tracking_conversion v JOIN programs_program p ON p.id = v.program_id
           WHERE v.id = c.conversion_id AND c.id = ANY(%(ids)s)
           RETURNING c.id, c.affiliate_id, c.amount, c.currency, v.program_id, v.id""",
        {"now": now, "by": by.pk, "ids": locked},
    )
    reversals = select_rows(
        "SELECT id, commission_id, amount FROM commissions_reversal WHERE commission_id = ANY(%s) ORDER BY id", [locked]
    )
    whose = {pk: (program, affiliate, currency) for pk, affiliate, _amount, currency, program, _v in rows}
    post_transfers(
        [
            Posting(
                f"commission:{pk}", TransferKind.EARNED, **earned(program, affiliate), amount=amount, currency=currency, at=now
            )
            for pk, affiliate, amount, currency, program, _v in rows
        ]
        + [reversal_posting(reversal, *whose[commission], amount, now) for reversal, commission, amount in reversals],
        now=timezone.now(),
    )
    record_many(
        [
            Fact(
                events.COMMISSION_APPROVED,
                [f"commission:{pk}", f"conversion:{conversion}", f"affiliate:{affiliate}"],
                amount_told(amount, currency),
                at=now,
            )
            for pk, affiliate, amount, currency, _p, conversion in rows
        ],
        by=by,
    )
    return len(rows)


@transaction.atomic
def reject_commissions(ids: Collection[int], *, by: Any, reason_code: str, note: str = "", at: datetime | None = None) -> int:
    """Reject what is undecided among `ids`, for good; returns how many."""
    return _decide(ids, Decision.REJECTED, events.COMMISSION_REJECTED, by=by, reason_code=reason_code, note=note, at=at)


@transaction.atomic
def hold_commissions(ids: Collection[int], *, by: Any, reason_code: str, note: str = "", at: datetime | None = None) -> int:
    """Set aside what is undecided among `ids` until somebody decides; returns how many."""
    return _decide(ids, Decision.ON_HOLD, events.COMMISSION_HELD, by=by, reason_code=reason_code, note=note, at=at)


@transaction.atomic
def release_commissions(ids: Collection[int], *, by: Any, at: datetime | None = None) -> int:
    """Put what was on hold among `ids` back to pending; returns how many."""
    return _decide(ids, Decision.PENDING, events.COMMISSION_RELEASED, by=by, reason_code="", note="", at=at)


def _decide(
    ids: Collection[int], decision: Decision, event: str, *, by: Any, reason_code: str, note: str, at: datetime | None
) -> int:
    now = at or timezone.now()
    final = decision == Decision.REJECTED
    if decision != Decision.PENDING and reason_code not in ReasonCode.values:
        raise CommissionError(_("Say why: choose one of the reasons."), code="invalid_choice", field="reason_code")
    locked = _lock_undecided(ids, by=by)
    rows = select_rows(
        """UPDATE commissions_commission SET decision = %s, decided_at = %s, decided_by_id = %s, reason_code = %s, note = %s
           WHERE id = ANY(%s) RETURNING id, affiliate_id, conversion_id, amount, currency""",
        [decision.value, now if final else None, by.pk if final else None, reason_code, note, locked],
    )
    reason = ": ".join(part for part in (str(ReasonCode(reason_code).label) if reason_code else "", note) if part)
    record_many(
        [
            Fact(
                event,
                [f"commission:{pk}", f"conversion:{conversion}", f"affiliate:{affiliate}"],
                amount_told(amount, currency),
                reason,
                now,
            )
            for pk, affiliate, conversion, amount, currency in rows
        ],
        by=by,
    )
    return len(rows)


def _lock_undecided(ids: Collection[int], *, by: Any) -> list[int]:
    """Lock what is undecided among `ids` and in a program where `by` may decide; all of them, or nothing is decided."""
    wanted = set(ids)
    programs = programs_of(by, Can.DECIDE_COMMISSIONS)
    undecided = Commission.objects.undecided().filter(pk__in=wanted)
    if programs is not None:
        undecided = undecided.filter(conversion__program__in=programs)
    locked = list(undecided.order_by("pk").select_for_update(of=("self",)).values_list("pk", flat=True))
    if not wanted:
        raise CommissionError(_("Choose at least one commission."), code="empty", field="ids")
    if len(locked) < len(wanted):
        seen = Commission.objects.visible_to(by).filter(pk__in=wanted)
        if programs is not None and seen.exclude(conversion__program__in=programs).exists():
            raise AccessError(_("You may not decide about one of these: it belongs to a program where you only see."))
        missing = len(wanted) - len(locked)
        raise NotNow(
            ngettext(
                "One of these was decided by someone else in the meantime, or is not yours to decide. Reload and look again.",
                "%(count)s of these were decided by someone else in the meantime, or are not yours to decide. Reload and look again.",
                missing,
            )
            % {"count": number_text(missing)},
            code="decided",
        )
    return locked
