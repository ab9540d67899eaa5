"""Every old grid is told in shares of the new ones, and the shares of an old grid make a whole."""

from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial.plan.correspondence import COLUMNS, build_correspondence, summarise_correspondence
from spatial.tables import CURRENT
from tests.plan.towns import CRS, block_frame, make_plan, quarters, square

PLACES = [(column, row) for column in range(4) for row in range(4)]
BLOCKS = block_frame(4, 4).set_geometry([square(*place) for place in PLACES], crs=CRS)
PLAN = make_plan(BLOCKS, quarters(BLOCKS))
WEST, SOUTH, EAST, NORTH = PLAN.area.bounds
MIDDLE_X, MIDDLE_Y = (WEST + EAST) / 2, (SOUTH + NORTH) / 2
BLOCK_M = (EAST - WEST) / 4


def current(*rows: tuple[str, str, Any]) -> Any:
    columns = pd.DataFrame([(layer, code, "") for layer, code, _ in rows], columns=["layer", "code", "name"])
    return gpd.GeoDataFrame(columns, geometry=[shape for *_, shape in rows], crs=CRS)


def shares(table: Any, layer: str, code: str) -> dict[str, tuple[float, float, int]]:
    mine = table[(table["old_layer"] == layer) & (table["old_code"] == code)]
    rows = mine[["new_code", "household_share", "area_share", "households"]].itertuples(index=False)
    return {new: (round(h, 9), round(a, 9), n) for new, h, a, n in rows}


def grid_at(x: float, y: float) -> str:
    held = PLAN.grids[PLAN.grids.contains(shapely.Point(x, y))]
    return str(held["code"].iloc[0])


SW, SE = grid_at(WEST + 1, SOUTH + 1), grid_at(EAST - 1, SOUTH + 1)
NW, NE = grid_at(WEST + 1, NORTH - 1), grid_at(EAST - 1, NORTH - 1)


def test_equal_grids_correspond_one_to_one() -> None:
    same = current(*(("police", f"p{i}", shape) for i, shape in enumerate(PLAN.grids.geometry)))
    table = build_correspondence(same, PLAN)
    assert list(table.columns) == list(COLUMNS)
    assert table["new_code"].tolist() == PLAN.grids["code"].tolist()
    assert table["households"].tolist() == [500] * 4
    assert (table[["household_share", "area_share"]] == 1.0).all(axis=None)


def test_a_strip_over_two_grids_is_shared_as_its_people_and_its_land_are() -> None:
    # The south half but for its easternmost column of blocks: 4 blocks in the west grid, 2 in the east grid.
    strip = shapely.box(WEST, SOUTH, EAST - BLOCK_M, MIDDLE_Y)
    table = build_correspondence(current(("party", "1", strip)), PLAN)
    assert shares(table, "party", "1") == {
        SW: (round(4 / 6, 9), round(2 / 3, 9), 500),
        SE: (round(2 / 6, 9), round(1 / 3, 9), 250),
    }


def test_people_and_land_differ_where_a_border_runs_through_a_block() -> None:
    # 60 % of the width of the second column: its homes (the middle of the block) are inside, 40 % of its land is not.
    strip = shapely.box(WEST, SOUTH, WEST + 2 * BLOCK_M, SOUTH + 0.6 * BLOCK_M)
    upper = shapely.box(WEST, SOUTH + 0.6 * BLOCK_M, WEST + 2 * BLOCK_M, NORTH)
    table = build_correspondence(current(("l", "low", strip), ("l", "up", upper)), PLAN)
    assert shares(table, "l", "low") == {SW: (1.0, 1.0, 250)}
    assert shares(table, "l", "up") == {
        SW: (round(250 / 750, 9), round(1.4 / 3.4, 9), 250),
        NW: (round(500 / 750, 9), round(2 / 3.4, 9), 500),
    }


def test_land_outside_the_plan_has_no_new_code() -> None:
    table = build_correspondence(current(("l", "1", shapely.box(WEST - BLOCK_M, SOUTH, MIDDLE_X, MIDDLE_Y))), PLAN)
    assert shares(table, "l", "1") == {"": (0.0, round(1 / 3, 9), 0), SW: (1.0, round(2 / 3, 9), 500)}


