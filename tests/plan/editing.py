"""Towns to edit, and what the edits are held against: the whole plan, checked before and after."""

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import shapely

from spatial.plan.checks import check_plan
from spatial.plan.edits import Edit, Ground, Outcome, State, apply_edits, build_plan_grids
from spatial.plan.model import Plan
from spatial.plan.state import open_draft
from tests.plan.towns import CORNER, SIDE_M, adjacency_frame, block_frame, make_plan, quarters


def run(ground: Ground, state: State, *edits: Edit, seed: int = 1) -> Outcome:
    """Make edits; whatever they are, the next ones may stand on the draft as on its state."""
    out = apply_edits(ground, state, edits, rng=np.random.default_rng(seed))
    drafts = [out.draft, open_draft(ground.index, out.state)]
    mine, opened = ([one.label.tolist(), [*one.grids.items()], [*one.retired.items()]] for one in drafts)
    assert mine == opened
    assert {type(name) for name in mine[0]} == {str}
    return out


def line(*xy: tuple[float, float]) -> tuple[tuple[float, float], ...]:
    """A line in units of a block's side."""
    return tuple((float(CORNER[0] + SIDE_M * x), float(CORNER[1] + SIDE_M * y)) for x, y in xy)


def blocks_in(state: State, grid_id: str) -> set[str]:
    return set(state.assignment.index[state.assignment == grid_id])


def strict_town() -> Plan:
    """Five by five blocks in two communities, in whose grids many rules can break.

    A river that nobody crosses lies between the columns 1 and 2 in rows 0 to 2, one short border in row 4, a demand
    point lies in the block beside its own, and the town hall says that the first community has 1,450 households.
    """
    blocks = block_frame(5, 5)
    column, row = (blocks["block_id"].str[k].astype(int) for k in (1, 2))
    blocks["households"] = (37 * column + 53 * row) % 160 + 20
    blocks["oversize"] = (column == 4) & (row == 4)
    blocks.loc[blocks["oversize"], "households"] = 900
    blocks["community_id"] = np.where(column < 3, "610402001001", "610402001002")
    adjacency = adjacency_frame(blocks)
    wet = (adjacency["focal"].str[1] == "1") & (adjacency["neighbor"].str[1] == "2")
    adjacency.loc[wet & (adjacency["focal"].str[2] < "3"), "crossable"] = False
    adjacency.loc[wet & (adjacency["focal"].str[2] == "4"), "shared_m"] = 3.0
    names = [f"g{min(int(c) // 2 + (int(c) == 3), 2)}{min(int(r) // 2, 1)}" for c, r in zip(column, row, strict=True)]
    names = [f"h{name[1:]}" if c >= 3 else name for name, c in zip(names, column, strict=True)]
    plan = make_plan(blocks, pd.Series(names, index=blocks["block_id"], name="grid_id"), adjacency)
    demand = plan.demand.copy()
    demand.loc[demand["block_id"] == "b12", "geometry"] = demand.loc[demand["block_id"] == "b22", "geometry"].iloc[0]
    communities = plan.communities.assign(households=[1450.0, np.nan])
    return replace(plan, demand=demand, communities=communities)


def as_plan(ground: Ground, state: State) -> Plan:
    """The whole plan of a state, made without what the edits know."""
    return replace(ground.plan, assignment=state.assignment, grids=build_plan_grids(ground, state))


def differences(ground: Ground, before: State, after: State) -> tuple[Any, Any]:
    """What the whole plan breaks after and not before, and before and not after: (rule, severity, subject), counted."""
    keys = ["rule", "severity", "subject"]
    old, new = (
        Counter(check_plan(as_plan(ground, state))[keys].itertuples(index=False, name=None))
        for state in (before, after)
    )
    return new - old, old - new


def keys(violations: Any) -> Any:
    return Counter(violations[["rule", "severity", "subject"]].itertuples(index=False, name=None))


def messages(violations: Any) -> set[tuple[str, ...]]:
    return set(violations[["rule", "severity", "subject", "message"]].itertuples(index=False, name=None))


def pieces_of(ground: Ground, blocks: Any) -> int:
    """In how many pieces blocks lie, by walking from one to the next."""
    left = set(blocks)
    rows = ground.adjacency[(ground.adjacency["shared_m"] >= 5.0) & ground.adjacency["crossable"]]
    pairs = set(zip(rows["focal"], rows["neighbor"], strict=True))
    pieces = 0
    while left:
        pieces += 1
        waiting = [left.pop()]
        while waiting:
            at = waiting.pop()
            near = {b for b in left if (at, b) in pairs or (b, at) in pairs}
            left -= near
            waiting += sorted(near)
    return pieces


def ring_town() -> Plan:
    """Three by three blocks: one in the middle, the others a grid all round it."""
    blocks = block_frame(3, 3, households=60)
    label = pd.Series("ring", index=blocks["block_id"], name="grid_id")
    label["b11"] = "core"
    return make_plan(blocks, label)


def torn_town() -> Plan:
    """Four by four blocks whose last one lies half a metre over its neighbour: nothing tiles."""
    blocks = block_frame(4, 4)
    shapes = blocks.geometry.to_numpy().copy()
    shapes[-1] = shapely.transform(shapes[-1], lambda xy: xy - [0.5, 0.0])
    return make_plan(blocks.set_geometry(shapes), quarters(blocks))
