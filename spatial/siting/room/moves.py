"""Which row is better off at another open site, if need be in another row's stead? Moves until none pays.

Rows list their sites from the cheapest on, sites their rows in ascending order; a row that no site serves (-1) costs
what it is lost for.
"""

import numpy as np

from spatial.walking.compiled import inner

_CHEAPER = 6
"""How many open sites that are cheaper for a row are looked at."""


@inner
def cost_of(rows, i, s):  # type: ignore[no-untyped-def]
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
def touch(rows, served, dirty, s):  # type: ignore[no-untyped-def]
    """Mark whoever would rather be at a site: it may have room now."""
    _, _, _, sptr, srow, scost, _, _ = rows
    for k in range(sptr[s], sptr[s + 1]):
        i = srow[k]
        if served[i] != s and not dirty[i] and scost[k] < cost_of(rows, i, served[i]):
            dirty[i] = True


@inner
def settle(rows, left, opened, served, dirty, stack):  # type: ignore[no-untyped-def]
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
            now, looked = cost_of(rows, i, served[i]), 0
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
                    touch(rows, served, dirty, a)
                dirty[i] = again = True
                break
    total = 0.0
    for i in range(n):
        total += cost_of(rows, i, served[i])
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
    touch(rows, served, dirty, b)
    return True
