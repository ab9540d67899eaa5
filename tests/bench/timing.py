"""How good is our division of one instance within a budget, how sure is it of that, and how long did it take?"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

import spatial
from tests.bench.instances import read_instance
from tests.bench.score import Score, check_rules, score

_LIMIT_S = 600.0
NAN = float("nan")


@dataclass(frozen=True, slots=True)
class Run:
    """One call of ``divide``: what it returned, what the independent checker says, and seconds.

    ``cold_s`` is the start of a fresh process, imports and a first call together (nan in others); ``first_s`` when the
    first plan was there. ``doubts`` are broken rules, a bound above J, a total that is not J, or the error raised.
    """

    budget_s: float
    wall_s: float
    cpu_s: float
    first_s: float
    total: float
    bound: float
    gap: float
    status: str
    score: Score | None
    doubts: tuple[str, ...]
    cold_s: float = NAN


def run_ours(instance: Sequence[Any], budget_s: float, seed: int = 1, *, whole: bool = True) -> Run:
    """Return the run of ``divide`` under the profile bench_j; a ``whole`` instance is one in which total is J."""
    blocks, adjacency = instance
    profile = spatial.read_profile("bench_j")
    began, cpu = time.perf_counter(), time.process_time()
    try:
        division = spatial.divide(blocks, adjacency, profile, rng=np.random.default_rng(seed), budget_s=budget_s)
    except Exception as error:  # a benchmark of many instances goes on, and tells
        wall_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu
        doubt = f"{type(error).__name__}: {error}"
        return Run(budget_s, wall_s, cpu_s, NAN, NAN, NAN, NAN, "failed", None, (doubt,))
    wall_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu
    verdict = check_rules(
        blocks,
        adjacency,
        division.assignment,
        floor=profile.grid.floor_households,
        ceiling=profile.grid.ceiling_households,
        min_shared_m=profile.land.min_shared_m,
    )
    total, bound = (float(getattr(division, name, NAN)) for name in ("total", "bound"))
    trace: Any = getattr(division, "trace", ())
    if verdict.broken and len(division.assignment) != len(blocks):
        return Run(budget_s, wall_s, cpu_s, NAN, total, bound, NAN, division.status, None, verdict.broken)
    found = score(blocks, adjacency, division.assignment)
    return Run(
        budget_s=budget_s,
        wall_s=wall_s,
        cpu_s=cpu_s,
        first_s=float(trace[0][0]) if len(trace) else NAN,
        total=total,
        bound=bound,
        gap=float(getattr(division, "gap", NAN)),
        status=division.status,
        score=found,
        doubts=verdict.broken + (_doubt(found.j, total, bound) if whole else ()),
    )


def _doubt(j: float, total: float, bound: float) -> tuple[str, ...]:
    doubts = []
    if abs(total - j) > 1e-6 * max(1.0, j):
        doubts.append(f"total {total:.6f} is not J {j:.6f}")
    if bound > j * (1 + 1e-9) + 1e-9:
        doubts.append(f"bound {bound:.6f} is above J {j:.6f}")
    return tuple(doubts)


def time_published(name: str, budgets: tuple[float, ...], seed: int) -> Iterator[Run]:
    """Yield the runs of a published instance in a fresh process: the smallest budget (its cold start too), then more.

    Raises
    ------
    RuntimeError
        If the process breaks, with its last words.
    """
    # The clock is one for all processes of a machine, so the child knows how long its start took.
    options = [name, str(seed), str(time.monotonic()), *map(str, sorted(budgets))]
    command = [sys.executable, "-m", "tests.bench.timing", *options]
    child = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_LIMIT_S + 4 * sum(budgets))
    if child.returncode:
        raise RuntimeError((child.stderr.strip().splitlines() or [f"ended with code {child.returncode}"])[-1])
    for line in child.stdout.splitlines():
        told = json.loads(line)
        found = Score(**told.pop("score")) if told["score"] else None
        yield Run(**{**told, "score": found, "doubts": tuple(told["doubts"])})


def _print_runs(name: str, seed: int, budgets: list[float], started: float) -> None:
    began = time.monotonic()
    instance = read_instance(name)
    read_s = time.monotonic() - began
    run_ours(instance, budgets[0], seed)
    cold_s = time.monotonic() - started - read_s
    for number, budget_s in enumerate(budgets):
        run = replace(run_ours(instance, budget_s, seed), cold_s=NAN if number else cold_s)
        print(json.dumps(asdict(run)), flush=True)


if __name__ == "__main__":
    _print_runs(sys.argv[1], int(sys.argv[2]), [float(text) for text in sys.argv[4:]], float(sys.argv[3]))
