"""How much can covers of a few rows be packed into the shares to which sites are open, and at what prices?

A window has up to 62 rows, one bit each, and kinds of sites: those that cover the same rows of it. Covers are packed
into the shares of the kinds by the simplex method; the cover that enters next is the cheapest at the prices so far,
which branch and bound finds, row by row, against what the uncovered rows can be charged at least. Prices are whole
numbers there: what is said about the cheapest cover is true to the last digit.
"""

import numpy as np

from spatial.walking.compiled import shared

KINDS = 96
"""Kinds of sites of a window at most."""
LEAST_BREAK = 0.03
WHOLE = 1_000_000
"""What a price of one is as a whole number."""
_NODES, _PIVOTS = 4_000, 3_000
_CLOSE = 0.002
_NONE, _ONE = np.uint64(0), np.uint64(1)
_FAR = np.int64(1 << 40)

COST, KEPT, LEFT, BAN, FREE, BEST, BASE, ORDER = 0, 1, 2, 3, 4, 5, 6, 7
"""Rows of ``whole`` by kind: price, price of the inequality, what is left of the price, depth from which on a kind is
out, whether it costs nothing, whether it is in the best cover, the slack in the basis (-1 for a cover), a list."""
WHOLES = 8
SHARE, AMOUNT, GAIN, PRICE, VALUE, ROOM = 0, 1, 2, 3, 4, 5
"""Rows of ``real`` by kind: share; amount and gain of the basis; price; the column that enters; share not used."""
REALS = 6
SPENT, ROW, TAKEN = 0, 1, 2
"""Columns of ``trail`` by depth: what is spent, the row branched on, the kind taken for it."""
TRAILS, DEPTH = 3, 64


@shared
def cheapest(kinds, rows, goal, limit, enough, price, mask, lists, whole, trail, reach):  # type: ignore[no-untyped-def]
    """Return what the cheapest cover of ``goal`` costs at the prices in a row of ``whole``, or the limit if that is
    less; the first cover below ``enough`` will do; -1 if it takes too long. ``BEST`` flags the cover, if there is one.
    """
    most, nodes, depth, fresh = limit, np.int64(0), np.int64(0), True
    reach[0], trail[0, SPENT] = _NONE, 0
    for k in range(kinds):
        whole[BAN, k] = whole[BEST, k] = 0
        whole[FREE, k] = np.int64(whole[price, k] == 0)
        if whole[price, k] == 0:
            reach[0] |= mask[k]
    while depth >= 0:
        if fresh:
            nodes += 1
            if nodes > _NODES:
                return limit if enough > 0 and limit < most - 2 * kinds else np.int64(-1)
            need = goal & ~reach[depth]
            if need == _NONE:
                # Costs less than the limit: the node above would have been left otherwise.
                if trail[depth, SPENT] < limit:
                    limit = trail[depth, SPENT]
                    for k in range(kinds):
                        whole[BEST, k] = whole[FREE, k]
                    for a in range(depth):
                        whole[BEST, trail[a, TAKEN]] = 1
                    if limit < enough:
                        return limit
                fresh, depth = False, depth - 1
                continue
            trail[depth, ROW] = _row_to_branch(kinds, rows, need, limit - trail[depth, SPENT], price, lists, whole)
        taken = _next_kind(kinds, goal, depth, price, mask, lists, whole, trail, reach)
        fresh = taken >= 0
        depth += 1 if fresh else -1
    return limit


@shared
def _row_to_branch(kinds, rows, need, limit, price, lists, whole):  # type: ignore[no-untyped-def]
    """Return the row with fewest kinds left, or -1 if covering the rest costs at least the limit."""
    for k in range(kinds):
        whole[LEFT, k] = whole[price, k]
    bound, fewest, at = np.int64(0), _FAR, np.int64(-1)
    for r in range(rows):
        if (need >> np.uint64(r)) & _ONE == _NONE:
            continue
        least, count = _FAR, np.int64(0)
        for t in range(1, lists[r, 0] + 1):
            k = lists[r, t]
            if whole[BAN, k] == 0:
                count += 1
                least = min(least, whole[LEFT, k])
        bound += least
        if bound >= limit:
            return np.int64(-1)
        if count < fewest:
            fewest, at = count, np.int64(r)
        if least > 0:
            for t in range(1, lists[r, 0] + 1):
                whole[LEFT, lists[r, t]] -= least
    return at


@shared
def _next_kind(kinds, goal, depth, price, mask, lists, whole, trail, reach):  # type: ignore[no-untyped-def]
    """Take the next kind for the row branched on, the one that costs least for each row it adds; -1 if none is left."""
    for k in range(kinds):
        if whole[BAN, k] > depth + 1:
            whole[BAN, k] = 0
    need, r = goal & ~reach[depth], trail[depth, ROW]
    pick, least = np.int64(-1), 0.0
    for t in range(1, lists[r, 0] + 1 if r >= 0 else 0):
        k = lists[r, t]
        if whole[BAN, k] != 0:
            continue
        adds, bits = 0, mask[k] & need
        while bits != _NONE:
            bits &= bits - _ONE
            adds += 1
        worth = whole[price, k] / adds
        if pick < 0 or worth < least:
            pick, least = k, worth
    if pick < 0:
        for k in range(kinds):
            if whole[BAN, k] == depth + 1:
                whole[BAN, k] = 0
        return pick
    whole[BAN, pick], trail[depth, TAKEN] = depth + 1, pick
    reach[depth + 1] = reach[depth] | mask[pick]
    trail[depth + 1, SPENT] = trail[depth, SPENT] + whole[price, pick]
    return pick


