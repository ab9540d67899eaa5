"""Places for centres come from homes and corners, spread out, whatever the order of rows."""

import geopandas as gpd
import pandas as pd
import pytest

from spatial.errors import InputError, TableError
from spatial.siting.candidates import propose_candidates
from spatial.tables import CANDIDATES, DEMAND, require
from tests.siting.towns import CRS, demand_frame


def corner_frame(xy: list[tuple[float, float]]) -> gpd.GeoDataFrame:
    points = gpd.points_from_xy([x for x, _ in xy], [y for _, y in xy])
    return gpd.GeoDataFrame({"corner_id": [f"c{i}" for i in range(len(xy))]}, geometry=points, crs=CRS)


def test_large_homes_come_first_then_corners_that_keep_the_spacing() -> None:
    demand = demand_frame({"a": 10, "b": 90, "c": 20}, [(0, 0), (60, 0), (160, 0)])
    proposed = propose_candidates(demand, corner_frame([(160, 50), (160, 100), (400, 0)]), spacing_m=100.0)
    require(proposed, CANDIDATES)
    # b is largest; a is 60 m from it; c is just 100 m away; the first corner is too near to c
    assert list(proposed["site_id"]) == ["corner-c1", "corner-c2", "demand-b", "demand-c"]
    assert proposed["proposed"].all()
    assert set(proposed["kind"]) == {"street_corner", "building"}


def test_points_without_households_are_passed_over_and_spacing_zero_keeps_the_rest() -> None:
    demand = demand_frame({"a": 0, "b": 5, "c": 5}, [(0, 0), (0, 0), (0, 0)])
    assert list(propose_candidates(demand, corner_frame([]), spacing_m=0.0)["site_id"]) == ["demand-b", "demand-c"]
    assert list(propose_candidates(demand, corner_frame([]), spacing_m=1.0)["site_id"]) == ["demand-b"]


def test_nothing_to_propose_is_an_empty_table() -> None:
    empty = propose_candidates(DEMAND.empty(CRS), corner_frame([]), spacing_m=50.0)
    require(empty, CANDIDATES)
    assert len(empty) == 0
    assert empty.crs == CRS


def test_the_order_of_rows_changes_nothing() -> None:
    demand = demand_frame({f"h{i}": i % 4 for i in range(40)}, [((i * 37) % 200, (i * 53) % 170) for i in range(40)])
    corners = corner_frame([((i * 71) % 210, (i * 29) % 190) for i in range(30)])
    one = propose_candidates(demand, corners, spacing_m=45.0)
    other = propose_candidates(demand.iloc[::-1], corners.sample(frac=1.0, random_state=3), spacing_m=45.0)
    pd.testing.assert_frame_equal(pd.DataFrame(one), pd.DataFrame(other))
    gaps = [a.distance(b) for i, a in enumerate(one.geometry) for b in one.geometry[:i]]
    assert min(gaps) >= 45.0


def test_spacing_and_tables_are_checked() -> None:
    demand = demand_frame({"a": 1})
    with pytest.raises(InputError, match=r"spacing_m is -1"):
        propose_candidates(demand, corner_frame([]), spacing_m=-1)
    with pytest.raises(TableError, match="needed corner_id"):
        propose_candidates(demand, corner_frame([(0, 0)]).drop(columns="corner_id"), spacing_m=1)
    with pytest.raises(InputError, match="needed one system"):
        propose_candidates(demand, corner_frame([(0, 0)]).set_crs("EPSG:4547", allow_override=True), spacing_m=1)
