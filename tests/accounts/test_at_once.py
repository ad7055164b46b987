"""What two people do at the same moment: the row locks let one of them win."""

import pytest

from accounts.models import Role, RoleAssignment, User
from accounts.services import revoke_role
from affiliates.models import AffiliateMember, Enrollment, Function
from affiliates.services import accept_invitation, change_enrollments, invite_member, remove_member
from tests.at_once import at_once
from tests.factories import PASSWORD, assign, event_names, link_in, mails_to, make_affiliate, make_member, make_user

pytestmark = pytest.mark.django_db(transaction=True)


def test_two_admins_who_remove_each_other_leave_one():
    first, second = (assign(make_user(), Role.ADMIN) for _ in range(2))
    roles = [person.assignments.get() for person in (first, second)]

    refused = at_once(
        lambda: revoke_role(roles[1], by=User.objects.get(pk=first.pk)),
        lambda: revoke_role(roles[0], by=User.objects.get(pk=second.pk)),
    )

    assert refused.count(None) == 1
    assert RoleAssignment.objects.current().filter(role=Role.ADMIN).count() == 1


def test_two_owners_who_remove_each_other_leave_one():
    affiliate = make_affiliate()
    first, second = (make_member(affiliate, make_user(), Function.OWNER) for _ in range(2))

    refused = at_once(lambda: remove_member(second, by=first.user), lambda: remove_member(first, by=second.user))

    assert refused.count(None) == 1
    assert AffiliateMember.objects.filter(removed_at=None).count() == 1


def test_a_link_used_twice_at_once_makes_one_member(mara, ana):
    invite_member(ana, "fay@tributary.example", [Function.MARKETING], by=mara)
    token = link_in(mails_to("fay@tributary.example")[0]).removeprefix("/portal/invitations/")

    refused = at_once(*[lambda: accept_invitation(token, name="Fay", password=PASSWORD)] * 4)

    assert refused.count(None) == 1
    assert ana.members.filter(user__email="fay@tributary.example").count() == 1


def test_approved_and_rejected_at_once_is_one_decision(mara, ella):
    enrollment = ella.enrollments.get()
    pending = Enrollment.objects.filter(pk=enrollment.pk)

    refused = at_once(
        lambda: change_enrollments(pending.all(), "approved", by=mara),
        lambda: change_enrollments(pending.all(), "rejected", by=mara),
    )

    assert refused.count(None) == 1
    assert len(event_names(enrollment)) == 1
