"""Which of some grids make the cheapest plan? Exactly: by cuts and reduced costs, and by branching on what grids hold.

The grids are all known, so a look at a branch is a linear program and nothing more. Branches are first the number of
grids, then whether two units share a grid (Ryan & Foster 1981), chosen by what either answer does to the price.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import highspy
import numpy as np

from spatial.division.master import hold_two, new_solver
from spatial.division.separation import find_cuts, tell_apart

_ROUNDS, _CUTS = 30, 40
_SLACK, _SURE, _TORN = 1e-7, 1e-6, 0.02
_CANDIDATES, _TRIAL_STEPS = 8, 100


@dataclass(frozen=True, slots=True)
class Choice:
    """The cheapest plan among some grids.

    Attributes
    ----------
    chosen:
        Positions of the columns that make it; None where no plan costs less than was asked for.
    bound:
        No plan made of the columns costs less; what was asked for, where none is cheaper.
    proved:
        Whether all of that was proved within the limits.
    """

    chosen: Any
    bound: float
    proved: bool


@dataclass(frozen=True, slots=True)
class Limits:
    """How long the choice may take: branches looked at (a machine's speed plays no part), and the seconds left."""

    nodes: int
    left: Callable[[], float]


@dataclass(frozen=True, slots=True)
class Grids:
    """Columns: sorted units, today's grid inherited, cost."""

    units: list[Any]
    names: Any
    cost: Any


@dataclass(frozen=True, slots=True)
class _Branch:
    """Plans of some of the columns, so many from-to; cuts that they keep; none of them costs less than the bound."""

    counts: tuple[int, int]
    alive: Any
    cuts: Any
    bound: float


@dataclass(slots=True)
class _Race:
    """The columns, flat and by row, the best choice and its price, and what may still be spent."""

    grids: Grids
    flat: Any
    start: Any
    shape: tuple[int, int]
    rank: Any
    limits: Limits
    below: float
    nodes: int
    chosen: Any = None

    def take(self, which: Any) -> tuple[Any, Any]:
        """Return the units of some columns one after the other, and where each column starts."""
        sizes = self.start[which + 1] - self.start[which]
        start = np.concatenate([[0], np.cumsum(sizes)])
        return self.flat[np.arange(start[-1]) + np.repeat(self.start[which] - start[:-1], sizes)], start

    def holds(self, which: Any, unit: int) -> Any:
        """Tell of some columns whether they hold a unit."""
        flat, start = self.take(which)
        return np.add.reduceat(flat == unit, start[:-1], dtype=np.int64) > 0


def close_plan(
    grids: Grids, shape: tuple[int, int], counts: tuple[int, int], rank: Any, below: float, limits: Limits
) -> Choice:
    """Return the cheapest plan that costs less than ``below`` and is made of these grids, as many as ``counts`` allows.

    ``shape`` is the number of units and of today's grids.
    """
    start = np.cumsum([0, *map(len, grids.units)])
    race = _Race(grids, np.concatenate(grids.units), start, shape, rank, limits, below, limits.nodes)
    waiting = [_Branch(counts, np.arange(len(grids.units)), np.zeros((0, 3), dtype=np.int64), -np.inf)]
    while waiting:
        branch = waiting.pop()
        if branch.bound >= race.below - _SLACK:
            continue
        after = _look_at(race, branch)
        if after is None:
            return Choice(race.chosen, min(b.bound for b in (branch, *waiting)), False)
        waiting += after
    return Choice(race.chosen, race.below, True)


def _look_at(race: _Race, branch: _Branch) -> list[_Branch] | None:
    """Return the branches to look at next, the most promising last; None where the limits do not let it be known."""
    if not len(branch.alive):
        return []
    solver = _fill(race, branch)
    alive, cuts, bound = np.ones(len(branch.alive), dtype=bool), branch.cuts, branch.bound
    for _ in range(_ROUNDS):
        if not _solve(race, solver):
            return None
        if solver.getModelStatus() == highspy.HighsModelStatus.kInfeasible:
            return []
        found = solver.getSolution()
        shares, reduced = np.array(found.col_value), np.array(found.col_dual)
        price = float(solver.getInfo().objective_function_value)
        bound = max(bound, price)
        if bound >= race.below - _SLACK:
            return []
        dead = np.flatnonzero(alive & (reduced > race.below - price + _SLACK)).astype(np.int32)
        solver.changeColsBounds(len(dead), dead, np.zeros(len(dead)), np.zeros(len(dead)))
        alive[dead] = False
        held = np.flatnonzero(shares > _SURE)
        if (shares[held] > 1.0 - _SURE).all():
            race.chosen, race.below = branch.alive[held], float(race.grids.cost[branch.alive[held]].sum())
            return []
        units = [race.grids.units[i] for i in branch.alive[held]]
        fresh = find_cuts(units, shares[held], race.rank, _CUTS)
        if not len(fresh):
            break
        _add_cuts(race, solver, branch.alive, fresh)
        cuts = np.concatenate([cuts, fresh])
    rows = np.array(found.row_dual)[sum(race.shape) + 1 :]
    tight = np.abs(rows[: len(cuts)]) > _SLACK
    kept = replace(branch, alive=branch.alive[alive], cuts=cuts[: len(tight)][tight], bound=bound)
    return _split(race, solver, kept, shares[alive], np.flatnonzero(alive))


def _solve(race: _Race, solver: Any) -> bool:
    """Solve a linear program; tell whether the limits let it come to an end."""
    if race.nodes <= 0 or race.limits.left() <= 0.0:
        return False
    race.nodes -= 1
    solver.setOptionValue("time_limit", solver.getRunTime() + race.limits.left())
    solver.run()
    ends = highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kInfeasible
    return solver.getModelStatus() in ends


def _fill(race: _Race, branch: _Branch) -> Any:
    """Return the linear program: every unit once, every today's grid inherited once at most, as many grids as asked."""
    units, olds = race.shape
    solver, count = new_solver(), len(branch.alive)
    low = np.concatenate([np.ones(units), np.full(olds, -highspy.kHighsInf), [float(branch.counts[0])]])
    high = np.concatenate([np.ones(units + olds), [float(branch.counts[1])]])
    rows = units + olds + 1
    solver.addRows(rows, low, high, 0, np.zeros(rows, np.int32), np.zeros(0, np.int32), np.zeros(0))
    flat, start = race.take(branch.alive)
    names = race.grids.names[branch.alive]
    named = np.flatnonzero(names < olds)
    owner = np.concatenate([np.repeat(np.arange(count), np.diff(start)), named, np.arange(count)])
    index = np.concatenate([flat, units + names[named], np.full(count, units + olds)])
    order = np.lexsort((index, owner))
    at = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=count))])
    solver.addCols(
        count, race.grids.cost[branch.alive], np.zeros(count), np.full(count, highspy.kHighsInf),
        len(index), at[:-1].astype(np.int32), index[order].astype(np.int32), np.ones(len(index)),
    )  # fmt: skip
    _add_cuts(race, solver, branch.alive, branch.cuts)
    return solver


