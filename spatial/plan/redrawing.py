"""How does the engine split a grid, or draw some grids anew, inside a draft?"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from spatial.division.divide import divide
from spatial.division.redivide import redivide
from spatial.division.warming import compile_first
from spatial.errors import EditError, InputError
from spatial.plan.grid_rows import count_households
from spatial.plan.ground import Ground
from spatial.plan.lineage import add_grid, retire_grid
from spatial.plan.state import BASE, Draft, require_grid, require_unlocked, rows_by_grid
from spatial.profile import Profile

_BANDS = (1.0, 0.75, 0.5, 0.25)


def split_parts(ground: Ground, rows: Any, parts: int | None, what: str, rng: np.random.Generator) -> Any:
    """Return by block the number of its part, as the engine divides these blocks into just so many contiguous parts.

    The parts aim at equal households within the profile's band, scaled; narrower bands are tried where that gives
    another number of parts.

    Raises
    ------
    EditError
        If there are fewer blocks than parts, or the engine finds no such number of parts.
    """
    households = int(ground.households[rows].sum())
    wanted = parts or max(2, round(households / ground.profile.grid.target_households))
    if len(rows) < wanted:
        raise EditError(f"{what}: it has {len(rows)} blocks, needed at least {wanted} to make {wanted} parts")
    if households < wanted:
        raise EditError(f"{what}: it has {households} households, needed at least {wanted} to make {wanted} parts")
    inside = np.zeros(len(ground.index), dtype=bool)
    inside[rows] = True
    borders = ground.adjacency.iloc[np.flatnonzero(inside[ground.first] & inside[ground.second])]
    seed, found = int(rng.integers(1, 2**62)), []
    for width in _BANDS:
        profile = _scale(ground.profile, households / wanted, width)
        division = divide(ground.blocks.iloc[rows], borders, profile, rng=np.random.default_rng(seed), workers=1)
        names = division.assignment.loc[ground.index[rows]].to_numpy(dtype=object)
        label = np.unique(names, return_inverse=True)[1]
        found.append(int(label.max()) + 1)
        if found[-1] == wanted:
            return label
    raise EditError(
        f"{what}: the engine makes {' or '.join(map(str, sorted(set(found))))} parts of its {len(rows)} blocks, "
        f"needed {wanted}; split it along a line instead"
    )


def _scale(profile: Profile, target: float, width: float) -> Profile:
    """Return the profile with its band moved to another target, and made narrower."""
    grid = profile.grid
    low = (grid.target_households - grid.floor_households) / grid.target_households * width
    high = (grid.ceiling_households - grid.target_households) / grid.target_households * width
    middle = max(1, round(target))
    rules = replace(
        grid,
        target_households=middle,
        floor_households=max(1, int(np.floor(middle * (1 - low)))),
        ceiling_households=max(middle, int(np.ceil(middle * (1 + high)))),
    )
    return replace(profile, grid=rules, division=replace(profile.division, proof_nodes_per_block=0))


def redraw(
    ground: Ground, draft: Draft, grid_ids: tuple[str, ...], budget_s: float | None, rng: np.random.Generator
) -> tuple[Draft, tuple[str, ...]]:
    """Return the draft with some grids divided anew by the engine, and what the engine says of it.

    Raises
    ------
    EditError
        If one of the grids is unknown, locked or dedicated.
    """
    what = "redivide"
    require_unlocked(draft, grid_ids, what)
    for grid_id in grid_ids:
        if require_grid(draft, grid_id, what).kind != BASE:
            raise EditError(f"{what}: grid {grid_id!r} is {draft.grids[grid_id].kind}; needed base grids alone")
    current = pd.Series(draft.label, index=ground.index, name="grid_id")
    if budget_s is not None:
        compile_first(ground.profile)  # a budget is for searching
    try:
        division = redivide(
            ground.blocks, ground.adjacency, ground.profile, current=current, grids=grid_ids, rng=rng, budget_s=budget_s
        )
    except InputError as error:
        raise EditError(f"{what}: {error}") from error
    label = division.assignment.loc[ground.index].to_numpy(dtype=object)
    told = f"Drawn anew at a cost of {division.total:.4g}; no lawful way costs less than {division.bound:.4g}."
    drawn = relabel(ground, draft, label, grid_ids, division.explanations.to_dict())
    return drawn, (*division.reasons, told)


def relabel(
    ground: Ground, draft: Draft, label: Any, grid_ids: tuple[str, ...], explanations: Mapping[str, str]
) -> Draft:
    """Return the draft under labels of which some are new: those get ids and codes that were never used.

    Only blocks of ``grid_ids`` may have another label than before. A new grid stands under the community of most of its
    households, and comes from all grids that gave it blocks.
    """
    old, renamed = draft.label, label.copy()
    told = dict(explanations)
    for new in sorted(set(label) - draft.grids.keys()):
        rows = np.flatnonzero(label == new)
        givers = sorted(set(old[rows]))
        like = replace(draft.grids[givers[0]], name="", attributes={}, community_id=pick_community(ground, rows))
        draft, grid_id = add_grid(draft, like, (draft.grids[name].code for name in givers))
        renamed[rows] = grid_id
        told[grid_id] = told.pop(str(new), "")
    draft = replace(draft, label=renamed)
    for name in sorted(set(grid_ids) - set(renamed)):
        draft = retire_grid(draft, name, set(renamed[old == name]))
    living = [name for name in {*grid_ids, *renamed[np.isin(old, list(grid_ids))]} if name in draft.grids]
    grids = {name: replace(draft.grids[name], explanation=str(told.get(name, ""))) for name in living}
    return replace(draft, grids={**draft.grids, **grids})


def pick_community(ground: Ground, rows: Any) -> str:
    """Return the community of most households of these blocks; of equal ones that of most land, then the first."""
    names, number = np.unique(ground.community[rows].astype(str), return_inverse=True)
    households = np.bincount(number, ground.households[rows])
    area = np.bincount(number, ground.area_m2[rows])
    return str(names[np.lexsort((np.arange(len(names)), -area, -households))[0]])


def pick_keeper(ground: Ground, draft: Draft, grid_ids: tuple[str, ...]) -> str:
    """Return the grid of most households; of equal ones the first by id."""
    held = count_households(ground, draft, grid_ids)
    return min(held, key=lambda name: (-held[name], name))


def divide_label(ground: Ground, draft: Draft, grid_id: str, part: Any) -> Draft:
    """Return the draft with a grid's blocks (ascending) split by the number of their part.

    The part with most households keeps id, code, name and attributes; of equal ones that with the first block. The
    others follow by their first block.
    """
    rows = rows_by_grid(draft, [grid_id])[grid_id]
    grid, label = draft.grids[grid_id], draft.label.copy()
    numbers, first = np.unique(part, return_index=True)
    households = [int(ground.households[rows[part == number]].sum()) for number in numbers]
    order = np.lexsort((first, -np.array(households)))
    for number in sorted(numbers[order[1:]], key=lambda k: int(first[np.flatnonzero(numbers == k)[0]])):
        mine = rows[part == number]
        like = replace(grid, name="", attributes={}, community_id=pick_community(ground, mine))
        draft, new = add_grid(draft, like, (grid.code,))
        label[mine] = new
    grids = {**draft.grids, grid_id: replace(grid, explanation="")}
    return replace(draft, label=label, grids=grids)
