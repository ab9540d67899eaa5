"""Which rules do edits break or mend? Only what changed is checked, with the checks of the whole plan.

Where the blocks tile the area (``Ground.sound``), a rule speaks of one grid, of the grids in its holes, of a
community's total, or of a demand point outside its own block; only such of these are looked at as a changed grid
touches. Elsewhere the whole plan is checked before and after.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from spatial.plan.checks import check_plan
from spatial.plan.defect import Defect, to_violations
from spatial.plan.grid_rows import build_rows
from spatial.plan.ground import Ground
from spatial.plan.model import Plan
from spatial.plan.rules import check_band, check_communities, check_connection, check_demand, check_totals
from spatial.plan.state import Draft, rows_by_grid
from spatial.plan.topology import list_holes, tell_holes, tell_parts, tell_slivers


def compare_findings(
    ground: Ground, before: Draft, after: Draft, grid_ids: Iterable[str], rows: Any
) -> tuple[Any, Any, Any]:
    """Return VIOLATIONS caused, cured and kept by a change of some grids; ``rows`` are those of now."""
    if not ground.sound:
        old, new = (_check_all(ground, draft) for draft in (before, after))
        return compare_violations(old, new, set(grid_ids))
    differ = set(grid_ids)
    was = build_rows(ground, before, sorted(differ & before.grids.keys()), _shapes(rows))
    around = _find_enclosing(ground, before, differ) | _find_enclosing(ground, after, differ)
    known = {**_shapes(rows), **_shapes(was)}
    old = _find(ground, before, was, around, known)
    new = _find(ground, after, rows, around, known)
    return compare_violations(to_violations(old, ground.crs), to_violations(new, ground.crs), differ)


def compare_violations(old: Any, new: Any, subjects: set[str]) -> tuple[Any, Any, Any]:
    """Return VIOLATIONS of ``new`` alone, of ``old`` alone, and of both (as ``new`` has them) for some subjects.

    Two are one where rule, severity and subject are equal; of several such, as many are kept as both have.
    """
    keys = ["rule", "severity", "subject"]

    def number(frame: Any) -> Any:
        order = frame.groupby(keys).cumcount()
        return pd.MultiIndex.from_frame(pd.DataFrame(frame[keys]).assign(order=order))

    mine, yours = number(new), number(old)
    stays = mine.isin(yours)
    kept = new[stays & new["subject"].isin(subjects).to_numpy()]
    parts = (new[~stays], old[~yours.isin(mine)], kept)
    return parts[0].reset_index(drop=True), parts[1].reset_index(drop=True), parts[2].reset_index(drop=True)


def _check_all(ground: Ground, draft: Draft) -> Any:
    return check_plan(to_plan(ground, draft))


def to_plan(ground: Ground, draft: Draft, rows: Any = None) -> Plan:
    """Return the plan of a draft, or a part of it: the grids of ``rows`` with their blocks and the borders of those."""
    grids = build_rows(ground, draft, draft.grids) if rows is None else rows
    at = np.sort(np.concatenate([*rows_by_grid(draft, grids["grid_id"]).values(), np.zeros(0, dtype=np.int64)]))
    assignment = pd.Series(draft.label[at], index=ground.index[at], name="grid_id").astype("str")
    if rows is None:
        return replace(ground.plan, assignment=assignment, grids=grids)
    inside = np.zeros(len(ground.index), dtype=bool)
    inside[at] = True
    borders = np.flatnonzero(inside[ground.first] & inside[ground.second])
    return replace(
        ground.plan,
        assignment=assignment,
        grids=grids,
        blocks=ground.blocks.iloc[at],
        adjacency=ground.adjacency.iloc[borders],
    )


def _find(ground: Ground, draft: Draft, rows: Any, around: set[str], known: Mapping[str, Any]) -> list[Defect]:
    """Return the defects that may differ once the grids of ``rows`` do."""
    part = to_plan(ground, draft, rows)
    ids, shapes = rows["grid_id"].to_numpy(dtype=object), rows.geometry.to_numpy()
    found = [*check_connection(part), *check_band(part), *check_communities(part)]
    found += [*tell_parts(ids, shapes), *tell_slivers(ids, shapes, ground.profile.checks)]
    found += check_totals(replace(part, grids=_sum_communities(ground, draft)))
    found += _find_holes(ground, draft, {*ids, *around}, known)
    return found + _find_astray(ground, draft, set(ids), known)


def _shapes(rows: Any) -> dict[str, Any]:
    return dict(zip(rows["content"], rows.geometry, strict=True))


def _sum_communities(ground: Ground, draft: Draft) -> Any:
    """Return what ``check_totals`` adds up: a row for each grid of the whole plan."""
    number, names = pd.factorize(draft.label)
    households = np.bincount(number, ground.households, len(names)).astype(np.int64)
    communities = pd.Series([draft.grids[name].community_id for name in names], dtype="str")
    return pd.DataFrame({"community_id": communities, "households": households})


def _find_enclosing(ground: Ground, draft: Draft, changed: set[str]) -> set[str]:
    """Return the ids of grids of which the outline's box holds that of a changed grid, so that a hole may hold it."""
    number, names = pd.factorize(draft.label, sort=True)
    box = np.column_stack([np.full((len(names), 2), np.inf), np.full((len(names), 2), -np.inf)])
    np.minimum.at(box[:, :2], number, ground.bounds[:, :2])
    np.maximum.at(box[:, 2:], number, ground.bounds[:, 2:])
    mine = np.flatnonzero(np.isin(names, sorted(changed)))
    low = np.all(box[:, None, :2] <= box[None, mine, :2], axis=2)
    high = np.all(box[:, None, 2:] >= box[None, mine, 2:], axis=2)
    holds = np.any(low & high, axis=1)
    return {str(name) for name in names[holds]} - changed


def _find_holes(ground: Ground, draft: Draft, grid_ids: set[str], known: Mapping[str, Any]) -> list[Defect]:
    """Return the defects of grids that have holes, with all the grids that lie in these."""
    rows = build_rows(ground, draft, grid_ids & draft.grids.keys(), known)
    open_ = [(name, shape) for name, shape in zip(rows["grid_id"], rows.geometry, strict=True) if list_holes(shape)]
    if not open_:
        return []
    holes = [hole for _, shape in open_ for hole in list_holes(shape)]
    inside = np.unique(ground.tree.query(holes, predicate="intersects")[1])
    wanted = {name for name, _ in open_} | set(draft.label[inside])
    part = build_rows(ground, draft, wanted, {**known, **_shapes(rows)})
    plan = to_plan(ground, draft, part)
    told = tell_holes(plan, part["grid_id"].to_numpy(dtype=object), part.geometry.to_numpy())
    return [defect for defect in told if defect.subject in grid_ids]


def _find_astray(ground: Ground, draft: Draft, grid_ids: set[str], known: Mapping[str, Any]) -> list[Defect]:
    """Return the defects of demand points outside their own block that touch one of the grids."""
    if not len(ground.astray):
        return []
    point, block = ground.astray.T
    touched = np.unique(point[np.isin(draft.label[block], sorted(grid_ids))])
    if not len(touched):
        return []
    beside = draft.label[block[np.isin(point, touched)]]
    rows = build_rows(ground, draft, set(beside), known)
    plan = replace(to_plan(ground, draft, rows), demand=ground.plan.demand.iloc[touched])
    return list(check_demand(plan))
