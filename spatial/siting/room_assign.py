"""Which open site has room for whom? Rows with most to lose first, then moves, ejections and better sites.

Rows list their sites from the cheapest on, sites their rows in ascending order; a row that no site serves costs what it
is lost for. ``state`` is who serves each row (-1: nobody), the room left at each site, and which sites are open.
"""

import numpy as np

from spatial.siting.draws import draw
from spatial.walking.compiled import inner, kernel

_NEAR = 8
_CHEAPER = 6
"""How many open sites that are cheaper for a row are looked at."""
_CLOSED = 4


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
    total = _settle(rows, left, opened, served, dirty, stack)
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
        total = _settle(rows, left, opened, served, dirty, stack)
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
def _cost_of(rows, i, s):  # type: ignore[no-untyped-def]
    """Return what a row costs at a site: infinite where that does not serve it, what it is lost for at -1."""
    _, _, _, sptr, srow, scost, _, lost = rows
    if s < 0:
        return lost[i]
    low, high = sptr[s], sptr[s + 1]
    while low < high:
        middle = (low + high) // 2
        if srow[middle] < i:
            low = middle + 1
        else:
            high = middle
    return scost[low] if low < sptr[s + 1] and srow[low] == i else np.inf


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
        if served[i] >= 0 and scost[k] < _cost_of(rows, i, served[i]) and load[i] <= left[new]:
            _touch(rows, served, dirty, served[i])
            left[served[i]] += load[i]
            left[new] -= load[i]
            served[i] = new
    _touch(rows, served, dirty, new)


@inner
def _touch(rows, served, dirty, s):  # type: ignore[no-untyped-def]
    """Mark whoever would rather be at a site: it may have room now."""
    _, _, _, sptr, srow, scost, _, _ = rows
    for k in range(sptr[s], sptr[s + 1]):
        i = srow[k]
        if served[i] != s and not dirty[i] and scost[k] < _cost_of(rows, i, served[i]):
            dirty[i] = True


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
def _settle(rows, left, opened, served, dirty, stack):  # type: ignore[no-untyped-def]
    """Move the marked rows to cheaper sites, if need be by sending another row elsewhere; return the total."""
    rptr, rsite, rcost, _, _, _, load, _ = rows
    n = len(load)
    again = True
    while again:
        again = False
        for i in range(n):
            if not dirty[i]:
                continue
            dirty[i] = False
            now, looked = _cost_of(rows, i, served[i]), 0
            for k in range(rptr[i], rptr[i + 1]):
                if rcost[k] >= now * (1 - 1e-12) or looked == _CHEAPER:
                    break
                b = rsite[k]
                if not opened[b] or b == served[i]:
                    continue
                looked += 1
                a = served[i]
                if load[i] <= left[b]:
                    _shift(load, left, served, i, b)
                elif not _eject(rows, left, opened, served, dirty, i, b, now - rcost[k] - 1e-10 * now):
                    continue
                if a >= 0:
                    _touch(rows, served, dirty, a)
                dirty[i] = again = True
                break
    total = 0.0
    for i in range(n):
        total += _cost_of(rows, i, served[i])
    return total


@inner
def _shift(load, left, served, i, s):  # type: ignore[no-untyped-def]
    if served[i] >= 0:
        left[served[i]] += load[i]
    if s >= 0:
        left[s] -= load[i]
    served[i] = s


@inner
def _eject(rows, left, opened, served, dirty, i, b, saved):  # type: ignore[no-untyped-def]
    """Send a row of site ``b`` elsewhere so that row ``i`` has room there, where that costs less than it saves."""
    rptr, rsite, rcost, sptr, srow, scost, load, lost = rows
    a, best, who, where = served[i], saved, np.int64(-1), np.int64(-1)
    for k in range(sptr[b], sptr[b + 1]):
        j = srow[k]
        if served[j] != b or left[b] + load[j] < load[i]:
            continue
        for h in range(rptr[j], rptr[j + 1]):
            c = rsite[h]
            if rcost[h] - scost[k] >= best:
                break
            if c == b or not opened[c]:
                continue
            if load[j] <= left[c] + (load[i] if c == a else 0):
                best, who, where = rcost[h] - scost[k], j, np.int64(c)
                break
        if lost[j] - scost[k] < best:
            best, who, where = lost[j] - scost[k], j, np.int64(-1)
    if who < 0:
        return False
    left[b] += load[who]
    if a >= 0:
        left[a] += load[i]
    left[b] -= load[i]
    served[i] = b
    if where >= 0:
        left[where] -= load[who]
    served[who] = where
    dirty[who] = True
    _touch(rows, served, dirty, b)
    return True


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
    _touch(rows, served, dirty, to)
    return _settle(rows, left, opened, served, dirty, stack)
