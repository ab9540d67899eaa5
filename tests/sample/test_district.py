"""A made district is what its truth says, for any seed."""

from functools import lru_cache

import geopandas as gpd
import networkx as nx
import numpy as np
import pytest
import shapely

from spatial.errors import InputError
from spatial.inputs import INPUT_TABLES
from spatial.sample.district import District, make_district, to_inputs
from spatial.tables import LISTED, require

SIZES = {1: 6, 2: 6, 3: 4, 7: 12}


@lru_cache(maxsize=8)
def made(seed: int) -> District:
    return make_district(rng=np.random.default_rng(seed), communities=SIZES[seed])


@pytest.fixture(params=sorted(SIZES))
def district(request: pytest.FixtureRequest) -> District:
    return made(request.param)


def arterials(district: District) -> gpd.GeoDataFrame:
    ways = district.streets.ways
    return ways[ways["highway"].isin(["primary", "secondary", "tertiary", "primary_link"])]


def at_grade(ways: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return ways[(ways["bridge"] == "") & (ways["tunnel"] == "")]


def crossing_pairs(left: gpd.GeoDataFrame, right: gpd.GeoDataFrame) -> list[tuple[int, int]]:
    rows, others = shapely.STRtree(right.geometry).query(left.geometry, predicate="intersects")
    return sorted({(int(left.way_id.iloc[i]), int(right.way_id.iloc[j])) for i, j in zip(rows, others, strict=True)})


def test_every_frame_keeps_its_contract(district: District) -> None:
    inputs = to_inputs(district)
    for name, table in INPUT_TABLES.items():
        frame = getattr(inputs, name)
        require(frame, table)
        assert shapely.is_valid(frame.geometry.to_numpy()).all(), table.name


def test_communities_tile_the_outline_exactly(district: District) -> None:
    outlines = district.communities.geometry.to_numpy()
    assert shapely.coverage_is_valid(outlines)
    assert shapely.coverage_union_all(outlines).equals_exact(district.outline, 0.0, normalize=True)
    assert (shapely.get_type_id(outlines) == 3).all()
    assert district.outline.geom_type == "Polygon"
    assert len(district.outline.interiors) == 0


def test_borders_between_communities_run_on_the_ways_the_truth_names(district: District) -> None:
    ways = district.streets.ways
    lines = {
        "river": ways[ways["waterway"] == "river"],
        "rail": ways[ways["railway"] == "rail"],
        "road": ways[ways["highway"].isin(["primary", "secondary", "tertiary", "residential"])],
    }
    near = {kind: shapely.union_all(frame.geometry.to_numpy()).buffer(10.0) for kind, frame in lines.items()}
    outlines = dict(zip(district.communities["code"], district.communities.geometry, strict=True))
    assert district.truth["borders"]
    for border in district.truth["borders"]:
        a, b = (outlines[code] for code in border["between"])
        shared = shapely.intersection(a.boundary, b.boundary)
        told = {kind: metres for kind, metres in border.items() if kind != "between"}
        assert shared.length == pytest.approx(sum(told.values()), rel=0.005)
        for kind in ("river", "rail", "road"):
            found = shapely.intersection(shared, near[kind]).length
            island = 45.0 if kind == "road" else 0.1  # the middle of the roundabout is no way
            assert found >= told.get(kind, 0.0) - island


def test_households_are_conserved_from_buildings_to_estates_to_communities(district: District) -> None:
    buildings, estates, communities = district.buildings, district.estates, district.communities
    per_estate = buildings[buildings["estate_id"] != ""].groupby("estate_id")["households"].sum()
    assert per_estate.to_dict() == dict(zip(estates["estate_id"], estates["households"], strict=True))
    middles = buildings.geometry.centroid
    inside = gpd.sjoin(gpd.GeoDataFrame(buildings[["households"]], geometry=middles), communities[["code", "geometry"]])
    told = dict(zip(communities["code"], communities["households"], strict=True))
    assert inside.groupby("code")["households"].sum().to_dict() == told
    assert communities["households"].sum() == district.truth["totals"]["households"] == buildings["households"].sum()


def test_every_building_stands_inside_its_estate_and_the_district(district: District) -> None:
    outline = dict(zip(district.estates["estate_id"], district.estates.geometry, strict=True))
    homes = district.buildings[district.buildings["estate_id"] != ""]
    for estate, building in zip(homes["estate_id"], homes.geometry, strict=True):
        assert outline[estate].contains(building)
    assert shapely.contains(district.outline, district.buildings.geometry.to_numpy()).all()


def test_no_two_estates_overlap_and_none_holds_a_foreign_building(district: District) -> None:
    estates, buildings = district.estates, district.buildings
    i, j = shapely.STRtree(estates.geometry).query(estates.geometry, predicate="overlaps")
    assert not len(i), list(zip(i, j, strict=True))
    rows, found = shapely.STRtree(estates.geometry).query(buildings.geometry, predicate="intersects")
    assert (buildings["estate_id"].to_numpy()[rows] == estates["estate_id"].to_numpy()[found]).all()


def test_no_building_overlaps_another(district: District) -> None:
    outlines = district.buildings.geometry.to_numpy()
    i, j = shapely.STRtree(outlines).query(outlines, predicate="intersects")
    assert (i == j).all()


def test_no_building_stands_on_a_street_for_cars_or_in_the_water(district: District) -> None:
    outlines = district.buildings.geometry.to_numpy()
    ways = district.streets.ways
    for name in ("primary", "secondary", "tertiary", "residential", "service", "living_street", "footway"):
        lines = ways[ways["highway"] == name].geometry.to_numpy()
        assert not len(shapely.STRtree(outlines).query(lines, predicate="intersects")[0]), name
    areas = district.streets.areas
    water = areas[areas["natural"] == "water"].geometry.to_numpy()
    assert not len(shapely.STRtree(outlines).query(water, predicate="intersects")[0])


def test_gates_hang_on_walls_and_ways_lead_through_them(district: District) -> None:
    ways = district.streets.ways.set_index("way_id")
    walled = district.estates[district.estates["access"] == "gated"]
    assert set(district.gates["estate_id"]) == set(walled["estate_id"])
    walks = ways[ways["highway"] != ""]
    owner = np.repeat(walks.index.to_numpy(), walks["nodes"].map(len))
    node = np.concatenate(walks["nodes"].to_list())
    for gate, told in district.truth["gates"].items():
        wall = ways.loc[told["wall_way_id"]]
        assert wall["barrier"] == "wall"
        assert told["node_id"] in wall["nodes"]
        assert wall["nodes"][0] == wall["nodes"][-1]
        through = ways.loc[owner[node == told["node_id"]]]
        assert sorted(through["access"]) == ["", "private"], gate


def test_gates_of_the_map_say_what_the_table_says(district: District) -> None:
    points = district.streets.points.set_index("node_id")
    told = {"open": "yes", "private": "private", "closed": "no"}
    for row in district.gates.itertuples():
        node = points.loc[district.truth["gates"][row.gate_id]["node_id"]]
        assert node["access"] == told[row.access]
        assert node["opening_hours"] == row.hours
        assert node.geometry.distance(row.geometry) < 1e-6
    assert set(district.gates["access"]) == {"open", "private", "closed"}


def test_every_closed_estate_has_a_gate_that_residents_can_pass(district: District) -> None:
    passable = district.gates[district.gates["access"] != "closed"]
    walled = district.estates[district.estates["access"] == "gated"]
    assert set(passable["estate_id"]) == set(walled["estate_id"])


def test_no_way_leads_through_a_wall_but_at_a_gate(district: District) -> None:
    ways = district.streets.ways
    walls, walks = ways[ways["barrier"] == "wall"], at_grade(ways[ways["highway"] != ""])
    nodes = dict(zip(ways["way_id"], ways["nodes"], strict=True))
    for walk, wall in crossing_pairs(walks, walls):
        assert set(nodes[walk].tolist()) & set(nodes[wall].tolist())


def test_ways_that_cross_at_grade_share_a_node(district: District) -> None:
    ways = district.streets.ways
    walks = at_grade(ways[(ways["highway"] != "") & (ways["highway"] != "primary_link")])
    nodes = dict(zip(ways["way_id"], ways["nodes"], strict=True))
    for one, other in crossing_pairs(walks, walks):
        assert set(nodes[one].tolist()) & set(nodes[other].tolist()), (one, other)


def test_everybody_can_walk_everywhere(district: District) -> None:
    ways = district.streets.ways
    graph = nx.Graph()
    for nodes in ways.loc[ways["highway"] != "", "nodes"]:
        nx.add_path(graph, nodes.tolist())
    assert nx.number_connected_components(graph) == 1


def test_the_river_is_crossed_only_on_bridges(district: District) -> None:
    ways, areas = district.streets.ways, district.streets.areas
    river = areas[areas["water"] == "river"].geometry.iloc[0]
    lines = ways[(ways["highway"] != "") | (ways["railway"] != "")]
    over = lines[lines.geometry.intersects(river)]
    assert (over["bridge"] == "yes").all()
    assert set(over["way_id"]) == {bridge["way_id"] for bridge in district.truth["bridges"]}
    roads = {b["name"] for b in district.truth["bridges"] if b["kind"] == "road"}
    assert len(roads) >= 2


def test_bridges_share_no_node_with_what_runs_below(district: District) -> None:
    ways = district.streets.ways
    below = set(np.concatenate(ways.loc[ways["waterway"] == "river", "nodes"].to_list()).tolist())
    for nodes in ways.loc[ways["bridge"] == "yes", "nodes"]:
        assert not below & set(nodes.tolist())


def test_the_railway_is_crossed_at_one_level_crossing_and_one_underpass(district: District) -> None:
    ways = district.streets.ways
    rails = ways[ways["railway"] == "rail"]
    rail = shapely.union_all(rails.geometry.to_numpy())
    crossing = ways[(ways["highway"] != "") & ways.geometry.intersects(rail)]
    under = crossing[crossing["tunnel"] == "yes"]
    assert set(under["way_id"]) == set(district.truth["underpass"]["way_ids"])
    level = crossing[crossing["tunnel"] != "yes"]
    (node,) = district.truth["level_crossing"]["node_ids"]
    assert len(level) >= 1
    assert all(node in nodes for nodes in level["nodes"])
    assert any(node in nodes for nodes in rails["nodes"])
    points = district.streets.points
    assert points.loc[points["node_id"] == node, "railway"].tolist() == ["level_crossing"]


def test_the_programme_of_a_district_is_complete(district: District) -> None:
    ways, areas = district.streets.ways, district.streets.areas
    assert {"school", "hospital", "marketplace"} <= set(areas["amenity"])
    assert {"residential", "construction", "retail"} <= set(areas["landuse"])
    assert "park" in set(areas["leisure"])
    assert "village" in set(district.estates["kind"])
    assert (ways["junction"] == "roundabout").sum() == 1
    assert (ways["highway"] == "primary_link").sum() == 1
    assert (ways["footway"] == "crossing").sum() >= 4
    assert {"primary", "secondary", "tertiary", "residential", "service", "footway", "living_street"} <= set(
        ways["highway"]
    )
    households = district.estates["households"]
    assert (households < 300).any()
    assert (households > 1500).any()
    assert ((households >= 300) & (households <= 1200)).sum() >= 6


def test_people_of_an_estate_are_counted_in_its_buildings(district: District) -> None:
    for column in ("elderly", "children"):
        inside = district.buildings[district.buildings["estate_id"] != ""].groupby("estate_id")[column].sum()
        assert inside.to_dict() == dict(zip(district.estates["estate_id"], district.estates[column], strict=True))
    empty = district.buildings["households"] == 0
    assert (district.buildings.loc[empty, ["elderly", "children"]] == 0).all(axis=None)


def test_the_inputs_of_a_plan_can_be_made_without_files(district: District) -> None:
    inputs = to_inputs(district)
    assert inputs.crs == district.crs
    assert inputs.buildings["households"].sum() == inputs.communities["households"].sum()
    require(inputs.listed, LISTED)


def test_candidates_differ_in_how_they_are_won_and_what_they_cost(district: District) -> None:
    candidates = district.candidates
    assert set(candidates["mode"]) == {"transfer", "vacate", "share", "new", "reuse"}
    per_m2 = (candidates["cost"] / candidates["floor_area_m2"]).groupby(candidates["mode"]).mean()
    assert per_m2.idxmax() == "new"
    assert shapely.contains(district.outline, candidates.geometry.to_numpy()).all()
    assert shapely.contains(district.outline, district.existing.geometry.to_numpy()).all()


def test_todays_grids_of_two_departments_cover_the_homes_and_disagree(district: District) -> None:
    homes = district.buildings[district.buildings["households"] > 0].geometry.centroid.to_numpy()
    cuts = {}
    for layer, grids in district.current.groupby("layer"):
        i, _ = shapely.STRtree(grids.geometry.to_numpy()).query(homes, predicate="intersects")
        assert len(set(i.tolist())) > 0.95 * len(homes)
        cuts[layer] = shapely.union_all(grids.geometry.boundary.to_numpy())
    one, other = cuts.values()
    assert one.difference(other.buffer(0.1)).length > 0.8 * one.length


def test_the_river_lies_lowest(district: District) -> None:
    relief = district.relief
    river = shapely.union_all(district.streets.ways.query("waterway == 'river'").geometry.to_numpy())
    away = shapely.distance(shapely.points(relief[["x", "y"]].to_numpy()), river)
    assert relief["z"].between(370, 430).all()
    assert relief["z"][away < 25].mean() < relief["z"][away > 100].min()


def test_names_are_different(district: District) -> None:
    assert district.estates["name"].is_unique
    assert district.communities["name"].is_unique


def test_a_district_of_three_communities_is_refused() -> None:
    with pytest.raises(InputError, match="3 communities"):
        make_district(rng=np.random.default_rng(1), communities=3)
    with pytest.raises(InputError, match="4 to 400"):
        make_district(rng=np.random.default_rng(1), communities=401)


def test_the_same_seed_makes_the_same_district_and_another_seed_another() -> None:
    again = make_district(rng=np.random.default_rng(1), communities=6)
    assert again.truth == made(1).truth
    assert shapely.equals_exact(again.streets.ways.geometry.to_numpy(), made(1).streets.ways.geometry.to_numpy()).all()
    assert made(2).truth != made(1).truth


def test_the_default_district_holds_twelve_to_fifteen_thousand_households() -> None:
    for seed in range(1, 6):
        households = make_district(rng=np.random.default_rng(seed)).communities["households"]
        assert 12_000 <= households.sum() <= 15_000
        assert households.between(1500, 3000).all()


def test_a_city_of_a_hundred_and_three_communities_holds_about_350_000_households() -> None:
    district = make_district(rng=np.random.default_rng(1), communities=103)
    assert len(district.communities) == 103
    assert district.communities["households"].sum() == pytest.approx(350_000, rel=0.03)
    assert shapely.coverage_is_valid(district.communities.geometry.to_numpy())
