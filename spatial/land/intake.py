"""Which shapes can be used as they came, and which had to be repaired or left out?"""

from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from spatial.land.listing import Row, list_row


def repair_shapes(frame: Any, source: str, key: str, *, single: bool) -> tuple[Any, list[Row]]:
    """Return the frame with valid polygons, sorted by its key, and rows for LISTED.

    An outline that crosses itself keeps all the land it encloses (GEOS "structure" method); where only one polygon is
    allowed (``single``) the largest part stays. Outlines without any area are dropped.
    """
    frame = frame.sort_values(key, ignore_index=True)
    shapes = frame.geometry.to_numpy().copy()
    polygonal = shapely.get_dimensions(shapes) == 2
    broken = np.flatnonzero(polygonal & ~shapely.is_valid(shapes))
    if len(broken):
        shapes[broken] = shapely.make_valid(shapes[broken], method="structure", keep_collapsed=False)
    if single:
        for i in np.flatnonzero(shapely.get_num_geometries(shapes) > 1):  # few: repaired outlines only
            parts = shapely.get_parts(shapes[i])
            shapes[i] = parts[np.argmax(shapely.area(parts))]
    flat = polygonal & (shapely.is_empty(shapes) | (shapely.area(shapes) <= 0))
    ids = frame[key].to_numpy(dtype=object)
    count = frame["households"].fillna(0).to_numpy(dtype=np.float64)
    rows = [list_row(source, ids[i], "its outline crosses itself", "repaired") for i in broken if not flat[i]]
    rows += [
        list_row(source, ids[i], "its outline has no area", "dropped", "no land to stand on", count[i])
        for i in np.flatnonzero(flat)
    ]
    repaired = frame.set_geometry(gpd.GeoSeries(shapes, index=frame.index, crs=frame.crs))
    return repaired.loc[~flat].reset_index(drop=True), rows
