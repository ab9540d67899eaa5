"""What comes of a batch of edits? Changed grids with their numbers, rules broken and mended, and stray pieces."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import Any

import numpy as np

from spatial.plan.findings import compare_findings
from spatial.plan.grid_rows import build_rows, count_households, measure_rows
from spatial.plan.ground import Ground
from spatial.plan.pieces import Stray, find_strays
from spatial.plan.state import Draft, Grid, State, close_draft, settle_draft

_DEVIATION = {"deviation": "int64", "deviation_share": "float64", "households_before": "int64"}


@dataclass(frozen=True)
class Outcome:
    """What a batch of edits makes of a state.

    Attributes
    ----------
    ground, draft:
        On what the state stands, and the new state as arrays; the old one is as it was.
    changed_grids, created, retired:
        Ids: of living grids that differ in anything from before (new ones too), of new ones, of those that are no more.
    drawn:
        The columns of ``build_plan_grids`` (name -> values, shapes under ``geometry``) for each of them of which
        blocks, or what a rule looks at, changed.
    deviations:
        By changed grid ``deviation`` (households above the target), ``deviation_share`` (of the target), and
        ``households_before`` (0 for new ones).
    caused, cured, kept:
        VIOLATIONS that stand now and did not, that stood and do not, and that stand as before for the changed grids.
        The same rule broken by the same subject is the same violation, whatever its numbers; ``kept`` has those of now.
    strays:
        Pieces of changed grids that lie apart.
    notes:
        What else the planner should know, a sentence each.
    """

    ground: Ground
    draft: Draft
    changed_grids: tuple[str, ...]
    created: tuple[str, ...]
    retired: tuple[str, ...]
    drawn: Mapping[str, Any]
    deviations: Mapping[str, Mapping[str, float]]
    caused: Any
    cured: Any
    kept: Any
    strays: tuple[Stray, ...]
    notes: tuple[str, ...] = ()

    @cached_property
    def state(self) -> State:
        """The new state. It is made when it is asked for: the next edit may stand on the draft."""
        return close_draft(self.ground.index, self.draft)

    @cached_property
    def metrics(self) -> Any:
        """A row of GRIDS for each changed grid, as ``drawn`` has them, and beside it its deviations.

        It is made when it is asked for: where all grids are locked nobody looks at their shapes.
        """
        rows = build_rows(self.ground, self.draft, self.changed_grids, self.ground.measured)
        told = [self.deviations[name] for name in rows["grid_id"]]
        columns = {name: np.array([one[name] for one in told], dtype=kind) for name, kind in _DEVIATION.items()}
        return rows.assign(**columns)


def build_outcome(ground: Ground, before: Draft, after: Draft, notes: tuple[str, ...]) -> Outcome:
    """Return what changed from one draft to the other, looking at the grids that changed alone."""
    after = settle_draft(after)
    moved = before.label != after.label
    moved_grids = {*before.label[moved], *after.label[moved]}
    differ = _find_differing(before, after) | moved_grids
    living = sorted(differ & after.grids.keys())
    reshaped = {name for name in differ if _is_reshaped(before, after, name)} | moved_grids
    drawn = measure_rows(ground, after, reshaped & after.grids.keys(), ground.measured)
    known = dict(zip(drawn["content"], drawn["geometry"], strict=True))
    caused, cured, kept = compare_findings(ground, before, after, reshaped, known)
    return Outcome(
        ground=ground,
        draft=after,
        changed_grids=tuple(living),
        created=tuple(sorted(after.grids.keys() - before.grids.keys())),
        retired=tuple(sorted(before.grids.keys() - after.grids.keys())),
        drawn=drawn,
        deviations=_measure_deviations(ground, before, after, living),
        caused=caused,
        cured=cured,
        kept=kept,
        strays=find_strays(ground, after, living),
        notes=notes,
    )


def _find_differing(before: Draft, after: Draft) -> set[str]:
    """Return the ids of grids that are in one draft alone, or not the same in both."""
    both = before.grids.keys() & after.grids.keys()
    pairs = ((name, before.grids[name], after.grids[name]) for name in both)
    changed = {
        name for name, one, other in pairs if one is not other and (one != other or _kinds(one) != _kinds(other))
    }
    return changed | (before.grids.keys() ^ after.grids.keys())


def _kinds(grid: Grid) -> list[type]:
    """Return the kinds of the attributes of a grid: a flag equals the number 1, and is another attribute."""
    return [type(value) for value in grid.attributes.values()]


_looked_at = attrgetter("code", "kind", "community_id", "level", "explanation")


def _is_reshaped(before: Draft, after: Draft, name: str) -> bool:
    """Tell whether a rule may look at what changed: names, locks and attributes break none."""
    one, other = before.grids.get(name), after.grids.get(name)
    return one is None or other is None or _looked_at(one) != _looked_at(other)


def _measure_deviations(
    ground: Ground, before: Draft, after: Draft, grid_ids: Sequence[str]
) -> dict[str, dict[str, float]]:
    target = ground.profile.grid.target_households
    now = count_households(ground, after, grid_ids)
    was = now if (before.label == after.label).all() else count_households(ground, before, grid_ids)
    told = ((name, now[name] - target, was[name]) for name in grid_ids)
    return {name: dict(zip(_DEVIATION, (off, off / target, held), strict=True)) for name, off, held in told}
