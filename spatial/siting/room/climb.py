"""How high do prices of rows climb where room is limited, and which sites do they open?"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from spatial.siting.question import has_whole_values
from spatial.siting.room.near import list_all, list_near
from spatial.siting.room.price import add_served, price_sites
from spatial.siting.room.rooms import MOST_ROWS, Choice, Rooms
from spatial.siting.ways import Deadline, Flags, Floats

_ROUNDS, _MORE_ROUNDS = 500, 3000
_PATIENCE, _MORE_PATIENCE = 12, 30
_SHORTER, _MUCH_SHORTER = 0.6, 0.5
_MOMENTUM, _MORE_MOMENTUM = 0.4, 0.97
"""Rounds without a better bound after which steps become shorter, by which factor, and which part of the last way goes
into the next: where rows are many, prices of short memory turn to and fro and end a quarter of a percent too low."""
_LEAST_PACE = 1e-4
_OFTEN, _SEARCH_ENTRIES = 20, 40_000
"""Rounds from one search to the next, and entries that make those so many more."""
_RENEW = 100
"""Rounds after which the entries that matter are listed anew."""
_FARTHER = 1.3
"""How far a row's price may rise until then, as a factor."""
_RARE = 0.01
"""Share of the rounds in which prices open a site that hardly matters, at most."""
_HAIR = 1e-7
_ROUNDING = 1e-13


@dataclass(frozen=True, slots=True)
class Bound:
    """Prices with the bound they prove; the best choice met; what may still matter.

    ``share`` tells how often prices opened each site in the later half of their way; empty where they went none.
    """

    prices: Floats
    bound: float
    best: Choice
    alive: Flags
    fixed: Flags
    banned: Flags
    share: Floats = field(default_factory=lambda: np.zeros(0), kw_only=True)


Look = Callable[[Bound, Flags, int], Bound]
"""What looks for a better choice about some open sites, in which round."""


def goal_of(rooms: Rooms, value: float) -> float:
    """Return the largest total that would still be better."""
    if has_whole_values(rooms.question):
        return value - 1.0 + _HAIR
    saved = max(float(rooms.lost.sum()) - value, 0.0)  # infinite where all must be served
    return value - 1e-10 * min(value, saved) if np.isfinite(value) else value


