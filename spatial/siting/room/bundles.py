"""Which rows may be treated as one while sites with limited room are searched? Those that judge all sites alike.

What a row loses at each site beside its best one, room paid for, says how it judges them; small differences among near
sites count more than large ones. Rows are halved again and again where they differ most, as in a k-d tree (aggregation
of demand points; Current and Schilling, "Elimination of source A and B errors in p-median location problems", 1987).
A search among a few bundles takes many times the steps; only bundles that two sites share cost more than their rows
would, so what it ends with is judged by the rows themselves.
"""

from dataclasses import dataclass, replace
from heapq import heappop, heappush

import numpy as np

from spatial.siting.room.decide import rates_of
from spatial.siting.room.rooms import Rooms, list_rooms
from spatial.siting.ways import Flags, Floats, Ints, build_ways

_FINE, _WIDE = 0.3, 2.0
"""Losses of this share of a usual price are told apart half as well as none, those beyond the other not at all."""
_FAR, _LEAST = 1.0, 8
"""A bundle keeps the sites at which it loses less than this share of a usual price, and so many anyway."""
_UNSERVED = 4.0
"""What a site costs that cannot serve a row, as a multiple of the dearest one."""
_LIGHT = 1e-9


@dataclass(frozen=True, slots=True)
class Bundles:
    """The question with bundles instead of rows, and the bundle of each row."""

    rooms: Rooms
    of: Ints


def bundle_rooms(rooms: Rooms, prices: Floats, inside: Flags, *, most: int) -> Bundles:
    """Return the question with at most so many bundles instead of rows, and only the flagged sites."""
    sites, weight = np.flatnonzero(inside), np.maximum(rooms.load, _LIGHT)
    each, rate = _each(rooms, sites, weight), rates_of(rooms, prices)[sites]
    loss, usual = each + rate, max(float(np.median(prices / weight)), _LIGHT)
    loss -= loss.min(axis=1, keepdims=True)
    of = _halved(np.log1p(np.minimum(loss / usual, _WIDE) / _FINE), weight, most)
    count = int(of.max()) + 1
    order = np.argsort(of, kind="stable")
    first = np.searchsorted(of[order], np.arange(count))
    cost = np.add.reduceat((each * weight[:, None])[order], first, axis=0)
    load = np.bincount(of, rooms.load, count).astype(np.float64)
    row, at = _near(cost + load[:, None] * rate, _FAR * usual * load)
    asks = np.maximum(np.bincount(of, rooms.question.weight, count), _LIGHT)
    ways = build_ways(row, sites[at], cost[row, at] / asks[row], count, len(rooms.room))
    return Bundles(list_rooms(replace(rooms.question, ways=ways, weight=asks, load=load)), of)


def _each(rooms: Rooms, sites: Ints, weight: Floats) -> Floats:
    """Return what a unit of load of each row costs at some sites."""
    place = np.full(len(rooms.room), -1, dtype=np.int64)
    place[sites] = np.arange(len(sites))
    dear = np.full(len(weight), _UNSERVED * float(rooms.cost.max(initial=0.0)))
    out = np.repeat((np.minimum(dear, rooms.lost) / weight)[:, None], len(sites), axis=1)
    some = np.flatnonzero(place[rooms.site] >= 0)
    row = rooms.row[some]
    out[row, place[rooms.site[some]]] = rooms.cost[some] / weight[row]
    return out


def _halved(views: Floats, weight: Floats, most: int) -> Ints:
    """Return the bundle of each row, by what it says of sites; at most so many."""
    rows = [np.arange(len(views))]
    heap = [_part_of(views, weight, rows[0], 0)]
    while len(heap) < most and heap[0][0] < 0.0:
        _, number, column = heappop(heap)
        mine = rows[number]
        view = views[mine, column]
        low = (view < 0.5 * (view.min() + view.max())) | (view == view.min())
        rows[number] = mine[low]
        rows.append(mine[~low])
        for part in (number, len(rows) - 1):
            heappush(heap, _part_of(views, weight, rows[part], part))
    of = np.zeros(len(views), dtype=np.int64)
    for number, mine in enumerate(rows):
        of[mine] = number
    return of


def _part_of(views: Floats, weight: Floats, mine: Ints, number: int) -> tuple[float, int, int]:
    """Return how much some rows differ (less than nothing, the most first), their number, and about which site."""
    view = views[mine]
    width = view.max(axis=0) - view.min(axis=0)
    column = int(np.argmax(width))
    return -float(width[column]) * float(weight[mine].sum()), number, column


def _near(asked: Floats, far: Floats) -> tuple[Ints, Ints]:
    """Return bundle and column of the entries that may matter."""
    near = asked - asked.min(axis=1, keepdims=True) < far[:, None]
    first = np.argsort(asked, axis=1, kind="stable")[:, :_LEAST]
    near[np.arange(len(asked))[:, None], first] = True
    row, at = np.nonzero(near)
    return row, at
