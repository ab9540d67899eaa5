"""How does a plan do on the seven measures by which plans are compared, and which hard rules does it break how far?

The measures are those of the benchmark's domination check: households close to the target (mean, worst, share within
a fifth), borders on clear lines (share of metres, mean clarity), compact grids (mean and least Polsby-Popper). Inside
they are *merits*: signed so that more is always better. Breaches of the hard rules are counted beside them.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import shapely

from spatial.division.layout import Layout, list_pieces
from spatial.division.piece import label_connected
from spatial.profile import Profile

MERITS = (
    "mean_deviation",
    "max_deviation",
    "within_20_share",
    "clear_share",
    "mean_clarity",
    "mean_compactness",
    "min_compactness",
)
"""Deviations are shares of the target, less is better; of the others more is."""
BREACHES = ("ceiling_households", "ceiling_grids", "floor_households", "floor_grids", "lone_blocks", "extra_parts")
"""Households above the ceiling (of a grid, or of its largest block) and below the floor, and in how many grids; blocks
that share a grid with one that stands alone by rule; parts of grids beyond one each."""

_SIGN = np.array([-1.0, -1.0, 1.0, 1.0, 1.0, 1.0, 1.0])


class Terrain(NamedTuple):
    """Blocks and all their borders as flat arrays.

    The borders of block v are rows ``row[v]..row[v + 1]`` of ``neighbor`` and ``edge``; those before ``touch[v]`` may
    connect a grid, and ``contact`` lists the borders that may. ``alone`` and ``guest`` say by block whether it stands
    alone by rule, and whether it may nevertheless lie in the grid of one that does.
    """

    households: Any
    area_m2: Any
    outline_m: Any
    alone: Any
    guest: Any
    row: Any
    touch: Any
    neighbor: Any
    edge: Any
    first: Any
    second: Any
    shared_m: Any
    clear_m: Any
    bright_m: Any
    contact: Any
    target: int
    floor: int
    ceiling: int


def build_terrain(layout: Layout, profile: Profile) -> Terrain:
    """Return the terrain of a layout; ``bright_m`` is the length of a border times its clarity."""
    count, borders = len(layout.households), len(layout.first)
    tail = np.concatenate([layout.first, layout.second]).astype(np.int64)
    head = np.concatenate([layout.second, layout.first]).astype(np.int64)
    edge = np.tile(np.arange(borders, dtype=np.int64), 2)
    order = np.lexsort((edge, ~layout.contiguous[edge], tail))
    row = np.zeros(count + 1, dtype=np.int64)
    np.cumsum(np.bincount(tail, minlength=count), out=row[1:])
    touching = np.bincount(tail[layout.contiguous[edge]], minlength=count)
    return Terrain(
        households=layout.households.astype(np.int64),
        area_m2=layout.area_m2,
        outline_m=shapely.length(layout.frame.geometry.to_numpy()),
        alone=layout.alone.astype(np.int64),
        guest=_guests(layout, profile).astype(np.int64),
        row=row,
        touch=row[:-1] + touching,
        neighbor=head[order],
        edge=edge[order],
        first=layout.first,
        second=layout.second,
        shared_m=layout.shared_m,
        clear_m=layout.clear_m,
        bright_m=layout.shared_m * layout.clarity,
        contact=np.flatnonzero(layout.contiguous),
        target=profile.grid.target_households,
        floor=profile.grid.floor_households,
        ceiling=profile.grid.ceiling_households,
    )


def _guests(layout: Layout, profile: Profile) -> Any:
    """Tell by block whether it may share the grid of a lone block: land without households that nobody else adjoins."""
    empty = ~layout.alone & (layout.households == 0)
    if not profile.division.oversize_alone and not layout.closed.any():
        return empty
    guest = np.zeros(len(empty), dtype=bool)
    for blocks in list_pieces(layout):
        guest[blocks] = layout.households[blocks].sum() == 0
    return guest & empty


def measure_merits(terrain: Terrain, part: Any) -> Any:
    """Return the merits, in the order of ``MERITS``, of a plan whose grids are numbered 0..k-1.

    Grids are held against the target whatever their largest block; no border between grids counts as a clear one.
    """
    households = np.bincount(part, terrain.households)
    deviation = np.abs(households - terrain.target) / terrain.target
    cut = part[terrain.first] != part[terrain.second]
    cut_m = float(terrain.shared_m[cut].sum())
    compact = measure_compactness(
        np.bincount(part, terrain.area_m2),
        np.bincount(part, terrain.outline_m)
        - 2.0 * np.bincount(part[terrain.first[~cut]], terrain.shared_m[~cut], len(households)),
    )
    return np.array(
        [
            -deviation.mean(),
            -deviation.max(),
            (5 * np.abs(households - terrain.target) <= terrain.target).mean(),
            terrain.clear_m[cut].sum() / cut_m if cut_m > 0 else 1.0,
            terrain.bright_m[cut].sum() / cut_m if cut_m > 0 else 1.0,
            compact.mean(),
            compact.min(),
        ]
    )


def measure_compactness(area_m2: Any, outline_m: Any) -> Any:
    """Return 4 pi area / outline squared (Polsby and Popper 1991), at most that of a circle."""
    return np.minimum(1.0, 4.0 * np.pi * area_m2 / np.maximum(outline_m, 1e-9) ** 2)


def name_merits(merits: Any) -> Mapping[str, float]:
    """Return the measures by name, each with its plain sign."""
    return dict(zip(MERITS, (merits * _SIGN + 0.0).tolist(), strict=True))


def count_breaches(terrain: Terrain, part: Any) -> Any:
    """Return how far a plan breaks the hard rules, in the order of ``BREACHES``."""
    count = int(part.max()) + 1
    households = np.bincount(part, terrain.households)
    cap = np.full(count, float(terrain.ceiling))
    np.maximum.at(cap, part, terrain.households.astype(np.float64))
    above, below = np.maximum(0.0, households - cap), np.maximum(0.0, terrain.floor - households)
    alone = np.bincount(part, terrain.alone, count)
    strangers = np.bincount(part, (terrain.alone | terrain.guest) == 0, count)
    beside = np.where(alone > 0, alone - 1 + strangers, 0.0)
    return np.array(
        [above.sum(), (above > 0).sum(), below.sum(), (below > 0).sum(), beside.sum(), _count_parts(terrain, part)]
    )


def _count_parts(terrain: Terrain, part: Any) -> int:
    """Return how many connected parts there are beyond one per grid."""
    a, b = terrain.first[terrain.contact], terrain.second[terrain.contact]
    whole = part[a] == part[b]
    return int(label_connected(len(part), a[whole], b[whole]).max()) - int(part.max())
