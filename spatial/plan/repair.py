"""Which fewest moves make torn grids contiguous again? The fewest households, then the fewest blocks."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from spatial.plan.edit_kinds import MoveBlocks
from spatial.plan.ground import Ground, name_blocks
from spatial.plan.mending import mend_greedily
from spatial.plan.pieces import split_pieces
from spatial.plan.state import Draft, State, open_draft, require_grid


@dataclass(frozen=True, slots=True)
class Proposal:
    """Moves that mend torn grids.

    Attributes
    ----------
    edits:
        Moves, by the grid that gains.
    households, blocks:
        How many they move.
    proved:
        Whether no other moves among the torn grids and those beside them would do with fewer households, or with as
        many households and fewer blocks.
    unmended:
        A sentence for each torn grid that no moves of unlocked grids mend.
    notes:
        What else the planner should know.
    """

    edits: tuple[MoveBlocks, ...]
    households: int
    blocks: int
    proved: bool
    unmended: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def propose_repair(ground: Ground, state: State, grids: Iterable[str] | None = None) -> Proposal:
    """Return the moves that make grids contiguous (None: all that are not), locked grids left as they are.

    Moves go between the torn grids and those beside them, and keep a block in its community; every other grid of these
    stays contiguous, and none is emptied.

    Raises
    ------
    EditError
        If a grid does not exist.
    """
    return propose_moves(ground, open_draft(ground.index, state), None if grids is None else tuple(grids))


def propose_moves(ground: Ground, draft: Draft, grids: tuple[str, ...] | None) -> Proposal:
    """Return the proposal for a draft."""
    asked = draft.grids.keys() if grids is None else {require_grid(draft, name, "repair").grid_id for name in grids}
    pieces = split_pieces(ground, draft, draft.grids)
    torn = sorted(name for name in asked if len(pieces[name]) > 1)
    free = [name for name in torn if not draft.grids[name].locked]
    unmended = [f"Grid {name} is locked and in {len(pieces[name])} pieces." for name in torn if name not in free]
    label = draft.label
    frozen = {name for name in draft.grids if draft.grids[name].locked or (len(pieces[name]) > 1 and name not in free)}
    label, left = mend_greedily(ground, draft, free, frozen)
    unmended += [f"Grid {name} lies in pieces that no unlocked grid beside them can take or join." for name in left]
    return _propose(ground, draft, label, False, tuple(unmended))


def _propose(ground: Ground, draft: Draft, label: Any, proved: bool, unmended: tuple[str, ...]) -> Proposal:
    rows = np.flatnonzero(label != draft.label)
    moves = tuple(MoveBlocks(name_blocks(ground, rows[label[rows] == to]), str(to)) for to in sorted(set(label[rows])))
    return Proposal(moves, int(ground.households[rows].sum()), len(rows), proved, unmended)
