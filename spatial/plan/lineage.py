"""Which id and code does a new grid get, and what is kept of one that ends? Neither is ever given twice."""

import re
from collections.abc import Iterable
from dataclasses import replace

from spatial.errors import EditError
from spatial.plan.state import Draft, Grid, Retired

_SERIALS = 999


def name_new(draft: Draft, community_id: str) -> tuple[str, str]:
    """Return the id and code of a new grid: the community's id and the serial after the last ever used there.

    Once 999 was used, it is the lowest that never was.

    Raises
    ------
    EditError
        If every serial of the community was used once.
    """
    ids = draft.grids.keys() | draft.retired.keys()
    codes = {grid.code for grid in draft.grids.values()} | {gone.code for gone in draft.retired.values()}
    pattern = re.compile(re.escape(community_id) + r"-?(\d{3})")
    used = {int(found[1]) for name in ids | codes if (found := pattern.fullmatch(name))}
    last = max(used, default=0)
    for serial in (*range(last + 1, _SERIALS + 1), *range(1, last)):
        grid_id, code = f"{community_id}-{serial:03d}", f"{community_id}{serial:03d}"
        if serial not in used and grid_id not in ids and code not in codes:
            return grid_id, code
    raise EditError(f"community {community_id!r}: all {_SERIALS} serials were used once; needed one for a new grid")


def add_grid(draft: Draft, like: Grid, predecessors: Iterable[str]) -> tuple[Draft, str]:
    """Return the draft with a new grid, and its id; level, kind, name and attributes are those of ``like``."""
    grid_id, code = name_new(draft, like.community_id)
    new = replace(
        like, grid_id=grid_id, code=code, locked=False, explanation="", predecessors=tuple(sorted(set(predecessors)))
    )
    return replace(draft, grids={**draft.grids, grid_id: new}), grid_id


def retire_grid(draft: Draft, grid_id: str, successors: Iterable[str]) -> Draft:
    """Return the draft without a living grid; ``successors`` are the ids of the living grids that took its blocks."""
    grid = draft.grids[grid_id]
    codes = tuple(sorted({draft.grids[name].code for name in successors}))
    gone = Retired(grid.grid_id, grid.code, grid.name, grid.community_id, grid.predecessors, codes)
    living = {name: other for name, other in draft.grids.items() if name != grid_id}
    return replace(draft, grids=living, retired={**draft.retired, grid_id: gone})
