"""`wangge divide` from the files that a planner brings to the labels and the report that a program reads."""

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
from typer.testing import CliRunner

from api.command import app
from spatial.console import EXIT_STOPPED, EXIT_UNUSABLE
from tests.io.given import borders, town, write
from tests.real_data import real

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
KEYS = {"status", "objective", "bound", "gap", "terms", "seconds", "violations", "profile", "seed", "grids", "reasons"}


def _run(*arguments: object) -> tuple[int, str, str]:
    ran = CliRunner().invoke(app, ["divide", *map(str, arguments)])
    assert ran.exception is None or isinstance(ran.exception, SystemExit), ran.exception
    return ran.exit_code, ran.stdout, ran.stderr


def _strict(path: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"), parse_constant=pytest.fail)
    return read


@pytest.fixture(name="blocks")
def _blocks(tmp_path: Path) -> Path:
    path = write(town(households=[200, 200, 200, 150, 150, 100]), tmp_path / "city.gpkg", layer="blocks")
    lines = gpd.GeoDataFrame(borders(), geometry=town().geometry.iloc[[0] * 7].boundary.to_numpy(), crs=4547)
    return write(lines, path, layer="adjacency")


def test_the_command_explains_itself() -> None:
    code, said, _ = _run("--help")
    assert code == 0
    for name in "--blocks --households --id --adjacency --current --locks --only --budget --seed --report".split():
        assert name in said


def test_blocks_become_labels_a_report_and_a_summary(tmp_path: Path, blocks: Path) -> None:
    out, report = tmp_path / "l.csv", tmp_path / "r.json"
    arguments = ("--blocks", f"{blocks}:blocks", "--households", "households", "--adjacency", f"{blocks}:adjacency")
    code, said, told = _run(*arguments, "--seed", 1, "--out", out, "--report", report)
    assert code == 0, told
    labels = pd.read_csv(out, dtype=str)
    assert labels.columns.tolist() == ["block_id", "grid_id"]
    assert labels["block_id"].tolist() == list("abcdef")
    assert labels["grid_id"].nunique() == 2
    document = _strict(report)
    assert document.keys() >= KEYS
    assert document["status"] == "optimal"
    assert document["gap"] == 0
    assert document["bound"] == pytest.approx(document["objective"])
    assert document["inputs"]["adjacency"]["from"] == "file"
    assert {one["status"] for one in document["grids"]} == {"in_band"}
    assert sum(one["households"] for one in document["grids"]) == 1_000
    assert said.splitlines()[0] == "2 grids of 1,000 households: 2 in the band, 0 low, 0 high, 0 oversize"
    assert "optimal" in said.splitlines()[1]
    assert "reading blocks ..." in told


def test_the_same_blocks_in_another_order_and_file_give_the_same_bytes(tmp_path: Path, blocks: Path) -> None:
    shuffled = gpd.read_file(blocks, layer="blocks").iloc[[4, 2, 0, 5, 1, 3]]
    write(shuffled, tmp_path / "other.parquet")
    pairs = borders().iloc[::-1].rename(columns={"focal": "neighbor", "neighbor": "focal"})
    write(pairs, tmp_path / "pairs.csv")
    one, other = tmp_path / "1.csv", tmp_path / "2.csv"
    given = ("--households", "households", "--seed", 3)
    assert _run("--blocks", f"{blocks}:blocks", "--adjacency", f"{blocks}:adjacency", *given, "--out", one)[0] == 0
    again = ("--blocks", tmp_path / "other.parquet", "--adjacency", tmp_path / "pairs.csv")
    assert _run(*again, *given, "--out", other)[0] == 0
    assert one.read_bytes() == other.read_bytes()


def test_without_adjacency_the_report_says_that_no_border_is_clear(tmp_path: Path, blocks: Path) -> None:
    out, report = tmp_path / "l.parquet", tmp_path / "r.json"
    given = ("--blocks", f"{blocks}:blocks", "--households", "households")
    code, said, told = _run(*given, "--out", out, "--report", report)
    assert code == 0, told
    assert "borders are those of the outlines; none is clear" in said
    document = _strict(report)
    assert document["inputs"]["adjacency"] == {"from": "outlines", "borders": 7}
    assert "no adjacency given" in {row["reason"] for row in document["listed"]}
    assert len(pd.read_parquet(out)) == 6


def test_ties_are_kept(tmp_path: Path, blocks: Path) -> None:
    locks = tmp_path / "locks.csv"
    locks.write_text("block_id,grid_id,together\na,1,\nd,2,\nc,,x\nf,,x\n", encoding="utf-8")
    out = tmp_path / "l.csv"
    code, _, told = _run("--blocks", f"{blocks}:blocks", "--households", "households", "--locks", locks, "--out", out)
    assert code == 0, told
    grid = pd.read_csv(out, dtype=str).set_index("block_id")["grid_id"]
    assert grid["a"] != grid["d"]
    assert grid["c"] == grid["f"]


def test_grids_that_are_not_named_stay_as_they_are(tmp_path: Path) -> None:
    blocks = write(town(households=200), tmp_path / "b.gpkg")
    today = dict(zip("adbecf", "112233", strict=True))
    current = write(pd.DataFrame({"block_id": today.keys(), "grid_id": today.values()}), tmp_path / "today.csv")
    out = tmp_path / "l.csv"
    given = ("--blocks", blocks, "--households", "households", "--current", current, "--only", "1,2")
    code, _, told = _run(*given, "--out", out)
    assert code == 0, told
    grid = pd.read_csv(out, dtype=str).set_index("block_id")["grid_id"]
    assert grid["c"] == grid["f"] == "3"
    assert "3" not in grid.drop(["c", "f"]).tolist()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "found nothing to divide"),
        (["--blocks", "{blocks}"], "needed the column that holds the households"),
        (["{tmp}", "--blocks", "{blocks}"], "found a folder and --blocks"),
        (["{tmp}"], "district.toml"),
        (["--blocks", "{blocks}", "--households", "hh"], "needed 'hh' (--households)"),
        (["--blocks", "{blocks}:roads", "--households", "households"], "no layer 'roads'"),
        (["--blocks", "{tmp}/none.gpkg", "--households", "households"], "none.gpkg is not there"),
        (["--blocks", "{blocks}", "--households", "households", "--only", "3"], "--only without --current"),
        (["--blocks", "{blocks}", "--households", "households", "--out", "{blocks}"], "ends with .csv or .parquet"),
        (["--blocks", "{blocks}", "--households", "households", "--report", "{tmp}/r.txt"], "ends with .json"),
        (["--blocks", "{blocks}", "--households", "households", "--profile", "p"], "no profile 'p'"),
        (["--blocks", "{blocks}", "--households", "households", "--current", "{today}", "--only", "9"], "grid '9'"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_an_exit_code(tmp_path: Path, arguments: list[str], says: str) -> None:
    places = {
        "tmp": tmp_path,
        "blocks": write(town(), tmp_path / "b.gpkg"),
        "today": write(pd.DataFrame({"block_id": ["a"], "grid_id": ["3"]}), tmp_path / "t.csv"),
    }
    before = sorted(tmp_path.iterdir())
    filled = [text.format(**places) for text in arguments]
    code, _, said = _run(*filled, *([] if "--out" in arguments else ["--out", str(tmp_path / "l.csv")]))
    assert code == EXIT_UNUSABLE
    lines = [line for line in said.splitlines() if not line.endswith(" ...")]
    assert len(lines) == 1, said
    assert lines[0].startswith("wangge: ")
    assert says in lines[0]
    assert sorted(tmp_path.iterdir()) == before


def _stop_at(stage: str, number: signal.Signals) -> Callable[..., Any]:
    """Return a progress that sends a signal when a stage is reported."""

    @contextmanager
    def show(check_stop: Callable[[], None]) -> Iterator[Callable[[str, float], None]]:
        sent: list[str] = []

        def say(told: str, share: float) -> None:
            check_stop()
            if told.startswith(stage) and not sent:
                sent.append(told)
                signal.raise_signal(number)

        yield say

    return show


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopping_the_search_writes_the_best_so_far_and_says_so(
    tmp_path: Path, blocks: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    monkeypatch.setattr("spatial.cli_divide.show_progress", _stop_at("dividing", number))
    out, report = tmp_path / "l.csv", tmp_path / "r.json"
    given = ("--blocks", f"{blocks}:blocks", "--households", "households")
    code, _, told = _run(*given, "--out", out, "--report", report)
    assert code == EXIT_STOPPED
    assert told.splitlines()[-1] == "wangge: stopped; the best found so far is written"
    assert pd.read_csv(out, dtype=str)["block_id"].tolist() == list("abcdef")
    assert _strict(report)["stopped"] is True


def test_stopping_while_reading_writes_nothing(tmp_path: Path, blocks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spatial.cli_divide.show_progress", _stop_at("reading", signal.SIGINT))
    before = sorted(tmp_path.iterdir())
    code, _, told = _run("--blocks", f"{blocks}:blocks", "--households", "households", "--out", tmp_path / "l.csv")
    assert code == EXIT_STOPPED
    assert told == "wangge: stopped; nothing was written\n"
    assert sorted(tmp_path.iterdir()) == before


def test_a_district_is_divided_community_by_community(tmp_path: Path) -> None:
    out, report = tmp_path / "l.csv", tmp_path / "r.json"
    code, said, told = _run(SAMPLE, "--budget", 2, "--out", out, "--report", report)
    assert code == 0, told
    document = _strict(report)
    assert document.keys() >= KEYS
    communities = document["communities"]
    assert len(communities) == 6
    lines = said.splitlines()
    for line, one in zip(lines, communities, strict=False):
        assert line.startswith(one["community_id"])
        assert line.endswith(" s")
    labels = pd.read_csv(out, dtype=str)
    assert labels["block_id"].is_unique
    assert labels["grid_id"].nunique() == len(document["grids"]) == sum(one["grids"] for one in communities)
    assert document["objective"] == pytest.approx(sum(one["objective"] for one in communities))
    assert document["bound"] <= document["objective"] + 1e-9


@pytest.mark.real
@pytest.mark.parametrize("name", ["wuh_0060", "hel_roads"])
def test_a_benchmark_instance_keeps_the_rules_and_its_total_is_the_published_objective(
    tmp_path: Path, name: str
) -> None:
    from tests.bench.instances import read_instance
    from tests.bench.score import check_rules, score

    path = real(f"partition/bench/{name}.gpkg")
    out, report = tmp_path / "l.csv", tmp_path / "r.json"
    given = ("--blocks", f"{path}:blocks", "--households", "households", "--adjacency", f"{path}:adjacency")
    code, _, told = _run(*given, "--profile", "bench_j", "--budget", 2, "--seed", 1, "--out", out, "--report", report)
    assert code == 0, told
    labels = pd.read_csv(out, dtype=str).set_index("block_id")["grid_id"]
    blocks, adjacency = read_instance(name)
    assert check_rules(blocks, adjacency, labels, floor=300, ceiling=700, min_shared_m=0.0).broken == ()
    assert _strict(report)["objective"] == pytest.approx(score(blocks, adjacency, labels).j, abs=1e-6)
