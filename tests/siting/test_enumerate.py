"""All sets of few open sites among many, against sets put together one by one."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from spatial.siting.enumerate import can_try_all, every_set, try_all
from spatial.siting.question import AS_MANY_AS_NEEDED, CountRule, Question, broken_rules, value_of
from spatial.siting.ways import build_ways

SITES, ROWS = 17, 6


def asked(seed: int, *, goal: str = "sum", need: int = 1) -> Question:
    """A question of at most two or three counted sites, one that does not count, one open and one shut anyway."""
    rng = np.random.default_rng(seed)
    row, site = np.nonzero(rng.random((ROWS, SITES)) < 0.8)
    every, some = np.arange(SITES), rng.random(SITES) < 0.5
    return Question(
        goal=goal, ways=build_ways(row, site, rng.integers(0, 15, len(row)).astype(float), ROWS, SITES),
        weight=rng.integers(1, 9, ROWS).astype(float), load=np.ones(ROWS), missing=40.0 if goal == "sum" else np.inf,
        p=1 + seed % 2, counted=(every != 0) & (every != 1), fixed=every == 0, banned=every == 2,
        charge=rng.integers(1, 5, SITES).astype(float), price=rng.integers(1, 6, SITES).astype(float), budget=12.0,
        apart=np.array([[3, 4], [5, 6]]), rules=(CountRule(some, 1, 2, "some"),),
        capacity=np.full(SITES, np.inf), split=False, need=need,
    )  # fmt: skip


@pytest.mark.parametrize("goal", ["sum", "largest", "count"])
@pytest.mark.parametrize("need", [1, 2])
def test_of_many_sites_every_set_of_few_is_tried_once(goal: str, need: int) -> None:
    for seed in range(2):
        question = asked(seed, goal=goal, need=need)
        assert can_try_all(question)
        tried = {
            tuple(np.flatnonzero(opened)): one
            for sets, value in every_set(question)
            for opened, one in zip(sets, value, strict=True)
        }
        best, free = np.inf, [s for s in range(SITES) if s not in (0, 2)]
        for size in range(question.p + 2):
            for chosen in combinations(free, size):
                opened = np.isin(np.arange(SITES), [0, *chosen])
                value = np.inf if broken_rules(question, opened) else value_of(question, opened)
                assert tried.pop(tuple(np.flatnonzero(opened))) == value, (seed, chosen)
                best = min(best, value)
        assert not tried
        found = try_all(question)
        assert (np.inf if found is None else value_of(question, found)) == best


def test_sets_are_not_tried_where_there_may_be_too_many() -> None:
    question = asked(1)
    assert not can_try_all(replace(question, counted=np.zeros(SITES, dtype=bool), weight=np.ones(ROWS * 20), p=0))
    assert not can_try_all(replace(question, p=AS_MANY_AS_NEEDED, weight=np.ones(ROWS * 20)))
