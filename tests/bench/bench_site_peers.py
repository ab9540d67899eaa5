"""How do general solvers fare on questions of siting? spopt with CBC and with HiGHS, HiGHS alone, OR-Tools, and we.

Run as ``python -m tests.bench.bench_site_peers [SECONDS]``: each tool has so many seconds to search (10) and three
times as many in all, in a process of its own. CPU seconds, those of building the model apart. Values are computed from
the sites that a tool opens, whatever it says of them. A tool that cannot be loaded is told as such: OR-Tools
(``pip install ortools``) is not among the locked packages. It brings a HiGHS that does not load beside highspy, so what
loads that is imported where it is used.
"""

import multiprocessing
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from scipy import sparse

from spatial.siting.ways import Flags, Floats

_CASES = ((200, 10, 3, 300.0), (1000, 100, 15, 100.0), (5000, 500, 50, 60.0))
"""Homes, sites, how many open, and the radius of the covers in metres, on a square of a kilometre."""
_MODELS = ("p_median", "max_cover", "set_cover")


@dataclass(frozen=True, slots=True)
class Case:
    """A question: metres by home and site, households, how many sites open, and the radius."""

    model: str
    metres: Floats
    households: Floats
    p: int
    radius: float

    def value(self, opened: Flags) -> float:
        """Return household-metres, households covered, or sites (infinite if a home is not covered)."""
        least = self.metres[:, opened].min(axis=1, initial=np.inf)
        if self.model == "p_median":
            return float(least @ self.households)
        if self.model == "max_cover":
            return float(self.households[least <= self.radius].sum())
        reached = self.metres.min(axis=1) <= self.radius
        return float(opened.sum()) if (least[reached] <= self.radius).all() else np.inf


@dataclass(frozen=True, slots=True)
class Told:
    """What a tool says: open sites, its own word for how good they are, seconds of building and of solving."""

    opened: Flags
    word: str
    build_s: float
    solve_s: float


def _cpu_s() -> float:
    """Return the CPU seconds of this process and its children, such as CBC."""
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def _ours(case: Case, limit_s: float) -> Told:
    from spatial.siting.asking import ask
    from spatial.siting.conditions import Conditions
    from spatial.siting.settle import settle
    from spatial.siting.ways import Deadline
    from tests.bench.bench_siting import small

    started = _cpu_s()
    setting = small(*case.metres.shape)
    cutoff = np.inf if case.model == "p_median" else case.radius
    p = -1 if case.model == "set_cover" else case.p
    asked = ask(setting, Conditions(), model=case.model, p=p, cutoff=cutoff)
    built = _cpu_s()
    done = settle(setting, asked, deadline=Deadline(limit_s))
    return Told(done.opened, f"{done.status}, gap {done.gap:.2%}", built - started, _cpu_s() - built)


def _spopt(case: Case, limit_s: float, *, solver: str) -> Told:
    import pulp
    from spopt.locate import LSCP, MCLP, PMedian

    started = _cpu_s()
    reached = case.metres.min(axis=1) <= case.radius
    if case.model == "p_median":
        posed = PMedian.from_cost_matrix(case.metres, case.households, p_facilities=case.p)
    elif case.model == "max_cover":
        posed = MCLP.from_cost_matrix(case.metres, case.households, case.radius, p_facilities=case.p)
    else:
        posed = LSCP.from_cost_matrix(case.metres[reached], case.radius)
    built = _cpu_s()
    solvers = {"CBC": pulp.PULP_CBC_CMD, "HiGHS": pulp.HiGHS}
    posed.problem.solve(solvers[solver](msg=False, timeLimit=limit_s))
    opened = np.array([(one.value() or 0.0) > 0.5 for one in posed.fac_vars])
    return Told(opened, pulp.LpStatus[posed.problem.status], built - started, _cpu_s() - built)


