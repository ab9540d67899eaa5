"""Which grid about a root block would make a plan cheaper than its prices say? The exact search for columns.

A plan is a choice of grids that cover every unit once. With a price paid for every unit, a grid is worth adding if it
costs less than its units pay. For every root (the unit of a grid that comes first by size) the cheapest grid is found
by branch and bound: borders and prices make a minimum cut, the cost of size enters through a Lagrange multiplier per
household, and what the residual flow and the ways to the root exclude is never looked at. All in integers that round
towards the bound, so that what is proved holds.
"""

from typing import Any, NamedTuple

import numpy as np

from spatial.division.cuts import Flow, leave, push_flow
from spatial.division.piece import Piece
from spatial.walking.compiled import bare, inner, kernel

SCALE = 1e8
"""Integer units per unit of cost."""
_FAR = np.int64(1) << np.int64(60)
_MOST_DEEP, _PEELS = 600, 4
_STEPS = 12
_FREE, _IN, _OUT = np.int8(0), np.int8(1), np.int8(2)


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
    ``bond`` by arc half the price of a border, ``touch`` by unit where its contact arcs end. ``triple`` and ``fine`` are
    the cuts that a grid may break, -1 standing for a unit elsewhere.
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


class Search(NamedTuple):
    """The state of one node of the search: side of every unit, flow, fines, working arrays.

    A fine is bounded from below by ``base`` plus ``slope`` for each of its units that is chosen; ``lift`` and ``paid``
    sum slopes by unit, and bases.
    """

    side: Any
    flow: Flow
    slope: Any
    base: Any
    lift: Any
    paid: Any
    small: Any
    large: Any
    near: Any
    walk: Any
    ring: Any
    held: Any
    place: Any
    part: Any
    tilt: Any


@inner
def _reach(piece: Piece, rank: Any, root: int, most: int, place: Any, found: Any) -> int:
    """Fill ``found`` with the units that a grid of the root can reach; return how many; ``place`` is by unit.

    No more units are taken in than ``found`` holds.
    """
    count = len(piece.households)
    best, ring, held = np.full(count, _FAR), np.zeros(count + 1, np.int64), np.zeros(count, np.int8)
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
def _look_around(piece: Piece, prices: Prices, root: int, most: int, term: Any, units: int) -> Around:
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
def _keep(around: Around, side: Any) -> Around:
    """Return the surroundings without the units that are out."""
    count, total = len(around.unit), 0
    place = np.full(count, -1)
    for i in range(count):
        if side[i] != _OUT:
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


@inner
def _begin(around: Around, rate: int) -> Search:
    """Return the search's first node: the root is in, everything else free."""
    count, arcs = len(around.unit), around.row[-1]
    pull, room = np.zeros(count, np.int64), np.zeros(arcs, np.int64)
    for i in range(count):
        pull[i] = -around.term[i] - rate * around.households[i]
    for p in range(arcs):
        room[p] = around.bond[p]
    flow = Flow(
        around.row,
        around.head,
        around.mate,
        pull,
        room,
        np.zeros(count, np.int64),
        np.zeros(count, np.int64),
        np.zeros(count, np.int64),
        np.zeros(count + 1, np.int64),
        np.zeros(count, np.int64),
        np.zeros(1, np.int64),
    )
    side = np.zeros(count, np.int8)
    side[0] = _IN
    leave(flow, 0, 1)
    search = Search(
        side,
        flow,
        np.zeros((len(around.fine), 3), np.int64),
        np.zeros(len(around.fine), np.int64),
        np.zeros(count, np.int64),
        np.zeros(1, np.int64),
        np.zeros(count, np.int8),
        np.zeros(count, np.int8),
        np.zeros(count, np.int64),
        np.zeros(count, np.int64),
        np.zeros(count + 1, np.int64),
        np.zeros(count, np.int8),
        np.zeros(count, np.int64),
        np.zeros(count, np.int8),
        np.zeros(3, np.int64),
    )
    _list_live(search)
    return search


@bare
def _list_live(search: Search) -> None:
    """List the units that are free."""
    flow, size = search.flow, 0
    for i in range(len(search.side)):
        if search.side[i] == _FREE:
            flow.live[size] = i
            size += 1
    flow.lives[0] = size


