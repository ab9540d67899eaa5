"""Centres of a real city, from the street map to the proof: Porto Alegre, whose cells with a school may have one."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp
from typer.testing import CliRunner

from api.command import app
from tests.real_data import real

pytestmark = pytest.mark.real
PEOPLE, SCHOOLS = 812_935, 177
P, MINUTES = 10, 15


@pytest.fixture(name="files", scope="module")
def _files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Cells with their people, and those with a school, as an office would bring them; walks as `wangge walk` has."""
    folder = tmp_path_factory.mktemp("porto-alegre")
    cells = pd.read_csv(real("porto-alegre/hexgrid.csv"))
    assert cells["population"].sum() == PEOPLE
    cells = cells.rename(columns={"population": "households"})[["id", "lon", "lat", "households", "schools"]]
    cells.drop(columns="schools").to_csv(folder / "cells.csv", index=False)
    schools = cells.loc[cells["schools"] > 0, ["id", "lon", "lat"]]
    assert len(schools) == SCHOOLS
    schools.to_csv(folder / "schools.csv", index=False)
    files = {"osm": real("porto-alegre/poa.osm.pbf"), "cells": folder / "cells.csv", "schools": folder / "schools.csv"}
    walks = {"osm": files["osm"], "sources": files["schools"], "demand": files["cells"], "out": folder / "walk"}
    _call("walk", **walks, minutes=MINUTES)
    return {**files, "times": folder / "walk" / "travel_times.parquet", "folder": folder}


def _call(command: str, **options: Any) -> None:
    words = []
    for name, value in options.items():
        words += [f"--{name.replace('_', '-')}", *([] if value is True else [str(value)])]
    ran = CliRunner().invoke(app, [command, *words])
    assert ran.exit_code == 0, ran.output


def _site(files: dict[str, Path], model: str, **options: Any) -> dict[str, Any]:
    out = files["folder"] / f"{model}.json"
    _call(
        "site", osm=files["osm"], demand=files["cells"], candidates=files["schools"], model=model, cutoff_min=MINUTES,
        out=out, **options,
    )  # fmt: skip
    told: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return told


def _within(files: dict[str, Path]) -> tuple[Any, Any, list[str]]:
    """Return which cells (rows) which schools (columns) reach in time, the people of each cell, and the schools."""
    times = pd.read_parquet(files["times"])
    cells, schools = pd.read_csv(files["cells"]), pd.read_csv(files["schools"])
    near = times[times["seconds"] <= 60.0 * MINUTES]
    row = pd.Index(cells["id"]).get_indexer(near["demand_id"])
    col = pd.Index(schools["id"]).get_indexer(near["source_id"])
    assert (row >= 0).all()
    assert (col >= 0).all()
    shape = len(cells), len(schools)
    return sparse.csr_array((np.ones(len(near)), (row, col)), shape), cells["households"], list(schools["id"])


def test_schools_cover_as_many_people_as_an_exact_model_of_the_same_walks_says(files: dict[str, Path]) -> None:
    told = _site(files, "mclp", p=P)
    near, people, schools = _within(files)
    n, m = near.shape
    rows = sparse.vstack(
        [sparse.hstack([near, -sparse.eye_array(n)]), sparse.csr_array(np.r_[np.ones(m), np.zeros(n)][None])]
    )
    exact = milp(
        np.r_[np.zeros(m), -people],
        integrality=np.r_[np.ones(m), np.zeros(n)],
        bounds=Bounds(0.0, 1.0),
        constraints=LinearConstraint(rows, np.r_[np.zeros(n), -np.inf], np.r_[np.full(n, np.inf), P]),
    )
    assert exact.status == 0
    assert (told["status"], told["objective"]) == ("optimal", pytest.approx(-exact.fun))
    assert told["bound"] == pytest.approx(told["objective"])
    opened = np.isin(schools, told["sites"])
    assert people[(near @ opened) > 0].sum() == told["objective"] == told["covered"]
    assert told["weight"] == PEOPLE


def test_the_fewest_schools_that_reach_whomever_a_school_reaches_are_proved(files: dict[str, Path]) -> None:
    told = _site(files, "lscp", skip_unreachable=True)
    near, people, schools = _within(files)
    wanted = near[np.flatnonzero((near.sum(axis=1) > 0) & (people > 0))]
    each = np.ones(len(schools))
    exact = milp(each, integrality=each, bounds=Bounds(0.0, 1.0), constraints=LinearConstraint(wanted, lb=1.0))
    assert exact.status == 0
    assert (told["status"], told["objective"]) == ("optimal", pytest.approx(exact.fun))
    assert ((wanted @ np.isin(schools, told["sites"])) > 0).all()
