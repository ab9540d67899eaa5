"""OpenStreetMap extracts are read whole, whatever is broken in them."""

import bz2
import gzip
import random
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import CRS

from spatial.crs import metric_crs, to_lonlat
from spatial.errors import CrsError, InputError
from spatial.io import osm_file
from spatial.io.osm import read_osm
from spatial.io.osm_elements import VERSIONS
from spatial.tables import AREA_TAGS, POINT_TAGS, WAY_TAGS, Streets
from tests.io.osm_town import BOUNDS, GRID, HEADER, SOUTH, STEP, WEST, at, convert, node, only, way, write_town
from tests.io.osm_town import ELEMENTS as TOWN
from tests.real_data import real


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Streets:
    return read_osm(write_town(tmp_path_factory.mktemp("town")))


def same(a: Streets, b: Streets) -> None:
    """The two maps hold the same, to the last bit."""
    for name in ("ways", "points", "areas"):
        one, two = getattr(a, name), getattr(b, name)
        assert list(one.columns) == list(two.columns)
        plain = [c for c in one.columns if c not in ("nodes", "geometry")]
        pd.testing.assert_frame_equal(pd.DataFrame(one[plain]), pd.DataFrame(two[plain]))
        assert shapely.to_wkb(one.geometry.to_numpy()).tolist() == shapely.to_wkb(two.geometry.to_numpy()).tolist()
    assert all(np.array_equal(x, y) for x, y in zip(a.ways["nodes"], b.ways["nodes"], strict=True))
    assert dict(a.dropped) == dict(b.dropped)
    assert shapely.to_wkb(a.outline) == shapely.to_wkb(b.outline)


def keeps_contract(streets: Streets) -> None:
    ways, points, areas = streets.ways, streets.points, streets.areas
    assert set(WAY_TAGS) <= set(ways.columns)
    assert set(POINT_TAGS) <= set(points.columns)
    assert set(AREA_TAGS) <= set(areas.columns)
    assert not ways[WAY_TAGS].isna().any().any()
    assert ways["way_id"].is_unique
    assert points["node_id"].is_unique
    assert areas["area_id"].is_unique
    assert ways["way_id"].dtype == points["node_id"].dtype == np.int64
    assert all(nodes.dtype == np.int64 for nodes in ways["nodes"])
    assert (ways["nodes"].map(len).to_numpy() == shapely.get_num_coordinates(ways.geometry.to_numpy())).all()
    assert set(ways.geom_type) <= {"LineString"}
    assert set(areas.geom_type) <= {"Polygon", "MultiPolygon"}
    assert areas.geometry.is_valid.all()
    assert (ways.length > 0).all()
    assert (areas.area > 0).all()
    assert ways.crs == points.crs == areas.crs == streets.crs
    flat = pd.DataFrame(shapely.get_coordinates(ways.geometry.to_numpy()), columns=["x", "y"])
    places = flat.groupby(np.concatenate([[0], *ways["nodes"].tolist()])[1:])
    assert (places.max() == places.min()).all().all()  # one node, one place


def test_the_broken_town_is_counted_to_the_last_element(town: Streets) -> None:
    keeps_contract(town)
    assert dict(town.dropped) == {
        "area cut where it leaves the map": 1,  # relation 32
        "area outline that crossed itself: repaired": 1,  # way 13
        "area outline that is not closed": 1,  # way 12
        "area outline with fewer than three corners": 1,  # way 11
        "area outline with missing nodes": 1,  # way 14
        "multipolygon without a closed outline": 2,  # relations 33, 34
        "node without usable coordinates": 1,  # node 205
        "shore of unclosed water kept as a line": 1,  # way 21, by relation 34
        "tagged node outside the map": 1,  # node 204
        "tagged node without a place on the map": 1,  # node 205
        "way broken where its nodes are missing": 1,  # way 3
        "way cut where it leaves the map": 1,  # way 15
        "way node repeated in a row": 1,  # way 2
        "way node without a place on the map": 4,  # ways 3, 4 and twice 5
        "way of no length": 1,  # way 6
        "way outside the map": 1,  # way 24
        "way with fewer than two located nodes": 3,  # ways 4, 5, 23
    }


def test_the_broken_town_keeps_these_ways(town: Streets) -> None:
    ways = town.ways.set_index("way_id")
    assert sorted(ways.index) == [-1, 1, 2, 3, 7, 8, 10, 15, 21]
    assert ways.loc[1, "nodes"].tolist() == [at(0, 0), at(0, 1), at(0, 2), 201, at(0, 3), at(0, 4)]
    assert ways.loc[2, "nodes"].tolist() == [at(0, 2), at(1, 2), at(2, 2)]
    assert ways.loc[3, "nodes"].tolist() == [at(1, 0), at(1, 1)]
    assert ways.loc[-1, "nodes"].tolist() == [at(1, 3), at(1, 4)]  # the second run of way 3
    assert ways.loc[-1, "highway"] == "service"
    assert ways.loc[7, "barrier"] == ways.loc[8, "barrier"] == "wall"
    assert ways.loc[1, "name"] == "一号路"
    assert ways.loc[21, ["waterway", "natural", "name"]].tolist() == ["riverbank", "tree_row", "湖"]


