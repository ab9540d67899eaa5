"""Steps of several parts at once: a town worked by hand, each part against steps of its own, every set of its sites."""

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from spatial.siting.cover.lanes import LANES, Lane, make_lanes, near_lanes
from spatial.siting.cover.programme import Posed, pose_cover
from spatial.siting.cover.steps import Pace, near_prices
from spatial.siting.price import Sides
from tests.siting.cover_cases import ample, town


def posed_of(lists: list[list[int]], weight: Any, fee: Any) -> Posed:
    """Rows that pay their weight where no site of theirs is open, sites that cost a fee and are not counted."""
    covers, sites = np.zeros((len(lists), len(fee))), len(fee)
    for i, row in enumerate(lists):
        covers[i, row] = 1.0
    none = Sides(sparse.csr_array((0, sites)), np.zeros(0), np.zeros(sites, bool), 0)
    rows = sparse.csr_array(np.eye(len(lists)))
    posed = pose_cover(sparse.csr_array(covers), rows, np.ones(len(lists)), np.asarray(weight, float), none)
    cost = posed.programme.cost.copy()
    cost[:sites] = fee
    return replace(posed, programme=replace(posed.programme, cost=cost))


def lane_of(posed: Posed, low: Any, high: Any) -> Lane:
    nothing = np.zeros(len(posed.programme.cost)), np.zeros(len(posed.programme.least))
    return Lane((np.asarray(low, float), np.asarray(high, float)), *nothing)


def test_a_ring_of_five_pays_for_half_of_each_site_and_for_what_a_closed_one_leaves() -> None:
    posed = posed_of([[i, (i + 1) % 5] for i in range(5)], [6.0] * 5, [4.0] * 5)
    every, first = np.ones(5), np.eye(5)[0]
    shared = make_lanes(posed)
    assert shared is not None
    parts = [lane_of(posed, 0 * every, every), lane_of(posed, 0 * every, every - first), lane_of(posed, first, every)]
    found = near_lanes(shared, parts, np.inf, 40, 1.0, ample())
    # All sites half open; else three whole ones: 1, 4 and one between them, or the site, 2 and 3.
    bounds = [posed.proves(price, part.ends)[0] for part, (_, price) in zip(parts, found, strict=True)]
    assert bounds == pytest.approx([10.0, 12.0, 12.0], abs=1e-2)


@pytest.mark.parametrize("seed", range(40))
def test_every_part_is_proved_as_much_as_by_steps_of_its_own_and_never_too_much(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sites, rows = 7, int(rng.integers(5, 40))
    lists, weight = town(seed, rows, sites, 0.3), rng.integers(1, 30, rows).astype(float)
    posed = posed_of(lists, weight, rng.integers(5, 60, sites).astype(float))
    shared, parts = make_lanes(posed), []
    assert shared is not None
    for _ in range(int(rng.integers(1, LANES + 1))):
        high = (rng.random(sites) < 0.8).astype(float)
        parts.append(lane_of(posed, high * (rng.random(sites) < 0.2), high))
    found = near_lanes(shared, parts, np.inf, 20, 1.0, ample())

    assert len(found) == len(parts)
    every = np.array(list(product((0, 1), repeat=sites)))
    lacks = ~np.array([[one[row].any() for row in lists] for one in every])
    cost = lacks @ weight + every @ posed.programme.cost[:sites]
    for part, (point, price) in zip(parts, found, strict=True):
        low, high = part.ends
        bound = posed.proves(price, part.ends)[0]
        assert bound <= cost[((every >= low) & (every <= high)).all(axis=1)].min() + 1e-6
        assert (point[:sites] >= low).all()
        assert (point[:sites] <= high).all()
        asked = (
            posed.within(part.ends),
            (np.clip(part.point, *ends_of(posed, part)), part.price),
            posed.falls(part.ends),
        )
        alone = near_prices(*asked, enough=0.0, deadline=ample(), pace=Pace(20, 20, balance=1.0))[1]
        assert bound == pytest.approx(posed.proves(alone, part.ends)[0], rel=2e-3, abs=1e-2)


def ends_of(posed: Posed, part: Lane) -> tuple[Any, Any]:
    programme = posed.within(part.ends)
    return programme.low, programme.high


def test_steps_end_where_all_parts_reach_the_goal_and_are_the_same_again() -> None:
    rng = np.random.default_rng(1)
    posed = posed_of(town(1, 60, 10, 0.3), rng.integers(1, 30, 60), [40.0] * 10)
    shared, parts = make_lanes(posed), [lane_of(posed, np.zeros(10), np.ones(10))] * 2
    assert shared is not None
    low, high, again = (near_lanes(shared, parts, goal, 20, 1.0, ample()) for goal in (1.0, np.inf, np.inf))
    proved = [posed.proves(one[0][1], parts[0].ends)[0] for one in (low, high)]
    assert 1.0 < proved[0] < proved[1]
    assert all((a == b).all() for one, two in zip(high, again, strict=True) for a, b in zip(one, two, strict=True))
    assert (high[0][1] == high[1][1]).all()


def test_sites_that_are_counted_have_no_lanes() -> None:
    posed = posed_of([[0, 1]], [1.0], [1.0, 1.0])
    counted = replace(posed, sides=replace(posed.sides, counted=np.array([True, False]), most=1))
    assert make_lanes(counted) is None
