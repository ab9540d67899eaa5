"""Nobody is counted twice and nobody vanishes, whatever a register and the buildings say of the same people."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial.inputs import Inputs
from spatial.io.profiles import read_profile
from spatial.land.blocks import Land, build_blocks
from tests.drawing import box, building, community, draw_town, estate, point, street
from tests.land.laws import assert_lawful

ABOUT_500 = read_profile("about_500")
FACE = box(0, 0, 400, 200)
TAKEN, DIFFER = "buildings taken for its own", "counts differ"


def build(inputs: Inputs) -> Land:
    land = build_blocks(inputs, ABOUT_500)
    assert_lawful(land, inputs, ABOUT_500)
    return land


def home(name: str, x: float, households: int = 0, **columns: Any) -> dict[str, Any]:
    """A building of 40 x 15 m, its middle at ``x``, 100."""
    return building(name, box(x - 20, 92.5, x + 20, 107.5), households, **columns)


def demand(land: Land) -> dict[str, tuple[str, int]]:
    return {row.demand_id: (row.estate_id, row.households) for row in land.demand.itertuples()}


def told(land: Land, reason: str) -> dict[str, tuple[float, str]]:
    rows = land.listed[land.listed["reason"] == reason]
    return {row["row"]: (row["households"], row["detail"]) for _, row in rows.iterrows()}


def test_a_register_point_and_counted_buildings_of_its_face_are_the_same_people() -> None:
    """500 in the register, 240 + 250 in the buildings: the buildings hold, the guess and the difference are listed."""
    town = draw_town(
        FACE, estates=[estate("e", point(200, 100), 500)], buildings=[home("a", 100, 240), home("b", 300, 250)]
    )
    land = build(town)
    assert demand(land) == {"b-a": ("e", 240), "b-b": ("e", 250)}
    taken, differ = told(land, TAKEN), told(land, DIFFER)
    assert taken["e"][0] == 490
    assert "2 buildings" in taken["e"][1]
    assert "490 households" in taken["e"][1]
    assert differ["e"][0] == 10
    assert "500" in differ["e"][1]
    assert "490" in differ["e"][1]


def test_what_a_register_counts_beyond_counted_buildings_goes_to_the_uncounted_ones_of_the_face() -> None:
    """500 less 200 leaves 300 for two equal buildings; the commercial one takes nobody in."""
    homes = [home("a", 60, 200), home("b", 160), home("c", 260), home("shop", 360, use="commercial")]
    land = build(draw_town(FACE, estates=[estate("e", point(200, 150), 500)], buildings=homes))
    assert demand(land) == {"b-a": ("e", 200), "b-b": ("e", 150), "b-c": ("e", 150)}
    assert land.demand.set_index("demand_id")["estimated"].to_dict() == {"b-a": False, "b-b": True, "b-c": True}
    assert told(land, TAKEN)["e"][0] == 200
    assert not told(land, DIFFER)


def test_each_building_of_a_face_goes_to_the_nearest_of_its_points() -> None:
    estates = [estate("west", point(50, 150), 300), estate("east", point(350, 150), 420)]
    homes = [home("a", 60, 140), home("b", 140, 160), home("c", 250, 200), home("d", 340, 220)]
    land = build(draw_town(FACE, estates=estates, buildings=homes))
    assert demand(land) == {"b-a": ("west", 140), "b-b": ("west", 160), "b-c": ("east", 200), "b-d": ("east", 220)}
    assert set(told(land, TAKEN)) == {"west", "east"}


def test_a_point_that_no_building_is_nearest_to_adds_nobody_where_the_face_is_full() -> None:
    """Two registers say 300 + 500, the buildings 800, all of them nearer to the first point."""
    estates = [estate("near", point(100, 120), 300), estate("far", point(390, 190), 500)]
    homes = [home("a", 60, 400), home("b", 140, 400)]
    land = build(draw_town(FACE, estates=estates, buildings=homes))
    assert land.demand["households"].sum() == 800
    assert told(land, DIFFER)["far"][0] == 500
    assert told(land, DIFFER)["near"][0] == -500


def test_a_point_that_no_building_is_nearest_to_keeps_what_the_face_does_not_count() -> None:
    estates = [estate("near", point(100, 120), 300), estate("far", point(390, 190), 500)]
    land = build(draw_town(FACE, estates=estates, buildings=[home("a", 60, 200), home("b", 140, 150)]))
    assert demand(land) == {"b-a": ("near", 200), "b-b": ("near", 150), "e-far": ("far", 450)}


def test_buildings_of_another_face_are_other_people() -> None:
    town = draw_town(
        FACE,
        ways=[street((200, -50), (200, 250))],
        estates=[estate("e", point(100, 100), 500)],
        buildings=[home("a", 60, 480), home("b", 300, 250)],
    )
    assert demand(build(town)) == {"b-a": ("e", 480), "b-b": ("", 250)}


@pytest.mark.parametrize(("x", "owner"), [(240, "e"), (120, "")])
def test_a_point_across_the_street_from_its_buildings_belongs_to_them_within_the_reach(x: float, owner: str) -> None:
    """The point's own face is empty; the first house stands 40 m from it, or 160 m."""
    town = draw_town(
        FACE,
        ways=[street((270, -50), (270, 250))],
        estates=[estate("e", point(300, 100), 500)],
        buildings=[home("a", x, 300), home("b", 60, 200)],
    )
    found = demand(build(town))
    assert found["b-a"] == (owner, 300)
    assert found["b-b"] == (owner, 200)
    assert ("e-e" in found) == (owner == "")


