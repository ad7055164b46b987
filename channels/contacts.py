"""Those who write: who an address belongs to, and whose it turned out to be."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, OuterRef, QuerySet, Value
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from affiliates.models import Affiliate, AffiliateMember
from channels.events import CONTACT_MATCHED, CONTACT_UNMATCHED
from channels.models import Contact, ContactAddress
from channels.together import current
from core.access import Can, check
from core.errors import Conflict, Refusal
from core.events import record
from programs.models import Program


class ContactError(Refusal):
    """Why this contact stays as it is."""


class KnownAlready(ContactError, Conflict):
    """They are somebody else's: that is taken back first, so that it is said what becomes of what they have written."""


@transaction.atomic(savepoint=False)
def find_or_make_contact(kind: str, value: str, name: str = "", program: Program | None = None, *, label: str = "") -> Contact:
    """Whose address this is; a new contact where nobody has written from it yet.

    It is an affiliate's only where that was proved or decided: by a person, by a start link, or because the address is the
    verified sign-in address of a member of exactly one affiliate. A name or a likeness never is.
    """
    value = value.strip()[:320]
    together = current.get()
    address = together.address(kind, value, program) if together is not None else None
    address = address or _address(kind, value, program)
    if address is None:
        try:
            with transaction.atomic():
                contact = Contact.objects.create(name=name[:160])
                address = ContactAddress.objects.create(contact=contact, kind=kind, value=value, label=label[:160])
        except IntegrityError:  # another message from there came in the same moment
            address = _address(kind, value, program)
            if address is None:
                raise
        else:
            if together is not None and program is not None:
                together.keep(address, program)
    contact = address.contact
    if label and label != address.label:
        address.label = label[:160]
        address.save(update_fields=["label"])
    if name and not contact.name:
        contact.name = name[:160]
        contact.save(update_fields=["name"])
    if program is not None and getattr(address, "wrote_to", None) != program.pk:
        Contact.programs.through.objects.bulk_create(
            [Contact.programs.through(contact=contact, program=program)], ignore_conflicts=True
        )
        address.wrote_to = program.pk  # type: ignore[attr-defined]
    _recognise(contact, address)
    return contact


def contact_at(kind: str, value: str) -> Contact | None:
    """Whose address this is known to be."""
    address = _address(kind, value.strip()[:320], None)
    return address.contact if address else None


@transaction.atomic(savepoint=False)
def find_or_make_stranger(value: str, name: str, program: Program) -> Contact:
    """Whoever writes as this e-mail address and is, as the mail server says, perhaps somebody else: nobody's, until a person says
    whose; what comes after that word is a stranger's again."""
    value = value.strip()[:320]
    known = ContactAddress.objects.alias(_lower=Lower("value")).filter(
        kind=ContactAddress.Kind.UNPROVED, _lower=Lower(Value(value)), contact__affiliate=None, contact__matched_by=None
    )
    contact = Contact.objects.filter(addresses__in=known).order_by("pk").first()
    if contact is None:
        contact = Contact.objects.create(name=name[:160] or value[:160])
        ContactAddress.objects.create(contact=contact, kind=ContactAddress.Kind.UNPROVED, value=value)
    contact.programs.add(program)
    return contact


def claimed_affiliates(contacts: Iterable[Contact]) -> dict[int, Affiliate]:
    """By contact: the affiliate whose address a stranger writes under. In three queries at most, and none without a contact."""
    written = ContactAddress.objects.filter(kind=ContactAddress.Kind.UNPROVED, contact__in={contact.pk for contact in contacts})
    values = {pk: value.lower() for pk, value in written.values_list("contact", "value")} if contacts else {}
    if not values:
        return {}
    known = ContactAddress.objects.alias(_lower=Lower("value")).filter(
        kind=ContactAddress.Kind.EMAIL, _lower__in=set(values.values()), contact__affiliate__isnull=False
    )
    owners = {address.value.lower(): address.contact.affiliate for address in known.select_related("contact__affiliate")}
    members = AffiliateMember.objects.filter(
        user__emailaddress__email__in=set(values.values()), user__emailaddress__verified=True, removed_at__isnull=True
    )
    for member in members.annotate(address=F("user__emailaddress__email")).select_related("affiliate"):
        owners.setdefault(member.address, member.affiliate)
    return {pk: owner for pk, value in values.items() if (owner := owners.get(value)) is not None}


def _address(kind: str, value: str, program: Program | None) -> ContactAddress | None:
    return _addresses(kind, [value], program).first()


def _addresses(kind: str, values: Iterable[str], program: Program | None) -> QuerySet[ContactAddress]:
    """With `wrote_to`: the program, where their contacts are known there."""
    known = Contact.programs.through.objects.filter(contact=OuterRef("contact"), program=program)
    addresses = ContactAddress.objects.alias(_lower=Lower("value")).filter(
        kind=kind, _lower__in=[Lower(Value(value)) for value in values]
    )
    return addresses.annotate(wrote_to=known.values("program")[:1]).select_related("contact__affiliate")


