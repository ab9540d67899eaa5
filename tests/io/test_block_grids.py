import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from spatial.errors import InputError
from spatial.io.block_grids import read_current_grids, read_locks
from spatial.io.blocks import GivenBlocks
from tests.io.given import ORIGIN, read, town, write


@pytest.fixture(name="given")
def _given(tmp_path: Path) -> GivenBlocks:
    return read(town(), tmp_path)


def _table(tmp_path: Path, name: str = "t.csv", **columns: Any) -> Path:
    return write(pd.DataFrame(columns), tmp_path / name)


def test_todays_grids_stand_in_a_table_by_block(tmp_path: Path, given: GivenBlocks) -> None:
    for name in ("t.csv", "t.parquet"):
        path = _table(tmp_path, name, block_id=list("fedcba"), grid_id=[2, 2, 1, 2, 1, 1])
        current, listed = read_current_grids(path, given)
        assert current.to_dict() == {"a": "1", "b": "1", "c": "2", "d": "1", "e": "2", "f": "2"}
        assert listed.empty


def test_blocks_that_are_in_no_grid_or_not_known_are_told(tmp_path: Path, given: GivenBlocks) -> None:
    path = _table(tmp_path, block_id=["a", "b", "z"], 网格=["甲", "", "乙"])
    current, listed = read_current_grids(path, given, column="网格")
    assert current.to_dict() == {"a": "甲"}
    assert listed["reason"].tolist() == ["names no block that is known", "blocks in no grid of today"]
    assert listed["detail"].tolist() == ["乙", "5"]


def test_the_blocks_own_id_column_is_known_in_other_tables(tmp_path: Path) -> None:
    given = read(town().rename(columns={"block_id": "地块"}), tmp_path, block_id="地块")
    path = _table(tmp_path, 地块=list("ab"), grid_id=["1", "2"])
    assert read_current_grids(path, given)[0].to_dict() == {"a": "1", "b": "2"}


def test_areas_of_todays_grids_hold_the_blocks_that_lie_mostly_in_them(tmp_path: Path, given: GivenBlocks) -> None:
    x, y = ORIGIN
    west, east = shapely.box(x, y, x + 130, y + 200), shapely.box(x + 130, y, x + 290, y + 200)
    areas = gpd.GeoDataFrame({"code": ["W", "E"]}, geometry=[west, east], crs=4547)
    current, listed = read_current_grids(write(areas, tmp_path / "g.gpkg"), given, column="code")
    assert current.to_dict() == {"a": "W", "b": "E", "c": "E", "d": "W", "e": "E", "f": "E"}
    split = listed[listed["reason"] == "block not wholly in one grid of today"]
    assert split[["row", "detail"]].to_numpy().tolist() == [["b", "70% of it in E"], ["e", "70% of it in E"]]


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        ({"block_id": ["a", "a"], "grid_id": ["1", "2"]}, "holds 'a' in row 2 and again in row 3"),
        ({"block_id": ["a"], "grid": ["1"]}, r"needed 'grid_id' \(--current-column\)"),
        ({"block": ["a"], "grid_id": ["1"]}, "needed 'block_id'"),
        ({"block_id": ["z"], "grid_id": ["1"]}, "no row names a block that is known"),
    ],
)
def test_a_table_of_grids_that_cannot_be_used_is_refused(
    tmp_path: Path, given: GivenBlocks, columns: dict[str, Any], found: str
) -> None:
    with pytest.raises(InputError, match=rf"current \(t.csv\): .*{found}"):
        read_current_grids(_table(tmp_path, **columns), given)


def test_ties_stand_in_a_table(tmp_path: Path, given: GivenBlocks) -> None:
    path = _table(tmp_path, block_id=list("abcd"), grid_id=["1", "", "2", ""], together=["", "x", "", "x"])
    assert read_locks(path, given) == ({"a": "1", "c": "2"}, (("b", "d"),))
    path = _table(tmp_path, block_id=["a", "b", "b", "c"], together=["x", "x", "y", "y"])
    assert read_locks(path, given) == ({}, (("a", "b"), ("b", "c")))


def test_ties_stand_in_json(tmp_path: Path, given: GivenBlocks) -> None:
    path = tmp_path / "t.json"
    path.write_text(json.dumps({"fixed": {"b": 2, "a": "1"}, "together": [["d", "c", "d"]]}), encoding="utf-8")
    assert read_locks(path, given) == ({"a": "1", "b": "2"}, (("c", "d"),))


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("{", "not readable as JSON"),
        ("[]", "needed {"),
        ('{"fixed": {"a": ["1"]}}', "needed {"),
        ('{"tied": {}}', "needed {"),
        ('{"fixed": {"z": "1"}}', "found block 'z', needed one of the 6 blocks"),
        ('{"together": [["a", "q"]]}', "found block 'q'"),
    ],
)
def test_ties_that_cannot_be_read_are_refused(tmp_path: Path, given: GivenBlocks, content: str, found: str) -> None:
    (tmp_path / "t.json").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=rf"locks \(t.json\).*{found}"):
        read_locks(tmp_path / "t.json", given)


def test_a_block_tied_to_two_grids_is_refused_by_row(tmp_path: Path, given: GivenBlocks) -> None:
    path = _table(tmp_path, block_id=["a", "a"], grid_id=["1", "2"])
    with pytest.raises(InputError, match=r"row 3 ties block 'a' to '2' as well as '1'"):
        read_locks(path, given)
    with pytest.raises(InputError, match=r"needed 'grid_id' or 'together'"):
        read_locks(_table(tmp_path, block_id=["a"], other=["1"]), given)
