"""Which sites of a cover question lie so close that they are best shut together, or one of them opened?

Shutting one of many sites that cover nearly the same moves nothing. Where the sites that cover most in common with one
are half open together, either all of them are shut or one is open, and both cost (branching on sums: Ryan and Foster,
"An integer programming approach to scheduling", 1981).
"""

import numpy as np
from scipy import sparse

from spatial.siting.cover.table import CoverTable, matrix_of
from spatial.siting.ways import Floats

_LEAST, _MOST = 0.42, 0.58
"""How far the sites of a ball are open together."""
_SEEN, _SITES = 0.02, 12
"""A ball forms around a site that is open as far, and has so many sites at most."""


def half_open_balls(table: CoverTable, weight: Floats, share: Floats) -> sparse.csr_array:
    """Return balls of two sites or more that are about half open together: a row each, every one once."""
    matrix = matrix_of(table)
    common = (matrix.T @ (matrix * weight[:, None])).toarray()
    own = np.diag(common)
    either = own[:, None] + own[None, :] - common
    alike = np.divide(common, either, out=np.zeros_like(common), where=common > 0.0)
    balls: dict[tuple[int, ...], None] = {}
    for site in np.flatnonzero(share > _SEEN):
        order = np.argsort(-alike[site], kind="stable")[:_SITES]
        order = order[alike[site, order] > 0.0]
        together = np.cumsum(share[order])
        for last in np.flatnonzero((together > _LEAST) & (together < _MOST)):
            if last > 0:
                balls[tuple(np.sort(order[: last + 1]).tolist())] = None
    ptr = np.cumsum([0, *map(len, balls)])
    flat = np.array([site for ball in balls for site in ball], np.int64)
    return sparse.csr_array((np.ones(len(flat)), flat, ptr), shape=(len(balls), table.sites))
