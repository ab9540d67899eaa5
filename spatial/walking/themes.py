"""Who reaches facilities of which kind: households, elderly, children, by grid and community, within each limit?"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import InputError, TableError
from spatial.tables import DEMAND, TRAVEL_TIMES, require
from spatial.walking.search import TIE, Mode

Floats = NDArray[np.float64]

EVERY = ""
"""The theme of all sites together, and the ``by`` of all demand together."""
_FEW, _MOST = 1, 2
_P95 = 0.95
COLUMNS = (
    "theme", "by", "group", "counted", "mode", "limit", "reached", "total", "share", "overlap", "mean_walk", "p95_walk",
)  # fmt: skip


def cover_themes(
    times: Any,
    demand: Any,
    *,
    limits: Sequence[float],
    mode: Mode = "time",
    counted: Sequence[str] = ("households",),
    by: Mapping[str, Any] | None = None,
    themes: Mapping[str, Iterable[str]] | None = None,
) -> Any:
    """Return one row per theme, group, count and limit: who has a site of the theme within the limit.

    ``counted`` are columns of the demand that are summed; ``by`` maps a name (grid, community) to a Series demand_id ->
    group; ``themes`` maps a name to the ids of its sites. All sites together ("") and all demand together ("") are
    always there, and so is a theme without any site: its rows say 0. Columns: ``theme, by, group, counted, mode,
    limit`` (seconds or metres), ``reached`` and ``total`` (whole numbers where the column holds such), ``share`` (their
    quotient, NaN where the total is 0), ``overlap`` (within reach of two sites or more), and of those reached the mean
    and the 95th percentile of the walk to the nearest site (seconds or metres, NaN where nobody is reached).

    Raises
    ------
    InputError
        If a limit is not above 0 or infinite, or a counted column holds what cannot be counted.
    TableError
        If a frame breaks its contract, times name demand that there is not, or a group misses a demand point.
    """
    times, demand = require(times, TRAVEL_TIMES), require(demand, DEMAND).sort_values("demand_id", kind="stable")
    steps = check_limits(limits, mode)
    ids = pd.Index(demand["demand_id"])
    row = ids.get_indexer(times["destination_id"])
    if (row < 0).any():
        first = times.loc[row < 0, "destination_id"].iloc[0]
        raise TableError(f"travel times name demand {first!r}, which the demand table does not hold")
    counts = {name: read_count(demand, name) for name in counted}
    groups = {
        EVERY: pd.Series(EVERY, index=ids),
        **{name: _read_group(name, of, ids) for name, of in (by or {}).items()},
    }
    walk = times["walk_s" if mode == "time" else "walk_m"].to_numpy()
    told = []
    for theme, sites in _theme_sites(times, themes).items():
        rows = np.flatnonzero(times["origin_id"].isin(list(sites)).to_numpy())
        nearest = _two_nearest(row[rows], walk[rows], len(ids))
        for name, group in groups.items():
            for column, count in counts.items():
                table = _cover(nearest, group, count, steps)
                told.append(table.assign(theme=theme, by=name, counted=column, mode=mode))
    return pd.concat(told, ignore_index=True)[list(COLUMNS)]


def check_limits(limits: Sequence[float], mode: Mode) -> list[float]:
    """Return the limits in order, each once.

    Raises
    ------
    InputError
        If there is none, or one is not a number above 0 and below infinity.
    """
    steps = sorted({float(limit) for limit in limits})
    if not steps or not all(0 < step < np.inf for step in steps):
        unit = "seconds" if mode == "time" else "metres"
        raise InputError(f"found the limits {[float(one) for one in limits]}, needed {unit} above 0 and below infinity")
    return steps


def _theme_sites(times: Any, themes: Mapping[str, Iterable[str]] | None) -> dict[str, set[str]]:
    named = {name: set(sites) for name, sites in sorted((themes or {}).items())}
    return {EVERY: set(times["origin_id"]), **named}


def read_count(demand: Any, name: str) -> Any:
    """Return what each demand point counts: whole numbers where all are whole.

    Raises
    ------
    InputError
        If the column is missing or holds what is no number of at least 0.
    """
    if name not in demand.columns or not pd.api.types.is_numeric_dtype(demand[name]):
        raise InputError(f"demand: found no numbers in a column {name!r}, needed some to count")
    values = demand[name].to_numpy(dtype=np.float64)
    bad = ~(np.isfinite(values) & (values >= 0))
    if bad.any():
        first = int(np.flatnonzero(bad)[0])
        raise InputError(
            f"demand: {name} of {demand['demand_id'].iloc[first]!r} is {values[first]:g}, needed a number of at least 0"
        )
    whole = bool((values == np.floor(values)).all())
    return values.astype(np.int64) if whole else values


def _read_group(name: str, of: Any, ids: Any) -> Any:
    missing = ids.difference(of.index)
    if len(missing):
        raise TableError(f"{name}: found no group for demand {missing[0]!r}; needed one for every demand point")
    return of.reindex(ids).astype("str")


def _two_nearest(row: NDArray[np.int64], walk: Floats, count: int) -> tuple[Floats, Floats]:
    """Return the walk from each demand point to its nearest and to its second nearest site (infinite: none)."""
    order = np.lexsort((walk, row))
    row, walk = row[order], walk[order]
    first = np.searchsorted(row, np.arange(count))
    found = np.bincount(row, minlength=count)
    nearest, second = np.full(count, np.inf), np.full(count, np.inf)
    nearest[found >= _FEW] = walk[first[found >= _FEW]]
    second[found >= _MOST] = walk[first[found >= _MOST] + 1]
    return nearest, second


def _cover(nearest: tuple[Floats, Floats], group: Any, count: Any, steps: Sequence[float]) -> Any:
    """Return a row per group and limit."""
    names, at = np.unique(group.to_numpy(dtype=object).astype(str), return_inverse=True)
    kind = count.dtype

    def add(rows: Any, values: Any = count) -> Any:
        return np.bincount(at[rows], weights=values[rows], minlength=len(names)).astype(kind)

    total = add(np.arange(len(count)))
    parts = []
    for step in steps:
        near, twice = nearest[0] <= step + TIE, nearest[1] <= step + TIE
        reached = add(np.flatnonzero(near))
        mean, p95 = _walks(nearest[0], np.flatnonzero(near & (count > 0)), at, count, len(names))
        share = np.divide(reached, total, out=np.full(len(names), np.nan), where=total > 0)
        parts.append(
            pd.DataFrame(
                {
                    "group": pd.Series(names, dtype="str"),
                    "limit": step,
                    "reached": reached,
                    "total": total,
                    "share": share,
                    "overlap": add(np.flatnonzero(twice)),
                    "mean_walk": mean,
                    "p95_walk": p95,
                }
            )
        )
    return pd.concat(parts).sort_values(["group", "limit"], kind="stable", ignore_index=True)


def _walks(walk: Floats, rows: Any, at: Any, count: Any, groups: int) -> tuple[Floats, Floats]:
    """Return, per group, the mean and the 95th percentile of the walks of the rows, each as often as it counts."""
    order = rows[np.lexsort((walk[rows], at[rows]))]
    weight, group = count[order].astype(np.float64), at[order]
    total = np.bincount(group, weights=weight, minlength=groups)
    summed = np.bincount(group, weights=weight * walk[order], minlength=groups)
    mean = np.divide(summed, total, out=np.full(groups, np.nan), where=total > 0)
    p95 = np.full(groups, np.nan)
    start = np.searchsorted(group, np.arange(groups + 1))
    for one in np.flatnonzero(total > 0).tolist():  # one short search per group
        mine = slice(start[one], start[one + 1])
        p95[one] = weighted_percentile(walk[order][mine], weight[mine], _P95)
    return mean, p95


def weighted_percentile(ordered: Floats, weight: Any, share: float) -> float:
    """Return the smallest of the rising values up to which at least this share of the weight lies."""
    summed = np.cumsum(weight)
    return float(ordered[min(int(np.searchsorted(summed, share * summed[-1] * (1 - 1e-12))), len(ordered) - 1)])
