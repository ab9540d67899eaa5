"""A layer of plain lines becomes ways: classes translated, ends numbered, nothing lost in silence."""

import random
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString

from spatial.crs import LONLAT, metric_crs, transform_geometry
from spatial.errors import CrsError, InputError
from spatial.io.osm_classes import class_tags
from spatial.io.osm_tags import list_values, strongest_class
from spatial.io.osm_vertices import number_by_place, orient
from spatial.io.street_lines import read_street_lines
from spatial.io.streets import empty_streets, read_streets
from tests.io.osm_town import write_town
from tests.io.test_osm import keeps_contract
from tests.real_data import real

LOCAL = metric_crs(114.3, 30.6)
X, Y = transform_geometry(shapely.Point(114.3, 30.6), LONLAT, LOCAL).coords[0]


def _line(*xy: tuple[float, float]) -> LineString:
    return LineString([(X + x, Y + y) for x, y in xy])


def _layer(lines: list[Any], crs: Any = LOCAL, **columns: list[Any]) -> Any:
    return gpd.GeoDataFrame(columns, geometry=lines, crs=crs)


def _write(frame: Any, path: Path) -> Path:
    frame.to_parquet(path) if path.suffix == ".parquet" else frame.to_file(path)
    return path


CROSS = [_line((0, 0), (100, 0)), _line((100, 0), (200, 0), (200, 50)), _line((100, 0.004), (100, 90))]


def test_chinese_classes_become_the_tags_of_the_street_map(tmp_path: Path) -> None:
    names = ["快速路", "主干道", "次干路", "支路", "铁路", "河流", "围墙", "巷", "高速公路", "神秘路", None]
    lines = [_line((0, 10 * i), (50, 10 * i)) for i in range(len(names))]
    path = _write(_layer(lines, 道路等级=names, 名称=[f"路{i}" for i in range(len(names))]), tmp_path / "a.gpkg")
    streets = read_street_lines(path)
    keeps_contract(streets)
    ways = streets.ways.set_index("name")
    assert ways["highway"].loc[[f"路{i}" for i in (0, 1, 2, 3, 7, 8, 9, 10)]].tolist() == [
        "trunk", "primary", "secondary", "tertiary", "service", "motorway", "unclassified", "unclassified",
    ]  # fmt: skip
    assert ways.loc["路4", ["highway", "railway"]].tolist() == ["", "rail"]
    assert ways.loc["路5", "waterway"] == "river"
    assert ways.loc["路6", "barrier"] == "wall"
    assert dict(streets.dropped) == {
        "class not known, kept as unclassified: (empty)": 1,
        "class not known, kept as unclassified: 神秘路": 1,
    }


def test_ends_in_the_same_centimetre_are_one_node_and_crossings_are_none(tmp_path: Path) -> None:
    crossing = [_line((0, 20), (100, 20), (200, 20))]  # passes over the vertical street at a vertex of neither
    path = _write(_layer(CROSS + crossing, highway=["path"] * 4), tmp_path / "x.gpkg")
    ways = read_street_lines(path).ways
    ends = [frozenset((ids[0], ids[-1])) for ids in ways["nodes"]]
    shared = [node for node in set().union(*ends) if sum(node in pair for pair in ends) == 3]
    assert len(shared) == 1
    flat = np.concatenate(ways["nodes"].tolist())
    assert len(set(flat[flat < 0].tolist())) == (flat < 0).sum() == 2


def test_a_street_that_ends_on_a_vertex_of_another_joins_it() -> None:
    nodes = number_by_place(np.array([_line((0, 0), (50, 0), (100, 0)), _line((50, 0), (50, 50))]))
    assert nodes[0][1] == nodes[1][0] > 0


