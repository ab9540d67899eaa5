"""`wangge walk` run as a planner runs it, and what it has written."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from api.command import app

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
_TEXTS = dict.fromkeys(("theme", "by", "group", "counted", "mode"), "str")


def walk(files: dict[str, Path], out: Path, *more: object) -> tuple[int, str, str]:
    """Return the exit code of `wangge walk` on the files named by their options, and what it said and told."""
    given = [part for name, path in files.items() for part in (f"--{name}", path)]
    ran = CliRunner().invoke(app, ["walk", *map(str, [*given, "--out", out, *more])])
    assert ran.exception is None or isinstance(ran.exception, SystemExit), ran.exception
    return ran.exit_code, ran.stdout, ran.stderr


def coverage_of(out: Path) -> pd.DataFrame:
    return pd.read_csv(out / "coverage.csv", dtype=_TEXTS, keep_default_na=False, na_values={"share": [""]})


def report_of(out: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((out / "report.json").read_text(encoding="utf-8"), parse_constant=pytest.fail)
    return read
