"""Prices that rows pay their sites: what they prove, against sets tried one by one and linear programmes."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from scipy.optimize import linprog

from spatial.siting.cuts import break_most, cuts_at, joined, no_cuts
from spatial.siting.enumerate import try_all
from spatial.siting.general.rows import RowPrices, begin_prices, cuts_of, raise_prices
from spatial.siting.general.seconds import make_room, pair_cut
from spatial.siting.general.task import Task, make_task
from spatial.siting.models import site_bounds
from spatial.siting.price import Priced, list_sides, price_cuts
from spatial.siting.question import Question, value_of
from spatial.siting.ways import Deadline
from tests.siting.general_cases import GONE, SITES, asked, lacks_of, plain


def raised(question: Question, seed: int, goal: float = 300.0) -> tuple[Task, RowPrices, Priced]:
    """Prices of a question from shares of a quarter each."""
    task, ends = make_task(question), site_bounds(question)
    share = np.clip(np.full(SITES, 0.25), *ends)
    begin = begin_prices(task.ways, task.reach, task.gone - task.reach, task.weight, task.sides, share)
    prices, priced = raise_prices(
        task.ways, question.need, task.sides, ends, begin, goal, deadline=Deadline(60.0), seed=seed
    )
    return task, prices, priced


def cheapest_pairs(cost: np.ndarray, top: float, share: np.ndarray) -> float:
    """What the cheapest prices come to with which every pair pays up to ``top``, by a linear programme."""
    pairs = list(combinations(range(len(cost)), 2))
    inside = np.zeros((len(pairs), len(cost)))
    for k, pair in enumerate(pairs):
        inside[k, list(pair)] = 1.0
    most = np.array([top - max(cost[a], cost[b]) for a, b in pairs])
    return float(linprog(share, A_ub=-inside, b_ub=-most).fun)


def test_prices_of_pairs_are_the_cheapest_at_the_best_of_all_levels() -> None:
    better = 0
    for seed in range(120):
        rng = np.random.default_rng(seed)
        size = int(rng.integers(2, 9))
        cost, share = np.sort(rng.integers(0, 15, size)).astype(float), rng.random(size) * rng.choice([0.5, 1.0])
        site, gone, terms, tried = np.arange(size, dtype=np.int32), 20.0, np.zeros(size), np.zeros(size)
        level, reached = break_most(0, size, site, cost, gone, 2, share, terms)
        before = level - terms[:reached] @ share[:reached]
        level, reached = pair_cut(0, size, site, cost, gone, cost[1], share, level, reached, terms, tried, make_room())
        after = level - terms[:reached] @ share[:reached]
        assert all(
            terms[a] * (a < reached) + terms[b] * (b < reached) >= cost[1] + level - cost[max(a, b)] - 1e-9
            for a, b in combinations(range(size), 2)
        )
        tops = [top for top in {*cost[2:], gone} if (cost < top).sum() >= 2]
        worth = [top - cost[1] - cheapest_pairs(cost[cost < top], top, share[cost < top]) for top in tops]
        assert after == pytest.approx(max([0.0, *worth])), seed
        better += after > before + 1e-6
    assert better > 30


@pytest.mark.parametrize("need", [1, 2, 3])
def test_inequalities_at_the_prices_of_rows_hold_at_every_set(need: int) -> None:
    for seed in range(12):
        question = plain(asked(seed, need))
        task, prices, _ = raised(question, seed)
        cuts, gone = cuts_of(task.ways, prices), np.full(task.ways.rows, GONE)
        assert np.array_equal(task.gone, gone)
        tight = np.full(task.ways.rows, np.inf)
        for size in range(SITES + 1):
            for names in combinations(range(SITES), size):
                opened = np.isin(np.arange(SITES), names)
                over = cuts.sites @ opened + lacks_of(task.ways, need, opened) - cuts.least
                assert (over >= -1e-9).all(), (seed, names)
                tight = np.minimum(tight, over)
        assert tight == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("need", [1, 2, 3])
def test_prices_of_rows_never_bound_above_the_least_total_nor_settle_a_site_of_a_better_set(need: int) -> None:
    near = 0
    for seed in range(60):
        question = asked(seed, need)
        best = try_all(question)
        if best is None:
            continue
        task, _, priced = raised(question, seed)
        value = value_of(question, best) - task.base
        assert priced.bound <= value + 1e-6
        assert (priced.opened[best] <= value + 1e-6).all()
        assert (priced.shut[~best] <= value + 1e-6).all()
        near += priced.bound > 0.9 * value
    assert near > 5


def test_prices_of_rows_come_near_to_the_bound_of_the_linear_programme_with_its_conditions() -> None:
    reached = []
    for seed in range(25):
        question = asked(seed, 1)
        if try_all(question) is None:
            continue
        task, ends = make_task(question), site_bounds(question)
        cuts, most = no_cuts(task.ways), 0.0
        share, lack = np.zeros(SITES), np.full(task.ways.rows, -1.0)
        for _ in range(20):
            cuts = joined(cuts, cuts_at(task.ways, task.gone, 1, share, lack))
            found = price_cuts(cuts, task.sides, task.weight, task.reach, ends, deadline=Deadline(60.0))
            assert found is not None
            share, lack, most = found.share, found.lack, found.bound
        bound = raised(question, seed, most + 0.1)[2].bound
        assert bound <= most + 1e-3
        reached.append((bound + task.base) / (most + task.base))
    assert min(reached) > 0.9
    assert np.mean(reached) > 0.98


def test_fines_are_paid_by_conditions_that_bind_alone() -> None:
    question = plain(asked(4, 1))
    assert not raised(question, 0)[2].binds
    dear = replace(question, price=np.full(SITES, 5.0), budget=6.0)
    _, prices, priced = raised(dear, 0)
    assert priced.binds
    assert prices.fine[:-1].max() > 0.0
    sides = list_sides((), question.counted, question.most)
    assert sides.matrix.shape[0] == 0


def test_the_same_seed_gives_the_same_prices_and_leaves_those_it_began_with() -> None:
    question = asked(3, 2)
    task, ends = make_task(question), site_bounds(question)
    share = np.clip(np.full(SITES, 0.25), *ends)
    begin = begin_prices(task.ways, task.reach, task.gone - task.reach, task.weight, task.sides, share)
    first, second = (
        raise_prices(task.ways, 2, task.sides, ends, begin, np.inf, deadline=Deadline(60.0), seed=5) for _ in range(2)
    )
    assert first[1].bound == second[1].bound
    assert np.array_equal(first[0].price, second[0].price)
    assert not begin.price.any()
    assert not begin.sites[3].any()
