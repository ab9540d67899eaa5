"""What did a layer look like in an earlier version?"""

from typing import Any

import numpy as np
import orjson

from api.store.database import Dialect, Rows
from api.store.findings import LAYER, read_all, read_findings
from api.store.grids import read_grids
from api.store.layers import KEPT, STORED
from api.store.records import Grid, Page
from api.store.tables import Box, find_features, geometries_of, meets_box, read_served, with_grid
from api.store.taken import PUT_IN, TAKEN, find_taken, read_content
from api.store.versions import find_head
from spatial.errors import MissingError


def read_features(
    rows: Rows, dialect: Dialect, plan_id: str, version: int, layer: str, *, box: Box | None, limit: int, offset: int
) -> Page:
    """Return a page of a layer as it stood in a version: the same bytes whenever it is asked for.

    Raises
    ------
    MissingError
        If there is no such plan, version or layer.
    """
    if layer not in (*STORED, *KEPT):
        raise MissingError(f"no layer {layer!r}; the store has {', '.join((*STORED, *KEPT))}")
    head = find_head(rows, plan_id)
    if not 1 <= version <= head:
        raise MissingError(f"plan {plan_id!r} has no version {version}; it has 1 to {head}")
    if layer in KEPT:
        return _page(read_served(rows, layer, plan_id), box, limit, offset)
    if layer in TAKEN:
        then, now = (find_taken(rows, plan_id, one).get(layer, PUT_IN) for one in (version, head))
        if then != PUT_IN or now != PUT_IN:
            return _page(read_content(rows, plan_id, layer, then), box, limit, offset)
    if version == head or layer not in ("grids", "blocks", LAYER):
        return find_features(rows, dialect, layer, plan_id, box=box, limit=limit, offset=offset)
    if layer == LAYER:
        told = read_all(read_findings(rows, plan_id, version))
        return _page([orjson.dumps(feature) for feature in told], box, limit, offset)
    grids = [grid for grid in read_grids(rows, plan_id, version) if grid.feature]
    if layer == "grids":
        return _page([grid.feature for grid in grids], box, limit, offset)
    return _page_blocks(rows, dialect, plan_id, grids, box=box, limit=limit, offset=offset)


def _page(features: list[bytes], box: Box | None, limit: int, offset: int) -> Page:
    kept = features
    if box is not None:
        meets = meets_box(geometries_of([orjson.loads(feature) for feature in features]), box)
        kept = [features[row] for row in np.flatnonzero(meets)]
    return Page(tuple(kept[offset : offset + limit]), len(kept))


def _page_blocks(
    rows: Rows, dialect: Dialect, plan_id: str, grids: list[Grid], *, box: Box | None, limit: int, offset: int
) -> Page:
    """Return a page of blocks: their places are those of today, their grids those of then."""
    grid_of = {block: grid.grid_id for grid in grids for block in grid.document["blocks"]}
    page = find_features(rows, dialect, "blocks", plan_id, box=box, limit=limit, offset=offset)
    then = []
    for feature in page.features:
        told: dict[str, Any] = orjson.loads(feature)
        told["properties"]["grid_id"] = None
        then.append(with_grid(orjson.dumps(told), grid_of[told["id"]]))
    return Page(tuple(then), page.matched)
