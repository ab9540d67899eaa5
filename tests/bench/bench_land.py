"""Print how long land takes per stage, and what it makes, for Wuhan Jiang'an and an invented city of 103 communities.

Run as ``python -m tests.bench.bench_land [wuhan|city|helsinki|beijing|moscow ...]`` from the checkout.
"""

import resource
import sys
import time
from itertools import pairwise

import numpy as np

from spatial.inputs import Inputs
from spatial.io.profiles import read_profile
from spatial.land.blocks import build_blocks
from spatial.sample.district import make_district
from spatial.tables import LISTED, VERTICAL_GRIDS
from tests.land.test_real import read


def make_city(communities: int) -> Inputs:
    """Return the inputs of an invented city."""
    made = make_district(rng=np.random.default_rng(1), communities=communities)
    return Inputs(
        communities=made.communities,
        streets=made.streets,
        estates=made.estates,
        buildings=made.buildings,
        gates=made.gates,
        candidates=made.candidates,
        existing=made.existing,
        current=made.current,
        pois=made.pois,
        vertical_grids=VERTICAL_GRIDS.empty(made.streets.crs),
        listed=LISTED.empty(),
        provenance={},
    )


def main(names: list[str]) -> None:
    """Cut each place into blocks once and print its rows."""
    for name in names:
        inputs = make_city(103) if name == "city" else read(name)
        profile = read_profile({"wuhan": "band_300_500", "city": "qindu"}.get(name, "about_500"))
        marks: list[tuple[str, float]] = []
        land = build_blocks(
            inputs, profile, on_progress=lambda stage, _, m=marks: m.append((stage, time.perf_counter()))
        )
        stages = [f"{a} {later - now:.1f}" for (a, now), (_, later) in pairwise(marks)]
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        report, ways, buildings = land.report, len(inputs.streets.ways), len(inputs.buildings)
        print(
            f"{name}: {ways} ways, {buildings} buildings, {len(inputs.estates)} estates:"
            f" {report['faces_drawn']} faces drawn, {report['faces']} settled, {report['blocks']} blocks, "
            f"{report['oversize_blocks']} oversize; {marks[-1][1] - marks[0][1]:.1f} s ({', '.join(stages)}), "
            f"peak {memory:.2f} GB"
        )


if __name__ == "__main__":
    main(sys.argv[1:] or ["wuhan", "city"])
