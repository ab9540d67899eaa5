"""How cheap can a piece be divided if only so many households may change grid? Every such trade, proved one by one.

Plans that are cheaper for every number of households moved lie on a staircase. Its corners on the lower hull are found
by weighing moves against costs (Aneja & Nair 1979); those between two of them are weighted sums within a gap of the
optimum, so that all grids that any of them may contain can be listed by their reduced costs and put together.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from time import monotonic
from typing import Any

import numpy as np

from spatial.division.master import price_columns
from spatial.division.names import match_names
from spatial.division.piece import Piece, count_olds
from spatial.division.proof import prove
from spatial.division.roots import Found
from spatial.division.search import Effort, find_labels
from spatial.division.sizes import Band, Sizes
from spatial.division.staircase import NO_END, Line, Plan, Step, list_edges, rate_of
from spatial.division.tally import measure_cost
from spatial.division.weaving import Scope, lay_cloth, lay_threads, weave
from spatial.division.weighing import Scales, Work, lay_scales, list_grids, split_scales, tighten

MARGIN = 1e-7
"""Costs nearer to each other than this share of them are equal."""
_SNAPSHOTS, _MOST_LOOKS, _PASSES = 60, 24, 2
_CUT_ROUNDS, _CLOSE, _HARDLY = 10, 0.1, 0.98
_WIDE, _SPLITS = 0.015, 2
"""Where prices leave more of the cost open than this share, numbers of grids are looked at apart, so often at most."""
_TRIES = (
    (0.0, 20_000), (1.0, 2_000), (1.0, 6_000), (1.0, 20_000), (0.5, 20_000), (1.0, 60_000), (0.5, 60_000),
    (1.0, 200_000), (0.5, 200_000),
)  # fmt: skip
_STEPS, _ROOM = 50_000_000, 4_000


@dataclass(frozen=True, slots=True)
class Frontier:
    """Plans of a piece, none beaten by another, by households moved; and the steps of a bound on every plan."""

    plans: tuple[Plan, ...]
    steps: tuple[Step, ...]


@dataclass(slots=True)
class _Case:
    """A piece, the households by unit and name that move, and what is known of its plans."""

    piece: Piece
    sizes: Sizes
    band: Band
    moves: Any
    seed: int
    moves_per_unit: int
    work: Work
    tell: Callable[[float], None]
    plans: list[Plan] = field(default_factory=list)
    settled: list[tuple[int, int]] = field(default_factory=list)
    tried: set[tuple[int, int]] = field(default_factory=set)
    lines: list[Line] = field(default_factory=list)
    least_moved: int = 0

    @property
    def units(self) -> int:
        return len(self.piece.households)

    @property
    def olds(self) -> int:
        return count_olds(self.piece)

    def weigh(self, rate: float) -> Piece:
        """Return the piece in which a household that moves costs ``rate``."""
        return self.piece._replace(change=np.ascontiguousarray(rate * self.moves))

    def enter(self, labels: Any) -> None:
        """Take a plan in, under the names that move the fewest households, unless it is beaten."""
        labels = match_names(self.weigh(1.0), labels)
        moved = round(float(self.moves[np.arange(self.units), np.minimum(labels, self.olds)].sum()))
        cost = measure_cost(self.weigh(0.0), self.sizes, labels)
        at = bisect_right(self.plans, moved, key=_moved)
        if at and self.plans[at - 1].cost <= cost + self.margin(cost):
            return
        beaten = [p for p in self.plans if p.moved >= moved and p.cost >= cost - self.margin(cost)]
        kept = [p for p in self.plans if not any(p is b for b in beaten)]
        self.plans = sorted([*kept, Plan(moved, cost, labels)], key=_moved)

    def margin(self, cost: float) -> float:
        """Return how much costs must differ to be different."""
        return MARGIN * max(1.0, abs(cost))


def _moved(plan: Plan) -> int:
    return plan.moved


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
    case = _Case(
        piece, sizes, band, np.asarray(moves, dtype=np.float64), effort.seed, effort.moves_per_block, work, tell
    )
    _look(case, 0.0, start)
    _prove_ends(case, start)
    _look_along(case)
    for _ in range(_PASSES):
        case.tried.clear()
        _settle_all(case)
    return Frontier(tuple(case.plans), tuple(_steps(case)))


def _settle_all(case: _Case) -> None:
    """Try every edge of the hull once, those that come up on the way too."""
    while not case.work.over:
        edge = next((pair for pair in list_edges(case.plans) if _is_open(case, *pair)), None)
        if edge is None:
            return
        _settle(case, *edge)
        case.tell(_share(case))


def _share(case: _Case) -> float:
    """Return the share of the hull's edges that are done with."""
    edges = list(list_edges(case.plans))
    return 1.0 - sum(_is_open(case, *pair) for pair in edges) / max(1, len(edges))


