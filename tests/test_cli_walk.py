"""`wangge walk` from the files that a planner brings to tables, circles and a report."""

import math
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from typer.testing import CliRunner

from api.command import app
from spatial.console import EXIT_UNUSABLE
from tests.real_data import real
from tests.walking.walk_command import SAMPLE, coverage_of, report_of, walk
from tests.walking.walk_files import (
    CRS,
    DEMAND,
    SOURCES,
    X0,
    Y0,
    lonlat,
    write_estate,
    write_graph,
    write_osm,
    write_points,
    write_town,
)

FILES = {"travel_times.parquet", "circles.geojson", "coverage.csv", "unreachable.csv", "report.json"}


@pytest.fixture(name="town")
def _town(tmp_path: Path) -> dict[str, Path]:
    return write_town(tmp_path)


def test_the_command_explains_itself() -> None:
    ran = CliRunner().invoke(app, ["walk", "--help"], terminal_width=200)
    assert ran.exit_code == 0
    for name in "--osm --sources --demand --minutes --metres --mode --gates --estates --by --themes --no-steps".split():
        assert name in ran.stdout


def test_points_become_walks_circles_coverage_and_a_report(tmp_path: Path, town: dict[str, Path]) -> None:
    out = tmp_path / "out"
    code, said, told = walk(town, out, "--minutes", "5,10,15")
    assert code == 0, told
    assert {path.name for path in out.iterdir()} == FILES
    times = pd.read_parquet(out / "travel_times.parquet")
    assert times.columns.tolist() == ["source_id", "demand_id", "seconds", "metres"]
    assert times[["source_id", "demand_id"]].agg("-".join, axis=1).tolist() == [
        "east-a", "east-b", "east-c", "west-a", "west-b", "west-c",
    ]  # fmt: skip
    assert times["metres"].tolist() == pytest.approx([900, 670, 400, 100, 330, 600], rel=1e-4)
    assert times["seconds"].tolist() == pytest.approx((times["metres"] / 1.1).tolist(), abs=0.01)
    whole = coverage_of(out).query("counted == 'households'")
    # five minutes are 330 m, and b lies there to within the centimetre that the map is written with
    assert whole["reached"].tolist()[1:] == [60, 60]
    assert whole["overlap"].tolist() == [0, 30, 60]
    assert "10 min: 60 of 100 households (60.0%)" in said
    assert "not reached, too far: 1 point of 40 households" in said
    assert "finding the doors ..." in told


def test_each_group_and_count_and_theme_has_its_rows(tmp_path: Path, town: dict[str, Path]) -> None:
    out = tmp_path / "out"
    code, _, told = walk(town, out, "--minutes", 10, "--by", "grid", "--themes", "school,park")
    assert code == 0, told
    table = coverage_of(out)
    assert len(table) == 3 * 3 * 2  # themes and all; two grids and all; households and elderly
    found = table.set_index(["theme", "by", "group", "counted"])[["reached", "total", "share"]]
    assert found.loc[("", "grid", "g2", "elderly")].tolist() == [5, 7, pytest.approx(5 / 7)]
    assert found.loc[("school", "", "", "households")].tolist() == [30, 100, 0.3]
    assert found.loc[("park", "grid", "g1", "households")].tolist() == [0, 30, 0.0]


def test_demand_is_counted_by_the_areas_that_hold_it(tmp_path: Path, town: dict[str, Path]) -> None:
    # two grids of the street, 0 to 500 m and 400 to 1000 m: b (330 m) lies in one, nobody in both, d in none
    boxes = [shapely.Polygon([lonlat(x, y) for x, y in [(a, -50), (b, -50), (b, 50), (a, 50)]])
             for a, b in ((-10, 500), (400, 1000))]  # fmt: skip
    grids = gpd.GeoDataFrame({"grid_id": ["G1", "G2"]}, geometry=boxes, crs=4326)
    grids.to_file(tmp_path / "grids.geojson")
    grids.rename(columns={"grid_id": "name"}).iloc[:1].to_file(tmp_path / "communities.gpkg")
    areas = ("--areas", tmp_path / "grids.geojson", "--areas", tmp_path / "communities.gpkg")
    code, said, told = walk(town, tmp_path / "out", "--minutes", 10, *areas)
    assert code == 0, told
    table = coverage_of(tmp_path / "out").query("counted == 'households'").set_index(["by", "group"])
    assert table["total"].to_dict() == {
        ("", ""): 100, ("grids", ""): 40, ("grids", "G1"): 30, ("grids", "G2"): 30,
        ("communities", ""): 70, ("communities", "G1"): 30,
    }  # fmt: skip
    assert table.loc[("grids", "G2"), "reached"] == 30
    assert "1 points lie in none of grids.geojson" in said
    assert report_of(tmp_path / "out")["by"] == ["grids", "communities"]
    twice = ("--areas", tmp_path / "grids.geojson", "--areas", tmp_path / "grids.geojson")
    assert walk(town, tmp_path / "out", *twice)[0] == EXIT_UNUSABLE
    assert "found no area" in walk(town, tmp_path / "out", "--areas", town["demand"])[2]


