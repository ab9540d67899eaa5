"""Splitting covers on balls of sites: towns worked by hand, and every set of random tables, in lanes and one by one."""

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from spatial.siting.cover.balls import half_open_balls
from spatial.siting.cover.gains import start_gains
from spatial.siting.cover.lanes import Lane, make_lanes, near_lanes
from spatial.siting.cover.programme import Posed, pose_cover
from spatial.siting.cover.table import cover_table
from spatial.siting.cover.tree import Ask, grow_tree
from spatial.siting.price import Sides
from tests.siting.cover_cases import ample, town, ways_of


def random_balls(rng: Any, sites: int, count: int) -> sparse.csr_array:
    rows = np.zeros((count, sites))
    for row in rows:
        row[rng.choice(sites, int(rng.integers(2, 5)), replace=False)] = 1.0
    return sparse.csr_array(rows)


def posed_of(lists: list[list[int]], weight: Any, fee: Any, balls: sparse.csr_array, most: int | None) -> Posed:
    """Rows that pay their weight where no site of theirs is open, and sites that cost a fee, so many at most."""
    covers, sites = np.zeros((len(lists), len(fee))), len(fee)
    for i, row in enumerate(lists):
        covers[i, row] = 1.0
    sides = Sides(sparse.csr_array((0, sites)), np.zeros(0), np.full(sites, most is not None), most or 0)
    rows = sparse.csr_array(np.eye(len(lists)))
    posed = pose_cover(sparse.csr_array(covers), rows, np.ones(len(lists)), np.asarray(weight, float), sides)
    cost = posed.programme.cost.copy()
    cost[:sites] = fee
    return replace(posed, programme=replace(posed.programme, cost=cost), balls=balls)


def total(lists: list[list[int]], weight: Any, fee: Any, opened: Any, most: int | None) -> float:
    if most is not None and opened.sum() > most:
        return float(np.inf)
    left = sum(w for row, w in zip(lists, weight, strict=True) if not opened[row].any())
    return float(left + np.asarray(fee)[opened].sum())


def every_set(sites: int) -> list[Any]:
    return [np.array(one, bool) for one in product((0, 1), repeat=sites)]


def test_two_that_cover_the_same_are_a_ball_and_one_that_covers_else_is_in_none() -> None:
    table = cover_table(ways_of([[0, 1], [0, 1], [1, 2], [3]], 4))
    weight = np.array([5.0, 5.0, 1.0, 5.0])
    found = half_open_balls(table, weight, np.array([0.25, 0.25, 0.75, 0.5]))
    assert found.toarray().tolist() == [[1.0, 1.0, 0.0, 0.0]]
    assert half_open_balls(table, weight, np.array([0.5, 0.25, 0.75, 0.5])).shape == (0, 4)


@pytest.mark.parametrize("seed", range(30))
def test_balls_hold_sites_near_one_of_them_that_are_half_open_each_ball_once(seed: int) -> None:
    rng = np.random.default_rng(seed)
    table = cover_table(ways_of(town(seed, 60, 15, 0.3), 15))
    share = rng.random(15) * 0.4
    found = half_open_balls(table, rng.integers(1, 9, 60).astype(float), share)
    rows = found.toarray()
    assert len(np.unique(rows, axis=0)) == len(rows)
    assert set(np.unique(rows)) <= {0.0, 1.0}
    assert (rows.sum(axis=1) > 1).all()
    assert np.abs(rows @ share - 0.5).max(initial=0.0) < 0.08


