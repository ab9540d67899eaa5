"""Which choice is best where room is limited? Prices on ever smaller parts of all choices, the least bound first.

A site that prices leave in doubt is open in one half of a part and shut in the other; else a row that they leave in
doubt is served by some of its sites, or by the others (Ceselli and Righini, "A branch-and-price algorithm for the
capacitated p-median problem", 2005). What can be in no better choice falls out of each part.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from spatial.siting.room.bound import cut_to, part_totals
from spatial.siting.room.climb import Bound, goal_of
from spatial.siting.room.near import narrowed
from spatial.siting.room.node import climb_part
from spatial.siting.room.rooms import Choice, Rooms, search_rooms, value_of_choice
from spatial.siting.ways import Deadline, Floats, Ints

_FIRST_ROUNDS, _ROUNDS, _AGAIN = 300, 40, 30
_FIRST_PACE, _PACE = 1.0, 0.1
_SHRUNK = 0.85
"""Prices climb again where no more than this share of the entries is left."""
_DOUBT = 0.12
"""A site is in doubt if it is open, and shut, in so large a share of the rounds."""
_LITTLE = 1e-6
_SEARCH_EVERY, _SEARCH_SHARE = 10, 0.02
"""Parts from one search to the next, and the share of the time left that a search may take."""
_DOWN_EVERY = 24
"""Parts from one to the next that is halved on and on down to a single choice."""
_CLOSED = 0.8
"""Share of the way from the first bound to a guessed total that is enough: the last of it takes the longest."""
_TRIES, _FURTHER, _SLACK = 16, 128, 2e-3


@dataclass(frozen=True, slots=True)
class Part:
    """Choices by what they may have and what their rows are lost for, and the two halves that they fall into.

    ``site`` is open in the first half and shut in the other; where it is -1, the first half serves ``row`` without the
    entries ``first``, and the other has it without the entries ``other``, or lost. Where ``halves`` are told it is
    those.
    """

    state: Bound
    lost: Floats
    site: int
    row: int
    first: Ints
    other: Ints
    halves: tuple[Bound, Bound] | None = None


@dataclass(frozen=True, slots=True)
class Means:
    """How often prices opened each site and served by each entry, as shares of the rounds; which site to halve on.

    That is -1 where it is left to the shares. ``halves`` are told where something else than a site halves better.
    """

    opened: Floats
    share: Floats
    site: int = -1
    halves: tuple[Bound, Bound] | None = None


Lift = Callable[[Rooms, Bound, float], tuple[Bound, Means]]
"""What lifts the bound of a part as far as it can, or above a total, and takes out of it what costs more than that."""


def branch_rooms(
    rooms: Rooms, state: Bound, *, most: float, deadline: Deadline, seed: int, lift: Lift | None = None
) -> Bound:
    """Return the state with the best choice met among those of at most a total, and the bound that all others have.

    That is the total, or the value where that is less, unless time ends before every part is done. Prices climb by
    steps unless something else is to ``lift`` the parts.
    """
    dearest = dearest_of(rooms)
    every, most = most >= dearest, min(most, dearest)
    inside = cut_to(rooms, state, part_totals(rooms, state), most).alive
    kept = inside | (state.best.served[rooms.row] == rooms.site)
    near = narrowed(rooms, kept)
    begun = replace(state, alive=inside[kept])
    if lift is None and _may_serve(near, begun):
        begun, _ = _climbed(near, begun, _FIRST_ROUNDS, min(goal_of(near, state.best.value), most), _FIRST_PACE)
    lift = lift or _lift_by_steps
    part, best = _part_of(near, begun, near.lost, most, lift)
    waiting = [] if part is None else [(part.state.bound, 0, part)]
    if not every and part is not None and lift is _lift_by_steps:
        enough = part.state.bound + _CLOSED * (most - part.state.bound)
    else:
        enough = most
    looked = made = searched = 0
    while waiting and deadline.left() > 0.0:
        goal = goal_of(near, best.value)
        if waiting[0][0] > (goal if goal <= most else enough):
            break
        _, _, part = heapq.heappop(waiting)
        if made >= searched * _SEARCH_EVERY:
            best, searched = _searched(near, part, best, deadline, seed + searched), searched + 1
        halves = [part]
        while halves:  # halved at least once: what is taken from the queue comes back or is done with
            halves, best = _parts_of_halves(near, halves[0], best, most, lift)
            keep = 1 if halves and looked % _DOWN_EVERY == 0 and deadline.left() > 0.0 else 0
            for half in halves[keep:]:
                made += 1
                heapq.heappush(waiting, (half.state.bound, made, half))
            halves = halves[:keep]
        looked += 1
    goal = goal_of(near, best.value)
    rest = best.value if every or goal <= most else most
    if waiting and waiting[0][0] <= goal:
        rest = min(rest, waiting[0][0])
    return replace(state, best=best, bound=max(state.bound, rest))


def dearest_of(rooms: Rooms) -> float:
    """Return what no choice costs more than."""
    dear = np.where(np.isfinite(rooms.lost), rooms.lost, 0.0)
    np.maximum.at(dear, rooms.row, rooms.cost)
    return float(dear.sum()) * (1.0 + _LITTLE) + 1.0


def _parts_of_halves(near: Rooms, part: Part, best: Choice, most: float, lift: Lift) -> tuple[list[Part], Choice]:
    """Return what is left of the halves of a part, the one of the lower bound first, and the best choice met."""
    parts = []
    for half, lost in _halves(near, part):
        other, best = _part_of(near, replace(half, best=best), lost, most, lift)
        if other is not None:
            parts.append(other)
    return sorted(parts, key=lambda one: one.state.bound), best


def _halves(near: Rooms, part: Part) -> list[tuple[Bound, Floats]]:
    """Return what the halves of a part may have, and what their rows are lost for."""
    state = part.state
    if part.halves is not None:
        return [(half, part.lost) for half in part.halves]
    if part.site >= 0:
        mine = np.arange(len(near.room)) == part.site
        alive = state.alive & (near.site != part.site)
        shut = replace(state, banned=state.banned | mine, alive=alive)
        return [(replace(state, fixed=state.fixed | mine), part.lost), (shut, part.lost)]
    first, other, must = state.alive.copy(), state.alive.copy(), part.lost.copy()
    first[part.first], other[part.other], must[part.row] = False, False, np.inf
    return [(replace(state, alive=first), must), (replace(state, alive=other), part.lost)]


def _part_of(near: Rooms, state: Bound, lost: Floats, most: float, lift: Lift) -> tuple[Part | None, Choice]:
    """Return what prices leave of some choices, None where that is nothing better, and the best choice met."""
    near = replace(near, lost=lost)
    if not _may_serve(near, state):
        return None, state.best
    state, means = lift(near, state, most)
    if state.bound > min(goal_of(near, state.best.value), most) or not _may_serve(near, state):
        return None, state.best
    return _divided(near, state, means)


def _lift_by_steps(near: Rooms, state: Bound, most: float) -> tuple[Bound, Means]:
    """Return the part with the bound that prices climb to, without what costs more than the total."""
    means = Means(np.zeros(len(near.room)), np.zeros(len(near.row)))
    for rounds in (_ROUNDS, _AGAIN):
        before = int(state.alive.sum())
        state, means = _climbed(near, state, rounds, min(goal_of(near, state.best.value), most), _PACE)
        goal = min(goal_of(near, state.best.value), most)
        if state.bound > goal:
            break
        state = cut_to(near, state, part_totals(near, state), goal)
        if state.bound > goal or state.alive.sum() > _SHRUNK * before or not _may_serve(near, state):
            break
    return state, means


def _may_serve(near: Rooms, state: Bound) -> bool:
    """Tell whether each row that must be served still can be, by no more sites than may open."""
    listed = np.bincount(near.row[state.alive], minlength=len(near.lost)) > 0
    new = int((state.fixed & ~near.question.fixed).sum())
    return bool((listed | np.isfinite(near.lost)).all()) and new <= near.most


def _climbed(near: Rooms, state: Bound, rounds: int, goal: float, pace: float) -> tuple[Bound, Means]:
    """Return the state with the bound that prices reach, and a better choice if they lead to one."""
    prices, who = np.minimum(state.prices, near.lost), np.full(len(near.lost), -1, dtype=np.int64)
    means = Means(np.zeros(len(near.room)), np.zeros(len(near.row)))
    sites = near.most + int(near.question.fixed.sum())
    bound, found = climb_part(
        near.ptr, near.row, near.cost, near.load, near.room, near.lost, near.whole, state.alive, state.fixed,
        state.banned, sites, prices, goal, rounds, pace, means.opened, means.share, who,
    )  # fmt: skip
    best = state.best
    if found < best.value:
        best = _choice_of(near, who)
    return replace(state, prices=prices, bound=max(state.bound, bound), best=best), means


def _choice_of(near: Rooms, who: Ints) -> Choice:
    """Return the choice in which these sites serve the rows (-1: nobody)."""
    opened = near.question.fixed.copy()
    opened[who[who >= 0]] = True
    return Choice(opened, who, value_of_choice(near, opened, who))


def _divided(near: Rooms, state: Bound, means: Means) -> tuple[Part | None, Choice]:
    """Return a part with its halves by what prices leave most in doubt; None where a single choice is left of it."""
    part = _by_site(near, state, means) or _by_row(near, state, means)
    return part, state.best if part else _left_over(near, state)


def _by_site(near: Rooms, state: Bound, means: Means) -> Part | None:
    """Return the part halved by the site most in doubt; None where none is much."""
    free, none = ~state.fixed & ~state.banned, np.zeros(0, dtype=np.int64)
    if means.site >= 0 or means.halves is not None:
        return Part(state, near.lost, means.site, -1, none, none, means.halves)
    doubt = np.where(free, np.minimum(means.opened, 1.0 - means.opened), -1.0)
    site = int(np.argmax(doubt))
    return Part(state, near.lost, site, -1, none, none) if doubt[site] > _DOUBT else None


def _by_row(near: Rooms, state: Bound, means: Means) -> Part | None:
    """Return the part halved by who serves the row most in doubt, heavy ones first; None where all are served one way.

    What the entries of one half serve comes to about as much as what those of the other do.
    """
    alive, n = np.flatnonzero(state.alive), len(near.lost)
    rows = near.row[alive]
    ways, surest = np.bincount(rows, minlength=n) + np.isfinite(near.lost), np.zeros(n)
    np.maximum.at(surest, rows, means.share[alive])
    row = int(np.argmax(np.where(ways > 1, (1.0 - surest) * near.load + _LITTLE, -1.0)))
    if ways[row] <= 1:
        return None
    sides: tuple[list[int], list[int]] = ([], [])
    sums, mine = [0.0, 0.0], alive[rows == row]
    for k in mine[np.lexsort((mine, near.cost[mine], -means.share[mine]))].tolist():
        side = 0 if (sums[0], len(sides[0])) <= (sums[1], len(sides[1])) else 1
        sides[side].append(k)
        sums[side] += float(means.share[k])
    one, two = (np.array(side, dtype=np.int64) for side in sides)
    return Part(state, near.lost, -1, row, two, one)


def _left_over(near: Rooms, state: Bound) -> Choice:
    """Return the choice that is left if its sites have room, are not too many, and it is better than the best."""
    who = np.full(len(near.lost), -1, dtype=np.int64)
    who[near.row[state.alive]] = near.site[state.alive]
    found = _choice_of(near, who)
    full = np.bincount(who[who >= 0], near.load[who >= 0], len(near.room)) > near.room
    new = int((found.opened & ~near.question.fixed).sum())
    return found if found.value < state.best.value and not full.any() and new <= near.most else state.best


def _searched(near: Rooms, part: Part, best: Choice, deadline: Deadline, turn: int) -> Choice:
    """Return the best choice after a search from the sites that a part opens, or, in turns, from the best choice on."""
    state, question = part.state, near.question
    still, short = question.fixed | question.banned, Deadline(_SEARCH_SHARE * deadline.left(), clock=deadline.clock)
    if turn % 2 and np.isfinite(best.value):
        found = search_rooms(
            near, best.opened, still, tries=_FURTHER, seed=turn, deadline=short, served=best.served, slack=_SLACK
        )
    else:
        gain = np.where(state.alive, np.maximum(state.prices[near.row] - near.cost, 0.0), 0.0)
        worth, opened = np.bincount(near.site, gain, len(near.room)), state.fixed.copy()
        free = np.flatnonzero(~state.fixed & ~state.banned)
        new = near.most - int((state.fixed & ~question.fixed).sum())
        opened[free[np.argsort(-worth[free], kind="stable")[:new]]] = True
        found = search_rooms(near, opened, still, tries=_TRIES, seed=turn, deadline=short)
    return found if found.value < best.value else best
