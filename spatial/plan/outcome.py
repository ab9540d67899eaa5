"""What comes of a batch of edits? Changed grids with their numbers, rules broken and mended, and stray pieces."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from spatial.plan.findings import compare_findings
from spatial.plan.grid_rows import build_rows, count_households
from spatial.plan.ground import Ground
from spatial.plan.pieces import Stray, find_strays
from spatial.plan.state import Draft, State, close_draft


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a batch of edits makes of a state.

    Attributes
    ----------
    state:
        The new state; the old one is as it was.
    changed_grids, created, retired:
        Ids: of living grids that differ in anything from before (new ones too), of new ones, of those that are no more.
    metrics:
        A row of GRIDS (with its shape, as ``build_plan_grids`` has it) for each changed grid; beside it ``deviation``
        (households above the target), ``deviation_share`` (of the target), and ``households_before`` (0 for new ones).
    caused, cured, kept:
        VIOLATIONS that stand now and did not, that stood and do not, and that stand as before for the changed grids.
        The same rule broken by the same subject is the same violation, whatever its numbers; ``kept`` has those of now.
    strays:
        Pieces of changed grids that lie apart.
    notes:
        What else the planner should know, a sentence each.
    """

    state: State
    changed_grids: tuple[str, ...]
    created: tuple[str, ...]
    retired: tuple[str, ...]
    metrics: Any
    caused: Any
    cured: Any
    kept: Any
    strays: tuple[Stray, ...]
    notes: tuple[str, ...] = ()


def build_outcome(ground: Ground, before: Draft, after: Draft, notes: tuple[str, ...]) -> Outcome:
    """Return what changed from one draft to the other, looking at the grids that changed alone."""
    state = close_draft(ground.index, after)
    differ = {name for name in before.grids.keys() | after.grids.keys() if _field_change(before, after, name)}
    moved = before.label != after.label
    moved_grids = {*before.label[moved], *after.label[moved]}
    differ |= moved_grids
    living = sorted(differ & after.grids.keys())
    rows = build_rows(ground, after, living, ground.measured)
    reshaped = {name for name in differ if _is_reshaped(before, after, name)} | moved_grids
    known = dict(zip(rows["content"], rows.geometry, strict=True))
    caused, cured, kept = compare_findings(ground, before, after, reshaped, known)
    return Outcome(
        state=state,
        changed_grids=tuple(living),
        created=tuple(sorted(after.grids.keys() - before.grids.keys())),
        retired=tuple(sorted(before.grids.keys() - after.grids.keys())),
        metrics=_with_deviation(ground, before, rows),
        caused=caused,
        cured=cured,
        kept=kept,
        strays=find_strays(ground, after, living),
        notes=notes,
    )


def _field_change(before: Draft, after: Draft, name: str) -> bool:
    one, other = before.grids.get(name), after.grids.get(name)
    return one is not other and one != other


def _is_reshaped(before: Draft, after: Draft, name: str) -> bool:
    """Tell whether a rule may look at what changed: names, locks and attributes break none."""
    one, other = before.grids.get(name), after.grids.get(name)
    if one is None or other is None:
        return True
    return any(
        getattr(one, key) != getattr(other, key) for key in ("code", "kind", "community_id", "level", "explanation")
    )


def _with_deviation(ground: Ground, before: Draft, rows: Any) -> Any:
    target = ground.profile.grid.target_households
    was = count_households(ground, before, rows["grid_id"])
    off = rows["households"] - target
    held = pd.Series([was[name] for name in rows["grid_id"]], index=rows.index, dtype="int64")
    return rows.assign(deviation=off, deviation_share=off / target, households_before=held)
