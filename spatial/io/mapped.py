"""Which buildings and estates does the street map itself show, where the planner has no table of them?"""

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from spatial.errors import InputError
from spatial.io.buildings import guess_homes, split_parts, to_buildings
from spatial.io.counts import parse_count, parse_levels
from spatial.io.listing import join_listed, list_note, list_rows
from spatial.io.uses import RESIDENTIAL, UNKNOWN, ground_use, tagged_use
from spatial.tables import ESTATES, Streets, require

_MIN_HOME_M2 = 30.0
"""A building of unknown use smaller than this is a kiosk or a guard's box."""
_GROUND_TAGS = ["landuse", "amenity"]
_GATED = frozenset({"private", "no", "permit", "residents"})
_OPEN = frozenset({"yes", "public", "permissive"})


def buildings_from_streets(streets: Streets) -> tuple[Any, Any]:
    """Return BUILDINGS of the map's building outlines, and LISTED of what was guessed.

    The use comes from the tags, else from the smallest area of known use that holds the building. What is still unknown
    stays so, unless the map marks no building as residential at all: then it is taken as homes. ``building:flats`` are
    households; all others are 0, to be estimated from floor area.
    """
    areas = streets.areas
    tags = _tags(areas)
    is_building = ~tags["building"].isin(["", "no"])
    frame = areas.loc[is_building.to_numpy(), ["area_id", "geometry"]].rename(columns={"area_id": "building_id"})
    own = tags[is_building]
    use = np.array([tagged_use(row) for row in own.to_dict("records")], dtype=object)
    levels, odd_levels = _parse(own, "building:levels", parse_levels)
    flats, odd_flats = _parse(own, "building:flats", parse_count)
    frame = frame.assign(
        _use=pd.Series(use, index=frame.index, dtype="str"), _estate="", _levels=levels, _households=flats,
        _estimated=False,
    )  # fmt: skip
    frame, placed = _use_of_ground(frame, areas, tags)
    frame, guessed = guess_homes(frame)
    frame, parts = split_parts(frame.sort_values("building_id", kind="stable"))
    return to_buildings(frame), join_listed([odd_levels, odd_flats, placed, guessed, parts])


def estates_from_streets(streets: Streets) -> tuple[Any, Any]:
    """Return ESTATES of the map's residential areas that bear a name, with 0 households, and LISTED.

    An outline drawn about others (a quarter, a town) is left out: its smaller ones are the estates.
    """
    areas = streets.areas
    tags = _tags(areas)
    mine = ((tags["landuse"] == "residential") & (tags["name"] != "")).to_numpy()
    frame = areas[mine].sort_values("area_id", kind="stable")
    around = _holds_others(frame.geometry.to_numpy())
    quarters = list_rows("estates", frame["area_id"][around], "residential area that holds others", "dropped",
                         tags["name"].loc[frame.index[around]])  # fmt: skip
    frame = frame[~around]
    access = tags.loc[frame.index, "access"].map(lambda text: "gated" if text in _GATED else _known_open(text))
    columns = {
        "estate_id": frame["area_id"].astype("str"),
        "name": tags.loc[frame.index, "name"],
        "households": np.zeros(len(frame), dtype=np.int64),
        "access": access.astype("str"),
        "estimated": np.ones(len(frame), dtype=bool),
    }
    estates = gpd.GeoDataFrame(columns, geometry=frame.geometry, crs=areas.crs).reset_index(drop=True)
    if len(estates):
        detail = f"{len(estates)} named residential areas of the street map, households from buildings"
        return require(estates, ESTATES), join_listed(
            [list_note("estates", "no register", "guessed", detail), quarters]
        )
    return ESTATES.empty(areas.crs), quarters


def _known_open(text: str) -> str:
    return "open" if text in _OPEN else "unknown"


def _tags(areas: Any) -> Any:
    """Return the tags of areas as text, "" where a map has no such column."""
    wanted = ("building", "building:use", "building:levels", "building:flats", "landuse", "amenity", "shop", "office",
              "leisure", "name", "access")  # fmt: skip
    columns = {
        tag: areas[tag].fillna("").astype("str")
        if tag in areas.columns
        else pd.Series("", index=areas.index, dtype="str")
        for tag in wanted
    }
    return pd.DataFrame(columns, index=areas.index)


def _parse(own: Any, tag: str, parse: Any) -> tuple[NDArray[np.float64], Any]:
    """Return the numbers of a tag, 0 where there is none, and LISTED of texts that are none."""
    values = np.zeros(len(own))
    odd = []
    for at, text in enumerate(own[tag]):  # texts, not geometries; most are empty
        try:
            values[at] = (parse(text) or 0) if text else 0
        except InputError:
            odd.append(text)
    if not odd:
        return values, join_listed([])
    shown = ", ".join(sorted(set(odd))[:5])
    return values, list_note("buildings", f"{tag} not understood", "repaired", f"{len(odd)} taken as unknown: {shown}")


def _use_of_ground(frame: Any, areas: Any, tags: Any) -> tuple[Any, Any]:
    """Give buildings of unknown use the use of the smallest area of known use that holds them."""
    use = np.array([ground_use(row) for row in tags[_GROUND_TAGS].to_dict("records")], dtype=object)
    ground = (use != "") & tags["building"].isin(["", "no"]).to_numpy()
    shapes = areas.geometry.to_numpy()[ground]
    unknown = np.flatnonzero((frame["_use"] == UNKNOWN).to_numpy())
    if not len(shapes) or not len(unknown):
        return frame, join_listed([])
    inside = shapely.point_on_surface(frame.geometry.to_numpy()[unknown])
    point, area = shapely.STRtree(shapes).query(inside, predicate="intersects")
    order = np.lexsort((area, -shapely.area(shapes)[area]))  # the smallest is written last
    found = np.full(len(unknown), "", dtype=object)
    found[point[order]] = use[ground][area[order]]
    size = frame.geometry.area.to_numpy()[unknown]
    found[(found == RESIDENTIAL) & (size < _MIN_HOME_M2)] = ""
    given = frame["_use"].to_numpy(dtype=object).copy()
    given[unknown[found != ""]] = found[found != ""]
    homes = int((found == RESIDENTIAL).sum())
    detail = (
        f"{int((found != '').sum())} by the area they stand in ({homes} as homes), {int((found == '').sum())} unknown"
    )
    listed = list_note("buildings", "use not tagged", "guessed", detail)
    return frame.assign(_use=pd.Series(given, index=frame.index, dtype="str")), listed


def _holds_others(shapes: Any) -> NDArray[np.bool_]:
    """Tell which areas hold a point inside of another, smaller one."""
    around = np.zeros(len(shapes), dtype=bool)
    if len(shapes):
        inner, outer = shapely.STRtree(shapes).query(shapely.point_on_surface(shapes), predicate="intersects")
        size = shapely.area(shapes)
        around[outer[(inner != outer) & (size[outer] > size[inner])]] = True
    return around
