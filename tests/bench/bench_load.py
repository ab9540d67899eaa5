"""Do planners wait behind readers? ``python -m tests.bench.bench_load`` prints Markdown tables.

A store of an invented city and of neighbours shifted beside it, 100,000 grids in all (``--grids``): 20 readers turn
pages, ask for boxes, single grids and tiles while 4 writers edit the city. Waits are clock time as clients see them, in
processes of their own; an edit's wait ends with its version, however often another writer came before. Writers tell
the version that they saw, so that edits of other grids pass each other; with ``--strict`` they edit the last version
alone, as long as it takes to be the first on one. Beside it: all
of 20,000 grids in one answer, by processor time of the server, against their bytes merely joined by ``orjson``; and a
box of 1,000 grids, from the same PostGIS, against TiPG, where ``--tipg`` names a Python that has it. With ``--postgis``
the store of the first part is a PostGIS one. Last, what the server holds of places that are sent by many at once.
"""

import argparse
import asyncio
import os
import random
import select
import socket
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import orjson
import shapely

from api.plan_answers import tell_features
from api.store.editing import import_plan
from api.store.place import Place
from api.store.records import Delta, Grid, Note
from api.store.store import Store, create_store, open_store
from spatial.plan.model import Plan
from tests.api.live import starting
from tests.bench.bench_edits import _make_plan as make_plan
from tests.store import postgres
from tests.store.served import serve_layers

HERE = "/plans/city"
READERS, WRITERS = 20, 4
_COMMUNITIES, _ACROSS, _APART = 200, 12, 0.2
_TIPG = "import uvicorn; from tipg.main import app; uvicorn.run(app, port={port}, log_level='error')"
_WHOLE = 20_000
_PAGE = 1000
_CROWD, _CROWD_BYTES = 40, 48_000_000


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--grids", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--tipg", type=Path, help="a Python that has tipg and uvicorn")
    parser.add_argument("--store", type=Path, help="where the store is kept, and found by the next run")
    parser.add_argument(
        "--postgis", action="store_true", help="keep the store in PostGIS; no comparison with TiPG then"
    )
    parser.add_argument("--strict", action="store_true", help="let writers race for the same version")
    given = parser.parse_args()
    with _opening(given) as (place, new):
        if new:
            fill_store(place, make_plan(_COMMUNITIES), given.grids)
        _measure_load(place, given.seconds, strict=given.strict)
        _measure_whole(place)
        _measure_crowd(place)
    if not given.postgis:
        _measure_box(given.tipg)


@contextmanager
def _opening(given: argparse.Namespace) -> Iterator[tuple[Place, bool]]:
    """Give the place of the store, and whether it is to be made."""
    if given.postgis:
        with postgres.running() as server:
            postgres.create_database(server, "city")
            yield f"{server}/city", True
        return
    with tempfile.TemporaryDirectory() as folder:
        path = given.store or Path(folder) / "plans.gpkg"
        yield path, not path.exists()


def fill_store(place: Place, plan: Plan, grids: int) -> None:
    """Make a store of a plan, with its version in force, and of as many shifted ones as make so many grids."""
    began, store, layers = time.perf_counter(), create_store(place), serve_layers(plan)
    note = Note("bench", "")
    import_plan(store, plan, layers, note)
    for status in ("field_checked", "under_publication", "approved", "in_force"):
        store.set_status("city", 1, status, note)
    held = [grid for grid in store.read_grids("city", 1) if grid.feature]
    count = max(0, round(grids / len(held)) - 1)
    for number in range(1, count + 1):
        _put_shifted(store, replace(plan, plan_id=f"city{number}"), layers, held, number)
    store.close()
    size = f", {place.stat().st_size / 1e6:.0f} MB" if isinstance(place, Path) else ""
    print(f"{len(held) * (count + 1):,} grids of {count + 1} plans put in in {time.perf_counter() - began:.0f} s{size}")


