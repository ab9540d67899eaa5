"""Households that reach a site in time, by group, and which of these counts would tell of single homes."""

from typing import Any

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from spatial.plan.reach import find_telling, measure_reach

LIMITS = (300.0, 600.0, 900.0)


def demand_of(*rows: tuple[int, float]) -> Any:
    return pd.DataFrame(rows, columns=["households", "site_walk_s"])


def test_households_are_counted_up_to_each_limit_and_the_limit_itself() -> None:
    demand = demand_of((10, 299.0), (20, 300.0), (30, 300.5), (40, np.nan), (50, 900.0))
    reach = measure_reach(demand, ["b", "b", "a", "a", "b"], LIMITS)
    assert reach.index.tolist() == ["a", "b"]
    assert reach.loc["a"].tolist() == [70, 0, 30, 30]
    assert reach.loc["b"].tolist() == [80, 30, 30, 80]


def test_nobody_is_counted_where_nobody_lives() -> None:
    reach = measure_reach(demand_of(), [], LIMITS)
    assert (len(reach), list(reach.columns)) == (0, ["households", *LIMITS])
    assert find_telling(reach, least=10).tolist() == []


def test_a_count_of_a_few_homes_tells_and_so_does_what_is_left_over() -> None:
    demand = demand_of((100, 100.0), (7, 700.0), (100, 100.0), (100, np.nan), (40, 100.0), (4, np.nan), (50, 50.0))
    reach = measure_reach(demand, ["few", "few", "many", "many", "over", "over", "all"], LIMITS)
    assert find_telling(reach, least=5).to_dict() == {"few": False, "many": False, "over": True, "all": True}
    assert find_telling(reach, least=8).to_dict() == {"few": True, "many": False, "over": True, "all": False}
    assert not find_telling(reach, least=4).any()


_ROWS = st.lists(
    st.tuples(st.integers(0, 30), st.one_of(st.just(np.nan), st.floats(0, 1000)), st.sampled_from("abc")), max_size=12
)


@given(rows=_ROWS)
def test_counts_are_those_of_a_plain_loop_nest_and_add_up(rows: list[tuple[int, float, str]]) -> None:
    demand = demand_of(*((homes, walk) for homes, walk, _ in rows))
    reach = measure_reach(demand, [group for *_, group in rows], LIMITS)
    for group in {group for *_, group in rows}:
        mine = [(homes, walk) for homes, walk, other in rows if other == group]
        assert reach.loc[group, "households"] == sum(homes for homes, _ in mine)
        for limit in LIMITS:
            assert reach.loc[group, limit] == sum(homes for homes, walk in mine if walk <= limit)
    counts = reach[list(LIMITS)].to_numpy()
    assert (np.diff(counts, axis=1) >= 0).all()
    assert (counts[:, -1:] <= reach[["households"]].to_numpy()).all()


@given(rows=_ROWS, least=st.integers(1, 12))
def test_what_is_told_is_never_a_few_homes_nor_tells_the_only_group_left_out(
    rows: list[tuple[int, float, str]], least: int
) -> None:
    demand = demand_of(*((homes, walk) for homes, walk, _ in rows))
    reach = measure_reach(demand, [group for *_, group in rows], LIMITS)
    telling = find_telling(reach, least=least)
    for group in reach.index[~telling]:
        steps = [*np.diff(reach.loc[group, list(LIMITS)], prepend=0)]
        steps.append(reach.loc[group, "households"] - sum(steps))
        assert not [step for step in steps if 0 < step < least]
    lived = int((reach["households"] > 0).sum())
    assert telling.sum() != 1 or lived == 1
