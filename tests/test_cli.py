"""The command line says what it does, and why it cannot, in one sentence."""

import contextlib
import signal
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.command import app
from spatial.console import EXIT_STOPPED, EXIT_UNUSABLE
from spatial.io.profiles import list_profiles

SAMPLE = Path(__file__).parents[1] / "data" / "sample"


def _run(*arguments: str) -> tuple[int, str, str]:
    ran = CliRunner().invoke(app, list(arguments))
    return ran.exit_code, ran.stdout, ran.stderr


@pytest.mark.parametrize("command", ["plan", "divide", "serve", "sample", "profiles"])
def test_every_command_explains_itself(command: str) -> None:
    code, said, _ = _run(command, "--help")
    assert code == 0
    assert "Usage: " in said


def test_profiles_are_listed_with_their_bands() -> None:
    code, said, _ = _run("profiles")
    assert code == 0
    assert "300-500" in said
    assert len(said.splitlines()) == len(list_profiles())


def test_a_plan_without_anything_to_divide_says_what_to_give() -> None:
    code, _, said = _run("plan")
    assert code == EXIT_UNUSABLE
    assert "wangge: found nothing to divide" in said


def test_a_folder_and_single_files_exclude_each_other(tmp_path: Path) -> None:
    code, _, said = _run("plan", str(tmp_path), "--osm", "x.osm.pbf")
    assert code == EXIT_UNUSABLE
    assert "one or the other" in said


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["plan", "{tmp}/nowhere"], "nowhere"),
        (["plan", "{tmp}"], "district.toml"),
        (["plan", "{sample}", "--profile", "about_501", "--out", "{tmp}/plan"], "no profile 'about_501'"),
        (["serve", "{tmp}/nowhere"], "nowhere"),
        (["serve", "{tmp}"], "report.json"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_an_exit_code(tmp_path: Path, arguments: list[str], says: str) -> None:
    filled = [text.format(tmp=tmp_path, sample=SAMPLE) for text in arguments]
    code, _, said = _run(*filled)
    assert code == EXIT_UNUSABLE
    lines = [line for line in said.splitlines() if not line.endswith(" ...")]
    assert len(lines) == 1, said
    assert lines[0].startswith("wangge: ")
    assert says in lines[0]


def test_stopping_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("spatial.pipeline.divide", stop)
    out = tmp_path / "plan"
    code, _, said = _run("plan", str(SAMPLE), "--out", str(out))
    assert code == EXIT_STOPPED
    assert "stopped; nothing was written" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_a_library_swallows_still_stops_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    parse = tomllib.loads

    def swallow(text: str) -> dict[str, object]:
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(number)
        return parse(text)

    monkeypatch.setattr("spatial.io.sources.tomllib.loads", swallow)
    out = tmp_path / "plan"
    code, _, said = _run("plan", str(SAMPLE), "--out", str(out))
    assert code == EXIT_STOPPED, said
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_no_plan_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").write_text("years of work", encoding="utf-8")
    code, _, said = _run("plan", str(SAMPLE), "--out", str(tmp_path))
    assert code == EXIT_UNUSABLE
    assert "no plan folder" in said
    assert (tmp_path / "thesis.docx").read_text(encoding="utf-8") == "years of work"


def test_estates_in_other_coordinates_than_was_said_are_told_of_aloud(tmp_path: Path) -> None:
    code, said, _ = _run("plan", str(SAMPLE), "--coords", "estates=bd09", "--out", str(tmp_path / "plan"))
    assert code == 0
    (doubt,) = [line for line in said.splitlines() if "other coordinates than was said" in line]
    assert doubt.startswith("  estates: rows may be in other coordinates than was said (23 of 26 rows lie ")
    assert doubt.endswith("is --coords estates=wgs84 right?)")
