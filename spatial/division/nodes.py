"""What does one node of the exact search know? Which units are in, out or free, and what the flow has settled."""

from typing import Any, NamedTuple

import numpy as np

from spatial.division.cuts import Flow, leave
from spatial.division.surroundings import Around
from spatial.walking.compiled import bare, inner

FREE, IN = np.int8(0), np.int8(1)


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
def begin_search(around: Around, rate: int) -> Search:
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
    side[0] = IN
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
    list_live(search)
    return search


@bare
def list_live(search: Search) -> None:
    """List the units that are free."""
    flow, size = search.flow, 0
    for i in range(len(search.side)):
        if search.side[i] == FREE:
            flow.live[size] = i
            size += 1
    flow.lives[0] = size


@bare
def decide(search: Search, node: int, side: int) -> bool:
    """Put a free unit in or out; tell whether the cut had it otherwise."""
    held = search.flow.level[node] >= 0
    search.side[node] = side
    leave(search.flow, node, 1 if side == IN else -1)
    return bool(held != (side == IN))


@bare
def read_cut(search: Search, chosen: Any) -> None:
    """Flag the units that are in or on the root's side of the cut."""
    side, level = search.side, search.flow.level
    for i in range(len(side)):
        chosen[i] = 1 if side[i] == IN or (side[i] == FREE and level[i] >= 0) else 0


@bare
def weigh(around: Around, chosen: Any) -> Any:
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
def sum_fines(around: Around, chosen: Any) -> Any:
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
def part_of_root(around: Around, chosen: Any, part: Any, ring: Any) -> int:
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
def locks_agree(around: Around, chosen: Any) -> bool:
    """Tell whether the chosen units may share a grid."""
    lock = np.int64(-1)
    for i in range(len(chosen)):
        if chosen[i] == 1 and around.lock[i] >= 0:
            if lock >= 0 and around.lock[i] != lock:
                return False
            lock = around.lock[i]
    return True


@bare
def shift_rate(around: Around, search: Search, by: int) -> None:
    """Change the price of a household by so much."""
    for i in range(len(around.unit)):
        search.flow.pull[i] -= by * around.households[i]


@bare
def save_node(search: Search, sides: Any, pulls: Any, rooms: Any, slopes: Any, bases: Any, at: int) -> None:
    """Put a node on the stack."""
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
def load_node(
    around: Around, search: Search, sides: Any, pulls: Any, rooms: Any, slopes: Any, bases: Any, at: int
) -> None:
    """Take a node from the stack; how its fines add up is worked out anew."""
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
