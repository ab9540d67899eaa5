"""Laws that hold for any town: random streets, estates and buildings, drawn by hypothesis."""

from typing import Any

import numpy as np
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spatial.inputs import Inputs
from spatial.io.profiles import read_profile
from spatial.land.blocks import build_blocks
from spatial.land.splits import bisect, split_between
from tests.drawing import box, building, community, draw_town, estate, point, polygon, way
from tests.land.laws import assert_lawful, assert_uncut, describe

PROFILES = [read_profile("about_500"), read_profile("band_300_500"), read_profile("hefei")]
SIZE_M = 800.0
SETTINGS = settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))

place = st.integers(0, 800)
kinds = st.sampled_from(["primary", "residential", "service", "footway", "rail", "river", "wall"])


def _line(kind: str, *xy: tuple[float, float]) -> dict[str, Any]:
    tag = {"rail": "railway", "river": "waterway", "wall": "barrier"}.get(kind, "highway")
    return way(*xy, **{tag: kind})


@st.composite
def streets(draw: Any) -> list[dict[str, Any]]:
    """Streets through and dead ends, straight and slanted, some a few metres apart."""
    across = st.tuples(kinds, place, place)
    dead = st.tuples(kinds, place, place, place, place)
    out = [_line(k, (a, -50), (b, 850)) for k, a, b in draw(st.lists(across, max_size=5))]
    out += [_line(k, (-50, a), (850, b)) for k, a, b in draw(st.lists(across, max_size=5))]
    return out + [_line(k, (a, b), (c + 0.5, d)) for k, a, b, c, d in draw(st.lists(dead, max_size=4))]


@st.composite
def towns(draw: Any) -> Inputs:
    households = st.integers(1, 3_000)
    points = [
        estate(f"p{i}", point(x, y), count)
        for i, (x, y, count) in enumerate(draw(st.lists(st.tuples(place, place, households), max_size=6)))
    ]
    rectangle = st.tuples(st.integers(-50, 750), st.integers(-50, 750), st.integers(20, 400), st.integers(20, 300))
    access = st.sampled_from(["gated", "open", "unknown"])
    outlines = [
        estate(f"o{i}", box(x, y, x + w, y + h), count, kind)
        for i, ((x, y, w, h), count, kind) in enumerate(
            draw(st.lists(st.tuples(rectangle, households, access), max_size=3))
        )
    ]
    small = st.tuples(place, place, st.integers(8, 60), st.integers(8, 20), st.integers(0, 200))
    homes = [
        building(f"b{i}", box(x, y, x + w, y + h), count)
        for i, (x, y, w, h, count) in enumerate(draw(st.lists(small, max_size=12)))
    ]
    outline = polygon((0, 0), (790, 10), (800, 800), (draw(st.integers(0, 700)), 810), (5, 600))
    half = draw(st.integers(100, 700))
    halves = [("c1", box(-10, -10, half, 900)), ("c2", box(half, -10, 900, 900))]
    rows = [community(name, shapely.intersection(outline, part)) for name, part in halves]
    return draw_town(rows, ways=draw(streets()), estates=points + outlines, buildings=homes)


@SETTINGS
@given(towns(), st.sampled_from(PROFILES))
def test_any_town_keeps_the_laws(town: Inputs, profile: Any) -> None:
    land = build_blocks(town, profile)
    assert_lawful(land, town, profile)
    outside = land.listed.loc[land.listed["reason"] == "outside the area", "households"].sum()
    twice = land.listed["reason"].isin(["counts differ", "buildings taken for its own"])
    differs = land.listed.loc[twice, "households"].sum()
    guessed = land.listed.loc[land.listed["reason"] == "households estimated", "households"].sum()
    owned = _owned_by_outlines(town)
    given_ = town.estates["households"].sum() + town.buildings.loc[~owned, "households"].sum()
    assert land.demand["households"].sum() == given_ - differs - outside + guessed


def _owned_by_outlines(town: Inputs) -> Any:
    outlines = shapely.union_all(town.estates.geometry[town.estates.geometry.geom_type == "Polygon"].to_numpy())
    return shapely.intersects(outlines, shapely.point_on_surface(town.buildings.geometry.to_numpy()))


