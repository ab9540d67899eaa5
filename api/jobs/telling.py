"""What does a job tell while it runs, and how do the stages of a division become one share of the whole?"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any, Protocol

from spatial.division.course import PROVING, SEARCHING

_SEARCH = 0.2
"""Share of a division that finding a first plan counts for; the rest is its proof."""
_APART_S = 2.0
"""Least time between two plans that are told whole; figures are told always."""


class Teller(Protocol):
    """What a job is told to."""

    def progress(self, stage: str, share: float) -> None:
        """Take what is being done, and how much of the whole is, from 0 to 1."""

    def event(self, kind: str, told: Mapping[str, Any]) -> None:
        """Take something that happened."""


@dataclass(slots=True)
class DivisionTeller:
    """Progress of a division (a ``Watcher``): its better plans are told as events ``better`` and ``plan``."""

    teller: Teller
    total: float = math.inf
    bound: float = -math.inf
    shown: float = math.inf
    told: float = -math.inf

    def __call__(self, stage: str, share: float) -> None:
        """Tell a stage as a share of the whole."""
        whole = {SEARCHING: _SEARCH * share, PROVING: _SEARCH + (1.0 - _SEARCH) * share}
        self.teller.progress(stage, whole.get(stage, 0.0))

    def found(self, seconds: float, total: float, bound: float, assignment: Callable[[], Any]) -> None:
        """Tell what is better: figures, and from time to time the plan itself."""
        if total >= self.total and bound <= self.bound:
            return
        self.total, self.bound = min(total, self.total), max(bound, self.bound)
        gap = (self.total - self.bound) / self.total if self.total > 0 else 0.0
        figures = {"seconds": round(seconds, 3), "objective": self.total, "bound": self.bound, "gap": max(0.0, gap)}
        self.teller.event("better", figures)
        if self.total < self.shown and monotonic() - self.told >= _APART_S:
            self.shown, self.told = self.total, monotonic()
            self.teller.event("plan", {**figures, "assignment": assignment().to_dict()})
