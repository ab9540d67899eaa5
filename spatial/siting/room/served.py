"""How much can p sites with room serve at most, where all sites that may serve a row are as good, and which do it?

Rows of a kind have a lack beside their sites, a site of their own with room for all of them, which costs what they are
lost for. With the lacks as further columns everybody is served, and a model of sites and lacks alone tells what can be
(see ``rows.py``): its linear programme, with zero-half cuts and inequalities of windows, bounds what is lost. Among
the sites that its answer opens in part annealing finds good ones (see ``anneal.py``), exchanges better ones.
"""

import numpy as np
from scipy import sparse

from spatial.siting.cover.table import matrix_of, table_of
from spatial.siting.room.anneal import anneal_rooms
from spatial.siting.room.pack import pack_rooms
from spatial.siting.room.rooms import MOST_ROWS, Choice, Rooms, has_more_conditions
from spatial.siting.room.rows import Kinds, list_kinds
from spatial.siting.room.sites import Master, Rounds, raise_bound
from spatial.siting.room.trade import trade_rooms
from spatial.siting.ways import Deadline, Flags, Floats

_LP_SHARE, _SEARCH_SHARE, _LAST_SHARE = 0.5, 0.35, 0.1
_ROUNDS = Rounds(most=200, little=0.01, idle=3, least=3e-4, counted=True)
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
    m, kinds = len(rooms.room), list_kinds(rooms)
    _, point, bound = raise_bound(lacks_master(rooms), _part(deadline, _LP_SHARE), _ROUNDS)
    if point is None:
        return None
    still = rooms.question.fixed | rooms.question.banned
    begun = _likeliest(rooms, kinds, point[:m])
    free = (begun | (point[:m] > _OPEN)) & ~still
    opened = _searched(kinds, begun, free, _part(deadline, _SEARCH_SHARE), seed)
    short = _part(deadline, 1.0 - _LAST_SHARE)
    best = pack_rooms(rooms, trade_rooms(rooms, opened, still, deadline=short, seed=seed))
    return best, min(max(bound, 0.0), best.value)


def _searched(kinds: Kinds, begun: Flags, free: Flags, deadline: Deadline, seed: int) -> Flags:
    """Return the best sites of some annealings, each from the best so far; the ``free`` ones may be swapped."""
    best, least = begun, np.inf
    swaps = _SWAPS * max(int((begun & free).sum()), 1)
    for turn in range(_SEARCHES):
        short = _part(deadline, 1.0 / (_SEARCHES - turn))
        found, lost = anneal_rooms(kinds, best, free, swaps=swaps, heat=_HEAT, deadline=short, seed=seed + turn)
        best, least = (found, lost) if lost < least else (best, least)
        if deadline.left() <= 0.0:
            break
    return best


def lacks_master(rooms: Rooms) -> Master:
    """Return the model of sites and lacks: what every kind lists, and how many sites may open."""
    question, kinds = rooms.question, list_kinds(rooms)
    n, m = kinds.table.rows, kinds.table.sites
    table = table_of(sparse.hstack([matrix_of(kinds.table), sparse.eye_array(n)]).tocsr())
    whole = Kinds(table, kinds.load, np.concatenate((kinds.room, kinds.load)), kinds.of)
    few = sparse.csr_array(np.concatenate((-(~question.fixed).astype(np.float64), np.zeros(n)))[None])
    lost = np.asarray(np.bincount(kinds.of, rooms.lost, n), dtype=np.float64)
    none, one = np.zeros(n), np.ones(n)
    shut = question.banned & ~question.fixed
    return Master(
        kinds=whole, cover=table, terms=sparse.vstack([matrix_of(table), few]).tocsr(),
        least=np.append(one, -float(rooms.most)), cost=np.concatenate((np.zeros(m), lost)),
        lower=np.concatenate((question.fixed.astype(np.float64), none)),
        upper=np.concatenate(((~shut).astype(np.float64), one)),
        whole=np.concatenate((np.ones(m, np.bool_), np.zeros(n, np.bool_))),
    )  # fmt: skip


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
