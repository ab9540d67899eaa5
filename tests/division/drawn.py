"""Pieces drawn from a seed: planar neighbours, some land without homes, and on wish all that makes a piece hard."""

from typing import Any

import numpy as np
from scipy.spatial import Delaunay

from spatial.division.piece import FREE, Piece, build_piece, label_connected
from spatial.division.sizes import Band, Sizes, build_sizes

BAND = Band(300, 500, 700)
TRAITS = ("locks", "apart", "today", "oversize")


def draw_piece(count: int, seed: int, *traits: str) -> Piece:
    """Return a connected piece of ``count`` units, four to eight of them to a grid.

    ``locks`` on some units; some neighbours ``apart`` (a border to pay, but no contact); one to three grids of
    ``today``; units above the ceiling (``oversize``).
    """
    rng = np.random.default_rng([seed, count])
    x, y = rng.uniform(0.0, 1000.0, (2, count))
    first, second = _neighbours(x, y)
    clarity = rng.choice([0.0, 0.4, 0.7, 1.0], len(first))
    weight = rng.gamma(1.5, 1.0, count) * (rng.random(count) < 0.8) + 1e-9
    households = np.round(500 * max(1, round(count / rng.uniform(4.0, 8.0))) * weight / weight.sum()).astype(np.int64)
    if "oversize" in traits:
        households[rng.integers(count, size=2)] = rng.integers(701, 3000, 2)
    bare = build_piece(households, first, second, rng.uniform(0.02, 1.0, len(first)) * (1.5 - clarity), clarity)
    return hamper_piece(bare._replace(x=x, y=y), rng, *traits)


def hamper_piece(piece: Piece, rng: np.random.Generator, *traits: str) -> Piece:
    """Return the piece with locks, neighbours apart and grids of today, as wished; big units set the aim."""
    count = len(piece.households)
    contact = _part(piece, rng) if "apart" in traits else None
    lock = np.where(rng.random(count) < 0.3, rng.integers(0, 3, count), FREE) if "locks" in traits else piece.lock
    change = _leave(piece, rng) if "today" in traits else piece.change
    anchor = np.where(piece.households > BAND.ceiling, piece.households, piece.anchor)
    return build_piece(
        piece.households, piece.first, piece.second, piece.border, piece.clarity,
        contact=contact, anchor=anchor, lock=lock, change=change, xy=(piece.x, piece.y),
    )  # fmt: skip


def draw_sizes(piece: Piece, *, floor_penalty: bool = True, span_weight: float = 0.0) -> Sizes:
    """Return what sizes cost: with a floor, as in a plan; without one, as in the benchmark."""
    far_weight = 0.0 if floor_penalty else 20.0
    return build_sizes(
        BAND, int(piece.households.sum()), 1.0,
        far_weight=far_weight, floor_penalty=floor_penalty, span_weight=span_weight,
    )  # fmt: skip


def _neighbours(x: Any, y: Any) -> Any:
    """Return the pairs of a triangulation; fewer than four units stand in a row."""
    if len(x) < 4:
        return np.arange(len(x) - 1), np.arange(1, len(x))
    sides = Delaunay(np.column_stack([x, y])).simplices[:, [[0, 1], [1, 2], [0, 2]]]
    return np.unique(np.sort(sides.reshape(-1, 2), axis=1), axis=0).T


def _part(piece: Piece, rng: np.random.Generator) -> Any:
    """Return by border whether its units are in contact: many are not, and the piece holds together all the same."""
    contact = np.ones(len(piece.first), dtype=bool)
    for border in rng.permutation(len(contact))[: len(contact) // 2]:
        contact[border] = False
        if label_connected(len(piece.households), piece.first[contact], piece.second[contact]).any():
            contact[border] = True
    return contact


def _leave(piece: Piece, rng: np.random.Generator) -> Any:
    olds = int(rng.integers(1, 4))
    today = rng.integers(-1, olds, len(piece.households))
    leaves = (np.append(np.arange(olds), -1)[None, :] != today[:, None]) & (today[:, None] >= 0)
    return rng.choice([0.3, 1.0, 5.0]) * piece.households[:, None] * leaves / BAND.target
