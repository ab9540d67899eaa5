"""How good is a division, and what does it cost? Each term in households, metres and shares, anew from the blocks.

The cost is that which the search minimises, worked out anew from the frame's columns: nothing of the search is used,
so that one checks the other.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import shapely
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import pdist

from spatial.division.heritage import NOWHERE
from spatial.division.layout import (
    Layout,
    list_pieces,
    measure_side,
    number_units,
    place_units,
    set_anchors,
)
from spatial.division.piece import label_connected
from spatial.division.sizes import STRENGTH, Band, to_band
from spatial.profile import DivisionRules, Profile

COSTS = ("balance", "penalty", "border", "unclear", "change", "familiarity", "span")
"""The terms of a division's cost."""
_LOW, _HIGH = 1.0, 6.0
"""Penalty of a grid just below the floor and just above the ceiling; it grows by two of these per floor or ceiling."""


def measure_division(layout: Layout, part: Any, profile: Profile) -> Mapping[str, float]:
    """Return the terms of a division whose grids are numbered 0..k-1.

    Counts of grids (all, oversize, closed estates, in the band); ``in_band_share`` of the grids that are no exception
    by rule and of their households; deviations from the target of those grids, as shares of the target; metres of inner
    border, of it on no clear line, and the share that is clear (1 where there is no inner border).
    """
    rules = profile.grid
    households = np.bincount(part, layout.households).astype(np.int64)
    free = households[~excepted_grids(layout, part)]
    in_band = (free >= rules.floor_households) & (free <= rules.ceiling_households)
    deviation = np.abs(free - rules.target_households) / rules.target_households
    return {
        "grids": float(len(households)),
        "oversize_grids": float(len(np.unique(part[layout.oversize]))),
        "closed_grids": float(len(np.unique(part[layout.closed]))),
        "in_band_grids": float(in_band.sum()),
        "in_band_share": float(in_band.mean()) if len(free) else 1.0,
        "in_band_household_share": float(free[in_band].sum() / free.sum()) if free.sum() else 1.0,
        "mean_deviation": float(deviation.mean()) if len(free) else 0.0,
        "max_deviation": float(deviation.max()) if len(free) else 0.0,
        **_measure_border(layout, part),
    }


def measure_terms(layout: Layout, part: Any, profile: Profile) -> Mapping[str, float]:
    """Return every soft term of a division in its own unit.

    Households that grids (exceptions by rule left out) are off the target: sum, mean and worst; inner border and its
    unclear part in metres, and its clear share; compactness (4 pi area / outline squared: Polsby and Popper 1991), mean
    and least; households that change grid against today's; pairs of familiar neighbours torn apart; mean and longest
    span of a grid in metres.
    """
    households = np.bincount(part, layout.households)
    off = np.abs(households - profile.grid.target_households)[~excepted_grids(layout, part)]
    compactness = measure_compactness(layout, part)
    span = measure_spans(layout, part)
    cut = part[layout.first] != part[layout.second]
    return {
        "off_households": float(off.sum()),
        "mean_off_households": float(off.mean()) if len(off) else 0.0,
        "max_off_households": float(off.max()) if len(off) else 0.0,
        **_measure_border(layout, part),
        "mean_compactness": float(compactness.mean()),
        "min_compactness": float(compactness.min()),
        "changed_households": float(count_changed(layout, part)),
        "familiar_pairs_cut": float((layout.familiar & cut).sum()),
        "mean_span_m": float(span.mean()),
        "max_span_m": float(span.max()),
    }


def excepted_grids(layout: Layout, part: Any) -> Any:
    """Tell by grid whether it is an exception by rule: it holds a block that stands alone or is above the ceiling."""
    return np.bincount(part, layout.alone | layout.oversize) > 0


def _measure_border(layout: Layout, part: Any) -> Mapping[str, float]:
    cut = part[layout.first] != part[layout.second]
    border, clear = float(layout.shared_m[cut].sum()), float(layout.clear_m[cut].sum())
    share = clear / border if border > 0 else 1.0
    return {"border_m": border, "unclear_m": border - clear, "clear_share": share}


def measure_compactness(layout: Layout, part: Any) -> Any:
    """Return by grid 4 pi area / outline squared of its outline, holes included; 1 for a circle."""
    order = np.argsort(part, kind="stable")
    shapes = layout.frame.geometry.to_numpy()[order]
    starts = np.flatnonzero(np.diff(part[order])) + 1
    # One union per grid: shapely has no union by group.
    whole = np.array([shapely.union_all(group) for group in np.split(shapes, starts)])
    return 4.0 * np.pi * shapely.area(whole) / np.maximum(shapely.length(whole), 1e-9) ** 2


def measure_spans(layout: Layout, part: Any) -> Any:
    """Return by grid the longest distance between the places of two of its units, in metres."""
    units = number_units(layout, np.arange(len(part)))
    x, y = place_units(layout, np.arange(len(part)), units)
    grid = np.zeros(len(x), dtype=np.int64)
    grid[units] = part
    return np.array([_span(x[grid == g], y[grid == g]) for g in range(int(part.max()) + 1)])


def _span(x: Any, y: Any) -> float:
    return float(pdist(np.column_stack([x, y])).max()) if len(x) > 1 else 0.0


