"""`wangge site` along the streets: the layers that `wangge walk` takes, in one command."""

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from typer.testing import CliRunner

from api.command import app
from spatial.cli_site import EXIT_INFEASIBLE
from spatial.console import EXIT_UNUSABLE
from tests.walking.walk_command import SAMPLE, walk
from tests.walking.walk_files import DEMAND, lonlat, write_estate, write_osm, write_points, write_town

M_PER_S = 1.1


def site(files: dict[str, Any], out: Path, *more: object) -> tuple[int, str, dict[str, Any]]:
    """Return the exit code of `wangge site`, what it said, and the answer."""
    given = [part for name, path in files.items() for part in (f"--{name}", path)]
    ran = CliRunner().invoke(app, ["site", *map(str, [*given, "--out", out, *more])])
    assert ran.exception is None or isinstance(ran.exception, SystemExit), ran.exception
    told = json.loads(out.read_text(encoding="utf-8"), parse_constant=pytest.fail) if out.exists() else {}
    out.unlink(missing_ok=True)
    return ran.exit_code, ran.output, told


@pytest.fixture(name="town")
def _town(tmp_path: Path) -> dict[str, Path]:
    files = write_town(tmp_path)
    return {"osm": files["osm"], "demand": files["demand"], "candidates": files["sources"]}


def test_sites_are_chosen_by_walks_along_the_street(tmp_path: Path, town: dict[str, Path]) -> None:
    # homes at 100, 330, 600 and 2,900 m with 10, 20, 30 and 40 households; west is at 0 m, east at 1,000 m
    code, said, told = site(town, tmp_path / "sites.json", "--model", "pmedian", "--p", 1)
    assert code == 0, said
    assert told["sites"] == ["east"]
    assert told["objective"] == pytest.approx((10 * 900 + 20 * 670 + 30 * 400 + 40 * 1900) / M_PER_S, rel=1e-4)
    code, said, told = site(town, tmp_path / "sites.json", "--model", "mclp", "--p", 1, "--cutoff-min", 10)
    assert code == 0, said
    assert (told["sites"], told["objective"], told["status"]) == (["west"], 60, "optimal")
    assert told["assignment"].keys() >= {"a", "b", "c"}
    assert "walks of more than 20 min were not looked at" in told["notes"]


def test_groups_of_the_demand_may_weigh(tmp_path: Path, town: dict[str, Path]) -> None:
    asked = ("--model", "mclp", "--p", 1, "--cutoff-min", 10, "--weights", "elderly=1")
    code, said, told = site(town, tmp_path / "sites.json", *asked)
    assert code == 0, said
    assert (told["sites"], told["objective"]) == (["west"], 6)


def test_walking_first_and_choosing_from_the_table_gives_the_same(tmp_path: Path, town: dict[str, Path]) -> None:
    walked = {"osm": town["osm"], "sources": town["candidates"], "demand": town["demand"]}
    assert walk(walked, tmp_path / "walk", "--minutes", 60)[0] == 0
    weights = pd.DataFrame({"id": [name for name, _, _ in DEMAND], "weight": [10, 20, 30, 40]})
    weights.to_csv(tmp_path / "weights.csv", index=False)
    tables = {
        "times": tmp_path / "walk" / "travel_times.parquet",
        "demand": tmp_path / "weights.csv",
        "candidates": town["candidates"],
    }
    for asked in (["--model", "pmedian", "--p", 1], ["--model", "pcenter", "--p", 1], ["--model", "pmedian", "--p", 2]):
        code, said, once = site(town, tmp_path / "sites.json", *asked)
        assert code == 0, said
        code, said, twice = site(tables, tmp_path / "sites.json", *asked)
        assert code == 0, said
        assert once["sites"] == twice["sites"]
        assert once["assignment"] == twice["assignment"]
        assert once["objective"] == pytest.approx(twice["objective"], abs=1.0)


