"""Demand that is not reached is listed with the reason that holds."""

import math

import numpy as np
import pytest

from spatial.errors import InputError
from spatial.io.profiles import read_profile
from spatial.walking.network import build_walk_network
from spatial.walking.reasons import (
    NO_GATE,
    NO_STREET,
    ONE_WAY,
    OTHER_PART,
    PRIVATE_ONLY,
    TOO_FAR,
    explain_unreached,
    nearest_walks,
)
from spatial.walking.travel import travel_times
from tests.real_data import real
from tests.walking.streets import draw, estates, gates, grid_town, homes, sites

PROFILE = read_profile()
STREET = {"highway": "residential"}
LINE = build_walk_network(draw({"a": (-100, 0), "b": (6000, 0)}, [("a b", STREET)]), PROFILE)


def reasons(network: object, site: object, demand: object, limit: float = 600.0, **how: object) -> dict[str, str]:
    table = explain_unreached(network, site, demand, limit=limit, **how)  # type: ignore[arg-type]
    return dict(zip(table["demand_id"], table["reason"], strict=True))


def test_who_is_reached_is_not_listed() -> None:
    assert reasons(LINE, sites(one=(0, 0)), homes(a=(100, 0), b=(660, 0))) == {}


def test_too_far_tells_the_minutes_to_the_nearest() -> None:
    table = explain_unreached(LINE, sites(one=(0, 0), two=(5000, 0)), homes(far=(2200, 10)), limit=600.0)
    assert table["reason"].tolist() == [TOO_FAR]
    assert table["walk_m"].tolist() == pytest.approx([2210.0])
    assert table["walk_s"].tolist() == pytest.approx([2210.0 / 1.1])
    assert table["straight_m"].tolist() == pytest.approx([math.hypot(2200, 10)])
    assert table["access_m"].tolist() == pytest.approx([10.0])


def test_no_street_near_is_an_access_walk_that_alone_is_too_long_or_makes_the_difference() -> None:
    # 700 m is longer than 660; 300 m from the street at 400 m: with 150 m it would be 550
    demand = homes(away=(0, 700), spoilt=(400, 300), distant=(3000, 200))
    table = explain_unreached(LINE, sites(one=(0, 0)), demand, limit=600.0)
    assert dict(zip(table["demand_id"], table["reason"], strict=True)) == {
        "away": NO_STREET,
        "spoilt": NO_STREET,
        "distant": TOO_FAR,
    }
    assert table["data_limited"].all()


def test_another_component_has_no_walk_at_all() -> None:
    town = draw({"a": (0, 0), "b": (1000, 0), "c": (5000, 0), "d": (5500, 0)}, [("a b", STREET), ("c d", STREET)])
    table = explain_unreached(
        build_walk_network(town, PROFILE), sites(one=(100, 0)), homes(island=(5200, 0)), limit=600.0
    )
    assert table["reason"].tolist() == [OTHER_PART]
    assert np.isnan(table["walk_s"]).all()
    assert table["straight_m"].tolist() == pytest.approx([5100.0])


def estate_town(*, access: str) -> object:
    """Return a street with a closed estate north of it, whose one path ends at the gate on the street."""
    town = draw(
        {"a": (0, 0), "g": (200, 0), "b": (400, 0), "n": (200, 100)},
        [("a g b", STREET), ("g n", {"highway": "service"})],
    )
    wall = estates(E=[(100, 5), (300, 5), (300, 150), (100, 150)])
    return build_walk_network(town, PROFILE, gates=gates(G=((200, 5), "E", access)), estates=wall)


def test_a_closed_gate_is_the_reason_for_those_behind_it() -> None:
    site, demand = sites(one=(0, 0)), homes(inside=(190, 80), street=(390, 0))
    assert reasons(estate_town(access="private"), site, demand) == {}
    assert reasons(estate_town(access="closed"), site, demand) == {"inside": NO_GATE}


def test_a_site_on_private_ground_is_reached_by_private_ways_only() -> None:
    network = estate_town(access="private")
    site, demand = sites(one=(195, 90)), homes(street=(390, 0), inside=(190, 60))
    assert reasons(network, site, demand) == {}
    assert reasons(network, site, demand, gates="closed") == {"street": PRIVATE_ONLY}


def test_a_way_walked_in_the_other_direction_alone_is_told_so() -> None:
    town = draw(
        {"a": (0, 0), "b": (200, 0), "c": (400, 0)},
        [("a b", STREET), ("b c", {"highway": "footway", "oneway:foot": "yes"})],
    )
    network = build_walk_network(town, PROFILE)
    assert reasons(network, sites(one=(0, 0)), homes(beyond=(400, 0))) == {"beyond": ONE_WAY}
    assert reasons(network, sites(one=(400, 0)), homes(beyond=(0, 0))) == {}


def test_the_nearest_site_is_found_by_one_search_for_all_of_them() -> None:
    town = build_walk_network(grid_town(), PROFILE)
    rng = np.random.default_rng(1)
    place = rng.uniform(-50, 450, (40, 2))
    demand = homes(**{f"d{i:02}": tuple(xy) for i, xy in enumerate(place[:30])})
    site = sites(**{f"s{i}": tuple(xy) for i, xy in enumerate(place[30:])})
    for mode in ("time", "distance"):
        seconds, metres = nearest_walks(town, site, demand, mode=mode)  # type: ignore[arg-type]
        times = travel_times(town, site, demand, limit=math.inf, mode=mode)  # type: ignore[arg-type]
        best = times.groupby("destination_id")[["walk_s", "walk_m"]].min().reindex(demand["demand_id"])
        assert seconds == pytest.approx(best["walk_s"].to_numpy(), abs=1e-6)
        assert metres == pytest.approx(best["walk_m"].to_numpy(), abs=1e-6)


def test_whoever_stands_in_no_pair_is_listed_once_and_nobody_else() -> None:
    from spatial.io.streets import read_streets

    network = build_walk_network(read_streets(real("porto-alegre/poa.osm.pbf")), PROFILE)
    rng = np.random.default_rng(4)
    middle = network.xy.mean(axis=0)
    place = middle + rng.uniform(-2500, 2500, (400, 2)) - (500_000.0, 3_380_000.0)
    demand = homes(**{f"d{i:03}": tuple(xy) for i, xy in enumerate(place[:380])}).set_crs(
        network.crs, allow_override=True
    )
    site = sites(**{f"s{i:02}": tuple(xy) for i, xy in enumerate(place[380:])}).set_crs(
        network.crs, allow_override=True
    )
    times = travel_times(network, site, demand, limit=900.0)
    table = explain_unreached(network, site, demand, limit=900.0)
    assert set(table["demand_id"]) == set(demand["demand_id"]) - set(times["destination_id"])
    assert len(table) > 10
    assert table["demand_id"].is_unique
    walked = table[table["reason"] == TOO_FAR]
    assert (walked["walk_s"] > 900.0).all()
    assert (walked["walk_m"] >= walked["straight_m"] - 1e-6).all()
    again = explain_unreached(network, site.iloc[::-1], demand.iloc[::-1], limit=900.0)
    assert again.equals(table)


def test_without_a_site_everybody_is_of_another_component() -> None:
    assert reasons(LINE, sites(one=(0, 0)).iloc[:0], homes(a=(0, 0))) == {"a": OTHER_PART}


def test_limits_that_cannot_be_are_refused() -> None:
    for limit in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(InputError, match=r"limit .*needed"):
            explain_unreached(LINE, sites(one=(0, 0)), homes(a=(0, 0)), limit=limit)
