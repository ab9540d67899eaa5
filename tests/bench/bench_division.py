"""How good is the division beside METIS, KaHIP, GerryChain and spopt on the same blocks, and how far is it proved?

Run as ``python -m tests.bench.bench_division`` from the checkout, with WANGGE_DATA set or the data beside it: the
published instances, ours at three budgets beside all rivals, as Markdown on the standard output or in ``--out``. What
has not begun after ``--limit-min`` minutes is told and left out; rivals that are not installed (extra ``bench``) are
named. ``--most-blocks 300`` leaves out the larger instances. With
``--suite 60 --count 100 --budget 1`` it runs a seeded suite instead (``--suite 12-16``: sizes from-to; ``--rough``:
islands, oversize blocks, torn borders) and prints the share proved, seconds, the worst gap and every doubt. With
``--unworsened FILE`` the plan of every rival is improved so that none of its seven metrics gets worse, and the table of
theirs and ours is written there.

J, its terms and the rules are computed by ``tests.bench.score``, which shares no code with the division.
"""

import argparse
import math
import os
import platform
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.bench.domination import Duel, fight, sum_up, tell_duel
from tests.bench.instances import NAMES, read_instance
from tests.bench.rivals import Outcome, list_rivals, run_rivals
from tests.bench.score import METRICS, Score, count_grids, list_worse
from tests.bench.suites import rough_suite, suite
from tests.bench.timing import Run, run_ours, time_published

_HEAD = (
    "method | k | extra parts | mean dev % | max dev % | within 20 % | within 40 % | out of 300-700 | clear border % "
    "| mean clarity | PP mean | PP min | J | bound | gap % | status | first plan s | wall s | CPU s"
).split(" | ")


def main() -> None:
    """Read the options, run, print as it goes and write the whole."""
    options = _read_options()
    lines: list[str] = []
    options.out = options.unworsened or options.out
    run = _run_suite if options.suite else _worsen_nothing if options.unworsened else _compare
    try:
        for line in run(options):
            print(line, flush=True)
            lines.append(line)
    except pytest.skip.Exception as reason:
        raise SystemExit(str(reason)) from None
    if options.out:
        options.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, help="write the Markdown here too")
    parser.add_argument("--unworsened", type=Path, help="improve the rivals' plans; write the Markdown here")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--instances", nargs="+", default=list(NAMES), choices=NAMES)
    parser.add_argument("--budgets", nargs="+", type=float, default=[2.0, 10.0, 60.0], help="seconds, ours")
    parser.add_argument("--rivals", nargs="*", default=list(list_rivals()), help="method names; none: ours alone")
    parser.add_argument("--rival-budget", type=float, default=15.0, help="CPU seconds of a GerryChain run")
    parser.add_argument("--rival-limit", type=float, default=60.0, help="CPU seconds at which a rival is stopped")
    parser.add_argument("--most-blocks", type=int, default=10**6, help="leave out larger instances")
    parser.add_argument("--limit-min", type=float, default=60.0, help="minutes after which nothing more begins")
    parser.add_argument("--suite", help="blocks per instance: 60, or 12-16")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--budget", type=float, default=1.0, help="seconds per instance of the suite")
    parser.add_argument("--rough", action="store_true", help="islands, oversize blocks, torn borders")
    return parser.parse_args()


def _describe_machine() -> str:
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line.partition(":")[2].strip() for line in info.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    return f"{os.cpu_count()} cores ({model}), Python {platform.python_version()}"


