"""Every seeded defect is found, and none besides."""

from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from spatial.crs import to_lonlat
from spatial.errors import TableError
from spatial.plan.checks import check_plan, list_checks
from spatial.plan.defect import RULES
from spatial.plan.model import Plan
from spatial.tables import VIOLATIONS, require
from tests.plan.towns import (
    CRS,
    adjacency_frame,
    block_frame,
    demand_frame,
    four_grids,
    make_plan,
    quarters,
    snapped,
    square,
    with_grid_shapes,
)


def found(plan: Plan, **options: Any) -> list[tuple[str, str, str]]:
    violations = require(check_plan(plan, **options), VIOLATIONS)
    return list(zip(violations["rule"], violations["severity"], violations["subject"], strict=True))


def shape_of(plan: Plan, grid_id: str) -> Any:
    return plan.grids.set_index("grid_id").geometry[grid_id]


def test_a_sound_plan_breaks_no_rule() -> None:
    assert found(four_grids()) == []


def test_what_was_not_looked_at_is_said() -> None:
    plan = four_grids()
    checks = list_checks(check_plan(plan)).set_index("rule")
    assert list(checks.index) == list(RULES)
    assert list(checks.index[~checks["checked"]]) == ["T11"]
    assert checks.loc["T11", "reason"] == "no buildings were given"
    assert list_checks(check_plan(plan), buildings=building_frame([]))["checked"].all()


def test_t1_a_spike_makes_a_grid_invalid() -> None:
    plan = four_grids()
    ring = list(shape_of(plan, "g00").exterior.coords)
    spike = shapely.Polygon([*ring[:-1], ring[0], (ring[0][0] - 50, ring[0][1] - 50), ring[0]])
    assert not spike.is_valid
    assert found(with_grid_shapes(plan, {"g00": spike})) == [("T1", "error", "g00")]


def test_t2_a_grid_of_two_parts_is_told_once_with_the_part_that_lies_apart() -> None:
    blocks = block_frame(6, 1, households=250)
    label = pd.Series(["a", "a", "b", "b", "a", "c"], index=blocks["block_id"])
    plan = make_plan(blocks, label)
    violations = check_plan(plan)
    assert list(zip(violations["rule"], violations["subject"], strict=True)) == [
        ("T2", "a"), ("band", "a"), ("band", "c"),
    ]  # fmt: skip
    assert violations.geometry.iloc[0].equals(blocks.set_index("block_id").geometry["b40"])


def test_contiguity_a_neck_of_four_metres_does_not_hold_a_grid_together() -> None:
    blocks = block_frame(4, 4)
    adjacency = adjacency_frame(blocks)
    inside = adjacency["focal"].isin(["b00", "b01"]) & adjacency["neighbor"].isin(["b10", "b11"])
    for shared_m, rules in ((4.9, [("contiguity", "error", "g00")]), (5.0, [])):
        assert (
            found(make_plan(blocks, quarters(blocks), adjacency.assign(shared_m=np.where(inside, shared_m, 100.0))))
            == rules
        )


def test_t10_a_railway_through_a_grid_is_told_unless_one_crossing_joins_it() -> None:
    blocks = block_frame(4, 4)
    adjacency = adjacency_frame(blocks)
    inside = adjacency["focal"].isin(["b00", "b01"]) & adjacency["neighbor"].isin(["b10", "b11"])
    cut = make_plan(blocks, quarters(blocks), adjacency.assign(crossable=~inside))
    assert found(cut) == [("T10", "error", "g00")]
    where = check_plan(cut).geometry.iloc[0]
    assert where.area == pytest.approx(20_000, rel=1e-3)
    assert "cross" in RULES["T10"]
    assert "walks inside a grid" in RULES["T10"]
    bridge = inside & (adjacency["focal"] != "b00")
    assert found(make_plan(blocks, quarters(blocks), adjacency.assign(crossable=~bridge))) == []


def with_east_side_bent(plan: Plan, grid_id: str, metres: float) -> Plan:
    """The plan with the vertex in the middle of a grid's east side moved east."""
    shape = shape_of(plan, grid_id)
    _, south, east, north = shape.bounds
    middle = np.array([east, (south + north) / 2])

    def bend(xy: Any) -> Any:
        return xy + np.column_stack([metres * (np.hypot(*(xy - middle).T) < 1.0), 0 * xy[:, 1]])

    return with_grid_shapes(plan, {grid_id: snapped([shapely.transform(shape, bend)])[0]})


