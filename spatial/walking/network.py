"""What does a walker find: which nodes and edges, how long each takes, and who may use it?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial.crs import require_metric
from spatial.errors import CrsError, InputError
from spatial.profile import Profile, WalkRules
from spatial.tables import ESTATES, GATES, require
from spatial.walking.access import BLOCKED, NONE, SHUT, classify_ways, read_tag, tell_hours
from spatial.walking.assembly import Indices, build_arcs, metres_along, number_by_length
from spatial.walking.chains import Chains, build_chains, chain_flags
from spatial.walking.edge_grid import EdgeGrid, box_of, build_edge_grid
from spatial.walking.elevation import Climb, Heights, chain_climb, measure_climb
from spatial.walking.gates import (
    Doors,
    Walls,
    build_walls,
    door_arms,
    gather_gates,
    join_gates,
    mark_estates,
    place_gates,
)
from spatial.walking.lines import Lines, to_lines
from spatial.walking.obstacles import (
    close_landlocked,
    cut_vertices,
    find_wall_crossings,
    join_arms,
    mark_points,
)
from spatial.walking.plazas import add_squares
from spatial.walking.segments import Flags, Floats, Ints, Segments, read_segments
from spatial.walking.sidewalks import leave_out_carriageways
from spatial.walking.walker import Walker

_ADULT = Walker()


@dataclass(frozen=True, slots=True, weakref_slot=True)
class WalkNetwork:
    """A walk network in metres and seconds at the speed of its walker.

    Nodes have ``xy`` and ``node_id`` (of the map; negative where a node was added). Edges run from ``u`` to ``v``:
    ``length_m``, ``seconds_uv`` and ``seconds_vu`` (infinite where nobody walks that way), flags, ``estate`` (row of
    the closed estate it lies in, or -1), and the shape ``shape_xy[shape_ptr[e]:shape_ptr[e + 1]]`` with metres from u
    in ``shape_m``. Each edge is two arcs; those that leave node i are ``indptr[i]:indptr[i + 1]``, the private ones
    from ``private_start[i]`` on: ``heads``, ``arc_edge``, ``arc_forward`` (runs from u to v), ``arc_s`` (walking along
    the arc), ``arc_back_s`` (against it), ``arc_m``. A closed gate is an edge that nobody walks. ``component`` numbers
    the parts that were connected if all gates stood open, by falling length: 0 is the main one; ``cut_off`` flags its
    nodes that closed gates part from the rest of it. ``doors`` maps each closed estate to its gates' nodes, closed ones
    too, ``gates`` each gate that stands on the network to its node. ``shut`` maps edges that a change closed to their
    seconds before (u to v, v to u), and ``touched`` are the nodes at which something was changed. ``report`` counts
    what was left out or added.
    """

    crs: Any
    rules: WalkRules
    xy: Floats
    node_id: Ints
    indptr: Ints
    private_start: Ints
    heads: Indices
    arc_edge: Indices
    arc_forward: Flags
    arc_s: Floats
    arc_back_s: Floats
    arc_m: Floats
    u: Indices
    v: Indices
    length_m: Floats
    seconds_uv: Floats
    seconds_vu: Floats
    private: Flags
    steps: Flags
    synthetic: Flags
    separate: Flags
    estate: Ints
    shape_ptr: Ints
    shape_xy: Floats
    shape_m: Floats
    component: Ints
    cut_off: Flags
    grid: EdgeGrid
    walls: Walls
    doors: Mapping[int, tuple[int, ...]]
    gates: Mapping[str, int]
    shut: Mapping[int, tuple[float, float]]
    touched: Ints
    walker: Walker
    report: Mapping[str, int]

    @property
    def node_count(self) -> int:
        """Number of nodes."""
        return len(self.xy)

    @property
    def edge_count(self) -> int:
        """Number of edges."""
        return len(self.u)

    @property
    def m_per_s(self) -> float:
        """Speed of the walker on the flat."""
        return self.walker.m_per_s(self.rules)


def build_walk_network(
    streets: Any,
    profile: Profile,
    *,
    gates: Any | None = None,
    estates: Any | None = None,
    walker: Walker = _ADULT,
    heights: Heights | None = None,
    lines: Lines | None = None,
) -> WalkNetwork:
    """Return the walk network of a street map, with the gates and closed estates of the tables where they are given.

    A closed estate of whose gates the table knows none gets those of the map. The most specific access key wins;
    private ways and gates let residents pass (they are used only at the start or the end of a trip); barriers on a way
    stop or pass as tagged; ways meet only where they share a node; squares are crossed in straight lines; ``oneway``
    binds walkers only as ``oneway:foot``, ``foot:backward`` or an escalator. A carriageway with sidewalks of its own is
    left out where these lead as far, else kept and flagged ``separate``. Outside their opening hours gates and ways
    stop everybody where the walker has a moment; what cannot be read counts as without hours. With heights, of the
    nodes of the map or as a relief, slopes take their time (``spatial.walking.elevation``); without, all is level. The
    report counts all of these.

    A reader that has the ways as columns gives them as ``lines``: then the frame of the map need hold no other ways
    than those with walls, with opening hours or drawn as areas.

    Raises
    ------
    InputError
        If nothing in the map can be walked, a coordinate is no number, or the walker's speed or moment is unknown.
    TableError, CrsError
        If gates or estates break their contract, or the map is not in metres.
    """
    crs = require_metric(streets.crs, "streets")
    gates = require(gates, GATES) if gates is not None else GATES.empty(crs)
    if estates is not None:
        require(estates, ESTATES)
    rules = _check_rules(profile.walking, walker)
    lines = to_lines(streets.ways) if lines is None else lines
    segments, dropped = read_segments(lines, rules, walker)
    hours = _tell_way_hours(lines, walker)
    del lines  # of a city this and, further down, the pieces take as much as a tenth of the network
    segments, squares = add_squares(segments, streets, rules)
    if not segments.count:
        raise InputError(f"streets: found no way that can be walked in {streets.source}; needed at least one")
    _refuse_degrees(segments)
    walls = build_walls(estates)
    gates, mapped = gather_gates(gates, streets.points, walls, rules, walker)
    segments, kept, doors, entered = _place_obstacles(segments, streets, gates, walls, (rules, walker))
    segments, locked = close_landlocked(segments)
    report = {**{f"left out: {reason}": n for reason, n in dropped.items()}, **squares, **entered}
    report |= _tell_dropped(streets.dropped)
    report |= {"gates taken from the map": mapped, "pieces that only residents reach": locked}
    report |= hours
    segments, replaced = leave_out_carriageways(segments, kept, rules)
    report |= replaced
    climb = None if heights is None else measure_climb(segments, heights, crs)
    edges = _draw_edges(segments, build_chains(segments, kept), walker.m_per_s(rules), climb)
    report["edges without heights, taken as level"] = edges.level
    del segments
    return _assemble(edges, (crs, rules, walls, doors, walker), report)


def _tell_dropped(dropped: Mapping[str, int]) -> dict[str, int]:
    """Return what the reader of the map had to leave out, single places apart: nearly all of these stop nobody."""
    return {f"not on the map: {why}": n for why, n in dropped.items() if n and not why.startswith("tagged node")}


def _tell_way_hours(lines: Lines, walker: Walker) -> Mapping[str, int]:
    walked = classify_ways(lines.kinds)[0] != NONE
    ways_of = np.bincount(lines.kind, minlength=len(lines.kinds))
    return tell_hours(read_tag(lines.kinds, "opening_hours")[walked], walker, "ways", ways_of[walked])


def _refuse_degrees(segments: Segments) -> None:
    """Refuse a map whose metres are all longitudes and latitudes: no metric system has its numbers there."""
    low, high = box_of(segments.xy)
    if max(abs(low[0]), abs(high[0])) <= 180.0 and max(abs(low[1]), abs(high[1])) <= 90.0:
        raise CrsError(
            f"streets: found x {low[0]:.4f} to {high[0]:.4f} and y {low[1]:.4f} to {high[1]:.4f}, which are degrees; "
            "needed metres"
        )


def _check_rules(rules: WalkRules, walker: Walker) -> WalkRules:
    """Return the rules if one can walk by them."""
    walker.minute()
    speed = walker.m_per_s(rules)
    if not 0.0 < speed < np.inf:
        raise InputError(f"profile: the walking speed {walker.speed} is {speed} m/s, needed above 0")
    for name in ("steps_factor", "elevator_s"):
        if not 0.0 <= getattr(rules, name) < np.inf:
            raise InputError(f"profile: walking.{name} is {getattr(rules, name)}, needed 0 or more")
    return rules


def _place_obstacles(
    segments: Segments, streets: Any, gates: Any, walls: Walls, given: tuple[WalkRules, Walker]
) -> tuple[Segments, Flags, Doors, dict[str, int]]:
    """Return the pieces with gates, barriers, lifts and walls in force, the vertices to keep, and the doors."""
    rules, walker = given
    marks, late = mark_points(segments, streets.points, walker)
    segments, doors, report = place_gates(segments, gates, walls, marks, given)
    more = len(segments.xy) - len(marks)
    marks, late = (np.concatenate([old, np.zeros(more, dtype=old.dtype)]) for old in (marks, late))
    placed = doors.vertex >= 0
    marks[doors.vertex[placed]] = doors.mark[placed]
    late[doors.vertex[placed]] = doors.late[placed]
    segments = mark_estates(segments, walls)
    marks = _block_other_gates(segments, marks, doors.vertex[placed])
    crossings = find_wall_crossings(segments, streets.ways, marks)
    marks[crossings.vertex] = BLOCKED
    arms = join_arms(crossings, door_arms(segments, doors))
    segments, kept = cut_vertices(segments, (marks, late), arms, rules)
    segments, doors, joined = join_gates(segments, gates, doors, rules)
    kept = np.concatenate([kept, np.ones(len(segments.xy) - len(kept), dtype=bool)])
    kept[doors.vertex[doors.vertex >= 0]] = True
    report["walls across a way without a gate"] = len(np.unique(crossings.vertex))
    report["gates joined by a synthetic piece"] = joined
    return segments, kept, doors, report


def _block_other_gates(segments: Segments, marks: NDArray[np.int8], known: Ints) -> NDArray[np.int8]:
    """Return the marks with closed gates of the map that lead into no closed estate as walls.

    What lies behind them may have ways in that the map lacks, so nobody is taken to be shut in there.
    """
    inside = np.flatnonzero(segments.estate >= 0)
    keeps = np.concatenate([segments.a[inside], segments.b[inside], known])
    others = marks == SHUT
    others[keeps] = False
    return np.where(others, BLOCKED, marks).astype(marks.dtype)


@dataclass(frozen=True, slots=True)
class _Edges:
    """What the network takes over as it stands: of its nodes, of its edges, the node of each vertex (-1: none), and of
    how many edges the slope is not known."""

    nodes: dict[str, Any]
    edges: dict[str, Any]
    rank: Ints
    level: int


def _draw_edges(segments: Segments, chains: Chains, m_per_s: float, climb: Climb | None) -> _Edges:
    """Return the edges that chains of pieces make."""
    first, last = chains.ends()
    is_node = np.zeros(len(segments.xy), dtype=bool)
    is_node[first] = is_node[last] = True
    nodes = np.flatnonzero(is_node)
    rank = np.full(len(segments.xy), -1, dtype=np.int64)
    rank[nodes] = np.arange(len(nodes))
    shape_ptr, shape_xy = chains.shape_ptr(), segments.xy[chains.vertex]
    shape_m = metres_along(shape_xy, shape_ptr)
    length = shape_m[shape_ptr[1:] - 1]
    piece = chains.piece[chains.start[:-1]]
    forward, backward, delay = chain_flags(segments, chains)
    seconds = length * segments.factor[piece] / m_per_s
    level = np.ones(chains.count)
    slopes = Climb(level, level, level == 0) if climb is None else chain_climb(segments, chains, climb)
    edges = {
        "u": rank[first].astype(np.int32),
        "v": rank[last].astype(np.int32),
        "length_m": length,
        "seconds_uv": np.where(forward, seconds * slopes.along + delay, np.inf),
        "seconds_vu": np.where(backward, seconds * slopes.against + delay, np.inf),
        "shape_ptr": shape_ptr,
        "shape_xy": shape_xy,
        "shape_m": shape_m,
        **{name: getattr(segments, name)[piece] for name in ("private", "steps", "synthetic", "separate", "estate")},
    }
    at_nodes = {"xy": segments.xy[nodes], "node_id": segments.vertex_id[nodes]}
    return _Edges(at_nodes, edges, rank, int((~slopes.known).sum()))


def _assemble(drawn: _Edges, given: tuple[Any, WalkRules, Walls, Doors, Walker], report: dict[str, int]) -> WalkNetwork:
    crs, rules, walls, doors, walker = given
    edges, rank = drawn.edges, drawn.rank
    u, v, length = edges["u"], edges["v"], edges["length_m"]
    uv, vu = edges["seconds_uv"], edges["seconds_vu"]
    count = len(drawn.nodes["node_id"])
    component = number_by_length(u, v, length, count)
    usable = (doors.estate >= 0) & (doors.vertex >= 0)
    entries: dict[int, list[int]] = {}
    for estate, vertex in zip(doors.estate[usable].tolist(), doors.vertex[usable].tolist(), strict=True):
        if rank[vertex] >= 0:
            entries.setdefault(estate, []).append(int(rank[vertex]))
    on = [(gate, int(rank[at])) for gate, at in zip(doors.gate_id, doors.vertex.tolist(), strict=True) if at >= 0]
    report |= {"nodes": count, "edges": len(u), "parts": int(component.max(initial=-1)) + 1}
    return WalkNetwork(
        crs=crs,
        rules=rules,
        **drawn.nodes,
        **build_arcs(u, v, uv, vu, length, edges["private"], count),
        **edges,
        component=component,
        cut_off=find_cut_off(component, u, v, length, np.isfinite(uv) | np.isfinite(vu)),
        grid=build_edge_grid(edges["shape_ptr"], edges["shape_xy"], edges["shape_m"]),
        walls=walls,
        doors={estate: tuple(sorted(set(found))) for estate, found in sorted(entries.items())},
        gates={gate: node for gate, node in sorted(on) if node >= 0},
        shut={},
        touched=np.zeros(0, dtype=np.int64),
        walker=walker,
        report=report,
    )


def find_cut_off(component: Ints, u: Indices, v: Indices, length: Floats, walked: Flags) -> Flags:
    """Flag the nodes of the main part that are not in its longest part once closed gates stop everybody."""
    part = number_by_length(u[walked], v[walked], length[walked], len(component))
    main = component == 0
    cut: Flags = main & (part != part[main].min(initial=len(part)))
    return cut
