"""Which carriageways need nobody walk, since the sidewalks mapped beside them lead everywhere they do?

A carriageway tagged ``sidewalk=separate`` is left out only where that makes no hole: ways mapped apart run beside all
of it, and lead from each place where it meets other streets to every other such place without much of a detour.
"""

import heapq
from dataclasses import dataclass

import numpy as np
import scipy
import shapely

from spatial.profile import WalkRules
from spatial.walking.chains import Chains, build_chains
from spatial.walking.segments import Flags, Floats, Ints, Segments, take_pieces

Neighbours = dict[int, list[tuple[int, float]]]

_SAMPLE_M = 20.0
"""Sidewalks are looked for beside places of a carriageway this far apart."""


def leave_out_carriageways(segments: Segments, kept: Flags, rules: WalkRules) -> tuple[Segments, dict[str, int]]:
    """Return the pieces without the carriageways whose sidewalks serve for them, and what was done -> edges.

    Stretches of carriageway between places where they meet other streets go as a whole or stay, flagged ``separate``.
    """
    names = ("carriageways left out for their sidewalks", "carriageways kept beside sidewalks that do not connect")
    if not (segments.separate & ~segments.private).any():
        return segments, dict.fromkeys(names, 0)
    chains = build_chains(segments, kept)
    edges = _read_edges(segments, chains)
    stretch = _stretches(edges)
    beside = _runs_beside(segments, chains, edges.separate, rules.sidewalk_beside_m)
    goes = np.zeros(len(stretch), dtype=bool)
    used = (edges.separate, ~edges.separate & ~edges.private, ~edges.separate)
    maps = _Maps(*(_neighbours(edges, rows) for rows in used))
    order = np.argsort(stretch, kind="stable")
    order = order[stretch[order] >= 0]
    # stretches are few edges each and far apart: one small search after the other
    for rows in np.split(order, np.flatnonzero(np.diff(stretch[order])) + 1):
        goes[rows] = bool(beside[rows].all()) and _is_served(edges, maps, rows, rules)
    piece_goes = np.zeros(segments.count, dtype=bool)
    piece_goes[chains.piece] = np.repeat(goes, np.diff(chains.start))
    counts = (int(goes.sum()), int(edges.separate.sum() - goes.sum()))
    return take_pieces(segments, ~piece_goes), dict(zip(names, counts, strict=True))


@dataclass(frozen=True, slots=True)
class _Edges:
    """Edges with their end vertices; ``separate`` are public carriageways with sidewalks of their own."""

    first: Ints
    last: Ints
    length_m: Floats
    separate: Flags
    private: Flags
    vertices: int


def _read_edges(segments: Segments, chains: Chains) -> _Edges:
    first, last = chains.ends()
    metres = np.hypot(*(segments.xy[segments.b] - segments.xy[segments.a]).T)[chains.piece]
    piece = chains.piece[chains.start[:-1]]
    private = segments.private[piece]
    separate = segments.separate[piece] & ~private & ~segments.steps[piece]
    return _Edges(first, last, np.add.reduceat(metres, chains.start[:-1]), separate, private, len(segments.xy))


def _stretches(edges: _Edges) -> Ints:
    """Return the number of the stretch of each edge, -1 for those that are no such carriageway.

    Carriageways belong to one stretch where they meet and no other street does.
    """
    out = np.full(len(edges.first), -1, dtype=np.int64)
    rows = np.flatnonzero(edges.separate)
    meets = np.zeros(edges.vertices, dtype=bool)
    meets[edges.first[~edges.separate]] = meets[edges.last[~edges.separate]] = True
    count = edges.vertices + len(rows)
    at = np.concatenate([edges.first[rows], edges.last[rows]])
    row = np.tile(np.arange(len(rows)), 2)
    inner = ~meets[at]
    joined = np.ones(int(inner.sum())), (edges.vertices + row[inner], at[inner])
    graph = scipy.sparse.coo_matrix(joined, shape=(count, count))
    labels = scipy.sparse.csgraph.connected_components(graph, directed=False)[1]
    out[rows] = labels[edges.vertices :]
    return out


