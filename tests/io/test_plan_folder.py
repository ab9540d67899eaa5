"""A plan folder is whole or not there, equal for equal plans, gap-free as served, and read back with clear errors."""

import json
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely

from spatial.errors import InputError, MissingError
from spatial.io.plan_folder import read_plan_folder, write_plan
from spatial.io.plan_layers import LAYERS, PLAN_LAYERS, build_layers, measure_layers, mend
from spatial.io.plan_report import find_attribution
from spatial.tables import VIOLATIONS
from tests.api.toy_plan import build_toy_plan, toy_scorecard, toy_violations

ROOT = Path(__file__).parents[2]


def write(folder: Path, plan: Any = None, **options: Any) -> Path:
    given = {"scorecard": toy_scorecard(), "violations": toy_violations(), **options}
    return write_plan(plan or build_toy_plan(), folder, **given)


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("written") / "plan")


def features(folder: Path, layer: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read_plan_folder(folder).read_layer(layer)["features"]
    return found


def areas(folder: Path, layer: str) -> Any:
    return shapely.from_geojson([json.dumps(f["geometry"]) for f in features(folder, layer)])


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


# -- what is written ----------------------------------------------------------------------------------------------


def test_every_layer_is_written_with_its_columns(toy: Path) -> None:
    block = features(toy, "blocks")[1]["properties"]
    assert {k: block[k] for k in ("block_id", "grid_id", "households")} == {
        "block_id": "b2",
        "grid_id": "g1",
        "households": 150,
    }
    grid = features(toy, "grids")[2]["properties"]
    assert {k: grid[k] for k in ("grid_id", "code", "households")} == {
        "grid_id": "g3",
        "code": "420102-001-03",
        "households": 1500,
    }
    circle = features(toy, "circles")
    assert {c["id"] for c in circle} >= {"s1-time-5min", "s1-time-15min", "s1-distance-300m"}
    assert circle[0]["properties"].keys() >= {"site_id", "minutes", "mode", "households"}
    assert features(toy, "sites")[1]["properties"]["mean_walk_s"] is None


def test_a_circle_by_distance_has_metres_and_no_minutes(toy: Path) -> None:
    circles = {c["id"]: c["properties"] for c in features(toy, "circles")}
    assert circles["s1-distance-300m"]["minutes"] is None
    assert circles["s1-distance-300m"]["limit_m"] == 300.0
    assert (circles["s1-time-5min"]["minutes"], circles["s1-time-5min"]["limit_m"]) == (5.0, 330.0)
    packed = pyogrio.read_dataframe(toy / "plan.gpkg", layer="circles")
    assert packed["minutes"].isna().equals(packed["mode"] == "distance")


def test_elderly_and_children_are_carried_where_they_are_counted(tmp_path: Path) -> None:
    plan = build_toy_plan()
    counted = {
        name: getattr(plan, name).assign(elderly=range(len(getattr(plan, name))), children=np.nan)
        for name in ("demand", "blocks", "grids")
    }
    folder = write(tmp_path / "plan", replace(plan, **counted))
    for name in counted:
        told = features(folder, name)[2]["properties"]
        assert (told["elderly"], told["children"]) == (2, None), name


def test_demand_holds_counts_only(toy: Path) -> None:
    for feature in features(toy, "demand"):
        assert feature["properties"].keys() == {"demand_id", "kind", "estate_id", "households", "estimated", "block_id"}


def test_households_are_conserved_from_demand_to_grids(toy: Path) -> None:
    totals = {
        name: sum(f["properties"]["households"] for f in features(toy, name)) for name in ("demand", "blocks", "grids")
    }
    assert set(totals.values()) == {2330}


def test_the_report_tells_policy_counts_score_and_what_was_not_used(toy: Path) -> None:
    report = read_plan_folder(toy).report
    assert report["profile"]["numbers"]["grid"]["target_households"]["mark"] == "S3"
    assert report["summary"]["grids_by_status"] == {"in_band": 2, "low": 0, "high": 0, "oversize": 1}
    assert report["summary"]["households_by_status"]["oversize"] == 1500
    assert report["violations"] == {"errors": 0, "warnings": 1, "by_rule": {"band": 1}}
    assert report["listed"]["by_action"] == {"dropped": 1}
    assert report["listed"]["rows"][0]["detail"] == "江岸花园, 暂无资料"
    assert report["stages"]["land"] == {"faces": 4, "deviation_m2": 0.25}
    assert (report["seed"], report["plan_id"]) == (7, "toy-0001")
    assert report["provenance"]["streets"]["sha256"] == "0" * 64
    assert report["attribution"] == ["© OpenStreetMap contributors"]


def test_a_plan_is_called_as_its_district_is_unless_another_title_is_given(tmp_path: Path) -> None:
    plan = build_toy_plan()
    named = replace(plan, report={**plan.report, "provenance": {"system": {"name": "东城"}}})
    assert read_plan_folder(write(tmp_path / "named", named)).report["title"] == "东城"
    titled = write(tmp_path / "titled", named, extra_report={"title": "江岸"})
    assert read_plan_folder(titled).report["title"] == "江岸"
    assert "title" not in read_plan_folder(write(tmp_path / "plain", plan)).report


def test_further_entries_of_the_report_stand_beside_its_own_but_replace_none(tmp_path: Path) -> None:
    folder = write(tmp_path / "plan", extra_report={"title": "江岸", "seed": 9, "attribution": []})
    report = read_plan_folder(folder).report
    assert (report["title"], report["seed"]) == ("江岸", 9)
    with pytest.raises(InputError, match="'summary'"):
        write(tmp_path / "plan", extra_report={"summary": {}})
    with pytest.raises(InputError, match=r"report\.odd\.place is a Point"):
        write(tmp_path / "plan", extra_report={"odd": {"place": shapely.Point(0, 0)}})


@pytest.mark.parametrize(
    ("entry", "credited"),
    [
        ({"path": "wuhan.osm.pbf"}, ["© OpenStreetMap contributors"]),
        ({"path": "OpenStreetMap at Qindu, Xianyang"}, ["© OpenStreetMap contributors"]),
        ({"path": "walk.graphml"}, ["© OpenStreetMap contributors"]),
        ({"path": "roads.gpkg"}, []),
        ({"path": "made.osm.pbf", "attribution": ""}, []),
        ({"path": "roads.gpkg", "attribution": "市自然资源局"}, ["市自然资源局"]),
        ("not a table", []),
    ],
)
def test_inputs_are_credited_as_they_ask(entry: Any, credited: list[str]) -> None:
    assert find_attribution({"osm": entry}) == credited


def test_listed_rows_are_a_table_that_excel_reads(toy: Path) -> None:
    content = (toy / "listed.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    listed = pd.read_csv(toy / "listed.csv", encoding="utf-8-sig", dtype=str)
    assert listed.loc[0, ["source", "row", "action"]].tolist() == ["estates", "12", "dropped"]


def test_equal_plans_are_equal_files_whatever_the_order_of_rows(tmp_path: Path, toy: Path) -> None:
    plan = build_toy_plan()
    names = ("blocks", "grids", "circles", "sites", "demand", "communities", "barriers", "adjacency")
    turned = replace(
        plan, **{name: getattr(plan, name).iloc[::-1] for name in names}, assignment=plan.assignment.iloc[::-1]
    )
    other = contents(write(tmp_path / "plan", turned))
    assert other == contents(toy)


# -- gap-free as served ---------------------------------------------------------------------------------------------


def test_blocks_and_grids_are_coverages_as_served_and_leave_no_gap(toy: Path) -> None:
    blocks, grids = areas(toy, "blocks"), areas(toy, "grids")
    for layer in (blocks, grids):
        assert shapely.is_valid(layer).all()
        assert shapely.coverage_is_valid(layer)
    assert shapely.equals(shapely.union_all(blocks), shapely.union_all(grids))
    assert shapely.area(blocks).sum() == pytest.approx(shapely.union_all(blocks).area, rel=1e-12)
    assert read_plan_folder(toy).report["served"] == {
        "coverage_valid": {"blocks": True, "grids": True},
        "invalid": {},
        "mended": {},
    }


def test_grids_stay_closed_where_a_union_in_metres_lost_a_vertex() -> None:
    plan = build_toy_plan()
    simpler = plan.grids.assign(geometry=shapely.simplify(plan.grids.geometry.to_numpy(), 0.5))
    layers = build_layers(replace(plan, grids=simpler), None)
    assert measure_layers(layers)["coverage_valid"] == {"blocks": True, "grids": True}
    assert shapely.equals(layers["grids"].geometry.union_all(), layers["blocks"].geometry.union_all())


def test_a_random_tessellation_stays_a_coverage_after_rounding() -> None:
    rng = np.random.default_rng(5)
    plan = build_toy_plan()
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(rng.uniform(0, 1000, (60, 2)))))
    cells = shapely.transform(cells, lambda xy: xy + plan.blocks.total_bounds[:2])
    blocks = plan.blocks.iloc[[0] * len(cells)].assign(
        block_id=[f"b{i:02}" for i in range(len(cells))], households=1, geometry=cells
    )
    assignment = pd.Series([f"g{i % 3 + 1}" for i in range(len(cells))], index=blocks["block_id"])
    layers = build_layers(replace(plan, blocks=blocks, assignment=assignment), None)
    assert measure_layers(layers)["coverage_valid"] == {"blocks": True, "grids": True}
    assert shapely.equals(layers["grids"].geometry.union_all(), layers["blocks"].geometry.union_all())