def test_given_node_ids_are_kept_whichever_way_the_lines_run(tmp_path: Path) -> None:
    lines = [_line((0, 0), (100, 0)), _line((200, 0), (100, 0)), _line((100, 0), (100, 50), (100, 90))]
    layer = _layer(lines, u=[11, 12, 12], v=[12, 13, 14], key=[0, 0, 0], highway=["residential"] * 3)
    ways = read_street_lines(_write(layer, tmp_path / "uv.parquet")).ways
    found = {(round(g.coords[0][0] - X), round(g.coords[0][1] - Y)): n.tolist() for g, n in zip(ways.geometry, ways.nodes, strict=True)}  # fmt: skip  # noqa: E501
    assert found == {(0, 0): [11, 12], (200, 0): [13, 12], (100, 0): [12, -1, 14]}


def test_an_end_far_from_its_node_is_numbered_anew_and_counted(tmp_path: Path) -> None:
    lines = [_line((0, 0), (100, 0)), _line((100, 0), (200, 0)), _line((100, 0), (100, 50)), _line((900, 0), (950, 0))]
    layer = _layer(lines, u=[1, 2, 2, 2], v=[2, 3, 4, 5], highway=["path"] * 4)
    streets = read_street_lines(_write(layer, tmp_path / "stray.parquet"))
    keeps_contract(streets)
    assert dict(streets.dropped) == {"line end that stands elsewhere than its node: numbered anew": 1}


def test_lists_of_classes_count_as_their_strongest(tmp_path: Path) -> None:
    layer = _layer(CROSS, highway=["['service', 'primary']", "residential;footway", "['steps']"])
    ways = read_street_lines(_write(layer, tmp_path / "l.parquet")).ways
    assert sorted(ways["highway"]) == ["primary", "residential", "steps"]
    assert list_values(np.array(["a", "b"])) == ["a", "b"]
    assert list_values(float("nan")) == list_values(None) == []
    assert strongest_class([]) == ""
    assert class_tags("Primary_Link") == {"highway": "primary_link"}


def test_parts_heights_points_and_empty_lines_are_taken_apart_or_counted(tmp_path: Path) -> None:
    parts = shapely.MultiLineString([CROSS[0], CROSS[1]])
    high = LineString([(X, Y + 5, 3.0), (X + 9, Y + 5, 4.0)])
    odd = [parts, high, shapely.Point(X, Y), LineString([(X, Y), (X, Y)]), None]
    streets = read_street_lines(_write(_layer(odd, fclass=["path"] * 5), tmp_path / "odd.parquet"))
    keeps_contract(streets)
    assert len(streets.ways) == 3
    assert not streets.ways.has_z.any()
    assert dict(streets.dropped) == {"line of no length": 1, "row without a line": 2}


def test_columns_of_other_tags_are_carried_along(tmp_path: Path) -> None:
    layer = _layer(CROSS, fclass=["primary"] * 3, oneway=["F", "B", "T"], bridge=["T", "F", "F"], layer=[1.0, 0.0, 0.0])
    ways = read_street_lines(_write(layer, tmp_path / "g.gpkg")).ways
    assert sorted(map(tuple, ways[["oneway", "bridge", "layer"]].to_numpy())) == [
        ("", "", "0"), ("-1", "", "0"), ("yes", "yes", "1")
    ]  # fmt: skip
    mixed = _layer(CROSS, highway=["path", None, None], railway=[None, "rail", None], barrier=[None, None, "wall"])
    streets = read_street_lines(_write(mixed, tmp_path / "m.gpkg"))
    assert dict(streets.dropped) == {}
    assert sorted(map(tuple, streets.ways[["highway", "railway", "barrier"]].to_numpy())) == [
        ("", "", "wall"), ("", "rail", ""), ("path", "", "")
    ]  # fmt: skip


def test_a_shapefile_in_gbk_is_read_and_the_guess_is_told(tmp_path: Path) -> None:
    path = tmp_path / "gbk.shp"
    _layer(CROSS, 等级=["主干路", "支路", "小区路"], name=["解放大道", "京汉大道", "里份"]).to_file(
        path, encoding="GBK"
    )
    path.with_suffix(".cpg").unlink()
    raw = bytearray(path.with_suffix(".dbf").read_bytes())
    raw[29] = 0  # no code page declared
    path.with_suffix(".dbf").write_bytes(raw)
    streets = read_street_lines(path)
    assert sorted(streets.ways["name"]) == ["京汉大道", "解放大道", "里份"]
    assert sorted(streets.ways["highway"]) == ["primary", "service", "tertiary"]
    assert streets.source == "gbk.shp (text read as GB18030)"
    told = read_street_lines(path, encoding="GBK", class_column="等级")
    assert told.source == "gbk.shp"


