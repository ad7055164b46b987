"""What an affiliate's programs share, and who of the team may change it: an application to a program opens nothing of it."""

import pytest

from affiliates.models import Affiliate, Function
from affiliates.services import (
    apply_to_program,
    change_enrollments,
    enroll_affiliate,
    invite_member,
    remove_member,
    revoke_invitation,
    set_member_functions,
    update_affiliate,
)
from core.access import AccessError, Can
from core.mail import readable_mails
from core.models import Mail
from payouts.services import set_payout_method
from tests.factories import link_in, mails_to, make_affiliate, make_enrollment, make_payout_method

PAYPAL = {"type": "paypal", "currency": "USD", "details": {"email": "nils@tributary.example"}}
SHARED = {
    "e-mail": lambda ana, by: update_affiliate(ana, by=by, email="nils@tributary.example"),
    "external id": lambda ana, by: update_affiliate(ana, by=by, external_id="mine"),
    "invitation": lambda ana, by: invite_member(ana, "nils@tributary.example", [Function.OWNER], by=by),
    "taking back": lambda ana, by: revoke_invitation(ana.invitations.get(), by=by),
    "functions": lambda ana, by: set_member_functions(ana.members.get(), [Function.OWNER, Function.FINANCE], by=by),
    "payout method": lambda ana, by: set_payout_method(ana, by=by, **PAYPAL),
}


@pytest.fixture
def applied(ana, books, mara):
    """Ana of music, in whose name somebody has applied to books."""
    invite_member(ana, "fay@tributary.example", [Function.MARKETING], by=mara)
    apply_to_program(books, email=ana.email, name="Ana")
    return ana


@pytest.fixture
def in_both(ana, books, mara):
    invite_member(ana, "fay@tributary.example", [Function.MARKETING], by=mara)
    make_enrollment(ana, books)
    return ana


@pytest.mark.parametrize("change", SHARED.values(), ids=SHARED)
def test_an_application_gives_a_manager_nothing_of_the_affiliate(nils, applied, change):
    with pytest.raises(AccessError):
        change(applied, nils)


def test_an_application_does_not_let_its_manager_change_the_record_or_take_people_out(nils, applied):
    with pytest.raises(AccessError):
        update_affiliate(applied, by=nils, name="Mine now")
    with pytest.raises(AccessError):
        remove_member(applied.members.get(), by=nils)


@pytest.mark.parametrize("status", ["pending", "invited", "rejected"])
def test_no_application_of_any_state_entrusts(status, nils, ana, books):
    make_enrollment(ana, books, status)

    assert Affiliate.objects.visible_to(nils).get() == ana
    for allowed in (
        Affiliate.objects.known_to(nils),
        Affiliate.objects.looked_after_by(nils),
        Affiliate.objects.entrusted_to(nils),
    ):
        assert not allowed.exists()


@pytest.mark.parametrize("change", SHARED.values(), ids=SHARED)
def test_an_application_elsewhere_takes_nothing_from_who_manages_the_affiliate(mara, applied, change):
    change(applied, mara)


@pytest.mark.parametrize("change", SHARED.values(), ids=SHARED)
def test_what_two_programs_share_is_changed_by_who_manages_both(mara, nils, hana, in_both, change):
    for by in (mara, nils):
        with pytest.raises(AccessError):
            change(in_both, by)

    change(in_both, hana)


@pytest.mark.parametrize("status", ["approved", "suspended", "terminated"])
def test_whoever_worked_in_a_program_belongs_to_it(status, mara, nils, ana, books):
    make_enrollment(ana, books, status)

    for by in (mara, nils):
        assert Affiliate.objects.looked_after_by(by).filter(pk=ana.pk).exists()
        assert not Affiliate.objects.entrusted_to(by).filter(pk=ana.pk).exists()
        assert not Affiliate.objects.entrusted_to(by, Can.MANAGE_PAYOUT_METHODS).filter(pk=ana.pk).exists()


