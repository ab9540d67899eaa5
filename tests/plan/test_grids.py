"""Blocks become grids that keep every vertex and every household, and codes that run west to east."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import shapely

from spatial.errors import InfeasibleError, InputError, MissingError
from spatial.io.profiles import read_profile
from spatial.plan.codes import assign_codes, is_official
from spatial.plan.digest import digest_inputs
from spatial.plan.grids import build_grids
from spatial.tables import GRIDS, require
from tests.plan.towns import adjacency_frame, block_frame, four_grids, quarters

PROFILE = read_profile("about_500")


def test_four_blocks_of_125_make_a_grid_of_500() -> None:
    blocks = block_frame(4, 4)
    grids = build_grids(blocks, quarters(blocks), PROFILE, adjacency=adjacency_frame(blocks))
    require(grids, GRIDS)
    assert list(grids["grid_id"]) == ["g00", "g01", "g10", "g11"]
    assert list(grids["households"]) == [500] * 4
    assert list(grids["blocks"]) == [4] * 4
    assert list(grids["status"]) == ["in_band"] * 4
    assert set(grids.geometry.geom_type) == {"Polygon"}
    # a square of 200 m: its area, its border with the two neighbours, and pi / 4
    assert grids["area_m2"].to_numpy() == pytest.approx(40_000, rel=1e-4)
    assert list(grids["border_m"]) == [400.0] * 4
    assert grids["compactness"].to_numpy() == pytest.approx(np.pi / 4, rel=1e-4)
    assert list(grids["clear_share"]) == [1.0] * 4


def test_the_clear_share_is_of_the_border_between_grids_alone() -> None:
    blocks = block_frame(4, 2)
    adjacency = adjacency_frame(blocks)
    # the cut runs between the columns 1 and 2, twice 100 m; one of the two follows no street
    adjacency.loc[(adjacency["focal"] == "b10") & (adjacency["neighbor"] == "b20"), "clear_m"] = 20.0
    grids = build_grids(blocks, quarters(blocks), PROFILE, adjacency=adjacency)
    assert list(grids["border_m"]) == [200.0, 200.0]
    assert list(grids["clear_share"]) == [0.6, 0.6]


def test_without_neighbours_or_adjacency_there_is_no_clear_share() -> None:
    blocks = block_frame(2, 2)
    alone = build_grids(blocks, quarters(blocks), PROFILE, adjacency=adjacency_frame(blocks))
    assert list(alone["border_m"]) == [0.0]
    assert alone["clear_share"].isna().all()
    assert build_grids(blocks, quarters(blocks), PROFILE)["border_m"].isna().all()


def test_shared_vertices_stay_shared_after_dissolving() -> None:
    blocks = block_frame(5, 4)
    label = pd.Series("west", index=blocks["block_id"]).where(blocks["block_id"].str[1].to_numpy() < "2", "east")
    grids = build_grids(blocks, label, PROFILE)
    assert shapely.coverage_is_valid(grids.geometry.to_numpy())
    west, east = (set(map(tuple, shapely.get_coordinates(g))) for g in grids.geometry)
    assert len(west & east) == 5


def test_the_status_follows_the_band_and_an_oversize_block_goes_before() -> None:
    blocks = block_frame(4, 1)
    blocks["households"] = [299, 701, 300, 1500]
    blocks["oversize"] = [False, False, False, True]
    label = pd.Series(["a", "b", "c", "d"], index=blocks["block_id"])
    grids = build_grids(blocks, label, PROFILE, explanations={"a": "the river leaves no neighbour"})
    assert list(grids["status"]) == ["low", "high", "in_band", "oversize"]
    assert list(grids["sub_grids_needed"]) == [0, 0, 0, 3]
    assert list(grids["explanation"]) == ["the river leaves no neighbour", "", "", ""]


def test_grids_carry_the_elderly_and_children_of_their_blocks() -> None:
    blocks = block_frame(4, 1).assign(elderly=[1, 2, 3, 4], children=[0, 5, 0, 7])
    grids = build_grids(blocks, pd.Series(list("aabb"), index=blocks["block_id"]), PROFILE)
    assert grids[["elderly", "children"]].to_numpy().tolist() == [[3, 5], [7, 7]]
    assert "elderly" not in build_grids(block_frame(4, 1), pd.Series(list("aabb"), index=blocks["block_id"]), PROFILE)


def test_parts_that_touch_at_a_corner_make_a_multipolygon() -> None:
    blocks = block_frame(2, 2)
    label = pd.Series(["a", "b", "b", "a"], index=blocks["block_id"])
    grids = build_grids(blocks, label, PROFILE)
    assert set(grids.geometry.geom_type) == {"MultiPolygon"}


def test_an_assignment_must_be_total_and_single() -> None:
    blocks = block_frame(2, 1)
    with pytest.raises(InputError, match="'b10' has no grid"):
        build_grids(blocks, pd.Series({"b00": "a"}), PROFILE)
    with pytest.raises(InputError, match="'b00' stands in it more than once"):
        build_grids(blocks, pd.Series(["a", "b", "a"], index=["b00", "b00", "b10"]), PROFILE)


def test_the_order_of_rows_changes_nothing() -> None:
    blocks = block_frame(4, 4)
    one = build_grids(blocks, quarters(blocks), PROFILE, adjacency=adjacency_frame(blocks))
    turned = blocks.sample(frac=1.0, random_state=5)
    other = build_grids(turned, quarters(blocks).iloc[::-1], PROFILE, adjacency=adjacency_frame(blocks).iloc[::-1])
    pd.testing.assert_frame_equal(
        pd.DataFrame(one.drop(columns="geometry")), pd.DataFrame(other.drop(columns="geometry"))
    )
    assert [g.wkb for g in one.geometry] == [g.wkb for g in other.geometry]


# -- codes -----------------------------------------------------------------------------------------------------------


def test_serials_run_west_to_east_and_then_north_to_south() -> None:
    plan = four_grids()
    codes = assign_codes(plan.grids, plan.communities)
    # g00 south-west, g01 north-west, g10 south-east, g11 north-east
    assert dict(zip(plan.grids["grid_id"], codes, strict=True)) == {
        "g00": "610402001001002",
        "g01": "610402001001001",
        "g10": "610402001001004",
        "g11": "610402001001003",
    }
    assert all(is_official(code) for code in codes)


def test_serials_start_anew_in_each_community() -> None:
    grids = four_grids().grids.assign(community_id=["610402001001", "610402001001", "c7", "c7"])
    communities = pd.DataFrame({"community_id": ["610402001001", "c7"]})
    assert list(assign_codes(grids, communities)) == ["610402001001002", "610402001001001", "c7002", "c7001"]
    assert not is_official("c7002")


def test_codes_do_not_depend_on_the_order_of_grids() -> None:
    grids = four_grids().grids
    communities = pd.DataFrame({"community_id": ["610402001001"]})
    codes = assign_codes(grids, communities)
    turned = grids.iloc[::-1]
    pd.testing.assert_series_equal(assign_codes(turned, communities).sort_index(), codes)


def test_a_grid_of_an_unknown_community_or_the_thousandth_has_no_code() -> None:
    grids = four_grids().grids
    with pytest.raises(MissingError, match="'g00' lies in community '610402001001'"):
        assign_codes(grids, pd.DataFrame({"community_id": ["c1"]}))
    many = grids.iloc[np.zeros(1000, dtype=int)].reset_index(drop=True)
    with pytest.raises(InfeasibleError, match="holds 1000 grids"):
        assign_codes(many, pd.DataFrame({"community_id": ["610402001001"]}))


# -- ids -------------------------------------------------------------------------------------------------------------


def test_equal_inputs_give_equal_ids_wherever_the_files_lie() -> None:
    one = digest_inputs({"area": {"path": "/a/x.gpkg", "sha256": "00ff", "rows": 3}, "crs": "c"}, PROFILE, 0, "0.1.0")
    other = digest_inputs({"crs": "c", "area": {"rows": 3, "sha256": "00ff", "path": "x.gpkg"}}, PROFILE, 0, "0.1.0")
    assert one == other
    assert len(one) == 12


def test_a_change_of_input_profile_seed_or_version_gives_another_id() -> None:
    inputs = {"area": {"sha256": "00ff"}}
    softer = replace(PROFILE, grid=replace(PROFILE.grid, target_households=501))
    ids = {
        digest_inputs(inputs, PROFILE, 0, "0.1.0"),
        digest_inputs({"area": {"sha256": "00fe"}}, PROFILE, 0, "0.1.0"),
        digest_inputs(inputs, softer, 0, "0.1.0"),
        digest_inputs(inputs, PROFILE, 1, "0.1.0"),
        digest_inputs(inputs, PROFILE, 0, "0.2.0"),
    }
    assert len(ids) == 5
