"""Which grid about a root block would make a plan cheaper than its prices say? The exact search for columns.

A plan is a choice of grids that cover every unit once. With a price paid for every unit, a grid is worth adding if it
costs less than its units pay. For every root (the unit of a grid that comes first by size) the cheapest grid is found
by branch and bound: borders and prices make a minimum cut, the cost of size enters through a Lagrange multiplier per
household, and what the residual flow and the ways to the root exclude is never looked at. All in integers that round
towards the bound, so that what is proved holds.
"""

from typing import Any, NamedTuple

import numpy as np

from spatial.division.branching import branch_on
from spatial.division.cuts import push_flow
from spatial.division.fixing import tighten
from spatial.division.leaning import lean_fines
from spatial.division.nodes import (
    FREE,
    IN,
    Search,
    Stack,
    begin_search,
    decide,
    lay_space,
    lay_stack,
    list_live,
    load_node,
    locks_agree,
    part_of_root,
    read_cut,
    save_node,
    shift_rate,
    sum_fines,
    weigh,
)
from spatial.division.piece import Piece
from spatial.division.surroundings import FAR, OUT, Around, Prices, keep_units, look_around, stand_in
from spatial.walking.columns import hold, narrow
from spatial.walking.compiled import kernel, shared

SCALE = 1e8
"""Integer units per unit of cost."""
_MOST_DEEP, _PEELS = 600, 4
_STEPS = 12


@shared
def _least_size(size_cost: Any, low: int, rate: int) -> Any:
    """Return the least of size cost less rate per household, and where it is."""
    least, at = FAR, low
    for h in range(low, len(size_cost)):
        value = size_cost[h] - rate * h
        if value < least:
            least, at = value, h
    return least, at


class Bid(NamedTuple):
    """Limits of one search: cost above which nothing is wanted, nodes, units about the root, whether every column
    below the cutoff is wanted."""

    cutoff: int
    nodes: int
    units: int
    every: bool


class Columns(NamedTuple):
    """Grids found: their units one after the other, ``start`` by column (and the end), ``cost`` reduced.

    ``count`` is how many there are, and 1 where there was no room for more.
    """

    unit: Any
    start: Any
    cost: Any
    count: Any


@shared
def _record(around: Around, chosen: Any, cost: int, columns: Columns) -> None:
    count, size = columns.count[0], 0
    for i in range(len(chosen)):
        size += chosen[i]
    at = columns.start[count] if count < len(columns.cost) else len(columns.unit)
    if at + size > len(columns.unit):
        columns.count[1] = 1
        return
    for i in range(len(chosen)):
        if chosen[i] == 1:
            columns.unit[at] = around.unit[i]
            at += 1
    columns.count[0] = count + 1
    columns.start[count + 1] = at
    columns.cost[count] = cost


@shared
def _bound(around: Around, search: Search, size_cost: Any, rate: Any, best: Any, bid: Bid, columns: Columns) -> Any:
    """Return (bound, rate at the end, bound at that rate, whether the cuts differ); ``best[0]`` falls with finds."""
    flow, count = search.flow, len(around.unit)
    low_rate, high_rate = -FAR, FAR
    low_value, high_value, low_slope, high_slope = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    bound, value, step, fixed = -FAR, -FAR, np.int64(0), np.int64(0)
    for i in range(count):
        if search.side[i] == IN:
            fixed += around.households[i]
    for turn in range(_STEPS):
        push_flow(flow)
        read_cut(search, search.held)
        households, cost = weigh(around, search.held)
        for i in range(count):
            if search.held[i] == 1:
                cost += search.lift[i]
        least, wanted = _least_size(size_cost, fixed, rate)
        value = cost + search.paid[0] + rate * households + least
        bound = max(bound, value)
        if not bid.every:
            _consider(around, search, size_cost, best, columns)
        if bound >= best[0]:
            break
        slope = households - wanted
        keep = search.large if slope >= 0 else search.small
        read_cut(search, keep)
        if slope == 0:
            for i in range(count):
                search.small[i] = search.large[i]
            break
        if slope > 0:
            low_rate, low_value, low_slope = rate, value, slope
        else:
            high_rate, high_value, high_slope = rate, value, slope
        if low_rate > -FAR and high_rate < FAR:
            if high_rate - low_rate <= 1:
                break
            cross = low_rate + (high_value - low_value - high_slope * (high_rate - low_rate)) // (
                low_slope - high_slope
            )
            if low_value + low_slope * (cross - low_rate) <= bound + 2:
                break
            if turn >= 2 and low_value + low_slope * (cross - low_rate) < best[0]:
                break
            if cross <= low_rate or cross >= high_rate:
                cross = (low_rate + high_rate) // 2
            following = cross
        else:
            step = np.int64(2 * step if step > 0 else 20000)
            following = rate + step if slope > 0 else rate - step
        if turn == _STEPS - 1:
            break  # what is pulled now belongs to the value returned
        shift_rate(around, search, following - rate)
        rate = following
    for i in range(count):
        search.held[i] = 0
    both = low_rate > -FAR and high_rate < FAR
    if not both:
        for i in range(count):
            if low_rate > -FAR:
                search.small[i] = search.large[i]
            elif high_rate < FAR:
                search.large[i] = search.small[i]
    return bound, rate, value


