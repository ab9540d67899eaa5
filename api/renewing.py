"""What is a layer once some of its features have changed: the same as if all of it were read anew, for less?"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import orjson
import shapely

from api.layers import Column, Kind, LoadedLayer, Rows, build_layer, estimate_bytes, fill_of, kind_of
from spatial.io.plan_layers import Layer


def renew_layer(
    layer: Layer, before: LoadedLayer, changed: Mapping[str, Mapping[str, Any] | None]
) -> LoadedLayer | None:
    """Return a layer whose features stand by id, with some of them changed: feature by id, None where one is gone.

    It is what ``build_layer`` makes of all its features, which name the same properties. Returns None where that cannot
    be told from the layer before: properties of other names or kinds, or kinds that other features may have made.
    """
    if not changed:
        return before
    some = build_layer(layer, [feature for _, feature in sorted(changed.items()) if feature is not None])
    if some.ids and [*some.columns] != [*before.columns]:
        return None
    rows = _merge(before, some, changed)
    merged = {name: _merge_columns(before.columns[name], some.columns.get(name), rows) for name in before.columns}
    columns = {name: column for name, column in merged.items() if column is not None}
    if not len(rows) or len(columns) < len(merged):
        return None
    took = rows.tolist()
    features = _take((*before.features, *some.features), took)
    cuts = np.concatenate([before.cuts, some.cuts])[rows]
    ids = _take((*before.ids, *some.ids), took)
    shapes = np.concatenate([before.geometry, some.geometry])[rows]
    renewed = replace(
        before,
        features=features,
        cuts=cuts,
        columns=columns,
        size_bytes=estimate_bytes(cuts, [len(one) for one in features], shapes),
    )
    if ids == before.ids and _stand_still(before, some):
        return renewed
    return replace(
        renewed,
        ids=ids,
        row_of={key: row for row, key in enumerate(ids)},
        places=shapely.STRtree(shapes),
        bbox=None if shapely.is_missing(shapes).all() else shapely.total_bounds(shapes).tolist(),
    )


def move_blocks(before: LoadedLayer, grid_of: Mapping[str, str]) -> dict[str, Mapping[str, Any]]:
    """Return the features of blocks that are in another grid than before, by id; ``grid_of`` names some or all."""
    was = before.columns["grid_id"].values
    moved = {block: grid for block, grid in grid_of.items() if was[before.row_of[block]] != grid}
    told = {block: orjson.loads(before.features[before.row_of[block]]) for block in moved}
    return {block: {**one, "properties": {**one["properties"], "grid_id": moved[block]}} for block, one in told.items()}


def _merge(before: LoadedLayer, some: LoadedLayer, changed: Mapping[str, Any]) -> Rows:
    """Return, for each feature by id, its row in the layer before with those that changed behind it."""
    kept = [(key, row) for row, key in enumerate(before.ids) if key not in changed]
    new = [(key, len(before.ids) + row) for row, key in enumerate(some.ids)]
    return np.array([row for _, row in sorted(kept + new)], dtype=np.intp)


def _take(values: tuple[Any, ...], rows: Sequence[int]) -> tuple[Any, ...]:
    return tuple([values[row] for row in rows])


def _stand_still(before: LoadedLayer, some: LoadedLayer) -> bool:
    """Tell whether the features that changed lie where they lay."""
    for key, feature, (start, end) in zip(some.ids, some.features, some.cuts.tolist(), strict=True):
        row = before.row_of[key]
        begin, stop = before.cuts[row]
        if before.features[row][begin:stop] != feature[start:end]:
            return False
    return True


def _merge_columns(before: Column, some: Column | None, rows: Rows) -> Column | None:
    """Return the values of both columns in rows of one behind the other; None where they are of different kinds."""
    count = len(before.values)
    old = rows[rows < count]
    parts = [(before, rows < count, old)]
    if some is not None:
        parts.append((some, rows >= count, rows[rows >= count] - count))
    kinds = {column.kind for column, _, at in parts if not column.missing[at].all()}
    if len(kinds) > 1 and kinds != {"integer", "number"}:
        return None
    kind: Kind = "string" if not kinds else "number" if len(kinds) > 1 else kinds.pop()
    values = fill_of(kind, len(rows))
    missing = np.ones(len(rows), dtype=bool)
    for column, where, at in parts:
        missing[where] = column.missing[at]
        if column.kind == kind or {column.kind, kind} == {"integer", "number"}:
            values[where] = column.values[at]
    return None if _may_be_of_another_kind(kind, values[~missing]) else Column(kind, values, missing)


def _may_be_of_another_kind(kind: Kind, values: Any) -> bool:
    """Tell whether values are of the kind of their column only by values that are there no more, as far as they tell.

    A column of numbers may hold whole ones beside others; as floats all of them look alike.
    """
    if kind == "number":
        return bool((values == np.trunc(values)).all())
    return kind == "other" and kind_of(values.tolist()) != kind