def test_a_river_ends_where_it_leaves_the_surroundings_of_the_map(town: Streets) -> None:
    river = town.ways.set_index("way_id").loc[15]
    assert river["nodes"].tolist() == [-1, 302, 303, -2]
    west, _, east, _ = town.outline.bounds
    assert river["geometry"].bounds[0] == pytest.approx(west - 1000)
    assert river["geometry"].bounds[2] == pytest.approx(east + 1000)
    water = town.areas.set_index("area_id").loc["relation/32"]
    assert water["natural"] == "water"
    assert water["geometry"].bounds[0] == pytest.approx(west - 1000)
    # 0.0008 degrees of latitude; the northern shore is one chord of 20 km, 4 m north of its parallel.
    assert water["geometry"].area == pytest.approx((east - west + 2000) * (0.0008 * 110_900 + 4.2), rel=0.01)


def test_the_broken_town_keeps_these_areas(town: Streets) -> None:
    areas = town.areas.set_index("area_id")
    assert areas.index.tolist() == ["way/8", "way/9", "way/13", "way/25", "relation/31", "relation/32"]
    assert areas.loc["way/8", ["landuse", "barrier"]].tolist() == ["residential", "wall"]
    assert areas.loc["way/9", ["highway", "area"]].tolist() == ["pedestrian", "yes"]
    yard = areas.loc["relation/31"]
    assert yard[["building", "building:levels"]].tolist() == ["apartments", "6"]
    assert len(yard["geometry"].interiors) == 1
    # 0.0008 degrees of latitude are 88.7 m, of longitude 76.6 m; the yard is half as long and as wide.
    assert yard["geometry"].area == pytest.approx(88.7 * 76.6 * 3 / 4, rel=0.01)
    assert areas.loc["way/13", "geometry"].geom_type == "MultiPolygon"  # two triangles


def test_the_broken_town_keeps_these_points(town: Streets) -> None:
    points = town.points.set_index("node_id")
    assert points.index.tolist() == [201, 203]
    assert points.loc[201, ["barrier", "access", "name"]].tolist() == ["gate", "private", ""]
    assert points.loc[203, "name"] == "小卖部"


def test_the_map_lies_in_the_zone_of_its_middle_and_covers_its_bounds(town: Streets) -> None:
    assert town.crs == metric_crs(114.303, 30.603)
    west, south, east, north = to_lonlat(town.outline, town.crs).bounds
    assert (west, south, east, north) == pytest.approx((114.3, 30.6, 114.306, 30.606), abs=1e-6)
    assert town.source == "town.osm"


@pytest.mark.parametrize("suffix", [".osm.pbf", ".osm.gz", ".osm.bz2"])
def test_the_same_town_reads_the_same_from_every_format(town: Streets, tmp_path: Path, suffix: str) -> None:
    plain = write_town(tmp_path)
    other = convert(plain, suffix)
    if suffix != ".osm.pbf":  # libosmium writes no packed bounds and a latitude of 95 only as text
        text = plain.read_bytes()
        other.write_bytes(gzip.compress(text) if suffix == ".osm.gz" else bz2.compress(text))
    same(town, read_osm(other))


@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_the_elements_changes_nothing(town: Streets, tmp_path: Path, seed: int) -> None:
    same(town, read_osm(write_town(tmp_path, order=random.Random(seed))))


def test_a_clip_keeps_what_touches_it_and_counts_the_rest(tmp_path: Path) -> None:
    clip = shapely.box(WEST + 0.0005, SOUTH + 0.0005, WEST + 0.0025, SOUTH + 0.0025)
    clipped = read_osm(write_town(tmp_path), clip=clip)
    keeps_contract(clipped)
    assert sorted(clipped.ways["way_id"]) == [2, 3]  # way 21 runs along the western edge of the map, outside
    assert clipped.areas["area_id"].tolist() == ["way/25", "relation/31"]
    assert clipped.points.empty
    assert to_lonlat(clipped.outline, clipped.crs).bounds == pytest.approx(clip.bounds, abs=1e-6)
    assert clipped.dropped["area outside the map"] == 4


