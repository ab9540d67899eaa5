"""Where no communities are known, which blocks would form them? Connected land inside clear lines."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from spatial.division.divide import divide_layout, watch
from spatial.division.layout import Layout, build_layout, cut_out, list_pieces
from spatial.division.numbering import number_parts
from spatial.division.piece import merge_blocks, renumber
from spatial.division.search import Effort, Tick, divide_piece
from spatial.division.sizes import Band, to_band
from spatial.errors import InputError
from spatial.profile import DivisionRules, Profile
from spatial.progress import Progress, silent

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
        If ``on_progress`` raises it.
    """
    layout = build_layout(blocks.assign(community_id="c"), adjacency, profile)
    if not len(layout.households):
        raise InputError("blocks: found no rows, needed at least one block to form communities")
    effort = Effort(profile.division.moves_per_block, int(rng.integers(1, 2**62)))
    tick = watch(effort, layout, None, _STAGE, on_progress)
    weights = replace(profile.division, unclear_weight=_CLEARER * profile.division.unclear_weight)
    grids = divide_layout(layout, to_band(profile.grid), weights, effort, tick)
    part = _merge_grids(layout, grids, to_band(profile.community), weights, effort, tick)
    part = number_parts(layout, _join_remnants(layout, part, profile.grid.floor_households))
    on_progress(_STAGE, 1.0)
    width = max(2, len(str(int(part.max()) + 1)))
    names = np.array([f"c{number + 1:0{width}d}" for number in range(int(part.max()) + 1)], dtype=object)
    index = pd.Index(layout.frame["block_id"].astype(str), name="block_id")
    return pd.Series(names[part], index=index, name="community_id").astype("str").sort_index()


def _merge_grids(layout: Layout, grids: Any, band: Band, weights: DivisionRules, effort: Effort, tick: Tick) -> Any:
    """Return by block the number of its community: connected grids merged to the band of communities."""
    nothing = np.zeros(len(layout.households), dtype=bool)
    whole = replace(layout, oversize=nothing, closed=nothing)
    part, used = np.zeros(len(grids), dtype=np.int64), 0
    for blocks in list_pieces(whole):
        piece = merge_blocks(cut_out(whole, blocks, band, weights), renumber(grids[blocks]))
        labels = divide_piece(piece, band, weights.balance_weight, effort, tick)
        part[blocks] = used + labels[renumber(grids[blocks])]
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
