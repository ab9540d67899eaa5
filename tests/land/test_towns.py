"""The towns drawn by hand come out as worked by hand."""

from collections.abc import Callable
from typing import Any

import pytest
import shapely

from spatial.errors import InputError
from spatial.inputs import Inputs
from spatial.io.profiles import read_profile
from spatial.land.blocks import Land, build_blocks
from tests import towns
from tests.drawing import Y0, at, draw_town
from tests.land.laws import assert_lawful, assert_uncut

ABOUT_500, HEFEI = read_profile("about_500"), read_profile("hefei")


def build(inputs: Inputs, profile: Any = ABOUT_500) -> Land:
    land = build_blocks(inputs, profile)
    assert_lawful(land, inputs, profile)
    return land


def households(land: Land) -> dict[str, int]:
    """Households of the block in which each estate's demand lies (by the sole estate of the block)."""
    return {row.estate_id: row.households for row in land.blocks.itertuples()}


def borders(land: Land) -> dict[frozenset[str], Any]:
    name = land.blocks.set_index("block_id")["estate_id"]
    return {frozenset((name[row.focal], name[row.neighbor])): row for row in land.adjacency.itertuples()}


def reasons(land: Land) -> dict[str, list[str]]:
    return land.listed.groupby("reason")["row"].agg(sorted).to_dict()


@pytest.mark.parametrize("town", towns.TOWNS, ids=lambda town: town.__name__)
@pytest.mark.parametrize("profile", [ABOUT_500, HEFEI], ids=lambda profile: profile.name)
def test_every_town_keeps_the_laws(town: Callable[[], Inputs], profile: Any) -> None:
    build(town(), profile)


def test_a_crossroads_makes_four_blocks_that_touch_only_along_streets() -> None:
    land = build(towns.crossroads())
    assert households(land) == {"sw": 310, "se": 420, "nw": 510, "ne": 600}
    assert land.blocks["area_m2"].to_numpy() == pytest.approx(40_000, abs=8)
    found = borders(land)
    assert set(found) == {frozenset(p) for p in (("nw", "ne"), ("sw", "se"), ("nw", "sw"), ("ne", "se"))}
    for row in found.values():
        assert row.shared_m == pytest.approx(200, abs=0.05)
        assert row.clear_m == pytest.approx(200, abs=0.05)
        assert row.clarity == pytest.approx(0.7)
        assert (row.barrier, row.crossable, row.attached) == ("residential", True, False)
    assert (land.blocks["kind"] == "face").all()
    assert land.report["estates_of_unknown_access"] == 4


def test_a_gated_estate_is_one_block_up_to_the_street_under_hefei() -> None:
    land = build(towns.gated_estate(), HEFEI)
    gated = land.blocks.set_index("estate_id").loc["gated"]
    assert (gated.kind, gated.access, gated.households, gated.oversize, gated.sub_grids_needed) == (
        "estate",
        "gated",
        1_800,
        True,
        3,
    )
    assert gated.area_m2 == pytest.approx(180_000, abs=20)
    assert len(land.blocks) == 2


def test_a_gated_estate_above_the_ceiling_is_cut_between_its_buildings() -> None:
    town = towns.gated_estate()
    land = build(town)
    parts = land.blocks[land.blocks["estate_id"] == "gated"]
    assert parts["households"].sum() == 1_800
    assert not parts["oversize"].any()
    assert parts["area_m2"].sum() == pytest.approx(180_000, abs=20)
    assert_uncut(land, town.buildings.geometry.to_numpy())
    y = shapely.get_coordinates(shapely.centroid(parts.geometry.to_numpy()))[:, 1] - Y0
    assert parts.loc[y < 150, "households"].sum() == 900
    assert parts.loc[y > 150, "households"].sum() == 900
    straight = shapely.bounds(parts.geometry.to_numpy())[:, [1, 3]] - Y0
    assert all(low == pytest.approx(150, abs=0.02) or high == pytest.approx(150, abs=0.02) for low, high in straight)
    assert reasons(land) == {"lies in several blocks": ["gated"]}


def test_hefei_keeps_the_closed_estate_whole_and_cuts_the_open_buildings() -> None:
    town = towns.closed_and_open()
    land = build(town, HEFEI)
    closed = land.blocks[land.blocks["estate_id"] == "closed"]
    assert closed["households"].tolist() == [1_800]
    assert closed["kind"].tolist() == ["estate"]
    rest = land.blocks[land.blocks["estate_id"] == ""]
    assert rest["households"].sum() == 1_000
    assert rest["households"].max() <= HEFEI.grid.target_households / 2
    assert_uncut(land, town.buildings.geometry.to_numpy())


def test_a_river_without_a_bridge_separates() -> None:
    land = build(towns.river_without_bridge())
    row = borders(land)[frozenset(("north", "south"))]
    assert (row.barrier, row.crossable, row.attached) == ("river", False, False)
    assert row.shared_m == pytest.approx(600, abs=0.05)


def test_a_bridge_reconnects_what_a_river_parts() -> None:
    land = build(towns.river_with_bridge())
    found = borders(land)
    assert len(found) == 4
    assert all(row.crossable for row in found.values())
    assert found[frozenset(("nw", "sw"))].barrier == "river"


def test_a_level_crossing_whose_node_two_ways_share_reconnects() -> None:
    row = borders(build(towns.railway_with_crossing()))[frozenset(("north", "south"))]
    assert (row.barrier, row.crossable) == ("rail", True)