def match_today(layout: Layout, part: Any, *, among: Any = None) -> Any:
    """Return by grid the number of today's grid that it inherits, or ``NOWHERE``.

    Each of today's grids is inherited once at most, so that the fewest households change grid; ``among`` (by block)
    leaves out blocks that nothing may be inherited from.
    """
    heirs = np.full(int(part.max()) + 1, NOWHERE, dtype=np.int64)
    use = (layout.today != NOWHERE) & (layout.households > 0)
    use = use if among is None else use & among
    if not use.any():
        return heirs
    olds = len(layout.today_ids)
    pairs, inverse = np.unique(part[use] * olds + layout.today[use], return_inverse=True)
    shared = np.bincount(inverse, layout.households[use])
    grid, old = pairs // olds, pairs % olds
    # Grids that share nothing, even over others, are matched apart: each cluster is a small table.
    cluster = label_connected(len(heirs) + olds, grid, len(heirs) + old)[grid]
    order = np.argsort(cluster, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(cluster[order])) + 1):
        row_ids, row = np.unique(grid[rows], return_inverse=True)
        column_ids, column = np.unique(old[rows], return_inverse=True)
        table = np.zeros((len(row_ids), len(column_ids)))
        table[row, column] = shared[rows]
        row, column = linear_sum_assignment(table, maximize=True)
        kept = table[row, column] > 0
        heirs[row_ids[row[kept]]] = column_ids[column[kept]]
    return heirs


def count_changed(layout: Layout, part: Any) -> int:
    """Return the households that change grid against today's; those that are in none today change none."""
    changed = (layout.today != NOWHERE) & (match_today(layout, part)[part] != layout.today)
    return int(layout.households[changed].sum())


def total_cost(layout: Layout, part: Any, profile: Profile, *, heirs: Any = None) -> Mapping[str, float]:
    """Return what a division costs by term; their sum is the total that the search minimises and bounds.

    What no division can change is left out: grids that stand alone by rule, land without households that nothing else
    adjoins, borders between pieces. ``heirs`` tells by grid which of today's grids it inherits; where it is missing
    the cheapest are taken.
    """
    band, rules = to_band(profile.grid), profile.division
    if heirs is None:
        heirs = match_today(layout, part, among=layout.inherits)
    terms = dict.fromkeys(COSTS, 0.0)
    for blocks in list_pieces(layout):
        if layout.households[blocks].sum() > 0:
            for name, cost in _cost_piece(layout, blocks, part[blocks], heirs, band, rules).items():
                terms[name] += cost
    return terms


def _cost_piece(
    layout: Layout, blocks: Any, grid: Any, heirs: Any, band: Band, rules: DivisionRules
) -> Mapping[str, float]:
    side_m = measure_side(layout, blocks, band)
    frame = pd.DataFrame(
        {
            "grid": grid,
            "households": layout.households[blocks],
            "anchor": set_anchors(layout.households[blocks], band, rules),
            "moved": np.where(layout.today[blocks] == NOWHERE, False, layout.today[blocks] != heirs[grid]),
        }
    )
    size = frame.groupby("grid").agg(households=("households", "sum"), anchor=("anchor", "max"))
    moved = float(frame.loc[frame["moved"], "households"].sum())
    piece = np.zeros(len(layout.households), dtype=bool)
    piece[blocks] = True
    part = np.zeros(len(piece), dtype=np.int64)
    part[blocks] = grid
    cut = piece[layout.first] & piece[layout.second] & (part[layout.first] != part[layout.second])
    relative, clarity = layout.shared_m[cut] / side_m, layout.clarity[cut]
    return {
        "balance": _balance(size, band, rules),
        "penalty": _penalty(size, band, rules),
        "border": rules.border_weight * float(relative.sum()),
        "unclear": rules.unclear_weight * float((relative * (1.0 - clarity)).sum()),
        "change": rules.change_weight * moved / band.target,
        "familiarity": rules.familiarity_weight * float(layout.familiar[cut].sum()),
        "span": rules.span_weight / side_m * _sum_spans(layout, blocks, grid) if rules.span_weight else 0.0,
    }


def _balance(size: Any, band: Band, rules: DivisionRules) -> float:
    aim = np.maximum(band.target, size["anchor"])
    off = (size["households"] - aim).abs() / band.target
    far = rules.far_weight * np.maximum(0.0, off - rules.far_share)
    return float((rules.balance_weight * (off / 0.25) ** 2 + far).sum())


def _penalty(size: Any, band: Band, rules: DivisionRules) -> float:
    """Return the price of grids outside the band; one that is no more than its anchor has none."""
    count = size["households"][(size["anchor"] == 0) | (size["households"] > size["anchor"])]
    low = count[count < band.floor] if rules.floor_penalty else count[:0]
    high = count[count > band.ceiling]
    below = _LOW * (1.0 + 2.0 * (band.floor - low) / band.floor)
    above = _HIGH * (1.0 + 2.0 * (high - band.ceiling) / band.ceiling)
    return STRENGTH * float(below.sum() + above.sum())


def _sum_spans(layout: Layout, blocks: Any, grid: Any) -> float:
    units = number_units(layout, blocks)
    x, y = place_units(layout, blocks, units)
    of_unit = pd.Series(grid).groupby(units).first().to_numpy()
    return sum(_span(x[of_unit == g], y[of_unit == g]) for g in np.unique(of_unit))
