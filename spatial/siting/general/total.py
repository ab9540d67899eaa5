"""Which open sites have the least total under conditions of every kind, and how near is that to the least of all?

A search gives sites, prices a bound: row by row (``rows.py``), or where rows are but served or not, or list so few
sites that their balls may stand for them (``balls.py``), of inequalities of several rows too (``cover.py``,
``cuts.py``, ``price.py``), or many or a few rows at a time if they need two sites (``together.py``). Both together
rule sites out. What is left goes to branch and cut over sites and lacks, again as long as its answers break
inequalities that it does not have yet; to searching where it is too much for that.
"""

from dataclasses import replace

import numpy as np
from scipy import sparse

from spatial.siting.cover.cuts import broken_cuts, members, site_terms
from spatial.siting.cover.table import cover_table
from spatial.siting.cuts import Cuts, cuts_at, joined, kept, no_cuts
from spatial.siting.general.balls import ball_task
from spatial.siting.general.cover import cover_total, is_cover
from spatial.siting.general.kicks import wander
from spatial.siting.general.near import narrowed
from spatial.siting.general.rows import begin_prices, cuts_of, raise_prices
from spatial.siting.general.task import State, Task, is_open, make_task, rounded, ruled, with_sites
from spatial.siting.general.together import raised_by_area, raised_by_group
from spatial.siting.mip import Mip, Rows, solve_mip
from spatial.siting.models import level_model, site_bounds, start_of_levels
from spatial.siting.plain import Outcome, relax
from spatial.siting.price import Priced, price_cuts
from spatial.siting.question import Question, value_of
from spatial.siting.ways import Deadline, Flags, Floats, Tick

_FIRST_SEARCH, _FIRST_SEARCH_LITTLE, _NEXT_SEARCH, _PRICE_SHARE = 0.2, 0.05, 0.1, 0.6
"""Shares of the time that is left: of the search before prices, the second where rows need several sites or balls stand
for them, of the one after, and of all rounds of prices."""
_KICKS = 50
"""Kicks of a search at most, by site."""
_HOT, _HOT_SEVERAL = 0.05, 0.02
"""Where a search begins to cool, as a share of what an open site costs; the second where rows need several of them."""
_LAPS = 3
"""Searches in the time that is left where branch and cut is of no use."""
_ROUNDS, _STALL = 40, 0.02
"""Rounds of prices at most; they end where two in a row close less than this share of the gap each."""
_TURNS, _ROW_SHARE = 4, 0.4
"""Rounds of prices row by row at most, and the share of the time that is left for one of them."""
_MOST_ROWS = 20_000
"""Rows that are told into areas at most, which takes memory by their square."""
_ALL_ENTRIES = 200_000
"""Up to so many entries the inequalities begin with those of no open site at all."""
_LEVEL_ENTRIES = 5_000
"""Up to so many entries of rows that need several sites the exact model has all levels from the start."""
_FREE_SITES, _SEVERAL_SITES = 200, 40
"""Up to so many sites that are not ruled out go to branch and cut; the second where rows need several of them."""
_NEW_CUTS = 3_000
_LEAST_PRICE = 1e-4
_LARGE, _LOOSE_SHARE = 2_000_000, 0.4
"""Above so many entries this share of the time goes to the question without conditions: its best sites may keep them
all, and are proved soonest without; it bounds the others."""


