"""Searches among bundles and joins of what they find, against every set of sites."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from spatial.siting.room import merge as room_merge
from spatial.siting.room.decide import decide_region, too_dear
from spatial.siting.room.merge import join_sites, may_merge, merge_sites
from spatial.siting.room.swap import finite_lost
from spatial.siting.room.trade import begun_split, trade_sites
from spatial.siting.ways import Deadline, Flags
from tests.siting.room.test_decide import stated
from tests.siting.room.test_trade import made, shared_total


def test_two_sets_are_joined_to_the_best_that_has_what_both_have() -> None:
    compared = 0
    for seed in range(60):
        rooms, now, rng = made(seed)
        other = np.zeros(len(now), dtype=bool)
        other[rng.permutation(len(now))[: int(now.sum())]] = True
        lost, every = finite_lost(rooms), range(len(now))
        split = begun_split(rooms, now, lost)
        if (start := shared_total(rooms, now)) > 900.0:
            continue  # a row that nobody serves is no part of a model
        over = too_dear(rooms, np.full(len(rooms.load), 50.0), 99.0)
        region = np.flatnonzero(now | other)
        found = decide_region(rooms, split, now, region, now & other, over, Deadline(20.0))
        sets = [np.isin(every, one) for one in combinations(region.tolist(), int(now.sum()))]
        least = min(shared_total(rooms, one) for one in sets if one[now & other].all())
        assert shared_total(rooms, now if found is None else found) == pytest.approx(min(least, start)), seed
        compared += least < start - 1e-6
    assert compared > 5


def test_several_sets_are_joined_to_the_best_of_what_some_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room_merge, "_MODEL_S", 20.0)
    bettered = 0
    for seed in range(100):
        rooms, first, rng = made(seed)
        p, every = int(first.sum()), range(len(first))
        sets = [first, *(np.isin(every, rng.permutation(len(first))[:p]) for _ in range(2))]
        sets.sort(key=lambda one: shared_total(rooms, one))
        ends = sets[::-1] if seed % 2 else sets
        if (start := shared_total(rooms, sets[0])) >= finite_lost(rooms).min():
            continue  # a row that nobody serves is no part of a model
        over = too_dear(rooms, np.full(len(rooms.load), 50.0), 99.0)
        found = join_sites(rooms, finite_lost(rooms), over, ends, Deadline(20.0))
        some, all_have = np.any(sets, axis=0), np.all(sets, axis=0)
        others = [np.isin(every, one) for one in combinations(np.flatnonzero(some).tolist(), p)]
        least = min(shared_total(rooms, one) for one in others if one[all_have].all())
        assert shared_total(rooms, found) == pytest.approx(least), seed
        bettered += least < start - 1e-6
        assert (join_sites(rooms, finite_lost(rooms), over, ends, Deadline(0.0)) == sets[0]).all(), seed
    assert bettered > 4


def test_exchanges_without_filling_tell_what_their_sites_cost() -> None:
    bettered = 0
    for seed in range(40):
        rooms, opened, rng = made(seed)
        still: Flags = rng.random(len(opened)) < 0.3
        found, total = trade_sites(rooms, opened, still, deadline=Deadline(0.02), seed=seed)
        assert (found == opened)[still].all(), seed
        assert found.sum() == opened.sum(), seed
        assert total == pytest.approx(begun_split(rooms, found, finite_lost(rooms)).total), seed
        assert total <= begun_split(rooms, opened, finite_lost(rooms)).total + 1e-6, seed
        bettered += not (found == opened).all()
    assert bettered > 10


def test_what_is_merged_is_near_the_best_of_every_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room_merge, "DEAR", 99.0)
    best = tried = 0
    for seed in range(40):
        rooms, opened, rng = made(seed)
        if len(opened) > 5:
            continue  # bundles keep five sites
        p = int(opened.sum())
        fixed: Flags = opened & (np.cumsum(opened) == 1) & bool(seed % 2)
        state = replace(stated(rooms), share=np.where(fixed, 1.0, rng.uniform(0.1, 0.9, len(opened))), fixed=fixed)
        rooms = replace(rooms, most=p)
        found = merge_sites(rooms, rooms, state, deadline=Deadline(0.05), seed=seed)[0]
        sets = (np.isin(np.arange(len(opened)), one) for one in combinations(range(len(opened)), p))
        least = min(shared_total(rooms, one) for one in sets if one[fixed].all())
        assert found.sum() == p, seed
        assert found[fixed].all(), seed
        tried += least < 900.0
        best += least < 900.0 and shared_total(rooms, found) == pytest.approx(least)
    assert tried > 5
    assert best > 0.8 * tried


def test_bundles_need_many_rows_and_prices_that_went_a_way(monkeypatch: pytest.MonkeyPatch) -> None:
    rooms, _, _ = made(3)
    state = stated(rooms)
    assert not may_merge(rooms, state)
    monkeypatch.setattr(room_merge, "_WORTH", 0.0)
    monkeypatch.setattr(room_merge, "_ROWS", 0)
    assert may_merge(rooms, state)
    assert not may_merge(rooms, replace(state, share=np.zeros(0)))