def test_an_overlap_of_blocks_is_told_not_hidden() -> None:
    plan = build_toy_plan()
    grown = plan.blocks.assign(geometry=plan.blocks.geometry.buffer(1.0))
    assert measure_layers(build_layers(replace(plan, blocks=grown), None))["coverage_valid"]["blocks"] is False


def test_an_area_that_rounding_makes_invalid_is_mended_and_named() -> None:
    plan = build_toy_plan()
    layers = build_layers(plan, None)
    bow = shapely.Polygon([(114.3, 30.6), (114.301, 30.6), (114.3, 30.601), (114.301, 30.601)])
    circles = layers["circles"]
    broken = circles.set_geometry([bow, *circles.geometry.iloc[1:]], crs=circles.crs)
    mended = mend(broken)
    assert mended.geometry.is_valid.all()
    assert mended.attrs["mended"] == [circles.index[0]]
    assert not broken.geometry.is_valid.all()


def test_a_plan_without_sites_circles_barriers_and_violations_is_written(tmp_path: Path) -> None:
    plan = build_toy_plan()
    bare = replace(plan, sites=plan.sites[:0], circles=plan.circles[:0], barriers=plan.barriers[:0], report={})
    folder = write(tmp_path / "plan", bare, scorecard=None, violations=VIOLATIONS.empty(plan.crs))
    assert features(folder, "sites") == []
    assert pyogrio.read_info(folder / "plan.gpkg", layer="circles")["features"] == 0
    assert read_plan_folder(folder).report["attribution"] == []


