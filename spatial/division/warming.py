"""Is what searches compiled, so that none of a budget is spent on compiling?

It is compiled when it is first used after an installation and kept from then on. A budget is for searching: where it is
short and the machine slow, compiling would take all of it, and a division would end without a bound.
"""

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from spatial.crs import metric_crs
from spatial.division.annealing import anneal
from spatial.division.divide import divide
from spatial.profile import Profile
from spatial.progress import Progress, silent

_SIDES = (3, 5)
"""Blocks along a side of the towns: one is small enough to try every division of it, one is searched and proved."""
_CELL_M = 100.0
_SHARES = (0.31, 0.44, 0.37, 0.52, 0.28, 0.41, 0.33)
"""Households of blocks in turn, as shares of a grid's target: no two ways of dividing cost the same."""


def is_search_kept() -> bool:
    """Tell whether an earlier run has compiled the search from the sources as they are."""
    return bool(anneal._cache._cache_file._load_index())


def compile_first(profile: Profile, on_progress: Progress = silent) -> None:
    """Compile what searches on the first run after an installation, and say so; later runs find it kept."""
    if not is_search_kept():
        on_progress("compiling the search, once: up to a minute", 0.0)
        compile_search(profile)


def compile_search(profile: Profile) -> None:
    """Compile all that a division under a profile searches and proves with, by dividing towns on squared paper."""
    for side in _SIDES:
        divide(_draw_blocks(side, profile), _draw_borders(side), profile, rng=np.random.default_rng(0), workers=1)


def _draw_blocks(side: int, profile: Profile) -> Any:
    rows, columns = np.divmod(np.arange(side * side), side)
    west, south = columns * _CELL_M, rows * _CELL_M
    households = [round(profile.grid.target_households * _SHARES[k % len(_SHARES)]) for k in range(len(rows))]
    blocks = gpd.GeoDataFrame(
        {
            "block_id": [f"b{k:02}" for k in range(len(rows))],
            "community_id": "c",
            "kind": "face",
            "estate_id": "",
            "households": households,
            "area_m2": _CELL_M**2,
            "oversize": False,
            "sub_grids_needed": 1,
            "estimated": False,
        },
        geometry=shapely.box(west, south, west + _CELL_M, south + _CELL_M),
        crs=metric_crs(105.0, 35.0),
    )
    return blocks.assign(**{profile.division.size_column: households})


def _draw_borders(side: int) -> Any:
    east = [(k, k + 1) for k in range(side * side) if (k + 1) % side]
    north = [(k, k + side) for k in range(side * (side - 1))]
    pairs = np.array(sorted(east + north))
    clarity = (np.arange(len(pairs)) % 3) / 2.0
    return pd.DataFrame(
        {
            "focal": [f"b{k:02}" for k in pairs[:, 0]],
            "neighbor": [f"b{k:02}" for k in pairs[:, 1]],
            "shared_m": _CELL_M,
            "clear_m": _CELL_M * clarity,
            "clarity": clarity,
            "barrier": "",
            "crossable": True,
        }
    )
