"""Which choice is best where room is limited and sets of rows can be priced exactly? A guess of the total, then parts.

At a total guessed a little above the bound few sets are left, however poor the best choice met is.
"""

from dataclasses import replace
from functools import partial

import numpy as np

from spatial.siting.room.climb import Bound, goal_of
from spatial.siting.room.lift import lift_part, list_lifted, sets_of
from spatial.siting.room.master import Master, add_sets, begin_master, set_box, solve_mix, try_sites
from spatial.siting.room.pairs import doubtful_pairs, halve_pool, try_pairs
from spatial.siting.room.pool import Pool, name_sets
from spatial.siting.room.rooms import Rooms
from spatial.siting.room.tree import Means, branch_rooms, dearest_of
from spatial.siting.room.worth import Fined, Lifted
from spatial.siting.ways import Deadline

_MOST_ROWS, _MOST_ENTRIES = 600, 400_000
"""Sets of more are too many for a mix of them."""
_FIRST_SHARE = 0.5
"""Share of the time left in which the bound of all choices is lifted before they are parted."""

_TRIED, _TRIED_PAIRS, _LEAST_DOUBT, _TRIAL, _FAR, _HAIR = 4, 6, 0.12, 60, 3.0, 1e-6
"""Sites and pairs of rows that are tried before a part is halved, the least doubt of those sites, the steps of a trial,
and its box of prices."""
_MOST_SETS, _SETS_PER_S = (600_000, 1_500_000, 0), 100_000
"""How many sets each guess may leave, the last one being the top without a list; and as many as time is left for."""


def may_take_sets(rooms: Rooms) -> bool:
    """Tell whether sets of rows can be priced exactly, and are not too many."""
    return rooms.whole and rooms.question.rows <= _MOST_ROWS and len(rooms.row) <= _MOST_ENTRIES


def branch_sets(rooms: Rooms, state: Bound, *, deadline: Deadline, seed: int) -> Bound:
    """Return the state with the best choice met and the bound after branching by sets, as far as time does."""
    if state.bound > goal_of(rooms, state.best.value) or deadline.left() <= 0.0:
        return state
    master = begin_master(rooms)
    if np.isfinite(state.best.value):
        add_sets(master, sets_of(rooms, state.best))
    begun = Fined(
        state.prices, state.bound, state.best, state.alive, state.fixed, state.banned,
        np.zeros((0, 3), np.int64), np.zeros(0),
    )  # fmt: skip
    dearest = dearest_of(rooms)
    short = Deadline(_FIRST_SHARE * deadline.left(), clock=deadline.clock)
    lifted = lift_part(master, rooms, begun, dearest, deadline=short, first=True)
    top = min(goal_of(rooms, lifted.state.best.value), dearest)
    for most in _MOST_SETS:
        if lifted.state.bound > top or deadline.left() <= 0.0:
            break
        part, guess = list_lifted(rooms, lifted, top, min(most, int(_SETS_PER_S * deadline.left())))
        lift = partial(_lift, _smaller(master, rooms, part), deadline)
        after = branch_rooms(rooms, part, most=guess, deadline=deadline, seed=seed, lift=lift)
        bound = max(lifted.state.bound, after.bound)
        lifted = replace(lifted, state=replace(lifted.state, best=after.best, bound=bound))
        top = min(goal_of(rooms, after.best.value), dearest)
    bound = lifted.state.bound if lifted.state.bound <= top else lifted.state.best.value
    return replace(state, best=lifted.state.best, bound=max(state.bound, bound))


def _smaller(master: Master, rooms: Rooms, part: Fined) -> Master:
    """Return a programme with only those of the sets met that a part may have, where all of its sets are listed."""
    if part.pool is None:
        return master
    new, size = begin_master(rooms), np.array([len(one.rows) for one in master.sets], np.int64)
    rows = np.concatenate([one.rows for one in master.sets]) if master.sets else np.zeros(0, np.int64)
    met = Pool(
        np.r_[0, np.cumsum(size)], rows, np.array([one.site for one in master.sets], np.int64),
        np.array([one.cost for one in master.sets]), np.arange(len(size)),
    )  # fmt: skip
    names, listed = name_sets(met, rooms), name_sets(part.pool, rooms)
    order = np.argsort(listed, kind="stable")
    place = order[np.searchsorted(listed, names, sorter=order) % len(order)] if len(order) else np.zeros(0, np.int64)
    known = zip(master.sets, place.tolist(), (listed[place] == names).tolist(), strict=True) if len(order) else ()
    add_sets(new, [replace(one, number=number) for one, number, stays in known if stays])
    return new


def _lift(master: Master, deadline: Deadline, near: Rooms, state: Bound, most: float) -> tuple[Bound, Means]:
    """Return a part lifted by sets of rows."""
    assert isinstance(state, Fined)
    lifted = lift_part(master, near, state, most, deadline=deadline)
    goal = min(goal_of(near, lifted.state.best.value), most)
    means = Means(lifted.opened, lifted.share)
    return lifted.state, _tried(master, near, lifted, goal, means, deadline) if lifted.state.bound <= goal else means


def _tried(master: Master, near: Rooms, lifted: Lifted, goal: float, means: Means, deadline: Deadline) -> Means:
    """Return the means with the site or the pair of rows whose halves trials lift most, of those most in doubt.

    They are as they were where none is much. Pairs are tried where all sets are listed.
    """
    state, pairs = lifted.state, np.zeros((0, 2), np.int64)
    doubt = np.where(state.fixed | state.banned, 0.0, np.minimum(lifted.opened, 1.0 - lifted.opened))
    sites = np.argsort(-doubt, kind="stable")[:_TRIED]
    sites = sites[doubt[sites] > _LEAST_DOUBT]
    set_box(master, near, state.prices, _FAR)
    if state.pool is not None and (mix := solve_mix(master, deadline.left())) is not None:
        pairs = doubtful_pairs(master, mix, near.load, _TRIED_PAIRS)
    if len(sites) + len(pairs) < 2:
        return replace(means, site=int(sites[0]) if len(sites) else -1)
    gain = np.r_[try_sites(master, sites, _TRIAL), try_pairs(master, pairs, _TRIAL)]
    pick = int(np.argmax(np.clip(gain, _HAIR, max(goal - state.bound, _HAIR)).prod(axis=1)))
    if pick < len(sites):
        return replace(means, site=int(sites[pick]))
    assert state.pool is not None
    one, two = halve_pool(state.pool, *pairs[pick - len(sites)].tolist())
    return replace(means, halves=(replace(state, pool=one), replace(state, pool=two)))
