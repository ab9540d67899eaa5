"""Which of what was read is served beside the plan, and what of it does not change the plan?"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from spatial.inputs import Inputs
from spatial.io.geojson import to_served
from spatial.io.plan_layers import mend, number_ids
from spatial.plan.model import Plan
from spatial.tables import BUILDINGS, CANDIDATES, CURRENT, ESTATES, FACILITIES, GATES, POIS, VERTICAL_GRIDS, Table


@dataclass(frozen=True, slots=True)
class _Served:
    """The contract of an input and the columns beyond it that are served; no other column leaves the house."""

    table: Table
    more: tuple[str, ...] = ()


_SERVED = {
    "gates": _Served(GATES),
    "candidates": _Served(CANDIDATES),
    "existing": _Served(FACILITIES),
    "estates": _Served(ESTATES, ("buildings", "elderly", "children")),
    "buildings": _Served(BUILDINGS, ("elderly", "children")),
    "current": _Served(CURRENT),
    "pois": _Served(POIS),
    "vertical_grids": _Served(VERTICAL_GRIDS),
}


_LIVED_IN = "b-"
"""What stands before the id of a building in that of its demand point."""


def build_input_layers(inputs: Inputs, plan: Plan) -> dict[str, Any]:
    """Return the inputs that are not empty as lon/lat frames: counts and public names, no other column.

    Of buildings those in the area of the plan are served, with the households that the plan counts in each.
    """
    frames = {name: getattr(inputs, name) for name in _SERVED} | {"buildings": _count_homes(inputs.buildings, plan)}
    return {name: _serve(frames[name], one) for name, one in _SERVED.items() if len(frames[name])}


def _count_homes(buildings: Any, plan: Plan) -> Any:
    """Return the buildings in the area of a plan with its households; one that it counts nobody in has none."""
    shapely.prepare(plan.area)
    inside = buildings.loc[shapely.intersects(plan.area, buildings.geometry.to_numpy())]
    ids = _LIVED_IN + inside["building_id"].astype(str)
    homes = plan.demand.set_index("demand_id")[["households", "estimated"]].reindex(ids)
    counted = homes["households"].notna().to_numpy()
    return inside.assign(
        households=homes["households"].fillna(0).to_numpy().astype("int64"),
        estimated=np.where(counted, homes["estimated"].eq(True), inside["estimated"]).astype(bool),
    )


def _serve(frame: Any, served: _Served) -> Any:
    kept = [name for name in (*served.table.columns, *served.more) if name in frame.columns]
    plain = gpd.GeoDataFrame(frame[kept], geometry=frame.geometry, crs=frame.crs)
    if served.table.key is not None:
        return mend(to_served(plain, ids=plain[served.table.key].tolist()))
    wkb = pd.Series(shapely.to_wkb(plain.geometry.to_numpy()), index=plain.index, dtype=object)
    ordered = plain.assign(_wkb=wkb).sort_values([*kept, "_wkb"], kind="stable").drop(columns="_wkb")
    return mend(to_served(ordered, ids=number_ids(_names(ordered))))


def _names(current: Any) -> Iterable[str]:
    return (f"{layer}-{code}" for layer, code in zip(current["layer"], current["code"], strict=True))


def tell_not_used(inputs: Inputs) -> list[str]:
    """Return a sentence for each thing that was read, or could be known, and does not change the plan yet."""
    hours = int((inputs.gates["hours"].astype("str").str.strip() != "").sum())
    costs = int(np.isfinite(inputs.candidates["cost"].to_numpy(dtype=float)).sum())
    groups = [name for name in ("elderly", "children") if name in inputs.estates or name in inputs.buildings]
    told = []
    if hours:
        told.append(f"{_things(hours, 'gate')} with opening hours: walks take a gate as open at all hours.")
    if len(inputs.pois):
        told.append(f"{_things(len(inputs.pois), 'place')} (pois): drawn on the map, not used by grids or sites.")
    if len(inputs.vertical_grids):
        count = _things(len(inputs.vertical_grids), "vertical grid")
        told.append(f"{count}: told of places by their floor; their homes are counted in the grids on the ground.")
    if len(inputs.current):
        count = _things(len(inputs.current), "grid")
        told.append(f"{count} of today: compared in correspondence.csv, not kept to by the new grids.")
    if costs:
        told.append(f"{_things(costs, 'candidate')} with a cost: sites are chosen by walks alone, costs are shown.")
    if groups:
        told.append(f"Counts of {' and '.join(groups)}: carried along, grids and sites are made by households alone.")
    told.append("Heights: none are read, so every walk is taken as level.")
    return told


def _things(count: int, name: str) -> str:
    return f"{count:,} {name}" if count == 1 else f"{count:,} {name}s"
