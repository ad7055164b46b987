from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Role
from affiliates.models import Affiliate, Enrollment
from affiliates.services import invite_member
from commissions.services import approve_commissions, hold_commissions
from tests.factories import (
    assign,
    event_names,
    mails_to,
    make_affiliate,
    make_batch,
    make_commission,
    make_conversion,
    make_coupon,
    make_enrollment,
    make_link,
    make_payout,
    make_payout_method,
    make_program,
    make_refund,
    make_reversal,
    make_user,
    owner_of,
)
from tests.pages import assert_same_queries, csv_of, text_of

NEW = {"name": "Fay", "email": "Fay@tributary.example", "kind": "video", "country": "FR"}


def page(affiliate: Affiliate, then: str = "") -> str:
    return f"/manage/affiliates/{affiliate.public_id}/{then}"


def test_the_list_searches_names_addresses_and_ids(as_person, mara, ana, bao):
    ana.external_id = "A-1"
    ana.save()
    browser = as_person(mara)

    for words in ("an tributary", "ana@", "A-1", ana.public_id):
        text = text_of(browser.get("/manage/affiliates/", {"q": words}))
        assert "ana@tributary.example" in text
        assert "bao@tributary.example" not in text


def test_the_list_filters_by_status_program_country_type_and_manager(as_person, mara, ada, ana, bao, books):
    make_enrollment(ana, books, "suspended")
    Affiliate.objects.filter(pk=bao.pk).update(manager=mara)
    browser = as_person(ada)

    def shown(**query: str) -> str:
        return text_of(browser.get("/manage/affiliates/", query))

    for query in (
        {"status": "suspended"},
        {"program": "books"},
        {"program": "books", "status": "suspended"},
        {"country": "DE"},
        {"kind": "blog"},
    ):
        assert "ana@" in shown(**query)
        assert "bao@" not in shown(**query)
    assert "ana@" not in shown(program="books", status="approved")
    assert "bao@" in shown(manager="mara@tributary.example")
    assert "ana@" not in shown(manager="mara@tributary.example")


def test_the_list_tells_recent_conversions_and_net_earnings(as_person, mara, music, ana):
    recent = make_commission(make_conversion(music, ana), amount="10.00")
    make_reversal(recent, amount="2.50")
    make_commission(make_conversion(music, ana), amount="99.00", decision="rejected")
    old = make_conversion(music, ana, occurred_at=timezone.now() - timedelta(days=40))
    make_commission(old, amount="50.00")

    assert "2 $7.50 USD" in text_of(as_person(mara).get("/manage/affiliates/"))


def test_money_is_not_in_the_list_of_those_who_do_not_see_it(as_person, jun, music, ana):
    make_commission(make_conversion(music, ana), amount="10.00")
    browser = as_person(jun)

    assert "Earned" not in text_of(browser.get("/manage/affiliates/"))
    head, *rows = csv_of(browser.get("/manage/affiliates/", {"export": "csv"}))
    assert not [label for label in head if "Earned" in label or "Payable" in label]
    assert len(rows) == 1


def test_earnings_in_programs_of_others_do_not_count(as_person, mara, music, books, ana):
    make_commission(make_conversion(books, ana), amount="77.00")

    text = text_of(as_person(mara).get("/manage/affiliates/"))
    assert "77" not in text
    assert "Books" not in text


def test_the_file_holds_what_the_next_payout_would_take(as_person, mara, music, ana):
    make_commission(make_conversion(music, ana), amount="12.00", decision="approved")

    head, row = csv_of(as_person(mara).get("/manage/affiliates/", {"export": "csv"}))
    told = dict(zip(head, row, strict=True))
    assert (told["Affiliate"], told["E-mail"], told["Country"]) == ("Ana", "ana@tributary.example", "DE")
    assert (told["Payable, USD"], told["Payable, USD (currency)"]) == ("12.00", "USD")


def test_the_file_tells_every_currency_under_a_heading_of_its_own_with_its_decimals(as_person, mara, music, ana):
    shop = make_program("shop", currency="JPY")
    assign(mara, Role.MANAGER, shop)
    make_commission(make_conversion(music, ana), amount="40.00", decision="approved")
    make_commission(make_conversion(shop, ana, "9000"), amount="1250", decision="approved")

    head, row = csv_of(as_person(mara).get("/manage/affiliates/", {"export": "csv"}))
    assert len(set(head)) == len(head)
    told = dict(zip(head, row, strict=True))
    assert (told["Payable, JPY"], told["Payable, JPY (currency)"]) == ("1250", "JPY")
    assert (told["Payable, USD"], told["Earned, 30 days, USD"]) == ("40.00", "40.00")


