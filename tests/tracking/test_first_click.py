"""Under "first click" a sale follows its visitor's clicks back, by what the click server's cookie told, never by who looks alike."""

from __future__ import annotations

import uuid
from datetime import timedelta
from decimal import Decimal
from http.cookiejar import CookieJar
from unittest import mock
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlsplit
from urllib.request import HTTPCookieProcessor, HTTPRedirectHandler, build_opener

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from affiliates.models import Enrollment
from intake.services import credit_late_clicks, record_conversions
from tests.factories import make_affiliate, make_click, make_coupon, make_link, make_offer, make_program
from tests.tracking.click_servers import BROWSER, ClickServer
from tracking.attribution import CLOCK_SKEW, REASONS
from tracking.conversions import ConversionInput
from tracking.models import Click, Conversion
from tracking.partitions import make_partitions

NOW = timezone.now()
WINDOW = timedelta(days=45)
UNKNOWN = uuid.UUID("0192f0c0-0000-7000-8000-000000000000")


def sale(external_id: str = "order-1", **fields) -> ConversionInput:
    fields = {"event": "sale", "occurred_at": NOW, "amount": Decimal(100), "currency": "USD"} | fields
    return ConversionInput(external_id=external_id, **fields | {"click_id": str(fields.get("click_id", ""))})


def ago(days: float) -> dict:
    return {"at": NOW - timedelta(days=days)}


@pytest.fixture
def first(music):
    """Music, crediting the first click."""
    music.attribution_model = "first_click"
    music.save()
    return music


@pytest.fixture
def anas(ana, music_offer):
    return make_link(ana, music_offer)


@pytest.fixture
def baos(bao, music_offer):
    return make_link(bao, music_offer)


def credited(program, by, row: ConversionInput) -> tuple:
    record_conversions(program, [row], by=by)
    conversion = Conversion.objects.get(external_id=row.external_id)
    return conversion.affiliate, conversion.reason


