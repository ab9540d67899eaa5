"""What `wangge walk` cannot use or may not overwrite stops it with one sentence, and nothing is written."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from spatial.console import EXIT_STOPPED, EXIT_UNUSABLE
from tests.walking.walk_command import SAMPLE, walk
from tests.walking.walk_files import CRS, SOURCES, lonlat, write_graph, write_osm, write_points, write_town


@pytest.fixture(name="town")
def _town(tmp_path: Path) -> dict[str, Path]:
    return write_town(tmp_path)


def _empty_map(folder: Path, files: dict[str, Path]) -> list[object]:
    files["osm"] = write_osm(folder / "motorway.osm", {"main": [(0, 0), (3000, 0)]}, kind="motorway")
    return []


def _half_pbf(folder: Path, files: dict[str, Path]) -> list[object]:
    whole = (SAMPLE / "streets.osm.pbf").read_bytes()
    files["osm"] = folder / "half.osm.pbf"
    files["osm"].write_bytes(whole[: len(whole) // 2])
    return []


def _all_in_the_sea(folder: Path, files: dict[str, Path]) -> list[object]:
    files["sources"] = write_points(folder / "sea.csv", [(name, (60_000, 0), {}) for name, _, _ in SOURCES])
    return []


def _another_city(folder: Path, files: dict[str, Path]) -> list[object]:
    files["demand"] = write_points(folder / "far.csv", [("a", (0, 50_000), {"households": 1})])
    return []


def _metres(folder: Path, files: dict[str, Path]) -> list[object]:
    files["demand"] = folder / "metres.csv"
    files["demand"].write_text("id,x,y,households\na,528100,3386000,4\n", encoding="utf-8")
    return []


def _swap(column: str, value: object) -> Callable[[Path, dict[str, Path]], list[object]]:
    def make(folder: Path, files: dict[str, Path]) -> list[object]:
        table = pd.read_csv(files["demand"], dtype=str)
        table.loc[1, column] = value
        table.to_csv(files["demand"], index=False)
        return []

    return make


def _options(*options: object) -> Callable[[Path, dict[str, Path]], list[object]]:
    return lambda folder, files: list(options)


def _no_kind(folder: Path, files: dict[str, Path]) -> list[object]:
    files["sources"] = write_points(folder / "plain.csv", [(name, place, {}) for name, place, _ in SOURCES])
    return ["--themes", "clinic"]


def _text(option: str, name: str, text: str, *options: object) -> Callable[[Path, dict[str, Path]], list[object]]:
    def make(folder: Path, files: dict[str, Path]) -> list[object]:
        (folder / name).write_text(text, encoding="utf-8")
        files[option] = folder / name
        return list(options)

    return make


def _graph(**more: Any) -> Callable[[Path, dict[str, Path]], list[object]]:
    def make(folder: Path, files: dict[str, Path]) -> list[object]:
        files["osm"] = write_graph(folder / "town.graphml", **more)
        return []

    return make


def _degrees_as_metres(folder: Path, files: dict[str, Path]) -> list[object]:
    frame = gpd.GeoDataFrame({"id": ["a"]}, geometry=[shapely.Point(lonlat(0, 0))], crs=CRS)
    frame.to_file(folder / "sources.gpkg")
    files["sources"] = folder / "sources.gpkg"
    return []


def _persons(folder: Path, files: dict[str, Path]) -> list[object]:
    table = pd.read_csv(files["demand"]).assign(姓名=["赵", "钱", "孙", "李"])
    table.to_csv(files["demand"], index=False)
    return []


BAD: dict[str, tuple[Callable[[Path, dict[str, Path]], list[object]], str]] = {
    "a map without a way that can be walked": (_empty_map, "found no way that can be walked in motorway.osm"),
    "half a pbf": (_half_pbf, "half.osm.pbf"),
    "a map of nothing": (_text("osm", "bare.osm", "<osm version='0.6'></osm>"), "street map bare.osm holds no node"),
    "an empty map file": (_text("osm", "a.osm", ""), "street map a.osm is no whole OpenStreetMap file"),
    "a graph in degrees said to be metres": (_graph(crs="EPSG:4547"), "street network town.graphml says it is in"),
    "a graph without an edge": (_text("osm", "a.graphml", "<graphml><graph/></graphml>"), "street network a.graphml"),
    "sources in degrees said to be metres": (_degrees_as_metres, "sources.gpkg says it is in"),
    "no sources": (_text("sources", "s.csv", "id,lon,lat\n"), "sources: none of 0 rows of s.csv has a place"),
    "an empty file of sources": (_text("sources", "s.csv", ""), "table s.csv is empty; needed a header and rows"),
    "sources without a number": (_text("sources", "s.csv", "id,lon,lat\na,nan,nan\n"), "none of 1 rows of s.csv has"),
    "sources without places": (_text("sources", "s.csv", "id,address\na,here\n"), "sources: found columns"),
    "two sources of one id": (
        _text("sources", "s.csv", "id,lon,lat\na,114.3,30.6\nb,114.3,30.6\na,114.31,30.6\n"),
        "sources (s.csv): column 'id' holds 'a' in row 2 and again in row 4",
    ),
    "a source without an id": (
        _text("sources", "s.csv", "id,lon,lat\na,114.3,30.6\n,114.31,30.6\n"),
        "sources (s.csv): found nothing in column 'id', row 3",
    ),
    "no demand": (_text("demand", "d.csv", "id,lon,lat,households\n"), "demand: none of 0 rows of d.csv has a place"),
    "heights of another place": (
        _text("heights", "h.csv", "lon,lat,z_m\n120,31,3\n120.1,31,4\n120,31.1,5\n"),
        "heights: found none at any of",
    ),
    "heights that are none": (
        _text("heights", "h.csv", "lon,lat,z_m\n114.3,30.6,-9999\n114.4,30.6,inf\n114.3,30.7,\n"),
        "heights: h.csv has no height in any of its 3 rows",
    ),
    "all sources in the sea": (_all_in_the_sea, "nearest site 57,"),
    "demand of another city": (_another_city, "nearest demand point 4"),
    "metres without a system": (_metres, "declares no coordinate system"),
    "a limit of 0": (_options("--minutes", "0"), "found --minutes '0', needed numbers above 0"),
    "an infinite limit": (_options("--minutes", "5,inf"), "below infinity"),
    "a limit that is no number": (_options("--minutes", "nan"), "found --minutes 'nan'"),
    "a negative limit": (_options("--minutes", "-5"), "found --minutes '-5'"),
    "words as a limit": (_options("--minutes", "five"), "found --minutes 'five'"),
    "metres in time mode": (_options("--metres", "300"), "found --metres in time mode"),
    "minutes without metres": (_options("--mode", "distance", "--minutes", "7"), "5 = 300 m"),
    "an unknown mode": (_options("--mode", "miles"), "found --mode 'miles', needed time or distance"),
    "an unknown state of gates": (_options("--gates-state", "ajar"), "found --gates-state 'ajar'"),
    "an unknown speed": (_options("--speed", "runner"), "found the speed 'runner'"),
    "an unknown moment": (_options("--at", "noon"), "noon"),
    "an unknown column": (_options("--by", "block"), "needed 'block'"),
    "an unknown kind column": (_options("--kind", "sort"), "sources (sources.csv): found columns"),
    "an unknown system": (_options("--crs", "EPSG:999999"), "EPSG:999999"),
    "themes without kinds": (_no_kind, "found --themes and no kind of any source"),
    "two rows of one id": (_swap("id", "a"), "holds 'a' in row 2 and again in row 3"),
    "households below 0": (_swap("households", "-3"), "found '-3' in column 'households', row 3"),
    "households that are no number": (_swap("households", "many"), "found 'many' in column 'households', row 3"),
    "households left blank": (_swap("households", ""), "found nothing in column 'households', row 3"),
    "names of persons": (_persons, "姓名"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_used_stops_with_a_sentence_and_writes_nothing(
    case: str, tmp_path: Path, town: dict[str, Path]
) -> None:
    make, sentence = BAD[case]
    more = make(tmp_path, town)
    before = sorted(tmp_path.iterdir())
    code, said, told = walk(town, tmp_path / "out", *more)
    assert code == EXIT_UNUSABLE, (said, told)
    last = told.strip().splitlines()[-1]
    assert last.startswith("wangge: ")
    assert sentence in last
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("name", ["osm", "sources", "demand"])
def test_a_missing_file_is_named(name: str, tmp_path: Path, town: dict[str, Path]) -> None:
    gone = tmp_path / f"gone{town[name].suffix}"
    code, _, told = walk({**town, name: gone}, tmp_path / "out")
    assert code == EXIT_UNUSABLE
    assert gone.name in told


def test_ctrl_c_leaves_what_was_there_and_nothing_half_written(
    tmp_path: Path, town: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    assert walk(town, out)[0] == 0
    before = {path.name: path.read_bytes() for path in out.iterdir()}

    def stop(*_: object, **__: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr("spatial.walking.survey.build_isochrones", stop)
    code, _, told = walk(town, out, "--minutes", 3)
    assert code == EXIT_STOPPED
    assert "stopped; nothing was written" in told
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_folder_with_other_files_or_inputs_is_left_alone(tmp_path: Path, town: dict[str, Path]) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("irreplaceable", encoding="utf-8")
    for out, held in ((mine, "thesis.txt"), (tmp_path, "which would be lost"), (town["osm"], "is a file")):
        code, _, told = walk(town, out)
        assert code == EXIT_UNUSABLE
        assert held in told
    assert (mine / "thesis.txt").read_text(encoding="utf-8") == "irreplaceable"
