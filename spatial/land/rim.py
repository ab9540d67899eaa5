"""How do streets go on that end just short of the area's outline, or inside a face that is to be cut?"""

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from spatial.land.tiling import Floats

_SAME_M = 1e-3


def reach_rim(lines: Any, area: Any, reach_m: float) -> Any:
    """Return straight lines from loose ends of streets on to the area's outline, where that lies within reach.

    Outlines are drawn by hand beside the street they mean, and map extracts leave out the last piece of a street that
    crosses their edge; without these lines the land along the outline would hang together as one face.
    """
    rim = shapely.boundary(area)
    places, ahead = _loose_ends(lines, area, rim, reach_m)
    if len(places) == 0:
        return np.array([], dtype=object)
    rays = shapely.linestrings(np.stack([places, places + ahead * reach_m], axis=1))
    goal = shapely.shortest_line(shapely.points(places), shapely.intersection(rays, rim))
    found = ~shapely.is_missing(goal) & ~shapely.is_empty(goal)
    xy = shapely.get_coordinates(goal[found]).reshape(-1, 2, 2)
    over = _SAME_M * 10 * ahead[found]  # a little beyond, so that both cross
    return shapely.linestrings(np.stack([xy[:, 0], xy[:, 1] + over], axis=1))


def prolong(lines: Any, face: Any, reach_m: float) -> Any:
    """Return straight lines from loose ends inside a face on to the next line or to the edge of the face.

    So a dead end that lies between two estates parts them all the way.
    """
    rim = shapely.boundary(face)
    places, ahead = _loose_ends(lines, face, rim, np.inf)
    if len(places) == 0:
        return np.array([], dtype=object)
    rays = shapely.linestrings(np.stack([places + _SAME_M * 10 * ahead, places + ahead * reach_m], axis=1))
    stops = shapely.intersection(rays, shapely.union_all(np.append(lines, [rim])))
    goal = shapely.shortest_line(shapely.points(places), stops)
    found = ~shapely.is_missing(goal) & ~shapely.is_empty(goal)
    xy = shapely.get_coordinates(goal[found]).reshape(-1, 2, 2)
    return shapely.linestrings(np.stack([xy[:, 0], xy[:, 1] + _SAME_M * 10 * ahead[found]], axis=1))


def _loose_ends(lines: Any, area: Any, rim: Any, reach_m: float) -> tuple[Floats, Floats]:
    """Return the ends in the area that meet no other line, near its rim, and the direction in which each points."""
    closed = shapely.is_closed(lines)
    lines = lines[~closed]
    tip = np.concatenate([shapely.get_point(lines, 0), shapely.get_point(lines, -1)])
    before = np.concatenate([shapely.get_point(lines, 1), shapely.get_point(lines, -2)])
    near = shapely.distance(tip, rim) <= reach_m
    tip, before = tip[near], before[near]
    loose: NDArray[np.bool_] = shapely.intersects(area, tip)
    met = shapely.STRtree(np.append(lines, [rim])).query(tip, predicate="dwithin", distance=_SAME_M)[0]
    loose &= np.bincount(met, minlength=len(tip)) == 1
    places, back = shapely.get_coordinates(tip[loose]), shapely.get_coordinates(before[loose])
    step = places - back
    length = np.hypot(*step.T)
    return places[length > 0], step[length > 0] / length[length > 0, None]
