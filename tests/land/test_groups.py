"""The elderly and the children of an estate live where its households live, to the last one."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial.io.profiles import read_profile
from spatial.land.blocks import Land, build_blocks
from tests.drawing import box, building, draw_town, estate, point
from tests.land.laws import assert_lawful

ABOUT_500 = read_profile("about_500")
FACE = box(0, 0, 400, 200)
NAN = float("nan")
DIFFER = "counts of people differ"


def build(estates: Any, homes: Any) -> Land:
    inputs = draw_town(FACE, estates=estates, buildings=homes)
    land = build_blocks(inputs, ABOUT_500)
    assert_lawful(land, inputs, ABOUT_500)
    for group in ("elderly", "children"):
        if group in land.demand:
            assert land.blocks[group].sum() == land.demand[group].sum()
    return land


def home(name: str, x: float, households: int = 0, **columns: Any) -> dict[str, Any]:
    return building(name, box(x - 20, 92.5, x + 20, 107.5), households, **columns)


def aged(land: Land, group: str = "elderly") -> dict[str, int]:
    return dict(zip(land.demand["demand_id"], land.demand[group], strict=True))


def told(land: Land) -> list[tuple[str, str]]:
    rows = land.listed[land.listed["reason"] == DIFFER]
    return list(zip(rows["row"], rows["detail"], strict=True))


def test_people_of_an_estate_are_shared_among_its_buildings_like_households() -> None:
    """100 households in proportion 3 : 1 : 1; ten elderly as 6, 2, 2; four children as 2.4, 0.8, 0.8, so 2, 1, 1."""
    e = {**estate("e", box(10, 10, 390, 190), 100, "open"), "elderly": 10.0, "children": 4.0}
    land = build([e], [home("a", 60, 60), home("b", 160, 20), home("c", 260, 20)])
    assert aged(land) == {"b-a": 6, "b-b": 2, "b-c": 2}
    assert aged(land, "children") == {"b-a": 2, "b-b": 1, "b-c": 1}
    assert told(land) == []


@pytest.mark.parametrize("counted", [0, 40])
def test_people_of_a_register_point_go_with_its_households(counted: int) -> None:
    e = {**estate("e", point(200, 150), 80), "elderly": 30.0}
    land = build([e], [home("a", 60, counted), home("b", 160, 40)])
    assert aged(land) == {"b-a": 15, "b-b": 15}


def test_an_estate_without_buildings_keeps_its_people_on_its_point() -> None:
    assert aged(build([{**estate("e", point(200, 150), 80), "elderly": 30.0}], [])) == {"e-e": 30}


def test_people_of_a_point_that_no_building_is_nearest_to_live_in_its_street_face() -> None:
    estates = [
        {**estate("near", point(100, 120), 300), "elderly": 10.0},
        {**estate("far", point(390, 190), 500), "elderly": 20.0},
    ]
    assert aged(build(estates, [home("a", 60, 400), home("b", 140, 400)])) == {"b-a": 15, "b-b": 15}


def test_buildings_with_counts_of_their_own_hold_and_the_rest_goes_to_the_others() -> None:
    e = {**estate("e", box(10, 10, 390, 190), 90, "open"), "elderly": 30.0}
    homes = [home("a", 60, 30, elderly=12.0), home("b", 160, 30, elderly=NAN), home("c", 260, 30, elderly=NAN)]
    assert aged(build([e], homes)) == {"b-a": 12, "b-b": 9, "b-c": 9}


def test_buildings_that_all_have_counts_hold_and_the_difference_is_listed_with_both_numbers() -> None:
    e = {**estate("e", box(10, 10, 390, 190), 60, "open"), "elderly": 30.0}
    land = build([e], [home("a", 60, 30, elderly=12.0), home("b", 160, 30, elderly=0.0)])
    assert aged(land) == {"b-a": 12, "b-b": 0}
    assert told(land) == [("e", "elderly: the estate says 30, its buildings 12; the buildings' counts are used")]


def test_zeros_everywhere_are_no_counts() -> None:
    """Tables fill what nobody counted with zeros."""
    e = {**estate("e", box(10, 10, 390, 190), 60, "open"), "elderly": 30.0}
    land = build([e], [home("a", 60, 30, elderly=0.0), home("b", 160, 30, elderly=0.0)])
    assert aged(land) == {"b-a": 15, "b-b": 15}


def test_people_of_an_estate_that_nobody_lives_in_are_listed() -> None:
    land = build([{**estate("e", point(200, 150), 0), "elderly": 3.0}], [])
    assert told(land) == [("e", "elderly: the estate says 3; no household of it is placed")]


def test_people_of_a_building_without_households_are_listed() -> None:
    """The estate's count is reached without the second building."""
    homes = [home("a", 60, 30, estate_id="e", elderly=4.0), home("b", 160, 0, estate_id="e", elderly=5.0)]
    land = build([estate("e", point(100, 150), 30)], homes)
    assert aged(land) == {"b-a": 4}
    assert told(land) == [("b", "elderly: 5; no household of it is placed")]


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.tuples(st.integers(5, 395), st.integers(1, 300), st.integers(0, 60)), min_size=1, max_size=3),
    st.lists(st.integers(0, 90), max_size=4),
)
def test_whatever_register_and_buildings_say_of_households_its_people_are_all_placed(
    points: list[tuple[int, int, int]], homes: list[int]
) -> None:
    estates = [{**estate(f"e{i}", point(x, 150), n), "elderly": float(old)} for i, (x, n, old) in enumerate(points)]
    land = build(estates, [home(f"b{i}", 50 + 100 * i, n) for i, n in enumerate(homes)])
    assert land.demand["elderly"].sum() == sum(old for *_, old in points)
    assert told(land) == []