def test_t3_land_in_two_grids_is_an_overlap_and_not_also_a_mismatch() -> None:
    seeded = with_east_side_bent(four_grids(), "g00", 10.0)
    assert found(seeded) == [("T3", "error", "g00")]
    violations = check_plan(seeded)
    assert "with grid g10" in violations["message"].iloc[0]
    assert violations.geometry.iloc[0].area == pytest.approx(1_000, rel=1e-2)


def test_t4_a_border_drawn_back_leaves_a_gap_and_not_also_a_mismatch() -> None:
    seeded = with_east_side_bent(four_grids(), "g00", -10.0)
    assert found(seeded) == [("T4", "error", "area")]
    assert check_plan(seeded).geometry.iloc[0].area == pytest.approx(1_000, rel=1e-2)


def test_t4_land_in_no_grid_is_a_gap() -> None:
    plan = four_grids()
    hollow = snapped([shapely.difference(shape_of(plan, "g00"), square(0.1, 0.1, 0.2, 0.2))])[0]
    seeded = with_grid_shapes(plan, {"g00": hollow})
    assert found(seeded) == [("T4", "error", "area")]
    assert check_plan(seeded).geometry.iloc[0].area == pytest.approx(400, rel=1e-2)


def test_t5_a_grid_outside_its_community_or_of_two_is_told() -> None:
    blocks = block_frame(4, 4)
    blocks["community_id"] = np.where(blocks["block_id"].str[1] < "2", "c1", "c2")
    sound = make_plan(blocks, quarters(blocks))
    assert found(sound) == []
    label = quarters(blocks)
    label["b10"] = label["b11"] = "g10"
    label["b20"] = label["b21"] = "g00"
    swapped = found(make_plan(blocks, label))
    assert [("T5", "error", g) for g in ("g00", "g10")] == [v for v in swapped if v[0] == "T5"]
    renamed = replace(sound, grids=sound.grids.assign(community_id=["c2", "c1", "c2", "c2"]))
    assert found(renamed) == [("T5", "error", "g00")]
    unknown = replace(sound, grids=sound.grids.assign(community_id=["c9", "c1", "c2", "c2"]))
    assert found(unknown) == [("T5", "error", "g00")]


def test_t6_a_vertex_on_one_side_only_is_a_mismatch() -> None:
    plan = four_grids()
    lonely = shapely.segmentize(shape_of(plan, "g00"), 30.0)
    seeded = found(with_grid_shapes(plan, {"g00": lonely}))
    # its new vertices are not on the served decimals either
    assert seeded == [("T6", "error", "g00"), ("T6", "error", "g01"), ("T6", "error", "g10"), ("T12", "error", "g00")]


def test_t7_a_grid_of_ninety_square_metres_is_a_sliver_and_a_long_thin_one_is_told() -> None:
    blocks = block_frame(4, 4)
    shapes = [square(0, 0, 0.09, 0.1), square(0.09, 0, 3.91, 0.1), square(0, 0.1, 4, 3.9)]
    few = blocks.iloc[:3].assign(households=500)
    few = few.set_geometry(gpd.GeoSeries(snapped(node(shapes)), index=few.index, crs=CRS))
    few["area_m2"] = few.area
    pairs = adjacency_frame(blocks).iloc[:0]
    label = pd.Series(["a", "b", "c"], index=few["block_id"])
    assert found(make_plan(few, label, pairs)) == [("T7", "error", "a")]
    thin = block_frame(1, 2).assign(households=500)
    long = [square(0, 0, 14, 0.1), square(0, 0.1, 14, 4)]
    thin = thin.set_geometry(gpd.GeoSeries(snapped(long), index=thin.index, crs=CRS))
    label = pd.Series(["a", "b"], index=thin["block_id"])
    assert found(make_plan(thin, label, pairs)) == [("T7", "warning", "a")]