def test_a_ball_of_three_that_has_to_be_open_costs_the_cheapest_of_its_sites() -> None:
    posed = posed_of([[0], [1], [2]], [1.0, 1.0, 1.0], [4.0, 5.0, 6.0], sparse.csr_array(np.ones((1, 3))), None)
    shared = make_lanes(posed)
    assert shared is not None
    nothing = np.zeros(3), np.zeros(4)
    free, held = (Lane((np.r_[0.0, 0.0, 0.0, side], np.ones(4)), *nothing) for side in (0.0, 1.0))
    shut = Lane((np.zeros(4), np.zeros(4)), *nothing)
    found = near_lanes(shared, [free, held, shut], np.inf, 40, 1.0, ample())
    bounds = [posed.proves(price, part.ends)[0] for part, (_, price) in zip((free, held, shut), found, strict=True)]
    # All three rows are left; one of them is not, for a fee of 4; all three are left.
    assert bounds == pytest.approx([3.0, 6.0, 3.0], abs=1e-2)


@pytest.mark.parametrize("seed", range(60))
def test_prices_of_parts_with_balls_prove_no_more_than_the_best_set_that_is_left(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sites, rows = 7, int(rng.integers(5, 30))
    lists, weight = town(seed, rows, sites, 0.3), rng.integers(1, 30, rows).astype(float)
    fee, balls = rng.integers(5, 60, sites).astype(float), random_balls(rng, sites, 4)
    posed = posed_of(lists, weight, fee, balls, None)
    shared, parts = make_lanes(posed), []
    assert shared is not None
    for _ in range(5):
        held, high = (rng.random(4) < 0.4).astype(float), (rng.random(sites) < 0.8).astype(float)
        nothing = np.zeros(len(posed.programme.cost)), np.zeros(rows + 4)
        parts.append(Lane((np.r_[np.zeros(sites), held], np.r_[high, np.ones(4)]), *nothing))
    for part, (_, price) in zip(parts, near_lanes(shared, parts, np.inf, 6, 1.0, ample()), strict=True):
        bound, shut, opened = posed.proves(price, part.ends)
        for one in every_set(sites):
            fits = (one <= part.ends[1][:sites]).all() and (balls[posed.held(part.ends)] @ one >= 1.0).all()
            if fits:
                reached = total(lists, weight, fee, one, None) + 1e-6
                assert bound <= reached
                assert max(np.where(one, opened, shut)) <= reached


@pytest.mark.parametrize("most", [None, 2])
@pytest.mark.parametrize("seed", range(40))
def test_branching_on_balls_finds_what_trying_every_set_finds(seed: int, most: int | None) -> None:
    rng = np.random.default_rng(seed)
    sites, rows = int(rng.integers(5, 10)), int(rng.integers(5, 40))
    lists, weight = town(seed, rows, sites, 0.35), rng.integers(1, 50, rows).astype(float)
    fee = rng.integers(5, 60, sites).astype(float)
    posed = posed_of(lists, weight, fee, random_balls(rng, sites, 12), most)
    ends = np.zeros(posed.places), np.ones(posed.places)
    begin = posed.point(np.zeros(sites), np.ones(rows)), np.zeros(rows + 12)
    ask = Ask(lambda value: value - 0.999, lambda one: total(lists, weight, fee, one, most), lambda *_: True)
    found = grow_tree(posed, ends, begin, np.zeros(sites, bool), float(weight.sum()) + 1.0, ask, ample())
    best = min(total(lists, weight, fee, one, most) for one in every_set(sites))
    assert found.value == total(lists, weight, fee, found.opened, most) == best
    assert found.bound == best


def test_a_split_is_expected_to_gain_what_splits_on_it_gained_and_else_what_others_did() -> None:
    gains = start_gains(3, 5, 100.0)
    for side, gained in ((0, 6.0), (1, 8.0)):
        for _ in range(2):
            gains.note(0, side, 0.5, 2.0 * gained)
        gains.note(1, side, 0.5, 0.0)
    assert gains.known(np.array([0, 1, 4])).tolist() == [True, False, False]
    half = np.full(5, 0.5)
    expected = gains.expected(np.arange(5), half)
    assert expected[0] > expected[2] > expected[1] > 0.0
    assert expected[3] == expected[4] < expected[2]
    assert gains.expected(np.array([0]), np.array([0.9]))[0] < expected[0]
