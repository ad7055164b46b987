import pytest

from affiliates.models import Enrollment, Invitation
from affiliates.services import AffiliateError, apply_to_program, change_enrollments, enroll_affiliate
from core.access import AccessError
from core.errors import Conflict
from tests.factories import event_names, link_in, mails_to, make_affiliate, make_enrollment


def change(*enrollments, to, by, reason=""):
    return change_enrollments(Enrollment.objects.filter(pk__in=[e.pk for e in enrollments]), to, by=by, reason=reason)


def test_approving_tells_the_timeline_and_the_affiliate(mara, ella):
    enrollment = ella.enrollments.get()

    assert change(enrollment, to="approved", by=mara) == 1

    enrollment.refresh_from_db()
    assert enrollment.status == "approved"
    assert event_names(enrollment) == event_names(ella) == event_names(enrollment.program) == ["enrollment.approved"]
    (mail,) = mails_to(ella.email)
    assert "You are approved for Music" in mail.subject
    assert link_in(mail) == "/portal/"


def test_an_affiliate_nobody_signs_in_for_gets_an_invitation_with_the_approval(mara, music):
    enrollment = make_enrollment(make_affiliate("new@tributary.example"), music, "pending")

    change(enrollment, to="approved", by=mara)

    (mail,) = mails_to("new@tributary.example")
    assert link_in(mail).startswith("/portal/invitations/")
    assert Invitation.objects.get().email == "new@tributary.example"


def test_a_second_approval_is_refused_and_changes_nothing(mara, ella):
    enrollment = ella.enrollments.get()
    change(enrollment, to="approved", by=mara)

    with pytest.raises(AffiliateError, match="is approved in Music and cannot become approved"):
        change(enrollment, to="approved", by=mara)

    assert event_names(enrollment) == ["enrollment.approved"]
    assert len(mails_to(ella.email)) == 1


def test_one_that_cannot_move_holds_back_the_others(mara, ana, ella):
    pending, approved = ella.enrollments.get(), ana.enrollments.get()

    with pytest.raises(AffiliateError):
        change(pending, approved, to="rejected", by=mara)

    assert Enrollment.objects.get(pk=pending.pk).status == "pending"


MOVES = [
    ("pending", "approved", True), ("pending", "rejected", True), ("pending", "suspended", False), ("invited", "approved", True),
    ("invited", "rejected", True), ("approved", "suspended", True), ("approved", "terminated", True), ("approved", "pending", False),
    ("suspended", "approved", True), ("suspended", "terminated", True), ("suspended", "rejected", False), ("rejected", "pending", True),
    ("rejected", "approved", False), ("terminated", "approved", False), ("terminated", "pending", False),
]  # fmt: skip


@pytest.mark.parametrize(("now", "then", "allowed"), MOVES)
def test_moves(mara, music, now, then, allowed):
    enrollment = make_enrollment(program=music, status=now)

    if allowed:
        assert change(enrollment, to=then, by=mara, reason="as agreed") == 1
    else:
        with pytest.raises(AffiliateError):
            change(enrollment, to=then, by=mara)

    enrollment.refresh_from_db()
    assert enrollment.status == (then if allowed else now)


@pytest.mark.parametrize(
    ("now", "then", "subject"),
    [
        ("pending", "rejected", "Your application to Music was not accepted"),
        ("approved", "suspended", "You are suspended from Music"),
        ("suspended", "terminated", "Your work with Music has ended"),
        ("invited", "rejected", None),
        ("rejected", "pending", None),
    ],
)
def test_what_is_decided_is_told_by_mail_without_the_reason_for_colleagues(mara, music, now, then, subject):
    enrollment = make_enrollment(program=music, status=now)

    change(enrollment, to=then, by=mara, reason="Smells of fraud")

    mails = mails_to(enrollment.affiliate.email)
    assert [mail.subject for mail in mails] == ([subject] if subject else [])
    assert all("Smells of fraud" not in mail.body + mail.html for mail in mails)


def test_another_programs_manager_decides_nothing(nils, ella):
    with pytest.raises(AccessError):
        change(ella.enrollments.get(), to="approved", by=nils)

    assert ella.enrollments.get().status == "pending"


def test_an_affiliate_is_in_a_program_once(mara, music, ana):
    with pytest.raises(Conflict):
        enroll_affiliate(ana, music, by=mara)


def test_support_enrolls_nobody(sofia, music):
    with pytest.raises(AccessError):
        enroll_affiliate(make_affiliate(), music, by=sofia)


def test_an_application_makes_an_affiliate_and_a_pending_enrollment(music):
    apply_to_program(music, email="Fay@Tributary.example", name="Fay", country="FR", kind="blog", pitch="Reviews.")

    enrollment = Enrollment.objects.get(affiliate__email="fay@tributary.example")
    assert (enrollment.status, enrollment.pitch) == ("pending", "Reviews.")
    assert event_names() == ["affiliate.created", "enrollment.applied"]
    assert "A person reads it" in mails_to("fay@tributary.example")[0].body


def test_an_application_with_a_known_address_answers_the_same_and_changes_no_profile(music, ana):
    assert apply_to_program(music, email=ana.email, name="Somebody else", website="https://elsewhere.example") is None

    ana.refresh_from_db()
    assert (ana.name, ana.website) == ("Ana", "")
    assert ana.enrollments.get().status == "approved"
    assert "decided already" in mails_to(ana.email)[0].body


def test_a_rejected_applicant_may_apply_again(mara, music, ella):
    change(ella.enrollments.get(), to="rejected", by=mara, reason="No site yet.")

    apply_to_program(music, email=ella.email, name="Ella", pitch="Now I have a site.")

    enrollment = ella.enrollments.get()
    assert (enrollment.status, enrollment.reason, enrollment.pitch) == ("pending", "", "Now I have a site.")


def test_a_closed_program_takes_no_applications(music):
    music.status = "closed"
    music.save()

    with pytest.raises(AffiliateError, match="takes no applications"):
        apply_to_program(music, email="fay@tributary.example", name="Fay")