def _put_shifted(store: Store, plan: Plan, layers: Any, grids: list[Grid], number: int) -> None:
    by = _APART * np.array([number % _ACROSS, number // _ACROSS])
    moved = _shift([orjson.loads(grid.feature) for grid in grids], by)
    then = [Grid(one.grid_id, one.document, orjson.dumps(f)) for one, f in zip(grids, moved, strict=True)]
    store.create_plan(plan, {"blocks": _shift(layers["blocks"], by)}, Delta(then), Note("bench", ""))


def _shift(features: list[Any], by: Any) -> list[Any]:
    shapes = shapely.from_geojson([orjson.dumps(one["geometry"]).decode() for one in features])
    moved = shapely.to_geojson(shapely.transform(shapes, lambda xy: np.round(xy + by, 7)))
    return [{**one, "geometry": orjson.loads(text)} for one, text in zip(features, moved, strict=True)]


def _measure_load(path: Place, seconds: float, *, strict: bool) -> None:
    store = open_store(path)
    names = [plan.plan_id for plan in store.list_plans()]
    grids = [grid.grid_id for grid in store.read_grids("city", 1) if grid.feature]
    corner = shapely.from_geojson(store.features("city", 1, "grids", limit=1).features[0].decode()).bounds[:2]
    before = store.get_plan("city").head
    store.close()
    with starting(None, store=path) as (address, server), httpx.Client(base_url=address, timeout=120) as client:
        tile = _find_tile(client)
        client.post(
            f"{HERE}/edits", json=_rename(grids[0], f"first {time.time_ns()}"), headers=_match(client)
        )  # what is read once is read
        asked = (address, names, grids, corner, tile, seconds)
        with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
            reading, writing = pool.submit(_read_all, *asked), pool.submit(_write_all, *asked, strict)
            waits, errors = reading.result()
            edits, told = writing.result()
        cpu, peak = _cpu_of(server.pid), _peak_of(server.pid)
    store = open_store(path)
    made = store.get_plan("city").head - before - 1
    lost = set(told["names"]) - {e["name"] for v in store.list_versions("city") for e in v.edits if "name" in e}
    store.close()
    print(
        f"\n| {READERS} readers, {WRITERS} writers, {seconds:.0f} s | requests | p50 ms | p99 ms |\n|---|---|---|---|"
    )
    for name, some in {**waits, "edit, each request": told["requests"], "edit, until it is a version": edits}.items():
        half, most = np.percentile(some or [np.nan], [50, 99])
        print(f"| {name} | {len(some):,} | {half:.0f} | {most:.0f} |")
    pages = sum(map(len, waits.values())) / seconds
    print(
        f"\n{pages:.0f} answers a second; {sum(errors.values())} read errors {dict(errors)}; {len(told['names'])} edits"
    )
    print(f"acknowledged, {made} versions made, {len(lost)} lost, {told['again']} made again; other answers to edits:")
    print(
        f"{dict(told['errors'])}; {cpu:.0f} s of processor time in the server, {peak / 1e6:,.0f} MB of memory at most"
    )


def _cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak_of(pid: int) -> int:
    """Return the most bytes of memory that a process had at a time."""
    status = Path(f"/proc/{pid}/status").read_text()
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])


def _find_tile(client: httpx.Client) -> str:
    """Return the address of a tile in the middle of the city."""
    document = client.get(f"{HERE}/feeds/collections/grids").json()
    west, south, east, north = document["extent"]["spatial"]["bbox"][0]
    lon, lat = (west + east) / 2, np.radians((south + north) / 2)
    column = int((lon + 180) / 360 * 2**14)
    row = int((1 - np.arcsinh(np.tan(lat)) / np.pi) / 2 * 2**14)
    return f"{HERE}/feeds/collections/grids/tiles/WebMercatorQuad/14/{row}/{column}"


def _match(client: httpx.Client) -> dict[str, str]:
    return {"If-Match": client.get(HERE).headers["ETag"]}


def _rename(grid: str, name: str) -> dict[str, Any]:
    return {"edits": [{"kind": "rename", "grid": grid, "name": name}]}


