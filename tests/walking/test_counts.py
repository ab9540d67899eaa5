"""Households that reach a site: the sums of travel times, without the rows."""

import numpy as np
import pandas as pd
import pytest

from spatial.errors import InputError, TableError
from spatial.io.profiles import read_profile
from spatial.walking.counts import count_reached
from spatial.walking.network import WalkNetwork, build_walk_network
from spatial.walking.travel import travel_times
from tests.walking.streets import draw, estates, gates, grid_town, homes, sites

PROFILE = read_profile()
ROAD = {"highway": "residential"}


def _by_rows(network: WalkNetwork, places: pd.DataFrame, lived: pd.DataFrame, **how: object) -> list[int]:
    times = travel_times(network, places, lived, **how)  # type: ignore[arg-type]
    weight = lived.set_index("demand_id")["households"].reindex(times["destination_id"]).to_numpy()
    return [int(weight[(times["origin_id"] == site).to_numpy()].sum()) for site in places["site_id"]]


def test_households_within_the_limit_are_counted_once_each() -> None:
    network = build_walk_network(draw({"a": (0, 0), "b": (500, 0)}, [("a b", ROAD)]), PROFILE)
    lived = homes(near=(100, 0), same=(200, 0), far=(401, 0), edge=(400, 0)).assign(households=[1, 20, 300, 4000])
    found = count_reached(network, sites(s=(200, 0)), lived, limit=200.0, mode="distance")
    assert found.tolist() == [4021]
    assert (found.name, found.dtype) == ("households", np.int64)


def test_the_series_follows_the_rows_of_the_sites() -> None:
    network = build_walk_network(grid_town(), PROFILE)
    places = sites(z=(0, 0), a=(400, 400)).set_index(pd.Index([7, 3]))
    found = count_reached(network, places, homes(h=(0, 10)), limit=60.0)
    assert found.to_dict() == {7: 10, 3: 0}


def test_a_home_inside_an_estate_without_paths_counts_once_by_whichever_way() -> None:
    """The site and two homes stand in a closed estate with two gates; a third home stands outside."""
    town = draw({"a": (0, 0), "b": (100, 0), "c": (200, 0)}, [("a b c", ROAD)])
    outline = estates(e=[(0, 5), (200, 5), (200, 200), (0, 200)])
    doors = gates(west=((0, 5), "e", "open"), east=((200, 5), "e", "open"))
    network = build_walk_network(town, PROFILE, gates=doors, estates=outline)
    lived = homes(inside=(60, 60), corner=(190, 190), outside=(100, -10)).assign(households=[1, 20, 300])
    places = sites(s=(50, 50), street=(100, 0))
    for limit in (20.0, 150.0, 300.0, 600.0):
        assert count_reached(network, places, lived, limit=limit).tolist() == _by_rows(
            network, places, lived, limit=limit
        )
    assert count_reached(network, places, lived, limit=20.0).tolist() == [1, 300]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("how", [("open", "time", 300.0), ("closed", "time", 300.0), ("open", "distance", np.inf)])
def test_counts_are_the_sums_of_the_travel_times(seed: int, how: tuple[str, str, float]) -> None:
    rng = np.random.default_rng(seed)
    names = {f"n{i}": tuple(rng.uniform(0, 500, 2)) for i in range(25)}
    kinds = [ROAD, {"highway": "service", "access": "private"}, {"highway": "footway", "oneway:foot": "yes"}]
    ways = [(" ".join(f"n{i}" for i in rng.choice(25, 3, replace=False)), kinds[rng.integers(3)]) for _ in range(30)]
    network = build_walk_network(draw(names, [*ways, ("n0 n1 n2", ROAD)]), PROFILE)
    lived = homes(**{f"h{i}": tuple(rng.uniform(0, 500, 2)) for i in range(80)})
    lived = lived.assign(households=rng.integers(0, 50, 80))
    places = sites(**{f"s{i}": tuple(rng.uniform(0, 500, 2)) for i in range(12)})
    gate, mode, limit = how
    found = count_reached(network, places, lived, limit=limit, mode=mode, gates=gate)  # type: ignore[arg-type]
    assert found.tolist() == _by_rows(network, places, lived, limit=limit, mode=mode, gates=gate)
    assert found.sum() > 0


def test_no_sites_or_no_homes_count_nothing() -> None:
    network = build_walk_network(grid_town(2), PROFILE)
    assert count_reached(network, sites(), homes(h=(0, 0))).tolist() == []
    assert count_reached(network, sites(s=(0, 0)), homes()).tolist() == [0]


def test_what_travel_times_refuses_is_refused() -> None:
    network = build_walk_network(grid_town(2), PROFILE)
    with pytest.raises(InputError, match="needed seconds above 0"):
        count_reached(network, sites(s=(0, 0)), homes(h=(0, 0)), limit=0.0)
    with pytest.raises(TableError, match="households"):
        count_reached(network, sites(s=(0, 0)), homes(h=(0, 0)).drop(columns="households"))
