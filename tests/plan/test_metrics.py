"""Every figure of the scorecard equals what a hand works out from its inputs."""

import json
from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from spatial.plan.checks import check_plan
from spatial.plan.metrics import PRINCIPLES, Scorecard, measure_plan
from spatial.tables import CIRCLES, require
from tests.plan.towns import CRS, adjacency_frame, block_frame, four_grids, make_plan, quarters, square


def value(card: Scorecard, principle: str, figure: str) -> Any:
    return card.principles[principle][figure].value


def test_a_sound_town_scores_full_marks() -> None:
    card = measure_plan(four_grids())
    assert list(card.principles) == list(PRINCIPLES)
    assert value(card, "clarity", "clear_share") == 1.0
    assert value(card, "size_fit", "grids_in_band_all") == 1.0
    assert value(card, "contiguity", "walkable_share") == 1.0
    assert value(card, "workload_fit", "variation") == 0.0
    assert value(card, "responsibility", "unique_codes_share") == 1.0
    assert value(card, "responsibility", "leads_known_share") is None
    # corner to corner of 200 m by 200 m
    assert value(card, "practicability", "diameter_max") == pytest.approx(200 * 2**0.5, rel=1e-4)


def test_clarity_is_clear_metres_over_all_metres_between_grids() -> None:
    blocks = block_frame(4, 4)
    adjacency = adjacency_frame(blocks)
    # eight pairs are cut; one follows a street for 40 of 100 m, one for 97 m, which is near enough to all
    adjacency.loc[(adjacency["focal"] == "b10") & (adjacency["neighbor"] == "b20"), "clear_m"] = 40.0
    adjacency.loc[(adjacency["focal"] == "b11") & (adjacency["neighbor"] == "b21"), "clear_m"] = 97.0
    adjacency.loc[(adjacency["focal"] == "b00") & (adjacency["neighbor"] == "b10"), "clear_m"] = 0.0  # inside g00
    card = measure_plan(make_plan(blocks, quarters(blocks), adjacency))
    clear = card.principles["clarity"]["clear_share"]
    assert clear.value == pytest.approx(737 / 800)
    assert clear.inputs == {"part": 737, "whole": 800}
    assert card.principles["clarity"]["unclear_segments"].value == 1
    assert card.unclear[["focal", "neighbor", "focal_grid", "neighbor_grid", "unclear_m"]].to_dict("records") == [
        {"focal": "b10", "neighbor": "b20", "focal_grid": "g00", "neighbor_grid": "g10", "unclear_m": 60.0}
    ]
    assert value(card, "clarity", "against_target") == pytest.approx(737 / 800 - 0.7)


def test_grids_with_an_oversize_block_are_reported_apart_and_never_in_band() -> None:
    blocks = block_frame(4, 1)
    blocks["households"] = [299, 400, 600, 1500]
    blocks["oversize"] = [False, False, False, True]
    card = measure_plan(make_plan(blocks, pd.Series(list("abcd"), index=blocks["block_id"])))
    assert value(card, "size_fit", "grids_in_band_all") == 2 / 4
    assert value(card, "size_fit", "grids_in_band_without_oversize") == 2 / 3
    assert value(card, "size_fit", "grids_in_band_with_oversize") == 0.0
    assert value(card, "size_fit", "households_in_band_all") == 1000 / 2799
    assert value(card, "size_fit", "households_in_band_without_oversize") == 1000 / 1299
    assert value(card, "size_fit", "mean_deviation") == pytest.approx((201 + 100 + 100) / 3)
    assert value(card, "size_fit", "sub_grids_needed") == 3
    load = np.array([299, 400, 600, 1500])
    assert value(card, "workload_fit", "variation") == pytest.approx(load.std() / load.mean())
    assert value(card, "workload_fit", "max_over_mean") == pytest.approx(1500 / load.mean())


def test_contiguity_counts_torn_grids_and_those_a_railway_divides() -> None:
    blocks = block_frame(4, 4)
    adjacency = adjacency_frame(blocks)
    inside = adjacency["focal"].isin(["b00", "b01"]) & adjacency["neighbor"].isin(["b10", "b11"])
    card = measure_plan(make_plan(blocks, quarters(blocks), adjacency.assign(crossable=~inside)))
    assert value(card, "contiguity", "contiguous_share") == 1.0
    assert value(card, "contiguity", "walkable_share") == 0.75


