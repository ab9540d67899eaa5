"""How low can the total be where room is limited? Prices of rows, one knapsack per site, and what they rule out."""

from dataclasses import dataclass, replace

import numpy as np

from spatial.siting.mip import Mip, solve_mip
from spatial.siting.models import site_bounds, site_rows
from spatial.siting.plain import most_sites
from spatial.siting.question import Question, has_whole_values
from spatial.siting.room_assign import improve_rooms
from spatial.siting.room_price import price_forced, price_sites
from spatial.siting.ways import Deadline, Flags, Floats, Ints, by_site

_MOST_ROOM = 20_000
_MOST_CELLS = 30_000_000
_ROUNDS = 400
_PATIENCE = 12
_MOMENTUM = 0.4
_LEAST_PACE = 1e-4
_FIRST_TRIES, _TRIES, _LONG_TRIES = 300, 8, 1500
_TRY_VISITS = 10_000_000
"""Pairs of rows that a search looks at; larger questions are tried fewer times."""
_HAIR = 1e-7


@dataclass(frozen=True, slots=True)
class Rooms:
    """A question with limited room, by site: entries, whole loads and rooms, what a row costs that nobody serves.

    ``place`` says where each entry stands in the question's ways; ``table`` holds all costs, the last column nobody's.
    """

    question: Question
    ptr: Ints
    row: Ints
    cost: Floats
    place: Ints
    load: Ints
    room: Ints
    lost: Floats
    table: Floats
    most: int


@dataclass(frozen=True, slots=True)
class Bound:
    """Prices with the bound they prove; the best open sites and who serves whom; what may still matter."""

    prices: Floats
    bound: float
    value: float
    opened: Flags
    served: Ints
    alive: Flags
    fixed: Flags
    banned: Flags


@dataclass(frozen=True, slots=True)
class Parts:
    """Bounds on the total: at the prices, with each entry serving, with each site open, with each site shut."""

    value: float
    entry: Floats
    opens: Floats
    shuts: Floats


def list_rooms(question: Question) -> Rooms | None:
    """Return the question by site; None where loads are not whole, or the tables would be too large."""
    load, m, n = question.load, len(question.fixed), question.rows
    whole = bool((load == np.round(load)).all())
    largest = np.floor(np.minimum(question.capacity, load.sum()))
    if not whole or question.split or question.need > 1 or question.goal != "sum":
        return None
    if largest.max(initial=0.0) > _MOST_ROOM or n * (m + 1) > _MOST_CELLS:
        return None
    ways = question.ways
    ptr, rows, _ = by_site(ways)
    place = np.lexsort((np.repeat(np.arange(n), np.diff(ways.ptr)), ways.site))
    row = rows.astype(np.int64)
    cost = ways.cost[place] * question.weight[row]
    lost = question.weight * question.missing
    table = np.full((n, m + 1), np.inf)
    table[row, np.repeat(np.arange(m), np.diff(ptr))] = cost
    table[:, m] = lost
    return Rooms(
        question, ptr, row, cost, place, load.astype(np.int64), largest.astype(np.int64), lost, table,
        most_sites(question),
    )  # fmt: skip


def bound_rooms(rooms: Rooms, *, deadline: Deadline, seed: int) -> Bound:
    """Return a bound, the best choice met on the way, and what may still be part of a better one."""
    question = rooms.question
    state = first_choice(rooms, seed)
    for stage in range(4):
        if deadline.left() <= 0.0:
            break
        before = int(state.alive.sum())
        state = _climb(rooms, state, deadline, seed + stage)
        if not _is_closed(rooms, state) and not _has_more_conditions(question):
            state = _search(rooms, state, state.opened, _LONG_TRIES, seed + stage)
        state = _rule_out(rooms, state)
        if _is_closed(rooms, state) or int(state.alive.sum()) > 0.7 * before:
            break
    return _with_conditions(rooms, state, deadline) if _has_more_conditions(question) else state


def _has_more_conditions(question: Question) -> bool:
    return bool(np.isfinite(question.budget) or len(question.apart) or question.rules)


def goal_of(rooms: Rooms, value: float) -> float:
    """Return the largest total that would still be better."""
    if has_whole_values(rooms.question):
        return value - 1.0 + _HAIR
    return value * (1 - 1e-10)


