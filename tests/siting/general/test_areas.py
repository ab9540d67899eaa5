"""Prices that areas of rows pay their sites: what they prove, against all sets of sites, tried one by one."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from spatial.siting.enumerate import try_all
from spatial.siting.general import area_rounds as general_area_rounds
from spatial.siting.general.area_branch import decide
from spatial.siting.general.area_rounds import Standing, begin_areas, prove_all, visit_all
from spatial.siting.general.areas import Areas
from spatial.siting.general.rows import begin_prices, raise_prices
from spatial.siting.general.task import Task, make_task
from spatial.siting.general.total import least_total
from spatial.siting.models import site_bounds
from spatial.siting.price import Priced
from spatial.siting.question import Question, broken_rules, value_of
from spatial.siting.ways import Deadline, Flags, Floats, build_ways
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


def proved(now: Standing, task: Task, ends: tuple[Floats, Floats], gap: float = 1.0) -> tuple[Standing, Priced]:
    """The areas after a search of each, and what they prove."""
    after, priced = prove_all(now, 2, task.sides, ends, gap, deadline=Deadline(60.0))
    assert priced is not None
    return after, priced


@pytest.fixture(autouse=True)
def small_areas(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few rows in each area."""
    monkeypatch.setattr(general_area_rounds, "_ROWS_EACH", 4)


def test_an_area_is_decided_as_by_trying_every_set_and_bounded_where_branches_run_out() -> None:
    short = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        rows, sites = int(rng.integers(2, 20)), int(rng.integers(2, 9))
        near = (rng.random((rows, sites)) < 0.6).astype(np.int64)
        ptr, site = np.r_[0, np.cumsum(near.sum(axis=1))], np.nonzero(near)[1].copy()
        need = rng.integers(1, 3, rows)
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
            told = ptr, site, weight, need, price, level, ask, low, high, best, np.int64(most), 2.0, 0.0
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
    better = closed = cases = pairs = 0
    for seed in range(60):
        question = served_twice(seed)
        best = try_all(question)
        if best is None:
            continue
        task, now, rows = begun(question, best, seed)
        value, ends, most = value_of(question, best) - task.base, site_bounds(question), -np.inf
        for turn in range(36):
            now = visit_all(now, 2, task.sides, ends, deadline=Deadline(60.0), seed=seed)
            if turn % 3 < 2:
                continue
            now, priced = proved(now, task, ends)
            pairs += now.pairs[1].any()
            assert priced.bound <= value + 1e-6, seed
            assert (priced.opened[best] <= value + 1e-6).all()
            assert (priced.shut[~best] <= value + 1e-6).all()
            most = max(most, priced.bound)
        cases += 1
        better += most > rows + 1e-3 * value
        closed += most > value - 0.5 * (value - rows)
    assert better > 0.5 * cases > 15
    assert closed > 0.3 * cases
    assert pairs > 3 * cases


def test_what_areas_prove_of_themselves_holds_at_every_set_of_sites() -> None:
    fees = np.zeros(2, np.int64)
    for seed in range(20):
        question = replace(served_twice(seed), fixed=np.zeros(SITES, dtype=bool), counted=np.ones(SITES, dtype=bool))
        task, now, _ = begun(question, question.fixed, seed)
        for _ in range(12):
            now = visit_all(now, 2, task.sides, site_bounds(question), deadline=Deadline(60.0), seed=seed)
        now, _ = proved(now, task, site_bounds(question), 0.0)
        areas, reach, many = now.areas, now.matrix.toarray(), len(now.areas.worth)
        assert np.unique(now.label).size == many
        order = np.argsort(now.label, kind="stable")
        size = np.diff(areas.site_ptr)
        own, first = np.repeat(np.arange(many), size), np.repeat(areas.site_ptr[:-1], size)
        is_site = np.arange(len(own)) - first < np.repeat(areas.own, size)
        tops = np.cumsum(np.diff(areas.row_ptr)) - (size - areas.own)
        ends = [
            areas.name[areas.site_ptr[a] + areas.site[areas.ptr[i] : areas.ptr[i] + 2]]
            for a in range(many)
            for i in range(tops[a], areas.row_ptr[a + 1])
        ]
        fees += int((areas.ask[~is_site] > 0.0).sum()), int((areas.ask[~is_site] < 0.0).sum())
        for count in range(SITES + 1):
            for names in combinations(range(SITES), count):
                opened = np.isin(np.arange(SITES), names)
                lacks = np.bincount(now.label[order], weights_of_rows(areas) * (reach[order] @ opened < 2), many)
                asked_for = np.bincount(own[is_site], areas.ask[is_site] * opened[areas.name[is_site]], many)
                if ends:
                    both = opened[np.array(ends)].all(axis=1)
                    asked_for += np.bincount(own[~is_site], areas.ask[~is_site] * both, many)
                assert (areas.worth <= lacks + asked_for + 1e-9).all(), (seed, names)
    assert (fees > 20).all()


def weights_of_rows(areas: Areas) -> Floats:
    """Weights of the rows of areas without those of pairs."""
    size = np.diff(areas.row_ptr)
    real = size - (np.diff(areas.site_ptr) - areas.own)
    within = np.arange(len(areas.weight)) - np.repeat(areas.row_ptr[:-1], size)
    return np.asarray(areas.weight[within < np.repeat(real, size)], np.float64)


def test_rounds_end_with_the_time_and_the_same_seed_gives_the_same_prices() -> None:
    question = served_twice(1)
    opened = question.fixed.copy()
    task, now, _ = begun(question, opened, 1)

    def rounds() -> tuple[Standing, Priced]:
        here = now
        for _ in range(5):
            here = visit_all(here, 2, task.sides, site_bounds(question), deadline=Deadline(60.0), seed=3)
        return proved(here, task, site_bounds(question))

    first, second = rounds(), rounds()
    assert first[1].bound == second[1].bound
    assert np.array_equal(first[0].areas.ask, second[0].areas.ask)
    assert now.rounds == 0
    stopped = visit_all(first[0], 2, task.sides, site_bounds(question), deadline=Deadline(0.0), seed=3)
    assert (first[0].areas.worth != stopped.areas.worth).sum() <= 1
    same, nothing = prove_all(stopped, 2, task.sides, site_bounds(question), 1.0, deadline=Deadline(0.0))
    assert same is stopped
    assert nothing is None


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
