"""Prices that areas of rows pay their sites: what they prove, against all sets of sites, tried one by one."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from spatial.siting.enumerate import try_all
from spatial.siting.general import area_rounds as general_area_rounds
from spatial.siting.general.area_branch import decide
from spatial.siting.general.area_rounds import Standing, begin_areas, join_areas, visit_all
from spatial.siting.general.rows import begin_prices, raise_prices
from spatial.siting.general.task import Task, make_task
from spatial.siting.general.total import least_total
from spatial.siting.models import site_bounds
from spatial.siting.price import Priced
from spatial.siting.question import Question, broken_rules, value_of
from spatial.siting.ways import Deadline, Flags, build_ways
from tests.siting.general_cases import SITES, asked

ROWS = 24


def served_twice(seed: int) -> Question:
    """A question under conditions whose rows are served by two open sites in reach, or not; some rows are alike."""
    rng = np.random.default_rng(seed)
    near = rng.random((ROWS, SITES)) < rng.choice([0.4, 0.6])
    near[ROWS // 2 :: 3] = near[: len(near[ROWS // 2 :: 3])]
    row, site = np.nonzero(near)
    return replace(
        asked(seed, 2), ways=build_ways(row, site, np.zeros(len(row)), ROWS, SITES), load=np.ones(ROWS), missing=1.0,
        weight=rng.integers(1, 9, ROWS).astype(float),
    )  # fmt: skip


def begun(question: Question, best: Flags, seed: int) -> tuple[Task, Standing, float]:
    """Small areas of a question, and what single rows prove."""
    task, ends = make_task(question), site_bounds(question)
    begin = begin_prices(
        task.ways, task.reach, task.gone - task.reach, task.weight, task.sides, np.clip(np.full(SITES, 0.25), *ends)
    )
    prices, priced = raise_prices(task.ways, 2, task.sides, ends, begin, 1e9, deadline=Deadline(60.0), seed=seed)
    return task, begin_areas(task.ways, 2, prices, best, seed=seed), priced.bound


@pytest.fixture(autouse=True)
def small_areas(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few rows in each area."""
    monkeypatch.setattr(general_area_rounds, "_ROWS_EACH", 4)


@pytest.mark.parametrize("need", [1, 2])
def test_an_area_is_decided_as_by_trying_every_set_and_bounded_where_branches_run_out(need: int) -> None:
    short = 0
    for seed in range(150):
        rng = np.random.default_rng(seed)
        rows, sites = int(rng.integers(2, 20)), int(rng.integers(2, 9))
        near = (rng.random((rows, sites)) < 0.6).astype(np.int64)
        ptr, site = np.r_[0, np.cumsum(near.sum(axis=1))], np.nonzero(near)[1]
        weight, ask = rng.integers(1, 9, rows).astype(float), rng.random(sites) * rng.choice([3.0, 10.0, 20.0])
        low = (rng.random(sites) < 0.1).astype(float)
        high = np.maximum(low, rng.random(sites) < 0.9)
        costs = []
        for code in range(2**sites):
            opened = (code >> np.arange(sites)) & 1
            if (opened >= low).all() and (opened <= high).all():
                costs.append(float(ask @ opened + weight @ (near @ opened < need)))
        for most in (10**9, 1):
            best, price, level = low > 0.5, np.zeros(len(site)), np.zeros(rows)
            told = ptr, site, weight, np.int64(need), price, level, ask, low, high, best, np.int64(most), 2.0, 0.0
            least, met = decide(*told)
            assert least <= min(costs) + 1e-9
            assert met >= min(costs) - 1e-9
            assert met == pytest.approx(float(ask @ best + weight @ (near @ best < need)))
            if most > 1:
                assert least == pytest.approx(min(costs)), seed
                assert met == pytest.approx(min(costs)), seed
            short += least < min(costs) - 1e-6
    assert short > 5


def test_areas_never_bound_above_the_least_total_nor_settle_a_site_of_a_better_set_and_see_more_than_rows() -> None:
    better = closed = cases = 0
    for seed in range(60):
        question = served_twice(seed)
        best = try_all(question)
        if best is None:
            continue
        task, now, rows = begun(question, best, seed)
        value, ends, most = value_of(question, best) - task.base, site_bounds(question), -np.inf
        for turn in range(36):
            now, priced = visit_all(now, 2, task.sides, ends, 1.0, deadline=Deadline(60.0), seed=seed)
            assert priced.bound <= value + 1e-6, seed
            assert (priced.opened[best] <= value + 1e-6).all()
            assert (priced.shut[~best] <= value + 1e-6).all()
            most = max(most, priced.bound)
            if turn % 12 == 11:
                now = join_areas(now, 2)
        cases += 1
        better += most > rows + 1e-3 * value
        closed += most > value - 0.5 * (value - rows)
    assert better > 0.5 * cases > 15
    assert closed > 0.3 * cases


def test_what_areas_prove_of_themselves_holds_at_every_set_of_sites() -> None:
    for seed in range(20):
        question = replace(served_twice(seed), fixed=np.zeros(SITES, dtype=bool), counted=np.ones(SITES, dtype=bool))
        task, now, _ = begun(question, question.fixed, seed)
        for turn in range(12):
            now, _ = visit_all(now, 2, task.sides, site_bounds(question), 1.0, deadline=Deadline(60.0), seed=seed)
            if turn == 7:
                now = join_areas(now, 2)
        areas, reach = now.areas, now.matrix.toarray()
        assert np.unique(now.label).size == len(areas.worth)
        order = np.argsort(now.label, kind="stable")
        for size in range(SITES + 1):
            for names in combinations(range(SITES), size):
                opened = np.isin(np.arange(SITES), names)
                lacks = np.bincount(now.label[order], areas.weight * (reach[order] @ opened < 2), len(areas.worth))
                own = np.repeat(np.arange(len(areas.worth)), np.diff(areas.site_ptr))
                asked_for = np.bincount(own, areas.ask * opened[areas.name], len(areas.worth))
                assert (areas.worth <= lacks + asked_for + 1e-9).all(), (seed, names)


def test_rounds_end_with_the_time_and_the_same_seed_gives_the_same_prices() -> None:
    question = served_twice(1)
    opened = question.fixed.copy()
    task, now, _ = begun(question, opened, 1)

    def rounds() -> tuple[Standing, Priced]:
        here = now
        for _ in range(5):
            here, priced = visit_all(here, 2, task.sides, site_bounds(question), 1.0, deadline=Deadline(60.0), seed=3)
        return here, priced

    first, second = rounds(), rounds()
    assert first[1].bound == second[1].bound
    assert np.array_equal(first[0].areas.ask, second[0].areas.ask)
    assert now.rounds == 0
    stopped, _ = visit_all(first[0], 2, task.sides, site_bounds(question), 1.0, deadline=Deadline(0.0), seed=3)
    assert (first[0].areas.worth != stopped.areas.worth).sum() <= 1


def test_totals_of_rows_that_need_two_sites_are_bounded_and_found_as_by_trying_every_set() -> None:
    for seed in range(25):
        question = served_twice(seed)
        best = try_all(question)
        if best is None or broken_rules(question, question.fixed):
            continue
        found = least_total(question, question.fixed, deadline=Deadline(0.5), seed=0)
        assert found.opened is not None
        assert value_of(question, found.opened) == value_of(question, best)
        assert found.bound <= value_of(question, best) + 1e-6
