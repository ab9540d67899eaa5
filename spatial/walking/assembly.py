"""Which arcs does a network have, and how far along its shape is each vertex?"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial.walking.compiled import kernel
from spatial.walking.parts import number_components

Floats = NDArray[np.float64]
Indices = NDArray[np.int32]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


def metres_along(xy: Floats, ptr: Ints) -> Floats:
    """Return the metres from the start of each shape to each of its vertices."""
    along = np.empty(len(xy))
    _add_up(np.ascontiguousarray(xy), ptr, along)
    return along


@kernel
def _add_up(xy: Floats, ptr: Ints, out: Floats) -> None:
    # summed shape by shape: one running sum over all would carry the rounding of the whole city
    for shape in range(len(ptr) - 1):
        along = 0.0
        for i in range(ptr[shape], ptr[shape + 1]):
            if i > ptr[shape]:
                along += np.hypot(xy[i, 0] - xy[i - 1, 0], xy[i, 1] - xy[i - 1, 1])
            out[i] = along


def build_arcs(
    u: Indices, v: Indices, uv: Floats, vu: Floats, length: Floats, private: Flags, nodes: int
) -> dict[str, Any]:
    """Return the arcs of the edges, as the network holds them.

    Those that leave a node stand by edge, public ones first; of a loop that along the edge comes first.
    """
    count = 2 * len(u)
    arcs = {
        "indptr": np.zeros(nodes + 1, dtype=np.int64),
        "private_start": np.zeros(nodes, dtype=np.int64),
        "heads": np.empty(count, dtype=np.int32),
        "arc_edge": np.empty(count, dtype=np.int32),
        "arc_forward": np.empty(count, dtype=bool),
        "arc_s": np.empty(count),
        "arc_back_s": np.empty(count),
        "arc_m": np.empty(count),
    }
    _lay_arcs((u, v), (uv, vu), length, private, *arcs.values())
    return arcs


@kernel
def _lay_arcs(  # type: ignore[no-untyped-def]
    ends, seconds, length, private, start, private_start, heads, edges, forward, along_s, against_s, metres
):
    nodes = len(private_start)
    for e in range(len(length)):
        for end in ends:
            start[end[e] + 1] += 1
            private_start[end[e]] += not private[e]
    for i in range(nodes):
        start[i + 1] += start[i]
        private_start[i] += start[i]
    put_public, put_private = start[:-1].copy(), private_start.copy()
    for e in range(len(length)):
        put = put_private if private[e] else put_public
        for way in range(2):
            leaves = ends[way][e]
            at = put[leaves]
            put[leaves] += 1
            heads[at], edges[at], forward[at] = ends[1 - way][e], e, way == 0
            along_s[at], against_s[at], metres[at] = seconds[way][e], seconds[1 - way][e], length[e]


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
