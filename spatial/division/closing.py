"""Which of some grids make the cheapest plan? Exactly: by cuts and reduced costs, and by branching on what grids hold.

The grids are all known, so a look at a branch is a linear program and nothing more. Branches are first the number of
grids, then whether two units share a grid (Ryan & Foster 1981), chosen by what either answer does to the price.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from spatial.division.separation import find_cuts, tell_apart
from spatial.division.sifting import Columns, Program, add_cuts, drop, mix, open_program, take, try_without

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
    """Columns: sorted units, today's grid inherited, cost, and about how much it is above what the units are worth."""

    units: list[Any]
    names: Any
    cost: Any
    dear: Any


@dataclass(frozen=True, slots=True)
class _Branch:
    """Plans of some of the columns, so many from-to; cuts that they keep; none of them costs less than the bound.

    ``dear`` is what each of the columns costs beyond its worth, as last known.
    """

    counts: tuple[int, int]
    alive: Any
    dear: Any
    cuts: Any
    bound: float


@dataclass(slots=True)
class _Race:
    """The columns, flat and by row, the best choice and its price, and what may still be spent."""

    grids: Grids
    columns: Columns
    shape: tuple[int, int]
    rank: Any
    limits: Limits
    below: float
    nodes: int
    chosen: Any = None

    def holds(self, which: Any, unit: int) -> Any:
        """Tell of some columns whether they hold a unit."""
        flat, start = take(self.columns, which)
        return np.add.reduceat(flat == unit, start[:-1], dtype=np.int64) > 0


def close_plan(
    grids: Grids, shape: tuple[int, int], counts: tuple[int, int], rank: Any, below: float, limits: Limits
) -> Choice:
    """Return the cheapest plan that costs less than ``below`` and is made of these grids, as many as ``counts`` allows.

    ``shape`` is the number of units and of today's grids.
    """
    start = np.cumsum([0, *map(len, grids.units)])
    columns = Columns(np.concatenate(grids.units), start, grids.names, grids.cost, grids.dear)
    race = _Race(grids, columns, shape, rank, limits, below, limits.nodes)
    waiting = [_Branch(counts, np.arange(len(grids.units)), grids.dear, np.zeros((0, 3), dtype=np.int64), -np.inf)]
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
    program, bound, rounds = _open(race, branch), branch.bound, 0
    while True:
        race.nodes -= 1
        best = mix(program, race.limits.left) if race.nodes >= 0 else None
        if best is None:
            return None
        bound = max(bound, best.price)
        if bound >= race.below - _SLACK:
            return []
        drop(program, best.reduced > race.below - best.price + _SLACK)
        held = np.flatnonzero(best.shares > _SURE)
        if (best.shares[held] > 1.0 - _SURE).all():
            race.chosen, race.below = branch.alive[held], float(race.grids.cost[branch.alive[held]].sum())
            return []
        units = [race.grids.units[i] for i in branch.alive[held]]
        rounds += 1
        fresh = find_cuts(units, best.shares[held], race.rank, _CUTS)
        if not len(fresh) or rounds == _ROUNDS:
            break
        add_cuts(program, fresh)
    alive, tight = program.alive, np.abs(best.fines) > _SLACK
    kept = replace(
        branch, alive=branch.alive[alive], dear=best.reduced[alive], cuts=program.cuts[: len(tight)][tight], bound=bound
    )
    return _split(race, program, kept, best.shares[alive])


def _open(race: _Race, branch: _Branch) -> Program:
    """Return the linear program of a branch."""
    flat, start = take(race.columns, branch.alive)
    grids = race.grids
    columns = Columns(flat, start, grids.names[branch.alive], grids.cost[branch.alive], branch.dear)
    return open_program(race.shape, branch.counts, columns, branch.cuts)


def _split(race: _Race, program: Program, branch: _Branch, shares: Any) -> list[_Branch]:
    """Return the two halves of a branch whose columns are those of a program that are alive."""
    grids, (least, most) = float(shares.sum()), branch.counts
    if least + _TORN < grids < most - _TORN and abs(grids - round(grids)) > _TORN:
        few, many = (replace(branch, counts=ends) for ends in ((least, int(grids)), (int(grids) + 1, most)))
        return [many, few] if grids - int(grids) < 0.5 else [few, many]
    basis, best, halves = program.solver.getBasis(), -np.inf, _halve_by_column(race, branch, shares)
    program.solver.setOptionValue("simplex_iteration_limit", _TRIAL_STEPS)
    without = np.zeros(len(program.alive), dtype=bool)
    for first, second in _list_pairs(race, branch, shares):
        one, other = race.holds(branch.alive, first), race.holds(branch.alive, second)
        sides = one == other, ~(one & other)
        rises = []
        for kept in sides:
            without[program.alive] = ~kept
            rises.append(max(_SLACK, try_without(program, without, basis) - branch.bound))
        if rises[0] * rises[1] > best:
            best, halves = rises[0] * rises[1], sides if rises[0] >= rises[1] else sides[::-1]
    return [replace(branch, alive=branch.alive[kept], dear=branch.dear[kept]) for kept in halves]


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
