"""Which open site should give way to which shut one, judged by what all cost if rows may be shared?

The transport problem among the open sites stays solved from exchange to exchange (see ``split.py``), and its prices
of room tell which exchanges may pay. Each step carries out the best of some that are drawn from the likeliest, be it
for the better or the worse, among sites that have not moved of late (a tabu search); so it goes on where the best of
all would only turn in a circle. Only the best sites met are filled with whole rows.
"""

from dataclasses import dataclass

import numpy as np

from spatial.siting.room.exchange import best_exchange, weigh_columns
from spatial.siting.room.price import price_sites
from spatial.siting.room.rooms import Choice, Rooms
from spatial.siting.room.split import TOTAL, begin_split
from spatial.siting.room.swap import fill_whole, finite_lost
from spatial.siting.ways import Deadline, Flags, Floats, Ints, keep, row_of

_POOL, _TRIED = 8, 2
"""Likeliest exchanges in a step, and how many drawn from them are carried out."""
_REST, _MORE_REST = 4, 6
"""Steps for which a site that was opened or shut stays so, and up to how many more, by chance."""
_WORST = 1.05
"""No exchange leads to more than so many times the total."""
_PATIENCE = 40
"""Steps without a better choice after which the search goes on from the best one."""
_SETTLED = 8
"""Steps without a better choice after which the best one is filled with whole rows."""
_LEAST_LOAD = 1e-6
"""A row takes at least so much of the mean load."""
_MOVES = 50
"""Moves of a column that can be taken back, beside four of each row."""
_HAIR = 1e-9

Kept = tuple[Ints, Ints, Floats]


@dataclass(frozen=True, slots=True)
class Split:
    """The arrays of a transport problem as ``split.py`` tells of them; they change in place."""

    told: tuple[Floats | Ints, ...]
    flow: tuple[Floats | Ints, ...]
    ways: tuple[Floats | Ints | Flags, ...]
    past: tuple[Floats | Ints, ...]

    @property
    def total(self) -> float:
        """What all cost now."""
        return float(self.past[3][TOTAL])

    @property
    def site(self) -> Ints:
        """The site of each column but nobody's."""
        return np.array(self.flow[5][:-1], dtype=np.int64)

    @property
    def prices(self) -> Floats:
        """The price of room at each column but nobody's: nothing where none is known."""
        price = np.asarray(self.ways[5][:-1], dtype=np.float64)
        return np.where(np.isfinite(price), np.maximum(price, 0.0), 0.0)

    def kept(self) -> Kept:
        """Return the site of each column, the column to which most of each row goes, and the prices of room."""
        share, site, row, n = self.flow[0], self.told[1], self.told[3], len(self.told[4])
        order, who = np.argsort(share, kind="stable"), np.zeros(n, dtype=np.int64)
        who[row[order]] = self.flow[4][site[order]]
        return self.site, who, np.append(self.prices, 0.0)


def trade_rooms(rooms: Rooms, opened: Flags, still: Flags, *, deadline: Deadline, seed: int) -> Choice:
    """Return the best choice met by exchanges of sites from some open ones; the ``still`` ones do not move."""
    rng, lost = np.random.default_rng(seed), finite_lost(rooms)
    split = begun_split(rooms, opened, lost)
    kept, free, step, last = split.kept(), np.zeros(len(rooms.room), dtype=np.int64), 0, 0
    best, least, waiting = filled_split(rooms, kept, lost), split.total, 0
    while deadline.left() > 0.0:
        step += 1
        if not _stepped(rooms, split, still, free, step, least, rng):
            break
        if split.total < least * (1 - _HAIR):
            least, waiting, kept, last = split.total, _SETTLED, split.kept(), step
        elif waiting:
            waiting -= 1
            best = best if waiting else min(best, filled_split(rooms, kept, lost), key=_value)
        elif step - last > _PATIENCE and not np.isfinite(best.value):
            break  # these entries have no room for all
        elif step - last > _PATIENCE:
            split, last = begun_split(rooms, np.isin(np.arange(len(rooms.room)), kept[0]), lost), step
            free[:] = 0
    return min(best, filled_split(rooms, kept, lost), key=_value) if waiting else best


def trade_sites(rooms: Rooms, opened: Flags, still: Flags, *, deadline: Deadline, seed: int) -> tuple[Flags, float]:
    """Return the open sites that cost least, rows shared, of those met by exchanges, and what they cost."""
    rng, lost = np.random.default_rng(seed), finite_lost(rooms)
    split, best = begun_split(rooms, opened, lost), opened
    free, step, last, least = np.zeros(len(rooms.room), dtype=np.int64), 0, 0, split.total
    while deadline.left() > 0.0:
        step += 1
        if not _stepped(rooms, split, still, free, step, least, rng):
            break
        if split.total < least * (1 - _HAIR):
            least, last, best = split.total, step, np.isin(np.arange(len(rooms.room)), split.site)
        elif step - last > _PATIENCE:
            split, last = begun_split(rooms, best, lost), step
            free[:] = 0
    return best, least


def trade_many(rooms: Rooms, opened: Flags, still: Flags, *, deadline: Deadline, seed: int) -> Choice:
    """Return these sites filled with whole rows, at the end alone: among hundreds of sites one filling takes long."""
    best, _ = trade_sites(rooms, opened, still, deadline=deadline, seed=seed)
    lost = finite_lost(rooms)
    return filled_split(rooms, begun_split(rooms, best, lost).kept(), lost)


