"""Which sites are best under conditions of every kind, where room does not matter? A search, then an exact model."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from spatial.siting.center.center import solve_center_under
from spatial.siting.general.swaps import search
from spatial.siting.general.total import least_total
from spatial.siting.mip import Mip, MipAnswer, Rows, solve_mip
from spatial.siting.models import cover_model, level_model, site_bounds, site_rows, start_of_levels
from spatial.siting.plain import Outcome, ask_engine
from spatial.siting.question import Question, broken_rules, tally, value_of
from spatial.siting.ways import Deadline, Flags, Tick, row_of

_SEARCH_SHARE = 0.3
_START_SHARE = 0.15
_PLAIN_SHARE = 0.1
"""Share of the time in which the engine of the model may prove by itself what only a number of sites limits."""


def answer_general(question: Question, *, deadline: Deadline, seed: int, tick: Tick | None = None) -> Outcome:
    """Return the best open sites found under all conditions, with a bound."""
    if question.goal == "count":
        return _cover(question, deadline, seed)
    if question.goal == "largest":
        best = solve_center_under(question, deadline=deadline, seed=seed, tick=tick)
        return Outcome(best.opened, None, best.bound, best.impossible)
    start = _start(question, deadline, seed) if not question.is_plain else _start_plain(question, deadline, seed, tick)
    if start.opened is None:
        return start
    if np.isfinite(question.missing):
        if start.bound >= value_of(question, start.opened):
            return start
        total = least_total(question, start.opened, deadline=deadline, seed=seed, tick=tick)
        return replace(total, bound=max(total.bound, start.bound))
    first = start_of_levels(question, start.opened)
    found = solve_mip(level_model(question), start=first, time_limit_s=deadline.left(), seed=seed)
    return _better(question, start.opened, found)


def _better(question: Question, opened: Flags | None, found: MipAnswer) -> Outcome:
    """Return the better of two open sets, with the bound of the model."""
    if found.infeasible and opened is None:
        return Outcome(None, None, np.inf, True)
    best = opened
    if found.x is not None:
        other = found.x[: len(question.fixed)] > 0.5
        if best is None or value_of(question, other) < value_of(question, best):
            best = other
    return Outcome(best, None, found.bound, False)


def _cover(question: Question, deadline: Deadline, seed: int) -> Outcome:
    found = solve_mip(cover_model(question, question.charge), start=None, time_limit_s=deadline.left(), seed=seed)
    return _better(question, None, found)


def shrink_radius(
    question: Question,
    serve_all: Callable[[float, float], Outcome],
    *,
    deadline: Deadline,
    at_least: float = 0.0,
) -> Outcome:
    """Return open sites with the least largest cost: halve the range of costs, asking each time if all can be served.

    ``serve_all(radius, seconds)`` returns any Outcome that serves every row of the question at no more than the radius;
    where it finds neither that nor that there is none, larger ones are asked for. No answer is below ``at_least``.
    """
    costs = np.unique(np.r_[0.0, question.ways.cost])
    low, high = int(np.searchsorted(costs, max(_least_radius(question), at_least))), len(costs) - 1
    if low > high:
        return Outcome(None, None, np.inf, True)
    best = serve_all(float(costs[high]), deadline.left())
    if best.opened is None:
        return Outcome(None, None, float(costs[low]), best.impossible)
    high, start = min(high, int(np.searchsorted(costs, _radius(question, best)))), low
    while start < high and deadline.left() > 0.0:
        middle = (start + high) // 2
        found = serve_all(float(costs[middle]), deadline.left())
        if found.opened is not None:
            best = found
            high = min(middle, int(np.searchsorted(costs, _radius(question, best))))
            continue
        start = middle + 1
        if found.impossible:
            low = start
    return Outcome(best.opened, best.share, float(costs[min(low, high)]), False)


def _radius(question: Question, found: Outcome) -> float:
    assert found.opened is not None
    return value_of(question, found.opened, found.share)


def _least_radius(question: Question) -> float:
    """Return what some row pays even if every site opens; where room matters any of its sites may serve it."""
    allowed = ~question.banned | question.fixed
    need = 1 if question.has_room_limits else question.need
    return value_of(replace(question, need=need), allowed)


def _start_plain(question: Question, deadline: Deadline, seed: int, tick: Tick | None) -> Outcome:
    """Return what the engine of the model finds in a share of the time; open sites in any case."""
    short = Deadline(_PLAIN_SHARE * deadline.left(), clock=deadline.clock)
    found = ask_engine(question, short, seed, tick)
    return _start(question, deadline, seed) if found is None or found.opened is None else found


def _start(question: Question, deadline: Deadline, seed: int) -> Outcome:
    """Return open sites that keep the conditions, improved by swaps."""
    opened = question.fixed.copy()
    if any(rule.least > 0 for rule in question.rules):
        weight = question.weight[row_of(question.ways)]
        worth = tally(
            question.ways.site, weight * (question.missing - question.ways.cost).clip(0.0), len(question.fixed)
        )
        worth /= max(float(worth.max(initial=0.0)), 1.0)
        lower, upper = site_bounds(question)
        rows, until = tuple(site_rows(question)), Deadline(_START_SHARE * deadline.left(), clock=deadline.clock)
        while True:
            model = Mip(-worth, 0.0, lower, upper, np.ones(len(lower), dtype=bool), rows)
            found = solve_mip(model, start=None, time_limit_s=until.left(), seed=seed)
            if found.x is None:
                return Outcome(None, None, -np.inf, found.infeasible)
            # An answer may go beyond the budget by as little as a solver tolerates: then another one is asked for.
            opened = found.x > 0.5
            if not broken_rules(question, opened):
                break
            rows += (_other_than(opened),)
    if broken_rules(question, opened):
        return Outcome(None, None, -np.inf, True)
    stop = deadline.spent() + _SEARCH_SHARE * deadline.left()
    found_open = search(question, opened, question.missing, time_left=lambda: stop - deadline.spent())
    return Outcome(found_open, None, -np.inf, False)


def _other_than(opened: Flags) -> Rows:
    """Return the row that lets any sites open but these together, with all others shut."""
    every = np.arange(len(opened))
    least, none = np.array([1.0 - opened.sum()]), np.zeros(len(opened), np.int64)
    return Rows(none, every, np.where(opened, -1.0, 1.0), least, np.array([np.inf]))
