"""Which unit does the exact search decide next? The one whose two answers say most about the others."""

from typing import Any

import numpy as np

from spatial.division.nodes import FREE, Search, part_of_root
from spatial.division.surroundings import Around
from spatial.walking.compiled import shared


@shared
def _weigh_jump(around: Around, search: Search, node: int) -> Any:
    """Return the borders between a unit and the others that join at once where a household gets dearer, -1 if it does
    not join: the greater, the more of them are settled with it."""
    if search.side[node] != FREE or search.small[node] == search.large[node]:
        return np.int64(-1)
    borders = np.int64(0)
    for p in range(around.row[node], around.row[node + 1]):
        other = around.head[p]
        if search.side[other] == FREE and search.small[other] != search.large[other]:
            borders += around.bond[p]
    return borders


@shared
def branch_on(around: Around, search: Search) -> int:
    """Return the free unit to decide next, -1 where all is decided.

    Empty land that joins the grid as a whole or not at all is settled first, from its middle.
    """
    side, chosen, most = search.side, -1, np.int64(-1)
    for i in range(len(side)):
        borders = _weigh_jump(around, search, i)
        if borders > most:
            chosen, most = i, borders
    if chosen >= 0:
        return chosen
    part = search.part
    part_of_root(around, search.large, part, search.ring)
    for i in range(len(side)):
        if search.large[i] == 1 and part[i] == 0 and side[i] == FREE and around.households[i] > most:
            chosen, most = i, around.households[i]
    if chosen >= 0:
        return chosen
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
