"""How low can the total be where room is limited? Prices of rows, one knapsack per site, and what they rule out."""

import sys
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from spatial.siting.mip import Mip, solve_mip
from spatial.siting.models import site_bounds, site_rows
from spatial.siting.room.climb import (
    Bound,
    Look,
    choose,
    climb,
    goal_of,
    hardly_open,
    open_by_worth,
    open_mostly,
    price,
    total_of,
)
from spatial.siting.room.decide import decide_sites
from spatial.siting.room.near import list_near
from spatial.siting.room.price import price_forced
from spatial.siting.room.rooms import MOST_ROWS, Choice, Rooms, has_more_conditions, search_rooms
from spatial.siting.room.settle import settle_rows
from spatial.siting.room.swap import swap_rooms
from spatial.siting.room.trade import trade_many, trade_rooms
from spatial.siting.ways import Deadline, Flags, Floats, row_of

STAGES = 4
_FIRST_TRIES, _TRIES, _LONG_TRIES, _LAST_TRIES = 200, 16, 4000, 1_000_000
_SEARCH_SHARE = 0.25
"""Share of the time left that one search may take."""
_FIRST_SHARE, _FIRST_STEPS = 0.1, 20
"""Share of the time left and exchanges for a first choice of many rows: steps end it, for proofs begin with it."""
_SWAP_SHARE, _SWAP_SHARE_OF_ALIKE, _TURNS = 0.6, 0.7, 4
"""Shares of the time left where rows are many: for exchanges of sites, and where none costs a row more than another."""
_DECIDE_SHARE = 0.7
"""Share of the time left for windows or random moves, where a model settles rows after them."""
_QUICK_ENTRIES = 100_000
"""Of more entries no quick first choice is made: it would take a second, and prices climb as high without it."""
_LESS = 0.8
"""What good sites cost, as a share of what random ones do."""
FAR = 1.5
"""A choice may need entries that cost more than a row's price, by that factor: near sites are full."""
_MOST_OPEN, _MOST_TRADED = 200, 300
"""Among more open sites windows take too long, and filling by chains more than once, or even once."""
_SLACKS = (1e-3, 2e-4)
"""How much worse a random move may leave a total, as a share, in turns."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Bounds on the total: at the prices, with each entry serving, with each site open, with each site shut.

    ``start`` is what the total of each site's rows less prices adds to.
    """

    value: float
    entry: Floats
    opens: Floats
    shuts: Floats
    start: Floats


def bound_rooms(
    rooms: Rooms, *, deadline: Deadline, seed: int, enough: float = np.inf, best: Choice | None = None,
    stages: int = STAGES, look: Look | None = None,
) -> Bound:  # fmt: skip
    """Return a bound, the best choice met on the way, and what may still be part of a better one.

    It ends early once the bound is above ``enough``. With a choice at hand the bound is for better ones. Each of the
    ``stages`` begins with what the one before has left. Without ``look`` searches look about what prices open.
    """
    question = rooms.question
    state = _first(rooms, deadline, seed)
    if best is not None and best.value < state.best.value:
        state = replace(state, best=best)
    for stage in range(stages):
        if deadline.left() <= 0.0:
            break
        before = int(state.alive.sum())
        state = climb(
            rooms, state, deadline, enough, look or _looking(rooms, deadline, seed + stage), _aim(rooms, state)
        )
        if state.bound > enough:
            break
        if not is_closed(rooms, state):
            state = _search(rooms, state, state.best.opened, _LONG_TRIES, deadline, seed + stage)
        state = _rule_out(rooms, state)
        if is_closed(rooms, state) or int(state.alive.sum()) > 0.7 * before:
            break
    return _with_conditions(rooms, state, deadline) if has_more_conditions(question) else state


def has_many_rows(rooms: Rooms) -> bool:
    """Tell whether rows are too many for exact models, and for a search beside the prices."""
    return rooms.question.rows > MOST_ROWS


def is_closed(rooms: Rooms, state: Bound) -> bool:
    """Tell whether no choice can be better than the best one met."""
    return state.bound > goal_of(rooms, state.best.value)


def _first(rooms: Rooms, deadline: Deadline, seed: int) -> Bound:
    """Return a first choice by a quick search, and prices from it."""
    question, n = rooms.question, rooms.question.rows
    nobody = Choice(question.fixed.copy(), np.full(n, -1, dtype=np.int64), np.inf)
    state = Bound(np.zeros(n), -np.inf, nobody, rooms.fits, question.fixed.copy(), question.banned.copy())
    free = np.flatnonzero(~question.fixed & ~question.banned)
    opened = question.fixed.copy()
    opened[np.random.default_rng(seed).permutation(free)[: rooms.most]] = True
    if has_many_rows(rooms) and rooms.paid.any() and len(rooms.row) > _QUICK_ENTRIES:
        state = replace(state, best=replace(nobody, opened=opened))
    elif has_many_rows(rooms):
        short = Deadline(_FIRST_SHARE * deadline.left(), clock=deadline.clock)
        state = _begin(rooms, state, opened, short, seed, steps=_FIRST_STEPS) if may_search(rooms) else state
    else:
        state = _search(rooms, state, opened, _FIRST_TRIES, deadline, seed)
    return replace(state, prices=_first_prices(rooms, state.best))


