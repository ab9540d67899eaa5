"""Homes that are left out of a search lie beyond its limit."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from spatial.io.profiles import read_profile
from spatial.walking.nearby import fastest_m_per_s, find_nearby
from spatial.walking.network import build_walk_network
from spatial.walking.search import Mode
from spatial.walking.travel import travel_times
from tests.walking.streets import draw, grid_town, homes, sites

PROFILE = read_profile()
TOWN = build_walk_network(grid_town(), PROFILE)
RNG = np.random.default_rng(3)
HOMES = homes(**{f"d{i:02}": tuple(xy) for i, xy in enumerate(RNG.uniform(-100, 500, (60, 2)))})


def test_nobody_walks_faster_than_the_fastest_street() -> None:
    assert fastest_m_per_s(TOWN) == pytest.approx(1.1)
    stairs = draw({"a": (0, 0), "b": (100, 0)}, [("a b", {"highway": "steps"})])
    assert fastest_m_per_s(build_walk_network(stairs, PROFILE)) == pytest.approx(1.1)


@given(st.floats(1.0, 600.0), st.sampled_from(["time", "distance"]), st.integers(0, 40))
def test_who_is_left_out_is_in_no_pair(limit: float, mode: Mode, seed: int) -> None:
    place = np.random.default_rng(seed).uniform(-50, 450, (2, 2))
    site = sites(a=tuple(place[0]), b=tuple(place[1]))
    near = find_nearby(TOWN, shapely.STRtree(HOMES.geometry.to_numpy()), site, limit=limit, mode=mode)
    times = travel_times(TOWN, site, HOMES, limit=limit, mode=mode)
    assert set(times["destination_id"]) <= set(HOMES["demand_id"].iloc[near])
    alone = travel_times(TOWN, site, HOMES.iloc[near], limit=limit, mode=mode)
    assert alone.equals(times)
    assert (np.diff(near) > 0).all()


def test_without_a_limit_nobody_is_left_out() -> None:
    tree = shapely.STRtree(HOMES.geometry.to_numpy())
    assert len(find_nearby(TOWN, tree, sites(a=(0, 0)), limit=np.inf)) == len(HOMES)
