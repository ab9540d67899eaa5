"""What do sites leave unserved at least, under conditions of every kind, where rows are but served or not?

As for a maximal cover: steps bring down prices of the rows and of cuts and hulls over several of them, with fines of
the conditions beside, as long as new ones close much of the gap; then it is branched over the sites that are left.
"""

from dataclasses import dataclass, replace
from itertools import count

import numpy as np
from scipy import sparse

from spatial.siting.cover.cuts import NO_CUTS, Cuts, broken_cuts, chosen_cuts, joined_cuts, members
from spatial.siting.cover.lacks import broken_lack_hulls, no_lack_hulls
from spatial.siting.cover.prices import LARGE, LITTLE, Prices, cover_terms
from spatial.siting.cover.programme import Posed, pose_cover
from spatial.siting.cover.steps import Pace, near_prices
from spatial.siting.cover.table import CoverTable, cover_table, matrix_of, pick, same_rows
from spatial.siting.cover.tree import Ask, grow_tree
from spatial.siting.general.anneal import anneal_under
from spatial.siting.general.kicks import wander
from spatial.siting.general.task import State, Task, is_open, rounded, ruled, with_sites
from spatial.siting.price import Priced
from spatial.siting.question import broken_rules, value_of
from spatial.siting.ways import Deadline, Flags, Floats, Tick

_MOST_ENTRIES = 60_000
_ROUNDS, _STALL = 30, 0.035
"""Rounds of prices at most; they end where one closes less than this share of the gap once the searches are made."""
_LOOKS = 6
_NEW_CUTS = 3_000
_LEAST_PRICE, _USED = 1e-4, 1e-3
_SEARCHED = (2, 6)
"""Rounds after which prices tell where a search begins."""
_SEARCH_SHARE = 0.12
"""Share of the time that is left for such a search."""
_WELL_COVERED = 1.6
"""Rows without a price whose sites are open by more than this sleep for a round."""
_KICKS, _FEW_KICKS, _HOT, _WARM = 50, 2, 0.05, 0.02
"""Kicks of a search by site, of one near the shares of a part, and the heat of both."""
_MOVES, _FEW_MOVES, _HOT_MOVES = 1_000_000, 100_000, 0.03
"""Moves and heat where rows pay alike whoever serves them; near the shares of parts half as many each time, down to the
second."""


@dataclass(frozen=True, slots=True)
class _Known:
    """Cuts and hulls, prices of rows, cuts, hulls and sides, and how far each site is open."""

    cuts: Cuts
    hulls: sparse.csr_array
    price: Floats
    share: Floats


def is_cover(task: Task) -> bool:
    """Tell whether rows are but served or not, and are so many that steps are worth while, and not too many."""
    question, entries = task.question, len(task.ways.site)
    plain = question.need == 1 and not question.ways.cost.any() and bool((task.gone == 1.0).all())
    return plain and entries >= LARGE and _reduced(task)[0].entries <= _MOST_ENTRIES


def cover_total(task: Task, state: State, deadline: Deadline, seed: int, tick: Tick | None) -> State:
    """Return the state after rounds of prices, and after branching in the time that is left."""
    table, weight = _reduced(task)
    share = state.opened.astype(np.float64)
    start = np.zeros(table.rows + len(task.sides.least))
    known = _Known(NO_CUTS, no_lack_hulls(table), start, share)
    for turn in range(_ROUNDS):
        before, begun = state.value - state.bound, deadline.spent()
        posed = _posed(task, table, weight, known, state.high, awake=_awake(table, known) if turn else None)
        known, priced, rate = _lowered(task, state, posed, table, weight, known, deadline)
        state = ruled(task, state, priced)
        if turn in _SEARCHED and is_open(task, state):
            short = Deadline(_SEARCH_SHARE * deadline.left(), clock=deadline.clock)
            begin = rounded(task, priced, state)
            found = _sought(task, table, weight, begin, state.ends, short, seed=seed + turn, turn=0)
            state = with_sites(task, state, found)
        if tick is not None and not tick("prices", _done(deadline), state.value, state.bound):
            return replace(state, stopped=True)
        stalls = turn >= max(_SEARCHED) and state.value - state.bound > (1.0 - _STALL) * before
        if not is_open(task, state) or stalls or deadline.left() < deadline.spent() - begun:
            break
        known = _tightened(table, weight, known, rate, deadline, hulls=turn > 0)
    if not is_open(task, state) or deadline.left() <= 0.0:
        return state
    posed = _posed(task, table, weight, known, state.high)
    return _branched(task, state, posed, known, priced, table, weight, deadline, seed, tick)


def _sought(
    task: Task, table: CoverTable, weight: Floats, begin: Flags, ends: tuple[Floats, Floats], deadline: Deadline, *,
    seed: int, turn: int,
) -> Flags:  # fmt: skip
    """Return open sites found from some to begin with: at turn 0 farther from them than at later ones."""
    if task.question.ways.cost.any():
        most, hot = (_FEW_KICKS, _WARM) if turn else (_KICKS, _HOT)
        return wander(task.question, begin, deadline=deadline, seed=seed, hot=hot, most=most * len(begin))
    moves = max(_MOVES >> turn, _FEW_MOVES)
    return anneal_under(
        task.question, table, weight, begin, ends, moves=moves, hot=_HOT_MOVES, seed=seed + turn, deadline=deadline
    )


