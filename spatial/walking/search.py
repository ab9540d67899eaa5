"""What does a search read: the network as one mode sees it, laid out for speed, and scratch that calls share?

Nodes are numbered anew along a Z-order curve (Morton 1966), so that what is near on the ground is near in memory; the
arcs of a node lie together, the cheapest first. A graph is made once for each network and mode, and kept as long as the
network is.
"""

import weakref
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from spatial.errors import InputError
from spatial.walking.edge_grid import box_of
from spatial.walking.network import WalkNetwork

Floats = NDArray[np.float64]
Indices = NDArray[np.int32]
Mode = Literal["time", "distance"]
Gates = Literal["open", "closed"]

NEVER = 1e18
"""No limit, as a number that is below infinity."""
TIE = 1e-6
"""A trip this little (seconds or metres) over the limit is within it: sums of floats are not exact."""
_ARCS_PER_STEP = 2.0
"""How far a search goes at a time, in mean arcs; from one to four there is no difference in speed."""
_NEEDED = "needed 0 or more"
_CURVE_BITS = 16
ARCS_AT_ONCE = 3
"""How many arcs of a node are looked at in any case."""
_OFFERS = 1024
"""Offers of lower labels that a search notes before it takes them."""
_BLOCKS = 16
"""Blocks for answers that a graph keeps, 2.5 MB each."""

_ARC = np.dtype([("cost", "f8"), ("other", "f8"), ("head", "u4"), ("turn", "i4")], align=True)
_END = np.dtype([("uv", "f8"), ("vu", "f8"), ("other", "f8"), ("u", "i4"), ("v", "i4"), ("private", "i8")], align=True)
_OFFER = np.dtype([("cost", "f8"), ("other", "f8"), ("node", "i8")], align=True)
_LABEL = np.dtype(
    [
        *(("cost", "f8"), ("other", "f8"), ("first", "u4"), ("last", "u4")),
        *(("name", "i4"), ("waits", "i2"), ("enters", "i2")),
    ],
    align=True,
)  # in half a cache line: costs, which arcs it has here, what the network calls it, and whether it has private arcs


@dataclass(frozen=True, slots=True)
class Graph:
    """The arrays of a network as one mode sees them; arcs cost what it takes to walk them against their direction.

    Node i is node ``node[i]`` of the network, whose node k is ``rank[k]`` here. The public arcs of node i are
    ``arcs[ptr[2 * i] : ptr[2 * i + 1]]``, its private ones ``arcs[ptr[2 * i + 1] : ptr[2 * i + 2]]``: ``cost``,
    ``other`` measure, ``head`` and ``turn``, which is twice the edge, and one more where the arc runs from u to v.
    Behind the last stand some of no node, so that kernels may look at a few arcs of each without counting them.
    ``ends`` has a row for each edge: its nodes, the costs of walking from ``u`` to ``v`` and back, the other measure.
    """

    node: Indices
    rank: Indices
    ptr: Indices
    arcs: NDArray[Any]
    ends: NDArray[Any]
    length_m: Floats
    cost_per_m: float
    other_per_m: float
    step: float
    any_private: bool
    spare: deque[Any] = field(default_factory=deque, repr=False, compare=False)
    """Scratch that no search uses now."""
    blocks: deque[Any] = field(default_factory=lambda: deque(maxlen=_BLOCKS), repr=False, compare=False)
    """Blocks for what searches find that nobody uses now."""

    @property
    def arrays(self) -> tuple[Any, ...]:
        """(ptr, arcs, ends) as the kernels read them."""
        return self.ptr, self.arcs, self.ends


_KEPT: dict[tuple[int, Mode], Graph] = {}


def build_graph(network: WalkNetwork, mode: Mode) -> Graph:
    """Return what the kernels read: cost is seconds and other metres in time mode, in distance mode the reverse.

    The search runs from a site against the direction of walking, since people walk to it. The same network gives the
    same graph, without work.

    Raises
    ------
    InputError
        If the length or a time of an edge or an arc is negative or no number.
    """
    key = (id(network), mode)
    graph = _KEPT.get(key)
    if graph is None:
        graph = _lay_out(network, mode)
        weakref.finalize(network, _KEPT.pop, key, None).atexit = False
        _KEPT[key] = graph
    return graph


