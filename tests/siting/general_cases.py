"""Small questions under conditions of every kind, made from a seed, and what their rows pay at a set of sites."""

from dataclasses import replace

import numpy as np

from spatial.siting.question import CountRule, Question
from spatial.siting.ways import Ways, build_ways

SITES, ROWS, GONE = 8, 7, 30.0


def table(seed: int, *, levels: int = 12) -> Ways:
    """Whole costs below what a row pays that nobody serves, some pairs missing."""
    rng = np.random.default_rng(seed)
    cost = rng.integers(0, levels, (ROWS, SITES)).astype(float)
    row, site = np.nonzero(rng.random((ROWS, SITES)) < 0.8)
    return build_ways(row, site, cost[row, site], ROWS, SITES)


def asked(seed: int, need: int) -> Question:
    """A question with a budget, two rules, a pair too near to each other and one fixed site."""
    rng = np.random.default_rng(seed + 1)
    fixed = np.arange(SITES) == int(rng.integers(SITES))
    some = rng.random(SITES) < 0.5
    return Question(
        goal="sum", ways=table(seed), weight=rng.integers(1, 9, ROWS).astype(float), load=np.ones(ROWS), missing=GONE,
        p=int(rng.integers(2, 5)), counted=~fixed, fixed=fixed, banned=np.zeros(SITES, dtype=bool),
        charge=np.ones(SITES), price=np.where(fixed, 0.0, rng.integers(1, 6, SITES)).astype(float),
        budget=float(rng.integers(4, 14)), apart=np.sort(rng.choice(np.flatnonzero(~fixed), (1, 2), replace=False)),
        rules=(CountRule(some, 0, 2, "some"), CountRule(~some, 0, SITES, "others")),
        capacity=np.full(SITES, np.inf), split=False, need=need,
    )  # fmt: skip


def plain(question: Question) -> Question:
    """The same question with a number of sites alone, all of them free."""
    nothing = np.zeros(SITES, dtype=bool)
    return replace(
        question, fixed=nothing, counted=~nothing, budget=np.inf, rules=(), apart=np.zeros((0, 2), dtype=np.int64)
    )


def lacks_of(ways: Ways, need: int, opened: np.ndarray) -> np.ndarray:
    """What each row pays beyond its ``need``-th least cost, looked up one by one."""
    out = np.zeros(ways.rows)
    for i in range(ways.rows):
        part = slice(ways.ptr[i], ways.ptr[i + 1])
        costs = [*sorted(ways.cost[part][opened[ways.site[part]]]), *[GONE] * need]
        every = [*sorted(ways.cost[part]), *[GONE] * need]
        out[i] = costs[need - 1] - every[need - 1]
    return out
