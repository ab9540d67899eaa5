"""What does a grid of so many households cost?

The band comes first: a grid outside it pays a penalty far above anything that balance and borders can save, and one
above the ceiling more than one below the floor, because blocks within the ceiling can always be kept within it.
"""

from typing import Any, NamedTuple

import numpy as np

from spatial.profile import CommunityRules, GridRules

STRENGTH = 30.0
"""Cost of one unit of penalty: more than balance and borders of a few grids together."""
_OVER = 6.0
_LONGEST_TABLE = 4_000_000


class Band(NamedTuple):
    """Households a grid or community should have."""

    floor: int
    target: int
    ceiling: int


def to_band(rules: GridRules | CommunityRules) -> Band:
    """Return the band of a profile's grids or communities."""
    return Band(rules.floor_households, rules.target_households, rules.ceiling_households)


class Sizes(NamedTuple):
    """What the size of a grid costs; the last entry of each table stands for all above.

    ``balance`` is by distance between a grid's households and its aim: the target, or its anchor where that is greater.
    ``penalty`` is by households: 0 in the band, above 0 outside. ``span_weight`` is the cost per metre of a grid's
    span, the longest distance between two of its units.
    """

    balance: Any
    penalty: Any
    target: int
    floor: int
    ceiling: int
    span_weight: float


def build_sizes(
    band: Band,
    total: int,
    balance_weight: float,
    *,
    far_weight: float = 0.0,
    far_share: float = 0.4,
    floor_penalty: bool = True,
    span_weight: float = 0.0,
) -> Sizes:
    """Return the cost tables for grids of a piece with ``total`` households.

    Balance is ``balance_weight`` at a deviation of a quarter of the target and grows with its square, plus
    ``far_weight`` per target beyond the share ``far_share`` of it. The penalty is 0 in the band and at least 1 outside,
    below the floor only with ``floor_penalty``.
    """
    floor, target, ceiling = band
    longest = min(max(total, target, 1), max(8 * ceiling, target, 1), _LONGEST_TABLE)
    households = np.arange(longest + 1, dtype=np.float64)
    share = households / target
    balance = balance_weight * (share / 0.25) ** 2 + far_weight * np.maximum(0.0, share - far_share)
    low = 1.0 + 2.0 * (floor - households) / floor if floor_penalty else np.zeros(longest + 1)
    high = _OVER * (1.0 + 2.0 * (households - ceiling) / ceiling)
    penalty = np.where(households < floor, low, np.where(households > ceiling, high, 0.0))
    return Sizes(balance, penalty, int(target), int(floor), int(ceiling), float(span_weight))


def count_range(total: int, band: Band) -> tuple[int, int]:
    """Return the least and the greatest number of grids in the band; the first exceeds the second where none exists."""
    return -(-total // band.ceiling), total // band.floor


def nearest_count(total: int, band: Band) -> int:
    """Return how many grids to aim at: nearest the target, in the band where possible, never above the ceiling."""
    low, high = count_range(total, band)
    wanted = max(1, round(total / band.target))
    return max(1, low, min(wanted, max(low, high)))