def _read_all(
    address: str, names: list[str], grids: list[str], corner: Any, tile: str, seconds: float
) -> tuple[dict[str, list[float]], Counter[str]]:
    """Let readers ask one thing after another; return their waits in milliseconds and what went wrong."""
    west, south = corner
    kinds: dict[str, Callable[[random.Random], str]] = {
        "page of 200 grids": lambda r: (
            f"/plans/{r.choice(names)}/layers/grids?limit=200&offset={r.randrange(len(grids))}"
        ),
        "a box of some 100 grids": lambda r: (
            f"/plans/city/layers/grids?bbox={west},{south},{west + 0.03},{south + r.uniform(0.02, 0.03)}"
        ),
        "one grid": lambda r: f"{HERE}/feeds/collections/grids/items/{r.choice(grids)}",
        "a tile": lambda r: tile,
    }
    waits: dict[str, list[float]] = {name: [] for name in kinds}
    errors = Counter[str]()

    async def read(client: httpx.AsyncClient, seed: int, until: float) -> None:
        chance = random.Random(seed)
        while time.perf_counter() < until:
            name = chance.choices([*kinds], [6, 2, 1, 1])[0]
            began = time.perf_counter()
            answer = await client.get(kinds[name](chance))
            waits[name].append(1000 * (time.perf_counter() - began))
            errors[f"{name} {answer.status_code}"] += answer.status_code not in (200, 204)

    _run_clients(address, read, READERS, seconds)
    return waits, +errors


def _write_all(
    address: str, names: list[str], grids: list[str], corner: Any, tile: str, seconds: float, strict: bool
) -> tuple[list[float], dict[str, Any]]:
    """Let writers edit the same plan; return their waits, and what was acknowledged."""
    waits: list[float] = []
    told: dict[str, Any] = {"names": [], "again": 0, "errors": Counter[str](), "requests": []}

    async def write(client: httpx.AsyncClient, seed: int, until: float) -> None:
        chance = random.Random(seed)
        while time.perf_counter() < until:
            began, name = time.perf_counter(), f"{seed} {time.time_ns()}"
            body, status = _rename(chance.choice(grids), name), 412
            while status == 412:
                tag = (await client.get(HERE)).headers["ETag"]
                sent = time.perf_counter()
                seen = {} if strict else {"seen": tag}
                head = {"If-Match": tag if strict else "*"}
                answer = await client.post(f"{HERE}/edits", json=body, headers=head, params=seen)
                status = answer.status_code
                told["requests"].append(1000 * (time.perf_counter() - sent))
                told["again"] += status == 412
            if status != 201:
                told["errors"][f"{status} {answer.text[:200]}"] += 1
            told["names"] += [name] if status == 201 else []
            waits.append(1000 * (time.perf_counter() - began))

    _run_clients(address, write, WRITERS, seconds)
    return waits, told


def _run_clients(address: str, act: Callable[..., Any], count: int, seconds: float) -> None:
    async def run() -> None:
        until = time.perf_counter() + seconds
        plain = {"Accept-Encoding": "identity"}
        async with httpx.AsyncClient(base_url=address, timeout=120, headers=plain) as client:
            await asyncio.gather(*(act(client, seed, until) for seed in range(count)))

    asyncio.run(run())


def _least(run: Callable[[], Any], runs: int = 5) -> float:
    """Return the least processor seconds of several runs."""
    spent = []
    for _ in range(runs):
        began = time.process_time()
        run()
        spent.append(time.process_time() - began)
    return min(spent)


