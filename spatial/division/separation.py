"""Which cuts does a fractional mix of grids break? Of the grids that hold two of three units, a plan has one at most.

Subset-row cuts for three rows (Jepsen, Petersen, Spoorendonk & Pisinger 2008). Units that the mix never tells apart
make the same cut: the one that comes first as a root stands for them.
"""

from typing import Any

import numpy as np

from spatial.walking.compiled import kernel

_LEAST_BREACH = 0.03
_MOST_FOUND = 50_000
_PER_UNIT = 4


def find_cuts(columns: list[Any], shares: Any, rank: Any, most: int) -> Any:
    """Return up to ``most`` triples of units (rows, int64) whose cuts the mix breaks most, each unit in few."""
    held = np.flatnonzero(shares > 1e-6)
    if not len(held):
        return np.zeros((0, 3), dtype=np.int64)
    inside = np.zeros((len(held), len(rank)), dtype=np.uint8)
    for row, column in enumerate(held):
        inside[row, columns[column]] = 1
    firsts = tell_apart(inside, rank)
    triples, breach = np.zeros((_MOST_FOUND, 3), dtype=np.int64), np.zeros(_MOST_FOUND)
    found = _separate(np.ascontiguousarray(inside[:, firsts]), shares[held], triples, breach, _LEAST_BREACH)
    triples, breach = firsts[triples[:found]], np.round(breach[:found], 6)
    order = np.lexsort((*triples.T, -breach))
    used = np.zeros(len(rank), dtype=np.int64)
    kept = []
    for cut in order:
        if used[triples[cut]].max() >= _PER_UNIT:
            continue
        used[triples[cut]] += 1
        kept.append(triples[cut])
        if len(kept) == most:
            break
    return np.array(kept, dtype=np.int64).reshape(-1, 3)


def tell_apart(inside: Any, rank: Any) -> Any:
    """Return the units that stand for all that the mix treats alike, in order of rank."""
    order = np.argsort(rank)
    _, first = np.unique(inside[:, order], axis=1, return_index=True)
    return order[np.sort(first)]


@kernel
def _separate(inside: Any, shares: Any, triples: Any, breach: Any, least: float) -> int:
    """Fill in the triples whose cut is broken by more than ``least`` and by how much; return how many."""
    columns, units = inside.shape
    both, all_three = np.zeros((units, units)), np.zeros(units)
    for c in range(columns):
        for i in range(units):
            if inside[c, i]:
                for j in range(units):
                    if inside[c, j]:
                        both[i, j] += shares[c]
    count = 0
    for i in range(units):
        for j in range(i + 1, units):
            if both[i, j] < 1e-9 or both[i, j] > 1.0 - 1e-9:
                continue
            for k in range(units):
                all_three[k] = 0.0
            for c in range(columns):
                if inside[c, i] and inside[c, j]:
                    for k in range(units):
                        if inside[c, k]:
                            all_three[k] += shares[c]
            for k in range(j + 1, units):
                broken = both[i, j] + both[i, k] + both[j, k] - 2.0 * all_three[k] - 1.0
                if broken > least and count < len(breach):
                    triples[count, 0], triples[count, 1], triples[count, 2] = i, j, k
                    breach[count] = broken
                    count += 1
    return count
