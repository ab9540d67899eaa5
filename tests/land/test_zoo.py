"""Odd shapes and odd data do no harm: every one is used, repaired or listed."""

from typing import Any

import numpy as np
import pytest
import shapely

from spatial.inputs import Inputs
from spatial.io.profiles import read_profile
from spatial.land.blocks import Land, build_blocks
from tests.drawing import at, box, building, community, draw_town, estate, point, polygon, street, water, way
from tests.land.laws import assert_lawful, assert_uncut

ABOUT_500 = read_profile("about_500")


def build(inputs: Inputs) -> Land:
    land = build_blocks(inputs, ABOUT_500)
    assert_lawful(land, inputs, ABOUT_500)
    return land


def listed(land: Land, reason: str) -> list[str]:
    return land.listed.loc[land.listed["reason"] == reason, "row"].tolist()


def test_an_outline_that_crosses_itself_keeps_its_land() -> None:
    bow = polygon((20, 20), (380, 180), (380, 20), (20, 180))
    land = build(draw_town(box(0, 0, 400, 200), estates=[estate("bow", bow, 300, "gated")]))
    assert land.blocks["households"].sum() == 300
    assert listed(land, "its outline crosses itself") == ["bow"]


def test_an_area_that_crosses_itself_is_repaired() -> None:
    land = build_blocks(draw_town(polygon((0, 0), (400, 400), (400, 0), (0, 400))), ABOUT_500)
    assert land.blocks["area_m2"].sum() == pytest.approx(80_000, abs=20)
    assert listed(land, "its outline crosses itself") == ["c"]


def test_a_building_without_area_is_listed() -> None:
    flat = polygon((10, 10), (50, 10), (30, 10))
    land = build(
        draw_town(box(0, 0, 400, 200), buildings=[building("flat", flat, 40), building("b", box(100, 50, 140, 65), 60)])
    )
    assert land.demand["households"].sum() == 60
    assert listed(land, "its outline has no area") == ["flat"]


def test_estates_and_buildings_outside_the_area_are_listed_with_their_households() -> None:
    land = build(
        draw_town(
            box(0, 0, 400, 200),
            estates=[estate("far", point(900, 900), 250), estate("in", point(200, 100), 500)],
            buildings=[building("away", box(600, 50, 640, 65), 30)],
        )
    )
    assert land.demand["households"].sum() == 500
    assert sorted(listed(land, "outside the area")) == ["away", "far"]
    assert land.listed["households"].sum() == 280


def test_an_estate_that_reaches_out_of_the_area_is_counted_inside() -> None:
    land = build(draw_town(box(0, 0, 400, 200), estates=[estate("half", box(300, 20, 700, 180), 450, "gated")]))
    assert land.demand["households"].tolist() == [450]
    assert listed(land, "reaches outside the area") == ["half"]


def test_an_estate_outline_that_overlaps_the_street_leaves_no_sliver() -> None:
    land = build(
        draw_town(
            box(0, 0, 600, 300),
            ways=[street((300, -50), (300, 350))],
            estates=[estate("west", box(10, 10, 305, 290), 500, "gated"), estate("east", point(450, 150), 400)],
        )
    )
    assert dict(zip(land.blocks["estate_id"], land.blocks["households"], strict=True)) == {"west": 500, "east": 400}
    assert land.blocks["area_m2"].to_numpy() == pytest.approx(90_000, abs=20)


def test_overlapping_estates_leave_no_sliver() -> None:
    land = build(
        draw_town(
            box(0, 0, 600, 300),
            estates=[
                estate("west", box(10, 10, 302, 290), 500, "gated"),
                estate("east", box(298, 10, 590, 290), 400, "gated"),
            ],
        )
    )
    assert sorted(land.blocks["households"]) == [400, 500]
    assert land.blocks["area_m2"].sum() == pytest.approx(180_000, abs=20)


def test_a_street_through_a_closed_estate_does_not_cut_it_but_a_main_road_does() -> None:
    outline = estate("e", box(10, 10, 590, 290), 500, "gated")
    for highway, count in (("residential", 1), ("tertiary", 2)):
        town = draw_town(box(0, 0, 600, 300), ways=[way((300, -50), (300, 350), highway=highway)], estates=[outline])
        assert len(build(town).blocks) == count


def test_a_street_through_an_open_estate_cuts_it() -> None:
    outline = estate("e", box(10, 10, 590, 290), 500, "open")
    assert (
        len(build(draw_town(box(0, 0, 600, 300), ways=[street((300, -50), (300, 350))], estates=[outline])).blocks) == 2
    )


