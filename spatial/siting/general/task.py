"""What is known of the least total while it is sought: the rows that matter, best sites, bound, sites ruled out."""

from dataclasses import dataclass, replace

import numpy as np

from spatial.siting.asking import only
from spatial.siting.cuts import Cuts
from spatial.siting.models import clique_rows, site_rows, useful
from spatial.siting.plain import better_of
from spatial.siting.price import Priced, Sides, list_sides
from spatial.siting.question import AS_MANY_AS_NEEDED, Question, broken_rules, has_whole_values, value_of
from spatial.siting.ways import Flags, Floats, Ways, keep

_HAIR = 1e-9


@dataclass(frozen=True, slots=True)
class Task:
    """The rows that have a choice: entries that may matter, what a row pays without them and beyond its least, weight.

    ``base`` is what all rows pay in any case; ``step`` the least by which two totals differ, 0 if any amount may.
    """

    question: Question
    ways: Ways
    gone: Floats
    reach: Floats
    weight: Floats
    base: float
    sides: Sides
    step: float

    def goal(self, value: float) -> float:
        """Return the total that everything better than ``value`` stays at or below."""
        return value - (self.step * (1.0 - 1e-6) if self.step else _HAIR * max(abs(value), 1.0))


@dataclass(frozen=True, slots=True)
class State:
    """Best open sites and their total, the proven bound, inequalities, and the ends of the sites, 0 and 1 if free.

    ``binds`` tells whether anything but the number of sites had a price of late, ``stopped`` that nobody wants more,
    ``share`` how far sites are open where the last prices come from, None before there are any.
    """

    opened: Flags
    value: float
    bound: float
    cuts: Cuts
    low: Floats
    high: Floats
    binds: bool = True
    stopped: bool = False
    share: Floats | None = None

    @property
    def ends(self) -> tuple[Floats, Floats]:
        """The least and most that each site may be open."""
        return self.low, self.high

    @property
    def free(self) -> int:
        """Sites that are not ruled out, and not settled to be open."""
        return int(((self.high > 0.5) & (self.low < 0.5)).sum())


def make_task(question: Question) -> Task:
    """Return the question without entries and rows that cannot matter."""
    row, site, cost, gone = useful(question)
    ptr = np.zeros(question.rows + 1, np.int64)
    np.cumsum(np.bincount(row, minlength=question.rows), out=ptr[1:])
    ways = Ways(ptr, site.astype(np.int32), cost, len(question.fixed))
    chooses = np.diff(ptr) >= question.need
    base = float(question.weight[~chooses] @ gone[~chooses])
    ways = only(keep(ways, np.repeat(chooses, np.diff(ptr))), chooses)
    gone, weight = gone[chooses], question.weight[chooses]
    least = ways.cost[ways.ptr[:-1] + question.need - 1]
    base += float(weight @ least)
    pairs = clique_rows(question.apart, len(question.fixed))
    rows = (*site_rows(replace(question, p=AS_MANY_AS_NEEDED, apart=question.apart[:0])), *pairs)
    sides = list_sides(rows, question.counted, question.most)
    return Task(question, ways, gone, gone - least, weight, base, sides, float(has_whole_values(question)))


def is_open(task: Task, state: State) -> bool:
    """Tell whether there may be something better, and is wanted."""
    return not state.stopped and state.bound <= task.goal(state.value)


def with_sites(task: Task, state: State, opened: Flags | None) -> State:
    """Return the state with the better of its open sites and these."""
    if opened is None or broken_rules(task.question, opened):
        return state
    best = better_of(task.question, state.opened, opened)
    assert best is not None
    return replace(state, opened=best, value=value_of(task.question, best))


def ruled(task: Task, state: State, priced: Priced) -> State:
    """Return the state with a better bound and without the sites that can be, or fail to be, in no better set."""
    goal, state = task.goal(state.value) - task.base, replace(state, share=priced.share)
    never, always = priced.opened > goal, priced.shut > goal
    if (never & always).any():  # a site that may neither be open nor be shut: nothing is better
        return replace(state, bound=state.value)
    low = np.where(always & (state.high > 0.5), 1.0, state.low)
    high = np.where(never & (low < 0.5), 0.0, state.high)
    bound = max(state.bound, min(priced.bound + task.base, state.value))
    return replace(state, bound=bound, low=low, high=high, binds=priced.binds)


def rounded(task: Task, priced: Priced, state: State) -> Flags:
    """Return the widest open sites that keep the conditions together; the best ones known where they are too few."""
    question = task.question
    opened = question.fixed.copy()
    free = np.flatnonzero(~question.fixed & ~question.banned & (priced.share > 0.01))
    asks = any(rule.least > 0 for rule in question.rules)
    for s in free[np.argsort(-priced.share[free], kind="stable")]:
        opened[s] = True
        if broken_rules(replace(question, rules=()) if asks else question, opened):
            opened[s] = False
    return state.opened if broken_rules(question, opened) else opened
