"""Inequalities of small windows: a ring worked by hand, every cover of random tables, the packing of all covers."""

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from spatial.siting.cover.branch import branch_all
from spatial.siting.cover.cuts import NO_CUTS
from spatial.siting.cover.hulls import broken_hulls, no_hulls
from spatial.siting.cover.prices import price_all
from spatial.siting.cover.table import CoverTable, cover_table, matrix_of
from spatial.siting.ways import Deadline
from tests.siting.cover_cases import LONG_S, fewest_sites, small_tables, town, ways_of


def table(lists: list[list[int]], sites: int) -> CoverTable:
    return cover_table(ways_of(lists, sites))


def hulls_of(full: CoverTable, share: Any) -> Any:
    return broken_hulls(full, np.asarray(share, float), np.ones(full.rows), np.ones(full.rows, bool))


def every_cover(full: CoverTable) -> Any:
    """All sets of sites that cover every row, one a line."""
    sets = (np.arange(2**full.sites)[:, None] >> np.arange(full.sites)) & 1
    return sets[(sets @ matrix_of(full).T.toarray() > 0).all(axis=1)]


def packed(covers: Any, share: Any) -> float:
    """What covers packed into the shares weigh at most, by a solver that is given all of them."""
    found = linprog(-np.ones(len(covers)), covers.T, share)
    assert found.status == 0
    return float(-found.fun)


def test_a_ring_of_five_in_threes_needs_two_of_its_sites() -> None:
    # A third of each site covers all; each cover has two, and the five pairs that do form a ring of their own.
    ring = table([[i, (i + 1) % 5, (i + 2) % 5] for i in range(5)], 5)
    hulls = hulls_of(ring, np.full(5, 1 / 3)).toarray()
    assert hulls == pytest.approx(np.full((1, 5), 0.5), abs=1e-4)


def test_no_window_is_looked_at_once_the_time_is_over() -> None:
    ring = table([[i, (i + 1) % 5, (i + 2) % 5] for i in range(5)], 5)
    every = np.ones(5, bool)
    assert broken_hulls(ring, np.full(5, 1 / 3), np.ones(5), every, deadline=Deadline(0.0)).shape == (0, 5)


def test_a_site_without_a_share_pays_for_the_rows_it_covers() -> None:
    # The sixth site covers what the first does and one row more, which takes two others; the seventh covers one row.
    lists = [[i, (i + 1) % 5, (i + 2) % 5] for i in range(5)]
    lists[0] += [5, 6]
    lists[3] += [5]
    lists[4] += [5]
    lists[1] += [5]
    hulls = hulls_of(table(lists, 7), np.append(np.full(5, 1 / 3), [0.0, 0.0])).toarray()
    assert hulls == pytest.approx(np.array([[0.5] * 5 + [1.0, 0.5]]), abs=1e-4)


def test_two_who_share_the_rows_out_find_what_holds_and_no_less_than_one_alone() -> None:
    for seed in range(30):
        full = table(town(seed, 40, 12, 0.3), 12)
        share = np.random.default_rng(seed).random(12) / 2.0
        told = (full, share, np.ones(40), np.ones(40, bool))
        both = [broken_hulls(*told, turn=(k, 2)).toarray() for k in range(2)]
        assert np.all(every_cover(full) @ np.vstack(both).T >= 1.0 - 1e-9)
        assert (broken_hulls(*told).shape[0] > 0) == (sum(map(len, both)) > 0)


def test_shares_of_a_whole_cover_break_nothing() -> None:
    full = table(town(2, 60, 12, 0.3), 12)
    cover = every_cover(full)[0]
    assert hulls_of(full, cover).shape == (0, 12)
    assert no_hulls(12).shape == (0, 12)


def test_a_window_with_too_many_kinds_of_sites_loses_rows_until_it_has_few() -> None:
    # The ring of five, and 25 more rows, each of which lists a site of the ring and one shared with each other row:
    # 305 kinds of sites, 96 of which a window takes.
    pairs = list(combinations(range(25), 2))
    more = [[c % 5] + [5 + k for k, pair in enumerate(pairs) if c in pair] for c in range(25)]
    lists = [[i, (i + 1) % 5, (i + 2) % 5] for i in range(5)] + more
    share = np.append(np.full(5, 1 / 3), np.full(len(pairs), 2 / 3 / 24))
    hulls = hulls_of(table(lists, 305), share)
    opened = np.append([1.0, 0.0, 1.0, 0.0, 0.0], np.ones(len(pairs)))
    assert hulls.shape[0] > 0
    assert np.all(hulls @ share < 0.97)
    assert np.all(hulls @ opened >= 1.0 - 1e-9)
    opened[2] = 0.0
    assert np.any(hulls @ opened < 1.0)


def uneven(draw: st.DrawFn, sites: int) -> Any:
    return np.array(draw(st.lists(st.integers(0, 10), min_size=sites, max_size=sites))) / 10.0


@settings(max_examples=100, deadline=None)
@given(small_tables(), st.data())
def test_hulls_hold_for_every_cover_and_are_broken_by_the_shares(case: dict[str, Any], data: st.DataObject) -> None:
    full = table([row or [0] for row in case["lists"]], case["sites"])
    share = uneven(data.draw, case["sites"])
    hulls = hulls_of(full, share)
    assert np.all(every_cover(full) @ hulls.T.toarray() >= 1.0 - 1e-9)
    assert np.all(hulls @ share < 1.0 - 0.02)


@pytest.mark.parametrize("seed", range(8))
def test_hulls_are_found_where_covers_cannot_be_packed_and_only_there(seed: int) -> None:
    full = table(town(seed, 16, 9, 0.35), 9)
    priced = price_all(full, np.ones(16, np.int64), NO_CUTS, limit_s=LONG_S)
    assert priced is not None
    weight = packed(every_cover(full), priced.share)
    hulls = hulls_of(full, priced.share)
    if weight < 0.96:
        assert float((hulls @ priced.share).min()) <= weight + 0.02
    assert hulls.shape[0] == 0 or weight < 0.975


@settings(max_examples=40, deadline=None)
@given(small_tables())
def test_hulls_tighten_the_bound_and_never_beyond_the_smallest_cover(case: dict[str, Any]) -> None:
    lists = [row or [0] for row in case["lists"]]
    full, need = table(lists, case["sites"]), np.ones(len(lists), np.int64)
    best = fewest_sites(lists, need.tolist(), case["sites"], ())
    first = price_all(full, need, NO_CUTS, limit_s=LONG_S)
    assert first is not None
    assert best is not None
    hulls = hulls_of(full, first.share)
    second = price_all(full, need, NO_CUTS, limit_s=LONG_S, hulls=hulls)
    assert second is not None
    assert first.bound - 1e-3 <= second.bound <= best + 1e-6
    solved = branch_all(full, need, NO_CUTS, np.arange(case["sites"]), limit_s=LONG_S, hulls=hulls)
    assert len(solved.chosen) == best
