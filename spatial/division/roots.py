"""Which grids would make a plan cheaper, whatever their root? All roots priced, side by side."""

from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import numpy as np

from spatial.division.piece import Piece
from spatial.division.pricing import SCALE, Bid, Columns, price_root
from spatial.division.sizes import STRENGTH, Sizes
from spatial.division.surroundings import Prices


@dataclass(frozen=True, slots=True)
class Roots:
    """A piece made ready for pricing.

    Attributes
    ----------
    order:
        Units as roots: a unit is the root of the grids in which no other comes before it.
    size_cost:
        By unit, integer cost of the size of a grid of this root, by households up to the most it may have.
    """

    piece: Piece
    prices: Prices
    order: Any
    size_cost: tuple[Any, ...]
    change: Any


def prepare_roots(piece: Piece, sizes: Sizes) -> Roots:
    """Return a piece ready for pricing: units with the greatest anchor and the most households come first."""
    count = len(piece.households)
    order = np.lexsort((np.arange(count), -piece.households, -piece.anchor))
    rank = np.empty(count, dtype=np.int64)
    rank[order] = np.arange(count)
    half = np.floor(piece.border * (0.5 * SCALE)).astype(np.int64)
    tables = {int(anchor): _cost_sizes(sizes, int(anchor)) for anchor in np.unique(piece.anchor)}
    return Roots(
        piece,
        Prices(rank, half, np.zeros((0, 3), np.int64), np.zeros(0, np.int64)),
        order,
        tuple(tables[int(anchor)] for anchor in piece.anchor),
        np.floor(piece.change * SCALE).astype(np.int64),
    )


def _cost_sizes(sizes: Sizes, anchor: int) -> Any:
    """Return the integer cost of a grid's size by households, up to the ceiling or the anchor above it."""
    return np.floor(SCALE * cost_size(sizes, np.arange(max(sizes.ceiling, anchor) + 1), anchor)).astype(np.int64)


def cost_size(sizes: Sizes, households: Any, anchor: Any) -> Any:
    """Return what size costs: balance about the aim and the penalty outside the band."""
    away = np.abs(households - np.maximum(sizes.target, anchor))
    balance = sizes.balance[np.minimum(away, len(sizes.balance) - 1)]
    penalty = sizes.penalty[np.minimum(households, len(sizes.penalty) - 1)]
    return balance + STRENGTH * np.where((anchor > 0) & (households <= anchor), 0.0, penalty)


@dataclass(frozen=True, slots=True)
class Found:
    """What pricing found: grids (units, today's grid inherited, reduced cost), the bound by root and name, the work."""

    grids: list[tuple[Any, int, float]]
    bounds: Any
    nodes: int
    complete: bool


_PARTS, _MEAN_UNITS = 32, 64
_UNPRICED: tuple[float, int, list[Any], bool] = (-np.inf, 0, [], False)


@dataclass(frozen=True, slots=True)
class Ask:
    """How far pricing goes.

    Attributes
    ----------
    below:
        Reduced cost under which grids are wanted.
    nodes, columns, units:
        By root: nodes of the search, grids returned, units looked at around it.
    every, total:
        Whether every such grid is wanted, or none if there are more than ``total``.
    """

    below: float
    nodes: int
    columns: int
    every: bool = False
    units: int = 1 << 40
    total: int = 1 << 40


def price_roots(
    roots: Roots, duals: Any, names: Any, rates: Any, ask: Ask, *,
    which: Any = None, pool: Executor | None = None,
    left: Callable[[], float] = lambda: 1.0,
) -> Found:  # fmt: skip
    """Return the grids that cost less than they pay, and by root and name a bound on the reduced cost of any grid.

    ``duals`` is by unit, ``names`` by today's grid (and 0 for a grid that inherits none); ``rates`` (roots x names,
    int64) is where the search for the price of a household starts; it is brought up to date in place. Roots whose turn
    comes when ``left()`` is 0 are not priced: their bound is minus infinity.
    """
    tasks = [(int(root), name) for root in (roots.order if which is None else which) for name in range(len(names))]
    paid = np.ceil(np.asarray(duals) * SCALE).astype(np.int64)
    broken, listed = list[bool](), list[int]()

    def price(part: list[tuple[int, int]]) -> list[Any]:
        done = []
        for task in part:
            if left() <= 0.0 or (ask.every and broken):
                done.append(_UNPRICED)
                continue
            done.append(_price(roots, paid, names, rates, ask, task))
            listed.append(len(done[-1][2]))
            if not done[-1][3] or (ask.every and sum(listed) > ask.total):
                broken.append(True)
        return done

    parts = [tasks[i::_PARTS] for i in range(_PARTS)]
    run = pool.map if pool is not None else map
    found = list(run(price, parts))
    grids: list[tuple[Any, int, float]] = []
    bounds = np.zeros(rates.shape)
    nodes, complete = 0, True
    for task, (bound, looked, columns, whole) in sorted(zip(_flat(parts), _flat(found), strict=True), key=_by_task):
        bounds[task] = bound
        nodes += looked
        complete &= whole
        grids += [(units, task[1], cost) for units, cost in columns]
    return Found(grids, bounds, nodes, complete and not broken)


def _by_task(row: tuple[tuple[int, int], Any]) -> tuple[int, int]:
    return row[0]


def _flat(parts: Iterable[list[Any]]) -> list[Any]:
    return [item for part in parts for item in part]


def _price(roots: Roots, paid: Any, names: Any, rates: Any, ask: Ask, task: tuple[int, int]) -> Any:
    root, name = task
    term = roots.change[:, name] - paid
    columns = _empty_columns(ask.columns, len(paid))
    dual = int(np.ceil(names[name] * SCALE))
    cutoff = int(np.floor(ask.below * SCALE)) + dual
    limits: Any = np.array([cutoff, ask.nodes, ask.units], dtype=np.int64)
    bid = Bid(limits[0], limits[1], limits[2], ask.every)
    cost = roots.size_cost[root]
    bound, nodes, rate = price_root(
        roots.piece, roots.prices, root, term, cost, np.int64(rates[root, name]), bid, columns
    )
    rates[root, name] = rate
    count = int(columns.count[0])
    # a search that left something unopened (too deep, too long) has a bound below the cutoff
    whole = columns.count[1] == 0 and nodes < ask.nodes and not (ask.every and bound < cutoff)
    grids = [
        (np.sort(columns.unit[columns.start[i] : columns.start[i + 1]]), (int(columns.cost[i]) - dual) / SCALE)
        for i in range(count)
    ]
    return (int(bound) - dual) / SCALE, int(nodes), grids, whole


def _empty_columns(columns: int, units: int) -> Columns:
    return Columns(
        np.zeros(columns * min(units, _MEAN_UNITS) + 10 * units, np.int64),
        np.zeros(columns + 1, np.int64),
        np.zeros(columns, np.int64),
        np.zeros(2, np.int64),
    )
