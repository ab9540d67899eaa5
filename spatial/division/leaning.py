"""What do the fines of broken cuts cost at least? A line below each, as tight as it can be at the units chosen.

A fine is paid by a grid with two or more of three units: no minimum cut can hold it, but lines below it can.
"""

from typing import Any

import numpy as np

from spatial.division.nodes import FREE, IN, Search
from spatial.division.surroundings import Around
from spatial.walking.compiled import shared


@shared
def lean_fines(around: Around, search: Search, chosen: Any) -> bool:
    """Bound every fine from below, as tightly at the chosen units as a straight line can; tell whether that changed."""
    changed = False
    slope = search.tilt
    for q in range(len(around.fine)):
        base = _lean(around, search.side, chosen, q, slope)
        if base != search.base[q]:
            changed = True
            search.paid[0] += base - search.base[q]
            search.base[q] = base
        for i in range(3):
            more = slope[i] - search.slope[q, i]
            if more != 0:
                changed = True
                search.slope[q, i] = slope[i]
                search.lift[around.triple[q, i]] += more
                search.flow.pull[around.triple[q, i]] -= more
    return changed


@shared
def _lean(around: Around, side: Any, chosen: Any, q: int, slope: Any) -> Any:
    """Fill the slopes of one fine's bound and return its base; exact where two units are in, or one in and one out."""
    fine, ins, free, held = around.fine[q], 0, 0, 0
    for i in range(3):
        slope[i] = 0
        at = around.triple[q, i]
        if at >= 0 and side[at] == IN:
            ins += 1
        elif at >= 0 and side[at] == FREE:
            free += 1
            held += 1 if chosen[at] == 1 else 0
    if ins >= 2:
        return fine
    if ins + free < 2 or (ins == 0 and held < 2):
        return np.int64(0)
    share, base = fine, np.int64(0) if ins == 1 else -fine
    if ins == 1 and free == 2 and held != 1:
        share = fine // 2
    elif ins == 0 and held == 3:
        share = fine // 2
        base = -share
    for i in range(3):
        at = around.triple[q, i]
        if at >= 0 and side[at] == FREE and (chosen[at] == 1 or held == 0 or free == 1):
            slope[i] = share
    return base
