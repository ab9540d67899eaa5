"""The walking radius of a grid: from its farthest home to its most central one."""

import math

import numpy as np
import pandas as pd
import pytest

from spatial.errors import InputError, TableError
from spatial.io.profiles import read_profile
from spatial.walking.network import build_walk_network
from spatial.walking.radius import measure_grid_walks
from spatial.walking.travel import travel_times
from tests.walking.streets import draw, estates, gates, grid_town, homes
from tests.walking.test_sample_walks import homes_of, made

PROFILE = read_profile()
PACE = PROFILE.walking.adult_m_per_s
ROAD = {"highway": "residential"}
NODES = {"a": (-100, 0), "b": (6000, 0), "c": (0, 9000), "d": (50, 9000)}
STREET = build_walk_network(draw(NODES, [("a b", ROAD), ("c d", ROAD)]), PROFILE)


def by(**grids: str) -> pd.Series:
    return pd.Series({home: grid for grid, names in grids.items() for home in names.split()})


def test_the_most_central_home_counts_not_the_mean_of_homes() -> None:
    """Five homes crowd at one end; the middle of the street is still nearest to both ends."""
    flats = homes(
        a=(0, 0), b=(10, 0), c=(20, 0), d=(30, 0), e=(40, 0), mid=(450, 0), far=(1000, 0), x=(3000, 0), y=(3000, 0)
    )
    walks = measure_grid_walks(STREET, flats, by(near="a b c d e mid far", one="x", two="y"))
    assert walks.index.tolist() == ["near", "one", "two"]
    assert walks.tolist() == pytest.approx([550 / PACE, 0, 0])
    assert (walks.index.name, walks.name) == ("grid_id", "farthest_walk_s")


def test_a_walk_may_be_much_longer_than_the_straight_way() -> None:
    """Two rows of homes stand back to back, 60 m apart; the street between them runs 2 km round."""
    comb = draw({"a": (0, 0), "x": (1000, 0), "y": (1000, 60), "b": (0, 60)}, [("a x y b", ROAD)])
    flats = homes(a=(0, 0), b=(0, 60), c=(10, 0))
    walks = measure_grid_walks(build_walk_network(comb, PROFILE), flats, by(g="a b c"))
    assert walks["g"] == pytest.approx(2050 / PACE)
    assert math.isnan(measure_grid_walks(build_walk_network(comb, PROFILE), flats, by(g="a b c"), limit_s=1000)["g"])


def test_a_grid_with_a_home_that_nobody_reaches_has_no_radius() -> None:
    walks = measure_grid_walks(STREET, homes(a=(0, 0), b=(20, 9001), c=(9, 0)), by(both="a b", c="c"))
    assert math.isnan(walks["both"])
    assert walks["c"] == 0


def test_an_estate_without_paths_is_walked_straight_and_a_shut_one_only_inside() -> None:
    town = draw({"a": (-20, -20), "b": (220, -20)}, [("a b", ROAD)])
    outline = estates(garden=[(0, 0), (200, 0), (200, 200), (0, 200)])
    flats = homes(a=(50, 100), b=(150, 100), c=(100, 100), out=(0, -20), street=(200, -20))
    for access, mixed in (("private", 2 * 10 + 200), ("closed", math.nan)):
        south = gates(south=((100, 0), "garden", access))
        network = build_walk_network(town, PROFILE, gates=south, estates=outline)
        walks = measure_grid_walks(network, flats, by(inside="a b c", out="out", street="street"))
        assert walks["inside"] == pytest.approx(50 / PACE)
        walks = measure_grid_walks(network, flats, by(inside="a b", mixed="c out street"))
        assert walks["mixed"] * PACE == pytest.approx(mixed, nan_ok=True)


def test_grids_of_the_made_district_agree_with_walks_between_all_homes() -> None:
    _, inputs, network = made()
    demand = homes_of(inputs).assign(kind="building", households=1, estimated=False)
    rng = np.random.default_rng(3)
    demand = demand.iloc[rng.permutation(len(demand))[:220]]
    x = demand.geometry.x.rank(method="first").sub(1) // 55
    group = pd.Series(("g" + x.astype(int).astype(str)).to_numpy(), index=demand["demand_id"].to_numpy())
    times = travel_times(network, demand.rename(columns={"demand_id": "site_id"}), demand, limit=math.inf)
    own = (times["origin_id"].map(group) == times["destination_id"].map(group)) & (
        times["origin_id"] != times["destination_id"]
    )
    longest = times[own].groupby("origin_id")["walk_s"].max()
    want = longest.groupby(longest.index.map(group)).min()
    got = measure_grid_walks(network, demand, group)
    assert len(want) == 4
    assert got.to_numpy() == pytest.approx(want.to_numpy(), rel=1e-9)
    assert got.equals(measure_grid_walks(network, demand.iloc[::-1], group.iloc[::-1]))


def test_many_grids_are_measured_in_batches_as_one_by_one() -> None:
    network = build_walk_network(grid_town(12, 80.0), PROFILE)
    rng = np.random.default_rng(4)
    flats = homes(**{f"h{i:04}": tuple(xy) for i, xy in enumerate(rng.uniform(0, 880, (2400, 2)).tolist())})
    cell = (flats.geometry.x // 110).astype(int).astype(str) + "-" + (flats.geometry.y // 220).astype(int).astype(str)
    group = pd.Series(cell.to_numpy(), index=flats["demand_id"])
    walks = measure_grid_walks(network, flats, group)
    for name in walks.index[::9]:
        some = flats[(cell == name).to_numpy()]
        assert measure_grid_walks(network, some, group)[name] == pytest.approx(walks[name])


def test_missing_groups_and_impossible_limits_are_refused() -> None:
    with pytest.raises(TableError, match="no group for demand 'b'"):
        measure_grid_walks(STREET, homes(a=(0, 0), b=(1, 0)), by(g="a"))
    with pytest.raises(InputError, match="below infinity"):
        measure_grid_walks(STREET, homes(a=(0, 0)), by(g="a"), limit_s=math.inf)
    assert measure_grid_walks(STREET, homes(a=(0, 0)).iloc[:0], by(g="a")).empty
