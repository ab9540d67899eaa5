"""Print how the public call does: networks, limited room, one community, and a city from the command line's tables.

Run as ``python -m tests.bench.bench_siting [name ...]`` from the checkout; names are networks, rooms, district,
community. CPU seconds throughout.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from spatial.siting.answer import Answer, answer
from spatial.siting.asking import Asked, ask
from spatial.siting.choose import choose_sites
from spatial.siting.compare import list_worthy
from spatial.siting.conditions import Conditions
from spatial.siting.question import AS_MANY_AS_NEEDED, Question
from spatial.siting.setting import Homes, Places, Setting
from spatial.siting.settle import Settled, settle
from spatial.siting.ways import Deadline, build_ways
from tests.bench.siting_instances import Capacitated, city, drawn_rooms, full_ways, read_pmedcap, read_sjc
from tests.real_data import real
from tests.siting.pmed import OPTIMA, pmed_tables
from tests.siting.towns import siting_profile

_ROOMS = ("pmedcap/pmedcap01.txt", "pmedcap/pmedcap02.txt", "pmedcap/pmedcap03.txt", "pmedcap/pmedcap11.txt",
          "pmedcap/pmedcap12.txt", "SJC1.dat", "SJC2.dat")  # fmt: skip
_BUDGET_S, _SHORT_S = 60.0, 10.0


def timed(work: Callable[[], Any], repeats: int = 1) -> tuple[Any, float]:
    """Return what the work gives, and the least CPU seconds of some repeats."""
    best, out = np.inf, None
    for _ in range(repeats):
        started = time.process_time()
        out = work()
        best = min(best, time.process_time() - started)
    return out, best


def networks() -> None:
    """OR-Library p-medians through the public call, frames and all."""
    for number in range(1, 7):
        times, demand, candidates, p = pmed_tables(real(f"pmed/pmed{number}.txt"))
        choice, cpu_s = timed(partial(choose_sites, times, demand, candidates, siting_profile("p_median"), p=p))
        print(f"pmed{number:<12} {choice.objective:10.0f} of {OPTIMA[number]:6d} {choice.status:>8} {cpu_s:7.2f} s")


def with_room(question: Capacitated) -> Question:
    """The capacitated p-median as a question: every row counts once and takes its demand."""
    n, m = question.cost.shape
    nothing = np.zeros(m, dtype=bool)
    return Question(
        goal="sum", ways=full_ways(question.cost), weight=np.ones(n), load=question.demand, missing=np.inf,
        p=question.p,
        counted=~nothing, fixed=nothing, banned=nothing, charge=np.ones(m), price=np.zeros(m), budget=np.inf,
        apart=np.zeros((0, 2), dtype=np.int64), rules=(), capacity=question.capacity, split=False, need=1,
    )  # fmt: skip


def _within_budget(question: Question) -> Answer | None:
    return answer(question, deadline=Deadline(_BUDGET_S))


def _settled(setting: Setting, asked: Asked) -> Settled:
    return settle(setting, asked, deadline=Deadline(10.0))


def rooms() -> None:
    """Capacitated p-medians against their published values."""
    for name in _ROOMS:
        path = real(f"siting/{name}")
        given = read_sjc(path) if name.endswith(".dat") else read_pmedcap(path)
        found, cpu_s = timed(partial(_within_budget, with_room(given)))
        assert isinstance(found, Answer)
        word = "proved" if found.proved else "open"
        print(f"{given.name:16} {found.value:10.2f} of {given.best:9.2f} {word:>8} {cpu_s:7.2f} s")


def district_with_room(goal: str, p: int, fill: float, *, cutoff_m: float, far_m: float = 6000.0) -> Question:
    """A district of 5,000 x 500 with rooms of uneven size: the least walking, the least left out, or the fewest sites.

    Whoever no site is near enough to is left out where all have to be served.
    """
    place = city(5000, 500, 1, cutoff_m=min(cutoff_m, far_m))
    ways, weight = place.whole_metres(), place.weight.astype(float)
    room = drawn_rooms(place.weight, 500, p, fill, 1)
    if goal == "least left out":
        ways = replace(ways, cost=np.zeros(len(ways.cost)))
    if goal == "fewest":
        near = np.diff(ways.ptr) > 0
        ways, weight = replace(ways, ptr=np.r_[0, np.cumsum(np.diff(ways.ptr)[near])]), weight[near]
    missing = {"least walking": far_m, "least left out": 1.0, "fewest": np.inf}[goal]
    nothing = np.zeros(500, dtype=bool)
    return Question(
        goal="count" if goal == "fewest" else "sum", ways=ways, weight=weight, load=weight, missing=missing,
        p=AS_MANY_AS_NEEDED if goal == "fewest" else p, counted=~nothing, fixed=nothing, banned=nothing,
        charge=np.ones(500), price=np.zeros(500), budget=np.inf, apart=np.zeros((0, 2), dtype=np.int64), rules=(),
        capacity=room, split=False, need=1,
    )  # fmt: skip


def district() -> None:
    """A district whose sites have room for little, in ten seconds; what walking and who is left out come to, in %."""
    kinds = (("least walking", np.inf), ("least left out", 1000.0), ("fewest", 1000.0), ("fewest", 2500.0))
    for goal, cutoff_m in kinds:
        for p, fill in ((40, 0.9), (100, 0.8)):
            question = district_with_room(goal, p, fill, cutoff_m=cutoff_m)
            answer(question, deadline=Deadline(0.5))  # compiles
            found, cpu_s = timed(partial(answer, question, deadline=Deadline(_SHORT_S, clock=time.process_time)))
            assert isinstance(found, Answer)
            whole = question.weight.sum() - found.value if goal == "least left out" else found.value
            gap = 100.0 * (found.value - found.bound) / whole
            print(f"{goal:16} p={p:<4} {cutoff_m:6.0f} m {found.value:12.0f} at most {gap:5.2f} % {cpu_s:7.2f} s")


def small(homes: int, sites: int) -> Setting:
    """A community: homes and sites on a square of a kilometre, metres as the crow flies."""
    rng = np.random.default_rng(1)
    here, there = rng.uniform(0, 1000, (homes, 2)), rng.uniform(0, 1000, (sites, 2))
    metres = np.rint(np.hypot(*(here[:, None] - there[None]).transpose(2, 0, 1)))
    row, col = np.nonzero(metres < np.inf)
    empty = np.full(sites, "", dtype=object)
    places = Places(
        np.array([f"s{i}" for i in range(sites)], dtype=object), np.zeros(sites, dtype=bool),
        rng.integers(10, 99, sites).astype(float), np.full(sites, np.inf), there, {"kind": empty, "mode": empty},
        np.ones(sites, dtype=np.int64),
    )  # fmt: skip
    people = {"households": rng.integers(1, 60, homes).astype(float)}
    ids = np.array([f"h{i}" for i in range(homes)], dtype=object)
    return Setting(
        places, Homes(ids, people, people["households"]), build_ways(row, col, metres[row, col], homes, sites), {}
    )


def community() -> None:
    """One community, every model, proved; and its list of all choices worth choosing between."""
    setting = small(200, 10)
    for model in ("p_median", "max_cover", "set_cover", "p_center"):
        cutoff = 500.0 if model.endswith("cover") else np.inf
        asked = ask(setting, Conditions(), model=model, p=3 if model != "set_cover" else -1, cutoff=cutoff)
        done, cpu_s = timed(partial(_settled, setting, asked), 5)
        print(f"{model:16} {done.objective:10.0f} {done.status:>19} {1000 * cpu_s:7.1f} ms")
    asked = ask(setting, Conditions(), model="max_cover", p=10, cutoff=500.0)
    listed, cpu_s = timed(partial(list_worthy, setting, asked), 5)
    print(f"{'pareto list':16} {len(listed):10d} choices {1000 * cpu_s:19.1f} ms")


_ALL = {"networks": networks, "rooms": rooms, "district": district, "community": community}

if __name__ == "__main__":
    for wanted in sys.argv[1:] or list(_ALL):
        _ALL[wanted]()
