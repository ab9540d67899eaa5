"""How is a state of the grids, as edits know it, written as the grids of a version, and read again?"""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from api.store.records import DECIDED, Grid, join_feature
from spatial.plan.state import Grid as PlanGrid
from spatial.plan.state import State, to_records


def blocks_of(state: State, grid_ids: Iterable[str] | None = None) -> dict[str, list[str]]:
    """Return the blocks of some grids, or of all, sorted, by grid id."""
    wanted = None if grid_ids is None else set(grid_ids)
    out: dict[str, list[str]] = {}
    for block, grid in zip(state.assignment.index.tolist(), state.assignment.tolist(), strict=True):
        if wanted is None or grid in wanted:
            out.setdefault(grid, []).append(block)
    return {grid: sorted(blocks) for grid, blocks in out.items()}


def describe_grids(state: State, grid_ids: Iterable[str] | None = None) -> dict[str, dict[str, Any]]:
    """Return what was decided of some living grids, or of all, with their blocks, JSON-ready, by grid id."""
    wanted = None if grid_ids is None else set(grid_ids)
    blocks = blocks_of(state, wanted)
    frame = state.grids if wanted is None or len(wanted) == len(state.grids) else state.grids.loc[sorted(wanted)]
    return {row["grid_id"]: {**row, "blocks": blocks[row["grid_id"]]} for row in to_records(frame)}


def to_grids(described: Mapping[str, Mapping[str, Any]], features: Mapping[str, Mapping[str, Any]]) -> list[Grid]:
    """Return the grids of ``features`` (grid id -> its GeoJSON feature), as they are described."""
    return [Grid(name, told, _feature(told, features[name])) for name, told in described.items()]


def decide_anew(grid: Grid, told: PlanGrid) -> Grid:
    """Return a grid with the name, lock, attributes and predecessors that are known now; its other bytes stay."""
    decided = {name: getattr(told, name) for name in DECIDED}
    decided |= {"attributes": dict(told.attributes), "predecessors": list(told.predecessors)}
    head, properties = grid.parts
    return Grid(grid.grid_id, {**grid.document, **decided}, join_feature(head, properties | decided))


def list_retired(state: State) -> list[Grid]:
    """Return every retired grid of a state."""
    return [Grid(row["grid_id"], {**row, "retired": True}, b"") for row in to_records(state.retired)]


def _feature(row: Mapping[str, Any], feature: Mapping[str, Any]) -> bytes:
    shown = {name: row[name] for name in DECIDED}
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
