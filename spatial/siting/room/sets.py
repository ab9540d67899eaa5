"""Which sets of rows may a site serve in a choice that costs no more than a guess? A set partitioning model of them.

At good prices few sets are that cheap; they are listed one by one, and the model of which sets to take is far tighter
than one of single rows and sites (Baldacci, Hadjiconstantinou, Maniezzo and Mingozzi, "A new method for solving
capacitated location problems based on a set partitioning approach", 2002).
"""

from dataclasses import dataclass

import numpy as np

from spatial.siting.mip import Mip, MipAnswer, Rows, solve_mip
from spatial.siting.room.bound import Parts
from spatial.siting.room.climb import Bound
from spatial.siting.room.price import list_items
from spatial.siting.room.rooms import Choice, Rooms, value_of_choice
from spatial.siting.ways import Floats, Ints
from spatial.walking.compiled import inner, kernel

_ENTRIES_PER_SET = 40
_VISITS_PER_SET = 400
_NARROW = 0.8
_HAIR = 1e-9


@dataclass(frozen=True, slots=True)
class Sets:
    """Sets of entries, each of one site: where each begins, its entries, its site and its cost."""

    ptr: Ints
    entry: Ints
    site: Ints
    cost: Floats


def list_sets(rooms: Rooms, state: Bound, parts: Parts, goal: float, most: int) -> tuple[Sets, float] | None:
    """Return the sets that a choice of at most some total can have, and that total: the goal or as near as they fit.

    None where even the sets of the very cheapest choices are more than ``most``.
    """
    slack = goal - parts.value
    for _ in range(24):
        limit = parts.value + slack - parts.start + _HAIR * max(abs(goal), 1.0)
        limit[state.banned] = -np.inf
        ptr, site = np.zeros(most + 2, np.int64), np.empty(most + 1, np.int64)
        entry, cost = np.empty(_ENTRIES_PER_SET * most, np.int64), np.empty(most + 1)
        told = (rooms.ptr, rooms.row, rooms.cost, rooms.load, rooms.room, state.prices, state.alive)
        count = _list(*told, limit, ptr, entry, site, cost, most, _VISITS_PER_SET * most)
        if count >= 0:
            kept = Sets(ptr[: count + 1], entry[: ptr[count]], site[:count], cost[:count])
            return kept, parts.value + slack
        slack *= _NARROW
    return None


def solve_sets(
    rooms: Rooms, state: Bound, sets: Sets, *, time_limit_s: float, seed: int
) -> tuple[MipAnswer, Choice | None]:
    """Return the best choice made of these sets, and what its model proves of them."""
    question, n, count = rooms.question, rooms.question.rows, len(sets.site)
    may = np.flatnonzero(np.isfinite(rooms.lost))
    if not np.isin(np.arange(n), np.r_[rooms.row[sets.entry], may]).all():
        return MipAnswer(None, np.inf, True), None
    col = np.repeat(np.arange(count), np.diff(sets.ptr))
    served = Rows(
        np.r_[rooms.row[sets.entry], may], np.r_[col, count + np.arange(len(may))],
        np.ones(len(col) + len(may)), np.ones(n), np.ones(n),
    )  # fmt: skip
    sites, at = np.unique(sets.site, return_inverse=True)
    once = Rows(at, np.arange(count), np.ones(count), np.full(len(sites), -np.inf), np.ones(len(sites)))
    new = np.flatnonzero(~question.fixed[sets.site])
    number = Rows(
        np.zeros(len(new), np.int64), new, np.ones(len(new)), np.array([-np.inf]), np.array([float(rooms.most)])
    )
    size = count + len(may)
    lost = rooms.lost[may]
    model = Mip(
        np.r_[sets.cost, lost], float(rooms.charge[question.fixed].sum()), np.zeros(size), np.ones(size),
        np.ones(size, dtype=bool), (served, once, number),
    )  # fmt: skip
    found = solve_mip(model, start=_start(rooms, state, sets, size), time_limit_s=time_limit_s, seed=seed)
    if found.x is None:
        return found, None
    taken = np.repeat(found.x[:count] > 0.5, np.diff(sets.ptr))
    who, opened = np.full(n, -1, dtype=np.int64), question.fixed.copy()
    who[rooms.row[sets.entry[taken]]] = rooms.site[sets.entry[taken]]
    opened[sets.site[found.x[:count] > 0.5]] = True
    return found, Choice(opened, who, value_of_choice(rooms, opened, who))


