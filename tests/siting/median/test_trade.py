"""Fees that parts of a city trade: worked by hand, and held to what the sets met in the parts cost."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial.siting.median.trade import Fees, Met, trade_fees
from spatial.siting.ways import Floats


def cheapest(fees: Fees, p: int, met: list[Met]) -> float:
    """What the cheapest sets met cost together with their fees, less ``p`` times the rate."""
    paid = [
        min(cost + fee[list(one)].sum() for one, cost in sets.items()) for fee, sets in zip(fees.fee, met, strict=True)
    ]
    return float(sum(paid)) - p * fees.rate


def test_a_part_that_wants_a_site_pays_for_one_that_does_not() -> None:
    # The first part saves 8 by site 0 and pays 5, the second saves 4 and does not pay 5; at 6 and 4 both would have it.
    fees = Fees(np.array([[5.0, 10.0], [5.0, 0.0]]), 10.0)
    met: list[Met] = [{(): 8.0, (0,): 0.0}, {(): 4.0, (0,): 0.0}]
    assert cheapest(fees, 1, met) == -1.0
    traded = trade_fees(fees, 1, met, 100.0)
    assert traded.fee[0, 0] > 5.5
    assert traded.fee[1, 0] < 4.5
    assert cheapest(traded, 1, met) > cheapest(fees, 1, met) + 0.4


def test_fees_rise_where_parts_want_more_sites_than_there_are() -> None:
    fees = Fees(np.array([[4.0, 0.0], [0.0, 4.0]]), 4.0)
    met: list[Met] = [{(): 10.0, (0,): 0.0}, {(): 9.0, (1,): 0.0}]
    assert trade_fees(fees, 1, met, 10.0).rate > 4.0
    assert trade_fees(fees, 2, met, 10.0).rate == pytest.approx(4.0)


def test_nothing_is_traded_where_a_part_has_met_no_set_or_sites_are_free() -> None:
    fees = Fees(np.ones((2, 3)), 2.0)
    assert trade_fees(fees, 1, [{(0,): 1.0}, {}], 1.0) is fees
    assert trade_fees(fees, 1, [{(): 1.0}, {(): 2.0}], 1.0) is fees
    free = Fees(np.zeros((1, 3)), 0.0)
    assert trade_fees(free, 1, [{(0,): 1.0}], 1.0) is free


def random_trade(rng: np.random.Generator, shares: Floats) -> tuple[Fees, int, list[Met]]:
    """Fees that sum to a rate, how many sites are to be open, and some sets met in each part."""
    parts, sites = shares.shape
    rate = float(rng.integers(20, 60))
    met: list[Met] = []
    for _ in range(parts):
        sets = rng.random((int(rng.integers(1, 12)), sites)) < 0.4
        met.append({tuple(np.flatnonzero(one).tolist()): float(rng.integers(0, 100)) for one in sets})
    return Fees(shares / shares.sum(axis=0) * rate, rate), int(rng.integers(1, sites + 1)), met


@given(st.integers(0, 100_000))
@settings(max_examples=150, deadline=None)
def test_traded_fees_sum_to_the_rate_and_are_the_same_again(seed: int) -> None:
    rng = np.random.default_rng(seed)
    parts, sites = int(rng.integers(1, 5)), int(rng.integers(1, 8))
    shares = rng.random((parts, sites)) * (rng.random((parts, sites)) < 0.7)
    shares[0] += 1e-9
    fees, p, met = random_trade(rng, shares)
    reach = float(rng.random() * 50.0)
    traded = trade_fees(fees, p, met, reach)
    assert (traded.fee >= 0.0).all()
    assert traded.fee.sum(axis=0).max() == traded.rate
    assert traded.fee.sum(axis=0) == pytest.approx(traded.rate)
    again = trade_fees(fees, p, met, reach)
    assert (again.fee == traded.fee).all()


@given(st.integers(0, 100_000))
@settings(max_examples=200, deadline=None)
def test_traded_fees_make_the_cheapest_sets_met_no_cheaper(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shares = rng.random((int(rng.integers(1, 5)), int(rng.integers(1, 8)))) + 0.2
    fees, p, met = random_trade(rng, shares)
    traded = trade_fees(fees, p, met, float(rng.random() * 5.0))
    assert cheapest(traded, p, met) >= cheapest(fees, p, met) - 1e-6
