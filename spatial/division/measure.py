"""How good is a division? Its terms in households, metres and shares, each recomputed from the blocks."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from spatial.division.layout import Layout
from spatial.profile import Profile


def measure_division(layout: Layout, part: Any, profile: Profile) -> Mapping[str, float]:
    """Return the terms of a division whose grids are numbered 0..k-1.

    Counts of grids (all, oversize, closed estates, in the band); ``in_band_share`` of the grids that do not stand
    alone by rule and of their households; deviations from the target of those grids, as shares of the target; metres
    of inner border, of it on no clear line, and the share that is clear (1 where there is no inner border).
    """
    rules = profile.grid
    households = np.bincount(part, layout.households).astype(np.int64)
    alone = alone_grids(layout, part)
    free = households[~alone]
    in_band = (free >= rules.floor_households) & (free <= rules.ceiling_households)
    deviation = np.abs(free - rules.target_households) / rules.target_households
    cut = part[layout.first] != part[layout.second]
    border, clear = float(layout.shared_m[cut].sum()), float(layout.clear_m[cut].sum())
    return {
        "grids": float(len(households)),
        "oversize_grids": float(len(np.unique(part[layout.oversize]))),
        "closed_grids": float(len(np.unique(part[layout.closed]))),
        "in_band_grids": float(in_band.sum()),
        "in_band_share": float(in_band.mean()) if len(free) else 1.0,
        "in_band_household_share": float(free[in_band].sum() / free.sum()) if free.sum() else 1.0,
        "mean_deviation": float(deviation.mean()) if len(free) else 0.0,
        "max_deviation": float(deviation.max()) if len(free) else 0.0,
        "border_m": border,
        "unclear_m": border - clear,
        "clear_share": clear / border if border > 0 else 1.0,
    }


def alone_grids(layout: Layout, part: Any) -> Any:
    """Tell by grid whether it holds a block that stands alone by rule."""
    return np.bincount(part, layout.alone) > 0
