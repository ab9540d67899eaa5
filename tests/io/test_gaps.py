from typing import Any

import geopandas as gpd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial.crs import metric_crs
from spatial.io.gaps import list_gaps

CRS = metric_crs(114.3, 30.6)


def _box(west: float, south: float, east: float, north: float) -> Any:
    return shapely.box(5e5 + west, 3.38e6 + south, 5e5 + east, 3.38e6 + north)


def _gaps(*shapes: Any) -> list[tuple[str, str, str]]:
    ids = [str(number) for number in range(1, len(shapes) + 1)]
    listed = list_gaps(gpd.GeoDataFrame({"community_id": ids}, geometry=list(shapes), crs=CRS))
    assert (listed["action"] == "kept").all()
    return [(row, why, detail) for row, why, detail in listed[["row", "reason", "detail"]].itertuples(index=False)]


def test_a_strip_that_opens_to_the_outside_is_a_gap_between_its_neighbours() -> None:
    assert _gaps(_box(0, 0, 300, 300), _box(330, 0, 600, 300)) == [
        ("1, 2", "gap between communities",
         "9,000 m2 at 500315, 3380150 belong to none and open to the outside"),
    ]  # fmt: skip


def test_a_strip_wider_than_a_hundred_metres_is_the_outside() -> None:
    assert _gaps(_box(0, 0, 300, 300), _box(401, 0, 700, 300)) == []


def test_an_inlet_of_one_community_is_no_gap() -> None:
    assert _gaps(_box(0, 0, 300, 300).difference(_box(100, 100, 130, 300)), _box(300, 0, 500, 300)) == []


def test_a_community_drawn_too_small_leaves_a_gap_on_the_sides_of_its_neighbours() -> None:
    row = [_box(0, 0, 300, 300), _box(330, 30, 570, 270), _box(600, 0, 900, 300), _box(0, 300, 900, 600)]
    ((where, _, detail),) = _gaps(*row)
    assert where == "1, 2, 3, 4"
    assert detail.startswith("23,400 m2"), "two flanks of 30 by 270 m, 300 by 30 m to the north; the south is outside"


def test_enclosed_land_is_a_gap_or_a_hole_and_an_island_in_it_is_not_part_of_it() -> None:
    ring = _box(0, 0, 300, 300).difference(_box(100, 100, 200, 200))
    assert [(row, why) for row, why, _ in _gaps(ring)] == [("1", "hole in a community")]
    ((row, why, detail),) = _gaps(ring, _box(120, 120, 180, 180))
    assert (row, why) == ("1, 2", "gap between communities")
    assert detail.startswith("6,400 m2")


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(1, 90), min_size=1, max_size=4), st.integers(0, 360))
def test_strips_of_any_width_and_turn_are_found_with_their_land(widths: list[float], turn: int) -> None:
    shapes, west = [_box(0, 0, 200, 200)], 200.0
    for width in widths:
        shapes.append(_box(west + width, 0, west + width + 200, 200))
        west += width + 200
    turned = [shapely.affinity.rotate(shape, turn, origin=(5e5, 3.38e6)) for shape in shapes]
    found = sorted(float(detail.split(" m2")[0].replace(",", "")) for _, _, detail in _gaps(*turned))
    assert found == pytest.approx(sorted(width * 200 for width in widths), abs=0.8)