def test_nobody_can_say_what_is_walkable_where_no_street_or_barrier_is_known() -> None:
    blocks = block_frame(4, 4)
    adjacency = adjacency_frame(blocks, clear_m=0.0)
    figure = measure_plan(make_plan(blocks, quarters(blocks), adjacency)).principles["contiguity"]["walkable_share"]
    assert figure.value is None
    assert "no street" in figure.formula


def test_an_estate_in_two_grids_is_counted_with_its_households() -> None:
    plan = four_grids()
    estate = np.select(
        [plan.demand["block_id"].isin(["b00", "b10"]), plan.demand["block_id"].isin(["b11", "b21"])],
        ["whole", "torn"],
        "",
    )
    card = measure_plan(replace(plan, demand=plan.demand.assign(estate_id=estate)))
    assert card.split_estates == ("torn",)
    assert value(card, "familiarity", "estates_whole_share") == 0.5
    assert card.principles["familiarity"]["estates_split"].inputs == {"households": 250}
    assert list(card.by_grid["split_estates"]) == [1, 0, 1, 0]


def test_responsibility_falls_with_shared_codes_and_points_astray() -> None:
    plan = four_grids()
    points = [square(9, 9).centroid, *plan.demand.geometry[1:]]
    astray = plan.demand.set_geometry(gpd.GeoSeries(points, index=plan.demand.index, crs=CRS))
    plan = replace(plan, demand=astray, grids=plan.grids.assign(code=["1", "1", "2", "3"]))
    card = measure_plan(plan, violations=check_plan(plan))
    assert value(card, "responsibility", "unique_codes_share") == 0.5
    assert value(card, "responsibility", "points_in_one_grid_share") == 15 / 16


def test_walks_inside_grids_are_held_against_the_patrol_time_where_they_are_known() -> None:
    walk_s = pd.Series({"g00": 600.0, "g01": 601.0, "g10": 30.0})
    card = measure_plan(four_grids(), farthest_walk_s=walk_s)
    figure = card.principles["practicability"]["walk_within_patrol_share"]
    assert figure.value == 0.5
    assert figure.inputs["not_known"] == 1
    assert "walk_within_patrol_share" not in measure_plan(four_grids()).principles["practicability"]


def test_circles_count_households_once_however_many_circles_hold_them() -> None:
    plan = four_grids()
    rows = {"site_id": ["s1", "s2", "s1"], "mode": ["time", "time", "distance"], "minutes": [5.0, 5.0, 0.0]}
    circles = gpd.GeoDataFrame(
        rows, geometry=[square(0, 0, 2, 4), square(1, 0, 2, 4), square(0, 0, 4, 4)], crs=CRS
    ).assign(limit_m=[330.0, 330.0, 500.0], households=0)
    plan = replace(plan, circles=require(circles, CIRCLES))
    card = measure_plan(plan)
    assert {name: figure.value for name, figure in card.circles.items()} == {"500_m": 1.0, "5_min": 12 / 16}
    assert "drawn circle" in card.circles["5_min"].formula
    walked = [{"group": "", "limit_s": 300.0, "households": 1500, "total": 2000}]
    known = measure_plan(replace(plan, report={"coverage": {"all": walked}})).circles
    assert (known["5_min"].value, known["500_m"].value) == (0.75, 1.0)
    assert "along the network" in known["5_min"].formula


def test_without_circles_no_reach_is_claimed() -> None:
    assert measure_plan(four_grids()).circles == {}


def test_the_scorecard_is_ready_for_json_and_each_figure_carries_its_evidence() -> None:
    told = measure_plan(four_grids()).to_dict()
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    for principle in told["principles"].values():
        assert principle["name_zh"]
        for figure in principle["figures"].values():
            assert set(figure) == {"value", "unit", "formula", "inputs"}
            assert figure["formula"]
    assert [row["grid_id"] for row in told["by_grid"]] == ["g00", "g01", "g10", "g11"]


def test_the_order_of_rows_changes_nothing() -> None:
    plan = four_grids()
    turned = replace(
        plan,
        blocks=plan.blocks.iloc[::-1],
        demand=plan.demand.sample(frac=1.0, random_state=2),
        adjacency=plan.adjacency.iloc[::-1],
        assignment=plan.assignment.iloc[::-1],
    )
    assert measure_plan(plan).to_dict() == measure_plan(turned).to_dict()
