"""Which rows of a large cover question lie together, so that it falls into parts?"""

import numpy as np
from scipy.linalg import eigh

from spatial.siting.cover.table import CoverTable, matrix_of
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
    label = np.zeros(len(chosen), np.int64)
    for _ in range(depth):
        label *= 2
        for k in np.unique(label):
            inside = np.flatnonzero(label == k)
            label[inside[_second_half(links[np.ix_(inside, inside)])]] += 1
    parts = np.zeros((len(chosen), 2**depth))
    parts[np.arange(len(chosen)), label] = 1.0
    near = np.argmax(common @ parts, axis=1)
    mass = np.zeros((table.sites, 2**depth))
    mass[np.arange(table.sites), near] = np.maximum(share, _FAINT)
    by_row: Ints = np.argmax(np.round(matrix @ mass, _ROUNDED), axis=1)
    return by_row


def _second_half(links: Floats) -> Ints:
    """Return half of the places, apart from the others along the second eigenvector of the links (Fiedler 1973)."""
    if len(links) < 2:
        return np.zeros(0, np.int64)
    links = links - np.diag(np.diag(links))
    links = links + max(_LINKED * float(links.max()), _FAINT)
    scale = 1.0 / np.sqrt(links.sum(axis=1))
    _, vectors = eigh(np.eye(len(links)) - links * scale[:, None] * scale[None, :], subset_by_index=[1, 1])
    along = vectors[:, 0] * scale
    along = np.round(along / max(float(np.abs(along).max()), _FAINT), _ROUNDED)
    order: Ints = np.argsort(along if along[0] <= 0 else -along, kind="stable")
    return order[(len(links) + 1) // 2 :]