@pytest.mark.parametrize("suffix", [".gpkg", ".parquet", ".shp", ".geojson"])
def test_every_format_gives_the_same_streets(tmp_path: Path, suffix: str) -> None:
    frame = _layer(CROSS, highway=["path", "steps", "track"])
    if suffix == ".geojson":
        frame = frame.to_crs(4326)
    ways = read_streets(_write(frame, tmp_path / f"s{suffix}"), crs=LOCAL).ways
    assert sorted(ways["highway"]) == ["path", "steps", "track"]
    assert ways.length.sum() == pytest.approx(sum(line.length for line in CROSS), abs=1e-2)


@pytest.mark.parametrize(
    ("x", "y", "hint"),
    [
        (38_527_000, 3_387_000, "3-degree zone 38 \\(EPSG:4526\\)"),
        (3_387_000, 38_527_000, "3-degree zone 38 \\(EPSG:4526\\) with x and y exchanged"),
        (19_727_000, 3_387_000, "6-degree zone 19 \\(EPSG:4497\\)"),
        (527_000, 3_387_000, "by central meridian .* or UTM"),
        (12_724_000, 3_580_000, "Web Mercator"),
        (25_000, 31_000, "independent system"),
        (527_000, 99_000_000, "fits no usual system"),
    ],
)
def test_an_undeclared_projected_system_is_refused_with_a_hint(tmp_path: Path, x: float, y: float, hint: str) -> None:
    frame = _layer([LineString([(x, y), (x + 100, y)])], crs=None, highway=["path"])
    with pytest.raises(CrsError, match=hint):
        read_street_lines(_write(frame, tmp_path / "u.parquet"))


@pytest.mark.filterwarnings("ignore:'crs' was not provided")
def test_undeclared_degrees_are_read_as_wgs84_and_told(tmp_path: Path) -> None:
    frame = _layer([LineString([(114.3, 30.6), (114.31, 30.6)])], crs=None, highway=["path"])
    streets = read_street_lines(_write(frame, tmp_path / "d.gpkg"))
    assert streets.crs == LOCAL
    assert streets.source == "d.gpkg (coordinates read as WGS 84)"


def test_what_cannot_be_used_is_refused_in_one_sentence(tmp_path: Path) -> None:
    plain = _write(_layer(CROSS, colour=["red"] * 3), tmp_path / "plain.gpkg")
    with pytest.raises(InputError, match=r"columns \['colour'\]; needed one of highway"):
        read_street_lines(plain)
    with pytest.raises(InputError, match="no column 'klass'"):
        read_street_lines(plain, class_column="klass")
    with pytest.raises(InputError, match="not there"):
        read_streets(tmp_path / "none.gpkg")
    (tmp_path / "bad.gpkg").write_bytes(b"nonsense")
    with pytest.raises(InputError, match="cannot be read"):
        read_streets(tmp_path / "bad.gpkg")
    (tmp_path / "bad.parquet").write_bytes(b"nonsense")
    with pytest.raises(InputError, match="cannot be read"):
        read_streets(tmp_path / "bad.parquet")
    points = _write(_layer([shapely.Point(X, Y)], highway=["path"]), tmp_path / "points.gpkg")
    with pytest.raises(InputError, match="holds no lines"):
        read_streets(points)
    with pytest.raises(InputError, match="ends with none of"):
        read_streets(tmp_path / "streets.docx")
    with pytest.raises(InputError, match="takes no class_column"):
        read_streets(write_town(tmp_path), class_column="highway")


def test_a_line_with_a_vertex_that_is_no_number_is_dropped_and_counted(tmp_path: Path) -> None:
    with np.errstate(invalid="ignore"):
        broken = LineString([(X, Y), (np.nan, np.nan), (X + 100, Y)])
    path = _write(_layer([CROSS[0], broken], highway=["path", "path"]), tmp_path / "broken.parquet")
    streets = read_street_lines(path)
    assert len(streets.ways) == 1
    assert dict(streets.dropped) == {"line with a vertex that is no number": 1}


