"""Which blocks stand alone, and which are divided together?

Blocks and their borders as arrays, in one order that depends on where the blocks lie and not on how rows or ids are
sorted.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from spatial.division.piece import Piece, build_piece, label_connected
from spatial.division.sizes import Band
from spatial.errors import InputError, TableError
from spatial.profile import DivisionRules, Profile
from spatial.tables import ADJACENCY, BLOCKS, require


@dataclass(frozen=True, slots=True)
class Layout:
    """Blocks sorted from west to east and their borders inside communities.

    Attributes
    ----------
    frame:
        BLOCKS in the order of all arrays.
    households, area_m2, x, y:
        By block.
    community:
        By block: number of its community in the sorted list of ids.
    oversize, closed:
        By block: above the ceiling; a closed estate that the profile keeps apart.
    first, second, shared_m, clear_m, clarity:
        By border between two blocks.
    contiguous:
        By border: long enough, crossable and inside a community, so that both sides may form one grid.
    """

    frame: Any
    households: Any
    area_m2: Any
    x: Any
    y: Any
    community: Any
    oversize: Any
    closed: Any
    first: Any
    second: Any
    shared_m: Any
    clear_m: Any
    clarity: Any
    contiguous: Any

    @property
    def alone(self) -> Any:
        """By block: a grid of its own by rule."""
        return self.oversize | self.closed


def build_layout(blocks: Any, adjacency: Any, profile: Profile) -> Layout:
    """Return the layout of BLOCKS and ADJACENCY under a profile.

    Raises
    ------
    TableError
        If a frame breaks its contract, or a pair of blocks stands in two rows.
    InputError
        If a border names a block that does not exist, or a block has negative households.
    """
    require(blocks, BLOCKS)
    require(adjacency, ADJACENCY)
    centre = blocks.geometry.centroid
    x, y = centre.x.round(3).to_numpy(), centre.y.round(3).to_numpy()
    ids = blocks["block_id"].astype(str).to_numpy()
    order = np.lexsort((ids, y, x))
    frame = blocks.iloc[order].reset_index(drop=True)
    households = frame["households"].to_numpy(dtype=np.int64)
    if (households < 0).any():
        block = frame["block_id"].iloc[int(np.argmin(households))]
        raise InputError(f"block {block}: found {households.min()} households, needed 0 or more")
    community = np.unique(frame["community_id"].astype(str), return_inverse=True)[1]
    oversize = frame["oversize"].to_numpy(dtype=bool) | (households > profile.grid.ceiling_households)
    first, second, rows = _pair_blocks(frame, adjacency)
    shared = rows["shared_m"].to_numpy(dtype=np.float64)
    crossable = rows["crossable"].to_numpy(dtype=bool)
    return Layout(
        frame=frame,
        households=households,
        area_m2=frame["area_m2"].to_numpy(dtype=np.float64),
        x=x[order],
        y=y[order],
        community=community,
        oversize=oversize,
        closed=_closed_estates(frame) & profile.grid.two_phase_estates,
        first=first,
        second=second,
        shared_m=shared,
        clear_m=np.minimum(rows["clear_m"].to_numpy(dtype=np.float64), shared),
        clarity=np.clip(rows["clarity"].to_numpy(dtype=np.float64), 0.0, 1.0),
        contiguous=crossable & (shared >= profile.land.min_shared_m) & (community[first] == community[second]),
    )


def _closed_estates(frame: Any) -> Any:
    """Tell by block whether it is a closed estate: gated where access is told, else any estate."""
    estate = (frame["kind"] == "estate").to_numpy(dtype=bool)
    if "access" not in frame.columns:
        return estate
    return estate & (frame["access"] == "gated").to_numpy(dtype=bool)


def _pair_blocks(frame: Any, adjacency: Any) -> tuple[Any, Any, Any]:
    """Return the borders as pairs of positions (lower first), sorted, with their rows."""
    place = pd.Index(frame["block_id"].astype(str))
    focal = place.get_indexer(adjacency["focal"].astype(str))
    neighbor = place.get_indexer(adjacency["neighbor"].astype(str))
    unknown = np.flatnonzero((focal < 0) | (neighbor < 0))
    if len(unknown):
        row = adjacency.iloc[int(unknown[0])]
        raise InputError(
            f"adjacency: found the pair {row['focal']!r} and {row['neighbor']!r}, needed two of the {len(place)} blocks"
        )
    itself = np.flatnonzero(focal == neighbor)
    if len(itself):
        raise TableError(f"adjacency: block {place[focal[itself[0]]]!r} is paired with itself; needed two blocks")
    low, high = np.minimum(focal, neighbor), np.maximum(focal, neighbor)
    order = np.lexsort((high, low))
    low, high = low[order].astype(np.int64), high[order].astype(np.int64)
    twice = np.flatnonzero((np.diff(low) == 0) & (np.diff(high) == 0))
    if len(twice):
        pair = sorted((place[low[twice[0]]], place[high[twice[0]]]))
        raise TableError(f"adjacency: the pair {pair[0]!r} and {pair[1]!r} stands in more than one row; needed one")
    return low, high, adjacency.iloc[order]


def list_pieces(layout: Layout) -> Iterator[Any]:
    """Yield the blocks (ascending) of each connected piece of land that does not stand alone, from west to east."""
    free = ~layout.alone
    link = layout.contiguous & free[layout.first] & free[layout.second]
    piece = label_connected(len(free), layout.first[link], layout.second[link])
    members = np.flatnonzero(free)
    members = members[np.argsort(piece[members], kind="stable")]
    borders = np.flatnonzero(np.diff(piece[members])) + 1
    yield from (part for part in np.split(members, borders) if len(part))


def cut_out(layout: Layout, blocks: Any, band: Band, rules: DivisionRules) -> Piece:
    """Return some blocks as a piece whose borders have their price.

    A border costs ``border_weight`` for its length and ``unclear_weight`` for how unclear it is, both relative to half
    of the outline of a square as large as the mean grid.
    """
    place = np.full(len(layout.households), -1, dtype=np.int64)
    place[blocks] = np.arange(len(blocks))
    use = layout.contiguous & (place[layout.first] >= 0) & (place[layout.second] >= 0)
    households, shared = layout.households[blocks], layout.shared_m[use]
    grids = max(1.0, households.sum() / band.target)
    side_m = 2.0 * np.sqrt(max(layout.area_m2[blocks].sum(), 1.0) / grids)
    clarity = layout.clarity[use]
    border = shared / side_m * (rules.border_weight + rules.unclear_weight * (1.0 - clarity))
    return build_piece(households, place[layout.first[use]], place[layout.second[use]], border, clarity)
