"""Near entries against all of them: while prices stay below what is told, sites are worth the same."""

from dataclasses import replace

import numpy as np
import pytest

from spatial.siting.room.climb import price
from spatial.siting.room.near import list_all, list_near
from spatial.siting.room.rooms import Rooms, list_rooms
from spatial.siting.ways import Floats, build_ways, row_of
from tests.siting.room.test_rooms import capacitated_median


def scattered(seed: int) -> tuple[Rooms, np.random.Generator]:
    """Rows that reach most of some 20 sites; a row that nobody serves costs 60."""
    rng = np.random.default_rng(seed)
    n, m = 30, 20
    cost, load = rng.integers(0, 50, (n, m)).astype(float), rng.integers(1, 9, n).astype(float)
    question = capacitated_median(cost, load, rng.integers(5, 40, m).astype(float), 4)
    row, col = np.nonzero(rng.random((n, m)) < 0.8)
    ways = build_ways(row, col, cost[row, col], n, m)
    return list_rooms(replace(question, ways=ways, missing=60.0)), rng


def worths(rooms: Rooms, prices: Floats) -> Floats:
    """Return what each site is worth, all of its entries alive."""
    worth = np.zeros(len(rooms.room))
    price(rooms, prices, np.ones(len(rooms.row), dtype=bool), worth, np.zeros(len(rooms.row)))
    return worth


@pytest.mark.parametrize("seed", range(20))
def test_sites_are_worth_the_same_with_near_entries_at_any_prices_up_to_the_top(seed: int) -> None:
    rooms, rng = scattered(seed)
    near = list_near(rooms, rng.uniform(0, 30, 30), np.full(30, -1), 1.3)
    assert 0 < near.inside.sum() < len(near.inside)
    assert (near.top <= rooms.lost).all()
    for share in (1.0, rng.uniform(0, 1, 30)):
        prices = share * near.top
        assert worths(near.rooms, prices) == pytest.approx(worths(rooms, prices))


def test_near_entries_keep_their_costs_and_whoever_serves_now_however_far() -> None:
    rooms, _ = scattered(1)
    ways = rooms.question.ways
    served = ways.site[ways.ptr[1:] - 1].astype(np.int64)
    near = list_near(rooms, np.full(30, 1.0), served, 1.3)
    left = near.rooms.question.ways
    assert (np.bincount(row_of(left), left.site == served[row_of(left)], 30) == 1).all()
    assert np.array_equal(near.rooms.paid[near.rooms.place], near.rooms.cost)
    assert np.array_equal(near.rooms.cost, rooms.cost[near.inside])
    assert np.array_equal(near.rooms.row, rooms.row[near.inside])
    assert np.array_equal(near.rooms.site, rooms.site[near.inside])


def test_all_entries_are_near_where_prices_are_nothing_or_no_site_costs_more_than_another() -> None:
    rooms, _ = scattered(2)
    nobody = np.full(30, -1)
    for near in (
        list_all(rooms),
        list_near(rooms, np.zeros(30), nobody, 1.3),
        list_near(replace(rooms, paid=0.0 * rooms.paid), np.r_[np.zeros(29), 5.0], nobody, 1.3),
    ):
        assert near.inside.all()
        assert np.array_equal(near.top, rooms.lost)