def _compare(options: argparse.Namespace) -> Iterator[str]:
    """Yield the lines of the comparison: a table per instance, then J side by side."""
    yield from ("# Division beside other tools", "", f"{_describe_machine()}; profile `bench_j`, seed {options.seed}.")
    rows: list[str] = []
    ends = time.monotonic() + 60.0 * options.limit_min
    for name in options.instances:
        blocks, adjacency = read_instance(name)
        if len(blocks) > options.most_blocks or time.monotonic() > ends:
            why = f"more than {options.most_blocks} blocks" if len(blocks) > options.most_blocks else _late(options)
            yield from ("", f"## {name}", "", f"{len(blocks)} blocks: not run, {why}")
            continue
        households, k = blocks["households"].sum(), count_grids(blocks["households"])
        yield from (
            "",
            f"## {name}",
            "",
            f"{len(blocks)} blocks, {len(adjacency)} borders, {households} households, k {k}",
            "",
            *_head(_HEAD),
        )
        ours, doubts = [], []
        try:
            for run in time_published(name, tuple(options.budgets), options.seed):
                yield _row(f"**ours, {run.budget_s:g} s**", *_figures(run.score), *_proof(run))
                ours.append(run)
                doubts += [f"- ours, {run.budget_s:g} s: {doubt}" for doubt in run.doubts]
        except (RuntimeError, subprocess.TimeoutExpired) as broken:
            yield _row("**ours**", f"broke: {broken}")
        rivals = []
        for rival in _run_rivals(blocks, adjacency, options, ends):
            yield _row(rival.method, *_outcome(rival))
            rivals.append(rival)
        yield from ("", f"Cold start and a first call of {min(options.budgets):g} s: {_cold(ours)} s.", *doubts)
        rows.append(_summary(name, ours, rivals))
    yield from _side_by_side(rows, options)


def _worsen_nothing(options: argparse.Namespace) -> Iterator[str]:
    """Yield the lines of duels: a table per instance, then a row of counts for each."""
    yield from ("# Rivals' plans improved so that nothing gets worse", "")
    yield f"{_describe_machine()}; chains {options.rival_budget:g} CPU s, any rival {options.rival_limit:g} CPU s."
    rows: list[list[str]] = []
    ends = time.monotonic() + 60.0 * options.limit_min
    for name in options.instances:
        blocks, adjacency = read_instance(name)
        if len(blocks) > options.most_blocks:
            continue
        metrics = [metric.replace("_", " ") for metric in METRICS]
        yield from ("", f"## {name}, {len(blocks)} blocks", "")
        yield from _head(["rival", "hard rules", *metrics, "worse on", "better on", "outcome", "CPU s, ours"])
        duels: list[Duel] = []
        for duel in fight(blocks, adjacency, _run_rivals(blocks, adjacency, options, ends)):
            yield _row(*tell_duel(duel))
            duels.append(duel)
        rows.append(sum_up(name, duels))
    counts = "plans / worse on some metric / better and nowhere worse / proved that none is better / neither"
    yield from ("", f"Counts: {counts}.", "")
    yield from _head(["instance", "no plan", "rivals in the band and contiguous", "others"])
    yield from (_row(*row) for row in rows)


def _run_rivals(blocks: Any, adjacency: Any, options: argparse.Namespace, ends: float) -> Iterator[Outcome]:
    limits = {"budget_s": options.rival_budget, "limit_s": options.rival_limit}
    if not options.rivals:
        return
    left = iter(options.rivals)
    for rival in run_rivals(blocks, adjacency, methods=tuple(options.rivals), **limits):
        next(left)
        yield rival
        if time.monotonic() > ends:
            break  # what is left is told below
    for method in left:
        yield Outcome(method, None, None, math.nan, f"not run, {_late(options)}")


def _late(options: argparse.Namespace) -> str:
    return f"{options.limit_min:g} minutes were over"


def _side_by_side(rows: list[str], options: argparse.Namespace) -> Iterator[str]:
    ours = [f"ours {budget:g} s (gap %)" for budget in sorted(options.budgets)]
    yield from ("", "## J side by side, contiguous outcomes only", "")
    yield from _head(["instance", "best METIS", "best rival", *ours, "below METIS %", "metrics worse than best METIS"])
    yield from rows


def _summary(name: str, ours: list[Run], rivals: list[Outcome]) -> str:
    whole = {r.method: r.score for r in rivals if r.score is not None and not r.score.extra_parts}
    metis = min((s for m, s in whole.items() if m.startswith("metis")), key=lambda s: s.j, default=None)
    best = min(whole, key=lambda method: whole[method].j, default="")
    below = ", ".join(_number(100 * (1 - r.score.j / metis.j), 1) for r in ours if r.score and metis)
    last = ours[-1].score if ours else None
    worse = ", ".join(list_worse(last, metis)) or "none" if last and metis else ""
    found = [f"{_number(r.score.j if r.score else math.nan, 3)} ({_number(100 * r.gap, 2)})" for r in ours]
    rival = f"{whole[best].j:.3f} ({best})" if best else "none"
    return _row(name, _number(metis.j, 3) if metis else "none", rival, *found, below, worse)


