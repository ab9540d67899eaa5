"""How is a street map written as OpenStreetMap data (.osm.pbf), with the same bytes every time?"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import osmium
import shapely
from numpy.typing import NDArray
from osmium.osm.mutable import Node, Way

from spatial.crs import LONLAT, LONLAT_DECIMALS, transform_xy
from spatial.tables import AREA_TAGS, POINT_TAGS, WAY_TAGS, Streets

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_Node = tuple[int, tuple[float, float]]

_WRITER = "wangge"
_VERSION = 1


def write_streets(streets: Streets, path: Path) -> None:
    """Write ways, tagged points and areas: nodes, then ways, by id; areas use the nodes of ways where they meet."""
    nodes, xy = _take_nodes(streets)
    lonlat = _round(xy, streets.crs)
    corners, rings = _take_rings(streets)
    corner_node, new_lonlat = _match(_round(corners, streets.crs), nodes, lonlat, _last_id(streets) + 1)
    with osmium.SimpleWriter(str(path), header=_head(streets), overwrite=True) as writer:
        tags = dict(zip(streets.points["node_id"].tolist(), _tags(streets.points, POINT_TAGS), strict=True))
        for node, place in zip(nodes.tolist(), lonlat.tolist(), strict=True):
            writer.add_node(Node(id=node, version=_VERSION, location=tuple(place), tags=tags.get(node, {})))
        for node, place in new_lonlat:
            writer.add_node(Node(id=node, version=_VERSION, location=place, tags={}))
        for way, refs, way_tags in _ways(streets, corner_node, rings):
            writer.add_way(Way(id=way, version=_VERSION, nodes=refs, tags=way_tags))


def _head(streets: Streets) -> Any:
    header = osmium.io.Header()
    header.set("generator", _WRITER)
    bounds = np.array(shapely.bounds(streets.outline)).reshape(2, 2)
    corners = shapely.get_coordinates(shapely.box(*bounds.ravel()))
    lonlat = _round(corners, streets.crs)
    west, south = lonlat.min(axis=0).tolist()
    east, north = lonlat.max(axis=0).tolist()
    header.add_box(osmium.osm.Box(west, south, east, north))
    return header


def _take_nodes(streets: Streets) -> tuple[Ints, Floats]:
    """Return the ids of the nodes of ways and points, sorted, and their places in metres."""
    ids = np.concatenate([*streets.ways["nodes"], streets.points["node_id"].to_numpy()]).astype(np.int64)
    xy = np.vstack([shapely.get_coordinates(frame.geometry.to_numpy()) for frame in (streets.ways, streets.points)])
    nodes, first = np.unique(ids, return_index=True)
    return nodes, xy[first]


def _take_rings(streets: Streets) -> tuple[Floats, Ints]:
    """Return the corners of all areas without their closing ones, and the number of the area of each."""
    shells = shapely.get_exterior_ring(streets.areas.geometry.to_numpy())
    xy, ring = shapely.get_coordinates(shells, return_index=True)
    last = np.append(ring[1:] != ring[:-1], True)
    return xy[~last], ring[~last]


def _round(xy: Floats, crs: Any) -> Floats:
    return np.round(transform_xy(xy, crs, LONLAT), LONLAT_DECIMALS)


def _last_id(streets: Streets) -> int:
    areas = streets.areas["area_id"].str.removeprefix("way/").astype("int64")
    return int(max(streets.ways["way_id"].max(), areas.max()))


def _match(
    corners: Floats, nodes: Ints, lonlat: Floats, first_id: int
) -> tuple[Ints, list[tuple[int, tuple[float, float]]]]:
    """Return the node of each corner: that of a way at the same place, else a new one; and the new ones."""
    keys, key_of = np.unique(_key(np.vstack([lonlat, corners])), return_inverse=True)
    at = np.full(len(keys), -1, dtype=np.int64)
    at[key_of[: len(nodes)][::-1]] = nodes[::-1]
    corner_key = key_of[len(nodes) :]
    fresh, where = np.unique(corner_key[at[corner_key] < 0], return_index=True)
    at[fresh] = first_id + np.arange(len(fresh))
    places = corners[at[corner_key] >= first_id][where]
    return at[corner_key], [(first_id + k, (x, y)) for k, (x, y) in enumerate(places.tolist())]


def _key(lonlat: Floats) -> Ints:
    whole = np.rint(lonlat * 10**LONLAT_DECIMALS).astype(np.int64)
    keys: Ints = whole[:, 0] * (1 << 32) + whole[:, 1]
    return keys


def _tags(frame: Any, keys: Iterable[str]) -> list[dict[str, str]]:
    """Return the tags of each row that say something, in the order of the keys."""
    tags: list[dict[str, str]] = [{} for _ in range(len(frame))]
    for key in keys:
        if key in frame.columns:
            for row, value in enumerate(frame[key].tolist()):
                if value:
                    tags[row][key] = value
    return tags


def _ways(streets: Streets, corner_node: Ints, rings: Ints) -> Iterator[tuple[int, list[int], dict[str, str]]]:
    """Yield id, nodes and tags of every way, then of every area as a closed way."""
    for way, refs, tags in zip(
        streets.ways["way_id"].tolist(), streets.ways["nodes"], _tags(streets.ways, WAY_TAGS), strict=True
    ):
        yield int(way), refs.tolist(), tags
    cuts = np.searchsorted(rings, np.arange(len(streets.areas) + 1))
    numbers = streets.areas["area_id"].str.removeprefix("way/").astype("int64").tolist()
    for way, first, last, tags in zip(numbers, cuts[:-1], cuts[1:], _tags(streets.areas, AREA_TAGS), strict=True):
        refs = corner_node[first:last].tolist()
        yield way, [*refs, refs[0]], tags
