"""How far does the adopted land differ from what was given?"""

from typing import Any

import shapely

_STEP_M = 50.0


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
