"""How low can a total be under conditions of every kind? Prices of inequalities that prove it.

The linear relaxation is handed to the interior point method in its dual form, one row per site and per lack, without
crossover. Whatever the prices are worth numerically, the bound is computed from them anew, as the value of the
Lagrangian function at prices that are cut off at what is allowed; it holds however early the method stopped.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from spatial.siting.cuts import Cuts
from spatial.siting.interior import end_inside
from spatial.siting.mip import Rows
from spatial.siting.ways import Deadline, Flags, Floats

_SHORTEST_S = 0.05
_ACCURATE, _FAINT = 1e-6, 1e-7


@dataclass(frozen=True, slots=True)
class Priced:
    """A proven bound; how far each site is open and what each row lacks where the prices come from.

    ``shut`` and ``opened`` are what the bound becomes if a site is shut, or open; ``used`` flags the inequalities that
    have a price, ``row`` holds the prices by row, and ``binds`` tells whether anything but the number of sites does.
    """

    bound: float
    share: Floats
    lack: Floats
    shut: Floats
    opened: Floats
    used: Flags
    row: Floats
    binds: bool


@dataclass(frozen=True, slots=True)
class Sides:
    """What binds sites alone, each as ``matrix @ x >= least``; and how many of the counted ones may be open."""

    matrix: sparse.csr_array
    least: Floats
    counted: Flags
    most: int


def list_sides(rows: tuple[Rows, ...], counted: Flags, most: int) -> Sides:
    """Return the rows of a model that bind sites alone, the number of sites apart."""
    parts: list[sparse.csr_array] = []
    least: list[Floats] = []
    for one in rows:
        matrix = sparse.csr_array((one.value, (one.row, one.col)), shape=(len(one.low), len(counted)))
        for sign, end in ((1.0, one.low), (-1.0, -one.high)):
            asks = np.isfinite(end)
            if asks.any():
                parts.append(sign * matrix[asks])
                least.append(end[asks])
    matrix = sparse.vstack(parts).tocsr() if parts else sparse.csr_array((0, len(counted)))
    return Sides(matrix, np.concatenate(least) if least else np.zeros(0), counted, most)


def price_cuts(
    cuts: Cuts, sides: Sides, weight: Floats, reach: Floats, ends: tuple[Floats, Floats], *, deadline: Deadline
) -> Priced | None:
    """Return prices that bound from below what all rows lack together, times their weights; None for want of time.

    ``reach`` is what each row may lack at most; ``ends`` are the bounds of the sites, 0 and 1 where they are free.
    """
    solved = _interior(cuts, sides, weight, ends, deadline)
    if solved is None:
        return None
    price, fine, share, lack = solved
    # A row pays at most its weight for a unit of lack; what goes beyond is lost at the farthest.
    over = np.minimum(weight - cuts.rows.T @ price, 0.0) @ reach
    adds = -(cuts.sites.T @ price) - sides.matrix.T @ fine
    base = float(cuts.least @ price + sides.least @ fine + over)
    bound, shut, opened = least_of_sites(base, adds, sides, ends)
    used = price > _FAINT * float(price.max(initial=0.0))
    binds = bool((fine > _FAINT * max(float(np.abs(adds).max(initial=0.0)), 1e-300)).any())
    return Priced(bound, share, lack, shut, opened, used, cuts.rows.T @ price, binds)


def least_of_sites(
    base: float, adds: Floats, sides: Sides, ends: tuple[Floats, Floats]
) -> tuple[float, Floats, Floats]:
    """Return the least that sites add to a base, and what it becomes at least with each site shut, or open."""
    low, high = ends
    sure, free = low > 0.5, (high > 0.5) & (low < 0.5)
    loose = free & ~sides.counted
    bound = base + float(adds[sure].sum()) + float(np.minimum(adds[loose], 0.0).sum())
    bounded = np.flatnonzero(free & sides.counted)
    room = max(sides.most - int((sure & sides.counted).sum()), 0)
    order = bounded[np.argsort(adds[bounded], kind="stable")]
    paying = order[:room][adds[order[:room]] < 0.0]
    bound += float(adds[paying].sum())
    # One more site takes the place of the last that pays; one fewer makes room for the first that does not.
    full = len(paying) == room
    last = float(adds[paying[-1]]) if full and room else 0.0
    following = min(float(adds[order[room]]), 0.0) if full and room < len(order) else 0.0
    inside = np.zeros(len(adds), dtype=bool)
    inside[paying] = True
    more = np.where(sides.counted, adds - last, np.maximum(adds, 0.0))
    fewer = np.where(inside, following - adds, np.where(loose, np.maximum(-adds, 0.0), 0.0))
    return bound, bound + fewer, bound + np.where(inside | sure, 0.0, more)


def _interior(
    cuts: Cuts, sides: Sides, weight: Floats, ends: tuple[Floats, Floats], deadline: Deadline
) -> tuple[Floats, Floats, Floats, Floats] | None:
    """Return prices of inequalities and sides, shares of sites and lacks of rows, as the method leaves them."""
    if deadline.left() < _SHORTEST_S:
        return None
    low, high = ends
    alive = np.flatnonzero((high > 0.5) & (low < 0.5))
    sure = np.flatnonzero(low > 0.5)
    least = cuts.least - np.asarray(cuts.sites[:, sure].sum(axis=1)).ravel()
    side_least = sides.least - np.asarray(sides.matrix[:, sure].sum(axis=1)).ravel()
    asks = np.flatnonzero(least > 1e-12)
    inside, lacks = cuts.sites[asks][:, alive], cuts.rows[asks]
    room = float(sides.most - int(sides.counted[sure].sum()))
    touched = np.unique(lacks.indices)
    # Prices of inequalities, of sides, of the number of sites, and of each site's being open once.
    count = -sides.counted[alive].astype(np.float64)[None, :]
    top = [inside.T, sides.matrix[:, alive].T, sparse.csr_array(count).T, -sparse.eye_array(len(alive))]
    below = [lacks[:, touched].T, None, None, None]
    mass = max(float(weight.max(initial=0.0)), 1e-300)
    gives = np.concatenate((least[asks], side_least, [-room], -np.ones(len(alive))))
    matrix = sparse.block_array([top, below]).tocsc()
    limit = np.concatenate((np.zeros(len(alive)), weight[touched] / mass))
    solved = end_inside(matrix, -gives, np.full(len(gives), np.inf), limit, deadline.left(), _ACCURATE)
    if solved is None:
        return None
    point, dual = solved
    price, fine = np.zeros(cuts.count), np.maximum(point[len(asks) : len(asks) + len(sides.least)], 0.0) * mass
    price[asks] = np.maximum(point[: len(asks)], 0.0) * mass
    share, lack = low.copy(), np.zeros(len(weight))
    share[alive] = np.clip(-dual[: len(alive)], 0.0, 1.0)
    lack[touched] = np.maximum(-dual[len(alive) :], 0.0)
    return price, fine, share, lack
