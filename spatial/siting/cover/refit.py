"""What does a maximal cover gain where its neighbourhoods are annealed one by one, all else staying as it is?

Annealing among all sites of a city ends with faults here and there, each of which takes a dozen sites to mend, while
most of the swaps go elsewhere. A window of a few open sites with the closed ones near them is a small question: the
rows that the other sites leave. Annealed from what it has, in a moment, it never covers less (Shaw, "Using constraint
programming and local search methods to solve vehicle routing problems", 1998: large neighbourhoods).
"""

import numpy as np
from scipy import sparse

from spatial.siting.cover.swaps import anneal, best_of, start_swaps
from spatial.siting.cover.table import CoverTable, covered_rows, matrix_of, pick
from spatial.siting.cover.windows import sites_around
from spatial.siting.ways import Deadline, Flags, Floats, Ints

_SIZE = 30
"""Open sites of a window."""
FEWEST = 4 * _SIZE
"""Open sites from which on windows are much smaller than the whole."""
_SWAPS = 100_000
_HOT, _COLD = 0.03, 0.003
"""Temperatures as shares of what a site of the window covers: at the start and at the end."""


def refit_cover(
    table: CoverTable, weight: Floats, chosen: Ints, among: Ints, *, windows: int, seed: int, deadline: Deadline
) -> tuple[Ints, float]:
    """Return the columns after so many windows, ascending, and what they cover: never less than the ``chosen`` ones.

    Only the columns ``among`` may be opened. Windows form around the open sites in turn, in an order drawn anew for
    each turn.
    """
    rng, matrix = np.random.default_rng(seed), matrix_of(table)
    opened, may = np.zeros(table.sites, np.bool_), np.zeros(table.sites, np.bool_)
    opened[chosen] = may[among] = True
    turn: list[int] = []
    while windows > 0 and deadline.left() > 0.0:
        turn = turn or rng.permutation(np.flatnonzero(opened)).tolist()
        centre = turn.pop()
        if opened[centre]:
            opened = _refitted(table, matrix, weight, opened, may, centre, seed + windows)
            windows -= 1
    return np.flatnonzero(opened), float(weight[covered_rows(table, opened) > 0].sum())


def _refitted(
    table: CoverTable, matrix: sparse.csr_array, weight: Floats, opened: Flags, may: Flags, centre: int, seed: int
) -> Flags:
    """Return the open sites after annealing the window around one of them."""
    inside = sites_around(table, opened, centre, _SIZE)
    stay = opened.copy()
    stay[inside] = False
    left = covered_rows(table, stay) == 0
    near = (left & (matrix[:, inside].sum(axis=1) > 0)) @ matrix > 0
    free = near & may & ~stay
    free[inside] = True
    sites = np.flatnonzero(free)
    small = pick(table, left, sites)
    listed = np.diff(small.ptr) > 0
    small, amount = pick(small, listed, np.arange(len(sites))), weight[left][listed]
    work = start_swaps(small, amount, np.searchsorted(sites, inside), len(inside), seed)
    each = float(work.value[0]) / len(inside)
    anneal(small, amount, work, swaps=_SWAPS, hot=_HOT * each, cold=_COLD * each)
    stay[sites[best_of(work)[0]]] = True
    return stay
