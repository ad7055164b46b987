"""Better terms: up to the manager's limit, for a time; the head above it; granted, a dated rule that ends by itself."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from core.errors import Refusal
from support.models import TermsRequest
from support.services.terms import ask_for_terms, end_terms, grant_terms, pass_up_terms, refuse_terms, set_terms_limit
from tests.factories import make_enrollment, make_offer, make_rule, owner_of
from tests.pages import text_of


@pytest.fixture
def asked(ana, music):
    ticket = ask_for_terms(ana, music, by=owner_of(ana), wanted="15 %", why="I doubled my sales")
    return TermsRequest.objects.get(ticket=ticket)


@pytest.fixture
def limit(music, hana):
    return set_terms_limit(music, by=hana, percentage=Decimal(15), flat=None, days=90)


def grant(request, by, value="15", days=30, type="percentage"):
    ends_at = timezone.now() + timedelta(days=days)
    return grant_terms(request, by=by, type=type, value=Decimal(value), ends_at=ends_at, reason="Well done.")


def test_within_the_limit_the_manager_grants_a_dated_rule(asked, limit, mara, ana, music):
    make_rule(music, value="10", priority=3)
    rule = grant(asked, mara)
    asked.refresh_from_db()
    version = rule.versions.get()
    assert (rule.affiliate, rule.priority, version.value, version.type) == (ana, 3, Decimal(15), "percentage")
    assert timezone.now() - version.starts_at < timedelta(minutes=1)
    assert (asked.status, asked.rule, asked.ticket.messages.filter(direction="out").count()) == ("granted", rule, 1)


@pytest.mark.parametrize("over", [{"value": "15.01"}, {"days": 120}, {"type": "flat", "value": "1"}])
def test_above_it_the_head_decides(asked, limit, mara, hana, over):
    with pytest.raises(Refusal, match="above your limit"):
        grant(asked, mara, **over)
    pass_up_terms(asked, by=mara, reason="She is worth it")
    asked.refresh_from_db()
    assert asked.status == "passed_up"
    assert grant(asked, hana, **over).pk


def test_without_a_limit_it_is_the_head_s(asked, mara):
    with pytest.raises(Refusal, match="above your limit"):
        grant(asked, mara, value="1")


def test_a_manager_sets_no_limit(music, mara):
    with pytest.raises(Refusal):
        set_terms_limit(music, by=mara, percentage=Decimal(99), flat=None, days=90)


def test_it_ends_by_itself_once(asked, limit, mara):
    rule = grant(asked, mara)
    assert end_terms() == 0
    TermsRequest.objects.update(ends_at=timezone.now() - timedelta(seconds=1))
    assert (end_terms(), end_terms()) == (1, 0)
    rule.refresh_from_db()
    assert rule.archived_at is not None


def test_refused_it_says_why_and_is_decided(asked, mara):
    with pytest.raises(Refusal, match="Say why"):
        refuse_terms(asked, by=mara, reason=" ")
    refuse_terms(asked, by=mara, reason="Not yet.")
    with pytest.raises(Refusal, match="decided already"):
        refuse_terms(asked, by=mara, reason="Again.")


def test_one_request_at_a_time_and_only_where_approved(asked, ana, ella, music):
    with pytest.raises(Refusal, match="asked already"):
        ask_for_terms(ana, music, by=owner_of(ana), wanted="20 %", why="More")
    with pytest.raises(Refusal, match="approved"):
        ask_for_terms(ella, music, by=owner_of(ella), wanted="20 %", why="More")


def test_who_only_answers_grants_nothing(asked, limit, sofia):
    with pytest.raises(Refusal):
        grant(asked, sofia)


def test_the_numbers_stand_beside_it(asked, limit, mara, as_person):
    client = as_person(mara)
    text = text_of(client.get(f"/manage/inbox/{asked.ticket.public_id}/terms/"))
    assert "Their numbers" in text and "15 % for 90 days at most" in text
    until = (timezone.now() + timedelta(days=10)).date().isoformat()
    form = {"grant": "1", "type": "percentage", "value": "12", "until": until, "reason": "Good"}
    answer = client.post(f"/manage/inbox/{asked.ticket.public_id}/terms/", form)
    assert answer.status_code == 302, text_of(answer)


def test_asking_by_the_page(ana, music, as_person):
    client = as_person(ana)
    answer = client.post("/portal/better-terms/", {"program": music.pk, "wanted": "12 %", "why": "I grow"})
    assert answer.status_code == 302, text_of(answer)
    assert TermsRequest.objects.get().wanted == "12 %"


def test_the_offers_lead_to_asking_in_that_program_for_what_may_be_promoted_there(ana, music, books, as_person):
    make_enrollment(ana, books)
    shown, hidden = make_offer(books, name="Book shop"), make_offer(books, name="Closed shop", status="paused")
    client = as_person(ana)
    assert f'href="/portal/better-terms/?program={books.slug}"' in client.get("/portal/offers/").content.decode()

    text = client.get(f"/portal/better-terms/?program={books.slug}").content.decode()
    assert f'<option value="{books.pk}" selected>' in text
    assert shown.name in text and hidden.name not in text
