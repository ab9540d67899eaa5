"""Which mending of torn grids moves the fewest households, then the fewest blocks, and what proves it?

A small mixed-integer model says which block lies in which grid; that a grid is in one piece is asked for only where an
answer breaks it, by cuts: a block apart from its grid's root lies in the grid only if one of the blocks that separate
them does (Carvajal et al. 2013, Validi, Buchanan and Lykhovyd 2022).
"""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from spatial.plan.ground import Ground
from spatial.plan.state import Draft
from spatial.siting.mip import Mip, Rows, solve_mip

_ROUNDS = 200
_LIMIT_S = 20.0
_MOST_CHOICES = 20_000


@dataclass(frozen=True, slots=True)
class _Model:
    """Blocks (places in the ground, ascending) that may lie in some grids, one column for each pair that is allowed.

    ``column`` is by block and grid, -1 where the pair is not allowed; ``home`` the number of a block's grid by block;
    ``root`` by grid a block that never leaves it, -1 where every one may; ``price`` by block what moving it costs.
    """

    rows: Any
    home: Any
    column: Any
    root: Any
    price: Any
    beside: list[list[int]]


def mend_exactly(
    ground: Ground, draft: Draft, scope: list[str], known: Any, beside: list[list[int]]
) -> tuple[Any, bool]:
    """Return labels under which all grids of ``scope`` are contiguous at the least price, and whether that is proved.

    Blocks move between the grids of the scope alone, each inside its community, and every grid keeps one of its blocks.
    ``known`` are labels that mend them all (None: not known); they are returned, unproved, where the model is too large
    or the search runs out of time. Labels of None mean that there is no way, where that is proved; else that none is
    known.
    """
    model = _build(ground, draft, scope, known, beside)
    if model.column.max(initial=-1) + 1 > _MOST_CHOICES:
        return known, False
    cuts, deadline = _list_first_cuts(model), time.monotonic() + _LIMIT_S
    for _ in range(_ROUNDS):
        answer = solve_mip(_to_mip(model, cuts), start=None, time_limit_s=deadline - time.monotonic())
        if answer.infeasible and known is None:
            return None, True
        if answer.x is None:
            break
        chosen = _read(model, answer.x)
        new = _cut(model, chosen)
        if not new:
            label = draft.label.copy()
            label[model.rows] = np.array(scope, dtype=object)[chosen]
            cost = float(model.price[chosen != model.home].sum())
            return label, cost - answer.bound < 0.5
        cuts += new
    return known, False


def _build(ground: Ground, draft: Draft, scope: list[str], known: Any, beside: list[list[int]]) -> _Model:
    number = {name: k for k, name in enumerate(scope)}
    rows = np.flatnonzero(np.isin(draft.label.astype(str), scope))
    home = np.array([number[name] for name in draft.label[rows]], dtype=np.int64)
    price = ground.households[rows] * (len(rows) + 1.0) + 1.0
    limit = np.inf if known is None else float(price[known[rows] != draft.label[rows]].sum())
    community = np.array([draft.grids[name].community_id for name in scope], dtype=object)
    allowed = (ground.community[rows][:, None] == community[None, :]) & (price <= limit)[:, None]
    allowed[np.arange(len(rows)), home] = True
    column = np.full(allowed.shape, -1, dtype=np.int64)
    column[allowed] = np.arange(int(allowed.sum()))
    root = np.full(len(scope), -1, dtype=np.int64)
    stays = np.flatnonzero(allowed.sum(axis=1) == 1)
    for k in stays[np.argsort(price[stays], kind="stable")].tolist():
        root[home[k]] = k
    place = {int(row): k for k, row in enumerate(rows)}
    near = [[place[other] for other in beside[int(row)] if other in place] for row in rows]
    return _Model(rows, home, column, root, price, near)


def _list_first_cuts(model: _Model) -> list[tuple[list[int], list[int]]]:
    """Return that a block enters a grid only beside another block of it."""
    entering = [(int(block), int(grid)) for block, grid in np.argwhere(model.column >= 0) if grid != model.home[block]]
    return [([int(model.column[b, g])], _columns(model, model.beside[b], g)) for b, g in entering]


