"""Which units may share a grid with a root, and by which borders? Flat arrays for the exact search.

A unit is the root of the grids in which no other comes before it, so that every grid is looked for once.
"""

from typing import Any, NamedTuple

import numpy as np

from spatial.division.piece import Piece
from spatial.walking.compiled import bare, inner

FAR = np.int64(1) << np.int64(60)
"""More than any cost or way."""
OUT = np.int8(2)
"""The side of a unit that is not in the grid; see ``nodes``."""


class Prices(NamedTuple):
    """What pricing needs of a piece, in integer units.

    ``rank`` of units as roots; ``half`` of every border's price; ``triple`` and ``fine``: three units by row, and what
    a grid pays that holds two or more of them (the dual of a subset-row cut, Jepsen and others 2008).
    """

    rank: Any
    half: Any
    triple: Any
    fine: Any


class Around(NamedTuple):
    """The units about a root that may share its grid; the root is number 0.

    ``term`` is by unit what it adds to a grid's cost (borders that leave the surroundings, change, less its price);
    ``bond`` by arc half the price of a border, ``touch`` by unit where its contact arcs end. ``triple`` and ``fine``
    are the cuts that a grid may break, -1 standing for a unit elsewhere.
    """

    unit: Any
    households: Any
    lock: Any
    term: Any
    row: Any
    touch: Any
    head: Any
    mate: Any
    bond: Any
    triple: Any
    fine: Any


@inner
def _reach(piece: Piece, rank: Any, root: int, most: int, place: Any, found: Any) -> int:
    """Fill ``found`` with the units that a grid of the root can reach; return how many; ``place`` is by unit.

    No more units are taken in than ``found`` holds.
    """
    count = len(piece.households)
    best, ring, held = np.full(count, FAR), np.zeros(count + 1, np.int64), np.zeros(count, np.int8)
    best[root] = piece.households[root]
    ring[0] = root
    first, size, reached = 0, 1, 0
    found[0] = root
    place[root] = 0
    reached = 1
    while size > 0:
        node = ring[first]
        first = (first + 1) % count
        size -= 1
        held[node] = 0
        for p in range(piece.row[node], piece.touch[node]):
            other = piece.neighbor[p]
            if rank[other] <= rank[root]:
                continue
            way = best[node] + piece.households[other]
            if way <= most and way < best[other]:
                best[other] = way
                if place[other] < 0:
                    if reached == len(found):
                        continue
                    place[other] = reached
                    found[reached] = other
                    reached += 1
                if held[other] == 0:
                    held[other] = 1
                    ring[(first + size) % count] = other
                    size += 1
    return reached


@inner
def look_around(piece: Piece, prices: Prices, root: int, most: int, term: Any, units: int) -> Around:
    """Return the surroundings of a root: whatever a grid of at most ``most`` households can reach."""
    place, found = np.full(len(piece.households), -1), np.zeros(min(units, len(piece.households)), np.int64)
    count = _reach(piece, prices.rank, root, most, place, found)
    arcs = 0
    for i in range(count):
        arcs += piece.row[found[i] + 1] - piece.row[found[i]]
    around = Around(
        found[:count].copy(),
        np.zeros(count, np.int64),
        np.zeros(count, np.int64),
        np.zeros(count, np.int64),
        np.zeros(count + 1, np.int64),
        np.zeros(count, np.int64),
        np.zeros(arcs, np.int64),
        np.zeros(arcs, np.int64),
        np.zeros(arcs, np.int64),
        *_near_fines(prices.triple, prices.fine, place),
    )
    used = 0
    for i in range(count):
        node = found[i]
        around.households[i] = piece.households[node]
        around.lock[i] = piece.lock[node]
        around.term[i] = term[node]
        around.row[i] = used
        for p in range(piece.row[node], piece.row[node + 1]):
            if p == piece.touch[node]:
                around.touch[i] = used
            other = place[piece.neighbor[p]]
            if other < 0:
                around.term[i] += prices.half[piece.edge[p]]
            else:
                around.head[used] = other
                around.bond[used] = prices.half[piece.edge[p]]
                used += 1
        if piece.touch[node] == piece.row[node + 1]:
            around.touch[i] = used
        around.row[i + 1] = used
    _pair_arcs(around)
    return around


@inner
def _near_fines(triple: Any, fine: Any, place: Any) -> Any:
    """Return the cuts with two or more units at hand, their units by place (-1: not at hand)."""
    kept, count = np.zeros((len(fine), 3), np.int64), 0
    less = np.zeros(len(fine), np.int64)
    for q in range(len(fine)):
        here = 0
        for i in range(3):
            at = place[triple[q, i]] if triple[q, i] >= 0 else -1
            kept[count, i] = at
            here += 1 if at >= 0 else 0
        if here >= 2 and fine[q] > 0:
            less[count] = fine[q]
            count += 1
    return kept[:count], less[:count]


@bare
def _pair_arcs(around: Around) -> None:
    """Fill in the reverse of every arc; two units have at most one border."""
    for i in range(len(around.unit)):
        for p in range(around.row[i], around.row[i + 1]):
            j = around.head[p]
            if i < j:
                for q in range(around.row[j], around.row[j + 1]):
                    if around.head[q] == i:
                        around.mate[p] = q
                        around.mate[q] = p
                        break


@inner
def keep_units(around: Around, side: Any) -> Around:
    """Return the surroundings without the units that are out."""
    count, total = len(around.unit), 0
    place = np.full(count, -1)
    for i in range(count):
        if side[i] != OUT:
            place[i] = total
            total += 1
    less = Around(
        np.zeros(total, np.int64),
        np.zeros(total, np.int64),
        np.zeros(total, np.int64),
        np.zeros(total, np.int64),
        np.zeros(total + 1, np.int64),
        np.zeros(total, np.int64),
        np.zeros(len(around.head), np.int64),
        np.zeros(len(around.head), np.int64),
        np.zeros(len(around.head), np.int64),
        *_near_fines(around.triple, around.fine, place),
    )
    used = 0
    for i in range(count):
        k = place[i]
        if k < 0:
            continue
        less.unit[k] = around.unit[i]
        less.households[k] = around.households[i]
        less.lock[k] = around.lock[i]
        less.term[k] = around.term[i]
        less.row[k] = used
        less.touch[k] = used
        for p in range(around.row[i], around.row[i + 1]):
            other = place[around.head[p]]
            if other < 0:
                less.term[k] += around.bond[p]
            else:
                less.head[used] = other
                less.bond[used] = around.bond[p]
                used += 1
                if p < around.touch[i]:
                    less.touch[k] = used
        less.row[k + 1] = used
    _pair_arcs(less)
    return less
