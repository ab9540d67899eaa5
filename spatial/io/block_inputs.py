"""What does a planner bring to divide ready-made blocks: blocks, borders, today's grids and ties between blocks?"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spatial.division.locks import Locks
from spatial.errors import InputError
from spatial.io.block_borders import draw_adjacency, read_adjacency
from spatial.io.block_grids import GRID, read_current_grids, read_locks
from spatial.io.blocks import read_blocks
from spatial.io.features import locate
from spatial.io.listing import join_listed
from spatial.io.systems import Undeclared, check_coords, read_system
from spatial.profile import Profile
from spatial.progress import Progress, silent


@dataclass(frozen=True, slots=True)
class BlockSources:
    """Files of a division, each by its path; ``file.gpkg:layer`` picks a layer; what is None is not there.

    Attributes
    ----------
    blocks, households, block_id:
        Outlines of the blocks, the column of their households, and the column of their ids where it is named otherwise
        than ``block_id``.
    adjacency:
        Borders of the blocks; without it they are measured on the outlines.
    current, current_column:
        Today's grids, and the column that names them (``grid_id``).
    locks:
        Which blocks must share a grid, and which must not.
    coords, crs:
        What coordinates mean, and are in, in files that declare no system.
    """

    blocks: str | Path
    households: str
    block_id: str | None = None
    adjacency: str | Path | None = None
    current: str | Path | None = None
    current_column: str | None = None
    locks: str | Path | None = None
    coords: str | None = None
    crs: str | None = None


@dataclass(frozen=True, slots=True)
class BlockInputs:
    """BLOCKS and ADJACENCY, today's grid by block, ties between blocks, LISTED, and where each came from."""

    blocks: Any
    adjacency: Any
    current: Any
    locks: Locks | None
    listed: Any
    provenance: Mapping[str, Any]


def read_block_inputs(sources: BlockSources, profile: Profile, *, on_progress: Progress = silent) -> BlockInputs:
    """Return all that ready-made blocks are divided from, in one system of metres.

    ``provenance`` holds, for each file, its name (no folder) and SHA-256, and what the reader found in it.

    Raises
    ------
    InputError, CrsError, PersonalDataError
        If a file cannot be read or used; the message names it.
    """
    undeclared = Undeclared(
        None if sources.crs is None else read_system(sources.crs),
        "wgs84" if sources.coords is None else check_coords(sources.coords),
    )
    on_progress("reading blocks", 0.0)
    given = read_blocks(
        sources.blocks, profile, households=sources.households, block_id=sources.block_id, undeclared=undeclared
    )
    on_progress("reading borders", 0.0)
    adjacency, notes = (
        draw_adjacency(given, profile.land) if sources.adjacency is None else read_adjacency(sources.adjacency, given)
    )
    listed, current, locks = [given.listed, notes], None, None
    if sources.current is not None:
        column = sources.current_column or GRID
        current, notes = read_current_grids(sources.current, given, column=column, undeclared=undeclared)
        listed.append(notes)
    if sources.locks is not None:
        fixed, together = read_locks(sources.locks, given)
        locks = Locks(fixed=fixed, together=together)
    found = {"blocks": {**given.origin, "households": sources.households, "id": given.id_column or "row number"}}
    found["adjacency"] = {"from": "outlines" if sources.adjacency is None else "file", "borders": len(adjacency)}
    return BlockInputs(given.blocks, adjacency, current, locks, join_listed(listed), _digest(sources, found))


def _digest(sources: BlockSources, found: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return what was found, with the name and the SHA-256 of each file."""
    for name in ("blocks", "adjacency", "current", "locks"):
        if (given := getattr(sources, name)) is not None:
            path = locate(given).path
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            found[name] = {**found.get(name, {}), "path": path.name, "sha256": digest}
    return found


def check_grids(current: Any, names: tuple[str, ...]) -> None:
    """Refuse grids that are none of today's.

    Raises
    ------
    InputError
        If one is not there.
    """
    known = sorted({str(one) for one in current})
    strange = [name for name in names if name not in known]
    if strange:
        shown = ", ".join(known[:10]) + (", ..." if len(known) > 10 else "")
        raise InputError(f"found grid {strange[0]!r} among those to draw anew, needed some of today's grids: {shown}")
