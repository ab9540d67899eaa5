"""How low can the total of a p-median be? Prices on the rows, moved uphill, and the sites they prove open or shut.

Each row pays a price and is free to buy from every open site; then the sites fall apart and the ``p`` that save most
are open. A site is settled when changing it lifts that bound to the total to beat (Beasley, "A note on solving large
p-median problems", 1985).
"""

from dataclasses import dataclass

import numpy as np

from spatial.siting.median.core import Core
from spatial.siting.ways import Floats
from spatial.walking.compiled import inner, kernel

_PATIENCE, _GAIN = 15, 2e-6
"""Steps get shorter after this many that did not lift the best bound by this share."""
_SLOWER = 0.75
_KEEP = 0.7
"""Share of the last direction in the next one. Going on from where the prices are, instead of back to the best ones,
and this much of the old direction, come twice as near to the linear relaxation in the same number of steps."""


@dataclass(frozen=True, slots=True)
class Priced:
    """Best bound met, its prices, how often of late each site was open, site status (1 open, -1 shut), and the pace."""

    bound: float
    price: Floats
    share: Floats
    status: np.ndarray[tuple[int], np.dtype[np.int8]]
    pace: float


def raise_prices(core: Core, price: Floats, *, goal: float, upper: float, steps: int, pace: float) -> Priced:
    """Return the best of at most ``steps`` prices, from ``price`` on; it stops above ``goal``.

    Sites are settled such that every total below or at ``goal`` keeps to them. ``upper`` sets the length of the steps.
    """
    # A price above the cap would charge a row more than it can cost, and the bound would not hold.
    price = np.clip(price, np.minimum(core.cost[core.ptr[:-1]], core.cap), core.cap)
    status = np.zeros(len(core.names), np.int8)
    share = np.zeros(len(core.names))
    bound, pace = climb(
        core.ptr, core.site, core.cost, core.cap, core.weight, core.fee, np.int64(core.p), price, status, share,
        goal - core.base, upper - core.base, np.int64(steps), float(pace),
    )  # fmt: skip
    return Priced(bound + core.base, price, share, status, pace)


def first_prices(core: Core) -> Floats:
    """Return as prices what the row would pay about half way between its first and second open site."""
    length = np.diff(core.ptr)
    rank = np.minimum(length - 1, int(1.3 * len(core.names) / max(core.p, 1)))
    price: Floats = np.minimum(core.cost[core.ptr[:-1] + rank], core.cap)
    return price


@kernel
def climb(ptr, site, cost, cap, weight, fee, p, price, status, share, goal, upper, steps, pace):  # type: ignore[no-untyped-def]
    """Move ``price`` in place to the best bound met; fill ``status`` and ``share``; return bound and pace.

    Deflected subgradients with steps of Polyak's length. Where ``p`` is below 0 every site opens that saves its fee.
    """
    n, m = len(cap), len(status)
    worth, work = np.zeros(m), np.zeros(m)
    chosen = np.zeros(m, np.bool_)
    best_price = np.empty(n)
    way = np.zeros(n)
    for i in range(n):
        best_price[i] = price[i]
    best = -np.inf
    last, following = 0.0, 0.0
    waited = np.int64(0)
    for _ in range(steps):
        value = _worth(ptr, site, cost, weight, fee, price, worth)
        if p >= 0 and m > 0:
            for j in range(m):
                work[j] = worth[j]
            last, following = _pth(work, p)
        value += _choose(worth, p, last, chosen)
        for j in range(m):
            share[j] *= 0.97
            if chosen[j]:
                share[j] += 0.03
                if value - worth[j] + following > goal:
                    status[j] = 1
            elif value + worth[j] - last > goal:
                status[j] = -1
        waited += 1
        if value > best:
            if value > best + _GAIN * abs(best):
                waited = np.int64(0)
            best = value
            for i in range(n):
                best_price[i] = price[i]
        if best > goal:
            break
        if waited >= _PATIENCE:
            pace *= _SLOWER
            waited = np.int64(0)
            if pace < 1e-4:
                break
        size = _turn(ptr, site, cost, weight, price, chosen, way)
        if size < 1e-12:
            break
        length = pace * max(upper - value, 1e-9 * abs(upper)) / size
        for i in range(n):
            moved = price[i] + length * way[i]
            price[i] = min(max(moved, cost[ptr[i]]), cap[i])
    for i in range(n):
        price[i] = best_price[i]
    return best, pace


@inner
def _worth(ptr, site, cost, weight, fee, price, worth):  # type: ignore[no-untyped-def]
    """Fill each site's fee less what it saves at these prices; return the sum of the prices paid."""
    for j in range(len(worth)):
        worth[j] = fee[j]
    paid = 0.0
    for i in range(len(price)):
        level = price[i]
        mass = weight[i]
        paid += mass * level
        for k in range(ptr[i], ptr[i + 1]):
            saved = cost[k] - level
            if saved >= 0.0:
                break
            worth[site[k]] += mass * saved
    return paid


@inner
def _choose(worth, p, last, chosen):  # type: ignore[no-untyped-def]
    """Flag the ``p`` sites of least worth, ties by id; return the sum of their worth."""
    room = p
    for j in range(len(worth)):
        chosen[j] = worth[j] < last
        if chosen[j]:
            room -= 1
    summed = 0.0
    for j in range(len(worth)):
        if room > 0 and worth[j] == last:
            chosen[j] = True
            room -= 1
        if chosen[j]:
            summed += worth[j]
    return summed


@inner
def _turn(ptr, site, cost, weight, price, chosen, way):  # type: ignore[no-untyped-def]
    """Turn ``way`` towards rows served too seldom; return its squared length."""
    size = 0.0
    for i in range(len(price)):
        level = price[i]
        slope = 1.0
        for k in range(ptr[i], ptr[i + 1]):
            if cost[k] >= level:
                break
            if chosen[site[k]]:
                slope -= 1.0
        turned = (1.0 - _KEEP) * slope + _KEEP * way[i]
        way[i] = turned
        size += weight[i] * turned * turned
    return size


@inner
def _pth(work, p):  # type: ignore[no-untyped-def]
    """Return the ``p``-th smallest number and the one after it (infinite if there is none); reorders ``work``."""
    low, high, k = np.int64(0), len(work) - 1, p - 1
    while low < high:
        pivot = work[(low + high) // 2]
        i, j = low, high
        while i <= j:
            while work[i] < pivot:
                i += 1
            while work[j] > pivot:
                j -= 1
            if i <= j:
                work[i], work[j] = work[j], work[i]
                i += 1
                j -= 1
        if k <= j:
            high = j
        elif k >= i:
            low = i
        else:
            break
    following = np.inf
    for at in range(p, len(work)):
        following = min(following, work[at])
    return work[k], following
