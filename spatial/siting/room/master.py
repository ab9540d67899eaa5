"""Which sets of rows serve all at the least cost, if sets may be taken in part? HiGHS, with the sets met so far.

A set is taken in part, a site has at most one set, and no more sites open than may; sets with two or more rows of a
triple come to one at most (``fill.py``). Prices stay in a box: a row is lost, or served once more, at its ends (du
Merle, Villeneuve, Desrosiers and Hansen, "Stabilized column generation", 1999). Only prices are taken from HiGHS, and
bounds are computed from them anew.
"""

from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np

from spatial.siting.room.climb import Bound
from spatial.siting.room.rooms import Rooms
from spatial.siting.ways import Flags, Floats, Ints

_LEAST_UNIT, _TINY = 0.1, 1e-3
"""A box is as wide as the price of its row, or this share of their mean, or of the dearest entry."""
_HAIR = 1e-7
_IN_BASIS = highspy.HighsBasisStatus.kBasic
_NO_INDEX = np.zeros(0, np.int32)


@dataclass(frozen=True, slots=True)
class Taken:
    """One set: its site, its rows in ascending order, its cost, and its number in a list of all sets, -1 for none."""

    site: int
    rows: Ints
    cost: float
    number: int = -1


@dataclass(frozen=True, slots=True)
class Master:
    """HiGHS with a column per row that is lost, per row served once more, per site open for nobody, then per set.

    Its rows are those of the question, its sites, their number, then the triples. ``sets``, ``known`` and ``triples``
    grow with it; ``ends`` tells which rows have a box that ends below what they are lost for, and above zero.
    """

    highs: Any
    rows: int
    sites: int
    sets: list[Taken]
    known: set[tuple[int, bytes]]
    triples: list[tuple[int, int, int]]
    ends: Flags


@dataclass(frozen=True, slots=True)
class Mix:
    """The value of a mix of sets, prices of rows, fines on triples, and what a set of each site must be worth to join.

    ``idle`` is how far sites open for nobody, ``share`` how far each set is taken; ``strays`` tells whether the ends of
    the boxes hold prices back.
    """

    value: float
    price: Floats
    fine: Floats
    rent: Floats
    idle: Floats
    share: Floats
    strays: bool


def begin_master(rooms: Rooms) -> Master:
    """Return the programme without sets."""
    n, m = rooms.question.rows, len(rooms.room)
    highs, inf = highspy.Highs(), highspy.kHighsInf
    for option, value in (
        ("output_flag", False), ("threads", 1), ("random_seed", 0), ("parallel", "off"), ("presolve", "off"),
    ):  # fmt: skip
        highs.setOptionValue(option, value)
    number = float(rooms.most + int(rooms.question.fixed.sum()))
    low, high = np.r_[np.ones(n), np.full(m + 1, -inf)], np.r_[np.ones(n + m), number]
    highs.addRows(n + m + 1, low, high, 0, np.zeros(n + m + 1, np.int32), _NO_INDEX, np.zeros(0))
    every = np.arange(n, dtype=np.int32)
    for sign in (1.0, -1.0):
        highs.addCols(n, np.zeros(n), np.zeros(n), np.full(n, inf), n, every, every, np.full(n, sign))
    index = np.c_[n + np.arange(m), np.full(m, n + m)].ravel().astype(np.int32)
    start = 2 * np.arange(m, dtype=np.int32)
    highs.addCols(m, np.zeros(m), np.zeros(m), np.full(m, inf), 2 * m, start, index, np.ones(2 * m))
    return Master(highs, n, m, [], set(), [], np.zeros((2, n), dtype=bool))


def add_sets(master: Master, sets: list[Taken]) -> int:
    """Add the sets that are new; return how many."""
    start, index, new, at = [], [], [], 0
    triples = np.array(master.triples, np.int64).reshape(-1, 3)
    inside = np.zeros(master.rows, dtype=bool)
    for one in sets:
        key = (one.site, one.rows.tobytes())
        if key in master.known:
            continue
        master.known.add(key)
        inside[:] = False
        inside[one.rows] = True
        fined = np.flatnonzero(inside[triples].sum(axis=1) >= 2) + master.rows + master.sites + 1
        index.append(np.r_[one.rows, master.rows + one.site, master.rows + master.sites, fined])
        start.append(at)
        at += len(index[-1])
        new.append(one)
    if new:
        cost, size = np.array([one.cost for one in new]), len(new)
        free = np.full(size, highspy.kHighsInf)
        column = np.concatenate(index).astype(np.int32)
        master.highs.addCols(size, cost, np.zeros(size), free, at, np.array(start, np.int32), column, np.ones(at))
        master.sets.extend(new)
    return len(new)


def add_triples(master: Master, triples: Ints) -> None:
    """Add triples of rows of which no two sets may take two or more each."""
    if len(triples) == 0:
        return
    inside = np.zeros((len(master.sets), master.rows), dtype=bool)
    for c, one in enumerate(master.sets):
        inside[c, one.rows] = True
    first = 2 * master.rows + master.sites
    index = [np.flatnonzero(inside[:, one].sum(axis=1) >= 2) + first for one in triples]
    start = np.cumsum([0, *(len(one) for one in index)]).astype(np.int32)
    size = len(triples)
    master.highs.addRows(
        size, np.full(size, -highspy.kHighsInf), np.ones(size), int(start[-1]), start[:-1],
        np.concatenate(index).astype(np.int32), np.ones(int(start[-1])),
    )  # fmt: skip
    master.triples.extend((int(i), int(j), int(k)) for i, j, k in triples)


