"""How do features stand in the layers of a store, and how are they found by place?"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import orjson
import shapely

from api.store.database import Dialect, Rows
from api.store.geopackage import promote
from api.store.layers import STORED, StoredLayer
from api.store.records import Page

Box = tuple[float, float, float, float]
_NO_GRID = b'"grid_id":null'
_CHUNK = 500


def put_features(
    rows: Rows,
    dialect: Dialect,
    layer: str,
    plan_id: str,
    features: Sequence[Mapping[str, Any]],
    *,
    contents: Sequence[str] = (),
) -> None:
    """Write GeoJSON features (parsed) into the table of a layer; ``contents`` names that of each grid."""
    stored = STORED[layer]
    names = list(stored.columns)
    geometries = dialect.encode(promote(geometries_of(features), stored.shape))
    marks = ", ".join("?" * len(names))
    lines = [
        (geometry, plan_id, feature["id"], *(_cell(feature["properties"], name, stored) for name in names))
        for geometry, feature in zip(geometries, features, strict=True)
    ]
    if contents:
        at = 3 + names.index("content")
        lines = [(*line[:at], content, *line[at + 1 :]) for line, content in zip(lines, contents, strict=True)]
    rows.run_many(
        f"""INSERT INTO {layer} (geom, plan_id, feature_id, {", ".join(names)})
            VALUES ({dialect.geometry_in}, ?, ?, {marks})""",
        lines,
    )


def geometries_of(features: Sequence[Mapping[str, Any]]) -> Any:
    """Return the geometries of parsed features as an array."""
    texts = [None if f["geometry"] is None else orjson.dumps(f["geometry"]).decode() for f in features]
    return shapely.from_geojson(np.array(texts, dtype=object))


def _cell(properties: Mapping[str, Any], name: str, layer: StoredLayer) -> Any:
    value = properties.get(name)
    if value is None:
        return None
    match layer.columns[name]:
        case "text":
            return value if isinstance(value, str) else orjson.dumps(value).decode()
        case "integer":
            return int(value)
        case "number":
            return float(value)
        case "flag":
            return bool(value)


def put_served(rows: Rows, layer: str, plan_id: str, features: Sequence[Mapping[str, Any]]) -> None:
    """Keep the bytes of features of a layer that no edit changes, but for the grid of a block."""
    if layer == "blocks":
        features = [{**f, "properties": {**f["properties"], "grid_id": None}} for f in features]
    rows.run_many(
        "INSERT INTO served (plan_id, layer, feature_id, feature) VALUES (?, ?, ?, ?)",
        [(plan_id, layer, feature["id"], orjson.dumps(feature).decode()) for feature in features],
    )


def read_served(rows: Rows, layer: str, plan_id: str) -> list[bytes]:
    """Return the features of a layer that is kept as it is served alone, by id."""
    told = "SELECT feature FROM served WHERE plan_id = ? AND layer = ? ORDER BY feature_id"
    return [row[0].encode() for row in rows.all(told, plan_id, layer)]


def find_features(
    rows: Rows, dialect: Dialect, layer: str, plan_id: str, *, box: Box | None, limit: int, offset: int
) -> Page:
    """Return a page of a layer of the last version."""
    if box is None:
        count = rows.one(f"SELECT count(*) FROM {layer} WHERE plan_id = ?", plan_id)
        found = rows.all(
            f"SELECT feature_id FROM {layer} WHERE plan_id = ? ORDER BY feature_id LIMIT ? OFFSET ?",
            plan_id,
            limit,
            offset,
        )
        return Page(_read_page(rows, layer, plan_id, [row[0] for row in found]), 0 if count is None else int(count[0]))
    ids = _find_ids(rows, dialect, layer, plan_id, box)
    return Page(_read_page(rows, layer, plan_id, ids[offset : offset + limit]), len(ids))


def _find_ids(rows: Rows, dialect: Dialect, layer: str, plan_id: str, box: Box) -> list[str]:
    """Return the ids, in order, of the features whose geometry meets a box."""
    found: dict[str, Any] = {}
    for part in split_box(box):
        found |= dict(
            rows.all(
                f"""SELECT feature_id, {dialect.geometry_out} FROM {layer}
                    WHERE plan_id = ? AND {dialect.meets_box(layer)}""",
                plan_id,
                *part,
            )
        )
    ids = sorted(found)
    meets = meets_box(dialect.decode([found[key] for key in ids]), box)
    return [key for key, yes in zip(ids, meets, strict=True) if yes]


def split_box(box: Box) -> list[Box]:
    """Return a box whose west is east of its east as the two that lie on either side of the antimeridian."""
    west, south, east, north = box
    return [box] if west <= east else [(west, south, 180.0, north), (-180.0, south, east, north)]


def meets_box(geometries: Any, box: Box) -> Any:
    """Tell of each geometry whether it meets a box."""
    meets = np.zeros(len(geometries), dtype=bool)
    for part in split_box(box):
        meets |= shapely.intersects(shapely.box(*part), geometries)
    return meets


def _read_page(rows: Rows, layer: str, plan_id: str, ids: Sequence[str]) -> tuple[bytes, ...]:
    """Return the features of these ids, in their order."""
    out: dict[str, bytes] = {}
    for start in range(0, len(ids), _CHUNK):
        some = ids[start : start + _CHUNK]
        out |= _read_chunk(rows, layer, plan_id, some)
    return tuple(out[key] for key in ids)


def _read_chunk(rows: Rows, layer: str, plan_id: str, ids: Sequence[str]) -> dict[str, bytes]:
    marks = ", ".join("?" * len(ids))
    if layer == "grids":
        found = rows.all(
            f"""SELECT g.feature_id, c.feature FROM grids g
                JOIN contents c ON c.plan_id = g.plan_id AND c.content = g.content
                WHERE g.plan_id = ? AND g.feature_id IN ({marks})""",
            plan_id,
            *ids,
        )
        return {key: feature.encode() for key, feature in found}
    served = rows.all(
        f"SELECT feature_id, feature FROM served WHERE plan_id = ? AND layer = ? AND feature_id IN ({marks})",
        plan_id,
        layer,
        *ids,
    )
    if layer != "blocks":
        return {key: feature.encode() for key, feature in served}
    held = f"SELECT feature_id, grid_id FROM blocks WHERE plan_id = ? AND feature_id IN ({marks})"
    grid_of: dict[str, str] = dict(rows.all(held, plan_id, *ids))
    return {key: with_grid(feature.encode(), grid_of[key]) for key, feature in served}


def with_grid(feature: bytes, grid_id: str) -> bytes:
    """Return the bytes of a block with the grid it is in."""
    return feature.replace(_NO_GRID, b'"grid_id":' + orjson.dumps(grid_id), 1)
