"""Tables of costs by pair, as programs and people write them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from spatial.errors import InputError
from spatial.io.cost_table import read_costs, tell_strange

SITES = np.array(["007", "甲"], dtype=object)
DEMAND = np.array(["010", "d1"], dtype=object)
PAIRS = [("007", "d1", 30.0), ("甲", "010", 12.5), ("甲", "d1", 4.0)]
TEXT = "source_id,demand_id,seconds\n" + "".join(f"{a},{b},{cost:g}\n" for a, b, cost in PAIRS)


def found(path: Path, column: str | None = None) -> list[tuple[str, str, float]]:
    table = read_costs(path, SITES, DEMAND, column=column)
    assert not any(table.strange.values())
    return [(SITES[s], DEMAND[d], cost) for s, d, cost in zip(table.site, table.demand, table.cost, strict=True)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_text_means_the_same_in_every_encoding_and_with_every_delimiter(
    encoding: str, delimiter: str, end: str, tmp_path: Path
) -> None:
    # the header is in plain letters: only the ids tell in what the text is written
    path = tmp_path / "times.csv"
    path.write_bytes(TEXT.replace(",", delimiter).replace("\n", end).encode(encoding))
    assert found(path) == PAIRS


@pytest.mark.parametrize(
    "header",
    [
        "source_id, demand_id, seconds",
        ' "source_id" , "demand_id","seconds"',
        "Source_ID,DEMAND_ID,Seconds",
        "origin_id,destination_id,walk_s",
        "from_id,to_id,travel_time",
        "设施编码,需求点编码,秒",
        "site_id,id,cost",
    ],
)
def test_columns_are_known_by_the_names_that_programs_and_offices_give_them(header: str, tmp_path: Path) -> None:
    path = tmp_path / "times.csv"
    path.write_text(TEXT.replace("source_id,demand_id,seconds", header), encoding="utf-8")
    assert found(path) == PAIRS
    frame = pd.DataFrame(PAIRS, columns=[name.strip(' "') for name in header.split(",")])
    frame.to_parquet(tmp_path / "times.parquet", index=False)
    assert found(tmp_path / "times.parquet") == PAIRS


def test_the_columns_may_stand_in_any_order_among_others(tmp_path: Path) -> None:
    frame = pd.DataFrame(PAIRS, columns=["source_id", "demand_id", "seconds"]).assign(metres=1.0, note="x")
    for order in (["metres", "seconds", "note", "demand_id", "source_id"], list(frame.columns)):
        frame[order].to_csv(tmp_path / "times.csv", index=False)
        assert found(tmp_path / "times.csv") == PAIRS
    table = read_costs(tmp_path / "times.csv", SITES, DEMAND, column=" Metres ")
    assert (table.column, table.in_seconds, table.cost.tolist()) == ("metres", False, [1.0] * 3)
    assert read_costs(tmp_path / "times.csv", SITES, DEMAND).in_seconds


def test_an_id_that_was_kept_as_a_number_is_not_guessed_but_told(tmp_path: Path) -> None:
    path = tmp_path / "times.csv"
    known = {"sites": SITES, "demand": DEMAND}
    for written, twin in (("7", "'7' may stand for '007'"), ("7.0", "'7.0' may stand for '007'")):
        path.write_text(f"source_id,demand_id,seconds\n{written},d1,3\n", encoding="utf-8")
        table = read_costs(path, SITES, DEMAND)
        assert table.site.tolist() == [-1]
        assert twin in tell_strange(table, "times.csv", known)
    path.write_text("source_id,demand_id,seconds\nA,d1,3\n", encoding="utf-8")
    assert "may stand" not in tell_strange(read_costs(path, SITES, DEMAND), "times.csv", known)


def test_whole_numbers_of_a_table_of_numbers_are_ids_without_a_fraction(tmp_path: Path) -> None:
    ids = np.array(["1", "2"], dtype=object)
    for kind in ("int64", "float64"):
        frame = pd.DataFrame({"source_id": [1, 2], "demand_id": [2, 1], "seconds": [3, 4]})
        frame.astype({"source_id": kind, "demand_id": kind}).to_parquet(tmp_path / "times.parquet", index=False)
        table = read_costs(tmp_path / "times.parquet", ids, ids)
        assert (table.site.tolist(), table.demand.tolist(), table.cost.tolist()) == ([0, 1], [1, 0], [3.0, 4.0])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a,b\n1,2\n", "found columns a, b; needed source_id, demand_id and a cost"),
        ("id,seconds\n1,2\n", "needed source_id, demand_id and a cost"),
        ("source_id,Source ID,demand_id,seconds\n1,2,3,4\n", "both say source_id"),
        ("source_id,demand_id,metres,minutes\n甲,d1,3,4\n", "needed 'seconds', or --cost-column"),
        ("", "needed source_id, demand_id and a cost"),
        ("source_id,demand_id,seconds\n甲,d1,far\n", "seconds is 'far' in row 1"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16"])
def test_a_table_that_cannot_be_used_is_refused_in_one_sentence(
    text: str, why: str, encoding: str, tmp_path: Path
) -> None:
    path = tmp_path / "times.csv"
    path.write_bytes(text.encode(encoding))
    with pytest.raises(InputError) as raised:
        read_costs(path, SITES, DEMAND)
    assert why in str(raised.value)
    assert "times.csv" in str(raised.value)
