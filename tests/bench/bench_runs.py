"""What do the whole runs cost, stage by stage? Prints the table of the README: real data, the sample, a whole city.

Each run is a process of its own, so that its peak memory is its own; kernels are compiled before (``--cold`` also
times the sample with nothing compiled). Runs whose data is not here are named and left out.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

import spatial
from tests.real.runs import PROFILE, count, sources_of

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
CITY_COMMUNITIES = 103
RUNS = ("sample", "wuhan", "beijing", "futian", "helsinki", "city")
STAGES = {
    "land": "land",
    "proposing communities": "divide",
    "dividing blocks into grids": "divide",
    "walk network": "walk",
    "travel times": "walk",
    "circles": "walk",
    "siting": "site",
    "checking": "check",
    "writing": "write",
}


def main() -> None:
    """Run all, or in a child process one."""
    if len(sys.argv) == 2 and sys.argv[1] in RUNS:
        print(json.dumps(run(sys.argv[1])))
        return
    columns = ("blocks", "oversize", "grids", "in_band", "in_band_share", "in_band_households", "clarity")
    seconds = ("read", "land", "divide", "walk", "site", "check", "write", "total")
    print("run", *columns, *(f"{name}_s" for name in seconds), "peak_mb", sep="\t")
    for name in RUNS:
        _print_row(name, columns, seconds, os.environ.copy())
    if "--cold" in sys.argv:
        with tempfile.TemporaryDirectory() as empty:
            _print_row("sample", columns, seconds, {**os.environ, "NUMBA_CACHE_DIR": empty})


def _print_row(name: str, columns: tuple[str, ...], seconds: tuple[str, ...], env: dict[str, str]) -> None:
    child = subprocess.run(
        [sys.executable, "-m", __spec__.name, name], env=env, capture_output=True, text=True, check=False
    )
    if child.returncode:
        print(f"{name}\tleft out: {child.stderr.strip().splitlines()[-1]}")
        return
    told = json.loads(child.stdout.splitlines()[-1])
    figures = [f"{told[c]:.3f}" if isinstance(told[c], float) else str(told[c]) for c in columns]
    print(name, *figures, *(f"{told['seconds'].get(s, 0.0):.1f}" for s in seconds), f"{told['peak_mb']:.0f}", sep="\t")


def run(name: str) -> dict[str, object]:
    """Make one plan from files to folder; return its figures, seconds by stage and peak memory."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        profile = spatial.read_profile(PROFILE.get(name, "qindu" if name == "city" else "about_500"))
        district = SAMPLE
        if name == "city":
            district = spatial.write_sample(folder / "city", seed=1, communities=CITY_COMMUNITIES)
        clock = _Clock()
        try:
            inputs = (
                spatial.read_inputs(sources_of(name, folder)) if name in PROFILE else spatial.read_district(district)[0]
            )
        except pytest.skip.Exception as reason:
            raise SystemExit(str(reason)) from None
        plan = spatial.make_plan(inputs, profile, on_progress=clock.note)
        clock.note("checking", 0.0)
        violations = spatial.check_plan(plan, buildings=inputs.buildings)
        scorecard = spatial.measure_plan(plan, violations=violations)
        clock.note("writing", 0.0)
        spatial.write_plan(plan, folder / "plan", scorecard=scorecard.to_dict(), violations=violations, inputs=inputs)
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return {**count(plan), "seconds": clock.stop(), "peak_mb": peak_mb}


class _Clock:
    """Adds up wall seconds by the stage that progress names."""

    def __init__(self) -> None:
        self.began = self.since = time.perf_counter()
        self.stage, self.spent = "read", {}

    def note(self, stage: str, share: float) -> None:
        now = time.perf_counter()
        self.spent[self.stage] = self.spent.get(self.stage, 0.0) + now - self.since
        self.since, self.stage = now, STAGES.get(stage.split(":")[0], self.stage)

    def stop(self) -> dict[str, float]:
        self.note(self.stage, 1.0)
        return {**self.spent, "total": self.since - self.began}


if __name__ == "__main__":
    main()
