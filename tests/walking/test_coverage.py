"""Coverage is counted in households along the network."""

import math

import pandas as pd
import pytest

from spatial.errors import InputError, TableError
from spatial.io.profiles import read_profile
from spatial.walking.coverage import count_circles, measure_coverage
from spatial.walking.isochrones import build_isochrones
from spatial.walking.network import build_walk_network
from spatial.walking.travel import travel_times
from tests.walking.streets import draw, homes, sites

PROFILE = read_profile()
# One street; sites at 0 and 1000 m; homes at 100, 330 (five minutes to the decimal), 600 and 5000 m.
NETWORK = build_walk_network(draw({"a": (-100, 0), "b": (6000, 0)}, [("a b", {"highway": "residential"})]), PROFILE)
SITES = sites(one=(0, 0), two=(1000, 0))
DEMAND = homes(a=(100, 0), b=(330, 0), c=(600, 0), d=(5000, 0)).assign(households=[10, 20, 30, 40])
TIMES = travel_times(NETWORK, SITES, DEMAND, limit=900.0)


def test_households_are_counted_once_however_many_sites_they_reach() -> None:
    table = measure_coverage(TIMES, DEMAND)
    # five minutes: a and b reach one; ten: c reaches both; fifteen: a reaches two too (900 m, 13.6 minutes)
    assert table["households"].tolist() == [30, 60, 60]
    assert table["overlap"].tolist() == [0, 30 + 0, 60]
    assert table["total"].tolist() == [100, 100, 100]
    assert table["share"].tolist() == pytest.approx([0.3, 0.6, 0.6])


def test_each_group_has_a_row_per_limit_also_where_nobody_is_reached() -> None:
    group = pd.Series({"a": "near", "b": "near", "c": "far", "d": "nowhere"})
    table = measure_coverage(TIMES, DEMAND, limits_s=(300.0, 600.0), by=group)
    assert table["group"].tolist() == ["far", "far", "near", "near", "nowhere", "nowhere"]
    assert table["households"].tolist() == [0, 30, 30, 30, 0, 0]
    assert table["share"].iloc[5] == 0.0


def test_a_group_without_households_has_no_share() -> None:
    empty = DEMAND.assign(households=[0, 0, 0, 0])
    table = measure_coverage(TIMES, empty, limits_s=(300.0,))
    assert math.isnan(table["share"].iloc[0])


def test_distances_are_counted_in_metres_and_labelled_so() -> None:
    times = travel_times(NETWORK, SITES, DEMAND, mode="distance", limit=1000.0)
    # 300 m: a reaches one; 500 m: b too, c reaches two; 1000 m: a and b reach two as well
    table = measure_coverage(times, DEMAND, limits_m=(300.0, 500.0, 1000.0))
    assert table.columns.tolist() == ["group", "limit_m", "households", "total", "share", "overlap"]
    assert table["households"].tolist() == [10, 60, 60]
    assert table["overlap"].tolist() == [0, 0, 60]
    with pytest.raises(InputError, match="seconds and limits in metres"):
        measure_coverage(times, DEMAND, limits_s=(300.0,), limits_m=(300.0,))
    with pytest.raises(InputError, match="metres above 0"):
        measure_coverage(times, DEMAND, limits_m=())


def test_circles_count_households_along_the_network() -> None:
    circles = count_circles(build_isochrones(NETWORK, SITES), TIMES, DEMAND)
    assert circles["households"].tolist() == [30, 60, 60, 0, 30, 60]
    by_metres = build_isochrones(NETWORK, SITES, mode="distance")
    times = travel_times(NETWORK, SITES, DEMAND, mode="distance")
    assert count_circles(by_metres, times, DEMAND)["households"].tolist() == [10, 30, 60, 0, 30, 60]


def test_unknown_demand_and_missing_groups_are_refused() -> None:
    with pytest.raises(TableError, match="demand 'a'"):
        measure_coverage(TIMES, DEMAND[DEMAND["demand_id"] != "a"])
    with pytest.raises(TableError, match="no group for demand 'd'"):
        measure_coverage(TIMES, DEMAND, by=pd.Series({"a": "x", "b": "x", "c": "x"}))
    with pytest.raises(InputError, match="above 0"):
        measure_coverage(TIMES, DEMAND, limits_s=(0.0,))
