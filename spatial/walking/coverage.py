"""How many households reach a site within so many minutes, counted along the network?"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from spatial.errors import InputError, TableError
from spatial.tables import CIRCLES, DEMAND, TRAVEL_TIMES, require
from spatial.walking.search import TIE

_LIMITS_S = (300.0, 600.0, 900.0)


def measure_coverage(
    times: Any,
    demand: Any,
    *,
    limits_s: Sequence[float] | None = None,
    limits_m: Sequence[float] | None = None,
    by: Any | None = None,
) -> Any:
    """Return households within each limit of any site: rows by group and limit, with total and share.

    Columns: ``group`` ("" where ``by`` is not given), ``limit_s``, ``households`` reached, ``total``, ``share`` (NaN
    where the group has no household) and ``overlap`` (households that reach two sites or more). Without limits they
    are 5, 10 and 15 minutes; with ``limits_m`` the walks are counted in metres, and the column is ``limit_m``. The
    times must reach at least as far. ``by`` is a Series demand_id -> group; every group has a row per limit, also where
    nobody is reached.

    Raises
    ------
    InputError
        If limits are given in seconds and in metres, there is no limit, or one is not above 0.
    TableError
        If a frame breaks its contract, times names demand that there is not, or ``by`` misses a demand point.
    """
    times, demand = require(times, TRAVEL_TIMES), require(demand, DEMAND)
    column, walk, limits = _limits(limits_s, limits_m)
    homes = demand.set_index("demand_id")["households"]
    group = require_groups(homes, by)
    _require_known(times, homes)
    rows = []
    total = homes.groupby(group).sum()
    for limit in limits:
        near = times.loc[times[walk] <= limit + TIE, "destination_id"].value_counts()
        sites = near.reindex(homes.index, fill_value=0)
        reached = homes.where(sites >= 1, 0).groupby(group).sum()
        twice = homes.where(sites >= 2, 0).groupby(group).sum()
        rows.append(pd.DataFrame({column: limit, "households": reached, "total": total, "overlap": twice}))
    table = pd.concat(rows).rename_axis("group").reset_index()
    table["share"] = np.divide(
        table["households"], table["total"], out=np.full(len(table), np.nan), where=table["total"] > 0
    )
    columns = ["group", column, "households", "total", "share", "overlap"]
    return table.sort_values(["group", column], kind="stable", ignore_index=True)[columns]


def count_circles(circles: Any, times: Any, demand: Any, *, counted: Sequence[str] = ("households",)) -> Any:
    """Return the CIRCLES with the households that reach the site within each, along the network.

    The times must reach at least as far as the circles: seconds for circles in time mode, metres in distance mode.
    Other columns of the demand (elderly, children) are counted where ``counted`` names them.

    Raises
    ------
    TableError
        If a frame breaks its contract, lacks a column to be counted, or times names demand that there is not.
    """
    circles, times, demand = require(circles, CIRCLES), require(times, TRAVEL_TIMES), require(demand, DEMAND)
    if missing := [name for name in counted if name not in demand.columns]:
        raise TableError(f"demand: found columns {sorted(map(str, demand.columns))}, needed also {missing} to count")
    homes = demand.set_index("demand_id")[list(counted)]
    _require_known(times, homes)
    weight = homes.reindex(times["destination_id"]).to_numpy()
    site = times["origin_id"].to_numpy(dtype=object)
    walk = {"time": times["walk_s"].to_numpy(), "distance": times["walk_m"].to_numpy()}
    sums = np.zeros((len(circles), len(counted)), dtype=weight.dtype)
    order = np.argsort(site, kind="stable")
    start = np.searchsorted(site[order], circles["site_id"].to_numpy(dtype=object), side="left")
    end = np.searchsorted(site[order], circles["site_id"].to_numpy(dtype=object), side="right")
    limit = np.where(circles["mode"] == "time", circles["minutes"] * 60.0, circles["limit_m"])
    for i, mode in enumerate(circles["mode"]):  # one short sum per circle over the rows of its site
        rows = order[start[i] : end[i]]
        sums[i] = weight[rows][walk[mode][rows] <= limit[i] + TIE].sum(axis=0)
    kinds = homes.dtypes
    return circles.assign(**{name: sums[:, at].astype(kinds[name]) for at, name in enumerate(counted)})


def _limits(limits_s: Sequence[float] | None, limits_m: Sequence[float] | None) -> tuple[str, str, list[float]]:
    """Return the column of the limits, that of the walks, and the limits in order."""
    if limits_s is not None and limits_m is not None:
        raise InputError("found limits in seconds and limits in metres, needed one of them")
    in_metres = limits_m is not None
    given = limits_m if limits_m is not None else _LIMITS_S if limits_s is None else limits_s
    limits = sorted({float(limit) for limit in given})
    if not limits or not limits[0] > 0:
        raise InputError(f"found the limits {list(given)}, needed {'metres' if in_metres else 'seconds'} above 0")
    return ("limit_m", "walk_m", limits) if in_metres else ("limit_s", "walk_s", limits)


def require_groups(homes: Any, by: Any | None) -> Any:
    """Return the group of each home as text, "" without groups.

    Raises
    ------
    TableError
        If a home has no group.
    """
    if by is None:
        return pd.Series("", index=homes.index)
    missing = homes.index.difference(by.index)
    if len(missing):
        raise TableError(f"by: found no group for demand {missing[0]!r}; needed one for every demand point")
    return by.reindex(homes.index).astype(str)


def _require_known(times: Any, homes: Any) -> None:
    unknown = ~times["destination_id"].isin(homes.index)
    if unknown.any():
        first = times.loc[unknown, "destination_id"].iloc[0]
        raise TableError(f"travel times name demand {first!r}, which the demand table does not hold")
