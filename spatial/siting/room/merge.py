"""Which sites with limited room should be open, by what several searches among bundles of rows agree on?

Short searches begin from sites drawn by how often prices opened them. The best of two choices that has all they agree
on is found by an exact model of the sites in which they differ (optimised crossover; Aggarwal, Orlin and Tai, 1997).
"""

import numpy as np

from spatial.siting.room.bundles import bundle_rooms
from spatial.siting.room.climb import Bound, hardly_open
from spatial.siting.room.decide import decide_region, too_dear
from spatial.siting.room.rooms import Rooms
from spatial.siting.room.swap import finite_lost
from spatial.siting.room.trade import begun_split, trade_sites
from spatial.siting.ways import Deadline, Flags, Floats

_EACH, _LEAST_BUNDLES = 25, 2000
"""Bundles for each open site, and at least."""
_WORTH = 2.5
"""Rows of a bundle, in the mean, from which on bundles are worth it."""
_MOST_CELLS = 5_000_000
"""Rows times sites up to which their costs are told one by one."""
_SHARE = 0.1
"""Share of the time that one search may take."""
_NOISE = 0.3
"""By how much chance may lift the share of rounds in which prices opened a site."""
_DEAR = 0.1
"""How much more than a bundle's price an entry of a model may cost with its room, as a share of that price."""
_MODEL_S = 1.0


def may_merge(rooms: Rooms, state: Bound) -> bool:
    """Tell whether prices went a way, and rows are enough for bundles to be worth it, but not too many."""
    if not len(state.share) or len(rooms.load) < _WORTH * _most(rooms):
        return False
    return len(rooms.load) * int((~hardly_open(rooms, state)).sum()) <= _MOST_CELLS


def _most(rooms: Rooms) -> int:
    return max(_EACH * (rooms.most + int(rooms.question.fixed.sum())), _LEAST_BUNDLES)


def merge_sites(rooms: Rooms, state: Bound, opened: Flags, *, deadline: Deadline, seed: int) -> Flags:
    """Return open sites that cost little if rows may be shared, as far as bundles tell; some open ones begin."""
    still = state.fixed | state.banned | (hardly_open(rooms, state) & ~opened)
    bundles = bundle_rooms(rooms, state.prices, opened | ~still, most=_most(rooms))
    few, rng = bundles.rooms, np.random.default_rng(seed)
    lost, over = finite_lost(few), too_dear(few, bundles.sum_of(state.prices), _DEAR)
    each, now = _SHARE * deadline.left(), opened
    least, turn = begun_split(few, now, lost).total, 0
    while deadline.left() > 0.0:
        begun = opened if turn == 0 else _drawn(state, opened, still, rng)
        part = Deadline(min(each, deadline.left()), clock=deadline.clock)
        other, total = trade_sites(few, begun, still, deadline=part, seed=seed + turn)
        now, other, least = (other, now, total) if total < least else (now, other, least)
        joined = _joined(few, lost, over, now, other, deadline)
        total = begun_split(few, joined, lost).total
        now, least, turn = (joined, total, turn + 1) if total < least else (now, least, turn + 1)
    return now


def _drawn(state: Bound, opened: Flags, still: Flags, rng: np.random.Generator) -> Flags:
    """Return as many sites, drawn by how often prices opened them."""
    key = state.share + _NOISE * rng.random(len(opened))
    key[still] = np.where(opened[still], np.inf, -np.inf)
    out = np.zeros(len(opened), dtype=bool)
    out[np.argsort(-key, kind="stable")[: int(opened.sum())]] = True
    return out


def _joined(few: Rooms, lost: Floats, over: Flags, now: Flags, other: Flags, deadline: Deadline) -> Flags:
    """Return the best choice of the sites of two that has all that both have, or the first of them."""
    if deadline.left() <= 0.0 or (now == other).all():
        return now
    short = Deadline(min(deadline.left(), _MODEL_S), clock=deadline.clock)
    split, sites = begun_split(few, now, lost), np.flatnonzero(now | other)
    found = decide_region(few, split, now, sites, now & other, over, short)
    return now if found is None else found
