"""Which engine answers a siting question, and is its answer what it claims to be?

A question that a number of sites alone limits goes to the engine of its model; a small one is answered by trying every
set; any other becomes a mixed-integer model.
"""

from dataclasses import dataclass, replace

import numpy as np

from spatial.errors import InfeasibleError, SpatialError
from spatial.siting.enumerate import can_try_all, try_all
from spatial.siting.general.balls import has_few_balls
from spatial.siting.general.general import answer_general
from spatial.siting.plain import Outcome, ask_engine
from spatial.siting.question import Question, broken_rules, has_whole_values, value_of
from spatial.siting.room.capacitated import answer_with_room
from spatial.siting.ways import Deadline, Flags, Floats, Tick, closes

_HAIR = 1e-6
_SAVED, _ROUNDING = 1e-9, 1e-14
"""How near a bound comes to its value, as shares of what is saved and of the whole, where nothing is left to gain."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Open sites, which part of its row each entry serves (None: the nearest open site serves), value and bound."""

    opened: Flags
    share: Floats | None
    value: float
    bound: float
    proved: bool
    notes: tuple[str, ...]


def answer(question: Question, *, deadline: Deadline, seed: int = 0, tick: Tick | None = None) -> Answer | None:
    """Return the best open sites found, with a proven bound on the goal; None where provably none keep the conditions.

    The value is computed once more from the open sites, and every condition is checked.

    Raises
    ------
    InfeasibleError
        If the time ended before any open sites that keep the conditions were found.
    """
    outcome = _solve(question, deadline, seed, tick)
    if outcome.impossible:
        return None
    if outcome.opened is None:
        raise InfeasibleError(
            f"siting: {deadline.budget_s:g} s were not enough to find sites that keep every condition, nor to show "
            "that there are none; needed more time or fewer conditions",
            proved=False,
        )
    opened = outcome.opened
    if broken := broken_rules(question, opened, outcome.share):
        raise SpatialError(f"siting: the engine broke a condition: {'; '.join(broken)}")
    whole = has_whole_values(question)
    bound = float(np.ceil(outcome.bound - _HAIR)) if whole else outcome.bound
    bound = max(0.0, bound)  # nothing that is counted is below 0, so that much is known without any search
    found = Answer(opened, outcome.share, np.inf, bound, False, outcome.notes)
    return with_value(question, found, value_of(question, opened, outcome.share))


def with_value(question: Question, found: Answer, value: float) -> Answer:
    """Return the answer with another value; it is proved where the bound meets that.

    A total of which little is saved has to meet its bound the closer: what is saved is told to planners as well.
    """
    bound = min(found.bound, value)
    proved = closes(value, bound, whole=has_whole_values(question))
    if proved and question.goal == "sum" and np.isfinite(question.missing):
        saved = float(question.weight.sum()) * question.missing - value
        proved = value - bound <= _SAVED * max(saved, 0.0) or value - bound <= _ROUNDING * value
    return replace(found, value=value, bound=value if proved else bound, proved=proved)


def _solve(question: Question, deadline: Deadline, seed: int, tick: Tick | None) -> Outcome:
    if can_try_all(question):
        opened = try_all(question)
        if opened is None:
            return Outcome(None, None, np.inf, True)
        return Outcome(opened, None, value_of(question, opened), False)
    if question.has_room_limits:
        return answer_with_room(question, deadline=deadline, seed=seed)
    engine = question.is_plain and not has_few_balls(question)
    if engine and (plain := ask_engine(question, deadline, seed, tick)) is not None:
        return plain
    return answer_general(question, deadline=deadline, seed=seed, tick=tick)
