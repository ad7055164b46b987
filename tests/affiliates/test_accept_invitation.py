from datetime import timedelta

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.utils import timezone

from accounts.models import User
from affiliates.models import AffiliateMember, Function, Invitation
from affiliates.services import (
    AffiliateError,
    accept_invitation,
    find_invitation,
    invite_member,
    remove_member,
    revoke_invitation,
    set_member_functions,
)
from core.access import AccessError
from tests.factories import PASSWORD, event_names, link_in, mails_to, make_member, make_user, owner_of


def invite(affiliate, by, email="fay@tributary.example", functions=(Function.MARKETING,)):
    """The token of a new invitation, from its mail."""
    invite_member(affiliate, email, functions, by=by)
    return link_in(mails_to(email)[-1]).removeprefix("/portal/invitations/")


def test_a_new_person_gets_an_account_and_is_a_member(mara, ana):
    user = accept_invitation(invite(ana, mara), name="Fay", password=PASSWORD)

    assert user.check_password(PASSWORD)
    assert EmailAddress.objects.get(user=user).verified
    assert AffiliateMember.objects.get(user=user).functions == ["marketing"]
    assert event_names(ana) == ["invitation.sent", "member.joined"]


def test_a_link_opens_once(mara, ana):
    token = invite(ana, mara)
    accept_invitation(token, name="Fay", password=PASSWORD)

    with pytest.raises(AffiliateError, match="used"):
        accept_invitation(token, name="Thief", password="another long sentence")

    assert not User.objects.filter(name="Thief").exists()


def test_a_link_is_over_after_fourteen_days(mara, ana):
    token = invite(ana, mara)

    with time_machine.travel(timezone.now() + timedelta(days=14, minutes=1)):
        assert find_invitation(token) is None
        with pytest.raises(AffiliateError):
            accept_invitation(token, name="Fay", password=PASSWORD)


def test_a_new_invitation_replaces_the_one_before(mara, ana):
    first = invite(ana, mara)
    second = invite(ana, mara)

    assert find_invitation(first) is None
    assert find_invitation(second) is not None


def test_a_revoked_link_leads_nowhere(mara, ana):
    token = invite(ana, mara)
    revoke_invitation(Invitation.objects.get(), by=mara)

    with pytest.raises(AffiliateError):
        accept_invitation(token, name="Fay", password=PASSWORD)


def test_the_token_itself_is_not_kept(mara, ana):
    token = invite(ana, mara)
    assert token not in str(Invitation.objects.values().get())


def test_a_link_does_not_open_an_account_that_has_a_password(mara, ana, otto):
    token = invite(ana, mara, email=otto.email)

    with pytest.raises(AffiliateError, match="Sign in as") as refused:
        accept_invitation(token, name="Otto", password="another long sentence")

    assert refused.value.code == "sign_in"
    otto.refresh_from_db()
    assert otto.check_password(PASSWORD)
    assert accept_invitation(token, by=otto) == otto
    assert otto.memberships.get().affiliate == ana


def test_somebody_elses_sign_in_does_not_accept(mara, ana, bao, otto):
    token = invite(ana, mara, email=otto.email)
    with pytest.raises(AffiliateError):
        accept_invitation(token, by=owner_of(bao))


@pytest.mark.parametrize(
    ("name", "password", "field"), [("", PASSWORD, "name"), ("Fay", "password", "password"), ("Fay", "", "password")]
)
def test_a_refused_form_leaves_the_link_open(mara, ana, name, password, field):
    token = invite(ana, mara)

    with pytest.raises(AffiliateError) as refused:
        accept_invitation(token, name=name, password=password)

    assert refused.value.field == field
    assert find_invitation(token) is not None
    assert not User.objects.filter(email="fay@tributary.example").exists()


def test_a_closed_account_is_not_invited(mara, ana, otto):
    otto.is_active = False
    otto.save()
    with pytest.raises(AffiliateError, match="closed"):
        invite_member(ana, otto.email, [Function.OWNER], by=mara)


def test_owners_invite_and_others_do_not(ana, bao, nils):
    invite(ana, owner_of(ana))
    marketing = make_member(ana, make_user(), Function.MARKETING).user
    for stranger in (marketing, owner_of(bao), nils):
        with pytest.raises(AccessError):
            invite_member(ana, "gil@tributary.example", [Function.OWNER], by=stranger)


def test_the_last_owner_stays(ana):
    owner = ana.members.get()
    with pytest.raises(AffiliateError, match="owner"):
        remove_member(owner, by=owner.user)
    with pytest.raises(AffiliateError, match="owner"):
        set_member_functions(owner, [Function.FINANCE], by=owner.user)

    second = make_member(ana, make_user(), Function.OWNER)
    remove_member(owner, by=second.user)
    with pytest.raises(AffiliateError, match="owner"):
        remove_member(second, by=second.user)


def test_functions_change_and_are_told(ana):
    member = make_member(ana, make_user(name="Gil"), Function.MARKETING)

    set_member_functions(member, ["finance", "marketing"], by=owner_of(ana))

    member.refresh_from_db()
    assert member.functions == ["marketing", "finance"]
    assert event_names(ana) == ["member.changed"]
    with pytest.raises(AffiliateError, match="function"):
        set_member_functions(member, ["king"], by=owner_of(ana))
