import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from spatial.errors import InputError
from spatial.io.assignment import check_file_target, write_assignment, write_report

ASSIGNMENT = pd.Series({"b": "东-002", "a": "东-001", "10": "东-002"})


def test_an_assignment_is_written_sorted_by_block(tmp_path: Path) -> None:
    path = tmp_path / "new" / "labels.csv"
    write_assignment(ASSIGNMENT, path)
    assert path.read_bytes().decode() == "block_id,grid_id\n10,东-002\na,东-001\nb,东-002\n"
    write_assignment(ASSIGNMENT, tmp_path / "labels.parquet")
    frame = pd.read_parquet(tmp_path / "labels.parquet")
    assert frame.to_dict("list") == {"block_id": ["10", "a", "b"], "grid_id": ["东-002", "东-001", "东-002"]}


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("old", encoding="utf-8")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", full)
    with pytest.raises(InputError, match=r"labels\.csv: No space left on device"):
        write_assignment(ASSIGNMENT, path)
    assert path.read_text(encoding="utf-8") == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["labels.csv"]


def test_what_a_killed_run_left_is_removed_by_the_next(tmp_path: Path) -> None:
    (tmp_path / ".labels.csv.0123abcd.unfinished").write_text("half", encoding="utf-8")
    write_assignment(ASSIGNMENT, tmp_path / "labels.csv")
    assert [one.name for one in tmp_path.iterdir()] == ["labels.csv"]


def test_a_report_is_strict_json(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    report = {"gap": float("nan"), "bound": -np.inf, "n": np.int64(3), "yes": np.bool_(True), "trace": [(0.5, 1.0)]}
    write_report(report, path)
    read = json.loads(path.read_text(encoding="utf-8"), parse_constant=pytest.fail)
    assert read == {"gap": None, "bound": None, "n": 3, "yes": True, "trace": [[0.5, 1.0]]}


def test_a_target_that_cannot_be_written_is_refused_before_any_work(tmp_path: Path) -> None:
    blocks = tmp_path / "b.parquet"
    for path, found in (
        (tmp_path / "labels.txt", "ends with .csv or .parquet"),
        (blocks, "is an input and would be lost"),
        (tmp_path / "b.parquet" / "x.csv", "cannot write to"),
    ):
        blocks.write_bytes(b"")
        with pytest.raises(InputError, match=found):
            check_file_target(path, (".csv", ".parquet"), [f"{blocks}|layer=x"])
    (tmp_path / "f.csv").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        check_file_target(tmp_path / "f.csv", (".csv",), [])
    assert sorted(one.name for one in tmp_path.iterdir()) == ["b.parquet", "f.csv"]
