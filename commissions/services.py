"""Rules; pricing of conversions; decisions; reversals."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from affiliates.models import Affiliate
from commissions import events
from commissions.models import BEGINNING, Commission, CommissionRule, Decision, ReasonCode, Reversal, RuleType, RuleVersion
from commissions.pricing import Candidate, price, winning_rule
from commissions.queries import taken_back_by
from core.access import AccessError, Can, check, programs_of
from core.errors import Refusal
from core.events import Fact, record, record_many
from core.money import round_money
from core.rows import insert_rows, select_rows
from ledger.models import TransferKind
from ledger.services import Posting, earned, post_transfers, taken_back
from programs.models import Offer, Program
from tracking.conversions import Decided
from tracking.models import Conversion, Refund


class CommissionError(Refusal):
    """A rule or a decision that cannot stand so."""


# Rules


@transaction.atomic
def create_rule(
    program: Program,
    *,
    by: Any,
    name: str,
    event: str,
    type: str,
    value: Decimal,
    offer: Offer | None = None,
    affiliate: Affiliate | None = None,
    priority: int = 0,
    starts_at: datetime | None = None,
) -> CommissionRule:
    """A rule with its first version. `value` is percent, or an amount in the program's currency.

    Without `starts_at` it is in force from the beginning: orders of the past are priced too.
    """
    check(by, Can.SET_RULES, program.pk)
    if offer is not None and offer.program_id != program.pk:
        raise CommissionError(_("The offer belongs to another program."), code="invalid", field="offer")
    _check_value(program, type, value)
    rule = CommissionRule.objects.create(
        program=program, name=name, event=event, offer=offer, affiliate=affiliate, priority=priority
    )
    version = RuleVersion.objects.create(
        rule=rule, number=1, type=type, value=value, starts_at=starts_at or BEGINNING, created_by=by
    )
    record(events.RULE_CREATED, rule, program, affiliate, by=by, data=_told(rule, version))
    return rule


@transaction.atomic
def revise_rule(rule: CommissionRule, *, by: Any, type: str, value: Decimal, starts_at: datetime | None = None) -> RuleVersion:
    """A new version, in force from `starts_at` (now). What was earned under the old one stays as it was."""
    rule = CommissionRule.objects.select_for_update(of=("self",)).select_related("program").get(pk=rule.pk)
    check(by, Can.SET_RULES, rule.program_id)
    _check_value(rule.program, type, value)
    last = rule.versions.order_by("-number").first()
    assert last is not None  # a rule is made with its first version
    starts_at = starts_at or timezone.now()
    if rule.archived_at is not None:
        raise CommissionError(_("This rule is archived. Make a new one."), code="archived")
    if starts_at <= last.starts_at:
        raise CommissionError(_("The new version must start after the last one."), code="invalid", field="starts_at")
    version = RuleVersion.objects.create(
        rule=rule, number=last.number + 1, type=type, value=value, starts_at=starts_at, created_by=by
    )
    record(events.RULE_REVISED, rule, rule.program, by=by, data=_told(rule, version))
    return version


@transaction.atomic
def archive_rule(rule: CommissionRule, *, by: Any) -> None:
    """From now on it wins nothing new."""
    rule = CommissionRule.objects.select_for_update(of=("self",)).select_related("program").get(pk=rule.pk)
    check(by, Can.SET_RULES, rule.program_id)
    if rule.archived_at is None:
        rule.archived_at = timezone.now()
        rule.save(update_fields=["archived_at"])
        record(events.RULE_ARCHIVED, rule, rule.program, by=by, data={"name": rule.name})


def _check_value(program: Program, type: str, value: Decimal) -> None:
    if type not in RuleType.values:
        raise CommissionError(_("Choose percentage or flat."), code="invalid_choice", field="type")
    if not value.is_finite() or value < 0 or value >= 10**12:
        raise CommissionError(_("The value is a number from 0 up."), code="invalid", field="value")
    if type == RuleType.PERCENTAGE and value > 100:
        raise CommissionError(_("A percentage is at most 100."), code="invalid", field="value")
    if type == RuleType.PERCENTAGE and value != value.quantize(Decimal("0.0001")):
        raise CommissionError(_("A percentage has at most four decimals."), code="decimals", field="value")
    if type == RuleType.FLAT and value != round_money(value, program.currency):
        raise CommissionError(_("The amount has more decimals than the currency."), code="decimals", field="value")


def _told(rule: CommissionRule, version: RuleVersion) -> dict[str, Any]:
    return {"name": rule.name, "version": version.number, "type": version.type, "value": f"{version.value.normalize():f}"}


def load_candidates(program: Program) -> list[Candidate]:
    """All versions of a program's rules, each with the moment at which it ends."""
    rows = select_rows(
        """SELECT v.id, r.id, r.event, r.offer_id, r.affiliate_id, r.priority, v.type, v.value, v.starts_at,
                  least(lead(v.starts_at) OVER (PARTITION BY r.id ORDER BY v.number), r.archived_at)
           FROM commissions_commissionrule r JOIN commissions_ruleversion v ON v.rule_id = r.id
           WHERE r.program_id = %s""",
        [program.pk],
    )
    return [Candidate(*row) for row in rows]


