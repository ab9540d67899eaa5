"""The choice among grids against every choice there is."""

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial.division import closing
from spatial.division.closing import Choice, Grids, Limits, close_plan
from spatial.division.separation import find_cuts

UNITS = 9
FREELY = Limits(20_000, lambda: 1e6)


def draw_grids(seed: int, olds: int, count: int) -> Grids:
    """Return random sets of units at random prices, single units among them so that a cover exists."""
    rng = np.random.default_rng(seed)
    units = [np.array([unit]) for unit in range(UNITS)]
    units += [np.sort(rng.choice(UNITS, int(rng.integers(2, 5)), replace=False)) for _ in range(count)]
    names = np.concatenate([np.full(UNITS, olds), rng.integers(0, olds + 1, count)])
    size = np.array([len(column) for column in units])
    cost = 0.4 + size**0.7 * rng.uniform(0.5, 1.0, len(units)) * (1.0 + 0.8 * (size == 1))
    return Grids(units, names, cost, rng.uniform(0.0, 1.0, len(units)))


def covers(grids: Grids, olds: int) -> Iterator[tuple[float, tuple[int, ...]]]:
    """Yield the price and the columns of every choice that holds each unit once and each name once at most."""
    holds = [frozenset(column.tolist()) for column in grids.units]

    def extend(
        left: frozenset[int], names: frozenset[int], price: float, chosen: tuple[int, ...]
    ) -> Iterator[tuple[float, tuple[int, ...]]]:
        if not left:
            yield price, chosen
            return
        unit = min(left)
        for column, held in enumerate(holds):
            name = int(grids.names[column])
            if unit in held and held <= left and name not in names:
                taken = names | {name} if name < olds else names
                yield from extend(left - held, taken, price + float(grids.cost[column]), (*chosen, column))

    yield from extend(frozenset(range(UNITS)), frozenset(), 0.0, ())


def close(grids: Grids, olds: int, counts: tuple[int, int], below: float, limits: Limits = FREELY) -> Choice:
    return close_plan(grids, (UNITS, olds), counts, np.arange(UNITS), below, limits)


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.integers(0, 2), st.integers(5, 40), st.sampled_from([(0, UNITS), (3, 4), (5, UNITS)]))
def test_the_cheapest_choice_is_found_and_nothing_cheaper_is_promised(
    seed: int, olds: int, count: int, counts: tuple[int, int]
) -> None:
    grids = draw_grids(seed, olds, count)
    prices = [price for price, chosen in covers(grids, olds) if counts[0] <= len(chosen) <= counts[1]]
    if not prices:
        assert close(grids, olds, counts, 1e3) == Choice(None, 1e3, True)
        return
    least = min(prices)
    choice = close(grids, olds, counts, least + 0.5)
    assert choice.proved
    assert choice.bound == pytest.approx(least)
    assert sorted(np.concatenate([grids.units[i] for i in choice.chosen])) == list(range(UNITS))
    assert grids.cost[choice.chosen].sum() == pytest.approx(least)
    inherited = [name for name in grids.names[choice.chosen].tolist() if name < olds]
    assert len(set(inherited)) == len(inherited)
    for below in (least, least - 0.1):
        none = close(grids, olds, counts, below)
        assert none.chosen is None
        assert none.proved
        assert none.bound == below


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.integers(0, 2), st.integers(20, 60))
def test_branching_alone_finds_the_cheapest_choice(seed: int, olds: int, count: int) -> None:
    grids = draw_grids(seed, olds, count)
    least = min(price for price, _ in covers(grids, olds))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(closing, "find_cuts", lambda *_: np.zeros((0, 3), dtype=np.int64))
        choice = close(grids, olds, (0, UNITS), least + 1.0)
        none = close(grids, olds, (0, UNITS), least)
    assert choice.proved
    assert choice.bound == pytest.approx(least)
    assert sorted(np.concatenate([grids.units[i] for i in choice.chosen])) == list(range(UNITS))
    assert none == Choice(None, least, True)


def test_no_grids_at_all_make_no_plan() -> None:
    """The number of grids can forbid every column: nothing is left to look at."""
    grids = Grids([np.array([0, 1])], np.array([0]), np.array([1.0]), np.zeros(1))
    assert close_plan(grids, (2, 0), (2, 2), np.arange(2), 5.0, FREELY) == Choice(None, 5.0, True)


@settings(max_examples=15)
@given(st.integers(0, 10**6), st.sampled_from([0, 1]))
def test_a_choice_cut_short_promises_no_more_than_it_knows(seed: int, nodes: int) -> None:
    grids = draw_grids(seed, 0, 60)
    least = min(price for price, _ in covers(grids, 0))
    for limits in (Limits(nodes, lambda: 1e6), Limits(20_000, lambda: 0.0)):
        choice = close(grids, 0, (0, UNITS), least + 1.0, limits)
        assert choice.bound <= least + 1e-6
        assert choice.chosen is None or grids.cost[choice.chosen].sum() >= least - 1e-6


@settings(max_examples=20)
@given(st.integers(0, 10**6))
def test_a_cut_is_broken_by_the_mix_and_by_no_plan(seed: int) -> None:
    rng = np.random.default_rng(seed)
    grids = draw_grids(seed, 0, 40)
    shares = rng.uniform(0.0, 0.6, len(grids.units)) * (rng.random(len(grids.units)) < 0.5)
    # covered once at most, as in a mix of plans
    load = max(float(sum(s for c, s in zip(grids.units, shares, strict=True) if unit in c)) for unit in range(UNITS))
    shares = shares / max(load, 1e-9)
    for triple in find_cuts(grids.units, shares, np.arange(UNITS), 50):
        assert len(set(triple.tolist())) == 3
        held = np.array([np.isin(triple, column).sum() >= 2 for column in grids.units])
        assert shares[held].sum() > 1.0
        assert not any(
            len({*a.tolist(), *b.tolist()}) == len(a) + len(b)
            for a, b in combinations([grids.units[i] for i in np.flatnonzero(held)], 2)
        )
