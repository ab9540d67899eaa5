"""Which few sites have room for everybody, as far as weighting whoever stays unserved finds?

Row weighting local search (Gao et al., "An efficient local search heuristic with row weighting for the unicost set
covering problem", 2015) where sites may be full: whenever everybody is served a site is given up; then the site that is
missed least is closed and one for a row in want opened, and rows still in want weigh more from step to step. A row is
in want only if no chain of moves found among the open sites makes room for it.
"""

import numpy as np

from spatial.siting.draws import draw, turn
from spatial.siting.room.chains import (
    BEST,
    LACKING,
    OPEN,
    STEP,
    brought,
    close_site,
    may_go,
    missed_by,
    open_site,
    serve,
    squeeze_all,
)
from spatial.siting.room.rooms import Choice, Rooms, value_of_choice
from spatial.siting.ways import Deadline, by_site, keep, row_of
from spatial.walking.columns import hold, narrow
from spatial.walking.compiled import inner, kernel

_STEPS = 64
MOST_STEPS = 1_000_000_000
"""More steps than there is time for."""
_SAMPLE = 24
"""Open sites looked at for the one that is missed least, where there are more."""
_CHAIN = 24
"""Open sites looked at for a chain of moves that makes room for a row."""
_MANY = 48
"""Of more rows in want none is worth a chain."""
_MANY_AT_FIRST, _LONG_CHAIN, _PASSES = 400, 200, 3
"""The same, for the sites a search begins with, which are meant to do, and how often all rows in want are tried."""
_ASIDE = 6
"""One in so many sites is opened for a row that could share a site with one in want."""
_REST = 2
"""Steps for which a site that was opened or closed stays so."""


def search_few(
    rooms: Rooms, *, target: int, seed: int, deadline: Deadline, steps: int = MOST_STEPS, first: Choice | None = None
) -> Choice | None:
    """Return the choice of fewest new sites met that serves everybody; None where none of so many as may open is met.

    The search ends at ``target`` new sites, or after so many steps. It begins with the sites of ``first`` if that is
    given, and with each row where that has it as far as there is room. Rows are served whole.
    """
    question, n, m = rooms.question, rooms.question.rows, len(rooms.room)
    site = question.ways.site
    ways = keep(
        question.ways,
        (rooms.load[row_of(question.ways)] <= rooms.room[site]) & (~question.banned | question.fixed)[site],
    )
    if (np.diff(ways.ptr) == 0).any():
        return None
    sptr, srow, _ = by_site(ways)
    heavy_first = np.lexsort((srow, -rooms.load[srow], np.repeat(np.arange(m), np.diff(sptr))))
    told = (ways.ptr, ways.site, sptr, srow[heavy_first], rooms.load, rooms.room)
    unit = 1.0 + rooms.load / max(float(rooms.load.mean()), 1e-9)
    now = (rooms.room.copy(), question.fixed.copy(), np.full(n, -1, dtype=np.int64), unit.copy(), question.fixed)
    lists = (np.arange(n), np.arange(n), np.arange(m), np.arange(m), np.full(m, -_REST - 1, dtype=np.int64))
    state = np.array([n, -1, 0, 0, 0], dtype=np.int64)
    chain = (np.empty(m, dtype=np.int64), np.empty(m, dtype=np.int64), np.zeros(m, dtype=np.int64))
    begun = Choice(question.fixed, np.full(n, -1, dtype=np.int64), np.inf) if first is None else first
    best = (begun.opened | question.fixed, begun.served.astype(np.int64))
    random = np.array([seed * 2654435761 + 88172645463325252], dtype=np.uint64)
    for _ in range(0, steps, _STEPS):
        _search(told, now, lists, chain, state, unit, best, target, _STEPS, random)
        if deadline.left() <= 0.0 or 0 <= state[BEST] <= max(target, 0):
            break
    if not 0 <= state[BEST] <= rooms.most:
        return None
    return Choice(best[0], best[1], value_of_choice(rooms, *best))


@inner
def _least_missed(told, now, lists, state, random):  # type: ignore[no-untyped-def]
    """Return the open new site that is missed least, of some; the one that moved longest ago of equals; -1 for none."""
    size, pick, least = state[OPEN], np.int64(-1), np.inf
    looks = min(size, np.int64(_SAMPLE))
    for q in range(looks):
        s = lists[2][q] if looks == size else lists[2][draw(random, size)]
        if lists[4][s] >= state[STEP] - _REST:
            continue
        missed = missed_by(told, now, s, least)
        if missed < least or (missed == least and lists[4][s] < lists[4][pick]):
            pick, least = s, missed
    return pick


