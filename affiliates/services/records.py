"""The affiliate's own row."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.models import User
from affiliates import events
from affiliates.errors import AffiliateError
from affiliates.models import Affiliate, Function
from core.access import AccessError, Can, check, rights_of
from core.choices import known_countries
from core.errors import Conflict
from core.events import record

FIELDS = frozenset(
    {"name", "email", "kind", "country", "language", "currency", "website", "external_id", "manager", "parent", "note"}
)
OWN_FIELDS = frozenset(
    {"name", "kind", "country", "language", "website"}
)  # what an affiliate's own owners and leaders keep up themselves
SHARED_FIELDS = frozenset({"email", "external_id"})  # what every program reaches or knows the affiliate by


@transaction.atomic
def create_affiliate(*, by: User, email: str, name: str, **fields: Any) -> Affiliate:
    """A new affiliate, in no program yet. Conflict where the e-mail or the external id is another's."""
    check(by, Can.MANAGE_AFFILIATES)
    affiliate = Affiliate(email=email.strip().lower(), name=name.strip(), **_known(fields))
    _save(affiliate)
    record(events.AFFILIATE_CREATED, affiliate, by=by)
    return affiliate


@transaction.atomic
def update_affiliate(affiliate: Affiliate, *, by: User, **fields: Any) -> Affiliate:
    """Change some of `FIELDS`. Conflict as in `create_affiliate`; nothing is recorded where nothing changes."""
    if not (fields.keys() <= OWN_FIELDS and _leads(affiliate, by)):
        _check_looked_after(affiliate, by)
    affiliate = Affiliate.objects.select_for_update().get(pk=affiliate.pk)
    if "email" in fields:
        fields["email"] = fields["email"].strip().lower()
    changed = [name for name, value in _known(fields).items() if getattr(affiliate, name) != value]
    if not changed:
        return affiliate
    if SHARED_FIELDS & set(changed):
        check_entrusted(affiliate, by)
    for name in changed:
        setattr(affiliate, name, fields[name])
    _save(affiliate)
    labels = [str(Affiliate._meta.get_field(name).verbose_name) for name in changed]  # type: ignore[union-attr]
    record(events.AFFILIATE_UPDATED, affiliate, by=by, data={"fields": ", ".join(labels)})
    return affiliate


def check_entrusted(affiliate: Affiliate, by: User) -> None:
    """AccessError unless `by` may change what belongs to all of the affiliate's programs: see `entrusted_to`."""
    if not Affiliate.objects.entrusted_to(by).filter(pk=affiliate.pk).exists():
        raise AccessError(
            _("This belongs to every program the affiliate is in. Ask somebody who manages affiliates in all of them."),
            code="forbidden",
        )


def _check_looked_after(affiliate: Affiliate, by: User) -> None:
    if not Affiliate.objects.looked_after_by(by).filter(pk=affiliate.pk).exists():
        raise AccessError(_("Your role does not allow this for this affiliate."), code="forbidden")


def _leads(affiliate: Affiliate, by: User) -> bool:
    leading = [Function.OWNER, Function.LEADER]
    return affiliate.members.filter(user=by, removed_at__isnull=True, functions__overlap=leading).exists()


def _known(fields: dict[str, Any]) -> dict[str, Any]:
    unknown = fields.keys() - FIELDS
    if unknown:
        raise TypeError(f"an affiliate has no {', '.join(sorted(unknown))}")
    if fields.get("external_id") == "":
        fields["external_id"] = None  # unique where there is one
    return fields


def _save(affiliate: Affiliate) -> None:
    _check_manager(affiliate.manager)
    _check_parent(affiliate)
    if affiliate.country and affiliate.country not in known_countries():
        raise AffiliateError(_("Give the country as two capitals (ISO 3166), such as DE."), code="invalid", field="country")
    try:
        affiliate.clean_fields()
    except ValidationError as error:
        field, problems = next(iter(error.message_dict.items()))
        raise AffiliateError(" ".join(problems), code="invalid", field=field) from None
    try:
        with transaction.atomic():
            affiliate.save()
    except IntegrityError as error:
        if "affiliate_email_once" in str(error):
            raise Conflict(_("There already is an affiliate with this e-mail."), code="duplicate", field="email") from None
        if "external_id" in str(error):
            raise Conflict(
                _("There already is an affiliate with this external id."), code="duplicate", field="external_id"
            ) from None
        raise


def _check_manager(manager: User | None) -> None:
    if manager is not None and not rights_of(manager).has(Can.MANAGE_AFFILIATES):
        raise AffiliateError(
            _("%(person)s does not manage affiliates.") % {"person": manager}, code="not_a_manager", field="manager"
        )


def _check_parent(affiliate: Affiliate) -> None:
    """Nobody stands above themselves, over however many steps."""
    above = affiliate.parent
    while above is not None and affiliate.pk is not None:
        if above.pk == affiliate.pk:
            raise AffiliateError(
                _("An affiliate cannot be recruited by itself or by one that it recruited."), code="circle", field="parent"
            )
        above = above.parent
