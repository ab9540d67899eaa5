"""How fast is a map file read into a walk network, against libosmium's own loop and against unpacking its blobs?

Run ``python -m tests.bench.bench_reading``. Every figure is CPU time of a process of its own, all threads, kernels
compiled before; the peak is that of the whole process with all that it imports. ``loop`` walks over the file with
pyosmium and takes ids, places, references and tags: it makes no network. ``floor`` inflates all blobs, and throws away
what it gets. ``elements`` is our like of the loop, ``cold`` goes all the way to the network, ``cached`` maps the one
kept by a run before.
"""

import cProfile
import io
import json
import os
import pstats
import resource
import subprocess
import sys
import tempfile
import time
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

import osmium

from spatial.io.osm_file import read_elements
from spatial.io.pbf_blobs import read_blobs, unpack_blob
from spatial.io.profiles import read_profile
from spatial.io.walk_network import read_walk_network
from tests.bench.mosaic import write_mosaic
from tests.real_data import real

_MOSAIC = Path("build/bench/mosaic.osm.pbf")
_AIM = 8.0
_REPEATS = 3
_PROFILED = 14


def loop(path: Path) -> None:
    """What a plain reader does: every element a Python object, nodes and references into arrays, tags into dicts."""
    ids, x, y, refs, sizes = (array("q") for _ in range(5))
    tags: list[dict[str, str]] = []
    for element in osmium.FileProcessor(str(path), osmium.osm.NODE | osmium.osm.WAY):
        if element.is_node():
            ids.append(element.id)
            x.append(element.location.x)
            y.append(element.location.y)
        else:
            nodes = [node.ref for node in element.nodes]
            refs.extend(nodes)
            sizes.append(len(nodes))
            tags.append(dict(element.tags))


def floor(path: Path) -> None:
    for blob in read_blobs(path):
        unpack_blob(blob)


def elements(path: Path) -> None:
    """What the loop does, and more: elements sorted, each once, with the tags that are kept."""
    read_elements(path)


def cold(path: Path) -> dict[str, int]:
    network = read_walk_network(path, read_profile(), cache=False)
    return {"nodes": network.node_count, "edges": network.edge_count}


def cached(path: Path) -> dict[str, int]:
    network = read_walk_network(path, read_profile())
    return {"nodes": network.node_count, "edges": network.edge_count}


_TASKS: dict[str, Callable[[Path], Any]] = {
    "loop": loop,
    "floor": floor,
    "elements": elements,
    "cold": cold,
    "cached": cached,
}


def measure(task: str, path: Path) -> dict[str, Any]:
    """Return the CPU and wall seconds of the first call and the least of all, and the peak, in this process."""
    cpu, wall, told = [], [], None
    for _ in range(1 if task == "loop" else _REPEATS):
        start, clock = time.process_time(), time.perf_counter()
        told = _TASKS[task](path) or {}
        cpu.append(time.process_time() - start)
        wall.append(time.perf_counter() - clock)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 2**20)
    return {"first": cpu[0], "cpu": min(cpu), "wall": min(wall), "peak": peak, **(told or {})}


def apart(task: str, path: Path) -> dict[str, Any]:
    """Measure in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.bench_reading", task, str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout))


def explain(path: Path) -> str:
    """Return where the time of reading goes."""
    profile = cProfile.Profile(time.process_time)
    cold(path)
    profile.runcall(cold, path)
    out = io.StringIO()
    pstats.Stats(profile, stream=out).strip_dirs().sort_stats("tottime").print_stats(_PROFILED)
    return "\n".join(line for line in out.getvalue().splitlines() if line.strip())


def report(paths: list[Path]) -> None:
    print("file                     nodes     edges   what      CPU s  first  wall s  peak MB  x loop  x floor")
    for path in paths:
        found = {task: apart(task, path) for task in (*_TASKS, "cached")}
        base, low = found["loop"]["cpu"], found["floor"]["cpu"]
        size = f"{found['cold']['nodes']:9,} {found['cold']['edges']:9,}"
        for task in _TASKS:
            row = found[task]
            name = f"{path.name} {path.stat().st_size / 1e6:.1f} MB"
            print(f"{name:22s} {size}   {task:8s} {row['cpu']:6.3f} {row['first']:6.3f}  {row['wall']:6.3f} "
                  f"{row['peak']:8.0f} {base / row['cpu']:7.1f} {row['cpu'] / low:8.1f}")  # fmt: skip
        if path == _MOSAIC and base / found["cold"]["cpu"] < _AIM:
            print(f"the aim of {_AIM:.0f} times the loop is missed; where the time goes:")
            print(explain(path))


def main() -> None:
    if len(sys.argv) == 3:
        print(json.dumps(measure(sys.argv[1], Path(sys.argv[2]))))
        return
    if not _MOSAIC.exists():
        _MOSAIC.parent.mkdir(parents=True, exist_ok=True)
        write_mosaic(_MOSAIC)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["WANGGE_CACHE"] = folder
        report([real("porto-alegre/poa.osm.pbf"), real("helsinki/helsinki.osm.pbf"), _MOSAIC])


if __name__ == "__main__":
    main()