def _measure_whole(path: Place) -> None:
    """Write 20,000 grids of plan after plan, kept in memory and read out of the store, against joining their bytes."""
    store = open_store(path)
    wanted = store.list_plans()[: _WHOLE // len(store.read_grids("city", 1)) + 1]

    def read() -> list[bytes]:
        pages = (store.features(plan.plan_id, plan.head, "grids", limit=_WHOLE) for plan in wanted)
        return [one for page in pages for one in page.features]

    features = read()
    bare = _least(lambda: orjson.dumps({"features": [orjson.Fragment(one) for one in features]}))
    kept = _least(lambda: tell_features(features, len(features), {}))
    whole = _least(lambda: tell_features(read(), len(features), {}))
    store.close()
    print(
        f"\n{len(features):,} grids in one FeatureCollection: {kept / bare:.2f} of the processor time in which orjson"
    )
    print(
        f"joins their bytes ({1000 * bare:.1f} ms) from memory, as feeds keep them, {whole / bare:.1f} from the store"
    )


def _measure_crowd(path: Place) -> None:
    """Send long lists of places, all but the last byte of each; tell what the server holds, and how many it refuses."""
    with starting(None, store=path) as (address, server), ExitStack() as lines:
        before, host = _peak_of(server.pid), httpx.URL(address)
        head = f"POST {HERE}/feeds/locate HTTP/1.1\r\nHost: localhost\r\nContent-Length: {_CROWD_BYTES}\r\n\r\n"
        clients = [lines.enter_context(socket.create_connection((host.host, host.port))) for _ in range(_CROWD)]
        for client in clients:
            client.sendall(head.encode() + b" " * (_CROWD_BYTES - 1))
        told = httpx.get(f"{address}{HERE}", timeout=120).status_code  # all that was sent before is read by then
        refused = sum(bool(select.select([client], [], [], 0.1)[0]) for client in clients)
        held = _peak_of(server.pid) - before
    print(f"\n{_CROWD} clients send {_CROWD_BYTES / 1e6:.0f} MB of places each: {refused} are asked to come again,")
    print(f"{held / 1e6:.0f} MB are held at most; who asks for something else is answered {told}")


def _measure_box(tipg: Path | None) -> None:
    """Ask both servers for a box of 1,000 grids of the same table."""
    why = postgres.why_not() or ("" if tipg and tipg.exists() else "TiPG is not here (--tipg)")
    if postgres.why_not():
        print(f"\nno comparison with TiPG: {why}")
        return
    with postgres.running() as server:
        postgres.create_database(server, "load")
        place = f"{server}/load"
        fill_store(place, make_plan(_COMMUNITIES), 0)
        store = open_store(place)
        shapes = [orjson.loads(one)["geometry"] for one in store.features("city", 1, "grids", limit=10**6).features]
        store.close()
        west, south, east, north = shapely.total_bounds(
            shapely.from_geojson([orjson.dumps(s).decode() for s in shapes])
        )
        box = f"bbox={west},{south},{east},{north}&limit={_PAGE}"
        with starting(None, store=place) as (address, process):
            ours = _time_pages(f"{address}{HERE}/layers/grids?{box}", process.pid)
        _tell_pages("Wangge", ours)
        if tipg is None or not tipg.exists():
            print(why)
            return
        with _run_tipg(tipg, place) as (address, pid):
            theirs = _time_pages(f"{address}/collections/public.grids/items?{box}", pid)
        _tell_pages("TiPG", theirs)
        print(
            f"of the time of TiPG: {ours[0] / theirs[0]:.2f} of its waits, {ours[1] / theirs[1]:.2f} of its processor"
        )


def _time_pages(address: str, pid: int, runs: int = 15) -> tuple[float, float, int]:
    """Return the median wait for a page, the processor time of the server for one, and how many features it has."""
    with httpx.Client(timeout=120, headers={"Accept-Encoding": "identity"}) as client:
        found = [client.get(address) for _ in range(3)][-1]
        assert found.status_code == 200, found.text[:500]
        waits, before = [], _cpu_of(pid)
        for _ in range(runs):
            began = time.perf_counter()
            client.get(address)
            waits.append(time.perf_counter() - began)
    return float(np.median(waits)), (_cpu_of(pid) - before) / runs, len(found.json()["features"])


def _tell_pages(name: str, told: tuple[float, float, int]) -> None:
    print(f"{name}: a box of {told[2]:,} grids of PostGIS, {1000 * told[0]:.0f} ms, {1000 * told[1]:.0f} ms of CPU")


@contextmanager
def _run_tipg(python: Path, place: str) -> Iterator[tuple[str, int]]:
    port = int(place.rpartition("/")[0].rpartition(":")[2]) + 1
    known = {**os.environ, "DATABASE_URL": place, "TIPG_MAX_FEATURES_PER_QUERY": "10000"}
    process = subprocess.Popen([python, "-c", _TIPG.format(port=port)], env=known)
    try:
        address = f"http://127.0.0.1:{port}"
        for _ in range(200):
            try:
                httpx.get(f"{address}/healthz")
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield address, process.pid
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()
