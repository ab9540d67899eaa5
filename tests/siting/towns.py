"""Small siting questions on a line or from a matrix of seconds, for the tests of this room."""

from dataclasses import replace
from functools import cache
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from spatial.crs import metric_crs
from spatial.io.profiles import read_profile
from spatial.profile import Profile

CRS = metric_crs(108.7, 34.3)


def siting_profile(model: str, cutoff_s: float = 600.0, **rules: Any) -> Profile:
    profile = _default()
    return replace(profile, siting=replace(profile.siting, model=model, cutoff_min=cutoff_s / 60.0, **rules))


@cache
def _default() -> Profile:
    return read_profile("about_500")


def demand_frame(households: dict[str, int], xy: Any = None) -> Any:
    n = len(households)
    xy = np.column_stack([np.arange(n) * 100.0, np.zeros(n)]) if xy is None else np.asarray(xy, dtype=float)
    columns = {"demand_id": list(households), "kind": "building", "estate_id": "", "estimated": False}
    frame = gpd.GeoDataFrame(columns, geometry=gpd.points_from_xy(xy[:, 0], xy[:, 1]), crs=CRS)
    return frame.assign(households=np.array(list(households.values()), dtype=np.int64))


def candidate_frame(ids: list[str], **columns: Any) -> Any:
    rows = {"site_id": ids, "name": "", "kind": "hall", "mode": "", "proposed": False}
    points = gpd.points_from_xy(np.arange(len(ids)) * 100.0, np.ones(len(ids)))
    frame = gpd.GeoDataFrame(rows, geometry=points, crs=CRS).assign(cost=np.nan, floor_area_m2=np.nan)
    return frame.assign(**columns)


def facility_frame(ids: list[str], **columns: Any) -> Any:
    frame = candidate_frame(ids).drop(columns=["mode", "proposed", "cost"])
    return frame.assign(**columns)


def times_frame(seconds: Any, sites: list[str], demand: list[str]) -> Any:
    """Walks from sites (rows) to demand points (columns); infinite ones are not in the table."""
    seconds = np.asarray(seconds, dtype=float)
    at, to = np.nonzero(np.isfinite(seconds))
    walk_s = seconds[at, to]
    columns = {"origin_id": np.array(sites, dtype=object)[at], "destination_id": np.array(demand, dtype=object)[to]}
    return pd.DataFrame({**columns, "walk_s": walk_s, "walk_m": walk_s * 1.1}).astype(
        {"origin_id": "str", "destination_id": "str"}
    )
