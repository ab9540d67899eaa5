"""How low can the total be where room is limited? Prices of rows, one knapsack per site, and what they rule out."""

from dataclasses import dataclass, replace

import numpy as np

from spatial.siting.mip import Mip, solve_mip
from spatial.siting.models import site_bounds, site_rows
from spatial.siting.question import has_whole_values
from spatial.siting.room_price import add_served, price_forced, price_sites
from spatial.siting.room_swap import swap_rooms
from spatial.siting.rooms import Choice, Rooms, has_more_conditions, search_rooms
from spatial.siting.ways import Deadline, Flags, Floats

_ROUNDS, _MORE_ROUNDS = 500, 3000
_PATIENCE = 12
_MOMENTUM = 0.4
_LEAST_PACE = 1e-4
_STAGES = 4
_FIRST_TRIES, _TRIES, _LONG_TRIES, _LAST_TRIES = 200, 16, 4000, 1_000_000
_OFTEN, _SEARCH_ENTRIES = 20, 40_000
"""Rounds from one search to the next, and entries that make those so many more."""
_SEARCH_SHARE = 0.25
"""Share of the time left that one search may take."""
_FIRST_SHARE, _SWAP_SHARE = 0.1, 0.6
"""Shares of the time left for the first choice of a large question, and for its exchanges where others follow."""
LARGE = 200_000
"""Of more entries than these random moves are too slow to be worth it, and prices climb slowly."""
MOST_ROWS, _MOST_OPEN = 2000, 200
"""Of more rows than these exact models take too long: searches have the time that the bound leaves, and before it one
that exchanges sites is quicker."""
_HAIR = 1e-7
_ROUNDING = 1e-13


@dataclass(frozen=True, slots=True)
class Bound:
    """Prices with the bound they prove; the best choice met; what may still matter."""

    prices: Floats
    bound: float
    best: Choice
    alive: Flags
    fixed: Flags
    banned: Flags


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
    rooms: Rooms, *, deadline: Deadline, seed: int, enough: float = np.inf, best: Choice | None = None
) -> Bound:
    """Return a bound, the best choice met on the way, and what may still be part of a better one.

    It ends early once the bound is above ``enough``. With a choice at hand the bound is for better ones.
    """
    question = rooms.question
    state = _first(rooms, deadline, seed)
    if best is not None and best.value < state.best.value:
        state = replace(state, best=best)
    for stage in range(_STAGES):
        if deadline.left() <= 0.0:
            break
        before = int(state.alive.sum())
        state = _climb(rooms, state, deadline, seed + stage, enough)
        if state.bound > enough:
            break
        if not is_closed(rooms, state):
            state = _search(rooms, state, state.best.opened, _LONG_TRIES, deadline, seed + stage)
        state = _rule_out(rooms, state)
        if is_closed(rooms, state) or int(state.alive.sum()) > 0.7 * before:
            break
    return _with_conditions(rooms, state, deadline) if has_more_conditions(question) else state


def goal_of(rooms: Rooms, value: float) -> float:
    """Return the largest total that would still be better."""
    if has_whole_values(rooms.question):
        return value - 1.0 + _HAIR
    saved = max(float(rooms.lost.sum()) - value, 0.0)  # infinite where all must be served
    return value - 1e-10 * min(value, saved) if np.isfinite(value) else value


