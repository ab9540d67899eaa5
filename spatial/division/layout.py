"""Which blocks stand alone, which are divided together, and what does the search see of those?"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from spatial.division.heritage import NOWHERE, find_heirs, number_today
from spatial.division.locks import Locks, group_units
from spatial.division.piece import FREE, Piece, build_piece, label_connected, merge_blocks, renumber
from spatial.division.sizes import Band, Sizes, build_sizes
from spatial.division.terrain import Layout
from spatial.errors import InputError, TableError
from spatial.profile import DivisionRules, Profile
from spatial.tables import ADJACENCY, BLOCKS, require

__all__ = [
    "Layout", "build_layout", "cut_out", "list_olds", "list_pieces", "measure_side", "number_units",
    "place_units", "price_sizes", "set_anchors",
]  # fmt: skip


def build_layout(
    blocks: Any, adjacency: Any, profile: Profile, *, current: Any = None, locks: Locks | None = None
) -> Layout:
    """Return the layout of BLOCKS and ADJACENCY under a profile.

    ``current`` is a Series ``block_id ->`` id of today's grid; blocks that are missing, empty or "" there are in none.

    Raises
    ------
    TableError
        If a frame breaks its contract, or a pair of blocks stands in two rows.
    InputError
        If a border, a lock or ``current`` names a block that does not exist, or a block's size is no count.
    """
    require(blocks, BLOCKS)
    require(adjacency, ADJACENCY)
    centre = blocks.geometry.centroid
    x, y = centre.x.round(3).to_numpy(), centre.y.round(3).to_numpy()
    order = np.lexsort((blocks["block_id"].astype(str).to_numpy(), y, x))
    frame = blocks.iloc[order].reset_index(drop=True)
    count = len(frame)
    households = _read_sizes(frame, profile.division.size_column)
    community = np.unique(frame["community_id"].astype(str), return_inverse=True)[1]
    first, second, rows = _pair_blocks(frame, adjacency)
    shared = rows["shared_m"].to_numpy(dtype=np.float64)
    crossable = rows["crossable"].to_numpy(dtype=bool)
    layout = Layout(
        frame=frame,
        households=households,
        area_m2=frame["area_m2"].to_numpy(dtype=np.float64),
        x=x[order],
        y=y[order],
        community=community,
        oversize=(households > profile.grid.ceiling_households) | _marked_oversize(frame, profile),
        closed=_closed_estates(frame) & profile.grid.two_phase_estates,
        oversize_alone=profile.division.oversize_alone,
        unit=np.arange(count),
        lock=np.full(count, FREE, dtype=np.int64),
        torn=(),
        today=np.full(count, NOWHERE, dtype=np.int64),
        today_ids=(),
        inherits=np.zeros(count, dtype=bool),
        first=first,
        second=second,
        shared_m=shared,
        clear_m=np.minimum(rows["clear_m"].to_numpy(dtype=np.float64), shared),
        clarity=np.clip(rows["clarity"].to_numpy(dtype=np.float64), 0.0, 1.0),
        contiguous=crossable & (shared >= profile.land.min_shared_m) & (community[first] == community[second]),
        familiar=_familiar(frame, first, second) & (shared > 0.0),
    )
    if current is not None:
        today, ids = number_today(frame["block_id"].astype(str), current)
        inherits = find_heirs(households, today, _number_pieces(layout))
        layout = replace(layout, today=today, today_ids=ids, inherits=inherits)
    if locks is None:
        return layout
    unit, locked, torn = group_units(layout, locks, profile.grid.ceiling_households)
    return replace(layout, unit=unit, lock=locked[unit], torn=torn)


def _read_sizes(frame: Any, column: str) -> Any:
    """Return the whole number by block that band and balance count."""
    if column not in frame.columns:
        raise TableError(f"blocks: found no column {column!r}, which the profile's division.size_column counts")
    if not pd.api.types.is_numeric_dtype(frame[column]):
        raise TableError(f"blocks: column {column} holds {frame[column].dtype}, needed whole numbers")
    sizes = frame[column].to_numpy(dtype=np.float64)
    wrong = np.flatnonzero(~(np.isfinite(sizes) & (sizes >= 0) & (sizes == np.floor(sizes))))
    if len(wrong):
        block, found = frame["block_id"].iloc[int(wrong[0])], sizes[wrong[0]]
        raise InputError(f"block {block}: found {found:g} {column}, needed a whole number, 0 or more")
    return sizes.astype(np.int64)


def _marked_oversize(frame: Any, profile: Profile) -> Any:
    """Tell by block whether it was marked as oversize, where the mark speaks of what the division counts."""
    heard = profile.division.oversize_alone and profile.division.size_column == "households"
    return frame["oversize"].to_numpy(dtype=bool) & heard


def _closed_estates(frame: Any) -> Any:
    """Tell by block whether it is a closed estate: gated where access is told, else any estate."""
    estate = (frame["kind"] == "estate").to_numpy(dtype=bool)
    if "access" not in frame.columns:
        return estate
    return estate & (frame["access"] == "gated").to_numpy(dtype=bool)


def _familiar(frame: Any, first: Any, second: Any) -> Any:
    """Tell by border whether both sides are of one estate or one property company."""
    found = np.zeros(len(first), dtype=bool)
    for column in ("estate_id", "company"):
        if column in frame.columns:
            name = frame[column].fillna("").astype(str).to_numpy(dtype=object)
            found |= (name[first] == name[second]) & (name[first] != "")
    return found


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


def _number_pieces(layout: Layout) -> Any:
    """Return by block the number of its piece, lone blocks each one of their own; numbers rise from west to east."""
    free = ~layout.alone
    link = layout.contiguous & free[layout.first] & free[layout.second]
    return label_connected(len(free), layout.first[link], layout.second[link])


def list_pieces(layout: Layout) -> Iterator[Any]:
    """Yield the blocks (ascending) of each connected piece of land that does not stand alone, from west to east."""
    piece = _number_pieces(layout)
    members = np.flatnonzero(~layout.alone)
    members = members[np.argsort(piece[members], kind="stable")]
    borders = np.flatnonzero(np.diff(piece[members])) + 1
    yield from (part for part in np.split(members, borders) if len(part))


def cut_out(layout: Layout, blocks: Any, band: Band, rules: DivisionRules) -> Piece:
    """Return some blocks (ascending) as a piece of units; ``number_units`` tells which block is in which unit.

    A border costs ``border_weight`` for its length and ``unclear_weight`` for how unclear it is, both relative to
    ``measure_side``, and ``familiarity_weight`` between familiar blocks. Borders inside the piece that are too short or
    cannot be crossed cost the same and connect nothing. Labels below ``len(list_olds(...))`` stand for today's grids.
    """
    place = np.full(len(layout.households), -1, dtype=np.int64)
    place[blocks] = np.arange(len(blocks))
    inside = (place[layout.first] >= 0) & (place[layout.second] >= 0)
    shared, clarity = layout.shared_m[inside], layout.clarity[inside]
    border = (
        shared / measure_side(layout, blocks, band) * (rules.border_weight + rules.unclear_weight * (1.0 - clarity))
    )
    border = border + rules.familiarity_weight * layout.familiar[inside]
    contact = layout.contiguous[inside]
    seen = contact | (border > 0.0)
    piece = build_piece(
        layout.households[blocks],
        place[layout.first[inside]][seen],
        place[layout.second[inside]][seen],
        border[seen],
        clarity[seen],
        contact=contact[seen],
        anchor=set_anchors(layout.households[blocks], band, rules),
        lock=layout.lock[blocks],
        change=_price_change(layout, blocks, band, rules),
        xy=(layout.x[blocks], layout.y[blocks]),
    )
    units = number_units(layout, blocks)
    if len(piece.households) == int(units.max()) + 1:
        return piece
    x, y = place_units(layout, blocks, units)
    return merge_blocks(piece, units)._replace(x=x, y=y)


def price_sizes(layout: Layout, blocks: Any, band: Band, rules: DivisionRules) -> Sizes:
    """Return what the size of a grid of these blocks costs, its span included."""
    return build_sizes(
        band,
        int(layout.households[blocks].sum()),
        rules.balance_weight,
        far_weight=rules.far_weight,
        far_share=rules.far_share,
        floor_penalty=rules.floor_penalty,
        span_weight=rules.span_weight / measure_side(layout, blocks, band),
    )


def number_units(layout: Layout, blocks: Any) -> Any:
    """Return for each of the blocks the number of its unit in their piece."""
    return renumber(layout.unit[blocks])


def place_units(layout: Layout, blocks: Any, units: Any) -> tuple[Any, Any]:
    """Return where units lie: the middle of their blocks, weighted by area."""
    weight = np.maximum(layout.area_m2[blocks], 1e-6)
    total = np.bincount(units, weight)
    x, y = layout.x[blocks], layout.y[blocks]
    return np.bincount(units, weight * x) / total, np.bincount(units, weight * y) / total


def measure_side(layout: Layout, blocks: Any, band: Band) -> float:
    """Return half of the outline of a square as large as the mean grid of these blocks, in metres.

    Of grids there are as many as blocks above the ceiling, and one for each target of the other households. Where the
    layout knows the side of the wider land that these blocks are a part of, it is that.
    """
    if layout.side_m is not None:
        return float(layout.side_m[blocks[0]])
    households = layout.households[blocks]
    above = households > band.ceiling
    grids = max(1, int(above.sum()) + round(int(households[~above].sum()) / band.target))
    return float(2.0 * np.sqrt(max(float(layout.area_m2[blocks].sum()), 1.0) / grids))


def set_anchors(households: Any, band: Band, rules: DivisionRules) -> Any:
    """Return by block its households where they set the aim of its grid, else 0."""
    limit = band.target if rules.largest_is_aim else band.ceiling
    return np.where(households > limit, households, 0)


def list_olds(layout: Layout, blocks: Any, rules: DivisionRules) -> Any:
    """Return the numbers of today's grids (ascending) that grids of these blocks may inherit."""
    if rules.change_weight == 0.0:
        return np.zeros(0, dtype=np.int64)
    return np.unique(layout.today[blocks][layout.inherits[blocks]])


def _price_change(layout: Layout, blocks: Any, band: Band, rules: DivisionRules) -> Any:
    """Return by block and heir what the households cost that leave today's grid; those that are in none leave none."""
    olds = list_olds(layout, blocks, rules)
    today = layout.today[blocks]
    leaves = np.append(olds, NOWHERE)[None, :] != today[:, None]
    moved = np.where(today[:, None] == NOWHERE, False, leaves)
    return rules.change_weight * layout.households[blocks][:, None] * moved / band.target
