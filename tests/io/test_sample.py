"""A written sample comes in as a planner's files do, says what its truth says, and has the same bytes every time."""

import hashlib
import json
import tomllib
from functools import lru_cache
from pathlib import Path

import geopandas as gpd
import numpy as np
import openpyxl
import osmium
import pyogrio
import pytest
import shapely

from spatial.crs import to_lonlat
from spatial.errors import InputError
from spatial.io.osm import read_osm
from spatial.io.sample import is_sample, write_sample
from spatial.sample.district import District, make_district

COMMITTED = Path(__file__).parents[2] / "data" / "sample"
TEXT = (
    "streets.osm.pbf", "gates.geojson", "candidates.geojson", "existing.geojson", "pois.csv", "elevation.csv",
    "truth.json", "district.toml",
)  # fmt: skip
PACKAGES = ("communities", "estates", "buildings", "current")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sample(tmp_path_factory.mktemp("sample") / "district")


@lru_cache(maxsize=1)
def made() -> District:
    return make_district(rng=np.random.default_rng(1))


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def test_the_committed_sample_is_what_the_default_seed_makes(folder: Path) -> None:
    assert sorted(p.name for p in COMMITTED.iterdir()) == sorted(p.name for p in folder.iterdir())
    for name in TEXT:
        assert (COMMITTED / name).read_bytes() == (folder / name).read_bytes(), name
    for name in PACKAGES:
        ours, theirs = (gpd.read_file(where / f"{name}.gpkg") for where in (COMMITTED, folder))
        assert ours.drop(columns="geometry").equals(theirs.drop(columns="geometry"))
        assert shapely.equals_exact(ours.geometry.to_numpy(), theirs.geometry.to_numpy(), 0.0).all()
    ours, theirs = (openpyxl.load_workbook(where / "小区名录.xlsx").active for where in (COMMITTED, folder))
    assert list(ours.values) == list(theirs.values)


def test_the_committed_sample_is_small() -> None:
    assert sum(path.stat().st_size for path in COMMITTED.iterdir()) < 2.5e6


def test_the_same_seed_writes_the_same_bytes_of_every_file(folder: Path, tmp_path: Path) -> None:
    assert digests(write_sample(tmp_path / "again", seed=1)) == digests(folder)


def test_another_seed_writes_other_streets_estates_and_buildings(folder: Path, tmp_path: Path) -> None:
    other, ours = digests(write_sample(tmp_path / "other", seed=2)), digests(folder)
    assert all(other[name] != ours[name] for name in ours)


def test_the_street_map_reads_back_as_it_was_made(folder: Path) -> None:
    district = made()
    read = read_osm(folder / "streets.osm.pbf")
    assert not any(read.dropped.values())
    assert read.crs == district.crs
    made_ways = district.streets.ways.set_index("way_id")
    ways = read.ways.set_index("way_id")
    assert set(ways.index) == set(made_ways.index)
    for tag in ("highway", "barrier", "railway", "waterway", "bridge", "access", "oneway", "name"):
        assert (ways[tag] == made_ways.loc[ways.index, tag]).all(), tag
    assert all(a.tolist() == b.tolist() for a, b in zip(ways["nodes"], made_ways.loc[ways.index, "nodes"], strict=True))
    lines = made_ways.loc[ways.index].geometry
    assert shapely.equals_exact(ways.geometry.to_numpy(), lines.to_numpy(), 0.02).all()
    assert len(read.areas) == len(district.streets.areas)
    gates = read.points[read.points["barrier"].isin(["gate", "lift_gate"])]
    assert len(gates) == district.streets.points["barrier"].ne("").sum()


def test_the_street_map_is_sorted_and_carries_no_clock(folder: Path) -> None:
    kinds, ids = [], []
    for thing in osmium.FileProcessor(str(folder / "streets.osm.pbf")):
        kinds.append("nwr".index(str(thing.type_str())))
        ids.append(thing.id)
        assert thing.version == 1
        assert thing.timestamp.timestamp() == 0
    order = list(zip(kinds, ids, strict=True))
    assert order == sorted(set(order))


