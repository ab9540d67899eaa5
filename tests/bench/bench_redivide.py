"""How long does a planner wait who draws five neighbouring grids anew?

Run as ``python -m tests.bench.bench_redivide`` from the checkout: the published instances and the made sample, five
neighbouring grids at a time, from a good plan of today and from one that METIS made for the published instances. The
first call of the process is told apart: it loads what is compiled.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import spatial
from spatial.division.redivide import redivide
from tests.bench.instances import read_instance
from tests.bench.rivals import list_rivals, run_rivals

_GRIDS, _SAMPLES, _SEED = 5, 6, 1
_SAMPLE = Path(__file__).parents[2] / "data" / "sample"


def main() -> None:
    """Print a line per instance and kind of plan."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--instances", nargs="*", default=["wuh_0300", "wuh_2000"])
    options = parser.parse_args()
    print("case | blocks drawn anew | first call s | median s | longest s | proved | total | moved")
    print("---|---|---|---|---|---|---|---")
    for name, blocks, adjacency, current in _list_cases(options.instances):
        print(_measure(name, blocks, adjacency, current), flush=True)


def _list_cases(names: list[str]) -> Iterator[tuple[str, Any, Any, Any]]:
    """Yield (name, blocks, adjacency, grids of today)."""
    inputs, profile = spatial.read_district(_SAMPLE)[0], spatial.read_profile("about_500")
    land = spatial.build_blocks(inputs, profile)
    yield "sample, quick plan", land.blocks, land.adjacency, _divide(land.blocks, land.adjacency)
    for name in names:
        try:
            blocks, adjacency = read_instance(name)
        except pytest.skip.Exception as reason:
            raise SystemExit(str(reason)) from None
        yield f"{name}, quick plan", blocks, adjacency, _divide(blocks, adjacency)
        metis = [method for method in list_rivals() if method.startswith("metis")][:1]
        for rival in run_rivals(blocks, adjacency, methods=tuple(metis)):
            if rival.labels is not None:
                yield f"{name}, METIS", blocks, adjacency, "M" + rival.labels.astype(str)


def _divide(blocks: Any, adjacency: Any) -> Any:
    """Return a plan without a proof, as grids of today."""
    profile = spatial.read_profile("about_500")
    rules = replace(profile.division, proof_nodes_per_block=0, moves_per_block=100)
    return spatial.divide(
        blocks, adjacency, replace(profile, division=rules), rng=np.random.default_rng(_SEED)
    ).assignment


def _measure(name: str, blocks: Any, adjacency: Any, current: Any) -> str:
    profile = spatial.read_profile("about_500")
    seconds, drawn, proved, total, moved = [], [], 0, 0.0, 0.0
    for grids in _pick(adjacency, current):
        began = time.perf_counter()
        rng = np.random.default_rng(_SEED)
        division = redivide(blocks, adjacency, profile, current=current, grids=grids, rng=rng)
        seconds.append(time.perf_counter() - began)
        drawn.append(int(current.isin(grids).sum()))
        proved += division.status != "gap"
        total += division.total
        moved += division.objective["changed_households"]

    figures = [f"{np.mean(drawn):.0f}", *(f"{s:.2f}" for s in (seconds[0], np.median(seconds[1:]), max(seconds[1:])))]
    return " | ".join([name, *figures, f"{proved}/{len(drawn)}", f"{total:.2f}", f"{moved:.0f}"])


def _pick(adjacency: Any, current: Any) -> Iterator[list[str]]:
    """Yield lists of neighbouring grids, spread over the map."""
    near: dict[str, set[str]] = {}
    for one, other in zip(current[adjacency["focal"]], current[adjacency["neighbor"]], strict=True):
        near.setdefault(one, set()).add(other)
        near.setdefault(other, set()).add(one)
    names = sorted(near)
    for first in names[:: max(1, len(names) // _SAMPLES)][:_SAMPLES]:
        chosen = [first]
        for grid in chosen:
            chosen += [other for other in sorted(near[grid]) if other not in chosen][: _GRIDS - len(chosen)]
        yield chosen


if __name__ == "__main__":
    main()
