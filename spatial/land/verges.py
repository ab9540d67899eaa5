"""Which empty land along walls and estate outlines belongs to what they enclose: footways, green strips, gaps?

A wall stands some way off the middle of the street, so the faces that streets enclose are, once walls are drawn,
frames of empty land around the estates. As blocks these would shut the estates off from each other.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from spatial.land.splits import open_polygons, split_between
from spatial.land.tiling import Ints, Segments, build_faces, connected_groups, dissolve, find_segments, locate
from spatial.profile import LandRules

_SPACING_M = 4.0


@dataclass(frozen=True, slots=True)
class Ground:
    """Faces (metres), whether each is spoken for (lived in, or inside an estate's outline), and all footprints."""

    polygons: Any
    taken: Any
    footprints: Any


@dataclass(frozen=True, slots=True)
class _Piece:
    polygon: Any
    host: int
    joins: int


def share_verges(ground: Ground, segments: Segments, soft: Any, *, rules: LandRules, grid: float) -> tuple[Any, Ints]:
    """Return the faces anew with every verge joined to what it lies along, and for each the old face it stands for.

    A verge is a part of an empty face, narrower than ``verge_m``, on the outer side of a wall or an estate outline
    (``soft`` segments). Where it lies along several, it is cut midway between them, never through a building.
    """
    pieces = _find_verges(ground, segments.pick(soft & (segments.second >= 0)), rules)
    if not pieces:
        return ground.polygons, np.arange(len(ground.polygons))
    shapes = np.array([piece.polygon for piece in pieces], dtype=object)
    lines = np.concatenate([shapely.boundary(ground.polygons), shapely.boundary(shapes)])
    cells = build_faces(lines, grid=grid)
    places = shapely.point_on_surface(cells)
    old = locate(places, ground.polygons)
    inside = shapely.intersects(places, ground.polygons[old])  # not in a hole of the area
    cells, places, old = cells[inside], places[inside], old[inside]
    stands_for = old.copy()
    which, where = shapely.STRtree(shapes).query(places, predicate="intersects")
    for cell, piece in zip(which, where, strict=True):
        if pieces[piece].host == old[cell]:
            stands_for[cell] = pieces[piece].joins
    borders = find_segments(cells, scale=1 / grid)
    same = (borders.second >= 0) & (stands_for[borders.first] == stands_for[borders.second])
    group = connected_groups(len(cells), borders.first[same], borders.second[same])
    return dissolve(cells, group), stands_for[np.unique(group, return_index=True)[1]]


def _find_verges(ground: Ground, soft: Segments, rules: LandRules) -> list[_Piece]:
    """Return the pieces of verge, with the face each is taken from and the one it joins."""
    hosts = np.concatenate([soft.first, soft.second])
    others = np.concatenate([soft.second, soft.first])
    lines = np.tile(shapely.linestrings(np.stack([soft.start, soft.end], axis=1)), 2)
    order = np.lexsort([others, hosts])
    hosts, others, lines = hosts[order], others[order], lines[order]
    empty = np.flatnonzero(~ground.taken)
    empty = empty[np.isin(empty, hosts)]
    wide = open_polygons(ground.polygons[empty], rules.verge_m / 2, min_area_m2=np.exp(rules.artifact_index))
    cores = dict(zip(empty.tolist(), wide, strict=True))
    tree, pieces = shapely.STRtree(ground.footprints), []
    for host in empty.tolist():  # each verge has neighbours of its own
        mine = slice(np.searchsorted(hosts, host), np.searchsorted(hosts, host, side="right"))
        solid = np.array([j not in cores or not shapely.is_empty(cores[j]) for j in others[mine].tolist()], dtype=bool)
        if solid.any():
            sides, owner = lines[mine][solid], others[mine][solid]
            here = ground.footprints[tree.query(ground.polygons[host], predicate="intersects")]
            pieces += _cut_host(ground.polygons[host], host, cores[host], (sides, owner), here, rules)
    return pieces


def _cut_host(
    face: Any, host: int, core: Any, soft: tuple[Any, Ints], footprints: Any, rules: LandRules
) -> list[_Piece]:
    """Return what the soft sides of a face take of it."""
    sides, owner = soft
    arms = shapely.get_parts(shapely.difference(face, core))
    pieces: list[_Piece] = []
    for arm in arms[(shapely.area(arms) >= rules.sliver_area_m2)]:
        touching = shapely.length(shapely.intersection(sides, shapely.buffer(arm, rules.min_shared_m / 10)))
        near = touching > 0
        if touching.sum() < rules.min_shared_m:
            continue
        seeds, labels = sides[near], owner[near]
        if not shapely.is_empty(core):
            edge = shapely.intersection(shapely.boundary(core), shapely.buffer(arm, rules.min_shared_m / 10))
            seeds, labels = np.append(seeds, edge), np.append(labels, host)
        inside = footprints[shapely.intersects(footprints, arm)]
        seeds, labels = _with_buildings(seeds, labels, inside)
        for label, part in split_between(arm, seeds, labels, spacing_m=_SPACING_M):
            if label != host:
                pieces.append(_Piece(part, host, label))
    return pieces


def _with_buildings(seeds: Any, labels: Ints, footprints: Any) -> tuple[Any, Ints]:
    """Return seeds and labels with each building added to its nearest seed, so that no cut runs through one."""
    if len(footprints) == 0:
        return seeds, labels
    nearest = shapely.STRtree(seeds).nearest(footprints)
    return np.concatenate([seeds, footprints]), np.concatenate([labels, labels[nearest]])
