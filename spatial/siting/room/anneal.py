"""Which sites serve most, rows shared, as far as swapping one site after another finds?

Simulated annealing over swaps of an open site and a shut one. A flow from kinds of rows to open sites stays a largest
one from swap to swap: what a new site has room for comes from rows that nobody serves, straight or by chains of sites
that hand rows on, and the rows of a site that shuts go to others likewise. Only paths that begin or end at the site
can have become open, so a few sites are looked at (Ford and Fulkerson, "Maximal flow through a network", 1956).
Most swaps are refused by what they can bring at most, before any flow moves.
"""

from dataclasses import dataclass

import numpy as np

from spatial.siting.cover.table import pick, same_rows
from spatial.siting.draws import draw, turn
from spatial.siting.room.refill import close_emptied, is_noted, open_filled, take_back
from spatial.siting.room.rows import Kinds
from spatial.siting.ways import Deadline, Flags, Floats, Ints
from spatial.walking.columns import hold, narrow
from spatial.walking.compiled import inner, kernel

_NEAR, _BY_NEED = 0.5, 0.25
"""Shares of swaps that move a site to another one for one of its rows, and that answer a row not served in full."""
_LOOKS = 16
"""Rows drawn at most until one is not served in full."""
_SLICE = 4000
"""Swaps between two looks at the clock."""
_LOG = 4
"""Moves that can be taken back, as a multiple of the entries."""
_HAIR = 1e-9
_INSTANT_S = 1e-9

_NOW, _BEST, _MOVES, _OPEN = range(4)
"""Places of ``state``: load that nobody serves, the least of it met, moves since the last swap, number of open sites
that may be swapped."""


@dataclass(frozen=True, slots=True)
class Work:
    """The arrays of a search; the kernels change them in place.

    ``told``: by kind where its entries begin, the site of each, its kind; by site where its entries begin, and which;
    load of kinds, room of sites. ``now``: flow of entries, what sites have left and kinds lack, which sites are open,
    how many open sites a kind lists. ``lists``: sites that may be swapped, open ones first, and the place of each.
    ``aside``: for chains and for taking moves back.
    """

    told: tuple[Ints | Floats, ...]
    now: tuple[Ints | Floats | Flags, ...]
    lists: tuple[Ints, Ints]
    aside: tuple[Ints | Floats, ...]
    state: Floats
    best: Ints
    random: np.ndarray


def start_work(kinds: Kinds, opened: Flags, free: Flags, seed: int) -> Work:
    """Return the arrays of a search that begins with some open sites; the ``free`` ones may be swapped."""
    table, m = kinds.table, kinds.table.sites
    n, size = table.rows, table.entries
    kind = np.repeat(np.arange(n), np.diff(table.ptr))
    order = np.argsort(table.site, kind="stable")
    told = (table.ptr, table.site.astype(np.int64), kind, table.col_ptr, order, kinds.load, kinds.room)
    now = (np.zeros(size), np.zeros(m), kinds.load.copy(), np.zeros(m, np.bool_), np.zeros(n, np.int64))
    sites = np.concatenate((np.flatnonzero(opened & free), np.flatnonzero(~opened & free)))
    place = np.full(m, -1, np.int64)
    place[sites] = np.arange(len(sites))
    aside = (
        np.zeros(m, np.int64), np.zeros(m, np.int64), np.zeros(m, np.int64), np.zeros(m, np.int64),
        np.zeros(_LOG * size + m, np.int64), np.zeros(_LOG * size + m),
    )  # fmt: skip
    count = int((opened & free).sum())
    state = np.array([float(kinds.load.sum()), np.inf, 0.0, count])
    work = Work(
        told, now, (sites, place), aside, state, sites[:count].copy(), np.array([seed * 7919 + 12345], np.uint64)
    )
    _begin(told, now, aside, state, np.flatnonzero(opened))
    state[_BEST] = state[_NOW]
    return work


