"""In which coordinates do homes keep clear of the streets?

Homes stand beside streets, hardly ever on them. A register that is read in other coordinates than its own lies some
hundreds of metres off, so its places fall on streets as often as any places about do. That tells the kind even where
every row lies in the area, and where a register goes far beyond it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from spatial.crs import Floats
from spatial.walking.access import read_tag

ON_STREET_M = 15.0
"""Distances are told apart up to this from the middle of a street; beyond it any is as clear as another."""
_ABOUT_M = 200.0  # rows farther from every street lie where the map has none
_AWAY_M = (400.0, 1000.0)  # about as far as the kinds lie apart: places here are any places of the town
_ELSEWHERE = 13
_GOLDEN_TURN = np.pi * (3.0 - 5.0**0.5)  # no two directions alike, so that no grid of streets is hit in step
_LEAST = 40
_CLEAR_ERRORS = 3.0
_AT_STREETS_ERRORS = 4.0
_MOST = 4000
_MINOR = frozenset(
    "footway path steps cycleway pedestrian corridor track elevator platform bridleway service living_street".split()
)


@dataclass(frozen=True, slots=True)
class Clearance:
    """The kind of coordinates in which places keep clearest of streets, by how many standard errors, on how many rows.

    Errors are those of the difference of mean distances, to what was said or to any places about, whichever is less.
    """

    kind: str
    errors: float
    rows: int


def measure_clearance(tries: Mapping[str, Floats], said: str, streets: Any) -> Clearance | None:
    """Return the kind in which places (x, y in metres, by kind) keep clearest of the streets.

    It is the one that was said where no other keeps clearer and it keeps clear of them by three standard errors. None
    where no kind stands out, where places stand at the streets, or too few lie near any.
    """
    tree = shapely.STRtree(_through_streets(streets))
    elsewhere = zip(np.linspace(*_AWAY_M, _ELSEWHERE), _GOLDEN_TURN * np.arange(_ELSEWHERE), strict=True)
    about = [tries[said] + far * np.array([np.cos(turn), np.sin(turn)]) for far, turn in elsewhere]
    anywhere = _distances(tree, np.concatenate(about))
    found = {kind: _distances(tree, xy) for kind, xy in tries.items()}
    if min(len(found[said]), len(anywhere)) < _LEAST:
        return None
    if _errors(found[said], anywhere) > _AT_STREETS_ERRORS:
        return None  # gates, or addresses: places at streets, which any shift takes away from them
    others = [
        Clearance(kind, min(_errors(found[said], far), _errors(anywhere, far)), len(far))
        for kind, far in found.items()
        if kind != said and len(far) >= _LEAST
    ]
    best = max(others, key=lambda one: one.errors, default=None)
    if best is not None and best.errors > 0:
        return best
    own = Clearance(said, _errors(anywhere, found[said]), len(found[said]))
    return own if own.errors >= _CLEAR_ERRORS else None


def take_some(xy: Floats) -> Floats:
    """Return places enough to judge by, whatever their order: all of a few, every n-th of many from west to east."""
    order = np.lexsort(xy.T[::-1])
    return xy[order[:: max(1, len(xy) // _MOST)]]


def _through_streets(streets: Any) -> Any:
    """Return the lines of streets that are driven through: paths and drives lead up to houses."""
    kind = read_tag(streets.ways, "highway")
    return streets.ways.geometry.to_numpy()[((kind != "") & ~kind.isin(_MINOR)).to_numpy()]


def _distances(tree: Any, xy: Floats) -> Floats:
    """Return how far places with a street about them lie from it, at most ``ON_STREET_M``."""
    points = shapely.points(xy[np.isfinite(xy).all(axis=1)])
    _, far = tree.query_nearest(points, max_distance=_ABOUT_M, return_distance=True, all_matches=False)
    return np.minimum(np.asarray(far, dtype=np.float64), ON_STREET_M)


def _errors(low: Floats, high: Floats) -> float:
    """Return by how many of its standard errors the second mean exceeds the first."""
    spread = float(np.sqrt(low.var(ddof=1) / len(low) + high.var(ddof=1) / len(high)))
    gain = float(high.mean() - low.mean())
    return gain / spread if spread > 0 else 0.0