@shared
def pack(kinds, rows, apart, mask, lists, whole, real, inverse, trail, reach):  # type: ignore[no-untyped-def]
    """Pack covers until their weight is known; return what any cover costs at the prices in ``KEPT``, or -1.

    The shares cost less than that by ``apart`` of it at least, else there are no such prices. A cover that costs less
    than one by as much may enter without being the cheapest.
    """
    enough = np.int64((1.0 - apart) * WHOLE)
    full = (_ONE << np.uint64(rows)) - _ONE
    for a in range(kinds):
        # A trifle more for each kind, so that no two of them run out at once.
        real[AMOUNT, a], real[GAIN, a], whole[BASE, a] = real[SHARE, a] + 1e-7 * (a + 1) / kinds, 0.0, a
        for b in range(kinds):
            inverse[a, b] = 1.0 if a == b else 0.0
    ratio, least = 1.0 - apart, np.int64(-1)
    for _ in range(_PIVOTS):
        total, low = _prices(kinds, real, inverse)
        if total > 1.0 - apart:
            break
        if low >= 0:
            for a in range(kinds):
                real[VALUE, a] = inverse[a, low]
            if not _pivot(kinds, low, whole, real, inverse):
                break
            continue
        paid = 0.0
        for b in range(kinds):
            whole[COST, b] = np.int64(np.ceil(max(real[PRICE, b], 0.0) * WHOLE))
            paid += whole[COST, b] * real[SHARE, b]
        cost = cheapest(kinds, rows, full, np.int64(WHOLE), enough, COST, mask, lists, whole, trail, reach)
        if cost >= enough and paid / cost < ratio:
            ratio, least = paid / cost, cost
            for b in range(kinds):
                whole[KEPT, b] = min(whole[COST, b], cost)
        if cost < 0 or cost >= WHOLE - 2 * kinds or (least >= 0 and total > ratio - _CLOSE):
            break
        _thin(kinds, full, mask, whole, real)
        for a in range(kinds):
            real[VALUE, a] = 0.0
            for b in range(kinds):
                if whole[BEST, b]:
                    real[VALUE, a] += inverse[a, b]
        if not _pivot(kinds, np.int64(-1), whole, real, inverse):
            break
    return least


@shared
def _prices(kinds, real, inverse):  # type: ignore[no-untyped-def]
    """Price the kinds; return the weight of the packing, and the kind whose price is most below nothing, if any."""
    total = 0.0
    for b in range(kinds):
        real[PRICE, b] = 0.0
    for a in range(kinds):
        if real[GAIN, a] > 0.0:
            total += real[AMOUNT, a]
            for b in range(kinds):
                real[PRICE, b] += inverse[a, b]
    low, worst = np.int64(-1), -1e-7
    for b in range(kinds):
        if real[PRICE, b] < worst:
            low, worst = np.int64(b), real[PRICE, b]
    return total, low


@shared
def _pivot(kinds, entering, whole, real, inverse):  # type: ignore[no-untyped-def]
    """Let the column in ``VALUE`` enter the basis, a cover (-1) or the slack of a kind; tell whether it could."""
    out, least = np.int64(-1), 0.0
    for a in range(kinds):
        if real[VALUE, a] > 1e-9:
            ratio = real[AMOUNT, a] / real[VALUE, a]
            if out < 0 or ratio < least:
                out, least = np.int64(a), ratio
    if out < 0:
        return False
    scale = 1.0 / real[VALUE, out]
    for b in range(kinds):
        inverse[out, b] *= scale
    for a in range(kinds):
        factor = real[VALUE, a]
        if a != out and factor != 0.0:
            real[AMOUNT, a] = max(real[AMOUNT, a] - factor * least, 0.0)
            for b in range(kinds):
                inverse[a, b] -= factor * inverse[out, b]
    real[AMOUNT, out], real[GAIN, out], whole[BASE, out] = least, 1.0 if entering < 0 else 0.0, entering
    return True


@shared
def _thin(kinds, goal, mask, whole, real):  # type: ignore[no-untyped-def]
    """Take out of the best cover the kinds it can do without, those first that cost most or else have least room."""
    for b in range(kinds):
        real[ROOM, b] = 0.0
    for a in range(kinds):
        if whole[BASE, a] >= 0:
            real[ROOM, whole[BASE, a]] = real[AMOUNT, a]
    size = 0
    for k in range(kinds):
        if whole[BEST, k]:
            b = size
            while b > 0 and _goes_first(k, whole[ORDER, b - 1], whole, real):
                whole[ORDER, b] = whole[ORDER, b - 1]
                b -= 1
            whole[ORDER, b] = k
            size += 1
    for a in range(size):
        have = _NONE
        for b in range(size):
            if b != a and whole[BEST, whole[ORDER, b]]:
                have |= mask[whole[ORDER, b]]
        if goal & ~have == _NONE:
            whole[BEST, whole[ORDER, a]] = 0


@shared
def _goes_first(k, other, whole, real):  # type: ignore[no-untyped-def]
    if whole[COST, k] != whole[COST, other]:
        return whole[COST, k] > whole[COST, other]
    return real[ROOM, k] < real[ROOM, other]