@pytest.mark.django_db
class TestTheChain:
    def test_the_first_click_earns_and_what_it_tells_goes_with_the_sale(self, first, mara, ana, anas, baos):
        early = make_click(anas, **ago(9), subs=["mail"])
        late = make_click(baos, **ago(1), previous=early)

        assert credited(first, mara, sale(click_id=late)) == (ana, "first_click")
        conversion = Conversion.objects.get()
        assert (conversion.source, conversion.click_id, conversion.link, conversion.subs) == ("click", early, anas, ["mail"])
        assert conversion.given["click_id"] == str(late)

    def test_under_last_click_the_sales_own_click_earns_and_no_other_is_looked_for(self, music, mara, bao, anas, baos):
        late = make_click(baos, **ago(1), previous=make_click(anas, **ago(9)))

        with CaptureQueriesContext(connection) as queries:
            assert credited(music, mara, sale(click_id=late)) == (bao, "click")
        assert not any("RECURSIVE" in query["sql"] for query in queries)

    def test_a_visitors_only_click_is_the_first(self, first, mara, bao, baos):
        assert credited(first, mara, sale(click_id=make_click(baos, **ago(1)))) == (bao, "click")

    def test_somebody_of_the_same_address_and_browser_is_somebody_else(self, first, mara, bao, anas, baos):
        make_click(anas, **ago(9), visitor=7, ip="100.64.0.1")  # one of the thousands behind a carrier's address
        late = make_click(baos, **ago(1), visitor=7, ip="100.64.0.1")

        assert credited(first, mara, sale(click_id=late)) == (bao, "click")

    def test_clicks_of_other_programs_earn_nothing_and_hide_nothing(self, first, books_offer, mara, ana, anas):
        early = make_click(anas, **ago(9))
        foreign = make_click(make_link(ana, books_offer), **ago(5), previous=early)
        late = make_click(anas, **ago(1), previous=foreign)

        credited(first, mara, sale(click_id=late))
        assert Conversion.objects.get().click_id == early
        assert credited(first, mara, sale("o2", click_id=foreign)) == (ana, "first_click")
        assert Conversion.objects.get(external_id="o2").given["tried"] == ["click_of_another_program"]

    def test_what_may_not_be_credited_is_passed_over(self, first, mara, ana, bao, anas, baos, music_offer):
        expired = make_click(baos, **ago(46))
        cleo = make_affiliate("cleo@tributary.example")
        suspended = make_click(make_link(cleo, music_offer), **ago(20), previous=expired)
        Enrollment.objects.filter(affiliate=cleo).update(status="suspended")
        paused = make_click(baos, **ago(10), outcome=1, previous=suspended)
        good = make_click(anas, **ago(5), previous=paused)
        late = make_click(baos, **ago(1), previous=good)

        assert credited(first, mara, sale(click_id=late)) == (ana, "first_click")
        assert Conversion.objects.get().click_id == good

    def test_a_tied_customer_comes_before_every_click(self, first, mara, ana, baos):
        make_coupon(ana, first, code="ANA")
        credited(first, mara, sale("o1", coupon="ANA", customer="c1", occurred_at=NOW - timedelta(days=20)))

        assert credited(first, mara, sale("o2", customer="c1", click_id=make_click(baos, **ago(1)))) == (ana, "customer")

    def test_whoever_the_first_click_credits_has_the_customer(self, first, mara, ana, anas, baos):
        late = make_click(baos, **ago(1), previous=make_click(anas, **ago(9)))
        credited(first, mara, sale("o1", customer="c1", click_id=late, occurred_at=NOW - timedelta(hours=1)))

        assert credited(first, mara, sale("o2", customer="c1")) == (ana, "customer")

    def test_a_cookie_that_names_itself_or_the_future_leads_nowhere(self, first, mara, bao, anas, baos):
        late = make_click(baos, **ago(1))
        Click.objects.filter(pk=late).update(previous=late)
        assert credited(first, mara, sale("o1", click_id=late)) == (bao, "click")

        newer = make_click(anas, **ago(0.5), previous=late)
        Click.objects.filter(pk=late).update(previous=newer)  # a circle
        assert credited(first, mara, sale("o2", click_id=late)) == (bao, "click")
        assert credited(first, mara, sale("o3", click_id=newer)) == (bao, "first_click")

    def test_a_sale_of_the_first_century_is_answered(self, first, mara, baos):
        ancient = sale(click_id=make_click(baos, **ago(1)), occurred_at=NOW.replace(year=1))

        assert credited(first, mara, ancient) == (None, "click_after_sale")

    def test_a_late_click_is_followed_back_too_and_gives_way_to_a_tie(self, first, mara, ana, bao, anas, baos):
        early = make_click(anas, **ago(9))
        spooled = Click.objects.get(pk=make_click(baos, **ago(1), previous=early))
        Click.objects.filter(pk=spooled.pk).delete()
        credited(first, mara, sale("o1", click_id=spooled.pk))
        credited(first, mara, sale("o2", click_id=spooled.pk, customer="c1"))
        make_coupon(bao, first, code="BAO")
        credited(first, mara, sale("o0", coupon="BAO", customer="c1", occurred_at=NOW - timedelta(days=3)))

        spooled.save(force_insert=True)
        assert credit_late_clicks(first) == 2

        assert credited(first, mara, sale("o1", click_id=spooled.pk)) == (ana, "first_click")
        assert credited(first, mara, sale("o2", click_id=spooled.pk, customer="c1")) == (bao, "customer")

    def test_a_thousand_sales_are_followed_back_by_as_many_queries_as_ten(self, first, mara, ana, anas, baos):
        def queries(prefix: str, count: int) -> int:
            early = [make_click(anas, **ago(9)) for _ in range(count)]
            late = [make_click(baos, **ago(1), previous=click) for click in early]
            rows = [sale(f"{prefix}{n}", click_id=click) for n, click in enumerate(late)]
            with CaptureQueriesContext(connection) as captured:
                record_conversions(first, rows, by=mara)
            return len(captured)

        queries("rights are read once", 1)
        assert queries("a", 20) == queries("b", 10)
        assert set(Conversion.objects.values_list("affiliate", "reason")) == {(ana.pk, "first_click")}


clicks = st.tuples(
    st.integers(-50 * 86_400, 3600),  # seconds from the sale
    st.integers(0, 3),  # whose link; the last is of another program
    st.sampled_from([0, 0, 0, 1]),  # outcome
    st.none() | st.integers(-1, 7),  # the one that the cookie tells: any of them, or one that nobody knows
)


@pytest.mark.django_db
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    made=st.lists(clicks, min_size=1, max_size=8),
    approved=st.sets(st.integers(0, 2)),
    most=st.sampled_from([1, 200]),
)
def test_any_history_of_clicks_credits_whom_a_plain_walk_does(
    undone, first, books_offer, music_offer, mara, made, approved, most
):
    with undone(), mock.patch("tracking.clicks.MOST_BEFORE", most):
        links = [make_link(make_affiliate(), music_offer) for _ in range(3)] + [make_link(make_affiliate(), books_offer)]
        refused = [link.affiliate_id for n, link in enumerate(links[:3]) if n not in approved]
        Enrollment.objects.filter(affiliate__in=refused).update(status="suspended")
        ids = [make_click(links[who], at=NOW + timedelta(seconds=s), outcome=outcome) for s, who, outcome, _ in made]
        by_id, story = dict(zip(ids, made, strict=True)), {}
        for click_id, (*_, before) in by_id.items():
            story[click_id] = None if before is None else ids[before] if 0 <= before < len(ids) else UNKNOWN
            Click.objects.filter(pk=click_id).update(previous=story[click_id])

        record_conversions(first, [sale(str(n), click_id=click_id) for n, click_id in enumerate(ids)], by=mara)

        for n, claimed in enumerate(ids):
            walk = [claimed]
            while (before := story[walk[-1]]) in by_id and before < walk[-1] and len(walk) <= most:
                walk.append(before)
            holding = [c for c in walk if by_id[c][1] in approved and not by_id[c][2] and -WINDOW <= age(by_id[c]) <= CLOCK_SKEW]
            conversion = Conversion.objects.get(external_id=str(n))
            assert conversion.click_id == (holding[-1] if holding else None)
            assert conversion.affiliate_id == (links[by_id[holding[-1]][1]].affiliate_id if holding else None)
            assert conversion.reason in REASONS


