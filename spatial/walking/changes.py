"""What if a gate were closed, or a footbridge built: which network would people walk, and whose circles would change?

A change is a new network that shares what it does not touch with the old one. Places keep their way onto the network:
nobody starts a walk on what was added, and a part of the network that was an island counts as one still. So what is
added never lengthens a walk, what is closed never shortens one, and what is closed and opened again is as it was.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import shapely

from spatial.errors import InputError, MissingError, TableError
from spatial.walking.edge_grid import find_nearest
from spatial.walking.labels import reach_nodes
from spatial.walking.network import WalkNetwork, find_cut_off
from spatial.walking.search import Gates, Mode
from spatial.walking.segments import Floats, Ints
from spatial.walking.snapping import snap
from spatial.walking.surgery import Added, append_edges, append_nodes, rebuild, split_edges, with_grid

_SAME_M = 0.01
"""An end this near to a node stands on it."""


def change_network(
    network: WalkNetwork, *, close: Iterable[str] = (), reopen: Iterable[str] = (), add: Sequence[Any] = ()
) -> WalkNetwork:
    """Return the network with things closed, opened again and added, in this order; the old one stays as it is.

    Parameters
    ----------
    close:
        Names of what nobody passes any more: a gate by its id, ``"node 17"`` (of the map; a junction or a barrier) or
        ``"edge 4"`` (of this network).
    reopen:
        Names of what an earlier change closed, or of gates that are closed for good or at this hour.
    add:
        LineStrings in the network's system, such as footbridges and new gates in a wall. Each end is joined to the
        nearest street (inside a closed estate: to its nearest path) within ``component_reach_m``; nothing else of it
        is. Everybody walks them, both ways, at the speed on the flat; they are flagged ``synthetic``.

    Raises
    ------
    MissingError
        If a name is of nothing on the network.
    InputError
        If something to be opened is not closed, or an end of a line lies too far from every street.
    TableError
        If what is added is no list, or holds something that is no LineString.
    """
    for name in close:
        network = _close(network, name)
    for name in reopen:
        network = _reopen(network, name)
    lines = _list_lines(add)
    return _add_lines(network, lines) if lines else network


def affected_sites(
    before: WalkNetwork,
    after: WalkNetwork,
    sites: Any,
    *,
    limit: float | None = None,
    mode: Mode = "time",
    gates: Gates = "open",
) -> Any:
    """Return a flag per row of the sites: whether its circle may differ on the two networks.

    ``after`` must come from ``before`` by changes. No circle changes that is not flagged; one that is flagged reaches a
    place where something was changed. Limits, modes and gates are those of ``travel_times``.

    Raises
    ------
    InputError, TableError, CrsError
        As ``travel_times``.
    """
    hit = np.zeros(len(sites), dtype=bool)
    for network in (before, after):
        touched = np.zeros(network.node_count, dtype=bool)
        touched[after.touched[after.touched < network.node_count]] = True
        snaps = snap(network, sites)
        own = touched[network.u[snaps.edge]] & touched[network.v[snaps.edge]]  # as those of a closed edge are
        hit[snaps.point[own]] = True
        labels = reach_nodes(network, sites, limit=limit, mode=mode, gates=gates)
        owner = np.repeat(np.arange(len(sites)), np.diff(labels.start))
        hit[owner[touched[labels.node]]] = True
    return pd.Series(hit, index=sites.index, name="affected")


# -- Closing and opening again --------------------------------------------------------------------------------------


def _find(network: WalkNetwork, name: str) -> tuple[str, int]:
    """Return ("node" or "edge", its number) of what a name names; gates are nodes."""
    if name in network.gates:
        return "node", network.gates[name]
    kind, _, number = str(name).partition(" ")
    if kind == "edge" and number.isdecimal() and int(number) < network.edge_count:
        return "edge", int(number)
    if kind == "node" and number.removeprefix("-").isdecimal():
        rows = np.flatnonzero(network.node_id == int(number))
        if len(rows):
            return "node", int(rows[0])
    raise MissingError(
        f"found {name!r}, needed the id of a gate on the network, 'node N' with a junction or barrier of the map, "
        f"or 'edge N' below {network.edge_count}"
    )


def _edges_at(network: WalkNetwork, node: int) -> Ints:
    """Return the edges that meet at a node, each once."""
    return np.unique(network.arc_edge[network.indptr[node] : network.indptr[node + 1]]).astype(np.int64)


def _close(network: WalkNetwork, name: str) -> WalkNetwork:
    kind, number = _find(network, name)
    edges = np.array([number]) if kind == "edge" else _edges_at(network, number)
    if kind == "node" and (network.length_m[edges] > 0).any():
        network, edges = _take_apart(network, number, edges)
    new = [int(e) for e in edges if int(e) not in network.shut]
    was = {e: (float(network.seconds_uv[e]), float(network.seconds_vu[e])) for e in new}
    return _with_seconds(network, dict.fromkeys(new, (np.inf, np.inf)), {**network.shut, **was})


def _reopen(network: WalkNetwork, name: str) -> WalkNetwork:
    kind, number = _find(network, name)
    edges = [number] if kind == "edge" else _edges_at(network, number).tolist()
    found = {e: network.shut[e] for e in edges if e in network.shut}
    if name in network.gates:  # closed by the table or at this hour: its pieces are level and have no delay
        plain = network.length_m / network.m_per_s
        idle = [
            e for e in edges if e not in found and not np.isfinite([network.seconds_uv[e], network.seconds_vu[e]]).any()
        ]
        found |= {e: (float(plain[e]), float(plain[e])) for e in idle}
    if not found:
        raise InputError(f"{name!r} is not closed; needed something that a change closed, or a closed gate")
    return _with_seconds(network, found, {e: was for e, was in network.shut.items() if e not in found})


def _with_seconds(
    network: WalkNetwork, seconds: dict[int, tuple[float, float]], shut: dict[int, tuple[float, float]]
) -> WalkNetwork:
    """Return the network with the seconds of some edges replaced; all that stays is shared."""
    if not seconds:
        return network
    edges = np.array(sorted(seconds), dtype=np.int64)
    uv, vu = network.seconds_uv.copy(), network.seconds_vu.copy()
    uv[edges], vu[edges] = np.array([seconds[int(e)] for e in edges]).T
    e, along = network.arc_edge, network.arc_forward
    touched = np.union1d(network.touched, np.concatenate([network.u[edges], network.v[edges]]))
    walked = np.isfinite(uv) | np.isfinite(vu)
    return replace(
        network,
        seconds_uv=uv,
        seconds_vu=vu,
        arc_s=np.where(along, uv[e], vu[e]),
        arc_back_s=np.where(along, vu[e], uv[e]),
        cut_off=find_cut_off(network.component, network.u, network.v, network.length_m, walked),
        shut=dict(sorted(shut.items())),
        touched=touched.astype(np.int64),
    )


def _take_apart(network: WalkNetwork, node: int, edges: Ints) -> tuple[WalkNetwork, Ints]:
    """Return the network with a link of no length between a node and each of its edges, and the links."""
    u, v = network.u.copy(), network.v.copy()
    ends = [(side, int(e)) for e in edges for side in (u, v) if side[e] == node]
    first = network.node_count
    for k, (side, e) in enumerate(ends):
        side[e] = first + k
    private = network.private[[e for _, e in ends]]
    count = len(ends)
    grown = append_nodes(replace(network, u=u, v=v), np.repeat(network.xy[[node]], count, axis=0), np.full(count, node))
    here = network.xy[node]
    links = [Added(node, first + k, np.array([here, here]), bool(private[k]), synthetic=False) for k in range(count)]
    grown = rebuild(append_edges(grown, links), np.array([node]))
    return grown, np.arange(network.edge_count, network.edge_count + count)


# -- Adding ---------------------------------------------------------------------------------------------------------


def _add_lines(network: WalkNetwork, lines: list[Any]) -> WalkNetwork:
    shapes = [_read_line(line, row) for row, line in enumerate(lines)]
    ends = np.array([[shape[0], shape[-1]] for shape in shapes]).reshape(-1, 2)
    edge, offset = _place(network, ends)
    network, nodes = split_edges(network, edge, offset)
    added = []
    for row, shape in enumerate(shapes):
        a, b = int(nodes[2 * row]), int(nodes[2 * row + 1])
        if a == b:
            raise InputError(f"line {row}: both ends are joined to one place; needed two")
        added.append(
            Added(a, b, np.concatenate([network.xy[[a]], shape, network.xy[[b]]]), private=False, synthetic=True)
        )
    return with_grid(rebuild(append_edges(network, added), nodes))


def _list_lines(add: Any) -> list[Any]:
    if isinstance(add, str | bytes | shapely.Geometry) or not isinstance(add, Iterable):
        raise TableError(f"add: found one {type(add).__name__}, needed a list of LineStrings, such as [line]")
    return list(add)


def _read_line(line: Any, row: int) -> Floats:
    if not isinstance(line, shapely.LineString):
        raise TableError(f"line {row}: found {type(line).__name__}, needed LineString")
    xy: Floats = shapely.get_coordinates(line)
    if len(xy) < 2 or not np.isfinite(xy).all():
        raise InputError(f"line {row}: found a line that is empty or no number; needed metres at every vertex")
    return xy


def _place(network: WalkNetwork, ends: Floats) -> tuple[Ints, Floats]:
    """Return (edge, metres along it) of the nearest street to each end, of its own estate inside a closed one."""
    estate = network.walls.find(ends)
    classes = np.where(network.synthetic, -1, network.estate + 1)
    edge, along, away = find_nearest(network.grid, ends, classes, estate + 1)
    reach = network.rules.component_reach_m
    for row in np.flatnonzero((edge < 0) | (away > reach)).tolist():
        inside = f"closed estate {network.walls.ids[estate[row]]!r}: a path of it" if estate[row] >= 0 else "a street"
        found = "none" if edge[row] < 0 else f"the nearest {away[row]:,.0f} m away"
        side = ("start", "end")[row % 2]
        raise InputError(f"line {row // 2}: needed {inside} within {reach:g} m of its {side}; found {found}")
    length = network.length_m[edge]
    return edge, np.where(along <= _SAME_M, 0.0, np.where(length - along <= _SAME_M, length, along))
