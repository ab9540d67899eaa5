"""How far is it from doors to the network, and how much longer are walks than the way a crow flies?"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from spatial.walking.network import WalkNetwork
from spatial.walking.snapping import NOWHERE, SHUT_IN, snap
from spatial.walking.themes import weighted_percentile
from spatial.walking.travel import measure_detour

_P95 = 0.95


def list_access(network: WalkNetwork, points: Any) -> Any:
    """Return a frame per point, in the order of the rows: ``access_m``, ``how``, ``data_limited``, ``edge``.

    Of several places (gates of an estate) the nearest that is not shut in is told. A point for which the network has
    no edge at all has an infinite access walk and edge -1. Beyond the profile's longest access walk the map lacks the
    paths there, so what is told of the point is limited by the data.
    """
    found = snap(network, points)
    order = np.lexsort((found.access_m, found.how == SHUT_IN, found.point))
    point, first = np.unique(found.point[order], return_index=True)
    best = order[first]
    access, edge = np.full(len(points), np.inf), np.full(len(points), -1, dtype=np.int64)
    how = np.full(len(points), NOWHERE, dtype=object)
    access[point], edge[point], how[point] = found.access_m[best], found.edge[best], found.how[best]
    columns = {"access_m": access, "how": how, "data_limited": access > network.rules.max_access_m, "edge": edge}
    return pd.DataFrame(columns, index=points.index)


def measure_access_walks(access: Any, weight: Any | None = None, *, longest_m: float) -> Mapping[str, Any]:
    """Return mean, 95th percentile and longest access walk in metres, and who is farther than ``longest_m``.

    ``weight`` counts households per row; without it each row counts once. Rows at no network at all are beyond, and
    stand in no mean.
    """
    metres = access["access_m"].to_numpy()
    many = np.ones(len(metres)) if weight is None else np.asarray(weight, dtype=np.float64)
    placed = np.isfinite(metres) & (many > 0)
    order = np.flatnonzero(placed)[np.argsort(metres[placed], kind="stable")]
    beyond, total = float(many[metres > longest_m].sum()), float(many.sum())
    told: dict[str, Any] = {"points": len(metres), "mean_m": None, "p95_m": None, "longest_m": None}
    if len(order):
        told["mean_m"] = round(float(np.average(metres[order], weights=many[order])), 3)
        told["p95_m"] = round(weighted_percentile(metres[order], many[order], _P95), 3)
        told["longest_m"] = round(float(metres[order[-1]]), 3)
    return told | {
        "beyond_m": longest_m,
        "points_beyond": int((metres > longest_m).sum()),
        "counted": _whole(total),
        "counted_beyond": _whole(beyond),
        "share_beyond": beyond / total if total > 0 else None,
        "started": {str(how): int(n) for how, n in access["how"].value_counts().sort_index().items()},
    }


def measure_nearest_detour(times: Any, sites: Any, demand: Any, *, by: str = "walk_m") -> Mapping[str, Any]:
    """Return the detour of the walks to the nearest site: metres walked over metres as the crow flies.

    ``ratio`` is that of the sums, each walk as often as households take it; ``median`` and ``p95`` are over households.
    """
    order = times.sort_values(["destination_id", by, "origin_id"], kind="stable")
    nearest = order.drop_duplicates("destination_id").reset_index(drop=True)
    homes = pd.Series(demand["households"].to_numpy(), index=demand["demand_id"])
    detour = measure_detour(nearest, sites, demand).to_numpy()
    weight = homes.reindex(nearest["destination_id"]).to_numpy(dtype=np.float64)
    rows = np.flatnonzero(np.isfinite(detour) & (weight > 0))
    if not len(rows):
        return {"households": 0, "ratio": None, "median": None, "p95": None}
    rows = rows[np.argsort(detour[rows], kind="stable")]
    walked, many = nearest["walk_m"].to_numpy()[rows], weight[rows]
    straight = walked / np.where(detour[rows] > 0, detour[rows], 1.0)
    return {
        "households": _whole(float(many.sum())),
        "ratio": round(float((walked * many).sum() / (straight * many).sum()), 4),
        "median": round(weighted_percentile(detour[rows], many, 0.5), 4),
        "p95": round(weighted_percentile(detour[rows], many, _P95), 4),
    }


def _whole(value: float) -> int | float:
    return int(value) if value.is_integer() else value
