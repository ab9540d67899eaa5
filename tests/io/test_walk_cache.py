"""A walk network read in one go is what the map's frames make, and is kept for the next time."""

import os
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely

from spatial.errors import InputError, TableError
from spatial.io import walk_cache
from spatial.io.district import read_district
from spatial.io.osm import read_osm
from spatial.io.profiles import read_profile
from spatial.io.sample import write_sample
from spatial.io.streets import read_streets
from spatial.io.walk_cache import load_network, store_network
from spatial.io.walk_network import read_walk_network
from spatial.walking.network import WalkNetwork, build_walk_network
from spatial.walking.walker import Walker
from tests.io.osm_town import convert, write_town
from tests.io.pbf_bytes import blob, write
from tests.real_data import real

PROFILE = read_profile()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WANGGE_CACHE", str(tmp_path / "kept"))
    return tmp_path / "kept"


def same(one: Any, other: Any, name: str = "network") -> None:
    """The two are equal to the last bit, and look the same to a compiled kernel."""
    assert type(one) is type(other), name
    if is_dataclass(one):
        for field in fields(one):
            same(getattr(one, field.name), getattr(other, field.name), f"{name}.{field.name}")
    elif isinstance(one, np.ndarray) and one.dtype != object:
        assert (one.dtype, one.shape) == (other.dtype, other.shape), name
        for flag in ("C_CONTIGUOUS", "F_CONTIGUOUS", "WRITEABLE", "ALIGNED"):
            assert one.flags[flag] == other.flags[flag], (name, flag)
        assert one.tobytes() == other.tobytes(), name
    elif isinstance(one, np.ndarray):
        assert shapely.to_wkb(one).tolist() == shapely.to_wkb(other).tolist(), name
    else:
        assert one == other, name


def kept(folder: Path) -> list[Path]:
    return sorted(folder.glob("*")) if folder.exists() else []


@pytest.mark.parametrize(
    "name",
    ["porto-alegre/poa.osm.pbf", "helsinki/helsinki.osm.pbf", "beijing-wudaokou/map.osm.gz", "moscow/moscow.osm.gz"],
)
def test_a_map_read_in_one_go_makes_the_network_of_its_frames(name: str) -> None:
    path = real(name)
    same(read_walk_network(path, PROFILE, cache=False), build_walk_network(read_osm(path), PROFILE))


@pytest.mark.parametrize("walker", [Walker("stroller", steps=False), Walker("elderly", at="Tu 20:30")])
def test_so_it_does_for_other_walkers_and_for_a_part_of_the_map(walker: Walker) -> None:
    path = real("helsinki/helsinki.osm.pbf")
    whole = read_osm(path)
    west, south, east, north = gpd.GeoSeries([whole.outline], crs=whole.crs).to_crs(4326).total_bounds
    clip = shapely.box(west, south, (west + east) / 2, north)
    one = read_walk_network(path, PROFILE, walker=walker, clip=clip, cache=False)
    same(one, build_walk_network(read_osm(path, clip=clip), PROFILE, walker=walker))


def test_the_broken_town_makes_the_network_of_its_frames_in_every_format(tmp_path: Path) -> None:
    plain = write_town(tmp_path)
    for path in (plain, convert(plain, ".osm.pbf")):
        same(read_walk_network(path, PROFILE, cache=False), build_walk_network(read_osm(path), PROFILE))


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    write_sample(folder)
    return folder


def sample_tables(sample: Path) -> dict[str, Any]:
    inputs, _ = read_district(sample)
    return {"gates": inputs.gates, "estates": inputs.estates}


def test_gates_and_estates_count_and_are_part_of_the_name(sample: Path, folder: Path) -> None:
    path, tables = sample / "streets.osm.pbf", sample_tables(sample)
    crs = tables["gates"].crs
    first = read_walk_network(path, PROFILE, crs=crs, **tables)
    same(first, build_walk_network(read_streets(path, crs=crs), PROFILE, **tables))
    same(read_walk_network(path, PROFILE, crs=crs, **tables), first)
    assert len(kept(folder)) == 1
    moved = tables["gates"].copy()
    moved.geometry = moved.geometry.translate(0.001)
    read_walk_network(path, PROFILE, crs=crs, gates=moved, estates=tables["estates"])
    read_walk_network(path, PROFILE, crs=crs, gates=tables["gates"].assign(access="open"), estates=tables["estates"])
    read_walk_network(path, PROFILE, crs=crs)
    assert len(kept(folder)) == 4


