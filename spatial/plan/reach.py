"""How many households of each community, grid or other group reach a site on foot in time?"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

HOUSEHOLDS = "households"
_SAME_S = 1e-6
"""A walk of just the limit is within it."""


def measure_reach(demand: Any, group: Any, limits_s: Sequence[float]) -> Any:
    """Return by group its households, and of them those that reach a site within each limit; sorted by group.

    Parameters
    ----------
    demand:
        Rows with ``households`` and ``site_walk_s``, the walk to the nearest site, missing where that is too far.
    group:
        By row of the demand.
    limits_s:
        Seconds, each a column of the answer, as a float.
    """
    homes, walk = demand[HOUSEHOLDS].to_numpy(), demand["site_walk_s"].to_numpy(dtype=np.float64)
    columns = {HOUSEHOLDS: homes} | {
        float(limit): np.where(walk <= float(limit) + _SAME_S, homes, 0) for limit in sorted(limits_s)
    }
    keys = pd.Index(np.asarray(group, dtype=str), name="group")
    return pd.DataFrame(columns, index=keys).groupby(level=0, sort=True).sum().astype("int64")


def find_telling(reach: Any, *, least: int) -> Any:
    """Return by group whether its counts would tell of fewer than ``least`` households.

    They would where those between two limits, within the first or beyond the last are so few. Where that is but one
    group, its counts follow from those of all: the smallest further group tells them.
    """
    steps = np.diff(reach.drop(columns=HOUSEHOLDS).to_numpy(), axis=1, prepend=0)
    beyond = reach[HOUSEHOLDS].to_numpy() - steps.sum(axis=1)
    few = np.column_stack([steps, beyond])
    telling: Any = ((few > 0) & (few < least)).any(axis=1)
    rest = np.flatnonzero(~telling & (reach[HOUSEHOLDS].to_numpy() > 0))
    if telling.sum() == 1 and len(rest):
        telling[rest[np.argmin(reach[HOUSEHOLDS].to_numpy()[rest])]] = True
    return pd.Series(telling, index=reach.index)