def test_an_old_grid_where_nobody_lives_has_no_share_of_households() -> None:
    empty = replace(PLAN, demand=PLAN.demand.iloc[:0])
    table = build_correspondence(current(("l", "1", PLAN.area)), empty)
    assert table["household_share"].isna().all()
    assert table["households"].tolist() == [0] * 4
    assert table["area_share"].sum() == pytest.approx(1.0, abs=1e-12)


def test_a_home_on_a_border_counts_once_and_one_in_an_overlap_in_both() -> None:
    row = SOUTH + 0.5 * BLOCK_M  # the homes of the southernmost row lie on this line
    border = current(
        ("l", "a", shapely.box(WEST, SOUTH, EAST, row)), ("l", "b", shapely.box(WEST, row, EAST, SOUTH + BLOCK_M))
    )
    assert build_correspondence(border, PLAN).groupby("old_code")["households"].sum().to_dict() == {"a": 500, "b": 0}
    overlap = current(("l", "a", PLAN.area), ("l", "b", shapely.box(WEST, SOUTH, EAST, MIDDLE_Y)))
    assert build_correspondence(overlap, PLAN).groupby("old_code")["households"].sum().to_dict() == {
        "a": 2000,
        "b": 1000,
    }


def test_pieces_of_one_code_are_one_old_grid_and_layers_are_apart() -> None:
    by_id = PLAN.grids.set_index("code").geometry
    table = build_correspondence(current(("l", "1", by_id[SW]), ("l", "1", by_id[NE]), ("m", "1", by_id[NW])), PLAN)
    assert shares(table, "l", "1") == {SW: (0.5, 0.5, 500), NE: (0.5, 0.5, 500)}
    assert shares(table, "m", "1") == {NW: (1.0, 1.0, 500)}


def test_lines_drawn_a_little_beside_each_other_make_no_rows_of_slivers() -> None:
    shaken = [shapely.buffer(shape, 0.05, join_style="mitre") for shape in PLAN.grids.geometry]
    table = build_correspondence(current(*(("l", str(i), shape) for i, shape in enumerate(shaken))), PLAN)
    assert table["new_code"].tolist() == PLAN.grids["code"].tolist()
    assert (table["area_share"] == 1.0).all()


def test_nothing_known_of_today_gives_an_empty_table() -> None:
    table = build_correspondence(CURRENT.empty(CRS), PLAN)
    assert list(table.columns) == list(COLUMNS)
    assert len(table) == 0
    assert summarise_correspondence(table) == {}


def test_the_summary_counts_old_grids_that_stay_whole_and_those_that_are_split() -> None:
    by_id = PLAN.grids.set_index("code").geometry
    old = current(
        ("party", "1", by_id[SW]),
        ("party", "2", shapely.union_all([by_id[SE], by_id[NE]])),
        ("police", "", by_id[NW]),
        ("police", "park", shapely.box(EAST + 10, SOUTH, EAST + 20, NORTH)),
    )
    assert summarise_correspondence(build_correspondence(old, PLAN)) == {
        "party": {"grids": 2, "households": 1500, "into_one": 1, "into_several": 1, "without_households": 0},
        "police": {"grids": 2, "households": 500, "into_one": 1, "into_several": 0, "without_households": 1},
    }


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_shares_make_a_whole_and_the_order_of_rows_does_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    at = np.column_stack([rng.uniform(WEST - 50, EAST + 50, 12), rng.uniform(SOUTH - 50, NORTH + 50, 12)])
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(at), extend_to=PLAN.area))
    old = current(*(("l", f"c{i % 9}", cell) for i, cell in enumerate(cells)))
    table = build_correspondence(old, PLAN)
    whole = table.groupby("old_code")[["household_share", "area_share", "households"]].sum(min_count=1)
    assert np.allclose(whole["area_share"], 1.0, atol=1e-12)
    assert np.allclose(whole["household_share"].dropna(), 1.0, atol=1e-12)
    assert whole["household_share"].isna().equals(whole["households"] == 0)
    assert table["households"].sum() == PLAN.demand["households"].sum()
    turned = replace(PLAN, demand=PLAN.demand.iloc[::-1], grids=PLAN.grids.iloc[::-1], blocks=PLAN.blocks.iloc[::-1])
    again = build_correspondence(old.sample(frac=1, random_state=seed % 1000), turned)
    pd.testing.assert_frame_equal(table, again, check_exact=True)
