"""Where affiliates are paid."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from schwifty import IBAN
from schwifty.exceptions import SchwiftyException

from affiliates.models import Affiliate, Function
from core.access import AccessError, Can
from core.errors import Refusal
from core.events import record
from core.mail import write_mail
from core.money import check_currency
from core.secrets import Unreadable, decrypt, encrypt
from payouts import events
from payouts.models import MethodType, PayoutMethod

COOLING_OFF = timedelta(days=3)  # time for the affiliate to notice a change that was not theirs


class MethodError(Refusal):
    """Payout details that cannot be used."""


FIELDS: dict[str, tuple[str, ...]] = {
    MethodType.BANK_TRANSFER: ("account_holder", "iban"),
    MethodType.PAYPAL: ("email",),
    MethodType.MANUAL: ("instructions",),
}


@transaction.atomic
def set_payout_method(
    affiliate: Affiliate, *, by: Any, type: str, currency: str, details: dict[str, Any] | None = None
) -> PayoutMethod:
    """Set where the affiliate is paid in a currency. The first one is usable at once; a change cools off for three days and is
    told to everybody who sees to the affiliate's money, at their addresses of before. So is a first one that the team sets for
    an affiliate with people of its own."""
    own = _check_actor(by, affiliate)
    currency = check_currency(currency)
    clean, hint = _clean(type, details or {})
    affiliate = Affiliate.objects.select_for_update().get(pk=affiliate.pk)
    now = timezone.now()
    current = affiliate.payout_methods.current().filter(currency=currency).first()
    if current is not None:
        if current.type == type and _holds(current, clean):
            return current
        current.replaced_at = now
        current.save(update_fields=["replaced_at"])
    method = PayoutMethod.objects.create(
        affiliate=affiliate,
        type=type,
        currency=currency,
        details=encrypt(clean),
        hint=hint,
        usable_from=now + COOLING_OFF if current else now,
        created_by=by,
        created_at=now,
    )
    record(events.METHOD_CHANGED, method, affiliate, by=by, data={"currency": currency, "hint": hint, "first": current is None})
    if current is not None:
        _tell(method, "method_changed", {"before": current, "by": by})
    elif not own and affiliate.members.filter(removed_at__isnull=True).exists():
        _tell(method, "method_set", {"by": by})
    return method


def _holds(method: PayoutMethod, details: dict[str, str]) -> bool:
    """Whether the method is to these details; one that nobody can read any more counts as another."""
    try:
        return decrypt(method.details) == details
    except Unreadable:
        return False


def method_details(method: PayoutMethod) -> dict[str, Any]:
    """The details in the clear: for the payment file and nothing else. Raises core.secrets.Unreadable."""
    return decrypt(method.details)


def money_addresses(affiliate: Affiliate) -> list[str]:
    """Who is told about an affiliate's money: the affiliate's own address, its owners and its finance people."""
    members = affiliate.members.filter(
        removed_at__isnull=True, functions__overlap=[Function.OWNER, Function.FINANCE]
    ).select_related("user")
    return sorted({affiliate.email.lower(), *(member.user.email.lower() for member in members)})


def _tell(method: PayoutMethod, template: str, context: dict[str, Any]) -> None:
    for address in money_addresses(method.affiliate):
        told = {"affiliate": method.affiliate, "method": method, **context}
        write_mail(address, f"payouts/mails/{template}", told, about=[method])


def _check_actor(by: Any, affiliate: Affiliate) -> bool:
    """Whether it is one of the affiliate's own people; AccessError unless they may, or somebody of the team."""
    if affiliate.members.filter(user=by, removed_at__isnull=True, functions__overlap=[Function.OWNER, Function.FINANCE]).exists():
        return True
    if not Affiliate.objects.entrusted_to(by, Can.MANAGE_PAYOUT_METHODS).filter(pk=affiliate.pk).exists():
        raise AccessError(
            _(
                "Only the affiliate’s owners and finance people may set this, and those who see to payouts in all of its programs."
            ),
            code="forbidden",
        )
    return False


def _clean(type: str, details: dict[str, Any]) -> tuple[dict[str, str], str]:
    if type not in FIELDS:
        raise MethodError(_("Choose one of: %(types)s.") % {"types": ", ".join(FIELDS)}, code="invalid_choice", field="type")
    unknown = sorted(set(details) - set(FIELDS[type]))
    if unknown:
        raise MethodError(_("Unknown detail: %(name)s.") % {"name": unknown[0]}, code="unknown", field="details")
    clean = {name: " ".join(str(details.get(name) or "").split())[:500] for name in FIELDS[type]}
    if type == MethodType.BANK_TRANSFER:
        if not clean["account_holder"]:
            raise MethodError(_("Give the account holder’s name."), code="required", field="account_holder")
        try:
            iban = IBAN(clean["iban"])
        except SchwiftyException as error:
            raise MethodError(
                _("This is not a valid IBAN: look for a wrong or missing digit."), code="iban", field="iban"
            ) from error
        clean["iban"] = iban.compact
        return clean, f"{iban.country_code}•• •••• {iban.compact[-4:]}"
    if type == MethodType.PAYPAL:
        try:
            validate_email(clean["email"])
        except ValidationError as error:
            raise MethodError(_("Give the e-mail address of the PayPal account."), code="email", field="email") from error
        name, _at, domain = clean["email"].partition("@")
        return clean, f"{name[:1]}•••@{domain}"[:60]
    return clean, ""
