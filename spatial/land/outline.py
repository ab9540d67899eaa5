"""How far does the adopted land differ from what was given, and what in it is doubtful?"""

from typing import Any

import numpy as np
import shapely

from spatial.profile import Profile

_STEP_M = 50.0
_M2_PER_HA = 10_000.0


def measure_deviation(communities: Any, area: Any) -> dict[str, float]:
    """Return how far the adopted outline lies from the given one: m2 of difference, largest distance in metres."""
    given = shapely.union_all(communities.geometry.to_numpy())
    there, here = shapely.boundary(given), shapely.boundary(area)
    places = shapely.points(shapely.get_coordinates(shapely.segmentize(there, _STEP_M)))
    back = shapely.points(shapely.get_coordinates(shapely.segmentize(here, _STEP_M)))
    shapely.prepare([there, here])
    largest = max(shapely.distance(places, here).max(), shapely.distance(back, there).max())
    return {
        "given_m2": float(shapely.area(given)),
        "adopted_m2": float(shapely.area(area)),
        "difference_m2": float(shapely.area(shapely.symmetric_difference(given, area))),
        "largest_m": float(largest),
    }


def list_doubts(blocks: Any, demand: Any, barriers: Any, estates: Any, profile: Profile) -> list[dict[str, Any]]:
    """Return rows for LISTED: points too near a barrier to tell their side, and blocks of implausible density."""
    return _list_near(estates, barriers, profile) + _list_dense(blocks, profile)


def _list_near(estates: Any, barriers: Any, profile: Profile) -> list[dict[str, Any]]:
    points = estates.loc[(estates.geometry.geom_type == "Point").to_numpy()].sort_values("estate_id")
    strong = barriers.geometry.to_numpy()[barriers["strength"].to_numpy() >= profile.land.face_strength]
    if len(points) == 0 or len(strong) == 0:
        return []
    limit = profile.land.near_barrier_m
    which, distance = shapely.STRtree(strong).query_nearest(
        points.geometry.to_numpy(), max_distance=limit, return_distance=True, all_matches=False
    )
    return [
        {
            "source": "estates",
            "row": points["estate_id"].iloc[i],
            "reason": "near_barrier",
            "action": "kept",
            "detail": f"{metres:.1f} m from a street or other barrier; which side it lies on is chance",
            "households": float(points["households"].iloc[i]),
        }
        for i, metres in zip(which[0], distance, strict=True)
    ]


def _list_dense(blocks: Any, profile: Profile) -> list[dict[str, Any]]:
    density = blocks["households"].to_numpy() / (blocks["area_m2"].to_numpy() / _M2_PER_HA)
    dense = np.flatnonzero(density > profile.land.max_households_per_ha)
    return [
        {
            "source": "blocks",
            "row": blocks["block_id"].iloc[i],
            "reason": "implausible density",
            "action": "kept",
            "detail": f"{density[i]:.0f} households per hectare",
            "households": float(blocks["households"].iloc[i]),
        }
        for i in dense
    ]
