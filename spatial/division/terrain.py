"""What does a division know of its blocks and of the borders between them?

Arrays in one order that depends on where the blocks lie and not on how rows or ids are sorted.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Layout:
    """Blocks sorted from west to east and their borders.

    Attributes
    ----------
    frame:
        BLOCKS in the order of all arrays.
    households:
        By block: what band and balance count, the profile's ``size_column``.
    area_m2, x, y:
        By block.
    community:
        By block: number of its community in the sorted list of ids.
    oversize, closed:
        By block: above the ceiling; a closed estate that the profile keeps apart.
    oversize_alone:
        Whether blocks above the ceiling stand alone; else land without households may join them.
    unit, lock, torn:
        By block: number of the unit it belongs to (blocks that stay together), and its lock (``FREE``: none); a
        sentence for each lock or group that cannot be kept as it is.
    today, today_ids, inherits:
        By block: number of today's grid in the sorted list of ids (``NOWHERE``: none), and whether a grid of the
        block's piece may inherit it. Today's grid that lies in several pieces goes to the one with most of its
        households.
    first, second, shared_m, clear_m, clarity:
        By border between two blocks.
    contiguous:
        By border: long enough, crossable and inside a community, so that both sides may form one grid.
    familiar:
        By border: both sides are of one estate or one property company.
    side_m:
        By block: what ``measure_side`` returns for its piece, where the blocks are a part of wider land; else None.
    """

    frame: Any
    households: Any
    area_m2: Any
    x: Any
    y: Any
    community: Any
    oversize: Any
    closed: Any
    oversize_alone: bool
    unit: Any
    lock: Any
    torn: tuple[str, ...]
    today: Any
    today_ids: tuple[str, ...]
    inherits: Any
    first: Any
    second: Any
    shared_m: Any
    clear_m: Any
    clarity: Any
    contiguous: Any
    familiar: Any
    side_m: Any = None

    @property
    def alone(self) -> Any:
        """By block: a grid of its own by rule."""
        return self.oversize | self.closed if self.oversize_alone else self.closed