# Pricing


def price_conversions(program: Program, decided: Sequence[Decided], *, now: datetime) -> dict[int, int]:
    """Write the commissions that these new conversions earn; returns {conversion: commission}.

    A conversion in another currency than the program's is not priced until there is a rate; one that earns nothing
    (nobody credited, no rule, a sale of 0.00 by percentage) gets no commission.
    """
    candidates = load_candidates(program)
    rows = []
    for conversion in decided:
        row, to = conversion.row, conversion.attribution
        if to.affiliate_id is None or row.currency not in ("", program.currency):
            continue
        rule = winning_rule(
            candidates, event=row.event, offer_id=to.offer_id, affiliate_id=to.affiliate_id, occurred_at=row.occurred_at
        )
        amount = price(rule, row.amount, program.currency) if rule else Decimal(0)
        if rule and amount > 0:
            rows.append(
                (
                    now,
                    row.occurred_at,
                    to.affiliate_id,
                    conversion.id,
                    rule.version_id,
                    amount,
                    program.currency,
                    Decision.PENDING.value,
                    "",
                    "",
                    0,
                )
            )
    return dict(
        insert_rows(
            "commissions_commission",
            [
                "created_at",
                "occurred_at",
                "affiliate_id",
                "conversion_id",
                "rule_version_id",
                "amount",
                "currency",
                "decision",
                "reason_code",
                "note",
                "reversed",
            ],
            rows,
            returning=["conversion_id", "id"],
        )
    )


# Decisions


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
        + [_reversal_posting(reversal, *whose[commission], amount, now) for reversal, commission, amount in reversals],
        now=timezone.now(),
    )
    record_many(
        [
            Fact(
                events.COMMISSION_APPROVED,
                [f"commission:{pk}", f"conversion:{conversion}", f"affiliate:{affiliate}"],
                _money(amount, currency),
                at=now,
            )
            for pk, affiliate, amount, currency, _p, conversion in rows
        ],
        by=by,
    )
    return len(rows)


def _reversal_posting(reversal: int, program: int, affiliate: int, currency: str, amount: Decimal, at: datetime) -> Posting:
    return Posting(
        f"reversal:{reversal}", TransferKind.REVERSED, **taken_back(program, affiliate), amount=amount, currency=currency, at=at
    )


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
                _money(amount, currency),
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
        raise CommissionError(
            ngettext(
                "One of these was decided by someone else in the meantime, or is not yours to decide. Reload and look again.",
                "%(count)d of these were decided by someone else in the meantime, or are not yours to decide. Reload and look again.",
                missing,
            )
            % {"count": missing},
            code="decided",
        )
    return locked


def _money(amount: Decimal, currency: str) -> dict[str, str]:
    return {"amount": f"{round_money(amount, currency):f}", "currency": currency}


# Reversals


def reverse_for_refund(conversion: Conversion, refund: Refund, *, by: Any, now: datetime) -> list[Reversal]:
    """Take back from the conversion's commissions what the refund asks, in the caller's transaction (conversion locked).

    Rejected ones earned nothing. Before approval the reversal waits for it; afterwards it goes to the ledger at once, and
    where the commission was already paid it is a negative row against the next payout.
    """
    reversals, postings = [], []
    commissions = conversion.commissions.order_by("pk").select_for_update()
    for commission, amount in taken_back_by(conversion, refund.refunded_after, commissions):
        reversal = Reversal.objects.create(
            commission=commission, refund=refund, amount=amount, currency=commission.currency, created_at=now
        )
        commission.reversed += amount
        commission.save(update_fields=["reversed"])
        reversals.append(reversal)
        if commission.decision == Decision.APPROVED:
            postings.append(
                _reversal_posting(reversal.pk, conversion.program_id, commission.affiliate_id, commission.currency, amount, now)
            )
    post_transfers(postings, now=timezone.now())
    record_many(
        [
            Fact(
                events.COMMISSION_REVERSED,
                [reversal.commission, conversion, f"affiliate:{reversal.commission.affiliate_id}"],
                _money(reversal.amount, reversal.currency),
                at=now,
            )
            for reversal in reversals
        ],
        by=by,
    )
    return reversals
