"""Which rings do the ways of a multipolygon form, and which ground lies inside an odd number of them?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from spatial.io.osm_frames import Ints

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Joined:
    """Closed rings as (n, 2) arrays, whether each may be an outer one, and the ways left over as positions."""

    rings: list[Floats]
    outer: list[bool]
    open: list[int]


def join_rings(refs: Sequence[Ints], lines: Sequence[Floats], roles: Sequence[str]) -> Joined:
    """Return the rings that ways form where they share end nodes; a way with an unlocated node joins nothing.

    The ways are taken in the order given; where more than two meet, the first unused one goes on.
    """
    ends: dict[int, list[int]] = {}
    rings: list[list[tuple[int, bool]]] = []
    left: list[int] = []
    for i, ids in enumerate(refs):
        if len(ids) < 2 or np.isnan(lines[i]).any():
            left.append(i)
        elif ids[0] == ids[-1]:
            rings.append([(i, True)])
        else:
            for end in (int(ids[0]), int(ids[-1])):
                ends.setdefault(end, []).append(i)
    unused = {i for found in ends.values() for i in found}
    for i in sorted(unused):
        if i not in unused:
            continue
        chain = _walk(i, refs, ends, unused)
        if chain:
            rings.append(chain)
        else:
            unused.discard(i)
            left.append(i)
    drawn = [_trace(ring, lines) for ring in rings]
    good = [k for k, ring in enumerate(drawn) if len(np.unique(ring, axis=0)) >= 3]
    outer = [all(roles[i] != "inner" for i, _ in rings[k]) for k in good]
    return Joined([drawn[k] for k in good], outer, sorted(left))


def _walk(start: int, refs: Sequence[Ints], ends: dict[int, list[int]], unused: set[int]) -> list[tuple[int, bool]]:
    """Return the ways of a ring that begins with one way, with their directions; nothing if it does not close.

    The ways of a ring that closes are taken out of the unused.
    """
    home, here = int(refs[start][0]), int(refs[start][-1])
    chain, taken = [(start, True)], {start}
    while here != home:
        following = next((i for i in ends[here] if i in unused and i not in taken), None)
        if following is None:
            return []
        ahead = int(refs[following][0]) == here
        here = int(refs[following][-1 if ahead else 0])
        chain.append((following, ahead))
        taken.add(following)
    unused -= taken
    return chain


def _trace(ring: list[tuple[int, bool]], lines: Sequence[Floats]) -> Floats:
    pieces = [lines[i] if ahead else lines[i][::-1] for i, ahead in ring]
    return np.concatenate([pieces[0], *(piece[1:] for piece in pieces[1:])])


def even_odd(rings: Sequence[Floats], outer: Sequence[bool]) -> Any:
    """Return the ground inside an odd number of rings, whatever their roles, as a polygon; None if there is none.

    A ring that lies in no other one and is meant as a hole is left out: its outline is missing. Rings that touch from
    outside are joined.
    """
    if not rings:
        return None
    polygons = shapely.make_valid(
        np.array([shapely.Polygon(ring) for ring in rings], dtype=object), method="structure", keep_collapsed=False
    )
    depth = _depth(polygons)
    lost = (depth == 0) & ~np.asarray(outer, dtype=bool)
    if lost.any():
        polygons = polygons[~lost]
        depth = _depth(polygons)
    if not len(polygons) or not (depth == 0).any():
        return None
    ground = shapely.union_all(polygons[depth == 0])
    for level in range(1, int(depth.max()) + 1):
        layer = shapely.union_all(polygons[depth == level])
        ground = shapely.difference(ground, layer) if level % 2 else shapely.union(ground, layer)
    return None if ground.is_empty or ground.area <= 0 else ground


def _depth(polygons: Any) -> Ints:
    """Return how many larger polygons hold each one."""
    area = shapely.area(polygons)
    inside, around = shapely.STRtree(polygons).query(shapely.point_on_surface(polygons), predicate="within")
    larger = area[around] > area[inside]
    return np.bincount(inside[larger], minlength=len(polygons)).astype(np.int64)
