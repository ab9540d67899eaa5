"""Servers of jobs: killed and begun anew, public, and with narrow limits."""

import os
import select
from pathlib import Path

import httpx

from tests.api.live import serving, starting
from tests.api.test_processes import TIMEOUT_S, listen, results, run, town
from tests.walking.walk_files import lonlat, write_osm


def test_a_server_that_is_killed_leaves_no_worker_and_its_jobs_go_on_with_the_next(
    toy_folder: Path, tmp_path: Path
) -> None:
    kept = {"jobs": str(tmp_path / "jobs.sqlite"), "job_workers": "1"}
    with starting(toy_folder, **kept) as (at, process), httpx.Client(base_url=at, timeout=TIMEOUT_S) as client:
        long, short = (run(client, "divide", blocks=town(20), budget_s=seconds) for seconds in (600, 0.5))
        begun = next(data for _, kind, data in listen(client, long) if kind == "better")
        assert begun["objective"] > 0
        worker = _children_of(process.pid)
        assert len(worker) == 1
        process.kill()
        process.wait()
    with serving(toy_folder, **kept) as at, httpx.Client(base_url=at, timeout=TIMEOUT_S) as client:
        again = next(data for _, kind, data in listen(client, f"/jobs/{long.rpartition('/')[2]}") if kind == "plan")
        assert len(again["assignment"]) == 400
        assert _ends(worker[0])
        client.delete(f"/jobs/{long.rpartition('/')[2]}")
        assert len(results(client, f"/jobs/{short.rpartition('/')[2]}")["assignment"]) == 400


def _ends(pid: int) -> bool:
    """Tell whether a process of others has ended, or does so soon."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    with os.fdopen(handle) as ending:
        return bool(select.select([ending], [], [], TIMEOUT_S)[0])


def _children_of(pid: int) -> list[int]:
    """Return the processes that a process has started."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            stat = Path(f"/proc/{name}/stat").read_text()
        except OSError:
            continue
        if int(stat.rpartition(")")[2].split()[1]) == pid:
            found.append(int(name))
    return found


def test_a_public_server_runs_jobs_only_for_those_of_the_house(toy_folder: Path, tmp_path: Path) -> None:
    given = {"jobs": str(tmp_path / "jobs.sqlite"), "audience": "public", "internal_token": "of-the-house"}
    with serving(toy_folder, **given) as at, httpx.Client(base_url=at, timeout=TIMEOUT_S) as client:
        assert client.get("/processes").status_code == 200
        for answer in (client.post("/processes/divide/execution", json={"inputs": {}}), client.get("/jobs")):
            assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
        client.headers["Authorization"] = "Bearer of-the-house"
        assert results(client, run(client, "divide", budget_s=1))["status"] == "optimal"


def test_limits_of_size_and_of_time_are_kept(toy_folder: Path, tmp_path: Path) -> None:
    osm = write_osm(tmp_path / "town.osm")
    given = {"jobs": str(tmp_path / "jobs.sqlite"), "cache": str(tmp_path), "job_body_max": "9000", "body_max": "500"}
    with serving(None, osm=osm, job_wait_s="0.001", **given) as at, httpx.Client(base_url=at, timeout=30) as client:
        large = client.post("/processes/divide/execution", json={"inputs": {"blocks": town(10)}})
        assert (large.status_code, "more than 9,000 bytes" in large.json()["detail"]) == (413, True)
        asked = {"inputs": {"points": [lonlat(0, 0)], "metres": [300]}}
        late = client.post("/processes/circles/execution", json=asked)
        assert (late.status_code, "respond-async" in late.json()["detail"]) == (504, True)
        assert client.get("/jobs").json()["jobs"][0]["status"] == "dismissed"
        lost = client.post("/processes/divide/execution", json={"inputs": {}})
        assert (lost.status_code, "no plan is served here" in lost.json()["detail"]) == (400, True)
