"""Report, numbers and files of a plan are served as they stand in the folder."""

import json
import shutil
from pathlib import Path

import httpx
import pytest

from api import schemas
from spatial.io.plan_folder import write_plan
from tests.api.live import serving
from tests.api.toy_plan import build_toy_plan, toy_scorecard


def test_the_report_is_the_file(client: httpx.Client, toy_folder: Path) -> None:
    assert client.get("/plan/report").json() == json.loads((toy_folder / "report.json").read_bytes())


def test_the_metrics_are_those_of_the_report(client: httpx.Client) -> None:
    metrics = client.get("/plan/metrics").json()
    schemas.Metrics.model_validate(metrics)
    report = client.get("/plan/report").json()
    assert metrics["summary"] == report["summary"]
    assert metrics["scorecard"] == report["scorecard"]
    assert metrics["division"] == {"status": "gap", "bound": 1.95, "gap": 0.025}
    assert metrics["profile"]["ceiling_households"] == 700
    assert metrics["layers"]["blocks"] == 4
    assert metrics["listed"]["by_reason"] == {"estates": {"no households": 1}}
    assert "rows" not in metrics["listed"]
    assert metrics["not_used"] == report["not_used"]


def test_every_file_can_be_fetched_as_it_is(client: httpx.Client, toy_folder: Path) -> None:
    for entry in client.get("/plan/metrics").json()["files"]:
        answer = client.get(f"/plan/files/{entry['name']}")
        assert answer.content == (toy_folder / entry["name"]).read_bytes()
        assert entry["name"] in answer.headers["Content-Disposition"]


@pytest.mark.parametrize(
    "name",
    [
        "..%2Fsecret.txt",
        "%2e%2e/secret.txt",
        "....//secret.txt",
        "%2Fetc%2Fpasswd",
        "secret.txt",
        "..%5Csecret.txt",
        ".",
    ],
)
def test_no_name_leads_out_of_the_folder(client: httpx.Client, toy_folder: Path, name: str) -> None:
    (toy_folder.parent / "secret.txt").write_text("secret")
    for path in (f"/plan/files/{name}", f"/map/assets/{name}"):
        answer = client.get(path)
        assert answer.status_code == 404, path
        assert "secret\n" not in answer.text


def test_the_server_follows_a_folder_that_is_replaced_and_tells_of_one_that_is_gone(tmp_path: Path) -> None:
    plan, folder = build_toy_plan(), tmp_path / "plan"
    write_plan(plan, folder, scorecard=toy_scorecard(), violations=None)
    with serving(folder) as at, httpx.Client(base_url=at) as client:
        before = client.get("/collections/violations/items")
        assert before.json()["numberMatched"] == 0
        write_plan(plan, folder, scorecard=None, violations=None)
        assert client.get("/plan/metrics").json()["scorecard"] is None
        assert client.get("/collections/violations/items").headers["ETag"] != before.headers["ETag"]
        shutil.rmtree(folder)
        gone = client.get("/collections")
    assert gone.status_code == 503
    assert gone.headers["Content-Type"] == "application/problem+json"
    assert "no plan folder" in gone.json()["detail"]


def test_a_file_that_is_gone_while_the_plan_is_served_is_told(tmp_path: Path) -> None:
    folder = write_plan(build_toy_plan(), tmp_path / "plan", scorecard=None, violations=None)
    with serving(folder) as at, httpx.Client(base_url=at) as client:
        (folder / "plan.gpkg").unlink()
        gone = client.get("/plan/files/plan.gpkg")
        assert client.get("/collections/grids/items").status_code == 200
    assert gone.status_code == 503
    assert gone.headers["Content-Type"] == "application/problem+json"
    assert "misses plan.gpkg" in gone.json()["detail"]
