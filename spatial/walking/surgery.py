"""How do nodes and edges get into a walk network that stands, without building it anew?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from spatial.walking.assembly import build_arcs
from spatial.walking.edge_grid import build_edge_grid
from spatial.walking.network import WalkNetwork, find_cut_off
from spatial.walking.segments import Floats, Ints

_PER_EDGE = ("u", "v", "length_m", "seconds_uv", "seconds_vu", "private", "steps", "synthetic", "separate", "estate")


@dataclass(frozen=True, slots=True)
class Added:
    """An edge to be added: its nodes, its shape and flags; it is level and walked both ways."""

    a: int
    b: int
    shape: Floats
    private: bool
    synthetic: bool


def split_edges(network: WalkNetwork, edge: Ints, offset: Floats) -> tuple[WalkNetwork, Ints]:
    """Return the network with a node at each of these places, and the nodes.

    The parts of an edge stand where it stood, so that of equally near edges the same one comes first.
    """
    length = network.length_m[edge]
    node = np.where(offset == 0.0, network.u[edge], network.v[edge]).astype(np.int64)
    inner = np.flatnonzero((offset > 0.0) & (offset < length))
    if not len(inner):
        return network, node
    places, back = np.unique(np.stack([edge[inner], offset[inner]], axis=1), axis=0, return_inverse=True)
    cut, at = places[:, 0].astype(np.int64), places[:, 1]
    new = network.node_count + np.arange(len(cut))
    node[inner] = new[back.reshape(-1)]
    xy, grown = _cut_edges(network, cut, at, new)
    return append_nodes(grown, xy, network.u[cut].astype(np.int64)), node


def _cut_edges(network: WalkNetwork, cut: Ints, at: Floats, new: Ints) -> tuple[Floats, WalkNetwork]:
    """Return the places of the cuts, and the network with its edges in parts; the cuts must be sorted."""
    n = network
    ptr, m = n.shape_ptr, n.shape_m
    after = np.array([ptr[e] + np.searchsorted(m[ptr[e] : ptr[e + 1]], a) for e, a in zip(cut, at, strict=True)])
    share = ((at - m[after - 1]) / (m[after] - m[after - 1]))[:, None]
    xy = n.shape_xy[after - 1] + share * (n.shape_xy[after] - n.shape_xy[after - 1])
    parts = np.ones(n.edge_count, dtype=np.int64)
    np.add.at(parts, cut, 1)
    old = np.repeat(np.arange(n.edge_count), parts)
    values: dict[str, Any] = {name: getattr(n, name)[old] for name in _PER_EDGE}
    left = cut + np.arange(len(cut))  # the part that ends at each cut: one more part stands before it per cut before
    values["v"][left], values["u"][left + 1] = new, new
    start, end = np.zeros(len(old)), n.length_m[old]
    start[left + 1], end[left] = at, at
    values["length_m"] = end - start
    share_of = np.divide(end - start, n.length_m[old], out=np.ones(len(old)), where=n.length_m[old] > 0)
    for name in ("seconds_uv", "seconds_vu"):
        values[name] = values[name] * share_of
    twice = np.repeat(after, 2)
    shape_m = np.insert(m, twice, np.repeat(at, 2))
    ends = after + 1 + 2 * np.arange(len(cut))
    shape_ptr = np.sort(np.concatenate([ptr + 2 * np.searchsorted(after, ptr, side="left"), ends]))
    shape_m -= np.repeat(start, np.diff(shape_ptr))
    number = np.cumsum(parts) - parts
    shut = {int(number[e]): was for e, was in n.shut.items() if parts[e] == 1}
    for e in [e for e in n.shut if parts[e] > 1]:
        rows = range(int(number[e]), int(number[e] + parts[e]))
        shut |= {k: (n.shut[e][0] * share_of[k], n.shut[e][1] * share_of[k]) for k in rows}
    shapes: dict[str, Any] = {
        "shape_ptr": shape_ptr,
        "shape_xy": np.insert(n.shape_xy, twice, np.repeat(xy, 2, axis=0), axis=0),
    }
    return xy, replace(n, **values, **shapes, shape_m=shape_m, shut=shut)


def append_nodes(network: WalkNetwork, xy: Floats, like: Ints) -> WalkNetwork:
    """Return the network with nodes at these places, each in the part of the node it is like."""
    lowest = int(min(network.node_id.min(initial=0), 0))
    return replace(
        network,
        xy=np.concatenate([network.xy, xy]),
        node_id=np.concatenate([network.node_id, lowest - 1 - np.arange(len(xy), dtype=np.int64)]),
        component=np.concatenate([network.component, network.component[like]]),
        cut_off=np.concatenate([network.cut_off, network.cut_off[like]]),
    )


def append_edges(network: WalkNetwork, added: Sequence[Added]) -> WalkNetwork:
    """Return the network with these edges at the end."""
    n = len(added)
    along = [np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(edge.shape, axis=0).T))]) for edge in added]
    length = np.array([metres[-1] for metres in along])
    more: dict[str, Any] = {
        "u": [edge.a for edge in added],
        "v": [edge.b for edge in added],
        "length_m": length,
        "seconds_uv": length / network.m_per_s,
        "seconds_vu": length / network.m_per_s,
        "private": [edge.private for edge in added],
        "steps": np.zeros(n, dtype=bool),
        "synthetic": [edge.synthetic for edge in added],
        "separate": np.zeros(n, dtype=bool),
        "estate": np.full(n, -1),
    }
    values: dict[str, Any] = {}
    for name in _PER_EDGE:
        old = getattr(network, name)
        values[name] = np.concatenate([old, np.asarray(more[name], dtype=old.dtype)])
    sizes = np.cumsum([len(edge.shape) for edge in added])
    return replace(
        network,
        **values,
        shape_ptr=np.concatenate([network.shape_ptr, network.shape_ptr[-1] + sizes]),
        shape_xy=np.concatenate([network.shape_xy, *(edge.shape for edge in added)]),
        shape_m=np.concatenate([network.shape_m, *along]),
    )


def rebuild(network: WalkNetwork, touched: Ints) -> WalkNetwork:
    """Return the network with the arcs of its edges, and these nodes among those that were touched."""
    n = network
    walked = np.isfinite(n.seconds_uv) | np.isfinite(n.seconds_vu)
    arcs = build_arcs(n.u, n.v, n.seconds_uv, n.seconds_vu, n.length_m, n.private, n.node_count)
    return replace(
        n,
        **arcs,
        cut_off=find_cut_off(n.component, n.u, n.v, n.length_m, walked),
        touched=np.union1d(n.touched, touched).astype(np.int64),
    )


def with_grid(network: WalkNetwork) -> WalkNetwork:
    """Return the network with the index of its shapes made anew."""
    return replace(network, grid=build_edge_grid(network.shape_ptr, network.shape_xy, network.shape_m))
