"""Can these households be divided into grids in the band at all, and if not, why not?

Arithmetic first: a total H makes n grids only if floor * n <= H <= ceiling * n. Then what the blocks, which are never
split, allow: sums of subsets, whatever their place on the map. What passes may still fail on the map; what fails here
fails everywhere.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from spatial.division.sizes import Band, count_range, nearest_count, to_band
from spatial.errors import InputError
from spatial.profile import Profile

_PACKED_EXACTLY = 12
_SUMMED = 400


@dataclass(frozen=True, slots=True)
class Feasibility:
    """Whether a band can be kept.

    Attributes
    ----------
    feasible:
        False where no division can put every grid in the band.
    counts:
        The numbers of grids that may be possible (without the oversize blocks, which stand alone).
    nearest:
        The number of grids to aim at instead; it keeps the ceiling.
    reasons:
        One sentence per obstacle; empty where there is none.
    """

    feasible: bool
    counts: tuple[int, ...]
    nearest: int
    reasons: tuple[str, ...]


def check_feasible(households: Any, profile: Profile) -> Feasibility:
    """Return whether blocks with these households can form grids in the band of the profile.

    ``households`` are the blocks of one connected component: a Series by block id, a mapping or any sequence (blocks
    are then named by position). Blocks above the ceiling are obstacles that are named; they stand alone and the rest
    is judged without them.

    Raises
    ------
    InputError
        If a block has negative households.
    """
    series = _to_series(households)
    grid = profile.grid
    band = to_band(grid)
    oversize = series[series > band.ceiling]
    rest = series[series <= band.ceiling]
    reasons = [
        f"block {block} has {count} households, above the ceiling of {band.ceiling}, and cannot be split"
        for block, count in oversize.items()
    ]
    counts, obstacles = _judge(rest, band)
    reasons += obstacles
    return Feasibility(not reasons, counts, nearest_count(int(rest.sum()), band) if len(rest) else 0, tuple(reasons))


def _to_series(households: Any) -> Any:
    series = pd.Series(dict(households)) if isinstance(households, Mapping) else pd.Series(households)
    series = series.astype("int64")
    if (series < 0).any():
        raise InputError(f"block {series.idxmin()}: found {series.min()} households, needed 0 or more")
    return series.sort_index()


def _judge(rest: Any, band: Band) -> tuple[tuple[int, ...], list[str]]:
    """Return the possible numbers of grids for blocks within the ceiling, and what stands in the way."""
    total = int(rest.sum())
    if total == 0:
        return (), []
    low, high = count_range(total, band)
    if low > high:
        return (), [explain_total(total, band)]
    blocked = [
        f"block {block} has {count} households and no others fill a grid of {band.floor} to {band.ceiling} with it"
        for block, count in _uncompletable(rest, band)
    ]
    if blocked:
        return (), blocked
    positive = tuple(sorted((int(h) for h in rest if h > 0), reverse=True))
    heavy = sum(1 for h in positive if 2 * h > band.ceiling)
    counts = tuple(n for n in range(max(low, heavy), high + 1) if _packs(positive, n, band))
    if counts:
        return counts, []
    return (), [
        f"{total} households in blocks of {_list(positive)} cannot be put into grids of {band.floor} to {band.ceiling}"
    ]


def explain_total(total: int, band: Band) -> str:
    """Return why a total makes no whole number of grids in the band."""
    if total < band.floor:
        return f"{total} households are fewer than the floor of {band.floor}"
    fewer = total // band.ceiling
    return (
        f"{total} households make no whole number of grids of {band.floor} to {band.ceiling}: {fewer} would hold at "
        f"most {fewer * band.ceiling}, {fewer + 1} at least {(fewer + 1) * band.floor}"
    )


def _uncompletable(rest: Any, band: Band) -> Iterator[tuple[Any, int]]:
    """Yield the blocks that no subset of the others completes to a grid in the band."""
    sizes = sorted(int(h) for h in rest if h > 0)
    if len(sizes) > _SUMMED:
        return
    hopeless = {size for size in set(sizes) if size < band.floor and not _completes(size, sizes, band)}
    yield from ((block, int(count)) for block, count in rest.items() if int(count) in hopeless)


def _completes(size: int, sizes: list[int], band: Band) -> bool:
    """Tell whether some of the other sizes add up to a grid in the band with this one; ``sizes`` ascend."""
    others = sizes.copy()
    others.remove(size)
    sums = 1
    for other in others:
        sums |= sums << other
        sums &= (1 << (band.ceiling - size + 1)) - 1
        if sums >> (band.floor - size):
            return True
    return False


def _packs(positive: tuple[int, ...], grids: int, band: Band) -> bool:
    """Tell whether blocks can fill so many grids of the band; True where there are too many blocks to look at."""
    if len(positive) > _PACKED_EXACTLY:
        return True
    sums = np.zeros(1 << len(positive), dtype=np.int64)
    for i, count in enumerate(positive):
        sums[1 << i : 2 << i] = sums[: 1 << i] + count
    fits = (sums >= band.floor) & (sums <= band.ceiling)

    @cache
    def fill(left: int, remaining: int) -> bool:
        if remaining == 0:
            return left == 0
        if not band.floor * remaining <= sums[left] <= band.ceiling * remaining:
            return False
        first = left & -left
        others = left ^ first
        some = others
        while True:
            if fits[some | first] and fill(others ^ some, remaining - 1):
                return True
            if some == 0:
                return False
            some = (some - 1) & others

    return fill((1 << len(positive)) - 1, grids)


def _list(numbers: tuple[int, ...]) -> str:
    shown = ", ".join(map(str, numbers[:12]))
    return shown if len(numbers) <= 12 else f"{shown}, ..."
