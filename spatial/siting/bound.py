"""How low can the total be? A Lagrangian bound, and the sites it proves open or shut.

The rule that each row is served once is priced; what is left falls apart by column. Sites whose change would lift the
bound to the best known total are settled, so that the exact model stays small (Beasley, "A note on solving large
p-median problems", 1985).
"""

import time
from dataclasses import dataclass

import numpy as np

from spatial.siting.costs import Costs, restrict, serve, step, total
from spatial.siting.reach import Flags, Floats
from spatial.siting.search import improve_by_swaps

_STAGES = 6
_ROUNDS = 120
_PATIENCE = 10
_MOMENTUM = 0.3
_LOOK_EVERY = 4
_MOST_STARTS = 8
_START_VISITS = 400_000_000
"""Entries that the searches from the open sets of a stage may look at, at some hundred swaps each."""
_SWAPS = 100
_ENTRY_VISITS = 1_500_000_000
"""Entries looked at before the bound is left as it is: some seconds of work, the same on every machine."""
_RELATIVE = 1e-9


@dataclass(frozen=True, slots=True)
class Bounded:
    """Best open set found, its total, a proven lower bound, and the costs with settled columns fixed or closed."""

    opened: Flags
    value: float
    bound: float
    costs: Costs


@dataclass(frozen=True, slots=True)
class _Priced:
    """The Lagrangian at some prices: value, columns it opens, what each column is worth, rows not served just once."""

    value: float
    chosen: Flags
    worth: Floats
    slope: Floats


@dataclass(frozen=True, slots=True)
class _Climb:
    """What a run of price steps found: best value and prices, settled columns, the best open sets it met."""

    value: float
    prices: Floats
    fixed: Flags
    closed: Flags
    met: tuple[Flags, ...]


def tighten(costs: Costs, p: int, opened: Flags, *, time_limit_s: float) -> Bounded:
    """Return bound, incumbent and settled columns, from an open set of at most ``p`` columns besides the fixed ones.

    The amount of work is fixed; a stage is not begun when the time is over.
    """
    started = time.monotonic()
    most = p + int(costs.fixed.sum())
    state = Bounded(opened, total(costs, opened), 0.0, costs)
    served = serve(costs, opened)
    prices = (served.first + 0.5 * (served.second - served.first)) * costs.weight
    stages = min(max(_ENTRY_VISITS // max(len(costs.row) * _ROUNDS, 1), 1), _STAGES)
    for _ in range(stages):
        if is_closed(state) or time.monotonic() - started > time_limit_s:
            break
        state, prices = _run_stage(state, most, prices)
    return state


def is_closed(state: Bounded) -> bool:
    """Tell whether the bound proves that no open set is better."""
    return state.value - state.bound <= slack(state.costs, state.value)


def slack(costs: Costs, value: float) -> float:
    """Return how far below a total another must lie to count as better."""
    return max(step(costs) * (1 - 1e-6), _RELATIVE * max(value, 1.0))


def _run_stage(state: Bounded, most: int, prices: Floats) -> tuple[Bounded, Floats]:
    """Climb, search on from the best open set met, and drop what is settled."""
    climb = _climb(state, most, prices)
    opened, value = state.opened, state.value
    for start in climb.met:
        better = improve_by_swaps(state.costs, start)
        if (better_value := total(state.costs, better)) < value:
            opened, value = better, better_value
    bound = max(state.bound, min(climb.value, value))
    # The incumbent stays inside the smaller problem, so that it can start the exact model.
    smaller = restrict(state.costs, climb.fixed & opened, climb.closed & ~opened)
    return Bounded(opened, value, bound, smaller), climb.prices


def _climb(state: Bounded, most: int, prices: Floats) -> _Climb:
    """Move prices uphill by deflected subgradient steps of Polyak's length; steps halve where nothing improves."""
    costs = state.costs
    entry_cost = costs.cost * costs.weight[costs.row]
    floor = costs.weight * costs.default
    ceiling = floor.copy()
    np.minimum.at(floor, costs.row, entry_cost)
    goal = state.value - slack(costs, state.value)
    prices = np.clip(prices, floor, ceiling)
    best_value, best_prices = -np.inf, prices
    met: dict[bytes, tuple[float, Flags]] = {}
    fixed, closed = costs.fixed, costs.closed
    pace, waited, way = 1.0, 0, np.zeros(len(prices))
    for turn in range(_ROUNDS):
        priced = _price(costs, entry_cost, prices, most)
        fixed, closed = _settle(costs, priced, most, goal, fixed, closed)
        if turn % _LOOK_EVERY == 0:
            met[priced.chosen.tobytes()] = (total(costs, priced.chosen), priced.chosen)
        waited += 1
        if priced.value > best_value:
            best_value, best_prices, waited = priced.value, prices, 0
        way = priced.slope + _MOMENTUM * way
        size = float(way @ way)
        if best_value > goal or size == 0.0:
            break
        if waited >= _PATIENCE:
            pace, waited, prices, way = pace * 0.5, 0, best_prices, np.zeros(len(prices))
            continue
        prices = np.clip(prices + pace * (state.value - priced.value) / size * way, floor, ceiling)
    visits = len(costs.row) + most * len(fixed)
    starts = int(min(max(_START_VISITS // (visits * _SWAPS), 1), _MOST_STARTS))
    best = sorted(met.items(), key=lambda item: (item[1][0], item[0]))[:starts]
    return _Climb(best_value, best_prices, fixed, closed, tuple(opened for _, (_, opened) in best))


def _price(costs: Costs, entry_cost: Floats, prices: Floats, most: int) -> _Priced:
    """Return the Lagrangian: each row pays its price, each column takes what rows would save there."""
    saved = np.minimum(entry_cost - prices[costs.row], 0.0)
    worth: Floats = np.bincount(costs.col, saved, len(costs.fixed)).astype(np.float64)
    worth[costs.closed] = 0.0
    chosen = costs.fixed.copy()
    free = np.flatnonzero(~costs.fixed & (worth < 0.0))
    room = most - int(chosen.sum())
    chosen[free[np.argsort(worth[free], kind="stable")[:room]]] = True
    value = float(prices.sum() + worth[chosen].sum())
    serving = chosen[costs.col] & (saved < 0.0)
    slope = 1.0 - np.bincount(costs.row[serving], minlength=len(prices)).astype(np.float64)
    return _Priced(value, chosen, worth, slope)


def _settle(costs: Costs, priced: _Priced, most: int, goal: float, fixed: Flags, closed: Flags) -> tuple[Flags, Flags]:
    """Return fixed and closed columns, with those added whose change lifts the bound above the goal."""
    free = ~costs.fixed & ~costs.closed
    inside, outside = free & priced.chosen, free & ~priced.chosen
    full = int(priced.chosen.sum()) >= most
    weakest = float(priced.worth[inside].max(initial=-np.inf)) if full and inside.any() else 0.0
    runner_up = float(priced.worth[outside].min(initial=0.0)) if full else 0.0
    shut = outside & (priced.value + priced.worth - weakest > goal)
    sure = inside & (priced.value - priced.worth + runner_up > goal)
    return fixed | sure, closed | shut
