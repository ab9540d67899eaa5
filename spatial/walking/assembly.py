"""In which order do the arcs of a network stand, and how far along its shape is each vertex?"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial.walking.compiled import kernel
from spatial.walking.parts import number_components

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


def metres_along(xy: Floats, ptr: Ints) -> Floats:
    """Return the metres from the start of each shape to each of its vertices."""
    step = np.zeros(len(xy))
    step[1:] = np.hypot(*(xy[1:] - xy[:-1]).T)
    step[ptr[:-1]] = 0.0
    along: Floats = _add_up(step, ptr)
    return along


@kernel
def _add_up(step: Floats, ptr: Ints) -> Floats:
    # summed shape by shape: one running sum over all would carry the rounding of the whole city
    out = np.empty(len(step))
    for shape in range(len(ptr) - 1):
        along = 0.0
        for i in range(ptr[shape], ptr[shape + 1]):
            along += step[i]
            out[i] = along
    return out


def order_arcs(u: Any, v: Any, private: Flags, nodes: int) -> tuple[Ints, Ints, Ints]:
    """Return (arcs by the node they leave, first arc of each node, its first private arc).

    Arc e runs along edge e, arc e + number of edges against it; those of a node stand by edge, public ones first.
    """
    order, start, private_start = _order(u, v, private, nodes)
    return order, start, private_start


@kernel
def _order(u, v, private, nodes):  # type: ignore[no-untyped-def]
    edges = len(u)
    start = np.zeros(nodes + 1, np.int64)
    private_start = np.zeros(nodes, np.int64)
    for e in range(edges):
        start[u[e] + 1] += 1
        start[v[e] + 1] += 1
        if not private[e]:
            private_start[u[e]] += 1
            private_start[v[e]] += 1
    for i in range(nodes):
        start[i + 1] += start[i]
        private_start[i] += start[i]
    put_public, put_private = start[:-1].copy(), private_start.copy()
    order = np.empty(2 * edges, np.int64)
    for e in range(edges):
        put = put_private if private[e] else put_public
        order[put[u[e]]] = e
        put[u[e]] += 1
        order[put[v[e]]] = e + edges
        put[v[e]] += 1
    return order, start, private_start


def number_by_length(u: Any, v: Any, length: Floats, nodes: int) -> Ints:
    """Return the connected part of each node, numbered by falling length of street."""
    labels = number_components(u, v, np.ones(len(u), dtype=bool), nodes)
    count = int(labels.max(initial=-1)) + 1
    size = np.bincount(labels[u], weights=length, minlength=count)
    order = np.lexsort((np.arange(count), -np.round(size, 3)))
    rank = np.empty(count, dtype=np.int64)
    rank[order] = np.arange(count)
    numbered: Ints = rank[labels]
    return numbered
