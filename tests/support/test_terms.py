"""Better terms: up to the manager's limit, for a time; the head above it; granted, a dated rule that ends by itself."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from commissions.models import BEGINNING, Commission
from commissions.pricing import Candidate, winning_rule
from commissions.rates import rates_of
from core.errors import Refusal
from intake.services import record_conversions
from support.models import TermsRequest
from support.services.terms import (
    ask_for_terms,
    day_begins,
    end_terms,
    grant_terms,
    open_terms_request,
    pass_up_terms,
    refuse_terms,
    set_terms_limit,
)
from tests.factories import make_coupon, make_enrollment, make_offer, make_rule, owner_of
from tests.factories_support import make_ticket
from tests.pages import text_of
from tracking.conversions import ConversionInput


@pytest.fixture
def asked(ana, music):
    ticket = ask_for_terms(ana, music, by=owner_of(ana), wanted="15 %", why="I doubled my sales")
    return TermsRequest.objects.get(ticket=ticket)


@pytest.fixture
def limit(music, hana):
    return set_terms_limit(music, by=hana, percentage=Decimal(15), flat=None, days=90)


def grant(request, by, value="15", days=30, type="percentage"):
    until = timezone.localdate(timezone=request.ticket.program.zone) + timedelta(days=days)
    return grant_terms(request, by=by, type=type, value=Decimal(value), until=until, reason="Well done.")


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
    over = timezone.now() - timedelta(hours=5)
    TermsRequest.objects.update(ends_at=over)
    assert (end_terms(), end_terms()) == (1, 0)
    rule.refresh_from_db()
    assert rule.archived_at == over  # whenever it was looked at


def test_sales_are_paid_by_it_from_its_first_moment_to_its_last_where_the_program_is(asked, limit, mara, ana, music):
    """Both days are the program's: the former rule counts before the first one's midnight and from that after the last."""
    music.time_zone = "America/New_York"
    music.save()
    make_rule(music, value="10")
    coupon = make_coupon(ana, music)
    first = timezone.localdate(timezone=music.zone) + timedelta(days=2)
    last = first + timedelta(days=1)
    request = TermsRequest.objects.get(pk=asked.pk)
    rule = grant_terms(request, by=mara, type="percentage", value=Decimal(15), starts=first, until=last, reason="")
    request.refresh_from_db()
    granted = rule.versions.get()
    assert (request.last_day, granted.last_day, granted.ends_at) == (last, last, request.ends_at)

    begin, end = (datetime.combine(day, time(0), music.zone) for day in (first, last + timedelta(days=1)))
    offer = make_offer(music)
    assert [(rate.text, rate.last_day) for rate in rates_of(ana.pk, [offer], begin)[offer.pk]] == [("15%", last)]
    moment = timedelta(microseconds=1)
    at = {"before": begin - moment, "first": begin, "last": end - moment, "after": end}
    rows = [ConversionInput("sale", name, when, Decimal(100), "USD", coupon=coupon.code) for name, when in at.items()]
    record_conversions(music, rows, by=mara, now=end + timedelta(days=1))

    earned = dict(Commission.objects.values_list("conversion__external_id", "amount"))
    assert earned == {"before": 10, "first": 15, "last": 15, "after": 10}


def version(number, value, affiliate, starts_at, ends_at):
    return Candidate(number, number, "sale", None, affiliate, 0, "percentage", Decimal(value), starts_at, ends_at)


@settings(max_examples=300, deadline=None)
@given(
    zone=st.sampled_from(
        ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Africa/Cairo", "America/Havana", "Pacific/Apia"]
    ),
    first=st.dates(date(2024, 1, 1), date(2027, 12, 31)),
    days=st.integers(0, 40),
    side=st.sampled_from(["first", "last"]),
    off=st.one_of(st.sampled_from([-1, 0, 1]), st.integers(-3 * 86_400_000_000, 3 * 86_400_000_000)),
)
def test_a_moment_is_paid_by_it_where_its_day_there_is_one_of_its_days(zone, first, days, side, off):
    zone, last = ZoneInfo(zone), first + timedelta(days=days)
    starts_at, ends_at = day_begins(first, zone), day_begins(last + timedelta(days=1), zone)
    at = (starts_at if side == "first" else ends_at) + timedelta(microseconds=off)

    rules = [version(1, "10", None, BEGINNING, None), version(2, "15", 7, starts_at, ends_at)]
    won = winning_rule(rules, event="sale", offer_id=None, affiliate_id=7, occurred_at=at)

    assert won.value == (15 if first <= at.astimezone(zone).date() <= last else 10)


def test_what_was_sold_is_not_paid_anew_and_terms_end_after_they_begin(asked, hana, music):
    today = timezone.localdate(timezone=music.zone)
    for days in ({"starts": today - timedelta(days=1), "until": today}, {"until": today - timedelta(days=1)}):
        with pytest.raises(Refusal):
            grant_terms(asked, by=hana, type="percentage", value=Decimal(15), reason="", **days)
    grant_terms(asked, by=hana, type="percentage", value=Decimal(15), until=today, reason="")


def test_what_was_asked_in_a_message_is_decided_like_what_was_asked_in_the_portal(ana, music, mara, as_person):
    ticket = make_ticket(ana, music, type="terms")
    answer = as_person(mara).post(f"/manage/inbox/{ticket.public_id}/terms/open/", {"wanted": "20 % in June"})
    assert answer.status_code == 302 and TermsRequest.objects.get().wanted == "20 % in June"
    with pytest.raises(Refusal, match="once"):
        open_terms_request(ticket, by=mara, wanted="30 %")


def test_the_limits_of_all_programs_stand_in_the_settings(limit, mara, hana, music, as_person):
    text = text_of(as_person(mara).get("/manage/settings/terms-limits/"))
    assert (
        music.name in text
        and "15 %" in text
        and str(hana) in text
        and "Change" not in text.split("Above it")[1].split(music.name)[1]
    )
    assert f"/manage/programs/{music.slug}/terms-limit/" in as_person(hana).get("/manage/settings/terms-limits/").content.decode()


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
