"""Pricing for any amounts and any refunds: exact, never more than was earned, one winner whatever the order."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from commissions.pricing import Candidate, price, reversed_after, winning_rule

START = datetime(2026, 1, 1, tzinfo=UTC)
amounts = st.decimals("0.01", "999999999.99", places=2)
candidates = st.builds(
    Candidate,
    version_id=st.integers(1, 10**6),
    rule_id=st.integers(1, 10**6),
    event=st.sampled_from(["sale", "lead"]),
    offer_id=st.sampled_from([None, 1, 2]),
    affiliate_id=st.sampled_from([None, 1, 2]),
    priority=st.integers(-2, 2),
    type=st.just("percentage"),
    value=st.just(Decimal(10)),
    starts_at=st.integers(-5, 5).map(lambda days: START + timedelta(days=days)),
    ends_at=st.none() | st.integers(-5, 5).map(lambda days: START + timedelta(days=days)),
)


@given(amounts, st.decimals("0", "100", places=4))
def test_a_percentage_is_within_half_a_cent_of_the_exact_value(amount, percent):
    rule = Candidate(1, 1, "sale", None, None, 0, "percentage", percent, START, None)

    earned = price(rule, amount, "USD")
    assert earned == earned.quantize(Decimal("0.01"))
    assert abs(earned - amount * percent / 100) <= Decimal("0.005")


@given(amounts, st.decimals("0.01", "99999.99", places=2), st.lists(st.integers(1, 100), min_size=1, max_size=12))
def test_reversals_rise_to_the_whole_commission_however_the_refunds_are_cut(amount, commission, parts):
    cuts = [amount * sum(parts[: n + 1]) / sum(parts) for n in range(len(parts))]
    taken = [reversed_after(commission, cut, amount, "USD") for cut in cuts]

    assert taken == sorted(taken)
    assert taken[-1] == commission
    assert all(0 <= part <= commission for part in taken)


@given(st.lists(candidates, max_size=8, unique_by=lambda c: c.rule_id), st.randoms())
def test_one_rule_wins_whatever_the_order_and_it_matches(rules, shuffled):
    sale = {"event": "sale", "offer_id": 1, "affiliate_id": 1, "occurred_at": START}
    winner = winning_rule(rules, **sale)
    shuffled.shuffle(rules)

    assert winning_rule(rules, **sale) == winner
    matching = [
        rule
        for rule in rules
        if rule.event == "sale"
        and rule.offer_id in (None, 1)
        and rule.affiliate_id in (None, 1)
        and rule.starts_at <= START
        and not (rule.ends_at and rule.ends_at <= START)
    ]
    assert (winner in matching) if matching else winner is None
    if winner:
        assert winner.priority == max(rule.priority for rule in matching)
