"""How is a state of the grids, as edits know it, written as the grids of a version, and read again?"""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

import orjson

from api.store.records import DECIDED, Grid, tell_decided
from spatial.plan.edits import Ground
from spatial.plan.state import Draft, Retired, State, rows_by_grid
from spatial.plan.state import Grid as PlanGrid

_END = b"}}"
"""With it ends a feature: its properties come last."""
_KNOWN, _GONE = (tuple(item.name for item in fields(kind)) for kind in (PlanGrid, Retired))


def describe_grids(ground: Ground, draft: Draft, grid_ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return what was decided of living grids, with their blocks (sorted), JSON-ready, by grid id."""
    rows = rows_by_grid(draft, grid_ids)
    return {
        name: _plain(draft.grids[name], _KNOWN) | {"blocks": ground.index[at].tolist()} for name, at in rows.items()
    }


def _plain(value: PlanGrid | Retired, names: Iterable[str]) -> dict[str, Any]:
    told = ((name, getattr(value, name)) for name in names)
    return {name: list(one) if isinstance(one, tuple) else one for name, one in told}


def to_grids(described: Mapping[str, Mapping[str, Any]], features: Mapping[str, Mapping[str, Any]]) -> list[Grid]:
    """Return the grids of ``features`` (grid id -> its GeoJSON feature), as they are described."""
    return [
        Grid(name, told, orjson.dumps(features[name])[: -len(_END)], tell_decided(told))
        for name, told in described.items()
    ]


def decide_anew(grid: Grid, told: PlanGrid) -> Grid:
    """Return a grid with the name, lock, attributes and predecessors that are known now; its other bytes stay."""
    document = {**grid.document, **_plain(told, DECIDED)}
    return Grid(grid.grid_id, document, grid.drawn, tell_decided(document))


def list_retired(draft: Draft, before: Draft) -> list[Grid]:
    """Return the retired grids of a draft that are not just so in the one before."""
    new = (gone for name, gone in draft.retired.items() if before.retired.get(name) != gone)
    return [Grid(gone.grid_id, {**_plain(gone, _GONE), "retired": True}) for gone in new]


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
