"""The mails about money: who gets them, and who of the team reads them where mails are kept."""

import pytest

from affiliates.models import Function
from core.mail import readable_mails
from core.models import Mail
from payouts.services import set_payout_method
from payouts.services.batches import tell_payout
from tests.factories import mails_to, make_affiliate, make_batch, make_enrollment, make_member, make_payout, make_user, owner_of

PAYPAL = {"type": "paypal", "currency": "USD", "details": {"email": "pay@tributary.example"}}


def test_a_payouts_mail_is_read_by_who_sees_its_programs_money(music, books, ana, mara, felix, sofia, jun, vera, nils, hana):
    make_enrollment(ana, books)
    for program, amount in ((music, "77.00"), (books, "88.00")):
        tell_payout(make_payout(make_batch(program), ana, amount, "paid"))

    def reads(by):
        return {amount for amount in ("77.00", "88.00") for mail in readable_mails(by) if amount in mail.body}

    assert [reads(by) for by in (mara, felix, sofia)] == [{"77.00"}] * 3
    assert reads(nils) == {"88.00"}
    assert reads(hana) == {"77.00", "88.00"}
    assert reads(jun) == reads(vera) == set()


def test_a_first_method_that_the_team_sets_is_told_to_the_affiliates_people(felix, ana):
    cleo = make_member(ana, make_user("cleo@tributary.example"), Function.FINANCE).user

    method = set_payout_method(ana, by=felix, **PAYPAL)

    assert method.usable_from == method.created_at
    for address in (ana.email, cleo.email):
        (mail,) = mails_to(address)
        assert "was set for you" in mail.subject
        assert "Felix" in mail.body and "USD" in mail.body and "p•••@tributary.example" in mail.body
        assert "/portal/payout-method/" in mail.body


def test_nobody_is_told_what_they_set_themselves_or_where_nobody_signs_in(felix, ana, music):
    set_payout_method(ana, by=owner_of(ana), **PAYPAL)
    alone = make_affiliate()
    make_enrollment(alone, music)
    set_payout_method(alone, by=felix, **PAYPAL)

    assert not Mail.objects.exists()


@pytest.mark.parametrize(("who", "may"), [("felix", True), ("mara", True), ("jun", False), ("nils", False)])
def test_the_mail_about_a_method_is_read_by_who_sees_the_method(request, who, may, ana, books):
    make_enrollment(ana, books, "pending")
    set_payout_method(ana, by=owner_of(ana), **PAYPAL)
    set_payout_method(ana, by=owner_of(ana), **PAYPAL | {"details": {"email": "new@tributary.example"}})

    assert readable_mails(request.getfixturevalue(who)).exists() == may
