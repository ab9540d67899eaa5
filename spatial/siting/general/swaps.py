"""Which open sites does a quick search find that keep every condition? Adding greedily, then swapping until none helps.

A swap is valued by what the new site saves, what the old one loses, and the overlap of both (Resende and Werneck,
"A fast swap-based local search procedure for location problems", 2007); only swaps that keep number, budget, distances
and kinds count.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from spatial.siting.question import Question
from spatial.siting.ways import Flags, Floats, Ints, by_site
from spatial.walking.compiled import inner, kernel

_SLICE_VISITS = 50_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """The conditions on sites as flat arrays: who is too near to whom, which rules a site falls under, and all ends."""

    counted: Flags
    price: Floats
    near_ptr: Ints
    near: Ints
    rule_ptr: Ints
    rule: Ints
    least: Ints
    most: Ints
    ends: Floats


def list_limits(question: Question) -> Limits:
    """Return the conditions of a question on its sites."""
    m = len(question.fixed)
    pairs = np.concatenate([question.apart, question.apart[:, ::-1]]) if len(question.apart) else np.zeros((0, 2), int)
    near_ptr, near = _group(pairs[:, 0], pairs[:, 1], m)
    members = [np.flatnonzero(rule.sites) for rule in question.rules]
    numbers = np.repeat(np.arange(len(members)), [len(one) for one in members]).astype(np.int64)
    under = np.concatenate(members).astype(np.int64) if members else np.zeros(0, np.int64)
    rule_ptr, rule = _group(under, numbers, m)
    return Limits(
        question.counted, question.price, near_ptr, near, rule_ptr, rule,
        np.array([one.least for one in question.rules], np.int64),
        np.array([one.most for one in question.rules], np.int64),
        np.array([float(question.most), question.purse]),
    )  # fmt: skip


def _group(key: Ints, value: Ints, size: int) -> tuple[Ints, Ints]:
    order = np.lexsort((value, key))
    ptr = np.zeros(size + 1, np.int64)
    np.cumsum(np.bincount(key.astype(np.int64), minlength=size), out=ptr[1:])
    return ptr, np.ascontiguousarray(value[order], np.int64)


def search(question: Question, opened: Flags, missing: float, *, time_left: Callable[[], float]) -> Flags:
    """Return open sites from which no single addition or swap that keeps the conditions lowers the total.

    ``opened`` keeps them already, or opens too few of some kind: additions come first. ``time_left`` gives seconds.
    Rows are served by their nearest open site; a row without one pays ``missing``.
    """
    ways, limits = question.ways, list_limits(question)
    ptr, row, cost = by_site(ways)
    now = opened.copy()
    free = ~question.fixed & ~question.banned
    table = (ways.ptr, ways.site, ways.cost, ptr, row, cost, question.weight)
    told = (limits.counted, limits.price, limits.near_ptr, limits.near, limits.rule_ptr, limits.rule, limits.least,
            limits.most, limits.ends)  # fmt: skip
    at = np.zeros(2, np.int64)
    while _improve(*table, missing, now, free, *told, at, _SLICE_VISITS) and time_left() > 0.0:
        pass
    return now


@kernel
def _improve(  # type: ignore[no-untyped-def]
    ptr, site, cost, sptr, srow, scost, weight, missing, opened, free, counted, price, near_ptr, near, rule_ptr, rule,
    least, most, ends, at, visits,
):  # fmt: skip
    """Add and swap for about ``visits`` entries, in place; tell whether there may be more. ``at`` remembers where."""
    m, n = len(opened), len(weight)
    first, second, server = np.empty(n), np.empty(n), np.empty(n, np.int64)
    loss, extra, gains = np.zeros(m), np.zeros(m), np.empty(m)
    crowd, number = np.zeros(m, np.int64), np.zeros(len(least), np.int64)
    used = np.zeros(2)
    for s in range(m):
        if opened[s]:
            count_site(s, 1, counted, price, near_ptr, near, rule_ptr, rule, crowd, number, used)
    total = 0.0
    for i in range(n):
        _serve(i, ptr, site, cost, opened, missing, first, second, server)
        total += first[i] * weight[i]
        if server[i] >= 0:
            loss[server[i]] += (second[i] - first[i]) * weight[i]
    tiny = 1e-9 * max(total, 1.0)
    for s in range(m):
        gains[s] = np.inf if free[s] and not opened[s] else -1.0
    while at[0] == 0:  # the gains never grow, so the largest one that is up to date is the largest of all
        best = -1
        for s in range(m):
            if gains[s] > tiny and (best < 0 or gains[s] > gains[best]):
                best = s
        if best < 0:
            at[0] = 1
            break
        if not allowed(
            best, -1, counted, price, near_ptr, near, rule_ptr, rule, least, most, ends, crowd, number, used
        ):
            gains[best] = -1.0
            continue
        gain = 0.0
        for k in range(sptr[best], sptr[best + 1]):
            gain += max(first[srow[k]] - scost[k], 0.0) * weight[srow[k]]
        visits -= sptr[best + 1] - sptr[best]
        if ends[1] < np.inf and price[best] > 0.0:
            gain /= price[best]
        if gain >= gains[best] * (1 - 1e-12):
            _move(best, True, ptr, site, cost, sptr, srow, weight, missing, opened, first, second, server, loss)
            count_site(best, 1, counted, price, near_ptr, near, rule_ptr, rule, crowd, number, used)
            gains[best] = -1.0
        else:
            gains[best] = gain
        if visits < 0:
            return True
    still = 0
    while still < m:
        new = at[1]
        at[1] = (at[1] + 1) % m
        still += 1
        if not free[new] or opened[new] or sptr[new] == sptr[new + 1]:
            continue
        gain = 0.0
        for k in range(sptr[new], sptr[new + 1]):
            i = srow[k]
            if scost[k] < first[i]:
                gain += (first[i] - scost[k]) * weight[i]
                if server[i] >= 0:
                    extra[server[i]] += (second[i] - first[i]) * weight[i]
            elif scost[k] < second[i] and server[i] >= 0:
                extra[server[i]] += (second[i] - scost[k]) * weight[i]
        out, saved = -2, tiny
        if gain > saved and allowed(
            new, -1, counted, price, near_ptr, near, rule_ptr, rule, least, most, ends, crowd, number, used
        ):
            out, saved = -1, gain
        else:
            for s in range(m):
                if (
                    opened[s]
                    and free[s]
                    and gain - loss[s] + extra[s] > saved
                    and allowed(
                        new, s, counted, price, near_ptr, near, rule_ptr, rule, least, most, ends, crowd, number, used
                    )
                ):
                    out, saved = s, gain - loss[s] + extra[s]
        for k in range(sptr[new], sptr[new + 1]):
            if server[srow[k]] >= 0:
                extra[server[srow[k]]] = 0.0
        visits -= sptr[new + 1] - sptr[new] + m // 8
        if out > -2:
            if out >= 0:
                _move(out, False, ptr, site, cost, sptr, srow, weight, missing, opened, first, second, server, loss)
                count_site(out, -1, counted, price, near_ptr, near, rule_ptr, rule, crowd, number, used)
            _move(new, True, ptr, site, cost, sptr, srow, weight, missing, opened, first, second, server, loss)
            count_site(new, 1, counted, price, near_ptr, near, rule_ptr, rule, crowd, number, used)
            still = 0
        if visits < 0:
            return True
    return False


@inner
def _serve(i, ptr, site, cost, opened, missing, first, second, server):  # type: ignore[no-untyped-def]
    """Find the two cheapest open sites of a row."""
    first[i], second[i], server[i] = missing, missing, -1
    for k in range(ptr[i], ptr[i + 1]):
        if cost[k] >= missing:
            break
        if opened[site[k]]:
            if server[i] >= 0:
                second[i] = cost[k]
                break
            first[i], server[i] = cost[k], site[k]


@inner
def _move(s, opens, ptr, site, cost, sptr, srow, weight, missing, opened, first, second, server, loss):  # type: ignore[no-untyped-def]
    """Open or shut a site, and serve its rows anew."""
    opened[s] = opens
    for k in range(sptr[s], sptr[s + 1]):
        i = srow[k]
        if server[i] >= 0:
            loss[server[i]] -= (second[i] - first[i]) * weight[i]
        _serve(i, ptr, site, cost, opened, missing, first, second, server)
        if server[i] >= 0:
            loss[server[i]] += (second[i] - first[i]) * weight[i]


@inner
def count_site(s, by, counted, price, near_ptr, near, rule_ptr, rule, crowd, number, used):  # type: ignore[no-untyped-def]
    """Note a site that opens (1) or shuts (-1) in all that is counted."""
    if counted[s]:
        used[0] += by
    used[1] += by * price[s]
    for k in range(near_ptr[s], near_ptr[s + 1]):
        crowd[near[k]] += by
    for k in range(rule_ptr[s], rule_ptr[s + 1]):
        number[rule[k]] += by


@inner
def allowed(  # type: ignore[no-untyped-def]
    new, out, counted, price, near_ptr, near, rule_ptr, rule, least, most, ends, crowd, number, used
):
    """Tell whether the conditions hold once ``new`` opens and ``out`` (-1 for none) shuts."""
    many, spent, close = used[0], used[1] + price[new], crowd[new]
    if counted[new]:
        many += 1
    if out >= 0:
        if counted[out]:
            many -= 1
        spent -= price[out]
        for k in range(near_ptr[new], near_ptr[new + 1]):
            if near[k] == out:
                close -= 1
    if close > 0 or many > ends[0] or spent > ends[1]:
        return False
    for k in range(rule_ptr[new], rule_ptr[new + 1]):
        freed = 0
        if out >= 0:
            for h in range(rule_ptr[out], rule_ptr[out + 1]):
                freed += rule[h] == rule[k]
        if number[rule[k]] + 1 - freed > most[rule[k]]:
            return False
    if out >= 0:
        for h in range(rule_ptr[out], rule_ptr[out + 1]):
            filled = 0
            for k in range(rule_ptr[new], rule_ptr[new + 1]):
                filled += rule[h] == rule[k]
            if number[rule[h]] - 1 + filled < least[rule[h]]:
                return False
    return True
