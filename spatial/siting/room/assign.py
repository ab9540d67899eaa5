"""Which open site has room for whom? Rows with most to lose first, then moves, ejections and better sites.

Rows list their sites from the cheapest on, sites their rows in ascending order; a row that no site serves costs what it
is lost for. ``state`` is who serves each row (-1: nobody), the room left at each site, and which sites are open.
"""

import numpy as np

from spatial.siting.draws import draw
from spatial.siting.room.moves import cost_of, settle, touch
from spatial.walking.compiled import inner, kernel

_NEAR = 8


@kernel
def improve_rooms(  # type: ignore[no-untyped-def]
    rptr, rsite, rcost, sptr, srow, scost, load, room, lost, opened, movable, served, tries, slack, seed
):
    """Improve open sites and who they serve, in place, by moving sites at random; return the total.

    ``served`` is filled anew where it begins with -2. ``movable`` sites may close and open in each other's stead; a
    move may worsen the total it started from by the share ``slack``. ``seed`` is the state of the random numbers.
    """
    n, m = len(load), len(room)
    left, dirty, mark, sums, seen = room.copy(), np.zeros(n, np.bool_), np.zeros(n), np.zeros(m), np.zeros(m, np.int64)
    stack = np.empty(n, np.int64)
    if n and served[0] == -2:
        for i in range(n):
            served[i] = -1
        _place(rptr, rsite, rcost, load, left, lost, opened, served, mark)
    else:
        for i in range(n):
            if served[i] >= 0:
                left[served[i]] -= load[i]
    for i in range(n):
        dirty[i] = True
    rows = (rptr, rsite, rcost, sptr, srow, scost, load, lost)
    total = settle(rows, left, opened, served, dirty, stack)
    total = _recentre_all(rows, room, left, opened, movable, served, dirty, stack, sums, seen, total)
    best, now = total, total
    best_open, best_served = opened.copy(), served.copy()
    start_open, start_served, start_left = opened.copy(), served.copy(), left.copy()
    for _ in range(tries):
        out, new = _pick(rows, opened, movable, seed)
        if out < 0:
            break
        _move(rows, room, left, opened, served, dirty, out, new)
        _place(rptr, rsite, rcost, load, left, lost, opened, served, mark)
        total = settle(rows, left, opened, served, dirty, stack)
        for s in (out, new):
            if opened[s]:
                total = _recentre(rows, room, left, opened, movable, served, dirty, stack, sums, seen, s, total)
        if total < best * (1 - 1e-12):
            best = total
            _copy(opened, served, left, best_open, best_served, start_left)
        if total <= now * (1 + slack) and total <= best * (1 + 8 * slack):
            now = total
            _copy(opened, served, left, start_open, start_served, start_left)
        else:
            _copy(start_open, start_served, start_left, opened, served, left)
    for s in range(m):
        opened[s] = best_open[s]
    for i in range(n):
        served[i] = best_served[i]
    return best


@inner
def _copy(opened, served, left, to_open, to_served, to_left):  # type: ignore[no-untyped-def]
    for s in range(len(opened)):
        to_open[s], to_left[s] = opened[s], left[s]
    for i in range(len(served)):
        to_served[i] = served[i]


@inner
def _pick(rows, opened, movable, seed):  # type: ignore[no-untyped-def]
    """Pick a closed site near to a row, and an open one to shut: near to it too, mostly, else any."""
    rptr, rsite = rows[0], rows[1]
    n, m = len(rptr) - 1, len(opened)
    for _ in range(100):
        i = draw(seed, n)
        size = rptr[i + 1] - rptr[i]
        if size == 0:
            continue
        new = rsite[rptr[i] + draw(seed, min(size, 3 * _NEAR))]
        if opened[new] or not movable[new]:
            continue
        out, count = np.int64(-1), 0
        if draw(seed, 4) > 0:
            for k in range(rptr[i], rptr[i + 1]):
                if opened[rsite[k]] and movable[rsite[k]]:
                    count += 1
                    if draw(seed, count) == 0:
                        out = np.int64(rsite[k])
                    if count == 4:
                        break
        else:
            at = draw(seed, m)
            for k in range(m):
                s = (at + k) % m
                if opened[s] and movable[s]:
                    out = np.int64(s)
                    break
        if out >= 0:
            return out, np.int64(new)
    return np.int64(-1), np.int64(-1)