def test_the_list_takes_the_same_queries_for_one_and_for_a_hundred(as_person, mara, music, ana):
    def add() -> None:
        for _number in range(99):
            affiliate = make_affiliate(manager=mara)
            make_enrollment(affiliate, music)

    make_commission(make_conversion(music, ana))
    assert_same_queries(as_person(mara), "/manage/affiliates/", add)


def test_adding_enrolls_and_invites_in_one_step(as_person, mara, music):
    answer = as_person(mara).post("/manage/affiliates/new/", NEW | {"program": music.pk, "invite": "on"})

    fay = Affiliate.objects.get()
    assert answer.url == page(fay)
    assert (fay.email, fay.country, fay.enrollments.get().status) == ("fay@tributary.example", "FR", "approved")
    assert event_names(fay) == ["affiliate.created", "enrollment.approved", "invitation.sent"]
    assert len(mails_to("fay@tributary.example")) == 1


def test_an_affiliate_may_be_added_alone(as_person, mara):
    as_person(mara).post("/manage/affiliates/new/", NEW)

    fay = Affiliate.objects.get()
    assert not fay.enrollments.exists()
    assert not mails_to("fay@tributary.example")


def test_a_known_address_is_refused_at_its_field_and_nothing_is_made(as_person, mara, music, ana):
    answer = as_person(mara).post("/manage/affiliates/new/", NEW | {"email": "ANA@tributary.example", "program": music.pk})

    assert "There already is an affiliate with this e-mail" in text_of(answer)
    assert Affiliate.objects.count() == 1


def test_nobody_enrolls_into_a_program_of_others(as_person, mara, books):
    answer = as_person(mara).post("/manage/affiliates/new/", NEW | {"program": books.pk})

    assert answer.status_code == 200
    assert not Affiliate.objects.exists()


def test_the_recruiter_is_named_by_address_and_kept_when_editing(as_person, mara, ana, bao):
    browser = as_person(mara)
    fields = {"name": "Bao", "email": bao.email, "kind": "video", "parent": "ana@tributary.example", "external_id": ""}
    assert browser.post(page(bao, "edit/"), fields).status_code == 302

    bao.refresh_from_db()
    assert (bao.parent, bao.external_id) == (ana, None)
    assert 'value="ana@tributary.example"' in browser.get(page(bao, "edit/")).content.decode()
    assert "There is no such affiliate" in text_of(browser.post(page(bao, "edit/"), fields | {"parent": "nobody"}))


def test_a_name_that_two_have_does_not_choose_one(as_person, mara, music, ana, bao):
    make_enrollment(make_affiliate("second@tributary.example", "Ana"), music)
    answer = as_person(mara).post(page(bao, "edit/"), {"name": "Bao", "email": bao.email, "kind": "video", "parent": "ana"})

    assert "Several affiliates have this name" in text_of(answer)


def test_editing_to_a_taken_address_keeps_the_page_of_the_right_one(as_person, mara, ana, bao):
    answer = as_person(mara).post(page(bao, "edit/"), {"name": "Bo", "email": ana.email, "kind": "video"})

    assert "There already is an affiliate with this e-mail" in text_of(answer)
    assert "Change Bao" in text_of(answer)


@pytest.mark.parametrize("then", ["", "edit/"])
def test_an_affiliate_of_another_program_is_not_there(as_person, nils, ana, then):
    assert as_person(nils).get(page(ana, then)).status_code == 404


@pytest.mark.parametrize("public_id", ["aff_", "1", "prg_snDrTH0ufh", "aff_0000000000"])
def test_an_id_that_is_none_is_not_found(as_person, mara, public_id):
    assert as_person(mara).get(f"/manage/affiliates/{public_id}/").status_code == 404


def test_the_page_shows_everything_about_one_affiliate(as_person, mara, music, music_offer, ana):
    link = make_link(ana, music_offer, code="autumn")
    make_coupon(ana, music, code="ANA10")
    conversion = make_conversion(music, ana, external_id="order-one", link=link)
    make_commission(conversion, amount="31.00")
    make_payout_method(ana, type="paypal", hint="a•••@tributary.example")
    make_payout(make_batch(music, status="done", by=make_user()), ana, "44.00", "paid")
    make_enrollment(make_affiliate("other@tributary.example", "Other"), music)

    text = text_of(as_person(mara).get(page(ana)))
    for told in ("autumn", "ANA10", "order-one", "$31.00", "$44.00", "a•••@tributary.example", "Owner", "Last 90 days"):
        assert told in text