def test_walls_inside_a_closed_estate_do_not_cut_it() -> None:
    garden = way((100, 100), (200, 100), (200, 200), (100, 200), (100, 100), barrier="wall")
    land = build(
        draw_town(box(0, 0, 600, 300), ways=[garden], estates=[estate("e", box(10, 10, 590, 290), 500, "gated")])
    )
    assert len(land.blocks) == 1


def test_verges_go_to_the_nearer_of_two_walled_estates_and_not_over_the_street() -> None:
    """Two estates 20 m apart, 15 m off the streets: the gap is parted in its middle, the verges follow."""
    land = build(
        draw_town(
            box(0, 0, 900, 300),
            ways=[street((600, -50), (600, 350))],
            estates=[
                estate("west", box(15, 15, 290, 285), 400, "gated"),
                estate("mid", box(310, 15, 585, 285), 450, "gated"),
                estate("east", box(615, 15, 885, 285), 500, "gated"),
            ],
        )
    )
    assert dict(zip(land.blocks["estate_id"], land.blocks["households"], strict=True)) == {
        "west": 400,
        "mid": 450,
        "east": 500,
    }
    assert land.blocks["area_m2"].to_numpy() == pytest.approx(90_000, abs=60)


def test_a_park_beside_an_estate_keeps_its_land_and_the_estate_its_verge() -> None:
    """The face is 600 m wide: estate to x = 285, park from there; the strips north and south of the estate are its."""
    land = build(draw_town(box(0, 0, 600, 300), estates=[estate("e", box(15, 15, 285, 285), 400, "gated")]))
    size = land.blocks.set_index("estate_id")["area_m2"]
    assert size["e"] == pytest.approx(285 * 300, abs=500)
    assert size[""] == pytest.approx(315 * 300, abs=500)


def test_a_shop_in_the_verge_is_not_cut() -> None:
    shop = box(280, 2, 320, 12)
    town = draw_town(
        box(0, 0, 600, 300),
        estates=[
            estate("west", box(15, 15, 290, 285), 400, "gated"),
            estate("east", box(310, 15, 585, 285), 450, "gated"),
        ],
        buildings=[building("shop", shop, use="commercial")],
    )
    land = build(town)
    assert len(land.blocks) == 2
    assert_uncut(land, np.array([shop]))


def test_terraces_that_touch_are_cut_along_their_party_wall() -> None:
    homes = [building(f"b{i}", box(50 + 25 * i, 90, 75 + 25 * i, 110), 120) for i in range(10)]
    town = draw_town(box(0, 0, 400, 200), buildings=homes)
    land = build(town)
    assert not land.blocks["oversize"].any()
    assert_uncut(land, town.buildings.geometry.to_numpy())
    assert "crossed by a border" not in set(land.listed["reason"])


def test_a_service_road_under_a_building_does_not_cut_it() -> None:
    homes = [building(f"b{i}", box(40 + 120 * i, 80, 100 + 120 * i, 120), 300) for i in range(3)]
    town = draw_town(box(0, 0, 400, 200), ways=[way((190, -20), (190, 220), highway="service")], buildings=homes)
    land = build(town)
    assert_uncut(land, town.buildings.geometry.to_numpy())
    assert sorted(land.blocks["households"]) == [300, 300, 300]


def test_a_building_under_a_street_is_listed() -> None:
    town = draw_town(
        box(0, 0, 400, 200),
        ways=[street((200, -50), (200, 250))],
        buildings=[building("over", box(180, 80, 220, 100), 90)],
    )
    assert listed(build(town), "crossed by a border") == ["over"]


def test_a_point_on_a_street_lies_in_one_block() -> None:
    town = draw_town(
        box(0, 0, 400, 200), ways=[street((200, -50), (200, 250))], estates=[estate("on", point(200, 100), 90)]
    )
    assert listed(build(town), "near a barrier") == ["on"]


def test_stacked_points_and_stacked_buildings_are_conserved() -> None:
    town = draw_town(
        box(0, 0, 400, 200),
        ways=[street((200, -50), (200, 250))],
        estates=[estate("a", point(100, 100), 90), estate("b", point(100, 100), 80)],
        buildings=[
            building("h1", box(250, 80, 300, 100), 500),
            building("h2", box(250, 80, 300, 100), 450),
        ],
    )
    assert build(town).blocks["households"].sum() == 1_120


def test_communities_that_overlap_give_the_land_to_the_first() -> None:
    town = draw_town(
        [community("c1", box(0, 0, 250, 200)), community("c2", box(150, 0, 400, 200))],
        estates=[estate("e", point(200, 100), 300)],
    )
    land = build_blocks(town, ABOUT_500)
    assert land.blocks.loc[land.blocks["households"] > 0, "community_id"].tolist() == ["c1"]
    assert land.blocks["area_m2"].sum() == pytest.approx(80_000, abs=20)


