"""How much can p sites with room serve at most, where all sites that may serve a row are as good, and which do it?

A linear programme of sites and of what rows lack bounds what is lost (see ``lacks.py``). Among the sites that its
answers open in part annealing finds good ones (see ``anneal.py``); then halving the programme on one site after the
other raises the bound (see ``grow.py``), and exchanges find better sites for whole rows.
"""

import numpy as np

from spatial.siting.cover.table import matrix_of
from spatial.siting.room.anneal import anneal_rooms
from spatial.siting.room.grow import grow_parts
from spatial.siting.room.lacks import raise_lacks
from spatial.siting.room.pack import pack_rooms
from spatial.siting.room.rooms import MOST_ROWS, Choice, Rooms, has_more_conditions
from spatial.siting.room.rows import Kinds, list_kinds
from spatial.siting.room.trade import trade_rooms
from spatial.siting.ways import Deadline, Flags, Floats

_LP_SHARE, _SEARCH_SHARE, _TREE_SHARE, _LAST_SHARE = 0.45, 0.35, 0.6, 0.05
"""Shares of the time that is left: for the linear programme, annealing, and branching; exchanges leave the last."""
_SEARCHES, _SWAPS, _HEAT = 4, 1_200, (0.03, 0.004)
"""Annealings, swaps of each by open site, and temperatures as shares of what an open site serves."""
_OPEN = 1e-6
"""Sites open by less are not searched."""
_FLOOR = 0.1
_LIKE = 1e-9


def counts_served(rooms: Rooms) -> bool:
    """Tell whether the question is how much is served, among rows too many for exact models of single rows."""
    question = rooms.question
    lost, load = rooms.lost, rooms.load
    if has_more_conditions(question) or rooms.charge.any() or rooms.paid.any() or question.rows <= MOST_ROWS:
        return False
    heavy = load > 0.0
    rate = lost[heavy] / load[heavy]
    alike = len(rate) > 0 and bool(np.isfinite(rate).all()) and float(np.ptp(rate)) <= _LIKE * float(rate.max())
    return alike and not lost[~heavy].any()


def serve_most(rooms: Rooms, *, deadline: Deadline, seed: int) -> tuple[Choice, float] | None:
    """Return the choice met that leaves least out and how little can be left out; None if time does not do for a bound.

    Annealing seeks sites as if rows might be shared; exchanges go on from there, which try whole ones.
    """
    kinds = list_kinds(rooms)
    raised = raise_lacks(rooms, kinds, _part(deadline, _LP_SHARE))
    if raised is None:
        return None
    still = rooms.question.fixed | rooms.question.banned
    begun = _likeliest(rooms, kinds, raised.told.point[: len(rooms.room)])
    free = (begun | (raised.told.point[: len(rooms.room)] > _OPEN)) & ~still
    opened, least = _searched(kinds, begun, free, _part(deadline, _SEARCH_SHARE), seed)
    goal = least * float(rooms.lost.sum()) / float(rooms.load.sum())
    bound = grow_parts(raised.relaxed, raised.told, goal=goal, deadline=_part(deadline, _TREE_SHARE))
    short = _part(deadline, 1.0 - _LAST_SHARE)
    best = pack_rooms(rooms, trade_rooms(rooms, opened, still, deadline=short, seed=seed))
    return best, min(max(bound, 0.0), best.value)


def _searched(kinds: Kinds, begun: Flags, free: Flags, deadline: Deadline, seed: int) -> tuple[Flags, float]:
    """Return the best sites of some annealings, each from the best so far, and the load that they leave out at least.

    The ``free`` ones may be swapped.
    """
    best, least = begun, np.inf
    swaps = _SWAPS * max(int((begun & free).sum()), 1)
    for turn in range(_SEARCHES):
        short = _part(deadline, 1.0 / (_SEARCHES - turn))
        found, lost = anneal_rooms(kinds, best, free, swaps=swaps, heat=_HEAT, deadline=short, seed=seed + turn)
        best, least = (found, lost) if lost < least else (best, least)
        if deadline.left() <= 0.0:
            break
    return best, least


def _part(deadline: Deadline, share: float) -> Deadline:
    return Deadline(share * deadline.left(), clock=deadline.clock)


def _likeliest(rooms: Rooms, kinds: Kinds, share: Floats) -> Flags:
    """Return the fixed sites with as many others as may open, one by one those that add most and have large shares."""
    question, near, left = rooms.question, matrix_of(kinds.table), kinds.load.copy()
    opened, free = question.fixed.copy(), ~question.fixed & ~question.banned
    fixed = np.flatnonzero(question.fixed).tolist()
    for turn in range(len(fixed) + min(rooms.most, int(free.sum()))):
        asks = near.T @ left
        worth = np.minimum(asks, kinds.room) * (_FLOOR + share)
        s = fixed[turn] if turn < len(fixed) else int(np.argmax(np.where(free, worth, -1.0)))
        opened[s], free[s] = True, False
        mine = kinds.table.row[kinds.table.col_ptr[s] : kinds.table.col_ptr[s + 1]]
        left[mine] *= 1.0 - min(kinds.room[s] / max(float(asks[s]), _LIKE), 1.0)
    return opened
