"""Which layers are worked out of the others when a plan is served: who reaches a site in time, and micro-grids?

A layer that the plan has no data for is not there.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import orjson
import pandas as pd

from api.layers import LoadedLayer, build_layer
from spatial.io.plan_layers import WORKED_OUT
from spatial.plan.reach import HOUSEHOLDS, find_telling, measure_reach

_MINUTE = 60.0
_MICRO = "micro_grid"
_SHARE_DECIMALS = 4
_SHOWN = ("code", "name")
Layers = Mapping[str, LoadedLayer]


def work_out(layers: Layers, report: Mapping[str, Any]) -> dict[str, LoadedLayer]:
    """Return the layers that follow from those of a plan."""
    return {**_micro_grids(layers), **_coverage(layers, report)}


def work_out_public(
    public: Layers, whole: Layers, report: Mapping[str, Any], *, least: int, cut: Collection[str]
) -> dict[str, LoadedLayer]:
    """Return what follows from the layers of a plan for the public; ``whole`` holds what it does not see.

    Coverage is told of communities alone, of none of which it would tell a count below ``least``, and none whose own
    count is left out or, as of those that are ``cut``, would be if it were known.
    """
    return {**_micro_grids(public), **_coverage(whole, report, least=least, public=public, cut=cut)}


def tell_missing(name: str, layers: Layers, report: Mapping[str, Any]) -> str:
    """Return why a layer that is worked out is not there; nothing of another layer."""
    if name == "micro_grids":
        return "the grids of this plan are no micro-grids"
    if name != "coverage":
        return ""
    if "sites" in report.get("origins", {}):
        return "it was measured to the sites that the plan was put in with, and others stand now, from results of a job"
    return "nobody's walk to a site is known" if layers["sites"].features else "the plan has no sites"


def _micro_grids(layers: Layers) -> dict[str, LoadedLayer]:
    grids = layers["grids"]
    level = grids.columns.get("level")
    rows = [] if level is None else np.flatnonzero(level.values == _MICRO).tolist()
    features = [orjson.loads(grids.features[row]) for row in rows]
    return {"micro_grids": build_layer(WORKED_OUT["micro_grids"], features)} if features else {}


def _coverage(
    layers: Layers,
    report: Mapping[str, Any],
    *,
    least: int = 0,
    public: Layers | None = None,
    cut: Collection[str] = (),
) -> dict[str, LoadedLayer]:
    demand = layers.get("demand")
    elsewhere = "sites" in report.get("origins", {})  # the walks were measured to other sites
    if demand is None or "site_walk_s" not in demand.columns or not layers["sites"].features or elsewhere:
        return {}
    minutes = sorted(report["profile"]["numbers"]["walking"]["circle_min"]["value"])
    homes = pd.DataFrame({name: _numbers(demand, name) for name in (HOUSEHOLDS, "site_walk_s")})
    homes[HOUSEHOLDS] = homes[HOUSEHOLDS].astype("int64")
    blocks = layers["blocks"]
    at = [blocks.row_of[block] for block in demand.columns["block_id"].values]
    features = []
    for layer, level in (("communities", "community"), ("grids", "grid")):
        if public is not None and level == "grid":
            continue
        group = blocks.columns[f"{level}_id"].values[at]
        reach = measure_reach(homes, group, [_MINUTE * limit for limit in minutes])
        untold, silent = frozenset[str](), frozenset[str]()
        if public is not None:
            totals, telling = reach[HOUSEHOLDS], find_telling(reach, least=least)
            untold = find_suppressed(public[layer]) | {*cut, *totals.index[(totals > 0) & (totals < least)]}
            silent = untold | {*telling.index[telling]}
        features += _tell(layers[layer], level, reach, minutes, silent=silent, untold=untold)
    return {"coverage": build_layer(WORKED_OUT["coverage"], features)}


def _numbers(layer: LoadedLayer, name: str) -> Any:
    """Return the numbers of a column; those of one that is missing everywhere are missing."""
    column = layer.columns[name]
    return np.full(len(column.values), np.nan) if column.missing.all() else column.values


def find_suppressed(layer: LoadedLayer) -> frozenset[str]:
    """Return the ids of the features from which a count was taken."""
    column = layer.columns.get("suppressed")
    return frozenset() if column is None else frozenset(layer.ids[row] for row in np.flatnonzero(~column.missing))


def _tell(
    layer: LoadedLayer,
    level: str,
    reach: Any,
    minutes: Sequence[float],
    *,
    silent: Collection[str],
    untold: Collection[str],
) -> list[dict[str, Any]]:
    """Return a feature for each community or grid, also where nobody lives.

    Of those that are ``silent`` it is left out who reaches a site, of those ``untold`` how many they are.
    """
    none = dict.fromkeys(reach.columns, 0)
    counts = reach.to_dict("index")
    features = []
    for row, key in enumerate(layer.ids):
        told = counts.get(key, none)
        hidden = key in silent
        start, end = layer.cuts[row]
        shown = {name: layer.columns[name].values[row] for name in _SHOWN if name in layer.columns}
        properties = {"level": level, f"{level}_id": key, **shown}
        properties[HOUSEHOLDS] = None if key in untold else int(told[HOUSEHOLDS])
        for limit in minutes:
            properties |= _count(limit, int(told[_MINUTE * limit]), int(told[HOUSEHOLDS]), hidden=hidden)
        properties |= {"suppressed": True} if hidden else {}
        geometry = orjson.loads(layer.features[row][start:end])
        features.append({"id": f"{level}-{key}", "geometry": geometry, "properties": properties})
    return features


def _count(minutes: float, reached: int, total: int, *, hidden: bool) -> dict[str, Any]:
    share = None if hidden or not total else round(reached / total, _SHARE_DECIMALS)
    return {f"reached_{minutes:g}min": None if hidden else reached, f"share_{minutes:g}min": share}