# -- GeoPackage -----------------------------------------------------------------------------------------------------


def test_the_geopackage_holds_every_layer_in_lonlat(toy: Path) -> None:
    names = set(pyogrio.list_layers(toy / "plan.gpkg")[:, 0])
    assert names == {*PLAN_LAYERS, "adjacency", "listed"}
    for name in PLAN_LAYERS:
        frame = pyogrio.read_dataframe(toy / "plan.gpkg", layer=name)
        assert frame.crs.to_epsg() == 4326
        assert len(frame) == len(features(toy, name))
    grids = pyogrio.read_dataframe(toy / "plan.gpkg", layer="grids")
    assert grids["code"].tolist() == ["420102-001-01", "420102-001-02", "420102-001-03"]
    assert grids["oversize"].dtype == bool


def test_the_geopackage_is_a_sound_database_of_its_standard(toy: Path) -> None:
    connection = sqlite3.connect(f"file:{toy / 'plan.gpkg'}?mode=ro", uri=True)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("PRAGMA application_id").fetchone() == (0x47504B47,)
        rows = connection.execute("SELECT table_name, description FROM gpkg_contents").fetchall()
    finally:
        connection.close()
    assert dict(rows)["grids"] == LAYERS["grids"].description


# -- read again -------------------------------------------------------------------------------------------------------