def _aim(rooms: Rooms, state: Bound) -> float:
    """Return about what a choice of many rows costs, where none is known: less than random sites with endless room."""
    ways, best = rooms.question.ways, state.best
    if np.isfinite(best.value) or not has_many_rows(rooms) or not rooms.paid.any():
        return -np.inf
    least = np.minimum(rooms.lost, rooms.paid.max())
    entry = np.flatnonzero(best.opened[ways.site])
    np.minimum.at(least, row_of(ways)[entry], rooms.paid[entry])
    return _LESS * float(least.sum())


def _first_prices(rooms: Rooms, best: Choice) -> Floats:
    """Return what each row would pay at its second open site, half way from its first; for a count, by its load."""
    ways, n = rooms.question.ways, rooms.question.rows
    if not rooms.paid.any() and np.isinf(rooms.lost).all():
        widest = max(float(rooms.room.max(initial=0.0)), 1e-9)
        return np.asarray(rooms.load / widest * float(rooms.charge.max(initial=0.0)))
    entry = np.flatnonzero(best.opened[ways.site])
    row = np.repeat(np.arange(n), np.diff(ways.ptr))[entry]
    rank = np.arange(len(row)) - np.searchsorted(row, row)
    prices = np.full((2, n), np.inf)
    for k in range(2):
        prices[k, row[rank == k]] = rooms.paid[entry[rank == k]]
    dear = np.zeros(n)
    np.maximum.at(dear, np.repeat(np.arange(n), np.diff(ways.ptr)), rooms.paid)
    none = np.where(dear > 0.0, np.minimum(dear, rooms.lost), np.where(np.isfinite(rooms.lost), rooms.lost, 0.0))
    first, second = (np.where(np.isfinite(one), one, none) for one in prices)
    return np.asarray(0.5 * (first + second))


def search_on(rooms: Rooms, state: Bound, deadline: Deadline, seed: int) -> Bound:
    """Return the state with a better choice, by exchanges of sites, windows or else random moves, and these at last."""
    if not may_search(rooms):
        return state
    near = list_near(rooms, state.prices, state.best.served, FAR).rooms
    share = _SWAP_SHARE if rooms.paid.any() else _SWAP_SHARE_OF_ALIKE
    short = Deadline(share * deadline.left(), clock=deadline.clock)
    state = _begin(near, state, open_mostly(rooms, state), short, seed, near=True)
    if not np.isfinite(state.best.value):  # what is near may be full
        near = rooms
        state = _begin(near, state, open_by_worth(rooms, state), deadline, seed)
    if not rooms.paid.any() or not np.isfinite(state.best.value):
        return _wander(near, state, deadline, seed)
    short = Deadline(_DECIDE_SHARE * deadline.left(), clock=deadline.clock)
    few = int(state.best.opened.sum()) <= _MOST_OPEN  # there random moves find little that windows leave
    state = _decide(near, state, short) if few else _wander(near, state, short, seed)
    best = state.best if is_closed(near, state) else settle_rows(near, state.best, deadline=deadline)
    return _wander(near, replace(state, best=best), deadline, seed)


def _decide(near: Rooms, state: Bound, deadline: Deadline) -> Bound:
    """Return the state with a better choice, if windows decided exactly lead to one."""
    if not len(state.share) or is_closed(near, state):
        return state
    found = decide_sites(near, state, state.best.opened, deadline=deadline)
    return replace(state, best=found) if found.value < state.best.value else state


def _wander(near: Rooms, state: Bound, deadline: Deadline, seed: int) -> Bound:
    """Return the state with a better choice, if random moves in all of the time find one."""
    for turn in range(_TURNS):
        best, part = state.best, Deadline(deadline.left() / (_TURNS - turn), clock=deadline.clock)
        if is_closed(near, state) or not np.isfinite(best.value) or deadline.left() <= 0.0:
            break
        still, slack, again = state.fixed | state.banned, _SLACKS[turn % len(_SLACKS)], seed + turn
        found = search_rooms(
            near, best.opened, still, tries=_LAST_TRIES, seed=again, deadline=part, served=best.served, slack=slack
        )
        state = replace(state, best=found) if found.value < best.value else state
    return state


def may_search(rooms: Rooms) -> bool:
    """Tell whether the searches know all that limits a choice."""
    return not has_more_conditions(rooms.question) and not rooms.charge.any()


