"""What HiGHS proves of a model is told no higher than its tolerances allow."""

from itertools import count

import numpy as np
import pytest

from spatial.siting.mip import Mip, Rows, solve_mip
from spatial.siting.ways import Deadline, Floats


def one_of_each(cost: Floats) -> Mip:
    """Of each pair of columns one is taken."""
    n = len(cost) // 2
    rows = Rows(np.repeat(np.arange(n), 2), np.arange(2 * n), np.ones(2 * n), np.ones(n), np.ones(n))
    return Mip(cost, 0.0, np.zeros(2 * n), np.ones(2 * n), np.ones(2 * n, dtype=bool), (rows,))


@pytest.mark.parametrize("unit", [1e-9, 1e-3, 1.0, 1e6, 1e12])
def test_a_model_is_solved_alike_in_every_unit(unit: float) -> None:
    rng = np.random.default_rng(1)
    cost = rng.integers(20, 300, 40).astype(float)
    best = cost.reshape(-1, 2).min(axis=1).sum() * unit
    found = solve_mip(one_of_each(cost * unit), start=None, time_limit_s=20.0)
    assert found.x is not None
    assert cost @ found.x * unit == pytest.approx(best)
    assert found.bound == pytest.approx(best)


@pytest.mark.parametrize("seed", range(10))
def test_costs_that_stand_for_no_way_never_lift_the_bound_above_the_best(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cost = rng.uniform(20, 300, 60)
    cost[rng.choice(60, 12, replace=False)] = 1e12
    best = cost.reshape(-1, 2).min(axis=1).sum()
    found = solve_mip(one_of_each(cost), start=None, time_limit_s=20.0)
    assert found.bound <= best * (1 + 1e-12)


def split_evenly(groups: int, things: int) -> Mip:
    """Things of uneven size are split so that both halves weigh about the same in each group: hopeless to prove."""
    size = np.random.default_rng(1).integers(0, 100, (groups, things)).astype(float)
    matrix = np.hstack([size, np.eye(groups), -np.eye(groups)])
    half, (row, col), n = np.floor(size.sum(axis=1) / 2), np.nonzero(matrix), things + 2 * groups
    rows = Rows(row.astype(np.int64), col.astype(np.int64), matrix[row, col], half, half)
    missed = np.arange(n) >= things
    return Mip(missed.astype(float), 0.0, np.zeros(n), np.where(missed, 1e4, 1.0), ~missed, (rows,))


def test_another_clock_than_that_of_the_wall_ends_a_search() -> None:
    looks = count()
    found = solve_mip(
        split_evenly(5, 40), start=None, time_limit_s=30.0, until=Deadline(20.0, clock=lambda: float(next(looks)))
    )
    assert next(looks) < 40
    assert found.bound < 1.0
