"""A flow from kinds of rows to open sites that stays a largest one while sites open and shut; see ``anneal.py``.

The arrays are those of its ``Work``. Every step is noted, to be taken back.
"""

import numpy as np

from spatial.walking.compiled import inner


@inner
def _push(told, now, aside, state, e, amount):  # type: ignore[no-untyped-def]
    """Let an entry serve so much more (or less) of its kind, and note it as long as there is place to."""
    now[0][e] += amount
    now[1][told[1][e]] -= amount
    now[2][told[2][e]] -= amount
    state[0] -= amount
    at = np.int64(state[2])
    if at < len(aside[4]):
        aside[4][at], aside[5][at] = e, amount
    state[2] += 1.0


@inner
def _shift(told, now, aside, state, g, e, amount):  # type: ignore[no-untyped-def]
    """Move so much of a kind from one of its entries to another."""
    _push(told, now, aside, state, g, -amount)
    _push(told, now, aside, state, e, amount)


@inner
def _room_in_log(aside, state):  # type: ignore[no-untyped-def]
    return state[2] + 4.0 * len(aside[0]) + 4.0 < len(aside[4])


@inner
def open_filled(told, now, aside, state, s):  # type: ignore[no-untyped-def]
    """Open a site and fill it: with what nobody serves, then with what chains of sites hand on to it."""
    _, _, kind, sptr, listed, _, room = told
    now[3][s], now[1][s] = True, room[s]
    for q in range(sptr[s], sptr[s + 1]):
        e = listed[q]
        i = kind[e]
        now[4][i] += 1
        if now[2][i] > 0.0 and now[1][s] > 0.0:
            _push(told, now, aside, state, e, min(now[2][i], now[1][s]))
    while now[1][s] > 0.0 and _room_in_log(aside, state):
        if not _draw_in(told, now, aside, state, s):
            break


@inner
def _draw_in(told, now, aside, state, s):  # type: ignore[no-untyped-def]
    """Bring a site load along chains from a site with rows that nobody serves; return whether there is one."""
    ptr, site, kind, sptr, listed, _, _ = told
    flow, count = now[0], now[4]
    queue, mark, giver, taker = aside[0], aside[1], aside[2], aside[3]
    for a in range(len(mark)):
        mark[a] = 0
    mark[s], queue[0], size, at = 1, s, np.int64(1), np.int64(0)
    while at < size:
        b = queue[at]
        at += 1
        for q in range(sptr[b], sptr[b + 1]):
            e = listed[q]
            i = kind[e]
            if count[i] < 2:
                continue
            for g in range(ptr[i], ptr[i + 1]):
                a = site[g]
                if flow[g] <= 0.0 or mark[a]:
                    continue
                mark[a], giver[a], taker[a] = 1, g, e
                queue[size] = a
                size += 1
                if _hand_on(told, now, aside, state, s, a):
                    return True
    return False


@inner
def _hand_on(told, now, aside, state, s, a):  # type: ignore[no-untyped-def]
    """Let rows that nobody serves push others along the chain from a site to ``s``; return whether any could."""
    _, site, kind, sptr, listed, _, _ = told
    flow, left, lack = now[0], now[1], now[2]
    giver, taker = aside[2], aside[3]
    done = False
    for q in range(sptr[a], sptr[a + 1]):
        h = listed[q]
        if lack[kind[h]] <= 0.0:
            continue
        amount, b = min(lack[kind[h]], left[s]), a
        while b != s:
            amount = min(amount, flow[giver[b]])
            b = site[taker[b]]
        if amount <= 0.0:
            break
        b = a
        while b != s:
            _shift(told, now, aside, state, giver[b], taker[b], amount)
            b = site[taker[b]]
        _push(told, now, aside, state, h, amount)
        done = True
    return done


