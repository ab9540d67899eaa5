"""What does one node of the exact search know? Which units are in, out or free, and what the flow has settled."""

from typing import Any, NamedTuple

import numpy as np

from spatial.division.cuts import Flow, leave
from spatial.division.surroundings import Around
from spatial.walking.compiled import inner, shared

FREE, IN = np.int8(0), np.int8(1)
_NUMBERS, _FLAGS = 12, 5
"""Rows of numbers and of flags by unit that a search needs."""


class Space(NamedTuple):
    """The arrays in which a search lies: rows of numbers and of flags by unit, by arc, by fine, and few single ones."""

    number: Any
    flag: Any
    arc: Any
    slope: Any
    base: Any
    few: Any


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
    toll: Any


class Stack(NamedTuple):
    """Nodes that wait, by row: the sides of the units, what the flow has settled, and how the fines are bounded.

    The columns of ``about`` are by node: its rate, its bound, the unit it decides and how.
    """

    side: Any
    pull: Any
    room: Any
    slope: Any
    base: Any
    about: Any


@inner
def lay_stack(around: Around, deep: int) -> Stack:
    """Return room for so many nodes; whoever searches holds it."""
    count, fines = len(around.unit), len(around.fine)
    return Stack(
        np.empty((deep, count), np.int8),
        np.empty((deep, count), np.int64),
        np.empty((deep, around.row[count]), np.int64),
        np.empty((deep, 3 * fines), np.int64),
        np.empty((deep, fines), np.int64),
        np.empty((4, deep), np.int64),
    )


@inner
def lay_space(around: Around) -> Space:
    """Return room for a search, all 0; whoever searches holds it."""
    count, fines = len(around.unit), len(around.fine)
    return Space(
        np.zeros((_NUMBERS, count + 1), np.int64),
        np.zeros((_FLAGS, count), np.int8),
        np.zeros((1, around.row[count]), np.int64),
        np.zeros((fines, 3), np.int64),
        np.zeros((1, fines), np.int64),
        np.zeros((3, 3), np.int64),
    )


@shared
def begin_search(around: Around, rate: int, space: Space) -> Search:
    """Return the search's first node in fresh space: the root is in, everything else free."""
    number, flag, few = space.number, space.flag, space.few
    flow = Flow(
        around.row,
        around.head,
        around.mate,
        number[0],
        space.arc[0],
        number[1],
        number[2],
        number[3],
        number[4],
        number[5],
        few[0],
    )
    for i in range(len(around.unit)):
        flow.pull[i] = -around.term[i] - rate * around.households[i]
    for p in range(around.row[len(around.unit)]):
        flow.room[p] = around.bond[p]
    search = Search(
        flag[0],
        flow,
        space.slope,
        space.base[0],
        number[6],
        few[1],
        flag[1],
        flag[2],
        number[7],
        number[8],
        number[9],
        flag[3],
        number[10],
        flag[4],
        few[2],
        number[11],
    )
    search.side[0] = IN
    leave(flow, 0, 1)
    list_live(search)
    return search


@shared
def list_live(search: Search) -> None:
    """List the units that are free."""
    flow, size = search.flow, 0
    for i in range(len(search.side)):
        if search.side[i] == FREE:
            flow.live[size] = i
            size += 1
    flow.lives[0] = size


@shared
def decide(search: Search, node: int, side: int) -> Any:
    """Put a free unit in or out; tell whether the cut had it otherwise."""
    held = search.flow.level[node] >= 0
    search.side[node] = side
    leave(search.flow, node, 1 if side == IN else -1)
    return held != (side == IN)


@shared
def read_cut(search: Search, chosen: Any) -> None:
    """Flag the units that are in or on the root's side of the cut."""
    side, level = search.side, search.flow.level
    for i in range(len(side)):
        chosen[i] = 1 if side[i] == IN or (side[i] == FREE and level[i] >= 0) else 0


@shared
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


@shared
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


@shared
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


@shared
def locks_agree(around: Around, chosen: Any) -> bool:
    """Tell whether the chosen units may share a grid."""
    lock = np.int64(-1)
    for i in range(len(chosen)):
        if chosen[i] == 1 and around.lock[i] >= 0:
            if lock >= 0 and around.lock[i] != lock:
                return False
            lock = around.lock[i]
    return True


@shared
def shift_rate(around: Around, search: Search, by: int) -> None:
    """Change the price of a household by so much."""
    for i in range(len(around.unit)):
        search.flow.pull[i] -= by * around.households[i]


@shared
def save_node(search: Search, stack: Stack, at: int) -> None:
    """Put a node on the stack."""
    for i in range(len(search.side)):
        stack.side[at, i] = search.side[i]
        stack.pull[at, i] = search.flow.pull[i]
    for p in range(len(search.flow.room)):
        stack.room[at, p] = search.flow.room[p]
    for q in range(len(search.base)):
        stack.base[at, q] = search.base[q]
        for i in range(3):
            stack.slope[at, 3 * q + i] = search.slope[q, i]


@shared
def load_node(around: Around, search: Search, stack: Stack, at: int) -> None:
    """Take a node from the stack; how its fines add up is worked out anew."""
    for i in range(len(search.side)):
        search.side[i] = stack.side[at, i]
        search.flow.pull[i] = stack.pull[at, i]
        search.lift[i] = 0
    for p in range(len(search.flow.room)):
        search.flow.room[p] = stack.room[at, p]
    search.paid[0] = 0
    for q in range(len(search.base)):
        search.base[q] = stack.base[at, q]
        search.paid[0] += search.base[q]
        for i in range(3):
            search.slope[q, i] = stack.slope[at, 3 * q + i]
            if around.triple[q, i] >= 0:
                search.lift[around.triple[q, i]] += search.slope[q, i]
