"""What do other tools make of the same blocks? Each runs in a process of its own, under a limit of CPU seconds.

METIS and KaHIP get J's own prices of borders and one household share per part; GerryChain keeps 20 % and optimises J
itself; spopt sees the centres of the blocks, and MaxP a floor of 400 households. A tool that is not installed, breaks
or does not return in time is reported as such. Seconds are CPU seconds of the solver, without import and reading.
"""

import importlib
import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from tests.bench.score import Score, count_grids, measure_balance, price_borders, score

_SEEDS = (1, 2, 3)
Stable = Any


@dataclass(frozen=True, slots=True)
class Case:
    """An instance as plain lists: what every tool is told."""

    households: list[int]
    x: list[float]
    y: list[float]
    first: list[int]
    second: list[int]
    price: list[float]
    parts: int

    def rows(self) -> list[list[tuple[int, int]]]:
        """Return by block its neighbours, each with the price of the border as a whole number from 1."""
        near: list[list[tuple[int, int]]] = [[] for _ in self.households]
        for a, b, price in zip(self.first, self.second, self.price, strict=True):
            whole = max(1, round(1000 * price))
            near[a].append((b, whole))
            near[b].append((a, whole))
        return [sorted(row) for row in near]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a rival returned: labels by block_id with their score, or the reason why there are none."""

    method: str
    labels: Any
    score: Score | None
    cpu_s: float
    failure: str


def list_rivals() -> tuple[str, ...]:
    """Return the names of all methods."""
    return tuple(_METHODS)


def run_rivals(
    blocks: Any,
    adjacency: Any,
    *,
    methods: tuple[str, ...] | None = None,
    budget_s: float = 15.0,
    limit_s: float = 60.0,
) -> Iterator[Outcome]:
    """Yield the outcome of each method named, or of all; chains run ``budget_s``, every method ends at ``limit_s``."""
    unknown = sorted(set(methods or ()) - set(_METHODS))
    if unknown:
        raise ValueError(f"found methods {unknown}, needed some of {list_rivals()}")
    case = to_case(blocks, adjacency)
    with open_stable() as stable:
        for method in methods or list_rivals():
            told = _call(stable, method, case, budget_s, limit_s)
            if "labels" not in told:
                yield Outcome(method, None, None, told.get("cpu_s", 0.0), told["failure"])
                continue
            labels = pd.Series(told["labels"], index=pd.Index(blocks["block_id"]))
            yield Outcome(method, labels, score(blocks, adjacency, labels), told["cpu_s"], "")


def to_case(blocks: Any, adjacency: Any) -> Case:
    """Return BLOCKS and ADJACENCY as a case."""
    place = pd.Index(blocks["block_id"])
    centre = blocks.geometry.centroid
    return Case(
        households=blocks["households"].tolist(),
        x=centre.x.tolist(),
        y=centre.y.tolist(),
        first=place.get_indexer(adjacency["focal"]).tolist(),
        second=place.get_indexer(adjacency["neighbor"]).tolist(),
        price=price_borders(blocks, adjacency).tolist(),
        parts=max(2, count_grids(blocks["households"])),
    )


def _call(stable: Stable, method: str, case: Case, budget_s: float, limit_s: float) -> dict[str, Any]:
    """Return what a rival told: labels and seconds, or a failure."""
    asked = json.dumps({"method": method, "budget_s": budget_s, "limit_s": limit_s, "case": asdict(case)})
    stable.stdin.write(asked + "\n")
    stable.stdin.flush()
    told = stable.stdout.readline()
    return dict(json.loads(told)) if told else {"failure": "the process of all rivals ended"}


@contextmanager
def open_stable() -> Iterator[Stable]:
    """Yield a process in which rivals run one after the other, each in a fork of its own: tools are loaded once."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "tests.bench.rivals"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **threads, "PYTHONHASHSEED": "0"},
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def _serve() -> None:
    """Answer the questions on the standard input, a line each, until it ends."""
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what tools print is no answer
    for line in sys.stdin:
        replies.write(json.dumps(_run_apart(json.loads(line))) + "\n")
        replies.flush()


