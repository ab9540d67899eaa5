"""Annealing over sites with room: what is left unserved against a largest flow, and the best of all sets."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from spatial.siting.room import anneal as room_anneal
from spatial.siting.room.anneal import anneal_rooms
from spatial.siting.room.rows import Kinds, flow_of, list_kinds
from spatial.siting.ways import Deadline, Flags
from tests.siting.room.test_served import listed, served

_HEAT = (0.2, 0.004)


def kinds_of(seed: int, rows: int, sites: int) -> Kinds:
    """Kinds of rows whose sites have room for about half of them, some sites for next to nothing."""
    kinds = list_kinds(listed(served(seed, 4, rows=rows, sites=sites)))
    room = np.ceil(kinds.room * np.random.default_rng(seed).choice([0.1, 0.4, 1.0], sites))
    return replace(kinds, room=room)


def unserved(kinds: Kinds, opened: Flags) -> float:
    return flow_of(kinds, opened.astype(np.float64)).short


def annealed(kinds: Kinds, opened: Flags, free: Flags, swaps: int, seed: int) -> tuple[Flags, float]:
    return anneal_rooms(kinds, opened, free, swaps=swaps, heat=_HEAT, deadline=Deadline(1e9), seed=seed)


def test_what_is_told_is_what_a_largest_flow_leaves() -> None:
    for seed in range(120):
        rng = np.random.default_rng(seed)
        kinds = kinds_of(seed, 12 + 3 * (seed % 20), 6 + seed % 9)
        m = kinds.table.sites
        opened, free = rng.random(m) < 0.4, rng.random(m) < 0.8
        found, lost = annealed(kinds, opened, free, 4000, seed)
        assert abs(lost - unserved(kinds, found)) < 1e-6, seed
        assert found.sum() == opened.sum(), seed
        assert (found[~free] == opened[~free]).all(), seed
        assert lost <= unserved(kinds, opened) + 1e-6, seed


def test_the_best_of_all_sets_is_met() -> None:
    for seed in range(25):
        kinds = kinds_of(seed, 40, 9)
        m, best = kinds.table.sites, np.inf
        for some in combinations(range(m), 3):
            best = min(best, unserved(kinds, np.isin(np.arange(m), some)))
        _, lost = annealed(kinds, np.arange(m) < 3, np.ones(m, bool), 8000, seed)
        assert abs(lost - best) < 1e-6, seed


def test_the_same_search_ends_in_the_same_sites() -> None:
    kinds = kinds_of(3, 60, 12)
    some = [annealed(kinds, np.arange(12) < 4, np.ones(12, bool), 8000, 1) for _ in range(2)]
    assert (some[0][0] == some[1][0]).all()
    assert some[0][1] == some[1][1]


def test_nothing_is_swapped_where_nothing_may_be() -> None:
    kinds = kinds_of(5, 30, 8)
    opened, nothing = np.arange(8) < 3, np.zeros(8, bool)
    for one, free in ((opened, nothing), (nothing, ~nothing), (~nothing, ~nothing), (opened, opened)):
        found, lost = annealed(kinds, one, free, 4000, 0)
        assert (found == one).all()
        assert abs(lost - unserved(kinds, one)) < 1e-6


def test_swaps_of_more_steps_than_can_be_noted_are_carried_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room_anneal, "_LOG", 0)
    for seed in range(40):
        kinds = kinds_of(seed, 30, 8)
        opened = np.arange(8) < 4
        found, lost = annealed(kinds, opened, np.ones(8, bool), 4000, seed)
        assert found.sum() == 4, seed
        assert unserved(kinds, found) - 1e-6 <= lost <= float(kinds.load.sum()), seed
