"""How is a believable district made from a seed, with everything about it known?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from spatial.crs import LONLAT, metric_crs, transform_xy
from spatial.inputs import Inputs
from spatial.sample.board import Board, draw_board
from spatial.sample.communities import find_sides, outline_cells
from spatial.sample.ground import Ground, make_ground, to_ground
from spatial.sample.homes import count_into, list_estates, list_gates
from spatial.sample.houses import OSM_BUILDING, build_houses
from spatial.sample.names import name_places
from spatial.sample.noding import StreetMap, build_areas, build_streets, node_segments, thread_ways, touch_places
from spatial.sample.services import build_candidates, build_current, build_existing, build_pois, build_relief
from spatial.sample.truth import tell_truth
from spatial.tables import LISTED, VERTICAL_GRIDS, Streets

CENTRE = (108.70, 34.33)
"""Where the invented district is put: near Xianyang, in the zone of CGCS2000 about 108 E."""
CODE_PREFIX = "610499001"
"""Nine digits of an invented street office; no county has the number 99."""


@dataclass(frozen=True, slots=True)
class District:
    """A made district, in metres of the system of its centre; frames keep the contracts of ``spatial.tables``.

    ``estates`` adds company, elderly, children, buildings and kind; ``buildings`` name, elderly and children;
    ``communities`` code; ``existing`` hours. ``relief`` has columns x, y, z. ``truth`` is JSON-ready.
    """

    centre: tuple[float, float]
    crs: Any
    outline: Any
    communities: Any
    streets: Streets
    estates: Any
    buildings: Any
    gates: Any
    candidates: Any
    existing: Any
    current: Any
    pois: Any
    relief: Any
    truth: Mapping[str, Any]


def make_district(*, rng: np.random.Generator, communities: int = 6) -> District:
    """Return a district of about 2,100 households a community, 3,300 in a city of a hundred communities.

    Raises
    ------
    InputError
        If there are fewer than 4 or more than 400 communities.
    """
    board = draw_board(rng=rng, communities=communities)
    lattice, segments = board.lattice, board.whole.segments
    crs, ground = _choose_ground(board, rng)
    stations = node_segments(segments, touch_places(board.whole))
    street_map = build_streets(thread_ways(board.whole, stations), board.whole.marks, ground, crs)
    estates, estate_ids = list_estates(board, ground, crs, rng)
    buildings = build_houses(board.parcels, board.sketches, estate_ids, ground, crs, rng)
    estates = count_into(estates, buildings)
    land = outline_cells(board.cells, lattice, find_sides(lattice, segments, stations), ground)
    outlines = _form_communities(board, land, buildings, communities, crs)
    gates = list_gates(board, estate_ids, ground, crs)
    frames = {"communities": outlines, "estates": estates, "buildings": buildings, "gates": gates}
    areas = _list_areas(board, street_map, estates, buildings, estate_ids, ground)
    outline = shapely.coverage_union_all(land)
    return District(
        centre=CENTRE,
        crs=crs,
        outline=outline,
        communities=outlines,
        streets=Streets(street_map.ways, street_map.points, areas, outline, crs, "sample district", {}),
        estates=estates,
        buildings=buildings.drop(columns="parcel"),
        gates=gates,
        candidates=build_candidates(communities, lattice, segments, ground, crs, rng),
        existing=build_existing(communities, lattice, segments, ground, crs, rng),
        current=build_current(board.cells, lattice, ground, crs, rng),
        pois=build_pois(board, ground, crs, rng),
        relief=build_relief(lattice, ground, rng),
        truth=tell_truth(board, street_map, frames, ground=ground, estate_ids=estate_ids),
    )


def to_inputs(district: District) -> Inputs:
    """Return the inputs of a plan of a made district, as if its files had been read."""
    return Inputs(
        communities=district.communities,
        streets=district.streets,
        estates=district.estates,
        buildings=district.buildings,
        gates=district.gates,
        candidates=district.candidates,
        existing=district.existing,
        current=district.current,
        pois=district.pois,
        vertical_grids=VERTICAL_GRIDS.empty(district.streets.crs),
        listed=LISTED.empty(),
        provenance={"sample": {"path": district.streets.source, "rows": len(district.buildings)}},
    )


def _choose_ground(board: Board, rng: np.random.Generator) -> tuple[Any, Ground]:
    crs = metric_crs(*CENTRE)
    easting, northing = transform_xy(np.array([CENTRE]), LONLAT, crs)[0].tolist()
    origin = (float(round(easting)), float(round(northing)))
    return crs, make_ground(rng=rng, origin=origin, size=board.lattice.size, river_v=board.lattice.river_v)


def _form_communities(board: Board, land: Any, buildings: Any, communities: int, crs: Any) -> Any:
    """Return COMMUNITIES numbered quarter by quarter."""
    number = board.community
    of = number[[p.cell for p in board.parcels]][buildings["parcel"]]
    codes = [f"{CODE_PREFIX}{k:03d}" for k in range(1, communities + 1)]
    frame = {
        "community_id": codes,
        "code": codes,
        "name": [f"第{k}社区" for k in range(1, communities + 1)],
        "households": np.bincount(of, buildings["households"], minlength=communities).astype(np.int64),
        "proposed": False,
    }
    outlines = [shapely.coverage_union_all(land[number == k]) for k in range(communities)]
    return gpd.GeoDataFrame(frame, geometry=outlines, crs=crs)


def _list_areas(
    board: Board, street_map: StreetMap, estates: Any, buildings: Any, estate_ids: list[str], ground: Ground
) -> Any:
    """Return the areas of the street map: ground and water, estates and places with their names, then buildings."""
    names = dict(zip(estates["estate_id"], estates["name"], strict=True))
    called = {k: names[estate_ids[k]] for k in board.homes()}
    called |= dict(zip(board.places(), name_places([board.parcels[k].kind for k in board.places()]), strict=True))
    name_of = {id(board.sketches[k].outlines[0]): name for k, name in called.items()}
    outlines = board.whole.outlines
    rings = [shapely.Polygon(to_ground(outline.uv, ground)) for outline in outlines]
    tags = [{**o.tags, **({"name": name_of[id(o)]} if id(o) in name_of else {})} for o in outlines]
    houses = [
        {"building": OSM_BUILDING.get(use, use), "building:levels": f"{levels:g}", "addr:housenumber": name}
        for use, levels, name in zip(buildings["use"], buildings["levels"], buildings["name"], strict=True)
    ]
    first_id = int(street_map.ways["way_id"].max()) + 1
    return build_areas([*rings, *buildings.geometry], [*tags, *houses], first_id, buildings.crs)