def anneal_rooms(
    kinds: Kinds, opened: Flags, free: Flags, *, swaps: int, heat: tuple[float, float], deadline: Deadline, seed: int
) -> tuple[Flags, float]:
    """Return the sites met that leave least load unserved, rows shared, and how much; the ``free`` ones may be swapped.

    ``heat`` is the temperature at the start and at the end, in shares of what an open site serves on average. A search
    that the deadline would cut off cools faster, to end cold.
    """
    inside = np.flatnonzero(opened | free)
    few, missed = _among(kinds, inside)
    work = start_work(few, opened[inside], free[inside], seed)
    count = len(work.best)
    if 0 < count < len(work.lists[0]):
        each = max(float(few.load.sum()) - work.state[_NOW], 0.0) / count
        first, last = (max(each * share, _HAIR) for share in heat)
        slices, begun, hot = max(swaps // _SLICE, 1), deadline.left(), first
        for k in range(slices):
            share = max((k + 1) / slices, 1.0 - deadline.left() / max(begun, _INSTANT_S))
            cold = first * (last / first) ** min(share, 1.0)
            _anneal(work.told, work.now, work.lists, work.aside, work.state, work.best, _SLICE, hot, cold, work.random)
            hot = cold
            if deadline.left() <= 0.0:
                break
    out = opened & ~free
    out[inside[work.best]] = True
    return out, float(work.state[_BEST]) + missed


def _among(kinds: Kinds, sites: Ints) -> tuple[Kinds, float]:
    """Return the kinds as far as some sites tell them apart, and the load of those that list none of them."""
    table = pick(kinds.table, np.arange(kinds.table.rows), sites)
    first, group = same_rows(table)
    load = np.asarray(np.bincount(group, kinds.load, len(first)), dtype=np.float64)
    listed = np.diff(table.ptr)[first] > 0
    few = pick(table, first[listed], np.arange(len(sites)))
    return Kinds(few, load[listed], kinds.room[sites], kinds.of), float(load[~listed].sum())


@kernel
def _begin(told, now, aside, state, opened):  # type: ignore[no-untyped-def]
    """Open some sites."""
    columns = narrow((told, now, aside, state))
    for k in range(len(opened)):
        open_filled(columns[0], columns[1], columns[2], columns[3], opened[k])
        state[2] = 0.0
    hold(told, now, aside, state)


@inner
def _brings(told, now, out, into, enough):  # type: ignore[no-untyped-def]
    """Return what a swap can change at most, or something above ``enough``."""
    ptr, site, kind, sptr, listed, _, room = told
    flow, left, lack, _, count = now
    loss = 0.0
    for q in range(sptr[out], sptr[out + 1]):
        e = listed[q]
        if count[kind[e]] == 1:
            loss += flow[e]
    gain, most = 0.0, room[into]
    if most - loss <= enough:
        return most - loss
    for q in range(sptr[into], sptr[into + 1]):
        i = kind[listed[q]]
        gain += lack[i]
        if count[i] > 0:
            for g in range(ptr[i], ptr[i + 1]):
                a = site[g]
                if flow[g] > 0.0 and (a == out or left[a] <= 0.0):
                    gain += flow[g]
        if gain - loss > enough:
            break
    return min(gain, most) - loss


@kernel
def _anneal(told_, now_, lists_, aside_, state_, best_, swaps, hot, cold, random_):  # type: ignore[no-untyped-def]
    """Try so many swaps while the temperature falls from hot to cold; ``best`` keeps the best sites."""
    told, now, lists, aside, state, best, random = narrow((told_, now_, lists_, aside_, state_, best_, random_))
    ptr, site, kind, sptr, listed = told[0], told[1], told[2], told[3], told[4]
    order, place = lists
    p, sites, rows = len(best), len(order), len(now[2])
    scale = 1.0 / 4294967296.0
    near, need = np.int64(_NEAR * 4294967296.0), np.int64((_NEAR + _BY_NEED) * 4294967296.0)
    heat = hot
    for step in range(swaps):
        if step & 63 == 0:
            heat = hot * (cold / hot) ** (step / swaps)
        out = order[draw(random, p)]
        way = draw(random, 4294967296)
        i = np.int64(-1)
        if way < near and sptr[out + 1] > sptr[out]:
            i = kind[listed[sptr[out] + draw(random, sptr[out + 1] - sptr[out])]]
        elif way < need:
            for _ in range(_LOOKS):
                i = draw(random, rows)
                if now[2][i] > 0.0:
                    break
        into = order[draw(random, sites)]
        if i >= 0 and ptr[i + 1] > ptr[i]:
            into = site[ptr[i] + draw(random, ptr[i + 1] - ptr[i])]
        if place[into] < p:  # open, or not to be opened
            continue
        floor = heat * np.log((draw(random, 4294967296) + 0.5) * scale)
        if _brings(told, now, out, into, floor) < floor:
            continue
        before = state[0]
        state[2] = 0.0
        open_filled(told, now, aside, state, into)
        close_emptied(told, now, aside, state, out, before - floor)
        if before - state[0] < floor and is_noted(aside, state):
            take_back(told, now, aside, state, out, into)
            state[0] = before
            continue
        turn(into, order, place, place[out])
        if state[0] < state[1] * (1.0 - 1e-12):
            state[1] = state[0]
            for q in range(p):
                best[q] = order[q]
    hold(told_, now_, lists_, aside_, state_, best_, random_)
