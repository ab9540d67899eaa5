"""How few sites can have room for all, as a model of the sites alone tells?

Each row lists an open site; the inequalities about room that answers break are added, first those of the linear
programme, together with zero-half cuts and what holds for all covers of small windows, of rows and of sites with room.
"""

from dataclasses import dataclass, replace
from typing import Any

import highspy
import numpy as np
from scipy import sparse

from spatial.siting.cover.cuts import broken_cuts, site_terms
from spatial.siting.cover.hulls import broken_hulls
from spatial.siting.cover.table import CoverTable, implied_rows, matrix_of, pick
from spatial.siting.mip import Mip, MipAnswer, Rows, solve_mip
from spatial.siting.room.hulls import broken_windows
from spatial.siting.room.rooms import Rooms
from spatial.siting.room.rows import Kinds, broken_rooms, flow_of, list_kinds
from spatial.siting.ways import Deadline, Flags, Floats, Ints

_LP_ROUNDS, _CUT_ROUNDS, _LITTLE = 200, 6, 1e-4
"""Other inequalities than those about room are looked for where a round has gained at most this share of the bound:
windows of sites each time, the others in at most so many rounds."""
_DULL_ROUNDS = 5
_NEW_CUTS = 400
_HAIR = 1e-9


@dataclass(frozen=True, slots=True)
class Master:
    """What the sites alone have to keep: rows of ones and cuts, a column per site, with the least of each.

    ``whole`` flags the columns that are whole numbers: all, unless there are others behind those of the sites.
    """

    kinds: Kinds
    cover: CoverTable
    terms: sparse.csr_array
    least: Floats
    cost: Floats
    lower: Floats
    upper: Floats
    whole: Flags


def master_of(rooms: Rooms) -> Master:
    """Return the model of the sites with what every row lists; a row that another implies is left out."""
    question, kinds = rooms.question, list_kinds(rooms)
    cover = pick(kinds.table, ~implied_rows(kinds.table), np.arange(kinds.table.sites))
    shut = question.banned & ~question.fixed
    return Master(
        kinds, cover, matrix_of(cover), np.ones(cover.rows), rooms.charge, question.fixed.astype(np.float64),
        (~shut).astype(np.float64), np.ones(kinds.table.sites, np.bool_),
    )  # fmt: skip


def join_terms(master: Master, terms: sparse.csr_array, least: Floats) -> Master:
    """Return the model with more inequalities."""
    more = sparse.vstack([master.terms, terms]).tocsr()
    return replace(master, terms=more, least=np.concatenate((master.least, least)))


def raise_bound(master: Master, deadline: Deadline, *, dull: float = 0.0) -> tuple[Master, Floats | None, float]:
    """Return the model with what answers of its linear programme break, the last answer, and the bound of its prices.

    Rounds end where some of the later ones gain less than is ``dull``.

    Zero-half cuts and inequalities of windows are looked for once inequalities about room gain little; the answer is
    None where there is none, or no time.
    """
    solver, bound, point, cuts, past = _solver(master), -np.inf, None, 0, list[float]()
    for _ in range(_LP_ROUNDS):
        status = _solved(solver, deadline)
        if status == highspy.HighsModelStatus.kInfeasible:
            return master, None, np.inf
        if status != highspy.HighsModelStatus.kOptimal:
            break
        solution = solver.getSolution()
        point = np.clip(np.asarray(solution.col_value), master.lower, master.upper)
        price, before = np.maximum(np.asarray(solution.row_dual), 0.0), bound
        bound = max(bound, _proved(master, price))
        terms = broken_rooms(master.kinds, point, flow_of(master.kinds, point))
        late = terms.shape[0] == 0 or bound - before < _LITTLE * abs(bound)
        if late:
            terms = sparse.vstack([terms, broken_windows(master.kinds, point)]).tocsr()
        least = np.ones(terms.shape[0])
        if late and cuts < _CUT_ROUNDS:
            cuts += 1
            more, at_least = broken_cover(master, point, price, deadline)
            terms, least = sparse.vstack([terms, more]).tocsr(), np.concatenate((least, at_least))
        past = [*past, bound] if late else past
        slow = len(past) > _DULL_ROUNDS and bound - past[-_DULL_ROUNDS - 1] < dull
        if terms.shape[0] == 0 or slow or deadline.left() <= 0.0:
            break
        master = join_terms(master, terms, least)
        _add(solver, terms, least)
    return master, point, bound


