"""Which streets does a street network hold that OSMnx saved as GraphML?"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely
from pyproj import CRS
from pyproj.exceptions import CRSError as ProjError

from spatial.crs import LONLAT, is_lonlat, metric_crs, require_metric, to_metres, transform_geometry
from spatial.errors import CrsError, InputError
from spatial.io.graphml_text import GraphText, parse_graphml
from spatial.io.osm_extent import check_clip
from spatial.io.osm_frames import Bools, Ints, counted, empty_areas, points_frame, ways_frame
from spatial.io.osm_tags import CLASS_ORDER, Tags, is_place, list_values, strongest_class
from spatial.io.osm_vertices import end_points, hold_numbers, number_vertices
from spatial.io.systems import check_units
from spatial.tables import POINT_TAGS, WAY_TAGS, Streets

_DRIVABLE = frozenset(CLASS_ORDER[: CLASS_ORDER.index("service") + 1])
_JOINED = ("name", "ref")
NO_NODE = "edge whose node is not in the file"
NO_LINE = "edge without a usable line"
REPEATED = "edge that repeats another one the other way round or as it stands"
OUTSIDE = "edge outside the clip"


@dataclass(frozen=True, slots=True)
class _Edges:
    """Edges as they run: node ids of their ends, tags as read, lines in metres."""

    u: Ints
    v: Ints
    data: list[Mapping[str, str]]
    lines: Any


def read_graphml(path: str | Path, *, crs: Any = None, clip: Any = None) -> Streets:
    """Return the street map of a GraphML file of OSMnx, simplified or not, in metres.

    The two directions of a street become one way; ``oneway`` is "yes" where a drivable street has only one. Node ids
    stay at the ends of the ways; vertices between have negative ids of their own. ``ways`` carries the OpenStreetMap
    ids of each edge in an extra column ``osmid``.

    Raises
    ------
    InputError
        If the file is missing, is no GraphML, or holds no edge that can be drawn.
    CrsError
        If the graph names no coordinate reference system or one that its coordinates belie, or the system asked for is
        not in metres.
    """
    path = Path(path)
    text = parse_graphml(path)
    dropped: Counter[str] = Counter()
    ids, xy = _locate_nodes(text, path.name)
    source = _declared_crs(text, path.name)
    edges = _draw(text, ids, xy, dropped)
    if not len(edges.u):
        raise InputError(f"street network {path.name} holds no edge that can be drawn; needed at least one")
    check_units(source, edges.lines, f"street network {path.name}")
    metric = _choose_crs(crs, source, edges.lines)
    edges = _Edges(edges.u, edges.v, edges.data, transform_geometry(edges.lines, source, metric))
    ground = None if clip is None else to_metres(check_clip(clip), metric)
    ways = _merge(_within(edges, ground, dropped), metric, dropped)
    points = _build_points(text, ids, transform_geometry(shapely.points(xy), source, metric), ground, metric)
    hull = shapely.convex_hull(shapely.multilinestrings(ways.geometry.to_numpy())) if len(ways) else None
    outline = hull if hull is None or ground is None else shapely.intersection(hull, ground)
    return Streets(
        ways=ways,
        points=points,
        areas=empty_areas(metric),
        outline=outline if outline is not None and outline.area > 0 else None,
        crs=metric,
        source=path.name,
        dropped=counted(dropped),
    )


def _locate_nodes(text: GraphText, name: str) -> tuple[dict[str, int], Any]:
    """Return the number of each node (its own where all are whole numbers) and its x, y as (n, 2)."""
    keys = [key for key, _ in text.nodes]
    try:
        ids = {key: int(key) for key in keys}
    except ValueError:
        ids = {key: number for number, key in enumerate(sorted(set(keys)), start=1)}
    try:
        xy = [(float(data["x"]), float(data["y"])) for _, data in text.nodes]
    except (KeyError, ValueError) as error:
        raise InputError(f"street network {name}: a node has no number for x or y ({error}); needed both") from error
    return ids, np.array(xy, dtype=np.float64).reshape(-1, 2)


def _declared_crs(text: GraphText, name: str) -> CRS:
    given = text.graph.get("crs", "")
    if not given:
        raise CrsError(f"street network {name} names no coordinate reference system; needed the graph attribute crs")
    try:
        return CRS.from_user_input(given)
    except ProjError as error:
        raise CrsError(f"street network {name} names the unknown coordinate reference system {given!r}") from error


def _choose_crs(crs: Any, source: CRS, lines: Any) -> CRS:
    if crs is not None:
        return require_metric(crs, "the system asked for")
    west, south, east, north = shapely.total_bounds(lines)
    middle = shapely.Point((west + east) / 2, (south + north) / 2)
    lonlat = middle if is_lonlat(source) else transform_geometry(middle, source, LONLAT)
    return metric_crs(lonlat.x, lonlat.y)


def _draw(text: GraphText, ids: Mapping[str, int], xy: Any, dropped: "Counter[str]") -> _Edges:
    """Return the edges that have both nodes and a line, each line running from u to v."""
    row = {key: i for i, (key, _) in enumerate(text.nodes)}
    known = [edge for edge in text.edges if edge[0] in row and edge[1] in row]
    dropped[NO_NODE] += len(text.edges) - len(known)
    start, end = xy[[row[edge[0]] for edge in known]], xy[[row[edge[1]] for edge in known]]
    with np.errstate(invalid="ignore"):  # a place that is no number
        straight = shapely.linestrings(np.stack([start, end], axis=1)) if known else np.empty(0, dtype=object)
    given = np.array([edge[2].get("geometry") for edge in known], dtype=object)
    drawn = np.array([bool(value) for value in given], dtype=bool)
    lines = np.asarray(straight, dtype=object)
    with np.errstate(invalid="ignore"):  # a vertex that is no number
        lines[drawn] = shapely.force_2d(shapely.from_wkt(given[drawn], on_invalid="ignore"))
    lines[~hold_numbers(lines)] = None  # else such vertices would be passed over with the repeated ones
    lines = shapely.remove_repeated_points(lines)
    usable = (shapely.get_type_id(lines) == 1) & (shapely.length(lines) > 0)
    dropped[NO_LINE] += int((~usable).sum())
    lines = _from_u(lines[usable], start[usable])
    chosen = [edge for edge, good in zip(known, usable.tolist(), strict=True) if good]
    u = np.array([ids[edge[0]] for edge in chosen], dtype=np.int64)
    v = np.array([ids[edge[1]] for edge in chosen], dtype=np.int64)
    return _Edges(u, v, [edge[2] for edge in chosen], lines)


def _from_u(lines: Any, start: Any) -> Any:
    """Return the lines turned so that they begin at u: undirected graphs keep the way the street was drawn."""
    first, last = end_points(lines)
    turned = np.hypot(*(last - start).T) < np.hypot(*(first - start).T)
    return np.where(turned, shapely.reverse(lines), lines)


def _within(edges: _Edges, ground: Any, dropped: "Counter[str]") -> _Edges:
    if ground is None:
        return edges
    shapely.prepare(ground)
    held = shapely.intersects(ground, edges.lines)
    dropped[OUTSIDE] += int((~held).sum())
    data = [data for data, keep in zip(edges.data, held.tolist(), strict=True) if keep]
    return _Edges(edges.u[held], edges.v[held], data, edges.lines[held])


# -- directions -----------------------------------------------------------------------------------------------------


def _merge(edges: _Edges, crs: CRS, dropped: "Counter[str]") -> Any:
    """Return one way per street, whatever directions it has; ids count up from 1 in order of its ends."""
    turned, shape = _canonical(edges)
    low, high = np.minimum(edges.u, edges.v), np.maximum(edges.u, edges.v)
    table = pd.DataFrame({"low": low, "high": high, "shape": shape})
    groups = table.groupby(["low", "high", "shape"], sort=True).indices
    dropped[REPEATED] += len(table) - len(groups)
    rows = [group.tolist() for group in groups.values()]
    tags = [_shared_tags([edges.data[i] for i in group], bool(turned[group].any() and not turned[group].all()))
            for group in rows]  # fmt: skip
    lead = np.array([group[0] for group in rows], dtype=np.int64)
    backward = np.array([bool(turned[group].all()) for group in rows], dtype=bool)
    # A two-way street runs from the lower node; a one-way street runs as it may be driven.
    flip = turned[lead] & ~backward
    u, v = np.where(flip, edges.v[lead], edges.u[lead]), np.where(flip, edges.u[lead], edges.v[lead])
    lines = np.where(flip, shapely.reverse(edges.lines[lead]), edges.lines[lead])
    ways = ways_frame(np.arange(1, len(rows) + 1), tags, number_vertices(lines, u, v), lines, crs)
    return ways.assign(osmid=pd.Series([_osmids([edges.data[i] for i in group]) for group in rows], dtype="str"))


def _canonical(edges: _Edges) -> tuple[Bools, list[bytes]]:
    """Return which edges run against the order of their ends, and the shape of each when it runs along it."""
    ahead, back = (_shape(lines) for lines in (edges.lines, shapely.reverse(edges.lines)))
    loops = (edges.u == edges.v).tolist()
    against = (edges.u > edges.v).tolist()
    turned = [b < a if loop else flip for a, b, loop, flip in zip(ahead, back, loops, against, strict=True)]
    return np.array(turned, dtype=bool), [b if t else a for a, b, t in zip(ahead, back, turned, strict=True)]


def _shape(lines: Any) -> list[bytes]:
    """Return the vertices in whole centimetres as bytes that compare equal when they are."""
    rounded = shapely.transform(lines, lambda xy: np.round(xy * 100))
    return shapely.to_wkb(rounded, byte_order=0).tolist()  # type: ignore[no-any-return]


def _shared_tags(data: Sequence[Mapping[str, str]], both_ways: bool) -> Tags:
    tags = {key: _one_value(key, data) for key in WAY_TAGS if key != "oneway"}
    if not both_ways and tags["highway"] in _DRIVABLE:
        tags["oneway"] = "yes"
    return tags


def _one_value(key: str, data: Sequence[Mapping[str, str]]) -> str:
    values = sorted({value for row in data for value in list_values(row.get(key))})
    if key == "highway":
        return strongest_class(values)
    return ";".join(values) if key in _JOINED else (values[0] if values else "")


def _osmids(data: Sequence[Mapping[str, str]]) -> str:
    return ";".join(sorted({value for row in data for value in list_values(row.get("osmid"))}))


# -- places ---------------------------------------------------------------------------------------------------------


def _build_points(text: GraphText, ids: Mapping[str, int], points: Any, ground: Any, crs: CRS) -> Any:
    tags = [{key: value for key, value in data.items() if key in POINT_TAGS} for _, data in text.nodes]
    worth = np.array([is_place(tag) for tag in tags], dtype=bool)
    if ground is not None:
        worth &= shapely.intersects(ground, points)
    rows = sorted(np.flatnonzero(worth).tolist(), key=lambda i: ids[text.nodes[i][0]])
    node_id = np.array([ids[text.nodes[i][0]] for i in rows], dtype=np.int64)
    return points_frame(node_id, [tags[i] for i in rows], points[rows], crs)
