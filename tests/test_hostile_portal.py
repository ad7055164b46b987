"""Somebody who is in, and tries for more: other people's things by number and by name, in addresses, questions and forms.

`test_access_matrix` asks every address; here stands what is tried beside the addresses.
"""

from __future__ import annotations

from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.test import Client

from accounts.services import deactivate_person
from affiliates.models import Enrollment
from affiliates.services import change_enrollments, remove_member
from payouts.models import PayoutMethod
from payouts.services import set_payout_method
from tests.factories import (
    PASSWORD,
    make_batch,
    make_commission,
    make_conversion,
    make_coupon,
    make_link,
    make_member,
    make_payout,
    owner_of,
)
from tests.portal import file_of, member
from tracking.models import Link

PAGES = [
    "",
    "links/",
    "links/new/",
    "coupons/",
    "offers/",
    "conversions/",
    "numbers/",
    "money/",
    "payout-method/",
    "people/",
    "account/",
]
SECRET = "baos-own"


@pytest.fixture
def things(bao, music, music_offer) -> dict[str, Any]:
    """One of everything of Bao's, each with his mark in it."""
    link = make_link(bao, music_offer, code=SECRET)
    make_coupon(bao, music, code=f"{SECRET}-coupon")
    sale = make_conversion(music, bao, "100.00", external_id=f"{SECRET}-order", link=link, subs=[SECRET])
    commission = make_commission(sale, decision="approved", amount="77.77")
    payout = make_payout(make_batch(music, status="done"), bao, "77.77", "paid")
    payout.lines.create(commission=commission, amount="77.77")
    set_payout_method(bao, by=owner_of(bao), type="paypal", currency="USD", details={"email": f"{SECRET}@tributary.example"})
    return {"link": link, "payout": payout, "person": owner_of(bao)}


@pytest.fixture
def client(ana, as_person) -> Client:
    return as_person(ana)


def test_no_page_and_no_file_shows_anything_of_another_whatever_is_asked(client, things, bao, books):
    asked = [
        "", f"?q={SECRET}", f"?link={SECRET}", f"?sub1={SECRET}", "?program=books", f"?affiliate={bao.public_id}", f"?affiliate={bao.pk}",
        "?export=csv", f"?export=csv&q={SECRET}", f"?export=csv&affiliate={bao.public_id}", "?by=sub1&export=csv", "?by=link",
    ]  # fmt: skip
    for page in PAGES:
        for query in asked:
            answer = client.get(f"/portal/{page}{query}", follow=True)
            told = "\n".join(file_of(answer)) if answer.streaming else answer.content.decode()
            assert "77.77" not in told and f"{SECRET}-" not in told and f"/r/{SECRET}" not in told, f"{page}{query}"


@pytest.mark.parametrize("name", ["public", "number"])
def test_what_is_another_is_not_there_by_any_name(client, things, name):
    ids = {kind: thing.public_id if name == "public" else thing.pk for kind, thing in things.items()}
    for path in (
        f"payouts/{ids['payout']}/",
        f"payouts/{ids['payout']}/?export=csv",
        f"links/{ids['link']}/",
        f"links/{ids['link']}/qr.svg",
        f"links/{ids['link']}/qr.png?download=1",
        f"people/{ids['person']}/",
    ):
        assert client.get(f"/portal/{path}").status_code == 404, path
    for path, posted in (
        (f"links/{ids['link']}/status/", {"status": "paused"}),
        (f"people/{ids['person']}/", {"functions": ["marketing"]}),
        (f"people/{ids['person']}/remove/", {}),
        ("switch/", {"affiliate": "aff_nobody"}),
    ):
        assert client.post(f"/portal/{path}", posted).status_code == 404, path
    assert things["link"].status == Link.objects.get(pk=things["link"].pk).status == "active"


def test_names_of_others_in_a_form_reach_nothing_of_theirs(client, things, ana, bao):
    """Whatever else is sent: what is changed is one's own."""
    foreign = {
        "affiliate": bao.public_id,
        "affiliate_id": bao.pk,
        "user": owner_of(bao).pk,
        "id": bao.pk,
        "email": "x@evil.example",
    }

    client.post("/portal/account/", {"name": "Ana the Great", "kind": "blog", "manager": owner_of(ana).pk, **foreign})

    ana.refresh_from_db()
    bao.refresh_from_db()
    assert (ana.name, ana.email, ana.manager) == ("Ana the Great", "ana@tributary.example", None)
    assert (bao.name, bao.email) == ("Bao", "bao@tributary.example")


def test_whoever_was_taken_out_has_no_page_left_and_no_form(ana, things):
    owner = owner_of(ana)
    browser = member(ana, "owner")
    remove_member(ana.members.latest("pk"), by=owner)
    for page in PAGES:
        assert browser.get(f"/portal/{page}").status_code == 403, page
    assert browser.post("/portal/people/invite/", {"email": "x@evil.example", "functions": ["owner"]}).status_code == 403
    assert not ana.invitations.exists()


def test_an_ended_session_and_a_closed_account_open_nothing(ana, ada):
    for end in (lambda user: UserSession.objects.get(user=user).end(), lambda user: deactivate_person(user, by=ada)):
        browser = Client()
        person = make_member(ana, None, "owner").user
        assert browser.post("/accounts/login/", {"login": person.email, "password": PASSWORD}).status_code == 302
        assert browser.get("/portal/money/").status_code == 200
        end(person)
        for page in PAGES:
            assert browser.get(f"/portal/{page}").url.startswith("/accounts/login/"), page


def test_a_suspended_affiliate_reads_on_and_makes_nothing_new(client, ana, hana, music, music_offer):
    own = make_link(ana, music_offer, code="ana-own")
    change_enrollments(Enrollment.objects.filter(affiliate=ana), "suspended", by=hana, reason="Bidding on our name")

    for page in PAGES:
        assert client.get(f"/portal/{page}").status_code == 200, page
    client.post("/portal/links/new/", {"offer": music_offer.slug, "code": "ana-new"})
    assert [link.pk for link in ana.links.all()] == [own.pk]
    told = client.get("/portal/").content.decode()
    assert "You are suspended from Music" in told
    assert "Bidding on our name" not in told  # the reason is for colleagues


@pytest.mark.parametrize(
    "path", ["people/invite/", "people/invitations/1/revoke/", "switch/", "links/x/status/", "people/x/remove/"]
)
def test_nothing_is_changed_by_following_a_link(client, path):
    assert client.get(f"/portal/{path}").status_code == 405


def test_a_form_from_another_site_is_refused(ana):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(owner_of(ana))
    for path in ("account/", "people/invite/", "switch/", "links/new/", "payout-method/paypal/"):
        answer = browser.post(f"/portal/{path}", {"name": "x"}, headers={"Origin": "https://evil.example"})
        assert answer.status_code == 403, path
        assert "Nothing was done" in answer.content.decode()


def test_a_part_of_a_page_is_guarded_as_the_page_is(things, ana):
    browser = member(ana, "marketing")
    for page in ("money/", "payout-method/"):
        assert browser.get(f"/portal/{page}", headers={"HX-Request": "true"}).status_code == 403
    assert not PayoutMethod.objects.filter(affiliate=ana).exists()


def test_every_page_of_the_portal_keeps_others_scripts_and_frames_out(client):
    for page in PAGES:
        answer = client.get(f"/portal/{page}")
        policy = answer["Content-Security-Policy"]
        assert "script-src 'self'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
        assert answer["X-Frame-Options"] == "DENY"
        assert answer["Referrer-Policy"] == "strict-origin-when-cross-origin"
        assert answer["X-Content-Type-Options"] == "nosniff"
