"""What HiGHS proves of a model is told no higher than its tolerances allow."""

import numpy as np
import pytest

from spatial.siting.mip import Mip, Rows, solve_mip
from spatial.siting.ways import Floats


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
