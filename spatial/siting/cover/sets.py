"""Which set of p sites covers the most, when all sets can be tried?

Sets are visited in the order of their ids; from one to the next only the sites that differ are closed and opened.
"""

import numpy as np

from spatial.siting.cover.table import CoverTable
from spatial.siting.ways import Floats, Ints
from spatial.walking.compiled import inner, kernel


def best_set(table: CoverTable, weight: Floats, p: int) -> tuple[Ints, float]:
    """Return the first of the best sets of ``p`` columns, and what it covers."""
    best = np.arange(p)
    value = _try_all(table.col_ptr, table.row, weight, np.arange(p), best, np.zeros(table.rows, np.int64))
    return best, float(value)


@inner
def _count(j, sign, col_ptr, row, weight, count):  # type: ignore[no-untyped-def]
    change = 0.0
    for t in range(col_ptr[j], col_ptr[j + 1]):
        i = row[t]
        if count[i] == (0 if sign > 0 else 1):
            change += sign * weight[i]
        count[i] += sign
    return change


@kernel
def _try_all(col_ptr, row, weight, chosen, best, count):  # type: ignore[no-untyped-def]
    p, sites = len(chosen), len(col_ptr) - 1
    value = 0.0
    for q in range(p):
        value += _count(chosen[q], 1, col_ptr, row, weight, count)
    most = value
    while True:
        at = p - 1
        while at >= 0 and chosen[at] == sites - p + at:
            at -= 1
        if at < 0:
            return most
        for q in range(at, p):
            value += _count(chosen[q], -1, col_ptr, row, weight, count)
        chosen[at] += 1
        for q in range(at + 1, p):
            chosen[q] = chosen[q - 1] + 1
        for q in range(at, p):
            value += _count(chosen[q], 1, col_ptr, row, weight, count)
        if value > most + 1e-9 * most:
            most = value
            for q in range(p):
                best[q] = chosen[q]