def test_layers_speak_as_offices_do_and_open_centres_stay_open(tmp_path: Path, town: dict[str, Path]) -> None:
    places = gpd.GeoDataFrame(
        {"设施编码": ["W", "L"], "费用": ["30万", "2 万"], "取得方式": ["新建", "共享"], "建筑面积": ["600㎡", ""]},
        geometry=[shapely.Point(lonlat(0, 0)), shapely.Point(lonlat(200, 0))],
        crs=4326,
    )
    places.to_file(tmp_path / "places.gpkg")
    opened = write_points(tmp_path / "open.csv", [("E", (1000, 0), {})])
    files = {**town, "candidates": tmp_path / "places.gpkg", "existing": opened}
    code, said, told = site(files, tmp_path / "sites.json", "--model", "pmedian", "--p", 1)
    assert code == 0, said
    assert (told["sites"], told["new_sites"]) == (["E", "L"], ["L"])
    asked = ("--model", "pmedian", "--p", 1, "--kind", "mode=新建:1-", "--cost-budget", 300_000)
    code, said, told = site(files, tmp_path / "sites.json", *asked)
    assert code == 0, said
    assert told["new_sites"] == ["W"]
    code, said, told = site(files, tmp_path / "sites.json", *asked[:-1], 200_000)
    assert code == EXIT_INFEASIBLE
    twice = {**files, "existing": tmp_path / "places.gpkg"}
    code, said, _ = site(twice, tmp_path / "sites.json", "--model", "pmedian", "--p", 1)
    assert code == EXIT_UNUSABLE
    assert "site 'L' is both a candidate and an existing one" in said


def test_gates_and_estates_are_walked_through(tmp_path: Path, town: dict[str, Path]) -> None:
    estate = write_estate(tmp_path, "closed")
    files = {**town, **estate}
    code, said, shut = site(files, tmp_path / "sites.json", "--model", "pmedian", "--p", 1)
    assert code == 0, said
    assert shut["assignment"] == {"inside": None, "street": "west"}, shut
    open_gate = {**files, "gates": write_estate(tmp_path, "open")["gates"]}
    code, said, free = site(open_gate, tmp_path / "sites.json", "--model", "pmedian", "--p", 1)
    assert code == 0, said
    assert free["assignment"] == {"inside": "west", "street": "west"}


def test_what_does_not_go_together_is_refused_in_one_sentence(tmp_path: Path, town: dict[str, Path]) -> None:
    out, asked = tmp_path / "sites.json", ("--model", "pmedian", "--p", 1)
    places = {name: town[name] for name in ("demand", "candidates")}
    code, said, _ = site(places, out, *asked)
    assert (code, "neither --times nor --osm" in said) == (EXIT_UNUSABLE, True)
    code, said, _ = site({**town, "times": town["demand"]}, out, *asked)
    assert (code, "found --times and --osm, needed one" in said) == (EXIT_UNUSABLE, True)
    code, said, _ = site({**places, "times": town["demand"], "gates": town["demand"]}, out, *asked)
    assert (code, "found --gates with --times, needed it with --osm only" in said) == (EXIT_UNUSABLE, True)
    code, said, _ = site(town, out, *asked, "--cost-column", "seconds")
    assert (code, "found --cost-column with --osm, needed it with --times only" in said) == (EXIT_UNUSABLE, True)
    far = write_points(tmp_path / "far.csv", [("z", (90_000, 0), {})])
    code, said, _ = site({**town, "candidates": far}, out, *asked)
    assert (code, "are the coordinates right" in said) == (EXIT_UNUSABLE, True)
    island = write_osm(tmp_path / "island.osm", {"island": [(500, 2000), (900, 2000)]})
    assert site({**town, "osm": island}, out, "--model", "mclp", "--p", 1, "--cutoff-min", 5)[0] == EXIT_UNUSABLE


def test_the_sample_s_layers_are_answered_with_a_proof(tmp_path: Path) -> None:
    layers = {
        "osm": "streets.osm.pbf", "demand": "buildings.gpkg", "candidates": "candidates.geojson",
        "existing": "existing.geojson", "gates": "gates.geojson", "estates": "estates.gpkg",
    }  # fmt: skip
    files = {name: SAMPLE / file for name, file in layers.items()}
    code, said, told = site(files, tmp_path / "sites.json", "--model", "mclp", "--p", 2, "--cutoff-min", 10)
    assert code == 0, said
    assert (told["status"], len(told["new_sites"])) == ("optimal", 2)
    homes = gpd.read_file(files["demand"])["households"].astype(float).sum()
    assert 0 < told["objective"] <= homes
