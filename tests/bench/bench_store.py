"""What does keeping every version cost? ``python -m tests.bench.bench_store`` prints two Markdown tables.

An invented city (``--communities``) in a GeoPackage, edited and read through a server of its own process by one client,
then by many readers and writers at once. Waits are clock time as the client sees them; the floor is the plainest
durable write there is: one row, one transaction, the journal flushed. A write that another one came before is made
again, as a planner's page does.
"""

import argparse
import random
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import numpy as np

from api.store.editing import import_plan
from api.store.embedded import open_connection
from api.store.records import Note
from api.store.store import create_store, open_store
from tests.api.live import serving
from tests.bench.bench_edits import _make_plan as make_plan
from tests.store.served import serve_layers

_RUNS = 25
HERE = "/plans/city"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--communities", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=20.0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "plans.gpkg"
        _put_in(path, given.communities)
        with serving(None, store=path) as address, httpx.Client(base_url=address, timeout=60) as client:
            _measure_alone(client, path)
            _measure_together(client, given.seconds)
        store = open_store(path)
        print(f"\ncheck of the store afterwards: {store.check() or 'whole'}")
        store.close()


def _put_in(path: Path, communities: int) -> None:
    plan = make_plan(communities)
    start = time.perf_counter()
    store = create_store(path)
    import_plan(store, plan, serve_layers(plan), Note("bench", ""))
    store.close()
    print(
        f"{len(plan.demand):,} buildings, {len(plan.blocks):,} blocks, {len(plan.grids):,} grids; put in in "
        f"{time.perf_counter() - start:.1f} s, {path.stat().st_size / 1e6:.0f} MB\n"
    )


def _measure_alone(client: httpx.Client, path: Path) -> None:
    blocks = client.get(f"{HERE}/layers/blocks?limit=10000").json()["features"]
    grid_of = {one["id"]: one["properties"]["grid_id"] for one in blocks}
    west, south = np.min([one["geometry"]["coordinates"][0][0] for one in blocks], axis=0)
    chance = random.Random(1)
    names = sorted(grid_of)

    def edit(query: str) -> None:
        tag = client.get(HERE).headers["ETag"]
        one, other = chance.sample(names, 2)
        body = {"edits": [{"kind": "move_blocks", "blocks": [one], "to": grid_of[other]}]}
        answer = client.post(f"{HERE}/edits{query}", json=body, headers={"If-Match": tag})
        assert answer.status_code in (200, 201, 400), answer.text

    floor = _waits(_floor(path))
    print("| one client | p50 ms | p99 ms | p50 in floors |\n|---|---|---|---|")
    cases: list[tuple[str, Callable[[], Any]]] = [
        ("dry run of a move", lambda: edit("?dry_run=true")),
        ("a move, written", lambda: edit("")),
        ("the plan", lambda: client.get(HERE)),
        ("1,000 grids by box", lambda: client.get(f"{HERE}/layers/grids?limit=1000&bbox={west},{south},180,90")),
        ("1,000 grids of the first version", lambda: client.get(f"{HERE}/layers/grids?limit=1000&version=1")),
    ]
    _tell("floor: one row, flushed", floor, floor)
    for name, ask in cases:
        ask()  # what is read once is read
        _tell(name, _waits(ask), floor)


def _floor(path: Path) -> Callable[[], Any]:
    beside = path.with_name("floor.sqlite")
    with closing(sqlite3.connect(beside)) as made:
        made.execute("CREATE TABLE one (a INTEGER, b TEXT)")
    connection = open_connection(beside)
    return lambda: connection.execute("INSERT INTO one VALUES (1, 'x')")


def _waits(ask: Callable[[], Any]) -> list[float]:
    out = []
    for _ in range(_RUNS):
        start = time.perf_counter()
        ask()
        out.append(1000 * (time.perf_counter() - start))
    return out


def _tell(name: str, waits: list[float], floor: list[float]) -> None:
    half, most = np.percentile(waits, [50, 99])
    print(f"| {name} | {half:.1f} | {most:.1f} | {half / np.median(floor):.1f} |")


def _measure_together(client: httpx.Client, seconds: float) -> None:
    """Let 20 readers page while 4 writers edit."""
    stop, waits, lost = Event(), {"page of 200 grids": list[float](), "edit": list[float]()}, Counter[str]()
    grids = [one["id"] for one in client.get(f"{HERE}/layers/grids?limit=10000").json()["features"]]
    before = client.get(HERE).json()["head"]

    def read(seed: int) -> None:
        chance = random.Random(seed)
        with httpx.Client(base_url=client.base_url, timeout=60) as one:
            while not stop.is_set():
                offset, start = chance.randrange(len(grids)), time.perf_counter()
                answer = one.get(f"{HERE}/layers/grids?limit=200&offset={offset}")
                waits["page of 200 grids"].append(1000 * (time.perf_counter() - start))
                lost["read errors"] += answer.status_code != 200

    def write(seed: int) -> None:
        chance = random.Random(seed)
        with httpx.Client(base_url=client.base_url, timeout=60) as one:
            while not stop.is_set():
                start = time.perf_counter()
                body = {"edits": [{"kind": "rename", "grid": chance.choice(grids), "name": f"{seed}-{start}"}]}
                while (answer := _write(one, body)).status_code == 412:
                    lost["made again"] += 1
                waits["edit"].append(1000 * (time.perf_counter() - start))
                lost["acknowledged"] += answer.status_code == 201
                lost["write errors"] += answer.status_code != 201

    with ThreadPoolExecutor(24) as pool:
        running = [pool.submit(read, n) for n in range(20)] + [pool.submit(write, 100 + n) for n in range(4)]
        time.sleep(seconds)
        stop.set()
        for one in running:
            one.result()
    head = client.get(HERE).json()["head"]
    print(f"\n| 20 readers, 4 writers, {seconds:.0f} s | requests | p50 ms | p99 ms |\n|---|---|---|---|")
    for name, some in waits.items():
        half, most = np.percentile(some, [50, 99])
        print(f"| {name} | {len(some):,} | {half:.0f} | {most:.0f} |")
    print(f"\n{dict(lost)}; versions made: {head - before}")


def _write(client: httpx.Client, body: Any) -> httpx.Response:
    return client.post(f"{HERE}/edits", json=body, headers={"If-Match": client.get(HERE).headers["ETag"]})


if __name__ == "__main__":
    main()