def least_total(
    question: Question, opened: Flags, *, deadline: Deadline, seed: int, tick: Tick | None = None
) -> Outcome:
    """Return the best open sites found, from some that keep every condition, with a bound.

    What a row pays that nobody serves has to be finite.
    """
    task, (low, high) = make_task(question), site_bounds(question)
    state = State(opened, value_of(question, opened), task.base, no_cuts(task.ways), low, high)
    served_or_not = question.need == 1 and not question.ways.cost.any()
    if served_or_not and len(task.ways.site) > _LARGE:
        state = _loosened(task, state, Deadline(_LOOSE_SHARE * deadline.left(), clock=deadline.clock), seed, tick)
    if is_open(task, state):
        balls = ball_task(task) if question.need == 1 and not served_or_not else None
        covers = balls is not None or is_cover(task)
        first = _FIRST_SEARCH if question.need == 1 and not covers else _FIRST_SEARCH_LITTLE
        state = _searched(task, state, state.opened, first, deadline, seed)
        if covers:
            state = cover_total(balls or task, state, deadline, seed, tick)
        else:
            state = (_raised if served_or_not else _raised_by_row)(task, state, deadline, seed, tick)
    if is_open(task, state) and deadline.left() > 0.0 and not state.binds:
        state = _loosened(task, state, deadline, seed, tick)
    if is_open(task, state) and deadline.left() > 0.0:
        if served_or_not or state.free <= (_FREE_SITES if question.need == 1 else _SEVERAL_SITES):
            state = _branched(task, state, deadline, seed)
        else:
            for lap in range(_LAPS):  # from afresh and from the best: one that is stuck may get elsewhere
                begin, share = (state.opened if lap % 2 else opened), 1.0 / (_LAPS - lap)
                state = _searched(task, state, begin, share, deadline, seed + _ROUNDS + lap, most=2**62)
    closed = state.bound > task.goal(state.value)
    return Outcome(state.opened, None, state.value if closed else state.bound, False)


def _searched(
    task: Task, state: State, begin: Flags, share: float, deadline: Deadline, seed: int, *, most: int = 0
) -> State:
    """Return the state with what a search finds in a share of the time that is left, in ``most`` kicks if any given."""
    short = Deadline(share * deadline.left(), clock=deadline.clock)
    hot = _HOT if task.question.need == 1 else _HOT_SEVERAL
    kicks = most or _KICKS * len(state.low)
    near = narrowed(task.question, state.share, state.opened | begin)
    return with_sites(task, state, wander(near, begin, deadline=short, seed=seed, hot=hot, most=kicks))


def _raised_by_row(task: Task, state: State, deadline: Deadline, seed: int, tick: Tick | None) -> State:
    """Return the state after rounds of prices that every row pays its sites, again as long as they rule sites out."""
    question, (low, high) = task.question, state.ends
    share = 0.5 * state.opened + 0.5 * np.clip(question.most / max(int(question.counted.sum()), 1), low, high)
    prices = begin_prices(task.ways, task.reach, task.gone - task.reach, task.weight, task.sides, share)
    together = question.need == 2 and task.ways.rows <= _MOST_ROWS
    far = together and bool(question.ways.cost.any())
    for turn in range(_TURNS):
        until = Deadline(_ROW_SHARE * deadline.left(), clock=deadline.clock)
        before, goal = state, task.goal(state.value) - task.base
        prices, priced = raise_prices(
            task.ways, question.need, task.sides, state.ends, prices, goal, deadline=until, seed=seed + turn
        )
        state = ruled(task, state, priced)
        if is_open(task, state):
            begin = rounded(task, priced, state)
            state = ruled(task, _searched(task, state, begin, _NEXT_SEARCH, deadline, seed + 1 + turn), priced)
        goes_on = tick is None or tick(
            "prices", min(deadline.spent() / deadline.budget_s, 1.0), state.value, state.bound
        )
        same = (state.low == before.low).all() and (state.high == before.high).all()
        if (
            not goes_on
            or not is_open(task, state)
            or deadline.left() <= 0.0
            or same
            or (far and state.free > _SEVERAL_SITES)
        ):
            break
    together &= state.free > _SEVERAL_SITES and not (far and state.binds)  # money settles much without
    if together and goes_on and is_open(task, state) and deadline.left() > 0.0:
        raised = raised_by_group if far else raised_by_area
        state = raised(task, state, prices, deadline, seed, tick)
        goes_on = not state.stopped
    cuts = joined(cuts_of(task.ways, prices), cuts_at(task.ways, task.gone, question.need, priced.share, priced.lack))
    return replace(state, cuts=cuts, stopped=not goes_on)


def _first_cuts(task: Task, opened: Flags) -> Cuts:
    """Return the inequalities next to a set of open sites."""
    need, never = task.question.need, np.full(task.ways.rows, -1.0)
    share = opened.astype(np.float64)
    parts = [cuts_at(task.ways, task.gone, need, factor * share, never) for factor in (1.0, 0.5)]
    if len(task.ways.site) <= _ALL_ENTRIES:
        parts.append(cuts_at(task.ways, task.gone, need, 0.0 * share, never))
    return joined(*parts)


