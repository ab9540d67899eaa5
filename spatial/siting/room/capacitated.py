"""Which sites are best where each has room for only so much?

Prices of rows bound the total and rule out most pairs of row and site; a model of the sets of rows that sites may still
serve, or branching where those sets are too many, settles what is left. Where rows may be shared, or more than room
limits the choice, that is left to a model of single rows and sites.
"""

from dataclasses import replace

import numpy as np

from spatial.siting.general.general import shrink_radius
from spatial.siting.plain import Outcome, relax
from spatial.siting.question import Question
from spatial.siting.room.bound import (
    STAGES,
    Parts,
    bound_rooms,
    cut_to,
    has_many_rows,
    is_closed,
    part_totals,
)
from spatial.siting.room.branch import branch_sets, may_take_sets
from spatial.siting.room.climb import Bound, goal_of
from spatial.siting.room.count import (
    MOST_MODEL,
    answer_count,
    serve_all,
    shares_of,
    solve_rooms,
    start_of_rooms,
)
from spatial.siting.room.many import settle_many
from spatial.siting.room.rooms import Choice, Rooms, has_more_conditions, list_rooms
from spatial.siting.room.served import counts_served, serve_most
from spatial.siting.room.sets import list_sets, solve_sets
from spatial.siting.room.tree import branch_rooms
from spatial.siting.room.windows import better_windows
from spatial.siting.ways import Deadline, Flags, Floats, keep

_BOUND_SHARE, _LOOSE_SHARE = 0.5, 0.2
_WINDOWS_SHARE = 0.05
_SLICE = 0.5
"""Share of the time left that a guess may take."""
_MOST_SETS, _SETS_SHARE = 20_000, 0.5
"""Sets up to which a model of them all is tried, and the share of the time left that it may take."""
_FIRST_ENTRIES, _MORE_ENTRIES = 8, 3
"""Entries per row in the first guess, and how many times more each further one has."""
_HAIR = 1e-9
_ENOUGH_ENTRIES = 400
"""Smaller questions go to the exact model as they are."""


def answer_with_room(question: Question, *, deadline: Deadline, seed: int) -> Outcome:
    """Return open sites and who serves whom, so that no site is fuller than it may be, with a bound."""
    if question.goal == "largest":
        return _shrink(question, deadline, seed)
    if len(question.ways.site) <= _ENOUGH_ENTRIES:
        charge = question.charge if question.goal == "count" else np.zeros(len(question.fixed))
        return solve_rooms(question, charge, None, deadline.left(), seed)
    if question.goal == "count":
        return answer_count(question, deadline=deadline, seed=seed)
    rooms = list_rooms(question)
    if counts_served(rooms) and (most := serve_most(rooms, deadline=deadline, seed=seed)) is not None:
        best, bound = most
        return Outcome(best.opened, shares_of(question, best), bound, False)
    if has_many_rows(rooms):
        state = settle_many(rooms, deadline=deadline, seed=seed)
        return _answer(rooms, state) if np.isfinite(state.best.value) else _settle_rest(rooms, state, deadline, seed)
    short = Deadline(_BOUND_SHARE * deadline.left(), clock=deadline.clock)
    stages = 1 if may_take_sets(rooms) and not has_more_conditions(question) else STAGES  # sets lift more quickly
    state = bound_rooms(rooms, deadline=short, seed=seed, stages=stages)
    if question.split or has_more_conditions(question):
        return _settle_rest(rooms, state, deadline, seed)
    if may_take_sets(rooms):
        state = _with_windows(rooms, state, deadline, seed)
        state = branch_sets(rooms, state, deadline=deadline, seed=seed)
    elif not is_closed(rooms, state):
        state = _settle_sets(rooms, state, deadline, seed) if rooms.whole else state
        state = _branch(rooms, state, deadline, seed)
    if not np.isfinite(state.best.value):
        return Outcome(None, None, state.bound, state.bound == np.inf)
    return _answer(rooms, state)


def _answer(rooms: Rooms, state: Bound) -> Outcome:
    """Return the best choice met with the bound."""
    best = state.best
    return Outcome(best.opened, shares_of(rooms.question, best), min(state.bound, best.value), False)


def _with_windows(rooms: Rooms, state: Bound, deadline: Deadline, seed: int) -> Bound:
    """Return the state with the best choice after windows of it were decided."""
    if is_closed(rooms, state) or not np.isfinite(state.best.value):
        return state
    short = Deadline(_WINDOWS_SHARE * deadline.left(), clock=deadline.clock)
    return replace(state, best=better_windows(rooms, state.best, deadline=short, seed=seed))


