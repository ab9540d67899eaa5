"""Which rows of a large cover question lie together, so that it falls into parts?"""

import numpy as np

from spatial.siting.cover.table import CoverTable, matrix_of
from spatial.siting.median.labels import halve
from spatial.siting.ways import Floats, Ints

_LINKED = 1e-6
"""What links any two sites, as a share of the strongest link: a part in pieces is halved too."""
_FAINT = 1e-9
_ROUNDED = 12


def label_cover(table: CoverTable, share: Floats, chosen: Ints, depth: int) -> Ints:
    """Return a label from 0 to ``2 ** depth - 1`` for each row, such that rows of a label lie together.

    The ``chosen`` sites are halved again and again along the weakest links: how much the sites with a share have in
    common with both of two. A site goes with those of the chosen with which it has most rows in common, a row with the
    sites that cover most of it.
    """
    matrix = matrix_of(table)
    common = (matrix.T @ matrix[:, chosen]).toarray()
    links = common.T @ (common * np.maximum(share, _FAINT)[:, None])
    label = halve(links, depth, _joined)
    parts = np.zeros((len(chosen), 2**depth))
    parts[np.arange(len(chosen)), label] = 1.0
    near = np.argmax(common @ parts, axis=1)
    mass = np.zeros((table.sites, 2**depth))
    mass[np.arange(table.sites), near] = np.maximum(share, _FAINT)
    by_row: Ints = np.argmax(np.round(matrix @ mass, _ROUNDED), axis=1)
    return by_row


def _joined(links: Floats) -> Floats:
    """Return the links of different places, all of them by a trifle at least."""
    links = links - np.diag(np.diag(links))
    return links + max(_LINKED * float(links.max()), _FAINT)