def _runs_beside(segments: Segments, chains: Chains, wanted: Flags, reach_m: float) -> Flags:
    """Tell which of the wanted edges have a public way for walkers near every place of theirs."""
    out = np.zeros(chains.count, dtype=bool)
    rows = np.flatnonzero(wanted)
    ways = segments.minor & ~segments.separate & ~segments.private & ~segments.synthetic
    if not ways.any():
        return out
    tree = shapely.STRtree(segments.lines()[ways])
    ptr = chains.shape_ptr()
    owner = np.repeat(np.arange(len(rows)), (ptr[1:] - ptr[:-1])[rows])
    vertices = np.concatenate([chains.vertex[ptr[e] : ptr[e + 1]] for e in rows.tolist()])
    lines = shapely.linestrings(segments.xy[vertices], indices=owner)
    places = np.maximum(1, np.ceil(shapely.length(lines) / _SAMPLE_M)).astype(np.int64)
    line = np.repeat(np.arange(len(rows)), places)
    number = np.arange(len(line)) - np.repeat(np.cumsum(places) - places, places)
    points = shapely.line_interpolate_point(lines[line], (number + 0.5) / places[line], normalized=True)
    near = np.zeros(len(points), dtype=bool)
    near[tree.query(points, predicate="dwithin", distance=reach_m)[0]] = True
    out[rows] = np.bincount(line[~near], minlength=len(rows)) == 0
    return out


@dataclass(frozen=True, slots=True)
class _Maps:
    """Neighbours (vertex, metres) of every vertex along carriageways, along other public streets, along all others."""

    carriage: Neighbours
    public: Neighbours
    other: Neighbours


def _neighbours(edges: _Edges, used: Flags) -> Neighbours:
    out: Neighbours = {}
    columns = (edges.first[used].tolist(), edges.last[used].tolist(), edges.length_m[used].tolist())
    for a, b, metres in zip(*columns, strict=True):
        out.setdefault(a, []).append((b, metres))
        out.setdefault(b, []).append((a, metres))
    return out


def _is_served(edges: _Edges, maps: _Maps, rows: Ints, rules: WalkRules) -> bool:
    """Tell whether one gets round a stretch: between any two places where it meets other streets.

    Between two public places one must get round in public; only to a private way a private way may lead.
    """
    ends = np.unique(np.concatenate([edges.first[rows], edges.last[rows]])).tolist()
    doors = [vertex for vertex in ends if vertex in maps.other]
    for i, door in enumerate(doors[:-1]):
        along = _search(maps.carriage, door, set(doors[i + 1 :]), np.inf, set(ends))
        limit = {to: rules.sidewalk_detour * metres + 2.0 * rules.sidewalk_beside_m for to, metres in along.items()}
        in_public = {to for to in limit if door in maps.public and to in maps.public}
        for streets, wanted in ((maps.public, in_public), (maps.other, set(limit) - in_public)):
            found = _search(streets, door, wanted, max((limit[to] for to in wanted), default=0.0), None)
            if any(found.get(to, np.inf) > limit[to] for to in wanted):
                return False
    return len(doors) > 1


def _search(
    streets: Neighbours, start: int, wanted: set[int], limit: float, within: set[int] | None
) -> dict[int, float]:
    """Return the metres to each wanted vertex that is found within the limit, through some vertices alone if given."""
    best, queue = {start: 0.0}, [(0.0, start)]
    found: dict[int, float] = {}
    while queue and len(found) < len(wanted):
        metres, at = heapq.heappop(queue)
        if metres > best[at]:
            continue
        if at in wanted:
            found[at] = metres
        for to, more in streets.get(at, ()):
            there = metres + more
            if there <= limit and there < best.get(to, np.inf) and (within is None or to in within):
                best[to] = there
                heapq.heappush(queue, (there, to))
    return found