def test_the_rest_of_the_record_is_kept_up_in_each_program(nils, in_both):
    assert update_affiliate(in_both, by=nils, note="Writes about novels.", email=in_both.email).note == "Writes about novels."


def test_who_works_nowhere_is_seen_to_where_they_applied(mara, nils, felix, sofia, ella):
    def may(by, can=Can.MANAGE_AFFILIATES):
        return Affiliate.objects.entrusted_to(by, can).filter(pk=ella.pk).exists()

    assert may(mara) and may(felix, Can.MANAGE_PAYOUT_METHODS)
    assert not may(nils) and not may(sofia) and not may(felix)


def test_one_in_no_program_is_everybodys_who_manages_affiliates(mara, nils, sofia, otto):
    fay = make_affiliate("fay@tributary.example")
    assert [Affiliate.objects.entrusted_to(by).filter(pk=fay.pk).exists() for by in (mara, nils, sofia, otto)] == [
        True, True, False, False,
    ]  # fmt: skip


def test_the_page_of_an_applicant_shows_the_application_and_no_more(as_person, nils, applied, mara):
    make_payout_method(applied, currency="USD", hint="DE•• •••• 3000")
    update_affiliate(applied, by=mara, note="Pays late.")
    path = f"/manage/affiliates/{applied.public_id}/"
    browser = as_person(nils)

    page = browser.get(path).content.decode()

    assert "Approve" in page and "Books" in page
    for secret in ("fay@tributary.example", "3000", "Pays late", "Invitation", 'id="people"', "Change"):
        assert secret not in page
    assert browser.get(f"{path}edit/").status_code == 404
    for address in ("people/invite/", f"people/invitations/{applied.invitations.get().pk}/revoke/"):
        assert browser.post(path + address, {"email": "nils@tributary.example", "functions": ["owner"]}).status_code == 404
    whole = as_person(mara).get(path).content.decode()
    for shown in ("fay@tributary.example", "3000", "Pays late", 'id="people"'):
        assert shown in whole


def test_the_form_leaves_what_is_shared_alone(as_person, mara, in_both):
    path = f"/manage/affiliates/{in_both.public_id}/edit/"
    posted = {"name": "Ana B.", "email": "mine@tributary.example", "external_id": "mine", "kind": "blog"}

    as_person(mara).post(path, posted)

    in_both.refresh_from_db()
    assert (in_both.name, in_both.email, in_both.external_id) == ("Ana B.", "ana@tributary.example", None)


def test_mails_with_a_way_in_are_read_by_who_may_invite(mara, nils, sofia, hana, applied, books):
    def reads(by):
        return set(readable_mails(by).values_list("to", flat=True))

    assert reads(mara) == {"fay@tributary.example"}
    assert reads(nils) == {applied.email}  # the application to books alone
    assert reads(sofia) == set()
    assert reads(hana) == {"fay@tributary.example", applied.email}

    change_enrollments(applied.enrollments.filter(program=books), "approved", by=nils)
    assert reads(mara) == reads(sofia) == set()


def test_an_approval_with_an_invitation_is_read_by_who_may_invite(mara, sofia, music):
    fay = make_affiliate("fay@tributary.example")
    enroll_affiliate(fay, music, by=mara, status="approved")

    (mail,) = mails_to(fay.email)
    assert link_in(mail).startswith("/portal/invitations/")
    assert list(readable_mails(mara)) == [mail]
    assert not readable_mails(sofia).exists()


def test_an_approval_without_one_is_read_by_who_sees_the_program(mara, sofia, nils, books, bao, hana):
    enroll_affiliate(bao, books, by=hana, status="approved")

    (mail,) = mails_to(bao.email)
    assert link_in(mail) == "/portal/"
    assert list(readable_mails(nils)) == [mail]
    assert not readable_mails(sofia).exists() and not readable_mails(mara).exists()


def test_enrolling_as_pending_writes_no_mail(mara, music):
    enroll_affiliate(make_affiliate(), music, by=mara)
    assert not Mail.objects.exists()
