"""Can a neighbourhood of a cover do with fewer sites, everything else staying as it is?

The open sites nearest to one of them, counted in rows shared, are closed, and branch and cut decides how the rows that
then lack sites are covered best by the sites around. A whole neighbourhood changes at once, which no search by single
sites does. An answer as good but different is taken too: the next window starts from elsewhere.
"""

import numpy as np

from spatial.siting.cover_branch import branch_all
from spatial.siting.cover_cuts import NO_CUTS
from spatial.siting.cover_table import CoverTable, covered_rows, matrix_of, pick
from spatial.siting.ways import Ints


def refit_window(table: CoverTable, need: Ints, chosen: Ints, centre: int, *, size: int, limit_s: float) -> Ints:
    """Return a cover with ``size`` sites around a centre chosen anew, never larger."""
    opened = np.zeros(table.sites, np.bool_)
    opened[chosen] = True
    inside = sites_around(table, opened, centre, size)
    stay = opened.copy()
    stay[inside] = False
    lack = need - covered_rows(table, stay)
    rows = np.flatnonzero(lack > 0)
    by_site = matrix_of(pick(table, rows, np.arange(table.sites))).sum(axis=0)
    sites = np.flatnonzero((by_site > 0) & ~stay)
    start = np.flatnonzero(opened[sites])
    solved = branch_all(pick(table, rows, sites), lack[rows], NO_CUTS, start, limit_s=limit_s)
    if len(solved.chosen) > len(inside):
        return chosen
    stay[sites[solved.chosen]] = True
    return np.flatnonzero(stay)


def sites_around(table: CoverTable, opened: np.ndarray, centre: int, size: int) -> Ints:
    """Return the open sites reached first from a centre by rows shared, at most ``size``; ties by site."""
    matrix = matrix_of(table)
    reached = np.zeros(table.sites)
    reached[centre] = 1.0
    while True:
        further = matrix.T @ np.minimum(matrix @ reached, 1.0)
        mine = np.flatnonzero(opened & (further > 0))
        if len(mine) >= size or ((further > 0) == (reached > 0)).all():
            # Of the last ring those that share most with the rings before.
            order = np.lexsort((mine, -further[mine], reached[mine] == 0))
            return np.sort(mine[order[:size]])
        reached = np.minimum(further, 1.0)


def window_around(table: CoverTable, opened: np.ndarray, centre: int, size: int) -> Ints:
    """Return at most ``size`` open sites around a centre with all closed ones that share rows with them, ascending."""
    inside, matrix = sites_around(table, opened, centre, size), matrix_of(table)
    reach = matrix[:, inside].sum(axis=1) > 0
    near = np.flatnonzero((matrix[reach].sum(axis=0) > 0) & ~opened)
    return np.sort(np.concatenate((inside, near)))