def _shrink(question: Question, deadline: Deadline, seed: int) -> Outcome:
    """Return open sites with the least largest cost; the same question without limits of room bounds it."""
    loose = -np.inf
    if len(question.ways.site) > _ENOUGH_ENTRIES and question.need == 1:
        short = Deadline(_LOOSE_SHARE * deadline.left(), clock=deadline.clock)
        loose = relax(question, deadline=short, seed=seed).bound
    return shrink_radius(
        question,
        lambda radius, left_s: serve_all(question, radius, left_s, seed),
        deadline=deadline,
        at_least=max(loose, 0.0),
    )


def _settle_sets(rooms: Rooms, state: Bound, deadline: Deadline, seed: int) -> Bound:
    """Return the state after a model of all sets that a better choice may have, if those are few enough."""
    parts, top = part_totals(rooms, state), goal_of(rooms, state.best.value)
    if not np.isfinite(top) or (listed := list_sets(rooms, state, parts, top, _MOST_SETS)) is None:
        return state
    sets, goal = listed
    if goal < top:
        return state
    found, choice = solve_sets(rooms, state, sets, time_limit_s=_SETS_SHARE * deadline.left(), seed=seed)
    if choice is not None and choice.value < state.best.value:
        state = replace(state, best=choice)
    bound = state.best.value if found.infeasible else min(found.bound, top)
    if bound >= top:
        bound = state.best.value
    return replace(state, bound=max(state.bound, min(bound, state.best.value)))


def _branch(rooms: Rooms, state: Bound, deadline: Deadline, seed: int) -> Bound:
    """Return the state after branching among choices of at most a guessed total, guessed higher until one is met."""
    size = float(_FIRST_ENTRIES * rooms.question.rows)
    while not is_closed(rooms, state) and deadline.left() > 0.0:
        most = _guess(part_totals(rooms, state), size, goal_of(rooms, state.best.value))
        state = branch_rooms(rooms, state, most=most, deadline=deadline, seed=seed)
        if state.bound >= state.best.value:
            break
        size *= _MORE_ENTRIES
    return state


def _settle_rest(rooms: Rooms, state: Bound, deadline: Deadline, seed: int) -> Outcome:
    """Return the best choice of exact models of what a total has that is guessed, then guessed higher until one fits.

    What a guess rules out costs more than the guess; so a choice that costs no more is the best of all, and where
    there is none the guess is a bound.
    """
    best, share = state, shares_of(rooms.question, state.best)
    value = state.best.value
    parts, size = part_totals(rooms, state), float(_FIRST_ENTRIES * rooms.question.rows)
    while best.bound <= (top := goal_of(rooms, value)) and deadline.left() > 0.0:
        goal = _guess(parts, size, top)
        last = goal >= top
        part = cut_to(rooms, state, parts, goal)
        if int(part.alive.sum()) > MOST_MODEL:
            break
        found = _solve_part(rooms, part, best, deadline.left() * (1 if last else _SLICE), seed)
        bound = np.inf if found.impossible else found.bound
        if found.share is not None and (total := _total(rooms, found.share)) < value:
            best, share, value = replace(best, best=replace(best.best, opened=_flags(found))), found.share, total
            bound = min(bound, value)
        best = replace(best, bound=max(best.bound, min(bound, value if last else max(goal, best.bound))))
        if value <= goal:  # all that costs less was inside
            best = replace(best, bound=max(best.bound, min(found.bound, value)))
        if last:
            break
        size *= _MORE_ENTRIES
    if not np.isfinite(value):
        return Outcome(None, None, best.bound, best.bound == np.inf)
    return Outcome(best.best.opened, share, min(best.bound, value), False)


def _guess(parts: Parts, size: float, top: float) -> float:
    """Return a total that about so many entries can be part of, no more than a better choice has."""
    finite = np.sort(parts.entry[np.isfinite(parts.entry)])
    return min(float(finite[int(size)]), top) if size < len(finite) else top


def _solve_part(rooms: Rooms, part: Bound, best: Bound, left_s: float, seed: int) -> Outcome:
    """Return the answer of the exact model of the entries that are left."""
    question, alive = rooms.question, np.zeros(len(rooms.place), dtype=bool)
    alive[rooms.place] = part.alive
    if question.need > 1:  # what may not serve may still be in reserve
        alive[:] = True
    left = replace(question, ways=keep(question.ways, alive), fixed=part.fixed, banned=part.banned & ~part.fixed)
    found = solve_rooms(left, np.zeros(len(question.fixed)), _start(left, best.best), left_s, seed)
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
    gone = 1.0 - np.bincount(rooms.row, paid, rooms.question.rows)
    lost = gone > _HAIR
    return float(paid @ rooms.cost + gone[lost] @ rooms.lost[lost])


def _start(left: Question, best: Choice) -> Floats | None:
    """Return the choice met as values of the exact model's variables; None where it is not inside."""
    if not np.isfinite(best.value) or (best.opened & left.banned).any() or (left.fixed & ~best.opened).any():
        return None
    return start_of_rooms(left, best)