def _columns(model: _Model, blocks: Any, grid: int) -> list[int]:
    return [int(c) for c in model.column[list(blocks), grid] if c >= 0]


def _to_mip(model: _Model, cuts: list[tuple[list[int], list[int]]]) -> Mip:
    """Return the model: a block in one grid, a grid with a block of its own at least, and the cuts.

    A cut (ins, between) says that not all of ``ins`` are chosen unless one of ``between`` is.
    """
    block, grid = np.nonzero(model.column >= 0)
    count = len(block)
    cost = np.where(grid != model.home[block], model.price[block], 0.0)
    columns = np.arange(count)
    once = Rows(block, columns, np.ones(count), np.ones(len(model.rows)), np.ones(len(model.rows)))
    own = np.flatnonzero(grid == model.home[block])
    kept = Rows(
        grid[own], own, np.ones(len(own)), np.ones(model.column.shape[1]), np.full(model.column.shape[1], np.inf)
    )
    row = [k for k, (ins, between) in enumerate(cuts) for _ in (*ins, *between)]
    col = [c for ins, between in cuts for c in (*ins, *between)]
    value = [v for ins, between in cuts for v in (*[1.0] * len(ins), *[-1.0] * len(between))]
    high = np.array([len(ins) - 1.0 for ins, _ in cuts])
    held = Rows(
        np.array(row, dtype=np.int64), np.array(col, dtype=np.int64), np.array(value), np.full(len(cuts), -np.inf), high
    )
    rows = (once, kept, held) if cuts else (once, kept)
    return Mip(cost, 0.0, np.zeros(count), np.ones(count), np.ones(count, dtype=bool), rows)


def _read(model: _Model, x: Any) -> Any:
    """Return by block the number of its grid."""
    value = np.where(model.column >= 0, x[model.column], -1.0)
    return value.argmax(axis=1)


def _cut(model: _Model, chosen: Any) -> list[tuple[list[int], list[int]]]:
    """Return cuts that this answer breaks; none where every grid is in one piece."""
    cuts: list[tuple[list[int], list[int]]] = []
    for grid in range(model.column.shape[1]):
        pieces = _split(model, np.flatnonzero(chosen == grid).tolist())
        if len(pieces) < 2:
            continue
        root = int(model.root[grid])
        rest = max(pieces, key=lambda piece: (root in piece, float(model.price[sorted(piece)].sum()), -min(piece)))
        for piece in pieces:
            if piece is not rest:
                cuts += _part(model, grid, piece, rest)
    return cuts


def _part(model: _Model, grid: int, piece: set[int], rest: set[int]) -> list[tuple[list[int], list[int]]]:
    """Return the cuts that a piece apart breaks: some block between it and the rest is in the grid, or it is not."""
    between = _columns(model, sorted(_separate(model, grid, piece, rest)), grid)
    root = int(model.root[grid])
    if root in rest:
        return [([int(model.column[block, grid])], between) for block in sorted(piece)]
    far = max(rest, key=lambda block: (float(model.price[block]), -block))
    return [([int(model.column[block, grid]), int(model.column[far, grid])], between) for block in sorted(piece)]


def _separate(model: _Model, grid: int, piece: set[int], rest: set[int]) -> set[int]:
    """Return the blocks beside the piece that every way from the rest to it passes, and none that does not reach it."""
    rim = {
        other
        for block in piece
        for other in model.beside[block]
        if other not in piece and model.column[other, grid] >= 0
    }
    seen, waiting = set(rest) - rim, sorted(set(rest) - rim)
    while waiting:
        block = waiting.pop()
        for other in model.beside[block]:
            if other not in seen and other not in rim and model.column[other, grid] >= 0:
                seen.add(other)
                waiting.append(other)
    return {block for block in rim if any(other in seen for other in model.beside[block])}


def _split(model: _Model, blocks: list[int]) -> list[set[int]]:
    """Return the connected pieces of some blocks, by their first."""
    left, pieces = set(blocks), list[set[int]]()
    for block in blocks:
        if block not in left:
            continue
        piece, waiting = {block}, [block]
        left.remove(block)
        while waiting:
            for other in model.beside[waiting.pop()]:
                if other in left:
                    left.remove(other)
                    piece.add(other)
                    waiting.append(other)
        pieces.append(piece)
    return pieces