@inner
def close_emptied(told, now, aside, state, s, most):  # type: ignore[no-untyped-def]
    """Close a site; its rows go where there is room, straight, and by chains if those can lead to ``most`` unserved."""
    ptr, site, kind, sptr, listed, _, _ = told
    flow, left, lack, opened, count = now
    opened[s] = False
    for q in range(sptr[s], sptr[s + 1]):
        e = listed[q]
        i = kind[e]
        count[i] -= 1
        if flow[e] > 0.0:
            _push(told, now, aside, state, e, -flow[e])
            if count[i] > 0:
                for g in range(ptr[i], ptr[i + 1]):
                    a = site[g]
                    if opened[a] and left[a] > 0.0 and lack[i] > 0.0:
                        _push(told, now, aside, state, g, min(lack[i], left[a]))
    left[s] = 0.0
    spare = 0.0
    for q in range(sptr[s], sptr[s + 1]):
        i = kind[listed[q]]
        if count[i] > 0:
            spare += lack[i]
    if state[0] - spare > most:
        return
    while _room_in_log(aside, state):
        if not _send_off(told, now, aside, state, s):
            break


@inner
def _send_off(told, now, aside, state, s):  # type: ignore[no-untyped-def]
    """Find room for rows of a shut site along a chain of open ones; return whether there is one."""
    ptr, site, kind, sptr, listed, _, _ = told
    flow, left, lack, opened, count = now
    queue, mark, giver, taker = aside[0], aside[1], aside[2], aside[3]
    for a in range(len(mark)):
        mark[a] = 0
    size, at = np.int64(0), np.int64(0)
    for q in range(sptr[s], sptr[s + 1]):
        i = kind[listed[q]]
        if lack[i] > 0.0 and count[i] > 0:
            for g in range(ptr[i], ptr[i + 1]):
                a = site[g]
                if opened[a] and not mark[a]:
                    mark[a], giver[a], taker[a] = 1, -1, g
                    queue[size] = a
                    size += 1
    while at < size:
        a = queue[at]
        at += 1
        for q in range(sptr[a], sptr[a + 1]):
            e = listed[q]
            i = kind[e]
            if flow[e] <= 0.0 or count[i] < 2:
                continue
            for g in range(ptr[i], ptr[i + 1]):
                b = site[g]
                if not opened[b] or mark[b]:
                    continue
                mark[b], giver[b], taker[b] = 1, e, g
                queue[size] = b
                size += 1
                if left[b] > 0.0:
                    _along(told, now, aside, state, b)
                    return True
    return False


@inner
def _along(told, now, aside, state, end):  # type: ignore[no-untyped-def]
    """Push a row that nobody serves, and others before it, along the chain that ends at a site with room."""
    _, site, kind, _, _, _, _ = told
    flow, left, lack = now[0], now[1], now[2]
    giver, taker = aside[2], aside[3]
    amount, b = left[end], end
    while giver[b] >= 0:
        amount = min(amount, flow[giver[b]])
        b = site[giver[b]]
    amount = min(amount, lack[kind[taker[b]]])
    b = end
    while giver[b] >= 0:
        _shift(told, now, aside, state, giver[b], taker[b], amount)
        b = site[giver[b]]
    _push(told, now, aside, state, taker[b], amount)


@inner
def is_noted(aside, state):  # type: ignore[no-untyped-def]
    """Return whether all steps since the last swap could be noted."""
    return state[2] <= len(aside[4])


@inner
def take_back(told, now, aside, state, out, into):  # type: ignore[no-untyped-def]
    """Take a swap back, all of whose steps are noted."""
    _, _, kind, sptr, listed, _, _ = told
    now[3][into], now[3][out] = False, True
    now[1][out] += told[6][out]
    for q in range(np.int64(state[2]) - 1, -1, -1):
        e, amount = aside[4][q], aside[5][q]
        now[0][e] -= amount
        now[1][told[1][e]] += amount
        now[2][kind[e]] += amount
    for q in range(sptr[into], sptr[into + 1]):
        now[4][kind[listed[q]]] -= 1
    for q in range(sptr[out], sptr[out + 1]):
        now[4][kind[listed[q]]] += 1
    now[1][into] = 0.0