def _is_closed(rooms: Rooms, state: Bound) -> bool:
    return state.bound > goal_of(rooms, state.value)


def first_choice(rooms: Rooms, seed: int) -> Bound:
    """Return a first choice by a quick search, and prices from it."""
    question = rooms.question
    cheapest = np.sort(rooms.table, axis=1)
    second = np.where(np.isfinite(cheapest[:, 1]), cheapest[:, 1], cheapest[:, 0])
    free = ~question.fixed & ~question.banned
    opened, served, value = question.fixed.copy(), np.full(question.rows, len(free)), np.inf
    if not _has_more_conditions(question):
        rng = np.random.default_rng(seed)
        pick = rng.permutation(np.flatnonzero(free))[: rooms.most]
        opened[pick] = True
        opened, served, value = _look(rooms, opened, ~free, _FIRST_TRIES, seed)
    prices = second
    if np.isfinite(value):
        own = rooms.table[np.arange(question.rows), served]
        others = np.where(np.r_[opened, True][None, :], rooms.table, np.inf)
        others[np.arange(question.rows), served] = np.inf
        other = others.min(axis=1)
        prices = np.where(np.isfinite(other), 0.5 * (own + np.maximum(other, own)), own)
    alive = np.ones(len(rooms.row), dtype=bool)
    return Bound(prices, -np.inf, value, opened, served, alive, question.fixed.copy(), question.banned.copy())