def climb(rooms: Rooms, state: Bound, deadline: Deadline, enough: float, look: Look, aim: float = -np.inf) -> Bound:
    """Move prices uphill by deflected subgradient steps of Polyak's length, and look about the sites they open.

    ``aim`` is about what a choice costs, if more than the prices say, as long as none is known.
    """
    n, many = rooms.question.rows, rooms.question.rows > MOST_ROWS
    patience, memory = (_MORE_PATIENCE, _MORE_MOMENTUM) if many else (_PATIENCE, _MOMENTUM)
    shorter = _MUCH_SHORTER if many else _SHORTER
    seen: list[Flags] = []
    prices, served, near = np.minimum(state.prices, rooms.lost), np.zeros(n), list_all(rooms)
    worth, share, alive = np.zeros(len(rooms.room)), np.zeros(len(rooms.row)), state.alive
    best, best_prices, pace, waited, way = state.bound, prices, 1.0, 0, np.zeros(n)
    unit = _units(rooms)
    each, top = _OFTEN * (1 + len(rooms.row) // _SEARCH_ENTRIES), goal_of(rooms, state.best.value)
    for turn in range(_MORE_ROUNDS if many else _ROUNDS):
        if many and turn % _RENEW == 0:
            near = list_near(rooms, prices, state.best.served, _FARTHER)
            share, alive = np.zeros(len(near.rooms.row)), state.alive[near.inside]
        price(near.rooms, prices, alive, worth, share)
        chosen = choose(rooms, worth, state)
        seen.append(chosen)
        value = total_of(prices, worth[chosen])
        waited += 1
        if value > best:
            best, best_prices, waited = value, prices, 0
        if turn % each == 10:
            state = look(replace(state, prices=best_prices, share=_often(seen)), filled(rooms, worth, chosen), turn)
            top = goal_of(rooms, state.best.value)
        add_served(near.rooms.ptr, near.rooms.row, share, chosen, served)
        slope = (1.0 - served) * unit
        slope[(prices >= near.top) & (slope > 0)] = 0.0
        way = slope + memory * way
        size = float(way @ way)
        if best > min(top, enough) or size == 0.0:
            break
        if pace < _LEAST_PACE or deadline.left() <= 0.0:
            break
        if waited >= patience:
            pace, waited, prices = pace * shorter, 0, np.minimum(best_prices, near.top)
            way = way if many else np.zeros(n)  # a long memory would have to grow anew
            continue
        goal = state.best.value if np.isfinite(state.best.value) else max(aim, abs(value) * 1.05 + 1.0)
        prices = np.minimum(prices + pace * max(goal - value, 1e-6) / size * way * unit, near.top)
    return replace(state, prices=best_prices, bound=max(best, state.bound), share=_often(seen) if seen else state.share)


def _often(seen: list[Flags]) -> Floats:
    """Return the share of the later half of rounds in which prices opened each site."""
    return np.asarray(np.mean(seen[len(seen) // 2 :], axis=0))


def total_of(prices: Floats, worth: Floats) -> float:
    """Return the total that prices prove, less what rounding may have added where large prices cancel out."""
    return float(prices.sum() + worth.sum() - _ROUNDING * (np.abs(prices).sum() + np.abs(worth).sum()))


def _units(rooms: Rooms) -> Floats:
    """Return how far the price of each row goes in a step: rows that count for more go farther."""
    weight = rooms.question.weight
    counts = rooms.paid.any() or np.isfinite(rooms.lost).any()
    mean = float(weight.mean()) if counts else 0.0
    return np.asarray(np.maximum(weight / mean, 1e-3)) if mean > 0.0 else np.ones(len(weight))


def price(rooms: Rooms, prices: Floats, alive: Flags, worth: Floats, share: Floats) -> None:
    """Write what each site is worth at the prices, with its charge, and which parts of rows it serves."""
    told = (rooms.ptr, rooms.row, rooms.cost, rooms.load, rooms.room, prices, alive, rooms.whole)
    price_sites(*told, worth, share)
    worth += rooms.charge


def open_by_worth(rooms: Rooms, state: Bound) -> Flags:
    """Return as many open sites as may be, those that are worth most at the prices."""
    worth, share = np.zeros(len(rooms.room)), np.zeros(len(rooms.row))
    price(rooms, state.prices, state.alive, worth, share)
    return filled(rooms, worth, choose(rooms, worth, state))


def open_mostly(rooms: Rooms, state: Bound) -> Flags:
    """Return as many open sites as may be, those that prices opened most often on their way; worth most if none.

    A site is open about as often as the linear programme opens it in part, while what sites are worth at the last
    prices is nearly alike (the volume algorithm; Barahona and Anbil, 2000).
    """
    if not len(state.share):
        return open_by_worth(rooms, state)
    return filled(rooms, -state.share, state.fixed)


def hardly_open(rooms: Rooms, state: Bound) -> Flags:
    """Return the sites that prices hardly ever opened on their way; none where they went none."""
    return state.share < _RARE if len(state.share) else np.zeros(len(rooms.room), dtype=bool)


def filled(rooms: Rooms, worth: Floats, chosen: Flags) -> Flags:
    """Return the chosen sites with the next best ones, up to the number allowed."""
    out, question = chosen.copy(), rooms.question
    more = rooms.most - int((chosen & ~question.fixed).sum())
    free = np.flatnonzero(~chosen & ~question.banned)
    out[free[np.argsort(worth[free], kind="stable")[: max(more, 0)]]] = True
    return out


def choose(rooms: Rooms, worth: Floats, state: Bound) -> Flags:
    """Return the sites that are worth most, with those that are open anyway."""
    chosen = state.fixed.copy()
    free = np.flatnonzero(~state.fixed & ~state.banned & (worth < 0.0))
    left = max(rooms.most - int((state.fixed & ~rooms.question.fixed).sum()), 0)
    chosen[free[np.argsort(worth[free], kind="stable")[:left]]] = True
    return chosen