def fills_by_chains(rooms: Rooms) -> bool:
    """Tell whether chains of moves fill the sites: rows are many, and open sites few enough for chains among them."""
    question = rooms.question
    return question.rows > MOST_ROWS and rooms.most + int(question.fixed.sum()) <= _MOST_OPEN


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
    if fills_by_chains(rooms) and _may_search(rooms):
        short = Deadline(_FIRST_SHARE * deadline.left(), clock=deadline.clock)
        state = _swap(rooms, state, opened, short, seed)
    else:
        state = _search(rooms, state, opened, _FIRST_TRIES, deadline, seed)
    return replace(state, prices=_first_prices(rooms, state.best))


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
    """Return the state with a better choice, if exchanges and then moves of sites in all of the time find one."""
    large = len(rooms.row) > LARGE
    if has_more_conditions(rooms.question):
        return state
    swaps = Deadline((1.0 if large else _SWAP_SHARE) * deadline.left(), clock=deadline.clock)
    for opened in (open_by_worth(rooms, state), state.best.opened):
        state = _swap(rooms, state, opened, Deadline(0.5 * swaps.left(), clock=deadline.clock), seed)
    if large or not np.isfinite(state.best.value):
        return state
    best, still = state.best, state.fixed | state.banned
    found = search_rooms(rooms, best.opened, still, tries=_LAST_TRIES, seed=seed, deadline=deadline, served=best.served)
    return replace(state, best=found) if found.value < best.value else state


def climb_on(rooms: Rooms, state: Bound, deadline: Deadline, seed: int) -> Bound:
    """Return the state with the bound that prices reach once a better choice tells how high they may aim."""
    return _climb(rooms, state, deadline, seed, np.inf)


def _may_search(rooms: Rooms) -> bool:
    """Tell whether the searches know all that limits a choice."""
    return not has_more_conditions(rooms.question) and not rooms.charge.any()


def _swap(rooms: Rooms, state: Bound, opened: Flags, deadline: Deadline, seed: int) -> Bound:
    """Return the state with a better choice, if exchanges of sites from some open ones lead to one."""
    found = swap_rooms(rooms, opened, state.fixed | state.banned, deadline=deadline, seed=seed)
    return replace(state, best=found) if found.value < state.best.value else state


def _search(rooms: Rooms, state: Bound, opened: Flags, tries: int, deadline: Deadline, seed: int) -> Bound:
    """Return the state with a better choice, if a search from some open sites finds one."""
    if not _may_search(rooms) or fills_by_chains(rooms):
        return state
    still = state.fixed | state.banned
    short = Deadline(_SEARCH_SHARE * deadline.left(), clock=deadline.clock)
    found = search_rooms(rooms, opened, still, tries=tries, seed=seed, deadline=short)
    return replace(state, best=found) if found.value < state.best.value else state