def _look(case: _Case, rate: float, start: Any) -> None:
    """Search for plans at a rate and take in whatever is met."""
    moves = Effort(case.moves_per_unit, case.seed)

    def tick(_moves: int) -> bool:
        return case.work.left() > 0.0

    weighed = case.weigh(rate)
    found = find_labels(weighed, case.sizes, case.band, moves, tick, start=start, snapshots=_SNAPSHOTS)
    for labels in (found.labels, *found.snapshots):
        case.enter(labels)


def _look_along(case: _Case) -> None:
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


def _prove_ends(case: _Case, start: Any) -> None:
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


def _prove(case: _Case, piece: Piece, sizes: Sizes, labels: Any, *, whole: bool = False) -> Any:
    """Prove what a plan costs at least; where costs are ``whole`` numbers, no more than the next one is needed."""
    others, met = np.array([plan.labels for plan in case.plans]), list[bool]()
    nodes, pool = max(1, case.work.nodes // 4), case.work.pool

    def left() -> float:
        return 0.0 if met else 0.5 * case.work.left()

    def hear(_labels: Any, total: float, bound: float) -> None:
        if whole and np.ceil(bound - 1e-6) >= round(total):
            met.append(True)

    return prove(piece, sizes, labels, others, nodes=nodes, left=left, pool=pool, tell=hear)


def _is_settled(case: _Case, begin: int, end: int) -> bool:
    """Tell whether the cheapest plan is known for every number of households moved from ``begin`` to below ``end``."""
    for low, high in sorted(case.settled):
        if low <= begin < high:
            begin = high
    return begin >= end


def _is_open(case: _Case, low: Plan, high: Plan) -> bool:
    return (low.moved, high.moved) not in case.tried and not _is_settled(case, low.moved, high.moved)


def _settle(case: _Case, low: Plan, high: Plan) -> None:
    """Find all plans between two corners, or bound what they cost, with a fair share of what is left of the work."""
    case.tried.add((low.moved, high.moved))
    rate, work = rate_of(low, high), case.work
    value = low.cost + rate * low.moved
    waiting = 1 + sum(_is_open(case, *pair) for pair in list_edges(case.plans))
    until = monotonic() + work.left() / waiting
    share = Work(work.nodes // waiting, lambda: min(work.left(), until - monotonic()), work.pool)
    before = share.nodes
    scales = lay_scales(case.weigh(rate), case.sizes, [plan.labels for plan in case.plans], value, share)
    parts = _part(case, scales, (low, high))
    for width, most in _TRIES:
        if share.over or _is_settled(case, low.moved, high.moved):
            break
        if not _weave(case, parts, (low, high), width, most) and width == 1.0:
            for part in parts:
                if part.bound < part.enough:
                    tighten(part)
    case.lines.append(Line(rate, min(part.bound for part in parts)))
    work.nodes -= before - share.nodes


def _part(case: _Case, scales: Scales, edge: tuple[Plan, Plan]) -> list[Scales]:
    """Return the programs of an edge with their cuts: one, or several by the number of grids."""
    low, high = edge
    value, most = low.cost + rate_of(low, high) * low.moved, _widest(case, edge)
    parts = [scales]
    for _ in range(_SPLITS):
        torn = [part for part in parts if value - part.bound > _WIDE * abs(value)]
        parts = [half for part in parts for half in (split_scales(part, most) if part in torn else [part])]
    for part in parts:
        _tighten_all(part, value, low.cost - high.cost)
    return parts


def _tighten_all(scales: Scales, value: float, drop: float) -> None:
    """Add cuts as long as they help and the gap to a plan's value is wide, by what the edge drops."""
    for _ in range(_CUT_ROUNDS):
        gap = value - scales.bound
        if gap < _CLOSE * drop or scales.work.over or not tighten(scales) or value - scales.bound > _HARDLY * gap:
            return


def _widest(case: _Case, edge: tuple[Plan, Plan]) -> float:
    """Return what no plan weighs more than that nothing beats, between two corners."""
    rate, inside = rate_of(*edge), _inside(case, edge)
    return max([edge[0].cost + rate * edge[0].moved, *(a.cost + rate * (b.moved - 1) for a, b in pairwise(inside))])


def _inside(case: _Case, edge: tuple[Plan, Plan]) -> list[Plan]:
    return [plan for plan in case.plans if edge[0].moved <= plan.moved <= edge[1].moved]


def _weave(case: _Case, parts: list[Scales], edge: tuple[Plan, Plan], width: float, most: int) -> bool:
    """List the grids of plans of interest, ``most`` at most, and put them together; tell whether that was done.

    At full width those are all plans that may lie on the staircase between the corners, at none those that would move
    the corners.
    """
    low, rate = edge[0], rate_of(*edge)
    value = low.cost + rate * low.moved
    weight = value + width * (_widest(case, edge) - value)
    if len(_inside(case, edge)) < 2:
        return True  # plans met meanwhile beat the corners: other edges take over
    lists = []
    for scales in parts:
        listed, base = list_grids(scales, weight, most)
        if listed is None:
            return False
        lists.append((listed, base))
    begin, end = edge[0].moved, edge[1].moved
    for listed, base in lists:
        inside = _inside(case, edge)
        if len(inside) < 2:
            return True
        last = _put_together(case, rate, listed, inside, base, weight)
        if last is None:
            return False
        begin, end = max(begin, inside[0].moved), min(end, last)
    _note_settled(case, rate, weight, begin, end)
    return True


def _note_settled(case: _Case, rate: float, weight: float, begin: int, end: int) -> None:
    """Note that all plans that move from ``begin`` to below ``end`` were looked at, up to a weight."""
    known = [plan for plan in case.plans if begin <= plan.moved <= end]
    for a, b in pairwise(known):
        if a.cost + rate * (b.moved - 1) <= weight + case.margin(a.cost):
            case.settled.append((a.moved, b.moved))
    least = min([weight, *(plan.cost + rate * plan.moved for plan in case.plans)])
    case.lines.append(Line(rate, least, begin, end))


def _put_together(
    case: _Case, rate: float, listed: Found, inside: list[Plan], base: float, weight: float
) -> int | None:
    """Take in every plan of the listed grids up to a weight that nothing beats; return below how many moves all are.

    None where there were too many to look at.
    """
    columns, names = [units for units, _, _ in listed.grids], np.array([name for _, name, _ in listed.grids])
    if not len(columns):
        return inside[-1].moved
    cloth = lay_cloth([p.moved for p in inside], [p.cost for p in inside], case.units, len(inside) + _ROOM)
    flat, start = np.concatenate(columns), np.cumsum([0, *map(len, columns)])
    moved = np.add.reduceat(case.moves[flat, np.repeat(names, np.diff(start))], start[:-1])
    span = _spans(case, columns)
    cost = price_columns(case.weigh(0.0), case.sizes, flat, start, names)
    reduced = np.array([value for _, _, value in listed.grids]) + span
    threads, order = lay_threads(columns, names, cost, np.round(moved), reduced, case.units)
    if not weave(threads, cloth, case.olds, Scope(rate, base, weight, case.margin(inside[0].cost), _STEPS)):
        return None
    for row in cloth.column[: int(cloth.count[0])]:
        if row[0] >= 0:
            chosen = order[row[row >= 0]]
            case.enter(_label(case, [columns[at] for at in chosen], names[chosen]))
    return int(cloth.moved[int(cloth.count[0]) - 1])


def _label(case: _Case, columns: list[Any], names: Any) -> Any:
    labels, fresh = np.zeros(case.units, dtype=np.int64), case.olds
    for units, name in zip(columns, names, strict=True):
        labels[units] = name if name < case.olds else fresh
        fresh += int(name >= case.olds)
    return labels


def _spans(case: _Case, columns: list[Any]) -> Any:
    """Return by column what its span costs."""
    if case.sizes.span_weight == 0.0:
        return np.zeros(len(columns))
    x, y = case.piece.x, case.piece.y
    longest = [np.hypot(x[u][:, None] - x[u], y[u][:, None] - y[u]).max() for u in columns]
    return case.sizes.span_weight * np.array(longest)


def _steps(case: _Case) -> Iterator[Step]:
    """Yield the steps of the bound: what is settled meets the plans, elsewhere the weighted sums bound."""
    plans = case.plans
    if case.least_moved < plans[0].moved:
        yield Step(case.least_moved, _bound(case, plans[0].moved - 1))
    for at, plan in enumerate(plans):
        end = plans[at + 1].moved if at + 1 < len(plans) else NO_END
        if _is_settled(case, plan.moved, end):
            yield Step(plan.moved, plan.cost)
            continue
        yield Step(plan.moved, min(plan.cost, _bound(case, plan.moved)))
        if end > plan.moved + 1:
            yield Step(plan.moved + 1, min(plan.cost, _bound(case, end - 1)))


def _bound(case: _Case, moved: int) -> float:
    """Return a cost below which there is no plan that moves so many households at most."""
    known = [line.weight - line.rate * moved for line in case.lines if line.begin <= moved < line.end]
    return max([0.0, *known])
