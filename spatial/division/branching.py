"""Which unit does the exact search decide next? The one whose two answers settle most of the others.

Empty land joins a grid as a whole or not at all, and connects homes that lie apart: what is decided of a unit in its
middle is decided of most of it, while the homes along it could be chosen in very many ways.
"""

from typing import Any

import numpy as np

from spatial.division.nodes import FREE, Search, part_of_root
from spatial.division.surroundings import Around
from spatial.walking.compiled import shared


@shared
def branch_on(around: Around, search: Search) -> Any:
    """Return the free unit to decide next, -1 where all is decided.

    First one of those that join all at once where a household gets dearer; then, where the cut lies in parts, one that
    may connect them; then one that a fine depends on.
    """
    side, part = search.side, search.part
    for i in range(len(side)):
        part[i] = 1 if side[i] == FREE and search.small[i] != search.large[i] else 0
    chosen = _find_middle(around, part)
    if chosen >= 0:
        return chosen
    part_of_root(around, search.large, part, search.ring)
    apart = False
    for i in range(len(side)):
        apart |= search.large[i] == 1 and part[i] == 0
        part[i] = 1 if side[i] == FREE and search.large[i] == 0 else 0
    if apart:
        chosen = _find_middle(around, part)
    return chosen if chosen >= 0 else _find_dearest(around, search)


@shared
def _find_middle(around: Around, flag: Any) -> Any:
    """Return which of the units flagged has the longest borders with others of them, -1 where there are none."""
    chosen, most = -1, np.int64(-1)
    for i in range(len(flag)):
        if flag[i] == 0:
            continue
        borders = np.int64(0)
        for p in range(around.row[i], around.row[i + 1]):
            if flag[around.head[p]] == 1:
                borders += around.bond[p]
        if borders > most:
            chosen, most = i, borders
    return chosen


@shared
def _find_dearest(around: Around, search: Search) -> Any:
    """Return the free unit of the cut with the greatest fine, else the one with most households, -1 where none is."""
    side, chosen, most = search.side, -1, np.int64(-1)
    for q in range(len(around.fine)):
        for i in range(3):
            at = around.triple[q, i]
            if at >= 0 and side[at] == FREE and search.large[at] == 1 and around.fine[q] > most:
                chosen, most = at, around.fine[q]
    if chosen >= 0:
        return chosen
    for i in range(len(side)):
        if side[i] == FREE and around.households[i] > most:
            chosen, most = i, around.households[i]
    return chosen
