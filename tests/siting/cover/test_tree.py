"""Branching over cover programmes: a town worked by hand, and every set of random tables, with sides and without."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from spatial.siting.cover import max_cover
from spatial.siting.cover import prices as cover_prices
from spatial.siting.cover.max_cover import solve_max_cover
from spatial.siting.cover.programme import Posed, pose_cover
from spatial.siting.cover.tree import Ask, Grown, grow_tree
from spatial.siting.price import Sides
from spatial.siting.ways import Deadline
from tests.siting.cover_cases import ample, flags, most_weight, town, ways_of


def posed_of(lists: list[list[int]], weight: Any, sites: int, sides: Sides) -> Posed:
    covers = np.zeros((len(lists), sites))
    for i, row in enumerate(lists):
        covers[i, row] = 1.0
    rows = sparse.csr_array(np.eye(len(lists)))
    return pose_cover(sparse.csr_array(covers), rows, np.ones(len(lists)), np.asarray(weight, float), sides)


def left_over(lists: list[list[int]], weight: Any, opened: Any, sides: Sides) -> float:
    """What is left uncovered, infinite where a side is broken."""
    if (sides.matrix @ opened < sides.least - 1e-9).any() or opened[sides.counted].sum() > sides.most:
        return float(np.inf)
    return float(sum(w for row, w in zip(lists, weight, strict=True) if not opened[row].any()))


def grown(lists: list[list[int]], weight: Any, sites: int, sides: Sides, seconds: float = 60.0) -> tuple[Grown, Posed]:
    """The tree from no open site, and from no prices."""
    posed = posed_of(lists, weight, sites, sides)
    begin = posed.point(np.zeros(sites), np.ones(len(lists))), np.zeros(len(posed.programme.least))
    ask = Ask(lambda value: value - 0.999, lambda opened: left_over(lists, weight, opened, sides), lambda *_: True)
    nothing, all_gone = np.zeros(sites, bool), float(np.sum(weight)) + 1.0
    return grow_tree(posed, (np.zeros(sites), np.ones(sites)), begin, nothing, all_gone, ask, Deadline(seconds)), posed


def least_left(lists: list[list[int]], weight: Any, sites: int, sides: Sides) -> float:
    return min(left_over(lists, weight, np.array(one, bool), sides) for one in product((0, 1), repeat=sites))


def plain(sites: int, most: int) -> Sides:
    return Sides(sparse.csr_array((0, sites)), np.zeros(0), np.ones(sites, bool), most)


def random_sides(rng: Any, sites: int) -> Sides:
    """Pairs of which one may open at most, a group of which one has to, and sites that are not counted."""
    rows = np.zeros((3, sites))
    for row in rows[:2]:
        row[rng.choice(sites, 2, replace=False)] = -1.0
    rows[2, rng.choice(sites, 3, replace=False)] = 1.0
    return Sides(sparse.csr_array(rows), np.array([-1.0, -1.0, 1.0]), rng.random(sites) < 0.8, int(rng.integers(1, 4)))


def test_a_ring_of_five_that_half_of_each_site_would_cover_leaves_one_row() -> None:
    ring = [[i, (i + 1) % 5] for i in range(5)]
    found, _ = grown(ring, [1] * 5, 5, plain(5, 2))
    assert (found.value, found.bound) == (1.0, 1.0)
    assert found.opened.sum() == 2
    assert found.parts > 1


@pytest.mark.parametrize("seed", range(60))
def test_branching_finds_what_trying_every_set_finds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sites = int(rng.integers(3, 10))
    lists = town(seed, int(rng.integers(4, 40)), sites, 0.3)
    weight = rng.integers(1, 50, len(lists))
    for sides in (plain(sites, int(rng.integers(1, 4))), random_sides(rng, sites)):
        least = least_left(lists, weight, sites, sides)
        found, _ = grown(lists, weight, sites, sides)
        if np.isfinite(least):
            assert found.value == least == found.bound
            assert left_over(lists, weight, found.opened, sides) == least
        else:
            assert not found.opened.any()


@pytest.mark.parametrize("seed", range(20))
def test_a_tree_cut_short_bounds_every_set_from_below(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lists, sides = town(seed, 60, 10, 0.3), random_sides(rng, 10)
    weight = rng.integers(1, 50, 60)
    found, posed = grown(lists, weight, 10, sides, seconds=0.0)
    least = least_left(lists, weight, 10, sides)
    assert found.bound <= least
    price = rng.random(len(posed.programme.least)) * 40.0
    bound, shut, opened = posed.proves(price, (np.zeros(10), np.ones(10)))
    assert bound <= least + 1e-6
    for one in product((0, 1), repeat=10):
        left = left_over(lists, weight, np.array(one, bool), sides) + 1e-6
        assert max(np.where(np.array(one, bool), opened, shut)) <= left


@pytest.mark.parametrize("seed", range(6))
def test_steps_cuts_hulls_and_branching_find_what_trying_every_set_finds(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists = town(seed, 90, 16, 0.22)
    weight = np.random.default_rng(seed).integers(1, 50, 90)
    for module in (max_cover, cover_prices):
        monkeypatch.setattr(module, "LARGE", 0)
    monkeypatch.setattr(max_cover, "_MOST_SETS", 0)
    monkeypatch.setattr(max_cover, "_SWAPS", 500)
    found = solve_max_cover(ways_of(lists, 16), weight, 5, fixed=flags(16), deadline=ample())
    best = most_weight(lists, weight.tolist(), 5, 16, ())
    assert (found.value, found.bound, found.proved) == (best, best, True)
