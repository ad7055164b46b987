"""Who signs in for an affiliate: invitations, members and their functions."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import timedelta

from allauth.account.models import EmailAddress
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from affiliates import events
from affiliates.errors import AffiliateError
from affiliates.models import Affiliate, AffiliateMember, Function, Invitation, told_functions
from affiliates.services.records import check_entrusted
from core.events import record
from core.mail import write_mail

INVITATION_DAYS = 14


@transaction.atomic
def invite_member(affiliate: Affiliate, email: str, functions: Iterable[str], *, by: User) -> Invitation:
    """Mail a link, good once and for 14 days, that makes its reader a member. An open one for the same address is replaced.

    Owners of the affiliate may, and whoever of the team it is entrusted to.
    """
    _check_people(affiliate, by)
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise AffiliateError(_("Enter an e-mail address, such as ana@example.com."), code="invalid", field="email") from None
    invitation, token = open_invitation(affiliate, email, functions, by=by)
    context = {"affiliate": affiliate, "by": by, "days": INVITATION_DAYS, "path": invitation_path(token)}
    write_mail(email, "affiliates/mails/invitation", context, about=[invitation])
    return invitation


def open_invitation(affiliate: Affiliate, email: str, functions: Iterable[str], *, by: User) -> tuple[Invitation, str]:
    """The invitation's row and its token, which is not kept. For services that write the mail themselves."""
    Affiliate.objects.select_for_update().get(pk=affiliate.pk)  # one at a time for each affiliate
    if AffiliateMember.objects.filter(affiliate=affiliate, user__email__iexact=email, removed_at__isnull=True).exists():
        raise AffiliateError(_("%(email)s is a member already.") % {"email": email}, code="member", field="email")
    known = User.objects.filter(email__iexact=email).first()
    if known is not None and (known.is_service or not known.is_active):
        raise AffiliateError(
            _("%(email)s cannot be invited: this account is closed.") % {"email": email}, code="closed", field="email"
        )
    functions = _ordered(functions)
    now = timezone.now()
    _open_ones().filter(affiliate=affiliate, email__iexact=email).update(revoked_at=now)
    token = secrets.token_urlsafe(32)
    invitation = Invitation.objects.create(
        affiliate=affiliate,
        email=email,
        functions=functions,
        token_hash=_hash(token),
        invited_by=by,
        expires_at=now + timedelta(days=INVITATION_DAYS),
    )
    record(events.INVITATION_SENT, affiliate, by=by, data={"email": email, "functions": told_functions(functions)})
    return invitation, token


def invitation_path(token: str) -> str:
    return reverse("portal:invitation_accept", args=[token])


def find_invitation(token: str) -> Invitation | None:
    """The open invitation that this token opens."""
    return (
        _open_ones()
        .select_related("affiliate", "invited_by")
        .filter(token_hash=_hash(token), expires_at__gt=timezone.now())
        .first()
    )


@transaction.atomic
def revoke_invitation(invitation: Invitation, *, by: User) -> None:
    """Its link leads nowhere from now on."""
    _check_people(invitation.affiliate, by)
    if _open_ones().filter(pk=invitation.pk).update(revoked_at=timezone.now()):
        record(events.INVITATION_REVOKED, invitation.affiliate, by=by, data={"email": invitation.email})


