"""Steps, lifts, escalators, levels, bridges and directions; and who walks at which speed."""

import math
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
import shapely

from spatial.errors import CrsError, InputError
from spatial.io.profiles import read_profile
from spatial.walking.access import open_at
from spatial.walking.network import WalkNetwork, build_walk_network
from spatial.walking.reach import reach_pieces
from spatial.walking.search import build_graph
from spatial.walking.snapping import snap
from spatial.walking.travel import travel_times
from spatial.walking.walker import Walker
from tests.walking.streets import draw, grid_town, homes, sites
from tests.walking.test_travel import walk

PROFILE = read_profile()
ROAD, FOOTWAY, STEPS = {"highway": "residential"}, {"highway": "footway"}, {"highway": "steps"}
WHEELS = Walker(speed="stroller", steps=False)
# A short way up and a long way round: from a to b over x 100 m, over y 500 m.
HILL = {"a": (0, 0), "x": (50, 0), "b": (100, 0), "y0": (0, 200), "y1": (100, 200), "q": (-50, 0), "r": (150, 0)}
AROUND = [("q a", ROAD), ("b r", ROAD), ("a y0 y1 b", FOOTWAY)]
A, B = (0.0, 0.0), (100.0, 0.0)


def seconds(network: WalkNetwork, site: tuple[float, float], home: tuple[float, float]) -> float:
    """Return the seconds of the walk from a home to a site, infinity where there is none."""
    found = travel_times(network, sites(s=site), homes(h=home), limit=math.inf)
    return float(found["walk_s"].iloc[0]) if len(found) else math.inf


def _hill(tags: dict[str, str], points: Any = None, walker: Walker = WHEELS) -> WalkNetwork:
    return build_walk_network(draw(HILL, [*AROUND, ("a x b", tags)], points), PROFILE, walker=walker)


@pytest.mark.parametrize(("speed", "m_per_s"), [("adult", 1.1), ("elderly", 0.85), ("stroller", 0.7)])
def test_everybody_walks_at_the_speed_of_the_profile(speed: Any, m_per_s: float) -> None:
    network = build_walk_network(grid_town(), PROFILE, walker=Walker(speed=speed))
    assert seconds(network, (0, 0), (330, 30)) == pytest.approx(360 / m_per_s)
    within = travel_times(
        network, sites(s=(0, 0)), homes(near=(60 * m_per_s - 1, 0), far=(60 * m_per_s + 1, 0)), limit=60
    )
    assert within["destination_id"].tolist() == ["near"]


@pytest.mark.parametrize(
    ("tags", "passes"),
    [
        (FOOTWAY, True),
        (STEPS, False),
        ({**STEPS, "wheelchair": "yes"}, True),
        ({**STEPS, "conveying": "forward"}, False),
        ({**FOOTWAY, "conveying": "yes"}, False),
        ({**FOOTWAY, "wheelchair": "no"}, False),
        ({**FOOTWAY, "wheelchair": "limited"}, True),
        ({"highway": "elevator"}, True),
    ],
)
def test_wheels_take_no_steps_but_lifts(tags: dict[str, str], passes: bool) -> None:
    assert walk(_hill(tags), A, B) == pytest.approx(100 if passes else 500)
    assert walk(_hill(tags, walker=Walker()), B, A) == pytest.approx(100)
    left_out = "left out: steps and ways that no wheels pass"
    assert _hill(tags).report[left_out] == (not passes)
    assert _hill(tags, walker=Walker()).report[left_out] == 0


@pytest.mark.parametrize("barrier", ["stile", "kissing_gate", "turnstile", "full-height_turnstile"])
def test_wheels_pass_no_stile_or_turnstile(barrier: str) -> None:
    assert walk(_hill(FOOTWAY, {"x": {"barrier": barrier}}), A, B) == pytest.approx(500)
    assert walk(_hill(FOOTWAY, {"x": {"barrier": barrier}}, Walker()), A, B) == pytest.approx(100)


