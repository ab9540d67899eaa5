"""What does a division that was worked out elsewhere make of a state? Its parts go on as the grids they are most of."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from spatial.errors import EditError
from spatial.plan.ground import Ground, locate_blocks
from spatial.plan.outcome import Outcome, build_outcome
from spatial.plan.redrawing import relabel
from spatial.plan.state import BASE, Draft, State, open_draft, require_unlocked

_WHAT = "assignment"
_NEW = "\0new "
"""Before the name of a part that goes on as no grid: no grid is called so."""


def adopt_assignment(ground: Ground, state: State | Draft, assignment: Mapping[str, str]) -> Outcome:
    """Return what putting blocks into the parts of an assignment (block to part) makes of a state.

    A part goes on as the grid with which it shares households, so that in all as many as can be stay in their grid;
    further parts become new grids, and grids that no part goes on as are retired. Names of parts count for nothing.
    Blocks that are not named stay where they are.

    Raises
    ------
    EditError
        If it names a block that is not there or only some blocks of a grid, or changes one that is locked or dedicated.
    """
    before = open_draft(ground.index, state)
    if not assignment:
        return build_outcome(ground, before, before, ())
    names = sorted(assignment)
    rows = locate_blocks(ground, names, _WHAT)
    part = pd.Series(assignment).loc[ground.index[rows]].to_numpy(dtype=object)
    old = before.label[rows]
    _require_whole(ground, before.label, rows)
    label = before.label.copy()
    label[rows] = _match(part, old, ground.households[rows])
    moved = label != before.label
    changed = tuple(sorted({*before.label[moved], *label[moved]} & before.grids.keys()))
    require_unlocked(before, changed, _WHAT)
    for name in changed:
        if before.grids[name].kind != BASE:
            raise EditError(
                f"{_WHAT}: it changes grid {name!r}, which is {before.grids[name].kind}; needed base grids alone"
            )
    return build_outcome(ground, before, relabel(ground, before, label, changed, {}), ())


def _require_whole(ground: Ground, label: Any, rows: Any) -> None:
    named = np.zeros(len(label), dtype=bool)
    named[rows] = True
    torn = np.flatnonzero(~named & np.isin(label.astype(str), sorted(set(label[rows]))))
    if len(torn):
        block, grid = ground.index[torn[0]], label[torn[0]]
        raise EditError(
            f"{_WHAT}: it names blocks of grid {grid!r} and not {block!r}; needed all blocks of a grid or none"
        )


def _match(part: Any, old: Any, households: Any) -> Any:
    """Return the grid of each block: parts are matched to grids so that most households, then blocks, stay."""
    parts, p = np.unique(part.astype(str), return_inverse=True)
    grids, g = np.unique(old.astype(str), return_inverse=True)
    worth = households.astype(np.float64) * (len(part) + 1) + 1.0
    shared = coo_array((worth, (p, g)), shape=(len(parts), len(grids))).tocsr()
    names = np.array([_NEW + name for name in parts], dtype=object)
    size = len(parts)
    whole = coo_array((np.ones(len(p)), (p, g + size)), shape=(size + len(grids),) * 2)
    count, group = connected_components(whole, directed=False)
    order = np.argsort(group, kind="stable")
    for members in np.split(order, np.searchsorted(group[order], np.arange(1, count))):
        some, those = members[members < size], members[members >= size] - size
        table = shared[some][:, those].toarray()
        row, column = linear_sum_assignment(table, maximize=True)
        met = table[row, column] > 0
        names[some[row[met]]] = grids[those[column[met]]]
    return names[p]