def _lay_out(network: WalkNetwork, mode: Mode) -> Graph:
    n, pace = network, 1.0 / network.m_per_s
    _check_edges(n)
    if mode == "time":
        cost, other = n.arc_back_s, n.arc_m
        uv, vu, edge_other = n.seconds_uv, n.seconds_vu, n.length_m
    else:
        cost = np.where(np.isfinite(n.arc_back_s), n.arc_m, np.inf)
        other = np.where(np.isfinite(n.arc_back_s), n.arc_back_s, 0.0)
        uv, vu = (np.where(np.isfinite(s), n.length_m, np.inf) for s in (n.seconds_uv, n.seconds_vu))
        edge_other = np.where(np.isfinite(n.seconds_uv), n.seconds_uv, n.seconds_vu)
        edge_other = np.where(np.isfinite(edge_other), edge_other, 0.0)  # nobody walks it: its cost says so
    node = np.argsort(_curve(n.xy), kind="stable")
    rank = np.empty(len(node), np.int32)
    rank[node] = np.arange(len(node))
    ptr, arcs = _sort_arcs(n, rank, cost, other)
    finite = cost[np.isfinite(cost)]
    mean = float(finite.mean()) if len(finite) else 1.0
    return Graph(
        node=node.astype(np.int32),
        rank=rank,
        ptr=ptr,
        arcs=arcs,
        ends=_records(_END, uv=uv, vu=vu, other=edge_other, u=rank[n.u], v=rank[n.v], private=n.private),
        length_m=n.length_m,
        cost_per_m=pace if mode == "time" else 1.0,
        other_per_m=1.0 if mode == "time" else pace,
        step=mean * _ARCS_PER_STEP,
        any_private=bool(n.private.any()),
    )


def _check_edges(network: WalkNetwork) -> None:
    for name in ("length_m", "seconds_uv", "seconds_vu"):
        values = getattr(network, name)
        wrong = np.flatnonzero(~(values >= 0.0))
        if len(wrong):
            raise InputError(f"walk network: {_name_edge(network, wrong[0])} has {name} {values[wrong[0]]}; {_NEEDED}")
    for name in ("arc_m", "arc_s", "arc_back_s"):
        values = getattr(network, name)
        wrong = np.flatnonzero(~(values >= 0.0))
        if len(wrong):
            where = f"arc {wrong[0]} of {_name_edge(network, network.arc_edge[wrong[0]])}"
            raise InputError(f"walk network: {where} has {name} {values[wrong[0]]}; {_NEEDED}")


def _name_edge(network: WalkNetwork, edge: Any) -> str:
    nodes = network.node_id[[network.u[edge], network.v[edge]]].tolist()
    return f"edge {edge} between the nodes {nodes[0]} and {nodes[1]}"


def _curve(xy: Floats) -> NDArray[np.uint64]:
    """Return where each point stands on a Z-order curve."""
    if not len(xy):
        return np.zeros(0, np.uint64)
    low, high = box_of(xy)
    side = float((high - low).max())
    cells = ((xy - low) * (((1 << _CURVE_BITS) - 1) / max(side, 1e-9))).astype(np.uint64)
    for shift, mask in ((8, 0x00FF00FF), (4, 0x0F0F0F0F), (2, 0x33333333), (1, 0x55555555)):
        cells = (cells | (cells << np.uint64(shift))) & np.uint64(mask)
    along: NDArray[np.uint64] = cells[:, 0] | (cells[:, 1] << np.uint64(1))
    return along


def _sort_arcs(network: WalkNetwork, rank: Indices, cost: Floats, other: Floats) -> tuple[Indices, NDArray[Any]]:
    """Return where the public and the private arcs of each node start, and the arcs, cheap ones first."""
    nodes = network.node_count
    tail = np.repeat(2 * rank, np.diff(network.indptr))
    group = tail + network.private[network.arc_edge]
    order = np.argsort(cost, kind="stable")
    order = order[np.argsort(group[order], kind="stable")]
    ptr = np.concatenate([[0], np.cumsum(np.bincount(group, minlength=2 * nodes))]).astype(np.int32)
    turn = 2 * network.arc_edge[order] + network.arc_forward[order]
    head = rank[network.heads[order]]
    arcs = _records(_ARC, cost=cost[order], other=other[order], head=head, turn=turn)
    return ptr, np.concatenate([arcs, np.zeros(ARCS_AT_ONCE, _ARC)])


def _records(dtype: np.dtype[Any], **columns: Any) -> NDArray[Any]:
    out = np.zeros(len(next(iter(columns.values()))), dtype)
    for name, values in columns.items():
        out[name] = values
    return out


def borrow_work(graph: Graph) -> tuple[Any, ...]:
    """Return scratch for one search at a time, without labels; give it back by ``graph.spare.append`` when all is well.

    It holds a label per node for public and for private ways, the nodes that each reached, the two lists of nodes that
    wait, and offers of lower labels: room for those of any node, and some more.
    """
    try:
        scratch: tuple[Any, ...] = graph.spare.pop()
    except IndexError:
        nodes = len(graph.node)
        labels = np.zeros(nodes, _LABEL), np.zeros(nodes, _LABEL)
        for side in (0, 1):
            labels[side]["cost"], labels[side]["name"] = np.inf, graph.node
            labels[side]["first"], labels[side]["last"] = graph.ptr[side:-1:2], graph.ptr[side + 1 :: 2]
            labels[side]["enters"] = graph.ptr[1:-1:2] < graph.ptr[2::2]
        reached = np.empty(nodes + 1, np.int32), np.empty(nodes + 1, np.int32)
        most = int(np.diff(graph.ptr).max(initial=0))
        room = 2 * nodes + most + _OFFERS
        offers = np.empty(most + _OFFERS, _OFFER)
        scratch = (*labels, *reached, np.empty(room, np.int32), np.empty(room, np.int32), offers)
    return scratch
