"""The whole way on the sample district, whose truth is known: from its files to the plan folder."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely

import spatial
from spatial.crs import to_lonlat
from spatial.errors import CancelledError
from spatial.plan.model import Plan
from spatial.plan.reach import measure_reach
from tests.real.runs import is_contiguous

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
TRUTH = json.loads((SAMPLE / "truth.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def inputs() -> spatial.Inputs:
    return spatial.read_district(SAMPLE)[0]


@pytest.fixture(scope="module")
def plan(inputs: spatial.Inputs) -> Plan:
    return spatial.make_plan(inputs, spatial.read_profile("about_500"))


def test_nothing_of_the_sample_is_dropped(inputs: spatial.Inputs) -> None:
    assert (inputs.listed["action"] != "dropped").all()


def test_the_blocks_tile_the_district_to_the_last_served_digit(plan: Plan) -> None:
    served = to_lonlat(plan.blocks.geometry.to_numpy(), plan.crs)
    assert shapely.coverage_is_valid(served)
    assert shapely.area(shapely.coverage_union_all(served)) == pytest.approx(shapely.area(served).sum(), rel=1e-12)
    assert plan.report["land"]["deviation"]["largest_m"] <= 0.02


def test_every_household_of_the_truth_is_in_one_grid_of_its_community(plan: Plan) -> None:
    assert plan.grids["households"].sum() == TRUTH["totals"]["households"]
    assert plan.grids.groupby("community_id")["households"].sum().to_dict() == TRUTH["communities"]


def test_all_grids_keep_the_band_and_no_rule_is_broken(plan: Plan, inputs: spatial.Inputs) -> None:
    assert set(plan.grids["status"]) == {"in_band"}
    assert spatial.check_plan(plan, buildings=inputs.buildings).query("severity == 'error'").empty
    assert is_contiguous(plan.blocks, plan.adjacency, plan.assignment, plan.profile.land.min_shared_m).all()


def test_estates_are_split_only_above_the_ceiling(plan: Plan) -> None:
    grid = plan.demand["block_id"].map(plan.assignment)
    spread = grid.groupby(plan.demand["estate_id"]).nunique().drop("", errors="ignore")
    split = spread.index[spread > 1]
    ceiling = plan.profile.grid.ceiling_households
    assert all(TRUTH["estates"][estate]["households"] > ceiling for estate in split)


def test_the_river_and_the_railway_separate_except_at_their_crossings(plan: Plan) -> None:
    apart = plan.adjacency[~plan.adjacency["crossable"]]
    assert set(apart["barrier"]) <= {"river", "rail", "water"}
    assert {"river", "rail"} <= set(plan.adjacency["barrier"])
    links = nx.Graph(plan.adjacency.loc[plan.adjacency["crossable"], ["focal", "neighbor"]].to_numpy().tolist())
    assert nx.is_connected(links)  # over the bridges and the two crossings


def test_borders_between_communities_run_where_the_truth_says(plan: Plan) -> None:
    block = plan.blocks.set_index("block_id")["community_id"]
    pairs = plan.adjacency.assign(a=plan.adjacency["focal"].map(block), b=plan.adjacency["neighbor"].map(block))
    for border in TRUTH["borders"]:
        one, other = border["between"]
        mine = pairs[((pairs["a"] == one) & (pairs["b"] == other)) | ((pairs["a"] == other) & (pairs["b"] == one))]
        assert len(mine), border
        for kind in ("rail", "river"):
            if border.get(kind, 0) > 50:
                metres = mine.loc[mine["barrier"] == kind, "shared_m"].sum()
                assert metres == pytest.approx(border[kind], rel=0.2), border


def test_circles_nest_and_count_more_households_the_larger_they_are(plan: Plan) -> None:
    for _, rows in plan.circles.sort_values("limit_m").groupby(["site_id", "mode"]):
        assert (np.diff(rows["households"]) >= 0).all()
        for inner, outer in zip(rows.geometry, rows.geometry.iloc[1:], strict=False):
            assert shapely.area(shapely.difference(inner, outer)) < 1e-6


def _digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def _write(plan: Plan, folder: Path) -> dict[str, str]:
    card = spatial.measure_plan(plan).to_dict()
    return _digests(spatial.write_plan(plan, folder, scorecard=card, violations=spatial.check_plan(plan)))


def _shuffled(inputs: spatial.Inputs) -> spatial.Inputs:
    names = ("communities", "estates", "buildings", "gates", "candidates", "existing", "current", "pois")

    def mix(frame: Any) -> Any:
        return frame.sample(frac=1, random_state=11).reset_index(drop=True)

    frames = {name: mix(getattr(inputs, name)) for name in names}
    streets = replace(
        inputs.streets,
        ways=mix(inputs.streets.ways),
        points=mix(inputs.streets.points),
        areas=mix(inputs.streets.areas),
    )
    return replace(inputs, streets=streets, **frames)


def test_equal_inputs_give_equal_bytes_whatever_the_order_of_rows(
    plan: Plan, inputs: spatial.Inputs, tmp_path: Path
) -> None:
    first = _write(plan, tmp_path / "first")
    again = _write(spatial.make_plan(_shuffled(inputs), plan.profile), tmp_path / "again")
    assert first == again


def test_another_profile_is_another_plan_on_the_same_households(plan: Plan, inputs: spatial.Inputs) -> None:
    hefei = spatial.make_plan(inputs, spatial.read_profile("hefei"))
    assert hefei.plan_id != plan.plan_id
    assert hefei.grids["households"].sum() == plan.grids["households"].sum()
    gated = {name for name, estate in TRUTH["estates"].items() if estate["gated"]}
    blocks = hefei.blocks[hefei.blocks["estate_id"].isin(gated)]
    assert blocks["estate_id"].is_unique  # a closed estate is one block, whatever its size
    lived = hefei.blocks[hefei.blocks["households"] > 0]
    mates = lived.groupby(lived["block_id"].map(hefei.assignment))["block_id"].transform("size")
    assert (mates[lived["estate_id"].isin(gated)] == 1).all()  # and a grid of its own


def test_progress_names_the_stages_in_their_order(inputs: spatial.Inputs, plan: Plan) -> None:
    said: list[str] = []

    def note(stage: str, share: float) -> None:
        assert 0.0 <= share <= 1.0
        if not said or said[-1] != stage:
            said.append(stage)

    spatial.make_plan(inputs, plan.profile, on_progress=note)
    stages = (
        "land: faces",
        "dividing blocks into grids",
        "proving how good the grids are",
        "siting",
        "circles",
        "plan",
    )
    order = [said.index(stage) for stage in stages]
    assert order == sorted(order)


@pytest.mark.parametrize("stop", [CancelledError("stopped"), KeyboardInterrupt()])
@pytest.mark.parametrize("stage", ["dividing blocks into grids", "proving how good the grids are", "siting"])
def test_a_plan_that_is_stopped_stops_as_a_whole(
    inputs: spatial.Inputs, plan: Plan, stage: str, stop: BaseException
) -> None:
    said: list[str] = []

    def stop_once(told: str, share: float) -> None:
        said.append(told)
        if said.count(stage) == 1 and told == stage:
            raise stop

    with pytest.raises(type(stop)):
        spatial.make_plan(inputs, plan.profile, on_progress=stop_once)
    assert said[-1] == stage  # nothing is done after it


def test_the_report_tells_how_far_from_the_best_possible_the_grids_are(plan: Plan) -> None:
    told = plan.report["division"]
    assert told["status"] in ("optimal", "gap")
    assert told["violations"] == []
    assert 0.0 < told["bound"] <= told["total"]
    assert told["gap"] == pytest.approx(1.0 - told["bound"] / told["total"])
    assert told["gap"] <= 0.01


def test_a_district_without_streets_to_walk_is_divided_and_says_why_nothing_is_sited(inputs: spatial.Inputs) -> None:
    ways = inputs.streets.ways
    rails = replace(inputs.streets, ways=ways[ways["highway"] == ""].reset_index(drop=True))
    made = spatial.make_plan(replace(inputs, streets=rails), spatial.read_profile("about_500"))
    assert made.report["siting"]["status"] == "not done"
    assert "can be walked" in made.report["siting"]["why"]
    assert made.grids["households"].sum() == TRUTH["totals"]["households"]
    assert isinstance(made.circles, pd.DataFrame)
    assert made.circles.empty


def test_the_walk_kept_with_each_home_gives_the_coverage_that_the_report_tells(plan: Plan) -> None:
    community = plan.blocks.set_index("block_id")["community_id"].loc[plan.demand["block_id"]].to_numpy()
    limits = [60.0 * minutes for minutes in plan.profile.walking.circle_min]
    told = pd.DataFrame(plan.report["coverage"]["by_community"]).pivot(
        index="group", columns="limit_s", values="households"
    )
    reach = measure_reach(plan.demand, community, limits)
    assert reach[limits].to_numpy().tolist() == told[limits].to_numpy().tolist()
    assert reach.index.tolist() == told.index.tolist()
    assert reach[limits[0]].sum() < reach["households"].sum()