@bare
def _read_cut(search: Search, chosen: Any) -> None:
    """Flag the units that are in or on the root's side of the cut."""
    side, level = search.side, search.flow.level
    for i in range(len(side)):
        chosen[i] = 1 if side[i] == _IN or (side[i] == _FREE and level[i] >= 0) else 0


@bare
def _weigh(around: Around, chosen: Any) -> Any:
    """Return households and cost (without that of size) of the units whose flag is set."""
    households, cost = np.int64(0), np.int64(0)
    for i in range(len(chosen)):
        if chosen[i] == 1:
            households += around.households[i]
            cost += around.term[i]
            for p in range(around.row[i], around.row[i + 1]):
                if chosen[around.head[p]] != 1:
                    cost += around.bond[p]
    return households, cost


@bare
def _fined(around: Around, chosen: Any) -> Any:
    """Return the fines that the chosen units pay."""
    total = np.int64(0)
    for q in range(len(around.fine)):
        held = 0
        for i in range(3):
            at = around.triple[q, i]
            held += 1 if at >= 0 and chosen[at] == 1 else 0
        total += around.fine[q] if held >= 2 else 0
    return total


@bare
def _lean_fines(around: Around, search: Search, chosen: Any) -> bool:
    """Bound every fine from below, as tightly at the chosen units as a straight line can; tell whether that changed."""
    changed = False
    slope = search.tilt
    for q in range(len(around.fine)):
        base = _lean(around, search.side, chosen, q, slope)
        if base != search.base[q]:
            changed = True
            search.paid[0] += base - search.base[q]
            search.base[q] = base
        for i in range(3):
            more = slope[i] - search.slope[q, i]
            if more != 0:
                changed = True
                search.slope[q, i] = slope[i]
                search.lift[around.triple[q, i]] += more
                search.flow.pull[around.triple[q, i]] -= more
    return changed


@bare
def _lean(around: Around, side: Any, chosen: Any, q: int, slope: Any) -> Any:
    """Fill the slopes of one fine's bound and return its base; exact where two units are in, or one in and one out."""
    fine, ins, free, held = around.fine[q], 0, 0, 0
    for i in range(3):
        slope[i] = 0
        at = around.triple[q, i]
        if at >= 0 and side[at] == _IN:
            ins += 1
        elif at >= 0 and side[at] == _FREE:
            free += 1
            held += 1 if chosen[at] == 1 else 0
    if ins >= 2:
        return fine
    if ins + free < 2 or (ins == 0 and held < 2):
        return np.int64(0)
    share, base = fine, np.int64(0) if ins == 1 else -fine
    if ins == 1 and free == 2 and held != 1:
        share = fine // 2
    elif ins == 0 and held == 3:
        share = fine // 2
        base = -share
    for i in range(3):
        at = around.triple[q, i]
        if at >= 0 and side[at] == _FREE and (chosen[at] == 1 or held == 0 or free == 1):
            slope[i] = share
    return base


@bare
def _part_of_root(around: Around, chosen: Any, part: Any, ring: Any) -> int:
    """Flag in ``part`` the chosen units connected with the root; return how many."""
    for i in range(len(part)):
        part[i] = 0
    part[0] = 1
    ring[0] = 0
    done, size = 0, 1
    while done < size:
        node = ring[done]
        done += 1
        for p in range(around.row[node], around.touch[node]):
            other = around.head[p]
            if chosen[other] == 1 and part[other] == 0:
                part[other] = 1
                ring[size] = other
                size += 1
    return size


@bare
def _locks_agree(around: Around, chosen: Any) -> bool:
    lock = np.int64(-1)
    for i in range(len(chosen)):
        if chosen[i] == 1 and around.lock[i] >= 0:
            if lock >= 0 and around.lock[i] != lock:
                return False
            lock = around.lock[i]
    return True


