"""`wangge site` from the tables that a planner brings to the answer that a program reads and the office's list."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from typer.testing import CliRunner

from api.command import app
from spatial.cli_site import EXIT_INFEASIBLE
from spatial.console import EXIT_STOPPED, EXIT_UNUSABLE

# A street with four houses, five minutes apart; D is open already.
TIMES = [(a, b, 300.0 * abs(i - k)) for i, a in enumerate("ABCD") for k, b in enumerate("abcd")]
DEMAND = "id,weight,elderly\na,100,10\nb,200,5\nc,50,50\nd,400,0\n"
SITES = (
    "id,cost,mode,fixed,lon,lat,street,floor_area_m2\n"
    "A,10,划转,0,108.700,34.3,东街,100\nB,300,新建,0,108.701,34.3,东街,200\n"
    "C,20,共享,0,108.703,34.3,西街,100\nD,5,腾退,1,108.705,34.3,西街,700\n"
)
KEYS = {"sites", "objective", "bound", "gap", "status", "assignment", "seconds", "notes", "conditions"}


def folder_of(folder: Path) -> Path:
    """Write the street into a folder, and return that."""
    frame = pd.DataFrame(TIMES, columns=["source_id", "demand_id", "seconds"])
    frame.to_csv(folder / "times.csv", index=False)
    frame.to_parquet(folder / "times.parquet", index=False)
    (folder / "demand.csv").write_text(DEMAND, encoding="utf-8")
    (folder / "candidates.csv").write_text(SITES, encoding="gb18030")
    return folder


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    return folder_of(tmp_path)


def run(folder: Path, *more: object, times: str = "times.csv") -> tuple[int, str, dict[str, Any]]:
    out = folder / "sites.json"
    given = ["--times", folder / times, "--demand", folder / "demand.csv", "--candidates", folder / "candidates.csv"]
    ran = CliRunner().invoke(app, ["site", *map(str, given), "--out", str(out), *map(str, more)])
    assert ran.exception is None or isinstance(ran.exception, SystemExit), ran.exception
    told = json.loads(out.read_text(encoding="utf-8"), parse_constant=pytest.fail) if out.exists() else {}
    out.unlink(missing_ok=True)
    return ran.exit_code, ran.stderr, told


@pytest.mark.parametrize(
    ("asked", "sites", "objective"),
    [
        (["--model", "pmedian", "--p", 1], ["B", "D"], 100 * 300 + 50 * 300),
        (["--model", "mclp", "--p", 1, "--cutoff-min", 5], ["B", "D"], 750),
        (["--model", "lscp", "--cutoff-min", 5], ["B", "D"], 1),
        (["--model", "pcenter", "--p", 1], None, 300),
        (["--model", "pmedian", "--p", 1, "--closable"], ["D"], 225_000),
        (["--model", "pmedian", "--p", 1, "--cost-budget", 30], ["A", "D"], 75_000),
        (["--model", "pmedian", "--p", 2, "--each-of", "street", "--kind", "mode=新建:1-"], ["A", "B", "D"], 15_000),
        (["--model", "pmedian", "--p", 1, "--weights", "elderly=1"], ["C", "D"], 10 * 600 + 5 * 300),
        (["--model", "mclp", "--p", 1, "--cutoff-min", 5, "--backup", 2], ["C", "D"], 450),
        (["--model", "mclp", "--p", 1, "--cutoff", 600, "--full-until", 300], None, 750),
    ],
)
def test_a_street_is_answered_as_by_hand(folder: Path, asked: list[object], sites: Any, objective: float) -> None:
    for times in ("times.csv", "times.parquet"):
        code, _, told = run(folder, *asked, times=times)
        assert code == 0
        assert told.keys() >= KEYS
        assert (told["objective"], told["bound"], told["gap"], told["status"]) == (objective, objective, 0.0, "optimal")
        assert sites is None or told["sites"] == sites
        assert set(told["assignment"]) == set("abcd")


def test_whom_no_site_serves_is_told_with_what_that_counts(folder: Path) -> None:
    code, _, told = run(folder, "--model", "pmedian", "--p", 1, "--cutoff-min", 1)
    assert code == 0
    assert told["unserved_weight"] > 0
    assert any("no site serves" in note for note in told["notes"])
    code, _, told = run(folder, "--model", "pmedian", "--p", 1)
    assert told["unserved_weight"] == 0


def test_the_list_says_what_to_build_and_what_it_takes(folder: Path) -> None:
    listed = folder / "list.xlsx"
    code, _, told = run(folder, "--model", "pmedian", "--p", 1, "--list", listed)
    rows = list(openpyxl.load_workbook(listed).active.values)
    assert code == 0
    assert [row[:2] for row in rows[1:3]] == [("B", "新建 new"), ("D", "保留 keep")]
    assert rows[1][3:6] == (300, 200, 105)  # 350 households at 30 m2 per 100
    assert told["by_site"][0]["floor_needed_m2"] == 105
    (folder / "candidates.csv").write_text("id\nA\nB\n", encoding="utf-8")
    run(folder, "--model", "pmedian", "--p", 1, "--list", listed, "--skip-unknown")
    assert list(openpyxl.load_workbook(listed).active.values)[1][:3] == ("B", "启用 open", None)  # no mode is known


def test_every_choice_worth_choosing_between_is_listed_where_that_is_asked(folder: Path) -> None:
    path = folder / "pareto.csv"
    code, _, told = run(folder, "--model", "mclp", "--p", 2, "--cutoff-min", 5, "--pareto", path)
    assert code == 0
    # D is open and covers c and d; with A everybody is covered, for 10; B would do as well for 300.
    assert [(row["sites"], row["new_sites"], row["value"], row["cost"]) for row in told["pareto"]] == [
        ([], 0, 450.0, 0.0),
        (["A"], 1, 750.0, 10.0),
    ]
    assert path.read_text(encoding="utf-8-sig").splitlines() == [
        "new_sites,value,cost,sites", "0,450.0,0.0,", "1,750.0,10.0,A",
    ]  # fmt: skip
    code, why, told = run(folder, "--model", "mclp", "--p", 2, "--cutoff-min", 5, "--pareto", folder / "times.csv")
    assert code == EXIT_UNUSABLE
    assert "is an input and would be lost" in why
    assert not told


def test_a_question_without_an_answer_says_what_would_do(folder: Path) -> None:
    code, text, told = run(folder, "--model", "lscp", "--cutoff-min", 0, "--p", 1)
    assert code == EXIT_INFEASIBLE
    assert "at least 3 are needed" in text
    assert (told["status"], told["sites"], told["smallest_p"]) == ("infeasible", [], 3)
    code, _, told = run(folder, "--model", "lscp", "--cutoff-min", 5, "--cost-budget", 5)
    assert (code, told["smallest_budget"]) == (EXIT_INFEASIBLE, 10)


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (["--model", "mclp"], "without --p"),
        (["--model", "best", "--p", 1], "needed lscp, mclp, pmedian or pcenter"),
        (["--model", "mclp", "--p", 1, "--cutoff-min", 5, "--cutoff", 9], "one of the two"),
        (["--model", "pmedian", "--p", 1, "--weights", "pupils=1"], "no group 'pupils'"),
        (["--model", "pmedian", "--p", 1, "--each-of", "town"], "no column 'town'"),
        (["--model", "pmedian", "--p", 1, "--kind", "mode:new"], "column=value:least-most"),
        (["--model", "pmedian", "--p", 1, "--cost-column", "metres"], "--cost-column"),
        (["--model", "pmedian", "--p", 1, "--kind", "mode=typo:0-0"], "no site has mode 'typo'"),
        (["--model", "pmedian", "--p", 1, "--weights", "elderly=1,elderly=3"], "'elderly' twice"),
        (["--model", "mclp", "--p", 1, "--cutoff", 600, "--full-until", "nan"], "full_until is nan"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_one_sentence(folder: Path, asked: list[object], why: str) -> None:
    code, text, told = run(folder, *asked)
    assert (code, told) == (EXIT_UNUSABLE, {})
    assert why in text


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("demand.csv", "id,elderly\na,1\n", "needed weight"),
        ("demand.csv", "id,weight\na,1\na,2\n", "'a' stands in more than one row"),
        ("demand.csv", "id,weight\na,-1\nb,1\nc,1\nd,1\n", "weight of 'a' is '-1'"),
        ("demand.csv", "id,weight\na,\nb,1\nc,1\nd,1\n", "weight of 'a' is ''"),
        ("demand.csv", "id,weight\na,1\nb,1\nc,1\n", "not in the demand ('d')"),
        ("candidates.csv", "id\nA\nB\nC\nX\n", "not in the candidates ('D')"),
        ("candidates.csv", "id,fixed\nA,perhaps\nB,0\nC,0\nD,0\n", "fixed of 'A' is 'perhaps'"),
        ("times.csv", "source_id,demand_id,seconds\nA,a,-3\n", "seconds is -3 in row 1"),
        ("times.csv", "source_id,demand_id\nA,a\n", "--cost-column"),
        (
            "times.csv",
            "source_id,demand_id,seconds\nA,a, 3 \n\nB,a,\nB,b,NaN\nC,a,far\nC,b,6\nD,a,near\n",
            "times.csv: seconds is 'far' in row 4 of the data; needed a number, 0 or more",
        ),
        (
            "times.csv",
            "source_id\tdemand_id\t秒\nA\ta\t3\nB\ta\t1,5\n",
            "times.csv: 秒 is '1,5' in row 2 of the data; needed a number, 0 or more",
        ),
        ("times.csv", "source_id,demand_id,seconds\nA,a,3\nB,a\n", "times.csv cannot be read: CSV parse error"),
    ],
)
def test_a_table_that_cannot_be_used_is_named_with_its_row_or_id(
    folder: Path, name: str, content: str, why: str
) -> None:
    (folder / name).write_text(content, encoding="utf-8")
    code, text, told = run(folder, "--model", "pmedian", "--p", 1)
    assert (code, told) == (EXIT_UNUSABLE, {})
    assert why in " ".join(text.split())


def test_capacities_limit_who_is_served_where_and_may_be_left_aside(folder: Path) -> None:
    (folder / "candidates.csv").write_text("id,capacity\nA,400\nB,400\nC,400\nD,400\n", encoding="utf-8")
    _, _, told = run(folder, "--model", "pmedian", "--p", 2)
    loads = {one["site_id"]: one["load"] for one in told["by_site"]}
    assert max(loads.values()) <= 400
    assert told["status"] == "optimal"
    assert told["objective"] == 45_000  # d alone fills its site; a, b and c share the other at b
    _, _, free = run(folder, "--model", "pmedian", "--p", 1, "--no-capacity")
    assert free["objective"] == 225_000


def test_equal_questions_give_equal_bytes_whatever_the_order_of_rows(folder: Path) -> None:
    def answer() -> dict[str, Any]:
        told = run(folder, "--model", "mclp", "--p", 1, "--cutoff-min", 5)[2]
        return {name: value for name, value in told.items() if name != "seconds"}

    first = answer()
    for name in ("times.csv", "demand.csv"):
        frame = pd.read_csv(folder / name)
        frame.sample(frac=1.0, random_state=1).to_csv(folder / name, index=False)
    assert answer() == first


def test_demand_that_no_site_reaches_is_told_with_what_it_counts(folder: Path) -> None:
    (folder / "demand.csv").write_text(DEMAND + "far,7,0\n", encoding="utf-8")
    code, _, told = run(folder, "--model", "pmedian", "--p", 1)
    assert code == 0
    assert (told["unreachable"], told["unreachable_weight"], told["assignment"]["far"]) == (["far"], 7, None)
    assert any("(far): 7 of the weight of 757 is no part of the objective" in note for note in told["notes"])
    code, text, told = run(folder, "--model", "lscp", "--cutoff-min", 5)
    assert (code, told["unreachable"], told["smallest_cutoff"]) == (EXIT_INFEASIBLE, ["far"], None)
    assert "far; no walk to them is listed" in text
    code, _, told = run(folder, "--model", "lscp", "--cutoff-min", 5, "--skip-unreachable")
    assert (code, told["sites"], told["unreachable"]) == (0, ["B", "D"], ["far"])


def test_a_number_of_sites_too_small_is_told_with_the_cutoff_that_would_do(folder: Path) -> None:
    code, text, told = run(folder, "--model", "pcenter", "--p", 1, "--cutoff-min", 2, "--closable")
    assert (code, told["smallest_p"], told["smallest_cutoff"]) == (EXIT_INFEASIBLE, 4, 600)
    assert "a cutoff of 600 would do, it is 120" in text
    assert text.rstrip().endswith("; 600 s are 10 min")
    code, text, _ = run(folder, "--model", "pcenter", "--p", 1, "--cutoff", 120, "--closable")
    assert code == EXIT_INFEASIBLE
    assert " min" not in text


def test_floor_area_gives_the_room_that_a_site_has_where_that_is_asked(folder: Path) -> None:
    # 30 square metres for 100 of 750: A and C with 100 hold 333, B with 200 holds 666, D with 700 holds all
    asked = ["--model", "pmedian", "--p", 1, "--closable", "--floor-m2", 30]
    code, _, told = run(folder, *asked)
    assert code == 0
    assert (told["sites"], told["status"]) == (["D"], "optimal")
    loads = {one["site_id"]: (one["load"], one["floor_needed_m2"]) for one in told["by_site"]}
    assert loads == {"D": (750, 225)}
    _, _, two = run(folder, "--model", "pmedian", "--p", 3, "--floor-m2", 60)  # twice as much for each: B holds 333
    assert all(one["floor_needed_m2"] <= one["floor_area_m2"] for one in two["by_site"])
    assert two["conditions"]["room"]
    _, _, free = run(folder, *asked, "--no-capacity")
    assert free["conditions"] == {"closable": True}


def test_ctrl_c_leaves_the_answer_that_was_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = folder / "kept.json"
    given = [f"--{name}={folder / name}.csv" for name in ("times", "demand", "candidates")]
    asked = ["site", *given, "--model", "pmedian", "--p", "1", "--out", str(out)]
    assert CliRunner().invoke(app, asked).exit_code == 0
    before = out.read_bytes()

    def stop(*_: object, **__: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr("spatial.siting.settle.answer", stop)
    ran = CliRunner().invoke(app, asked)
    assert ran.exit_code == EXIT_STOPPED
    assert "stopped; nothing was written" in ran.stderr
    assert out.read_bytes() == before
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]
