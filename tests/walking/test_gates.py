"""Who passes a gate: everybody, residents, nobody."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial.io.profiles import read_profile
from spatial.walking.exchange import street_corners
from spatial.walking.network import build_walk_network
from spatial.walking.snapping import INSIDE, OWN_GATE, SHUT_IN, snap
from spatial.walking.travel import travel_times
from tests.walking.streets import draw, estates, gates, homes, sites
from tests.walking.test_travel import walk

PROFILE = read_profile()
ROAD, DRIVE, YARD = {"highway": "residential"}, {"highway": "service"}, {"highway": "service", "access": "private"}

# A street round an estate of 200 m x 200 m; a driveway leads through it from the west gate to the east gate.
NODES = {
    "sw": (-20, -20), "se": (220, -20), "ne": (220, 220), "nw": (-20, 220),
    "w": (-20, 100), "e": (220, 100), "wg": (0, 100), "eg": (200, 100), "mid": (100, 100), "yard": (100, 150),
}  # fmt: skip
STREET = [("w sw se e ne nw w", ROAD)]
OUTLINE = [(0, 0), (200, 0), (200, 200), (0, 200)]
WEST, EAST, HOME = (-20, 100), (220, 100), (100, 150)
ROUND = 120 + 240 + 120


def test_a_private_driveway_lets_residents_out_both_ways_and_nobody_through() -> None:
    town = draw(NODES, [*STREET, ("w wg mid eg e", YARD), ("mid yard", YARD)])
    network = build_walk_network(town, PROFILE)
    assert walk(network, WEST, HOME) == pytest.approx(170)
    assert walk(network, EAST, HOME) == pytest.approx(170)
    assert walk(network, WEST, EAST) == pytest.approx(ROUND)


def test_residents_gates_close_the_ways_behind_them() -> None:
    """The driveway itself carries no access tag, as on most maps of China; its two gates do."""
    guard = {"barrier": "gate", "access": "private"}
    town = draw(NODES, [*STREET, ("w wg mid eg e", DRIVE), ("mid yard", DRIVE)], {"wg": guard, "eg": guard})
    network = build_walk_network(town, PROFILE)
    assert walk(network, WEST, HOME) == pytest.approx(170)
    assert walk(network, EAST, HOME) == pytest.approx(170)
    assert walk(network, WEST, EAST) == pytest.approx(ROUND)
    assert network.report["pieces that only residents reach"] == 3


@pytest.mark.parametrize(
    ("tags", "through"),
    [
        ({"barrier": "gate"}, 240),
        ({"barrier": "lift_gate"}, 240),
        ({"barrier": "bollard"}, 240),
        ({"barrier": "gate", "access": "private", "foot": "yes"}, 240),
        ({"barrier": "gate", "access": "yes", "foot": "no"}, ROUND),
        ({"barrier": "gate", "access": "no"}, ROUND),
        ({"barrier": "gate", "locked": "yes"}, ROUND),
        ({"barrier": "wall"}, ROUND),
    ],
)
def test_a_gate_passes_walkers_unless_foot_or_access_says_no(tags: dict[str, str], through: float) -> None:
    town = draw(NODES, [*STREET, ("w wg mid eg e", DRIVE)], {"wg": tags})
    assert walk(build_walk_network(town, PROFILE), WEST, EAST) == pytest.approx(through)


def test_a_closed_gate_of_the_table_lengthens_the_walk() -> None:
    town = draw(NODES, [*STREET, ("w wg mid eg e", DRIVE), ("mid yard", DRIVE)])
    outline = estates(garden=OUTLINE)
    both = gates(west=((0, 100), "garden", "private"), east=((200, 100), "garden", "private"))
    one = gates(west=((0, 100), "garden", "closed"), east=((200, 100), "garden", "private"))
    network = build_walk_network(town, PROFILE, gates=both, estates=outline)
    assert walk(network, WEST, HOME) == pytest.approx(170)
    network = build_walk_network(town, PROFILE, gates=one, estates=outline)
    assert walk(network, WEST, HOME) == pytest.approx(170 + ROUND)
    assert walk(network, EAST, HOME) == pytest.approx(170)


def test_a_gate_of_the_table_stands_between_vertices_too() -> None:
    town = draw(NODES, [*STREET, ("w mid e", DRIVE), ("mid yard", DRIVE)])
    closed = gates(west=((1, 102), "garden", "closed"))
    network = build_walk_network(town, PROFILE, gates=closed, estates=estates(garden=OUTLINE))
    assert network.report["gates on a way"] == 1
    assert walk(network, WEST, HOME) == pytest.approx(170 + ROUND)


def test_inside_a_gated_estate_ways_are_for_residents_even_without_gates() -> None:
    town = draw(NODES, [*STREET, ("w wg mid eg e", DRIVE), ("mid yard", DRIVE)])
    assert walk(build_walk_network(town, PROFILE), WEST, EAST) == pytest.approx(240)
    network = build_walk_network(town, PROFILE, estates=estates(garden=OUTLINE))
    assert walk(network, WEST, EAST) == pytest.approx(ROUND)
    assert walk(network, WEST, HOME) == pytest.approx(170)


def test_a_street_through_an_estate_stays_a_street() -> None:
    town = draw(NODES, [*STREET, ("w wg mid eg e", {"highway": "tertiary"})])
    network = build_walk_network(town, PROFILE, estates=estates(garden=OUTLINE))
    assert walk(network, WEST, EAST) == pytest.approx(240)


def test_with_gates_closed_a_site_behind_them_serves_its_own_people_only() -> None:
    town = draw(NODES, [*STREET, ("w wg mid eg e", YARD), ("mid yard", YARD)])
    network = build_walk_network(town, PROFILE)
    assert walk(network, HOME, WEST, gates="open") == pytest.approx(170)
    assert walk(network, HOME, WEST, gates="closed") == math.inf
    assert walk(network, HOME, (100, 120), gates="closed") == pytest.approx(30)
    assert walk(network, WEST, HOME, gates="closed") == pytest.approx(170)


def test_people_of_an_estate_without_paths_start_from_their_own_gates() -> None:
    """The flat stands 30 m from the north street, but the wall has one gate, in the south."""
    town = draw(NODES, STREET)
    south = gates(south=((100, 0), "garden", "private"))
    network = build_walk_network(town, PROFILE, gates=south, estates=estates(garden=OUTLINE))
    assert network.report["gates joined by a synthetic piece"] == 1
    assert network.synthetic.sum() == 1
    found = snap(network, homes(h=(100, 190)))
    assert found.how.tolist() == [OWN_GATE]
    assert walk(network, (100, 220), (100, 190)) == pytest.approx(190 + 20 + 2 * 120 + 240)
    assert walk(network, (100, -20), (100, 190)) == pytest.approx(210)


def test_of_several_own_gates_each_walk_takes_the_best() -> None:
    two = gates(south=((100, 0), "garden", "private"), north=((100, 200), "garden", "open"))
    network = build_walk_network(draw(NODES, STREET), PROFILE, gates=two, estates=estates(garden=OUTLINE))
    assert walk(network, (100, 220), (100, 150)) == pytest.approx(70)
    assert walk(network, (100, -20), (100, 150)) == pytest.approx(170)


def test_within_an_estate_without_paths_people_walk_straight() -> None:
    south = gates(south=((100, 0), "garden", "private"))
    network = build_walk_network(draw(NODES, STREET), PROFILE, gates=south, estates=estates(garden=OUTLINE))
    for allowed in ("open", "closed"):
        assert walk(network, (100, 150), (140, 180), gates=allowed) == pytest.approx(50)
    assert walk(network, (100, 150), (140, 180), limit=49.0, mode="distance") == math.inf
    assert walk(network, (100, 150), (100, -20), gates="closed") == math.inf


def test_gates_are_counted_by_who_passes_and_hours_are_said_not_to_be_applied() -> None:
    table = gates(a=(WEST, "", "open"), b=(EAST, "", "private"), c=(HOME, "", "closed"), d=(HOME, "", "sometimes"))
    table["hours"] = ["24/7", "06:00-22:00", "06:00-22:00", ""]
    report = build_walk_network(draw(NODES, STREET), PROFILE, gates=table).report
    names = ("gates open", "gates private", "gates closed", "gates with hours, not applied")
    assert [report[name] for name in names] == [2, 1, 1, 1]


def test_gates_of_unknown_access_are_counted_and_pass() -> None:
    town = draw(NODES, [*STREET, ("w wg mid eg e", DRIVE)])
    odd = gates(west=((0, 100), "", "sometimes"))
    network = build_walk_network(town, PROFILE, gates=odd)
    assert network.report["gates of unknown access, taken as open"] == 1
    assert walk(network, WEST, EAST) == pytest.approx(240)


def test_a_home_outside_does_not_enter_over_the_wall() -> None:
    """The path inside runs 3 m behind the wall; the home stands 2 m before it."""
    nodes = {**NODES, "p": (3, 20), "q": (3, 180)}
    town = draw(nodes, [*STREET, ("w wg mid", DRIVE), ("p q", DRIVE)])
    network = build_walk_network(town, PROFILE, estates=estates(garden=OUTLINE))
    assert walk(network, (-20, 100), (-2, 50)) == pytest.approx(18 + 50)


def test_a_gate_at_a_junction_without_an_outline_closes_no_street() -> None:
    town = draw(NODES, [*STREET, ("w wg mid", DRIVE)])
    stray = gates(g=((-20, 99), "", "closed"))
    network = build_walk_network(town, PROFILE, gates=stray)
    assert walk(network, (-20, 220), (-20, -20)) == pytest.approx(240)


def test_a_wall_drawn_through_a_path_stops_it_unless_there_is_a_way_through() -> None:
    nodes = {"a": (0, 0), "x": (50, 0), "b": (100, 0), "s": (50, -50), "n": (50, 50), "far": (50, 300)}
    ways = [("a x b", ROAD), ("s x n", {"barrier": "wall"}), ("a far b", ROAD)]
    round_about = 2 * math.hypot(50, 300)
    assert walk(build_walk_network(draw(nodes, ways), PROFILE), (0, 0), (100, 0)) == pytest.approx(round_about)
    opened = draw(nodes, ways, {"x": {"barrier": "gate"}})
    assert walk(build_walk_network(opened, PROFILE), (0, 0), (100, 0)) == pytest.approx(100)
    ends_there = [("a x b", ROAD), ("s x", {"barrier": "wall"}), ("a far b", ROAD)]
    assert walk(build_walk_network(draw(nodes, ends_there), PROFILE), (0, 0), (100, 0)) == pytest.approx(100)


@pytest.mark.parametrize("paths", [[("w wg mid eg e", DRIVE), ("mid yard", DRIVE)], []])
def test_with_every_gate_closed_nobody_leaves_an_estate_or_enters_it(paths: list[tuple[str, dict[str, str]]]) -> None:
    shut = gates(west=((0, 100), "garden", "closed"), east=((200, 100), "garden", "closed"))
    network = build_walk_network(draw(NODES, [*STREET, *paths]), PROFILE, gates=shut, estates=estates(garden=OUTLINE))
    assert set(snap(network, homes(h=HOME)).how) == {SHUT_IN}
    assert walk(network, WEST, HOME) == math.inf
    assert walk(network, HOME, WEST) == math.inf
    assert walk(network, (100, 100), HOME) == pytest.approx(50)
    assert walk(network, WEST, EAST) == pytest.approx(ROUND)


def test_no_centre_is_proposed_behind_closed_gates() -> None:
    town = draw(NODES, [*STREET, ("w wg mid eg", DRIVE), ("mid yard", DRIVE)])
    for access, corners in (("open", ["corner-5", "corner-9"]), ("closed", ["corner-5"])):
        network = build_walk_network(town, PROFILE, gates=gates(west=((0, 100), "", access)))
        assert street_corners(network)["corner_id"].tolist() == corners


def test_a_closed_gate_of_the_map_shuts_an_estate_too() -> None:
    town = draw(NODES, [*STREET, ("w wg mid", DRIVE), ("mid yard", DRIVE)], {"wg": {"barrier": "gate", "access": "no"}})
    assert walk(build_walk_network(town, PROFILE, estates=estates(garden=OUTLINE)), WEST, HOME) == math.inf


@pytest.mark.parametrize(("access", "walked"), [("yes", 20 + math.hypot(100, 50)), ("no", math.inf)])
def test_people_of_an_estate_without_paths_use_the_gates_of_the_map(access: str, walked: float) -> None:
    """One gate ends a way from the street, one stands in a wall that no way meets; the table knows neither."""
    guard = {"barrier": "lift_gate", "access": access}
    outline = estates(garden=OUTLINE)
    for gate, ways in ({"wg": guard}, [("w wg", DRIVE)]), ({"wg": guard}, [("wg yard", {"barrier": "wall"})]):
        network = build_walk_network(draw(NODES, [*STREET, *ways], gate), PROFILE, estates=outline)
        assert network.report["gates taken from the map"] == 1
        assert walk(network, WEST, HOME) == pytest.approx(walked)
        assert set(snap(network, homes(h=HOME)).how) == {OWN_GATE if access == "yes" else SHUT_IN}
        table = gates(east=((200, 100), "garden", "open"))
        network = build_walk_network(draw(NODES, [*STREET, *ways], gate), PROFILE, gates=table, estates=outline)
        assert network.report["gates taken from the map"] == 0


def test_behind_a_closed_gate_of_the_map_without_an_estate_the_map_is_taken_to_lack_ways() -> None:
    town = draw(NODES, [*STREET, ("w wg mid", DRIVE), ("mid yard", DRIVE)], {"wg": {"barrier": "gate", "access": "no"}})
    assert walk(build_walk_network(town, PROFILE), WEST, (10, 120)) == pytest.approx(20 + math.hypot(10, 20))


def test_a_gate_on_no_way_leads_to_the_paths_of_its_estate() -> None:
    """The path inside ends 40 m before the south gate; the only other gate is closed."""
    nodes = {**NODES, "low": (100, 40)}
    town = draw(nodes, [*STREET, ("w wg mid", DRIVE), ("yard mid low", DRIVE)])
    two = gates(south=((100, 0), "garden", "private"), west=((0, 100), "garden", "closed"))
    network = build_walk_network(town, PROFILE, gates=two, estates=estates(garden=OUTLINE))
    assert snap(network, homes(h=HOME)).how.tolist() == [INSIDE]
    assert walk(network, (100, -20), HOME) == pytest.approx(150 + 20)


def test_a_home_outside_does_not_start_on_the_way_to_a_gate() -> None:
    """The gate hangs 20 m from the street by a synthetic piece; the home stands beside that piece."""
    south = gates(south=((100, 0), "garden", "open"))
    network = build_walk_network(draw(NODES, STREET), PROFILE, gates=south, estates=estates(garden=OUTLINE))
    found = snap(network, homes(h=(101, -10)))
    assert (found.access_m.tolist(), network.synthetic[found.edge].tolist()) == ([10], [False])


# Gates on the drive, beside it, before the wall, and on no way at all, of two estates; one has no paths.
SPOTS = {
    "w": ((0, 100), "garden"), "e": ((200, 100), "garden"), "s": ((60, 0), "garden"), "n": ((140, 199), "garden"),
    "before": ((-10, 50), "garden"), "a": ((300, 0), "court"), "b": ((400, 60), "court"), "c": ((300, -20), "court"),
}  # fmt: skip
ACCESS = st.sampled_from(["open", "private", "closed"])


@settings(max_examples=40, deadline=None)
@given(access=st.tuples(*[ACCESS] * len(SPOTS)), shut=st.sets(st.sampled_from(sorted(SPOTS))))
def test_closing_gates_shortens_no_walk_and_lets_nobody_in(access: tuple[str, ...], shut: set[str]) -> None:
    nodes = {**NODES, "far": (420, -20), "end": (420, 220), "p": (-20, 50), "q": (30, 50), "r": (30, 80)}
    ways = ["w p sw se e ne nw w", "se far end ne", "w wg mid eg e", "mid yard", "p q r"]
    town = draw(nodes, [(way, DRIVE if i > 1 else ROAD) for i, way in enumerate(ways)])
    outlines = estates(garden=OUTLINE, court=[(260, 0), (400, 0), (400, 200), (260, 200)])
    spots = sites(west=WEST, far=(420, 100), south=(100, -20), hall=(100, 120), club=(350, 150))
    flats = homes(h=HOME, low=(40, 60), high=(150, 190), c1=(300, 100), c2=(390, 10), stub=(-8, 52), street=(230, 60))
    before = dict(zip(SPOTS, access, strict=True))
    times = []
    for state in (before, before | dict.fromkeys(shut, "closed")):
        table = gates(**{name: (*SPOTS[name], state[name]) for name in SPOTS})
        network = build_walk_network(town, PROFILE, gates=table, estates=outlines)
        found = travel_times(network, spots, flats, limit=math.inf)
        times.append(found.set_index(["origin_id", "destination_id"])["walk_s"])
    assert set(times[1].index) <= set(times[0].index)
    assert (times[1] - times[0].reindex(times[1].index)).min() > -1e-6
