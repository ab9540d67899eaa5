"""What is each site worth at given prices of rows where room is limited, and what if it must serve some row?

The rule that each row is served once is priced; what is left is one knapsack per site (the Lagrangian of the
capacitated p-median; Ceselli and Righini, "A branch-and-price algorithm for the capacitated p-median problem", 2005).
A knapsack is filled by branch and bound, or, where rows may be shared or it takes too long, by parts of rows: that is
worth no less, so bounds hold.
"""

import numpy as np

from spatial.walking.compiled import inner, kernel

_MOST_NODES = 20_000


@kernel
def price_sites(ptr, row, cost, load, room, prices, open_to, whole, worth, share):  # type: ignore[no-untyped-def]
    """Write the least sum of cost less price that each site can serve within its room, and the parts it serves of each.

    ``open_to`` tells which entries may serve. Without ``whole`` a row may be served in part.
    """
    size = _longest(ptr)
    items, gain, weight = np.empty(size, np.int64), np.empty(size), np.empty(size)
    take, best_take = np.empty(size, np.bool_), np.empty(size, np.bool_)
    for s in range(len(room)):
        for k in range(ptr[s], ptr[s + 1]):
            share[k] = 0.0
        if not whole:
            worth[s] = -_fill_parts(ptr[s], ptr[s + 1], row, cost, load, room[s], prices, open_to, items, gain, share)
            continue
        count = list_items(ptr[s], ptr[s + 1], row, cost, load, prices, open_to, items, gain, weight)
        total, left, h = 0.0, room[s], np.int64(0)
        while h < count and weight[h] <= left:
            total += gain[h]
            left -= weight[h]
            share[items[h]] = 1.0
            h += 1
        if h < count:
            best = _fill(count, gain, weight, room[s], take, best_take)
            if best >= 0.0:
                for k in range(count):
                    share[items[k]] = 1.0 if best_take[k] else 0.0
                total = best
            else:
                share[items[h]] = left / weight[h]
                total += gain[h] * left / weight[h]
        worth[s] = -total


@inner
def _fill_parts(first, last, row, cost, load, room, prices, open_to, items, rate, share):  # type: ignore[no-untyped-def]
    """Fill a site with the entries of most gain for their load, the last one in part; return what they gain.

    Instead of sorting all of them, those that gain more for their load than some one are put before it, and it is
    gone on with the side on which the room ends.
    """
    count, total, left = np.int64(0), 0.0, room
    for k in range(first, last):
        if open_to[k] and cost[k] < prices[row[k]]:
            if load[row[k]] > 0.0:
                items[count], rate[count] = k, (prices[row[k]] - cost[k]) / load[row[k]]
                count += 1
            else:
                share[k] = 1.0
                total += prices[row[k]] - cost[k]
    low, high = np.int64(0), count - 1
    while low <= high and left > 0.0:
        more, less = _part_by(rate, items, low, high)
        ahead, alike = 0.0, 0.0
        for h in range(low, more):
            ahead += load[row[items[h]]]
        for h in range(more, less + 1):
            alike += load[row[items[h]]]
        if ahead > left:
            high = more - 1
            continue
        for h in range(low, more if ahead + alike > left else less + 1):
            share[items[h]] = 1.0
            total += prices[row[items[h]]] - cost[items[h]]
        if ahead + alike <= left:
            left -= ahead + alike
            low = less + 1
            continue
        left -= ahead
        for h in range(more, less + 1):
            k = items[h]
            share[k] = min(left / load[row[k]], 1.0)
            total += (prices[row[k]] - cost[k]) * share[k]
            left -= load[row[k]] * share[k]
            if share[k] < 1.0:
                break
        break
    return total