def _figures(found: Score | None) -> list[str]:
    if found is None:
        return ["-"] * 12
    shares = (found.mean_deviation, found.max_deviation, found.within_20, found.within_40)
    return [
        str(found.grids),
        f"**{found.extra_parts}**" if found.extra_parts else "0",
        *(_number(100 * share, 1) for share in shares),
        str(found.out_of_band),
        _number(100 * found.clear_share, 1),
        *(_number(value, 3) for value in (found.clarity, found.compactness, found.compactness_min, found.j)),
    ]


def _proof(run: Run) -> list[str]:
    return [
        _number(run.bound, 3),
        _number(100 * run.gap, 2),
        run.status,
        *(_number(seconds, 3) for seconds in (run.first_s, run.wall_s, run.cpu_s)),
    ]


def _outcome(rival: Outcome) -> list[str]:
    if rival.score is None:
        return [f"FAIL: {rival.failure}", *[""] * 16, _number(rival.cpu_s, 3)]
    return [*_figures(rival.score), "", "", "", "", "", _number(rival.cpu_s, 3)]


def _cold(ours: list[Run]) -> str:
    return _number(min((run.cold_s for run in ours if not math.isnan(run.cold_s)), default=math.nan), 2)


def _run_suite(options: argparse.Namespace) -> Iterator[str]:
    """Yield the lines of a suite: one row of figures, then every instance that is not proved or in doubt."""
    low, _, high = options.suite.partition("-")
    make = rough_suite if options.rough else suite
    size = (int(low), int(high)) if high else int(low)
    instances = make(size, options.count, options.seed)
    for _, *pair in make(size, 1, options.seed + 1):
        run_ours(pair, options.budget)  # kernels are compiled and loaded
    runs = {name: run_ours(pair, options.budget, options.seed, whole=not options.rough) for name, *pair in instances}
    kind = "rough " if options.rough else ""
    yield from (f"# {len(runs)} {kind}instances of {options.suite} blocks, {options.budget:g} s each", "")
    yield from (f"{_describe_machine()}; profile `bench_j`, suite seed {options.seed}.", "")
    yield from _head(
        "proved % | gap <= 1 % | worst gap % | median s | 90th percentile s | longest s | median CPU s | "
        "out of band | in doubt | failed".split(" | ")
    )
    yield _suite_row(list(runs.values()))
    yield ""
    for name, run in runs.items():
        if run.doubts or run.status != "optimal":
            gap = f"{run.status}, gap {_number(100 * run.gap, 2)} %, {run.wall_s:.2f} s"
            yield f"- {name}: {gap}{''.join('; ' + doubt for doubt in run.doubts)}"


def _suite_row(runs: list[Run]) -> str:
    proved = np.array([run.status == "optimal" for run in runs])
    gap = np.array([0.0 if run.status == "optimal" else run.gap for run in runs])
    wall, cpu = (np.array([getattr(run, name) for run in runs]) for name in ("wall_s", "cpu_s"))
    median, tail = np.percentile(wall, [50, 90])
    return _row(
        _number(100 * proved.mean(), 1),
        _number(100 * (gap <= 0.01).mean(), 1),
        _number(100 * gap.max(), 2),
        *(_number(seconds, 3) for seconds in (median, tail, wall.max(), np.median(cpu))),
        str(sum(run.score.out_of_band for run in runs if run.score)),
        str(sum(bool(run.doubts) for run in runs)),
        str(sum(run.score is None for run in runs)),
    )


def _head(names: list[str]) -> list[str]:
    return [_row(*names), _row(*["---"] * len(names))]


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if math.isfinite(value) else "-"


if __name__ == "__main__":
    main()
