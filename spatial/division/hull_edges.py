"""Which plans lie between two corners of the hull, and how cheap can those be that are not known?"""

from itertools import pairwise
from time import monotonic
from typing import Any

import numpy as np

from spatial.division.master import price_columns
from spatial.division.roots import Found
from spatial.division.staircase import Line, Plan, list_edges, rate_of
from spatial.division.trades import Case, is_open, is_settled
from spatial.division.weaving import Scope, lay_cloth, lay_threads, weave
from spatial.division.weighing import Scales, Work, lay_scales, list_grids, split_scales, tighten

_CUT_ROUNDS, _CLOSE, _HARDLY = 10, 0.1, 0.98
_WIDE, _SPLITS = 0.015, 2
"""Where prices leave more of the cost open than this share, numbers of grids are looked at apart, so often at most."""
_TRIES = (
    (0.0, 20_000), (1.0, 2_000), (1.0, 6_000), (1.0, 20_000), (0.5, 20_000), (1.0, 60_000), (0.5, 60_000),
    (1.0, 200_000), (0.5, 200_000),
)  # fmt: skip
_STEPS, _ROOM = 50_000_000, 4_000


def settle(case: Case, low: Plan, high: Plan) -> None:
    """Find all plans between two corners, or bound what they cost, with a fair share of what is left of the work."""
    case.tried.add((low.moved, high.moved))
    rate, work = rate_of(low, high), case.work
    value = low.cost + rate * low.moved
    waiting = 1 + sum(is_open(case, *pair) for pair in list_edges(case.plans))
    until = monotonic() + work.left() / waiting
    share = Work(work.nodes // waiting, lambda: min(work.left(), until - monotonic()), work.pool)
    before = share.nodes
    scales = lay_scales(case.weigh(rate), case.sizes, [plan.labels for plan in case.plans], value, share)
    parts = _part(case, scales, (low, high))
    for width, most in _TRIES:
        if share.over or is_settled(case, low.moved, high.moved):
            break
        if not _weave(case, parts, (low, high), width, most) and width == 1.0:
            for part in parts:
                if part.bound < part.enough:
                    tighten(part)
    case.lines.append(Line(rate, min(part.bound for part in parts)))
    work.nodes -= before - share.nodes


def _part(case: Case, scales: Scales, edge: tuple[Plan, Plan]) -> list[Scales]:
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


def _widest(case: Case, edge: tuple[Plan, Plan]) -> float:
    """Return what no plan weighs more than that nothing beats, between two corners."""
    rate, inside = rate_of(*edge), _inside(case, edge)
    return max([edge[0].cost + rate * edge[0].moved, *(a.cost + rate * (b.moved - 1) for a, b in pairwise(inside))])


def _inside(case: Case, edge: tuple[Plan, Plan]) -> list[Plan]:
    return [plan for plan in case.plans if edge[0].moved <= plan.moved <= edge[1].moved]


def _weave(case: Case, parts: list[Scales], edge: tuple[Plan, Plan], width: float, most: int) -> bool:
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


def _note_settled(case: Case, rate: float, weight: float, begin: int, end: int) -> None:
    """Note that all plans that move from ``begin`` to below ``end`` were looked at, up to a weight."""
    known = [plan for plan in case.plans if begin <= plan.moved <= end]
    for a, b in pairwise(known):
        if a.cost + rate * (b.moved - 1) <= weight + case.margin(a.cost):
            case.settled.append((a.moved, b.moved))
    least = min([weight, *(plan.cost + rate * plan.moved for plan in case.plans)])
    case.lines.append(Line(rate, least, begin, end))


def _put_together(case: Case, rate: float, listed: Found, inside: list[Plan], base: float, weight: float) -> int | None:
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


def _label(case: Case, columns: list[Any], names: Any) -> Any:
    labels, fresh = np.zeros(case.units, dtype=np.int64), case.olds
    for units, name in zip(columns, names, strict=True):
        labels[units] = name if name < case.olds else fresh
        fresh += int(name >= case.olds)
    return labels


def _spans(case: Case, columns: list[Any]) -> Any:
    """Return by column what its span costs."""
    if case.sizes.span_weight == 0.0:
        return np.zeros(len(columns))
    x, y = case.piece.x, case.piece.y
    longest = [np.hypot(x[u][:, None] - x[u], y[u][:, None] - y[u]).max() for u in columns]
    return case.sizes.span_weight * np.array(longest)
