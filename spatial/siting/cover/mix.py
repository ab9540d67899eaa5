"""Which sets does annealing find that looks again only where annealings have ended?

Annealings that begin afresh end apart: each is good somewhere, and where it is not, whole neighbourhoods would have to
move, which swaps do not mend. The sites of a few such ends are a small part of all, and what is best lies mostly among
them: annealing anew between these alone finds in a third of the time what annealing longer among all does not (Cook and
Seymour, "Tour merging via branch-decomposition", 2003, for the travelling salesman). A few sets from among all
sites are mixed with each other; then the best of all so far; and so on.
"""

from dataclasses import dataclass, replace

import numpy as np

from spatial.siting.cover.refit import FEWEST, refit_cover
from spatial.siting.cover.swaps import anneal, best_of, start_swaps
from spatial.siting.cover.table import CoverTable, pick
from spatial.siting.ways import Deadline, Floats, Ints

HOT, WARM, COLD = 0.15, 0.04, 0.006
"""Temperatures of annealing as shares of what an open site covers on average: afresh, from the best, at the end."""
_MIXED, _ENDED = 0.04, 0.004
"""Temperatures where many annealings are mixed: at the start and at the end."""
_SLICE = 200_000
"""Swaps between two looks at the clock."""
_FRESH, _OF_THEM, _OF_ALL = 4, 3, 2
"""Annealings among all sites, then among the sites of these, then among those of the best so far: a turn."""
_KEPT = 5
"""Best sets that are mixed."""
_FRESH_EFFORT = 2
"""How much longer it takes among all sites than among a few."""
_WINDOWS, _MIXING = 0.33, 0.7
"""Windows of the best set that are annealed, by open site, and the part of the time left that comes before at most."""
_INSTANT_S = 1e-9

Ended = tuple[Ints, float]
"""Columns of a set, ascending, and what it covers."""


@dataclass(frozen=True, slots=True)
class Mix:
    """Sets from among all sites in this turn, the best sets so far (best first), and how many annealings were made."""

    fresh: tuple[Ended, ...] = ()
    best: tuple[Ended, ...] = ()
    made: int = 0


@dataclass(frozen=True, slots=True)
class Task:
    """A table, weight by row, how many sites may open, the columns worth a look, and the swaps of a first annealing."""

    table: CoverTable
    weight: Floats
    p: int
    core: Ints
    swaps: int


def mix_annealed(task: Task, mix: Mix, effort: int, seed: int, deadline: Deadline) -> Mix:
    """Return the mix after more annealings, as many as so much effort lets begin."""
    while effort > 0 and deadline.left() > 0.0:
        place = mix.made % (_FRESH + _OF_THEM + _OF_ALL)
        whole, sets = place < _FRESH, mix.fresh if place < _FRESH + _OF_THEM else mix.best
        among = task.core if whole else np.unique(np.concatenate([chosen for chosen, _ in sets]))
        nothing = np.zeros(0, np.int64)
        ended = annealed(task, among, nothing, task.swaps, (_MIXED, _ENDED), seed + mix.made, deadline)
        group = ((*mix.fresh, ended) if place else (ended,)) if whole else mix.fresh
        mix = Mix(group, _joined(mix.best, ended), mix.made + 1)
        effort -= _FRESH_EFFORT if whole else 1
    return mix


def mix_refitted(task: Task, mix: Mix, effort: int, seed: int, deadline: Deadline) -> Mix:
    """Return the mix after more annealings and windows of its best set, for which a part of the time is kept.

    Few open sites, of which one window would hold many, have annealings only.
    """
    if task.p < FEWEST:
        return mix_annealed(task, mix, effort, seed, deadline)
    until = Deadline(_MIXING * deadline.left(), clock=deadline.clock)
    mix = mix_annealed(task, mix, effort, seed, until)
    if not mix.best:
        return mix
    chosen, windows = mix.best[0][0], int(_WINDOWS * task.p)
    asked = task.table, task.weight, chosen, task.core
    ended = refit_cover(*asked, windows=windows, seed=seed + mix.made, deadline=deadline)
    return replace(mix, best=_joined(mix.best, ended))


def mix_best(task: Task, mix: Mix, seed: int, deadline: Deadline) -> Mix:
    """Return the mix after annealings among the sites of its best sets, and windows: what gains most soon."""
    return mix_refitted(task, replace(mix, made=_FRESH + _OF_THEM), _OF_ALL, seed, deadline)


def both_mixes(first: Mix, second: Mix) -> Mix:
    """Return the first mix with the best sets of both."""
    best = first.best
    for ended in second.best:
        best = _joined(best, ended)
    return Mix(first.fresh, best, first.made)


def annealed(
    task: Task, among: Ints, begin: Ints, swaps: int, heat: tuple[float, float], seed: int, deadline: Deadline
) -> Ended:
    """Return the best set that annealing finds among some columns, from a set to begin with (or what gains most).

    ``heat`` is the temperature at the start and at the end, in shares of what a site covers. A search that the deadline
    would cut off cools faster, to end cold.
    """
    table = pick(task.table, np.arange(task.table.rows), among)
    listed = np.diff(table.ptr) > 0
    table, weight = pick(table, listed, np.arange(table.sites)), task.weight[listed]
    work = start_swaps(table, weight, np.searchsorted(among, begin), task.p, seed)
    first, last = (work.value[0] / task.p * share for share in heat)
    slices, begun, hot = max(swaps // _SLICE, 1), deadline.left(), first
    for k in range(slices):
        share = max((k + 1) / slices, 1.0 - deadline.left() / max(begun, _INSTANT_S))
        cold = first * (last / first) ** share
        anneal(table, weight, work, swaps=min(swaps, _SLICE), hot=hot, cold=cold)
        hot = cold
        if deadline.left() <= 0.0:
            break
    chosen, value = best_of(work)
    return among[chosen], value


def _joined(best: tuple[Ended, ...], ended: Ended) -> tuple[Ended, ...]:
    """Return the best sets with one more if it is new and good enough; of sets that cover as much the first."""
    if any(np.array_equal(chosen, ended[0]) for chosen, _ in best):
        return best
    return tuple(sorted((*best, ended), key=lambda known: -known[1])[:_KEPT])
