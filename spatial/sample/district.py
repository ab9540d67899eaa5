"""How is a believable district made from a seed, with everything about it known?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from spatial.crs import LONLAT, metric_crs, transform_xy
from spatial.sample.communities import Numbers, find_sides, group_cells, outline_cells
from spatial.sample.drawing import Sketch, join_sketches
from spatial.sample.estates import lay_estate
from spatial.sample.ground import Ground, make_ground, to_ground
from spatial.sample.houses import OSM_BUILDING, build_houses
from spatial.sample.lattice import Cell, Lattice, list_cells, make_lattice
from spatial.sample.names import choose_companies, name_estates, name_streets
from spatial.sample.noding import StreetMap, build_areas, build_streets, node_segments, thread_ways, touch_places
from spatial.sample.parcels import NOMINAL, Parcel, choose_programmes, slice_cell
from spatial.sample.places import PLACES, lay_place
from spatial.sample.services import build_candidates, build_current, build_existing, build_pois, build_relief
from spatial.sample.sidewalks import draw_sidewalks
from spatial.sample.streets import draw_streets
from spatial.sample.truth import count_totals, tell_borders, tell_ways
from spatial.sample.village import lay_village
from spatial.tables import Streets

CENTRE = (108.70, 34.33)
"""Where the invented district is put: near Xianyang, 108 E zone of CGCS2000."""
CODE_PREFIX = "610499001"
"""Nine digits of an invented street office; the county 99 does not exist."""
_TRIALS = 60
"""Arrangements of superblocks that are compared for communities of even size; fewer in large cities."""


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


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is drawn on the board: superblocks, parcels with their sketches, and everything in one sketch."""

    lattice: Lattice
    cells: list[Cell]
    parcels: list[Parcel]
    sketches: list[Sketch]
    whole: Sketch


def make_district(*, rng: np.random.Generator, communities: int = 6) -> District:
    """Return a district of about 2,250 households a community, 3,400 in a city of a hundred communities.

    Raises
    ------
    InputError
        If there are fewer than 4 or more than 400 communities.
    """
    plan = _draw(rng, communities)
    crs = metric_crs(*CENTRE)
    easting, northing = transform_xy(np.array([CENTRE]), LONLAT, crs)[0].tolist()
    origin = (float(round(easting)), float(round(northing)))
    ground = make_ground(rng=rng, origin=origin, size=plan.lattice.size, river_v=plan.lattice.river_v)
    stations = node_segments(plan.whole.segments, touch_places(plan.whole))
    street_map = build_streets(thread_ways(plan.whole, stations), plan.whole.marks, ground, crs)
    estates, estate_ids = _list_estates(plan, ground, crs, rng)
    buildings = build_houses(plan.parcels, plan.sketches, estate_ids, ground, crs, rng)
    estates = _count_into(estates, buildings)
    land = outline_cells(plan.cells, plan.lattice, find_sides(plan.lattice, plan.whole.segments, stations), ground)
    number, frame = _form_communities(plan, land, buildings, communities, crs)
    gates, gate_truth = _list_gates(plan, estate_ids, street_map, ground, crs)
    outline = shapely.coverage_union_all(land)
    segments = plan.whole.segments
    return District(
        centre=CENTRE,
        crs=crs,
        outline=outline,
        communities=frame,
        streets=_to_streets(plan, street_map, estates, buildings, estate_ids, ground, outline, crs),
        estates=estates,
        buildings=buildings.drop(columns="parcel"),
        gates=gates,
        candidates=build_candidates(communities, plan.lattice, segments, ground, crs, rng),
        existing=build_existing(communities, plan.lattice, segments, ground, crs, rng),
        current=build_current(plan.cells, plan.lattice, ground, crs, rng),
        pois=build_pois(plan.lattice, segments, ground, crs, rng),
        relief=build_relief(plan.lattice, ground, rng),
        truth=_tell_truth(plan, street_map, frame, estates, buildings, number, gate_truth),
    )


# -- drawing --------------------------------------------------------------------------------------------------------


def _draw(rng: np.random.Generator, communities: int) -> _Plan:
    lattice = make_lattice(rng=rng, communities=communities)
    cells = list_cells(lattice)
    programmes = _choose_even(cells, lattice, communities, rng)
    sliced = [slice_cell(k, cell, programmes[k], lattice=lattice, rng=rng) for k, cell in enumerate(cells)]
    parcels = [parcel for pieces, _ in sliced for parcel in pieces]
    sketches = [_lay(parcel, rng) for parcel in parcels]
    names = name_streets(len(lattice.columns), "路", rng), name_streets(len(lattice.rows), "街", rng)
    inner = [street for _, streets in sliced for street in streets]
    inner_names = name_streets(len(inner), "巷", rng)
    inner = [_rename(street, name) for street, name in zip(inner, inner_names, strict=True)]
    main = [draw_streets(lattice, names, rng), draw_sidewalks(lattice), Sketch(segments=tuple(inner))]
    return _Plan(lattice, cells, parcels, sketches, join_sketches([*main, *sketches]))


