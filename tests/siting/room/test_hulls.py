"""Inequalities of windows of sites with room: worked by hand, against all sets of sites, against all packings."""

from itertools import product

import numpy as np
import pytest
from scipy.optimize import linprog

from spatial.siting.room import hulls
from spatial.siting.room.hulls import broken_windows
from spatial.siting.room.rows import Kinds, flow_of, list_kinds
from spatial.siting.ways import Floats
from tests.siting.room.test_cover import counted
from tests.siting.room.test_fewest import listed, scattered


def sets_that_serve(kinds: Kinds) -> Floats:
    """Return all sets of sites with room for all in parts, a row each."""
    every = np.array(list(product((0.0, 1.0), repeat=kinds.table.sites)))
    return every[[flow_of(kinds, one).short < 1e-6 * kinds.load.sum() for one in every]]


def drawn_kinds(seed: int, rows: int, sites: int) -> Kinds | None:
    kinds = list_kinds(listed(scattered(seed, rows, sites)))
    return None if (np.diff(kinds.table.ptr) == 0).any() or len(kinds.load) < 2 else kinds


def test_three_sites_of_which_any_two_have_room_for_all_open_twice() -> None:
    """Rows of 2, 2 and 2 that list all of three sites with room for 4: shares of 0.55 keep all single rows' rooms."""
    kinds = list_kinds(listed(counted(np.ones((3, 3)), np.full(3, 2.0), np.full(3, 4.0))))
    assert flow_of(kinds, np.full(3, 0.55)).short == pytest.approx(0.0, abs=1e-6)
    found = broken_windows(kinds, np.full(3, 0.55)).toarray()
    assert found == pytest.approx(np.full((1, 3), 0.5))
    assert broken_windows(kinds, np.full(3, 0.67)).shape == (0, 3)


def test_a_site_without_a_share_costs_one() -> None:
    kinds = list_kinds(listed(counted(np.ones((3, 4)), np.full(3, 2.0), np.full(4, 4.0))))
    found = broken_windows(kinds, np.array([0.55, 0.55, 0.55, 0.0])).toarray()
    assert found == pytest.approx(np.array([[0.5, 0.5, 0.5, 1.0]]))


def test_all_sets_with_room_for_all_keep_the_inequalities_and_the_shares_break_them() -> None:
    seen = 0
    for seed in range(25):
        rng, kinds = np.random.default_rng(seed), drawn_kinds(seed, 15, 5 + seed % 2)
        if kinds is None:
            continue
        sets = sets_that_serve(kinds)
        for _ in range(4):
            share = rng.uniform(0.0, 1.0, kinds.table.sites) * (rng.random(kinds.table.sites) < 0.8)
            terms = broken_windows(kinds, share)
            assert (terms @ sets.T >= 1.0 - 1e-9).all(), seed
            assert (terms @ share < 1.0 - 1e-3).all(), seed
            seen += terms.shape[0]
    assert seen > 20


def test_an_inequality_is_found_wherever_sets_packed_into_the_shares_weigh_less_than_one() -> None:
    """Rows that all sites may serve make one window of all sites."""
    met = [0, 0]
    for seed in range(25):
        rng, sites = np.random.default_rng(seed), 4 + seed % 3
        load = rng.integers(1, 9, 6).astype(float)
        room = rng.integers(1, 5, sites) * load.sum() / 6.0
        kinds = list_kinds(listed(counted(np.ones((6, sites)), load, room)))
        sets, share = sets_that_serve(kinds), rng.uniform(0.05, 0.95, sites)
        if not len(sets):
            continue
        packed = -linprog(-np.ones(len(sets)), sets.T, share).fun
        if abs(packed - 1.0) > 2e-3:
            assert (broken_windows(kinds, share).shape[0] > 0) == (packed < 1.0), seed
            met[packed < 1.0] += 1
    assert min(met) > 4


def test_no_window_forms_where_all_is_open_or_shut_or_only_two_sites_are_near() -> None:
    kinds = list_kinds(listed(counted(np.ones((3, 3)), np.full(3, 2.0), np.full(3, 4.0))))
    for share in (np.zeros(3), np.ones(3), np.array([0.6, 0.6, 0.0])):
        assert broken_windows(kinds, share).shape == (0, 3)


def test_a_site_with_room_for_far_more_serves_all_that_small_loads_come_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of 0.3, 0.3 and 0.7 list three sites: two with room for 0.7 each, or the one that serves a far place too."""
    served = np.array([[1.0, 1.0, 1.0, np.inf]] * 3 + [[np.inf, np.inf, 1.0, 1.0]])
    room = np.array([0.7, 0.7, np.inf, np.inf])
    monkeypatch.setattr(hulls, "_SITES", 3)
    for far in (1e9, 1234567893.0, 5e9):
        kinds = list_kinds(listed(counted(served, np.array([0.3, 0.3, 0.7, far]), room)))
        found = broken_windows(kinds, np.array([0.3, 0.3, 0.3, 0.7])).toarray()
        assert found.shape[0]
        assert (found @ np.array([0.0, 0.0, 1.0, 1.0]) >= 1.0).all()
