"""Where no communities are known, which blocks would form them? Connected land inside clear lines."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from spatial.division.course import Clock
from spatial.division.divide import divide_layout
from spatial.division.layout import Layout, build_layout, cut_out, list_pieces
from spatial.division.numbering import number_parts
from spatial.division.piece import merge_blocks, renumber
from spatial.division.search import Effort, divide_piece
from spatial.division.sizes import to_band
from spatial.errors import InputError
from spatial.profile import Profile
from spatial.progress import Progress, insisting, silent

_STAGE = "proposing communities"
_CLEARER = 2.0


def propose_communities(
    blocks: Any, adjacency: Any, profile: Profile, *, rng: np.random.Generator, on_progress: Progress = silent
) -> Any:
    """Return a Series ``block_id -> community_id`` ("c01", ... from west to east), sorted by block.

    Grids are drawn first, without communities, and then merged: so no community's line costs a grid its band.
    Communities are connected, in the profile's community band where the blocks allow it, and their borders follow
    clear, strong lines even more than those of grids. Whatever ``community_id`` the blocks have is not looked at. Land
    cut off with fewer households than one grid joins what it shares the longest border with, even where that cannot be
    crossed.

    Raises
    ------
    TableError, InputError
        If a frame breaks its contract or there are no blocks.
    CancelledError
        If ``on_progress`` raises it; KeyboardInterrupt likewise.
    """
    rules = replace(profile.division, unclear_weight=_CLEARER * profile.division.unclear_weight)
    clearer = replace(profile, division=rules)
    layout = build_layout(blocks.assign(community_id="c"), adjacency, clearer)
    if not len(layout.households):
        raise InputError("blocks: found no rows, needed at least one block to form communities")
    effort = Effort(profile.division.moves_per_block, int(rng.integers(1, 2**62)))
    with insisting(on_progress) as tell:
        clock = Clock(None, tell, stage=_STAGE)
        grids = divide_layout(layout, clearer, effort, clock)
        part = _merge_grids(layout, grids, clearer, effort, clock)
    if clock.stopped:
        raise KeyboardInterrupt
    part = number_parts(layout, _join_remnants(layout, part, profile.grid.floor_households))
    on_progress(_STAGE, 1.0)
    width = max(2, len(str(int(part.max()) + 1)))
    names = np.array([f"c{number + 1:0{width}d}" for number in range(int(part.max()) + 1)], dtype=object)
    index = pd.Index(layout.frame["block_id"].astype(str), name="block_id")
    return pd.Series(names[part], index=index, name="community_id").astype("str").sort_index()


def _merge_grids(layout: Layout, grids: Any, profile: Profile, effort: Effort, clock: Clock) -> Any:
    """Return by block the number of its community: connected grids merged to the band of communities.

    That band counts households, whatever the grids' band counts.
    """
    band, rules = to_band(profile.community), profile.division
    nothing = np.zeros(len(grids), dtype=bool)
    households = layout.frame["households"].to_numpy(dtype=np.int64)
    whole = replace(layout, households=households, oversize=nothing, closed=nothing)

    def tick(_moves: int) -> bool:
        clock.tell(clock.share)
        return clock.left() > 0.0

    part, used = np.zeros(len(grids), dtype=np.int64), 0
    for blocks in list_pieces(whole):
        unit = renumber(grids[blocks])
        piece = merge_blocks(cut_out(whole, blocks, band, rules), unit)
        labels = divide_piece(piece, band, rules.balance_weight, effort, tick)
        part[blocks] = used + labels[unit]
        used += int(labels.max()) + 1
    return part


def _join_remnants(layout: Layout, part: Any, floor: int) -> Any:
    """Return parts with those below the floor joined to the part they share the longest border with, smallest first."""
    part = renumber(part)
    while True:
        households = np.bincount(part, layout.households)
        a, b = part[layout.first], part[layout.second]
        bordered = np.union1d(a[a != b], b[a != b])
        low = bordered[households[bordered] < floor]
        if not len(low):
            return part
        least = low[np.argmin(households[low])]
        mine = (a != b) & ((a == least) | (b == least))
        shared = np.bincount(np.where(a == least, b, a)[mine], layout.shared_m[mine], len(households))
        part = renumber(np.where(part == least, int(np.argmax(shared)), part))
