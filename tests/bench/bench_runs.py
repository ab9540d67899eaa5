"""What do the whole runs cost, stage by stage? Prints the table of the README: real data, the sample, a whole city.

Each run is a process of its own, so that its peak memory is its own; kernels are compiled before (``--cold`` also
times the sample with nothing compiled). ``--unproved`` makes the plans again without the effort of a proof, to see
what that costs and gains; names of runs pick those. Seconds are those of the CPU, all threads together: what else
the machine does hardly changes them. Runs whose data is not here are named and left out.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
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
    "proving how good the grids are": "prove",
    "walk network": "walk",
    "travel times": "walk",
    "circles": "walk",
    "siting": "site",
    "checking": "check",
    "writing": "write",
}


COLUMNS = ("blocks", "oversize", "grids", "in_band", "in_band_share", "in_band_households", "clarity")
TOLD = ("status", "total", "gap")
SECONDS = ("read", "land", "divide", "prove", "walk", "site", "check", "write", "total")


def main() -> None:
    """Run all, or those that are named, each in a child process."""
    asked = sys.argv[1:]
    if asked[:1] == ["run"]:
        print(json.dumps(run(asked[1], proved=asked[2:] != ["--unproved"])))
        return
    print("run", *COLUMNS, *TOLD, *(f"{name}_s" for name in SECONDS), "peak_mb", sep="\t")
    for name in [name for name in RUNS if name in asked] or RUNS:
        _print_row(name, [], os.environ.copy())
        if "--unproved" in asked:
            _print_row(name, ["--unproved"], os.environ.copy())
    if "--cold" in asked:
        with tempfile.TemporaryDirectory() as empty:
            _print_row("sample", [], {**os.environ, "NUMBA_CACHE_DIR": empty})


def _print_row(name: str, options: list[str], env: dict[str, str]) -> None:
    child = subprocess.run(
        [sys.executable, "-m", __spec__.name, "run", name, *options],
        env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    called = " ".join([name, *options])
    if child.returncode:
        print(f"{called}\tleft out: {child.stderr.strip().splitlines()[-1]}")
        return
    told = json.loads(child.stdout.splitlines()[-1])
    figures = [f"{told[c]:.4f}" if isinstance(told[c], float) else str(told[c]) for c in (*COLUMNS, *TOLD)]
    seconds = [f"{told['seconds'].get(s, 0.0):.1f}" for s in SECONDS]
    print(called, *figures, *seconds, f"{told['peak_mb']:.0f}", sep="\t", flush=True)


def run(name: str, *, proved: bool) -> dict[str, object]:
    """Make one plan from files to folder; return its figures, seconds by stage and peak memory."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        profile = spatial.read_profile(PROFILE.get(name, "qindu" if name == "city" else "about_500"))
        if not proved:
            profile = replace(profile, division=replace(profile.division, proof_nodes_per_block=0))
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
        division = {name: plan.report["division"][name] for name in TOLD}
        return {**count(plan), **division, "seconds": clock.stop(), "peak_mb": peak_mb}


class _Clock:
    """Adds up CPU seconds by the stage that progress names."""

    def __init__(self) -> None:
        self.began = self.since = time.process_time()
        self.stage, self.spent = "read", {}

    def note(self, stage: str, share: float) -> None:
        now = time.process_time()
        self.spent[self.stage] = self.spent.get(self.stage, 0.0) + now - self.since
        self.since, self.stage = now, STAGES.get(stage.split(":")[0], self.stage)

    def stop(self) -> dict[str, float]:
        self.note(self.stage, 1.0)
        return {**self.spent, "total": self.since - self.began}


if __name__ == "__main__":
    main()