def test_circles_are_counted_along_the_network(tmp_path: Path, town: dict[str, Path]) -> None:
    out = tmp_path / "out"
    assert walk(town, out, "--minutes", "10,15")[0] == 0
    circles = gpd.read_file(out / "circles.geojson")
    assert circles["id"].tolist() == ["east-10min", "east-15min", "west-10min", "west-15min"]
    assert circles["households"].tolist() == [30, 60, 60, 60]
    assert circles["elderly"].tolist() == [5, 6, 6, 6]
    assert circles["kind"].tolist() == ["school", "school", "clinic", "clinic"]
    assert circles.is_valid.all()


def test_distance_mode_counts_in_metres(tmp_path: Path, town: dict[str, Path]) -> None:
    out = tmp_path / "out"
    assert walk(town, out, "--mode", "distance", "--metres", "150,450")[0] == 0
    assert coverage_of(out).query("counted == 'households'")["reached"].tolist() == [10, 60]
    assert coverage_of(out)["metres"].astype(float).tolist() == [150.0, 450.0] * 2
    assert walk(town, out, "--mode", "distance", "--minutes", "5,15")[0] == 0
    assert report_of(out)["asked"]["limits"] == [300.0, 1000.0]


def test_the_unreached_are_listed_with_the_reason(tmp_path: Path, town: dict[str, Path]) -> None:
    rows = [*DEMAND, ("isle", (700, 2000), {"households": 7}), ("field", (600, -900), {"households": 3})]
    out = tmp_path / "out"
    code, _, told = walk({**town, "demand": write_points(tmp_path / "more.csv", rows)}, out)
    assert code == 0, told
    table = pd.read_csv(out / "unreachable.csv", dtype={"demand_id": str}).set_index("demand_id")
    assert table["reason"].to_dict() == {"d": "too far", "field": "no street near", "isle": "other component"}
    assert table.loc["d", "nearest_minutes"] == pytest.approx(1900 / 66, rel=1e-3)
    assert math.isnan(table.loc["isle", "nearest_minutes"])
    assert table.loc["field", "access_metres"] == pytest.approx(900, rel=1e-3)
    assert table["households"].to_dict() == {"d": 40, "field": 3, "isle": 7}
    assert (table.loc["isle", "lon"], table.loc["isle", "lat"]) == pytest.approx(lonlat(700, 2000))
    assert report_of(out)["unreached"]["other component"] == {"points": 1, "households": 7, "elderly": 0}


def test_a_closed_gate_shuts_in_and_an_open_one_does_not(tmp_path: Path, town: dict[str, Path]) -> None:
    for access, reason in (("private", {}), ("closed", {"inside": "no gate"})):
        out = tmp_path / access
        code, _, told = walk({**town, **write_estate(tmp_path, access)}, out)
        assert code == 0, told
        table = pd.read_csv(out / "unreachable.csv")
        assert dict(zip(table["demand_id"], table["reason"], strict=True)) == reason


def test_slow_walkers_reach_less(tmp_path: Path, town: dict[str, Path]) -> None:
    assert walk(town, tmp_path / "fast", "--minutes", 10)[0] == 0
    assert walk(town, tmp_path / "slow", "--minutes", 10, "--speed", "stroller")[0] == 0
    fast, slow = (pd.read_parquet(tmp_path / name / "travel_times.parquet") for name in ("fast", "slow"))
    assert len(slow) < len(fast)
    assert report_of(tmp_path / "slow")["walker"]["m_per_s"] == 0.7


def test_without_steps_nobody_climbs_the_stairs(tmp_path: Path, town: dict[str, Path]) -> None:
    town["osm"] = write_osm(
        tmp_path / "hill.osm", {"main": [(0, 0), (500, 0), (1000, 0)], "stairs": [(500, 0), (500, 300)]}
    )
    town["demand"] = write_points(tmp_path / "hill.csv", [("up", (500, 290), {}), ("down", (600, 0), {})])
    for more in ((), ("--no-steps",)):
        out = tmp_path / f"out{len(more)}"
        code, _, told = walk(town, out, "--minutes", 30, *more)
        assert code == 0, told
        table = pd.read_parquet(out / "travel_times.parquet").query("source_id == 'west'").set_index("demand_id")
        assert table["metres"].to_dict() == pytest.approx({"up": 790, "down": 600}, rel=1e-3)
        # steps take twice their time; without them the home hangs on the street, 290 m away over open ground
        assert table.loc["up", "seconds"] == pytest.approx((790 if more else 500 + 2 * 290) / 1.1, rel=1e-3)
        assert report_of(out)["access_walks"]["demand"]["points_beyond"] == len(more)


