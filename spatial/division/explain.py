"""Why is a grid outside the band? One sentence each, naming what stands in the way."""

from typing import Any, NamedTuple

import numpy as np

from spatial.division.layout import Layout
from spatial.division.measure import excepted_grids
from spatial.division.piece import FREE
from spatial.profile import Profile

_NAMED = 4


class _Grids(NamedTuple):
    """By grid: households, whether it takes no others' households by rule, its lock and its id."""

    households: Any
    standing: Any
    lock: Any
    names: Any


def explain_grids(layout: Layout, part: Any, names: Any, profile: Profile) -> list[str]:
    """Return by grid the sentence that says why it is outside the band; empty for grids inside it."""
    rules = profile.grid
    households = np.bincount(part, layout.households).astype(np.int64)
    lock = np.full(len(households), FREE, dtype=np.int64)
    np.maximum.at(lock, part, layout.lock)
    grids = _Grids(households, excepted_grids(layout, part), lock, names)
    outside = np.flatnonzero((households < rules.floor_households) | (households > rules.ceiling_households))
    near = _neighbours(layout, part, outside)
    sentences = [""] * len(households)
    for grid in outside:
        if grids.standing[grid]:
            sentences[grid] = _explain_excepted(layout, part, int(grid), profile)
        else:
            sentences[grid] = _explain_low(int(grid), grids, near[int(grid)], profile)
    return sentences


def _neighbours(layout: Layout, part: Any, wanted: Any) -> dict[int, tuple[Any, Any]]:
    """Return by grid the grids of its community that it touches: across contiguous borders, and across the others."""
    inside = layout.community[layout.first] == layout.community[layout.second]
    a, b = part[layout.first[inside]], part[layout.second[inside]]
    focal, other = np.concatenate([a, b]), np.concatenate([b, a])
    open_border = np.tile(layout.contiguous[inside], 2)
    found = {}
    for grid in wanted:
        mine = (focal == grid) & (other != grid)
        joined = np.unique(other[mine & open_border])
        found[int(grid)] = joined, np.setdiff1d(other[mine & ~open_border], joined)
    return found


def _explain_excepted(layout: Layout, part: Any, grid: int, profile: Profile) -> str:
    rules = profile.grid
    block = int(np.flatnonzero((part == grid) & (layout.alone | layout.oversize))[0])
    row, count = layout.frame.iloc[block], int(layout.households[block])
    if layout.closed[block]:
        side = "below the floor" if count < rules.floor_households else "above the ceiling"
        limit = rules.floor_households if count < rules.floor_households else rules.ceiling_households
        return (
            f"Closed estate {row['estate_id'] or row['block_id']} ({count} households, {side} of {limit}) is a grid "
            "of its own whatever its size."
        )
    needed = max(int(row["sub_grids_needed"]), -(-count // rules.ceiling_households))
    if count <= rules.ceiling_households:
        return f"Block {row['block_id']} ({count} households) was marked as oversize and stands alone."
    stands = "stands alone" if layout.oversize_alone else "shares its grid with no other households"
    return (
        f"Block {row['block_id']} has {count} households, above the ceiling of {rules.ceiling_households}, and "
        f"cannot be cut: it {stands} and needs {needed} grids."
    )


def _explain_low(grid: int, grids: _Grids, near: tuple[Any, Any], profile: Profile) -> str:
    rules = profile.grid
    joined, barred = near
    size = f"{grids.households[grid]} households, {_side(int(grids.households[grid]), profile)}"
    if not len(joined):
        if not len(barred):
            return f"{size}: it touches no other grid of its community."
        least = f"{profile.land.min_shared_m:g} m"
        return f"{size}: no border of {least} or more that can be crossed leads to {_name(barred, grids.names)}."
    locked = _locked_apart(grids.lock, grid)
    free = joined[~(grids.standing | locked)[joined]]
    around = _explain_closed(joined, grids, locked)
    if not len(free):
        return f"{size}: it is surrounded by grids that take no other blocks; {around}."
    tail = f"; {around}" if around else ""
    total = grids.households[free] + grids.households[grid]
    sums = ", ".join(f"{count} with {grids.names[g]}" for count, g in zip(total[:_NAMED], free, strict=False))
    if (total <= rules.ceiling_households).any():
        return f"{size}: it could join a neighbour ({sums}), and no cheaper division was found that does so{tail}."
    return (
        f"{size}: joined to a neighbour it would pass the ceiling of {rules.ceiling_households} ({sums}), and no "
        f"exchange of whole blocks was found that keeps all of them in the band{tail}."
    )


def _locked_apart(lock: Any, grid: int) -> Any:
    """Tell by grid whether locks keep it apart from this one."""
    return (lock != FREE) & (lock[grid] != FREE) & (lock != lock[grid])


def _explain_closed(joined: Any, grids: _Grids, locked: Any) -> str:
    """Return which of the neighbours take no other blocks, and why; empty where all do."""
    standing = joined[grids.standing[joined]]
    apart = joined[locked[joined] & ~grids.standing[joined]]
    told = [f"{_name(standing, grids.names)} stand{'s' if len(standing) == 1 else ''} alone"] if len(standing) else []
    told += [f"locks keep {_name(apart, grids.names)} apart"] if len(apart) else []
    return ", ".join(told)


def _side(count: int, profile: Profile) -> str:
    rules = profile.grid
    if count < rules.floor_households:
        return f"below the floor of {rules.floor_households}"
    return f"above the ceiling of {rules.ceiling_households}"


def _name(grids: Any, names: Any) -> str:
    shown = ", ".join(names[g] for g in grids[:_NAMED])
    return shown if len(grids) <= _NAMED else f"{shown} and {len(grids) - _NAMED} more"
