"""The invented district, whose truth is known, comes out as it was made."""

from dataclasses import replace

import numpy as np
import pytest
import shapely

from spatial.io.profiles import read_profile
from spatial.land.blocks import Land, build_blocks
from spatial.sample.district import make_district
from tests.bench.bench_land import make_city
from tests.land.laws import assert_lawful, assert_uncut

HEFEI, ABOUT_500 = read_profile("hefei"), read_profile("about_500")


@pytest.fixture(scope="module")
def hefei() -> Land:
    return build_blocks(make_city(6), HEFEI)


def test_the_sample_keeps_the_laws_and_cuts_no_building() -> None:
    inputs = make_city(6)
    land = build_blocks(inputs, ABOUT_500)
    assert_lawful(land, inputs, ABOUT_500)
    assert_uncut(land, inputs.buildings.geometry.to_numpy())
    assert not land.blocks["oversize"].any(), "every estate has buildings to cut between"


def test_every_household_of_the_sample_is_placed_in_its_community(hefei: Land) -> None:
    truth = make_district(rng=np.random.default_rng(1), communities=6).truth
    assert hefei.blocks.groupby("community_id")["households"].sum().to_dict() == truth["communities"]


def test_a_closed_estate_is_one_block_under_hefei(hefei: Land) -> None:
    truth = make_district(rng=np.random.default_rng(1), communities=6).truth
    blocks = hefei.blocks.groupby("estate_id")
    for name, estate in truth["estates"].items():
        if estate["gated"]:
            assert blocks["households"].sum()[name] == estate["households"]
            assert blocks.size()[name] == 1, name
            assert set(blocks.get_group(name)["access"]) == {"gated"}


def test_a_closed_estate_meets_its_neighbours_and_no_ring_of_empty_land(hefei: Land) -> None:
    rings = shapely.get_num_interior_rings(hefei.blocks.geometry.to_numpy())
    estates = hefei.blocks["kind"] == "estate"
    near = hefei.adjacency.loc[hefei.adjacency["shared_m"] >= 5]
    degree = near["focal"].value_counts().add(near["neighbor"].value_counts(), fill_value=0)
    assert (degree.reindex(hefei.blocks.loc[estates, "block_id"]) >= 2).mean() > 0.9
    assert (rings == 0).mean() > 0.95


def test_the_railway_parts_the_sample_where_no_street_crosses_it(hefei: Land) -> None:
    """Level crossing and underpass reconnect every stretch of it; without the ways over it none is."""
    inputs = make_city(6)
    ways = inputs.streets.ways
    rail = shapely.union_all(ways.geometry[ways["railway"] == "rail"].to_numpy())
    over = (ways["highway"] != "") & ways.intersects(rail)
    solid = ways[~over].assign(bridge="")  # nor is there an arch to pass under
    shut = build_blocks(replace(inputs, streets=replace(inputs.streets, ways=solid)), HEFEI)
    for land, open_ in ((hefei, True), (shut, False)):
        on_rail = land.adjacency[(land.adjacency["barrier"] == "rail") & ~land.adjacency["attached"]]
        assert len(on_rail) > 0
        assert (on_rail["crossable"] == open_).all()


def test_a_register_of_points_and_counted_buildings_double_nobody() -> None:
    """The estates as points and buildings that name none of them: every household is still placed once."""
    inputs = make_city(6)
    points = inputs.estates.set_geometry(inputs.estates.geometry.representative_point())
    register = replace(inputs, estates=points, buildings=inputs.buildings.assign(estate_id=""))
    land = build_blocks(register, ABOUT_500)
    assert_lawful(land, register, ABOUT_500)
    assert land.demand["households"].sum() == inputs.buildings["households"].sum()
    assert all(row["known"] == row["placed"] for row in land.report["community_totals"])
    taken = land.listed["reason"] == "buildings taken for its own"
    assert taken.sum() == len(points)