def test_degrees_that_are_said_to_be_metres_are_refused(tmp_path: Path) -> None:
    path = _write(_layer([LineString([(114.3, 30.6), (114.31, 30.6)])], highway=["path"]), tmp_path / "roads.gpkg")
    with pytest.raises(CrsError, match=r"roads\.gpkg says it is in .* such as 114\.3, 30\.6: these are degrees"):
        read_street_lines(path)


def test_the_suffix_chooses_the_reader(tmp_path: Path) -> None:
    assert len(read_streets(write_town(tmp_path)).areas) == 6
    empty = empty_streets(LOCAL)
    keeps_contract(empty)
    assert empty.crs == LOCAL


def test_a_clip_drops_and_counts_what_it_does_not_touch(tmp_path: Path) -> None:
    path = _write(_layer(CROSS, highway=["path", "steps", "track"]), tmp_path / "c.gpkg")
    clip = transform_geometry(shapely.box(X - 10, Y - 10, X + 50, Y + 10), LOCAL, LONLAT)
    streets = read_street_lines(path, clip=clip)
    assert streets.ways["highway"].tolist() == ["path"]
    assert dict(streets.dropped) == {"line outside the clip": 2}


def test_the_order_of_the_rows_changes_nothing(tmp_path: Path) -> None:
    rng = random.Random(3)
    lines = [_line(*((rng.randrange(5) * 10.0, rng.randrange(5) * 10.0) for _ in range(3))) for _ in range(40)]
    frame = _layer(lines, highway=[rng.choice(["path", "steps"]) for _ in lines])
    first = read_street_lines(_write(frame, tmp_path / "a.parquet")).ways
    for seed in range(3):
        mixed = frame.sample(frac=1, random_state=seed)
        other = read_street_lines(_write(mixed, tmp_path / "b.parquet")).ways
        assert first.geometry.to_wkb().tolist() == other.geometry.to_wkb().tolist()
        assert first["highway"].tolist() == other["highway"].tolist()
        assert [n.tolist() for n in first["nodes"]] == [n.tolist() for n in other["nodes"]]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 4)] * 4), min_size=1, max_size=25), st.integers(0, 10**6))
def test_turned_lines_come_out_with_each_node_in_one_place(ends: list[tuple[int, ...]], seed: int) -> None:
    ends = sorted({e for e in ends if e[:2] < e[2:]})
    if not ends:
        return
    rng = np.random.default_rng(seed)
    u = np.array([5 * a + b + 100 for a, b, _, _ in ends])
    v = np.array([5 * a + b + 100 for _, _, a, b in ends])
    flip = rng.random(len(ends)) < 0.5
    lines = np.array([LineString([(a, b), (c, d)]) for a, b, c, d in ends])
    turned = orient(np.where(flip, shapely.reverse(lines), lines), u, v)
    degree = pd.Series(np.concatenate([u, v])).value_counts()
    met = np.array([degree[a] > 1 or degree[b] > 1 for a, b in zip(u, v, strict=True)])
    assert (turned[met] == flip[met]).all()


@pytest.mark.real
def test_wuhan_keeps_its_nodes_each_in_one_place() -> None:
    path = real("wuhan/streets.parquet")
    streets = read_streets(path)
    raw = gpd.read_parquet(path)
    assert len(streets.ways) == len(raw) == 92_667
    assert dict(streets.dropped) == {}
    flat = np.concatenate(streets.ways["nodes"].tolist())
    assert set(flat[flat > 0].tolist()) == set(raw["u"]) | set(raw["v"])
    places = pd.DataFrame(shapely.get_coordinates(streets.ways.geometry.to_numpy())).groupby(flat)
    assert (places.max() - places.min()).to_numpy().max() < 0.01
    assert streets.ways.length.sum() / 1000 == pytest.approx(7_185, rel=2e-3)
