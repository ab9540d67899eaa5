"""Prices and searches side by side, where rows are told to be many: against every set of sites."""

import time
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from spatial.siting.room import bound as room_bound
from spatial.siting.room import climb as room_climb
from spatial.siting.room import many as room_many
from spatial.siting.room import merge as room_merge
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


def test_where_conditions_limit_sites_prices_alone_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    for where, name, value in MANY:
        monkeypatch.setattr(where, name, value)
    monkeypatch.setattr(room_many, "merge_sites", None)
    rng = np.random.default_rng(1)
    question = capacitated_median(rng.integers(1, 50, (30, 8)).astype(float), np.ones(30), np.full(8, 12.0), 3)
    state = settle_many(list_rooms(replace(question, budget=3.0, price=np.ones(8))), deadline=Deadline(0.2), seed=0)
    assert np.isfinite(state.bound)
    assert state.best.value == np.inf
