"""Prices that a few rows together pay their sites: what they prove, against all sets of sites, tried one by one."""

from dataclasses import replace

import numpy as np
import pytest

from spatial.siting.enumerate import try_all
from spatial.siting.general.row_group_branch import OPEN, SHUT, decide, share_out
from spatial.siting.general.row_groups import begin_groups, visit_groups
from spatial.siting.general.rows import begin_prices, raise_prices
from spatial.siting.general.task import make_task
from spatial.siting.models import site_bounds
from spatial.siting.question import Question, value_of
from spatial.siting.ways import Deadline, build_ways
from tests.siting.general_cases import SITES, asked

ROWS = 24


def far_away(seed: int) -> Question:
    """A question under conditions whose rows pay their second nearest open site."""
    rng = np.random.default_rng(seed)
    places, homes = rng.random((SITES, 2)), rng.random((ROWS, 2))
    cost = np.round(100.0 * np.hypot(*(homes[:, None] - places[None]).transpose(2, 0, 1)))
    row, site = np.nonzero(cost < rng.choice([60.0, 200.0]))
    return replace(
        asked(seed, 2), ways=build_ways(row, site, cost[row, site], ROWS, SITES), load=np.ones(ROWS), missing=250.0,
        weight=rng.integers(1, 9, ROWS).astype(float),
    )  # fmt: skip


def test_a_few_rows_are_decided_as_by_trying_every_set_and_bounded_where_branches_run_out() -> None:
    short = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        rows, sites = int(rng.integers(1, 6)), int(rng.integers(2, 9))
        costs = np.sort(rng.integers(0, 30, (rows, sites)).astype(float), axis=1)
        order = np.argsort(rng.random((rows, sites)), axis=1)
        size = rng.integers(2, sites + 1, rows)
        ptr = np.r_[0, np.cumsum(size)]
        site = np.concatenate([order[i, : size[i]] for i in range(rows)])
        cost = np.concatenate([costs[i, : size[i]] for i in range(rows)])
        gone = costs[:, -1] + rng.integers(0, 20, rows)
        weight, ask = rng.integers(1, 5, rows).astype(float), rng.random(sites) * rng.choice([3.0, 10.0, 40.0])
        state = rng.choice([0, OPEN, SHUT], sites, p=[0.8, 0.1, 0.1]).astype(np.int8)
        values = []
        for code in range(2**sites):
            opened = (code >> np.arange(sites)) & 1 == 1
            if opened[state == OPEN].all() and not opened[state == SHUT].any():
                value = float(ask @ opened)
                for i in range(rows):
                    met = np.flatnonzero(opened[site[ptr[i] : ptr[i + 1]]])
                    value += weight[i] * (min(gone[i], cost[ptr[i] + met[1]]) if len(met) > 1 else gone[i])
                values.append(value)
        for most in (10**9, 1):
            share, best = rng.random(len(site)), state == OPEN
            told = ptr, site, cost, gone, weight
            alone = share_out(*told, ask, state, share, np.int64(20))
            assert np.bincount(site, share * np.repeat(weight, size), sites) == pytest.approx(
                np.where(np.bincount(site, minlength=sites) > 0, ask, 0.0)
            )
            least, met = decide(*told, share, ask, state.copy(), best, np.int64(most))
            assert alone <= min(values) + float(ask[state == OPEN].sum()) + 1e-9
            assert least <= min(values) + 1e-9 <= met + 2e-9
            if most > 1:
                assert least == pytest.approx(min(values)), seed
                assert met == pytest.approx(min(values)), seed
            short += least < min(values) - 1e-6
    assert short > 5


def test_a_few_rows_together_prove_no_more_than_the_best_choice_costs_and_more_than_rows_alone() -> None:
    gained = 0
    for seed in range(40):
        question = far_away(seed)
        best, task, ends = try_all(question), make_task(question), site_bounds(question)
        if best is None or not task.ways.rows:
            continue
        value = value_of(question, best)
        begin = begin_prices(
            task.ways, task.reach, task.gone - task.reach, task.weight, task.sides, np.clip(np.full(SITES, 0.25), *ends)
        )
        prices, alone = raise_prices(task.ways, 2, task.sides, ends, begin, 1e9, deadline=Deadline(60.0), seed=seed)
        now, most = begin_groups(task.ways, prices, best, seed=seed), -np.inf
        for _ in range(60):
            now, priced = visit_groups(now, task.sides, ends, deadline=Deadline(60.0), seed=seed)
            assert priced.bound + task.base <= value + 1e-6, seed
            most = max(most, priced.bound)
        gained += most > alone.bound + 1e-3 * value
    assert gained > 5
