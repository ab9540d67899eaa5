"""Which engine answers a question that only a number of sites limits, and what does that say with conditions?"""

from dataclasses import dataclass, replace

import numpy as np

from spatial.errors import InfeasibleError
from spatial.siting.center import center
from spatial.siting.cover import max_cover, set_cover
from spatial.siting.median import median
from spatial.siting.question import AS_MANY_AS_NEEDED, Question, broken_rules, value_of
from spatial.siting.ways import Deadline, Flags, Floats, Found, Tick


@dataclass(frozen=True, slots=True)
class Outcome:
    """Open sites and shares of an engine (None if none was found), its bound, and whether provably none exist."""

    opened: Flags | None
    share: Floats | None
    bound: float
    impossible: bool
    notes: tuple[str, ...] = ()


def ask_engine(question: Question, deadline: Deadline, seed: int, tick: Tick | None) -> Outcome | None:
    """Return the answer of the engine made for a plain question; None where there is none for it."""
    ways, fixed, most = question.ways, question.fixed, question.most
    if question.goal == "count":
        return _cover_all(question, deadline, seed, tick)
    if question.need > 1:
        return None
    if question.goal == "largest":
        try:
            return _outcome(
                center.solve_center(
                    ways, most, weight=question.weight, fixed=fixed, deadline=deadline, seed=seed, tick=tick
                )
            )
        except InfeasibleError:
            return Outcome(None, None, np.inf, True)
    if not ways.cost.any():
        weight, whole = question.weight, float(question.weight.sum())
        covered = max_cover.solve_max_cover(ways, weight, most, fixed=fixed, deadline=deadline, seed=seed, tick=tick)
        lost = (whole - covered.bound) * question.missing
        return Outcome(covered.open, None, lost, False, covered.notes)
    found = median.solve_median(
        question.ways,
        question.weight,
        question.most,
        fixed=question.fixed,
        missing=question.missing,
        deadline=deadline,
        seed=seed,
        tick=tick,
    )
    return _outcome(found)


def _cover_all(question: Question, deadline: Deadline, seed: int, tick: Tick | None) -> Outcome | None:
    """Return the fewest sites that serve all; None where sites are charged differently."""
    if (question.charge[~question.fixed] != 1.0).any() or question.charge[question.fixed].any():
        return None
    need = np.full(question.rows, question.need, dtype=np.int64)
    found = set_cover.solve_set_cover(
        question.ways, fixed=question.fixed, need=need, deadline=deadline, seed=seed, tick=tick
    )
    if question.p != AS_MANY_AS_NEEDED and found.value > question.p:
        return Outcome(None, None, found.bound, found.bound > question.p, found.notes)
    return _outcome(found)


def _outcome(found: Found) -> Outcome:
    if not np.isfinite(found.value):
        return Outcome(None, None, found.bound, found.proved, found.notes)
    return Outcome(found.open, None, found.bound, False, found.notes)


def relax(question: Question, *, deadline: Deadline, seed: int, tick: Tick | None = None) -> Outcome:
    """Return a bound on a total from the question without its conditions, and its sites where they keep them all."""
    loose = replace(
        question,
        p=most_sites(question),
        counted=~question.fixed,
        budget=np.inf,
        apart=np.zeros((0, 2), dtype=np.int64),
        rules=(),
        banned=np.zeros(len(question.fixed), dtype=bool),
        capacity=np.full(len(question.fixed), np.inf),
    )
    found = ask_engine(loose, deadline, seed, tick) if np.isfinite(question.missing) or question.need == 1 else None
    if found is None or found.opened is None:
        return Outcome(None, None, -np.inf if found is None else found.bound, False)
    kept = not question.has_room_limits and not broken_rules(question, found.opened)
    return replace(found, opened=found.opened if kept else None)


def better_of(question: Question, one: Flags | None, other: Flags | None) -> Flags | None:
    """Return the better of two open sets, either of which may be missing."""
    if one is None or other is None:
        return other if one is None else one
    return other if value_of(question, other) < value_of(question, one) else one


def most_sites(question: Question) -> int:
    """Return how many sites beside the fixed ones any choice may open at most."""
    free = ~question.fixed & ~question.banned
    many = int(free.sum())
    if question.p != AS_MANY_AS_NEEDED:
        many = min(many, question.most + int((free & ~question.counted).sum()))
    if np.isfinite(question.budget):
        left = question.purse - float(question.price[question.fixed].sum())
        many = min(many, int(np.searchsorted(np.cumsum(np.sort(question.price[free])), left, "right")))
    return many
