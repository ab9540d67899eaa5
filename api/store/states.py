"""How is a state of the grids, as edits know it, written as the grids of a version, and read again?"""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from api.store.records import Grid, join_feature
from spatial.plan.state import State, to_records

_SHOWN = ("name", "locked", "attributes", "predecessors")
"""What is served of a grid beside GRIDS."""
_UNSEEN = dict.fromkeys(_SHOWN)


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


def to_grids(
    described: Mapping[str, Mapping[str, Any]], features: Mapping[str, Mapping[str, Any]], same: Iterable[Grid] = ()
) -> list[Grid]:
    """Return the grids of ``features`` (grid id -> its GeoJSON feature) and of ``same``, as they are described.

    Those of ``same`` are grids of which ``says_the_same``: but for what that leaves aside they keep their bytes.
    """
    before = {grid.grid_id: grid for grid in same}
    return [
        Grid(name, told, _with_shown(told, before[name]) if name in before else _feature(told, features[name]))
        for name, told in described.items()
    ]


def list_retired(state: State) -> list[Grid]:
    """Return every retired grid of a state."""
    return [Grid(row["grid_id"], {**row, "retired": True}, b"") for row in to_records(state.retired)]


def says_the_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Tell whether nothing differs that a feature is made of, but for names, locks, attributes and predecessors."""
    return {**one, **_UNSEEN} == {**other, **_UNSEEN}


def _feature(row: Mapping[str, Any], feature: Mapping[str, Any]) -> bytes:
    shown = {name: row[name] for name in _SHOWN}
    return orjson.dumps({**feature, "properties": {**feature["properties"], **shown}})


def _with_shown(row: Mapping[str, Any], grid: Grid) -> bytes:
    head, properties = grid.parts
    return join_feature(head, properties | {name: row[name] for name in _SHOWN})


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
