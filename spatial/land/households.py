"""Where do the households live? Demand points from estates and buildings, conserved to the last household."""

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from spatial.land.tiling import Floats, Ints, locate
from spatial.profile import HouseholdRules
from spatial.tables import DEMAND, LISTED, require

_HOMES = ("residential", "apartments", "house", "dormitory", "terrace", "detached")
GROUPS = ("elderly", "children")
"""Optional counts of people that estates and buildings may bring along."""
_ON_BORDER_M = 0.02


@dataclass(frozen=True, slots=True)
class Homes:
    """DEMAND, the footprint of each demand point (a point where none is known), and what was guessed."""

    demand: Any
    footprints: Any
    listed: Any
    estimated_households: int


def place_households(estates: Any, buildings: Any, communities: Any, faces: Any, rules: HouseholdRules) -> Homes:
    """Return demand points: one per residential building with households, one per estate known only as a whole.

    An estate's count is kept exactly: buildings with counts of their own keep them, the rest is shared among its other
    residential buildings by floor area (largest remainder) and flagged. Buildings of no counted estate are estimated
    from floor area, unless an estate known only by a point stands in the same street face: they may be that estate's.
    Where a community's total is known, the estimates are scaled to fill it exactly. Everything guessed, contradictory
    or outside the communities is listed; what lies outside is left out.
    """
    homes = buildings.loc[_is_home(buildings)].sort_values("building_id").reset_index(drop=True)
    estates = estates.sort_values("estate_id").reset_index(drop=True)
    owner = _find_owner(homes, estates)
    count = homes["households"].to_numpy(dtype=np.int64).copy()
    estimated = homes["estimated"].to_numpy(dtype=bool).copy()
    floor = shapely.area(homes.geometry.to_numpy()) * homes["levels"].fillna(0).where(
        homes["levels"] > 0, rules.default_levels
    ).to_numpy(dtype=np.float64)
    listed: list[dict[str, Any]] = []
    whole = _share_estates(estates, owner, count, estimated, floor, listed)
    claimed = _in_faces_of_points(homes, estates, whole, faces) & (count == 0)
    _estimate_rest(homes, communities, count, estimated, floor, claimed, rules, listed)
    if unknown := int(claimed.sum()):
        detail = "may belong to an estate in the same street face that is known only by a point; 0 households each"
        listed.append(_row("buildings", f"{unknown} rows", "no count and no outline of an estate", "kept", detail))
    return _to_homes(homes, estates, owner, count, estimated, whole, listed)


def _is_home(buildings: Any) -> NDArray[np.bool_]:
    home: NDArray[np.bool_] = (buildings["use"].isin(_HOMES) | (buildings["households"] > 0)).to_numpy(dtype=bool)
    return home


def _find_owner(homes: Any, estates: Any) -> Ints:
    """Index of each building's estate: by its id, else by the smallest outline that holds it; -1 for none."""
    row = homes["estate_id"].map(pd.Series(np.arange(len(estates)), index=estates["estate_id"]))
    owner: Ints = row.fillna(-1).to_numpy(dtype=np.int64)
    outlines = np.flatnonzero(estates.geometry.geom_type != "Point")
    free = np.flatnonzero(owner < 0)
    if len(outlines) and len(free):
        shapes = estates.geometry.to_numpy()[outlines]
        centres = shapely.point_on_surface(homes.geometry.to_numpy()[free])
        which, where = shapely.STRtree(shapes).query(centres, predicate="intersects")
        order = np.argsort(-shapely.area(shapes)[where], kind="stable")  # the smallest outline is written last
        owner[free[which[order]]] = outlines[where[order]]
    return owner


def _share_estates(
    estates: Any, owner: Ints, count: Ints, estimated: NDArray[np.bool_], floor: Floats, listed: list[dict[str, Any]]
) -> Ints:
    """Fill in the counts of estates' buildings; return the households left on each estate as a whole."""
    total = estates["households"].to_numpy(dtype=np.int64)
    whole = np.zeros(len(estates), dtype=np.int64)
    order = np.argsort(owner, kind="stable")
    starts = np.searchsorted(owner[order], np.arange(len(estates) + 1))
    for i in range(len(estates)):  # estates differ in how many buildings they have
        members = order[starts[i] : starts[i + 1]]
        known, blank = int(count[members].sum()), members[count[members] == 0]
        rest = int(total[i]) - known
        if rest > 0 and len(blank):
            count[blank] = _largest_remainder(floor[blank], rest)
            estimated[blank] = True
        elif rest > 0 and known == 0:
            whole[i] = rest
        elif total[i] > 0 and rest != 0:
            detail = f"estate says {total[i]}, its buildings {known}; the buildings' counts are used"
            listed.append(_row("estates", estates["estate_id"].iloc[i], "counts differ", "repaired", detail, rest))
    return whole


def _in_faces_of_points(homes: Any, estates: Any, whole: Ints, faces: Any) -> NDArray[np.bool_]:
    """Tell which buildings stand in a face with an estate that is known only by a point and brings a count."""
    points = estates.geometry.to_numpy()[(whole > 0) & (estates.geometry.geom_type == "Point").to_numpy()]
    if len(points) == 0 or len(homes) == 0:
        return np.zeros(len(homes), dtype=bool)
    face = locate(shapely.point_on_surface(homes.geometry.to_numpy()), faces)
    claimed: NDArray[np.bool_] = np.isin(face, locate(points, faces))
    return claimed


