"""A tiling is told for one only where the checks find nothing wrong with it."""

from dataclasses import replace

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from spatial.plan.model import Plan
from spatial.plan.topology import check_topology, is_tiling
from tests.plan.towns import four_grids, square, with_grid_shapes

RULES_OF_A_TILING = {"T1", "T3", "T4", "T6", "T12"}


def told(plan: Plan) -> bool:
    return is_tiling(plan.grids.geometry.to_numpy(), plan.area, plan.crs)


def found(plan: Plan) -> set[str]:
    return RULES_OF_A_TILING & {defect.rule for defect in check_topology(plan)}


def moved(plan: Plan, corner: int, east_m: float, north_m: float) -> Plan:
    """The plan with a corner of its first grid moved."""
    ring = shapely.get_coordinates(plan.grids.geometry.iloc[0])[:-1].copy()
    ring[corner % len(ring)] += (east_m, north_m)
    return with_grid_shapes(plan, {plan.grids["grid_id"].iloc[0]: shapely.Polygon(ring)})


def test_a_sound_town_is_a_tiling() -> None:
    assert told(four_grids())
    assert not found(four_grids())


@pytest.mark.parametrize("metres", [10.0, -10.0, 0.02])
def test_land_in_two_grids_or_none_is_no_tiling(metres: float) -> None:
    seeded = moved(four_grids(), 2, metres, metres)
    assert found(seeded)
    assert not told(seeded)


def test_an_area_that_the_grids_do_not_fill_or_leave_is_no_tiling() -> None:
    plan = four_grids()
    for area in (shapely.union(plan.area, square(4, 0)), shapely.difference(plan.area, square(0, 0, 0.5, 0.5))):
        assert not told(replace(plan, area=area))
    assert not is_tiling(np.zeros(0, dtype=object), plan.area, plan.crs)


def test_a_vertex_on_one_side_alone_and_places_off_the_decimals_are_no_tiling() -> None:
    plan = four_grids()
    first = plan.grids.geometry.iloc[0]
    assert not told(with_grid_shapes(plan, {"g00": shapely.segmentize(first, 30.0)}))
    away = plan.grids.geometry.apply(lambda one: shapely.transform(one, lambda xy: xy + 0.0004))
    off = replace(with_grid_shapes(plan, dict(zip(plan.grids["grid_id"], away, strict=True))), area=away.union_all())
    assert found(off) == {"T12"}
    assert not told(off)


@given(st.integers(0, 15), *(st.floats(-30, 30, allow_subnormal=False) for _ in range(2)))
def test_what_is_told_for_a_tiling_breaks_none_of_its_rules(corner: int, east_m: float, north_m: float) -> None:
    seeded = moved(four_grids(), corner, east_m, north_m)
    assert not (told(seeded) and found(seeded))
