"""Which streets, railways, streams and walls does a layer of plain lines hold?"""

from collections import Counter
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from spatial.crs import LONLAT, is_lonlat, metric_crs, require_metric, to_metres, transform_geometry
from spatial.errors import CrsError, InputError
from spatial.io.osm_classes import CLASS_COLUMNS, NAME_COLUMNS, class_tags
from spatial.io.osm_extent import check_clip
from spatial.io.osm_frames import Bools, Ints, counted, empty_areas, empty_points, ways_frame
from spatial.io.osm_tags import Tags, list_values, strongest_class
from spatial.io.osm_vertices import hold_numbers, number_by_place, number_vertices, orient, stray_ends
from spatial.io.street_layer import guess_crs, read_layer
from spatial.io.systems import check_units
from spatial.tables import WAY_TAGS, Streets

_TAG_COLUMNS = tuple(tag for tag in WAY_TAGS if tag not in ("highway", "name", "oneway", "bridge", "tunnel"))
_SETTLED = ("railway", "waterway", "barrier", "natural", "man_made")
_YES = frozenset({"yes", "true", "t", "1", "1.0", "是"})
_NO = frozenset({"no", "false", "f", "0", "0.0", "否", ""})
NOT_A_LINE = "row without a line"
NO_LENGTH = "line of no length"
NO_NUMBER = "line with a vertex that is no number"
OUTSIDE = "line outside the clip"
STRAY = "line end that stands elsewhere than its node: numbered anew"
UNKNOWN = "class not known, kept as unclassified: "
_UNKNOWN_NAMED = 20


def read_street_lines(
    path: str | Path, *, crs: Any = None, clip: Any = None, class_column: str | None = None, encoding: str | None = None
) -> Streets:
    """Return the street map of a layer of lines (GeoPackage, GeoParquet, Shapefile, GeoJSON ...), in metres.

    The class of a line is read from ``class_column``, else from a column whose name says so (``highway``, ``fclass``,
    ``道路等级`` ...); OpenStreetMap values stay, Chinese class names are translated, unknown ones are counted and kept
    as ``unclassified``. Node ids of the ends are taken from columns ``u`` and ``v`` where there are such; otherwise
    ends within the same centimetre are one node. Lines of several parts become one way per part. Ways keep the order
    of their shapes, not of the rows.

    Raises
    ------
    InputError
        If the file is missing, cannot be read, or has no column of classes.
    CrsError
        If it is in an undeclared projected system; the text says which it may be.
    """
    path = Path(path)
    layer, source = read_layer(path, encoding)
    dropped: Counter[str] = Counter()
    if layer.crs is None:
        layer, source = layer.set_crs(guess_crs(layer, path.name)), f"{source} (coordinates read as WGS 84)"
    lines = _explode(layer, dropped)
    if not len(lines):
        raise InputError(f"{path.name} holds no lines that can be drawn; needed a layer of streets")
    check_units(lines.crs, lines.geometry.to_numpy(), path.name)
    tags = _tags(lines, _class_column(lines, class_column, path.name), dropped)
    metric = _choose_crs(crs, lines)
    geometry = transform_geometry(lines.geometry.to_numpy(), lines.crs, metric)
    ground = None if clip is None else to_metres(check_clip(clip), metric)
    keep = _usable(geometry, ground, dropped)
    rows = np.flatnonzero(keep)[_order(geometry[keep], [tags[i] for i in np.flatnonzero(keep).tolist()])]
    ways = _build_ways(lines.iloc[rows], geometry[rows], [tags[i] for i in rows.tolist()], metric, dropped)
    return Streets(
        ways=ways,
        points=empty_points(metric),
        areas=empty_areas(metric),
        outline=_outline(ways, ground),
        crs=metric,
        source=source,
        dropped=counted(dropped),
    )


def _explode(layer: Any, dropped: "Counter[str]") -> Any:
    """Return one row per line, without Z and without repeated vertices."""
    geometry = layer.geometry.to_numpy()
    lines = np.isin(shapely.get_type_id(geometry), (1, 2, 5))
    dropped[NOT_A_LINE] += int((~lines).sum())
    layer = layer.loc[lines].set_geometry(
        gpd.GeoSeries(shapely.force_2d(geometry[lines]), index=layer.index[lines], crs=layer.crs)
    )
    layer = layer.explode(ignore_index=True)
    numbers = hold_numbers(layer.geometry.to_numpy())
    dropped[NO_NUMBER] += int((~numbers).sum())
    layer = layer.loc[numbers].reset_index(drop=True)
    plain = shapely.remove_repeated_points(layer.geometry.to_numpy())
    return layer.set_geometry(gpd.GeoSeries(plain, index=layer.index, crs=layer.crs))


def _choose_crs(crs: Any, lines: Any) -> Any:
    if crs is not None:
        return require_metric(crs, "the system asked for")
    bounds = shapely.bounds(lines.geometry.to_numpy())
    finite = bounds[np.isfinite(bounds).all(axis=1)]
    if not len(finite):
        raise InputError("the layer holds no line with finite coordinates; needed at least one")
    middle = shapely.Point(np.median((finite[:, 0] + finite[:, 2]) / 2), np.median((finite[:, 1] + finite[:, 3]) / 2))
    lonlat = middle if is_lonlat(lines.crs) else transform_geometry(middle, lines.crs, LONLAT)
    if not (abs(lonlat.x) <= 180 and abs(lonlat.y) <= 84):
        raise CrsError(
            f"the layer says it is in {lines.crs.name} but lies around ({middle.x:.6g}, {middle.y:.6g}); "
            "needed coordinates that its system can place"
        )
    return metric_crs(lonlat.x, lonlat.y)


