"""How much can p sites cover at most, and how few can cover all? Prices on the rows that prove it.

The linear programme is handed to the interior point method in its dual form, one row per site: with a few thousand
sites and many more demand rows its equations are ten times smaller, and zero-half cuts are columns. No crossover is
run. For a maximal cover that is not small, whose cuts couple its rows, steps from the prices of the round before
(``steps.py``) take a third of the time, a tenth where it is large. Whatever the prices are worth numerically, the
bound is computed from them anew, as the value of the Lagrangian function at prices that are cut off at what is allowed;
it holds however early a method stopped.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from spatial.siting.cover.cuts import Cuts, members, site_terms
from spatial.siting.cover.steps import Pace, Programme, near_prices
from spatial.siting.cover.table import CoverTable, matrix_of, pick, site_sums
from spatial.siting.interior import end_inside
from spatial.siting.ways import Deadline, Floats, Ints

_SHORTEST_S = 0.05
LARGE = 8_000
"""Entries of a table from which on the prices of a maximal cover are come near to by steps."""
_LARGE = 200_000
_EXACT, _ROUGH = 1e-6, 1e-4
"""Where the interior point method stops, below and from ``_LARGE`` entries on: what it leaves is small."""
LITTLE = 3e-5
"""Steps end where so many as are looked at together bring the bound down by less than this share of the weight."""
_FEWEST_LOOKS = 6
"""Looks after which steps may end, below ``_LARGE`` entries."""
_TINY = 1e-9


@dataclass(frozen=True, slots=True)
class Prices:
    """A proven bound, the price of each row and cut, what each site is worth at these prices, and how far it is open.

    For the maximal cover ``bound`` is at least what any p sites cover; ``rate`` is the price of one more site. For the
    set cover it is at most what any cover costs, and ``rate`` is 1.
    """

    bound: float
    row: Floats
    cut: Floats
    worth: Floats
    share: Floats
    rate: float


@dataclass(frozen=True, slots=True)
class _Asked:
    """A maximal cover with cuts and hulls: their terms by site, by lack of a row, and least sums."""

    table: CoverTable
    weight: Floats
    p: int
    terms: sparse.csr_array
    inside: sparse.csr_array
    least: Floats

    def bound(self, price: Floats) -> float:
        """Return what any p sites cover at most, by prices of the rows and then of cuts and hulls."""
        row, cut = self.allowed(price)
        left = np.maximum(self.weight - row - self.inside.T @ cut, 0.0).sum()
        best = np.maximum(np.sort(self.worth(row, cut))[::-1][: self.p], 0.0).sum()
        return float(left + best + (self.inside.sum(axis=1) - self.least) @ cut)

    def allowed(self, price: Floats) -> tuple[Floats, Floats]:
        """Return prices of rows and of cuts, cut off at what is allowed."""
        rows = self.table.rows
        return np.clip(price[:rows], 0.0, self.weight), np.maximum(price[rows : rows + len(self.least)], 0.0)

    def worth(self, row: Floats, cut: Floats) -> Floats:
        """Return what each site is worth at such prices."""
        total: Floats = site_sums(self.table, row) + self.terms.T @ cut
        return total


def price_cover(
    table: CoverTable,
    weight: Floats,
    p: int,
    cuts: Cuts,
    *,
    limit_s: float,
    core: Ints | None = None,
    hulls: sparse.csr_array | None = None,
    start: Prices | None = None,
    little: float = LITTLE,
) -> Prices | None:
    """Return prices that bound from above what ``p`` sites cover, or none if the time did not do for any.

    The linear programme sees the ``core`` sites alone (all if not given); the bound counts every site. ``hulls`` are
    further inequalities over the sites, and then the lacks of the rows, at least 1 each; their prices follow those of
    the cuts. A large programme goes on from the prices that it has to ``start`` with, one for each cut and hull, until
    further steps bring the bound down by less than ``little`` of the weight.
    """
    if limit_s < _SHORTEST_S:
        return None
    deadline = Deadline(limit_s)
    sites = np.arange(table.sites) if core is None else core
    terms, least = cover_terms(table, cuts, None if hulls is None else hulls[:, : table.sites])
    inside = members(cuts, table.rows)
    if hulls is not None:
        inside = sparse.vstack([inside, hulls[:, table.sites :]]).tocsr()
    asked = _Asked(table, weight, p, terms, inside, least)
    large = table.entries >= LARGE
    solved = _neared(asked, sites, start, little, deadline) if large else _solved(asked, sites, limit_s)
    if solved is None:
        return None
    price, shares, rate = solved
    share = np.zeros(table.sites)
    share[sites] = np.clip(shares, 0.0, 1.0)
    row, cut = asked.allowed(price)
    return Prices(asked.bound(price), row, cut, asked.worth(row, cut), share, max(rate, 0.0))


def _solved(asked: _Asked, sites: Ints, limit_s: float) -> tuple[Floats, Floats, float] | None:
    """Return prices, shares of the sites and the rate where the interior point method ends."""
    table, rows, free = asked.table, asked.table.rows, len(sites) + 1
    small, terms, inside = pick(table, np.arange(rows), sites), asked.terms[:, sites], asked.inside
    touched = np.unique(inside.indices)
    slack = sparse.hstack([-sparse.eye_array(len(sites)), sparse.csr_array(-np.ones((len(sites), 1)))])
    top = [matrix_of(small).T, terms.T, slack]
    cap = [sparse.eye_array(rows, format="csr")[touched], inside[:, touched].T, None]
    cost = np.concatenate((-np.ones(rows), -asked.least, np.ones(free - 1), [float(asked.p)]))
    upper = np.concatenate((asked.weight, np.full(len(asked.least) + free, np.inf)))
    limit = np.concatenate((np.zeros(len(sites)), asked.weight[touched]))
    solved = _interior(sparse.block_array([top, cap] if len(touched) else [top]), cost, upper, limit, limit_s)
    if solved is None:
        return None
    point, dual = solved
    return point, -dual[: len(sites)], float(point[-1])


def _neared(
    asked: _Asked, sites: Ints, start: Prices | None, little: float, deadline: Deadline
) -> tuple[Floats, Floats, float]:
    """Return prices, shares of the sites and the rate that steps from the last prices come near to."""
    table, weight, inside = asked.table, asked.weight, asked.inside
    covered, touched = matrix_of(table), np.unique(inside.indices)
    lacks = sparse.eye_array(table.rows, format="csr")[:, touched]
    whole = [[covered[:, sites], lacks], [asked.terms[:, sites], inside[:, touched]]]
    amount = inside.sum(axis=1)
    size = np.where(amount > 0.0, inside @ weight / np.maximum(amount, _TINY), weight.mean())
    programme = Programme(
        sparse.block_array(whole).tocsr(),
        np.concatenate((np.zeros(len(sites)), weight[touched])),
        np.concatenate((np.ones(table.rows), asked.least)),
        np.concatenate((weight, size)),
        np.concatenate((weight, np.full(len(size), np.inf))),
        len(sites),
        asked.p,
    )
    begin = np.zeros(len(sites) + len(touched)), np.zeros(table.rows + len(size))
    if start is not None:
        lacking = np.maximum(1.0 - covered @ start.share, 0.0)
        begin = np.concatenate((start.share[sites], lacking[touched])), np.concatenate((start.row, start.cut))
    enough = little * float(weight.sum())
    pace = Pace(_FEWEST_LOOKS) if table.entries < _LARGE else Pace()
    point, price, rate = near_prices(programme, begin, asked.bound, enough=enough, deadline=deadline, pace=pace)
    return price, point[: len(sites)], start.rate if start is not None and rate <= 0.0 else rate


def price_all(
    table: CoverTable, need: Ints, cuts: Cuts, *, limit_s: float, hulls: sparse.csr_array | None = None
) -> Prices | None:
    """Return prices that bound from below how many sites cover each row as often as it needs; none as above.

    ``hulls`` are further inequalities over the sites, at least 1 each; their prices follow those of the cuts.
    """
    rows, sites = table.rows, table.sites
    terms, least = cover_terms(table, cuts, hulls)
    gives = np.concatenate((need.astype(np.float64), least, -np.ones(sites)))
    matrix = sparse.hstack([matrix_of(table).T, terms.T, -sparse.eye_array(sites)])
    solved = _interior(matrix, -gives, np.full(len(gives), np.inf), np.ones(sites), limit_s)
    if solved is None:
        return None
    point, dual = solved
    row, cut = np.maximum(point[:rows], 0.0), np.maximum(point[rows : rows + len(least)], 0.0)
    worth = site_sums(table, row) + terms.T @ cut
    bound = float(gives[:rows] @ row + least @ cut - np.maximum(worth - 1.0, 0.0).sum())
    return Prices(bound, row, cut, worth, np.clip(-dual[:sites], 0.0, 1.0), 1.0)


def cover_terms(table: CoverTable, cuts: Cuts, hulls: sparse.csr_array | None) -> tuple[sparse.csr_array, Floats]:
    """Return the inequalities of cuts and hulls where everything must be covered: terms by site, and least sums."""
    terms, least = site_terms(cuts, table), (cuts.sizes + 1) / 2.0
    if hulls is None or hulls.shape[0] == 0:
        return terms, least
    return sparse.vstack([terms, hulls]).tocsr(), np.concatenate((least, np.ones(hulls.shape[0])))


def _interior(
    matrix: sparse.sparray, cost: Floats, upper: Floats, limit: Floats, limit_s: float
) -> tuple[Floats, Floats] | None:
    """Return the point and duals where the interior point method stops, None where there is too little time."""
    tolerance = _EXACT if matrix.nnz < _LARGE else _ROUGH
    return None if limit_s < _SHORTEST_S else end_inside(matrix, cost, upper, limit, limit_s, tolerance)