def _add_cuts(race: _Race, solver: Any, alive: Any, cuts: Any) -> None:
    held = hold_two(race.shape[0], *race.take(alive), cuts)
    for cut in range(len(cuts)):
        index = np.flatnonzero(held[:, cut]).astype(np.int32)
        solver.addRow(-highspy.kHighsInf, 1.0, len(index), index, np.ones(len(index)))


def _split(race: _Race, solver: Any, branch: _Branch, shares: Any, place: Any) -> list[_Branch]:
    """Return the two halves of a branch; ``place`` says where its columns are in the linear program."""
    grids, (least, most) = float(shares.sum()), branch.counts
    if least + _TORN < grids < most - _TORN and abs(grids - round(grids)) > _TORN:
        few, many = (replace(branch, counts=ends) for ends in ((least, int(grids)), (int(grids) + 1, most)))
        return [many, few] if grids - int(grids) < 0.5 else [few, many]
    basis, best, halves = solver.getBasis(), -np.inf, _halve_by_column(race, branch, shares)
    solver.setOptionValue("simplex_iteration_limit", _TRIAL_STEPS)
    for first, second in _list_pairs(race, branch, shares):
        one, other = race.holds(branch.alive, first), race.holds(branch.alive, second)
        sides = one == other, ~(one & other)
        rises = [max(_SLACK, _try(solver, place[~kept], basis) - branch.bound) for kept in sides]
        if rises[0] * rises[1] > best:
            best, halves = rises[0] * rises[1], sides if rises[0] >= rises[1] else sides[::-1]
    return [replace(branch, alive=branch.alive[kept]) for kept in halves]


def _halve_by_column(race: _Race, branch: _Branch, shares: Any) -> tuple[Any, Any]:
    """Return which columns are left without the one that is most torn, and with it."""
    torn = int(np.argmin(np.abs(shares - 0.5)))
    beside = np.arange(len(shares)) != torn
    apart = ~np.any([race.holds(branch.alive, int(unit)) for unit in race.grids.units[branch.alive[torn]]], axis=0)
    return beside, apart | ~beside


def _list_pairs(race: _Race, branch: _Branch, shares: Any) -> list[tuple[int, int]]:
    """Return pairs of units that share a grid by about half, those nearest to half first."""
    held = np.flatnonzero(shares > _SURE)
    inside = np.zeros((len(held), race.shape[0]))
    for row, column in enumerate(held):
        inside[row, race.grids.units[branch.alive[column]]] = 1.0
    firsts = tell_apart(inside, race.rank)
    inside = inside[:, firsts]
    both = (inside.T * shares[held]) @ inside
    one, other = np.triu_indices(len(firsts), 1)
    off = np.round(np.abs(both[one, other] - 0.5), 6)
    near = np.flatnonzero(off < 0.5 - _TORN)
    near = near[np.lexsort((other[near], one[near], off[near]))[:_CANDIDATES]]
    return [(int(firsts[one[i]]), int(firsts[other[i]])) for i in near]


def _try(solver: Any, without: Any, basis: Any) -> float:
    """Return about what the linear program costs without some columns; leave it as it was."""
    index, none = without.astype(np.int32), np.zeros(len(without))
    solver.changeColsBounds(len(index), index, none, none)
    solver.setBasis(basis)
    solver.run()
    infeasible = solver.getModelStatus() == highspy.HighsModelStatus.kInfeasible
    price = np.inf if infeasible else float(solver.getInfo().objective_function_value)
    solver.changeColsBounds(len(index), index, none, np.full(len(without), highspy.kHighsInf))
    return price