def _run_apart(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a fork of this process answers, or what it ended with."""
    with suppress(ImportError):
        importlib.import_module(_TOOLS[asked["method"].partition("_")[0]])
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        with os.fdopen(writer, "w") as answer:
            json.dump(_answer(asked), answer)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        told = answer.read()
    _, status, used = os.wait4(child, 0)
    if told and not status:
        return dict(json.loads(told))
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGKILL):
        return {"failure": f"no return in {asked['limit_s']:.0f} CPU s", "cpu_s": used.ru_utime + used.ru_stime}
    return {"failure": f"ended with status {status}", "cpu_s": used.ru_utime + used.ru_stime}


def _answer(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a method makes of a case in this process, whose CPU seconds it limits."""
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002 - MaxP draws from the global state
    warnings.simplefilter("ignore")
    limit_s = asked["limit_s"]
    began = time.process_time()
    try:
        solve = _METHODS[asked["method"]](Case(**asked["case"]))
    except ImportError as missing:
        return {"failure": f"not installed: {missing.name}"}
    signal.signal(signal.SIGXCPU, _stop)
    resource.setrlimit(resource.RLIMIT_CPU, (int(began + limit_s) + 1, int(began + limit_s) + 3))
    try:
        labels = solve(asked["budget_s"])
    except TimeoutError:
        return {"failure": f"no plan in {limit_s:.0f} CPU s", "cpu_s": time.process_time() - began}
    except Exception as broken:  # whatever a rival breaks with is its outcome
        return {"failure": f"{type(broken).__name__}: {broken}"[:120], "cpu_s": time.process_time() - began}
    return {"labels": [int(label) for label in labels], "cpu_s": time.process_time() - began}


def _stop(*_: Any) -> None:
    raise TimeoutError


Solve = Callable[[float], Any]


def _metis(case: Case, *, tolerance: int, seed: int) -> Solve:
    import pymetis

    rows = case.rows()
    near = pymetis.CSRAdjacency(np.cumsum([0, *map(len, rows)]).tolist(), [j for row in rows for j, _ in row])
    prices = [price for row in rows for _, price in row]
    options = pymetis.Options(ufactor=tolerance, contig=1, seed=seed)

    def solve(_: float) -> Any:
        return pymetis.part_graph(
            case.parts, near, vweights=case.households, eweights=prices, options=options, recursive=False
        )[1]

    return solve


def _kahip(case: Case, *, tolerance: float, seed: int) -> Solve:
    import kahip

    rows = case.rows()
    start = np.cumsum([0, *map(len, rows)]).tolist()
    near, prices = [j for row in rows for j, _ in row], [price for row in rows for _, price in row]

    def solve(_: float) -> Any:
        return kahip.kaffpa(case.households, start, prices, near, case.parts, tolerance, True, seed, int(kahip.STRONG))[
            1
        ]

    return solve


def _gerrychain(case: Case, *, mode: str) -> Solve:
    import networkx as nx
    from gerrychain import Graph, MarkovChain, Partition, accept, constraints
    from gerrychain.optimization import SingleMetricOptimizer
    from gerrychain.proposals import recom

    drawn = nx.Graph()
    drawn.add_nodes_from((i, {"pop": households}) for i, households in enumerate(case.households))
    drawn.add_edges_from(zip(case.first, case.second, strict=True))
    graph, measure = Graph.from_networkx(drawn), _objective(case)

    def cost(plan: Any) -> float:
        return measure(_to_labels(plan, len(case.households)))

    def solve(budget_s: float) -> Any:
        began = time.process_time()
        start = Partition.from_random_assignment(graph, case.parts, 0.2, "pop", rng=1)
        aim = sum(case.households) / case.parts
        propose = partial(recom, pop_col="pop", pop_target=aim, epsilon=0.2, node_repeats=2)
        kept = [constraints.contiguous]
        best, least = start, cost(start)
        if mode == "recom":
            plans = iter(MarkovChain(propose, kept, accept.always_accept, start, 10**9, rng=1))
        else:
            optimizer = SingleMetricOptimizer(propose, kept, start, cost, maximize=False, rng=1)
            plans = optimizer.short_bursts(10, 10**8) if mode == "bursts" else optimizer.tilted_run(10**9, 0.05)
        try:
            for plan in plans:
                if (now := cost(plan)) < least:
                    best, least = plan, now
                if time.process_time() - began > budget_s:
                    break
        except TimeoutError:
            pass  # the best plan so far stands
        return _to_labels(best, len(case.households))

    return solve


def _to_labels(plan: Any, count: int) -> Any:
    return np.fromiter((plan.assignment[i] for i in range(count)), dtype=np.int64, count=count)


def _objective(case: Case) -> Callable[[Any], float]:
    """Return J as a function of labels by row."""
    households, price = np.array(case.households, dtype=np.float64), np.array(case.price)
    first, second = np.array(case.first), np.array(case.second)

    def measure(labels: Any) -> float:
        _, grid = np.unique(labels, return_inverse=True)
        sums = np.bincount(grid, households)
        largest = np.zeros(len(sums))
        np.maximum.at(largest, grid, households)
        return measure_balance(sums, largest) + float(price[labels[first] != labels[second]].sum())

    return measure


def _spopt(case: Case, *, method: str) -> Solve:
    import geopandas as gpd
    from libpysal.weights import W
    from spopt.region import AZP, MaxPHeuristic, Skater, WardSpatial

    rows = case.rows()
    weights = W({i: [j for j, _ in row] for i, row in enumerate(rows)}, silence_warnings=True)
    shapes = gpd.points_from_xy(case.x, case.y)
    frame = gpd.GeoDataFrame({"x": case.x, "y": case.y, "households": case.households}, geometry=shapes)
    centre = ["x", "y"]
    make = {
        "maxp": lambda: MaxPHeuristic(
            frame, weights, centre, "households", 400, 2, max_iterations_construction=20, max_iterations_sa=1
        ),
        "skater": lambda: Skater(frame, weights, centre, n_clusters=case.parts),
        "azp": lambda: AZP(frame, weights, centre, n_clusters=case.parts, random_state=1),
        "ward": lambda: WardSpatial(frame, weights, centre, n_clusters=case.parts),
    }

    def solve(_: float) -> Any:
        model = make[method]()
        model.solve()
        return model.labels_

    return solve


_METHODS: dict[str, Callable[[Case], Solve]] = {
    **{
        f"metis_{tolerance // 10:02d}_{seed}": partial(_metis, tolerance=tolerance, seed=seed)
        for tolerance in (200, 100, 50)
        for seed in _SEEDS
    },
    "kahip_20": partial(_kahip, tolerance=0.2, seed=1),
    "kahip_05": partial(_kahip, tolerance=0.05, seed=1),
    **{f"gc_{mode}": partial(_gerrychain, mode=mode) for mode in ("recom", "bursts", "tilted")},
    **{method: partial(_spopt, method=method) for method in ("maxp", "skater", "azp", "ward")},
}


_TOOLS = {"metis": "pymetis", "kahip": "kahip", "gc": "gerrychain"} | dict.fromkeys(
    ("maxp", "skater", "azp", "ward"), "spopt.region"
)


if __name__ == "__main__":
    _serve()
