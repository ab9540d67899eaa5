"""Can these households be divided into grids in the band at all, and if not, why not?

Arithmetic first: a total H makes n grids only if floor * n <= H <= ceiling * n. Then what the blocks, which are never
split, allow: sums of subsets, whatever their place on the map (``check_feasible``), or of what each block can reach on
it (``check_pieces``). What passes may still fail in the search; what fails here fails everywhere.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from spatial.division.layout import Layout, list_pieces, number_units
from spatial.division.piece import FREE, label_connected
from spatial.division.reach import build_ground, completes, find_stranded
from spatial.division.sizes import Band, count_range, nearest_count, to_band
from spatial.errors import InputError
from spatial.profile import Profile

_PACKED_EXACTLY = 12
_SUMMED = 400
_NAMED = 4


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


def check_pieces(layout: Layout, profile: Profile) -> tuple[str, ...]:
    """Return a sentence for each obstacle that keeps a piece of land from being divided into grids in the band.

    Empty where none is found, and where the profile does not hold grids to the floor: units within the ceiling can
    always be kept within it. Blocks that stand alone by rule and land without households are no obstacles.
    """
    if not profile.division.floor_penalty:
        return ()
    pieces = [piece for whole in list_pieces(layout) for piece in _without_oversize(layout, whole)]
    pieces = [piece for piece in pieces if layout.households[piece].sum() > 0]
    names = layout.frame["community_id"].astype(str).to_numpy(dtype=object)
    several = np.bincount([layout.community[piece[0]] for piece in pieces], minlength=1) > 1
    sentences = []
    for piece in pieces:
        where = f"Community {names[piece[0]]}"
        if several[layout.community[piece[0]]]:
            where += f", {_name_blocks(layout, piece)}"
        sentences += [f"{where}: {reason}." for reason in _judge_piece(layout, piece, to_band(profile.grid))]
    return tuple(sentences)


def _without_oversize(layout: Layout, blocks: Any) -> Iterator[Any]:
    """Yield the connected parts of a piece between blocks above the ceiling, whose grids take no others' households."""
    blocks = blocks[~layout.oversize[blocks]]
    place = np.full(len(layout.households), -1, dtype=np.int64)
    place[blocks] = np.arange(len(blocks))
    link = layout.contiguous & (place[layout.first] >= 0) & (place[layout.second] >= 0)
    part = (
        label_connected(len(blocks), place[layout.first[link]], place[layout.second[link]]) if len(blocks) else blocks
    )
    yield from (blocks[part == number] for number in range(int(part.max(initial=-1)) + 1))


def _judge_piece(layout: Layout, blocks: Any, band: Band) -> list[str]:
    """Return what keeps connected blocks within the ceiling from forming grids in the band."""
    total = int(layout.households[blocks].sum())
    low, high = count_range(total, band)
    if low > high:
        return [explain_total(total, band)]
    locks = len(np.unique(layout.lock[blocks][layout.lock[blocks] != FREE]))
    if locks > high:
        return [f"{locks} locks need {locks} grids, and {total} households fill {high} of {band.floor} or more"]
    units = number_units(layout, blocks)
    households = np.bincount(units, layout.households[blocks]).astype(np.int64)
    stranded = list(_list_stranded(layout, blocks, units, households, band))
    if stranded:
        return stranded
    return _judge_packing(households.tolist(), band)[1]


def _list_stranded(layout: Layout, blocks: Any, units: Any, households: Any, band: Band) -> Iterator[str]:
    """Yield a sentence for each unit that cannot be in a grid of the band, whatever the others do."""
    place = np.full(len(layout.households), -1, dtype=np.int64)
    place[blocks] = units
    first, second = place[layout.first], place[layout.second]
    link = layout.contiguous & (first >= 0) & (second >= 0)
    lock = np.zeros(len(households), dtype=np.int64)
    lock[units] = layout.lock[blocks]
    ground, node = build_ground(households, first[link], second[link], lock)
    limit = f"the ceiling of {band.ceiling}" + (" or a lock" if (lock != FREE).any() else "")
    for stranded, within in find_stranded(ground, band):
        mine = blocks[node[units] == stranded]
        verb = "has" if len(mine) == 1 else "have"
        held = f"{_name_blocks(layout, mine)} {verb} {ground.households[stranded]} households"
        if within == ground.households[stranded] and within < band.floor:
            yield f"{held}, below the floor of {band.floor}, and every way to more passes {limit}"
        elif within < band.floor:
            yield f"{held}, {within} with all within reach under {limit}: below {band.floor}"
        else:
            yield f"{held} and no others within reach fill a grid of {band.floor} to {band.ceiling} with it"


def _name_blocks(layout: Layout, blocks: Any) -> str:
    ids = sorted(layout.frame["block_id"].astype(str).iloc[blocks])
    shown = ", ".join(ids[:_NAMED]) + (f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else "")
    return f"block {shown}" if len(ids) == 1 else f"blocks {shown}"


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
    return _judge_packing([int(h) for h in rest], band)


def _judge_packing(households: list[int], band: Band) -> tuple[tuple[int, ...], list[str]]:
    """Return the numbers of grids that whole blocks can fill, or that they can fill none."""
    total = sum(households)
    low, high = count_range(total, band)
    positive = tuple(sorted((h for h in households if h > 0), reverse=True))
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
    hopeless = {size for size in set(sizes) if size < band.floor and not completes(size, _without(sizes, size), band)}
    yield from ((block, int(count)) for block, count in rest.items() if int(count) in hopeless)


def _without(sizes: list[int], size: int) -> list[int]:
    others = sizes.copy()
    others.remove(size)
    return others


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