@inner
def _wanted(told, now, lists, state, random):  # type: ignore[no-untyped-def]
    """Return the closed site that brings most to a row in want, or at times to one that could share a site with it.

    One that was just closed is opened again only where there is no other; -1 where none is closed.
    """
    rptr, rsite, sptr, srow, _, _ = told
    i = lists[0][draw(random, state[LACKING])]
    if draw(random, _ASIDE) == 0:
        at = np.int64(rsite[rptr[i] + draw(random, rptr[i + 1] - rptr[i])])
        i = np.int64(srow[sptr[at] + draw(random, sptr[at + 1] - sptr[at])])
    pick, most, spare = np.int64(-1), -1.0, np.int64(-1)
    for k in range(rptr[i], rptr[i + 1]):
        s = np.int64(rsite[k])
        if now[1][s]:
            continue
        if spare < 0 or lists[4][s] < lists[4][spare]:
            spare = s
        if lists[4][s] < state[STEP] - _REST:
            brings = brought(told, now, s)
            if brings > most or (brings == most and lists[4][s] < lists[4][pick]):
                pick, most = s, brings
    return pick if pick >= 0 else spare


@inner
def _begin(told, now, lists, chain, state, first):  # type: ignore[no-untyped-def]
    """Fill the sites that are open to begin with, by chains too, then open what brings most until that is nothing."""
    opened, fixed = now[1], now[4]
    sptr, srow, load = told[2], told[3], told[4]
    for s in range(len(opened)):
        if first[0][s] and not fixed[s]:
            opened[s] = True
            turn(np.int64(s), lists[2], lists[3], state[OPEN])
            state[OPEN] += 1
    for row in range(len(load)):
        to = first[1][row]
        if to >= 0 and opened[to] and load[row] <= now[0][to] and may_go(told, row, to):
            serve(told, now, lists, state, np.int64(row), to)
    for s in range(len(opened)):
        if opened[s]:
            for k in range(sptr[s], sptr[s + 1]):
                i = np.int64(srow[k])
                if now[2][i] < 0 and load[i] <= now[0][s]:
                    serve(told, now, lists, state, i, np.int64(s))
    for _ in range(_PASSES):  # a chain that ends too early makes way for others
        squeeze_all(told, now, lists, chain, state, _MANY_AT_FIRST, _LONG_CHAIN)
    while state[LACKING] > 0:
        pick, most = np.int64(-1), 0.0
        for s in range(len(opened)):
            if not opened[s]:
                brings = brought(told, now, np.int64(s))
                if brings > most:
                    pick, most = np.int64(s), brings
        if pick < 0:
            break
        open_site(told, now, lists, state, pick)


@inner
def _keep(now, state, best):  # type: ignore[no-untyped-def]
    """Remember a choice that serves everybody."""
    state[BEST] = state[OPEN]
    for s in range(len(now[1])):
        best[0][s] = now[1][s]
    for i in range(len(now[2])):
        best[1][i] = now[2][i]


@inner
def _step_on(told, now, lists, chain, state, unit, best, target, steps, random):  # type: ignore[no-untyped-def]
    """Go on for a number of steps, or until everybody is served by ``target`` new sites."""
    if state[STEP] == 0:
        _begin(told, now, lists, chain, state, best)
        squeeze_all(told, now, lists, chain, state, _MANY, _CHAIN)
    for _ in range(steps):
        while state[LACKING] == 0:
            _keep(now, state, best)
            if state[OPEN] <= target or state[OPEN] == 0:
                return
            pick, least = lists[2][0], np.inf
            for q in range(state[OPEN]):
                missed = missed_by(told, now, lists[2][q], least)
                if missed < least or (missed == least and lists[2][q] < pick):
                    pick, least = lists[2][q], missed
            close_site(told, now, lists, state, pick)
            squeeze_all(told, now, lists, chain, state, _MANY, _CHAIN)
        state[STEP] += 1
        out = np.int64(-1)
        if state[BEST] < 0 or state[OPEN] >= state[BEST] - 1:
            out = _least_missed(told, now, lists, state, random)
        if out >= 0 and (state[BEST] >= 0 or draw(random, 2) > 0):
            close_site(told, now, lists, state, out)
            lists[4][out] = state[STEP]
        into = _wanted(told, now, lists, state, random)
        if into >= 0:
            open_site(told, now, lists, state, into)
            lists[4][into] = state[STEP]
        squeeze_all(told, now, lists, chain, state, _MANY, _CHAIN)
        for q in range(state[LACKING]):
            now[3][lists[0][q]] += unit[lists[0][q]]


@kernel
def _search(told, now, lists, chain, state, unit, best, target, steps, random):  # type: ignore[no-untyped-def]
    """Go on with a search in place (as columns: that takes a third off what compiling takes)."""
    columns = narrow((told, now, lists, chain, state, unit, best))
    _step_on(*columns, target, steps, random)
    hold(told, now, lists, chain, state, unit, best)
