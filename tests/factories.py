"""Rows for tests, by plain functions: everything has a default, and what a test is about is named by it."""

from __future__ import annotations

import itertools
import re
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from allauth.account.models import EmailAddress
from django.utils import timezone

from accounts.models import RoleAssignment, User
from affiliates.models import Affiliate, AffiliateMember, Enrollment, Function
from commissions.models import Commission, CommissionRule, Decision, Reversal, RuleVersion
from commissions.services import approve_commissions
from core.models import Event, Mail
from core.secrets import encrypt
from payouts.models import Payout, PayoutBatch, PayoutMethod
from programs.models import Offer, Program
from tracking.models import Click, Conversion, Coupon, Link, Refund

PASSWORD = "a long enough sentence"
_numbers = itertools.count(1)


def make_user(email: str = "", name: str = "", *, password: str = PASSWORD, **fields: Any) -> User:
    """A person with a verified e-mail, able to sign in with `PASSWORD`."""
    email = email or f"person{next(_numbers)}@tributary.example"
    user = User.objects.create_user(email, password, name=name or email.split("@")[0].capitalize(), **fields)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def assign(user: User, role: str, *programs: Program, **fields: Any) -> User:
    """Give a role in these programs, or in all of them where none is named."""
    for program in programs or (None,):
        RoleAssignment.objects.create(user=user, role=role, program=program, **fields)
    user.__dict__.pop("_rights", None)
    return user


def make_program(slug: str = "", **fields: Any) -> Program:
    slug = slug or f"program-{next(_numbers)}"
    defaults = {"name": slug.capitalize(), "currency": "USD", "hold_days": 30, "minimum_payout": Decimal("20.00")}
    defaults["created_at"] = datetime(2025, 1, 1, tzinfo=UTC)  # before any click of a test
    return Program.objects.create(slug=slug, **{**defaults, **fields})


def make_offer(program: Program | None = None, slug: str = "", **fields: Any) -> Offer:
    slug = slug or f"offer-{next(_numbers)}"
    defaults = {"name": slug.capitalize(), "landing_url": "https://shop.example/landing"}
    return Offer.objects.create(program=program or make_program(), slug=slug, **{**defaults, **fields})


def make_affiliate(email: str = "", name: str = "", *, owner: bool = False, **fields: Any) -> Affiliate:
    """With `owner`, a person with the same e-mail and name signs in for it (`owner_of`)."""
    email = email or f"affiliate{next(_numbers)}@tributary.example"
    affiliate = Affiliate.objects.create(email=email, name=name or email.split("@")[0].capitalize(), **fields)
    if owner:
        make_member(affiliate, make_user(email, affiliate.name), Function.OWNER)
    return affiliate


def make_member(affiliate: Affiliate, user: User | None = None, *functions: str) -> AffiliateMember:
    return AffiliateMember.objects.create(
        affiliate=affiliate, user=user or make_user(), functions=list(functions or [Function.OWNER])
    )


def owner_of(affiliate: Affiliate) -> User:
    return affiliate.members.get(functions__contains=[Function.OWNER], removed_at=None).user


def make_enrollment(
    affiliate: Affiliate | None = None, program: Program | None = None, status: str = "approved", **fields: Any
) -> Enrollment:
    fields.setdefault("status_at", timezone.now())
    return Enrollment.objects.create(
        affiliate=affiliate or make_affiliate(), program=program or make_program(), status=status, **fields
    )


def make_link(affiliate: Affiliate | None = None, offer: Offer | None = None, **fields: Any) -> Link:
    """A link of an affiliate who is approved in the offer's program."""
    offer = offer or make_offer()
    affiliate = affiliate or make_affiliate()
    _approve(affiliate, offer.program)
    fields.setdefault("code", f"code{next(_numbers)}")
    return Link.objects.create(affiliate=affiliate, offer=offer, **fields)