def test_a_map_without_bounds_covers_the_hull_of_its_ways(tmp_path: Path) -> None:
    path = tmp_path / "open.osm"
    ways = [way(1, [at(0, 0), at(0, 6)], highway="path"), way(2, [at(6, 0), at(6, 6)], highway="path")]
    path.write_text(HEADER + "".join([*GRID, *ways]) + "</osm>", encoding="utf-8")
    streets = read_osm(path)
    assert streets.outline.area == pytest.approx(streets.ways.union_all().convex_hull.area)
    assert dict(streets.dropped) == {}


def test_bounds_that_hold_no_node_are_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "wrong.osm"
    bounds = '<bounds minlat="10" minlon="10" maxlat="11" maxlon="11"/>'
    street = way(1, [at(0, 0), at(0, 6), at(6, 6)], highway="path")
    path.write_text(HEADER + bounds + "".join([*GRID, street]) + "</osm>", encoding="utf-8")
    assert len(read_osm(path).ways) == 1


def test_coordinates_that_are_no_numbers_are_counted_and_cost_nothing_else(tmp_path: Path) -> None:
    text = HEADER + "".join(
        [
            *GRID,
            '<node id="900" lon="NaN" lat="30.6"/><node id="901" lon="" lat="x"/><node id="902"/>',
            way(1, [at(0, 0), 900, at(0, 1), at(0, 2)], highway="path", name="lat=&quot;NaN&quot;"),
        ]
    )
    for name, pack in (("nan.osm", bytes), ("nan.osm.gz", gzip.compress), ("nan.osm.bz2", bz2.compress)):
        path = tmp_path / name
        path.write_bytes(pack((text + "</osm>").encode()))
        streets = read_osm(path)
        assert streets.ways["nodes"].iloc[0].tolist() == [at(0, 1), at(0, 2)]
        assert streets.ways["name"].tolist() == ['lat="NaN"']
        assert streets.dropped["node without usable coordinates"] == 3


def test_an_element_given_twice_counts_in_its_newest_version(tmp_path: Path) -> None:
    path = tmp_path / "twice.osm"
    newer = node(at(0, 1), WEST + 0.0011, SOUTH).replace('version="1"', 'version="2"')
    old, new = way(1, [at(0, 0), at(0, 1)], highway="path"), way(1, [at(0, 1), at(0, 2)], highway="steps")
    new = new.replace('version="1"', 'version="3"')
    texts = []
    for elements in ([newer, *GRID, new, old, old], [*GRID, *GRID, old, newer, new]):
        path.write_text(HEADER + "".join(elements) + "</osm>", encoding="utf-8")
        streets = read_osm(path)
        assert streets.ways["highway"].tolist() == ["steps"]
        assert streets.dropped == {VERSIONS: 2}
        texts.append(streets.ways.geometry.iloc[0].wkb)
    assert texts[0] == texts[1]


def test_tags_on_the_outer_way_alone_make_the_area_of_an_untagged_relation(tmp_path: Path) -> None:
    path = tmp_path / "old.osm"
    elements = [
        *only(TOWN, "node"),
        way(1, [401, 402, 403, 404, 401], building="yes"),
        way(2, [405, 406, 407, 408, 405]),
        '<relation id="5"><member type="way" ref="1" role="outer"/><member type="way" ref="2" role="inner"/>'
        '<tag k="type" v="multipolygon"/></relation>',
    ]
    path.write_text(HEADER + BOUNDS + "".join(elements) + "</osm>", encoding="utf-8")
    areas = read_osm(path).areas
    assert areas["area_id"].tolist() == ["relation/5"]
    assert areas["building"].tolist() == ["yes"]
    assert len(areas.geometry.iloc[0].interiors) == 1


def test_ids_below_zero_as_editors_give_them_are_nodes_like_any_other(tmp_path: Path) -> None:
    path = tmp_path / "editor.osm"
    nodes = [node(-k, WEST + k * STEP, SOUTH, **({"barrier": "gate"} if k == 2 else {})) for k in (1, 2, 3)]
    path.write_text(HEADER + "".join([*nodes, way(-7, [-1, -2, -3], highway="path")]) + "</osm>", encoding="utf-8")
    streets = read_osm(path)
    assert streets.ways["way_id"].tolist() == [-7]
    assert streets.ways["nodes"].iloc[0].tolist() == [-1, -2, -3]
    assert streets.points["node_id"].tolist() == [-2]


def test_another_system_in_metres_may_be_asked_for_and_no_other(tmp_path: Path) -> None:
    path = write_town(tmp_path)
    assert read_osm(path, crs=CRS.from_epsg(32650)).ways.crs == CRS.from_epsg(32650)
    with pytest.raises(CrsError, match="metres"):
        read_osm(path, crs=CRS.from_epsg(4326))


# -- files that cannot be read --------------------------------------------------------------------------------------


def refused(path: Path, match: str, **options: Any) -> None:
    with pytest.raises(InputError, match=match) as error:
        read_osm(path, **options)
    assert "\n" not in str(error.value)
    assert path.name in str(error.value) or "clip" in str(error.value) or "no node" in str(error.value)


