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
    """Cost tables by households (the last entry stands for all above): ``balance`` and ``penalty``; and the target."""

    balance: Any
    penalty: Any
    target: float
    ceiling: int


def build_sizes(band: Band, total: int, balance_weight: float) -> Sizes:
    """Return the cost tables for grids of a piece with ``total`` households.

    Balance is ``balance_weight`` at a deviation of a quarter of the target and grows with its square; the penalty is 0
    in the band and at least 1 outside.
    """
    floor, target, ceiling = band
    longest = min(max(total, 1), max(8 * ceiling, 1), _LONGEST_TABLE)
    households = np.arange(longest + 1, dtype=np.float64)
    balance = balance_weight * ((households - target) / (0.25 * target)) ** 2
    low = 1.0 + 2.0 * (floor - households) / floor
    high = _OVER * (1.0 + 2.0 * (households - ceiling) / ceiling)
    penalty = np.where(households < floor, low, np.where(households > ceiling, high, 0.0))
    return Sizes(balance, penalty, float(target), int(ceiling))


def count_range(total: int, band: Band) -> tuple[int, int]:
    """Return the least and the greatest number of grids in the band; the first exceeds the second where none exists."""
    return -(-total // band.ceiling), total // band.floor


def nearest_count(total: int, band: Band) -> int:
    """Return how many grids to aim at: nearest the target, in the band where possible, never above the ceiling."""
    low, high = count_range(total, band)
    wanted = max(1, round(total / band.target))
    return max(1, low, min(wanted, max(low, high)))
