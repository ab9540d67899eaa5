"""What does an edit change? Which grid each block is in, and what is known of each grid, living and retired."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import pandas as pd

from spatial.errors import EditError, InputError
from spatial.plan.model import Plan

BASE, DEDICATED = "base", "dedicated"
_FEW = 8
"""For so many grids it takes less to look at all blocks once for each than to look up the grid of each block."""


@dataclass(frozen=True, slots=True)
class Grid:
    """What is known of a grid beside its blocks.

    Attributes
    ----------
    grid_id, code:
        Both are given once and never to another grid.
    kind:
        ``base`` or ``dedicated`` (专属网格: a market, a campus, an industrial park).
    locked:
        A locked grid neither loses nor gains blocks.
    attributes:
        Name -> text, number or flag.
    predecessors:
        Codes of the grids that it came from; empty for those of the first version.
    explanation:
        Why it misses the band, where the engine said so and nobody changed its blocks since.
    """

    grid_id: str
    code: str
    name: str
    kind: str
    level: str
    community_id: str
    locked: bool = False
    attributes: Mapping[str, Any] = field(default_factory=dict)
    predecessors: tuple[str, ...] = ()
    explanation: str = ""


@dataclass(frozen=True, slots=True)
class Retired:
    """A grid that is no more; its id and code are never given again. ``successors`` are codes."""

    grid_id: str
    code: str
    name: str
    community_id: str
    predecessors: tuple[str, ...] = ()
    successors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class State:
    """One version of the grids.

    Attributes
    ----------
    assignment:
        Series ``block_id -> grid_id``, total on the blocks, sorted by block.
    grids:
        Frame by ``grid_id``, sorted, a column for each other field of ``Grid``.
    retired:
        Frame by ``grid_id``, sorted, a column for each other field of ``Retired``.
    """

    assignment: Any
    grids: Any
    retired: Any

    def to_dict(self) -> dict[str, Any]:
        """Return the state, ready for JSON; ``from_dict`` reads it."""
        return {
            "assignment": {str(block): str(grid) for block, grid in self.assignment.items()},
            "grids": to_records(self.grids),
            "retired": to_records(self.retired),
        }

    @staticmethod
    def from_dict(document: Mapping[str, Any]) -> "State":
        """Return the state that ``to_dict`` told."""
        assignment = pd.Series(dict(document["assignment"]), dtype="str", name="grid_id").rename_axis("block_id")
        grids = [Grid(**{**row, "predecessors": tuple(row["predecessors"])}) for row in document["grids"]]
        gone = [
            Retired(**{**row, **{key: tuple(row[key]) for key in ("predecessors", "successors")}})
            for row in document["retired"]
        ]
        return State(assignment.sort_index(), _frame(grids, Grid), _frame(gone, Retired))

    @property
    def digest(self) -> str:
        """A SHA-256 over all of it: equal states have equal digests."""
        text = json.dumps(self.to_dict(), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode("utf-8")).hexdigest()


@dataclass(frozen=True, slots=True)
class Draft:
    """A state as it is worked on: ``label`` is the grid id by block in the ground's order; the others are by grid id.

    Nothing in it is changed in place: each step makes a new one.
    """

    label: Any
    grids: Mapping[str, Grid]
    retired: Mapping[str, Retired]


def begin(plan: Plan) -> State:
    """Return the first state of a plan: its assignment and its grids, none of them locked.

    Raises
    ------
    InputError
        If a block lies in no grid or in one that is not listed, a grid has no block, or two share a code.
    """
    assignment = plan.assignment.rename("grid_id").rename_axis("block_id").astype("str").sort_index()
    blocks, used = set(plan.blocks["block_id"]), set(assignment)
    lost = sorted(blocks.symmetric_difference(assignment.index)) or sorted(assignment.index[assignment.isna()])
    if lost or assignment.index.has_duplicates:
        first = lost[0] if lost else assignment.index[assignment.index.duplicated()][0]
        raise InputError(f"assignment: block {first!r} lies not in exactly one grid; needed one for each of the blocks")
    listed = plan.grids.sort_values("grid_id")
    apart = sorted(used.symmetric_difference(listed["grid_id"]))
    if apart:
        raise InputError(f"grids: {apart[0]!r} has no block or is not listed; needed both for every grid")
    code = listed["code"]
    if (code == "").any() or code.duplicated().any():
        first = listed["grid_id"][(code == "") | code.duplicated()].iloc[0]
        raise InputError(f"grids: {first!r} has no code or that of another; needed a code of its own")
    grids = [
        Grid(
            grid_id=str(row["grid_id"]),
            code=str(row["code"]),
            name=str(row.get("name", "") or ""),
            kind=str(row["kind"]),
            level=str(row["level"]),
            community_id=str(row["community_id"]),
            explanation=str(row["explanation"]),
        )
        for row in pd.DataFrame(listed.drop(columns=listed.geometry.name)).to_dict("records")
    ]
    return State(assignment, _frame(grids, Grid), _frame([], Retired))


def open_draft(index: Any, state: State | Draft) -> Draft:
    """Return the state as arrays in the order of the ground's block index; one that is open already as it is.

    Raises
    ------
    InputError
        If the state speaks of other blocks than the ground.
    """
    if isinstance(state, Draft):
        if len(state.label) != len(index):
            raise InputError(f"state: assigns {len(state.label)} blocks, needed just the {len(index)} of the ground")
        return state
    at = state.assignment.index.get_indexer(index)
    if len(state.assignment) != len(index) or (at < 0).any():
        raise InputError(f"state: assigns {len(state.assignment)} blocks, needed just the {len(index)} of the ground")
    label = state.assignment.to_numpy(dtype=object)[at]
    return Draft(label, _values(state.grids, Grid), _values(state.retired, Retired))


def settle_draft(draft: Draft) -> Draft:
    """Return the draft as it would be opened of its state: whatever steps led to it, the same for the same."""
    label = np.empty(len(draft.label), dtype=object)
    label[:] = [*map(str, draft.label.tolist())]
    return Draft(label, dict(sorted(draft.grids.items())), dict(sorted(draft.retired.items())))


def close_draft(index: Any, draft: Draft) -> State:
    """Return the draft as a state."""
    assignment = pd.Series(draft.label, index=index, name="grid_id").astype("str").sort_index()
    return State(assignment, _frame(list(draft.grids.values()), Grid), _frame(list(draft.retired.values()), Retired))


def require_grid(draft: Draft, grid_id: str, what: str) -> Grid:
    """Return what is known of a living grid.

    Raises
    ------
    EditError
        If there is none of that id; the text says so where it is retired, and what became of it.
    """
    grid = draft.grids.get(str(grid_id))
    if grid is not None:
        return grid
    gone = draft.retired.get(str(grid_id))
    if gone is not None:
        after = ", ".join(gone.successors) or "nothing"
        raise EditError(f"{what}: grid {grid_id!r} is retired, {after} came after it; needed a grid in use")
    raise EditError(f"{what}: found grid {grid_id!r}, needed one of the {len(draft.grids)} grids in use")


def require_unlocked(draft: Draft, grid_ids: Any, what: str) -> None:
    """Refuse to change the blocks of a locked grid.

    Raises
    ------
    EditError
        If one of the grids is locked.
    """
    for grid_id in sorted({str(name) for name in grid_ids}):
        if require_grid(draft, grid_id, what).locked:
            raise EditError(
                f"{what}: grid {grid_id!r} is locked, so it neither loses nor gains blocks; unlock it first"
            )


def rows_by_grid(draft: Draft, grid_ids: Any) -> dict[str, Any]:
    """Return the places of the blocks of each grid, ascending."""
    wanted = sorted({str(name) for name in grid_ids})
    if len(wanted) <= _FEW:
        return {name: np.flatnonzero(draft.label == name) for name in wanted}
    names = pd.Index(wanted, dtype=object)
    at = names.get_indexer(draft.label)
    rows = np.flatnonzero(at >= 0)
    rows = rows[np.argsort(at[rows], kind="stable")]
    ends = np.searchsorted(at[rows], np.arange(len(names) + 1))
    return {name: rows[ends[k] : ends[k + 1]] for k, name in enumerate(names)}


def _frame(values: list[Any], kind: type) -> Any:
    """Return values as a frame by grid id, sorted, with a column for each other field."""
    rows = sorted(values, key=lambda value: value.grid_id)
    columns = {}
    for item in fields(kind):
        column = [getattr(row, item.name) for row in rows]
        dtype = {"locked": "bool", "attributes": "object", "predecessors": "object", "successors": "object"}
        columns[item.name] = pd.Series(column, dtype=dtype.get(item.name, "str"))
    return pd.DataFrame(columns).set_index("grid_id")


def _values(frame: Any, kind: type) -> dict[str, Any]:
    """Return the values that ``_frame`` made a frame of, by grid id."""
    columns = [frame[item.name].tolist() for item in fields(kind) if item.name != "grid_id"]
    return {row[0]: kind(*row) for row in zip(frame.index.tolist(), *columns, strict=True)}


def to_records(frame: Any) -> list[dict[str, Any]]:
    """Return the rows of a frame of a state, ready for JSON."""
    names = [frame.index.name, *frame.columns]
    columns = [frame.index.tolist(), *(frame[name].tolist() for name in frame.columns)]
    plain = [[*map(list, some)] if some and isinstance(some[0], tuple) else some for some in columns]
    return [dict(zip(names, row, strict=True)) for row in zip(*plain, strict=True)]
