"""Which open sites are a fair start: each in turn the one that lowers the total most?"""

from typing import Any

import numpy as np

from spatial.siting.median.core import Core
from spatial.siting.median.swap import Columns
from spatial.siting.ways import Flags
from spatial.walking.compiled import kernel


def fill_greedily(core: Core, columns: Columns) -> Flags:
    """Return ``p`` open sites, each the one that lowers the total most when it is added; ties by id."""
    opened = np.zeros(len(core.names), bool)
    first = core.cap.copy()
    _add(columns.ptr, columns.row, columns.cost, core.weight, first, opened, np.int64(core.p))
    return opened


@kernel
def _add(col_ptr, col_row, col_cost, weight, first, opened, p):  # type: ignore[no-untyped-def]
    """Open ``p`` sites in place; gains only fall, so a site is weighed again only while its old gain is the largest."""
    m = len(opened)
    gain = np.full(m, np.inf)
    fresh = np.full(m, np.int64(-1))
    for turn in range(p):
        while True:
            best: Any = np.int64(-1)
            for j in range(m):
                if not opened[j] and (best < 0 or gain[j] > gain[best]):
                    best = j
            if best < 0 or fresh[best] == turn:
                break
            gain[best] = 0.0
            for t in range(col_ptr[best], col_ptr[best + 1]):
                saved = first[col_row[t]] - col_cost[t]
                if saved > 0.0:
                    gain[best] += weight[col_row[t]] * saved
            fresh[best] = turn
        if best < 0:
            break
        opened[best] = True
        for t in range(col_ptr[best], col_ptr[best + 1]):
            first[col_row[t]] = min(first[col_row[t]], col_cost[t])
