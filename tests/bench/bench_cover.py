"""Print how close the cover engines come to what is provable: value, bound and gap within a budget of seconds.

Run as ``python -m tests.bench.bench_cover [name[:seed] ...]`` from the checkout; names are community, district,
newyork, town, city (default: all but city). All but newyork are made from a seed: 7, or the one given, as ``city:11``.
Each answer stands beside what HiGHS alone does with the plain model in as many seconds; both budgets are of the wall
clock, as HiGHS knows no other, so that a busy machine holds both up alike.
"""

import sys
import time
from collections.abc import Callable
from math import isfinite

import highspy
import numpy as np
from scipy import sparse

from spatial.siting.cover.max_cover import solve_max_cover
from spatial.siting.cover.set_cover import solve_set_cover
from spatial.siting.cover.table import cover_table, matrix_of
from spatial.siting.ways import Deadline, Floats, Found, Ints, Ways, keep, within
from tests.bench.siting_instances import city, read_mclp, read_mclp_best
from tests.real_data import real

REACH_M = 1000.0
SEED = 7


def report(name: str, found: Found, peer: tuple[float, float], best: float = np.nan) -> None:
    """Print one answer, its gap, the best known value if there is one, and the same for plain HiGHS."""
    gap = abs(found.bound - found.value) / max(found.value, 1.0)
    theirs = abs(peer[1] - peer[0]) / max(abs(peer[0]), 1.0)
    known = f"  of best known {found.value / best - 1:+.4%}" if isfinite(best) else ""
    ended = "proved" if found.proved else "open"
    print(
        f"{name:<28} {found.value:12.0f} bound {found.bound:12.0f} gap {gap:8.4%} {ended:<6}"
        f" {found.seconds:6.2f} s{known}  | HiGHS {peer[0]:12.0f} gap {theirs:8.2%}",
        flush=True,
    )


def plain(
    matrix: sparse.csr_array, cost: Floats, rows: tuple[Floats, Floats], whole: int, limit_s: float
) -> tuple[float, float]:
    """Return value and bound that HiGHS alone reaches with one model, minimising."""
    problem = highspy.HighsLp()
    problem.num_row_, problem.num_col_ = matrix.shape
    problem.col_cost_, problem.col_lower_, problem.col_upper_ = cost, np.zeros(len(cost)), np.ones(len(cost))
    problem.row_lower_, problem.row_upper_ = rows
    problem.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    problem.a_matrix_.start_, problem.a_matrix_.index_, problem.a_matrix_.value_ = (
        matrix.indptr,
        matrix.indices,
        matrix.data,
    )
    kinds = highspy.HighsVarType
    problem.integrality_ = [kinds.kInteger] * whole + [kinds.kContinuous] * (len(cost) - whole)
    solver = highspy.Highs()
    for option, value in {"output_flag": False, "threads": 1, "time_limit": limit_s}.items():
        solver.setOptionValue(option, value)
    solver.passModel(problem)
    solver.run()
    info = solver.getInfo()
    return float(info.objective_function_value), float(info.mip_dual_bound)


def plain_max_cover(ways: Ways, weight: Floats, p: int, limit_s: float) -> tuple[float, float]:
    """Return covered weight and bound by the model every textbook has."""
    matrix, rows = matrix_of(cover_table(ways)), ways.rows
    few = sparse.csr_array(np.concatenate((np.ones(ways.sites), np.zeros(rows)))[None, :])
    model = sparse.vstack([sparse.hstack([matrix, -sparse.eye_array(rows)]), few]).tocsr()
    sides = np.append(np.zeros(rows), -np.inf), np.append(np.full(rows, np.inf), float(p))
    value, bound = plain(model, np.concatenate((np.zeros(ways.sites), -weight)), sides, ways.sites, limit_s)
    return -value, -bound


def max_cover(name: str, ways: Ways, weight: Ints, p: int, budget_s: float, best: float = np.nan) -> None:
    """Answer one maximal cover question and print it."""
    none = np.zeros(ways.sites, np.bool_)
    found = solve_max_cover(ways, weight, p, fixed=none, deadline=Deadline(budget_s), seed=1)
    report(name, found, plain_max_cover(ways, np.asarray(weight, float), p, budget_s), best)


def set_cover(name: str, ways: Ways, budget_s: float) -> None:
    """Answer one set cover question over the rows that list a site, and print it."""
    none, need = np.zeros(ways.sites, np.bool_), np.minimum(np.diff(ways.ptr), 1)
    found = solve_set_cover(ways, fixed=none, need=need, deadline=Deadline(budget_s), seed=1)
    sides = need.astype(float), np.full(ways.rows, np.inf)
    report(name, found, plain(matrix_of(cover_table(ways)), np.ones(ways.sites), sides, ways.sites, budget_s))


def made(n: int, m: int, p: int, budget_s: float, seed: int) -> None:
    """Both questions in a made city of ``n`` demand points and ``m`` candidates."""
    town = city(n, m, seed)
    ways = within(town.ways, REACH_M)
    said = "" if seed == SEED else f" seed {seed}"
    max_cover(f"max cover {n} x {m} p={p}{said}", ways, town.weight, p, budget_s)
    set_cover(f"set cover {n} x {m}{said}", ways, budget_s)


def community(seed: int) -> None:
    """A community of 200 demand points and 10 candidates, warm: the least of a hundred answers, in CPU seconds."""
    town = city(200, 10, seed)
    ways = keep(town.ways, town.ways.cost <= REACH_M)
    none, need = np.zeros(10, np.bool_), np.minimum(np.diff(ways.ptr), 1)
    for name, work in (
        ("max cover", lambda: solve_max_cover(ways, town.weight, 3, fixed=none, deadline=Deadline(1.0), seed=1)),
        ("set cover", lambda: solve_set_cover(ways, fixed=none, need=need, deadline=Deadline(1.0), seed=1)),
    ):
        found, least = work(), np.inf
        for _ in range(100):
            started = time.process_time()
            work()
            least = min(least, time.process_time() - started)
        print(f"{name} 200 x 10: {'proved' if found.proved else 'open'}, {1000 * least:.2f} ms CPU")


def newyork(seed: int) -> None:
    """The real city whose best values are published: there is nothing to make from a seed."""
    question = read_mclp(real("siting/NewYork.txt"))
    for p in (50, 80):
        best = read_mclp_best(real(f"siting/opt_NewYork_{p}_400.txt"))
        max_cover(f"max cover NewYork p={p}", question.ways, question.weight, p, 60.0, float(best))


NAMES: dict[str, Callable[[int], None]] = {
    "community": community,
    "district": lambda seed: made(5_000, 500, 40, 10.0, seed),
    "newyork": newyork,
    "town": lambda seed: made(20_000, 2_000, 100, 20.0, seed),
    "city": lambda seed: made(60_000, 5_000, 300, 60.0, seed),
}


def main(names: list[str]) -> None:
    """Run the benchmarks named; all but the city if none is."""
    warm = within(city(300, 60, SEED).ways, REACH_M)
    solve_max_cover(warm, np.ones(warm.rows), 20, fixed=np.zeros(60, np.bool_), deadline=Deadline(2.0))
    for word in names or [name for name in NAMES if name != "city"]:
        name, _, seed = word.partition(":")
        NAMES[name](int(seed or SEED))


if __name__ == "__main__":
    main(sys.argv[1:])
