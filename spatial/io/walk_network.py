"""What can be walked in a map file, read in one go: from the bytes to the walk network, and kept for the next time?"""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from spatial.io.osm import build_points, locate_nodes
from spatial.io.osm_areas import build_areas
from spatial.io.osm_elements import Elements
from spatial.io.osm_extent import find_extent
from spatial.io.osm_file import OSM_SUFFIXES, read_elements
from spatial.io.osm_frames import split_ragged, tags_frame, ways_frame
from spatial.io.osm_ways import Runs, draw_runs, find_runs
from spatial.io.streets import read_streets
from spatial.io.walk_cache import key_of, load_network, store_network
from spatial.profile import Profile
from spatial.tables import POINT_TAGS, WAY_TAGS, Streets
from spatial.walking.elevation import Heights
from spatial.walking.lines import Lines
from spatial.walking.network import WalkNetwork, build_walk_network
from spatial.walking.walker import Walker

_ADULT = Walker()
_NAMES = frozenset({"name", "ref"})
"""Tags that tell nobody who walks where: nearly every street has its own, so they make no kind of way."""
_STOPPING = frozenset(POINT_TAGS) - {"highway", "railway", "amenity", "shop", "name"}
"""Tags of points that may say who passes; of the highways only lifts do, and most points are crossings and shops."""
_FRAMED = ("barrier", "area", "opening_hours")
"""Ways with one of these are walls, squares or closed at times: the network wants to see them one by one."""


def read_walk_network(
    path: str | Path,
    profile: Profile,
    *,
    gates: Any | None = None,
    estates: Any | None = None,
    walker: Walker = _ADULT,
    heights: Heights | None = None,
    crs: Any = None,
    clip: Any = None,
    cache: bool = True,
) -> WalkNetwork:
    """Return the walk network of a map file: what ``build_walk_network`` makes of what ``read_streets`` finds in it.

    With ``cache`` it is kept in the user's cache folder (or in that which WANGGE_CACHE names) under what it was made
    from, down to the bytes of the file and of this program, and mapped into memory from there the next time; a network
    with heights is made anew each time.

    Raises
    ------
    InputError, TableError, CrsError
        As ``read_streets`` and ``build_walk_network``.
    """
    path = Path(path)
    is_osm = path.name.lower().endswith(OSM_SUFFIXES)
    asked = (walker, crs, clip)
    cache = cache and is_osm and path.is_file() and heights is None  # a map in another format may be several files
    key = key_of(path, profile.walking, (gates, estates), asked) if cache else None
    kept = load_network(key) if key is not None else None
    if kept is not None:
        return kept
    if is_osm:
        streets, *ways = _read_columns(read_elements(path), crs, clip, path.name)
        # popped, so that nobody but the builder holds the columns, which lets them go early
        network = build_walk_network(
            streets, profile, gates=gates, estates=estates, walker=walker, heights=heights, lines=ways.pop()
        )
    else:
        streets = read_streets(path, crs=crs, clip=clip)
        network = build_walk_network(streets, profile, gates=gates, estates=estates, walker=walker, heights=heights)
    if key is not None:
        store_network(key, network)
    return network


def _read_columns(elements: Elements, crs: Any, clip: Any, source: str) -> tuple[Streets, Lines]:
    """Return the street map with the ways as columns; its frame of ways holds only those that are looked at singly."""
    extent = find_extent(elements, crs=crs, clip=clip, name=source)
    dropped = Counter(elements.dropped)
    xy = locate_nodes(elements, extent, dropped)
    areas = build_areas(elements, extent, xy)
    runs, dropped = find_runs(elements, extent, xy, banks=areas.banks, dropped=dropped + areas.dropped)
    first, kind = runs.tags.combine(key for key in WAY_TAGS if key not in _NAMES)
    kinds = tags_frame(runs.tags.take(first), WAY_TAGS)
    lines = Lines(runs.way_id, kind, kinds, runs.offsets, runs.node, runs.xy)
    streets = Streets(
        ways=_frame(runs, runs.tags.having(_FRAMED), extent.crs),
        points=build_points(_obstacles_of(elements), extent, xy, dropped),
        areas=areas.frame,
        outline=None,
        crs=extent.crs,
        source=source,
        dropped=dropped,
    )
    return streets, lines


def _obstacles_of(elements: Elements) -> Elements:
    """Return the elements with no other places than those that may stop or lift a walker."""
    tags = elements.place_tags
    lifts = tags.judge(lambda tags: tags.get("highway") == "elevator", ["highway"]) > 0
    lifts[tags.having(_STOPPING)] = True
    rows = np.flatnonzero(lifts)
    return replace(elements, place_row=elements.place_row[rows], place_tags=tags.take(rows))


def _frame(runs: Runs, rows: Any, crs: Any) -> Any:
    some = runs.take(rows)
    return ways_frame(some.way_id, some.tags, split_ragged(some.node, some.offsets), draw_runs(some), crs)
