"""Start links: an affiliate's member opens one in Telegram, and this Telegram account is known to be theirs. Once, for an hour.

"Deep linking" (https://core.telegram.org/bots/features#deep-linking): t.me/<bot>?start=<up to 64 of A-Z a-z 0-9 _ ->.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from affiliates.models import Affiliate, EnrollmentStatus
from channels.contacts import is_member, match_contact
from channels.events import CONTACT_UNMATCHED
from channels.models import Channel, Contact, ContactAddress, StartLink
from core.errors import Refusal
from core.events import record

VALID = timedelta(hours=1)


class StartLinkError(Refusal):
    """Why this link ties nothing, in words for whoever opened it."""


@transaction.atomic
def make_start_link(affiliate: Affiliate, channel: Channel, *, by: User) -> str:
    """The address to open in Telegram, for `by`, a member of the affiliate. Those made before for the same bot end."""
    username = channel.settings.get("username", "")
    if channel.kind != Channel.Kind.TELEGRAM or channel.status != Channel.Status.ACTIVE or not username:
        raise StartLinkError(_("This Telegram account is not in use now."))
    if not is_member(affiliate.pk, by.pk):
        raise StartLinkError(_("You do not belong to this account."))
    now = timezone.now()
    StartLink.objects.filter(user=by, channel=channel, used_at=None, expires_at__gt=now).update(expires_at=now)
    token = secrets.token_urlsafe(32)  # 43 characters of Telegram's own alphabet
    StartLink.objects.create(affiliate=affiliate, user=by, channel=channel, token_hash=_hash(token), expires_at=now + VALID)
    return f"https://t.me/{username}?start={token}"


@transaction.atomic
def use_start_link(channel: Channel, token: str, contact: Contact) -> StartLink:
    """Tie the contact to the affiliate's member who made the link. Raises StartLinkError."""
    link = (
        StartLink.objects.select_for_update(of=("self",))
        .select_related("affiliate", "user")
        .filter(channel=channel, token_hash=_hash(token))
        .first()
    )
    if link is None:
        raise StartLinkError(_("This link is not one of ours. Open a new one from your account in the portal."))
    if link.used_at is not None:
        if link.contact_id == contact.pk:
            return link  # the same tap twice
        raise StartLinkError(_("This link was used before, and works once. Open a new one from your account in the portal."))
    if link.expires_at <= timezone.now():
        raise StartLinkError(_("This link has expired. Open a new one from your account in the portal."))
    if not is_member(link.affiliate_id, link.user_id):
        raise StartLinkError(_("Whoever made this link no longer belongs to the account."))
    if contact.affiliate_id is not None and contact.affiliate_id != link.affiliate_id:
        raise StartLinkError(
            _("This Telegram account belongs to another account already. Disconnect it there first, or write to us here.")
        )
    match_contact(contact, link.affiliate, by=link.user, user=link.user)
    contact.addresses.filter(kind=ContactAddress.Kind.TELEGRAM).update(verified_at=timezone.now())
    link.used_at, link.contact = timezone.now(), contact
    link.save(update_fields=["used_at", "contact"])
    return link


def open_bots(affiliate: Affiliate) -> QuerySet[Channel]:
    """The bots of the programs that the affiliate works in, or has applied to."""
    programs = affiliate.enrollments.exclude(status=EnrollmentStatus.REJECTED).values("program")
    bots = Channel.objects.filter(kind=Channel.Kind.TELEGRAM, status=Channel.Status.ACTIVE, program__in=programs)
    return bots.exclude(settings__username=None).select_related("program").order_by("program__name", "pk")


def connected_contacts(affiliate: Affiliate) -> QuerySet[Contact]:
    """Whose Telegram is tied to this affiliate by a start link of one of its members."""
    contacts = Contact.objects.filter(affiliate=affiliate, user__isnull=False, addresses__kind=ContactAddress.Kind.TELEGRAM)
    return contacts.select_related("user").prefetch_related("addresses").distinct().order_by("name", "pk")


@transaction.atomic
def disconnect_telegram(contact: Contact, affiliate: Affiliate, *, by: Any) -> None:
    """A member takes their own Telegram away from the affiliate. What was written stays."""
    contact = Contact.objects.select_for_update().get(pk=contact.pk)
    if contact.affiliate_id != affiliate.pk or contact.user_id != by.pk:
        raise StartLinkError(_("This Telegram account is not yours to disconnect."))
    contact.affiliate = contact.user = contact.matched_by = contact.matched_at = None
    contact.save(update_fields=["affiliate", "user", "matched_by", "matched_at"])
    record(CONTACT_UNMATCHED, contact, affiliate, by=by, data={"contact": str(contact), "affiliate": affiliate.name})


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