def test_a_river_drawn_as_an_area_alone_parts_its_banks_until_a_bridge_crosses_it() -> None:
    area = water("river", box(-50, 180, 650, 240))
    estates = [estate("north", point(150, 300), 480), estate("south", point(150, 100), 460)]
    apart = build(draw_town(box(0, 0, 600, 400), areas=[area], estates=estates))
    assert len(apart.blocks) == 3
    assert apart.adjacency["crossable"].sum() == 1, "only the empty river block is attached to a bank"
    bridge = way((300, 450), (300, -50), highway="footway", bridge="yes")
    joined = build(draw_town(box(0, 0, 600, 400), ways=[bridge], areas=[area], estates=estates))
    assert joined.adjacency["crossable"].all()


def test_a_lake_keeps_its_shore_although_a_brook_runs_into_it() -> None:
    town = draw_town(
        box(0, 0, 600, 400),
        ways=[way((-50, 200), (180, 200), waterway="canal")],
        areas=[water("lake", box(150, 100, 450, 300))],
        estates=[estate("e", point(300, 50), 400)],
    )
    assert build(town).blocks["area_m2"].min() == pytest.approx(60_000, abs=20)


def test_five_parallel_tracks_make_no_blocks_between_them() -> None:
    tracks = [way((-50, 200 + 5 * i), (1050, 200 + 5 * i), railway="rail") for i in range(5)]
    town = draw_town(
        box(0, 0, 1000, 400),
        ways=tracks,
        estates=[estate("n", point(500, 300), 400), estate("s", point(500, 100), 400)],
    )
    land = build(town)
    assert sorted(land.blocks["households"]) == [400, 400]
    assert not land.adjacency["crossable"].any()


def test_nothing_at_all_is_one_empty_block() -> None:
    land = build(draw_town(box(0, 0, 400, 200)))
    assert land.blocks["households"].tolist() == [0]
    assert land.demand.empty
    assert land.listed.empty


def test_a_sliver_of_a_community_stays_and_is_listed() -> None:
    town = draw_town([community("c1", box(0, 0, 400, 200)), community("c2", box(400, 0, 404, 200))])
    assert len(listed(build(town), "sliver")) == 1


@pytest.mark.parametrize("size_m", [3.0, 30.0, 10_000.0])
def test_areas_of_any_size_keep_their_outline_within_two_centimetres(size_m: float) -> None:
    triangle = at(shapely.Polygon([(0, 0), (size_m, size_m / 3), (size_m / 7, size_m)]))
    land = build(draw_town(triangle, ways=[street((-100.0, size_m / 3), (size_m + 100, size_m / 2))]))
    assert land.report["deviation"]["largest_m"] <= 0.02


def test_progress_is_told_and_may_stop_the_work() -> None:
    told: list[Any] = []
    build_blocks(
        draw_town(box(0, 0, 400, 200)), ABOUT_500, on_progress=lambda stage, share: told.append((stage, share))
    )
    assert [share for _, share in told] == sorted(share for _, share in told)
    assert told[-1][1] == 1.0


def test_a_point_inside_a_closed_estate_does_not_cut_it() -> None:
    town = draw_town(
        box(0, 0, 400, 200),
        estates=[estate("gated", box(10, 10, 390, 190), 300, "gated"), estate("phase2", point(300, 100), 200)],
        buildings=[building("b", box(60, 80, 120, 100), 300, estate_id="gated")],
    )
    land = build(town)
    assert land.blocks["households"].tolist() == [500]
    assert listed(land, "shares a block") == ["phase2"]


def test_a_dead_end_between_two_points_is_followed_and_prolonged() -> None:
    """The street ends at y = 150; the cut keeps to x = 240, clear along the street and some metres beyond."""
    town = draw_town(
        box(0, 0, 400, 200),
        ways=[street((240, -20), (240, 150))],
        estates=[estate("east", point(300, 100), 400), estate("west", point(100, 100), 500)],
    )
    land = build(town)
    assert land.blocks.set_index("estate_id")["area_m2"].to_dict() == pytest.approx(
        {"west": 48_000, "east": 32_000}, abs=10
    )
    assert 149.9 < land.adjacency["clear_m"].iloc[0] < 200


def test_what_is_listed_of_an_estate_begins_with_its_name() -> None:
    named = {**estate("e00001", point(200, 100), 90), "name": "花园"}
    town = draw_town(box(0, 0, 400, 200), ways=[street((200, -50), (200, 250))], estates=[named])
    near = build(town).listed.set_index("reason").loc["near a barrier"]
    assert (near["row"], near["detail"].split(": ")[0]) == ("e00001", "花园")
