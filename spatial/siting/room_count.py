"""How few sites have room for everybody? A search for that number, a bound below it, an exact model."""

from dataclasses import replace

import numpy as np

from spatial.siting.mip import solve_mip
from spatial.siting.models import room_model
from spatial.siting.plain import Outcome
from spatial.siting.question import Question
from spatial.siting.room_bound import bound_rooms, open_by_worth
from spatial.siting.rooms import Choice, Rooms, has_more_conditions, list_rooms, search_rooms
from spatial.siting.ways import Deadline, Flags, Floats, row_of, within

MOST_MODEL = 150_000
"""Entries up to which an exact model is worth handing over."""
_BOUND_SHARE, _SEARCH_SHARE, _EACH_SHARE, _MODEL_SHARE = 0.3, 0.5, 0.3, 0.5
_TRIES, _SLICE = 640, 64
_FEW_ENTRIES = 400
_HAIR = 1e-6


def answer_count(question: Question, *, deadline: Deadline, seed: int) -> Outcome:
    """Return the open sites of least charge that have room for every row, with a bound."""
    rooms = list_rooms(question, charge=question.charge)
    state = bound_rooms(rooms, deadline=Deadline(_BOUND_SHARE * deadline.left(), clock=deadline.clock), seed=seed)
    bound, best = state.bound, None
    alike = bool((question.charge[~question.fixed] == 1.0).all() and not question.charge[question.fixed].any())
    if alike and not has_more_conditions(question):
        bound = float(np.ceil(bound - _HAIR))
        if bound > rooms.most:
            return Outcome(None, None, bound, True)
        stop = Deadline(_SEARCH_SHARE * deadline.left(), clock=deadline.clock)
        best = _fewest(rooms, open_by_worth(rooms, state), int(max(bound, 0.0)), stop, seed)
    if best is not None and _charge_of(question, best.opened) <= bound:
        return Outcome(best.opened, shares_of(question, best), bound, False)
    found = Outcome(None, None, bound, False)
    if len(question.ways.site) <= MOST_MODEL:
        start = None if best is None else start_of_rooms(question, best)
        found = solve_rooms(question, question.charge, start, deadline.left(), seed)
    bound = max(bound, found.bound)
    if best is None or (
        found.opened is not None and _charge_of(question, found.opened) < _charge_of(question, best.opened)
    ):
        return replace(found, bound=bound)
    return Outcome(best.opened, shares_of(question, best), bound, False)


def _charge_of(question: Question, opened: Flags) -> float:
    return float(question.charge[opened].sum())


def _fewest(rooms: Rooms, likely: Flags, number: int, stop: Deadline, seed: int) -> Choice | None:
    """Return a choice that serves all, with as few new sites from a number on as a search finds: more and more, then
    half way back as long as there is time."""
    best, low, high, step = None, number, rooms.most, 1
    while number <= high and stop.left() > 0.0:
        each = Deadline(_EACH_SHARE * stop.left(), clock=stop.clock)
        found = _search_all(rooms, likely, number, each, seed)
        if found is not None:
            best, high = found, number - 1
        else:
            low = number + 1
        if best is None:
            number = rooms.most if low <= rooms.most < number + step else number + step
            step *= 2
        else:
            number = (low + high) // 2
            if low > high:
                break
    return best


def _search_all(rooms: Rooms, likely: Flags, number: int, deadline: Deadline, seed: int) -> Choice | None:
    """Return a choice of so many new sites that serves all, if a search from the likely ones finds one."""
    question = rooms.question
    free = ~question.fixed & ~question.banned
    order = np.argsort(~likely[free], kind="stable")
    opened = question.fixed.copy()
    opened[np.flatnonzero(free)[order[:number]]] = True
    asked, served = replace(rooms, charge=np.zeros(len(rooms.room))), None
    for turn in range(_TRIES // _SLICE):
        found = search_rooms(asked, opened, ~free, tries=_SLICE, seed=seed + turn, deadline=deadline, served=served)
        if np.isfinite(found.value):
            return found
        opened, served = found.opened, found.served
        if deadline.left() <= 0.0:
            break
    return None


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
    likely, short = open_by_worth(counted, state), Deadline(_EACH_SHARE * left_s)
    if (best := _search_all(counted, likely, counted.most, short, seed)) is not None:
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
