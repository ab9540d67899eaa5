"""Rows moved along chains of open sites, and exchanges of sites, against sums by hand and transport problems."""

from itertools import combinations

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from spatial.siting.room.flow import fill_sites
from spatial.siting.room.rooms import list_rooms
from spatial.siting.room.swap import swap_rooms
from spatial.siting.ways import Deadline, Floats
from tests.siting.room.test_rooms import capacitated_median, points


def filled(paid: Floats, load: Floats, room: Floats) -> tuple[float, Floats, Floats]:
    """Return the total, who is where, and the prices of room; rows begin at their cheapest column."""
    who, price = np.argmin(paid, axis=1), np.zeros(paid.shape[1])
    value = fill_sites(paid, load, np.r_[room, np.inf], who, price, 1500, np.inf)
    return value, who.astype(float), price


def test_a_full_site_sends_on_by_way_of_another_whoever_is_moved_most_cheaply() -> None:
    """Both like the first site best, which has one place; the third row makes room at the second for 1."""
    paid = np.array([[0.0, 5.0, 90.0, 99.0], [0.0, 2.0, 90.0, 99.0], [90.0, 0.0, 1.0, 99.0]])
    value, who, price = filled(paid, np.ones(3), np.array([1.0, 1.0, 1.0]))
    assert value == 0.0 + 2.0 + 1.0
    assert who.tolist() == [0.0, 1.0, 2.0]
    assert (np.diff(price[:3]) <= 0).all()


def transport(paid: Floats, room: Floats) -> float:
    """Return the least total where each row takes one place, by one row of an assignment for each place."""
    places = np.repeat(np.arange(len(room)), room.astype(int))
    cost = np.c_[paid[:, places], np.repeat(paid[:, -1:], len(paid), axis=1)]
    row, col = linear_sum_assignment(np.where(np.isfinite(cost), cost, 1e6))
    return float(cost[row, col].sum())


def made(seed: int) -> tuple[Floats, Floats, np.random.Generator]:
    """Costs of some rows at up to five sites, not all in reach, and of nobody; and rooms."""
    rng = np.random.default_rng(seed)
    n, p = int(rng.integers(1, 60)), int(rng.integers(1, 6))
    paid = rng.integers(0, 50, (n, p + 1)).astype(float)
    paid[:, :p][rng.random((n, p)) < 0.3] = np.inf
    paid[:, p] = 60.0
    return paid, rng.integers(0, 20, p).astype(float), rng


def test_rows_of_one_place_each_never_cost_less_than_the_best_assignment_and_little_more() -> None:
    excess = []
    for seed in range(200):
        paid, room, _ = made(seed)
        value, who, _ = filled(paid, np.ones(len(paid)), room)
        excess.append(value / transport(paid, room) - 1.0)
        assert (np.bincount(who.astype(int), minlength=len(room) + 1)[:-1] <= room).all()
    assert min(excess) >= -1e-9
    assert np.mean(excess) <= 0.01


def test_rows_of_any_size_keep_to_the_room_and_pay_what_is_told() -> None:
    for seed in range(200):
        paid, room, rng = made(seed)
        load = rng.integers(0, 5, len(paid)).astype(float)
        value, who, _ = filled(paid, load, room)
        assert value == pytest.approx(float(paid[np.arange(len(paid)), who.astype(int)].sum())), seed
        assert (np.bincount(who.astype(int), load, len(room) + 1)[:-1] <= room).all(), seed


def test_filling_ends_without_a_total_only_where_the_total_is_above_what_is_enough() -> None:
    """Rows of one place each: what chains still ask for never overstates by more than filling is off itself."""
    ended = 0
    for seed in range(200):
        paid, room, _ = made(seed)
        load = np.ones(len(paid))
        value, _, _ = filled(paid, load, room)
        least = transport(paid, room)
        for enough in (0.9 * least, value):
            who, price = np.argmin(paid, axis=1), np.zeros(paid.shape[1])
            found = fill_sites(paid, load, np.r_[room, np.inf], who, price, 1500, enough + 1e-6)
            assert found == pytest.approx(value) or (np.isinf(found) and value >= enough * (1 - 1e-9)), seed
            ended += bool(np.isinf(found))
    assert ended > 50


@pytest.mark.parametrize("seed", range(3))
def test_exchanges_lead_to_a_choice_that_keeps_the_room_and_is_never_below_the_best(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cost, room = rng.integers(0, 40, (14, 6)).astype(float), rng.integers(4, 9, 6).astype(float)
    room[0] = 8.0
    question = capacitated_median(cost, np.ones(14), room, 3)
    start = np.arange(6) < 3
    found = swap_rooms(list_rooms(question), start, np.arange(6) == 0, deadline=Deadline(2.0), seed=0)
    table = np.c_[cost, np.full(14, 1e6)]
    best = min(transport(table[:, [*three, 6]], room[list(three)]) for three in combinations(range(6), 3))
    assert found.opened[0]
    assert found.opened.sum() == 3
    served = found.served[found.served >= 0]
    assert (np.bincount(served, minlength=6) <= room * found.opened).all()
    assert found.value >= best


def test_exchanges_of_the_same_seed_and_no_time_give_the_first_filling() -> None:
    rooms = list_rooms(points(3, 40, 5))
    start = np.arange(40) < 5
    one = swap_rooms(rooms, start, np.zeros(40, dtype=bool), deadline=Deadline(0.0), seed=0)
    assert np.array_equal(one.opened, start)
    assert (np.bincount(one.served[one.served >= 0], rooms.load[one.served >= 0], 40) <= rooms.room).all()
