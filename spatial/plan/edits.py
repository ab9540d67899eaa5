"""What does a batch of edits make of a state? Each in turn, all of them or none."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import shapely

from spatial.errors import EditError, PersonalDataError
from spatial.personal import check_personal
from spatial.plan.cutting import choose_sides
from spatial.plan.edit_kinds import (
    KINDS,
    CreateDedicated,
    Edit,
    Lock,
    Merge,
    MoveBlocks,
    Redivide,
    Rename,
    Repair,
    Retire,
    SetAttributes,
    Split,
    SplitAlong,
    Unlock,
    edit_from_dict,
    edit_to_dict,
)
from spatial.plan.grid_rows import build_plan_grids
from spatial.plan.ground import Ground, build_ground, dissolve_rows, locate_blocks
from spatial.plan.lineage import add_grid, retire_grid
from spatial.plan.outcome import Outcome, build_outcome
from spatial.plan.pieces import Stray
from spatial.plan.redrawing import divide_label, pick_community, pick_keeper, redraw, split_parts
from spatial.plan.repair import Proposal, propose_moves, propose_repair
from spatial.plan.state import (
    DEDICATED,
    Draft,
    Grid,
    State,
    begin,
    open_draft,
    require_grid,
    require_unlocked,
    rows_by_grid,
)
from spatial.plan.state_diff import StateDiff, diff_states

__all__ = [
    "KINDS", "CreateDedicated", "Edit", "Ground", "Lock", "Merge", "MoveBlocks", "Outcome", "Proposal", "Redivide",
    "Rename", "Repair", "Retire", "SetAttributes", "Split", "SplitAlong", "State", "StateDiff", "Stray", "Unlock",
    "apply_edits", "begin", "build_ground", "build_plan_grids", "diff_states", "edit_from_dict", "edit_to_dict",
    "propose_repair",
]  # fmt: skip

_Told = tuple[Draft, tuple[str, ...]]


def apply_edits(ground: Ground, state: State | Draft, edits: Iterable[Edit], *, rng: np.random.Generator) -> Outcome:
    """Return what edits, one after the other, make of a state; the state itself stays as it was.

    The draft of another outcome does for its state, and takes less.

    A rule that an edit breaks is told in the outcome, as contiguity or the band; an edit that cannot be made at all is
    refused, and with it the whole batch.

    Raises
    ------
    EditError
        If an edit names what is not there, changes the blocks of a locked grid, or would leave a grid without a block;
        the text says which edit, what was found and what is needed.
    PersonalDataError
        If a name or an attribute holds personal data.
    """
    before = open_draft(ground.index, state)
    draft, notes = before, list[str]()
    wanted = list(edits)
    for number, edit in enumerate(wanted, 1):
        apply = _APPLY.get(type(edit))
        if apply is None:
            raise EditError(f"edit: found {type(edit).__name__}, needed one of {', '.join(KINDS)}")
        try:
            draft, told = apply(ground, draft, edit, rng)
        except (EditError, PersonalDataError) as error:
            if len(wanted) == 1:
                raise
            raise type(error)(f"edit {number} of {len(wanted)}: {error}") from error
        notes += told
    return build_outcome(ground, before, draft, tuple(notes))


def _move(ground: Ground, draft: Draft, edit: MoveBlocks, rng: np.random.Generator) -> _Told:
    what = "move_blocks"
    rows = locate_blocks(ground, edit.blocks, what)
    require_grid(draft, edit.to, what)
    rows = rows[draft.label[rows] != edit.to]
    if not len(rows):
        return draft, ()
    _refuse_locked(ground, draft, rows, what)
    if draft.grids[edit.to].locked:
        block = ground.index[rows[0]]
        raise EditError(f"{what}: grid {edit.to!r} is locked, so it cannot gain block {block!r}; unlock it first")
    label = draft.label.copy()
    givers = sorted(set(label[rows]))
    label[rows] = edit.to
    empty = sorted(set(givers) - set(label))
    if empty:
        raise EditError(
            f"{what}: grid {empty[0]!r} would lose its last block, {ground.index[rows[-1]]!r}; merge the grids instead"
        )
    return _clear(replace(draft, label=label), [*givers, edit.to]), ()


def _refuse_locked(ground: Ground, draft: Draft, rows: Any, what: str) -> None:
    for name in sorted(set(draft.label[rows])):
        if draft.grids[name].locked:
            block = ground.index[rows[draft.label[rows] == name][0]]
            raise EditError(f"{what}: grid {name!r} is locked, so it cannot lose block {block!r}; unlock it first")


def _clear(draft: Draft, grid_ids: Iterable[str]) -> Draft:
    """Return the draft without what was said of grids whose blocks have changed since."""
    told = [name for name in grid_ids if name in draft.grids and draft.grids[name].explanation]
    cleared = {name: replace(draft.grids[name], explanation="") for name in told}
    return replace(draft, grids={**draft.grids, **cleared}) if cleared else draft


def _split_along(ground: Ground, draft: Draft, edit: SplitAlong, rng: np.random.Generator) -> _Told:
    what = f"split_along: grid {edit.grid!r}"
    require_unlocked(draft, [edit.grid], "split_along")
    if len(edit.line) < 2 or not np.isfinite(edit.line).all():
        raise EditError(f"{what}: found a line of {len(edit.line)} points, needed two or more, each a number of metres")
    rows = rows_by_grid(draft, [edit.grid])[edit.grid]
    far = choose_sides(ground.geometry[rows], dissolve_rows(ground, rows), shapely.LineString(edit.line), what)
    return divide_label(ground, draft, edit.grid, far.astype(np.int64)), ()


def _split(ground: Ground, draft: Draft, edit: Split, rng: np.random.Generator) -> _Told:
    require_unlocked(draft, [edit.grid], "split")
    rows = rows_by_grid(draft, [edit.grid])[edit.grid]
    part = split_parts(ground, rows, edit.parts, f"split: grid {edit.grid!r}", rng)
    return divide_label(ground, draft, edit.grid, part), ()


def _merge(ground: Ground, draft: Draft, edit: Merge, rng: np.random.Generator) -> _Told:
    names = tuple(sorted({*edit.grids, *([edit.into] if edit.into is not None else [])}))
    require_unlocked(draft, names, "merge")
    if len(names) < 2:
        raise EditError(f"merge: found {len(names)} grid, needed at least two")
    into = edit.into if edit.into is not None else pick_keeper(ground, draft, names)
    gone = [name for name in names if name != into]
    label = draft.label.copy()
    label[np.isin(label.astype(str), gone)] = into
    draft = _clear(replace(draft, label=label), [into])
    for name in gone:
        draft = retire_grid(draft, name, [into])
    return draft, ()


def _create_dedicated(ground: Ground, draft: Draft, edit: CreateDedicated, rng: np.random.Generator) -> _Told:
    what = "create_dedicated"
    if not edit.name.strip():
        raise EditError(f"{what}: found no name, needed one")
    _refuse_personal({"name": edit.name, "purpose": edit.purpose}, what)
    rows = locate_blocks(ground, edit.blocks, what)
    _refuse_locked(ground, draft, rows, what)
    givers = sorted(set(draft.label[rows]))
    community = pick_community(ground, rows)
    level = draft.grids[givers[0]].level
    purpose = {"purpose": edit.purpose} if edit.purpose else {}
    like = Grid("", "", edit.name, DEDICATED, level, community, attributes=purpose)
    draft, grid_id = add_grid(draft, like, (draft.grids[name].code for name in givers))
    label = draft.label.copy()
    label[rows] = grid_id
    draft = _clear(replace(draft, label=label), givers)
    for name in sorted(set(givers) - set(label)):
        draft = retire_grid(draft, name, [grid_id])
    return draft, ()


def _retire(ground: Ground, draft: Draft, edit: Retire, rng: np.random.Generator) -> _Told:
    require_unlocked(draft, [edit.grid], "retire")
    rows = rows_by_grid(draft, [edit.grid])[edit.grid]
    label = draft.label.copy()
    waiting = set(rows.tolist())
    while waiting:
        block, to = _pick_taker(ground, draft, label, waiting, edit.grid)
        label[block] = to
        waiting.remove(block)
    takers = sorted(set(label[rows]))
    return retire_grid(_clear(replace(draft, label=label), takers), edit.grid, takers), ()


def _pick_taker(ground: Ground, draft: Draft, label: Any, waiting: set[int], leaving: str) -> tuple[int, str]:
    """Return the block and the grid beside it that share the longest border; a grid of its community goes before."""
    rows = np.array(sorted(waiting), dtype=np.int64)
    shared: dict[tuple[int, str], float] = {}
    for mine, other in ((ground.first, ground.second), (ground.second, ground.first)):
        for k in np.flatnonzero(np.isin(mine, rows) & ground.contact):
            to = str(label[other[k]])
            if to != leaving and not draft.grids[to].locked:
                shared[int(mine[k]), to] = shared.get((int(mine[k]), to), 0.0) + float(ground.shared_m[k])
    if not shared:
        raise EditError(
            f"retire: block {ground.index[rows[0]]!r} of grid {leaving!r} touches no unlocked grid that could take it; "
            "needed one beside it"
        )

    def rank(pair: tuple[int, str]) -> tuple[Any, ...]:
        away = draft.grids[pair[1]].community_id != ground.community[pair[0]]
        dedicated = draft.grids[pair[1]].kind == DEDICATED
        return away, dedicated, -shared[pair], pair

    return min(shared, key=rank)


def _rename(ground: Ground, draft: Draft, edit: Rename, rng: np.random.Generator) -> _Told:
    grid = require_grid(draft, edit.grid, "rename")
    _refuse_personal({"name": edit.name}, f"rename: grid {edit.grid!r}")
    return _with_grids(draft, [replace(grid, name=edit.name)]), ()


def _set_attributes(ground: Ground, draft: Draft, edit: SetAttributes, rng: np.random.Generator) -> _Told:
    grid = require_grid(draft, edit.grid, "set_attributes")
    for key, value in edit.attributes.items():
        number = isinstance(value, float) and not np.isfinite(value)
        if not key or number or not isinstance(value, str | int | float | bool | None):
            raise EditError(
                f"set_attributes: grid {edit.grid!r}: {key!r} is {value!r}, needed a named text, number or flag"
            )
    _refuse_personal(edit.attributes, f"set_attributes: grid {edit.grid!r}")
    both = {**grid.attributes, **edit.attributes}
    return _with_grids(draft, [replace(grid, attributes={k: both[k] for k in sorted(both) if both[k] is not None})]), ()


def _refuse_personal(attributes: Mapping[str, Any], what: str) -> None:
    told = {key: [value] for key, value in attributes.items() if value is not None}
    check_personal(pd.DataFrame(told), what)


def _set_lock(ground: Ground, draft: Draft, edit: Lock | Unlock, rng: np.random.Generator) -> _Told:
    names = sorted(draft.grids) if edit.grids == "all" else sorted(set(edit.grids))
    if not names:
        raise EditError(f"{edit.kind}: found no grid, needed at least one")
    grids = [require_grid(draft, name, edit.kind) for name in names]
    return _with_grids(draft, [_with_lock(grid, isinstance(edit, Lock)) for grid in grids]), ()


def _with_lock(grid: Grid, locked: bool) -> Grid:
    """Return a grid locked or not; all of a city are at once, and ``replace`` takes thrice as long."""
    if grid.locked is locked:
        return grid
    told = (grid.grid_id, grid.code, grid.name, grid.kind, grid.level, grid.community_id)
    return Grid(*told, locked, grid.attributes, grid.predecessors, grid.explanation)


def _redivide(ground: Ground, draft: Draft, edit: Redivide, rng: np.random.Generator) -> _Told:
    if not edit.grids:
        raise EditError("redivide: found no grid, needed at least one")
    return redraw(ground, draft, tuple(sorted(set(edit.grids))), edit.budget_s, rng)


def _repair(ground: Ground, draft: Draft, edit: Repair, rng: np.random.Generator) -> _Told:
    proposal = propose_moves(ground, draft, edit.grids)
    if edit.grids is not None and proposal.unmended:
        raise EditError(f"repair: {proposal.unmended[0]}")
    for move in proposal.edits:
        draft, _ = _move(ground, draft, move, rng)
    return draft, (*proposal.notes, *proposal.unmended)


def _with_grids(draft: Draft, grids: list[Grid]) -> Draft:
    return replace(draft, grids={**draft.grids, **{grid.grid_id: grid for grid in grids}})


_APPLY: Mapping[type[Any], Callable[[Ground, Draft, Any, np.random.Generator], _Told]] = {
    MoveBlocks: _move,
    SplitAlong: _split_along,
    Split: _split,
    Merge: _merge,
    CreateDedicated: _create_dedicated,
    Retire: _retire,
    Rename: _rename,
    SetAttributes: _set_attributes,
    Lock: _set_lock,
    Unlock: _set_lock,
    Redivide: _redivide,
    Repair: _repair,
}
