"""What falls out of a cover question: rows alike, rows implied, sites dominated."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from spatial.siting.cover import table as cover_table_module
from spatial.siting.cover.cuts import NO_CUTS, broken_cuts, site_terms
from spatial.siting.cover.prices import price_all, price_cover
from spatial.siting.cover.table import (
    CoverTable,
    cover_table,
    covered_rows,
    dominated_sites,
    implied_rows,
    matrix_of,
    same_rows,
    site_sums,
)
from spatial.siting.ways import Deadline
from tests.siting.cover_cases import fewest_sites, flags, most_weight, small_tables, town, ways_of

LONG_S = 20.0


def table(lists: list[list[int]], sites: int) -> CoverTable:
    return cover_table(ways_of(lists, sites))


def test_rows_that_list_the_same_sites_form_a_group() -> None:
    first, group = same_rows(table([[2, 0], [1], [0, 2], [], [1]], 3))
    assert group[0] == group[2]
    assert group[1] == group[4]
    assert len(set(group.tolist())) == 3
    assert (group[first] == np.arange(3)).all()


def test_a_site_goes_whose_rows_another_covers_and_of_equal_ones_the_later() -> None:
    # Site 0 covers rows 0 and 1, site 1 row 1, sites 2 and 3 row 2, site 4 nothing.
    assert dominated_sites(table([[0], [0, 1], [2, 3]], 5)).tolist() == [False, True, False, True, True]


def test_a_row_goes_whose_sites_include_those_of_another() -> None:
    assert implied_rows(table([[0, 1, 2], [0, 1], [2, 3], [0, 1]], 4)).tolist() == [True, False, False, True]


def test_nothing_falls_out_once_the_time_is_over() -> None:
    over = Deadline(0.0)
    assert not dominated_sites(table([[0], [0, 1], [2, 3]], 5), deadline=over).any()
    assert not implied_rows(table([[0, 1, 2], [0, 1], [2, 3], [0, 1]], 4), deadline=over).any()


def test_slices_between_two_looks_at_the_clock_flag_what_one_slice_does(monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(20):
        full = table(town(seed, 60, 12, 0.3), 12)
        rows, sites = implied_rows(full), dominated_sites(full)
        with monkeypatch.context() as small:
            small.setattr(cover_table_module, "_SLICE", 1)
            assert (implied_rows(full) == rows).all(), seed
            assert (dominated_sites(full) == sites).all(), seed


def test_sums_and_counts_follow_the_lists() -> None:
    lists = table([[0, 1], [1], [1, 2]], 4)
    assert site_sums(lists, np.array([1.0, 2.0, 4.0])).tolist() == [1.0, 7.0, 4.0, 0.0]
    assert covered_rows(lists, flags(4, 0, 2)).tolist() == [1, 0, 1]


@settings(max_examples=150, deadline=None)
@given(small_tables())
def test_what_stays_includes_nothing_else_that_stays(case: dict[str, Any]) -> None:
    full = table(case["lists"], case["sites"])
    lists = [set(row) for row in case["lists"]]
    reach = [{i for i, row in enumerate(lists) if j in row} for j in range(case["sites"])]
    alive = np.flatnonzero(~dominated_sites(full))
    assert all(any(reach[j] <= reach[k] for k in alive) or not reach[j] for j in range(case["sites"]))
    assert not any(reach[j] <= reach[k] for j in alive for k in alive if j != k)
    stay = np.flatnonzero(~implied_rows(full))
    assert all(any(lists[k] <= lists[i] for k in stay) for i in range(len(lists)))


def test_an_odd_ring_breaks_the_cut_that_two_halves_cannot_cover() -> None:
    # Three rows, each listing two of three sites: half of each site covers all, yet two sites are needed.
    ring = table([[0, 1], [1, 2], [0, 2]], 3)
    cuts = broken_cuts(ring, np.full(3, 0.5), np.ones(3, bool), most=10)
    assert cuts.row.tolist() == [0, 1, 2]
    assert site_terms(cuts, ring).toarray().tolist() == [[1.0, 1.0, 1.0]]


def test_cuts_hold_for_every_set_of_sites() -> None:
    for seed in range(6):
        lists = town(seed, 40, 10, 0.3)
        full = table(lists, 10)
        priced = price_cover(full, np.ones(40), 3, NO_CUTS, limit_s=LONG_S)
        assert priced is not None
        cuts = broken_cuts(full, priced.share, np.ones(40, bool), most=100)
        terms = site_terms(cuts, full).toarray()
        for number in range(2**10):
            opened = (number >> np.arange(10)) & 1
            lack = (matrix_of(full) @ opened == 0).astype(int)
            for k, (start, end) in enumerate(pairwise(cuts.ptr)):
                rows = cuts.row[start:end]
                assert terms[k] @ opened + lack[rows].sum() >= (len(rows) + 1) / 2


@settings(max_examples=40, deadline=None)
@given(small_tables())
def test_prices_bound_what_any_set_covers_and_cuts_only_tighten_them(case: dict[str, Any]) -> None:
    full, weight = table(case["lists"], case["sites"]), np.array(case["weight"], float)
    best = most_weight(case["lists"], case["weight"], case["p"], case["sites"], ())
    bounds = _bounds(lambda cuts: price_cover(full, weight, case["p"], cuts, limit_s=LONG_S), full)
    assert all(bound >= best - 1e-6 for bound in bounds)
    assert bounds[-1] <= bounds[0] + 1e-3


@settings(max_examples=40, deadline=None)
@given(small_tables())
def test_prices_bound_how_few_sites_cover_all(case: dict[str, Any]) -> None:
    lists = [row or [0] for row in case["lists"]]
    full, need = table(lists, case["sites"]), np.ones(len(lists), np.int64)
    best = fewest_sites(lists, need.tolist(), case["sites"], ())
    assert best is not None
    bounds = _bounds(lambda cuts: price_all(full, need, cuts, limit_s=LONG_S), full)
    assert all(bound <= best + 1e-6 for bound in bounds)
    assert bounds[-1] >= bounds[0] - 1e-3


def _bounds(price: Any, full: CoverTable) -> list[float]:
    first = price(NO_CUTS)
    cuts = broken_cuts(full, first.share, np.ones(full.rows, bool), most=50)
    return [first.bound, price(cuts).bound]
