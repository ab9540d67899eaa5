"""How high do prices climb within one part of all choices, and which sites and rows do they not decide?

Subgradient steps as in ``climb.py``, all in one kernel: a part has few entries, and there are thousands of parts.
"""

import numpy as np

from spatial.siting.room.price import price_sites
from spatial.walking.compiled import inner, kernel

_MOMENTUM = 0.4
_SLOWER, _LEAST_PACE = 0.6, 1e-2
_PATIENCE, _WINDOW = 6, 30
_FADES = 0.08
"""Share of one round in the means that tell how sure sites and entries are."""
_FARTHEST, _NEAREST = 0.05, 1e-6
"""How far prices aim at most and at least, as shares of what rows pay."""
_NARROWS = 0.1
"""Prices go on as long as so many rounds as a window has close this share of the gap."""


@kernel
def climb_part(  # type: ignore[no-untyped-def]
    ptr, row, cost, load, room, lost, whole, alive, fixed, banned, most, prices, goal, rounds, pace, opened, share, who
):
    """Move prices uphill, in place; return the bound, and the total of the best choice met that serves all.

    The goal is finite. At most ``most`` sites open, the fixed ones among them. ``opened`` and ``share`` become means of
    what the rounds open and serve, ``who`` the site of each row in the choice (-1: nobody); its total is infinite where
    none is met.
    """
    n, m = len(load), len(room)
    now, way, served = prices.copy(), np.zeros(n), np.zeros(n)
    worth, part, chosen = np.zeros(m), np.zeros(len(row)), np.zeros(m, np.bool_)
    ground, must = 0.0, False
    for i in range(n):
        must = must or lost[i] == np.inf
    for k in range(len(row)):
        ground += cost[k] / len(row) * n
    best, found, waited, reached, total = -np.inf, np.inf, 0, -np.inf, 0.0
    for turn in range(rounds):
        price_sites(ptr, row, cost, load, room, now, alive, whole, worth, part)
        value = _open_best(worth, fixed, banned, most, chosen)
        total = 0.0
        for i in range(n):
            value += now[i]
            total += abs(now[i])
            served[i] = 0.0
        value -= 1e-12 * total
        fade = max(_FADES, 1.0 / (turn + 1.0))
        for s in range(m):
            opened[s] += fade * (chosen[s] - opened[s])
            for k in range(ptr[s], ptr[s + 1]):
                share[k] += fade * ((part[k] if chosen[s] else 0.0) - share[k])
                if chosen[s]:
                    served[row[k]] += part[k]
        waited += 1
        if value > best:
            best, waited = value, 0
            for i in range(n):
                prices[i] = now[i]
        size, missed = 0.0, False
        for i in range(n):
            slope = 1.0 - served[i]
            if slope > 0.0:
                if now[i] >= lost[i]:
                    slope = 0.0
                else:
                    missed = True
            way[i] = slope + _MOMENTUM * way[i]
            size += way[i] * way[i]
        if not missed or not must:
            found = _served_once(ptr, row, cost, lost, part, chosen, found, who)
        if best > goal or size == 0.0 or pace < _LEAST_PACE:
            break
        if turn % _WINDOW == _WINDOW - 1:
            if best - reached < _NARROWS * (goal - best):
                break
            reached = best
        if waited >= _PATIENCE:
            pace, waited = pace * _SLOWER, 0
            for i in range(n):
                now[i], way[i] = prices[i], 0.0
            continue
        total = max(total, ground)
        step = pace * max(min(goal - value, _FARTHEST * total), _NEAREST * total) / size
        for i in range(n):
            now[i] = min(now[i] + step * way[i], lost[i])
    return best, found


@inner
def _open_best(worth, fixed, banned, most, chosen):  # type: ignore[no-untyped-def]
    """Flag the fixed sites and those that are worth most, as many as may open; return what they are worth."""
    total, left = 0.0, most
    for s in range(len(worth)):
        chosen[s] = fixed[s]
        if fixed[s]:
            total += worth[s]
            left -= 1
    for s in np.argsort(worth, kind="mergesort"):
        if left <= 0 or worth[s] >= 0.0:
            break
        if not fixed[s] and not banned[s]:
            chosen[s] = True
            total += worth[s]
            left -= 1
    return total


@inner
def _served_once(ptr, row, cost, lost, part, chosen, found, who):  # type: ignore[no-untyped-def]
    """Write who serves each row where all are served and it costs less than what was found; return its total."""
    n = len(who)
    least, mine = np.full(n, np.inf), np.full(n, -1, np.int64)
    for s in range(len(chosen)):
        if chosen[s]:
            for k in range(ptr[s], ptr[s + 1]):
                if part[k] == 1.0 and cost[k] < least[row[k]]:
                    least[row[k]], mine[row[k]] = cost[k], s
    total = 0.0
    for i in range(n):
        total += least[i] if mine[i] >= 0 else lost[i]
    if total < found:
        for i in range(n):
            who[i] = mine[i]
        return total
    return found
