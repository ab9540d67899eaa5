"""Inequalities over sites and lacks: a ring worked by hand, every set of random tables, the bound they prove."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial.siting.cover.cuts import NO_CUTS
from spatial.siting.cover.lacks import broken_lack_hulls, no_lack_hulls
from spatial.siting.cover.prices import Prices, price_cover
from spatial.siting.cover.table import CoverTable, cover_table, matrix_of
from spatial.siting.ways import Deadline
from tests.siting.cover_cases import LONG_S, most_weight, small_tables, ways_of


def table(lists: list[list[int]], sites: int) -> CoverTable:
    return cover_table(ways_of(lists, sites))


def prices_at(share: Any, row: Any) -> Prices:
    """What the search for inequalities looks at: shares, and what the rows pay."""
    return Prices(0.0, np.asarray(row, float), np.zeros(0), np.zeros(len(share)), np.asarray(share, float), 1.0)


def every_set(full: CoverTable) -> Any:
    """All sets of sites, one a line, followed by the lacks of the rows that they leave uncovered."""
    sets = (np.arange(2**full.sites)[:, None] >> np.arange(full.sites)) & 1
    return np.hstack([sets, sets @ matrix_of(full).T.toarray() == 0])


def test_a_ring_of_five_takes_three_of_its_sites_and_lacks() -> None:
    ring = table([[i, (i + 1) % 5] for i in range(5)], 5)
    hulls = broken_lack_hulls(ring, np.ones(5), prices_at(np.full(5, 0.5), np.ones(5))).toarray()
    assert hulls == pytest.approx(np.full((1, 10), 1 / 3), abs=1e-4)


def test_nothing_is_sought_once_the_time_is_up() -> None:
    ring = table([[i, (i + 1) % 5] for i in range(5)], 5)
    half = prices_at(np.full(5, 0.5), np.ones(5))
    assert broken_lack_hulls(ring, np.ones(5), half, deadline=Deadline(0.0)).shape == (0, 10)


def test_lacks_count_as_much_as_sites() -> None:
    # Two sites spread evenly over the ring leave a fifth of each row uncovered: 2 and 5 times 0.2, no less than 3.
    ring = table([[i, (i + 1) % 5] for i in range(5)], 5)
    assert broken_lack_hulls(ring, np.ones(5), prices_at(np.full(5, 0.4), np.ones(5))).shape == (0, 10)
    assert no_lack_hulls(ring).shape == (0, 10)


def test_of_rows_that_list_the_same_shares_the_heaviest_speaks() -> None:
    # The second row lists a site more, which has no share, and weighs more than the first.
    lists = [[0, 1], [0, 1, 5], [1, 2], [2, 3], [3, 4], [4, 0]]
    share = [0.5] * 5 + [0.0]
    found = broken_lack_hulls(table(lists, 6), np.array([1.0, 2, 1, 1, 1, 1]), prices_at(share, np.ones(6))).toarray()
    assert found[:, 6] == pytest.approx(0.0)
    assert found[:, [5, 7]] == pytest.approx(np.full((1, 2), 1 / 3), abs=1e-4)


@settings(max_examples=100, deadline=None)
@given(small_tables(), st.data())
def test_every_set_keeps_every_inequality(case: dict[str, Any], data: st.DataObject) -> None:
    full = table(case["lists"], case["sites"])
    size = st.lists(st.floats(0.0, 0.7), min_size=full.sites, max_size=full.sites)
    prices = prices_at(data.draw(size), np.ones(full.rows))
    hulls = broken_lack_hulls(full, np.ones(full.rows), prices)
    assert (hulls @ every_set(full).T >= 1.0 - 1e-6).all()
    point = np.append(prices.share, np.maximum(1.0 - matrix_of(full) @ prices.share, 0.0))
    assert (hulls @ point < 1.0).all()


def test_two_rings_of_five_leave_one_row_uncovered_by_five_sites() -> None:
    # Half of each site covers all ten rows; three sites cover one ring, and the two left four rows of the other.
    lists = [[ring + i, ring + (i + 1) % 5] for ring in (0, 5) for i in range(5)]
    rings, weight = table(lists, 10), np.ones(10)
    loose = price_cover(rings, weight, 5, NO_CUTS, limit_s=LONG_S)
    assert loose is not None
    assert loose.bound == pytest.approx(10.0, abs=1e-3)
    hulls = broken_lack_hulls(rings, weight, replace(loose, row=weight))
    tight = price_cover(rings, weight, 5, NO_CUTS, limit_s=LONG_S, hulls=hulls)
    assert tight is not None
    assert most_weight(lists, weight.tolist(), 5, 10, ()) == 9.0 <= tight.bound + 1e-6
    assert tight.bound == pytest.approx(9.0, abs=1e-2)
    assert len(tight.cut) == hulls.shape[0]


@pytest.mark.parametrize("seed", range(6))
def test_no_set_breaks_what_half_of_each_site_breaks_nor_covers_more_than_the_bound(seed: int) -> None:
    # Rows that list two sites each: streets between corners, every odd round of which breaks something.
    rng = np.random.default_rng(seed)
    lists = [sorted(rng.choice(10, 2, replace=False).tolist()) for _ in range(24)]
    weight = rng.integers(1, 50, 24).astype(float)
    full = table(lists, 10)
    hulls = broken_lack_hulls(full, weight, prices_at(np.full(10, 0.5), np.ones(24)))
    assert hulls.shape[0] > 0
    assert (hulls @ every_set(full).T >= 1.0 - 1e-6).all()
    loose = price_cover(full, weight, 5, NO_CUTS, limit_s=LONG_S)
    tight = price_cover(full, weight, 5, NO_CUTS, limit_s=LONG_S, hulls=hulls)
    assert loose is not None
    assert tight is not None
    assert most_weight(lists, weight.tolist(), 5, 10, ()) <= tight.bound + 1e-6 <= loose.bound + 1e-3
