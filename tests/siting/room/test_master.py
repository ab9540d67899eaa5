"""Mixes of sets of rows: triples that are forgotten held nothing back, and the basis stays."""

from itertools import combinations

import numpy as np
import pytest

from spatial.siting.room.master import (
    Master,
    Taken,
    add_sets,
    add_triples,
    begin_master,
    keep_triples,
    set_box,
    solve_mix,
)
from spatial.siting.room.rooms import Rooms, list_rooms
from tests.siting.room.test_tree import drawn


def mixed(rooms: Rooms, sets: list[Taken], triples: np.ndarray) -> tuple[Master, float]:
    """Return a programme of sets and triples and what its mix comes to; prices may be anything up to 100."""
    master, n = begin_master(rooms), len(rooms.load)
    add_sets(master, sets)
    add_triples(master, triples)
    set_box(master, rooms, np.full(n, 100.0), 1.0)
    mix = solve_mix(master, 60.0)
    assert mix is not None
    return master, mix.value


def test_triples_are_forgotten_only_where_the_mix_stays_and_missing_ones_join() -> None:
    forgotten = lifted = 0
    for seed in range(100):
        rng, rooms = np.random.default_rng(seed), list_rooms(drawn(seed))
        n, m = len(rooms.load), len(rooms.room)
        taken = [np.flatnonzero(rng.random(n) < 0.5) for _ in range(40)]
        sets = [Taken(int(rng.integers(m)), one, float(rng.integers(1, 50))) for one in taken if len(one)]
        triples = rng.permutation(np.array(list(combinations(range(n), 3))))
        first, more = triples[:8], triples[8:11]
        master, value = mixed(rooms, sets, first)
        keep_triples(master, first[:2])
        same = solve_mix(master, 60.0)
        assert same is not None
        assert same.value == pytest.approx(value, abs=1e-6), seed
        assert master.highs.getInfo().simplex_iteration_count == 0, seed
        assert (
            {tuple(one) for one in first[:2].tolist()} <= set(master.triples) <= {tuple(one) for one in first.tolist()}
        )
        forgotten += len(first) - len(master.triples)
        keep_triples(master, np.concatenate([first[:2], more]))
        assert {tuple(one) for one in more.tolist()} <= set(master.triples)
        found = solve_mix(master, 60.0)
        _, fresh = mixed(rooms, sets, np.array(master.triples))
        assert found is not None
        assert found.value == pytest.approx(fresh, abs=1e-6), seed
        assert len(found.fine) == len(master.triples)
        lifted += found.value > value + 1e-3
    assert forgotten > 100
    assert lifted > 5