def test_steps_take_their_factor_of_the_time() -> None:
    assert seconds(_hill(STEPS, walker=Walker()), A, B) == pytest.approx(2.0 * 100 / 1.1)


def test_a_lift_takes_its_time_as_a_way_and_as_a_node() -> None:
    """The ride takes 30 s; a lift that is a way is walked through, too."""
    plain = 100 / 1.1
    assert seconds(_hill({"highway": "elevator"}, walker=Walker()), A, B) == pytest.approx(plain + 30)
    through = draw(HILL, [*AROUND, ("a x", {**FOOTWAY, "level": "0"}), ("x b", {**FOOTWAY, "level": "1"})],
                   {"x": {"highway": "elevator", "level": "0;1"}})  # fmt: skip
    network = build_walk_network(through, PROFILE)
    assert seconds(network, A, B) == pytest.approx(plain + 30)
    assert seconds(network, A, (25, 0)) == pytest.approx(25 / 1.1)
    assert seconds(build_walk_network(through, PROFILE, walker=WHEELS), A, B) == pytest.approx(100 / 0.7 + 30)


def test_a_lift_that_takes_longer_than_the_way_round_is_not_taken() -> None:
    slow = replace(PROFILE, walking=replace(PROFILE.walking, elevator_s=1000.0))
    network = build_walk_network(draw(HILL, [*AROUND, ("a x b", {"highway": "elevator"})]), slow)
    assert walk(network, A, B) == pytest.approx(500)


@pytest.mark.parametrize(
    ("tags", "along", "against"),
    [
        ({**STEPS, "conveying": "forward"}, True, False),
        ({**STEPS, "conveying": "backward"}, False, True),
        ({**STEPS, "conveying": "reversible"}, True, True),
        ({**FOOTWAY, "oneway:foot": "yes"}, True, False),
        ({**FOOTWAY, "oneway:foot": "-1"}, False, True),
        ({**FOOTWAY, "oneway:foot": "no", "oneway": "yes"}, True, True),
        ({**FOOTWAY, "foot:backward": "no"}, True, False),
        ({**ROAD, "oneway": "yes"}, True, True),
        ({**ROAD, "oneway": "-1"}, True, True),
    ],
)
def test_only_escalators_and_oneways_for_walkers_have_a_direction(
    tags: dict[str, str], along: bool, against: bool
) -> None:
    network = _hill(tags, walker=Walker())
    assert walk(network, B, A) == pytest.approx(100 if along else 500)
    assert walk(network, A, B) == pytest.approx(100 if against else 500)


@pytest.mark.parametrize(
    ("tags", "passes"),
    [
        ({**ROAD, "access": "destination"}, True),
        ({"highway": "living_street", "access": "destination"}, True),
        ({**ROAD, "access": "destination", "foot": "destination"}, False),
        ({**ROAD, "access": "private"}, False),
        ({**FOOTWAY, "access": "destination"}, False),
        ({"highway": "service", "service": "driveway", "access": "destination"}, False),
        ({"highway": "cycleway"}, True),
        ({"highway": "cycleway", "foot": "no"}, False),
    ],
)
def test_a_sign_against_through_traffic_binds_vehicles_on_streets_and_all_on_drives_and_footways(
    tags: dict[str, str], passes: bool
) -> None:
    network = _hill(tags, walker=Walker())
    assert walk(network, A, B) == pytest.approx(100 if passes else 500)
    assert walk(network, A, (40, 0)) == pytest.approx(40)


CROSS = {"w": (-100, 0), "e": (100, 0), "s": (0, -100), "n": (0, 100), "m": (0, 0)}


@pytest.mark.parametrize(
    "tags",
    [{}, {"bridge": "yes", "layer": "1"}, {"tunnel": "yes", "layer": "-1"}, {"layer": "1"}, {"level": "1"}],
)
def test_ways_that_cross_without_a_shared_node_do_not_meet_whatever_their_tags(tags: dict[str, str]) -> None:
    over = draw(CROSS, [("w e", {**ROAD, **tags}), ("s n", ROAD)])
    assert walk(build_walk_network(over, PROFILE), (-90, 0), (0, 90)) == math.inf


