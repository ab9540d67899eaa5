"""A mix found with few columns in the solver is the mix of all columns."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial.division import sifting
from spatial.division.closing import Limits, close_plan
from spatial.division.master import fine_columns, hold_two
from spatial.division.sifting import Columns, Mix, add_cuts, drop, mix, open_program
from tests.division.test_closing import UNITS, covers, draw_grids

CUTS = np.array([[0, 1, 2], [3, 4, 5], [1, 4, 7]])
LATER = np.array([[2, 5, 8]])


def look(seed: int, olds: int, counts: tuple[int, int], first: int, out: int) -> list[Mix | None]:
    """Return the mixes of random grids: with some cuts, with one more, and without every column ``out``."""
    grids = draw_grids(seed, olds, 60)
    start = np.cumsum([0, *map(len, grids.units)])
    columns = Columns(np.concatenate(grids.units), start, grids.names, grids.cost, grids.dear)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sifting, "_FIRST", first)
        patch.setattr(sifting, "_MORE", 1 if first < len(start) else len(start))
        program = open_program((UNITS, olds), counts, columns, CUTS)
        mixes = [mix(program, lambda: 1e6)]
        add_cuts(program, LATER)
        mixes.append(mix(program, lambda: 1e6))
        drop(program, np.arange(len(grids.units)) % out == 1)
        mixes.append(mix(program, lambda: 1e6))
    return mixes


@settings(max_examples=30)
@given(
    st.integers(0, 10**6),
    st.integers(0, 2),
    st.sampled_from([(0, UNITS), (3, 4), (UNITS, UNITS)]),
    st.integers(1, 20),
    st.integers(2, 9),
)
def test_few_columns_in_the_solver_give_the_price_of_all(
    seed: int, olds: int, counts: tuple[int, int], first: int, out: int
) -> None:
    for few, every in zip(look(seed, olds, counts, first, out), look(seed, olds, counts, 1000, out), strict=True):
        assert few is not None
        assert every is not None
        assert few.price == pytest.approx(every.price)
        if np.isfinite(few.price):
            assert (few.reduced > -1e-6).all()
            assert few.shares.sum() == pytest.approx(np.clip(few.shares.sum(), *counts))


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.integers(0, 2), st.integers(1, 12))
def test_the_cheapest_choice_is_found_with_few_columns_in_the_solver(seed: int, olds: int, first: int) -> None:
    grids = draw_grids(seed, olds, 40)
    least = min(price for price, _ in covers(grids, olds))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sifting, "_FIRST", first)
        patch.setattr(sifting, "_MORE", 2)
        limits = Limits(20_000, lambda: 1e6)
        choice = close_plan(grids, (UNITS, olds), (0, UNITS), np.arange(UNITS), least + 0.5, limits)
        none = close_plan(grids, (UNITS, olds), (0, UNITS), np.arange(UNITS), least, limits)
    assert choice.proved
    assert choice.bound == pytest.approx(least)
    assert sorted(np.concatenate([grids.units[i] for i in choice.chosen])) == list(range(UNITS))
    assert none.chosen is None
    assert none.proved


@pytest.mark.parametrize("cuts", [CUTS, LATER, CUTS[:0]])
def test_a_column_pays_for_the_cuts_of_whose_units_it_holds_two(cuts: np.ndarray) -> None:
    grids = draw_grids(3, 0, 60)
    start, flat = np.cumsum([0, *map(len, grids.units)]), np.concatenate(grids.units)
    fines = 0.5 + np.arange(len(cuts))
    by_hand = [sum(fine for fine, cut in zip(fines, cuts, strict=True) if np.isin(cut, units).sum() >= 2)
               for units in grids.units]  # fmt: skip
    assert fine_columns(UNITS, flat, start, cuts, fines) == pytest.approx(by_hand)
    assert np.array_equal(hold_two(UNITS, flat, start, cuts) @ fines > 0, np.array(by_hand) > 0)


def test_no_time_means_no_mix() -> None:
    grids = draw_grids(1, 0, 20)
    start = np.cumsum([0, *map(len, grids.units)])
    columns = Columns(np.concatenate(grids.units), start, grids.names, grids.cost, grids.dear)
    program = open_program((UNITS, 0), (0, UNITS), columns, CUTS)
    assert mix(program, lambda: 0.0) is None