def _usable(geometry: Any, ground: Any, dropped: "Counter[str]") -> Bools:
    finite = np.isfinite(shapely.bounds(geometry)).all(axis=1)
    long = finite & (shapely.length(geometry) > 0)
    dropped[NO_LENGTH] += int((~long).sum())
    if ground is None:
        return np.asarray(long)
    shapely.prepare(ground)
    held = long & shapely.intersects(ground, geometry)
    dropped[OUTSIDE] += int((long & ~held).sum())
    return np.asarray(held)


def _order(geometry: Any, tags: list[Tags]) -> Ints:
    """Return the order of the lines by where they run and what they are, whatever the order of the rows."""
    shape = shapely.to_wkb(geometry, byte_order=0).tolist()
    box = np.round(shapely.bounds(geometry), 2)
    keys = [(*box[i].tolist(), shape[i], sorted(tags[i].items())) for i in range(len(tags))]
    return np.array(sorted(range(len(keys)), key=keys.__getitem__), dtype=np.int64)


def _build_ways(rows: Any, lines: Any, tags: list[Tags], crs: Any, dropped: "Counter[str]") -> Any:
    by_place = number_by_place(lines)
    nodes = by_place
    if {"u", "v"} <= set(rows.columns) and all(pd.api.types.is_integer_dtype(rows[name]) for name in ("u", "v")):
        u, v = (rows[name].to_numpy(dtype=np.int64) for name in ("u", "v"))
        turned = orient(lines, u, v)
        u, v = np.where(turned, v, u), np.where(turned, u, v)
        stray_u, stray_v = stray_ends(lines, u, v)
        dropped[STRAY] += int(stray_u.sum() + stray_v.sum())
        above = max(int(u.max()), int(v.max()), 0)
        first = np.array([ids[0] for ids in by_place], dtype=np.int64) + above
        last = np.array([ids[-1] for ids in by_place], dtype=np.int64) + above
        nodes = number_vertices(lines, np.where(stray_u, first, u), np.where(stray_v, last, v))
    return ways_frame(np.arange(1, len(lines) + 1), tags, nodes, lines, crs)


def _outline(ways: Any, ground: Any) -> Any:
    if not len(ways):
        return ground
    hull = shapely.convex_hull(shapely.multilinestrings(ways.geometry.to_numpy()))
    outline = hull if ground is None else shapely.intersection(hull, ground)
    return outline if outline.area > 0 else None


# -- tags -----------------------------------------------------------------------------------------------------------


def _class_column(lines: Any, given: str | None, name: str) -> str:
    columns = [str(column) for column in lines.columns if column != lines.geometry.name]
    if given is not None:
        if given in columns:
            return given
        raise InputError(f"{name} has no column {given!r}; it has {columns}")
    lower = {column.lower(): column for column in reversed(columns)}
    for known in CLASS_COLUMNS:
        if known in lower:
            return lower[known]
    raise InputError(f"{name} has columns {columns}; needed one of {', '.join(CLASS_COLUMNS)}, or a class_column")


def _tags(lines: Any, column: str, dropped: "Counter[str]") -> list[Tags]:
    """Return the tags of each line; classes that are not known are counted by name."""
    carried = {tag: _texts(lines[tag]) for tag in _TAG_COLUMNS if tag in lines.columns}
    carried |= {tag: [_flag(text) for text in _texts(lines[tag])] for tag in ("bridge", "tunnel") if tag in lines}
    if "oneway" in lines.columns:
        geofabrik = column.lower() == "fclass"
        carried["oneway"] = [_oneway(text, geofabrik) for text in _texts(lines["oneway"])]
    names = next((known for known in NAME_COLUMNS if known in lines.columns), None)
    if names is not None:
        carried["name"] = [";".join(list_values(value)) for value in lines[names].tolist()]
    unknown: Counter[str] = Counter()
    found = [
        _class(value, {tag: texts[i] for tag, texts in carried.items() if texts[i]}, unknown)
        for i, value in enumerate(lines[column].tolist())
    ]
    named = sorted(unknown, key=lambda name: (-unknown[name], name))
    for name in named[:_UNKNOWN_NAMED]:
        dropped[UNKNOWN + name] += unknown[name]
    dropped[UNKNOWN + "others"] += sum(unknown[name] for name in named[_UNKNOWN_NAMED:])
    return found


def _class(value: Any, own: dict[str, str], unknown: "Counter[str]") -> Tags:
    """Return the tags of a line with its class; without a class a railway or wall named in its own column stays one."""
    values = list_values(value)
    known = [tags for text in values if (tags := class_tags(text)) is not None]
    if known:
        highway = strongest_class([tags["highway"] for tags in known if "highway" in tags])
        return {**own, **({"highway": highway} if highway else known[0])}
    if not values and any(tag in own for tag in _SETTLED):
        return own
    unknown[";".join(values) or "(empty)"] += 1
    return {**own, "highway": "unclassified"}


def _texts(column: Any) -> list[str]:
    return [_text(list_values(value)) for value in column.tolist()]


def _text(values: list[str]) -> str:
    text = values[0] if values else ""
    return text.removesuffix(".0") if text.removesuffix(".0").lstrip("-").isdigit() else text


def _flag(text: str) -> str:
    if text.lower() in _NO:
        return ""
    return "yes" if text.lower() in _YES else text


def _oneway(text: str, geofabrik: bool) -> str:
    if geofabrik and text in ("B", "F", "T"):
        return {"B": "", "F": "yes", "T": "-1"}[text]
    return text if text == "-1" else _flag(text)
