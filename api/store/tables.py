"""How do features stand in the layers of a store, and how are they found by place?"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import orjson
import shapely

from api.store.database import Dialect, Rows
from api.store.geopackage import promote
from api.store.layers import STORED
from api.store.records import Page
from spatial.tables import Kind

Box = tuple[float, float, float, float]
_NO_GRID = b'"grid_id":null'
_CHUNK = 500
_SOURCES = {
    "grids": (
        """grids t JOIN contents c ON c.plan_id = t.plan_id AND c.content = t.content
        JOIN drawings d ON d.plan_id = c.plan_id AND d.drawing = c.drawing WHERE""",
        "d.feature || c.decided",
        "''",
    ),
    "blocks": (
        "blocks t JOIN served c ON c.plan_id = t.plan_id AND c.layer = 'blocks' AND c.feature_id = t.feature_id WHERE",
        "c.feature",
        "t.grid_id",
    ),
}
"""Of the layers that edits change: where their features are, and the grid of each."""


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
    cells = [(name, _CELLS[kind]) for name, kind in stored.columns.items()]
    geometries = dialect.encode(promote(geometries_of(features), stored.shape))
    marks = ", ".join("?" * len(names))
    lines = [
        (geometry, plan_id, feature["id"], *_cells(feature["properties"], cells))
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


def set_columns(
    rows: Rows, layer: str, plan_id: str, features: Sequence[Mapping[str, Any]], contents: Sequence[str]
) -> None:
    """Write what is known of features that stand in a layer, but for their places; ``contents`` as above."""
    stored = STORED[layer]
    names = [name for name in stored.columns if name != "content"]
    cells = [(name, _CELLS[stored.columns[name]]) for name in names]
    rows.run_many(
        f"""UPDATE {layer} SET {", ".join(f"{name} = ?" for name in names)}, content = ?
            WHERE plan_id = ? AND feature_id = ?""",
        [
            (*_cells(one["properties"], cells), content, plan_id, one["id"])
            for one, content in zip(features, contents, strict=True)
        ],
    )


def geometries_of(features: Sequence[Mapping[str, Any]]) -> Any:
    """Return the geometries of parsed features as an array."""
    texts = [None if f["geometry"] is None else orjson.dumps(f["geometry"]).decode() for f in features]
    return shapely.from_geojson(np.array(texts, dtype=object))


def _to_text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


_CELLS: Mapping[Kind, Callable[[Any], Any]] = {"text": _to_text, "integer": int, "number": float, "flag": bool}
"""How a property is kept in a column of a kind."""


def _cells(properties: Mapping[str, Any], wanted: Sequence[tuple[str, Callable[[Any], Any]]]) -> list[Any]:
    """Return the properties of a feature as they are kept in columns; None where it has none."""
    return [None if (value := properties.get(name)) is None else to(value) for name, to in wanted]


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
        page = _read_sorted(rows, dialect, layer, plan_id, ("LIMIT ? OFFSET ?", (limit, offset)))
        return Page(page, 0 if count is None else int(count[0]))
    ids = _find_ids(rows, dialect, layer, plan_id, box)
    wanted = ids[offset : offset + limit]
    chunks = (wanted[start : start + _CHUNK] for start in range(0, len(wanted), _CHUNK))
    return Page(tuple(one for some in chunks for one in _read_sorted(rows, dialect, layer, plan_id, some)), len(ids))


def _find_ids(rows: Rows, dialect: Dialect, layer: str, plan_id: str, box: Box) -> list[str]:
    """Return the ids, in order, of the features whose geometry meets a box."""
    found = set[str]()
    for part in split_box(box):
        found.update(
            _gather(rows, dialect, layer, dialect.quote("feature_id"), dialect.meets_box(layer), plan_id, part)
        )
        near = dialect.near_box(layer)
        if near is None:
            continue
        both = f"json_array(feature_id, hex({dialect.geometry_out}))"
        told = _gather(rows, dialect, layer, both, near, plan_id, part)
        meets = meets_box(dialect.decode([bytes.fromhex(blob) for _, blob in told]), part)
        found.update(key for (key, _), yes in zip(told, meets, strict=True) if yes)
    return sorted(found)


def _gather(
    rows: Rows, dialect: Dialect, layer: str, expression: str, condition: str, plan_id: str, box: Box
) -> list[Any]:
    """Return an expression, which is JSON, of each feature that keeps a condition on its place.

    They come as one row: a driver that lets go of Python's lock at each row waits for it again at each row.
    """
    sql = f"SELECT {dialect.lines(expression)} FROM {layer} WHERE plan_id = ? AND {condition}"
    found = rows.one(sql, plan_id, *box)
    return _read_lines(None if found is None else found[0])


def gather_columns(rows: Rows, dialect: Dialect, layer: str, columns: Sequence[str], plan_id: str) -> list[list[Any]]:
    """Return columns of texts of a whole layer, the same row at the same place in each; one row, as in ``_gather``."""
    told = ", ".join(dialect.lines(dialect.quote(column)) for column in columns)
    wanted = ", ".join({"feature_id": None, **dict.fromkeys(columns)})
    ordered = f"SELECT {wanted} FROM {layer} WHERE plan_id = ? ORDER BY feature_id"
    found = rows.one(f"SELECT {told} FROM ({ordered}) held", plan_id)
    return [_read_lines(text) for text in found or ()]


def _read_lines(text: str | bytes | None) -> list[Any]:
    """Return the values of a text that has one a line, as JSON."""
    held: list[Any] = [] if text is None else orjson.loads(b"[" + _to_bytes(text).replace(b"\n", b",") + b"]")
    return held


def _to_bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


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


def _read_sorted(
    rows: Rows, dialect: Dialect, layer: str, plan_id: str, wanted: Sequence[str] | tuple[str, tuple[int, int]]
) -> tuple[bytes, ...]:
    """Return features by id, gathered in one row: those of some ids, or a range as SQL tells it with its values."""
    source, feature, grid_id = _SOURCES.get(layer, (f"served t WHERE t.layer = '{layer}' AND", "t.feature", "''"))
    if isinstance(wanted, tuple):
        which, last, values = "", *wanted
    else:
        which, last, values = f"AND t.feature_id IN ({', '.join('?' * len(wanted))})", "", tuple(wanted)
    found = rows.one(
        f"""SELECT {dialect.lines("feature")}, {dialect.lines(dialect.quote("grid_id"))} FROM (
            SELECT t.feature_id, {feature} AS feature, {grid_id} AS grid_id FROM {source} t.plan_id = ? {which}
            ORDER BY t.feature_id {last}) page""",
        *(plan_id, *values),
    )
    if found is None or found[0] is None:
        return ()
    features = _to_bytes(found[0]).split(b"\n")  # JSON has no bare line ends
    if layer != "blocks":
        return tuple(features)
    return tuple(with_grid(one, grid) for one, grid in zip(features, _read_lines(found[1]), strict=True))


def with_grid(feature: bytes, grid_id: str) -> bytes:
    """Return the bytes of a block with the grid it is in."""
    return feature.replace(_NO_GRID, b'"grid_id":' + orjson.dumps(grid_id), 1)