def keep_triples(master: Master, triples: Ints) -> None:
    """Add those of some triples that are missing; forget others that hold nothing back at the last mix.

    The simplex method goes on from its last basis, which is one without rows whose slack is in it.
    """
    wanted = {(int(i), int(j), int(k)) for i, j, k in triples}
    _forget_idle(master, wanted)
    known = set(master.triples)
    add_triples(master, np.array([one for one in triples.tolist() if tuple(one) not in known], np.int64).reshape(-1, 3))


def _forget_idle(master: Master, wanted: set[tuple[int, int, int]]) -> None:
    """Delete the rows of triples that are not wanted and whose slack is in the basis."""
    basis, first = master.highs.getBasis(), master.rows + master.sites + 1
    status = list(basis.row_status)
    if not basis.valid or len(status) != first + len(master.triples):
        return
    idle = [one not in wanted and status[first + k] == _IN_BASIS for k, one in enumerate(master.triples)]
    gone = first + np.flatnonzero(idle).astype(np.int32)
    if len(gone):
        left = np.setdiff1d(np.arange(len(status)), gone)
        master.highs.deleteRows(len(gone), gone)
        basis.row_status = [status[k] for k in left]
        master.highs.setBasis(basis)
        master.triples[:] = [one for one, out in zip(master.triples, idle, strict=True) if not out]


def set_part(master: Master, rooms: Rooms, state: Bound, numbers: Ints | None = None) -> None:
    """Let the programme take only what a part of all choices may have; of sets only those of some numbers, if told."""
    n, m, inf = master.rows, master.sites, highspy.kHighsInf
    may = np.zeros((m, n), dtype=bool)
    may[rooms.site[state.alive], rooms.row[state.alive]] = True
    sites = np.arange(n, n + m, dtype=np.int32)
    master.highs.changeRowsBounds(m, sites, np.where(state.fixed, 1.0, -inf), np.ones(m))
    if master.sets:
        size = np.array([len(one.rows) for one in master.sets])
        site = np.repeat([one.site for one in master.sets], size)
        every = may[site, np.concatenate([one.rows for one in master.sets])]
        open_to = np.logical_and.reduceat(every, np.r_[0, np.cumsum(size)[:-1]])
        if numbers is not None:
            open_to &= np.isin([one.number for one in master.sets], numbers)
        columns = np.arange(2 * n + m, 2 * n + m + len(size), dtype=np.int32)
        master.highs.changeColsBounds(len(size), columns, np.zeros(len(size)), np.where(open_to, inf, 0.0))


def set_box(master: Master, rooms: Rooms, prices: Floats, wide: float) -> None:
    """Keep prices near to some, by a share of each, from zero up to what rows are lost for."""
    n, lost = master.rows, rooms.lost[np.isfinite(rooms.lost)]
    dear = max(float(rooms.cost.max(initial=0.0)), float(lost.max(initial=0.0)), _TINY)
    unit = np.maximum(prices, max(_LEAST_UNIT * float(prices.mean()), _TINY * dear))
    high, low = np.minimum(prices + wide * unit, rooms.lost), np.maximum(prices - wide * unit, 0.0)
    master.highs.changeColsCost(2 * n, np.arange(2 * n, dtype=np.int32), np.r_[high, -low])
    master.ends[0], master.ends[1] = high < rooms.lost, low > 0.0


def solve_mix(master: Master, limit_s: float) -> Mix | None:
    """Return the best mix of the sets met; None where time does not do."""
    highs, n, m = master.highs, master.rows, master.sites
    highs.setOptionValue("time_limit", float(highs.getRunTime() + limit_s))
    highs.run()
    if highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    solution = highs.getSolution()
    dual, x = np.asarray(solution.row_dual), np.asarray(solution.col_value)
    rent = dual[n : n + m] + min(dual[n + m], 0.0)
    value = float(highs.getInfo().objective_function_value)
    strays = bool((x[: 2 * n].reshape(2, n)[master.ends] > _HAIR).any())
    fine, past = np.maximum(-dual[n + m + 1 :], 0.0), 2 * n
    return Mix(value, np.maximum(dual[:n], 0.0), fine, rent, x[past : past + m], x[past + m :], strays)


def try_sites(master: Master, sites: Ints, iterations: int) -> Floats:
    """Return how much dearer a mix becomes with each site shut, and with it open, by a few steps of the simplex."""
    highs, n, inf = master.highs, master.rows, highspy.kHighsInf
    highs.run()
    start, basis = float(highs.getInfo().objective_function_value), highs.getBasis()
    unlimited = highs.getOptionValue("simplex_iteration_limit")[1]
    out = np.zeros((len(sites), 2))
    for k, s in enumerate(sites.tolist()):
        for way, (low, high) in enumerate(((-inf, 0.0), (1.0, 1.0))):
            highs.changeRowBounds(n + s, low, high)
            highs.setOptionValue("simplex_iteration_limit", iterations)
            highs.run()
            out[k, way] = max(float(highs.getInfo().objective_function_value) - start, 0.0)
            highs.changeRowBounds(n + s, -inf, 1.0)
            highs.setBasis(basis)
    highs.setOptionValue("simplex_iteration_limit", unlimited)
    return out
