"""Who serves whom once a site with limited room opens or closes, and what chains of moves make room for a row?

The kernels share what does not change (``told``: entries by row and by site, the largest rows first, loads and rooms)
and what does (``now``: room left, open sites, who serves each row, weights, fixed sites), lists of rows in want and of
open sites, and counters (``state``).
"""

import numpy as np

from spatial.siting.draws import turn
from spatial.walking.compiled import inner

LACKING, BEST, STEP, OPEN, _STAMP = 0, 1, 2, 3, 4
"""Places in the state: rows in want, new sites of the best choice (-1: none), steps, open new sites, last chain."""


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
def serve(told, now, lists, state, i, s):  # type: ignore[no-untyped-def]
    """Give a row in want to a site."""
    now[2][i] = s
    now[0][s] -= told[4][i]
    state[LACKING] -= 1
    turn(i, lists[0], lists[1], state[LACKING])


@inner
def open_site(told, now, lists, state, s):  # type: ignore[no-untyped-def]
    """Open a site for the rows in want that it has room for, the largest first."""
    _, _, sptr, srow, load, room = told
    left, opened, served, _, _ = now
    opened[s], left[s] = True, room[s]
    turn(s, lists[2], lists[3], state[OPEN])
    state[OPEN] += 1
    for k in range(sptr[s], sptr[s + 1]):
        i = np.int64(srow[k])
        if served[i] < 0 and load[i] <= left[s]:
            serve(told, now, lists, state, i, s)


@inner
def close_site(told, now, lists, state, s):  # type: ignore[no-untyped-def]
    """Close a site; its rows go where there is room, the largest first."""
    _, _, sptr, srow, _, room = told
    left, opened, served, _, _ = now
    opened[s], left[s] = False, room[s]
    state[OPEN] -= 1
    turn(s, lists[2], lists[3], state[OPEN])
    for k in range(sptr[s], sptr[s + 1]):
        i = np.int64(srow[k])
        if served[i] == s:
            served[i] = -1
            turn(i, lists[0], lists[1], state[LACKING])
            state[LACKING] += 1
            other = _roomiest(told, now, i, s)
            if other >= 0:
                serve(told, now, lists, state, i, other)


@inner
def missed_by(told, now, s, most):  # type: ignore[no-untyped-def]
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
def brought(told, now, s):  # type: ignore[no-untyped-def]
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
def may_go(told, j, s):  # type: ignore[no-untyped-def]
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
        if served[j] == a and load[j] <= left[b] and may_go(told, j, b):
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
                    serve(told, now, lists, state, i, root)
                    return True
    return False


@inner
def squeeze_all(told, now, lists, chain, state, many, looks):  # type: ignore[no-untyped-def]
    """Serve as many rows in want as chains of moves make room for that some looks find, if there are not too many."""
    if state[LACKING] > many:
        return
    for q in range(state[LACKING] - 1, -1, -1):
        i = lists[0][q]
        s = _roomiest(told, now, i, np.int64(-1))
        if s >= 0:
            serve(told, now, lists, state, i, s)
        else:
            _squeeze(told, now, lists, chain, state, i, looks)
