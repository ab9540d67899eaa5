"""The whole way on real data: Wuhan, Beijing, Futian, Helsinki."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely

import spatial
from spatial.crs import to_lonlat
from spatial.plan.model import Plan
from tests.real.runs import count, divide_by_metis, is_contiguous, make, rate

pytestmark = pytest.mark.real
RUNS = ["wuhan", "beijing", "futian", "helsinki"]
_made: dict[str, tuple[spatial.Inputs, Plan]] = {}


@pytest.fixture(params=RUNS)
def run(request: Any, tmp_path_factory: Any) -> tuple[spatial.Inputs, Plan]:
    return _get(request.param, tmp_path_factory)


@pytest.fixture
def wuhan(tmp_path_factory: Any) -> tuple[spatial.Inputs, Plan]:
    return _get("wuhan", tmp_path_factory)


def _get(name: str, factory: Any) -> tuple[spatial.Inputs, Plan]:
    if name not in _made:
        folder: Path = factory.mktemp(name)
        _made[name] = make(name, folder)
    return _made[name]


def test_blocks_and_grids_cover_the_area_exactly_as_served(run: tuple[spatial.Inputs, Plan]) -> None:
    _, plan = run
    for frame in (plan.blocks, plan.grids):
        served = to_lonlat(frame.geometry.to_numpy(), plan.crs)
        assert shapely.is_valid(served).all()
        assert shapely.coverage_is_valid(served)
        whole = shapely.coverage_union_all(served)
        assert shapely.area(whole) == pytest.approx(shapely.area(to_lonlat(plan.area, plan.crs)), rel=1e-12)
    deviation = plan.report["land"]["deviation"]
    assert deviation["largest_m"] <= 0.02


def test_every_grid_is_contiguous_and_no_hard_rule_is_broken(run: tuple[spatial.Inputs, Plan]) -> None:
    _, plan = run
    connected = is_contiguous(plan.blocks, plan.adjacency, plan.assignment, plan.profile.land.min_shared_m)
    assert connected.all(), connected[~connected].index.tolist()
    violations = spatial.check_plan(plan)
    broken = violations[violations["severity"] == "error"]
    assert broken.empty, broken[["rule", "subject", "message"]].head().to_string()


def test_households_are_conserved_to_the_last_one(run: tuple[spatial.Inputs, Plan]) -> None:
    inputs, plan = run
    assert plan.blocks["households"].sum() == plan.demand["households"].sum() == plan.grids["households"].sum()
    if (inputs.estates["households"] > 0).any():
        assert plan.demand["households"].sum() == inputs.estates["households"].sum()


def test_every_grid_outside_the_band_says_why(run: tuple[spatial.Inputs, Plan]) -> None:
    _, plan = run
    outside = plan.grids[plan.grids["status"] != "in_band"]
    assert (outside["explanation"] != "").all()


def test_wuhan_places_its_estates_and_lists_the_rest(wuhan: tuple[spatial.Inputs, Plan]) -> None:
    inputs, plan = wuhan
    placed = plan.demand["estate_id"].nunique()
    assert placed >= 0.99 * 758
    reasons = inputs.listed[(inputs.listed["source"] == "estates") & (inputs.listed["action"] == "dropped")]
    assert placed + len(reasons) == 3562


def test_wuhan_is_in_the_band_on_streets_and_tells_its_oversize_blocks(wuhan: tuple[spatial.Inputs, Plan]) -> None:
    _, plan = wuhan
    figures = count(plan)
    assert figures["oversize"] == 260
    held = plan.blocks.loc[plan.blocks["oversize"], "households"].sum() / plan.blocks["households"].sum()
    assert held == pytest.approx(0.76, abs=0.01)
    assert figures["in_band_share"] >= 0.85
    assert figures["clarity"] >= 0.70


def test_wuhan_is_better_than_a_grid_per_block_and_than_metis(wuhan: tuple[spatial.Inputs, Plan]) -> None:
    _, plan = wuhan
    blocks, adjacency, profile = plan.blocks, plan.adjacency, plan.profile
    rules, min_shared_m = profile.grid, profile.land.min_shared_m
    ours = rate(blocks, adjacency, plan.assignment, rules)
    alone = rate(blocks, adjacency, pd.Series(blocks["block_id"].to_numpy(), index=blocks["block_id"]), rules)
    assert ours["in_band_share"] > alone["in_band_share"]
    assert ours["unclear_m"] < alone["unclear_m"]
    for tolerance in (0.05, 0.1, 0.2):
        divided = divide_by_metis(blocks, adjacency, rules, min_shared_m, tolerance)
        metis = rate(blocks, adjacency, divided, rules)
        assert ours["in_band_share"] > metis["in_band_share"] + 0.2
        assert ours["border_m"] < 1.03 * metis["border_m"]
        # METIS draws clearer borders (0.03 more here), out of the band: a known miss, held so that it does not grow.
        assert ours["clarity"] > metis["clarity"] - 0.05
        assert not is_contiguous(blocks, adjacency, divided, min_shared_m).all()


def test_rivers_and_railways_separate_where_nothing_crosses(tmp_path_factory: Any) -> None:
    for name in ("beijing", "helsinki"):
        inputs, plan = _get(name, tmp_path_factory)
        block = plan.blocks.set_index("block_id").geometry
        hard = plan.barriers[~plan.barriers["crossable"]]
        assert len(hard) > 0
        on_line = plan.adjacency[plan.adjacency["barrier"].isin(["rail", "river", "canal", "water"])]
        assert len(on_line) > 0
        ways = inputs.streets.ways
        walkable = shapely.STRtree(ways.geometry.to_numpy()[(ways["highway"] != "").to_numpy()])
        for pair in on_line[~on_line["crossable"]].itertuples():
            border = shapely.intersection(block[pair.focal], block[pair.neighbor])
            crossing = walkable.query(border, predicate="crosses")
            public = ways[ways["highway"] != ""].iloc[crossing]
            assert (public["access"].isin(["no", "private"]) | (public["tunnel"] != "")).all(), (name, pair)


def test_futian_is_walked_and_sited(tmp_path_factory: Any) -> None:
    _, plan = _get("futian", tmp_path_factory)
    assert plan.report["siting"]["status"] == "optimal"
    circles = plan.circles[plan.circles["mode"] == "time"].sort_values(["site_id", "minutes"])
    for _, rows in circles.groupby("site_id"):
        assert (np.diff(rows["households"]) >= 0).all()
        for inner, outer in zip(rows.geometry, rows.geometry.iloc[1:], strict=False):
            assert shapely.area(shapely.difference(inner, outer)) < 1e-6


def test_the_order_of_rows_changes_nothing(wuhan: tuple[spatial.Inputs, Plan]) -> None:
    from dataclasses import replace

    inputs, plan = wuhan
    shuffled = replace(inputs, estates=inputs.estates.sample(frac=1, random_state=3).reset_index(drop=True))
    again = spatial.make_plan(shuffled, plan.profile)
    assert again.plan_id == plan.plan_id
    pd.testing.assert_series_equal(again.assignment.sort_index(), plan.assignment.sort_index())
    pd.testing.assert_frame_equal(again.adjacency, plan.adjacency)
