"""Which fewest moves make torn grids contiguous again? The fewest households, then the fewest blocks."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from spatial.plan.edit_kinds import MoveBlocks
from spatial.plan.ground import Ground, name_blocks
from spatial.plan.mending import list_contacts, mend_greedily
from spatial.plan.mending_exact import mend_exactly
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


def propose_repair(ground: Ground, state: State | Draft, grids: Iterable[str] | None = None) -> Proposal:
    """Return the moves that make grids contiguous (None: all that are not), locked grids left as they are.

    Moves go between the torn grids and those beside them, and keep a block in its community; every other grid of these
    stays contiguous, and each keeps one of its blocks at least.

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
    free_to_move = {
        name for name in draft.grids if not draft.grids[name].locked and (name in free or len(pieces[name]) == 1)
    }
    beside = list_contacts(ground)
    label, proved = draft.label.copy(), True
    for cluster, scope in _cluster(ground, draft, free, free_to_move):
        found, sure = _mend(ground, draft, cluster, scope, beside)
        proved = proved and sure
        if found is None:
            why = "that no unlocked grid beside can take or join" if sure else "that no way was found to mend in time"
            unmended += [f"{_name(cluster)} in pieces {why}."]
            continue
        moved = found != draft.label
        label[moved] = found[moved]
    return _propose(ground, draft, label, proved, tuple(unmended))


def _name(cluster: list[str]) -> str:
    return f"Grid {cluster[0]} lies" if len(cluster) == 1 else f"Grids {', '.join(cluster)} lie"


def _cluster(ground: Ground, draft: Draft, torn: list[str], free: set[str]) -> list[tuple[list[str], list[str]]]:
    """Return torn grids that may want the same neighbours, and so are mended together, with all grids involved."""
    near: dict[str, set[str]] = {name: {name} for name in torn}
    apart = ground.contact & (draft.label[ground.first] != draft.label[ground.second])
    for a, b in zip(draft.label[ground.first[apart]], draft.label[ground.second[apart]], strict=True):
        for one, other in ((a, b), (b, a)):
            if one in near and other in free:
                near[one].add(str(other))
    clusters: list[tuple[set[str], set[str]]] = []
    for name in torn:
        touching = [pair for pair in clusters if pair[1] & near[name]]
        both = {name}.union(*(pair[0] for pair in touching)), near[name].union(*(pair[1] for pair in touching))
        clusters = [pair for pair in clusters if pair not in touching] + [both]
    return sorted((sorted(names), sorted(scope)) for names, scope in clusters)


def _mend(
    ground: Ground, draft: Draft, cluster: list[str], scope: list[str], beside: list[list[int]]
) -> tuple[Any, bool]:
    """Return labels that mend a cluster (None: none found), and whether that is proved the best."""
    greedy, left = mend_greedily(ground, draft, cluster, draft.grids.keys() - set(scope), beside)
    stays = set(draft.label[greedy == draft.label])
    known = None if left or not set(scope) <= stays else greedy  # moves made one by one must empty no grid on the way
    return mend_exactly(ground, draft, scope, known, beside)


def _propose(ground: Ground, draft: Draft, label: Any, proved: bool, unmended: tuple[str, ...]) -> Proposal:
    rows = np.flatnonzero(label != draft.label)
    moves = tuple(MoveBlocks(name_blocks(ground, rows[label[rows] == to]), str(to)) for to in sorted(set(label[rows])))
    return Proposal(moves, int(ground.households[rows].sum()), len(rows), proved, unmended)