def _loosened(task: Task, state: State, deadline: Deadline, seed: int, tick: Tick | None) -> State:
    """Return the state with what the question without its conditions says."""
    loose = relax(task.question, deadline=deadline, seed=seed, tick=tick)
    return with_sites(task, replace(state, bound=max(state.bound, min(loose.bound, state.value))), loose.opened)


def _raised(task: Task, state: State, deadline: Deadline, seed: int, tick: Tick | None) -> State:
    """Return the state after rounds of prices, each with the inequalities that the one before it broke."""
    until = Deadline(_PRICE_SHARE * deadline.left(), clock=deadline.clock)
    stalled, reached = 0, task.base
    state = replace(state, cuts=_first_cuts(task, state.opened))
    for turn in range(_ROUNDS):
        before, begun = state.value - reached, until.spent()
        priced = price_cuts(state.cuts, task.sides, task.weight, task.reach, state.ends, deadline=deadline)
        if priced is None:
            return state
        state = ruled(task, state, priced)
        # Prices may be on their way for some rounds below a bound that was known before.
        reached = max(reached, priced.bound + task.base)
        if turn == 1 or stalled:
            begin = rounded(task, priced, state)
            state = _searched(task, state, begin, _NEXT_SEARCH, deadline, seed + 1 + turn)
        goes_on = tick is None or tick("prices", min(until.spent() / until.budget_s, 1.0), state.value, state.bound)
        new = _broken(task, priced)
        state = replace(state, cuts=joined(kept(state.cuts, priced.used), new), stopped=not goes_on)
        stalled = stalled + 1 if before - (state.value - reached) < _STALL * before else 0
        soon = until.left() < until.spent() - begun
        if not is_open(task, state) or not new.count or stalled > 1 or soon:
            break
    return state


def _broken(task: Task, priced: Priced) -> Cuts:
    """Return the inequalities that shares and lacks break."""
    cuts = cuts_at(task.ways, task.gone, task.question.need, priced.share, priced.lack)
    if (task.gone != 1.0).any() or cuts.count > _NEW_CUTS:
        return cuts
    table = cover_table(task.ways)
    halves = broken_cuts(table, priced.share, priced.row > _LEAST_PRICE * task.weight, most=_NEW_CUTS)
    terms, lacks = site_terms(halves, table), members(halves, table.rows)
    return joined(cuts, Cuts(terms, lacks, (halves.sizes + 1) / 2.0))


def _branched(task: Task, state: State, deadline: Deadline, seed: int) -> State:
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
        state = with_sites(task, state, opened)
        new = cuts_at(task.ways, task.gone, task.question.need, opened.astype(float), found.x[m:])
        if not new.count or not is_open(task, state) or deadline.left() <= 0.0:
            return state
        state = replace(state, cuts=joined(state.cuts, new))


def _leveled(task: Task, state: State, deadline: Deadline, seed: int) -> State:
    """Return the state after the exact model of levels, with the sites that are settled."""
    low, high = state.low > 0.5, state.high > 0.5
    left = replace(task.question, fixed=low, banned=~high & ~low)
    inside = not (state.opened & ~high).any() and not (low & ~state.opened).any()
    start = start_of_levels(left, state.opened) if inside else None
    found = solve_mip(level_model(left), start=start, time_limit_s=deadline.left(), seed=seed)
    if found.infeasible:
        return replace(state, bound=state.value)
    state = replace(state, bound=max(state.bound, min(found.bound, state.value)))
    return with_sites(task, state, None if found.x is None else found.x[: len(low)] > 0.5)


def _lacks(task: Task, opened: Flags) -> Floats:
    """Return what each row pays beyond its least."""
    ways, need = task.ways, task.question.need
    at = np.flatnonzero(opened[ways.site])
    first = np.searchsorted(at, ways.ptr[:-1]) + need - 1
    entry = np.append(at, np.full(need, np.iinfo(np.int64).max))[first]
    served = entry < ways.ptr[1:]
    paid = task.gone.copy()
    paid[served] = ways.cost[entry[served]]
    return paid - (task.gone - task.reach)


def _model(task: Task, state: State) -> Mip:
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
