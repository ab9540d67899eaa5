"""Which open sites are good, quickly? Swaps of one site for another, until none helps, then kicks and swaps again.

A site to open is weighed against all it could replace in one pass over the rows it would serve better than their
second open site (Whitaker, "A fast algorithm for the greedy interchange", 1983). After a swap only sites near the rows
it touched are weighed again, so that a kick and its repair cost little in a large city (iterated local search).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from spatial.siting.median.core import Core
from spatial.siting.ways import Flags, Floats, Ints, Sites
from spatial.walking.compiled import inner, kernel

_TRAIL = 4096
"""Most swaps after one kick."""


@dataclass(frozen=True, slots=True)
class Columns:
    """A core by site: where each column begins, rows and costs."""

    ptr: Ints
    row: Sites
    cost: Floats


def by_column(core: Core) -> Columns:
    """Return the core by site."""
    rows, sites = len(core.cap), len(core.names)
    table = sparse.csr_array((core.cost, core.site, core.ptr), shape=(rows, sites)).tocsc()
    return Columns(table.indptr.astype(np.int64), table.indices.astype(np.int32), table.data)


def search(
    core: Core, columns: Columns, opened: Flags, *, kicks: int, visits: int, seed: int, heat: float = 0.0
) -> tuple[Flags, float]:
    """Return the best open set met and its total: swaps from ``opened`` on, then ``kicks`` times kick and swaps.

    At least the first round of swaps is finished; after ``visits`` looks at entries no further kick is given. What a
    kick and its swaps lead to is kept if it is worse by ``heat`` with probability 1/e, by twice as much with 1/e^2.
    """
    best = opened.copy()
    value = swap(
        core.ptr, core.site, core.cost, core.cap, core.weight, columns.ptr, columns.row, columns.cost, best,
        np.int64(kicks), np.int64(visits), np.uint64(seed % 2**63 + 1), float(heat),
    )  # fmt: skip
    return best, value + core.base


@kernel
def swap(ptr, site, cost, cap, weight, col_ptr, col_row, col_cost, opened, kicks, visits, seed, heat):  # type: ignore[no-untyped-def]
    """Improve ``opened`` in place and return its total without the base."""
    n, m = len(cap), len(opened)
    near, nearest = np.full(n, np.int32(-1)), np.empty(n)
    second, second_cost = np.full(n, np.int32(-1)), np.empty(n)
    loss, gain, over, old_gain = np.zeros(m), np.zeros(m), np.zeros(m), np.zeros(m)
    seen, logged = np.zeros(m, np.int64), np.full(m, np.int64(-1))
    queue, waiting = np.empty(m + 1, np.int32), np.zeros(m, np.bool_)
    sites, slot = np.empty(m, np.int32), np.full(m, np.int32(-1))
    log, touched = np.empty(m, np.int32), np.empty(m, np.int32)
    trail = np.empty((_TRAIL + 8, 2), np.int32)
    stamp, used, p = np.int64(0), np.int64(0), np.int64(0)
    value = 0.0
    for j in range(m):
        if opened[j]:
            sites[p] = j
            slot[j] = p
            p += 1
    for i in range(n):
        _rescan(i, ptr, site, cost, cap, opened, near, nearest, second, second_cost)
        value += weight[i] * nearest[i]
        if near[i] >= 0:
            loss[near[i]] += weight[i] * (second_cost[i] - nearest[i])
    if p == 0 or p == m:
        return value
    head, tail = np.int64(0), np.int64(0)
    for j in range(m):
        if not opened[j]:
            queue[tail] = j
            waiting[j] = True
            tail += 1
    current = value
    lowest = value
    kept = np.empty(p, np.int32)
    for q in range(p):
        kept[q] = sites[q]
    tiny = 1e-10 * max(abs(value), 1e-300)
    for turn in range(kicks + 1):
        length, records = np.int64(0), np.int64(0)
        if turn > 0:
            seed, draw = _draw(seed)
            hits = 1 + draw % 3
            out = sites[(draw >> 8) % p]
            for _ in range(hits):
                seed, draw = _draw(seed)
                size = col_ptr[out + 1] - col_ptr[out]
                if size == 0:
                    break
                i = col_row[col_ptr[out] + draw % size]
                wide = np.int64(0)
                for k in range(ptr[i], ptr[i + 1]):
                    if cost[k] > second_cost[i] and wide > 3:
                        break
                    wide += 1
                into = site[ptr[i] + (draw >> 20) % wide]
                if opened[into]:
                    continue
                trail[length, 0], trail[length, 1] = out, into
                length += 1
                value, tail = _exchange(
                    out, into, ptr, site, cost, cap, weight, col_ptr, col_row, col_cost, opened, near, nearest,
                    second, second_cost, loss, sites, slot, queue, waiting, tail, value, True,
                )  # fmt: skip
                seed, draw = _draw(seed)
                i = col_row[col_ptr[into] + draw % (col_ptr[into + 1] - col_ptr[into])]
                out = second[i] if near[i] == into else near[i]
                if out < 0:
                    break
        cheapest = _least(loss, sites, p)
        while length < _TRAIL:
            if head == tail:
                lift: Any = np.int64(-1)
                for j in range(m):
                    if not opened[j] and (lift < 0 or gain[j] > gain[lift]):
                        lift = j
                if gain[lift] - loss[cheapest] <= tiny:
                    break
                queue[tail] = lift
                tail = (tail + 1) % (m + 1)
                waiting[lift] = True
            j = queue[head]
            head = (head + 1) % (m + 1)
            waiting[j] = False
            if opened[j]:
                continue
            if logged[j] != turn:
                logged[j] = turn
                old_gain[j] = gain[j]
                log[records] = j
                records += 1
            stamp += 1
            saved, count = 0.0, np.int64(0)
            used += col_ptr[j + 1] - col_ptr[j]
            for t in range(col_ptr[j], col_ptr[j + 1]):
                i, c = col_row[t], col_cost[t]
                if c >= second_cost[i]:
                    continue
                if c < nearest[i]:
                    saved += weight[i] * (nearest[i] - c)
                    c = nearest[i]
                s = near[i]
                if s < 0:
                    continue
                if seen[s] != stamp:
                    seen[s] = stamp
                    over[s] = 0.0
                    touched[count] = s
                    count += 1
                over[s] += weight[i] * (second_cost[i] - c)
            gain[j] = saved
            out, least = cheapest, loss[cheapest]
            if seen[cheapest] == stamp:
                least -= over[cheapest]
            for q in range(count):
                s = touched[q]
                if loss[s] - over[s] < least or (loss[s] - over[s] == least and s < out):
                    out, least = s, loss[s] - over[s]
            if saved - least <= tiny:
                continue
            trail[length, 0], trail[length, 1] = out, j
            length += 1
            value, tail = _exchange(
                out, j, ptr, site, cost, cap, weight, col_ptr, col_row, col_cost, opened, near, nearest, second,
                second_cost, loss, sites, slot, queue, waiting, tail, value, True,
            )  # fmt: skip
            gain[out] = np.inf if not waiting[out] else gain[out]
            used += 8 * (col_ptr[j + 1] - col_ptr[j])
            cheapest = _least(loss, sites, p)
        slack = tiny
        if turn > 0 and heat > 0.0:
            seed, draw = _draw(seed)
            slack -= heat * np.log((np.float64(draw >> 10) + 0.5) / 4503599627370496.0)
        if value > current + slack:
            for q in range(length - 1, -1, -1):
                value, tail = _exchange(
                    trail[q, 1], trail[q, 0], ptr, site, cost, cap, weight, col_ptr, col_row, col_cost, opened, near,
                    nearest, second, second_cost, loss, sites, slot, queue, waiting, tail, value, False,
                )  # fmt: skip
            value = current
            while head != tail:
                waiting[queue[head]] = False
                head = (head + 1) % (m + 1)
            for q in range(records):
                gain[log[q]] = old_gain[log[q]]
        else:
            current = value
            if value < lowest - tiny:
                lowest = value
                for q in range(p):
                    kept[q] = sites[q]
        if used > visits:
            break
    for q in range(p):
        opened[sites[q]] = False
    for q in range(p):
        opened[kept[q]] = True
    return lowest


@inner
def _draw(seed):  # type: ignore[no-untyped-def]
    """Return the next state of the random numbers and one of 62 bits (splitmix64)."""
    seed = seed + np.uint64(0x9E3779B97F4A7C15)
    z = seed
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return seed, np.int64(z >> np.uint64(2))


@inner
def _least(loss, sites, p):  # type: ignore[no-untyped-def]
    """Return the open site whose closing costs least, ties by id."""
    best = sites[0]
    for q in range(1, p):
        s = sites[q]
        if loss[s] < loss[best] or (loss[s] == loss[best] and s < best):
            best = s
    return best


@inner
def _rescan(i, ptr, site, cost, cap, opened, near, nearest, second, second_cost):  # type: ignore[no-untyped-def]
    """Find the two cheapest open sites of a row anew."""
    near[i], second[i] = -1, -1
    nearest[i], second_cost[i] = cap[i], cap[i]
    for k in range(ptr[i], ptr[i + 1]):
        if opened[site[k]]:
            if near[i] < 0:
                near[i], nearest[i] = site[k], cost[k]
            else:
                second[i], second_cost[i] = site[k], cost[k]
                break


@inner
def _exchange(  # type: ignore[no-untyped-def]
    out, into, ptr, site, cost, cap, weight, col_ptr, col_row, col_cost, opened, near, nearest, second, second_cost,
    loss, sites, slot, queue, waiting, tail, value, spread,
):  # fmt: skip
    """Shut ``out`` and open ``into``; queue the sites near touched rows; return the new total and end of the queue."""
    opened[out], opened[into] = False, True
    sites[slot[out]] = into
    slot[into], slot[out] = slot[out], -1
    for side in range(2):
        j = into if side == 0 else out
        for t in range(col_ptr[j], col_ptr[j + 1]):
            i = col_row[t]
            reach = second_cost[i]
            if side == 0:
                if col_cost[t] >= reach and not (near[i] == out or second[i] == out):
                    continue
            elif near[i] != out and second[i] != out:
                continue
            if near[i] >= 0:
                loss[near[i]] -= weight[i] * (second_cost[i] - nearest[i])
            value -= weight[i] * nearest[i]
            _rescan(i, ptr, site, cost, cap, opened, near, nearest, second, second_cost)
            value += weight[i] * nearest[i]
            if near[i] >= 0:
                loss[near[i]] += weight[i] * (second_cost[i] - nearest[i])
            if spread:
                reach = max(reach, second_cost[i])
                for k in range(ptr[i], ptr[i + 1]):
                    if cost[k] >= reach:
                        break
                    s = site[k]
                    if not opened[s] and not waiting[s]:
                        waiting[s] = True
                        queue[tail] = s
                        tail = (tail + 1) % len(queue)
    loss[out] = 0.0
    return value, tail