def _solved(solver: highspy.Highs, deadline: Deadline) -> Any:
    """Return how HiGHS ends by itself."""
    solver.setOptionValue("time_limit", max(deadline.left(), 0.01) + float(solver.getRunTime()))
    solver.run()
    return solver.getModelStatus()


def broken_cover(master: Master, point: Floats, price: Floats, deadline: Deadline) -> tuple[sparse.csr_array, Floats]:
    """Return zero-half cuts and inequalities of windows that an answer breaks, and the least of each."""
    cover, every = master.cover, np.ones(master.cover.rows, np.bool_)
    cuts = broken_cuts(cover, point, every, most=_NEW_CUTS)
    paid = price[: cover.rows] / max(float(price.max(initial=0.0)), _HAIR)
    hulls = broken_hulls(cover, point, paid, every, deadline=deadline)[:_NEW_CUTS]
    terms = sparse.vstack([site_terms(cuts, cover), hulls]).tocsr()
    return terms, np.concatenate(((cuts.sizes + 1) / 2.0, np.ones(hulls.shape[0])))


def _proved(master: Master, price: Floats) -> float:
    """Return the bound that prices of the inequalities give, whatever they come from."""
    left = master.cost - master.terms.T @ price
    return float(master.least @ price + np.minimum(left * master.lower, left * master.upper).sum())


def _solver(master: Master) -> highspy.Highs:
    """Return a solver of the linear programme."""
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    problem = highspy.HighsLp()
    problem.num_row_, problem.num_col_ = 0, len(master.cost)
    problem.col_cost_, problem.col_lower_, problem.col_upper_ = master.cost, master.lower, master.upper
    solver.passModel(problem)
    _add(solver, master.terms, master.least)
    return solver


def _add(solver: highspy.Highs, terms: sparse.csr_array, least: Floats) -> None:
    count = terms.shape[0]
    start, index = terms.indptr[:-1].astype(np.int32), terms.indices.astype(np.int32)
    solver.addRows(count, least, np.full(count, np.inf), terms.nnz, start, index, terms.data.astype(np.float64))


def fewest_sites(
    master: Master, start: Flags | Floats | None, *, free: Ints | None = None, deadline: Deadline, seed: int
) -> MipAnswer:
    """Return the fewest sites that keep all inequalities so far, as branch and cut finds them, and its bound.

    With ``free`` sites alone to choose, the others stay as the start has them, and the bound holds for such answers.
    """
    m = len(master.cost)
    every, opened = np.arange(m) if free is None else free, np.zeros(m)
    terms, least = master.terms, master.least
    if free is not None and start is not None:
        opened = start.astype(np.float64)
        opened[free] = 0.0
        least = least - terms @ opened
        asks = (least > _HAIR) | (terms.min(axis=1).toarray() < 0.0)
        terms, least = terms[asks][:, free], least[asks]
    entries = terms.tocoo()
    row, col = entries.row.astype(np.int64), entries.col.astype(np.int64)
    rows = Rows(row, col, entries.data, least, np.full(len(least), np.inf))
    model = Mip(
        master.cost[every], float(master.cost @ opened), master.lower[every], master.upper[every],
        master.whole[every], (rows,),
    )  # fmt: skip
    first = None if start is None else start[every].astype(np.float64)
    found = solve_mip(model, start=first, time_limit_s=deadline.left(), seed=seed)
    if found.x is None:
        return found
    opened[every] = np.where(master.whole[every], np.round(found.x), found.x)
    return replace(found, x=opened)
