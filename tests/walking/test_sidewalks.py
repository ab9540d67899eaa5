"""Carriageways with sidewalks mapped apart: left out where these serve, kept where they would leave a hole."""

from typing import Any

import pytest

from spatial.io.profiles import read_profile
from spatial.walking.network import WalkNetwork, build_walk_network
from spatial.walking.snapping import snap
from tests.walking.streets import draw, homes
from tests.walking.test_travel import walk

PROFILE = read_profile()
ROAD, SEPARATE = {"highway": "residential"}, {"highway": "primary", "sidewalk": "separate"}
PATH, CROSSING = {"highway": "footway", "footway": "sidewalk"}, {"highway": "footway", "footway": "crossing"}
GONE, STAYS = "carriageways left out for their sidewalks", "carriageways kept beside sidewalks that do not connect"
# A main road from w to e between two side streets, a sidewalk 10 m north of it, and crossings at c and d.
NODES = {
    "w": (0, 0), "e": (400, 0), "c": (100, 0), "d": (300, 0), "ws": (0, -200), "es": (400, -200), "nw": (0, 200),
    "W": (0, 10), "C": (100, 10), "D": (300, 10), "E": (400, 10), "ne": (400, 200),
}  # fmt: skip
SIDES = [("ws w W nw", ROAD), ("es e E ne", ROAD)]
WHOLE = [("W C D E", PATH), ("C c", CROSSING), ("D d", CROSSING)]


def _town(*ways: Any) -> WalkNetwork:
    return build_walk_network(draw(NODES, [*SIDES, *ways]), PROFILE)


def test_a_carriageway_goes_where_the_sidewalk_beside_it_leads_as_far() -> None:
    network = _town(("w c d e", SEPARATE), *WHOLE)
    assert (network.report[GONE], network.report[STAYS]) == (3, 0)
    assert not network.separate.any()
    assert walk(network, (0, -100), (400, -100)) == pytest.approx(100 + 10 + 400 + 10 + 100)
    assert snap(network, homes(h=(200, -10))).access_m.tolist() == [20.0]


def test_a_carriageway_stays_where_the_sidewalk_has_a_gap() -> None:
    network = _town(("w c d e", SEPARATE), ("W C", PATH), ("D E", PATH), *WHOLE[1:])
    assert (network.report[GONE], network.report[STAYS]) == (2, 1)
    assert network.length_m[network.separate].tolist() == [200.0]
    assert walk(network, (0, 10), (400, 10)) == pytest.approx(100 + 10 + 200 + 10 + 100)


def test_a_carriageway_stays_where_the_sidewalk_is_not_joined_to_the_streets() -> None:
    nodes = NODES | {"p": (5, 10), "q": (395, 10)}
    network = build_walk_network(draw(nodes, [*SIDES, ("w e", SEPARATE), ("p q", PATH)]), PROFILE)
    assert (network.report[GONE], network.report[STAYS]) == (0, 1)
    assert walk(network, (0, -100), (400, -100)) == pytest.approx(600)


def test_a_carriageway_stays_where_the_way_round_is_no_sidewalk() -> None:
    """The streets round the block would be a detour of 2; the sidewalk lies 60 m off."""
    far = {"S": (0, 60), "T": (400, 60)}
    way = [("ws w S nw", ROAD), ("es e T ne", ROAD), ("S T", PATH), ("w e", SEPARATE)]
    network = build_walk_network(draw(NODES | far, way), PROFILE)
    assert (network.report[GONE], network.report[STAYS]) == (0, 1)


def test_a_carriageway_that_ends_blind_stays() -> None:
    network = _town(("w c", SEPARATE), ("W C", PATH))
    assert (network.report[GONE], network.report[STAYS]) == (0, 1)
    assert walk(network, (0, -100), (100, 0)) == pytest.approx(200)


def test_a_crossroads_of_carriageways_goes_with_its_arms() -> None:
    """No sidewalk meets the middle; the four crossings are joined by footways round it."""
    nodes = {"m": (0, 0)}
    ways = []
    for name, (x, y) in {"n": (0, 1), "e": (1, 0), "s": (0, -1), "w": (-1, 0)}.items():
        nodes |= {name: (20 * x, 20 * y), f"{name}2": (200 * x, 200 * y)}
        ways += [(f"m {name}", SEPARATE), (f"{name} {name}2", ROAD)]
    ring = [(f"{a} {b}", PATH) for a, b in ("ne", "es", "sw", "wn")]
    network = build_walk_network(draw(nodes, [*ways, *ring]), PROFILE)
    assert (network.report[GONE], network.report[STAYS]) == (4, 0)
    broken = build_walk_network(draw(nodes, [*ways, *ring[:2]]), PROFILE)
    assert (broken.report[GONE], broken.report[STAYS]) == (0, 4)


def test_a_residents_drive_that_only_the_carriageway_meets_keeps_it() -> None:
    drive = {"highway": "service", "access": "private"}
    nodes = NODES | {"x": (200, 0), "in": (200, 100), "X": (200, 10)}
    lost = build_walk_network(draw(nodes, [*SIDES, ("w x e", SEPARATE), ("W E", PATH), ("x in", drive)]), PROFILE)
    assert lost.report[STAYS] == 2
    met = build_walk_network(draw(nodes, [*SIDES, ("w x e", SEPARATE), ("W X E", PATH), ("x X in", drive)]), PROFILE)
    assert met.report[GONE] == 2
    assert walk(met, (0, -100), (200, 100)) == pytest.approx(100 + 10 + 200 + 90)


def test_the_order_of_the_ways_changes_nothing() -> None:
    ways = [("w c d e", SEPARATE), *WHOLE]
    one, other = _town(*ways), _town(*reversed(ways))
    assert one.report == other.report
    assert sorted(one.length_m.tolist()) == sorted(other.length_m.tolist())
