"""Which mix of very many grids is the cheapest? A linear program of few of them, which takes in those that would pay.

The mix of some columns is the mix of all once no column left out costs less than its units are worth (Bixby and others
1992 call it sifting): of a hundred thousand grids listed, some thousands are ever in the solver.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np

from spatial.division.master import fine_columns, hold_two, new_solver

_FIRST, _MORE, _PAYS = 3_000, 500, 1e-8
"""Columns that a program begins with and takes in at a time, and what one must gain to be taken in."""
_ENDS = highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kInfeasible


@dataclass(frozen=True, slots=True)
class Columns:
    """Grids: their units one after the other, ``start`` by grid (and the end), today's grid inherited, cost.

    ``dear`` is about how much each costs beyond what its units are worth: those where it is least come first.
    """

    flat: Any
    start: Any
    names: Any
    cost: Any
    dear: Any


@dataclass(slots=True)
class Program:
    """Every unit once, every today's grid inherited once at most, as many grids as asked, and the cuts kept.

    ``inside`` are the columns that the solver has, in its order, ``place`` where a column is there (-1: not);
    ``alive`` are the columns that may be chosen.
    """

    solver: Any
    shape: tuple[int, int]
    columns: Columns
    cuts: Any
    inside: Any
    place: Any
    alive: Any

    @property
    def rows(self) -> int:
        """Number of rows above those of the cuts."""
        return sum(self.shape) + 1


@dataclass(frozen=True, slots=True)
class Mix:
    """The cheapest mix: its price (infinite where there is none), share and reduced cost by column, dual by cut."""

    price: float
    shares: Any
    reduced: Any
    fines: Any


def open_program(shape: tuple[int, int], counts: tuple[int, int], columns: Columns, cuts: Any) -> Program:
    """Return the program of columns that make from-to so many grids; ``shape`` is the number of units and names."""
    units, olds = shape
    solver, count, rows = new_solver(), len(columns.cost), units + olds + 1
    low = np.concatenate([np.ones(units), np.full(olds, -highspy.kHighsInf), [float(counts[0])]])
    high = np.concatenate([np.ones(units + olds), [float(counts[1])]])
    solver.addRows(rows, low, high, 0, np.zeros(rows, np.int32), np.zeros(0, np.int32), np.zeros(0))
    none = np.zeros((0, 3), dtype=np.int64)
    empty = np.zeros(0, dtype=np.int64)
    program = Program(solver, shape, columns, none, empty, np.full(count, -1), np.ones(count, dtype=bool))
    add_cuts(program, cuts)
    first = np.argsort(columns.dear, kind="stable")[:_FIRST]
    _take_in(program, np.sort(first))
    return program


def add_cuts(program: Program, cuts: Any) -> None:
    """Add cuts: of the grids that hold two or more of three units, a plan has one at most."""
    held = hold_two(program.shape[0], *take(program.columns, program.inside), cuts)
    for cut in range(len(cuts)):
        index = np.flatnonzero(held[:, cut]).astype(np.int32)
        program.solver.addRow(-highspy.kHighsInf, 1.0, len(index), index, np.ones(len(index)))
    program.cuts = np.concatenate([program.cuts, cuts])


def drop(program: Program, dead: Any) -> None:
    """Choose none of the columns that are flagged any more."""
    gone = program.place[dead & program.alive & (program.place >= 0)].astype(np.int32)
    program.solver.changeColsBounds(len(gone), gone, np.zeros(len(gone)), np.zeros(len(gone)))
    program.alive &= ~dead


def mix(program: Program, left: Callable[[], float]) -> Mix | None:
    """Return the cheapest mix of the columns alive; None where the time left is too short."""
    while left() > 0.0:
        program.solver.setOptionValue("time_limit", program.solver.getRunTime() + left())
        program.solver.run()
        status = program.solver.getModelStatus()
        if status not in _ENDS:
            return None
        outside = program.alive & (program.place < 0)
        if status == highspy.HighsModelStatus.kInfeasible:
            if not outside.any():
                return Mix(np.inf, np.zeros(len(outside)), np.zeros(len(outside)), np.zeros(len(program.cuts)))
            _take_in(program, np.flatnonzero(outside))
            continue
        found = program.solver.getSolution()
        dual = np.array(found.row_dual)
        reduced = _reduce(program, dual)
        pays = np.flatnonzero(outside & (reduced < -_PAYS))
        if not len(pays):
            shares = np.zeros(len(outside))
            shares[program.inside] = found.col_value
            price = float(program.solver.getInfo().objective_function_value)
            return Mix(price, shares, reduced, dual[program.rows :])
        _take_in(program, np.sort(pays[np.argsort(reduced[pays], kind="stable")[:_MORE]]))
    return None


def try_without(program: Program, without: Any, basis: Any) -> float:
    """Return about what the mix costs without the columns flagged; leave the program as it was."""
    index = program.place[without & program.alive & (program.place >= 0)].astype(np.int32)
    none = np.zeros(len(index))
    program.solver.changeColsBounds(len(index), index, none, none)
    program.solver.setBasis(basis)
    program.solver.run()
    infeasible = program.solver.getModelStatus() == highspy.HighsModelStatus.kInfeasible
    price = np.inf if infeasible else float(program.solver.getInfo().objective_function_value)
    program.solver.changeColsBounds(len(index), index, none, np.full(len(index), highspy.kHighsInf))
    return price


def take(columns: Columns, which: Any) -> tuple[Any, Any]:
    """Return the units of some columns one after the other, and where each column starts (and the last ends)."""
    sizes = columns.start[which + 1] - columns.start[which]
    start = np.concatenate([[0], np.cumsum(sizes)])
    return columns.flat[np.arange(start[-1]) + np.repeat(columns.start[which] - start[:-1], sizes)], start


def _take_in(program: Program, fresh: Any) -> None:
    """Hand columns to the solver."""
    units, olds = program.shape
    flat, start = take(program.columns, fresh)
    names, every = program.columns.names[fresh], np.arange(len(fresh))
    named = np.flatnonzero(names < olds)
    column, cut = np.nonzero(hold_two(units, flat, start, program.cuts))
    owner = np.concatenate([np.repeat(every, np.diff(start)), named, every, column])
    index = np.concatenate([flat, units + names[named], np.full(len(fresh), units + olds), program.rows + cut])
    order = np.lexsort((index, owner))
    at = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=len(fresh)))])
    program.solver.addCols(
        len(fresh), program.columns.cost[fresh], np.zeros(len(fresh)), np.full(len(fresh), highspy.kHighsInf),
        len(index), at[:-1].astype(np.int32), index[order].astype(np.int32), np.ones(len(index)),
    )  # fmt: skip
    program.place[fresh] = len(program.inside) + every
    program.inside = np.concatenate([program.inside, fresh])


def _reduce(program: Program, dual: Any) -> Any:
    """Return by column alive what it costs beyond what it is worth, infinity for the others."""
    units, olds = program.shape
    which = np.flatnonzero(program.alive)
    flat, start = take(program.columns, which)
    worth = np.add.reduceat(dual[flat], start[:-1]) + dual[units + olds]
    names = program.columns.names[which]
    worth += np.append(dual[units : units + olds], 0.0)[np.minimum(names, olds)]
    fines = dual[program.rows :]
    tight = np.flatnonzero(fines)
    worth += fine_columns(units, flat, start, program.cuts[tight], fines[tight])
    reduced = np.full(len(program.alive), np.inf)
    reduced[which] = program.columns.cost[which] - worth
    return reduced
