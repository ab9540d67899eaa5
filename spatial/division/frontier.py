"""How cheap can a piece be divided if only so many households may change grid? Every such trade, proved one by one.

Plans that are cheaper for every number of households moved lie on a staircase. Its corners on the lower hull are found
by weighing moves against costs (Aneja & Nair 1979); those between two of them are weighted sums within a gap of the
optimum, so that all grids that any of them may contain can be listed by their reduced costs and put together.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from spatial.division.hull_edges import settle
from spatial.division.piece import Piece
from spatial.division.proof import prove
from spatial.division.search import Effort, find_labels
from spatial.division.sizes import Band, Sizes
from spatial.division.staircase import NO_END, Line, Plan, Step, list_edges, rate_of
from spatial.division.trades import Case, is_open, is_settled
from spatial.division.weighing import Work

_SNAPSHOTS, _MOST_LOOKS, _PASSES = 60, 24, 2


@dataclass(frozen=True, slots=True)
class Frontier:
    """Plans of a piece, none beaten by another, by households moved; and the steps of a bound on every plan."""

    plans: tuple[Plan, ...]
    steps: tuple[Step, ...]


def trace_frontier(
    piece: Piece,
    sizes: Sizes,
    band: Band,
    moves: Any,
    start: Any,
    *,
    effort: Effort,
    work: Work,
    tell: Callable[[float], None] = lambda share: None,
) -> Frontier:
    """Return the plans of a connected piece that no other beats in both cost and households moved, with a bound.

    ``moves`` (units x names) is the households of a unit that move in the grid of a name; ``start`` is labels of
    today. The steps of the bound meet the plans wherever that was proved before the work was over. ``tell`` hears of
    every stretch that is done.
    """
    case = Case(
        piece, sizes, band, np.asarray(moves, dtype=np.float64), effort.seed, effort.moves_per_block, work, tell
    )
    _look(case, 0.0, start)
    _prove_ends(case, start)
    _look_along(case)
    for _ in range(_PASSES):
        case.tried.clear()
        _settle_all(case)
    return Frontier(tuple(case.plans), tuple(_steps(case)))


def _settle_all(case: Case) -> None:
    """Try every edge of the hull once, those that come up on the way too."""
    while not case.work.over:
        edge = next((pair for pair in list_edges(case.plans) if is_open(case, *pair)), None)
        if edge is None:
            return
        settle(case, *edge)
        case.tell(_share(case))


def _share(case: Case) -> float:
    """Return the share of the hull's edges that are done with."""
    edges = list(list_edges(case.plans))
    return 1.0 - sum(is_open(case, *pair) for pair in edges) / max(1, len(edges))


def _look(case: Case, rate: float, start: Any) -> None:
    """Search for plans at a rate and take in whatever is met."""
    moves = Effort(case.moves_per_unit, case.seed)

    def tick(_moves: int) -> bool:
        return case.work.left() > 0.0

    weighed = case.weigh(rate)
    found = find_labels(weighed, case.sizes, case.band, moves, tick, start=start, snapshots=_SNAPSHOTS)
    for labels in (found.labels, *found.snapshots):
        case.enter(labels)


def _look_along(case: Case) -> None:
    """Search at the rates of the hull's edges until its corners stay where they are."""
    seen: set[tuple[int, int]] = set()
    for _ in range(_MOST_LOOKS):
        fresh = [pair for pair in list_edges(case.plans) if (pair[0].moved, pair[1].moved) not in seen]
        if not fresh or case.work.left() <= 0.0:
            return
        low, high = max(fresh, key=lambda pair: pair[0].cost - pair[1].cost)
        seen.add((low.moved, high.moved))
        _look(case, rate_of(low, high), low.labels)
        case.tell(0.0)


def _prove_ends(case: Case, start: Any) -> None:
    """Find the cheapest plan whatever it moves, and the least that any plan moves."""
    best = case.plans[-1]
    free = case.piece._replace(change=np.zeros((case.units, 1)))
    cheapest = _prove(case, free, case.sizes, best.labels)
    case.enter(cheapest.labels)
    case.lines.append(Line(0.0, cheapest.bound))
    if case.plans[-1].cost <= cheapest.bound + case.margin(cheapest.bound):
        case.settled.append((case.plans[-1].moved, NO_END))
    if case.olds:
        _look(case, max(1.0, cheapest.total), start)
    if case.plans[0].moved > 0:
        idle = case.sizes._replace(balance=np.zeros(1), penalty=np.zeros(1), span_weight=0.0)
        moves = case.weigh(1.0)._replace(border=np.zeros(len(case.piece.border)))
        least = _prove(case, moves, idle, case.plans[0].labels, whole=True)
        case.enter(least.labels)
        case.least_moved = int(np.ceil(least.bound - 1e-6))


def _prove(case: Case, piece: Piece, sizes: Sizes, labels: Any, *, whole: bool = False) -> Any:
    """Prove what a plan costs at least; where costs are ``whole`` numbers, no more than the next one is needed."""
    others, met = np.array([plan.labels for plan in case.plans]), list[bool]()
    nodes, pool = max(1, case.work.nodes // 4), case.work.pool

    def left() -> float:
        return 0.0 if met else 0.5 * case.work.left()

    def hear(_labels: Any, total: float, bound: float) -> None:
        if whole and np.ceil(bound - 1e-6) >= round(total):
            met.append(True)

    return prove(piece, sizes, labels, others, nodes=nodes, left=left, pool=pool, tell=hear)


def _steps(case: Case) -> Iterator[Step]:
    """Yield the steps of the bound: what is settled meets the plans, elsewhere the weighted sums bound."""
    plans = case.plans
    if case.least_moved < plans[0].moved:
        yield Step(case.least_moved, _bound(case, plans[0].moved - 1))
    for at, plan in enumerate(plans):
        end = plans[at + 1].moved if at + 1 < len(plans) else NO_END
        if is_settled(case, plan.moved, end):
            yield Step(plan.moved, plan.cost)
            continue
        yield Step(plan.moved, min(plan.cost, _bound(case, plan.moved)))
        if end > plan.moved + 1:
            yield Step(plan.moved + 1, min(plan.cost, _bound(case, end - 1)))


def _bound(case: Case, moved: int) -> float:
    """Return a cost below which there is no plan that moves so many households at most."""
    known = [line.weight - line.rate * moved for line in case.lines if line.begin <= moved < line.end]
    return max([0.0, *known])
