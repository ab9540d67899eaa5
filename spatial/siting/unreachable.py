"""Which demand can no site serve, for which reason, and which cutoff would do?"""

from dataclasses import dataclass

import numpy as np

from spatial.siting.ways import Floats, Ints, Ways

REASONS = ("no_walk", "beyond_cutoff", "too_few_sites")


@dataclass(frozen=True, slots=True)
class Unreachable:
    """Demand points of which a row can be served by no site that may open, or by too few, ascending.

    Attributes
    ----------
    home:
        The demand points, each once: of several such rows the one with the first reason counts, then the longest walk.
    reason:
        Places in ``REASONS``: the table lists no walk to a site of the row's level that may open, none of them lies
        within the row's cutoff, or fewer do than the row needs.
    site, walk:
        The nearest site that may open and is of the row's level, -1 for none, and the walk to it.
    smallest_cutoff:
        The cutoff within which every row could be served for which the table lists enough such sites; None without any.
    """

    home: Ints
    reason: Ints
    site: Ints
    walk: Floats
    smallest_cutoff: float | None


def find_unreachable(home: Ints, within: Ways, wide: Ways, need: int) -> Unreachable:
    """Return the demand points that cannot be served, from their rows: walks within cutoffs, and of any length.

    Both tables hold only walks to sites that may open and are of the row's level; ``home`` names each row's point.
    """
    near, listed = np.diff(within.ptr), np.diff(wide.ptr)
    first = wide.ptr[:-1]
    site, walk = np.full(len(home), -1, dtype=np.int64), np.full(len(home), np.inf)
    site[listed > 0], walk[listed > 0] = wide.site[first[listed > 0]], wide.cost[first[listed > 0]]
    reason = np.select([listed == 0, near == 0], [0, 1], 2).astype(np.int64)
    short = np.flatnonzero(near < need)
    short = short[np.lexsort((site[short], -walk[short], reason[short], home[short]))]
    _, once = np.unique(home[short], return_index=True)
    at, enough = short[once], listed >= need
    smallest = float(wide.cost[first[enough] + need - 1].max()) if enough.any() else None
    return Unreachable(home[at], reason[at], site[at], walk[at], smallest)
