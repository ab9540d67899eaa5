"""What is one feed: its features as bytes ready to be sent, found by place, by id and by their properties?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import orjson
import shapely
from numpy.typing import NDArray

from spatial.crs import NamedSystem, from_named, to_named
from spatial.errors import MissingError
from spatial.io.geojson import geometry_texts
from spatial.io.plan_layers import Layer

Kind = Literal["number", "integer", "string", "boolean", "other"]
Box = tuple[float, float, float, float]
Rows = NDArray[np.intp]
_HEAD, _GEOMETRY, _PROPERTIES = b'{"type":"Feature","id":', b',"geometry":', b',"properties":'
"""What stands in the bytes of a feature before its id, its geometry and its properties, in this order."""
_POINT = b'{"type":"Point","coordinates":'
_BYTES_PER_PLACE = 16
_BYTES_PER_FEATURE = 700
"""Measured: objects of Python and GEOS, ids, and the nodes of the tree."""
_FILLERS: Mapping[Kind, Any] = {"number": np.nan, "integer": np.nan, "string": "", "boolean": False, "other": None}
"""What stands in a column where a value is missing."""
_TYPES: Mapping[Kind, type] = {"number": float, "integer": float, "boolean": bool}


@dataclass(frozen=True, slots=True)
class Column:
    """A property of all features: its values, and where it is missing."""

    kind: Kind
    values: NDArray[Any]
    missing: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class LoadedLayer:
    """One layer as it is served.

    Attributes
    ----------
    features:
        Each feature as GeoJSON bytes; its geometry stands from ``cuts[row, 0]`` up to ``cuts[row, 1]`` in them.
    places:
        Index of the geometries, which are in lon/lat.
    columns:
        Properties by name, in the order in which they are served.
    size_bytes:
        About how much memory all this takes.
    """

    name: str
    title: str
    description: str
    ids: tuple[str, ...]
    features: tuple[bytes, ...]
    cuts: NDArray[np.int64]
    row_of: Mapping[str, int]
    places: Any
    columns: Mapping[str, Column]
    bbox: list[float] | None
    size_bytes: int

    @property
    def geometry(self) -> Any:
        """Geometries in lon/lat, one a row."""
        return self.places.geometries

    def find(self, box: Box | None, system: NamedSystem | None = None) -> Rows:
        """Return the rows, in order, whose geometry meets a box of a system; every row for None.

        A box in degrees whose west is east of its east crosses the antimeridian.

        Raises
        ------
        CrsError
            If the box lies where its system is not defined.
        """
        if box is None:
            return np.arange(len(self.features))
        west, south, east, north = box
        if system is not None and not system.crs.is_geographic:
            return self._find_projected(box, system)
        boxes = [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]
        areas = [shapely.box(left, south, right, north) for left, right in boxes]
        return np.unique(self.places.query(areas, predicate="intersects")[1])

    def _find_projected(self, box: Box, system: NamedSystem) -> Rows:
        """Return the rows that meet the box in its own system, where its sides are straight."""
        west, south, east, north = box
        there = shapely.box(south, west, north, east) if system.swapped else shapely.box(*box)
        step = max(east - west, north - south) / 32 or 1.0
        rough = from_named(shapely.segmentize(there, step), system)
        near = np.sort(self.places.query(shapely.box(*_widen(rough.bounds))))
        meets = np.asarray(shapely.intersects(to_named(self.geometry[near], system), there), dtype=bool)
        found: Rows = near[meets]
        return found

    def row(self, key: str) -> int:
        """Return the row of a feature.

        Raises
        ------
        MissingError
            If no feature has this id.
        """
        if key not in self.row_of:
            raise MissingError(f"layer {self.name} has no feature {key!r}")
        return self.row_of[key]

    def write(self, rows: Rows, system: NamedSystem | None = None) -> list[bytes]:
        """Return features as bytes, their geometry in a system (None: as they stand, in CRS84)."""
        if system is None:
            if len(rows) and (np.diff(rows) == 1).all():  # a whole layer, or a page of one
                return list(self.features[int(rows[0]) : int(rows[-1]) + 1])
            return [self.features[row] for row in rows.tolist()]
        return self.write_with(rows, to_named(self.geometry[rows], system))

    def write_with(self, rows: Rows, geometry: Any) -> list[bytes]:
        """Return features as bytes with other geometries in place of their own."""
        texts, at = geometry_texts(geometry), self.cuts[rows].tolist()
        whole = (self.features[row] for row in rows.tolist())
        return [one[:start] + text + one[end:] for one, text, (start, end) in zip(whole, texts, at, strict=True)]


def _widen(bounds: Sequence[float]) -> Sequence[float]:
    """Return lon/lat bounds a little wider: the curve between two places of a side bulges."""
    west, south, east, north = bounds
    by = 0.01 * max(east - west, north - south) + 1e-6
    return west - by, south - by, east + by, north + by


def build_layer(layer: Layer, features: Sequence[Mapping[str, Any]]) -> LoadedLayer:
    """Return a layer of GeoJSON features in lon/lat, each with its id, in the order in which they are served."""
    geometry = [orjson.dumps(feature["geometry"]) for feature in features]
    heads = [_HEAD + orjson.dumps(feature["id"]) + _GEOMETRY for feature in features]
    tails = [_PROPERTIES + orjson.dumps(feature["properties"]) + b"}" for feature in features]
    start = np.array([len(head) for head in heads], dtype=np.int64)
    end = start + np.array([len(text) for text in geometry], dtype=np.int64)
    told = tuple(head + text + tail for head, text, tail in zip(heads, geometry, tails, strict=True))
    ids, properties = (tuple(feature[name] for feature in features) for name in ("id", "properties"))
    return _fill_layer(layer, told, np.column_stack([start, end]), ids, _read_shapes(geometry), properties)


def load_layer(layer: Layer, features: Sequence[bytes]) -> LoadedLayer:
    """Return the layer that ``build_layer`` makes of features as bytes, for less where they are written as there.

    Then they are cut where their geometry begins and ends instead of being read and written again.
    """
    start = np.array([one.find(_GEOMETRY) for one in features], dtype=np.int64)
    end = np.array([one.find(_PROPERTIES) for one in features], dtype=np.int64)
    if not ((start >= len(_HEAD)) & (start < end)).all() or not all(one.startswith(_HEAD) for one in features):
        return build_layer(layer, [orjson.loads(one) for one in features])
    cuts = np.column_stack([start + len(_GEOMETRY), end])
    at = list(zip(features, start.tolist(), *cuts.T.tolist(), strict=True))
    try:
        shapes = _read_shapes([one[begin:stop] for one, _, begin, stop in at])
        ids = _read_all([one[len(_HEAD) : stop] for one, stop, _, _ in at])
        properties = _read_all([one[stop + len(_PROPERTIES) : -1] for one, _, _, stop in at])
    except (orjson.JSONDecodeError, shapely.GEOSException):  # there is more in a feature, or in another order
        return build_layer(layer, [orjson.loads(one) for one in features])
    return _fill_layer(layer, tuple(features), cuts, tuple(ids), shapes, properties)


def _read_all(texts: Sequence[bytes]) -> list[Any]:
    """Return the values of JSON texts, read at once."""
    found: list[Any] = orjson.loads(b"[" + b",".join(texts) + b"]")
    return found


def _read_shapes(texts: Sequence[bytes]) -> Any:
    """Return the geometries of GeoJSON texts; of points alone they are made of their numbers, which takes less."""
    if texts and all(one.startswith(_POINT) for one in texts):
        places = [one["coordinates"] for one in _read_all(texts)]
        if {len(place) for place in places} == {2}:
            return shapely.points(np.array(places, dtype=np.float64))
    return shapely.from_geojson(np.array([None if one == b"null" else one.decode() for one in texts], dtype=object))


def _fill_layer(
    layer: Layer,
    features: tuple[bytes, ...],
    cuts: NDArray[np.int64],
    ids: tuple[str, ...],
    shapes: Any,
    properties: Sequence[Mapping[str, Any]],
) -> LoadedLayer:
    return LoadedLayer(
        name=layer.name,
        title=layer.title,
        description=layer.description,
        ids=ids,
        features=features,
        cuts=cuts,
        row_of={key: row for row, key in enumerate(ids)},
        places=shapely.STRtree(shapes),
        columns=_read_columns(properties),
        bbox=None if shapely.is_missing(shapes).all() else shapely.total_bounds(shapes).tolist(),
        size_bytes=estimate_bytes(cuts, [len(one) for one in features], shapes),
    )


def estimate_bytes(cuts: NDArray[np.int64], lengths: Sequence[int], shapes: Any) -> int:
    """Return about how many bytes a layer takes: features as text, properties as values, places and the tree."""
    start, end = cuts.T
    texts = int((end - start).sum() + 2 * (np.array(lengths, dtype=np.int64) - end).sum())
    return texts + _BYTES_PER_PLACE * int(shapely.get_num_coordinates(shapes).sum()) + _BYTES_PER_FEATURE * len(cuts)


def _read_columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, Column]:
    told = {tuple(row) for row in rows}
    if len(told) == 1:  # as mostly: all rows name the same, in the same order
        columns = zip(*(row.values() for row in rows), strict=True)
        return {name: _read_column(list(values)) for name, values in zip(*told, columns, strict=True)}
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: _read_column([row.get(name) for row in rows]) for name in names}


def _read_column(values: list[Any]) -> Column:
    missing = np.array([value is None for value in values], dtype=bool)
    kind = kind_of([value for value in values if value is not None])
    out, filler = fill_of(kind, len(values)), _FILLERS[kind]
    out[:] = [filler if value is None else value for value in values]
    return Column(kind, out, missing)


def fill_of(kind: Kind, count: int) -> NDArray[Any]:
    """Return the values of a column of a kind that is missing everywhere."""
    return np.full(count, _FILLERS[kind], dtype=_TYPES.get(kind, object))


def kind_of(values: list[Any]) -> Kind:
    """Return the kind of a column with these values, beside those that are missing."""
    kinds = {type(value) for value in values}
    if kinds == {bool}:
        return "boolean"
    if kinds <= {str}:  # a property that is missing everywhere is an empty text
        return "string"
    if kinds == {int}:
        return "integer"
    return "number" if kinds <= {int, float} else "other"