@pytest.mark.parametrize(
    "tags", [{}, {"bridge": "yes", "layer": "1"}, {"tunnel": "yes", "layer": "-1"}, {"level": "1"}]
)
def test_ways_that_share_a_node_meet_whatever_their_tags(tags: dict[str, str]) -> None:
    joined = draw(CROSS, [("w m e", {**ROAD, **tags}), ("s m n", ROAD)])
    assert walk(build_walk_network(joined, PROFILE), (-90, 0), (0, 90)) == pytest.approx(180)


@pytest.mark.parametrize("tags", [{}, {"name": "ferry"}, {"highway": "construction"}, {"highway": "bus_guideway"}])
def test_ferries_and_building_sites_are_not_walked(tags: dict[str, str]) -> None:
    network = build_walk_network(draw(CROSS, [("w m", ROAD), ("m e", tags)]), PROFILE)
    assert network.length_m.tolist() == [100.0]


def test_a_speed_or_number_that_nobody_walks_by_is_refused() -> None:
    town = grid_town(2)
    with pytest.raises(InputError, match="found the speed 'runner', needed adult, elderly, stroller"):
        build_walk_network(town, PROFILE, walker=Walker(speed="runner"))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="found the moment 'noon'"):
        build_walk_network(town, PROFILE, walker=Walker(at="noon"))
    for name, value, text in (
        ("adult_m_per_s", 0.0, "walking speed adult is 0.0 m/s"),
        ("adult_m_per_s", -1.0, "walking speed adult is -1.0 m/s"),
        ("adult_m_per_s", math.nan, "walking speed adult is nan"),
        ("steps_factor", -2.0, "walking.steps_factor is -2.0"),
        ("elevator_s", math.nan, "walking.elevator_s is nan"),
    ):
        numbers: dict[str, Any] = {name: value}
        broken = replace(PROFILE, walking=replace(PROFILE.walking, **numbers))
        with pytest.raises(InputError, match=text):
            build_walk_network(town, broken)


def test_degrees_that_are_called_metres_are_refused() -> None:
    town = draw({"a": (0, 0), "b": (0.01, 0)}, [("a b", ROAD)])
    ways = town.ways.set_geometry(town.ways.translate(-500_000 + 114.3, -3_380_000 + 30.6))
    with pytest.raises(CrsError, match="degrees"):
        build_walk_network(replace(town, ways=ways), PROFILE)


def _reached(network: WalkNetwork, site: tuple[float, float], limit: float, mode: Any = "time") -> float:
    """Return the metres of street that are reached, each once."""
    place, graph = sites(s=site), build_graph(network, mode)
    (rows,) = reach_pieces(network, graph, place, snap(network, place), limit, "open")
    return float(shapely.length(shapely.union_all(shapely.linestrings(rows[:, [0, 1, 3, 4]].reshape(-1, 2, 2)))))


def test_on_an_escalator_that_leads_away_one_reaches_the_site_the_long_way_round() -> None:
    network = _hill({**STEPS, "conveying": "forward"}, walker=Walker())
    assert _reached(network, A, 1000.0, "distance") == pytest.approx(network.length_m.sum())
    assert _reached(network, A, 550.0, "distance") == pytest.approx(50 + 500 + 50 + 50)


def test_on_a_slope_all_that_lies_between_two_reached_ends_is_reached() -> None:
    network = build_walk_network(
        draw(HILL, [*AROUND, ("a x b", FOOTWAY)]),
        PROFILE,
        heights=dict(zip(range(1, 8), (0, 9, 20, 0, 0, 0, 20), strict=True)),
    )
    assert not (network.seconds_uv == network.seconds_vu).all()
    assert _reached(network, A, 3000.0) == pytest.approx(network.length_m.sum())


def test_what_is_closed_by_its_hours_is_closed_at_every_minute() -> None:
    hours = pd.Series(["off", "Mo-Fr 08:00-18:00", "Mo off", "", "by appointment"])
    assert open_at(hours, 720).tolist() == [False, True, False, True, True]
