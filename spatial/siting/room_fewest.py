"""Which few sites have room for all, as far as a model of the sites alone leads to them?

The fewest sites that keep all inequalities known about room are nearly right: a search begins with them, and what they
break is added. The sites of the best choice are chosen anew window by window in the same way, where few inequalities
do to know all that matters.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from spatial.siting.cover_windows import window_around
from spatial.siting.room_cover import search_few
from spatial.siting.room_rows import broken_rooms, flow_of, serve_by_flow
from spatial.siting.room_sites import Master, fewest_sites, join_terms, master_of, raise_bound
from spatial.siting.rooms import Choice, Rooms
from spatial.siting.ways import Deadline, Floats

_LP_SHARE, _MODEL_SHARE = 0.3, 0.5
_TURNS, _WINDOWS = 200, 2
_WINDOW_SITES, _WINDOW_S, _TRIES = 10, 2.0, 4
_STEPS = 3_000
_MIXED = (1.0, 0.7, 0.4)
"""Inequalities are sought at the fewest sites, and on the way from there to the answer of the linear programme."""
_HAIR = 1e-6


@dataclass(frozen=True, slots=True)
class Stand:
    """The best choice met, the bound, the model so far, and the answer of its linear programme."""

    best: Choice
    bound: float
    master: Master
    point: Floats

    @property
    def done(self) -> bool:
        """Whether no choice can have fewer sites."""
        return bool(self.best.value <= np.ceil(self.bound - _HAIR))


def count_by_sites(rooms: Rooms, best: Choice, *, deadline: Deadline, seed: int) -> tuple[Choice, float]:
    """Return the choice of fewest new sites met, no worse than the given one, and a bound on how few can do."""
    short = Deadline(_LP_SHARE * deadline.left(), clock=deadline.clock)
    master, point, bound = raise_bound(master_of(rooms), short)
    if point is None:
        return best, bound
    stand = Stand(best, bound, master, point)
    rng, most = np.random.default_rng(seed), False
    for _ in range(_TURNS):
        if deadline.left() <= 0.0 or stand.done:
            break
        if not most:
            stand, most = _counted(rooms, stand, deadline, seed)
        for _ in range(_WINDOWS):
            if deadline.left() > 0.0 and not stand.done:
                stand = _refitted(rooms, stand, int(rng.choice(_new_sites(rooms, stand.best))), deadline, seed)
    return stand.best, stand.bound


def _new_sites(rooms: Rooms, best: Choice) -> np.ndarray:
    return np.flatnonzero(best.opened & ~rooms.question.fixed)


def _counted(rooms: Rooms, stand: Stand, deadline: Deadline, seed: int) -> tuple[Stand, bool]:
    """Return what branch and cut over all sites leads to, and whether it can lead no further."""
    found = fewest_sites(stand.master, stand.best.opened, limit_s=_MODEL_SHARE * deadline.left(), seed=seed)
    stand = replace(stand, bound=max(stand.bound, found.bound))
    if found.x is None or found.x @ stand.master.cost > stand.best.value - 0.5:
        return stand, True
    before = stand.master.terms.shape[0]
    stand = _tried(rooms, stand, found.x, deadline, seed)
    return stand, stand.master.terms.shape[0] == before


def _refitted(rooms: Rooms, stand: Stand, centre: int, deadline: Deadline, seed: int) -> Stand:
    """Return the state after the sites around one were chosen anew, as often as that breaks what was not known."""
    table = stand.master.kinds.table
    for _ in range(_TRIES):
        if deadline.left() <= 0.0 or stand.done:
            break
        best, master = stand.best, stand.master
        free = window_around(table, best.opened, centre, _WINDOW_SITES)
        limit_s = min(_WINDOW_S, deadline.left())
        found = fewest_sites(master, best.opened, free=free, limit_s=limit_s, seed=seed)
        if found.x is None or found.x @ master.cost > best.value - 0.5:
            break
        stand = _tried(rooms, stand, found.x, deadline, seed)
        if stand.master is master:
            break
    return stand


def _tried(rooms: Rooms, stand: Stand, opened: Floats, deadline: Deadline, seed: int) -> Stand:
    """Return the state after a search from some sites, and with the inequalities that they break."""
    master, flow = stand.master, flow_of(stand.master.kinds, opened)
    found = search_few(
        rooms, target=round(float(opened @ master.cost)), seed=seed, deadline=deadline, steps=_STEPS,
        first=serve_by_flow(rooms, master.kinds, opened, flow),
    )  # fmt: skip
    best = stand.best if found is None or found.value >= stand.best.value else found
    points = [share * opened + (1.0 - share) * stand.point for share in _MIXED]
    flows = [flow, *(flow_of(master.kinds, point) for point in points[1:])]
    new = [broken_rooms(master.kinds, point, one) for point, one in zip(points, flows, strict=True)]
    terms = sparse.vstack(new).tocsr()
    if terms.shape[0]:
        master = join_terms(master, terms, np.ones(terms.shape[0]))
    return replace(stand, best=best, master=master)
