"""Which sites with limited room should be open, by what several searches among bundles of rows agree on?

Short searches begin from sites drawn by how often prices opened them. What they find is judged by the rows themselves:
the best choice that has all they agree on is found by an exact model of the sites in which they differ (optimised
crossover; Aggarwal, Orlin and Tai, 1997).
"""

import numpy as np

from spatial.siting.room.bundles import bundle_rooms
from spatial.siting.room.climb import Bound, hardly_open, open_mostly
from spatial.siting.room.decide import decide_region, too_dear
from spatial.siting.room.rooms import Rooms
from spatial.siting.room.swap import finite_lost
from spatial.siting.room.trade import begun_split, trade_sites
from spatial.siting.ways import Deadline, Flags, Floats

_EACH, _LEAST_BUNDLES = 12, 1200
"""Bundles for each open site, and at least."""
_WORTH = 2.5
"""Rows of a bundle, in the mean, from which on bundles are worth it."""
_ROWS = 60
"""Rows of an open site from which on they are: 100 sites of a district come nearer by exchanges of rows."""
_MOST_CELLS = 5_000_000
"""Rows times sites up to which their costs are told one by one."""
_SHARE = 0.2
"""Share of the time that one search may take."""
_NOISE = 0.3
"""By how much chance may lift the share of rounds in which prices opened a site."""
DEAR = 0.03
"""How much more than a row's price an entry of a model may cost with its room, as a share of that price."""
_MODEL_S = 1.0


def may_merge(rooms: Rooms, state: Bound) -> bool:
    """Tell whether prices went a way, and rows are enough for bundles to be worth it, but not too many."""
    rows = len(rooms.load)
    if not len(state.share) or rows < _WORTH * _most(rooms) or rows < _ROWS * _open(rooms):
        return False
    return rows * int((~hardly_open(rooms, state)).sum()) <= _MOST_CELLS


def _most(rooms: Rooms) -> int:
    return max(_EACH * _open(rooms), _LEAST_BUNDLES)


def _open(rooms: Rooms) -> int:
    return rooms.most + int(rooms.question.fixed.sum())


def merge_sites(rooms: Rooms, near: Rooms, state: Bound, *, deadline: Deadline, seed: int) -> list[Flags]:
    """Return the open sites that searches found, first the best that joins of them by ``near`` entries lead to."""
    opened = open_mostly(rooms, state)
    still = state.fixed | state.banned | (hardly_open(rooms, state) & ~opened)
    bundles, rng = bundle_rooms(rooms, state.prices, opened | ~still, most=_most(rooms)), np.random.default_rng(seed)
    few, lost, over = bundles.rooms, finite_lost(near), too_dear(near, state.prices, DEAR)
    each, sets = _SHARE * deadline.left(), [opened]
    while len(sets) == 1 or deadline.left() > 0.0:
        begun = opened if len(sets) == 1 else _drawn(state, opened, still, rng)
        part = Deadline(min(each, deadline.left()), clock=deadline.clock)
        other, _ = trade_sites(few, begun, still, deadline=part, seed=seed + len(sets))
        sets = [join_sites(near, lost, over, [*sets, other], deadline), *sets[1:], other]
    return sets


def join_sites(near: Rooms, lost: Floats, over: Flags, sets: list[Flags], deadline: Deadline) -> Flags:
    """Return the best open sites that have all that some sets agree on, and none that no set has.

    The best of the sets stands first or last; it is returned if none is better. Entries that are ``over`` serve only
    what they serve there.
    """
    splits = [begun_split(near, one, lost) for one in (sets[0], sets[-1])]
    best = int(np.argmin([one.total for one in splits]))
    split, now, every = splits[best], sets[-best], np.array(sets)
    if deadline.left() <= 0.0 or (every == now).all():
        return now
    short = Deadline(min(deadline.left(), _MODEL_S), clock=deadline.clock)
    stays = np.asarray(every.all(axis=0))
    found = decide_region(near, split, now, np.flatnonzero(every.any(axis=0)), stays, over, short)
    return now if found is None or begun_split(near, found, lost).total >= split.total else found


def _drawn(state: Bound, opened: Flags, still: Flags, rng: np.random.Generator) -> Flags:
    """Return as many sites, drawn by how often prices opened them."""
    key = state.share + _NOISE * rng.random(len(opened))
    key[still] = np.where(opened[still], np.inf, -np.inf)
    out = np.zeros(len(opened), dtype=bool)
    out[np.argsort(-key, kind="stable")[: int(opened.sum())]] = True
    return out
