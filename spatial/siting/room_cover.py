"""Which few sites have room for everybody, as far as weighting whoever stays unserved finds?

Row weighting local search (Gao et al., "An efficient local search heuristic with row weighting for the unicost set
covering problem", 2015) where sites may be full: whenever everybody is served a site is given up; then the site that is
missed least is closed and one for a row in want opened, and rows still in want weigh more from step to step. A row is
in want only if no chain of moves found among the open sites makes room for it.
"""

import numpy as np

from spatial.siting.draws import draw, turn
from spatial.siting.rooms import Choice, Rooms, value_of_choice
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
_LACKING, _BEST, _STEP, _OPEN, _STAMP = 0, 1, 2, 3, 4
"""Places in the state: rows in want, new sites of the best choice (-1: none), steps, open new sites, last chain."""


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
        if deadline.left() <= 0.0 or 0 <= state[_BEST] <= max(target, 0):
            break
    if not 0 <= state[_BEST] <= rooms.most:
        return None
    return Choice(best[0], best[1], value_of_choice(rooms, *best))


@inner
def _roomiest(told, now, i, other):  # type: ignore[no-untyped-def]
    """Return the open site with the most room left that may serve a row, but not the other one; -1 for none."""
    rptr, rsite, _, _, load, _ = told
    left, opened, _, _, _ = now
    pick, most = np.int64(-1), load[i]
    for k in range(rptr[i], rptr[i + 1]):
        s = np.int64(rsite[k])
        if opened[s] and s != other and (left[s] > most or (pick < 0 and left[s] >= most)):
            pick, most = s, left[s]
    return pick


@inner
def _serve(told, now, lists, state, i, s):  # type: ignore[no-untyped-def]
    """Give a row in want to a site."""
    now[2][i] = s
    now[0][s] -= told[4][i]
    state[_LACKING] -= 1
    turn(i, lists[0], lists[1], state[_LACKING])


@inner
def _open(told, now, lists, state, s):  # type: ignore[no-untyped-def]
    """Open a site for the rows in want that it has room for, the largest first."""
    _, _, sptr, srow, load, room = told
    left, opened, served, _, _ = now
    opened[s], left[s] = True, room[s]
    turn(s, lists[2], lists[3], state[_OPEN])
    state[_OPEN] += 1
    for k in range(sptr[s], sptr[s + 1]):
        i = np.int64(srow[k])
        if served[i] < 0 and load[i] <= left[s]:
            _serve(told, now, lists, state, i, s)


@inner
def _close(told, now, lists, state, s):  # type: ignore[no-untyped-def]
    """Close a site; its rows go where there is room, the largest first."""
    _, _, sptr, srow, _, room = told
    left, opened, served, _, _ = now
    opened[s], left[s] = False, room[s]
    state[_OPEN] -= 1
    turn(s, lists[2], lists[3], state[_OPEN])
    for k in range(sptr[s], sptr[s + 1]):
        i = np.int64(srow[k])
        if served[i] == s:
            served[i] = -1
            turn(i, lists[0], lists[1], state[_LACKING])
            state[_LACKING] += 1
            other = _roomiest(told, now, i, s)
            if other >= 0:
                _serve(told, now, lists, state, i, other)


@inner
def _missed(told, now, s, most):  # type: ignore[no-untyped-def]
    """Return what the rows weigh that find no room elsewhere if a site closes, or some weight above ``most``."""
    _, _, sptr, srow, load, _ = told
    left, _, served, weight, _ = now
    total, k = 0.0, sptr[s]
    while k < sptr[s + 1] and total <= most:
        i = np.int64(srow[k])
        if served[i] == s:
            other = _roomiest(told, now, i, s)
            if other >= 0:
                left[other] -= load[i]
                served[i] = -2 - other
            else:
                total += weight[i]
        k += 1
    for h in range(sptr[s], k):
        i = np.int64(srow[h])
        if served[i] <= -2:
            left[-2 - served[i]] += load[i]
            served[i] = s
    return total


