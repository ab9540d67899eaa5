"""What does a row pay at least that is served by its second nearest open site, when sites are open by shares?

A row is served by pairs of sites, each pair at what the farther one costs. Prices of its sites are good to a level if
every pair pays the rest of the way to it: ``price[a] + price[b] >= level - cost`` of the farther. The cheapest such
prices at given shares are found from the farthest site to the nearest: all that those nearer have to promise is the
least price among them, and what is paid from there on is a convex function of it, kept as pieces of lines. Level by
level that is at least what ``cuts.py`` finds for single levels, since one set of pairs serves all of them.
"""

import numpy as np

from spatial.walking.compiled import inner

_PIECES = 200
"""A row whose function has more pieces keeps the inequality it has."""
_MOST_SITES = 150
_SAME = 1e-12


@inner
def make_room():  # type: ignore[no-untyped-def]
    """Return what ``pair_cut`` writes in: ends and slopes of the pieces, twice, and where each site would stop."""
    return np.empty((5, _PIECES + 4))


@inner
def pair_cut(begin, end, site, cost, gone, least, share, found, reached, terms, tried, room):  # type: ignore[no-untyped-def]
    """Return level and number of terms of a better inequality of a row than the one in ``terms``, if there is one.

    ``found`` is its level beyond ``least``, ``reached`` its number of terms. Levels are tried from there on as long as
    they gain.
    """
    best = found
    for t in range(reached):
        best -= terms[t] * share[site[begin + t]]
    at, level, length = begin + reached, found, reached
    while True:
        top, count = cost[at] if at < end else gone, at - begin
        if count > _MOST_SITES:
            break
        if count >= 2:
            paid = _pay_pairs(begin, count, site, cost, top, share, tried, room)
            worth = top - least - paid
            if paid < 0.0:
                break
            if worth > best + _SAME * gone:
                best, level, length = worth, top - least, count
                for t in range(count):
                    terms[t] = tried[t]
            elif worth < best and count > reached:
                break
        if at >= end:
            break
        at += 1
        while at < end and cost[at] <= top:
            at += 1
    return level, length


@inner
def _pay_pairs(begin, count, site, cost, top, share, price, room):  # type: ignore[no-untyped-def]
    """Write the cheapest prices with which every pair pays up to ``top``; return what they come to, -1 for no room."""
    pieces = np.int64(0)
    room[0, 0] = 0.0
    for r in range(count - 1, 0, -1):
        pieces = _before(top - cost[begin + r], share[site[begin + r]], r, pieces, room)
        if pieces < 0:
            return -1.0
    promised = _stop(share[site[begin]], pieces, room)
    price[0] = promised
    total = share[site[begin]] * promised
    for r in range(1, count):
        rest = top - cost[begin + r] - promised
        promised = min(promised, max(rest, room[4, r]))
        price[r] = max(promised, rest)
        total += price[r] * share[site[begin + r]]
    return total


@inner
def _stop(share, pieces, room):  # type: ignore[no-untyped-def]
    """Return up to which promise a site with this share gains by a higher one."""
    k = 0
    while k < pieces and room[1, k] < -share:
        k += 1
    return room[0, k]


@inner
def _before(rest, share, r, pieces, room):  # type: ignore[no-untyped-def]
    """Put one more site before those that the function counts; return its number of pieces, -1 for no room.

    The site pays what is promised to those before it does not, and may itself promise as much as it was promised. Up to
    half of the rest it passes the promise on; above, it lowers it to what it pays, unless it gains by promising more.
    """
    stop, half = _stop(share, pieces, room), 0.5 * rest
    room[4, r] = stop
    if 2 * pieces + 4 > _PIECES:
        return np.int64(-1)
    n, last = np.int64(0), room[0, pieces]
    room[2, 0] = 0.0
    for k in range(pieces):
        if room[0, k] < half:
            n = _add(min(room[0, k + 1], half), room[1, k] - share, n, room)
    n = _add(half, -share, n, room)
    if stop >= half:
        for k in range(pieces):
            if room[0, k] < stop:
                n = _add(min(room[0, k + 1], stop), room[1, k] + share, n, room)
    else:
        n = _add(rest - max(stop, last), -share, n, room)
        for k in range(pieces - 1, -1, -1):
            if room[0, k] < half and room[0, k + 1] > stop:
                n = _add(rest - max(room[0, k], stop), -share - room[1, k], n, room)
    room[0, 0] = 0.0
    for k in range(n):
        room[0, k + 1], room[1, k] = room[2, k + 1], room[3, k]
    return n


@inner
def _add(until, slope, n, room):  # type: ignore[no-untyped-def]
    """Go on to ``until`` with this slope; return the number of pieces. Beyond the last one the function is level."""
    if until <= room[2, n] or slope >= 0.0:
        return n
    if n > 0 and slope <= room[3, n - 1]:
        room[2, n] = until
        return n
    room[3, n] = slope
    room[2, n + 1] = until
    return n + 1