@transaction.atomic
def accept_invitation(token: str, *, name: str = "", password: str = "", by: User | None = None) -> User:
    """Make the invited address a member, once.

    An address with an account of its own and a password joins only as that signed-in person (`by`): the link alone opens no
    account. Everyone else gets an account with this name and password; the mail has proved the address.
    """
    invitation = _open_ones().select_for_update().filter(token_hash=_hash(token), expires_at__gt=timezone.now()).first()
    if invitation is None:
        raise AffiliateError(_("This invitation was used, replaced or has expired. Ask for a new one."), code="gone")
    Affiliate.objects.select_for_update().get(pk=invitation.affiliate_id)
    user = User.objects.select_for_update().filter(email__iexact=invitation.email).first()
    if user is not None and (user.is_service or not user.is_active):
        raise AffiliateError(_("This account is closed. Ask those who invited you."), code="closed")
    if user is not None and user.has_usable_password():
        if by is None or by.pk != user.pk:
            raise AffiliateError(
                _("Sign in as %(email)s to accept this invitation.") % {"email": invitation.email}, code="sign_in"
            )
    else:
        user = _account(user, invitation.email, name.strip(), password)
    invitation.accepted_at = timezone.now()
    invitation.save(update_fields=["accepted_at"])
    _member, created = AffiliateMember.objects.get_or_create(
        affiliate_id=invitation.affiliate_id, user=user, removed_at=None, defaults={"functions": invitation.functions}
    )
    if created:
        data = {"person": str(user), "functions": told_functions(invitation.functions)}
        record(events.MEMBER_JOINED, invitation.affiliate, user, by=user, data=data)
    return user


@transaction.atomic
def set_member_functions(member: AffiliateMember, functions: Iterable[str], *, by: User) -> AffiliateMember:
    """What a person does for the affiliate from now on. The last owner stays one."""
    member = _locked(member, by)
    wanted = _ordered(functions)
    if wanted == member.functions:
        return member
    if Function.OWNER not in wanted:
        _check_another_owner(member)
    member.functions = wanted
    member.save(update_fields=["functions"])
    record(
        events.MEMBER_CHANGED,
        member.affiliate,
        member.user,
        by=by,
        data={"person": str(member.user), "functions": told_functions(wanted)},
    )
    return member


@transaction.atomic
def remove_member(member: AffiliateMember, *, by: User) -> None:
    """The person signs in for this affiliate no more, from the next request on. The last owner stays."""
    member = _locked(member, by)
    _check_another_owner(member)
    member.removed_at = timezone.now()
    member.save(update_fields=["removed_at"])
    record(events.MEMBER_REMOVED, member.affiliate, member.user, by=by, data={"person": str(member.user)})


def _open_ones() -> QuerySet[Invitation]:
    return Invitation.objects.filter(accepted_at__isnull=True, revoked_at__isnull=True)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _ordered(functions: Iterable[str]) -> list[str]:
    chosen = set(functions)
    if not chosen or not chosen <= set(Function.values):
        raise AffiliateError(_("Choose at least one function."), code="functions", field="functions")
    return [value for value in Function.values if value in chosen]


def _account(user: User | None, email: str, name: str, password: str) -> User:
    if not name:
        raise AffiliateError(_("Tell us your name."), code="required", field="name")
    user = user or User(email=email)
    user.name = name
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise AffiliateError(" ".join(error.messages), code="password", field="password") from None
    user.set_password(password)
    user.save()
    EmailAddress.objects.update_or_create(user=user, email=email, defaults={"verified": True, "primary": True})
    return user


def _check_people(affiliate: Affiliate, by: User) -> None:
    owns = AffiliateMember.objects.filter(
        affiliate=affiliate, user=by, removed_at__isnull=True, functions__contains=[Function.OWNER]
    )
    if not owns.exists():
        check_entrusted(affiliate, by)


def _locked(member: AffiliateMember, by: User) -> AffiliateMember:
    affiliate = Affiliate.objects.select_for_update().get(pk=member.affiliate_id)
    _check_people(affiliate, by)
    locked = AffiliateMember.objects.select_for_update(of=("self",)).select_related("affiliate", "user").filter(
        pk=member.pk, removed_at__isnull=True
    ).first()  # fmt: skip
    if locked is None:
        raise AffiliateError(_("This person is no longer a member."), code="gone")
    return locked


def _check_another_owner(member: AffiliateMember) -> None:
    if Function.OWNER not in member.functions:
        return
    others = AffiliateMember.objects.filter(
        affiliate=member.affiliate, removed_at__isnull=True, functions__contains=[Function.OWNER]
    )
    if not others.exclude(pk=member.pk).exists():
        raise AffiliateError(_("An account needs an owner: make somebody else one first."), code="last_owner")