def make_click(link: Link, *, at: datetime | None = None, **fields: Any) -> uuid.UUID:
    """A click as the click server writes it; returns its id, whose first bits tell the time."""
    at = at or timezone.now()
    click_id = uuid.UUID(int=(int(at.timestamp() * 1000) << 80) | (7 << 76) | (2 << 62) | next(_numbers))
    Click.objects.create(
        **{
            "id": click_id, "at": at, "link_id": link.pk, "affiliate_id": link.affiliate_id, "offer_id": link.offer_id,
            "program_id": link.offer.program_id, "outcome": 0, "bot": False, "visitor": 1, "ip": "192.0.2.1", "user_agent": "Mozilla/5.0",
            "referrer": "", "url": link.offer.landing_url, "subs": None, **fields,
        }
    )  # fmt: skip
    return click_id


def make_coupon(affiliate: Affiliate | None = None, program: Program | None = None, **fields: Any) -> Coupon:
    program, affiliate = program or make_program(), affiliate or make_affiliate()
    _approve(affiliate, program)
    fields.setdefault("code", f"SAVE{next(_numbers)}")
    return Coupon.objects.create(affiliate=affiliate, program=program, **fields)


def make_conversion(
    program: Program | None = None, affiliate: Affiliate | None = None, amount: Any = "100.00", **fields: Any
) -> Conversion:
    """A sale credited to the affiliate (by default one who is approved in the program), as a row: nothing is computed."""
    program = program or make_program()
    affiliate = affiliate or make_affiliate()
    _approve(affiliate, program)
    number = next(_numbers)
    defaults = {
        "event": "sale",
        "external_id": f"order-{number}",
        "occurred_at": timezone.now(),
        "amount": Decimal(amount),
        "currency": program.currency,
        "source": "click",
        "reason": "click",
        "fingerprint": f"{number:064x}",
    }
    return Conversion.objects.create(program=program, affiliate=affiliate, **{**defaults, **fields})


def make_rule(
    program: Program | None = None,
    *,
    type: str = "percentage",
    value: Any = "10",
    starts_at: datetime | None = None,
    **fields: Any,
) -> CommissionRule:
    """A rule with its first version, which began long ago."""
    fields.setdefault("name", f"Rule {next(_numbers)}")
    rule = CommissionRule.objects.create(program=program or make_program(), **fields)
    make_rule_version(rule, type=type, value=value, starts_at=starts_at or datetime(1990, 1, 1, tzinfo=UTC))
    return rule


def make_rule_version(
    rule: CommissionRule, *, number: int = 1, type: str = "percentage", value: Any = "10", starts_at: datetime | None = None
) -> RuleVersion:
    return RuleVersion.objects.create(
        rule=rule, number=number, type=type, value=Decimal(value), starts_at=starts_at or timezone.now()
    )


def make_commission(
    conversion: Conversion | None = None, *, decision: str = Decision.PENDING, amount: Any = "10.00", **fields: Any
) -> Commission:
    """A commission as a row. Decided ones get the fields that a decision sets; the ledger is not touched."""
    conversion = conversion or make_conversion()
    if "rule_version" not in fields:
        rule = conversion.program.rules.order_by("pk").first() or make_rule(conversion.program)
        fields["rule_version"] = rule.versions.first()
    if decision in (Decision.APPROVED, Decision.REJECTED):
        fields.setdefault("decided_at", timezone.now())
    if decision == Decision.APPROVED:
        fields.setdefault("payable_at", timezone.now() - timedelta(days=1))
    if decision in (Decision.ON_HOLD, Decision.REJECTED):
        fields.setdefault("reason_code", "fraud_check")
    fields.setdefault("affiliate", conversion.affiliate)
    fields.setdefault("occurred_at", conversion.occurred_at)
    return Commission.objects.create(
        conversion=conversion, amount=Decimal(amount), currency=conversion.program.currency, decision=decision, **fields
    )