def _start(rooms: Rooms, state: Bound, sets: Sets, size: int) -> Floats | None:
    """Return the best choice met as values of the model's variables; None where one of its sets is not listed."""
    served, n = state.best.served, rooms.question.rows
    if not np.isfinite(state.best.value):
        return None
    mine = served[rooms.row[sets.entry]] == rooms.site[sets.entry]
    inside = np.bincount(np.repeat(np.arange(len(sets.site)), np.diff(sets.ptr)), mine, len(sets.site))
    whole = inside == np.bincount(served[served >= 0], minlength=len(rooms.room))[sets.site]
    x = np.zeros(size)
    x[: len(sets.site)] = whole & (inside == np.diff(sets.ptr))
    x[len(sets.site) :] = served[np.isfinite(rooms.lost)] < 0
    covered = int((x[: len(sets.site)] * np.diff(sets.ptr)).sum()) + int((served < 0).sum())
    return x if covered == n else None


@kernel
def _list(  # type: ignore[no-untyped-def]
    ptr, row, cost, load, room, prices, open_to, limit, out_ptr, out_entry, out_site, out_cost, most, visits
):
    """List the sets of each site whose cost less prices is at most its limit; return how many, -1 for too many."""
    size = np.int64(0)
    for s in range(len(room)):
        size = max(size, ptr[s + 1] - ptr[s])
    items, gain, weight = np.empty(size, np.int64), np.empty(size), np.empty(size)
    chosen = np.empty(size, np.int64)
    count = np.int64(0)
    for s in range(len(room)):
        if limit[s] == -np.inf:
            continue
        helps = list_items(ptr[s], ptr[s + 1], row, cost, load, prices, open_to, items, gain, weight)
        size = add_rest(
            ptr[s], ptr[s + 1], row, cost, load, room[s], prices, open_to, items, gain, weight, helps, limit[s]
        )
        at, depth, value, left = np.int64(0), np.int64(0), 0.0, room[s]
        while True:
            visits -= 1
            if visits < 0:
                return np.int64(-1)
            more = np.inf if at >= size else (gain[at] if at >= helps else _reach(gain, weight, at, helps, left))
            if at < size and value + more >= -limit[s]:
                if weight[at] <= left:
                    chosen[depth] = at
                    depth += 1
                    value += gain[at]
                    left -= weight[at]
                    if value >= -limit[s]:
                        if count == most or out_ptr[count] + depth > len(out_entry):
                            return np.int64(-1)
                        total = 0.0
                        for h in range(depth):
                            out_entry[out_ptr[count] + h] = items[chosen[h]]
                            total += cost[items[chosen[h]]]
                        out_site[count], out_cost[count] = s, total
                        out_ptr[count + 1] = out_ptr[count] + depth
                        count += 1
                at += 1
                continue
            if depth == 0:
                break
            depth -= 1
            at = chosen[depth]
            value -= gain[at]
            left += weight[at]
            at += 1
    return count


@inner
def add_rest(first, last, row, cost, load, room, prices, open_to, items, gain, weight, helps, limit):  # type: ignore[no-untyped-def]
    """List behind the entries that help those that do not, and may still be in a set that is cheap enough."""
    size = helps
    most = _reach(gain, weight, np.int64(0), helps, room) + limit
    for k in range(first, last):
        worse = cost[k] - prices[row[k]]
        if open_to[k] and 0.0 <= worse <= most and load[row[k]] <= room:
            items[size], gain[size], weight[size] = k, -worse, float(load[row[k]])
            size += 1
    for i in range(helps + 1, size):
        k, g, w, at = items[i], gain[i], weight[i], i
        while at > helps and gain[at - 1] < g:
            items[at], gain[at], weight[at] = items[at - 1], gain[at - 1], weight[at - 1]
            at -= 1
        items[at], gain[at], weight[at] = k, g, w
    return size


@inner
def _reach(gain, weight, at, helps, left):  # type: ignore[no-untyped-def]
    """Return the most that items from one on can add within what is left, the last one in part."""
    total = 0.0
    for h in range(at, helps):
        if weight[h] > left:
            return total + gain[h] * left / weight[h]
        total += gain[h]
        left -= weight[h]
    return total