def town(tmp_path: Path) -> tuple[Path, WalkNetwork]:
    path = convert(write_town(tmp_path), ".osm.pbf")
    return path, read_walk_network(path, PROFILE)


def test_a_kept_network_is_mapped_and_not_made_again(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, first = town(tmp_path)
    (file,) = kept(folder)
    assert file.read_bytes()[:8] == b"wgwalk1\n"
    monkeypatch.setattr("spatial.io.walk_network.read_elements", None)
    again = read_walk_network(path, PROFILE)
    same(again, first)
    again.length_m[:] = -1.0  # a private copy: neither the file nor the next reader sees it
    same(read_walk_network(path, PROFILE), first)


def test_whatever_it_is_made_from_is_part_of_the_name(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, _ = town(tmp_path)
    read_walk_network(path, PROFILE, walker=Walker("elderly"))
    slower = replace(PROFILE, walking=replace(PROFILE.walking, adult_m_per_s=1.0))
    assert read_walk_network(path, slower).rules.adult_m_per_s == 1.0
    read_walk_network(path, replace(PROFILE, title="another name, the same walk"))
    assert len(kept(folder)) == 3
    read_walk_network(path, PROFILE, clip=shapely.box(114.3, 30.6, 114.303, 30.603))
    read_walk_network(path.rename(tmp_path / "renamed.osm.pbf"), PROFILE)
    assert len(kept(folder)) == 4
    more = write(tmp_path / "more.osm.pbf", (tmp_path / "renamed.osm.pbf").read_bytes(), blob("Index", b""))
    read_walk_network(more, PROFILE)
    assert len(kept(folder)) == 5
    monkeypatch.setattr(walk_cache, "_reader", lambda: "a program that reads otherwise")
    read_walk_network(more, PROFILE)
    assert len(kept(folder)) == 6


def test_a_damaged_file_is_as_good_as_none(tmp_path: Path, folder: Path) -> None:
    path, first = town(tmp_path)
    (file,) = kept(folder)
    whole = file.read_bytes()
    middle = bytearray(whole)
    middle[len(whole) // 2] ^= 1
    for wrong in (b"", whole[:10], whole[:-1], whole + b"\0", bytes(middle), b"x" + whole[1:], bytes(len(whole))):
        file.write_bytes(wrong)
        assert load_network(file.stem) is None
        same(read_walk_network(path, PROFILE), first)
        assert file.read_bytes() == whole  # made and kept again, the same to the last byte


def test_where_nothing_can_be_kept_the_network_is_there_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, first = town(tmp_path)
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("WANGGE_CACHE", str(tmp_path / "file" / "below"))
    same(read_walk_network(path, PROFILE), first)


def test_without_a_cache_nothing_is_kept(tmp_path: Path, folder: Path) -> None:
    read_walk_network(convert(write_town(tmp_path), ".osm.pbf"), PROFILE, cache=False)
    assert kept(folder) == []


def test_what_was_not_used_for_longest_makes_room(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, network = town(tmp_path)
    (file,) = kept(folder)
    monkeypatch.setattr(walk_cache, "_MOST_BYTES", int(2.5 * file.stat().st_size))
    os.utime(file, (1, 1))
    for name, when in (("b", 2), ("c", 3)):
        store_network(name, network)
        if (folder / f"{name}.walk").exists():
            os.utime(folder / f"{name}.walk", (when, when))
    assert [path.name for path in kept(folder)] == ["b.walk", "c.walk"]
    assert load_network("b") is not None  # used now, so the other one goes
    store_network("d", network)
    assert [path.name for path in kept(folder)] == ["b.walk", "d.walk"]


def test_what_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no\.osm\.pbf is not there"):
        read_walk_network(tmp_path / "no.osm.pbf", PROFILE)
    path = convert(write_town(tmp_path), ".osm.pbf")
    half = tmp_path / "half.osm.pbf"
    half.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match=r"half\.osm\.pbf is no whole OpenStreetMap file"):
        read_walk_network(half, PROFILE)
    with pytest.raises(TableError, match="gates"):
        read_walk_network(path, PROFILE, gates=gpd.GeoDataFrame({"a": [1]}, geometry=[shapely.Point(0, 0)], crs=32650))
