"""Which sites are best where each has room for only so much?

Prices of rows bound the total and rule out most pairs of row and site; an exact model settles what is left.
"""

from dataclasses import replace

import numpy as np

from spatial.siting.general import Outcome, shrink_radius
from spatial.siting.mip import solve_mip
from spatial.siting.models import room_model
from spatial.siting.question import Question
from spatial.siting.room_bound import Bound, Rooms, bound_rooms, list_rooms
from spatial.siting.ways import Deadline, Flags, Floats, keep

_BOUND_SHARE = 0.5
_ENOUGH_ENTRIES = 400
"""Smaller questions go to the exact model as they are."""


def answer_with_room(question: Question, *, deadline: Deadline, seed: int) -> Outcome:
    """Return open sites and who serves whom, so that no site is fuller than it may be, with a bound."""
    nothing = np.zeros(len(question.fixed))
    if question.goal == "largest":
        return shrink_radius(
            question, lambda asked, left_s: _solve(asked, nothing, None, left_s, seed), deadline=deadline
        )
    if question.goal == "count":
        return _solve(question, question.charge, None, deadline.left(), seed)
    rooms = list_rooms(question) if len(question.ways.site) > _ENOUGH_ENTRIES else None
    if rooms is None:
        return _solve(question, nothing, None, deadline.left(), seed)
    state = bound_rooms(rooms, deadline=Deadline(_BOUND_SHARE * deadline.left()), seed=seed)
    return _settle_rest(rooms, state, deadline, seed)


def _settle_rest(rooms: Rooms, state: Bound, deadline: Deadline, seed: int) -> Outcome:
    """Return the better of the choice met and that of the exact model of all that was not ruled out."""
    question, alive = rooms.question, np.zeros(len(rooms.place), dtype=bool)
    alive[rooms.place] = state.alive
    known = Outcome(state.opened, _shares(rooms, state), min(state.bound, state.value), False)
    met = bool(np.isfinite(state.value))
    if met and state.bound >= state.value:
        return known
    left = replace(question, ways=keep(question.ways, alive), fixed=state.fixed, banned=state.banned & ~state.fixed)
    start = None
    if met and (state.opened <= ~left.banned).all() and (left.fixed <= state.opened).all():
        start = _start(left, state, rooms)
    found = _solve(left, np.zeros(len(question.fixed)), start, deadline.left(), seed)
    # What was ruled out is no better than the choice met.
    bound = max(state.bound, min(found.bound, state.value))
    if found.opened is None:
        if not met:
            return Outcome(None, None, bound, found.impossible)
        return replace(known, bound=state.value if found.impossible else bound)
    share = np.zeros(len(alive))
    if found.share is not None:
        share[alive] = found.share
    better = Outcome(found.opened, share, bound, False)
    return replace(known, bound=bound) if met and state.value <= _total(rooms, share) else better


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


def _start(left: Question, state: Bound, rooms: Rooms) -> Floats | None:
    """Return the choice met as values of the exact model's variables; None where it serves by a pair ruled out."""
    row = np.repeat(np.arange(left.rows), np.diff(left.ways.ptr))
    share = (state.served[row] == left.ways.site).astype(np.float64)
    gone = 1.0 - np.bincount(row, share, left.rows)
    if (np.isinf(rooms.lost) & (gone > 0)).any() or ((gone > 0) & (state.served < len(rooms.room))).any():
        return None
    return np.asarray(np.r_[state.opened.astype(np.float64), share, gone], dtype=np.float64)


def _solve(question: Question, charge: Floats, start: Floats | None, left_s: float, seed: int) -> Outcome:
    asked = replace(question, missing=np.inf) if question.goal == "largest" else question
    found = solve_mip(room_model(asked, charge), start=start, time_limit_s=left_s, seed=seed)
    if found.x is None:
        return Outcome(None, None, found.bound, found.infeasible)
    m, k = len(question.fixed), len(question.ways.site)
    share = np.clip(found.x[m : m + k], 0.0, 1.0)
    if not question.split:
        share = np.round(share)
    opened: Flags = found.x[:m] > 0.5
    return Outcome(opened, share, found.bound, False)