@shared
def _consider(around: Around, search: Search, size_cost: Any, best: Any, columns: Columns) -> None:
    """Record the part of the cut that holds the root, if it is a grid that beats the best."""
    part = search.part
    part_of_root(around, search.held, part, search.ring)
    households, cost = weigh(around, part)
    if households >= len(size_cost):
        return
    cost += size_cost[households] + sum_fines(around, part)
    if cost < best[0] and locks_agree(around, part):
        best[0] = cost
        _record(around, part, cost, columns)


@shared
def _finish(around: Around, search: Search, size_cost: Any, best: Any, bid: Bid, columns: Columns) -> None:
    """Record what is in, all units being decided."""
    for i in range(len(search.side)):
        search.large[i] = 1 if search.side[i] == IN else 0
    households, cost = weigh(around, search.large)
    if households >= len(size_cost):
        return
    cost += size_cost[households] + sum_fines(around, search.large)
    if cost < best[0] and locks_agree(around, search.large):
        if not bid.every:
            best[0] = cost
        _record(around, search.large, cost, columns)


@kernel
def price_root(
    piece: Piece, prices: Prices, root: int, term: Any, size_cost: Any, rate: int, bid: Bid, columns: Columns
) -> Any:
    """Search for grids of a root that cost less than the cutoff; return (least bound, nodes, rate to start from next).

    ``term`` is by unit its change less its price, ``size_cost`` by households up to the most the root's grid may have.
    The bound is on the reduced cost of every grid of this root, found or not.
    """
    piece, prices, term = narrow(piece), narrow(prices), narrow(term)
    size_cost, columns = narrow(size_cost), narrow(columns)
    most, cutoff = len(size_cost) - 1, np.zeros((1, 1), np.int64)
    best = narrow(cutoff)[0]
    best[0] = bid.cutoff
    lot = look_around(piece, prices, root, most, term, bid.units)
    around = stand_in(narrow(lot))
    nodes, bound = np.int64(0), -FAR
    for _ in range(_PEELS):
        space = lay_space(around)
        search = begin_search(around, rate, narrow(space))
        lean_fines(around, search, search.large)
        found, rate, value = _bound(around, search, size_cost, rate, best, bid, columns)
        if found < best[0] and lean_fines(around, search, search.large):
            found, rate, value = _bound(around, search, size_cost, rate, best, bid, columns)
        nodes += 1
        bound = max(bound, found)
        if bound >= best[0] or tighten(around, search, best[0] - value, most) < 0:
            hold(cutoff, lot, space)
            return best[0], nodes, rate
        before = len(around.unit)
        fewer = keep_units(around, search.side)
        hold(lot, space)
        lot = fewer
        around = stand_in(narrow(lot))
        if 10 * len(around.unit) > 9 * before:
            break
    space, waiting = lay_space(around), lay_stack(around, min(_MOST_DEEP, len(around.unit) + 2))
    search, stack = begin_search(around, rate, narrow(space)), narrow(waiting)
    least, more = _explore(around, search, stack, size_cost, rate, best, bid, columns, bound)
    hold(cutoff, lot, space, waiting)
    return least, nodes + more, rate


@shared
def _explore(
    around: Around, search: Search, stack: Stack, size_cost: Any, rate: Any, best: Any, bid: Bid, columns: Columns,
    first: int,
) -> Any:  # fmt: skip
    """Branch and bound over the surroundings; return (bound of the root, nodes looked at)."""
    most, deep = len(size_cost) - 1, len(stack.side)
    rates, bounds, units, ways = stack.about[0], stack.about[1], stack.about[2], stack.about[3]
    save_node(search, stack, 0)
    rates[0], bounds[0], units[0], ways[0] = rate, first, 0, FREE
    size, nodes, unopened = 1, np.int64(0), FAR
    while size > 0:
        size -= 1
        if bounds[size] >= best[0]:
            continue
        if nodes >= bid.nodes:
            unopened = min(unopened, bounds[size])
            continue
        nodes += 1
        load_node(around, search, stack, size)
        now, above = rates[size], bounds[size]
        if ways[size] != FREE:
            decide(search, units[size], np.int8(ways[size]))
        list_live(search)
        alive = True
        lean_fines(around, search, search.large)
        for _ in range(3):
            bound, now, value = _bound(around, search, size_cost, now, best, bid, columns)
            above = max(above, bound)
            if above >= best[0]:
                alive = False
                break
            left = tighten(around, search, best[0] - value, most)
            if left < 0:
                alive = False
                break
            if not lean_fines(around, search, search.large) and left == 0:
                break
        if not alive:
            continue
        unit = branch_on(around, search)
        if unit < 0:
            _finish(around, search, size_cost, best, bid, columns)
            continue
        if size + 2 > deep:
            unopened = min(unopened, above)
            continue
        for out in range(2):
            save_node(search, stack, size)
            units[size], ways[size] = unit, OUT if out == 0 else IN
            rates[size], bounds[size] = now, above
            size += 1
    return min(best[0], unopened), nodes
