"""Programs, their offers and their terms: what can be done with them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _

from core.access import AccessError, Can, check, rights_of
from core.errors import Conflict, Refusal
from core.events import record
from core.money import currency_digits
from programs import events
from programs.models import Offer, Program, TermsVersion

PROGRAM_FIELDS = frozenset(
    {
        "name", "slug", "status", "currency", "time_zone", "attribution_model", "attribution_window_days", "hold_days",
        "minimum_payout", "fallback_url", "summary", "description", "accent_color", "logo", "public", "shows_support",
    }
)  # fmt: skip
OFFER_FIELDS = frozenset({"name", "slug", "status", "landing_url", "allowed_domains", "description"})
_DOMAIN = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)


class ProgramError(Refusal):
    """A program, an offer or terms that cannot stand so."""


@transaction.atomic
def create_program(*, by: Any, **fields: Any) -> Program:
    """A new program. Who makes one sees to programs everywhere: rights in given programs do not reach one that is yet to be.

    Conflict where the slug is taken.
    """
    if not rights_of(by).everywhere(Can.MANAGE_PROGRAMS):
        raise AccessError(_("Only those who see to all programs make new ones."), code="forbidden")
    program = Program(**_known(fields, PROGRAM_FIELDS))
    _save_program(program)
    record(events.PROGRAM_CREATED, program, by=by)
    return program


@transaction.atomic
def update_program(program: Program, *, by: Any, **fields: Any) -> Program:
    """Change some of PROGRAM_FIELDS; nothing is recorded where nothing changes. The currency stays what it was: commissions
    and balances are in it."""
    check(by, Can.MANAGE_PROGRAMS, program.pk)
    program = Program.objects.select_for_update().get(pk=program.pk)
    if fields.get("currency", program.currency) != program.currency:
        raise ProgramError(
            _("A program keeps its currency. Make another program for another one."), code="fixed", field="currency"
        )
    changes = _change(program, _known(fields, PROGRAM_FIELDS))
    if changes:
        _save_program(program)
        record(events.PROGRAM_UPDATED, program, by=by, data=_told(program, changes))
    return program


@transaction.atomic
def create_offer(
    program: Program,
    *,
    by: Any,
    name: str,
    landing_url: str,
    slug: str | None = None,
    allowed_domains: Iterable[str] = (),
    status: str = Offer.Status.ACTIVE,
    description: str = "",
) -> Offer:
    """A new offer beneath a program. Without a slug one is made of the name; a given one that is taken is a Conflict."""
    check(by, Can.MANAGE_PROGRAMS, program.pk)
    offer = Offer(
        program=program,
        name=name,
        slug=slug or _free_slug(name, program),
        landing_url=landing_url,
        allowed_domains=_domains(allowed_domains),
        status=status,
        description=description,
    )
    _save(offer)
    record(events.OFFER_CREATED, offer, program, by=by, data={"name": offer.name})
    return offer


@transaction.atomic
def update_offer(offer: Offer, *, by: Any, **fields: Any) -> Offer:
    """Change some of OFFER_FIELDS; nothing is recorded where nothing changes."""
    check(by, Can.MANAGE_PROGRAMS, offer.program_id)
    offer = Offer.objects.select_for_update(of=("self",)).select_related("program").get(pk=offer.pk)
    if "allowed_domains" in fields:
        fields["allowed_domains"] = _domains(fields["allowed_domains"])
    changes = _change(offer, _known(fields, OFFER_FIELDS))
    if changes:
        _save(offer)
        record(events.OFFER_UPDATED, offer, offer.program, by=by, data={"name": offer.name} | _told(offer, changes))
    return offer


@transaction.atomic
def publish_terms(program: Program, text: str, *, by: Any, at: datetime | None = None) -> TermsVersion:
    """A new version of the program's terms; the ones before stay readable. The same text again is refused."""
    check(by, Can.MANAGE_PROGRAMS, program.pk)
    program = Program.objects.select_for_update().get(pk=program.pk)  # one number after the other
    if not text.strip():
        raise ProgramError(_("The terms are empty."), code="required", field="text")
    last = program.terms.order_by("-number").first()
    if last is not None and last.text == text:
        raise ProgramError(_("These are the terms in force already."), code="unchanged", field="text")
    number = (program.terms.aggregate(last=Max("number"))["last"] or 0) + 1
    terms = TermsVersion.objects.create(program=program, number=number, text=text, published_at=at or timezone.now())
    record(events.TERMS_PUBLISHED, program, by=by, data={"number": number}, at=terms.published_at)
    return terms


def _known(fields: dict[str, Any], allowed: frozenset[str]) -> dict[str, Any]:
    unknown = fields.keys() - allowed
    if unknown:
        raise TypeError(f"there is no field {', '.join(sorted(unknown))}")
    return fields


def _change(row: models.Model, fields: dict[str, Any]) -> dict[str, list[str]]:
    """Set the fields; returns what changed, as {field: [before, after]}."""
    changes = {}
    for name, value in fields.items():
        before = getattr(row, name)
        if before != value:
            changes[name] = [_plain(before), _plain(value)]
            setattr(row, name, value)
    return changes


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _told(row: models.Model, changes: dict[str, list[str]]) -> dict[str, Any]:
    labels = [str(getattr(row._meta.get_field(name), "verbose_name", name)) for name in changes]
    return {"fields": ", ".join(labels), "changes": changes}


def _save_program(program: Program) -> None:
    if program.slug == "new":
        raise ProgramError(_("This word is taken by the page that makes programs. Choose another."), code="taken", field="slug")
    minimum = program.minimum_payout  # None where a change empties it, which its field refuses
    if minimum is not None and program.currency and minimum != round(minimum, currency_digits(program.currency)):
        raise ProgramError(_("The minimum has more decimals than the currency."), code="decimals", field="minimum_payout")
    _save(program)


def _save(row: Program | Offer) -> None:
    try:
        row.clean_fields()
    except ValidationError as error:
        field, problems = next(iter(error.message_dict.items()))
        raise ProgramError(" ".join(problems), code="invalid", field=field) from None
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        if "slug" in str(error):
            raise Conflict(_("This short name is taken. Choose another."), code="duplicate", field="slug") from None
        raise


def _domains(given: Iterable[str]) -> list[str]:
    """Bare host names, once each: "shop.example", not "https://shop.example/"."""
    domains: dict[str, None] = {}
    for domain in given:
        try:
            name = domain.strip().rstrip(".").lower().encode("idna").decode() if domain.strip() else ""
        except UnicodeError:
            name = ""
        if not _DOMAIN.fullmatch(name):
            raise ProgramError(
                _("Give domains as bare names, such as shop.example: “%(domain)s” is none.") % {"domain": domain[:80]},
                code="invalid",
                field="allowed_domains",
            )
        domains[name] = None
    return list(domains)


def _free_slug(name: str, program: Program) -> str:
    base = slugify(name)[:70].strip("-") or f"{program.slug}-offer"
    taken = set(Offer.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    candidates = (base if number == 1 else f"{base}-{number}" for number in range(1, len(taken) + 2))
    return next(slug for slug in candidates if slug not in taken)
