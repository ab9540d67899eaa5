"""In which order do the sites of a p-median lie along it, those that share rows near each other?"""

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import reverse_cuthill_mckee
from scipy.sparse.linalg import splu

from spatial.siting.median.core import Core
from spatial.siting.ways import Ints

_TURNS, _LIFTED, _ROUNDED = 30, 1e-6, 9
"""Turns of inverse iteration, what is added to the diagonal for it, and digits of what it comes to."""


def order_along(core: Core) -> Ints:
    """Return the sites in the order of the second eigenvector of how many rows they share (Fiedler 1973).

    It is the one that inverse iteration from an order of small bandwidth comes to (Cuthill and McKee 1969).
    """
    m = len(core.names)
    lists = sparse.csr_array((np.ones(len(core.site)), core.site, core.ptr), shape=(len(core.cap), m))
    links = sparse.csr_array(lists.T @ lists)
    if m < 3:
        return np.arange(m)
    begin = reverse_cuthill_mckee(links, symmetric_mode=True)
    degree = links.sum(axis=1)
    solve = splu(sparse.csc_array(sparse.diags_array(degree + _LIFTED) - links)).solve
    along = np.empty(m)
    along[begin] = np.arange(m)
    for _ in range(_TURNS):
        along = solve(along - along.mean())
        along /= np.abs(along).max()
    order: Ints = np.argsort(np.round(along, _ROUNDED), kind="stable")
    return order
