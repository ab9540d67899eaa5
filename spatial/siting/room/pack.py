"""Which rows does each open site serve best where all that are served count alike: those that leave least room?

Among its own rows and those that nobody serves a site takes the ones that fill it most, as a table of all sums tells
(subset sum; Bellman, "Dynamic programming", 1957); whom it gives up for them, another site may have room for.
"""

import numpy as np

from spatial.siting.room.rooms import Choice, Rooms, value_of_choice
from spatial.siting.ways import keep, row_of
from spatial.walking.compiled import inner, kernel

_MOST_ROOM = 100_000
_SWEEPS = 20


def pack_rooms(rooms: Rooms, choice: Choice) -> Choice:
    """Return a choice with the same sites, as full as their rows can make them one after another; whole loads alone."""
    load, ways = rooms.load, rooms.question.ways
    room = np.floor(np.minimum(rooms.room, load.sum()) + 1e-9)
    if (load != np.round(load)).any() or float(room.max(initial=0.0)) > _MOST_ROOM:
        return choice
    near = keep(ways, choice.opened[ways.site])
    order = np.argsort(near.site, kind="stable")
    ptr = np.r_[0, np.cumsum(np.bincount(near.site, minlength=len(room)))]
    served = choice.served.copy()
    _pack_all(ptr, row_of(near)[order], load.astype(np.int64), room.astype(np.int64), served, _SWEEPS)
    return Choice(choice.opened, served, value_of_choice(rooms, choice.opened, served))


@kernel
def _pack_all(ptr, row, load, room, served, sweeps):  # type: ignore[no-untyped-def]
    """Fill one site after another, until none becomes fuller; ``row`` lists from ``ptr`` on whom each may serve."""
    left, most = room.copy(), np.int64(0)
    for i in range(len(served)):
        if served[i] >= 0:
            left[served[i]] -= load[i]
    for s in range(len(room)):
        most = max(most, ptr[s + 1] - ptr[s])
    by, item = np.empty(room.max() + 1, np.int64), np.empty(most, np.int64)
    for _ in range(sweeps):
        gained = False
        for s in range(len(room)):
            if left[s] > 0 and ptr[s + 1] > ptr[s]:
                more = _pack(ptr, row, load, room[s], left[s], served, s, by, item)
                gained = gained or more > 0
                left[s] -= more
        if not gained:
            break


@inner
def _pack(ptr, row, load, top, left, served, s, by, item):  # type: ignore[no-untyped-def]
    """Let a site serve those of its own rows and nobody's that fill it most, if that is more; return how much more."""
    count = 0
    for q in range(ptr[s], ptr[s + 1]):
        i = row[q]
        if load[i] > 0 and (served[i] == s or served[i] < 0):
            item[count] = i
            count += 1
    for e in range(top + 1):
        by[e] = -1
    by[0] = count
    reach = np.int64(0)
    for g in range(count):
        own = load[item[g]]
        for e in range(min(top, reach + own), own - 1, -1):
            if by[e] < 0 and by[e - own] >= 0:
                by[e] = g
                reach = max(reach, np.int64(e))
        if by[top] >= 0:
            break
    if reach <= top - left:
        return np.int64(0)
    for g in range(count):
        served[item[g]] = -1
    r = reach
    while r > 0:
        served[item[by[r]]] = s
        r -= load[item[by[r]]]
    return reach - top + left
