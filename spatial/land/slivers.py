"""Which scraps of land belong to a neighbour: traffic islands, strips between carriageways, leftovers of a cut?"""

from collections import defaultdict
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from spatial.land.tiling import Floats, Ints, Segments, dissolve, find_root
from spatial.profile import LandRules

_PASSES = 8  # scraps grow by joining scraps; a district settles after three or four
_KEEP_LONG = 0.05  # between equally strong sides the longer one opens


def is_sliver(polygons: Any, rules: LandRules) -> NDArray[np.bool_]:
    """Tell which polygons (metres) are too small, or too thin by 2 A / P, to be a block."""
    area, border = shapely.area(polygons), shapely.length(polygons)
    small: NDArray[np.bool_] = area < rules.sliver_area_m2
    thin: NDArray[np.bool_] = 2 * area < rules.sliver_width_m * border
    return small | thin


def is_artifact(polygons: Any, rules: LandRules) -> NDArray[np.bool_]:
    """Tell which polygons (metres) are by-products of how streets are drawn, if nobody lives there.

    The index is ln(area x circular compactness), the latter being the share of the smallest circle about the polygon
    that it fills. Fleischmann and Vybornova (2024), A shape-based heuristic for the detection of urban block artifacts
    in street networks, Journal of Spatial Information Science 28.
    """
    circle = np.pi * shapely.minimum_bounding_radius(polygons) ** 2
    artifact: NDArray[np.bool_] = shapely.area(polygons) ** 2 < np.exp(rules.artifact_index) * circle
    return artifact


def merge_scraps(
    polygons: Any, segments: Segments, strength: Floats, *, lived: NDArray[np.bool_], realm: Ints, rules: LandRules
) -> Ints:
    """Return a group number per polygon, after slivers, and artifacts that nobody lives in, have joined a neighbour.

    What scraps make together is looked at again, until nothing changes.
    """
    group = np.arange(len(polygons))
    for _ in range(_PASSES):
        scrap = is_sliver(polygons, rules) | (is_artifact(polygons, rules) & ~lived)
        step = absorb(polygons, segments, strength, scrap=scrap, realm=realm, rules=rules)
        count = int(step.max()) + 1 if len(step) else 0
        if count == len(polygons):
            break
        group, polygons = step[group], dissolve(polygons, step)
        lived = np.bincount(step, weights=lived, minlength=count) > 0
        realm = realm[np.unique(step, return_index=True)[1]]
        segments, kept = segments.regroup(step)
        strength = strength[kept]
    return group


def absorb(
    polygons: Any, segments: Segments, strength: Floats, *, scrap: NDArray[np.bool_], realm: Ints, rules: LandRules
) -> Ints:
    """Return a group number per polygon, every scrap having joined the neighbour behind its weakest long side.

    A scrap joins only polygons of its own realm (community, or face). It opens the side where length x (1 - strength)
    is greatest, so that main roads stay borders. Groups of scraps that are still slivers go on joining, and so do
    scraps that are no slivers (leftovers of a cut) until they meet a polygon that is no scrap. A scrap without a
    neighbour in its realm stays. Groups are numbered in the order of their lowest polygon.
    """
    parent = list(range(len(polygons)))
    area, border = shapely.area(polygons), shapely.length(polygons)
    sides = _sum_sides(segments, strength, realm)
    waiting = sorted(np.flatnonzero(scrap), key=lambda i: (area[i], i))
    is_scrap = scrap.copy()
    leftover = scrap & ~is_sliver(polygons, rules)
    for item in waiting:
        here = find_root(parent, int(item))
        # A scrap that has grown past the limits by taking in others is scrap no more.
        while is_scrap[here] and sides[here]:
            there = max(sides[here], key=lambda j: (sides[here][j][1], -j))
            border[there] += border[here] - 2 * sides[here][there][0]
            area[there] += area[here]
            small = area[there] < rules.sliver_area_m2 or 2 * area[there] < rules.sliver_width_m * border[there]
            is_scrap[there] &= small or leftover[there]
            _join(sides, here, there)
            parent[here] = there
            is_scrap[here] = False
            here = there
    roots = np.array([find_root(parent, i) for i in range(len(polygons))], dtype=np.int64)
    _, lowest, group = np.unique(roots, return_index=True, return_inverse=True)
    rank = np.empty(len(lowest), dtype=np.int64)
    rank[np.argsort(lowest, kind="stable")] = np.arange(len(lowest))
    return rank[group]


def _sum_sides(segments: Segments, strength: Floats, realm: Ints) -> dict[int, dict[int, tuple[float, float]]]:
    """Per polygon and neighbour of its realm: shared length, and its openness."""
    inner = segments.second >= 0
    inner[inner] &= realm[segments.first[inner]] == realm[segments.second[inner]]
    picked, length = segments.pick(inner), segments.length[inner]
    openness = length * (1 - strength[inner] + _KEEP_LONG)
    sides: dict[int, dict[int, tuple[float, float]]] = defaultdict(dict)
    for a, b, metres, open_m in zip(
        picked.first.tolist(), picked.second.tolist(), length.tolist(), openness.tolist(), strict=True
    ):
        known = sides[a].get(b, (0.0, 0.0))
        sides[a][b] = sides[b][a] = (known[0] + metres, known[1] + open_m)
    return sides


def _join(sides: dict[int, dict[int, tuple[float, float]]], gone: int, into: int) -> None:
    """Hand the sides of one polygon to another."""
    for other, (metres, open_m) in sides.pop(gone).items():
        sides[other].pop(gone)
        if other != into:
            known = sides[into].get(other, (0.0, 0.0))
            sides[into][other] = sides[other][into] = (known[0] + metres, known[1] + open_m)