def _begin(
    rooms: Rooms, state: Bound, opened: Flags, deadline: Deadline, seed: int, *, near: bool = False,
    steps: int = sys.maxsize,
) -> Bound:  # fmt: skip
    """Return the state with a better choice, if exchanges of sites from some open ones lead to one.

    Too many open sites for chains are filled row by row. Near sites stay shut that prices hardly ever opened.
    """
    still, trades = state.fixed | state.banned, near and rooms.paid.any()
    count = rooms.most + int(rooms.question.fixed.sum())
    if count <= _MOST_OPEN or (trades and count <= _MOST_TRADED):
        shut = still | (hardly_open(rooms, state) & ~opened) if trades else still
        exchange = (trade_rooms if count <= _MOST_OPEN else trade_many) if trades else partial(swap_rooms, steps=steps)
        found = exchange(rooms, opened, shut, deadline=deadline, seed=seed)
    else:
        found = search_rooms(rooms, opened, still, tries=1, seed=seed, deadline=deadline)
    return replace(state, best=found) if found.value < state.best.value else state


def _search(rooms: Rooms, state: Bound, opened: Flags, tries: int, deadline: Deadline, seed: int) -> Bound:
    """Return the state with a better choice, if a search from some open sites finds one."""
    if not may_search(rooms) or has_many_rows(rooms):
        return state
    short = Deadline(_SEARCH_SHARE * deadline.left(), clock=deadline.clock)
    found = search_rooms(rooms, opened, state.fixed | state.banned, tries=tries, seed=seed, deadline=short)
    return replace(state, best=found) if found.value < state.best.value else state


def _looking(rooms: Rooms, deadline: Deadline, seed: int) -> Look:
    """Return what searches from the sites that prices open."""
    return lambda now, opened, turn: _search(rooms, now, opened, _TRIES, deadline, seed + turn)


def _rule_out(rooms: Rooms, state: Bound) -> Bound:
    """Return the state without the entries and sites that no better choice has; the choice at hand stays inside."""
    parts = part_totals(rooms, state)
    smaller = cut_to(rooms, state, parts, goal_of(rooms, state.best.value))
    if not np.isfinite(state.best.value):
        return smaller
    best = state.best
    alive = smaller.alive | (best.served[rooms.row] == rooms.site)
    return replace(smaller, alive=alive, fixed=smaller.fixed & best.opened, banned=smaller.banned & ~best.opened)


def part_totals(rooms: Rooms, state: Bound) -> Parts:
    """Return how low the total can be with each entry serving, with each site open, and with each site shut.

    A row that may be shared is served by an entry a little at next to no cost, so its site alone counts.
    """
    worth, share = np.zeros(len(rooms.room)), np.zeros(len(rooms.row))
    forced = np.zeros(len(rooms.row))
    price(rooms, state.prices, state.alive, worth, share)
    told = (rooms.ptr, rooms.row, rooms.cost, rooms.load, rooms.room, state.prices, state.alive, rooms.whole)
    price_forced(*told, forced)
    forced += rooms.charge[rooms.site]
    chosen = choose(rooms, worth, state)
    value = total_of(state.prices, worth[chosen])
    opens, shuts = site_totals(rooms, state, worth, value)
    site = rooms.site
    served = opens[site] if rooms.question.split else opens[site] - worth[site] + forced
    entry = np.where(state.alive & ~state.banned[site], served, np.inf)
    free = ~chosen & ~state.banned
    return Parts(value, entry, np.where(free, opens, -np.inf), shuts, opens - worth + rooms.charge)


def site_totals(rooms: Rooms, state: Bound, worth: Floats, value: float) -> tuple[Floats, Floats]:
    """Return how low the total can be with each site open, and with each site shut, by what sites are worth."""
    chosen = choose(rooms, worth, state)
    inside, outside = chosen & ~state.fixed, ~chosen & ~state.banned
    full = int((chosen & ~rooms.question.fixed).sum()) >= rooms.most
    weakest = float(worth[inside].max(initial=-np.inf)) if full and inside.any() else 0.0
    runner_up = float(np.minimum(worth[outside].min(initial=0.0), 0.0)) if full else 0.0
    opens = np.where(outside, value + worth - weakest, value)
    return opens, np.where(inside, value - worth + runner_up, -np.inf)


def cut_to(rooms: Rooms, state: Bound, parts: Parts, goal: float) -> Bound:
    """Return the state with only what a choice of at most this total can have."""
    banned = state.banned | (parts.opens > goal)
    return replace(
        state,
        alive=(parts.entry <= goal) & ~banned[rooms.site],
        fixed=state.fixed | (parts.shuts > goal),
        banned=banned,
        bound=max(state.bound, parts.value),
    )


def _with_conditions(rooms: Rooms, state: Bound, deadline: Deadline) -> Bound:
    """Return the state with the bound at its prices that all conditions on sites give."""
    question, m = rooms.question, len(rooms.room)
    worth, share = np.zeros(m), np.zeros(len(rooms.row))
    price(rooms, state.prices, rooms.fits, worth, share)
    lower, upper = site_bounds(question)
    model = Mip(worth, float(state.prices.sum()), lower, upper, np.ones(m, dtype=bool), tuple(site_rows(question)))
    found = solve_mip(model, start=None, time_limit_s=0.2 * deadline.left())
    return replace(state, bound=max(state.bound, found.bound if not found.infeasible else state.bound))
