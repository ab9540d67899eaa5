"""The walks from doors to the network are measured, and so is how much longer walks are than a crow flies."""

import math

import pytest

from spatial.io.profiles import read_profile
from spatial.walking.access_walks import list_access, measure_access_walks, measure_nearest_detour
from spatial.walking.network import build_walk_network
from spatial.walking.travel import travel_times
from tests.walking.streets import draw, grid_town, homes, sites

PROFILE = read_profile()
LINE = build_walk_network(draw({"a": (0, 0), "b": (1000, 0)}, [("a b", {"highway": "residential"})]), PROFILE)


def test_each_door_is_told_in_the_order_of_the_rows() -> None:
    access = list_access(LINE, homes(b=(500, 200), a=(100, 20)))
    assert access["access_m"].tolist() == pytest.approx([200.0, 20.0])
    assert access["data_limited"].tolist() == [True, False]
    assert access["how"].tolist() == ["street", "street"]


def test_access_walks_are_weighed_by_households() -> None:
    access = list_access(LINE, homes(a=(100, 0), b=(200, 10), c=(300, 200)))
    told = measure_access_walks(access, [90, 9, 1], longest_m=150.0)
    assert told["mean_m"] == pytest.approx((9 * 10 + 200) / 100)
    assert (told["p95_m"], told["longest_m"]) == (10.0, 200.0)
    assert (told["points_beyond"], told["counted_beyond"], told["share_beyond"]) == (1, 1, 0.01)
    assert told["started"] == {"street": 3}
    assert measure_access_walks(access, longest_m=150.0)["share_beyond"] == pytest.approx(1 / 3)
    assert measure_access_walks(access, [0, 0, 0], longest_m=150.0)["share_beyond"] is None


def test_the_detour_is_that_of_the_walk_to_the_nearest_site() -> None:
    town = build_walk_network(grid_town(), PROFILE)
    site, demand = sites(one=(0, 0)), homes(a=(100, 100), b=(200, 0)).assign(households=[1, 3])
    times = travel_times(town, site, demand)
    told = measure_nearest_detour(times, site, demand)
    assert told["ratio"] == pytest.approx((200 + 3 * 200) / (100 * math.sqrt(2) + 3 * 200), abs=1e-4)
    assert (told["median"], told["households"]) == (1.0, 4)
    assert told["p95"] == pytest.approx(math.sqrt(2), abs=1e-4)


def test_without_walks_there_is_no_detour() -> None:
    site, demand = sites(one=(0, 0)), homes(a=(900, 0))
    times = travel_times(LINE, site, demand, limit=10.0)
    assert measure_nearest_detour(times, site, demand) == {"households": 0, "ratio": None, "median": None, "p95": None}
