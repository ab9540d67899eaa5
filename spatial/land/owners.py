"""Whose is each home? The estate that it names, that encloses it, or whose point is the nearest in its street face."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from spatial.land.tiling import Floats, Ints, locate

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Owners:
    """The estate of each home, and how it is known.

    Attributes
    ----------
    estate:
        Index of each home's estate; -1 for none.
    taken:
        Whether that is a guess: the nearest point of a register in the home's street face.
    away_m:
        Distance of a taken home from its point; 0 for others.
    face:
        Index of the street face in which each estate takes homes or stands beside one that does; -1 for others. All
        estates of a face count the same people as its taken homes.
    """

    estate: Ints
    taken: Flags
    away_m: Floats
    face: Ints


def find_owners(homes: Any, estates: Any, communities: Any, faces: Any, reach_m: float) -> Owners:
    """Return the owner of each home: by id, else by the smallest outline that holds it, else by its street face.

    In a face, the homes that are left belong to the nearest of the points whose estates count more households than the
    homes that are surely theirs. A point in a face without such homes stands for those of the face across the street
    that holds the nearest home, where this is within reach and no other point claims it.
    """
    owner = _find_sure(homes, estates)
    places = shapely.point_on_surface(homes.geometry.to_numpy())
    area = communities.geometry.to_numpy()
    free = np.flatnonzero((owner < 0) & (index_in(places, area) >= 0))
    points = np.flatnonzero(_is_open(homes, estates, owner) & (index_in(estates.geometry.to_numpy(), area) >= 0))
    face = np.full(len(estates), -1, dtype=np.int64)
    taken, away_m = np.zeros(len(homes), dtype=bool), np.zeros(len(homes))
    if not len(free) or not len(points):
        return Owners(owner, taken, away_m, face)
    shapes = estates.geometry.to_numpy()[points]
    home_face = locate(places[free], faces)
    standing = _cross_streets(shapes, locate(shapes, faces), homes.geometry.to_numpy()[free], home_face, reach_m)
    for k in np.intersect1d(standing, home_face):  # faces differ in how many points and homes they have
        mine, here = free[home_face == k], points[standing == k]
        tree = cKDTree(shapely.get_coordinates(estates.geometry.to_numpy()[here]))
        away_m[mine], nearest = tree.query(shapely.get_coordinates(places[mine]))
        owner[mine], taken[mine], face[here] = here[nearest], True, k
    return Owners(owner, taken, away_m, face)


def _find_sure(homes: Any, estates: Any) -> Ints:
    """Index of each building's estate: by its id, else by the smallest outline that holds it; -1 for none."""
    row = homes["estate_id"].map(pd.Series(np.arange(len(estates)), index=estates["estate_id"]))
    owner: Ints = row.fillna(-1).to_numpy(dtype=np.int64)
    outlines = np.flatnonzero(estates.geometry.geom_type != "Point")
    free = np.flatnonzero(owner < 0)
    if len(outlines) and len(free):
        shapes = estates.geometry.to_numpy()[outlines]
        centres = shapely.point_on_surface(homes.geometry.to_numpy()[free])
        which, where = shapely.STRtree(shapes).query(centres, predicate="intersects")
        order = np.lexsort([-where, -shapely.area(shapes)[where]])  # the smallest outline is written last
        owner[free[which[order]]] = outlines[where[order]]
    return owner


def _is_open(homes: Any, estates: Any, owner: Ints) -> Flags:
    """Tell which estates are points whose count is not reached by the homes that are surely theirs."""
    known = np.bincount(owner + 1, weights=homes["households"], minlength=len(estates) + 1)[1:]
    lacking: Flags = (estates["households"].to_numpy() > known) & (estates.geometry.geom_type == "Point").to_numpy()
    return lacking


def _cross_streets(points: Any, face: Ints, homes: Any, home_face: Ints, reach_m: float) -> Ints:
    """Return the face that each point stands for: its own, or one across the street that no other point claims."""
    standing = face.copy()
    orphan = np.flatnonzero(~np.isin(home_face, face))
    lonely = np.flatnonzero(~np.isin(face, home_face))
    if len(orphan) and len(lonely):
        found, near = shapely.STRtree(homes[orphan]).query(points[lonely], predicate="dwithin", distance=reach_m)
        away = shapely.distance(points[lonely[found]], homes[orphan[near]])
        order = np.lexsort([-near, -away])  # the nearest home is written last
        standing[lonely[found[order]]] = home_face[orphan[near[order]]]
    return standing


def index_in(places: Any, shapes: Any) -> Ints:
    """Index of the first shape that holds each place, -1 for none."""
    which, where = shapely.STRtree(shapes).query(places, predicate="intersects")
    found = np.full(len(places), -1, dtype=np.int64)
    order = np.lexsort([-where, which])
    found[which[order]] = where[order]
    return found
