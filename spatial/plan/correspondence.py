"""Which new grids do today's grids become, and with what share of their households and land (对应表)?"""

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from spatial.plan.model import Plan
from spatial.tables import CURRENT, DEMAND, GRIDS, require

COLUMNS = ("old_layer", "old_code", "new_code", "household_share", "area_share", "households")
OUTSIDE = ""
"""The new code of land that the plan does not divide."""
_SLIVER = 1e-3
"""Below this share of both the old and the new grid, land where nobody lives is two drawings of one line."""


def build_correspondence(current: Any, plan: Plan) -> Any:
    """Return a row per old grid and new grid that share households or land, sorted by layer, old and new code.

    ``household_share`` and ``area_share`` sum to 1 over the rows of an old grid; the former is missing where no demand
    point lies in it. Rows of one layer and code are one old grid. A demand point belongs to the new grid of its block.
    It counts in every old grid that it lies inside, and on the border of several to the first code. Land outside the
    plan stands under the code ``""``. Slivers, land without households below a thousandth of both grids, are left out;
    ``attrs`` holds how many, and their square metres.

    Raises
    ------
    TableError, CrsError
        If ``current`` is no CURRENT frame in metres.
    """
    old = _unite(require(current, CURRENT))
    grids = require(plan.grids, GRIDS).sort_values("grid_id", ignore_index=True)
    table = _land(old, grids).merge(_people(old, plan), on=["old", "grid_id"], how="outer")
    table = table.fillna({"area_m2": 0.0, "households": 0}).astype({"households": "int64"})
    kept, slivers = _without_slivers(table, old, grids)
    code = grids.set_index("grid_id")["code"]
    named = kept["grid_id"].map(code).replace("", np.nan).fillna(kept["grid_id"])
    kept = kept.assign(new_code=named.astype("str"), old_layer=old["layer"].to_numpy()[kept["old"]])
    kept = kept.assign(old_code=old["code"].to_numpy()[kept["old"]])
    kept = kept.sort_values(["old", "new_code", "grid_id"], ignore_index=True)
    kept = kept.assign(household_share=_share(kept, "households"), area_share=_share(kept, "area_m2"))
    out = kept[[*COLUMNS]].astype(dict.fromkeys(COLUMNS[:3], "str"))
    out.attrs = {"slivers": len(slivers), "slivers_m2": round(float(slivers.sum()), 1)}
    return out


def summarise_correspondence(table: Any) -> dict[str, dict[str, int]]:
    """Return for each old layer how many grids it has, and how many go into one new grid or into several.

    Where their households go counts; grids in which nobody lives are counted apart.
    """
    lived = table["households"] > 0
    rows = table.assign(into=lived).groupby(["old_layer", "old_code"])[["into", "households"]].sum()
    return {
        str(layer): {
            "grids": len(mine),
            "households": int(mine["households"].sum()),
            "into_one": int((mine["into"] == 1).sum()),
            "into_several": int((mine["into"] > 1).sum()),
            "without_households": int((mine["into"] == 0).sum()),
        }
        for layer, mine in rows.groupby(level="old_layer")
    }


def _unite(current: Any) -> Any:
    """Return one row per layer and code, sorted; pieces are united in the order of their bytes."""
    order = np.argsort(shapely.to_wkb(current.geometry.to_numpy()).astype(object), kind="stable")
    ordered = current.iloc[order].groupby(["layer", "code"], sort=True).geometry
    names = pd.MultiIndex.from_tuples(ordered.groups.keys(), names=["layer", "code"]).to_frame(index=False)
    # One union per old grid: nearly all are one piece.
    shapes = [pieces.iloc[0] if len(pieces) == 1 else shapely.union_all(pieces.to_numpy()) for _, pieces in ordered]
    return gpd.GeoDataFrame(names, geometry=gpd.GeoSeries(shapes, crs=current.crs), crs=current.crs)


def _land(old: Any, grids: Any) -> Any:
    """Return the area of every old grid in every new grid that it meets, and outside them all."""
    mine, new = old.geometry.to_numpy(), grids.geometry.to_numpy()
    at, of = shapely.STRtree(new).query(mine, predicate="intersects")
    area = shapely.area(shapely.intersection(mine[at], new[of]))
    pieces = pd.DataFrame({"old": at, "grid_id": grids["grid_id"].to_numpy()[of], "area_m2": area})
    rest = shapely.area(mine) - np.bincount(at, weights=area, minlength=len(mine))
    outside = pd.DataFrame({"old": np.arange(len(mine)), "grid_id": OUTSIDE, "area_m2": np.maximum(rest, 0.0)})
    both = pd.concat([pieces, outside], ignore_index=True)
    return both[both["area_m2"] > 0.0].astype({"old": "int64", "grid_id": "str"})


def _people(old: Any, plan: Plan) -> Any:
    """Return the households of every old grid in every new grid."""
    demand = require(plan.demand, DEMAND)
    areas, points = old.geometry.to_numpy(), demand.geometry.to_numpy()
    point, row = shapely.STRtree(areas).query(points, predicate="intersects")
    pairs = pd.DataFrame({"point": point, "old": row, "layer": old["layer"].to_numpy()[row]})
    pairs["inside"] = shapely.contains(areas[row], points[point])
    pairs = pairs.sort_values(["point", "old"], ignore_index=True)
    spot = ["point", "layer"]
    bordering = ~pairs.groupby(spot)["inside"].transform("any") & ~pairs.duplicated(spot)
    pairs = pairs[pairs["inside"] | bordering]
    grid_id = demand["block_id"].map(plan.assignment).to_numpy()[pairs["point"]]
    pairs = pairs.assign(grid_id=grid_id, households=demand["households"].to_numpy()[pairs["point"]])
    return pairs.astype({"grid_id": "str"}).groupby(["old", "grid_id"], as_index=False)["households"].sum()


def _without_slivers(table: Any, old: Any, grids: Any) -> tuple[Any, Any]:
    """Return the rows that are more than two drawings of one line, and the areas of the others."""
    old_m2 = old.area.to_numpy()[table["old"]]
    new_m2 = table["grid_id"].map(pd.Series(grids.area.to_numpy(), index=grids["grid_id"])).fillna(np.inf).to_numpy()
    most = table["area_m2"] == table.groupby("old")["area_m2"].transform("max")
    thin = (table["households"] == 0) & (table["area_m2"] < _SLIVER * np.minimum(old_m2, new_m2)) & ~most
    return table[~thin], table.loc[thin, "area_m2"]


def _share(table: Any, column: str) -> Any:
    whole = table.groupby("old")[column].transform("sum")
    return table[column] / whole.where(whole > 0)