def _highs(case: Case, limit_s: float) -> Told:
    from scipy.optimize import Bounds, LinearConstraint, milp

    started = _cpu_s()
    n, m = case.metres.shape
    near = case.metres <= case.radius
    near = near[near.any(axis=1)]
    if case.model == "set_cover":
        cost, rows, low, high = np.ones(m), sparse.csr_array(near.astype(float)), 1.0, np.inf
    elif case.model == "max_cover":
        weight = case.households[(case.metres <= case.radius).any(axis=1)]
        cost = np.r_[np.zeros(m), -weight]
        cover = sparse.hstack([sparse.csr_array(near.astype(float)), -sparse.eye_array(len(weight))])
        number = sparse.csr_array(np.r_[np.ones(m), np.zeros(len(weight))][None])
        rows = sparse.vstack([cover, number])
        low, high = np.r_[np.zeros(len(weight)), -np.inf], np.r_[np.full(len(weight), np.inf), case.p]
    else:
        cost = np.r_[np.zeros(m), (case.households[:, None] * case.metres).ravel()]
        served = sparse.hstack([sparse.csr_array((n, m)), sparse.kron(sparse.eye_array(n), np.ones((1, m)))])
        linked = sparse.hstack([sparse.vstack([sparse.eye_array(m)] * n), -sparse.eye_array(n * m)])
        number = sparse.csr_array(np.r_[np.ones(m), np.zeros(n * m)][None])
        rows = sparse.vstack([served, linked, number])
        low = np.r_[np.ones(n), np.zeros(n * m), -np.inf]
        high = np.r_[np.ones(n), np.full(n * m, np.inf), case.p]
    whole = np.r_[np.ones(m), np.zeros(len(cost) - m)]
    built = _cpu_s()
    found = milp(
        cost, integrality=whole, bounds=Bounds(0.0, 1.0), constraints=LinearConstraint(rows, low, high),
        options={"time_limit": limit_s},
    )  # fmt: skip
    opened = np.zeros(m, dtype=bool) if found.x is None else found.x[:m] > 0.5
    return Told(opened, "optimal" if found.status == 0 else "ended", built - started, _cpu_s() - built)


def _or_tools(case: Case, limit_s: float) -> Told:
    from ortools.sat.python import cp_model

    started = _cpu_s()
    model = cp_model.CpModel()
    n, m = case.metres.shape
    opens = [model.new_bool_var("") for _ in range(m)]
    near = [np.flatnonzero(row) for row in case.metres <= case.radius]
    if case.model == "set_cover":
        for sites in near:
            if len(sites):
                model.add_bool_or([opens[k] for k in sites])
        model.minimize(sum(opens))
    else:
        model.add(sum(opens) <= case.p)
    if case.model == "max_cover":
        covered = [model.new_bool_var("") for _ in range(n)]
        for one, sites in zip(covered, near, strict=True):
            model.add_bool_or([*(opens[k] for k in sites), one.negated()])
        model.maximize(cp_model.LinearExpr.weighted_sum(covered, case.households.astype(int).tolist()))
    if case.model == "p_median":
        serves = [[model.new_bool_var("") for _ in range(m)] for _ in range(n)]
        for row in serves:
            model.add_exactly_one(row)
            for one, site in zip(row, opens, strict=True):
                model.add_implication(one, site)
        cost = (case.households[:, None] * case.metres).astype(int).ravel().tolist()
        model.minimize(cp_model.LinearExpr.weighted_sum([one for row in serves for one in row], cost))
    built = _cpu_s()
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds, solver.parameters.num_workers = limit_s, 2
    status = solver.solve(model)
    known = status in (cp_model.OPTIMAL, cp_model.FEASIBLE)
    opened = np.array([known and bool(solver.value(one)) for one in opens])
    return Told(opened, solver.status_name(status).lower(), built - started, _cpu_s() - built)


_TOOLS: dict[str, Callable[[Case, float], Told]] = {
    "wangge": _ours,
    "HiGHS": _highs,
    "OR-Tools": _or_tools,
    "spopt + HiGHS": partial(_spopt, solver="HiGHS"),
    "spopt + CBC": partial(_spopt, solver="CBC"),
}


def _tell(name: str, case: Case, limit_s: float, pipe: Any) -> None:
    try:
        pipe.send(_TOOLS[name](case, limit_s))
    except ImportError as error:
        pipe.send(f"cannot be loaded: {error}")


def _run(name: str, case: Case, limit_s: float) -> str:
    """Return what a tool comes to, in words."""
    here, there = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=_tell, args=(name, case, limit_s, there))
    started = time.monotonic()
    process.start()
    there.close()
    try:
        told = here.recv() if here.poll(3.0 * limit_s) else f"no answer in {time.monotonic() - started:.0f} s"
    except EOFError:
        told = "broke off"
    process.kill()
    process.join()
    if isinstance(told, str):
        return told
    return f"{case.value(told.opened):12.0f}  {told.word:24} build {told.build_s:7.2f} s, solve {told.solve_s:7.2f} s"


def main(limit_s: float) -> None:
    """Print a line for each question and tool."""
    from tests.bench.bench_siting import small

    for homes, sites, p, radius in _CASES:
        setting = small(homes, sites)
        metres = setting.ways.cost[np.lexsort((setting.ways.site, np.repeat(np.arange(homes), sites)))]
        households = setting.homes.groups["households"]
        for model in _MODELS:
            case = Case(model, metres.reshape(homes, sites), households, p, radius)
            _ours(case, 1.0)  # compiles
            for name in _TOOLS:
                print(f"{homes} x {sites} {model:10} {name:14} {_run(name, case, limit_s)}", flush=True)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 10.0)
