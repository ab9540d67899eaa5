"""Which units may share a grid with a root, and by which borders? Flat arrays for the exact search.

A unit is the root of the grids in which no other comes before it, so that every grid is looked for once.
"""

from typing import Any, NamedTuple

import numpy as np

from spatial.division.piece import Piece
from spatial.walking.columns import hold, narrow
from spatial.walking.compiled import inner, shared

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


class Lot(NamedTuple):
    """The arrays in which surroundings lie: by unit and by arc in rows, where arcs start, and the cuts."""

    unit: Any
    row: Any
    arc: Any
    triple: Any
    fine: Any


@inner
def _lay_lot(count: int, arcs: int, fines: int) -> Any:
    """Return room for surroundings; whoever looks at them holds it."""
    return Lot(
        np.zeros((5, count), np.int64),
        np.zeros((1, count + 1), np.int64),
        np.zeros((3, arcs), np.int64),
        np.zeros((fines, 3), np.int64),
        np.zeros((1, fines), np.int64),
    )


@shared
def stand_in(lot: Lot) -> Around:
    """Return the surroundings that lie in a lot."""
    unit, arc = lot.unit, lot.arc
    return Around(
        unit[0], unit[1], unit[2], unit[3], lot.row[0], unit[4], arc[0], arc[1], arc[2], lot.triple, lot.fine[0]
    )


@shared
def _reach(piece: Piece, rank: Any, root: int, most: int, units: int, space: Any) -> int:
    """Fill the second row of space with the units that a grid of the root can reach; return how many.

    No more than so many units are taken in. The first row has by unit its place in the second, or -1.
    """
    count = len(piece.households)
    place, found, best, ring, held = space[0], space[1], space[2], space[3], space[4]
    for node in range(count):
        place[node], best[node] = -1, FAR
    best[root] = piece.households[root]
    ring[0] = root
    first, size = 0, 1
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
                    if reached == units:
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
def look_around(piece: Piece, prices: Prices, root: int, most: int, term: Any, units: int) -> Any:
    """Return the surroundings of a root: whatever a grid of at most ``most`` households can reach."""
    rows = np.zeros((5, len(piece.households)), np.int64)
    space = narrow(rows)
    count = _reach(piece, prices.rank, root, most, min(units, len(piece.households)), space)
    place, found, arcs = space[0], space[1], 0
    for i in range(count):
        arcs += piece.row[found[i] + 1] - piece.row[found[i]]
    lot = _lay_lot(count, arcs, _count_fines(prices.triple, prices.fine, place))
    _settle(piece, prices, term, space, stand_in(narrow(lot)))
    hold(rows)
    return lot


@shared
def _settle(piece: Piece, prices: Prices, term: Any, space: Any, around: Around) -> None:
    """Fill in the surroundings of the units found."""
    place, found, used = space[0], space[1], 0
    _near_fines(prices.triple, prices.fine, place, around)
    for i in range(len(around.unit)):
        node = found[i]
        around.unit[i] = node
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


@shared
def _is_near(triple: Any, fine: Any, q: int, place: Any) -> bool:
    """Tell whether a cut has two or more units at hand."""
    here = 0
    for i in range(3):
        if triple[q, i] >= 0 and place[triple[q, i]] >= 0:
            here += 1
    return here >= 2 and fine[q] > 0


@shared
def _count_fines(triple: Any, fine: Any, place: Any) -> int:
    """Return how many cuts have two or more units at hand."""
    count = 0
    for q in range(len(fine)):
        if _is_near(triple, fine, q, place):
            count += 1
    return count


@shared
def _near_fines(triple: Any, fine: Any, place: Any, around: Around) -> None:
    """Fill in the cuts with two or more units at hand, their units by place (-1: not at hand)."""
    count = 0
    for q in range(len(fine)):
        if _is_near(triple, fine, q, place):
            for i in range(3):
                around.triple[count, i] = place[triple[q, i]] if triple[q, i] >= 0 else -1
            around.fine[count] = fine[q]
            count += 1


@shared
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
def keep_units(around: Around, side: Any) -> Any:
    """Return the surroundings without the units that are out."""
    rows, total = np.zeros((1, len(around.unit)), np.int64), 0
    place = narrow(rows)[0]
    for i in range(len(around.unit)):
        place[i] = -1
        if side[i] != OUT:
            place[i] = total
            total += 1
    lot = _lay_lot(total, len(around.head), _count_fines(around.triple, around.fine, place))
    _move_over(around, place, stand_in(narrow(lot)))
    hold(rows)
    return lot


@shared
def _move_over(around: Around, place: Any, less: Around) -> None:
    """Fill in the surroundings of the units that have a place in them."""
    used = 0
    _near_fines(around.triple, around.fine, place, less)
    for i in range(len(around.unit)):
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
