"""In which pieces does a grid lie? Blocks hang together over borders that are long enough and crossed on foot."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from spatial.division.piece import label_connected
from spatial.plan.ground import Ground, name_blocks
from spatial.plan.state import Draft, rows_by_grid


@dataclass(frozen=True, slots=True)
class Stray:
    """A piece of a grid that lies apart from its largest; ``bbox`` is west, south, east, north in metres."""

    grid_id: str
    blocks: tuple[str, ...]
    households: int
    bbox: tuple[float, float, float, float]


def find_strays(ground: Ground, draft: Draft, grid_ids: Iterable[str]) -> tuple[Stray, ...]:
    """Return the pieces that lie apart from the largest piece of their grid, by grid and first block.

    Blocks hang together over borders that are long enough and crossed on foot. The largest piece is the one of most
    blocks, of equal ones that with the first block: the one that ``check_plan`` holds the others against.
    """
    strays = []
    for name, pieces in split_pieces(ground, draft, grid_ids).items():
        for rows in pieces[1:]:
            box = ground.bounds[rows]
            bbox = (*box[:, :2].min(axis=0).tolist(), *box[:, 2:].max(axis=0).tolist())
            strays.append(Stray(name, name_blocks(ground, rows), int(ground.households[rows].sum()), bbox))
    return tuple(strays)


def split_pieces(ground: Ground, draft: Draft, grid_ids: Iterable[str]) -> dict[str, list[Any]]:
    """Return the connected pieces of each grid as places of blocks: the largest, then the others by first block."""
    rows = rows_by_grid(draft, grid_ids)
    chosen = np.concatenate([*rows.values(), np.zeros(0, dtype=np.int64)])
    place = np.full(len(ground.index), -1, dtype=np.int64)
    place[chosen] = np.arange(len(chosen))
    links = ground.contact & (place[ground.first] >= 0) & (place[ground.second] >= 0)
    links &= draft.label[ground.first] == draft.label[ground.second]
    piece = np.full(len(ground.index), -1, dtype=np.int64)
    piece[chosen] = label_connected(len(chosen), place[ground.first[links]], place[ground.second[links]])
    sizes = [len(at) for at in rows.values()]
    apart = piece[chosen] != np.repeat(np.array([piece[at[0]] for at in rows.values()], dtype=np.int64), sizes)
    torn = set(np.repeat(np.arange(len(rows)), sizes)[apart].tolist())  # looked for at once: few or none are
    return {
        name: _largest_first(at, piece[at]) if number in torn else [at]
        for number, (name, at) in enumerate(rows.items())
    }


def _largest_first(rows: Any, piece: Any) -> list[Any]:
    numbers, first = np.unique(piece, return_index=True)
    parts = [rows[piece == number] for number in numbers[np.argsort(first)]]
    largest = max(range(len(parts)), key=lambda k: (len(parts[k]), -k))
    return [parts[largest], *(part for k, part in enumerate(parts) if k != largest)]
