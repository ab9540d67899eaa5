"""What of a mixed geometry is land, and what is line? Intersections hold both where two areas also touch."""

from typing import Any

import numpy as np
import shapely


def areas_of(shape: Any) -> Any:
    """Return the land in a shape: a polygon, or a multipolygon of several or no parts."""
    parts = [part for part in shapely.get_parts(_flat(shape)) if part.geom_type == "Polygon" and not part.is_empty]
    return parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)


def lines_of(shape: Any) -> Any:
    """Return the lines in a shape, joined end to end: a line, or a multiline of several or no parts."""
    parts = [part for part in shapely.get_parts(_flat(shape)) if part.geom_type in ("LineString", "LinearRing")]
    merged = shapely.line_merge(shapely.MultiLineString([part for part in parts if part.length > 0]))
    lines = list(shapely.get_parts(merged))
    return lines[0] if len(lines) == 1 else shapely.MultiLineString(lines)


def _flat(shape: Any) -> Any:
    """Return a collection of simple parts: ``get_parts`` opens one level, and collections may hold multiparts."""
    parts = shapely.get_parts(shapely.get_parts(np.asarray([shape], dtype=object)))
    return shapely.GeometryCollection(list(parts))
