"""Which p sites cover the most weight, and how much can any p sites cover?

What cannot matter falls out; few sites are tried in all their sets. Otherwise prices on the rows, tightened by zero-
half cuts and by inequalities of windows, bound what can be covered and tell which sites are worth looking at;
annealing among those finds the sets, while the next prices are computed. Sites that the prices rule out are dropped.
What is left goes to branch and cut when it has become small; a city is branched over part by part, and all the time
that is then left goes to annealing.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from math import comb

import numpy as np
from scipy import sparse

from spatial.siting.cover.branch import branch_cover
from spatial.siting.cover.cuts import NO_CUTS, broken_cuts, chosen_cuts, joined_cuts
from spatial.siting.cover.lacks import broken_lack_hulls, no_lack_hulls
from spatial.siting.cover.mix import COLD, HOT, WARM, Mix, Task, annealed, both_mixes, mix_best, mix_refitted
from spatial.siting.cover.parts import bound_parts
from spatial.siting.cover.prices import LARGE, LITTLE, price_cover
from spatial.siting.cover.proof import prove_cover
from spatial.siting.cover.question import CoverQuestion, CoverState, better_cover, checked_weight, reduced_cover
from spatial.siting.cover.sets import best_set
from spatial.siting.cover.swaps import best_of, start_swaps
from spatial.siting.cover.table import pick
from spatial.siting.ways import Deadline, Flags, Floats, Found, Ints, Tick, Ways, closes, confirm, cover_value, is_whole

_MOST_SETS = 200_000
_MOST_VISITS = 30_000_000
_ROUNDS = 40
_NEW_CUTS, _ROWS_A_CUT = 6_000, 3
"""New cuts of one round at most: so many, or one for so many rows."""
_SEARCHED_SHARE, _PRICED_SHARE = 0.95, 0.85
"""Sites worth at least these shares of the rate of a site are searched, and belong to the next linear programme."""
_LEAST_PRICE = 1e-4
_SWAPS = 400_000
_SWAPPED_ENTRIES = 60_000
"""Swaps of the first annealing, for a table of so many entries: about as long as the prices take."""
_TOGETHER, _HUGE_TOGETHER = 5, 10
_EFFORT, _LARGE_EFFORT, _LONGER = 6, 12, 2
"""Rounds of a large question, and of a huge one, that go with one search and take about as long; the effort of that
where it is huge and where it is not, and how much longer it anneals each time."""
_STALL, _LARGE_STALL, _HUGE_STALL = 0.03, 0.035, 0.002
"""Cut rounds end where they close less than this share of the gap; the more entries, the less branching would close."""
_LAST = 2.0
"""How many rounds the last prices take."""
_BRANCH_ENTRIES = 60_000
_HUGE = 200_000
"""Entries from which on the last prices take all the time that is left to them, and parts are branched over."""
_PARTS, _LEAST_PARTS_S, _FEWEST_PARTS_S, _BOUNDED = 0.45, 30.0, 5.0, 0.85
"""Share of the time for parts, the least time put by for them (in a short time annealing gains more), the least in
which they are begun, and the share of what is left that they take; the last of it gains more by annealing."""
_HULLS = 2
"""Rounds of a huge question in which hulls form around all of its rows once."""
_RELATIVE, _SURELY = 1e-9, 0.999
_INSTANT_S = 1e-9


def solve_max_cover(
    ways: Ways,
    weight: Floats | Ints,
    p: int,
    *,
    fixed: Flags,
    deadline: Deadline,
    seed: int = 0,
    tick: Tick | None = None,
) -> Found:
    """Return at most ``p`` sites besides the fixed ones that cover the most weight, value and bound in weight.

    A row is covered if it lists an open site. The same question and seed give the same sites unless the deadline cuts
    the work short.

    Raises
    ------
    InputError
        If ``p`` or a weight is negative, or the arrays do not fit the table.
    """
    amounts = checked_weight(ways, weight, p, fixed)
    whole = is_whole(amounts)
    question = reduced_cover(ways, amounts, p, fixed, whole=whole)
    sure = cover_value(ways, amounts, fixed)
    columns, upper, notes = _answered(question, deadline, seed, tick or _keep_on)
    opened = fixed.copy()
    opened[question.sites[columns]] = True
    value = cover_value(ways, amounts, opened)
    upper = min(upper, float(question.weight.sum())) + sure
    bound = max(np.floor(upper + _RELATIVE * max(upper, 1.0)) if whole else upper, value)
    proved = closes(value, float(bound), whole=whole)
    found = Found(opened, value, float(bound), proved, deadline.spent(), notes)
    return confirm(found, cover_value(ways, amounts, opened))


def _keep_on(_stage: str, _share: float, _value: float, _bound: float) -> bool:
    return True


def _answered(
    question: CoverQuestion, deadline: Deadline, seed: int, tick: Tick
) -> tuple[Ints, float, tuple[str, ...]]:
    """Return columns, a bound from above on what any cover, and how both came about."""
    table, p = question.table, question.p
    if p == 0 or p == table.sites:
        return np.arange(p), float(question.weight.sum()) if p else 0.0, ("every site that can matter is open",)
    sets = comb(table.sites, p)
    if sets <= _MOST_SETS and sets * table.entries // table.sites <= _MOST_VISITS:
        columns, value = best_set(table, question.weight, p)
        return columns, value, (f"all {sets} sets tried",)
    return _searched(question, deadline, seed, tick)


def _searched(
    question: CoverQuestion, deadline: Deadline, seed: int, tick: Tick
) -> tuple[Ints, float, tuple[str, ...]]:
    table = question.table
    nothing = np.zeros(table.sites, np.bool_)
    start = start_swaps(table, question.weight, np.zeros(0, np.int64), question.p, seed)
    chosen, value = best_of(start)
    state = CoverState(chosen, value, float(question.weight.sum()), NO_CUTS, no_lack_hulls(table), None, nothing, Mix())
    notes: list[str] = []
    large, huge, took = table.entries >= LARGE, table.entries >= _HUGE, 0.0
    together = _HUGE_TOGETHER if huge else _TOGETHER
    stall = _HUGE_STALL if huge else _LARGE_STALL if large else _STALL
    whole, deadline = deadline, _without_parts(deadline) if huge else deadline
    with ThreadPoolExecutor(1) as pool:
        for turn in range(_ROUNDS):
            begun, before = deadline.spent(), state.gap
            alone = not large or turn == 0
            if alone:
                job = pool.submit(_annealed, question, state, deadline, turn, seed + turn)
            elif turn % together == 1:
                job = pool.submit(_mixed, question, state, deadline, _EFFORT if huge else _LARGE_EFFORT, seed)
            over = alone or turn % together == 0
            last = huge and turn > 0 and deadline.left() < _LAST * took
            windows = (turn % _HULLS, _HULLS) if huge else (0, 1)
            priced = _priced(question, state, deadline, windows, last=last)
            state = better_cover(state, job.result()) if over or last else state
            state = _fixed(question, state)
            took = deadline.spent() - begun
            goes_on = tick(
                "cuts", min(deadline.spent() / max(deadline.budget_s, _INSTANT_S), 1.0), state.value, state.bound
            )
            state = replace(priced, chosen=state.chosen, value=state.value, mix=state.mix) if priced else state
            state = _fixed(question, state)
            done = last or _is_closed(question, state) or not goes_on or deadline.left() < 1.1 * took
            stalls = state.gap > (1.0 - stall) * before
            if done or (turn > 1 and (over or not huge) and stalls):
                break
        state = better_cover(state, job.result())
        tight = f"{state.cuts.count} cuts and {state.hulls.shape[0]} hulls"
        notes.append(f"{turn + 1} rounds of prices with {tight}, {int(state.never.sum())} sites ruled out")
        if not _is_closed(question, state) and goes_on:
            state, more = _finished(question, state, whole, seed, tick, pool)
            notes.append(more)
    return state.chosen, state.bound, tuple(notes)


def _without_parts(deadline: Deadline) -> Deadline:
    """Return what is left of a deadline without the time for parts, where that is enough for them."""
    left = deadline.left()
    return Deadline(left * (1.0 - _PARTS) if _PARTS * left >= _LEAST_PARTS_S else left, clock=deadline.clock)


def _priced(
    question: CoverQuestion, state: CoverState, deadline: Deadline, windows: tuple[int, int], *, last: bool
) -> CoverState | None:
    """Return the state with new prices, the cuts they use, and the cuts broken by the shares that belong to them.

    The ``last`` prices of a large question use all the time that is left. Hulls form around the rows whose turn it is.
    """
    prices = price_cover(
        question.table,
        question.weight,
        question.p,
        state.cuts,
        limit_s=deadline.left(),
        core=_core(question, state, 0.0 if LARGE <= question.table.entries < _HUGE else _PRICED_SHARE),
        hulls=state.hulls,
        start=state.prices,
        little=0.0 if last else LITTLE,
    )
    if prices is None or prices.bound >= state.bound:
        # The time did not do: prices of a method that was cut off would mislead the search.
        return None
    used = prices.cut > 1e-3 * prices.rate
    cuts, hulls = chosen_cuts(state.cuts, used[: state.cuts.count]), state.hulls[used[state.cuts.count :]]
    paid, more = prices.cut[used], no_lack_hulls(question.table)
    if last:
        return replace(state, prices=replace(prices, cut=paid), bound=prices.bound, cuts=cuts, hulls=hulls)
    if state.cuts.count and question.table.entries >= LARGE:
        # Cuts are had for less: hulls begin where a first round of them has ended. A small question does without them.
        more = broken_lack_hulls(question.table, question.weight, prices, deadline=deadline, turn=windows)
    usable = prices.row > _LEAST_PRICE * question.weight
    most = max(_NEW_CUTS, question.table.rows // _ROWS_A_CUT)
    new = broken_cuts(question.table, prices.share, usable, most=most)
    begun = (paid[: cuts.count], np.zeros(new.count), paid[cuts.count :], np.zeros(more.shape[0]))
    return replace(
        state,
        prices=replace(prices, cut=np.concatenate(begun)),
        bound=min(state.bound, prices.bound),
        cuts=joined_cuts(cuts, new),
        hulls=sparse.vstack([hulls, more]).tocsr(),
    )


def _is_closed(question: CoverQuestion, state: CoverState) -> bool:
    """Tell whether nothing better can be; a bound that rounding left just below the next value does not tell."""
    return state.gap < question.step * _SURELY


def _fixed(question: CoverQuestion, state: CoverState) -> CoverState:
    """Return the state with the sites ruled out that can be in no better set."""
    if state.prices is None or _is_closed(question, state):
        return state
    worth = state.prices.worth
    last = np.sort(worth)[-question.p]
    out = (state.prices.bound - (last - worth) < state.value + question.step * _SURELY) & (worth < last)
    out[state.chosen] = False
    return replace(state, never=state.never | out)


def _task(question: CoverQuestion, state: CoverState) -> Task:
    """Return what annealing is told: the sites worth a look, and swaps for as long as prices take."""
    size = question.table.entries / _SWAPPED_ENTRIES if state.prices else 1.0
    core = _core(question, state, _SEARCHED_SHARE)
    return Task(question.table, question.weight, question.p, core, int(_SWAPS * max(size, 1.0)))


def _annealed(question: CoverQuestion, state: CoverState, deadline: Deadline, turn: int, seed: int) -> Mix:
    """Return the one set that annealing finds beside a round of prices, ever longer: afresh or from the best in turn.

    From the best it begins at a temperature that does not lose all of it.
    """
    task, warm = _task(question, state), turn % 2 == 1
    begin, heat = (state.chosen, (WARM, COLD)) if warm else (np.zeros(0, np.int64), (HOT, COLD))
    swaps = (1 + turn // 2) * task.swaps
    return Mix(best=(annealed(task, task.core, begin, swaps, heat, seed, deadline),))


def _mixed(question: CoverQuestion, state: CoverState, deadline: Deadline, effort: int, seed: int) -> Mix:
    """Return the mix after more annealings, each longer than one beside a round of prices, its best set refitted.

    With no effort to spare they look only among the sites of the best sets.
    """
    task = _task(question, state)
    task = replace(task, swaps=_LONGER * task.swaps)
    if effort == 0:
        return mix_best(task, state.mix, seed, deadline)
    return mix_refitted(task, state.mix, effort, seed, deadline)


def _core(question: CoverQuestion, state: CoverState, share: float) -> Ints:
    """Return the columns worth a look at the prices so far: all of them before there are any."""
    if state.prices is None:
        return np.flatnonzero(~state.never)
    worth = state.prices.worth
    least = min(share * state.prices.rate, float(np.sort(worth)[-min(2 * question.p, len(worth))]))
    inside = (worth >= least) & ~state.never
    inside[state.chosen] = True
    return np.flatnonzero(inside)


def _finished(
    question: CoverQuestion, state: CoverState, deadline: Deadline, seed: int, tick: Tick, pool: ThreadPoolExecutor
) -> tuple[CoverState, str]:
    """Return the state after branching, if the question has become small enough, or after a long annealing."""
    left = np.flatnonzero(~state.never)
    table = pick(question.table, np.arange(question.table.rows), left)
    if table.entries > _BRANCH_ENTRIES:
        note = "the rest of the time went to annealing"
        if question.table.entries >= _HUGE and state.prices is not None and deadline.left() >= _FEWEST_PARTS_S:
            upper = bound_parts(question, state, Deadline(_BOUNDED * deadline.left(), clock=deadline.clock))
            state = replace(state, bound=min(state.bound, max(upper, state.value)))
            return _lingered(question, state, deadline, seed, pool, 0), f"branching part by part, {note}"
        return _lingered(question, state, deadline, seed, pool, _EFFORT), note
    if question.table.entries >= LARGE and state.prices is not None:
        return prove_cover(question, state, deadline, tick)
    at = np.searchsorted(left, state.chosen)
    solved = branch_cover(table, question.weight, question.p, state.cuts, at, limit_s=deadline.left())
    state = better_cover(state, Mix(best=((left[solved.chosen], solved.value),)))
    state = replace(state, bound=min(state.bound, max(solved.bound, state.value)))
    return state, f"branch and cut over {table.sites} sites: {solved.ended}, {solved.nodes} nodes"


def _lingered(
    question: CoverQuestion, state: CoverState, deadline: Deadline, seed: int, pool: ThreadPoolExecutor, effort: int
) -> CoverState:
    """Return the state after mixing annealings, two at a time, until the time is up."""
    aside = state.mix
    while deadline.left() > 0.0:
        seed += 1000
        other = pool.submit(_mixed, question, replace(state, mix=aside), deadline, effort, seed + 500)
        mix = _mixed(question, state, deadline, effort, seed)
        aside = both_mixes(other.result(), mix)
        state = better_cover(state, both_mixes(mix, aside))
    return state
