"""How few sites have room for everybody? A search for that number, a bound below it, an exact model."""

from dataclasses import replace

import numpy as np

from spatial.siting.mip import solve_mip
from spatial.siting.models import room_model
from spatial.siting.plain import Outcome, relax
from spatial.siting.question import Question
from spatial.siting.room.bound import bound_rooms
from spatial.siting.room.cover import MOST_STEPS, search_few
from spatial.siting.room.fewest import count_by_sites
from spatial.siting.room.rooms import MOST_ROWS, Choice, Rooms, has_more_conditions, list_rooms
from spatial.siting.ways import Deadline, Flags, Floats, row_of, within

MOST_MODEL = 150_000
"""Entries up to which an exact model is worth handing over."""
_FIRST_STEPS, _FIRST_WORK, _MORE_STEPS = 2_000, 100_000_000, 20_000
"""Steps of the first search at most, those times entries, and steps of a later one before an exact model."""
_FIRST_SHARE, _BOUND_SHARE, _LOOSE_SHARE = 0.2, 0.4, 0.5
_SEARCH_SHARE, _EACH_SHARE, _MODEL_SHARE = 0.5, 0.3, 0.5
_SITES_SHARE, _SITES_SHARE_OF_FEW = 0.98, 0.5
_FEW_ENTRIES = 400
_HAIR = 1e-6


def answer_count(question: Question, *, deadline: Deadline, seed: int) -> Outcome:
    """Return the open sites of least charge that have room for every row, with a bound."""
    rooms = list_rooms(question, charge=question.charge)
    alike = bool((question.charge[~question.fixed] == 1.0).all() and not question.charge[question.fixed].any())
    if alike and not has_more_conditions(question):
        best, bound = _count_sites(rooms, deadline, seed)
        if bound > rooms.most:
            return Outcome(None, None, bound, True)
    else:
        best, bound = None, bound_rooms(rooms, deadline=_part(deadline, _BOUND_SHARE), seed=seed).bound
    few = len(question.ways.site) <= MOST_MODEL and (best is None or question.rows <= MOST_ROWS)
    if best is not None and (not few or best.value <= bound):
        return Outcome(best.opened, shares_of(question, best), bound, False)
    found = Outcome(None, None, bound, False)
    if few:
        start = None if best is None else start_of_rooms(question, best)
        found = solve_rooms(question, question.charge, start, deadline.left(), seed)
    bound = max(bound, found.bound)
    if best is None or (found.opened is not None and _charge_of(question, found.opened) < best.value):
        return replace(found, bound=bound)
    return Outcome(best.opened, shares_of(question, best), bound, False)


