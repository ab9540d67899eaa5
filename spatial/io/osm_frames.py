"""What do the three frames of a street map look like?"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.io.osm_columns import TagTable
from spatial.io.osm_tags import Tags
from spatial.tables import AREA_TAGS, POINT_TAGS, WAY_TAGS, Streets

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


def _tag_columns(tags: Sequence[Tags], keys: Sequence[str]) -> dict[str, Any]:
    if isinstance(tags, TagTable):
        return tags.columns(keys)
    return {key: pd.Series([tag.get(key, "") for tag in tags], dtype="str") for key in keys}


def _frame(columns: dict[str, Any], geometry: Any, crs: Any) -> Any:
    return gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries(geometry, crs=crs), crs=crs)


def tags_frame(tags: TagTable, keys: Sequence[str]) -> Any:
    """Return the tags alone, a text column per key."""
    return pd.DataFrame(tags.columns(keys))


def ways_frame(way_id: Ints, tags: Sequence[Tags], nodes: Sequence[Ints], geometry: Any, crs: Any) -> Any:
    """Return the ways of Streets: an id, the tags, the node of each vertex and the line of each way."""
    column = np.empty(len(nodes), dtype=object)
    column[:] = list(nodes) if len(nodes) != 1 else [None]
    if len(nodes) == 1:
        column[0] = nodes[0]
    columns = {"way_id": np.asarray(way_id, dtype=np.int64), **_tag_columns(tags, WAY_TAGS)}
    return _frame({**columns, "nodes": pd.Series(column, dtype=object)}, geometry, crs)


def points_frame(node_id: Ints, tags: Sequence[Tags], geometry: Any, crs: Any) -> Any:
    """Return the tagged nodes of Streets."""
    return _frame({"node_id": np.asarray(node_id, dtype=np.int64), **_tag_columns(tags, POINT_TAGS)}, geometry, crs)


def areas_frame(area_id: Sequence[str], tags: Sequence[Tags], geometry: Any, crs: Any) -> Any:
    """Return the closed outlines of Streets."""
    return _frame({"area_id": pd.Series(area_id, dtype="str"), **_tag_columns(tags, AREA_TAGS)}, geometry, crs)


def split_ragged(flat: Any, offsets: Ints) -> list[Any]:
    """Return the pieces of a flat array between consecutive offsets."""
    return [flat[start:end] for start, end in pairwise(offsets.tolist())]


def empty_ways(crs: Any) -> Any:
    """Return ways without a row."""
    return ways_frame(np.empty(0, dtype=np.int64), [], [], [], crs)


def empty_points(crs: Any) -> Any:
    """Return points without a row."""
    return points_frame(np.empty(0, dtype=np.int64), [], [], crs)


def empty_areas(crs: Any) -> Any:
    """Return areas without a row."""
    return areas_frame([], [], [], crs)


def empty_streets(crs: Any) -> Streets:
    """Return a street map that holds nothing, in the given projected system."""
    return Streets(
        ways=empty_ways(crs),
        points=empty_points(crs),
        areas=empty_areas(crs),
        outline=None,
        crs=crs,
        source="",
        dropped={},
    )


def counted(dropped: Mapping[str, int]) -> dict[str, int]:
    """Return the reasons that occurred, in order of their text."""
    return {reason: int(dropped[reason]) for reason in sorted(dropped) if dropped[reason]}
