"""Which blocks form which grid? Contiguous grids in the band, balanced, on clear borders, inside one community."""

import heapq
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any

import numpy as np
import pandas as pd

from spatial.division.explain import explain_communities, explain_grids
from spatial.division.layout import Layout, build_layout, cut_out, list_pieces
from spatial.division.measure import measure_division
from spatial.division.numbering import name_grids, number_parts
from spatial.division.search import Effort, Tick, divide_piece
from spatial.division.sizes import Band, to_band
from spatial.errors import InputError
from spatial.profile import DivisionRules, Profile
from spatial.progress import Progress, silent

_STAGE = "dividing blocks into grids"


@dataclass(frozen=True, slots=True)
class Division:
    """Blocks divided into grids, and how good that is.

    Attributes
    ----------
    assignment:
        Series ``block_id -> grid_id``, total on the blocks, sorted by block.
    objective:
        Term -> value: counts, shares, deviations (shares of the target) and metres of border.
    status:
        "feasible" where every grid is in the band, else "exceptions".
    explanations:
        Series ``grid_id ->`` why it is outside the band; "" inside it.
    reasons:
        Sentences about the whole: what no division could avoid, and what was counted as an exception.
    """

    assignment: Any
    objective: Mapping[str, float]
    status: str
    explanations: Any
    reasons: tuple[str, ...]


def divide(
    blocks: Any,
    adjacency: Any,
    profile: Profile,
    *,
    rng: np.random.Generator,
    budget_s: float | None = None,
    on_progress: Progress = silent,
) -> Division:
    """Return blocks divided into contiguous grids of about the profile's target.

    Every block is in one grid, every grid is connected over borders that are long enough and crossable, and lies in
    one community. Blocks above the ceiling (and closed estates, where the profile keeps them apart) stand alone,
    joined only by land without households that has no other neighbour. Other grids keep the ceiling always and the
    floor wherever the search finds a way; each that does not is explained. The outcome depends on the blocks, the
    profile and ``rng``, not on row order, ids or the machine, unless ``budget_s`` cuts the search short: what is found
    by then is returned.

    Raises
    ------
    TableError, InputError
        If a frame breaks its contract or there are no blocks.
    CancelledError
        If ``on_progress`` raises it.
    """
    layout = build_layout(blocks, adjacency, profile)
    if not len(layout.households):
        raise InputError("blocks: found no rows, needed at least one block to divide")
    effort = Effort(profile.division.moves_per_block, int(rng.integers(1, 2**62)))
    rules = profile.grid
    band = to_band(rules)
    part = divide_layout(layout, band, profile.division, effort, watch(effort, layout, budget_s, _STAGE, on_progress))
    part = number_parts(layout, part)
    on_progress(_STAGE, 1.0)
    return _describe(layout, part, profile)


def watch(effort: Effort, layout: Layout, budget_s: float | None, stage: str, on_progress: Progress) -> Tick:
    """Return the tick that reports progress and says when the budget is spent."""
    total = max(1, sum(effort.moves(len(blocks)) for blocks in list_pieces(layout)))
    began, made = monotonic(), [0]

    def tick(moves: int) -> bool:
        made[0] += moves
        on_progress(stage, min(0.99, made[0] / total))
        return budget_s is None or monotonic() - began < budget_s

    return tick


def divide_layout(layout: Layout, band: Band, rules: DivisionRules, effort: Effort, tick: Tick) -> Any:
    """Return by block the number of its grid: pieces divided, lone blocks by themselves, empty land beside."""
    part = np.full(len(layout.households), -1, dtype=np.int64)
    alone = np.flatnonzero(layout.alone)
    part[alone] = np.arange(len(alone))
    used, empty = len(alone), []
    for blocks in list_pieces(layout):
        if layout.households[blocks].sum() == 0:
            empty.append(blocks)
            continue
        piece = cut_out(layout, blocks, band, rules)
        labels = divide_piece(piece, band, rules.balance_weight, effort, tick)
        tick(0)
        part[blocks] = used + labels
        used += int(labels.max()) + 1
    _join_empty_land(layout, part)
    for blocks in empty:
        if part[blocks[0]] < 0:
            part[blocks] = used
            used += 1
    return part


def _join_empty_land(layout: Layout, part: Any) -> None:
    """Let land without households that only lone blocks touch join them, across the least clear long borders first."""
    open_ends = layout.contiguous & ((part[layout.first] < 0) | (part[layout.second] < 0))
    beside: dict[int, list[tuple[float, int]]] = {}
    unclear = layout.shared_m + (layout.shared_m - layout.clear_m)
    for e in np.flatnonzero(open_ends):
        a, b = int(layout.first[e]), int(layout.second[e])
        beside.setdefault(a, []).append((-float(unclear[e]), b))
        beside.setdefault(b, []).append((-float(unclear[e]), a))
    waiting = [(cost, new, old) for old in beside if part[old] >= 0 for cost, new in beside[old] if part[new] < 0]
    heapq.heapify(waiting)
    while waiting:
        _, new, old = heapq.heappop(waiting)
        if part[new] >= 0:
            continue
        part[new] = part[old]
        for cost, other in beside[new]:
            if part[other] < 0:
                heapq.heappush(waiting, (cost, other, new))


def _describe(layout: Layout, part: Any, profile: Profile) -> Division:
    names = name_grids(layout, part)
    ids = layout.frame["block_id"].astype(str)
    assignment = pd.Series(names[part], index=pd.Index(ids, name="block_id"), name="grid_id").astype("str").sort_index()
    sentences = explain_grids(layout, part, names, profile)
    explanations = pd.Series(sentences, index=pd.Index(names, name="grid_id"), name="explanation").astype("str")
    objective = measure_division(layout, part, profile)
    status = "exceptions" if any(sentences) else "feasible"
    reasons = (*explain_communities(layout, profile), *_count_exceptions(layout, sentences, objective, profile))
    return Division(assignment, objective, status, explanations.sort_index(), reasons)


def _count_exceptions(
    layout: Layout, sentences: list[str], objective: Mapping[str, float], profile: Profile
) -> list[str]:
    reasons = []
    total = max(1, int(layout.households.sum()))
    if layout.oversize.any():
        held = int(layout.households[layout.oversize].sum())
        reasons.append(
            f"{int(layout.oversize.sum())} blocks above the ceiling stand alone; they hold {held} of {total} "
            f"households ({held / total:.0%})."
        )
    free = objective["grids"] - len({*np.flatnonzero(layout.alone)})
    outside = free - objective["in_band_grids"]
    if outside > 0:
        reasons.append(f"{outside:.0f} of {free:.0f} other grids are outside the band; each says why.")
    if objective["clear_share"] < profile.division.clear_target:
        reasons.append(
            f"{objective['clear_share']:.0%} of the border between grids is on clear lines, less than the "
            f"{profile.division.clear_target:.0%} that planners look for."
        )
    return reasons
