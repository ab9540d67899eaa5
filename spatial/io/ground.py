"""Which land is the district, which streets lead through it, and which rows of the inputs lie on it?"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from spatial.crs import CoordType, metric_crs, to_lonlat
from spatial.errors import InputError
from spatial.io.communities import area_frame, find_centre, read_area, read_communities
from spatial.io.listing import join_listed, list_note, list_rows
from spatial.io.map_gaps import list_lacking
from spatial.io.rows import carry_rows, drop_rows, row_labels
from spatial.io.sources import Sources
from spatial.io.streets import empty_streets, read_streets
from spatial.io.systems import Undeclared
from spatial.tables import Streets

SURROUND_M = 500.0
"""Streets are read this far beyond the land: residents walk there too."""
_HALF = 0.5
_TOLD_M2 = 1.0
_CLIP_SIMPLE_M = 25.0


@dataclass(frozen=True, slots=True)
class Ground:
    """The district's communities and streets in metres, LISTED, and what the files said of themselves."""

    communities: Any
    streets: Streets
    listed: Any
    origins: dict[str, Any]


def read_ground(sources: Sources, coords: dict[str, CoordType], undeclared: Undeclared) -> Ground:
    """Return the land, its communities and its streets, in the metric system about its middle.

    Land comes from the area, else from the communities, else from the place or the street map, whose outline is one
    area. Where both area and communities are given, the communities that lie mostly in the area are taken, whole.

    Raises
    ------
    InputError
        If nothing says where the district is, a street map and a place are given, or no community lies in the area.
    """
    if sources.osm is not None and sources.place is not None:
        raise InputError("both osm and place are given; needed one of them")
    first = "area" if sources.area is not None else "communities"
    outline = getattr(sources, first)
    if outline is None:
        return _ground_of_streets(sources)
    crs = metric_crs(*find_centre(outline, coords.get(first), undeclared=undeclared))
    frames, listed, origins = {}, [], {}
    for name, read in (("area", read_area), ("communities", read_communities)):
        path = getattr(sources, name)
        if path is not None:
            frames[name], notes = read(path, crs, coords.get(name), undeclared=undeclared)
            origins[name] = frames[name].attrs["origin"]
            frames[name] = carry_rows(frames[name])
            listed.append(notes)
    communities = frames["communities" if "communities" in frames else "area"]
    if len(frames) == 2:
        communities, notes = choose_communities(frames["communities"], frames["area"])
        listed.append(notes)
    streets, notes = _streets_about(sources, crs, shapely.union_all(communities.geometry.to_numpy()))
    return Ground(drop_rows(communities), streets, join_listed([*listed, notes]), origins)


def choose_communities(communities: Any, area: Any) -> tuple[Any, Any]:
    """Return the communities with most of their land in the area, whole, and LISTED of the others and of what differs.

    Raises
    ------
    InputError
        If none is left.
    """
    outline = area.geometry.iloc[0]
    shapes = communities.geometry.to_numpy()
    shared = shapely.area(shapely.intersection(shapes, outline))
    inside = shared > _HALF * shapely.area(shapes)
    ids = row_labels(communities)
    if not inside.any():
        raise InputError(
            f"none of {len(ids)} communities lies in the area {area['name'].iloc[0]!r}; needed at least one"
        )
    beyond = shapely.area(shapes) - shared
    over = inside & (beyond >= _TOLD_M2)
    left = shapely.area(shapely.difference(outline, shapely.union_all(shapes[inside])))
    listed = [
        list_rows("communities", ids[~inside], "outside the area", "dropped", communities["name"][~inside]),
        list_rows(
            "communities", ids[over], "reaches beyond the area", "kept", [f"by {m2:,.0f} m2" for m2 in beyond[over]]
        ),
    ]
    if left >= _TOLD_M2:
        detail = f"{left:,.0f} m2 of the area belong to no community and are not divided"
        listed.append(list_note("area", "gap between area and communities", "dropped", detail))
    return communities[inside].reset_index(drop=True), join_listed(listed)


def _streets_about(sources: Sources, crs: Any, land: Any) -> tuple[Streets, Any]:
    """Return the streets of the land and its surroundings."""
    if sources.osm is not None:
        around = shapely.buffer(shapely.simplify(land, _CLIP_SIMPLE_M), SURROUND_M + _CLIP_SIMPLE_M)
        streets = read_streets(sources.osm, crs=crs, clip=to_lonlat(around, crs))
        none = not len(streets.ways)
        detail = f"{streets.source} holds none within {SURROUND_M:g} m of the land"
        return streets, list_note("osm", "no streets", "kept", detail) if none else list_lacking(streets)
    if sources.place is not None:
        from spatial.io.place import read_place  # brings a web client that files never need

        streets = read_place(sources.place, crs=crs)[0]
        return streets, list_lacking(streets)
    return empty_streets(crs), list_note(
        "osm", "no street map", "kept", "nothing is walked and borders follow no street"
    )


def _ground_of_streets(sources: Sources) -> Ground:
    """Return the outline of the place or of the street map as one area."""
    if sources.place is not None:
        from spatial.io.place import read_place

        streets, outline = read_place(sources.place)
        name = sources.name or sources.place
    elif sources.osm is not None:
        streets = read_streets(sources.osm)
        outline, name = streets.outline, sources.name or streets.source
    else:
        raise InputError("nothing says where the district is; needed an area, communities, a street map or a place")
    notes = [list_lacking(streets)]
    if outline is None or shapely.is_empty(outline):
        outline = shapely.convex_hull(shapely.union_all(streets.ways.geometry.to_numpy()))
        notes.append(list_note("area", "no outline", "guessed", "the hull of the streets is taken"))
    if shapely.area(outline) <= 0:
        raise InputError(f"the street map {streets.source} encloses no land; needed an area beside it")
    if sources.place is None:
        notes.append(list_note("area", "no area given", "guessed", "the land that the street map covers is divided"))
    return Ground(area_frame(outline, name, streets.crs), streets, join_listed(notes), {})


def keep_inside(frame: Any, land: Any, source: str, margin_m: float = 0.0) -> tuple[Any, Any]:
    """Return the rows on the land, or within a margin of it, and LISTED of the others.

    A point counts by itself, an area by the larger part of its land.
    """
    if not len(frame):
        return frame, join_listed([])
    near = shapely.buffer(land, margin_m) if margin_m else land
    shapely.prepare(near)
    geometry = frame.geometry.to_numpy()
    touched = shapely.intersects(near, geometry)
    area = shapely.area(geometry)
    partly = touched & (area > 0) & ~shapely.covers(near, geometry)
    touched[partly] = shapely.area(shapely.intersection(geometry[partly], near)) > _HALF * area[partly]
    inside = touched
    name = frame["name"] if "name" in frame.columns else np.full(len(frame), "", dtype=object)
    households = frame["households"] if "households" in frame.columns else np.full(len(frame), np.nan)
    reason = f"more than {margin_m:g} m outside the area" if margin_m else "outside the area"
    listed = list_rows(source, row_labels(frame)[~inside], reason, "dropped", name[~inside], households[~inside])
    return frame[inside].reset_index(drop=True), listed
