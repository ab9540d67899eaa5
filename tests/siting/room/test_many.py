"""Prices and searches side by side, where rows are told to be many: against every set of sites."""

import time
from dataclasses import replace
from itertools import combinations
from threading import Event
from typing import Any

import numpy as np
import pytest

from spatial.siting.room import bound as room_bound
from spatial.siting.room import climb as room_climb
from spatial.siting.room import many as room_many
from spatial.siting.room import merge as room_merge
from spatial.siting.room.bound import bound_rooms, is_closed
from spatial.siting.room.climb import Bound
from spatial.siting.room.many import settle_many
from spatial.siting.room.merge import merge_sites
from spatial.siting.room.rooms import list_rooms, value_of_choice
from spatial.siting.ways import Deadline, Flags
from tests.siting.room.test_rooms import capacitated_median
from tests.siting.room.test_settle import least_total

MANY = (
    (room_bound, "MOST_ROWS", 0), (room_climb, "MOST_ROWS", 0), (room_many, "_TURNS", 0), (room_merge, "_WORTH", 0.0),
    (room_merge, "_ROWS", 0),
    (room_merge, "DEAR", 99.0), (room_many, "DEAR", 99.0),
)  # fmt: skip


def test_searches_beside_prices_come_near_the_best_of_every_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for where, name, value in MANY:
        monkeypatch.setattr(where, name, value)
    begun: list[int] = []

    def noted(*given: Any, seed: int, **more: Any) -> list[Flags]:
        begun.append(seed)
        return merge_sites(*given, seed=seed, **more)

    monkeypatch.setattr(room_many, "merge_sites", noted)
    worse = 0.0
    for seed in range(4):
        rng = np.random.default_rng(seed)
        at, sites = rng.uniform(0, 100, (30, 2)), rng.uniform(0, 100, (7, 2))
        cost = np.rint(np.hypot(*(at[:, None] - sites[None]).T)).T
        load = rng.integers(1, 9, 30).astype(float)
        rooms = list_rooms(capacitated_median(cost, load, np.full(7, np.ceil(load.sum() / 2.4)), 3))
        state = settle_many(rooms, deadline=Deadline(0.8, clock=time.process_time), seed=seed)
        best = state.best
        sets = [np.isin(np.arange(7), one) for one in combinations(range(7), 3)]
        least = min(least_total(rooms, one) for one in sets)
        assert state.bound <= least + 1e-6, seed
        assert best.value == value_of_choice(rooms, best.opened, best.served) >= least - 1e-6, seed
        assert (np.bincount(best.served, load, 7) <= rooms.room).all(), seed
        worse += best.value / least - 1.0
    assert worse < 0.04
    assert len(begun) >= 4


def test_answers_do_not_depend_on_which_thread_is_late(monkeypatch: pytest.MonkeyPatch) -> None:
    for where, name, value in MANY:
        monkeypatch.setattr(where, name, value)
    bounded, searched, late, begun = Event(), Event(), Event(), 0

    def bounds(*given: Any, **more: Any) -> Bound:
        out, jobs = bound_rooms(*given, **more), begun
        bounded.set()
        assert not (late.is_set() and jobs) or searched.wait(30.0)
        return out

    def merged(*given: Any, deadline: Deadline, seed: int) -> list[Flags]:
        nonlocal begun
        begun += 1
        assert late.is_set() or bounded.wait(30.0)
        out = merge_sites(*given, deadline=Deadline(0.0), seed=seed)  # one round, whatever the clock says
        searched.set()
        return out

    monkeypatch.setattr(room_many, "bound_rooms", bounds)
    monkeypatch.setattr(room_many, "merge_sites", merged)
    proved = beside = 0
    for seed in range(8):
        rng = np.random.default_rng(seed)
        load, cost = rng.integers(1, 9, 30).astype(float), rng.integers(1, 60, (30, 7)).astype(float)
        if seed % 2:  # each row has a site of its own nearby
            cost[np.arange(30), np.arange(30) % 3] = rng.integers(0, 20, 30)
        rooms = list_rooms(capacitated_median(cost, load, np.full(7, np.ceil(load.sum() / 2.4)), 3))
        states = []
        for prices_are_late in (False, True):
            for event in (bounded, searched, late):
                event.clear()
            if prices_are_late:
                late.set()
            begun = 0
            states.append(settle_many(rooms, deadline=Deadline(60.0), seed=seed))
            beside += begun > 0
        one, two = states
        proved += is_closed(rooms, one)
        assert one.bound == two.bound, seed
        assert one.best.value == two.best.value, seed
        assert one.best.served.tobytes() == two.best.served.tobytes(), seed
        assert one.best.opened.tobytes() == two.best.opened.tobytes(), seed
    assert proved >= 3
    assert beside >= 8


def test_where_conditions_limit_sites_prices_alone_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    for where, name, value in MANY:
        monkeypatch.setattr(where, name, value)
    monkeypatch.setattr(room_many, "merge_sites", None)
    rng = np.random.default_rng(1)
    question = capacitated_median(rng.integers(1, 50, (30, 8)).astype(float), np.ones(30), np.full(8, 12.0), 3)
    state = settle_many(list_rooms(replace(question, budget=3.0, price=np.ones(8))), deadline=Deadline(0.2), seed=0)
    assert np.isfinite(state.bound)
    assert state.best.value == np.inf
