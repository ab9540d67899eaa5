"""Which sites are worth their fees, quickly? Opening, shutting and swapping one at a time, then kicks and again.

Any number of sites may open; rows pay their cheapest open site or their cap, and each open site costs its fee.
"""

from typing import Any

import numpy as np

from spatial.siting.draws import draw
from spatial.siting.median.core import Core
from spatial.siting.median.swap import Columns
from spatial.siting.ways import Flags
from spatial.walking.compiled import inner, kernel

_KICKED, _NEAR = 3, 12
"""A kick turns so many sites, each among the first few of some row."""


def pay_fees(core: Core, columns: Columns, opened: Flags, *, kicks: int, seed: int) -> tuple[Flags, float]:
    """Return the best open set met from ``opened`` on, and its total: no single move lowers the first one further."""
    best = opened.copy()
    value = _pay(
        core.ptr, core.site, core.cost, core.cap, core.weight, core.fee, columns.ptr, columns.row, columns.cost, best,
        np.int64(kicks), np.array([seed * 2654435761 + 88172645463325252], np.uint64),
    )  # fmt: skip
    return best, value + core.base


@kernel
def _pay(ptr, site, cost, cap, weight, fee, col_ptr, col_row, col_cost, best, kicks, seed):  # type: ignore[no-untyped-def]
    """Improve ``best`` in place and return its total without the base."""
    n, m = len(cap), len(fee)
    near, first, second = np.empty(n, np.int64), np.empty(n), np.empty(n)
    loss, over = np.zeros(m), np.zeros(m)
    touched, opened = np.empty(m, np.int64), np.zeros(m, np.bool_)
    for j in range(m):
        opened[j] = best[j]
    paid = 0.0
    for i in range(n):
        if cap[i] < np.inf:
            paid += weight[i] * cap[i]
    lowest = np.inf
    for turn in range(kicks + 1 if n > 0 else 1):
        if turn > 0:
            for j in range(m):
                opened[j] = best[j]
            for _ in range(_KICKED):
                i = draw(seed, n)
                k = ptr[i] + draw(seed, min(ptr[i + 1] - ptr[i], np.int64(_NEAR)))
                opened[site[k]] = not opened[site[k]]
        value = _serve_all(ptr, site, cost, cap, weight, fee, opened, near, first, second, loss)
        # Above what rounding adds to sums that are kept up, and the mark of a site that a row would save nothing at.
        tiny = max(1e-10 * abs(value), 1e-13 * paid, 1e-290)
        still: Any = np.int64(0)
        at: Any = np.int64(-1)
        while still < m:
            still += 1
            at = (at + 1) % m
            j = at
            if opened[j]:
                if fee[j] - loss[j] > tiny:
                    value += loss[j] - fee[j]
                    _turn_site(j, ptr, site, cost, cap, weight, col_ptr, col_row, opened, near, first, second, loss)
                    still = np.int64(0)
                continue
            gain, count = -fee[j], np.int64(0)
            for t in range(col_ptr[j], col_ptr[j + 1]):
                i, c = col_row[t], col_cost[t]
                if c >= second[i]:
                    continue
                if c < first[i]:
                    gain += weight[i] * (first[i] - c)
                    c = first[i]
                s = near[i]
                if s >= 0:
                    if over[s] == 0.0:
                        touched[count] = s
                        count += 1
                    over[s] += weight[i] * (second[i] - c) + 1e-300
            out = np.int64(-1)
            most = gain
            for q in range(count):
                s = touched[q]
                saved = gain + fee[s] - loss[s] + over[s]
                if saved > most + tiny:
                    out, most = s, saved
                over[s] = 0.0
            if most <= tiny:
                continue
            value -= most
            still = np.int64(0)
            if out >= 0:
                _turn_site(out, ptr, site, cost, cap, weight, col_ptr, col_row, opened, near, first, second, loss)
            _turn_site(j, ptr, site, cost, cap, weight, col_ptr, col_row, opened, near, first, second, loss)
        if value < lowest - tiny:
            lowest = value
            for j in range(m):
                best[j] = opened[j]
    return lowest


@inner
def _serve_all(ptr, site, cost, cap, weight, fee, opened, near, first, second, loss):  # type: ignore[no-untyped-def]
    """Find the two cheapest open sites of all rows, and what shutting each site costs them; return the total."""
    value = 0.0
    for j in range(len(fee)):
        loss[j] = 0.0
        if opened[j]:
            value += fee[j]
    for i in range(len(cap)):
        _serve(i, ptr, site, cost, cap, opened, near, first, second)
        value += weight[i] * first[i]
        if near[i] >= 0:
            loss[near[i]] += weight[i] * (second[i] - first[i])
    return value


@inner
def _serve(i, ptr, site, cost, cap, opened, near, first, second):  # type: ignore[no-untyped-def]
    """Find the two cheapest open sites of a row."""
    near[i], first[i], second[i] = -1, cap[i], cap[i]
    for k in range(ptr[i], ptr[i + 1]):
        if opened[site[k]]:
            if near[i] < 0:
                near[i], first[i] = site[k], cost[k]
            else:
                second[i] = cost[k]
                break


@inner
def _turn_site(j, ptr, site, cost, cap, weight, col_ptr, col_row, opened, near, first, second, loss):  # type: ignore[no-untyped-def]
    """Open a shut site or shut an open one, and serve its rows anew."""
    opened[j] = not opened[j]
    for t in range(col_ptr[j], col_ptr[j + 1]):
        i = col_row[t]
        if near[i] >= 0:
            loss[near[i]] -= weight[i] * (second[i] - first[i])
        _serve(i, ptr, site, cost, cap, opened, near, first, second)
        if near[i] >= 0:
            loss[near[i]] += weight[i] * (second[i] - first[i])
    if not opened[j]:
        loss[j] = 0.0