def test_uphill_takes_longer_than_downhill(tmp_path: Path, town: dict[str, Path]) -> None:
    # the ground rises by a fifth of the way from west to east
    head = f"ncols 36\nnrows 3\nxllcorner {X0 - 250}\nyllcorner {Y0 - 150}\ncellsize 100\n"
    row = " ".join(str(0.2 * (-200 + 100 * i)) for i in range(36))
    (tmp_path / "hill.asc").write_text(head + f"{row}\n" * 3, encoding="utf-8")
    (tmp_path / "hill.prj").write_text(CRS.to_wkt("WKT1_ESRI"), encoding="utf-8")
    code, _, told = walk(town, tmp_path / "out", "--minutes", 30, "--heights", tmp_path / "hill.asc")
    assert code == 0, told
    table = pd.read_parquet(tmp_path / "out" / "travel_times.parquet").set_index(["source_id", "demand_id"])
    pace = table["seconds"] / table["metres"] * 1.1
    # Tobler: exp(3.5 |slope + 0.05|) over its value on the flat
    assert pace[("west", "c")] == pytest.approx(math.exp(3.5 * (0.15 - 0.05)), rel=1e-3)
    assert pace[("east", "c")] == pytest.approx(math.exp(3.5 * (0.25 - 0.05)), rel=1e-3)


def test_the_order_of_the_rows_changes_no_byte(tmp_path: Path, town: dict[str, Path]) -> None:
    turned = {
        **town,
        "sources": write_points(tmp_path / "sources2.csv", SOURCES[::-1]),
        "demand": write_points(tmp_path / "demand2.csv", [DEMAND[i] for i in (2, 0, 3, 1)]),
    }
    one, other = tmp_path / "one", tmp_path / "other"
    assert walk(town, one, "--by", "grid", "--kind", "kind")[0] == 0
    assert walk(turned, other, "--by", "grid", "--kind", "kind")[0] == 0
    for name in sorted(FILES - {"report.json"}):
        assert (one / name).read_bytes() == (other / name).read_bytes(), name


def test_headers_in_chinese_and_ids_like_numbers_are_read(tmp_path: Path, town: dict[str, Path]) -> None:
    lon, lat = lonlat(100, 0)
    text = f"小区编码,经度,纬度,总户数,老年人口\n007,{lon},{lat},12户,3\n"
    (tmp_path / "名录.csv").write_text(text, encoding="gb18030")
    out = tmp_path / "out"
    code, _, told = walk({**town, "demand": tmp_path / "名录.csv"}, out)
    assert code == 0, told
    assert set(pd.read_parquet(out / "travel_times.parquet")["demand_id"]) == {"007"}
    assert report_of(out)["counts"]["households"] == 12
    assert report_of(out)["counted"] == ["households", "老年人口"]


def test_points_without_households_count_one_each_and_say_so(tmp_path: Path, town: dict[str, Path]) -> None:
    rows = [(name, place, {}) for name, place, _ in DEMAND]
    out = tmp_path / "out"
    code, said, _ = walk({**town, "demand": write_points(tmp_path / "bare.csv", rows)}, out)
    assert code == 0
    assert "no column of households (each point counts as one household)" in said
    assert coverage_of(out)["total"].unique().tolist() == [4]


def test_a_row_without_a_place_is_dropped_and_listed(tmp_path: Path, town: dict[str, Path]) -> None:
    table = pd.read_csv(town["demand"])
    table.loc[1, "lon"] = math.nan
    table.to_csv(town["demand"], index=False)
    out = tmp_path / "out"
    code, said, _ = walk(town, out)
    assert code == 0
    assert "demand: no coordinates (row 3)" in said
    assert [row["row"] for row in report_of(out)["listed"]] == ["3"]
    assert coverage_of(out)["total"].max() == 80


