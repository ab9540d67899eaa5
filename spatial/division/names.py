"""Which grid inherits which of today's grids? The matching that costs least."""

from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from spatial.division.piece import Piece, count_olds, renumber, renumber_new


def match_names(piece: Piece, labels: Any) -> Any:
    """Return the same grids under the cheapest names: labels below the number of today's grids inherit those."""
    olds = count_olds(piece)
    grids = renumber(labels)
    if olds == 0:
        return grids
    count = int(grids.max()) + 1
    cost = np.zeros((count, olds + 1))
    np.add.at(cost, grids, piece.change)
    saved = np.minimum(cost[:, :olds] - cost[:, olds:], 0.0)
    grid, name = linear_sum_assignment(saved)
    names = olds + np.arange(count)
    inherits = saved[grid, name] < 0.0
    names[grid[inherits]] = name[inherits]
    return renumber_new(names[grids], olds)