@inner
def _move(rows, room, left, opened, served, dirty, out, new):  # type: ignore[no-untyped-def]
    """Shut a site, open another, and take those of the one that like it to the other; the rest is left to place."""
    _, _, _, sptr, srow, scost, load, _ = rows
    opened[out], opened[new] = False, True
    for k in range(sptr[out], sptr[out + 1]):
        if served[srow[k]] == out:
            served[srow[k]] = -1
            dirty[srow[k]] = True
    left[out], left[new] = room[out], room[new]
    for k in range(sptr[new], sptr[new + 1]):
        i = srow[k]
        if served[i] >= 0 and scost[k] < cost_of(rows, i, served[i]) and load[i] <= left[new]:
            touch(rows, served, dirty, served[i])
            left[served[i]] += load[i]
            left[new] -= load[i]
            served[i] = new
    touch(rows, served, dirty, new)


@inner
def _place(rptr, rsite, rcost, load, left, lost, opened, served, mark):  # type: ignore[no-untyped-def]
    """Give each row that nobody serves a site: those first that lose most if their best site is full, by load."""
    n = len(load)
    waiting = np.int64(0)
    order = np.empty(n, np.int64)
    for i in range(n):
        if served[i] >= 0:
            continue
        one, two = np.inf, lost[i]
        for k in range(rptr[i], rptr[i + 1]):
            if opened[rsite[k]] and load[i] <= left[rsite[k]]:
                if one == np.inf:
                    one = rcost[k]
                else:
                    two = rcost[k]
                    break
        if one < np.inf:
            mark[i] = -(two - one) / max(load[i], 1e-9) if two < lost[i] else -1e300 - load[i] * 1e280
            order[waiting] = i
            waiting += 1
    order = order[:waiting]
    for i in order[np.argsort(mark[order], kind="mergesort")]:
        for k in range(rptr[i], rptr[i + 1]):
            s = rsite[k]
            if opened[s] and load[i] <= left[s]:
                if rcost[k] < lost[i]:
                    served[i] = s
                    left[s] -= load[i]
                break


@inner
def _recentre_all(rows, room, left, opened, movable, served, dirty, stack, sums, seen, total):  # type: ignore[no-untyped-def]
    for _ in range(30):
        before = total
        for s in range(len(room)):
            if opened[s]:
                total = _recentre(rows, room, left, opened, movable, served, dirty, stack, sums, seen, s, total)
        if total >= before * (1 - 1e-9):
            break
    return total


@inner
def _recentre(  # type: ignore[no-untyped-def]
    rows, room, left, opened, movable, served, dirty, stack, sums, seen, s, total
):
    """Move an open site to where those it serves are served best, settle who is touched, and return the total."""
    rptr, rsite, rcost, sptr, srow, scost, _, _ = rows
    if not movable[s]:
        return total
    count, now = np.int64(0), 0.0
    for k in range(sptr[s], sptr[s + 1]):
        if served[srow[k]] == s:
            stack[count] = srow[k]
            count += 1
            now += scost[k]
    if count == 0:
        return total
    for t in range(len(room)):
        sums[t], seen[t] = 0.0, 0
    for h in range(count):
        for k in range(rptr[stack[h]], rptr[stack[h] + 1]):
            sums[rsite[k]] += rcost[k]
            seen[rsite[k]] += 1
    to, full = s, room[s] - left[s]
    for t in range(len(room)):
        if seen[t] == count and not opened[t] and movable[t] and room[t] >= full and sums[t] < now * (1 - 1e-12):
            to, now = t, sums[t]
    if to == s:
        return total
    opened[s], opened[to] = False, True
    for h in range(count):
        served[stack[h]] = to
        dirty[stack[h]] = True
    left[s], left[to] = room[s], room[to] - full
    touch(rows, served, dirty, to)
    return settle(rows, left, opened, served, dirty, stack)
