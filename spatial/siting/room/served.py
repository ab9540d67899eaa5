"""How much can p sites with room serve at most, where all sites that may serve a row are as good, and which do it?

A linear programme of sites and of what rows lack bounds what is lost (see ``lacks.py``). Among the sites that its
answers open in part annealing finds good ones (see ``anneal.py``); then halving the programme on one site after the
other raises the bound (see ``grow.py``), and exchanges find better sites for whole rows.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from spatial.siting.cover.table import matrix_of
from spatial.siting.room.anneal import anneal_rooms
from spatial.siting.room.grow import grow_parts
from spatial.siting.room.lacks import begin_lacks, raise_lacks
from spatial.siting.room.pack import pack_rooms
from spatial.siting.room.relaxed import Told
from spatial.siting.room.rooms import MOST_ROWS, Choice, Rooms, has_more_conditions
from spatial.siting.room.rows import Kinds, list_kinds
from spatial.siting.room.swap import finite_lost
from spatial.siting.room.trade import begun_split, filled_split, trade_rooms
from spatial.siting.ways import Deadline, Flags, Floats

_FIRST_SHARE, _LP_SHARE, _SEARCH_SHARE, _LAST_SHARE = 0.15, 0.4, 0.75, 0.02
"""Shares of the time that is left: for what searches begin with, the linear programme beside them, annealings of these,
and what branching leaves."""
_SEARCHES, _EACH_SHARE, _SWAPS, _HEAT = 6, 0.3, (24_000, 12_000), (0.03, 0.004)
"""Annealings, the share of the rest of their time for each, swaps of each and of what joins them, and temperatures as
shares of what an open site serves."""
_OPEN, _MANY, _MORE = 1e-6, 3, 150
"""Sites open by less are not searched; where at least so many times the sites that may open are, so many more may be
searched that cost least beyond their prices."""
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

    The programme comes first; then its bound is raised beside searches, which a second thread does; in the end both
    threads branch, and search on where that ends early. Threads tell each other nothing while they go on, so that none
    can be first; how long each stage takes is left to the clock.
    """
    kinds, short = list_kinds(rooms), _part(deadline, _FIRST_SHARE)
    if (begun := begin_lacks(rooms, _part(deadline, _LP_SHARE))) is None:
        return None
    raised, short = raise_lacks(begun, kinds, short), _part(deadline, _LP_SHARE)
    with ThreadPoolExecutor(1) as pool:
        searching = pool.submit(_search, rooms, kinds, raised.told, short, seed)
        raised = raise_lacks(raised, kinds, short)
        best, least = searching.result()
        goal, short = least * _rate(rooms), _part(deadline, 1.0 - _LAST_SHARE)
        bound = grow_parts(raised.relaxed, raised.told, goal=goal, deadline=short, pool=pool)
    if short.left() > 0.0 and bound < best.value:
        best = _better(best, _search(rooms, kinds, raised.told, short, seed + 1)[0])
    return best, min(max(bound, 0.0), best.value)


def _search(rooms: Rooms, kinds: Kinds, told: Told, deadline: Deadline, seed: int) -> tuple[Choice, float]:
    """Return the best choice of some searches, and the least load that any sites met leave out if rows are shared.

    Annealings begin with the sites that the programme opens mostly; they may swap those that it opens in part and,
    every other time, some more. After each a short one goes on from the best sites and swaps only sites that any has
    found: what is good in one part of the place comes together with what is good in another. The sites met are filled
    with whole rows, as exchanges do that follow.
    """
    m, still = len(rooms.room), rooms.question.fixed | rooms.question.banned
    begun = opened = _likeliest(rooms, kinds, told.point[:m])
    near = (begun | (told.point[:m] > _OPEN)) & ~still
    wide = _widened(near, still, told.left[:m]) if near.sum() >= _MANY * (begun & ~still).sum() else near
    best, least, met, short = None, np.inf, begun & ~still, _part(deadline, _SEARCH_SHARE)
    for turn in range(2 * _SEARCHES):
        joins = turn % 2 == 1
        found, out = anneal_rooms(
            kinds, opened if joins else begun, met if joins else (near, wide)[turn // 2 % 2],
            swaps=_SWAPS[int(joins)], heat=_HEAT, deadline=_part(short, _EACH_SHARE), seed=seed + turn,
        )  # fmt: skip
        met |= found & ~still
        opened, least = (found, out) if out < least else (opened, least)
        if best is None or out * _rate(rooms) < best.value:
            best = _better(best, _filled(rooms, found))
        if short.left() <= 0.0:
            break
    assert best is not None
    return _better(best, _exchanged(rooms, best, deadline, seed)), least


def _better(best: Choice | None, other: Choice) -> Choice:
    return other if best is None or other.value < best.value else best


def _filled(rooms: Rooms, opened: Flags) -> Choice:
    """Return open sites filled with whole rows."""
    lost = finite_lost(rooms)
    return pack_rooms(rooms, filled_split(rooms, begun_split(rooms, opened, lost).kept(), lost))


def _widened(near: Flags, still: Flags, left: Floats) -> Flags:
    """Return some sites with those others that cost least beyond their prices."""
    wide, more = near.copy(), np.argsort(np.where(near | still, np.inf, left), kind="stable")[:_MORE]
    wide[more] = ~still[more]
    return wide


def _exchanged(rooms: Rooms, best: Choice, deadline: Deadline, seed: int) -> Choice:
    """Return the choice that exchanges lead to from some open sites."""
    still = rooms.question.fixed | rooms.question.banned
    return pack_rooms(rooms, trade_rooms(rooms, best.opened, still, deadline=deadline, seed=seed))


def _rate(rooms: Rooms) -> float:
    """Return what is lost of each load that is left out."""
    return float(rooms.lost.sum()) / float(rooms.load.sum())


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
