"""How much longer does a slope take than level ground?

Tobler's hiking function (1993), as a share of the walker's speed on the flat: exp(-3.5 (|s + 0.05| - 0.05)) at slope s,
so a little down is fastest. Heights are those of a relief, of places one by one, or of nodes of the map. A bridge does
not follow the valley, nor a tunnel the hill: between its ends, and wherever a height is unknown, heights change evenly
along the ways. Steps and lifts have times of their own. On one edge time is spread evenly, however its slope changes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy

from spatial.crs import transform_xy
from spatial.errors import InputError
from spatial.walking.chains import Chains
from spatial.walking.segments import Flags, Floats, Ints, Segments
from spatial.walking.spots import Spots, sample_spots

_STEEPNESS, _FASTEST = 3.5, 0.05
_STEEPEST = 1.0
"""What is steeper than this is a fault of the heights."""
_SHORTEST_M = 0.01


@dataclass(frozen=True, slots=True)
class Relief:
    """Heights in metres on a raster whose rows run from north to south; NaN where unknown.

    ``west`` and ``north`` are the middle of the first cell, ``step_x`` and ``step_y`` (both positive) the distance to
    the next, in units of ``crs``; ``step_m`` is about as much in metres.
    """

    heights: Floats
    west: float
    north: float
    step_x: float
    step_y: float
    step_m: float
    crs: Any


Heights = Relief | Spots | Mapping[int, float]
"""A relief, heights of places one by one, or node of the map -> metres."""

_Ground = tuple[Callable[[Floats], Floats], float]
"""What tells the height at places, and how far apart in metres it is known."""


@dataclass(frozen=True, slots=True)
class Climb:
    """Per piece: time over the time on the flat, from a to b and back, and whether its heights are known."""

    along: Floats
    against: Floats
    known: Flags


def slope_factor(slope: Floats) -> Floats:
    """Return the time that a slope (rise over run, negative downhill) takes over the time on the flat."""
    steep = np.clip(slope, -_STEEPEST, _STEEPEST)
    factor: Floats = np.exp(_STEEPNESS * (np.abs(steep + _FASTEST) - _FASTEST))
    return factor


def sample_relief(relief: Relief, xy: Floats, crs: Any) -> Floats:
    """Return the height at each place, between the middles of four cells; NaN outside and beside unknown cells."""
    at = transform_xy(xy, crs, relief.crs)
    rows, columns = relief.heights.shape
    x, y = (at[:, 0] - relief.west) / relief.step_x, (relief.north - at[:, 1]) / relief.step_y
    inside = (x >= 0) & (y >= 0) & (x <= columns - 1) & (y <= rows - 1)
    x, y = np.where(inside, x, 0.0), np.where(inside, y, 0.0)
    i, j = np.minimum(y.astype(np.int64), rows - 2), np.minimum(x.astype(np.int64), columns - 2)
    fy, fx, h = y - i, x - j, relief.heights
    upper = h[i, j] * (1 - fx) + h[i, j + 1] * fx
    lower = h[i + 1, j] * (1 - fx) + h[i + 1, j + 1] * fx
    return np.where(inside, upper * (1 - fy) + lower * fy, np.nan)


def measure_climb(segments: Segments, heights: Heights, crs: Any) -> Climb:
    """Return what the slopes of all pieces take.

    Long pieces on the ground are looked at from cell to cell of the relief, or at as many places as there are spots.

    Raises
    ------
    InputError
        If a height is infinite, or none is known anywhere on the network.
    """
    ground = ~_is_raised(segments)
    known = np.full(len(segments.xy), np.nan)
    surface = None if isinstance(heights, Mapping) else _surface(heights, crs)
    if surface is not None:
        known[ground] = surface[0](segments.xy[ground])
    elif isinstance(heights, Mapping) and len(heights):
        given = pd.Series(dict(heights), dtype=np.float64)
        at = given.index.get_indexer(segments.vertex_id)
        known = np.where(at >= 0, given.to_numpy()[at], np.nan)
    if np.isinf(known).any():
        raise InputError("heights: found an infinite one; needed metres")
    if not np.isfinite(known).any():
        raise InputError(
            f"heights: found none at any of {len(known):,} nodes of the walk network; needed heights of the same place"
        )
    height = _fill(segments, known)
    rise = height[segments.b] - height[segments.a]
    length = np.hypot(*(segments.xy[segments.b] - segments.xy[segments.a]).T)
    level = segments.steps | (segments.extra_s > 0) | (length < _SHORTEST_M) | ~np.isfinite(rise)
    slope = np.where(level, 0.0, rise / np.maximum(length, _SHORTEST_M))
    along, against = slope_factor(slope), slope_factor(-slope)
    if surface is not None:
        rows = np.flatnonzero(~level & ~segments.raised & (length > surface[1]))
        along[rows], against[rows] = _sample_long(segments, rows, height, surface)
    return Climb(along, against, np.isfinite(rise))


def _surface(heights: Relief | Spots, crs: Any) -> _Ground:
    """Return what tells the height of any place."""
    if isinstance(heights, Relief):
        return lambda xy: sample_relief(heights, xy, crs), heights.step_m
    return sample_spots(heights, crs)


def _is_raised(segments: Segments) -> Flags:
    """Tell which vertices no street on the ground meets: those of bridges and tunnels, and the insides of gates."""
    long = np.hypot(*(segments.xy[segments.b] - segments.xy[segments.a]).T) >= _SHORTEST_M
    on_ground = ~segments.raised & (segments.extra_s == 0) & long
    raised = np.ones(len(segments.xy), dtype=bool)
    raised[segments.a[on_ground]] = raised[segments.b[on_ground]] = False
    return raised


def _fill(segments: Segments, known: Floats) -> Floats:
    """Return the heights with the unknown ones such that they change evenly along the ways; NaN where nothing is known.

    The heights of the unknown vertices are the mean of their neighbours', weighted by one over the distance.
    """
    n = len(known)
    length = np.maximum(np.hypot(*(segments.xy[segments.b] - segments.xy[segments.a]).T), _SHORTEST_M)
    tied = segments.extra_s == 0  # a lift joins two heights
    ends = (segments.a[tied], segments.b[tied])
    links = scipy.sparse.coo_matrix((1.0 / length[tied], ends), shape=(n, n)).tocsr()
    links = links + links.T
    part = scipy.sparse.csgraph.connected_components(links, directed=False)[1]
    told = np.zeros(n, dtype=bool)
    told[part[np.isfinite(known)]] = True
    unknown = np.flatnonzero(~np.isfinite(known) & told[part])
    if not len(unknown):
        return known
    fixed = np.flatnonzero(np.isfinite(known))
    weight = links[unknown]
    system = scipy.sparse.diags_array(np.asarray(weight.sum(axis=1)).ravel()) - weight[:, unknown]
    out = known.copy()
    out[unknown] = scipy.sparse.linalg.spsolve(system.tocsc(), weight[:, fixed] @ known[fixed])
    return out


def _sample_long(segments: Segments, rows: Ints, height: Floats, surface: _Ground) -> tuple[Floats, Floats]:
    """Return the mean factors, there and back, of pieces that are looked at from cell to cell."""
    sample, step_m = surface
    a, b = segments.xy[segments.a[rows]], segments.xy[segments.b[rows]]
    length = np.hypot(*(b - a).T)
    parts = np.ceil(length / step_m).astype(np.int64)
    first = np.cumsum(parts + 1) - (parts + 1)
    row = np.repeat(np.arange(len(rows)), parts + 1)
    share = (np.arange(len(row)) - first[row]) / parts[row]
    z = sample(a[row] + share[:, None] * (b - a)[row])
    z[first], z[first + parts] = height[segments.a[rows]], height[segments.b[rows]]
    even = height[segments.a[rows]][row] * (1 - share) + height[segments.b[rows]][row] * share
    z = np.where(np.isfinite(z), z, even)
    inner = share < 1.0
    slope = (z[1:] - z[:-1])[inner[:-1]] / (length / parts)[row[inner]]
    means = [np.bincount(row[inner], weights=slope_factor(s), minlength=len(rows)) / parts for s in (slope, -slope)]
    return means[0], means[1]


def chain_climb(segments: Segments, chains: Chains, climb: Climb) -> Climb:
    """Return what the slopes of all edges take, as they run and back: the mean of their pieces by length."""
    piece = chains.piece
    length = np.hypot(*(segments.xy[segments.b] - segments.xy[segments.a]).T)[piece]
    length = np.maximum(length, 1e-9)
    edge = np.repeat(np.arange(chains.count), np.diff(chains.start))
    runs = segments.a[piece] == chains.vertex[np.arange(len(piece)) + edge]
    there = np.where(runs, climb.along[piece], climb.against[piece])
    back = np.where(runs, climb.against[piece], climb.along[piece])
    total = np.add.reduceat(length, chains.start[:-1])
    ratios = [np.add.reduceat(length * factor, chains.start[:-1]) / total for factor in (there, back)]
    return Climb(ratios[0], ratios[1], np.logical_and.reduceat(climb.known[piece], chains.start[:-1]))
