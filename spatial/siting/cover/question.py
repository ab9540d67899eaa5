"""What is left of a maximal cover question without rows and sites that cannot matter, and what is known about it?"""

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from spatial.errors import InputError
from spatial.siting.cover.cuts import Cuts
from spatial.siting.cover.mix import Mix
from spatial.siting.cover.prices import Prices
from spatial.siting.cover.table import CoverTable, cover_table, covered_rows, dominated_sites, pick, same_rows
from spatial.siting.ways import Flags, Floats, Ints, Ways

_RELATIVE = 1e-9


@dataclass(frozen=True, slots=True)
class CoverQuestion:
    """The reduced question: table, weight by row, new sites, the site each column stands for, and what is sure."""

    table: CoverTable
    weight: Floats
    p: int
    sites: Ints
    step: float
    """The least by which two values differ: 1 for whole weights, a share of the total otherwise."""


@dataclass(frozen=True, slots=True)
class CoverState:
    """Best columns met and their value, the proven bound, cuts, hulls and prices, columns ruled out, sets to mix."""

    chosen: Ints
    value: float
    bound: float
    cuts: Cuts
    hulls: sparse.csr_array
    """Inequalities over the columns and then the lacks of the rows, one a row: at least 1."""
    prices: Prices | None
    never: Flags
    mix: Mix

    @property
    def gap(self) -> float:
        """What may still be covered beyond the best."""
        return self.bound - self.value


def checked_weight(ways: Ways, weight: Floats | Ints, p: int, fixed: Flags) -> Floats:
    """Return the weights as floats.

    Raises
    ------
    InputError
        If ``p`` or a weight is negative, or the arrays do not fit the table.
    """
    amounts = np.asarray(weight, np.float64)
    if len(amounts) != ways.rows or len(fixed) != ways.sites:
        raise InputError(
            f"max cover: {len(amounts)} weights and {len(fixed)} fixed flags; needed {ways.rows} and {ways.sites}"
        )
    bad = np.flatnonzero(~(amounts >= 0.0) | ~np.isfinite(amounts))
    if len(bad):
        raise InputError(f"max cover: weight {amounts[bad[0]]} of row {bad[0]}; needed a finite number of at least 0")
    if p < 0:
        raise InputError(f"max cover: p is {p}; needed at least 0 new sites")
    return amounts


def reduced_cover(ways: Ways, weight: Floats, p: int, fixed: Flags, *, whole: bool) -> CoverQuestion:
    """Return the question without rows and sites that cannot matter."""
    table = cover_table(ways)
    asks = (covered_rows(table, fixed) == 0) & (weight > 0)
    sites = np.flatnonzero(~fixed)
    table, amounts = pick(table, asks, sites), weight[asks]
    listed = np.diff(table.ptr) > 0
    table, amounts = pick(table, listed, np.arange(table.sites)), amounts[listed]
    while True:
        first, group = same_rows(table)
        amounts = np.bincount(group, amounts, len(first)).astype(np.float64)
        table = pick(table, first, np.arange(table.sites))
        dead = dominated_sites(table)
        if not dead.any():
            break
        table, sites = pick(table, np.arange(table.rows), ~dead), sites[~dead]
    step = 1.0 if whole else _RELATIVE * max(float(amounts.sum()), 1.0)
    return CoverQuestion(table, amounts, min(p, table.sites), sites, step)


def better_cover(state: CoverState, mix: Mix) -> CoverState:
    """Return the state with a mix, and with its best set if that covers more."""
    state = replace(state, mix=mix)
    if not mix.best or mix.best[0][1] <= state.value:
        return state
    return replace(state, chosen=mix.best[0][0], value=mix.best[0][1])