def _rename(street: Any, name: str) -> Any:
    return type(street)(street.axis, street.at, street.start, street.end, {**street.tags, "name": name})


def _choose_even(cells: list[Cell], lattice: Lattice, communities: int, rng: np.random.Generator) -> list[str]:
    """Return the arrangement of programmes, of several, whose communities come out most even."""
    best: tuple[float, list[str]] = (np.inf, [])
    for _ in range(max(4, _TRIALS * 6 // communities)):
        programmes = choose_programmes(cells, lattice, rng)
        nominal = np.array([NOMINAL[p] for p in programmes])
        size = np.bincount(group_cells(cells, nominal, communities), nominal)
        spread = float(np.abs(size / size.mean() - 1).max())
        best = min(best, (spread, programmes), key=lambda pair: pair[0])
    return best[1]


def _lay(parcel: Parcel, rng: np.random.Generator) -> Sketch:
    if parcel.kind in PLACES:
        return lay_place(parcel, rng)
    return lay_village(parcel, rng) if parcel.kind == "village" else lay_estate(parcel, rng)


# -- frames ---------------------------------------------------------------------------------------------------------


def _list_estates(plan: _Plan, ground: Ground, crs: Any, rng: np.random.Generator) -> tuple[Any, list[str]]:
    """Return the estates without their counts, and the estate id of each parcel, "" where it has none."""
    homes = [k for k, p in enumerate(plan.parcels) if p.kind not in PLACES and p.kind != "loose"]
    kinds = [plan.parcels[k].kind for k in homes]
    walled = [len(plan.sketches[k].gates) > 0 for k in homes]
    ids = [""] * len(plan.parcels)
    for number, k in enumerate(homes, 1):
        ids[k] = f"E{number:04d}"
    frame = {
        "estate_id": [ids[k] for k in homes],
        "name": name_estates(kinds, rng),
        "access": np.where(walled, "gated", "open"),
        "company": choose_companies(walled, rng),
        "kind": kinds,
    }
    rings = [shapely.Polygon(to_ground(plan.sketches[k].outlines[0].uv, ground)) for k in homes]
    return gpd.GeoDataFrame(frame, geometry=rings, crs=crs), ids


def _count_into(estates: Any, buildings: Any) -> Any:
    """Return the estates with the sums of their buildings."""
    sums = buildings.groupby("estate_id")[["households", "elderly", "children"]].sum()
    homes = buildings[buildings["households"] > 0].groupby("estate_id").size()
    counted = {name: sums[name].reindex(estates["estate_id"]).to_numpy() for name in sums.columns}
    blocks = homes.reindex(estates["estate_id"]).to_numpy().astype(np.int64)
    return estates.assign(**counted, buildings=blocks, estimated=False)


def _form_communities(plan: _Plan, land: Any, buildings: Any, communities: int, crs: Any) -> tuple[Numbers, Any]:
    """Return the community number of each superblock, and COMMUNITIES numbered from south-west on."""
    cell = np.array([p.cell for p in plan.parcels])[buildings["parcel"]]
    households = np.bincount(cell, buildings["households"], minlength=len(plan.cells)).astype(np.int64)
    number = group_cells(plan.cells, households, communities)
    codes = [f"{CODE_PREFIX}{k:03d}" for k in range(1, communities + 1)]
    frame = {
        "community_id": codes,
        "code": codes,
        "name": [f"第{k}社区" for k in range(1, communities + 1)],
        "households": np.bincount(number, households, minlength=communities).astype(np.int64),
        "proposed": False,
    }
    outlines = [shapely.coverage_union_all(land[number == k]) for k in range(communities)]
    return number, gpd.GeoDataFrame(frame, geometry=outlines, crs=crs)


def _list_gates(
    plan: _Plan, estate_ids: Sequence[str], street_map: StreetMap, ground: Ground, crs: Any
) -> tuple[Any, dict[str, Any]]:
    """Return GATES, and for each gate the node and the wall of the street map on which it hangs."""
    node_at = {(m.u, m.v): int(n) for m, n in zip(plan.whole.marks, street_map.mark_node, strict=True)}
    walls = _wall_ways(plan, street_map)
    rows = [
        (estate, gate, node_at[gate.u, gate.v], walls[k])
        for k, (sketch, estate) in enumerate(zip(plan.sketches, estate_ids, strict=True))
        for gate in sketch.gates
        if estate
    ]
    ids = [f"G{k:04d}" for k in range(1, len(rows) + 1)]
    frame = {
        "gate_id": ids,
        "estate_id": [estate for estate, *_ in rows],
        "access": [gate.access for _, gate, *_ in rows],
        "hours": [gate.hours for _, gate, *_ in rows],
    }
    places = to_ground(np.array([[gate.u, gate.v] for _, gate, *_ in rows]), ground)
    told = {
        name: {"estate_id": estate, "access": gate.access, "node_id": node, "wall_way_id": wall}
        for name, (estate, gate, node, wall) in zip(ids, rows, strict=True)
    }
    return gpd.GeoDataFrame(frame, geometry=shapely.points(places), crs=crs), told


def _wall_ways(plan: _Plan, street_map: StreetMap) -> dict[int, int]:
    """Return parcel number -> id of the way of its wall."""
    way_of = dict(
        zip(map(id, plan.whole.lines), street_map.ways["way_id"].tolist()[-len(plan.whole.lines) :], strict=True)
    )
    return {k: int(way_of[id(line)]) for k, sketch in enumerate(plan.sketches) for line in sketch.lines}


def _to_streets(
    plan: _Plan, street_map: StreetMap, estates: Any, buildings: Any, estate_ids: Sequence[str], ground: Ground,
    outline: Any, crs: Any,
) -> Streets:  # fmt: skip
    """Return the street map: ways, tagged places, and areas of ground, water and buildings."""
    names = dict(zip(estates["estate_id"], estates["name"], strict=True))
    in_parcel = {
        id(o): names.get(estate, "")
        for s, estate in zip(plan.sketches, estate_ids, strict=True)
        for o in s.outlines[:1]
    }
    grounds = [
        (shapely.Polygon(to_ground(o.uv, ground)), _named(o.tags, in_parcel.get(id(o), "")))
        for o in plan.whole.outlines
    ]
    houses = [
        {"building": OSM_BUILDING.get(use, use), "building:levels": f"{levels:g}", "addr:housenumber": name}
        for use, levels, name in zip(buildings["use"], buildings["levels"], buildings["name"], strict=True)
    ]
    rings, tags = [g for g, _ in grounds] + list(buildings.geometry), [t for _, t in grounds] + houses
    first_id = int(street_map.ways["way_id"].max()) + 1
    return Streets(
        ways=street_map.ways,
        points=street_map.points,
        areas=build_areas(rings, tags, first_id, crs),
        outline=outline,
        crs=crs,
        source="sample district",
        dropped={},
    )


def _named(tags: Mapping[str, str], name: str) -> Mapping[str, str]:
    return {**tags, "name": name} if name else tags


def _tell_truth(
    plan: _Plan, street_map: StreetMap, communities: Any, estates: Any, buildings: Any, number: Numbers,
    gates: Mapping[str, Any],
) -> dict[str, Any]:  # fmt: skip
    codes = communities["community_id"].tolist()
    parcel_of = dict(zip(buildings["estate_id"], buildings["parcel"], strict=True))
    community = {e: codes[number[plan.parcels[parcel_of[e]].cell]] for e in estates["estate_id"]}
    walls = _wall_ways(plan, street_map)
    crossing = [int(n) for m, n in zip(plan.whole.marks, street_map.mark_node, strict=True) if "railway" in m.tags]
    borders = tell_borders(plan.cells, number, plan.lattice)
    return {
        "invented": True,
        "totals": count_totals(communities, estates, buildings),
        "communities": dict(zip(codes, communities["households"].tolist(), strict=True)),
        "borders": [{**b, "between": [codes[k] for k in b["between"]]} for b in borders],
        **tell_ways(street_map.ways, {"level_crossing": crossing}),
        "estates": {
            e: {"name": n, "gated": a == "gated", "households": int(h), "community_id": community[e], "wall_way_id": walls.get(parcel_of[e])}
            for e, n, a, h in zip(estates["estate_id"], estates["name"], estates["access"], estates["households"], strict=True)
        },
        "gates": dict(gates),
        "buildings": {b: [e, int(h)] for b, e, h in zip(buildings["building_id"], buildings["estate_id"], buildings["households"], strict=True)},
    }  # fmt: skip
