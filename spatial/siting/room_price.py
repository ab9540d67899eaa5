"""What is each site worth at given prices of rows where room is limited, and what if it must serve some row?

The rule that each row is served once is priced; what is left is one knapsack per site (the Lagrangian of the
capacitated p-median; Ceselli and Righini, "A branch-and-price algorithm for the capacitated p-median problem", 2005).
"""

import numpy as np

from spatial.walking.compiled import inner, kernel


@kernel
def price_sites(ptr, row, cost, load, room, prices, open_to, worth, taken):  # type: ignore[no-untyped-def]
    """Write the least sum of cost less price that each site can serve within its room, and which entries do so.

    Loads and rooms are whole numbers. ``open_to`` tells which entries may serve.
    """
    size = 0
    for s in range(len(room)):
        size = max(size, ptr[s + 1] - ptr[s])
    items, best = np.empty(size, np.int64), np.empty(1 + _largest(room), np.float64)
    took = np.empty((size, len(best)), np.bool_)
    for s in range(len(room)):
        count, total = _worthwhile(ptr[s], ptr[s + 1], row, cost, load, room[s], prices, open_to, items, taken)
        worth[s] = 0.0
        if total <= room[s]:
            for h in range(count):
                taken[items[h]] = True
                worth[s] += cost[items[h]] - prices[row[items[h]]]
            continue
        for r in range(room[s] + 1):
            best[r] = 0.0
        for h in range(count):
            gain, weight = cost[items[h]] - prices[row[items[h]]], load[row[items[h]]]
            for r in range(room[s], -1, -1):
                took[h, r] = r >= weight and best[r - weight] + gain < best[r]
                if took[h, r]:
                    best[r] = best[r - weight] + gain
        worth[s] = best[room[s]]
        left = room[s]
        for h in range(count - 1, -1, -1):
            if took[h, left]:
                taken[items[h]] = True
                left -= load[row[items[h]]]


@inner
def _largest(room):  # type: ignore[no-untyped-def]
    largest = np.int64(0)
    for s in range(len(room)):
        largest = max(largest, room[s])
    return largest


@inner
def _worthwhile(first, last, row, cost, load, room, prices, open_to, items, taken):  # type: ignore[no-untyped-def]
    """List the entries of a site that lower its sum; return how many, and their load."""
    count, total = np.int64(0), np.int64(0)
    for k in range(first, last):
        taken[k] = False
        if open_to[k] and cost[k] < prices[row[k]] and load[row[k]] <= room:
            items[count] = k
            count += 1
            total += load[row[k]]
    return count, total


@kernel
def price_forced(ptr, row, cost, load, room, prices, open_to, forced):  # type: ignore[no-untyped-def]
    """Write for each entry the least sum of its site if it must serve that entry's row; infinite where it cannot."""
    size = 0
    for s in range(len(room)):
        size = max(size, ptr[s + 1] - ptr[s])
    width = 1 + _largest(room)
    items, taken = np.empty(size, np.int64), np.empty(len(row), np.bool_)
    ahead, behind = np.zeros((size + 1, width)), np.zeros(width)
    for s in range(len(room)):
        count, _ = _worthwhile(ptr[s], ptr[s + 1], row, cost, load, room[s], prices, open_to, items, taken)
        for h in range(count):
            gain, weight = cost[items[h]] - prices[row[items[h]]], load[row[items[h]]]
            for r in range(room[s] + 1):
                ahead[h + 1, r] = ahead[h, r]
                if r >= weight and ahead[h, r - weight] + gain < ahead[h + 1, r]:
                    ahead[h + 1, r] = ahead[h, r - weight] + gain
        for k in range(ptr[s], ptr[s + 1]):
            left = room[s] - load[row[k]]
            forced[k] = np.inf
            if open_to[k] and left >= 0:
                forced[k] = cost[k] - prices[row[k]] + ahead[count, left]
        for r in range(room[s] + 1):
            behind[r] = 0.0
        for h in range(count - 1, -1, -1):
            k = items[h]
            gain, weight = cost[k] - prices[row[k]], load[row[k]]
            best, left = np.inf, room[s] - weight
            for r in range(left + 1):
                best = min(best, ahead[h, r] + behind[left - r])
            forced[k] = gain + best
            for r in range(room[s], weight - 1, -1):
                behind[r] = min(behind[r], behind[r - weight] + gain)
