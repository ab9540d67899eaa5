"""Which plans are known by households moved, and what is known of all others? Plans, the edges below them, bounds."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

NO_END = 1 << 62
"""More households than any plan moves."""


class Plan(NamedTuple):
    """A division of the piece: households that it moves, what it costs without that, labels by unit."""

    moved: int
    cost: float
    labels: Any


class Line(NamedTuple):
    """No plan that moves m households at most costs less than ``weight - rate * m``, if ``begin <= m < end``."""

    rate: float
    weight: float
    begin: int = 0
    end: int = NO_END


class Step(NamedTuple):
    """From so many households moved on no plan costs less than ``bound``, up to the next step."""

    moved: int
    bound: float


def rate_of(low: Plan, high: Plan) -> float:
    """Return what a household that moves saves between two plans."""
    return (low.cost - high.cost) / (high.moved - low.moved)


def list_edges(plans: list[Plan]) -> Iterator[tuple[Plan, Plan]]:
    """Yield the edges of the lower hull of plans, by households moved."""
    corners: list[Plan] = []
    for plan in plans:
        while len(corners) > 1 and rate_of(corners[-2], corners[-1]) <= rate_of(corners[-2], plan):
            corners.pop()
        corners.append(plan)
    yield from pairwise(corners)
