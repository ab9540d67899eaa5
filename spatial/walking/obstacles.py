"""Which vertices of the streets stop a walker, and what does the network look like once they do?

A vertex that stops somebody is taken apart: each arm that meets there gets a vertex of its own, and what links them
says who passes (residents, everybody after the ride of a lift). A closed gate keeps a link that nobody passes, so that
one can tell what would be reached if it stood open; a wall keeps none.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from spatial.profile import WalkRules
from spatial.walking.access import (
    BLOCKED,
    ELEVATOR,
    PASS,
    RESIDENTS,
    SHUT,
    WALL_LINES,
    classify_points,
    open_at,
    read_tag,
)
from spatial.walking.compiled import kernel
from spatial.walking.parts import join, number_places
from spatial.walking.segments import Flags, Floats, Ints, Segments, add_pieces, add_vertices, find_vertices
from spatial.walking.walker import Walker


@dataclass(frozen=True, slots=True)
class Arms:
    """Arms that belong together: piece ``piece`` meets ``vertex`` on the side ``side`` (1 or 2) of a wall."""

    vertex: Ints
    piece: Ints
    side: Ints


def build_arms(rows: Iterable[tuple[int, int, int]]) -> Arms:
    """Return the arms of (vertex, piece, side) rows."""
    found = np.array(list(rows), dtype=np.int64).reshape(-1, 3)
    return Arms(found[:, 0], found[:, 1], found[:, 2])


def join_arms(first: Arms, second: Arms) -> Arms:
    """Return the arms of both."""
    pairs = ((first.vertex, second.vertex), (first.piece, second.piece), (first.side, second.side))
    return Arms(*(np.concatenate(pair) for pair in pairs))


def mark_points(segments: Segments, points: Any, walker: Walker) -> tuple[NDArray[np.int8], Flags]:
    """Return the class of each vertex by the tagged points that stand on it, and whether its hours close it now.

    Of several points the strictest counts.
    """
    marks, late = np.full(len(segments.xy), PASS, dtype=np.int8), np.zeros(len(segments.xy), dtype=bool)
    if not len(points):
        return marks, late
    klass = classify_points(points, walker)
    at = find_vertices(segments, points["node_id"].to_numpy())
    used = (at >= 0) & (klass != PASS)
    np.maximum.at(marks, at[used], klass[used])
    late[at[used & ~open_at(read_tag(points, "opening_hours"), walker.minute())]] = True
    return marks, late


def find_wall_crossings(segments: Segments, ways: Any, marks: NDArray[np.int8]) -> Arms:
    """Return the arms at vertices where a wall is drawn through a street without a gate.

    A wall that only ends at a street, or a point that is tagged as a way through, stops nobody.
    """
    walls = ways[np.isin(read_tag(ways, "barrier"), list(WALL_LINES))].sort_values("way_id", kind="stable")
    if not len(walls):
        return build_arms(())
    xy, wall = shapely.get_coordinates(walls.geometry.array, return_index=True)
    at = find_vertices(segments, np.concatenate(walls["nodes"].to_list()))
    # the inner vertices of a wall: those before and behind which it goes on
    inner = np.flatnonzero((wall[1:-1] == wall[:-2]) & (wall[1:-1] == wall[2:])) + 1
    inner = inner[at[inner] >= 0]
    inner = inner[marks[at[inner]] == PASS]
    arms = find_arms(segments, at[inner])
    out: list[tuple[int, int, int]] = []
    done: set[int] = set()
    for i, vertex in zip(inner.tolist(), at[inner].tolist(), strict=True):
        if vertex in done:
            continue
        pieces = np.array(arms[vertex], dtype=np.int64)
        sides = _sides(segments, vertex, pieces, xy[i - 1], xy[i + 1])
        if len(set(sides)) == 2 and 0 not in sides:
            done.add(vertex)
            out += [(vertex, piece, side) for piece, side in zip(arms[vertex], sides, strict=True)]
    return build_arms(out)


def _sides(segments: Segments, vertex: int, pieces: Ints, before: Any, after: Any) -> list[int]:
    """Return 1 or 2 for arms left or right of a wall that turns at the vertex, 0 for an arm along it."""
    here = segments.xy[vertex]
    other = np.where(segments.a[pieces] == vertex, segments.b[pieces], segments.a[pieces])
    arm, inward, outward = segments.xy[other] - here, before - here, after - here
    start, span, angle = _bearing(outward), _bearing(inward), _bearing(arm)
    span, angle = (span - start) % (2 * np.pi), (angle - start) % (2 * np.pi)
    along = (angle < 1e-6) | (np.abs(angle - span) < 1e-6) | (angle > 2 * np.pi - 1e-6)
    return [0 if on else 1 if left else 2 for on, left in zip(along, angle < span, strict=True)]


def _bearing(vector: Any) -> Any:
    return np.arctan2(vector[..., 1], vector[..., 0])


def arms_of(segments: Segments) -> tuple[Ints, Ints]:
    """Return (start, piece): the pieces that meet at vertex v are ``piece[start[v]:start[v + 1]]``, a loop twice."""
    start = np.zeros(len(segments.xy) + 1, dtype=np.int64)
    piece = np.empty(2 * segments.count, dtype=np.int64)
    _arms(segments.a, segments.b, start, piece)
    return start, piece


@kernel
def _arms(a: Ints, b: Ints, start: Ints, piece: Ints) -> None:
    for s in range(len(a)):
        start[a[s] + 1] += 1
        start[b[s] + 1] += 1
    for v in range(len(start) - 1):
        start[v + 1] += start[v]
    put = start[:-1].copy()
    for s in range(len(a)):
        piece[put[a[s]]] = s
        put[a[s]] += 1
        piece[put[b[s]]] = s
        put[b[s]] += 1


def find_arms(segments: Segments, vertices: Ints) -> dict[int, list[int]]:
    """Return the pieces that meet at each of a few vertices, as ``arms_of`` has them."""
    found: dict[int, list[int]] = {vertex: [] for vertex in vertices.tolist()}
    if not found:
        return found
    wanted = np.zeros(len(segments.xy), dtype=bool)
    wanted[vertices] = True
    for piece in np.flatnonzero(wanted[segments.a] | wanted[segments.b]).tolist():
        for vertex in (int(segments.a[piece]), int(segments.b[piece])):
            if vertex in found:
                found[vertex].append(piece)
    return found


def cut_vertices(
    segments: Segments, marked: tuple[NDArray[np.int8], Flags], arms: Arms, rules: WalkRules
) -> tuple[Segments, Flags]:
    """Return the pieces with marked vertices taken apart, and which vertices must stay (gates, lifts and cut ends).

    ``marked`` are the class of each vertex and whether its hours close it now. Arms of one side belong together; an arm
    without a side stands alone.
    """
    marks, late = marked
    apart = np.flatnonzero(np.isin(marks, [RESIDENTS, SHUT, BLOCKED, ELEVATOR]) | late)
    a, b = segments.a.copy(), segments.b.copy()
    end_vertex = np.concatenate([a, b])
    is_apart = np.zeros(len(segments.xy), dtype=bool)
    is_apart[apart] = True
    slot = np.flatnonzero(is_apart[end_vertex])
    piece = slot % segments.count if segments.count else slot
    group = _groups(end_vertex[slot], piece, slot, arms)
    keys, copy = np.unique(np.stack([end_vertex[slot], group], axis=1), axis=0, return_inverse=True)
    centre = keys[:, 0]
    grown, copies = add_vertices(segments, segments.xy[centre])
    end_vertex[slot] = copies[copy.reshape(-1)]
    grown = replace(grown, a=end_vertex[: segments.count], b=end_vertex[segments.count :])
    linked = marks[centre] != BLOCKED
    lift = marks[centre[linked]] == ELEVATOR
    passed = (marks[centre[linked]] != SHUT) & ~late[centre[linked]]
    extra_s = np.where(lift, rules.elevator_s / 2, 0.0)
    like = {"private": marks[centre[linked]] == RESIDENTS, "extra_s": extra_s, "forward": passed, "backward": passed}
    grown = add_pieces(grown, centre[linked], copies[linked], like)
    kept = np.zeros(len(grown.xy), dtype=bool)
    kept[: len(marks)] = marks != PASS
    kept[copies] = True
    return grown, kept


def _groups(vertex: Ints, piece: Ints, slot: Ints, arms: Arms) -> Ints:
    """Return a number per arm: the side where one is known (negative), else a number of its own."""
    columns = (arms.vertex.tolist(), arms.piece.tolist(), arms.side.tolist())
    known = {(v, p): -side for v, p, side in zip(*columns, strict=True)}
    return np.array(
        [known.get((v, p), s) for v, p, s in zip(vertex.tolist(), piece.tolist(), slot.tolist(), strict=True)],
        dtype=np.int64,
    )


def close_landlocked(segments: Segments) -> tuple[Segments, int]:
    """Return the pieces with public ways that only private ones lead to made private, and how many those are.

    Where a public way can only be reached through a residents' gate, who lives there passes it and nobody else does.
    What is closed, now or for good, counts as open here, since nobody gets the key of one gate because another one is
    shut.
    """
    if segments.private.all():
        return segments, 0
    whole, public, size = _measure_parts((segments.a, segments.b), segments.xy, segments.private)
    is_part = size >= 0.0
    part = np.flatnonzero(is_part)
    within = np.empty(len(segments.xy), dtype=np.int64)
    within[public] = whole  # all of a public part lies in one whole part
    order = np.lexsort((part, -size[part], within[part]))
    part = part[order]
    first = np.concatenate([[True], within[part[1:]] != within[part[:-1]]])
    is_part[part[first]] = False
    locked = is_part[public[segments.a]] & ~segments.private
    return replace(segments, private=segments.private | locked), int(locked.sum())


@kernel
def _measure_parts(ends: tuple[Ints, Ints], xy: Floats, private: Flags) -> tuple[Ints, Ints, Floats]:
    """Return the connected part of each vertex by all pieces, that by the public ones, and the metres of public pieces
    in each part by these, -1 where it has none."""
    a, b = ends
    above = np.arange(len(xy))
    for s in range(len(a)):
        if not private[s]:
            join(above, a[s], b[s])
    public = number_places(above)
    for s in range(len(a)):
        if private[s]:
            join(above, a[s], b[s])
    whole = number_places(above)
    size = np.full(len(xy), -1.0)
    for s in range(len(a)):
        if not private[s]:
            part = public[a[s]]
            metres = np.hypot(xy[b[s], 0] - xy[a[s], 0], xy[b[s], 1] - xy[a[s], 1])
            size[part] = max(size[part], 0.0) + metres
    return whole, public, size