def node(shapes: list[Any]) -> list[Any]:
    """The same rectangles with the vertices of their neighbours on their borders."""
    lines = shapely.union_all(shapely.boundary(np.array(shapes)))
    faces = shapely.get_parts(shapely.polygonize([lines]))
    return [next(f for f in faces if f.equals(s)) for s in shapes]


def test_t7_and_t11_take_their_limits_from_the_profile() -> None:
    plan = four_grids()
    checks = replace(plan.profile.checks, sliver_area_m2=50_000.0, cut_building_m2=9.0)
    strict = replace(plan, profile=replace(plan.profile, checks=checks))
    assert {(rule, severity) for rule, severity, _ in found(strict)} == {("T7", "error")}
    over = building_frame([square(1.9, 0.5, 0.2, 0.005)])  # 10 m on either side, 0.5 m deep: 5 m2 each
    assert [rule for rule, *_ in found(plan, buildings=over)] == ["T11"]
    assert "T11" not in [rule for rule, *_ in found(strict, buildings=over)]


def test_t8_a_grid_inside_another_is_told_unless_it_is_a_dedicated_one() -> None:
    blocks = block_frame(3, 3, households=70)
    blocks.loc[blocks["block_id"] == "b11", "households"] = 400
    label = pd.Series("ring", index=blocks["block_id"])
    label["b11"] = "inner"
    plan = make_plan(blocks, label)
    assert found(plan) == [("T8", "warning", "ring")]
    dedicated = plan.grids.assign(kind=["dedicated", "base"])
    assert found(replace(plan, grids=dedicated)) == []


def test_t9_a_demand_point_in_another_grid_or_outside_is_told() -> None:
    plan = four_grids()
    points = list(plan.demand.geometry)
    points[0] = square(3, 3).centroid
    points[1] = square(9, 9).centroid
    astray = plan.demand.set_geometry(gpd.GeoSeries(points, index=plan.demand.index, crs=CRS))
    seeded = replace(plan, demand=astray)
    assert found(seeded) == [("T9", "error", "db00"), ("T9", "error", "db01")]
    assert list(check_plan(seeded)["message"]) == [
        "125 households: lies in grid g11, its block belongs to g00",
        "125 households: lies in no grid, its block belongs to g00",
    ]


def test_t9_a_point_on_a_border_lies_in_the_grid_of_its_block() -> None:
    plan = four_grids()
    points = [shapely.Point(shape_of(plan, "g00").exterior.coords[2]), *plan.demand.geometry[1:]]
    on_line = plan.demand.set_geometry(gpd.GeoSeries(points, index=plan.demand.index, crs=CRS))
    assert found(replace(plan, demand=on_line)) == []


def building_frame(shapes: list[Any]) -> Any:
    columns = {"building_id": [f"h{i}" for i in range(len(shapes))], "estate_id": "", "use": "residential"}
    frame = gpd.GeoDataFrame(columns, geometry=shapes, crs=CRS)
    return frame.assign(levels=6.0, households=np.arange(len(shapes), dtype=np.int64), estimated=False)


def test_t11_a_building_under_a_border_is_told_where_buildings_are_given() -> None:
    buildings = building_frame([square(1.9, 0.5, 0.2, 0.1), square(0.5, 0.5, 0.2, 0.1)])
    assert found(four_grids()) == []
    assert found(four_grids(), buildings=buildings) == [("T11", "warning", "h0")]
    with pytest.raises(TableError, match="levels"):
        check_plan(four_grids(), buildings=buildings.drop(columns="levels"))


def test_t12_a_town_off_the_served_decimals_is_told() -> None:
    plan = four_grids()
    moved = {name: shapely.transform(shape_of(plan, name), lambda xy: xy + 0.0004) for name in plan.grids["grid_id"]}
    area = shapely.transform(plan.area, lambda xy: xy + 0.0004)
    communities = plan.communities.set_geometry([area])
    seeded = replace(with_grid_shapes(plan, moved), area=area, communities=communities)
    assert found(seeded) == [("T12", "error", name) for name in plan.grids["grid_id"]]
    assert "mm off the grid of 7 decimals" in check_plan(seeded)["message"].iloc[0]


def test_t12_rounding_a_sound_plan_leaves_no_gap() -> None:
    plan = four_grids()
    lonlat = to_lonlat(plan.grids.geometry.to_numpy(), CRS)
    assert shapely.coverage_is_valid(lonlat)
    assert shapely.union_all(lonlat).equals(to_lonlat(plan.area, CRS))


