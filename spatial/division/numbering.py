"""What are the parts called? Numbers from west to east, then from north to south, by where each part lies."""

from typing import Any

import numpy as np

from spatial.division.heritage import NOWHERE
from spatial.division.layout import Layout
from spatial.division.piece import renumber


def number_parts(layout: Layout, part: Any) -> Any:
    """Return the parts of the blocks as 0..k-1 by community, then west to east, ties north to south.

    A part lies at the centroid of its blocks, weighted by area and rounded to a millimetre.
    """
    part = renumber(part)
    weight = np.maximum(layout.area_m2, 1e-6)
    total = np.bincount(part, weight)
    x = np.round(np.bincount(part, weight * layout.x) / total, 3)
    y = np.round(np.bincount(part, weight * layout.y) / total, 3)
    community = np.zeros(len(total), dtype=np.int64)
    community[part] = layout.community
    rank = np.empty(len(total), dtype=np.int64)
    rank[np.lexsort((-y, x, community))] = np.arange(len(total))
    return rank[part]


def name_grids(layout: Layout, part: Any, heirs: Any = None) -> Any:
    """Return for each numbered grid its id: the community's id and a serial within the community, from 001.

    ``heirs`` tells by grid the number of today's grid that it inherits (``NOWHERE``: none): such a grid keeps that id,
    and no other grid takes an id of today.
    """
    count = int(part.max()) + 1
    first = np.zeros(count, dtype=np.int64)
    first[part[::-1]] = np.arange(len(part))[::-1]
    communities = layout.frame["community_id"].astype(str).to_numpy(dtype=object)[first]
    taken = set(layout.today_ids) if heirs is not None else set()
    serial: dict[str, int] = {}
    names = np.empty(count, dtype=object)
    for grid, community in enumerate(communities):
        if heirs is not None and heirs[grid] != NOWHERE:
            names[grid] = layout.today_ids[heirs[grid]]
            continue
        name = ""
        while not name or name in taken:
            serial[community] = serial.get(community, 0) + 1
            name = f"{community}-{serial[community]:03d}"
        names[grid] = name
    return names
