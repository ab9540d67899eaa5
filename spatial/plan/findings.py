"""Which rules do edits break or mend? Only what changed is checked, and by the checks of the whole plan.

Where the blocks tile the area (``Ground.sound``), a rule speaks of one grid, of the grids in its holes, of a
community's total, or of a demand point outside its own block. A grid whose numbers show that it keeps a rule is not
given to that rule's check. Where the blocks do not tile the area, the whole plan is checked before and after.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from spatial.land.totals import is_far
from spatial.plan.checks import find_defects
from spatial.plan.defect import Defect, to_violations
from spatial.plan.grid_rows import build_rows, hash_blocks, pick_shape
from spatial.plan.ground import Ground
from spatial.plan.model import Plan
from spatial.plan.pieces import split_pieces
from spatial.plan.rules import check_band, check_communities, check_connection, check_demand, check_totals
from spatial.plan.state import Draft, Grid, rows_by_grid
from spatial.plan.topology import list_holes, tell_holes, tell_parts, tell_slivers

_AREA_TOLERANCE_M2 = 0.005  # half of what T5 lets pass: sums of blocks differ from the whole by less


def compare_findings(
    ground: Ground, before: Draft, after: Draft, grid_ids: Iterable[str], known: Mapping[str, Any]
) -> tuple[Any, Any, Any]:
    """Return VIOLATIONS caused, cured and kept where some grids change; ``known`` are shapes by their content.

    Kept ones are told of these grids alone, with their numbers of now. Two violations are one where rule, severity and
    subject are equal; of several such, as many are kept as both have.
    """
    differ = set(grid_ids)
    if not differ:
        none = to_violations((), ground.crs)
        return none, none, none
    if ground.sound:
        around = _find_enclosing(ground, before, differ) | _find_enclosing(ground, after, differ)
        shapes = dict(known)
        for draft in (before, after):
            for rows in rows_by_grid(draft, (differ | around) & draft.grids.keys()).values():
                shapes[hash_blocks(ground, rows)] = pick_shape(ground, rows, shapes)
        old, new = (_find(ground, draft, differ, around, shapes) for draft in (before, after))
        then, now = (_sum_communities(ground, draft) for draft in (before, after))
        others = {name for name in then.keys() | now.keys() if then.get(name) != now.get(name)}
        old, new = (found + _find_totals(ground, sums, others) for found, sums in ((old, then), (new, now)))
    else:
        old, new = (find_defects(to_plan(ground, draft)) for draft in (before, after))
    caused, kept = _part(new, old)
    cured, _ = _part(old, new)
    mine = [defect for defect in kept if defect.subject in differ]
    return to_violations(caused, ground.crs), to_violations(cured, ground.crs), to_violations(mine, ground.crs)


def _part(found: list[Defect], other: list[Defect]) -> tuple[list[Defect], list[Defect]]:
    """Return the defects that the others lack, and those that they have too."""
    left = Counter((defect.rule, defect.severity, defect.subject) for defect in other)
    alone, both = list[Defect](), list[Defect]()
    for defect in sorted(found, key=lambda d: (d.rule, d.severity, d.subject, d.message)):
        key = defect.rule, defect.severity, defect.subject
        (both if left[key] > 0 else alone).append(defect)
        left[key] -= 1
    return alone, both


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


def _find(ground: Ground, draft: Draft, differ: set[str], around: set[str], known: Mapping[str, Any]) -> list[Defect]:
    """Return the defects of some grids, and of the holes of grids around them."""
    rows = rows_by_grid(draft, differ & draft.grids.keys())
    ids, land = np.array([*rows], dtype=object), np.array([pick_shape(ground, at, known) for at in rows.values()])
    found = [*tell_parts(ids, land), *tell_slivers(ids, land, ground.profile.checks)]
    doubts = {
        check_connection: {name for name, pieces in split_pieces(ground, draft, rows).items() if len(pieces) > 1},
        check_band: {name for name, at in rows.items() if _is_off_band(ground, at)},
        check_communities: {name for name, at in rows.items() if _is_abroad(ground, draft.grids[name], at)},
    }
    if doubtful := set[str]().union(*doubts.values()):
        part = to_plan(ground, draft, _sketch(ground, draft, doubtful, known))
        found += [defect for check, names in doubts.items() if names for defect in check(part)]
    return found + _find_holes(ground, draft, {*rows, *around}, known) + _find_astray(ground, draft, set(rows), known)


def _sketch(ground: Ground, draft: Draft, grid_ids: Iterable[str], known: Mapping[str, Any]) -> Any:
    """Return of some grids what the checks read of them."""
    rows = rows_by_grid(draft, grid_ids)
    grids = [draft.grids[name] for name in rows]
    columns = {
        "grid_id": np.array([*rows], dtype=object),
        "community_id": [grid.community_id for grid in grids],
        "kind": [grid.kind for grid in grids],
        "explanation": [grid.explanation for grid in grids],
        "households": [int(ground.households[at].sum()) for at in rows.values()],
    }
    return gpd.GeoDataFrame(columns, geometry=[pick_shape(ground, at, known) for at in rows.values()], crs=ground.crs)


def _is_off_band(ground: Ground, rows: Any) -> bool:
    rules, households = ground.profile.grid, int(ground.households[rows].sum())
    return not rules.floor_households <= households <= rules.ceiling_households or bool(ground.oversize[rows].any())


def _is_abroad(ground: Ground, grid: Grid, rows: Any) -> bool:
    mine = bool((ground.community[rows] == grid.community_id).all())
    return not mine or float(np.abs(ground.outside_m2[rows]).sum()) > _AREA_TOLERANCE_M2


def _sum_communities(ground: Ground, draft: Draft) -> dict[str, int]:
    """Return the households of the grids of each community."""
    number, names = pd.factorize(draft.label)
    sums: dict[str, int] = {}
    for name, households in zip(names, np.bincount(number, ground.households, len(names)).astype(int), strict=True):
        community = draft.grids[name].community_id
        sums[community] = sums.get(community, 0) + int(households)
    return sums


def _find_totals(ground: Ground, sums: Mapping[str, int], communities: set[str]) -> list[Defect]:
    """Return the defects of the totals of some communities."""
    if not communities:
        return []
    names, known = (ground.communities[name] for name in ("community_id", "households"))
    placed = names.map(sums).fillna(0)
    asked = names.isin(communities) & known.notna() & is_far(known, placed, ground.profile.checks.total_tolerance)
    if not asked.any():
        return []
    grids = pd.DataFrame({"community_id": pd.Series([*sums], dtype="str"), "households": [*sums.values()]})
    return list(check_totals(replace(ground.plan, grids=grids, communities=ground.communities[asked])))


def _find_enclosing(ground: Ground, draft: Draft, changed: set[str]) -> set[str]:
    """Return the ids of grids of which the outline's box holds that of a changed grid, so that a hole may hold it."""
    number, names = pd.factorize(draft.label)
    box = np.column_stack([np.full((len(names), 2), np.inf), np.full((len(names), 2), -np.inf)])
    np.minimum.at(box[:, :2], number, ground.bounds[:, :2])
    np.maximum.at(box[:, 2:], number, ground.bounds[:, 2:])
    mine = box[[name in changed for name in names]]
    holds = np.zeros(len(names), dtype=bool)
    for west, south, east, north in mine:  # a row per changed grid: few
        holds |= (box[:, 0] <= west) & (box[:, 1] <= south) & (box[:, 2] >= east) & (box[:, 3] >= north)
    return {str(name) for name in names[holds]} - changed


