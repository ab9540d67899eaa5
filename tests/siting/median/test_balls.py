"""Halves of a question of fees: every set of sites stands in one of them, and costs there what it cost before."""

from itertools import chain, combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial.siting.median.balls import find_ball, split_ball
from spatial.siting.median.branch import Node
from spatial.siting.median.core import Core, total
from tests.siting.random_cores import core_with_fees


def node_of(core: Core) -> Node:
    return Node(core, (), core.cost[core.ptr[:-1]].copy(), 0.0)


def test_a_ball_of_two_houses_is_half_open_where_each_has_a_quarter() -> None:
    # Sites 0 and 1 stand together, site 2 far away; only the first row sees all of them in this order.
    core = core_with_fees([[0.0, 1.0, 50.0]], [3.0], [7.0, 8.0, 9.0])
    found = find_ball(core, np.array([0.25, 0.25, 0.5]))
    assert found is not None
    assert found[0].tolist() == [0, 1]
    assert found[1] == 3.0
    shut, some = split_ball(node_of(core), np.array([0.25, 0.25, 0.5]))
    assert shut.core.names.tolist() == [2]
    assert total(some.core, np.array([False, False, True])) == total(core, np.array([False, False, True])) + 7.0


def test_a_ball_of_one_site_is_shut_or_open() -> None:
    core = core_with_fees([[0.0, 50.0, 60.0]], [3.0], [7.0, 8.0, 9.0])
    shut, opened = split_ball(node_of(core), np.array([0.5, 0.1, 0.4]))
    assert shut.core.names.tolist() == [1, 2]
    assert opened.opened == (0,)


def test_a_ball_that_is_split_on_again_and_again_weighs_no_more_than_its_rows() -> None:
    core = core_with_fees([[0.0, 1.0, 50.0], [1.0, 0.0, 40.0]], [3.0, 2.0], [7.0, 8.0, 9.0])
    node = node_of(core)
    for _ in range(1100):
        node = split_ball(node, np.array([0.25, 0.25, 0.5]))[1]
    assert node.core.weight.max() == 5.0
    assert total(node.core, np.array([False, True, True])) == total(core, np.array([False, True, True]))


def test_where_no_ball_is_half_open_there_is_nothing_to_split_on() -> None:
    core = core_with_fees([[0.0, 1.0]], [3.0], [7.0, 8.0])
    assert split_ball(node_of(core), np.array([1.0, 0.0])) == []


@given(st.integers(0, 10_000))
@settings(max_examples=150, deadline=None)
def test_every_set_costs_in_one_half_what_it_cost_before_and_in_none_less(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(1, 8)), int(rng.integers(2, 8))
    core = core_with_fees(rng.integers(0, 30, (n, m)).astype(float), rng.integers(1, 9, n).astype(float),
                          rng.integers(1, 60, m).astype(float))  # fmt: skip
    halves = split_ball(node_of(core), rng.random(m) * rng.integers(0, 2, m))
    for one in halves:
        assert len(one.price) == len(one.core.cap)
        assert (np.diff(one.core.ptr) > 0).all()
    every = range(m)
    for names in chain.from_iterable(combinations(every, size) for size in range(m + 1)) if halves else []:
        paid = total(core, np.isin(every, names))
        costs = []
        for one in halves:
            fixed = set(every) - set(one.core.names.tolist()) - set(one.opened)
            if set(one.opened) <= set(names) and not fixed & set(names):
                costs.append(total(one.core, np.isin(one.core.names, names)))
        assert min(costs) == paid
