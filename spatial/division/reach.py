"""Which units cannot be part of any grid in the band, because the land about them does not let them?

A grid is connected, so one that holds a unit and keeps the ceiling holds only what a way leads to whose households,
added up along it, keep the ceiling too. Most units are settled by growing one grid in the band about them; only the
rest is looked at closely.
"""

from collections.abc import Iterator
from heapq import heapify, heappop, heappush
from typing import Any, NamedTuple

import numpy as np

from spatial.division.piece import FREE, label_connected
from spatial.division.sizes import Band

_STEPS = 100_000
"""Sets looked at in all before a unit that nothing speaks against is taken to be fine."""


class Ground(NamedTuple):
    """Units with households, the units in contact with each (ascending), and their locks."""

    households: list[int]
    beside: list[list[int]]
    lock: list[int]


def build_ground(households: Any, first: Any, second: Any, lock: Any) -> tuple[Ground, Any]:
    """Return the ground of units in contact, and which of its nodes each unit is.

    Units without households and locks that touch each other are one node: whoever reaches one reaches all.
    """
    void = (households == 0) & (lock == FREE)
    link = void[first] & void[second]
    node = label_connected(len(households), first[link], second[link])
    count = int(node.max(initial=-1)) + 1
    total = np.bincount(node, households, count).astype(np.int64)
    locks = np.full(count, FREE, dtype=np.int64)
    np.maximum.at(locks, node, lock)
    beside: list[set[int]] = [set() for _ in range(count)]
    for a, b in zip(node[first].tolist(), node[second].tolist(), strict=True):
        if a != b:
            beside[a].add(b)
            beside[b].add(a)
    return Ground(total.tolist(), [sorted(found) for found in beside], locks.tolist()), node


def find_stranded(ground: Ground, band: Band) -> Iterator[tuple[int, int]]:
    """Yield the nodes with households that no grid in the band can hold, and the households within reach of each.

    Within the ceiling; a node within the band by itself is never stranded. Where the household sums allow a grid and
    the land is too rich to try every set, the node is not yielded.
    """
    grids: list[tuple[int, int]] = []
    inside = [-1] * len(ground.households)
    steps = _STEPS
    for node, count in enumerate(ground.households):
        if inside[node] >= 0 or count == 0 or count > band.ceiling or _joins(ground, node, band, grids, inside):
            continue
        grown, total, lock = _grow(ground, node, band)
        if total >= band.floor:
            for member in grown:
                inside[member] = len(grids)
            grids.append((total, lock))
            continue
        ball = _reach(ground, node, band.ceiling)
        others = [ground.households[other] for other in ball if other != node]
        if completes(count, others, band):
            found, steps = _search_grid(ground, node, band, steps)
            if found:
                continue
        yield node, count + sum(others)


def _joins(ground: Ground, node: int, band: Band, grids: list[tuple[int, int]], inside: list[int]) -> bool:
    """Tell whether a grid in the band that was grown about another node can take this one too, and let it."""
    for other in ground.beside[node]:
        if inside[other] >= 0:
            total, lock = grids[inside[other]]
            total += ground.households[node]
            if total <= band.ceiling and _agree(lock, ground.lock[node]):
                inside[node] = inside[other]
                grids[inside[node]] = total, max(lock, ground.lock[node])
                return True
    return False


def completes(size: int, others: list[int], band: Band) -> bool:
    """Tell whether some of the other sizes add up to a grid in the band with this one."""
    if band.floor <= size <= band.ceiling:
        return True
    sums = 1
    for other in others:
        sums |= sums << other
        sums &= (1 << (band.ceiling - size + 1)) - 1
        if sums >> (band.floor - size):
            return True
    return False


def _agree(one: int, other: int) -> bool:
    return one == other or FREE in (one, other)


def _grow(ground: Ground, node: int, band: Band) -> tuple[set[int], int, int]:
    """Return a connected set about a node within the ceiling, smallest neighbours first, its households and lock."""
    grown, total, lock = {node}, ground.households[node], ground.lock[node]
    waiting = [(ground.households[other], other) for other in ground.beside[node]]
    heapify(waiting)
    while waiting and total < band.floor:
        count, other = heappop(waiting)
        if other in grown or total + count > band.ceiling or not _agree(lock, ground.lock[other]):
            continue
        grown.add(other)
        total += count
        lock = max(lock, ground.lock[other])
        for beyond in ground.beside[other]:
            if beyond not in grown:
                heappush(waiting, (ground.households[beyond], beyond))
    return grown, total, lock


def _reach(ground: Ground, node: int, ceiling: int) -> list[int]:
    """Return the nodes, itself among them, to which a way leads whose households keep the ceiling."""
    found: set[int] = set()
    waiting = [(ground.households[node], node)]
    while waiting:
        total, here = heappop(waiting)
        if here in found:
            continue
        found.add(here)
        for other in ground.beside[here]:
            count = total + ground.households[other]
            if other not in found and count <= ceiling and _agree(ground.lock[node], ground.lock[other]):
                heappush(waiting, (count, other))
    return sorted(found)


def _search_grid(ground: Ground, node: int, band: Band, steps: int) -> tuple[bool, int]:
    """Return whether a connected set about a node is in the band (or too many had to be looked at), and steps left.

    Every set is looked at once: each branch takes one neighbour of the set and forbids those tried before it.
    """
    stack = [(frozenset({node}), ground.households[node], ground.lock[node], frozenset({node}))]
    while stack:
        steps -= 1
        members, total, lock, barred = stack.pop()
        if total >= band.floor or steps <= 0:
            return True, max(steps, 0)
        edge = sorted({other for member in members for other in ground.beside[member]} - barred)
        for other in edge:
            barred = barred | {other}
            count = total + ground.households[other]
            if count <= band.ceiling and _agree(lock, ground.lock[other]):
                stack.append((members | {other}, count, max(lock, ground.lock[other]), barred))
    return False, steps