def test_assignment_blocks_and_grids_that_miss_their_other_half_are_told() -> None:
    plan = four_grids()
    lost = replace(plan, assignment=plan.assignment.drop("b00"))
    assert found(lost) == [("assignment", "error", "b00"), ("T9", "error", "db00")]
    extra = pd.concat([plan.assignment, pd.Series({"b99": "g00"})])
    assert found(replace(plan, assignment=extra)) == [("assignment", "error", "b99")]
    twice = pd.concat([plan.assignment, pd.Series({"b00": "g00"})])
    assert found(replace(plan, assignment=twice)) == [("assignment", "error", "b00")]


def test_assignment_a_grid_without_blocks_or_unlisted_is_told() -> None:
    plan = four_grids()
    label = plan.assignment.replace("g11", "g12")
    rules = found(replace(plan, assignment=label))
    assert [v for v in rules if v[0] == "assignment"] == [
        ("assignment", "error", "g11"), ("assignment", "error", "g12"),
    ]  # fmt: skip


def test_households_that_do_not_add_up_are_told_where_they_are_lost() -> None:
    plan = four_grids()
    fewer = plan.demand.assign(households=np.where(plan.demand.index == 3, 120, 125))
    assert found(replace(plan, demand=fewer)) == [("households", "error", "b03")]
    more = plan.grids.assign(households=[500, 501, 500, 500])
    seeded = replace(plan, grids=more)
    assert found(seeded) == [("households", "error", "g01")]
    assert check_plan(seeded)["message"].iloc[0] == "grid counts 501 households, its blocks 500"


@pytest.mark.parametrize(
    ("known", "told"), [(2_000.0, []), (2_200.0, []), (1_810.0, ["totals"]), (2_300.0, ["totals"])]
)
def test_totals_a_community_more_than_a_tenth_from_its_total_is_told(known: float, told: list[str]) -> None:
    """Four grids of 500."""
    plan = four_grids()
    violations = check_plan(replace(plan, communities=plan.communities.assign(households=known)))
    assert violations["rule"].tolist() == told
    for row in violations.itertuples():
        assert (row.severity, row.subject) == ("warning", "610402001001")
        assert f"{known:.0f}" in row.message
        assert "2000" in row.message


def test_band_misses_are_warnings_with_their_reason() -> None:
    blocks = block_frame(4, 1)
    blocks["households"] = [299, 701, 300, 1500]
    blocks["oversize"] = [False, False, False, True]
    plan = make_plan(blocks, pd.Series(list("abcd"), index=blocks["block_id"]))
    plan = replace(plan, grids=plan.grids.assign(explanation=["no neighbour fits", "", "", ""]))
    assert found(plan) == [("band", "warning", "a"), ("band", "warning", "b"), ("band", "warning", "d")]
    assert list(check_plan(plan)["message"]) == [
        "299 households, band 300-700: no neighbour fits",
        "701 households, band 300-700",
        "1500 households with a block that cannot be cut, band 300-700; it needs sub-grids",
    ]


def test_codes_must_be_there_and_differ() -> None:
    plan = four_grids()
    same = plan.grids.assign(code=["1", "1", "2", ""])
    assert found(replace(plan, grids=same)) == [("code", "error", name) for name in ("g00", "g01", "g11")]


def test_the_order_of_rows_changes_nothing() -> None:
    plan = four_grids()
    seeded = replace(with_east_side_bent(plan, "g01", 3.0), assignment=plan.assignment.drop("b00"))
    turned = replace(
        seeded,
        blocks=seeded.blocks.iloc[::-1],
        grids=seeded.grids.iloc[::-1],
        demand=seeded.demand.sample(frac=1.0, random_state=1),
        adjacency=seeded.adjacency.iloc[::-1],
        assignment=seeded.assignment.iloc[::-1],
    )
    assert found(seeded) == found(turned)
    assert list(check_plan(seeded)["message"]) == list(check_plan(turned)["message"])


def test_demand_of_the_toy_town_is_all_inside() -> None:
    blocks = block_frame(2, 2)
    assert demand_frame(blocks)["households"].sum() == blocks["households"].sum()
