"""Can a neighbourhood of a cover do with fewer sites, everything else staying as it is?

The open sites nearest to one of them, counted in rows shared, are closed, and the rows that then lack sites are
covered anew by sites around. A whole neighbourhood changes at once; a search that looks at it alone finds in a moment
what a search of the whole cover does not come to.
"""

import numpy as np

from spatial.siting.cover.set_core import search_timely
from spatial.siting.cover.set_search import start_weights
from spatial.siting.cover.table import CoverTable, covered_rows, implied_rows, matrix_of, pick
from spatial.siting.ways import Deadline, Flags, Ints


def refit_window(
    table: CoverTable,
    need: Ints,
    chosen: Ints,
    inside: Ints,
    *,
    among: Flags,
    deadline: Deadline,
    steps: int,
    seed: int,
) -> Ints:
    """Return a cover with the sites ``inside`` searched anew, never larger; ``among`` flags sites that may be taken.

    An answer as good but different is taken too: the next window starts from elsewhere.
    """
    stay = np.zeros(table.sites, np.bool_)
    stay[chosen] = True
    stay[inside] = False
    lack = need - covered_rows(table, stay)
    may = among & ~stay
    may[inside] = True
    rows, sites = np.flatnonzero(lack > 0), np.flatnonzero(may)
    small, lack = pick(table, rows, sites), lack[rows]
    reaching = np.diff(small.col_ptr) > 0
    asks = ~implied_rows(small) if (lack == 1).all() else np.ones(len(rows), np.bool_)
    small, lack, sites = pick(small, asks, reaching), lack[asks], sites[reaching]
    found = search_timely(small, start_weights(small, lack, seed), deadline, steps, target=len(inside) - 1)
    if len(found) > len(inside):
        return chosen
    stay[sites[found]] = True
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