def _climb(rooms: Rooms, state: Bound, deadline: Deadline, seed: int, enough: float) -> Bound:
    """Move prices uphill by deflected subgradient steps of Polyak's length, and look about the sites they open."""
    n = rooms.question.rows
    worth, share = np.zeros(len(rooms.room)), np.zeros(len(rooms.row))
    prices, served = np.minimum(state.prices, rooms.lost), np.zeros(n)
    best, best_prices, pace, waited, way = state.bound, prices, 1.0, 0, np.zeros(n)
    unit = _units(rooms)
    often, top = _OFTEN * (1 + len(rooms.row) // _SEARCH_ENTRIES), goal_of(rooms, state.best.value)
    for turn in range(_ROUNDS if n <= MOST_ROWS else _MORE_ROUNDS):
        _price(rooms, prices, state.alive, worth, share)
        chosen = _choose(rooms, worth, state)
        value = _total_of(prices, worth[chosen])
        waited += 1
        if value > best:
            best, best_prices, waited = value, prices, 0
        if turn % often == 10:
            state = _search(rooms, state, _filled(rooms, worth, chosen), _TRIES, deadline, seed + turn)
            top = goal_of(rooms, state.best.value)
        add_served(rooms.ptr, rooms.row, share, chosen, served)
        slope = (1.0 - served) * unit
        slope[(prices >= rooms.lost) & (slope > 0)] = 0.0
        way = slope + _MOMENTUM * way
        size = float(way @ way)
        if best > min(top, enough) or size == 0.0:
            break
        if pace < _LEAST_PACE or deadline.left() <= 0.0:
            break
        if waited >= _PATIENCE:
            pace, waited, prices, way = pace * 0.6, 0, best_prices, np.zeros(n)
            continue
        goal = state.best.value if np.isfinite(state.best.value) else abs(value) * 1.05 + 1.0
        prices = np.minimum(prices + pace * max(goal - value, 1e-6) / size * way * unit, rooms.lost)
    return replace(state, prices=best_prices, bound=max(best, state.bound))


def _total_of(prices: Floats, worth: Floats) -> float:
    """Return the total that prices prove, less what rounding may have added where large prices cancel out."""
    return float(prices.sum() + worth.sum() - _ROUNDING * (np.abs(prices).sum() + np.abs(worth).sum()))


def _units(rooms: Rooms) -> Floats:
    """Return how far the price of each row goes in a step: rows that count for more go farther."""
    weight = rooms.question.weight
    counts = rooms.paid.any() or np.isfinite(rooms.lost).any()
    mean = float(weight.mean()) if counts else 0.0
    return np.asarray(np.maximum(weight / mean, 1e-3)) if mean > 0.0 else np.ones(len(weight))


def _price(rooms: Rooms, prices: Floats, alive: Flags, worth: Floats, share: Floats) -> None:
    """Write what each site is worth at the prices, with its charge, and which parts of rows it serves."""
    told = (rooms.ptr, rooms.row, rooms.cost, rooms.load, rooms.room, prices, alive, rooms.whole)
    price_sites(*told, worth, share)
    worth += rooms.charge


def open_by_worth(rooms: Rooms, state: Bound) -> Flags:
    """Return as many open sites as may be, those that are worth most at the prices."""
    worth, share = np.zeros(len(rooms.room)), np.zeros(len(rooms.row))
    _price(rooms, state.prices, state.alive, worth, share)
    return _filled(rooms, worth, _choose(rooms, worth, state))


def _filled(rooms: Rooms, worth: Floats, chosen: Flags) -> Flags:
    """Return the chosen sites with the next best ones, up to the number allowed."""
    out, question = chosen.copy(), rooms.question
    more = rooms.most - int((chosen & ~question.fixed).sum())
    free = np.flatnonzero(~chosen & ~question.banned)
    out[free[np.argsort(worth[free], kind="stable")[: max(more, 0)]]] = True
    return out


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
    _price(rooms, state.prices, state.alive, worth, share)
    told = (rooms.ptr, rooms.row, rooms.cost, rooms.load, rooms.room, state.prices, state.alive, rooms.whole)
    price_forced(*told, forced)
    forced += rooms.charge[rooms.site]
    chosen = _choose(rooms, worth, state)
    value = _total_of(state.prices, worth[chosen])
    inside, outside = chosen & ~state.fixed, ~chosen & ~state.banned
    full = int((chosen & ~rooms.question.fixed).sum()) >= rooms.most
    weakest = float(worth[inside].max(initial=-np.inf)) if full and inside.any() else 0.0
    runner_up = float(np.minimum(worth[outside].min(initial=0.0), 0.0)) if full else 0.0
    opens = np.where(outside, value + worth - weakest, value)
    shuts = np.where(inside, value - worth + runner_up, -np.inf)
    site = rooms.site
    served = opens[site] if rooms.question.split else opens[site] - worth[site] + forced
    entry = np.where(state.alive & ~state.banned[site], served, np.inf)
    return Parts(value, entry, np.where(outside, opens, -np.inf), shuts, opens - worth + rooms.charge)


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
    _price(rooms, state.prices, rooms.fits, worth, share)
    lower, upper = site_bounds(question)
    model = Mip(worth, float(state.prices.sum()), lower, upper, np.ones(m, dtype=bool), tuple(site_rows(question)))
    found = solve_mip(model, start=None, time_limit_s=0.2 * deadline.left())
    return replace(state, bound=max(state.bound, found.bound if not found.infeasible else state.bound))
