"""Which land do communities leave to nobody: gaps between several, open to the outside or not, and holes in one?"""

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from spatial.io.listing import join_listed, list_note, list_rows

GAP = "gap between communities"
HOLE = "hole in a community"
TOLD_M2 = 1.0
"""Gaps of less land are counted together, not one by one: they come from rounding."""
_REACH_M = 50.0
"""Land that opens to the outside is a gap where communities on both sides lie within twice this width."""
_TOUCH_M = 0.01
_SLIVER_M = 0.001
"""What the closing gives back on the outside, so that rounding leaves no thread of land along straight borders."""
_MITRE = 5.0
_NAMED = 5


def list_gaps(communities: Any) -> Any:
    """Return LISTED of the land that communities leave to nobody, the largest first, with its area and its neighbours.

    Land that they enclose is a gap, or a hole where one of them encloses it alone. Land that opens to the outside is a
    gap where it is narrow (less than 100 m) and touches two communities or more: the morphological closing of all
    communities less these (Serra, Image Analysis and Mathematical Morphology, 1982). Nothing is filled.
    """
    shapes = communities.geometry.to_numpy()
    whole = shapely.union_all(shapes)
    enclosed, opened = _enclosed(whole), _opened(whole)
    gaps = np.concatenate([enclosed, opened])
    outside = np.arange(len(gaps)) >= len(enclosed)
    around = _neighbours(gaps, shapes, communities["community_id"].to_numpy())
    area = shapely.area(gaps)
    told = (area >= TOLD_M2) & (~outside | np.array([len(ids) > 1 for ids in around], dtype=bool))
    order = [int(at) for at in np.argsort(-area, kind="stable") if told[at]]
    parts = []
    for reason, mine in ((GAP, [at for at in order if len(around[at]) > 1]),
                         (HOLE, [at for at in order if len(around[at]) <= 1])):  # fmt: skip
        details = [_describe(gaps[at], float(area[at]), opened=bool(outside[at])) for at in mine]
        parts.append(list_rows("communities", [_name(around[at]) for at in mine], reason, "kept", details))
    small = (area < TOLD_M2) & ~outside
    if small.any():
        detail = f"{int(small.sum())} gaps, {area[small].sum():.2f} m2 in all"
        parts.append(list_note("communities", f"gaps below {TOLD_M2:g} m2", "kept", detail))
    return join_listed(parts)


def _enclosed(whole: Any) -> NDArray[Any]:
    """Return the land inside the outlines of a union that is not part of it."""
    rings = [ring for part in shapely.get_parts(whole) for ring in part.interiors]
    if not rings:
        return np.empty(0, dtype=object)
    return _polygons(shapely.difference(shapely.union_all(shapely.polygons(rings)), whole))


def _opened(whole: Any) -> NDArray[Any]:
    """Return the narrow land that the outlines of a union nearly enclose."""
    filled = shapely.union_all(shapely.polygons([part.exterior for part in shapely.get_parts(whole)]))
    wide = shapely.buffer(filled, _REACH_M, join_style="mitre", mitre_limit=_MITRE)
    closed = shapely.buffer(wide, -_REACH_M - _SLIVER_M, join_style="mitre", mitre_limit=_MITRE)
    return _polygons(shapely.difference(closed, filled))


def _polygons(geometry: Any) -> NDArray[Any]:
    parts = shapely.get_parts(shapely.get_parts(geometry))
    return np.asarray(parts[shapely.area(parts) > 0], dtype=object)


def _neighbours(gaps: NDArray[Any], shapes: Any, ids: NDArray[Any]) -> list[list[str]]:
    """Return the communities that each gap touches, in order."""
    gap, community = shapely.STRtree(shapes).query(gaps, predicate="dwithin", distance=_TOUCH_M)
    found: list[list[str]] = [[] for _ in gaps]
    for at, one in zip(gap.tolist(), ids[community].tolist(), strict=True):
        found[at].append(one)
    return [sorted(one) for one in found]


def _name(ids: list[str]) -> str:
    return ", ".join(ids[:_NAMED]) + (f" and {len(ids) - _NAMED} others" if len(ids) > _NAMED else "")


def _describe(gap: Any, m2: float, *, opened: bool) -> str:
    x, y = shapely.get_coordinates(shapely.point_on_surface(gap))[0]
    return f"{m2:,.0f} m2 at {x:.0f}, {y:.0f} belong to none" + (" and open to the outside" if opened else "")
