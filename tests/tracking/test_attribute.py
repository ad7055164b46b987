"""Attribution for any evidence, against a table of precedence written out the long way. Chains of clicks: test_first_click.py."""

import uuid
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tracking.attribution import (
    CLOCK_SKEW,
    REASONS,
    ClickEvidence,
    CouponEvidence,
    Evidence,
    Terms,
    Tie,
    attribute,
    explain_attribution,
    parse_click_id,
)
from tracking.models import click_time

SALE = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
WINDOW = timedelta(days=30)

clicks = st.none() | st.builds(
    ClickEvidence,
    id=st.just(uuid.UUID("0192f0c0-0000-7000-8000-000000000000")),
    at=st.integers(-31 * 86400, 300).map(lambda seconds: SALE + timedelta(seconds=seconds)),
    link_id=st.just(1),
    affiliate_id=st.integers(1, 4),
    offer_id=st.just(1),
    program_id=st.sampled_from([1, 1, 1, 2]),
    outcome=st.sampled_from([0, 0, 0, 1, 2, 3]),
    subs=st.none(),
)
coupons = st.none() | st.builds(
    CouponEvidence, id=st.just(1), affiliate_id=st.integers(1, 4), offer_id=st.none(), active=st.booleans()
)
ties = st.none() | st.builds(
    Tie,
    affiliate_id=st.integers(1, 4),
    link_id=st.none(),
    coupon_id=st.none(),
    offer_id=st.none(),
    tied_at=st.integers(-2, 1).map(lambda days: SALE + timedelta(days=days)),
)


@given(
    clicks,
    st.booleans(),
    coupons,
    st.booleans(),
    ties,
    st.sets(st.integers(1, 4)),
    st.sampled_from(["last_click", "first_click"]),
)
def test_the_first_evidence_that_holds_decides(click, click_given, coupon, coupon_given, tie, approved, model):
    given_click = "x" if click or click_given else ""
    evidence = Evidence(SALE, given_click, [click] if click else [], "x" if coupon or coupon_given else "", coupon, tie)
    found = attribute(evidence, Terms(1, model, WINDOW, approved))

    click_holds = (
        click is not None
        and click.program_id == 1
        and click.outcome == 0
        and SALE - WINDOW <= click.at <= SALE + CLOCK_SKEW
        and click.affiliate_id in approved
    )
    coupon_holds = coupon is not None and coupon.active and coupon.affiliate_id in approved
    tie_holds = tie is not None and tie.tied_at <= SALE and tie.affiliate_id in approved
    order = [("click", click_holds, click), ("coupon", coupon_holds, coupon)]
    order.insert(0 if model == "first_click" else 2, ("customer", tie_holds, tie))
    expected = next(((source, by.affiliate_id) for source, holds, by in order if holds), ("", None))
    assert (found.source, found.affiliate_id) == expected
    assert found.reason in REASONS and explain_attribution(found.reason, found.tried)


@given(st.datetimes(datetime(2000, 1, 1), datetime(2200, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC)))
def test_a_uuidv7_tells_its_moment_to_the_millisecond(moment):
    click_id = uuid.UUID(int=(int(moment.timestamp() * 1000) << 80) | (7 << 76) | (2 << 62))

    assert abs(click_time(click_id) - moment) < timedelta(milliseconds=1)
    assert parse_click_id(f" clk_{click_id} ") == click_id


@given(st.text(max_size=60))
def test_any_text_is_a_click_id_or_none(text):
    assert parse_click_id(text) is None or parse_click_id(text).version == 7