@pytest.mark.parametrize("nowhere", [("30.6", "114.3"), ("500", "30.6")])
def test_a_row_that_lies_nowhere_is_dropped_and_listed(
    nowhere: tuple[str, str], tmp_path: Path, town: dict[str, Path]
) -> None:
    table = pd.read_csv(town["sources"], dtype=str)
    table.loc[2] = ["wild", *nowhere, "clinic"]
    table.to_csv(town["sources"], index=False)
    out = tmp_path / "out"
    code, said, told = walk(town, out)
    assert code == 0, told
    assert "sources: coordinates that are no place on the earth (row 4)" in said
    assert report_of(out)["counts"]["sources"] == 2


def test_one_source_in_the_sea_serves_nobody_and_is_told(tmp_path: Path, town: dict[str, Path]) -> None:
    rows = [*SOURCES, ("sea", (40_000, 0), {"kind": "school"})]
    out = tmp_path / "out"
    code, said, told = walk({**town, "sources": write_points(tmp_path / "sea.csv", rows)}, out)
    assert code == 0, told
    assert "1 of 3 sources farther than 150 m from any street: the map lacks paths there (sea)" in said
    assert "sea" not in set(pd.read_parquet(out / "travel_times.parquet")["source_id"])
    circles = gpd.read_file(out / "circles.geojson").query("site_id == 'sea'")
    assert circles["households"].tolist() == [0, 0, 0]


def test_lengths_in_a_graph_are_not_believed_but_measured(tmp_path: Path, town: dict[str, Path]) -> None:
    for length in ("nan", "-5.0", "1"):
        town["osm"] = write_graph(tmp_path / f"{length}.graphml", length=length)
        out = tmp_path / f"out{length}"
        code, _, told = walk(town, out, "--minutes", 15)
        assert code == 0, told
        times = pd.read_parquet(out / "travel_times.parquet").set_index(["source_id", "demand_id"])
        assert times.loc[("east", "c"), "metres"] == pytest.approx(400, rel=1e-3)


def test_an_edge_of_a_graph_that_leads_nowhere_is_counted_in_the_report(tmp_path: Path, town: dict[str, Path]) -> None:
    town["osm"] = write_graph(tmp_path / "town.graphml", more={3: (math.nan, 30.6), 4: (math.inf, 30.6)})
    out = tmp_path / "out"
    code, _, told = walk(town, out)
    assert code == 0, told
    assert report_of(out)["network"]["not on the map: edge without a usable line"] == 2


def test_the_sample_district_is_walked_with_its_gates(tmp_path: Path) -> None:
    files = {"osm": "streets.osm.pbf", "sources": "pois.csv", "demand": "buildings.gpkg"}
    files |= {"gates": "gates.geojson", "estates": "estates.gpkg"}
    out = tmp_path / "out"
    code, said, told = walk(
        {name: SAMPLE / file for name, file in files.items()}, out, "--themes", "clinic,cinema", "--by", "estate"
    )
    assert code == 0, told
    table = coverage_of(out)
    whole = table.query("by == '' and counted == 'households'")
    assert set(whole["total"]) == {report_of(out)["counts"]["households"]}
    assert whole.query("theme == 'cinema'")["reached"].tolist() == [0, 0, 0]
    clinics = whole.query("theme == 'clinic'")["reached"].tolist()
    assert 0 < clinics[0] < clinics[1] <= clinics[2]
    parts = (
        table.query("by == 'estate' and counted == 'elderly' and theme == 'clinic'").groupby("minutes")["reached"].sum()
    )
    everybody = table.query("by == '' and counted == 'elderly' and theme == 'clinic'").set_index("minutes")["reached"]
    assert parts.to_dict() == everybody.to_dict()
    assert "cinema: 15 min: 0 of" in said


@pytest.mark.real
def test_porto_alegre_is_walked(tmp_path: Path) -> None:
    files = {name: real(f"porto-alegre/{file}") for name, file in
             (("osm", "poa.osm.pbf"), ("sources", "points_of_interest.csv"), ("demand", "hexgrid.csv"))}  # fmt: skip
    out = tmp_path / "out"
    code, _, told = walk(files, out, "--households", "population", "--minutes", "5,10,15,30")
    assert code == 0, told
    report, table = report_of(out), coverage_of(out).query("counted == 'households'")
    assert report["counts"]["households"] == 812_935
    assert report["counted"] == ["households", "healthcare", "jobs", "schools"]
    assert table["reached"].is_monotonic_increasing
    reached = pd.read_parquet(out / "travel_times.parquet")["demand_id"].nunique()
    lost = pd.read_csv(out / "unreachable.csv")
    assert reached + len(lost) == report["counts"]["demand_points"] == 1227
    assert report["access_walks"]["demand"]["points_beyond"] > 0
    assert 1.0 < report["detour_to_nearest"]["ratio"] < 2.0
