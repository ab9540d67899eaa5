"""Who must be served within a radius, by whom, and what limits the sites that do it?

All that a question of the farthest place asks of its sites is a table of rows that need some of their sites, and of
packs that have room for some of theirs: the number of sites, the money, kinds, and sites too near to each other.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from spatial.siting.cover.table import (
    CoverTable,
    cover_table,
    covered_rows,
    implied_rows,
    matrix_of,
    pick,
    same_rows,
    table_of,
)
from spatial.siting.models import clique_rows, site_rows
from spatial.siting.question import AS_MANY_AS_NEEDED, Question
from spatial.siting.ways import Flags, Floats, Ints, Ways, within

_FEW_SITES = 2_000
"""Sites up to which each is held against each other."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What binds the sites that may open or stay shut, in columns: ``packs @ x <= room`` and ``asks @ x >= least``.

    ``sites`` are the columns; coefficients are at least 0, and what is open whatever is chosen is taken off already.
    ``strict`` flags the packs that are counted one by one, not by how full they are.
    """

    sites: Ints
    packs: sparse.csr_array
    room: Floats
    strict: Flags
    asks: sparse.csr_array
    least: Floats


@dataclass(frozen=True, slots=True)
class Near:
    """Rows that need ``need`` of their sites each, and packs of which ``room`` may be used; ``sites`` are the columns.

    What the conditions ask for at least stands among the rows.
    """

    table: CoverTable
    need: Ints
    sites: Ints
    packs: sparse.csr_array
    room: Floats
    strict: Flags


def list_limits(question: Question) -> Limits | None:
    """Return what binds the sites of a question; None where what is open already breaks it."""
    fixed = question.fixed
    packs, room, strict, asks, least = _sides(question)
    room, least = room - packs[:, fixed].sum(axis=1), least - asks[:, fixed].sum(axis=1)
    if (room < 0.0).any():
        return None
    fits = ~fixed & ~question.banned
    large = packs.data > np.repeat(room, np.diff(packs.indptr))
    fits[packs.indices[large]] = False
    sites = np.flatnonzero(fits)
    packs, asks = packs[:, sites].tocsr(), asks[:, sites].tocsr()
    if (asks.sum(axis=1) < least).any():
        return None
    binds, wants = packs.sum(axis=1) > room, least > 0.0
    return Limits(sites, packs[binds].tocsr(), room[binds], strict[binds], asks[wants].tocsr(), least[wants])


def _sides(question: Question) -> tuple[sparse.csr_array, Floats, Flags, sparse.csr_array, Floats]:
    """Return all that binds sites alone: what may be used at most, and what is asked for at least."""
    m = len(question.fixed)
    alone = replace(question, apart=np.zeros((0, 2), np.int64))
    none = sparse.csr_array((0, m))
    packs, room, strict, asks, least = [none], [np.zeros(0)], [np.zeros(0, bool)], [none], [np.zeros(0)]
    shared = int(question.p != AS_MANY_AS_NEEDED) + int(np.isfinite(question.budget))
    for k, one in enumerate((*site_rows(alone), *clique_rows(question.apart, m))):
        matrix = sparse.csr_array((one.value, (one.row, one.col)), shape=(len(one.low), m))
        high, low = np.isfinite(one.high), one.low > 0.0
        packs.append(matrix[high])
        room.append(one.high[high])
        strict.append(np.full(int(high.sum()), k >= shared))
        asks.append(matrix[low])
        least.append(one.low[low])
    return (
        sparse.vstack(packs).tocsr(), np.concatenate(room), np.concatenate(strict),
        sparse.vstack(asks).tocsr(), np.concatenate(least),
    )  # fmt: skip


def list_near(ways: Ways, need: int, fixed: Flags, limits: Limits, radius: float) -> Near | None:
    """Return the rows that must be served within a radius and matter; None where one lists too few sites.

    A row falls out that is served whenever another one is, and a site where another one does all that it does.
    """
    every = cover_table(within(ways, radius))
    short = need - covered_rows(every, fixed)
    table = pick(every, short > 0, limits.sites)
    wanted = np.concatenate((short[short > 0], limits.least.astype(np.int64)))
    table = table_of(sparse.vstack([matrix_of(table), (limits.asks > 0).astype(np.float64)]).tocsr())
    if (np.diff(table.ptr) < wanted).any():
        return None
    sites = np.arange(len(limits.sites))
    while True:
        table, wanted = _telling(table, wanted)
        packs = limits.packs[:, sites].tocsr()
        stays = ~_dominated(table, wanted, packs, limits.room, limits.strict)
        if stays.all():
            return Near(table, wanted, limits.sites[sites], packs, limits.room, limits.strict)
        table, sites = pick(table, np.arange(table.rows), stays), sites[stays]


def _telling(table: CoverTable, need: Ints) -> tuple[CoverTable, Ints]:
    """Return the rows that are not served already whenever others are."""
    first, group = same_rows(table)
    most = np.zeros(len(first), np.int64)
    np.maximum.at(most, group, need)
    table, need = pick(table, first, np.arange(table.sites)), most
    for number in np.unique(need)[::-1]:
        part = np.flatnonzero(need >= number)
        implied = implied_rows(pick(table, part, np.arange(table.sites)))
        drop = np.zeros(table.rows, bool)
        drop[part[implied]] = True
        drop &= need == number
        table, need = pick(table, ~drop, np.arange(table.sites)), need[~drop]
    return table, need


def list_apart(packs: sparse.csr_array, room: Floats, strict: Flags) -> tuple[sparse.csr_array, Flags]:
    """Return which sites shut which others where they open (sites x sites), and the packs of which that tells all."""
    other = np.bincount(np.repeat(np.arange(len(room)), np.diff(packs.indptr)), packs.data != 1.0, len(room))
    tells = strict & (room == 1.0) & (other == 0)
    some = packs[tells]
    both = (some.T @ some).tocsr()
    both.setdiag(0.0)
    both.eliminate_zeros()
    both.sort_indices()
    both.data[:] = 1.0
    return both, tells


def _dominated(table: CoverTable, need: Ints, packs: sparse.csr_array, room: Floats, strict: Flags) -> Flags:
    """Flag the sites instead of which another one may always open that serves as much and takes no more room.

    A site takes the place of one that is too near to all that it is too near to.
    """
    out = np.zeros(table.sites, bool)
    if table.sites > _FEW_SITES:
        return out
    matrix = matrix_of(table)
    both = (matrix.T @ matrix).toarray()
    less = both >= np.diag(both)[:, None]
    np.fill_diagonal(less, False)
    # Of the sites of a row that needs several all may have to open.
    less[table.site[np.repeat(need > 1, np.diff(table.ptr))]] = False
    a, b = np.nonzero(less)
    near, tells = list_apart(packs, room, strict)
    taken = sparse.vstack([packs[~tells], near]).tocsc()
    given = sparse.vstack([packs[~tells], near + sparse.eye_array(table.sites)]).tocsc()
    for k in range(0, len(a), 4096):
        part = slice(k, k + 4096)
        over = (taken[:, b[part]] - given[:, a[part]]).tocsc()
        over.data = np.maximum(over.data, 0.0)
        less[a[part], b[part]] = np.asarray(over.sum(axis=0)).ravel() <= 0.0
    # Of two that are alike in all the first stays.
    alike = less & less.T & (np.arange(len(out))[:, None] < np.arange(len(out))[None, :])
    return np.asarray((less & ~alike).any(axis=1))