def _estimate_rest(
    homes: Any,
    communities: Any,
    count: Ints,
    estimated: NDArray[np.bool_],
    floor: Floats,
    claimed: NDArray[np.bool_],
    rules: HouseholdRules,
    listed: list[dict[str, Any]],
) -> None:
    """Estimate buildings without a count from floor area, scaled to the communities' totals where these are known."""
    blank = np.flatnonzero((count == 0) & ~claimed)
    if not len(blank):
        return
    estimate = np.maximum(np.rint(floor * rules.net_floor_share / rules.m2_per_household), 1).astype(np.int64)
    count[blank], estimated[blank] = estimate[blank], True
    detail = f"floor area x levels / {rules.m2_per_household:g} m2"
    listed.append(
        _row("buildings", f"{len(blank)} rows", "households estimated", "guessed", detail, count[blank].sum())
    )
    place = locate(shapely.point_on_surface(homes.geometry.to_numpy()), communities.geometry.to_numpy())
    for i, known in enumerate(communities["households"].to_numpy(dtype=np.float64)):
        mine = place == i
        open_ = blank[mine[blank]]
        rest = 0 if np.isnan(known) else int(known) - int(count[mine].sum() - count[open_].sum())
        if rest > 0 and len(open_):
            count[open_] = _largest_remainder(floor[open_], rest)
            name = communities["community_id"].iloc[i]
            listed.append(_row("communities", name, "estimates scaled to its total", "guessed", f"{known:g}", rest))


def _largest_remainder(weight: Floats, total: int) -> Ints:
    """Return whole numbers in proportion to weights that sum to the total (Hamilton's method; ties to the first)."""
    weight = weight if weight.sum() > 0 else np.ones(len(weight))
    exact = weight * (total / weight.sum())
    share: Ints = np.floor(exact).astype(np.int64)
    spare = total - int(share.sum())
    share[np.argsort(-(exact - share), kind="stable")[:spare]] += 1
    return share


def _to_homes(
    homes: Any,
    estates: Any,
    owner: Ints,
    count: Ints,
    estimated: NDArray[np.bool_],
    whole: Ints,
    listed: list[dict[str, Any]],
) -> Homes:
    lived, alone = np.flatnonzero(count > 0), np.flatnonzero(whole > 0)
    names = np.append(estates["estate_id"].to_numpy(dtype=object), "")
    shapes = np.concatenate([homes.geometry.to_numpy()[lived], estates.geometry.to_numpy()[alone]])
    columns = {
        "demand_id": ["b-" + i for i in homes["building_id"].iloc[lived]]
        + ["e-" + i for i in estates["estate_id"].iloc[alone]],
        "kind": ["building"] * len(lived) + ["estate"] * len(alone),
        "estate_id": np.concatenate([names[owner[lived]], names[alone]]),
        "households": np.concatenate([count[lived], whole[alone]]),
        "estimated": np.concatenate([estimated[lived], estates["estimated"].to_numpy(dtype=bool)[alone]]),
    }
    for group in GROUPS:
        if group in homes or group in estates:
            columns[group] = np.concatenate([_numbers(homes, group)[lived], _numbers(estates, group)[alone]])
    frame = gpd.GeoDataFrame(columns, geometry=shapely.point_on_surface(shapes), crs=homes.crs or estates.crs)
    order = np.argsort(frame["demand_id"].to_numpy(dtype=str), kind="stable")
    frame = frame.iloc[order].reset_index(drop=True).astype(dict.fromkeys(("demand_id", "kind", "estate_id"), "str"))
    guessed = int(frame.loc[frame["estimated"], "households"].sum())
    return Homes(require(frame, DEMAND), shapes[order], to_listed(listed), guessed)


def place_demand(demand: Any, blocks: Any, ids: Any) -> Any:
    """Return DEMAND with a ``block_id`` per point; one within 2 cm of a border moves inside its block."""
    places = demand.geometry.to_numpy().copy()
    block = locate(places, blocks)
    near = np.flatnonzero(shapely.distance(shapely.boundary(blocks[block]), places) < _ON_BORDER_M)
    inner = shapely.buffer(blocks[block[near]], -2 * _ON_BORDER_M)
    places[near] = shapely.get_point(shapely.shortest_line(inner, places[near]), 0)
    out = demand.assign(block_id=pd.Series(ids[block], dtype="str", index=demand.index))
    return require(out.set_geometry(gpd.GeoSeries(places, crs=demand.crs, index=demand.index)), DEMAND)


def _numbers(frame: Any, name: str) -> Ints:
    values = frame[name] if name in frame else pd.Series(0, index=frame.index)
    whole: Ints = pd.to_numeric(values, errors="coerce").fillna(0).to_numpy(dtype=np.int64)
    return whole


def _row(source: str, row: str, reason: str, action: str, detail: str, households: float = 0.0) -> dict[str, Any]:
    return {
        "source": source,
        "row": row,
        "reason": reason,
        "action": action,
        "detail": detail,
        "households": float(households),
    }


def to_listed(rows: list[dict[str, Any]]) -> Any:
    """Return LISTED of rows given as mappings."""
    if not rows:
        return LISTED.empty()
    text = {name: "str" for name, kind in LISTED.columns.items() if kind == "text"}
    return require(pd.DataFrame(rows, columns=list(LISTED.columns)).astype(text), LISTED)
