"""How is a state of the grids, as edits know it, written as the grids of a version, and read again?"""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from api.store.records import Grid
from spatial.plan.state import State

_SHOWN = ("name", "locked", "attributes", "predecessors")
"""What is served of a grid beside GRIDS."""


def blocks_of(state: State, grid_ids: Iterable[str] | None = None) -> dict[str, list[str]]:
    """Return the blocks of some grids, or of all, sorted, by grid id."""
    wanted = None if grid_ids is None else set(grid_ids)
    out: dict[str, list[str]] = {}
    for block, grid in zip(state.assignment.index.tolist(), state.assignment.tolist(), strict=True):
        if wanted is None or grid in wanted:
            out.setdefault(grid, []).append(block)
    return {grid: sorted(blocks) for grid, blocks in out.items()}


def to_grids(state: State, features: Mapping[str, Mapping[str, Any]]) -> list[Grid]:
    """Return the grids of ``features`` (grid id -> its GeoJSON feature), and every retired grid, of a state."""
    blocks = blocks_of(state, features)
    living = [
        Grid(grid_id, {**row, "blocks": blocks[grid_id]}, _feature(row, features[grid_id]))
        for row in _records(state.grids, features)
        if (grid_id := row["grid_id"])
    ]
    return living + [Grid(row["grid_id"], {**row, "retired": True}, b"") for row in _records(state.retired, None)]


def _records(frame: Any, only: Iterable[str] | None) -> list[dict[str, Any]]:
    """Return the rows of a frame of a state, JSON-ready."""
    some = frame if only is None else frame.loc[frame.index.isin(list(only))]
    rows = some.reset_index().to_dict("records")
    return [{key: list(value) if isinstance(value, tuple) else value for key, value in row.items()} for row in rows]


def _feature(row: Mapping[str, Any], feature: Mapping[str, Any]) -> bytes:
    shown = {name: row[name] for name in _SHOWN}
    return orjson.dumps({**feature, "properties": {**feature["properties"], **shown}})


def to_state(grids: Iterable[Grid]) -> State:
    """Return the state that the grids of a version, living and retired, make."""
    living: list[dict[str, Any]] = []
    retired: list[dict[str, Any]] = []
    assignment: dict[str, str] = {}
    for grid in grids:
        row = dict(grid.document)
        if row.pop("retired", False):
            retired.append(row)
        else:
            assignment |= dict.fromkeys(row.pop("blocks"), grid.grid_id)
            living.append(row)
    return State.from_dict({"assignment": assignment, "grids": living, "retired": retired})
