"""How long does it take to make and write a district, up to a city of Qindu's size?

Run: ``.venv/bin/python -m tests.bench.bench_sample``
"""

import resource
import tempfile
import time
from pathlib import Path

import numpy as np

from spatial.io.sample import write_sample
from spatial.sample.district import make_district

QINDU = 103


def bench(communities: int) -> None:
    """Print seconds and sizes for one district."""
    start = time.process_time(), time.perf_counter()
    district = make_district(rng=np.random.default_rng(1), communities=communities)
    made = time.perf_counter() - start[1]
    with tempfile.TemporaryDirectory() as folder:
        written = time.perf_counter()
        path = write_sample(Path(folder) / "sample", communities=communities)
        total = time.perf_counter() - written
        size_mb = sum(file.stat().st_size for file in path.iterdir()) / 1e6
    totals = district.truth["totals"]
    print(
        f"{communities:4d} communities  {totals['households']:7,d} households  {totals['buildings']:6,d} buildings  "
        f"{len(district.streets.ways):6,d} ways  make {made:5.2f} s  make and write {total:5.2f} s  "
        f"{size_mb:5.1f} MB  peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:4.0f} MB"
    )


if __name__ == "__main__":
    for count in (6, 24, QINDU):
        bench(count)