@bare
def _ways(around: Around, side: Any, toll: Any, limit: int, best: Any, heap: Any, place: Any) -> None:
    """Fill ``best`` with the least toll of a way from the root over units that are not out, below the limit.

    Dijkstra's algorithm; ``heap`` and ``place`` (of a unit in it, -1 before it comes in) are working arrays.
    """
    for i in range(len(side)):
        best[i] = _FAR
        place[i] = -1
    best[0] = 0
    heap[0] = 0
    size = 1
    while size > 0:
        node = heap[0]
        size -= 1
        if size > 0:
            _sink(heap, place, best, heap[size], size)
        for p in range(around.row[node], around.touch[node]):
            other = around.head[p]
            if side[other] == _OUT:
                continue
            way = best[node] + toll[other]
            if way < best[other] and way < limit:
                best[other] = way
                if place[other] < 0:
                    place[other] = size
                    size += 1
                _rise(heap, place, best, other)


@bare
def _sink(heap: Any, place: Any, key: Any, node: int, size: int) -> None:
    """Put a node at the top of a heap of ``size`` nodes and let it sink."""
    at = 0
    while True:
        down = 2 * at + 1
        if down >= size:
            break
        if down + 1 < size and key[heap[down + 1]] < key[heap[down]]:
            down += 1
        if key[heap[down]] >= key[node]:
            break
        heap[at] = heap[down]
        place[heap[at]] = at
        at = down
    heap[at] = node
    place[node] = at


@bare
def _rise(heap: Any, place: Any, key: Any, node: int) -> None:
    """Let a node rise from its place in the heap."""
    at = place[node]
    while at > 0:
        up = (at - 1) >> 1
        if key[heap[up]] <= key[node]:
            break
        heap[at] = heap[up]
        place[heap[at]] = at
        at = up
    heap[at] = node
    place[node] = at


@bare
def _decide(search: Search, node: int, side: int) -> bool:
    """Put a free unit in or out; tell whether the cut had it otherwise."""
    held = search.flow.level[node] >= 0
    search.side[node] = side
    leave(search.flow, node, 1 if side == _IN else -1)
    return bool(held != (side == _IN))


@bare
def _tighten(around: Around, search: Search, slack: int, most: int, toll: Any) -> int:
    """Fix what cannot be otherwise; return -1 at a dead end, else how many units of the cut had to leave it.

    ``slack`` is what the bound of this node may still rise. A unit that is in brings a way to the root with it: the
    flow that its units can still send away is added to the bound, their households to the grid.
    """
    side, pull = search.side, search.flow.pull
    count, held, lock = len(side), np.int64(0), np.int64(-1)
    for i in range(count):
        toll[i] = -pull[i] if side[i] == _FREE and pull[i] < 0 else 0
        if side[i] == _IN:
            held += around.households[i]
            if around.lock[i] >= 0:
                lock = around.lock[i]
    if held > most:
        return -1
    _ways(around, side, toll, slack, search.near, search.ring, search.place)
    left = 0
    for i in range(count):
        toll[i] = 0 if side[i] == _IN else around.households[i]
        if search.near[i] < _FAR and not (lock >= 0 and around.lock[i] >= 0 and around.lock[i] != lock):
            continue
        if side[i] == _IN:
            return -1
        if side[i] == _FREE and _decide(search, i, _OUT):
            left += 1
    _ways(around, side, toll, most - held + 1, search.walk, search.ring, search.place)
    for i in range(count):
        if side[i] == _IN and search.walk[i] >= _FAR:
            return -1
        if side[i] != _FREE:
            continue
        if search.walk[i] >= _FAR:
            if _decide(search, i, _OUT):
                left += 1
        elif pull[i] >= slack:
            _decide(search, i, _IN)
    _list_live(search)
    return left


@bare
def _shift(around: Around, search: Search, by: int) -> None:
    for i in range(len(around.unit)):
        search.flow.pull[i] -= by * around.households[i]


@bare
def _least_size(size_cost: Any, low: int, rate: int) -> Any:
    """Return the least of size cost less rate per household, and where it is."""
    least, at = _FAR, low
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


@bare
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


