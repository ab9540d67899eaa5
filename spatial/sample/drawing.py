"""What is a district drawn with: straight streets, free lines, marks, outlines and houses on a flat drawing board.

The board is flat: u runs east, v runs north, in metres; every planned street is a line of constant u or v.
``ground`` bends the board into a place, so straightness here costs nothing there.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Tags = Mapping[str, str]

ACROSS, ALONG = 0, 1
"""Axis of a segment: the coordinate that is constant. ACROSS: u is, it runs north; ALONG: v is, it runs east."""

HOUSE_COLUMNS = ["u", "v", "along_m", "deep_m", "levels", "households", "use", "rigid"]


@dataclass(frozen=True, slots=True)
class Segment:
    """A straight way on the board; segments of one level that touch or cross are joined there.

    ``level`` lifts what lies between the two ends (a bridge is 1, a tunnel -1); ``stops`` are places along it that
    become vertices whatever meets it; empty ``tags`` draw a border that no way follows.
    """

    axis: int
    at: float
    start: float
    end: float
    tags: Tags
    level: int = 0
    stops: tuple[float, ...] = ()
    reverse: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A free line through given places; where ``joins`` is set, streets through one of them are joined to it."""

    uv: Floats
    tags: Tags
    joins: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """A tagged place: a node of whatever way passes there, else a point of its own."""

    u: float
    v: float
    tags: Tags


@dataclass(frozen=True, slots=True)
class Outline:
    """A tagged area, its ring open or closed."""

    uv: Floats
    tags: Tags


@dataclass(frozen=True, slots=True)
class Gate:
    """A gate in the wall of an estate; access: open, private or closed."""

    u: float
    v: float
    access: str
    hours: str


@dataclass(frozen=True, slots=True)
class Sketch:
    """Things drawn on the board."""

    segments: tuple[Segment, ...] = ()
    lines: tuple[Line, ...] = ()
    marks: tuple[Mark, ...] = ()
    outlines: tuple[Outline, ...] = ()
    gates: tuple[Gate, ...] = ()
    houses: Any = field(default_factory=lambda: draw_houses({}))


def draw_houses(columns: Mapping[str, Any]) -> Any:
    """Return a frame of houses (``HOUSE_COLUMNS``); scalars are repeated, and a missing column makes it empty."""
    if "u" not in columns or not len(columns["u"]):
        return pd.DataFrame({name: [] for name in HOUSE_COLUMNS})
    return pd.DataFrame(dict(columns))[HOUSE_COLUMNS]


def join_sketches(sketches: Iterable[Sketch]) -> Sketch:
    """Return one sketch that holds everything of several, in their order."""
    given = tuple(sketches)
    houses = [s.houses for s in given if len(s.houses)]
    return Sketch(
        segments=tuple(x for s in given for x in s.segments),
        lines=tuple(x for s in given for x in s.lines),
        marks=tuple(x for s in given for x in s.marks),
        outlines=tuple(x for s in given for x in s.outlines),
        gates=tuple(x for s in given for x in s.gates),
        houses=pd.concat(houses, ignore_index=True) if houses else draw_houses({}),
    )


def draw_between(axis: int, at: float, ends: tuple[float, float], tags: Tags, *, level: int = 0) -> Segment:
    """Return the segment between two places of a line, whichever comes first."""
    return Segment(axis, at, min(ends), max(ends), tags, level)


def draw_box(low: tuple[float, float], high: tuple[float, float]) -> Floats:
    """Return the closed ring of an upright rectangle, counter-clockwise."""
    (a, b), (c, d) = low, high
    return np.array([[a, b], [c, b], [c, d], [a, d], [a, b]])


def thicken(uv: Floats, *, step_m: float) -> Floats:
    """Return a line with vertices added so that no piece is longer than a step; given vertices stay."""
    pieces = np.maximum(1, np.ceil(np.hypot(*np.diff(uv, axis=0).T) / step_m).astype(int))
    share = np.concatenate([np.arange(n) / n for n in pieces])
    start = np.repeat(np.arange(len(pieces)), pieces)
    inner = uv[start] + (uv[start + 1] - uv[start]) * share[:, None]
    return np.vstack([inner, uv[-1:]])