def age(click: tuple) -> timedelta:
    return timedelta(seconds=click[0])


@pytest.mark.django_db
def test_only_the_days_of_the_window_are_looked_at(first, mara, anas, baos):
    make_partitions((NOW - timedelta(days=80)).date(), NOW.date() + timedelta(days=1))
    late = make_click(baos, **ago(3), previous=make_click(anas, **ago(9)))
    with CaptureQueriesContext(connection) as queries:
        credited(first, mara, sale(click_id=late))

    [statement] = [query["sql"] for query in queries if "RECURSIVE" in query["sql"]]
    days = days_in_plan(statement)
    assert days == {f"tracking_click_{NOW - timedelta(days=back):%Y%m%d}" for back in range(3, 46)}


def days_in_plan(statement: str) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}")
        [(plan,)] = cursor.fetchall()
    return set(_relations(plan[0]["Plan"]))


def _relations(node: dict) -> list[str]:
    own = [node["Relation Name"]] if node.get("Relation Name", "").startswith("tracking_click") else []
    return own + [name for below in node.get("Plans", []) for name in _relations(below)]


class Stay(HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


class Browser:
    """One person's browser: it keeps cookies, and follows no redirect to a shop that is not there."""

    def __init__(self, server: ClickServer) -> None:
        self.server = server
        self.opener = build_opener(HTTPCookieProcessor(CookieJar()), Stay)
        self.opener.addheaders = [("User-Agent", BROWSER)]

    def click(self, link) -> uuid.UUID | None:
        try:
            self.opener.open(f"http://127.0.0.1:{self.server.port}/r/{link.code}", timeout=15)
        except HTTPError as answer:
            given = parse_qs(urlsplit(answer.headers["location"]).query).get("click_id")
            return uuid.UUID(given[0]) if given else None
        raise AssertionError("it was no redirect")


@pytest.mark.django_db(transaction=True)
class TestThroughTheClickServer:
    @pytest.fixture
    def program(self):
        return make_program(attribution_model="first_click", attribution_window_days=45)

    def test_a_browsers_clicks_hang_together_and_its_neighbours_do_not(self, server, program, ada):
        offer, other = make_offer(program), make_offer()
        links = [make_link(make_affiliate(), offer) for _ in range(2)]
        elsewhere, paused = make_link(offer=other), make_link(offer=offer, status="paused")
        visitor, neighbour = Browser(server), Browser(server)

        first, foreign, nowhere, last = (visitor.click(link) for link in (links[0], elsewhere, paused, links[1]))
        alone = neighbour.click(links[1])

        assert nowhere is None
        assert dict(Click.objects.exclude(link_id=paused.pk).values_list("pk", "previous")) == {
            first: None,
            foreign: first,
            last: foreign,
            alone: None,
        }
        assert Click.objects.get(link_id=paused.pk).previous == foreign
        assert len(set(Click.objects.values_list("visitor", flat=True))) == 1  # they look alike
        now = timezone.now()
        assert credited(program, ada, sale("o1", click_id=last, occurred_at=now)) == (links[0].affiliate, "first_click")
        assert credited(program, ada, sale("o2", click_id=alone, occurred_at=now)) == (links[1].affiliate, "click")

    @pytest.mark.parametrize(
        "cookie",
        [
            "",
            "trb_click",
            "trb_click=",
            "trb_click=1; trb_click=2",
            f"xtrb_click={UNKNOWN}",
            f"trb_click={UNKNOWN}0",
            f"trb_click={str(UNKNOWN).replace('7000', '4000')}",
            f"trb_click={{{UNKNOWN}}}",
            f"trb_click={UNKNOWN.hex}",
            f'trb_click="{UNKNOWN}"',
            "trb_click=0192f0c0-0000-7000-8000-00000000000\x80",
            "trb_click='; DROP TABLE tracking_click; --",
            "trb_click=\\N\tNULL",
            "; ".join(["trb_click=0192f0c0-0000-7000-8000-"] * 500),
        ],
    )
    def test_a_cookie_that_is_no_click_id_is_not_kept(self, server, program, cookie):
        answer = server.get(f"/r/{make_link(offer=make_offer(program)).code}", Cookie=cookie)

        assert (answer.status, Click.objects.get().previous) == (302, None)

    def test_it_stands_among_other_cookies_and_the_first_that_is_one_counts(self, server, program):
        others = f"a=1; trb_click=nonsense;trb_click={UNKNOWN}; trb_click={uuid.UUID(int=UNKNOWN.int + 1)}"
        server.get(f"/r/{make_link(offer=make_offer(program)).code}", Cookie=others)

        assert Click.objects.get().previous == UNKNOWN