@bare
def _bound(around: Around, search: Search, size_cost: Any, rate: int, best: Any, bid: Bid, columns: Columns) -> Any:
    """Return (bound, rate at the end, bound at that rate, whether the cuts differ); ``best[0]`` falls with finds."""
    flow, count = search.flow, len(around.unit)
    low_rate, high_rate = -_FAR, _FAR
    low_value, high_value, low_slope, high_slope = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    bound, value, step, fixed = -_FAR, -_FAR, np.int64(0), np.int64(0)
    for i in range(count):
        if search.side[i] == _IN:
            fixed += around.households[i]
    for turn in range(_STEPS):
        push_flow(flow)
        _read_cut(search, search.held)
        households, cost = _weigh(around, search.held)
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
        _read_cut(search, keep)
        if slope == 0:
            for i in range(count):
                search.small[i] = search.large[i]
            break
        if slope > 0:
            low_rate, low_value, low_slope = rate, value, slope
        else:
            high_rate, high_value, high_slope = rate, value, slope
        if low_rate > -_FAR and high_rate < _FAR:
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
            step = step * 2 if step > 0 else np.int64(20000)
            following = rate + step if slope > 0 else rate - step
        if turn == _STEPS - 1:
            break  # what is pulled now belongs to the value returned
        _shift(around, search, following - rate)
        rate = following
    for i in range(count):
        search.held[i] = 0
    both = low_rate > -_FAR and high_rate < _FAR
    if not both:
        for i in range(count):
            if low_rate > -_FAR:
                search.small[i] = search.large[i]
            elif high_rate < _FAR:
                search.large[i] = search.small[i]
    return bound, rate, value


@bare
def _consider(around: Around, search: Search, size_cost: Any, best: Any, columns: Columns) -> None:
    """Record the part of the cut that holds the root, if it is a grid that beats the best."""
    part = search.part
    _part_of_root(around, search.held, part, search.ring)
    households, cost = _weigh(around, part)
    if households >= len(size_cost):
        return
    cost += size_cost[households] + _fined(around, part)
    if cost < best[0] and _locks_agree(around, part):
        best[0] = cost
        _record(around, part, cost, columns)


@bare
def _branch_on(around: Around, search: Search, every: bool) -> int:
    """Return the free unit to decide next, -1 where all is decided."""
    side, chosen, most = search.side, -1, np.int64(-1)
    for i in range(len(side)):
        if side[i] == _FREE and search.small[i] != search.large[i] and around.households[i] > most:
            chosen, most = i, around.households[i]
    if chosen >= 0:
        return chosen
    part = search.part
    _part_of_root(around, search.large, part, search.ring)
    for i in range(len(side)):
        if search.large[i] == 1 and part[i] == 0 and side[i] == _FREE and around.households[i] > most:
            chosen, most = i, around.households[i]
    if chosen >= 0:
        return chosen
    for q in range(len(around.fine)):
        for i in range(3):
            at = around.triple[q, i]
            if at >= 0 and side[at] == _FREE and search.large[at] == 1 and around.fine[q] > most:
                chosen, most = at, around.fine[q]
    if chosen >= 0:
        return chosen
    for i in range(len(side)):
        if side[i] == _FREE and around.households[i] > most:
            chosen, most = i, around.households[i]
    return chosen


@bare
def _finish(around: Around, search: Search, size_cost: Any, best: Any, bid: Bid, columns: Columns) -> None:
    """Record what is in, all units being decided."""
    for i in range(len(search.side)):
        search.large[i] = 1 if search.side[i] == _IN else 0
    households, cost = _weigh(around, search.large)
    if households >= len(size_cost):
        return
    cost += size_cost[households] + _fined(around, search.large)
    if cost < best[0] and _locks_agree(around, search.large):
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
    most = len(size_cost) - 1
    best = np.full(1, bid.cutoff)
    around = _look_around(piece, prices, root, most, term, bid.units)
    nodes, bound = np.int64(0), -_FAR
    for _ in range(_PEELS):
        search = _begin(around, rate)
        toll = np.zeros(len(around.unit), np.int64)
        _lean_fines(around, search, search.large)
        found, rate, value = _bound(around, search, size_cost, rate, best, bid, columns)
        if found < best[0] and _lean_fines(around, search, search.large):
            found, rate, value = _bound(around, search, size_cost, rate, best, bid, columns)
        nodes += 1
        bound = max(bound, found)
        if bound >= best[0] or _tighten(around, search, best[0] - value, most, toll) < 0:
            return best[0], nodes, rate
        before = len(around.unit)
        around = _keep(around, search.side)
        if 10 * len(around.unit) > 9 * before:
            break
    least, more = _explore(around, size_cost, rate, best, bid, columns, bound)
    return least, nodes + more, rate


