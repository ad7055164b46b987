"""The payout method in the portal: masked, changed after confirming who one is, with its cooling-off told."""

from datetime import timedelta

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.utils import timezone

from payouts.models import PayoutMethod
from payouts.services import method_details, set_payout_method
from tests.factories import PASSWORD, mails_to, make_batch, make_member, make_payout, owner_of
from tests.portal import MOST_QUERIES, member, queries_of, text_of

PAGE = "/portal/payout-method/"
BANK = "/portal/payout-method/bank_transfer/"
IBAN = "DE89 3704 0044 0532 0130 00"
OTHER_IBAN = "GB33BUKB20201555555555"


def confirm(client):
    """What the page before the form asks for."""
    answer = client.get(BANK)
    assert answer.url.startswith("/accounts/reauthenticate/"), answer
    assert client.post(answer.url, {"password": PASSWORD}).url == BANK


@pytest.fixture
def client(ana, as_person):
    return as_person(ana)


def test_the_first_method_is_set_and_can_be_used_at_once(client, ana):
    confirm(client)
    assert "it can be used at once" in text_of(client.get(BANK))

    answer = client.post(BANK, {"account": ana.public_id, "currency": "USD", "account_holder": "Ana Weber", "iban": IBAN})

    assert answer.url == PAGE
    method = ana.payout_methods.get()
    assert method_details(method) == {"account_holder": "Ana Weber", "iban": "DE89370400440532013000"}
    assert method.usable_from <= timezone.now()
    page = text_of(client.get(PAGE))
    assert "Bank transfer DE•• •••• 3000" in page
    assert "37040044" not in page and "Ana Weber" not in page


def test_without_confirming_nothing_is_changed_and_nothing_is_kept(client, ana):
    answer = client.post(BANK, {"account": ana.public_id, "currency": "USD", "account_holder": "Thief", "iban": OTHER_IBAN})

    assert answer.url == BANK
    assert client.get(BANK).url.startswith("/accounts/reauthenticate/")
    assert not ana.payout_methods.exists()
    assert not any(OTHER_IBAN in str(session.get_decoded()) for session in Session.objects.all())


def test_a_wrong_password_does_not_open_the_form(client):
    client.post("/accounts/reauthenticate/?next=" + BANK, {"password": "wrong"})

    assert client.get(BANK).url.startswith("/accounts/reauthenticate/")


def test_confirming_holds_for_five_minutes(client, ana):
    with time_machine.travel(timezone.now(), tick=False) as clock:
        confirm(client)
        assert client.get(BANK).status_code == 200
        clock.shift(timedelta(minutes=5, seconds=1))
        assert client.get(BANK).status_code == 302
        client.post(BANK, {"account": ana.public_id, "currency": "USD", "account_holder": "Ana", "iban": IBAN})
    assert not ana.payout_methods.exists()


def test_a_change_cools_off_is_told_before_and_after_and_stays_in_the_history(client, ana, music):
    set_payout_method(ana, by=owner_of(ana), type="paypal", currency="USD", details={"email": "ana@tributary.example"})
    make_payout(make_batch(music), ana, "77.00")
    confirm(client)

    before = text_of(client.get(BANK))
    assert "used after 3 days" in before and "$77.00" in before
    after = text_of(
        client.post(BANK, {"account": ana.public_id, "currency": "USD", "account_holder": "Ana", "iban": IBAN}, follow=True)
    )

    assert "a payout before then waits for the next one" in after
    assert "Cooling off" in after
    assert "PayPal a•••@tributary.example" in after  # in the history
    [old, new] = PayoutMethod.objects.order_by("pk")
    assert old.replaced_at and timedelta(days=2, hours=23) < new.usable_from - timezone.now() <= timedelta(days=3)
    assert "was changed" in mails_to("ana@tributary.example")[0].subject


@pytest.mark.parametrize(
    ("path", "posted", "field"),
    [
        (BANK, {"account_holder": "Ana", "iban": "DE00 0000"}, "iban"),
        (BANK, {"account_holder": "", "iban": IBAN}, "account_holder"),
        (f"{PAGE}paypal/", {"email": "nobody"}, "email"),
        (BANK, {"account_holder": "Ana", "iban": IBAN, "currency": "XXX"}, "currency"),
    ],
)
def test_what_cannot_be_right_is_told_at_its_field(path, posted, field, client, ana):
    confirm(client)

    page = text_of(client.post(path, {"account": ana.public_id, "currency": "USD", **posted}))

    assert f'id="id_{field}_error"' in page
    assert not ana.payout_methods.exists()


def test_the_same_details_again_change_nothing(client, ana):
    set_payout_method(ana, by=owner_of(ana), type="paypal", currency="USD", details={"email": "ana@tributary.example"})
    confirm(client)

    page = text_of(
        client.post(
            f"{PAGE}paypal/", {"account": ana.public_id, "currency": "USD", "email": "ana@tributary.example"}, follow=True
        )
    )

    assert "nothing was changed" in page
    assert ana.payout_methods.count() == 1


def test_there_is_no_other_way_to_be_paid(client):
    confirm(client)

    assert client.get(f"{PAGE}cash/").status_code == 404


def test_who_set_a_method_is_named_where_they_are_of_the_account(client, ana, mara):
    set_payout_method(ana, by=mara, type="manual", currency="USD", details={"instructions": "in cash"})

    page = text_of(client.get(PAGE))

    assert "The program’s team" in page and "Mara" not in page
    assert "in cash" not in page


@pytest.mark.parametrize(("function", "may"), [("owner", True), ("finance", True), ("leader", False), ("marketing", False)])
def test_who_sets_it(function, may, ana):
    browser = member(ana, function)

    assert browser.get(PAGE).status_code == (200 if may else 403)
    assert browser.get(BANK).status_code == (302 if may else 403)
    assert browser.post(BANK, {"currency": "USD", "account_holder": "A", "iban": IBAN}).status_code == (302 if may else 403)
    assert not ana.payout_methods.exists()


def test_nobody_elses_method_is_shown(client, ana, bao, otto, as_person):
    set_payout_method(bao, by=owner_of(bao), type="paypal", currency="USD", details={"email": "bao@tributary.example"})

    assert "b•••@tributary.example" not in text_of(client.get(PAGE))
    assert as_person(otto).get(PAGE).status_code == 403


def test_the_page_runs_as_many_queries_for_a_hundred_changes_as_for_one(client, ana):
    counts = {}
    for number in (1, 100):
        while ana.payout_methods.count() < number:
            email = f"ana{ana.payout_methods.count()}@tributary.example"
            set_payout_method(ana, by=owner_of(ana), type="paypal", currency="USD", details={"email": email})
        counts[number] = queries_of(client, PAGE)

    assert counts[1] == counts[100] <= MOST_QUERIES


def test_a_page_of_another_account_saves_nothing_in_this_one(ana, bao):
    """Two tabs: in the one Ana's details are being typed, in the other the person has changed to Bao's account."""
    browser = member(ana, "finance")
    person = ana.members.latest("pk").user
    make_member(bao, person, "finance")
    confirm(browser)
    opened = browser.get(BANK).content.decode()
    assert f'name="account" value="{ana.public_id}"' in opened
    browser.post("/portal/switch/", {"affiliate": bao.public_id})

    page = browser.post(BANK, {"account": ana.public_id, "currency": "USD", "account_holder": "Ana", "iban": IBAN})

    assert "changed to another account" in text_of(page)
    assert not PayoutMethod.objects.exists()