def test_files_that_are_missing_or_named_otherwise_are_refused(tmp_path: Path) -> None:
    refused(tmp_path / "none.osm.pbf", "not there")
    (tmp_path / "map.txt").write_text("x")
    refused(tmp_path / "map.txt", "ends with none of")


@pytest.mark.parametrize("suffix", [".osm.pbf", ".osm.gz", ".osm.bz2", ".osm"])
def test_files_cut_short_are_refused_in_one_sentence(tmp_path: Path, suffix: str) -> None:
    town = write_town(tmp_path)
    whole = convert(town, suffix) if suffix != ".osm" else town
    cut = tmp_path / f"cut{suffix}"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    refused(cut, "cut short or damaged|no whole OpenStreetMap file")
    cut.write_bytes(b"")
    refused(cut, "cut short or damaged|no whole OpenStreetMap file")
    cut.write_bytes(b"nonsense" * 100)
    refused(cut, "cut short or damaged|no whole OpenStreetMap file")


def test_a_file_that_inflates_beyond_measure_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(osm_file, "_RATIO_FROM", 1_000_000)
    text = (HEADER + " " * 3_000_000 + "</osm>").encode()
    for suffix, pack in ((".osm.gz", gzip.compress), (".osm.bz2", bz2.compress)):
        path = tmp_path / f"bomb{suffix}"
        path.write_bytes(pack(text))
        refused(path, "inflates from")


def test_entities_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "entity.osm"
    path.write_text('<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><osm version="0.6"></osm>')
    refused(path, "entities")


def test_a_map_without_nodes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.osm"
    path.write_text(HEADER + "</osm>")
    refused(path, "no node with coordinates")


def test_a_map_of_bounds_alone_is_an_empty_map(tmp_path: Path) -> None:
    path = tmp_path / "blank.osm"
    path.write_text(HEADER + BOUNDS + "</osm>")
    streets = read_osm(path)
    keeps_contract(streets)
    assert len(streets.ways) == len(streets.points) == len(streets.areas) == 0
    assert streets.outline.area > 0


@pytest.mark.parametrize(
    ("clip", "match"),
    [(shapely.Point(1, 2), "needed a polygon"), (shapely.box(5e5, 3e6, 6e5, 4e6), "needed lon/lat")],
)
def test_a_clip_that_is_no_lonlat_polygon_is_refused(tmp_path: Path, clip: Any, match: str) -> None:
    refused(write_town(tmp_path), match, clip=clip)


# -- real extracts --------------------------------------------------------------------------------------------------


@pytest.mark.real
@pytest.mark.parametrize(
    ("file", "buildings", "barriers"),
    [
        ("beijing-wudaokou/map.osm.gz", 515, 10),
        ("moscow/moscow.osm.gz", 620, 30),
        ("helsinki/helsinki.osm.pbf", 400, 200),
        ("porto-alegre/poa.osm.pbf", 5, 20),
    ],
)
def test_real_extracts_keep_the_contract_and_hold_what_they_are_known_for(
    file: str, buildings: int, barriers: int
) -> None:
    streets = read_osm(real(file))
    keeps_contract(streets)
    assert (streets.areas["building"] != "").sum() >= buildings
    assert (streets.ways["barrier"] != "").sum() >= barriers
    assert all(count > 0 for count in streets.dropped.values())


@pytest.mark.real
def test_a_real_extract_reads_the_same_twice_and_smaller_within_a_clip() -> None:
    path = real("helsinki/helsinki.osm.pbf")
    whole = read_osm(path)
    same(whole, read_osm(path))
    west, south, east, north = to_lonlat(whole.outline, whole.crs).bounds
    part = read_osm(path, clip=shapely.box(west, south, (west + east) / 2, north))
    keeps_contract(part)
    assert 0.3 * len(whole.ways) < len(part.ways) < 0.8 * len(whole.ways)
    assert set(part.areas["area_id"]) < set(whole.areas["area_id"])


@pytest.mark.parametrize("suffix", [".osm", ".osm.pbf", ".osm.gz", ".osm.bz2"])
def test_a_damaged_file_is_read_or_refused_and_never_worse(tmp_path: Path, suffix: str) -> None:
    town = write_town(tmp_path)
    whole = (convert(town, suffix) if suffix != ".osm" else town).read_bytes()
    rng = random.Random(suffix)
    damaged = tmp_path / f"damaged{suffix}"
    for _ in range(60):
        raw = bytearray(whole)
        for _ in range(rng.choice([1, 1, 4])):
            raw[rng.randrange(len(raw))] = rng.randrange(32, 127)
        damaged.write_bytes(raw)
        with suppress(InputError):  # anything else fails the test
            keeps_contract(read_osm(damaged))