def _look(rooms: Rooms, opened: Flags, still: Flags, tries: int, seed: int) -> tuple[Flags, Ints, float]:
    """Return open sites and who they serve after a quick search from some; the ``still`` ones do not move."""
    tries = max(min(tries, _TRY_VISITS * tries // (_FIRST_TRIES * rooms.question.rows**2)), 1)
    now, served = np.r_[opened, True], np.zeros(rooms.question.rows, dtype=np.int64)
    movable = np.r_[~still, False]
    room = np.r_[rooms.room, rooms.load.sum()]
    state = np.array([seed * 7919 + 12345], dtype=np.int64)
    value = improve_rooms(rooms.table, rooms.load, room, now, movable, served, tries, state)
    return now[:-1], served, float(value)


def _search(rooms: Rooms, state: Bound, opened: Flags, tries: int, seed: int) -> Bound:
    """Return the state with a better choice, if a search from some open sites finds one."""
    found = _look(rooms, opened, state.fixed | state.banned, tries, seed)
    if found[2] < state.value:
        return replace(state, opened=found[0], served=found[1], value=found[2])
    return state


def _climb(rooms: Rooms, state: Bound, deadline: Deadline, seed: int) -> Bound:
    """Move prices uphill by deflected subgradient steps of Polyak's length, and look about the sites they open."""
    m, n = len(rooms.room), rooms.question.rows
    worth, taken = np.zeros(m), np.zeros(len(rooms.row), dtype=bool)
    prices = np.minimum(state.prices, rooms.lost)
    best, best_prices, pace, waited, way = state.bound, prices, 1.0, 0, np.zeros(n)
    for turn in range(_ROUNDS):
        price_sites(rooms.ptr, rooms.row, rooms.cost, rooms.load, rooms.room, prices, state.alive, worth, taken)
        chosen = _choose(rooms, worth, state)
        value = float(prices.sum() + worth[chosen].sum())
        waited += 1
        if value > best:
            best, best_prices, waited = value, prices, 0
        if turn % 10 == 0 and not _has_more_conditions(rooms.question):
            state = _search(rooms, state, chosen, _TRIES, seed + turn)
        serving = taken & np.repeat(chosen, np.diff(rooms.ptr))
        slope = 1.0 - np.bincount(rooms.row[serving], minlength=n)
        slope[(prices >= rooms.lost) & (slope > 0)] = 0.0
        way = slope + _MOMENTUM * way
        size = float(way @ way)
        if best > goal_of(rooms, state.value) or size == 0.0 or pace < _LEAST_PACE or deadline.left() <= 0.0:
            break
        if waited >= _PATIENCE:
            pace, waited, prices, way = pace * 0.6, 0, best_prices, np.zeros(n)
            continue
        goal = state.value if np.isfinite(state.value) else abs(value) * 1.05 + 1.0
        prices = np.minimum(prices + pace * max(goal - value, 1e-6) / size * way, rooms.lost)
    return replace(state, prices=best_prices, bound=max(best, state.bound))


def _choose(rooms: Rooms, worth: Floats, state: Bound) -> Flags:
    """Return the sites that are worth most, with those that are open anyway."""
    chosen = state.fixed.copy()
    free = np.flatnonzero(~state.fixed & ~state.banned & (worth < 0.0))
    left = max(rooms.most - int((state.fixed & ~rooms.question.fixed).sum()), 0)
    chosen[free[np.argsort(worth[free], kind="stable")[:left]]] = True
    return chosen


def _rule_out(rooms: Rooms, state: Bound) -> Bound:
    """Return the state without the entries and sites that no better choice has; the choice at hand stays inside."""
    parts = part_totals(rooms, state)
    smaller = cut_to(rooms, state, parts, goal_of(rooms, state.value))
    if not np.isfinite(state.value):
        return smaller
    alive = smaller.alive | (state.served[rooms.row] == np.repeat(np.arange(len(rooms.room)), np.diff(rooms.ptr)))
    return replace(smaller, alive=alive, fixed=smaller.fixed & state.opened, banned=smaller.banned & ~state.opened)


def part_totals(rooms: Rooms, state: Bound) -> Parts:
    """Return how low the total can be with each entry serving, with each site open, and with each site shut."""
    m = len(rooms.room)
    worth, taken = np.zeros(m), np.zeros(len(rooms.row), dtype=bool)
    forced = np.zeros(len(rooms.row))
    told = (rooms.ptr, rooms.row, rooms.cost, rooms.load, rooms.room, state.prices, state.alive)
    price_sites(*told, worth, taken)
    price_forced(*told, forced)
    chosen = _choose(rooms, worth, state)
    value = float(state.prices.sum() + worth[chosen].sum())
    inside, outside = chosen & ~state.fixed, ~chosen & ~state.banned
    full = int((chosen & ~rooms.question.fixed).sum()) >= rooms.most
    weakest = float(worth[inside].max(initial=-np.inf)) if full and inside.any() else 0.0
    runner_up = float(worth[outside].min(initial=0.0)) if full else 0.0
    opens = np.where(outside, value + worth - weakest, value)
    shuts = np.where(inside, value - worth + runner_up, -np.inf)
    site = np.repeat(np.arange(m), np.diff(rooms.ptr))
    entry = np.where(state.alive & ~state.banned[site], opens[site] - worth[site] + forced, np.inf)
    return Parts(value, entry, np.where(outside, opens, -np.inf), shuts)


def cut_to(rooms: Rooms, state: Bound, parts: Parts, goal: float) -> Bound:
    """Return the state with only what a choice of at most this total can have."""
    banned = state.banned | (parts.opens > goal)
    site = np.repeat(np.arange(len(rooms.room)), np.diff(rooms.ptr))
    return replace(
        state,
        alive=(parts.entry <= goal) & ~banned[site],
        fixed=state.fixed | (parts.shuts > goal),
        banned=banned,
        bound=max(state.bound, parts.value),
    )


def _with_conditions(rooms: Rooms, state: Bound, deadline: Deadline) -> Bound:
    """Return the state with the bound at its prices that all conditions on sites give."""
    question, m = rooms.question, len(rooms.room)
    worth, taken = np.zeros(m), np.zeros(len(rooms.row), dtype=bool)
    price_sites(
        rooms.ptr, rooms.row, rooms.cost, rooms.load, rooms.room, state.prices, np.ones(len(rooms.row), dtype=bool),
        worth, taken,
    )  # fmt: skip
    lower, upper = site_bounds(question)
    model = Mip(worth, float(state.prices.sum()), lower, upper, np.ones(m, dtype=bool), tuple(site_rows(question)))
    found = solve_mip(model, start=None, time_limit_s=0.2 * deadline.left())
    return replace(state, bound=max(state.bound, found.bound if not found.infeasible else state.bound))
