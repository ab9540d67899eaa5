"""A server that was just installed compiles what searches beside its work, and no budget is spent on compiling."""

import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from api.jobs import dividing, warming
from api.jobs.serving import Serving
from api.settings import Settings
from spatial.plan.edits import Redivide, apply_edits, begin, build_ground
from tests.api.test_processes import town
from tests.api.toy_plan import build_toy_plan

COMPILING = "compiling the search, once: up to a minute"
WITH_ALL_KEPT = """
import spatial.division.warming
from api.jobs import warming
spatial.division.warming.is_search_kept = lambda: True
warming.main()
"""


class Notes(list[Any]):
    """What a job tells, in order; ``compiled`` stands where what searches was compiled."""

    def progress(self, stage: str, share: float) -> None:
        self.append(stage)

    def event(self, kind: str, told: Any) -> None:
        """Take an event, which these tests do not look at."""


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Notes:
    """What is noted on a machine where nothing was compiled before."""
    notes = Notes()
    monkeypatch.setattr("spatial.division.warming.is_search_kept", lambda: False)
    monkeypatch.setattr("spatial.division.warming.compile_search", lambda profile: notes.append("compiled"))
    return notes


def _noting(notes: Notes, run: Callable[..., Any]) -> Callable[..., Any]:
    def noted(*given: Any, **options: Any) -> Any:
        notes.append(("searching", options["budget_s"]))
        return run(*given, **options)

    return noted


@pytest.mark.parametrize(
    ("run", "asked"),
    [
        ("divide", {"blocks": town(3), "budget_s": 0.5}),
        ("redivide", {"plan": None, "grids": ["g1"], "budget_s": 0.5}),
        ("divide_communities", {"budget_s": 0.5}),
    ],
)
def test_a_job_compiles_before_its_budget_begins_and_says_so(
    fresh: Notes, run: str, asked: dict[str, Any], toy_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dividing, run, _noting(fresh, getattr(dividing, run)))
    job = dividing.run_redivide if run == "redivide" else dividing.run_divide
    told = job(asked, Serving(toy_folder, None, Settings()), fresh)
    assert told["assignment"]
    at = fresh.index("compiled")
    assert fresh[at - 1 : at + 2] == [COMPILING, "compiled", ("searching", 0.5)]


def test_an_edit_with_a_budget_compiles_first_and_one_without_as_it_goes(
    fresh: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    from spatial.plan import redrawing

    monkeypatch.setattr(redrawing, "redivide", _noting(fresh, redrawing.redivide))
    plan = build_toy_plan()
    for budget in (2.0, None):
        apply_edits(build_ground(plan), begin(plan), [Redivide(("g1",), budget)], rng=np.random.default_rng(0))
    assert fresh == ["compiled", ("searching", 2.0), ("searching", None)]


def test_what_compiles_beside_the_server_says_so_and_says_nothing_where_all_is_kept(
    fresh: Notes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(warming, "_end_with_server", lambda: None)
    monkeypatch.setattr("os.nice", lambda by: 0)
    warming.main()
    assert (fresh, capsys.readouterr().out) == (["compiled"], f"{COMPILING}\n")
    monkeypatch.setattr("spatial.division.warming.is_search_kept", lambda: True)
    warming.main()
    assert (fresh, capsys.readouterr().out) == (["compiled"], "")


@pytest.mark.parametrize(
    ("program", "told"),
    [
        ("pass", []),
        (WITH_ALL_KEPT, []),
        ("print('compiling')", ["compiling", "the search is compiled, after N s"]),
        ("raise SystemExit(3)", ["the search could not be compiled (exit code 3); the first division compiles it"]),
    ],
)
def test_the_log_tells_when_compiling_begins_and_how_it_ended(
    program: str, told: list[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(warming, "PROGRAM", ("-c", program))
    with caplog.at_level(logging.WARNING, "wangge.jobs"):
        warming.start_warming().join()
    assert [re.sub(r"\d+ s$", "N s", record.getMessage()) for record in caplog.records] == told
