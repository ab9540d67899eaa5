"""What is known of the plans of a piece, by how many households they move?"""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from spatial.division.names import match_names
from spatial.division.piece import Piece, count_olds
from spatial.division.sizes import Band, Sizes
from spatial.division.staircase import Line, Plan
from spatial.division.tally import measure_cost
from spatial.division.weighing import Work

MARGIN = 1e-7
"""Costs nearer to each other than this share of them are equal."""


@dataclass(slots=True)
class Case:
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
        """Number of units of the piece."""
        return len(self.piece.households)

    @property
    def olds(self) -> int:
        """Number of today's grids."""
        return count_olds(self.piece)

    def weigh(self, rate: float) -> Piece:
        """Return the piece in which a household that moves costs ``rate``."""
        return self.piece._replace(change=np.ascontiguousarray(rate * self.moves))

    def enter(self, labels: Any) -> None:
        """Take a plan in, under the names that move the fewest households, unless it is beaten."""
        labels = match_names(self.weigh(1.0), labels)
        moved = round(float(self.moves[np.arange(self.units), np.minimum(labels, self.olds)].sum()))
        cost = measure_cost(self.weigh(0.0), self.sizes, labels)
        at = bisect_right(self.plans, moved, key=lambda plan: plan.moved)
        if at and self.plans[at - 1].cost <= cost + self.margin(cost):
            return
        beaten = [p for p in self.plans if p.moved >= moved and p.cost >= cost - self.margin(cost)]
        kept = [p for p in self.plans if not any(p is b for b in beaten)]
        self.plans = sorted([*kept, Plan(moved, cost, labels)], key=lambda plan: plan.moved)

    def margin(self, cost: float) -> float:
        """Return how much costs must differ to be different."""
        return MARGIN * max(1.0, abs(cost))


def is_settled(case: Case, begin: int, end: int) -> bool:
    """Tell whether the cheapest plan is known for every number of households moved from ``begin`` to below ``end``."""
    for low, high in sorted(case.settled):
        if low <= begin < high:
            begin = high
    return begin >= end


def is_open(case: Case, low: Plan, high: Plan) -> bool:
    """Tell whether it was not tried yet which plans lie between two of the hull, and some may."""
    return (low.moved, high.moved) not in case.tried and not is_settled(case, low.moved, high.moved)
