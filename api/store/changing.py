"""What would edits make of a version of a plan: which grids, findings and layers would differ? Nothing is written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from api.store.findings import Findings, Held, change_findings, tell_outcome
from api.store.records import Delta, Grid
from api.store.serving import ServedGround, build_features
from api.store.states import decide_anew, describe_grids, list_retired, to_grids
from spatial.plan.edits import Outcome, apply_edits, edit_from_dict, edit_to_dict
from spatial.plan.state import Draft, State, close_draft

_SEED = 0


@dataclass(frozen=True, slots=True)
class Loaded:
    """A version in memory: its ground, its state as a draft, its grids, living or retired, by id, and what it breaks.

    ``taken`` holds the content of the layers that are not as the plan was put in with.
    """

    plan_id: str
    version: int
    digest: str
    ground: ServedGround
    draft: Draft
    grids: Mapping[str, Grid]
    findings: Held
    taken: Mapping[str, str]

    @property
    def state(self) -> State:
        """The state of the draft."""
        return close_draft(self.ground.ground.index, self.draft)


@dataclass(frozen=True, slots=True)
class Change:
    """What edits would make of a version: the outcome, and all that differs, as it would be kept.

    ``findings`` are those that the outcome causes, cures and keeps, as they are told.
    """

    base: Loaded
    outcome: Outcome
    delta: Delta
    edits: Sequence[Mapping[str, Any]]
    findings: Mapping[str, Findings]


def edit_version(loaded: Loaded, edits: Sequence[Mapping[str, Any]]) -> Change:
    """Return what edits, as they stand on the wire, make of a version."""
    crs = loaded.ground.ground.crs
    wanted = [edit_from_dict(edit, crs) for edit in edits]
    rng = np.random.default_rng(_SEED)
    outcome = apply_edits(loaded.ground.ground, loaded.draft, wanted, rng=rng)
    return build_change(loaded, outcome, [edit_to_dict(edit, crs) for edit in wanted])


def list_contents(change: Change) -> dict[str, str]:
    """Return the content of the grids that a change changes, by id."""
    return {grid.grid_id: grid.content for grid in change.delta.grids}


def name_grids(edits: Sequence[Mapping[str, Any]]) -> set[str]:
    """Return the grids that edits name, whether they change them or not."""
    told = [edit.get(key) for edit in edits for key in ("grid", "grids", "to", "into")]
    return {str(name) for some in told if some for name in ([some] if isinstance(some, str) else some)}


def build_change(loaded: Loaded, outcome: Outcome, edits: Sequence[Mapping[str, Any]]) -> Change:
    """Return what an outcome makes of a version; ``edits`` are those that led to it, as they stand on the wire."""
    grids, redrawn = _differing(loaded, outcome)
    told = tell_outcome(outcome)
    drawn = [one.feature for one in grids if one.grid_id in redrawn]
    findings = change_findings(outcome, told, loaded.findings, drawn)
    return Change(loaded, outcome, Delta(grids, findings, before=loaded.grids), edits, told)


def _differing(loaded: Loaded, outcome: Outcome) -> tuple[list[Grid], set[str]]:
    """Return the grids, living and retired, whose content is not that of the base, and the ids of those drawn anew."""
    drawn = set(outcome.drawn["grid_id"])
    told = describe_grids(loaded.ground.ground, outcome.draft, drawn)
    features = build_features(loaded.ground, outcome.drawn, list_blocks(told))
    names = [name for name in outcome.changed_grids if name not in drawn]
    decided = [decide_anew(loaded.grids[name], outcome.draft.grids[name]) for name in names]
    living = sorted([*to_grids(told, features), *decided], key=lambda grid: grid.grid_id)
    retired = list_retired(outcome.draft, loaded.draft)
    return [grid for grid in [*living, *retired] if is_new(loaded, grid)], drawn


def list_blocks(told: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return the blocks of grids that are described, by id."""
    return {name: one["blocks"] for name, one in told.items()}


def is_new(loaded: Loaded, grid: Grid) -> bool:
    """Tell whether a grid is not in a version as it is."""
    held = loaded.grids.get(grid.grid_id)
    return held is None or held.content != grid.content


def restore_grids(now: Sequence[Grid], then: Sequence[Grid]) -> list[Grid]:
    """Return the grids of an earlier state; ids and codes given since stay given: their grids are retired."""
    held = {grid.grid_id for grid in then}
    code_of = {b: grid.document["code"] for grid in then if grid.feature for b in grid.document["blocks"]}
    return sorted([*then, *(_retire(one, code_of) for one in now if one.grid_id not in held)], key=lambda g: g.grid_id)


def _retire(grid: Grid, code_of: Mapping[str, str]) -> Grid:
    if not grid.feature:
        return grid
    told = grid.document
    successors = sorted({code_of[block] for block in told["blocks"]})
    kept = {name: told[name] for name in ("grid_id", "code", "name", "community_id", "predecessors")}
    return Grid(grid.grid_id, {**kept, "successors": successors, "retired": True})
