"""What is the least number of sites that covers everyone who can be covered?

Rows and columns that cannot matter fall out first: rows served already, rows equal to or implied by another, columns
that reach no more than another (Beasley, "An algorithm for set covering problem", 1987).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from spatial.siting.costs import Costs
from spatial.siting.exact import cover_model, solve
from spatial.siting.reach import Flags, Ints

_PRODUCT_ENTRIES = 20_000_000
"""Products of the cover matrix with more terms than this are not worth the rows or columns they remove."""


@dataclass(frozen=True, slots=True)
class Covered:
    """Open columns with the fixed ones, a proven lower bound on the added ones, and how the solver ended."""

    opened: Flags
    bound: float
    ended: str


def cover_all(costs: Costs, *, time_limit_s: float) -> Covered:
    """Return the fewest columns besides the fixed ones that serve every row of cover costs."""
    width = len(costs.fixed)
    matrix, columns = reduce_cover(costs)
    start = _greedy(matrix, columns, width)
    solved = solve(cover_model(matrix, columns), width, start, time_limit_s=time_limit_s)
    bound = float(np.ceil(solved.bound - 1e-6))
    chosen = start if solved.opened is None or start.sum() <= solved.opened.sum() else solved.opened
    return Covered(chosen | costs.fixed, min(max(bound, 0.0), float(chosen.sum())), solved.ended)


def reduce_cover(costs: Costs) -> tuple[Any, Ints]:
    """Return the 0/1 matrix of rows still to serve by useful columns, and the columns' numbers."""
    served = np.zeros(len(costs.weight), dtype=bool)
    served[costs.row[costs.fixed[costs.col]]] = True
    use = ~served[costs.row]
    shape = (len(costs.weight), len(costs.fixed))
    full = sparse.csr_array((np.ones(int(use.sum())), (costs.row[use], costs.col[use])), shape=shape)
    columns = np.flatnonzero(np.bincount(costs.col[use], minlength=len(costs.fixed)) > 0)
    matrix = full[~served][:, columns]
    size = (-1, -1)
    while size != matrix.shape:
        size = matrix.shape
        useful = ~dominated_columns(matrix)
        matrix, columns = matrix[:, useful], columns[useful]
        matrix = matrix[~_implied_rows(matrix)]
    return matrix, columns


def dominated_columns(matrix: Any) -> Flags:
    """Tell which columns of a 0/1 matrix reach a part of what another reaches; of equal ones the first stays."""
    return _contained(sparse.csr_array(matrix.T))


def _implied_rows(matrix: Any) -> Flags:
    """Tell which rows are served whenever some other row is; of equal ones the first stays."""
    return _containing(sparse.csr_array(matrix))


def _overlaps(lines: Any) -> Any:
    """Return pairs (i, j), i != j, and the number of shared entries; None where that is too many to count."""
    terms = float((np.bincount(lines.indices, minlength=lines.shape[1]).astype(np.float64) ** 2).sum())
    if terms > _PRODUCT_ENTRIES:
        return None
    shared = sparse.coo_array(lines @ lines.T)
    apart = shared.coords[0] != shared.coords[1]
    return shared.coords[0][apart], shared.coords[1][apart], shared.data[apart]


def _contained(lines: Any) -> Flags:
    """Tell which lines are empty or hold a part of what another holds."""
    pairs, size = _overlaps(lines), np.diff(lines.indptr)
    out: Flags = np.equal(size, 0)
    if pairs is not None:
        i, j, shared = pairs
        out[i[(shared == size[i]) & ((size[j] > size[i]) | (j < i))]] = True
    return out


def _containing(lines: Any) -> Flags:
    """Tell which lines hold all that another holds."""
    pairs, size = _overlaps(lines), np.diff(lines.indptr)
    out: Flags = np.zeros(len(size), dtype=bool)
    if pairs is not None:
        i, j, shared = pairs
        out[i[(shared == size[j]) & ((size[i] > size[j]) | (j < i))]] = True
    return out


def _greedy(matrix: Any, columns: Ints, width: int) -> Flags:
    """Return columns that serve every row: always the one that serves most of what is left, ties by number."""
    opened = np.zeros(width, dtype=bool)
    reach = sparse.csc_array(matrix)
    left = np.ones(matrix.shape[0])
    while left.any():
        best = int((reach.T @ left).argmax())
        opened[columns[best]] = True
        left[reach.indices[reach.indptr[best] : reach.indptr[best + 1]]] = 0.0
    return _without_spare(matrix, columns, opened)


def _without_spare(matrix: Any, columns: Ints, opened: Flags) -> Flags:
    """Return the open columns without those whose rows others serve too, last number first."""
    opened = opened.copy()
    reach = sparse.csc_array(matrix)
    serving = matrix @ opened[columns].astype(np.float64)
    for k in np.flatnonzero(opened[columns])[::-1]:
        rows = reach.indices[reach.indptr[k] : reach.indptr[k + 1]]
        if (serving[rows] > 1).all():
            serving[rows] -= 1
            opened[columns[k]] = False
    return opened