@inner
def _explore(around: Around, size_cost: Any, rate: int, best: Any, bid: Bid, columns: Columns, first: int) -> Any:
    """Branch and bound over the surroundings; return (bound of the root, nodes looked at)."""
    most, count, arcs = len(size_cost) - 1, len(around.unit), around.row[-1]
    deep = min(_MOST_DEEP, count + 2)
    sides, pulls = np.empty((deep, count), np.int8), np.empty((deep, count), np.int64)
    rooms, rates, bounds = np.empty((deep, arcs), np.int64), np.zeros(deep, np.int64), np.zeros(deep, np.int64)
    search = _begin(around, rate)
    toll = np.zeros(count, np.int64)
    slopes, bases = np.empty((deep, len(around.fine), 3), np.int64), np.empty((deep, len(around.fine)), np.int64)
    _save(search, sides, pulls, rooms, slopes, bases, 0)
    units, ways = np.empty(deep, np.int64), np.empty(deep, np.int8)
    rates[0], bounds[0], units[0], ways[0] = rate, first, 0, _FREE
    size, nodes, unopened = 1, np.int64(0), _FAR
    while size > 0:
        size -= 1
        if bounds[size] >= best[0]:
            continue
        if nodes >= bid.nodes:
            unopened = min(unopened, bounds[size])
            continue
        nodes += 1
        _load(around, search, sides, pulls, rooms, slopes, bases, size)
        now, above = rates[size], bounds[size]
        if ways[size] != _FREE:
            _decide(search, units[size], ways[size])
        _list_live(search)
        alive = True
        _lean_fines(around, search, search.large)
        for _ in range(3):
            bound, now, value = _bound(around, search, size_cost, now, best, bid, columns)
            above = max(above, bound)
            if above >= best[0]:
                alive = False
                break
            left = _tighten(around, search, best[0] - value, most, toll)
            if left < 0:
                alive = False
                break
            if not _lean_fines(around, search, search.large) and left == 0:
                break
        if not alive:
            continue
        unit = _branch_on(around, search, bid.every)
        if unit < 0:
            _finish(around, search, size_cost, best, bid, columns)
            continue
        if size + 2 > deep:
            unopened = min(unopened, above)
            continue
        for out in range(2):
            _save(search, sides, pulls, rooms, slopes, bases, size)
            units[size], ways[size] = unit, _OUT if out == 0 else _IN
            rates[size], bounds[size] = now, above
            size += 1
    return min(best[0], unopened), nodes


@bare
def _save(search: Search, sides: Any, pulls: Any, rooms: Any, slopes: Any, bases: Any, at: int) -> None:
    for i in range(len(search.side)):
        sides[at, i] = search.side[i]
        pulls[at, i] = search.flow.pull[i]
    for p in range(len(search.flow.room)):
        rooms[at, p] = search.flow.room[p]
    for q in range(len(search.base)):
        bases[at, q] = search.base[q]
        for i in range(3):
            slopes[at, q, i] = search.slope[q, i]


@bare
def _load(around: Around, search: Search, sides: Any, pulls: Any, rooms: Any, slopes: Any, bases: Any, at: int) -> None:
    for i in range(len(search.side)):
        search.side[i] = sides[at, i]
        search.flow.pull[i] = pulls[at, i]
        search.lift[i] = 0
    for p in range(len(search.flow.room)):
        search.flow.room[p] = rooms[at, p]
    search.paid[0] = 0
    for q in range(len(search.base)):
        search.base[q] = bases[at, q]
        search.paid[0] += search.base[q]
        for i in range(3):
            search.slope[q, i] = slopes[at, q, i]
            if around.triple[q, i] >= 0:
                search.lift[around.triple[q, i]] += search.slope[q, i]
