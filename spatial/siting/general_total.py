"""Which open sites have the least total under conditions of every kind, and how near is that to the least of all?

A search gives sites, prices of inequalities a bound (``general_cuts``, ``general_price``); both together rule sites
out. What is left goes to branch and cut over sites and lacks, again as long as its answers break inequalities that it
does not have yet.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from spatial.siting.asking import only
from spatial.siting.cover_cuts import broken_cuts, members, site_terms
from spatial.siting.cover_table import cover_table
from spatial.siting.general_cuts import Cuts, cuts_at, joined, kept, no_cuts
from spatial.siting.general_price import Priced, Sides, list_sides, price_cuts
from spatial.siting.kicks import wander
from spatial.siting.mip import Mip, Rows, solve_mip
from spatial.siting.models import clique_rows, level_model, site_bounds, site_rows, start_of_levels, useful
from spatial.siting.plain import Outcome, better_of, relax
from spatial.siting.question import AS_MANY_AS_NEEDED, Question, broken_rules, has_whole_values, value_of
from spatial.siting.ways import Deadline, Flags, Floats, Tick, Ways, keep

_FIRST_SEARCH, _NEXT_SEARCH, _PRICE_SHARE = 0.2, 0.1, 0.6
"""Shares of the time that is left: of the search before prices, of the one after, and of all rounds of prices."""
_KICKS = 50
"""Kicks of a search at most, by site."""
_ROUNDS, _STALL = 40, 0.02
"""Rounds of prices at most; they end where two in a row close less than this share of the gap each."""
_ALL_ENTRIES = 200_000
"""Up to so many entries the inequalities begin with those of no open site at all."""
_LEVEL_ENTRIES = 5_000
"""Up to so many entries of rows that need several sites the exact model has all levels from the start."""
_NEW_CUTS = 3_000
_LEAST_PRICE = 1e-4
_LARGE, _LOOSE_SHARE, _LOOSE_SHARE_OF_LARGE = 2_000_000, 0.2, 0.4
"""Shares of the time for the question without conditions, up to so many entries and above: its best sites may keep
them all, and are proved soonest without; it bounds the others."""
_HAIR = 1e-9


@dataclass(frozen=True, slots=True)
class _Task:
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
class _State:
    """Best open sites and their total, the proven bound, inequalities, and the ends of the sites, 0 and 1 if free.

    ``binds`` tells whether anything but the number of sites had a price of late, ``stopped`` that nobody wants more.
    """

    opened: Flags
    value: float
    bound: float
    cuts: Cuts
    low: Floats
    high: Floats
    binds: bool = True
    stopped: bool = False

    @property
    def ends(self) -> tuple[Floats, Floats]:
        """The least and most that each site may be open."""
        return self.low, self.high


def least_total(
    question: Question, opened: Flags, *, deadline: Deadline, seed: int, tick: Tick | None = None
) -> Outcome:
    """Return the best open sites found, from some that keep every condition, with a bound.

    What a row pays that nobody serves has to be finite.
    """
    task, (low, high) = _task(question), site_bounds(question)
    state = _State(opened, value_of(question, opened), task.base, no_cuts(task.ways), low, high)
    large = len(task.ways.site) > _LARGE
    if large or question.ways.cost.any():
        share = _LOOSE_SHARE_OF_LARGE if large else _LOOSE_SHARE
        state = _loosened(task, state, Deadline(share * deadline.left(), clock=deadline.clock), seed, tick)
    if _open(task, state):
        short = Deadline(_FIRST_SEARCH * deadline.left(), clock=deadline.clock)
        state = _with(task, state, wander(question, state.opened, deadline=short, seed=seed, most=_KICKS * len(opened)))
        state = _raised(task, replace(state, cuts=_first_cuts(task, state.opened)), deadline, seed, tick)
    if _open(task, state) and deadline.left() > 0.0 and not state.binds:
        state = _loosened(task, state, deadline, seed, tick)
    if _open(task, state) and deadline.left() > 0.0:
        state = _branched(task, state, deadline, seed)
    closed = state.bound > task.goal(state.value)
    return Outcome(state.opened, None, state.value if closed else state.bound, False)


def _task(question: Question) -> _Task:
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
    return _Task(question, ways, gone, gone - least, weight, base, sides, float(has_whole_values(question)))


def _first_cuts(task: _Task, opened: Flags) -> Cuts:
    """Return the inequalities next to a set of open sites."""
    need, never = task.question.need, np.full(task.ways.rows, -1.0)
    share = opened.astype(np.float64)
    parts = [cuts_at(task.ways, task.gone, need, factor * share, never) for factor in (1.0, 0.5)]
    if len(task.ways.site) <= _ALL_ENTRIES:
        parts.append(cuts_at(task.ways, task.gone, need, 0.0 * share, never))
    return joined(*parts)


def _open(task: _Task, state: _State) -> bool:
    """Tell whether there may be something better, and is wanted."""
    return not state.stopped and state.bound <= task.goal(state.value)


def _with(task: _Task, state: _State, opened: Flags | None) -> _State:
    """Return the state with the better of its open sites and these."""
    if opened is None or broken_rules(task.question, opened):
        return state
    best = better_of(task.question, state.opened, opened)
    assert best is not None
    return replace(state, opened=best, value=value_of(task.question, best))


def _loosened(task: _Task, state: _State, deadline: Deadline, seed: int, tick: Tick | None) -> _State:
    """Return the state with what the question without its conditions says."""
    loose = relax(task.question, deadline=deadline, seed=seed, tick=tick)
    return _with(task, replace(state, bound=max(state.bound, min(loose.bound, state.value))), loose.opened)


def _raised(task: _Task, state: _State, deadline: Deadline, seed: int, tick: Tick | None) -> _State:
    """Return the state after rounds of prices, each with the inequalities that the one before it broke."""
    until = Deadline(_PRICE_SHARE * deadline.left(), clock=deadline.clock)
    stalled, most, reached = 0, _KICKS * len(state.low), task.base
    for turn in range(_ROUNDS):
        before, begun = state.value - reached, until.spent()
        priced = price_cuts(state.cuts, task.sides, task.weight, task.reach, state.ends, deadline=deadline)
        if priced is None:
            return state
        state = _ruled(task, state, priced)
        # Prices may be on their way for some rounds below a bound that was known before.
        reached = max(reached, priced.bound + task.base)
        if turn == 1 or stalled:
            begin = _rounded(task, priced, state)
            short = Deadline(_NEXT_SEARCH * deadline.left(), clock=deadline.clock)
            state = _with(task, state, wander(task.question, begin, deadline=short, seed=seed + 1 + turn, most=most))
        goes_on = tick is None or tick("prices", min(until.spent() / until.budget_s, 1.0), state.value, state.bound)
        new = _broken(task, priced)
        state = replace(state, cuts=joined(kept(state.cuts, priced.used), new), stopped=not goes_on)
        stalled = stalled + 1 if before - (state.value - reached) < _STALL * before else 0
        soon = until.left() < until.spent() - begun
        if not _open(task, state) or not new.count or stalled > 1 or soon:
            break
    return state


def _broken(task: _Task, priced: Priced) -> Cuts:
    """Return the inequalities that shares and lacks break."""
    cuts = cuts_at(task.ways, task.gone, task.question.need, priced.share, priced.lack)
    if task.question.need > 1 or task.ways.cost.any() or (task.gone != 1.0).any() or cuts.count > _NEW_CUTS:
        return cuts
    table = cover_table(task.ways)
    halves = broken_cuts(table, priced.share, priced.row > _LEAST_PRICE * task.weight, most=_NEW_CUTS)
    terms, lacks = site_terms(halves, table), members(halves, table.rows)
    return joined(cuts, Cuts(terms, lacks, (halves.sizes + 1) / 2.0))


def _ruled(task: _Task, state: _State, priced: Priced) -> _State:
    """Return the state with a better bound and without the sites that can be, or fail to be, in no better set."""
    goal = task.goal(state.value) - task.base
    never, always = priced.opened > goal, priced.shut > goal
    if (never & always).any():  # a site that may neither be open nor be shut: nothing is better
        return replace(state, bound=state.value)
    low = np.where(always & (state.high > 0.5), 1.0, state.low)
    high = np.where(never & (low < 0.5), 0.0, state.high)
    bound = max(state.bound, min(priced.bound + task.base, state.value))
    return replace(state, bound=bound, low=low, high=high, binds=priced.binds)


def _rounded(task: _Task, priced: Priced, state: _State) -> Flags:
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


def _branched(task: _Task, state: _State, deadline: Deadline, seed: int) -> _State:
    """Return the state after branch and cut, again with the inequalities that its answers break."""
    m, n = len(state.low), task.ways.rows
    tiny = np.full(n, -1.0)
    if task.question.need > 1 and len(task.ways.site) <= _LEVEL_ENTRIES:
        return _leveled(task, state, deadline, seed)
    while True:
        cuts = joined(state.cuts, cuts_at(task.ways, task.gone, task.question.need, state.opened.astype(float), tiny))
        state = replace(state, cuts=cuts)
        start = np.concatenate((state.opened.astype(np.float64), _lacks(task, state.opened)))
        found = solve_mip(_model(task, state), start=start, time_limit_s=deadline.left(), seed=seed)
        if found.infeasible:
            return replace(state, bound=state.value)
        state = replace(state, bound=max(state.bound, min(found.bound, state.value)))
        if found.x is None:
            return state
        opened = found.x[:m] > 0.5
        state = _with(task, state, opened)
        new = cuts_at(task.ways, task.gone, task.question.need, opened.astype(float), found.x[m:])
        if not new.count or not _open(task, state) or deadline.left() <= 0.0:
            return state
        state = replace(state, cuts=joined(state.cuts, new))


def _leveled(task: _Task, state: _State, deadline: Deadline, seed: int) -> _State:
    """Return the state after the exact model of levels, with the sites that are settled."""
    low, high = state.low > 0.5, state.high > 0.5
    left = replace(task.question, fixed=low, banned=~high & ~low)
    inside = not (state.opened & ~high).any() and not (low & ~state.opened).any()
    start = start_of_levels(left, state.opened) if inside else None
    found = solve_mip(level_model(left), start=start, time_limit_s=deadline.left(), seed=seed)
    if found.infeasible:
        return replace(state, bound=state.value)
    state = replace(state, bound=max(state.bound, min(found.bound, state.value)))
    return _with(task, state, None if found.x is None else found.x[: len(low)] > 0.5)


def _lacks(task: _Task, opened: Flags) -> Floats:
    """Return what each row pays beyond its least."""
    ways, need = task.ways, task.question.need
    at = np.flatnonzero(opened[ways.site])
    first = np.searchsorted(at, ways.ptr[:-1]) + need - 1
    entry = np.append(at, np.full(need, np.iinfo(np.int64).max))[first]
    served = entry < ways.ptr[1:]
    paid = task.gone.copy()
    paid[served] = ways.cost[entry[served]]
    return paid - (task.gone - task.reach)


def _model(task: _Task, state: _State) -> Mip:
    """Return the model of sites and lacks with all inequalities there are."""
    m, n, cuts, sides = len(state.low), task.ways.rows, state.cuts, task.sides
    matrix = sparse.block_array(
        [
            [cuts.sites, cuts.rows],
            [sides.matrix, None],
            [sparse.csr_array(-sides.counted.astype(np.float64)[None, :]), None],
        ]
    ).tocoo()
    low = np.concatenate((cuts.least, sides.least, [-float(sides.most)]))
    rows = Rows(
        matrix.coords[0].astype(np.int64), matrix.coords[1].astype(np.int64), matrix.data, low,
        np.full(len(low), np.inf),
    )  # fmt: skip
    return Mip(
        cost=np.concatenate((np.zeros(m), task.weight)),
        offset=task.base,
        lower=np.concatenate((state.low, np.zeros(n))),
        upper=np.concatenate((state.high, task.reach)),
        whole=np.concatenate((np.ones(m, dtype=bool), np.zeros(n, dtype=bool))),
        rows=(rows,),
    )
