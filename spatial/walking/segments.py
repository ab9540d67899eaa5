"""Which straight pieces of street can be walked, and between which places?"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from spatial.errors import InputError
from spatial.profile import WalkRules
from spatial.walking.access import (
    MINOR,
    NONE,
    PRIVATE,
    classify_ways,
    directions,
    is_inner,
    is_passed,
    open_at,
    read_tag,
)
from spatial.walking.lines import Lines, link_vertices, number_ids, take_lines
from spatial.walking.walker import Walker

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Segments:
    """Straight pieces between two vertices; every array but ``xy`` and ``vertex_id`` has one entry per piece.

    ``vertex_id`` are the ids of the map, negative where a vertex was added. ``factor`` is time over the time on the
    flat; ``extra_s`` is a fixed delay; ``estate`` is the row of the closed estate that the piece lies in, or -1;
    ``raised`` pieces lie on a bridge or in a tunnel. Nobody walks a piece, forward or backward, that is closed.
    """

    xy: Floats
    vertex_id: Ints
    a: Ints
    b: Ints
    private: Flags
    factor: Floats
    extra_s: Floats
    forward: Flags
    backward: Flags
    steps: Flags
    synthetic: Flags
    separate: Flags
    inner: Flags
    minor: Flags
    raised: Flags
    estate: Ints

    @property
    def count(self) -> int:
        """Number of pieces."""
        return len(self.a)

    def lines(self) -> Any:
        """Return the pieces as an array of LineStrings."""
        return shapely.linestrings(np.stack([self.xy[self.a], self.xy[self.b]], axis=1))

    def degree(self) -> Ints:
        """Return how many piece ends meet at each vertex."""
        return np.bincount(np.concatenate([self.a, self.b]), minlength=len(self.xy))


def find_vertices(segments: Segments, ids: Ints) -> Ints:
    """Return the row of each id among those of the vertices, -1 where it is none of them."""
    known = segments.vertex_id
    rising = int(np.argmin(np.append(known[1:] > known[:-1], False))) + 1  # those of the map; added ones stand behind
    at = np.minimum(np.searchsorted(known[:rising], ids), max(rising, 1) - 1)
    found = np.where(known[at] == ids, at, -1) if len(known) else np.full(len(ids), -1)
    if rising < len(known) and (lost := found < 0).any():
        behind = pd.Index(known[rising:]).get_indexer(ids[lost])
        found[lost] = np.where(behind >= 0, behind + rising, -1)
    return found


_PER_PIECE = tuple(f.name for f in fields(Segments) if f.name not in ("xy", "vertex_id"))


def read_segments(lines: Lines, rules: WalkRules, walker: Walker) -> tuple[Segments, dict[str, int]]:
    """Return the walkable pieces of the ways, in the order of way ids, and reason -> count of what was left out.

    Raises
    ------
    InputError
        If a walkable way has a coordinate that is no number.
    """
    kinds = lines.kinds
    ways_of = np.bincount(lines.kind, minlength=len(kinds))
    klass, dropped = classify_ways(kinds, ways_of)
    squares = (read_tag(kinds, "area") == "yes").to_numpy()
    passed = is_passed(kinds, walker)
    dropped["steps and ways that no wheels pass"] = int(ways_of[(klass != NONE) & ~passed].sum())
    keep = (klass != NONE) & ~squares & passed
    rows = np.flatnonzero(keep[lines.kind])
    rows = rows[np.argsort(lines.way_id[rows], kind="stable")]
    start, at = take_lines(lines, rows)
    _refuse_no_number(lines, rows, (start, at))
    ids, first, vertex = number_ids(lines.node[at])
    xy = lines.xy[at[first]]
    del at, first  # of a city these and what follows take as much as a tenth of the network
    way, a, b = link_vertices(start, vertex)
    del vertex
    kind = lines.kind[rows][way]
    pieces = {name: values[kind] for name, values in _per_kind(kinds, klass, rules, walker).items()}
    return _spread_delay(Segments(xy=xy, vertex_id=ids, a=a, b=b, **pieces), way), dropped


def _refuse_no_number(lines: Lines, rows: Ints, taken: tuple[Ints, Ints]) -> None:
    """Refuse chosen ways with a vertex that is nowhere."""
    if np.isfinite(lines.xy).all():
        return
    start, at = taken
    lost = np.flatnonzero(~np.isfinite(lines.xy[at]).all(axis=1))
    if len(lost):
        bad = lines.way_id[rows[np.searchsorted(start, lost[0], side="right") - 1]]
        raise InputError(f"streets: way {bad} has a coordinate that is no number; needed metres")


def _per_kind(ways: Any, klass: NDArray[np.int8], rules: WalkRules, walker: Walker) -> dict[str, NDArray[Any]]:
    highway = read_tag(ways, "highway").to_numpy()
    steps = highway == "steps"
    forward, backward = directions(ways)
    open_now = open_at(read_tag(ways, "opening_hours"), walker.minute())
    raised = [~read_tag(ways, name).isin(["", "no"]).to_numpy(dtype=bool) for name in ("bridge", "tunnel")]
    n = len(ways)
    sides = [read_tag(ways, f"sidewalk{side}") == "separate" for side in ("", ":left", ":right", ":both")]
    return {
        "private": klass == PRIVATE,
        "factor": np.where(steps, max(rules.steps_factor, 1e-3), 1.0),
        "extra_s": np.where(highway == "elevator", rules.elevator_s, 0.0),
        "forward": forward & open_now,
        "backward": backward & open_now,
        "steps": steps,
        "synthetic": np.zeros(n, dtype=bool),
        "separate": np.any([side.to_numpy(dtype=bool) for side in sides], axis=0),
        "inner": is_inner(ways),
        "minor": np.isin(highway, list(MINOR)),
        "raised": raised[0] | raised[1],
        "estate": np.full(n, -1, dtype=np.int64),
    }


def _spread_delay(segments: Segments, owner: Ints) -> Segments:
    """Share the delay of an elevator way among its pieces."""
    if not segments.extra_s.any():
        return segments
    pieces = np.bincount(owner, minlength=int(owner.max(initial=-1)) + 1)
    return replace(segments, extra_s=segments.extra_s / np.maximum(pieces[owner], 1))


def add_pieces(segments: Segments, a: Ints, b: Ints, like: Mapping[str, Any]) -> Segments:
    """Return the pieces with more of them at the end: public, flat, both ways, unless ``like`` says otherwise."""
    plain: dict[str, Any] = {
        "private": False,
        "factor": 1.0,
        "extra_s": 0.0,
        "forward": True,
        "backward": True,
        "steps": False,
        "synthetic": False,
        "separate": False,
        "inner": True,
        "minor": True,
        "raised": False,
        "estate": -1,
    }
    values = {**plain, **like, "a": a, "b": b}
    joined = {}
    for name in _PER_PIECE:
        old = getattr(segments, name)
        joined[name] = np.concatenate([old, np.broadcast_to(np.asarray(values[name], dtype=old.dtype), len(a))])
    return replace(segments, **joined)


def add_vertices(segments: Segments, xy: Floats, vertex_id: Ints | None = None) -> tuple[Segments, Ints]:
    """Return the pieces with more vertices, and the rows of the new ones; without ids they get new negative ones."""
    start = len(segments.xy)
    if vertex_id is None:
        lowest = int(min(segments.vertex_id.min(initial=0), 0))
        vertex_id = lowest - 1 - np.arange(len(xy), dtype=np.int64)
    grown = replace(
        segments,
        xy=np.concatenate([segments.xy, np.asarray(xy, dtype=np.float64).reshape(-1, 2)]),
        vertex_id=np.concatenate([segments.vertex_id, vertex_id]),
    )
    return grown, np.arange(start, start + len(vertex_id), dtype=np.int64)


def take_pieces(segments: Segments, rows: Ints | Flags) -> Segments:
    """Return only these pieces; vertices stay."""
    return replace(segments, **{name: getattr(segments, name)[rows] for name in _PER_PIECE})


def split_pieces(segments: Segments, piece: Ints, share: Floats, xy: Floats) -> tuple[Segments, Ints]:
    """Return the pieces with a new vertex on each of the given ones, at the given share of its length.

    The new vertices stand in the order given; a piece may be split more than once.
    """
    grown, vertices = add_vertices(segments, xy)
    if not len(piece):
        return grown, vertices
    order = np.lexsort((vertices, share, piece))
    piece, vertices_sorted = piece[order], vertices[order]
    starts = np.concatenate([[True], piece[1:] != piece[:-1]]) if len(piece) else np.zeros(0, dtype=bool)
    ends = np.concatenate([starts[1:], [True]]) if len(piece) else starts
    before = np.where(starts, grown.a[piece], np.roll(vertices_sorted, 1))
    a = np.concatenate([before, vertices_sorted[ends]])
    b = np.concatenate([vertices_sorted, grown.b[piece[ends]]])
    parents = np.concatenate([piece, piece[ends]])
    values = {name: getattr(grown, name)[parents] for name in _PER_PIECE if name not in ("a", "b")}
    rest = np.ones(grown.count, dtype=bool)
    rest[piece] = False
    return add_pieces(take_pieces(grown, rest), a, b, values), vertices