@SETTINGS
@given(towns(), st.integers(0, 2**32 - 1))
def test_order_of_rows_direction_and_splitting_of_ways_change_nothing(town: Inputs, seed: int) -> None:
    expected = describe(build_blocks(town, PROFILES[0]))
    assert describe(build_blocks(_shuffle(town, np.random.default_rng(seed)), PROFILES[0])) == expected


def _shuffle(town: Inputs, rng: np.random.Generator) -> Inputs:
    """The same town with its rows in another order, ways reversed, and ways split at a vertex."""
    from dataclasses import replace

    ways = town.streets.ways
    rows = []
    for row in ways.to_dict("records"):
        xy = shapely.get_coordinates(row["geometry"])
        at = int(rng.integers(1, len(xy) - 1)) if len(xy) > 2 else len(xy) - 1
        pieces = [xy[: at + 1], xy[at:]] if at < len(xy) - 1 else [xy]
        rows += [{**row, "geometry": shapely.LineString(piece[:: rng.choice([-1, 1])])} for piece in pieces]
    if rows:
        order = rng.permutation(len(rows))
        split = ways.iloc[np.zeros(len(rows), dtype=int)].reset_index(drop=True).copy()
        for column in ways.columns:
            if column not in ("geometry", "nodes"):
                split[column] = [rows[i][column] for i in order]
        ways = split.set_geometry([rows[i]["geometry"] for i in order], crs=town.crs)

    def mix(frame: Any) -> Any:
        return frame.iloc[rng.permutation(len(frame))]

    return replace(
        town,
        streets=replace(town.streets, ways=ways),
        estates=mix(town.estates),
        buildings=mix(town.buildings),
        communities=mix(town.communities),
    )


@SETTINGS
@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(1, 300)),
        min_size=2,
        max_size=25,
        unique_by=lambda t: t[:2],
    )
)
def test_a_cut_between_buildings_never_runs_through_one_and_loses_no_land(homes: list[tuple[int, int, int]]) -> None:
    """Buildings of 30 x 15 m on a lattice of 35 x 15 m: neighbours to the north and south touch."""
    shapes = np.array([box(35 * x, 15 * y, 35 * x + 30, 15 * y + 15) for x, y, _ in homes])
    households = np.array([count for *_, count in homes])
    heap = bisect(shapely.get_coordinates(shapely.centroid(shapes)), households, 400)
    totals = np.bincount(heap, weights=households)
    alone = np.bincount(heap) == 1
    assert (households.sum() <= 400) == (len(totals) == 1)
    assert ((totals <= 200) | alone).all() or len(totals) == 1
    land = box(-40, -40, 400, 220)
    parts = split_between(land, shapes, heap, spacing_m=2.0)
    polygons = np.array([part for _, part in parts])
    label = np.array([label for label, _ in parts])
    assert abs(shapely.area(polygons).sum() - land.area) < 0.1
    assert shapely.coverage_is_valid(polygons)
    for i, shape in enumerate(shapes):
        mine = shapely.union_all(polygons[label == heap[i]])
        assert shapely.area(shapely.difference(shape, mine)) < 0.1


@SETTINGS
@given(st.integers(0, 2**32 - 1))
def test_an_oversize_face_of_random_buildings_is_cut_without_cutting_a_building(seed: int) -> None:
    rng = np.random.default_rng(seed)
    xy = np.stack(np.meshgrid(np.arange(6), np.arange(6)), axis=-1).reshape(-1, 2) * 60 + rng.uniform(5, 25, (36, 2))
    homes = [building(f"b{i:02d}", box(x, y, x + 30, y + 14), int(rng.integers(0, 120))) for i, (x, y) in enumerate(xy)]
    town = draw_town(box(0, 0, 400, 400), ways=[way((0, 187), (400, 191), highway="service")], buildings=homes)
    land = build_blocks(town, PROFILES[0])
    assert_lawful(land, town, PROFILES[0])
    assert_uncut(land, town.buildings.geometry.to_numpy())
    assert not land.blocks["oversize"].any()