def _count_sites(rooms: Rooms, deadline: Deadline, seed: int) -> tuple[Choice | None, float]:
    """Return a choice of few new sites that serves all (None if none is met), and a bound on how few there can be.

    A quick search comes first, then a model of the sites alone, which bounds the number and leads to better choices;
    where that leaves a gap, prices of rows, which know that rows are whole, and a longer search.
    """
    question, bound = rooms.question, -np.inf
    steps = min(_FIRST_STEPS, _FIRST_WORK // max(len(question.ways.site), 1))
    best = search_few(rooms, target=0, seed=seed, deadline=_part(deadline, _FIRST_SHARE), steps=max(steps, 1))
    if best is not None:
        share = _SITES_SHARE if question.rows > MOST_ROWS else _SITES_SHARE_OF_FEW
        stop, steps = _part(deadline, share), _steps_of(question)
        best, bound = count_by_sites(rooms, best, deadline=stop, seed=seed, steps=steps)
    if best is not None and best.value <= np.ceil(bound - _HAIR):
        return best, best.value
    if question.rows <= MOST_ROWS or not np.isfinite(bound):
        known = bound_rooms(rooms, deadline=_part(deadline, _BOUND_SHARE), seed=seed, best=best).bound
        if question.rows > MOST_ROWS and best is not None and known < best.value:
            known = max(known, relax(question, deadline=_part(deadline, _LOOSE_SHARE), seed=seed).bound)
        bound = max(bound, known)
    bound = float(np.ceil(bound - _HAIR))
    if bound <= rooms.most and (best is None or bound < best.value):
        share = 1.0 if question.rows > MOST_ROWS and best is not None else _SEARCH_SHARE
        stop, steps = _part(deadline, share), _steps_of(question)
        found = search_few(rooms, target=int(max(bound, 0.0)), seed=seed + 1, deadline=stop, steps=steps, first=best)
        if found is not None and (best is None or found.value < best.value):
            best = found
    return best, bound if best is None else min(bound, best.value)


def _steps_of(question: Question) -> int:
    """Return the steps of a search: where an exact model follows it need not take all of its time."""
    return MOST_STEPS if question.rows > MOST_ROWS else _MORE_STEPS


def _part(deadline: Deadline, share: float) -> Deadline:
    """Return a deadline that ends after a share of the time left."""
    return Deadline(share * deadline.left(), clock=deadline.clock)


def _charge_of(question: Question, opened: Flags) -> float:
    return float(question.charge[opened].sum())


def serve_all(question: Question, radius: float, left_s: float, seed: int) -> Outcome:
    """Return any open sites with room for every row within the radius, or that there are none, if either is found."""
    must, nothing = replace(question, missing=np.inf), np.zeros(len(question.fixed))
    near = question.ways.cost <= radius
    if near.sum() <= _FEW_ENTRIES or has_more_conditions(question):
        return solve_rooms(must, nothing, None, left_s, seed, radius)
    asked = replace(must, ways=within(question.ways, radius), goal="count")
    if (np.diff(asked.ways.ptr) == 0).any():
        return Outcome(None, None, np.inf, True)
    deadline = Deadline(left_s)
    counted = list_rooms(asked, charge=question.counted.astype(np.float64))
    state = bound_rooms(counted, deadline=Deadline(_BOUND_SHARE * left_s), seed=seed, enough=counted.most + _HAIR)
    if state.bound > counted.most + _HAIR:
        return Outcome(None, None, np.inf, True)
    short, steps = Deadline(_EACH_SHARE * left_s), _steps_of(question)
    best = search_few(counted, target=counted.most, seed=seed, deadline=short, steps=steps)
    if best is not None:
        return Outcome(best.opened, shares_of(question, best), 0.0, False)
    if near.sum() > MOST_MODEL:
        return Outcome(None, None, 0.0, False)
    return solve_rooms(must, nothing, None, _MODEL_SHARE * deadline.left(), seed, radius)


def shares_of(question: Question, choice: Choice) -> Floats:
    """Return which part of its row each entry serves."""
    return np.asarray(choice.served[row_of(question.ways)] == question.ways.site, dtype=np.float64)


def start_of_rooms(question: Question, choice: Choice) -> Floats | None:
    """Return a choice as values of the exact model's variables; None where an entry of it is not in the question."""
    share = shares_of(question, choice)
    gone = 1.0 - np.bincount(row_of(question.ways), share, question.rows)
    if ((gone > 0) & (choice.served >= 0)).any():
        return None
    return np.asarray(np.r_[choice.opened.astype(np.float64), share, gone], dtype=np.float64)


def solve_rooms(
    question: Question, charge: Floats, start: Floats | None, left_s: float, seed: int, radius: float = np.inf
) -> Outcome:
    """Return the answer of the exact model of rows and sites."""
    found = solve_mip(room_model(question, charge, radius=radius), start=start, time_limit_s=left_s, seed=seed)
    if found.x is None:
        return Outcome(None, None, found.bound, found.infeasible)
    m, k = len(question.fixed), len(question.ways.site)
    share = np.clip(found.x[m : m + k], 0.0, 1.0)
    if not question.split:
        share = np.round(share)
    opened: Flags = found.x[:m] > 0.5
    return Outcome(opened, share, found.bound, False)
