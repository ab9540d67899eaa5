"""Which rows of a city lie together, so that it falls into parts?"""

from collections.abc import Callable

import numpy as np
from scipy import sparse
from scipy.linalg import eigh

from spatial.siting.median.core import Core
from spatial.siting.ways import Flags, Floats, Ints, Ways, keep, row_of, serving

_LINKED = 1e-6
_FAINTEST = 1e-12
_ROUNDED = 12


def label_rows(core: Core, opened: Flags, depth: int) -> Ints:
    """Return a label for each row, ``2 ** depth`` at most, such that rows of a label lie together.

    The open sites are halved again and again along the weakest links, a link being the weight of the rows whose first
    two sites they are; half of a label joins it to its sibling. Rows that no open site serves have label 0.
    """
    if not opened.any():
        return np.zeros(len(core.cap), np.int64)
    ways = Ways(core.ptr, core.site, core.cost, len(core.names))
    names = np.flatnonzero(opened)
    place = np.full(len(core.names) + 1, -1)
    place[names] = np.arange(len(names))
    first = serving(ways, opened)[0]
    second = serving(keep(ways, ways.site != first[row_of(ways)]), opened)[0]
    one, two = place[first], place[second]
    both = (one >= 0) & (two >= 0)
    links = sparse.csr_array((core.weight[both], (one[both], two[both])), shape=(len(names), len(names))).toarray()
    links = links + links.T
    label = halve(links, depth, lambda some: some + _LINKED)
    by_row: Ints = np.where(one >= 0, label[np.maximum(one, 0)], 0)
    return by_row


def halve(links: Floats, depth: int, join: Callable[[Floats], Floats]) -> Ints:
    """Return a label from 0 to ``2 ** depth - 1`` for each place: all are halved again and again along weak links.

    ``join`` links all of some places by a trifle, given their links: what is in pieces is halved too.
    """
    label = np.zeros(len(links), np.int64)
    for _ in range(depth):
        label *= 2
        for k in np.unique(label):
            inside = np.flatnonzero(label == k)
            label[inside[_second_half(join(links[np.ix_(inside, inside)]))]] += 1
    return label


def _second_half(links: Floats) -> Ints:
    """Return half of the places, apart from the others along the second eigenvector of the links (Fiedler 1973)."""
    scale = 1.0 / np.sqrt(links.sum(axis=1))
    which = min(1, len(links) - 1)
    _, vectors = eigh(np.eye(len(links)) - links * scale[:, None] * scale[None, :], subset_by_index=[which, which])
    along = vectors[:, 0] * scale
    along = np.round(along / max(float(np.abs(along).max()), _FAINTEST), _ROUNDED)
    order: Ints = np.argsort(along if along[0] <= 0 else -along, kind="stable")
    return order[(len(links) + 1) // 2 :]
