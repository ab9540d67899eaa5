"""Annealings that are mixed: what they find against every set, and what a mix keeps."""

import numpy as np
import pytest

from spatial.siting.cover import mix as cover_mix
from spatial.siting.cover.mix import Mix, Task, both_mixes, mix_annealed, mix_refitted
from spatial.siting.cover.table import cover_table, covered_rows
from spatial.siting.ways import Deadline
from tests.siting.cover_cases import ample, flags, most_weight, town, ways_of

TURN = 13
"""Effort of a turn: four annealings among all sites and five among a few."""


def task(seed: int, rows: int, sites: int, p: int, swaps: int) -> Task:
    weight = np.random.default_rng(seed).integers(1, 50, rows).astype(float)
    table = cover_table(ways_of(town(seed, rows, sites, 0.22), sites))
    return Task(table, weight, p, np.arange(sites), swaps)


def covers(asked: Task, chosen: np.ndarray) -> float:
    return float(asked.weight[covered_rows(asked.table, flags(asked.table.sites, *chosen)) > 0].sum())


@pytest.mark.parametrize("seed", range(60))
def test_a_turn_finds_what_trying_every_set_finds(seed: int) -> None:
    asked = task(seed, 60, 14, 4, 1_000)
    mix = mix_annealed(asked, Mix(), TURN, seed, ample())
    assert mix.made == 9
    best = most_weight(town(seed, 60, 14, 0.22), asked.weight.tolist(), 4, 14, ())
    assert mix.best[0][1] == best


@pytest.mark.parametrize("seed", range(6))
def test_sets_cover_what_they_claim_differ_and_stand_best_first(seed: int) -> None:
    asked = task(seed, 400, 80, 12, 300)
    mix = mix_annealed(asked, Mix(), 2 * TURN, seed, ample())
    values = [value for _, value in mix.best]
    assert values == sorted(values, reverse=True)
    assert len({tuple(chosen) for chosen, _ in mix.best}) == len(mix.best)
    for chosen, value in (*mix.best, *mix.fresh):
        assert len(np.unique(chosen)) == 12
        assert value == covers(asked, chosen)


def test_mixing_on_loses_none_of_the_best() -> None:
    asked = task(3, 400, 80, 12, 300)
    first = mix_annealed(asked, Mix(), TURN, 1, ample())
    more = mix_annealed(asked, first, TURN, 2, ample())
    assert more.best[0][1] >= first.best[0][1]
    assert more.made == 18


def test_two_mixes_give_their_best_sets_and_the_turn_of_the_first() -> None:
    asked = task(5, 400, 80, 12, 100)
    first, second = (mix_annealed(asked, Mix(), effort, effort, ample()) for effort in (TURN, 4))
    both = both_mixes(first, second)
    values = sorted({value for mix in (first, second) for _, value in mix.best}, reverse=True)
    assert both.best[0][1] == values[0]
    assert (both.made, both.fresh) == (first.made, first.fresh)


def test_the_same_seed_gives_the_same_sets() -> None:
    asked = task(7, 400, 80, 12, 300)
    one, other = (mix_annealed(asked, Mix(), TURN, 4, ample()) for _ in range(2))
    assert [(chosen.tolist(), value) for chosen, value in one.best] == [
        (chosen.tolist(), value) for chosen, value in other.best
    ]


def test_without_time_nothing_is_begun() -> None:
    asked = task(7, 400, 80, 12, 300)
    assert mix_annealed(asked, Mix(), TURN, 4, Deadline(0.0)) == Mix()


def test_windows_of_the_best_set_lose_nothing_and_find_better_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    gains = []
    for seed in range(6):
        asked = task(seed, 400, 80, 12, 30)
        monkeypatch.setattr(cover_mix, "FEWEST", 13)
        mixed = mix_refitted(asked, Mix(), 4, seed, ample())
        monkeypatch.setattr(cover_mix, "FEWEST", 12)
        refitted = mix_refitted(asked, Mix(), 4, seed, ample())
        assert (refitted.made, len(refitted.fresh)) == (mixed.made, len(mixed.fresh))
        assert all(value == covers(asked, chosen) for chosen, value in refitted.best)
        gains.append(refitted.best[0][1] - mixed.best[0][1])
    assert min(gains) >= 0.0
    assert max(gains) > 0.0


def test_without_time_windows_begin_no_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cover_mix, "FEWEST", 12)
    assert mix_refitted(task(1, 100, 30, 12, 30), Mix(), 4, 1, Deadline(0.0)) == Mix()
