"""What changed from one state of the grids to another?"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from spatial.plan.state import Grid, State, open_draft


@dataclass(frozen=True, slots=True)
class StateDiff:
    """What changed from one state to another, by id.

    Attributes
    ----------
    moved:
        Frame (block_id, from_grid, to_grid), by block.
    created, retired:
        Ids of grids that are new, and that are no more.
    changed:
        Grid id -> names of the fields that differ, for grids that are in both.
    """

    moved: Any
    created: tuple[str, ...]
    retired: tuple[str, ...]
    changed: Mapping[str, tuple[str, ...]]

    @property
    def grids(self) -> tuple[str, ...]:
        """Ids of all grids of either state that differ in anything."""
        touched = {*self.moved["from_grid"], *self.moved["to_grid"], *self.created, *self.retired, *self.changed}
        return tuple(sorted(str(name) for name in touched))

    def to_dict(self) -> dict[str, Any]:
        """Return the difference, ready for JSON."""
        return {
            "moved": self.moved.to_dict("records"),
            "created": list(self.created),
            "retired": list(self.retired),
            "changed": {name: list(keys) for name, keys in self.changed.items()},
            "grids": list(self.grids),
        }


def diff_states(a: State, b: State) -> StateDiff:
    """Return what changed from ``a`` to ``b``, two states on the same blocks."""
    index = a.assignment.index
    before, after = open_draft(index, a), open_draft(index, b)
    rows = np.flatnonzero(before.label != after.label)
    columns = {"block_id": index[rows], "from_grid": before.label[rows], "to_grid": after.label[rows]}
    return StateDiff(
        moved=pd.DataFrame({name: pd.Series(list(values), dtype="str") for name, values in columns.items()}),
        created=tuple(sorted(after.grids.keys() - before.grids.keys())),
        retired=tuple(sorted(before.grids.keys() - after.grids.keys())),
        changed={
            name: tuple(keys)
            for name in sorted(before.grids.keys() & after.grids.keys())
            if (keys := _differ(before.grids[name], after.grids[name]))
        },
    )


def _differ(one: Grid, other: Grid) -> list[str]:
    if one == other:
        return []
    mine, yours = asdict(one), asdict(other)
    return [key for key in mine if mine[key] != yours[key]]
