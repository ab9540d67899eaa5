from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from spatial.errors import InputError
from spatial.io.block_borders import draw_adjacency, read_adjacency
from spatial.io.blocks import GivenBlocks, read_blocks
from spatial.io.profiles import read_profile
from spatial.tables import ADJACENCY, require
from tests.io.given import borders, read, town, write
from tests.real_data import real

RULES = read_profile("about_500").land


@pytest.fixture(name="given")
def _given(tmp_path: Path) -> GivenBlocks:
    return read(town(), tmp_path)


@pytest.mark.parametrize("name", ["p.csv", "p.parquet", "p.xlsx", "p.gpkg"])
def test_borders_come_from_any_table(tmp_path: Path, given: GivenBlocks, name: str) -> None:
    path = tmp_path / name
    if name == "p.xlsx":
        borders().to_excel(path, index=False)
    else:
        write(borders(), path)
    adjacency, listed = read_adjacency(path, given)
    require(adjacency, ADJACENCY)
    assert adjacency["focal"].tolist() == list("aabbcde")
    assert adjacency["neighbor"].tolist() == list("bdcefef")
    assert adjacency["clarity"].tolist() == [0.5] * 7
    assert adjacency["crossable"].all()
    assert listed.empty


def test_borders_may_be_a_layer_of_lines_beside_the_blocks(tmp_path: Path) -> None:
    path = write(town(), tmp_path / "city.gpkg", layer="blocks")
    lines = gpd.GeoDataFrame(borders(), geometry=[shapely.LineString([(0, 0), (1, 1)])] * 7, crs=4547)
    write(lines, path, layer="adjacency")
    given = read_blocks(f"{path}:blocks", read_profile("about_500"), households="households")
    assert len(read_adjacency(f"{path}:adjacency", given)[0]) == 7


def test_clarity_crossable_and_barrier_are_taken_where_they_are_told(tmp_path: Path, given: GivenBlocks) -> None:
    more = borders(clarity=0.25, crossable=["yes", "no", "", "1", "0", "true", "否"], barrier="river")
    adjacency, _ = read_adjacency(write(more, tmp_path / "p.csv"), given)
    assert adjacency["clarity"].tolist() == [0.25] * 7
    assert adjacency.set_index(["focal", "neighbor"])["crossable"].loc[[("b", "c"), ("d", "e"), ("c", "f")]].sum() == 0
    assert set(adjacency["barrier"]) == {"river"}


def test_clarity_alone_tells_the_clear_length(tmp_path: Path, given: GivenBlocks) -> None:
    rows = borders(clarity=0.3).drop(columns="clear_m")
    adjacency, _ = read_adjacency(write(rows, tmp_path / "p.csv"), given)
    assert adjacency["clear_m"].to_numpy() == pytest.approx(30.0)


def test_a_pair_told_both_ways_is_one_border(tmp_path: Path, given: GivenBlocks) -> None:
    rows = borders()
    mirrored = rows.rename(columns={"focal": "neighbor", "neighbor": "focal"})
    adjacency, listed = read_adjacency(write(pd.concat([rows, mirrored]), tmp_path / "p.csv"), given)
    assert len(adjacency) == 7
    assert listed[["reason", "action", "detail"]].iloc[0].tolist() == ["pairs in two rows", "merged", "7 rows"]


def _with(row: int, **cells: Any) -> Any:
    rows = borders().astype(object)
    for name, value in cells.items():
        rows.loc[row, name] = value
    return rows


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        (_with(2, neighbor="z"), r"found 'z' in column 'neighbor', row 4; needed one of the 6 blocks"),
        (_with(2, neighbor="d"), r"found 'd' in column 'neighbor', row 4; needed another block"),
        (_with(0, shared_m=-1), r"found '-1' in column 'shared_m', row 2; needed a number of at least 0"),
        (_with(0, shared_m="long"), r"found 'long' in column 'shared_m', row 2"),
        (_with(0, shared_m=None), r"found nothing in column 'shared_m', row 2"),
        (_with(3, clear_m=101), r"found '101' in column 'clear_m', row 5; needed at most shared_m"),
        (_with(0, clarity=1.5), r"in column 'clarity', row 2"),
        (_with(0, crossable="maybe"), r"found 'maybe' in column 'crossable', row 2; needed yes or no"),
        (_with(6, focal="b", neighbor="a", shared_m=90), r"rows 2 and 8 both tell of the pair 'a' and 'b'"),
        (borders().drop(columns="focal"), r"needed 'focal'"),
        (borders().drop(columns="shared_m"), r"needed 'shared_m'"),
        (borders().drop(columns="clear_m"), r"needed 'clear_m' \(or 'clarity'\)"),
    ],
)
def test_a_border_that_cannot_be_read_is_refused_by_column_and_row(
    tmp_path: Path, given: GivenBlocks, rows: Any, found: str
) -> None:
    with pytest.raises(InputError, match=rf"^adjacency \(p.csv\): .*{found}"):
        read_adjacency(write(rows, tmp_path / "p.csv"), given)


def test_ids_that_look_like_telephone_numbers_are_ids(tmp_path: Path) -> None:
    names = dict(zip("abcdef", ["13812345678", *"bcdef"], strict=True))
    given = read(town().replace({"block_id": names}), tmp_path)
    rows = borders().replace({"focal": names})
    assert "13812345678" in read_adjacency(write(rows, tmp_path / "p.csv"), given)[0]["focal"].tolist()


def test_blocks_without_any_border_are_told(tmp_path: Path, given: GivenBlocks) -> None:
    _, listed = read_adjacency(write(borders().iloc[:4], tmp_path / "p.csv"), given)
    assert listed.empty
    _, listed = read_adjacency(write(borders().iloc[:2], tmp_path / "p.csv"), given)
    assert listed["row"].tolist() == ["d", "e", "f"]


def test_without_a_file_the_outlines_tell_and_no_border_is_clear(given: GivenBlocks) -> None:
    adjacency, listed = draw_adjacency(given, RULES)
    assert adjacency["focal"].tolist() == list("aabbcde")
    assert adjacency["shared_m"].tolist() == [100.0] * 7
    assert adjacency["clear_m"].sum() == adjacency["clarity"].sum() == 0
    assert adjacency["crossable"].all()
    assert listed["reason"].tolist() == ["no adjacency given"]


@pytest.mark.real
@pytest.mark.parametrize("name", ["wuh_0060", "wuh_2000", "hel_roads"])
def test_outlines_of_the_benchmark_give_its_published_borders(name: str) -> None:
    path = real(f"partition/bench/{name}.gpkg")
    given = read_blocks(f"{path}:blocks", read_profile("about_500"), households="households")
    told, _ = read_adjacency(f"{path}:adjacency", given)
    drawn, _ = draw_adjacency(given, RULES)
    both = told.merge(drawn, on=["focal", "neighbor"], how="outer", suffixes=("", "_drawn"), indicator=True)
    assert (both["_merge"] == "both").all()
    assert both["shared_m_drawn"].to_numpy() == pytest.approx(both["shared_m"].to_numpy(), abs=1e-9)
