"""Pairs of rows in one set or in two: halves of lists against every set, trials against the programme itself."""

from dataclasses import replace

import numpy as np
import pytest

from spatial.siting.question import Question
from spatial.siting.room import branch
from spatial.siting.room.branch import branch_sets
from spatial.siting.room.lift import lift_part
from spatial.siting.room.master import begin_master, set_box, solve_mix
from spatial.siting.room.pairs import doubtful_pairs, halve_pool, try_pairs
from spatial.siting.room.pool import list_pool
from spatial.siting.room.rooms import list_rooms
from spatial.siting.room.tree import dearest_of
from spatial.siting.ways import Deadline
from tests.siting.room.test_lift import fined
from tests.siting.room.test_pool import drawn_sets, names_of
from tests.siting.room.test_rooms import capacitated_median
from tests.siting.room.test_tree import by_model, nothing_known


@pytest.mark.parametrize("seed", range(40))
def test_halves_of_a_list_have_both_rows_of_a_pair_in_one_set_and_in_two(seed: int) -> None:
    rooms, prices, alive, fines, _ = drawn_sets(seed)
    listed = list_pool(rooms, prices, alive, fines, np.full(4, 9.0), 30.0, 100_000)
    assert listed is not None
    pool, (one, two) = listed[0], np.random.default_rng(seed).permutation(len(rooms.load))[:2].tolist()
    pool = replace(pool, inside=pool.inside[::2].copy())
    together, apart = halve_pool(pool, one, two)
    held = [(name, len({one, two} & set(name[1]))) for name in names_of(pool)]
    assert names_of(together) == [name for name, count in held if count != 1]
    assert names_of(apart) == [name for name, count in held if count != 2]


def tight(seed: int) -> Question:
    """Places on a map that four of them have hardly room for."""
    rng = np.random.default_rng(seed)
    at, load = rng.integers(0, 100, (14, 2)), rng.integers(1, 21, 14).astype(float)
    cost = np.floor(np.hypot(*(at[:, None] - at[None]).transpose(2, 0, 1)))
    return capacitated_median(cost, load, np.full(14, np.ceil(load.sum() / 4 / 0.93)), 4)


def test_trials_of_pairs_tell_how_much_dearer_a_mix_becomes_and_leave_it_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("spatial.siting.room.lift._TURNS", 1)
    looked = lifts = 0
    for seed in range(40):
        rooms = list_rooms(tight(seed))
        master = begin_master(rooms)
        state = lift_part(master, rooms, fined(rooms), dearest_of(rooms), deadline=Deadline(300.0)).state
        set_box(master, rooms, state.prices, 3.0)
        before = solve_mix(master, 60.0)
        assert before is not None
        pairs = doubtful_pairs(master, before, rooms.load, 3)
        first = 2 * master.rows + master.sites
        for (one, two), gains in zip(pairs.tolist(), try_pairs(master, pairs, 10_000).tolist(), strict=True):
            held = np.array([(one in s.rows.tolist()) + (two in s.rows.tolist()) for s in master.sets])
            assert 0.2 < before.share[held == 2].sum() < 0.8
            for gain, shut in zip(gains, (held == 1, held == 2), strict=True):
                upper = np.asarray(master.highs.getLp().col_upper_)
                for k in np.flatnonzero(shut):
                    master.highs.changeColBounds(int(first + k), 0.0, 0.0)
                there = solve_mix(master, 60.0)
                for k in np.flatnonzero(shut):
                    master.highs.changeColBounds(int(first + k), 0.0, float(upper[first + k]))
                assert there is not None
                assert gain == pytest.approx(there.value - before.value, abs=1e-6), seed
                looked, lifts = looked + 1, lifts + (gain > 1e-3)
        after = solve_mix(master, 60.0)
        assert after is not None
        assert after.value == pytest.approx(before.value, abs=1e-6), seed
    assert looked > 10
    assert lifts > 5


def test_parts_halved_by_pairs_alone_find_and_prove_what_an_exact_model_says(monkeypatch: pytest.MonkeyPatch) -> None:
    halved = [0]

    def counted(pool, one, two):  # type: ignore[no-untyped-def]
        halved[0] += 1
        return halve_pool(pool, one, two)

    monkeypatch.setattr(branch, "halve_pool", counted)
    monkeypatch.setattr(branch, "_TRIED", 0)
    monkeypatch.setattr("spatial.siting.room.lift._FIRST_TURNS", 1)
    monkeypatch.setattr("spatial.siting.room.lift._TURNS", 1)
    for seed in range(24):
        question = tight(seed)
        rooms, best = list_rooms(question), by_model(question)
        found = branch_sets(rooms, nothing_known(rooms), deadline=Deadline(300.0), seed=0)
        assert (found.best.value, found.bound) == (best if best == np.inf else round(best),) * 2, seed
    assert halved[0] > 4
