"""Where might a centre open when nobody said? Estate points and street corners, thinned out."""

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from rtree.index import Index

from spatial.crs import require_metric
from spatial.errors import InputError, TableError
from spatial.siting.ways import Flags, Floats
from spatial.tables import CANDIDATES, DEMAND, require


def propose_candidates(demand: Any, corners: Any, *, spacing_m: float) -> Any:
    """Return CANDIDATES flagged ``proposed``, no two nearer to each other than the spacing.

    Demand points come first, those with more households before others, then street corners; a place is taken when it
    keeps the spacing to all places taken before it. Ids are ``demand-`` or ``corner-`` (once) and the origin's id.

    Parameters
    ----------
    demand:
        DEMAND; points without households are passed over.
    corners:
        Points with ``corner_id``, in the same system; may be empty.

    Raises
    ------
    InputError
        If the spacing is negative or the systems differ.
    TableError
        If a table breaks its contract.
    """
    require(demand, DEMAND)
    if spacing_m < 0:
        raise InputError(f"candidates: spacing_m is {spacing_m}; needed 0 or more metres")
    points = demand.loc[demand["households"] > 0].sort_values(["households", "demand_id"], ascending=[False, True])
    found = [_rows(points, "demand_id", "demand-", points["kind"])]
    if len(corners):
        if "corner_id" not in corners.columns:
            raise TableError(f"corners: found columns {sorted(corners.columns)}, needed corner_id")
        if require_metric(corners.crs, "corners") != demand.crs:
            raise InputError(f"corners are in {corners.crs.name}, demand in {demand.crs.name}; needed one system")
        found.append(_rows(corners.sort_values("corner_id"), "corner_id", "corner-", "street_corner"))
    places = pd.concat([frame for frame in found if len(frame)], ignore_index=True) if any(map(len, found)) else None
    if places is None:
        return CANDIDATES.empty(demand.crs)
    xy = np.column_stack([places.geometry.x, places.geometry.y])
    kept = places[_spread(xy, spacing_m)].sort_values("site_id", ignore_index=True)
    return require(gpd.GeoDataFrame(kept, geometry="geometry", crs=demand.crs), CANDIDATES)


def _rows(points: Any, key: str, prefix: str, kind: Any) -> Any:
    frame = gpd.GeoDataFrame(
        {"site_id": prefix + points[key].astype("str").str.removeprefix(prefix), "name": "", "kind": kind, "mode": ""},
        geometry=points.geometry,
        crs=points.crs,
    )
    return frame.assign(cost=np.nan, floor_area_m2=np.nan, proposed=True)


def _spread(xy: Floats, spacing_m: float) -> Flags:
    """Tell which points to keep, first come first kept; a live index holds those kept so far."""
    kept = np.zeros(len(xy), dtype=bool)
    if spacing_m == 0:
        return ~kept
    taken = Index()
    for i, (x, y) in enumerate(xy.tolist()):  # each point asks about those kept before it
        near = list(taken.intersection((x - spacing_m, y - spacing_m, x + spacing_m, y + spacing_m)))
        if near and (np.hypot(*(xy[near] - xy[i]).T) < spacing_m).any():
            continue
        kept[i] = True
        taken.insert(i, (x, y, x, y))
    return kept