def test_a_folder_that_is_missing_or_holds_no_plan_is_told(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="no plan folder"):
        read_plan_folder(tmp_path / "none")
    with pytest.raises(MissingError, match=r"holds no report\.json"):
        read_plan_folder(tmp_path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"{", "not readable as JSON"),
        (b"[]", "needed a JSON object"),
        (b'{"a": 1}', "no report of a plan"),
        (b'{"format": "wangge-plan", "format_version": 99}', "format version 99, needed 1"),
        (b'{"format": "wangge-plan", "format_version": 1}', "names no files"),
    ],
)
def test_a_broken_report_is_told_by_file(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "report.json").write_bytes(content)
    with pytest.raises(InputError, match=says) as told:
        read_plan_folder(tmp_path)
    assert "report.json" in str(told.value)


@pytest.mark.parametrize(
    ("entry", "value", "says"),
    [
        ("summary", None, "misses the entry summary"),
        ("scorecard", None, "misses the entry scorecard"),
        ("listed", None, "misses the entry listed"),
        ("summary", 5, "entry summary is a number; needed an object"),
        ("attribution", {}, "entry attribution is an object; needed a list"),
        ("profile", {}, "misses the entry profile.name"),
        (
            "profile.numbers.grid.ceiling_households",
            {},
            "misses the entry profile.numbers.grid.ceiling_households.value",
        ),
        ("files.blocks.geojson", "x", "entry files.blocks.geojson is a text; needed an object"),
        ("files.blocks.geojson", {"bytes": 1}, "misses the entry files.blocks.geojson.sha256"),
        ("files", {"../secret.txt": {"bytes": 1, "sha256": ""}}, r"names the file '../secret.txt', which is no part"),
        ("files", {}, "names no file blocks.geojson"),
    ],
)
def test_a_report_of_another_shape_is_told_by_the_entry(tmp_path: Path, entry: str, value: Any, says: str) -> None:
    folder = write(tmp_path / "plan")
    report = json.loads((folder / "report.json").read_bytes())
    *path, last = entry.replace(".geojson", ":geojson").split(".")
    inner = report
    for name in path:
        inner = inner[name]
    if value is None:
        del inner[last]
    else:
        inner[last.replace(":", ".")] = value
    (folder / "report.json").write_text(json.dumps(report))
    with pytest.raises(InputError, match=says) as told:
        read_plan_folder(folder)
    assert "report.json" in str(told.value)
    assert "\n" not in str(told.value)


def test_a_layer_that_is_missing_broken_or_changed_is_told_by_file(tmp_path: Path) -> None:
    folder = write(tmp_path / "plan")
    plan = read_plan_folder(folder)
    with pytest.raises(MissingError, match="no layer 'rivers'"):
        plan.read_layer("rivers")
    (folder / "grids.geojson").write_text('{"type": "FeatureColl')
    with pytest.raises(InputError, match=r"grids\.geojson is not readable as JSON"):
        plan.read_layer("grids")
    (folder / "grids.geojson").write_text('{"type": "FeatureCollection", "features": []}')
    with pytest.raises(InputError, match=r"grids\.geojson is not the file"):
        plan.read_layer("grids")
    (folder / "grids.geojson").unlink()
    with pytest.raises(MissingError, match=r"grids\.geojson"):
        read_plan_folder(folder)
