"""Which blocks does a drawn area mean? Blocks are never cut: most of its area decides."""

from typing import Any

import numpy as np
import shapely

from spatial.errors import EditError
from spatial.plan.ground import Ground, name_blocks


def choose_drawn(ground: Ground, area: Any, what: str) -> tuple[str, ...]:
    """Return the ids of the blocks of which more than half lies in an area, sorted.

    ``area`` is a Polygon or MultiPolygon in metres; what of it lies outside all blocks is left out.

    Raises
    ------
    EditError
        If it is broken, or holds most of no block.
    """
    if area is None or shapely.get_type_id(area) not in (3, 6) or area.is_empty:
        raise EditError(f"{what}: found no area, needed a Polygon or MultiPolygon")
    if not shapely.is_valid(area):
        raise EditError(f"{what}: the drawn area is broken ({shapely.is_valid_reason(area)}); draw it again")
    near = np.sort(ground.tree.query(area, predicate="intersects"))
    inside = shapely.area(shapely.intersection(ground.geometry[near], area))
    chosen = near[inside > 0.5 * shapely.area(ground.geometry[near])]
    if not len(chosen):
        met = near[inside > 0]
        found = f"parts of {', '.join(name_blocks(ground, met)[:5])} alone" if len(met) else "no block of the plan"
        raise EditError(f"{what}: the drawn area holds {found}; needed most of a block at least, as no block is cut")
    return name_blocks(ground, chosen)