@inner
def _brought(told, now, s):  # type: ignore[no-untyped-def]
    """Return what the rows in want weigh that a closed site has room for."""
    _, _, sptr, srow, load, room = told
    _, _, served, weight, _ = now
    total, left = 0.0, room[s]
    for k in range(sptr[s], sptr[s + 1]):
        i = np.int64(srow[k])
        if served[i] < 0 and load[i] <= left:
            total += weight[i]
            left -= load[i]
    return total


@inner
def _may_go(told, j, s):  # type: ignore[no-untyped-def]
    """Tell whether a site may serve a row."""
    rptr, rsite = told[0], told[1]
    k = rptr[j]
    while k < rptr[j + 1] and rsite[k] != s:
        k += 1
    return k < rptr[j + 1]


@inner
def _hand_on(told, now, a, b, enough):  # type: ignore[no-untyped-def]
    """Move rows from one open site to another until the first has enough room left or the other is full."""
    _, _, sptr, srow, load, _ = told
    left, _, served, _, _ = now
    for k in range(sptr[a], sptr[a + 1]):
        if left[a] >= enough:
            break
        j = np.int64(srow[k])
        if served[j] == a and load[j] <= left[b] and _may_go(told, j, b):
            served[j] = b
            left[a] += load[j]
            left[b] -= load[j]


@inner
def _squeeze(told, now, lists, chain, state, i, looks):  # type: ignore[no-untyped-def]
    """Serve a row in want, if chains of moves from site to site, the shortest first, make room for it; tell if so."""
    rptr, rsite, sptr, srow, load, _ = told
    left, opened, served, _, _ = now
    queue, back, seen = chain
    state[_STAMP] += 1
    head, tail = np.int64(0), np.int64(0)
    for k in range(rptr[i], rptr[i + 1]):
        s = np.int64(rsite[k])
        if opened[s]:
            queue[tail], back[s], seen[s] = s, -1, state[_STAMP]
            tail += 1
    while head < tail and head < looks:
        a = queue[head]
        head += 1
        for k in range(sptr[a], sptr[a + 1]):
            j = np.int64(srow[k])
            if served[j] != a:
                continue
            for h in range(rptr[j], rptr[j + 1]):
                b = np.int64(rsite[h])
                if not opened[b] or seen[b] == state[_STAMP]:
                    continue
                queue[tail], back[b], seen[b] = b, a, state[_STAMP]
                tail += 1
                if left[b] <= 0.0:
                    continue
                to, root = a, b
                while to >= 0:
                    _hand_on(told, now, to, root, load[i])
                    to, root = back[to], to
                if left[root] >= load[i]:
                    _serve(told, now, lists, state, i, root)
                    return True
    return False


@inner
def _squeeze_all(told, now, lists, chain, state, many, looks):  # type: ignore[no-untyped-def]
    """Serve as many rows in want as chains of moves make room for that some looks find, if there are not too many."""
    if state[_LACKING] > many:
        return
    for q in range(state[_LACKING] - 1, -1, -1):
        i = lists[0][q]
        s = _roomiest(told, now, i, np.int64(-1))
        if s >= 0:
            _serve(told, now, lists, state, i, s)
        else:
            _squeeze(told, now, lists, chain, state, i, looks)


@inner
def _least_missed(told, now, lists, state, random):  # type: ignore[no-untyped-def]
    """Return the open new site that is missed least, of some; the one that moved longest ago of equals; -1 for none."""
    size, pick, least = state[_OPEN], np.int64(-1), np.inf
    looks = min(size, np.int64(_SAMPLE))
    for q in range(looks):
        s = lists[2][q] if looks == size else lists[2][draw(random, size)]
        if lists[4][s] >= state[_STEP] - _REST:
            continue
        missed = _missed(told, now, s, least)
        if missed < least or (missed == least and lists[4][s] < lists[4][pick]):
            pick, least = s, missed
    return pick