def make_refund(conversion: Conversion | None = None, amount: Any = "10.00", **fields: Any) -> Refund:
    """A refund as a row, summed on its conversion; commissions are not touched."""
    conversion = conversion or make_conversion()
    conversion.refunded += Decimal(amount)
    conversion.save(update_fields=["refunded"])
    fields.setdefault("external_id", f"refund-{next(_numbers)}")
    return Refund.objects.create(conversion=conversion, amount=Decimal(amount), refunded_after=conversion.refunded, **fields)


def earn(program: Program, affiliate: Affiliate, by: Any, amount: Any = "60.00", sale: Any = "1000.00") -> Commission:
    """A commission of a sale of long ago, approved the day after: it stands in the ledger and is payable."""
    sold = timezone.now() - timedelta(days=60)
    commission = make_commission(make_conversion(program, affiliate, sale, occurred_at=sold), amount=amount)
    approve_commissions([commission.pk], by=by, at=sold + timedelta(days=1))
    return commission


def make_reversal(commission: Commission, refund: Refund | None = None, amount: Any = "1.00") -> Reversal:
    refund = refund or make_refund(commission.conversion)
    commission.reversed += Decimal(amount)
    commission.save(update_fields=["reversed"])
    return Reversal.objects.create(commission=commission, refund=refund, amount=Decimal(amount), currency=commission.currency)


def make_payout_method(affiliate: Affiliate | None = None, **fields: Any) -> PayoutMethod:
    defaults = {
        "type": "manual",
        "currency": "USD",
        "details": encrypt({}),
        "hint": "By arrangement",
        "usable_from": timezone.now(),
    }
    return PayoutMethod.objects.create(affiliate=affiliate or make_affiliate(), **{**defaults, **fields})


def make_batch(program: Program | None = None, *, by: User | None = None, status: str = "draft", **fields: Any) -> PayoutBatch:
    """A batch as a row; approved ones get an approver, done ones a day."""
    program = program or make_program()
    if status in ("approved", "executing", "done"):
        fields.setdefault("approved_at", timezone.now())
        fields.setdefault("approved_by", fields.get("approved_by") or make_user())
    if status == "done":
        fields.setdefault("paid_at", timezone.now())
    fields.setdefault("cutoff", timezone.now())
    fields.setdefault("currency", program.currency)
    return PayoutBatch.objects.create(program=program, status=status, created_by=by or make_user(), **fields)


def make_payout(
    batch: PayoutBatch | None = None,
    affiliate: Affiliate | None = None,
    amount: Any = "50.00",
    status: str = "ready",
    **fields: Any,
) -> Payout:
    """A payout as a row, without lines."""
    batch = batch or make_batch()
    affiliate = affiliate or make_affiliate()
    _approve(affiliate, batch.program)
    if status != "skipped" and "method" not in fields:
        method = affiliate.payout_methods.filter(currency=batch.currency, replaced_at=None).first()
        fields["method"] = method or make_payout_method(affiliate, currency=batch.currency)
    if status == "paid":
        fields.setdefault("paid_at", timezone.now())
    return Payout.objects.create(
        batch=batch, affiliate=affiliate, amount=Decimal(amount), currency=batch.currency, status=status, **fields
    )


def event_names(*about: Any) -> list[str]:
    """The names of the facts recorded (about these objects), in their order."""
    events = Event.objects.about(*about) if about else Event.objects.all()
    return list(events.order_by("pk").values_list("name", flat=True))


def mails_to(email: str) -> list[Mail]:
    return list(Mail.objects.filter(to=email).order_by("pk"))


def link_in(mail: Mail) -> str:
    """The path of the first address in a mail's text."""
    return re.search(r"https?://[^/\s]+(/\S*)", mail.body)[1]


def _approve(affiliate: Affiliate, program: Program) -> None:
    Enrollment.objects.get_or_create(
        affiliate=affiliate, program=program, defaults={"status": "approved", "status_at": timezone.now()}
    )