def test_the_page_keeps_other_programs_to_itself(as_person, mara, hana, music, books, books_offer, ana):
    make_enrollment(ana, books, "pending", pitch="Only for books")
    make_link(ana, books_offer, code="bookish")
    sold = make_commission(make_conversion(books, ana, external_id="order-book"), amount="31.00")
    approve_commissions([sold.pk], by=hana)

    text = text_of(as_person(mara).get(page(ana)))
    for hidden in ("Only for books", "bookish", "order-book", "31.00"):
        assert hidden not in text
    assert "order-book" in text_of(as_person(hana).get(page(ana)))


def test_money_and_its_history_are_not_on_the_page_of_those_who_do_not_see_it(as_person, jun, mara, music, ana):
    held = make_commission(make_conversion(music, ana, external_id="order-one"), amount="31.00")
    make_refund(held.conversion, "5.00")
    hold_commissions([held.pk], by=mara, reason_code="fraud_check")

    text = text_of(as_person(jun).get(page(ana)))
    assert "order-one" in text
    assert "31.00" not in text
    assert "on hold" not in text
    assert "put on hold" in text_of(as_person(mara).get(page(ana)))


def test_support_reads_and_changes_nothing(as_person, sofia, ana):
    browser = as_person(sofia)

    content = browser.get(page(ana)).content.decode()
    assert 'method="post" action="/manage/' not in content
    assert browser.get(page(ana, "edit/")).status_code == 403
    assert browser.get("/manage/affiliates/new/").status_code == 403


def test_an_affiliate_is_put_into_another_program(as_person, hana, books, ana):
    answer = as_person(hana).post(page(ana, "enroll/"), {"program": books.pk, "status": "pending"})

    assert answer.status_code == 302
    assert ana.enrollments.get(program=books).status == "pending"


def test_a_second_enrollment_in_the_same_program_is_refused_on_the_page(as_person, mara, music, ana):
    answer = as_person(mara).post(page(ana, "enroll/"), {"program": music.pk, "status": "approved"})

    assert answer.status_code == 200
    assert "in this program already" in text_of(answer)


def test_inviting_again_replaces_the_link_before(as_person, mara, ana):
    browser = as_person(mara)
    for _time in range(2):
        browser.post(page(ana, "people/invite/"), {"email": "fay@tributary.example", "functions": ["finance"]})

    open_one = ana.invitations.get(revoked_at=None)
    assert len(mails_to("fay@tributary.example")) == 2
    assert "fay@tributary.example Invited" in text_of(browser.get(page(ana)))

    browser.post(page(ana, f"invitations/{open_one.pk}/revoke/"))
    assert not ana.invitations.filter(revoked_at=None).exists()


def test_an_invitation_without_functions_is_refused_on_the_page(as_person, mara, ana):
    answer = as_person(mara).post(page(ana, "people/invite/"), {"email": "fay@tributary.example"})

    assert answer.status_code == 200
    assert "This field is required" in text_of(answer)
    assert not ana.invitations.exists()


def test_an_invitation_is_revoked_beneath_its_own_affiliate_alone(as_person, mara, ana, bao):
    invitation = invite_member(bao, "fay@tributary.example", ["owner"], by=mara)

    assert as_person(mara).post(page(ana, f"invitations/{invitation.pk}/revoke/")).status_code == 404


def test_the_last_owner_stays(as_person, mara, ana):
    browser, owner = as_person(mara), owner_of(ana).public_id

    answer = browser.post(page(ana, f"people/{owner}/"), {"functions": ["finance"]})
    assert "An account needs an owner" in text_of(answer)
    answer = browser.post(page(ana, f"people/{owner}/remove/"), follow=True)
    assert "An account needs an owner" in text_of(answer)
    assert ana.members.filter(removed_at=None).count() == 1


def test_enrollments_of_programs_that_the_reader_does_not_manage_have_no_buttons(as_person, mara, felix, music, books, ana):
    make_enrollment(ana, books)

    assert as_person(felix).get(page(ana)).content.decode().count("/change/") == 0
    assert as_person(mara).get(page(ana)).content.decode().count("/change/") == 2  # suspend and end, in music
    assert Enrollment.objects.filter(affiliate=ana).count() == 2
