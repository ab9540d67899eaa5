"""How can torn grids be mended in a few steps? Each piece apart goes to a neighbour, or land between joins it."""

from collections.abc import Iterable
from dataclasses import replace
from heapq import heappop, heappush
from itertools import pairwise
from typing import Any

import numpy as np

from spatial.plan.ground import Ground
from spatial.plan.pieces import split_pieces
from spatial.plan.state import Draft

_ROUNDS = 20


def mend_greedily(
    ground: Ground, draft: Draft, torn: Iterable[str], frozen: set[str], beside: list[list[int]]
) -> tuple[Any, list[str]]:
    """Return labels under which the torn grids are contiguous, and those that could not be mended.

    The piece of most households stays. Each other piece goes whole to a grid beside it, or blocks of other grids
    between it and the rest join it, whichever moves fewer households, then fewer blocks. No grid of ``frozen`` loses
    or gains, none is torn anew or emptied. What is found is good, not proved the best.
    """
    for _ in range(_ROUNDS):
        progress = False
        for name in sorted(torn):
            step = _mend_once(ground, draft, name, frozen, beside)
            if step is not None:
                draft, progress = replace(draft, label=step), True
        if not progress:
            break
    pieces = split_pieces(ground, draft, torn)
    return draft.label, sorted(name for name, parts in pieces.items() if len(parts) > 1)


def list_contacts(ground: Ground) -> list[list[int]]:
    """Return by block the places of the blocks in contact with it, ascending."""
    size = len(ground.index)
    ends = ground.first[ground.contact], ground.second[ground.contact]
    pairs = np.unique(np.concatenate([ends[0] * size + ends[1], ends[1] * size + ends[0]]))
    starts = np.searchsorted(pairs, np.arange(size + 1) * size).tolist()
    others = (pairs % max(size, 1)).tolist()
    return [others[start:end] for start, end in pairwise(starts)]


def _mend_once(ground: Ground, draft: Draft, name: str, frozen: set[str], beside: list[list[int]]) -> Any | None:
    """Return labels with one piece less of a grid, the cheapest way; None where there is none."""
    pieces = split_pieces(ground, draft, [name])[name]
    if len(pieces) < 2:
        return None
    main = max(pieces, key=lambda rows: (int(ground.households[rows].sum()), len(rows), -int(rows[0])))
    ways: list[tuple[int, int, str, tuple[int, ...]]] = []
    for rows in pieces:
        if rows is main:
            continue
        held = int(ground.households[rows].sum())
        takers = _list_takers(ground, draft, rows, name, frozen, beside)
        ways += [(held, len(rows), to, tuple(rows.tolist())) for to in takers]
        path = _find_bridge(ground, draft, rows, name, frozen, beside)
        if path:
            ways.append((int(ground.households[list(path)].sum()), len(path), name, path))
    for _, _, to, rows in sorted(ways):
        label = draft.label.copy()
        label[list(rows)] = to
        if _keeps_others(ground, draft, label, name):
            return label
    return None


def _list_takers(
    ground: Ground, draft: Draft, rows: Any, name: str, frozen: set[str], beside: list[list[int]]
) -> list[str]:
    """Return the grids beside a piece that may take it whole."""
    found = {str(draft.label[other]) for row in rows.tolist() for other in beside[row]} - frozen - {name}
    home = set(ground.community[rows])
    return sorted(to for to in found if home == {draft.grids[to].community_id})


def _find_bridge(
    ground: Ground, draft: Draft, rows: Any, name: str, frozen: set[str], beside: list[list[int]]
) -> tuple[int, ...]:
    """Return the blocks of other grids of fewest households, then fewest, that join a piece to the rest of its grid."""
    home = draft.grids[name].community_id
    start = set(rows.tolist())
    waiting = [(0, 0, row, -1) for row in sorted(start)]
    before: dict[int, int] = {}
    while waiting:
        cost, steps, row, origin = heappop(waiting)
        if row in before:
            continue
        before[row] = origin
        if draft.label[row] == name and row not in start:
            path, at = list[int](), origin
            while at not in start:
                path.append(at)
                at = before[at]
            return tuple(sorted(path))
        for other in beside[row]:
            mine = draft.label[other] == name
            if other not in before and (mine or (draft.label[other] not in frozen and ground.community[other] == home)):
                price = 0 if mine else int(ground.households[other])
                heappush(waiting, (cost + price, steps + (not mine), other, row))
    return ()


def _keeps_others(ground: Ground, draft: Draft, label: Any, name: str) -> bool:
    """Tell whether no grid is emptied, and none but the mended one has more pieces than before."""
    touched = {str(one) for one in {*draft.label[label != draft.label], *label[label != draft.label]}}
    if not touched <= set(label):
        return False
    before = split_pieces(ground, draft, touched)
    after = split_pieces(ground, replace(draft, label=label), touched)
    return all(len(after[one]) <= len(before[one]) - (one == name) for one in touched)