@inner
def _part_by(rate, items, low, high):  # type: ignore[no-untyped-def]
    """Put the higher rates before those like the middle one, and the lower behind; return where those like it are."""
    one, two, three = rate[low], rate[(low + high) // 2], rate[high]
    pivot = max(min(one, two), min(max(one, two), three))
    more, at, less = low, low, high
    while at <= less:
        if rate[at] > pivot:
            rate[at], rate[more] = rate[more], rate[at]
            items[at], items[more] = items[more], items[at]
            more += 1
            at += 1
        elif rate[at] < pivot:
            rate[at], rate[less] = rate[less], rate[at]
            items[at], items[less] = items[less], items[at]
            less -= 1
        else:
            at += 1
    return more, less


@kernel
def add_served(ptr, row, share, chosen, out):  # type: ignore[no-untyped-def]
    """Write which part of each row the chosen sites serve, all of them together."""
    for i in range(len(out)):
        out[i] = 0.0
    for s in range(len(chosen)):
        if chosen[s]:
            for k in range(ptr[s], ptr[s + 1]):
                out[row[k]] += share[k]


@inner
def _longest(ptr):  # type: ignore[no-untyped-def]
    size = np.int64(0)
    for s in range(len(ptr) - 1):
        size = max(size, ptr[s + 1] - ptr[s])
    return size


@inner
def list_items(first, last, row, cost, load, prices, open_to, items, gain, weight):  # type: ignore[no-untyped-def]
    """List the entries of a site that lower its sum, the most gain for its load first; return how many."""
    count = np.int64(0)
    for k in range(first, last):
        if open_to[k] and cost[k] < prices[row[k]]:
            items[count] = k
            count += 1
    gap = count // 2
    while gap > 0:  # shell sort: nothing to allocate, and quick for some hundred items
        for i in range(gap, count):
            one, at = items[i], np.int64(i)
            g, w = prices[row[one]] - cost[one], load[row[one]]
            while at >= gap:
                other = items[at - gap]
                mine, theirs = g * load[row[other]], (prices[row[other]] - cost[other]) * w
                if mine < theirs or (mine == theirs and other < one):
                    break
                items[at] = other
                at -= gap
            items[at] = one
        gap = gap * 5 // 11 if gap > 2 else gap // 2
    for h in range(count):
        gain[h], weight[h] = prices[row[items[h]]] - cost[items[h]], float(load[row[items[h]]])
    return count


@inner
def _fill(count, gain, weight, room, take, best_take):  # type: ignore[no-untyped-def]
    """Return the most that whole items within the room gain, and which; negative if that takes too long."""
    best, value, left, at = -1.0, 0.0, room, np.int64(0)
    for _ in range(_MOST_NODES):
        total, rest, k = value, left, at
        while k < count and weight[k] <= rest:
            total += gain[k]
            rest -= weight[k]
            k += 1
        limit = total if k == count else total + gain[k] * rest / weight[k]
        if limit > best:
            for h in range(at, k):
                take[h] = True
            value, left, at = total, rest, k
            if value > best:
                best = value
                for h in range(count):
                    best_take[h] = take[h] and h < k
            if k < count:
                take[k] = False
                at = k + 1
                continue
        back = at - 1
        while back >= 0 and not take[back]:
            back -= 1
        if back < 0:
            return best
        take[back] = False
        value, left, at = value - gain[back], left + weight[back], back + 1
    return -1.0


@kernel
def price_forced(ptr, row, cost, load, room, prices, open_to, whole, forced):  # type: ignore[no-untyped-def]
    """Write for each entry the least sum of its site if it must serve that entry's row; infinite where it cannot.

    With ``whole`` loads and rooms are whole numbers and the sums are exact; without, rows may be served in part.
    """
    size = _longest(ptr)
    items, gain, weight = np.empty(size, np.int64), np.empty(size), np.empty(size)
    upto, filled = np.empty(size + 1), np.empty(size + 1)
    width = np.int64(1)
    if whole:
        for s in range(len(room)):
            width = max(width, np.int64(room[s]) + 1)
    ahead, behind = np.zeros((size + 1 if whole else 1, width)), np.zeros(width)
    for s in range(len(room)):
        count = list_items(ptr[s], ptr[s + 1], row, cost, load, prices, open_to, items, gain, weight)
        if whole:
            _force_whole(
                ptr, row, cost, load, np.int64(room[s]), prices, open_to, forced, s, count, items, ahead, behind
            )
            continue
        upto[0] = filled[0] = 0.0
        for h in range(count):
            upto[h + 1], filled[h + 1] = upto[h] + gain[h], filled[h] + weight[h]
        whole_of = _gained(upto, filled, gain, weight, count, room[s])
        for k in range(ptr[s], ptr[s + 1]):
            left = room[s] - load[row[k]]
            forced[k] = np.inf
            if open_to[k] and left >= 0:
                forced[k] = cost[k] - prices[row[k]] - _gained(upto, filled, gain, weight, count, left)
        for h in range(count):
            if filled[h + 1] <= room[s]:  # it is served anyway
                forced[items[h]] = -whole_of


@inner
def _gained(upto, filled, gain, weight, count, room):  # type: ignore[no-untyped-def]
    """Return what the items of most gain for their load come to within the room, the last one in part."""
    low, high = np.int64(0), count
    while low < high:
        middle = (low + high + 1) // 2
        if filled[middle] <= room:
            low = middle
        else:
            high = middle - 1
    return upto[low] + (gain[low] * (room - filled[low]) / weight[low] if low < count else 0.0)


@inner
def _force_whole(  # type: ignore[no-untyped-def]
    ptr, row, cost, load, room, prices, open_to, forced, s, count, items, ahead, behind
):
    """Write the exact sums of one site, from the best fillings before and behind each of its items."""
    for h in range(count):
        gain, weight = cost[items[h]] - prices[row[items[h]]], np.int64(load[row[items[h]]])
        for r in range(room + 1):
            ahead[h + 1, r] = ahead[h, r]
            if r >= weight and ahead[h, r - weight] + gain < ahead[h + 1, r]:
                ahead[h + 1, r] = ahead[h, r - weight] + gain
    for k in range(ptr[s], ptr[s + 1]):
        left = room - np.int64(load[row[k]])
        forced[k] = np.inf
        if open_to[k] and left >= 0:
            forced[k] = cost[k] - prices[row[k]] + ahead[count, left]
    for r in range(room + 1):
        behind[r] = 0.0
    for h in range(count - 1, -1, -1):
        k = items[h]
        gain, weight = cost[k] - prices[row[k]], np.int64(load[row[k]])
        best, left = np.inf, room - weight
        for r in range(left + 1):
            best = min(best, ahead[h, r] + behind[left - r])
        forced[k] = gain + best
        for r in range(room, weight - 1, -1):
            behind[r] = min(behind[r], behind[r - weight] + gain)