def test_a_path_that_ends_at_a_railway_is_no_crossing() -> None:
    row = borders(build(towns.railway_without_crossing()))[frozenset(("north", "south"))]
    assert (row.barrier, row.crossable) == ("rail", False)


def test_a_dual_carriageway_with_a_roundabout_and_a_slip_road_makes_no_block_of_its_own() -> None:
    land = build(towns.dual_carriageway())
    assert households(land) == {"ne": 470, "nw": 480, "se": 490, "sw": 460}
    assert (land.adjacency["clear_m"] >= 0.99 * land.adjacency["shared_m"]).all()
    assert set(land.adjacency["barrier"]) == {"primary", "secondary"}
    assert land.blocks["area_m2"].sum() == pytest.approx(600_000, abs=30)


def test_two_points_in_a_face_are_cut_midway_and_the_border_is_not_clear() -> None:
    land = build(towns.two_points_in_one_face())
    assert households(land) == {"west": 500, "east": 400}
    row = borders(land)[frozenset(("west", "east"))]
    assert (row.shared_m, row.clear_m, row.clarity) == (pytest.approx(200, abs=0.05), 0.0, 0.0)
    assert row.barrier == ""
    assert (land.blocks["kind"] == "part").all()
    assert land.blocks["area_m2"].to_numpy() == pytest.approx(40_000, abs=10)


def test_a_service_road_between_two_points_is_followed() -> None:
    land = build(towns.two_points_and_a_service_road())
    area = land.blocks.set_index("estate_id")["area_m2"]
    assert area["west"] == pytest.approx(48_000, abs=10)
    assert area["east"] == pytest.approx(32_000, abs=10)
    row = borders(land)[frozenset(("west", "east"))]
    assert (row.clear_m, row.barrier) == (0.0, "service")


def test_points_that_cannot_be_told_apart_share_a_block_and_are_listed() -> None:
    land = build(towns.points_too_near())
    assert sorted(land.blocks["households"]) == [300, 450]
    assert reasons(land) == {"shares a block": ["near1", "near2"]}
    assert set(land.listed["action"]) == {"merged"}


def test_a_dead_end_does_not_cut() -> None:
    assert len(build(towns.dead_end()).blocks) == 1


def test_a_pond_is_a_block_that_is_attached_to_the_park_around_it() -> None:
    land = build(towns.park_and_pond())
    assert sorted(land.blocks["households"]) == [0, 0, 400, 600]
    attached = land.adjacency[land.adjacency["attached"]]
    assert len(attached) == 1
    assert attached["barrier"].tolist() == ["water"]
    assert attached["shared_m"].iloc[0] == pytest.approx(440, abs=0.1)


def test_one_point_above_the_ceiling_is_never_cut() -> None:
    block = build(towns.oversize_point()).blocks.iloc[0]
    assert (block.households, block.oversize, block.sub_grids_needed) == (1_800, True, 3)
    assert build(towns.oversize_point(), read_profile("band_300_500")).blocks["sub_grids_needed"].tolist() == [4]


def test_a_community_line_across_a_face_cuts_it() -> None:
    land = build(towns.two_communities())
    assert dict(zip(land.blocks["community_id"], land.blocks["households"], strict=True)) == {"c1": 500, "c2": 400}
    assert land.blocks["area_m2"].tolist() == pytest.approx([30_000, 50_000], abs=10)
    assert land.adjacency["barrier"].tolist() == ["community"]
    assert land.adjacency["clear_m"].iloc[0] == pytest.approx(200, abs=0.05)


def test_estimates_from_footprints_fill_the_known_total_exactly() -> None:
    land = build(towns.footprints_only())
    demand = land.demand.set_index("demand_id")["households"].to_dict()
    assert demand == {"b-b1": 200, "b-b2": 200, "b-b3": 401, "b-b4": 200}
    assert land.demand["estimated"].all()
    assert land.report["households_estimated"] == 1_001
    assert reasons(land) == {"households estimated": ["4 rows"], "estimates scaled to its total": ["c"]}


def test_counts_that_differ_are_listed_with_the_difference() -> None:
    land = build(towns.counts_differ())
    assert land.demand["households"].sum() == 450
    row = land.listed.iloc[0]
    assert (row.reason, row["row"], row.households) == ("counts differ", "e", 50)


def test_a_hole_of_the_area_is_no_block() -> None:
    land = build(towns.area_with_a_hole())
    assert land.blocks["area_m2"].to_numpy() == pytest.approx(37_500, abs=10)
    assert len(shapely.get_rings(land.area)) == 2
    assert land.adjacency["shared_m"].to_numpy() == pytest.approx(150, abs=0.05)


def test_a_gap_between_communities_belongs_to_nobody() -> None:
    land = build(towns.communities_with_a_gap())
    assert len(land.blocks) == 2
    assert land.adjacency.empty


def test_an_island_is_a_block_of_its_own() -> None:
    land = build(towns.mainland_and_island())
    assert households(land) == {"main": 500, "island": 90}
    assert land.adjacency.empty


def test_an_area_without_land_is_refused() -> None:
    line = shapely.Polygon([(0, 0), (100, 0), (50, 0)])
    with pytest.raises(InputError, match="the area"):
        build_blocks(draw_town(at(line)), ABOUT_500)
