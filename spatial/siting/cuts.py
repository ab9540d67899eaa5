"""Which inequalities tell best what rows cost at least, when sites are open by shares?

A row is served by its ``need``-th nearest open site. That it is not served within some cost costs it the step to the
next one, and it is served there by at most what the sites within reach are open: all of them by ``need``-ths, or all
but the widest open one by (``need`` - 1)-ths, and so on, since no site counts twice. Each row gets the sum of its steps
with the choice that its shares break most. With a need of 1 these are the Benders cuts of Duran-Mateluna, Ales and
Elloumi ("An efficient Benders decomposition for the p-median problem", 2023).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from spatial.siting.ways import Flags, Floats, Ways
from spatial.walking.compiled import inner, kernel

_BROKEN = 1e-6
_MOST_NEED = 9


@dataclass(frozen=True, slots=True)
class Cuts:
    """Inequalities, one a row: ``sites @ x + rows @ lack >= least``; a lack is what a row pays beyond its least."""

    sites: sparse.csr_array
    rows: sparse.csr_array
    least: Floats

    @property
    def count(self) -> int:
        """Number of inequalities."""
        return len(self.least)


def no_cuts(ways: Ways) -> Cuts:
    """Return no inequalities of a table's sites and rows."""
    return Cuts(sparse.csr_array((0, ways.sites)), sparse.csr_array((0, ways.rows)), np.zeros(0))


def joined(*parts: Cuts) -> Cuts:
    """Return the inequalities of all parts."""
    return Cuts(
        sparse.vstack([one.sites for one in parts]).tocsr(),
        sparse.vstack([one.rows for one in parts]).tocsr(),
        np.concatenate([one.least for one in parts]),
    )


def kept(cuts: Cuts, flags: Flags) -> Cuts:
    """Return the flagged inequalities."""
    return Cuts(cuts.sites[flags], cuts.rows[flags], cuts.least[flags])


def cuts_at(ways: Ways, gone: Floats, need: int, share: Floats, lack: Floats) -> Cuts:
    """Return for each row the inequality that these shares break most, where they break one.

    ``gone`` is what a row pays that fewer than ``need`` open sites serve, above all of its costs; ``lack`` is what the
    rows are taken to pay beyond their least.
    """
    n = ways.rows
    ptr, site, value, least = _cuts(ways.ptr, ways.site, ways.cost, gone, np.int64(need), share, lack)
    rows = np.flatnonzero(least > 0.0)
    first = np.zeros(len(rows) + 1, np.int64)
    np.cumsum(np.diff(ptr)[rows], out=first[1:])
    lacks = sparse.csr_array((np.ones(len(rows)), (np.arange(len(rows)), rows)), shape=(len(rows), n))
    return Cuts(sparse.csr_array((value, site, first), shape=(len(rows), ways.sites)), lacks, least[rows])


@kernel
def _cuts(ptr, site, cost, gone, need, share, lack):  # type: ignore[no-untyped-def]
    """Return by row the terms of sites and the least sum of its inequality; 0 and no terms where it breaks none."""
    n = len(gone)
    length = ptr[n]
    out_ptr, out_site = np.zeros(n + 1, np.int64), np.empty(length, np.int32)
    out_value, least = np.empty(length), np.zeros(n)
    widest = np.int64(1)
    for i in range(n):
        widest = max(widest, ptr[i + 1] - ptr[i])
    terms, at = np.empty(widest), np.int64(0)
    for i in range(n):
        total, reached = break_most(ptr[i], ptr[i + 1], site, cost, gone[i], need, share, terms)
        broken = total
        for t in range(reached):
            broken -= terms[t] * share[site[ptr[i] + t]]
        if broken > lack[i] + _BROKEN * max(1.0, gone[i]):
            least[i] = total
            for t in range(reached):
                if terms[t] > 0.0:
                    out_site[at], out_value[at] = site[ptr[i] + t], terms[t]
                    at += 1
        out_ptr[i + 1] = at
    return out_ptr, out_site[:at].copy(), out_value[:at].copy(), least


@inner
def break_most(begin, end, site, cost, gone, need, share, terms):  # type: ignore[no-untyped-def]
    """Write the terms of the inequality of a row that shares break most; return its least sum and number of terms."""
    reached, summed, total = np.int64(0), 0.0, 0.0
    widest, which = np.zeros(_MOST_NEED), np.full(_MOST_NEED, np.int64(-1))
    k = begin
    while k < end:
        level = cost[k]
        while k < end and cost[k] == level:
            summed += share[site[k]]
            _note(share[site[k]], k - begin, widest, which, need)
            terms[k - begin] = 0.0
            k += 1
        if k - begin < need:
            continue
        step = (cost[k] if k < end else gone) - level
        best, rest = summed / need, summed
        taken: Any = np.int64(0)
        for q in range(need - 1):
            rest -= widest[q]
            if rest / (need - 1 - q) < best:
                best, taken = rest / (need - 1 - q), q + 1
        if best >= 1.0 - 1e-9:
            break
        reached = k - begin
        total += step
        unit = step / (need - taken)
        # What is open so far serves by so much, but for the widest that the inequality leaves out.
        for t in range(reached):
            terms[t] += unit
        for q in range(taken):
            if which[q] >= 0:
                terms[which[q]] -= unit
    return total, reached


@inner
def _note(share, entry, widest, which, need):  # type: ignore[no-untyped-def]
    """Keep the ``need`` - 1 widest open sites met, from the widest on."""
    q = need - 2
    if q < 0 or share <= widest[q]:
        return
    while q > 0 and widest[q - 1] < share:
        widest[q], which[q] = widest[q - 1], which[q - 1]
        q -= 1
    widest[q], which[q] = share, entry
