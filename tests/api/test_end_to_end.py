"""One day of an office: a store is made, served, planned on, edited, read, stopped, served again, and all is there.

Everything runs as people run it: the command ``wangge`` in processes of their own, and HTTP between them.
"""

import base64
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pyogrio
import pytest

from tests.api.live import ROOT
from tests.api.test_process_store import pack
from tests.api.test_processes import TIMEOUT_S, listen, results, run
from tests.store.served import TOY, move, rename
from tests.walking.walk_files import lonlat, write_osm

HERE = f"/plans/{TOY}"
FEEDS = f"{HERE}/feeds"
COMMAND = [sys.executable, "-m", "api.command"]
HOMES = {"h1": lonlat(100, 5), "h2": lonlat(950, 5), "h3": lonlat(2900, 5)}
PLACES = {"west": lonlat(150, 0), "east": lonlat(2800, 0)}


def _wangge(*words: str) -> str:
    done = subprocess.run([*COMMAND, *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@contextmanager
def _served(store: Path, osm: Path, secret: str) -> Iterator[tuple[httpx.Client, subprocess.Popen[str]]]:
    """Give a client of `wangge serve` and its process, which is stopped as a service manager stops it."""
    environment = {**os.environ, "WANGGE_CACHE": str(store.parent / "cache")}
    command = [*COMMAND, "serve", "--store", str(store), "--osm", str(osm), "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().rpartition(" at ")[2].strip()
            assert address.startswith("http"), "the server did not start"
            headers = {"Authorization": f"Bearer {secret}"}
            with httpx.Client(base_url=address, timeout=TIMEOUT_S, headers=headers) as client:
                yield client, process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, str]:
    """A new store, a street map, and the secret of a planner's token."""
    folder = tmp_path_factory.mktemp("office")
    store = folder / "plans.gpkg"
    _wangge("store", "init", "--store", str(store))
    secret = _wangge("store", "token", "add", "ann", "--store", str(store), "--role", "administrator")
    return store, write_osm(folder / "town.osm"), secret


def test_a_day_of_an_office_outlives_the_server(office: tuple[Path, Path, str], toy_folder: Path) -> None:
    store, osm, secret = office
    with _served(store, osm, secret) as (client, process):
        _put_in(client, toy_folder)
        jobs = [_divide(client), *_walk_and_site(client)]
        _edit(client)
        before = _read(client, jobs, store.with_name("grids.gpkg"))
        assert [one["id"] for one in before["grids"]["features"]] == ["g1", "g2", "g3"]
    assert process.returncode in (0, -signal.SIGTERM)
    assert "whole: toy-0001 with 3 versions" in _wangge("store", "check", "--store", str(store))
    with _served(store, osm, secret) as (client, _):
        assert _read(client, jobs, store.with_name("grids.gpkg")) == before
        assert client.delete(f"/jobs/{jobs[0]}").status_code == 200
        assert client.get(f"/jobs/{jobs[0]}").status_code == 404


def _put_in(client: httpx.Client, folder: Path) -> None:
    packed = base64.b64encode(pack(folder)).decode()
    made = results(client, run(client, "import", plan=packed, why="first draft"))
    assert (made["plan_id"], made["version"]) == (TOY, 1)


def _divide(client: httpx.Client) -> str:
    """Divide the plan while the events of the job are listened to, and return the id of the job."""
    job = run(client, "divide", plan=TOY, budget_s=2)
    told = list(listen(client, job))
    numbers = [number for number, _, _ in told]
    assert numbers == sorted(set(numbers))
    assert "community" in {kind for _, kind, _ in told}
    assert told[-1][2]["progress"] == 100
    assert set(results(client, job)["assignment"]) == {"b1", "b2", "b3", "b4"}
    return job.rpartition("/")[2]


def _walk_and_site(client: httpx.Client) -> tuple[str, str]:
    """Walk from homes to two places, then choose one of them by those walks."""

    def points(places: dict[str, tuple[float, float]]) -> dict[str, Any]:
        shapes = [(name, {"type": "Point", "coordinates": list(place)}) for name, place in places.items()]
        return {
            "type": "FeatureCollection",
            "features": [
                {"type": "Feature", "id": name, "geometry": shape, "properties": {}} for name, shape in shapes
            ],
        }

    walked = run(client, "walk", sources=points(PLACES), demand=points(HOMES), minutes=60)
    pairs = results(client, walked)["pairs"]
    assert {(one["source_id"], one["demand_id"]) for one in pairs} == {(p, h) for p in PLACES for h in HOMES}
    times = [{name: one[name] for name in ("source_id", "demand_id", "seconds")} for one in pairs]
    demand = [{"id": home, "weight": weight} for home, weight in zip(HOMES, (100, 300, 50), strict=True)]
    asked = {"times": times, "demand": demand, "candidates": [{"id": name} for name in PLACES]}
    sited = run(client, "site", **asked, model="pmedian", p=1, budget_s=5)
    choice = results(client, sited)
    walks = {(one["source_id"], one["demand_id"]): one["seconds"] for one in pairs}
    total = {place: sum(row["weight"] * walks[place, row["id"]] for row in demand) for place in PLACES}
    assert (choice["status"], choice["sites"]) == ("optimal", [min(total, key=total.__getitem__)])
    assert choice["objective"] == pytest.approx(min(total.values()))
    return walked.rpartition("/")[2], sited.rpartition("/")[2]


def _edit(client: httpx.Client) -> None:
    """Make two versions on what was seen, none on what has changed meanwhile, and none without saying what was seen."""
    seen = client.get(HERE).headers["ETag"]
    moved = client.post(
        f"{HERE}/edits", json={"edits": [move("b2", "g3")], "why": "a gate"}, headers={"If-Match": seen}
    )
    assert moved.status_code == 201, moved.text
    stale = client.post(f"{HERE}/edits", json={"edits": [rename("g1", "北")]}, headers={"If-Match": seen})
    assert (stale.status_code, client.post(f"{HERE}/edits", json={"edits": [rename("g1", "北")]}).status_code) == (
        412,
        428,
    )
    again = client.post(
        f"{HERE}/edits", json={"edits": [rename("g1", "北")]}, headers={"If-Match": moved.headers["ETag"]}
    )
    assert again.status_code == 201, again.text
    for status in ("field_checked", "under_publication", "approved", "in_force"):
        stepped = client.post(f"{HERE}/status", json={"version": 3, "status": status})
        assert stepped.status_code == 200, stepped.text


def _read(client: httpx.Client, jobs: list[str], saved: Path) -> dict[str, Any]:
    """Return all that is to outlive the server."""
    file = client.get(f"{FEEDS}/downloads/grids.gpkg")
    assert file.status_code == 200, file.text
    saved.write_bytes(file.content)
    downloaded = pyogrio.read_dataframe(saved)
    grids = client.get(f"{FEEDS}/collections/grids/items").json()
    homes = {one["id"]: one["properties"]["households"] for one in grids["features"]}
    assert dict(zip(downloaded["grid_id"], downloaded["households"], strict=True)) == homes
    assert homes == {"g1": 200, "g2": 480, "g3": 1650}
    listed = {one["jobID"]: one for one in client.get("/jobs").json()["jobs"]}
    told = [{k: v for k, v in listed[job].items() if k != "links"} for job in jobs]
    assert {one["status"] for one in told} == {"successful"}
    return {
        "plan": client.get(HERE).json(),
        "tag": client.get(HERE).headers["ETag"],
        "versions": client.get(f"{HERE}/versions").json(),
        "grids": {name: value for name, value in grids.items() if name not in ("timeStamp", "links")},
        "jobs": told,
        "results": [client.get(f"/jobs/{job}/results").json() for job in jobs],
    }