def test_a_building_that_names_its_estate_is_not_taken_for_another() -> None:
    estates = [estate("e", point(100, 100), 300), estate("other", point(110, 150), 400)]
    homes = [home("a", 60, 300, estate_id="e"), home("b", 300, 380)]
    land = build(draw_town(FACE, estates=estates, buildings=homes))
    assert demand(land) == {"b-a": ("e", 300), "b-b": ("other", 380)}


def test_a_full_estate_leaves_nobody_for_its_other_buildings() -> None:
    homes = [home("a", 60, 300, estate_id="e"), home("b", 160, estate_id="e")]
    land = build(draw_town(FACE, estates=[estate("e", point(100, 100), 300)], buildings=homes))
    assert demand(land) == {"b-a": ("e", 300)}
    assert told(land, "its count leaves none for some buildings") == {"e": (0, "1 buildings of it have no count")}


def test_an_estate_without_a_count_leaves_its_buildings_to_be_estimated() -> None:
    land = build(draw_town(FACE, estates=[estate("e", point(100, 100), 0)], buildings=[home("a", 60)]))
    assert demand(land) == {"b-a": ("", 40)}


counts = st.integers(0, 300)


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.tuples(st.integers(5, 795), st.integers(1, 900)), max_size=4, unique_by=lambda t: t[0]),
    st.lists(counts, max_size=8),
)
def test_a_face_never_holds_more_than_the_larger_of_register_and_buildings(
    points: list[tuple[int, int]], homes: list[int]
) -> None:
    estates = [estate(f"e{i}", point(x, 150), count) for i, (x, count) in enumerate(points)]
    buildings = [home(f"b{i}", 50 + 100 * i, count) for i, count in enumerate(homes)]
    land = build_blocks(draw_town(box(0, 0, 800, 200), estates=estates, buildings=buildings), ABOUT_500)
    said, counted = sum(count for _, count in points), sum(homes)
    placed = land.demand["households"].sum()
    if points:
        assert counted <= placed <= max(said, counted)
    lost = land.listed.loc[land.listed["reason"].isin([TAKEN, DIFFER]), "households"].sum()
    guessed = land.listed.loc[land.listed["reason"] == "households estimated", "households"].sum()
    assert placed == said + counted - lost + guessed


def test_a_community_far_from_its_total_is_listed_with_both_numbers() -> None:
    areas = [community("c1", box(0, 0, 200, 200), 450.0), community("c2", box(200, 0, 400, 200), 500.0)]
    land = build(draw_town(areas, buildings=[home("a", 100, 500), home("b", 300, 449)]))
    assert told(land, "counts differ from its total") == {}
    row = told(land, "differs from the community's total")
    assert set(row) == {"c1", "c2"}
    assert row["c1"][0] == -50
    assert "450" in row["c1"][1]
    assert "500" in row["c1"][1]
    assert land.report["community_totals"] == [
        {"community_id": "c1", "known": 450, "placed": 500},
        {"community_id": "c2", "known": 500, "placed": 449},
    ]


def test_a_community_near_its_total_is_listed_as_a_small_difference() -> None:
    land = build(draw_town([community("c1", FACE, 500.0)], buildings=[home("a", 100, 450)]))
    assert told(land, "counts differ from its total")["c1"][0] == 50
    assert not told(land, "differs from the community's total")
