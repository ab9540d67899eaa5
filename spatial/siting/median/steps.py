"""What do the steps of a p-median sum to: shares of sites by ball, what sites earn, and costs?

A step goes from the cost of a ball's last entries to the next cost of its row; ``ends`` are the last entries of all
balls, ``row`` their rows.
"""

import numpy as np

from spatial.walking.compiled import kernel


@kernel
def ball_sums(ptr, site, ends, row, share):  # type: ignore[no-untyped-def]
    """Return the sum of the shares in each ball."""
    summed = np.zeros(len(ends))
    k = np.int64(0)
    total = 0.0
    for b in range(len(ends)):
        if k <= ptr[row[b]]:
            k, total = ptr[row[b]], 0.0
        while k <= ends[b]:
            total += share[site[k]]
            k += 1
        summed[b] = total
    return summed


@kernel
def earnings(ptr, site, ends, row, lacking, sites):  # type: ignore[no-untyped-def]
    """Return, by site, the sum of the given steps of all balls it is in."""
    earned = np.zeros(sites)
    total = 0.0
    for b in range(len(ends) - 1, -1, -1):
        i = row[b]
        if b == len(ends) - 1 or row[b + 1] != i:
            total = 0.0
        total += lacking[b]
        begin = ptr[i] if b == 0 or row[b - 1] != i else ends[b - 1] + 1
        for k in range(begin, ends[b] + 1):
            earned[site[k]] += total
    return earned


@kernel
def staircase(ptr, ends, row, step, low):  # type: ignore[no-untyped-def]
    """Return costs by entry and caps by row that begin at ``low`` and rise by the given steps after each ball."""
    cost, cap = np.empty(ptr[-1]), low.copy()
    for b in range(len(ends)):
        i = row[b]
        begin = ptr[i] if b == 0 or row[b - 1] != i else ends[b - 1] + 1
        for k in range(begin, ends[b] + 1):
            cost[k] = cap[i]
        cap[i] += step[b]
    return cost, cap