def look_up(kind: str, values: Iterable[str], program: Program) -> dict[str, Contact]:
    """Read and hold those who write in the set that is being filed, with all that `find_or_make_contact` asks about them; returns
    those who are known, by their addresses in small letters."""
    together = current.get()
    assert together is not None
    values = {value.strip()[:320] for value in values}
    for address in _addresses(kind, values, program).select_for_update(no_key=True, of=("contact",)).order_by("contact"):
        together.keep(address, program)
    if kind == ContactAddress.Kind.EMAIL:
        together.proved |= {value.lower(): [] for value in values}
        for member in _members_at({value.lower() for value in values}).annotate(address=F("user__emailaddress__email")):
            together.proved[member.address].append(member)
    tied = {
        (contact.affiliate_id, contact.user_id)
        for contact in together.contacts.values()
        if contact.matched_by_id is None and contact.affiliate_id is not None and contact.user_id is not None
    }
    if tied:
        members = AffiliateMember.objects.filter(
            affiliate__in={pair[0] for pair in tied},
            user__in={pair[1] for pair in tied},
            removed_at__isnull=True,
            user__is_active=True,
        )
        found = set(members.values_list("affiliate", "user"))
        together.members |= {pair: pair in found for pair in tied}
    lowered = (value.lower() for value in values)
    return {value: known.contact for value in lowered if (known := together.address(kind, value, program)) is not None}


def _recognise(contact: Contact, address: ContactAddress) -> None:
    """Tie a contact by what is proved about it, or untie one whose proof has ended (a person who left the affiliate). What a
    person of the team decided stands."""
    if contact.matched_by_id is not None:
        return
    if contact.affiliate_id is not None:
        if contact.user_id is not None and not is_member(contact.affiliate_id, contact.user_id):
            contact.affiliate = contact.user = contact.matched_at = None
            contact.save(update_fields=["affiliate", "user", "matched_at"])
            record(CONTACT_UNMATCHED, contact, reason=_("The person no longer belongs to the affiliate."))
        return
    if address.kind != ContactAddress.Kind.EMAIL:
        return
    together, value = current.get(), address.value.lower()
    held = together.proved.get(value) if together is not None else None
    members = list(_members_at([value])[:2]) if held is None else held
    if len(members) == 1:
        address.verified_at = timezone.now()
        address.save(update_fields=["verified_at"])
        _tie(contact, members[0].affiliate, user=members[0].user, by=None)


def _members_at(addresses: Iterable[str]) -> QuerySet[AffiliateMember]:
    """Who sign in for an affiliate by these addresses, in small letters, which they have proved to be theirs."""
    members = AffiliateMember.objects.filter(
        user__emailaddress__email__in=addresses, user__emailaddress__verified=True, removed_at__isnull=True, user__is_active=True
    )
    return members.select_related("affiliate", "user")


def is_member(affiliate: int, user: int) -> bool:
    """Whether this person still signs in for the affiliate."""
    together = current.get()
    if together is not None and (affiliate, user) in together.members:
        return together.members[affiliate, user]
    members = AffiliateMember.objects.filter(affiliate=affiliate, user=user, removed_at__isnull=True, user__is_active=True)
    return members.exists()


@transaction.atomic
def match_contact(contact: Contact, affiliate: Affiliate, *, by: Any, user: User | None = None, reason: str = "") -> Contact:
    """A person says whose contact this is; or, with `by` the member themselves, they have proved it (start link)."""
    contact = Contact.objects.select_for_update().get(pk=contact.pk)
    own = user is not None and by == user
    if not own:
        check(by, Can.ANSWER_TICKETS)
        if not Affiliate.objects.visible_to(by).filter(pk=affiliate.pk).exists():
            raise ContactError(_("There is no such affiliate for you."), field="affiliate")
    if user is not None and not is_member(affiliate.pk, user.pk):
        raise ContactError(_("This person does not belong to the affiliate."))
    if contact.affiliate_id == affiliate.pk and contact.user_id == (user.pk if user else contact.user_id):
        return contact
    if not own and contact.affiliate_id not in (None, affiliate.pk):
        raise KnownAlready(_("It is known already who this is."), code="known")
    _tie(contact, affiliate, user=user, by=None if own else by, reason=reason)
    return contact


def _tie(contact: Contact, affiliate: Affiliate, *, user: User | None, by: Any, reason: str = "") -> None:
    contact.affiliate, contact.user, contact.matched_by, contact.matched_at = affiliate, user, by, timezone.now()
    contact.name = contact.name or affiliate.name
    contact.save()
    record(
        CONTACT_MATCHED,
        contact,
        affiliate,
        by=by,
        data={"contact": str(contact), "affiliate": affiliate.name, "addresses": [str(a) for a in contact.addresses.all()]},
        reason=reason,
    )


@transaction.atomic
def unmatch_contact(contact: Contact, *, by: Any, reason: str, wrong: bool = False) -> Contact:
    """Whoever writes here is not that affiliate any more: what was written stays the affiliate's, what comes is nobody's.

    `wrong`: they never were. What they have written goes with them then; higher apps see to it, by the event."""
    check(by, Can.ANSWER_TICKETS)
    contact = Contact.objects.select_for_update().get(pk=contact.pk)
    if contact.affiliate is None:
        raise ContactError(_("This contact belongs to no affiliate."))
    former = contact.affiliate
    contact.affiliate, contact.user, contact.matched_by, contact.matched_at = None, None, by, timezone.now()
    contact.save()
    data = {"contact": str(contact), "affiliate": former.name, "former": former.pk, "wrong": wrong}
    record(CONTACT_UNMATCHED, contact, former, by=by, data=data, reason=reason)
    return contact
