"""Which sites are best where each has room for only so much?

Prices of rows bound the total and rule out most pairs of row and site; an exact model settles what is left.
"""

from dataclasses import replace

import numpy as np

from spatial.siting.general import shrink_radius
from spatial.siting.mip import solve_mip
from spatial.siting.models import room_model
from spatial.siting.plain import Outcome, relax
from spatial.siting.question import Question
from spatial.siting.room_bound import (
    Bound,
    Parts,
    Rooms,
    bound_rooms,
    cut_to,
    first_choice,
    goal_of,
    list_rooms,
    part_totals,
)
from spatial.siting.ways import Deadline, Flags, Floats, keep

_BOUND_SHARE = 0.5
_SLICE = 0.5
"""Share of the time left that a guess may take."""
_FIRST_ENTRIES, _MORE_ENTRIES = 8, 3
"""Entries per row that the first guess keeps, and how many times more each further one."""
_ENOUGH_ENTRIES, _MANY_ENTRIES = 400, 250_000
"""Smaller questions go to the exact model as they are; of larger ones the bound takes no heed of room."""
_LOOSE = "the question is large: its bound leaves out that sites have limited room"


def answer_with_room(question: Question, *, deadline: Deadline, seed: int) -> Outcome:
    """Return open sites and who serves whom, so that no site is fuller than it may be, with a bound."""
    nothing = np.zeros(len(question.fixed))
    if question.goal == "largest":
        return shrink_radius(
            question, lambda radius, left_s: _serve_all(question, radius, left_s, seed), deadline=deadline
        )
    if question.goal == "count":
        return _solve(question, question.charge, None, deadline.left(), seed)
    size = len(question.ways.site)
    rooms = list_rooms(question) if size > _ENOUGH_ENTRIES else None
    if rooms is None:
        return _solve(question, nothing, None, deadline.left(), seed)
    if size <= _MANY_ENTRIES:
        state = bound_rooms(rooms, deadline=Deadline(_BOUND_SHARE * deadline.left()), seed=seed)
        return _settle_rest(rooms, state, deadline, seed)
    loose = relax(question, deadline=Deadline(_BOUND_SHARE * deadline.left()), seed=seed)
    state = first_choice(rooms, seed)
    if not np.isfinite(state.value):
        return replace(_solve(question, nothing, None, deadline.left(), seed), notes=(_LOOSE,))
    return Outcome(state.opened, _shares(rooms, state), min(loose.bound, state.value), False, (_LOOSE,))


def _settle_rest(rooms: Rooms, state: Bound, deadline: Deadline, seed: int) -> Outcome:
    """Return the best choice of exact models of what a total has that is guessed, then guessed higher until one fits.

    What a guess rules out costs more than the guess; so a choice that costs no more is the best of all, and where
    there is none the guess is a bound.
    """
    best, share = state, _shares(rooms, state)
    parts, size = part_totals(rooms, state), float(_FIRST_ENTRIES * rooms.question.rows)
    while best.bound <= (top := goal_of(rooms, best.value)) and deadline.left() > 0.0:
        goal = _guess(parts, size, top)
        last = goal >= top
        found = _solve_part(
            rooms, cut_to(rooms, state, parts, goal), best, deadline.left() * (1 if last else _SLICE), seed
        )
        bound = np.inf if found.impossible else found.bound
        if found.share is not None and (value := _total(rooms, found.share)) < best.value:
            best, share = replace(best, value=value, opened=_flags(found)), found.share
            bound = min(bound, value)
        best = replace(best, bound=max(best.bound, min(bound, best.value if last else max(goal, best.bound))))
        if best.value <= goal:  # all that costs less was inside
            best = replace(best, bound=max(best.bound, min(found.bound, best.value)))
        if last:
            break
        size *= _MORE_ENTRIES
    if not np.isfinite(best.value):
        return Outcome(None, None, best.bound, best.bound == np.inf)
    return Outcome(best.opened, share, min(best.bound, best.value), False)


def _guess(parts: Parts, size: float, top: float) -> float:
    """Return a total that about so many entries can be part of, no more than a better choice has."""
    finite = np.sort(parts.entry[np.isfinite(parts.entry)])
    return min(float(finite[int(size)]), top) if size < len(finite) else top


def _solve_part(rooms: Rooms, part: Bound, best: Bound, left_s: float, seed: int) -> Outcome:
    """Return the answer of the exact model of the entries that are left."""
    question, alive = rooms.question, np.zeros(len(rooms.place), dtype=bool)
    alive[rooms.place] = part.alive
    left = replace(question, ways=keep(question.ways, alive), fixed=part.fixed, banned=part.banned & ~part.fixed)
    found = _solve(left, np.zeros(len(question.fixed)), _start(left, best, rooms), left_s, seed)
    if found.share is None:
        return found
    share = np.zeros(len(alive))
    share[alive] = found.share
    return replace(found, share=share)


def _flags(found: Outcome) -> Flags:
    assert found.opened is not None
    return found.opened


def _total(rooms: Rooms, share: Floats) -> float:
    paid = share[rooms.place]
    lost = 1.0 - np.bincount(rooms.row, paid, rooms.question.rows)
    missing = np.where(lost > 1e-9, rooms.lost, 0.0)
    return float(paid @ rooms.cost + missing.sum())


def _shares(rooms: Rooms, state: Bound) -> Floats:
    site = np.repeat(np.arange(len(rooms.room)), np.diff(rooms.ptr))
    share = np.zeros(len(rooms.place))
    share[rooms.place] = (state.served[rooms.row] == site).astype(np.float64)
    return share


def _start(left: Question, best: Bound, rooms: Rooms) -> Floats | None:
    """Return the choice met as values of the exact model's variables; None where it is not inside."""
    if not np.isfinite(best.value) or (best.opened & left.banned).any() or (left.fixed & ~best.opened).any():
        return None
    row = np.repeat(np.arange(left.rows), np.diff(left.ways.ptr))
    share = (best.served[row] == left.ways.site).astype(np.float64)
    gone = 1.0 - np.bincount(row, share, left.rows)
    if ((gone > 0) & (best.served < len(rooms.room))).any():
        return None
    return np.asarray(np.r_[best.opened.astype(np.float64), share, gone], dtype=np.float64)


def _serve_all(question: Question, radius: float, left_s: float, seed: int) -> Outcome:
    """Return any open sites with room for every row within the radius."""
    return _solve(replace(question, missing=np.inf), np.zeros(len(question.fixed)), None, left_s, seed, radius)


def _solve(
    question: Question, charge: Floats, start: Floats | None, left_s: float, seed: int, radius: float = np.inf
) -> Outcome:
    found = solve_mip(room_model(question, charge, radius=radius), start=start, time_limit_s=left_s, seed=seed)
    if found.x is None:
        return Outcome(None, None, found.bound, found.infeasible)
    m, k = len(question.fixed), len(question.ways.site)
    share = np.clip(found.x[m : m + k], 0.0, 1.0)
    if not question.split:
        share = np.round(share)
    opened: Flags = found.x[:m] > 0.5
    return Outcome(opened, share, found.bound, False)
