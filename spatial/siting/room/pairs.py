"""Which two rows should be in one set, or in two? Pairs of rows that a mix of sets leaves in doubt, and their trials.

A choice has both rows of a pair in one set, or no set has both (Ryan and Foster, "An integer programming approach to
scheduling", 1981): where sets are listed, both halves of a part are shorter lists.
"""

from dataclasses import replace

import numpy as np

from spatial.siting.room.master import Master, Mix
from spatial.siting.room.pool import Pool
from spatial.siting.ways import Flags, Floats, Ints
from spatial.walking.compiled import kernel

_LEAST_DOUBT = 0.2
_PER_ROW = 2
"""Pairs that may share a row."""


def doubtful_pairs(master: Master, mix: Mix, load: Floats, most: int) -> Ints:
    """Return pairs of rows that a mix has half in one set, heavy ones first: an array of two columns."""
    some = np.flatnonzero(mix.share > 0.0)
    inside = _rows_of(master)[some].astype(float)
    both = (inside * mix.share[some, None]).T @ inside
    one, two = np.triu_indices(master.rows, 1)
    doubt = np.minimum(both, 1.0 - both)[one, two]
    count, used = np.flatnonzero(doubt > _LEAST_DOUBT), np.zeros(master.rows, np.int64)
    pairs: list[tuple[int, int]] = []
    weight = doubt[count] * (1.0 + np.minimum(load[one[count]], load[two[count]]) / max(float(load.max()), 1.0))
    for k in count[np.argsort(-weight, kind="stable")].tolist():
        if len(pairs) == most:
            break
        if max(used[one[k]], used[two[k]]) < _PER_ROW:
            used[[one[k], two[k]]] += 1
            pairs.append((int(one[k]), int(two[k])))
    return np.array(pairs, np.int64).reshape(-1, 2)


def try_pairs(master: Master, pairs: Ints, iterations: int) -> Floats:
    """Return how much dearer a mix becomes with each pair in one set, and in two, by a few steps of the simplex."""
    highs = master.highs
    highs.run()
    start, basis = float(highs.getInfo().objective_function_value), highs.getBasis()
    first = 2 * master.rows + master.sites
    upper, inside = np.asarray(highs.getLp().col_upper_)[first:], _rows_of(master)
    unlimited = highs.getOptionValue("simplex_iteration_limit")[1]
    out = np.zeros((len(pairs), 2))
    highs.setOptionValue("simplex_iteration_limit", iterations)
    for k, (one, two) in enumerate(pairs.tolist()):
        for way, shut in enumerate((inside[:, one] != inside[:, two], inside[:, one] & inside[:, two])):
            sets = np.flatnonzero(shut)
            columns, zero = (first + sets).astype(np.int32), np.zeros(len(sets))
            highs.changeColsBounds(len(sets), columns, zero, zero)
            highs.run()
            out[k, way] = max(float(highs.getInfo().objective_function_value) - start, 0.0)
            highs.changeColsBounds(len(sets), columns, zero, upper[sets])
            highs.setBasis(basis)
    highs.setOptionValue("simplex_iteration_limit", unlimited)
    return out


def halve_pool(pool: Pool, one: int, two: int) -> tuple[Pool, Pool]:
    """Return the sets inside that have both rows or neither, and those that have not both."""
    held = np.zeros(len(pool.inside), np.int64)
    _count(pool.inside, pool.ptr, pool.row, one, two, held)
    return replace(pool, inside=pool.inside[held != 1]), replace(pool, inside=pool.inside[held < 2])


def _rows_of(master: Master) -> Flags:
    """Return which rows each set of the programme has."""
    inside = np.zeros((len(master.sets), master.rows), dtype=bool)
    size = [len(one.rows) for one in master.sets]
    if size:
        inside[np.repeat(np.arange(len(size)), size), np.concatenate([one.rows for one in master.sets])] = True
    return inside


@kernel
def _count(inside, ptr, row, one, two, held):  # type: ignore[no-untyped-def]
    """Write how many of two rows each set has."""
    for q in range(len(inside)):
        c = inside[q]
        for h in range(ptr[c], ptr[c + 1]):
            if row[h] == one or row[h] == two:
                held[q] += 1
