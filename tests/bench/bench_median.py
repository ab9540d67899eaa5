"""Print how long p-medians and p-centers take and how near to proof they come, beside published optima.

Run as ``python -m tests.bench.bench_median [pmed] [like] [points] [city[:seed]] [small]`` from the checkout, with
WANGGE_DATA set or the data beside it; without words all but the city, which is made from the seed 7 unless another is
given: ``city:11``. Seconds are of this process, the first row pays for loading the compiled kernels. The last column
compares the time with that of HiGHS for the textbook model of the same question; both are stopped by the wall clock.
"""

import sys
import time
from collections.abc import Callable

import highspy
import numpy as np
from scipy import sparse

from spatial.siting.center.center import solve_center
from spatial.siting.median.median import solve_median
from spatial.siting.ways import Deadline, Found
from tests.bench.siting_instances import (
    PMED_CENTERS,
    PMED_OPTIMA,
    RL1304_MEDIANS,
    Question,
    board_points,
    city,
    full_ways,
    pmed_like,
    point_question,
    read_pmed,
    read_tsplib_points,
    scattered_points,
)
from tests.real_data import real

LIKE = [(500, 5), (500, 50), (500, 167), (600, 10), (600, 200), (700, 70), (800, 5), (800, 80), (900, 10), (900, 90)]
BUDGET_S = 60.0
SEED = 7


def row(name: str, found: Found, seconds: float, known: float | None, plain_s: float | None = None) -> None:
    """Print one result."""
    gap = (found.value - found.bound) / max(found.value, 1e-12)
    off = "" if known is None else f"{found.value / known - 1:+.4%}"
    ratio = "" if plain_s is None else f"{seconds / plain_s:8.3f}"
    print(f"{name:>22} {found.value:16,.0f} {off:>9} {gap:9.4%} {seconds:8.3f} {ratio}", flush=True)


def median(question: Question, known: float | None = None, missing: float = np.inf, plain: bool = False) -> None:
    """Solve one p-median within the budget and print it."""
    started = time.process_time()
    found = solve_median(question.ways, question.weight, question.p, missing=missing, deadline=Deadline(BUDGET_S))
    seconds = time.process_time() - started
    row(f"{question.name} p={question.p}", found, seconds, known, plain_seconds(question) if plain else None)


def plain_seconds(question: Question) -> float:
    """Return the CPU seconds that HiGHS takes for the textbook model with one variable per pair."""
    ways, pairs = question.ways, len(question.ways.cost)
    rows = np.repeat(np.arange(ways.rows), np.diff(ways.ptr))
    once = sparse.csr_array((np.ones(pairs), (rows, np.arange(pairs))), shape=(ways.rows, pairs))
    use = sparse.eye_array(pairs)
    site = sparse.csr_array((np.ones(pairs), (np.arange(pairs), ways.site)), shape=(pairs, ways.sites))
    count = sparse.csr_array(np.ones((1, ways.sites)))
    matrix = sparse.block_array([[once, None], [use, -site], [None, count]], format="csr")
    lp, columns = highspy.HighsLp(), pairs + ways.sites
    lp.num_col_, lp.num_row_ = columns, matrix.shape[0]
    lp.col_cost_ = np.concatenate((question.weight[rows] * ways.cost, np.zeros(ways.sites)))
    lp.col_lower_, lp.col_upper_ = np.zeros(columns), np.ones(columns)
    lp.row_lower_ = np.concatenate((np.ones(ways.rows), np.full(pairs, -highspy.kHighsInf), [question.p]))
    lp.row_upper_ = np.concatenate((np.ones(ways.rows), np.zeros(pairs), [question.p]))
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_, lp.a_matrix_.index_ = matrix.indptr.astype(np.int32), matrix.indices.astype(np.int32)
    lp.a_matrix_.value_ = matrix.data
    kinds = highspy.HighsVarType
    lp.integrality_ = [kinds.kContinuous] * pairs + [kinds.kInteger] * ways.sites
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("threads", 1)
    highs.setOptionValue("time_limit", BUDGET_S)
    started = time.process_time()
    highs.passModel(lp)
    highs.run()
    return time.process_time() - started


def run_pmed() -> None:
    """OR-Library networks: p-median, then p-center."""
    for number in PMED_OPTIMA:
        median(read_pmed(real(f"pmed/pmed{number}.txt")), PMED_OPTIMA[number], plain=number <= 5)
    for number in PMED_OPTIMA:
        question = read_pmed(real(f"pmed/pmed{number}.txt"))
        started = time.process_time()
        found = solve_center(question.ways, question.p, deadline=Deadline(BUDGET_S))
        name = f"pmed{number} center p={question.p}"
        row(name, found, time.process_time() - started, PMED_CENTERS.get(number))


def run_like() -> None:
    """Networks of the same kind with up to 900 nodes."""
    for n, p in LIKE:
        median(pmed_like(n, p, n + p))


def run_points() -> None:
    """Points of TSPLIB, and scattered and heaped ones and boards like its other files."""
    points = read_tsplib_points(real("siting/rl1304.tsp"))
    for p in (10, 100, 300, 500):
        median(point_question("rl1304", points, p), RL1304_MEDIANS.get(p))
    for p in (100, 300, 500):
        median(point_question("even-3038", scattered_points(3038, 1), p))
    for p in (100, 200):
        median(point_question("heaps-2000", scattered_points(2000, 2, 30), p))
    for kind in ("lattice", "rows", "plates", "print"):
        for p in (100, 200, 300, 400, 500):
            median(point_question(kind, board_points(kind, 1), p))


def run_city(seed: int = SEED) -> None:
    """A district and a city with streets and rivers; 6 km for households that no open site reaches within 3 km."""
    for n, m, p in ((5_000, 500, 40), (20_000, 2_000, 100), (60_000, 5_000, 300)):
        town = city(n, m, seed)
        name = f"city {n}x{m}" if seed == SEED else f"city:{seed} {n}x{m}"
        median(Question(name, town.whole_metres(), town.weight.astype(float), p), missing=6000.0)


def run_small() -> None:
    """One community, warm: 200 households' addresses, 10 candidates."""
    rng = np.random.default_rng(0)
    ways, weight = full_ways(rng.integers(1, 900, (200, 10)).astype(float)), rng.integers(1, 300, 200).astype(float)
    for _ in range(2):
        median(Question("community 200x10", ways, weight, 3))


def main(words: list[str]) -> None:
    """Run the suites that are named."""
    print(f"{'question':>22} {'value':>16} {'to known':>9} {'gap':>9} {'CPU s':>8} {'/HiGHS':>8}")
    suites: dict[str, Callable[..., None]] = {
        "small": run_small,
        "pmed": run_pmed,
        "like": run_like,
        "points": run_points,
        "city": run_city,
    }
    for word in words or [name for name in suites if name != "city"]:
        name, _, seed = word.partition(":")
        if seed and name != "city":
            raise SystemExit(f"found {word!r}; only city is made from a seed")
        suites[name](*([int(seed)] if seed else []))


if __name__ == "__main__":
    main(sys.argv[1:])