def _stepped(
    rooms: Rooms, split: Split, still: Flags, free: Ints, step: int, least: float, rng: np.random.Generator
) -> bool:
    """Carry out the best of some exchanges that are drawn, and let its sites rest; return whether there were any."""
    pairs, low = _drawn(rooms, split, still, free > step, least, rng)
    if not len(pairs):
        return False
    before, enough = split.site, _WORST * split.total
    pick = best_exchange(split.told, split.flow, split.ways, split.past, pairs, low, enough)
    if pick >= 0:
        free[[before[pairs[pick, 0]], pairs[pick, 1]]] = step + _REST + rng.integers(0, _MORE_REST, 2)
    return True


def begun_split(rooms: Rooms, opened: Flags, lost: Floats) -> Split:
    """Return the solved transport problem of some open sites."""
    split = split_of(rooms, opened, lost)
    begin_split(split.told, split.flow, split.ways, split.past)
    return split


def _value(choice: Choice) -> float:
    return choice.value


def filled_split(rooms: Rooms, kept: Kept, lost: Floats) -> Choice:
    """Return sites filled with whole rows, each where most of it goes at first."""
    site, who, price = kept
    return fill_whole(rooms, site, who, price, lost)


def split_of(rooms: Rooms, opened: Flags, lost: Floats) -> Split:
    """Return the transport problem of some open sites, nobody among them, before anything is sent."""
    ways, n, m = rooms.question.ways, len(rooms.load), len(rooms.room)
    fits = rooms.load[row_of(ways)] <= rooms.room[ways.site]
    ways, paid = keep(ways, fits), rooms.paid[fits]
    ptr = ways.ptr + np.arange(n + 1)
    site, cost = np.insert(ways.site.astype(np.int64), ways.ptr[1:], m), np.insert(paid, ways.ptr[1:], lost)
    load = np.maximum(rooms.load, _LEAST_LOAD * max(float(rooms.load.mean()), _LEAST_LOAD))
    room, sptr = np.r_[rooms.room, 2.0 * load.sum()], np.r_[0, np.cumsum(np.bincount(site, minlength=m + 1))]
    told = (ptr, site, cost, np.repeat(np.arange(n), np.diff(ptr)), load, sptr, np.argsort(site, kind="stable"), room)
    of, size = np.r_[np.flatnonzero(opened), m], len(site)
    width, col = len(of), np.full(m + 1, -1, dtype=np.int64)
    col[of] = np.arange(width)
    none, many = np.zeros(width, dtype=np.int64), 4 * n + _MOVES * width
    square = np.zeros((width, width), dtype=np.int64)
    place, serve, count = np.full(size, -1, dtype=np.int64), np.zeros(size, dtype=np.int64), np.zeros(m + 1, np.int64)
    return Split(
        told=told,
        flow=(np.zeros(size), serve, place, count, col, of, room[of], *_seats(told, col)),
        ways=(np.full((width, width), np.inf), square, square.copy(), square.copy(), none, np.zeros(width),
              none.copy(), np.zeros(width, dtype=np.bool_)),
        past=(np.zeros(many, dtype=np.int64), np.zeros(many, dtype=np.int64), np.zeros(many), np.zeros(2)),
    )  # fmt: skip


def _seats(told: tuple[Floats | Ints, ...], col: Ints) -> tuple[Ints, Ints, Ints, Floats]:
    """Return the entries of each row at open sites, how many, their columns, and their costs."""
    ptr, site, cost, row = told[0], told[1].astype(np.int64), told[2], told[3].astype(np.int64)
    opened = np.flatnonzero(col[site] >= 0)
    place = ptr[row[opened]].astype(np.int64) + np.arange(len(opened)) - np.searchsorted(row[opened], row[opened])
    seat, at_col, at_cost = np.zeros(len(site), np.int64), np.zeros(len(site), np.int64), np.zeros(len(site))
    seat[place], at_col[place], at_cost[place] = opened, col[site[opened]], cost[opened]
    return seat, np.bincount(row[opened], minlength=len(ptr) - 1).astype(np.int64), at_col, at_cost


def _drawn(
    rooms: Rooms, split: Split, still: Flags, moved: Flags, least: float, rng: np.random.Generator
) -> tuple[Ints, Floats]:
    """Return column and site of exchanges drawn from the likeliest and the totals the prices allow them, ascending."""
    site, n, m = split.site, len(rooms.load), len(rooms.room)
    closing, extra, own = np.zeros(len(site) + 1), np.zeros((m + 1, len(site) + 1)), np.zeros(n)
    weigh_columns(split.told, split.flow, split.ways, closing, extra, own)
    worth, share = np.zeros(m), np.zeros(len(rooms.row))
    price_sites(rooms.ptr, rooms.row, rooms.cost, rooms.load, rooms.room, own, rooms.fits, False, worth, share)
    new = np.flatnonzero((split.flow[4][:m] < 0) & ~still)
    low = own.sum() - split.prices @ rooms.room[site] + closing[None, :-1] + worth[new, None] - extra[new, :-1]
    low[:, still[site]] = np.inf
    low[(moved[site][None] | moved[new][:, None]) & (low >= least)] = np.inf
    likely = np.flatnonzero(np.isfinite(low.ravel()))
    if len(likely) > _POOL:
        likely = likely[np.argpartition(low.ravel()[likely], _POOL)[:_POOL]]
    drawn = np.sort(rng.permutation(likely)[:_TRIED])
    drawn = drawn[np.argsort(low.ravel()[drawn], kind="stable")]
    return np.asarray(np.c_[drawn % len(site), new[drawn // len(site)]], dtype=np.int64), low.ravel()[drawn]