def _find_holes(ground: Ground, draft: Draft, grid_ids: set[str], known: Mapping[str, Any]) -> list[Defect]:
    """Return the defects of grids that have holes, with all the grids that lie in these."""
    rows = rows_by_grid(draft, grid_ids & draft.grids.keys())
    holes = {name: list_holes(pick_shape(ground, at, known)) for name, at in rows.items()}
    open_ = [name for name, found in holes.items() if found]
    if not open_:
        return []
    inside = np.unique(ground.tree.query([hole for name in open_ for hole in holes[name]], predicate="intersects")[1])
    near = rows_by_grid(draft, {*open_, *draft.label[inside]})
    names = np.array([*near], dtype=object)
    kinds = pd.DataFrame({"grid_id": names, "kind": [draft.grids[name].kind for name in near]}, dtype=object)
    land = np.array([pick_shape(ground, at, known) for at in near.values()])
    told = tell_holes(replace(ground.plan, grids=kinds), names, land)
    return [defect for defect in told if defect.subject in grid_ids]


def _find_astray(ground: Ground, draft: Draft, grid_ids: set[str], known: Mapping[str, Any]) -> list[Defect]:
    """Return the defects of demand points outside their own block that touch one of the grids."""
    if not len(ground.astray):
        return []
    point, block = ground.astray.T
    touched = np.unique(point[[name in grid_ids for name in draft.label[block]]])
    if not len(touched):
        return []
    rows = _sketch(ground, draft, set(draft.label[block[np.isin(point, touched)]]), known)
    return list(check_demand(replace(to_plan(ground, draft, rows), demand=ground.plan.demand.iloc[touched])))