def test_walls_and_the_outlines_of_estates_share_their_nodes(folder: Path) -> None:
    rings: dict[str, set[int]] = {"wall": set(), "residential": set()}
    for way in osmium.FileProcessor(str(folder / "streets.osm.pbf"), osmium.osm.WAY):
        for kind, key in (("wall", "barrier"), ("residential", "landuse")):
            if way.tags.get(key) == kind:
                rings[kind] |= {node.ref for node in way.nodes}
    assert len(rings["wall"] & rings["residential"]) > 0.8 * len(rings["wall"])


def test_communities_still_tile_after_rounding_and_share_vertices_with_streets(folder: Path) -> None:
    outlines = gpd.read_file(folder / "communities.gpkg").geometry.to_numpy()
    assert shapely.is_valid(outlines).all()
    assert shapely.coverage_is_valid(outlines)
    nodes = set()
    for node in osmium.FileProcessor(str(folder / "streets.osm.pbf"), osmium.osm.NODE):
        nodes.add((node.location.x, node.location.y))
    corners = np.rint(shapely.get_coordinates(outlines) * 1e7).astype(int)
    shared = [(x, y) in nodes for x, y in corners.tolist()]
    assert np.mean(shared) > 0.7  # the rest lies on the median of the dual arterial or on bare banks


def test_the_tables_speak_chinese_and_their_households_agree(folder: Path) -> None:
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    estates = gpd.read_file(folder / "estates.gpkg")
    assert {"estate_id", "小区名称", "总户数", "封闭/开放", "物业公司", "elderly", "children"} <= set(estates.columns)
    assert dict(zip(estates["estate_id"], estates["总户数"], strict=True)) == {
        key: told["households"] for key, told in truth["estates"].items()
    }
    buildings = gpd.read_file(folder / "buildings.gpkg")
    assert dict(zip(buildings["building_id"], buildings["households"], strict=True)) == {
        key: households for key, (_, households) in truth["buildings"].items()
    }
    communities = gpd.read_file(folder / "communities.gpkg")
    assert communities["households"].sum() == truth["totals"]["households"] == buildings["households"].sum()
    current = gpd.read_file(folder / "current.gpkg")
    assert set(current["layer"]) == {"综治", "城管"}


def test_the_register_says_households_in_words_and_admits_what_it_does_not_know(folder: Path) -> None:
    rows = list(openpyxl.load_workbook(folder / "小区名录.xlsx").active.values)
    assert rows[0][:3] == ("序号", "小区名称", "总户数")
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    told = {estate["name"]: f"{estate['households']}户" for estate in truth["estates"].values()}
    assert len(rows) - 1 == len(told)
    unknown = [row[1] for row in rows[1:] if row[2] == "暂无资料"]
    assert 1 <= len(unknown) <= 3
    assert all(row[2] == told[row[1]] for row in rows[1:] if row[1] not in unknown)
    outline = shapely.union_all(to_lonlat(made().estates.geometry.to_numpy(), made().crs))
    assert all(shapely.intersects_xy(outline, row[6], row[7]) for row in rows[1:])


def test_every_file_that_the_document_names_is_there(folder: Path) -> None:
    document = tomllib.loads((folder / "district.toml").read_text(encoding="utf-8"))
    for key in ("communities", "osm", "estates", "buildings", "gates", "candidates", "existing", "current", "pois"):
        assert (folder / document[key]).is_file()
    assert document["coords"] == "wgs84"


def test_an_earlier_sample_is_replaced_and_anything_else_is_refused(tmp_path: Path) -> None:
    folder = write_sample(tmp_path / "sample", seed=3, communities=4)
    assert is_sample(folder)
    before = digests(folder)
    assert digests(write_sample(folder, seed=4, communities=4)) != before
    own = tmp_path / "own"
    own.mkdir()
    (own / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="holds no sample"):
        write_sample(own)
    with pytest.raises(InputError, match="is a file"):
        write_sample(own / "notes.txt")
    assert [path.name for path in own.iterdir()] == ["notes.txt"]


def test_an_empty_folder_is_filled_and_a_refused_size_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert is_sample(write_sample(tmp_path / "empty", communities=4))
    with pytest.raises(InputError, match="2 communities"):
        write_sample(tmp_path / "none", communities=2)
    assert not (tmp_path / "none").exists()


def test_writing_leaves_the_settings_of_gdal_as_they_were(tmp_path: Path) -> None:
    write_sample(tmp_path / "sample", communities=4)
    assert pyogrio.get_gdal_config_option("OGR_CURRENT_DATE") is None
