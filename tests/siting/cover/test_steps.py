"""Prices that steps come near to: programmes worked by hand, every set of random tables, the interior point method."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from spatial.siting.cover import max_cover
from spatial.siting.cover import prices as cover_prices
from spatial.siting.cover.cuts import NO_CUTS, broken_cuts
from spatial.siting.cover.lacks import broken_lack_hulls
from spatial.siting.cover.prices import Prices, price_cover
from spatial.siting.cover.steps import Programme, near_prices
from spatial.siting.cover.table import CoverTable, cover_table
from spatial.siting.ways import Deadline
from tests.siting.cover_cases import LONG_S, ample, flags, most_weight, small_tables, town, ways_of

SOLVED = 1 << 40


def table(lists: list[list[int]], sites: int) -> CoverTable:
    return cover_table(ways_of(lists, sites))


def priced(full: CoverTable, weight: Any, p: int, **more: Any) -> Prices:
    found = price_cover(full, np.asarray(weight, float), p, more.pop("cuts", NO_CUTS), limit_s=LONG_S, **more)
    assert found is not None
    return found


@pytest.fixture
def stepping(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Every table counts as large."""
    monkeypatch.setattr(cover_prices, "LARGE", 0)
    monkeypatch.setattr(max_cover, "LARGE", 0)
    return monkeypatch


def test_one_site_for_three_rows_serves_the_heaviest_two() -> None:
    # Sites 0 and 1 serve two rows each, the middle row both: 1 + 4 or 4 + 2. Lacks cost what their rows weigh.
    matrix = sparse.csr_array(np.array([[1.0, 0, 1, 0, 0], [1, 1, 0, 1, 0], [0, 1, 0, 0, 1]]))
    weight = np.array([1.0, 4.0, 2.0])
    programme = Programme(matrix, np.r_[0, 0, weight], np.ones(3), weight, weight, 2, 1)

    def bound(price: Any) -> float:
        worth = matrix[:, :2].T @ price
        return float((weight - price).sum() + worth.max())

    point, price, _ = near_prices(programme, (np.zeros(5), np.zeros(3)), bound, enough=0.0, deadline=ample())
    assert bound(price) == pytest.approx(6.0, abs=1e-3)
    assert point[:2] == pytest.approx([0, 1], abs=1e-3)


def test_once_the_time_is_up_the_bound_is_looked_at_once_more() -> None:
    looks: list[float] = []

    def bound(price: Any) -> float:
        looks.append(float(2.0 - price.sum() + price.max()))
        return looks[-1]

    programme = Programme(sparse.eye_array(2, format="csr"), np.zeros(2), np.ones(2), np.ones(2), np.ones(2), 2, 1)
    _, price, _ = near_prices(programme, (np.zeros(2), np.zeros(2)), bound, enough=0.0, deadline=Deadline(0.0))
    assert len(looks) == 2
    assert bound(price) == min(looks)


def test_two_rings_of_five_need_what_windows_say_of_them(stepping: pytest.MonkeyPatch) -> None:
    # As for the interior point method: half of each site covers ten rows, no five sites more than nine.
    lists = [[ring + i, ring + (i + 1) % 5] for ring in (0, 5) for i in range(5)]
    rings, weight = table(lists, 10), np.ones(10)
    loose = priced(rings, weight, 5, little=0.0)
    assert loose.bound == pytest.approx(10.0, abs=1e-3)
    hulls = broken_lack_hulls(rings, weight, replace(loose, row=weight, share=np.full(10, 0.5)))
    assert hulls.shape[0] > 0
    tight = priced(rings, weight, 5, hulls=hulls, little=0.0)
    assert tight.bound == pytest.approx(9.0, abs=1e-2)


@settings(max_examples=60, deadline=None)
@given(small_tables(), st.integers(0, 3))
def test_no_set_covers_more_than_the_bound_and_no_linear_programme_bounds_much_better(
    case: dict[str, Any], cut_short: int
) -> None:
    full, weight = table(case["lists"], case["sites"]), np.array(case["weight"], float)
    exact = priced(full, weight, case["p"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cover_prices, "LARGE", 0)
        near = priced(full, weight, case["p"], little=10.0 if cut_short else 0.0)
    assert near.bound >= most_weight(case["lists"], case["weight"], case["p"], case["sites"], ()) - 1e-6
    assert near.bound >= exact.bound - 1e-3
    if not cut_short:
        assert near.bound <= exact.bound + 1e-2 * max(weight.sum(), 1.0)


@pytest.mark.parametrize("seed", [0, 1, 7])
def test_in_a_town_steps_end_where_the_interior_point_method_does(seed: int, stepping: pytest.MonkeyPatch) -> None:
    lists = town(seed, 300, 60, 0.15)
    full, weight = table(lists, 60), np.random.default_rng(seed).integers(1, 90, 300).astype(float)
    near = priced(full, weight, 9, little=0.0)
    cuts = broken_cuts(full, near.share, near.row > 0, most=200)
    tight = priced(full, weight, 9, cuts=cuts, start=replace(near, cut=np.zeros(cuts.count)), little=0.0)
    stepping.setattr(cover_prices, "LARGE", SOLVED)
    exact, both = priced(full, weight, 9), priced(full, weight, 9, cuts=cuts)
    assert near.bound == pytest.approx(exact.bound, rel=5e-4)
    assert cuts.count > 0
    assert tight.bound == pytest.approx(both.bound, rel=5e-4)


def test_steps_from_prices_that_bound_well_never_bound_worse(stepping: pytest.MonkeyPatch) -> None:
    lists = town(5, 200, 40, 0.2)
    full, weight = table(lists, 40), np.arange(1.0, 201.0)
    ended = priced(full, weight, 6, little=0.0)
    again = priced(full, weight, 6, start=ended, little=10.0)
    assert again.bound <= ended.bound + 1e-6


def test_no_time_gives_no_prices(stepping: pytest.MonkeyPatch) -> None:
    assert price_cover(table([[0], [1]], 2), np.ones(2), 1, NO_CUTS, limit_s=0.0) is None


@pytest.mark.parametrize("seed", range(2))
def test_the_best_sites_are_the_same_whichever_way_prices_are_had(seed: int, stepping: pytest.MonkeyPatch) -> None:
    lists = town(seed, 250, 60, 0.17)
    ways, weight = ways_of(lists, 60), np.random.default_rng(seed).integers(1, 50, 250)
    asked = {"p": 8, "fixed": flags(60), "seed": 1}
    stepped = max_cover.solve_max_cover(ways, weight, **asked, deadline=Deadline(LONG_S))
    stepping.setattr(cover_prices, "LARGE", SOLVED)
    stepping.setattr(max_cover, "LARGE", SOLVED)
    solved = max_cover.solve_max_cover(ways, weight, **asked, deadline=Deadline(LONG_S))
    assert stepped.value == solved.value <= solved.bound
    assert stepped.value <= stepped.bound
    assert stepped.proved
    assert solved.proved
