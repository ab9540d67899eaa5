"""Are curves of households moved against cost traced whole, and what does it take?

Run as ``python -m tests.bench.bench_tradeoff`` from the checkout: windows of real streets, from a plan of other numbers
of households (each block's up to a fifth more or fewer) and from one that METIS made. Seconds are of the processor.
"""

import argparse
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

import spatial
from spatial.division.divide import divide
from spatial.division.tradeoff import trade_off
from tests.bench.rivals import list_rivals, run_rivals
from tests.bench.suites import CEILING, suite

_CHANGE, _SEED = 0.2, 1


def main() -> None:
    """Print a line per window and plan of today."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--blocks", type=int, default=60)
    parser.add_argument("--windows", type=int, default=10)
    options = parser.parse_args()
    profile = spatial.read_profile("about_500")
    print("window | today | points | proved | complete | CPU s")
    print("---|---|---|---|---|---")
    for number, (name, blocks, adjacency) in enumerate(suite(options.blocks, options.windows, _SEED)):
        for kind, current in _list_plans(blocks, adjacency, number):
            began, rng = time.process_time(), np.random.default_rng(_SEED)
            found = trade_off(blocks, adjacency, profile, current=current, rng=rng)
            seconds, proved = time.process_time() - began, sum(point.proved for point in found.points)
            print(f"{name} | {kind} | {len(found.points)} | {proved} | {found.complete} | {seconds:.1f}", flush=True)


def _list_plans(blocks: Any, adjacency: Any, number: int) -> Iterator[tuple[str, Any]]:
    """Yield plans of today with what they are called."""
    rng = np.random.default_rng(number)
    then = np.round(blocks["households"] * rng.uniform(1.0 - _CHANGE, 1.0 + _CHANGE, len(blocks))).astype(np.int64)
    changed = blocks.assign(
        households=then, oversize=then > CEILING, sub_grids_needed=np.maximum(1, -(-then // CEILING))
    )
    profile = spatial.read_profile("about_500")
    yield "other households", divide(changed, adjacency, profile, rng=np.random.default_rng(number)).assignment
    metis = [method for method in list_rivals() if method.startswith("metis")][:1]
    if not metis:
        print("METIS is not installed")
    for rival in run_rivals(blocks, adjacency, methods=tuple(metis)):
        if rival.labels is not None:
            yield "METIS", "M" + rival.labels.astype(str)


if __name__ == "__main__":
    main()