@inner
def _wanted(told, now, lists, state, random):  # type: ignore[no-untyped-def]
    """Return the closed site that brings most to a row in want, or at times to one that could share a site with it.

    One that was just closed is opened again only where there is no other; -1 where none is closed.
    """
    rptr, rsite, sptr, srow, _, _ = told
    i = lists[0][draw(random, state[_LACKING])]
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
        if lists[4][s] < state[_STEP] - _REST:
            brings = _brought(told, now, s)
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
            turn(np.int64(s), lists[2], lists[3], state[_OPEN])
            state[_OPEN] += 1
    for row in range(len(load)):
        to = first[1][row]
        if to >= 0 and opened[to] and load[row] <= now[0][to] and _may_go(told, row, to):
            _serve(told, now, lists, state, np.int64(row), to)
    for s in range(len(opened)):
        if opened[s]:
            for k in range(sptr[s], sptr[s + 1]):
                i = np.int64(srow[k])
                if now[2][i] < 0 and load[i] <= now[0][s]:
                    _serve(told, now, lists, state, i, np.int64(s))
    for _ in range(_PASSES):  # a chain that ends too early makes way for others
        _squeeze_all(told, now, lists, chain, state, _MANY_AT_FIRST, _LONG_CHAIN)
    while state[_LACKING] > 0:
        pick, most = np.int64(-1), 0.0
        for s in range(len(opened)):
            if not opened[s]:
                brings = _brought(told, now, np.int64(s))
                if brings > most:
                    pick, most = np.int64(s), brings
        if pick < 0:
            break
        _open(told, now, lists, state, pick)


@inner
def _keep(now, state, best):  # type: ignore[no-untyped-def]
    """Remember a choice that serves everybody."""
    state[_BEST] = state[_OPEN]
    for s in range(len(now[1])):
        best[0][s] = now[1][s]
    for i in range(len(now[2])):
        best[1][i] = now[2][i]


@inner
def _step_on(told, now, lists, chain, state, unit, best, target, steps, random):  # type: ignore[no-untyped-def]
    """Go on for a number of steps, or until everybody is served by ``target`` new sites."""
    if state[_STEP] == 0:
        _begin(told, now, lists, chain, state, best)
        _squeeze_all(told, now, lists, chain, state, _MANY, _CHAIN)
    for _ in range(steps):
        while state[_LACKING] == 0:
            _keep(now, state, best)
            if state[_OPEN] <= target or state[_OPEN] == 0:
                return
            pick, least = lists[2][0], np.inf
            for q in range(state[_OPEN]):
                missed = _missed(told, now, lists[2][q], least)
                if missed < least or (missed == least and lists[2][q] < pick):
                    pick, least = lists[2][q], missed
            _close(told, now, lists, state, pick)
            _squeeze_all(told, now, lists, chain, state, _MANY, _CHAIN)
        state[_STEP] += 1
        out = np.int64(-1)
        if state[_BEST] < 0 or state[_OPEN] >= state[_BEST] - 1:
            out = _least_missed(told, now, lists, state, random)
        if out >= 0 and (state[_BEST] >= 0 or draw(random, 2) > 0):
            _close(told, now, lists, state, out)
            lists[4][out] = state[_STEP]
        into = _wanted(told, now, lists, state, random)
        if into >= 0:
            _open(told, now, lists, state, into)
            lists[4][into] = state[_STEP]
        _squeeze_all(told, now, lists, chain, state, _MANY, _CHAIN)
        for q in range(state[_LACKING]):
            now[3][lists[0][q]] += unit[lists[0][q]]


@kernel
def _search(told, now, lists, chain, state, unit, best, target, steps, random):  # type: ignore[no-untyped-def]
    """Go on with a search in place (as columns: that takes a third off what compiling takes)."""
    columns = narrow((told, now, lists, chain, state, unit, best))
    _step_on(*columns, target, steps, random)
    hold(told, now, lists, chain, state, unit, best)