def _reduced(task: Task) -> tuple[CoverTable, Floats]:
    """Return the table without rows that list the same sites twice, and the weights of all of them together."""
    table = cover_table(task.ways)
    first, group = same_rows(table)
    return pick(table, first, np.arange(table.sites)), np.bincount(group, task.weight, len(first)).astype(np.float64)


def _awake(table: CoverTable, known: _Known) -> Flags:
    """Flag the rows that have a price, or whose sites are open by little more than once in all."""
    reached = np.asarray(matrix_of(table) @ known.share, np.float64)
    return np.asarray((known.price[: table.rows] > 0.0) | (reached < _WELL_COVERED), np.bool_)


def _posed(
    task: Task, table: CoverTable, weight: Floats, known: _Known, high: Floats, *, awake: Flags | None = None
) -> Posed:
    """Return the programme without the sites that may not be open, and the rows that are not awake."""
    terms, least = cover_terms(table, known.cuts, known.hulls[:, : table.sites])
    up = np.ones(table.rows) if awake is None else awake.astype(np.float64)
    sites = (sparse.vstack([sparse.diags_array(up) @ matrix_of(table), terms]) @ sparse.diags_array(high)).tocsr()
    sites.eliminate_zeros()
    lacks = (sparse.eye_array(table.rows), members(known.cuts, table.rows), known.hulls[:, table.sites :])
    sums = np.concatenate((up, least))
    return pose_cover(sites, sparse.vstack(lacks).tocsr(), sums, weight, task.sides)


def _begin(posed: Posed, table: CoverTable, known: _Known) -> tuple[Floats, Floats]:
    """Return the point and the prices to begin with."""
    return posed.point(known.share, np.maximum(1.0 - matrix_of(table) @ known.share, 0.0)), known.price


def _lowered(
    task: Task, state: State, posed: Posed, table: CoverTable, weight: Floats, known: _Known, deadline: Deadline
) -> tuple[_Known, Priced, float]:
    """Return what is known after some hundred steps, what it proves, and the price of one more site."""
    pace = Pace(_LOOKS, goal=task.base - task.goal(state.value))
    point, price, rate = near_prices(
        posed.within(state.ends), _begin(posed, table, known), posed.falls(state.ends),
        enough=LITTLE * float(weight.sum()), deadline=deadline, pace=pace,
    )  # fmt: skip
    bound, shut, opened = posed.proves(price, state.ends)
    share = point[: table.sites]
    lack = np.maximum(1.0 - matrix_of(table) @ share, 0.0)
    priced = Priced(bound, share, lack, shut, opened, price > 0.0, price[: table.rows], True)
    return replace(known, price=price, share=share), priced, rate


def _tightened(
    table: CoverTable, weight: Floats, known: _Known, rate: float, deadline: Deadline, *, hulls: bool
) -> _Known:
    """Return what is known with the cuts and hulls that have a price, and those that the shares break."""
    rows, count = table.rows, known.cuts.count
    row, paid = known.price[:rows], known.price[rows : rows + count + known.hulls.shape[0]]
    used = paid > _USED * rate
    prices = Prices(0.0, row, paid, np.zeros(0), known.share, rate)
    new = broken_cuts(table, known.share, row > _LEAST_PRICE * weight, most=_NEW_CUTS)
    more = broken_lack_hulls(table, weight, prices, deadline=deadline) if hulls else no_lack_hulls(table)
    parts = (
        row, paid[:count][used[:count]], np.zeros(new.count), paid[count:][used[count:]], np.zeros(more.shape[0]),
        known.price[rows + len(paid) :],
    )  # fmt: skip
    return _Known(
        joined_cuts(chosen_cuts(known.cuts, used[:count]), new),
        sparse.vstack([known.hulls[used[count:]], more]).tocsr(),
        np.concatenate(parts),
        known.share,
    )


def _branched(
    task: Task, state: State, posed: Posed, known: _Known, priced: Priced, table: CoverTable, weight: Floats,
    deadline: Deadline, seed: int, tick: Tick | None,
) -> State:  # fmt: skip
    """Return the state after branching over the sites that are left."""

    def cost_of(flags: Flags) -> float:
        return np.inf if broken_rules(task.question, flags) else value_of(task.question, flags) - task.base

    def watch(value: float, bound: float) -> bool:
        goes_on[0] = tick is None or tick("branching", _done(deadline), value + task.base, bound + task.base)
        return goes_on[0]

    def search(share: Floats) -> Flags:
        begin = rounded(task, replace(priced, share=share), state)
        return _sought(task, table, weight, begin, state.ends, deadline, seed=seed, turn=next(turns))

    turns, goes_on = count(1), [True]
    ask = Ask(lambda value: task.goal(value + task.base) - task.base, cost_of, watch, search)
    begin = _begin(posed, table, known)
    grown = grow_tree(posed, state.ends, begin, state.opened, state.value - task.base, ask, deadline)
    state = with_sites(task, state, grown.opened)
    bound = max(state.bound, min(grown.bound + task.base, state.value))
    return replace(state, bound=bound, stopped=not goes_on[0])


def _done(deadline: Deadline) -> float:
    return min(deadline.spent() / max(deadline.budget_s, 1e-9), 1.0)
