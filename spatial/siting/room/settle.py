"""Which rows should go to which of some open sites with limited room, where next to nothing is left to gain?

Prices of room, from the transport problem in which rows may be shared, tell what each row loses anywhere but at its
best site. The few entries that lose least make a small mixed-integer model (the core of a generalised assignment
problem): with it rows of many sites change places at once, which moves of one or two rows do not find.
"""

from dataclasses import replace

import numpy as np

from spatial.siting.mip import Mip, Rows, solve_mip
from spatial.siting.room.rooms import Choice, Rooms, value_of_choice
from spatial.siting.room.swap import finite_lost
from spatial.siting.room.trade import begun_split
from spatial.siting.ways import Deadline, Ints

_MORE = 300
"""Entries of the model beside one for each row."""


def settle_rows(rooms: Rooms, best: Choice, *, deadline: Deadline) -> Choice:
    """Return a choice with the same open sites whose rows go where a small model says; itself if that is no better."""
    if deadline.left() <= 0.0 or not np.isfinite(best.value):
        return best
    core = _core(rooms, best)
    moves = _moving(rooms, core)
    if not len(moves):
        return best
    now = best.served[rooms.row[moves]] == rooms.site[moves]
    found = solve_mip(_model(rooms, best, moves), start=now.astype(float), time_limit_s=deadline.left())
    return best if found.x is None else _with(rooms, best, moves[found.x > 0.5])


def _core(rooms: Rooms, best: Choice) -> Ints:
    """Return the entries of rows that are served which lose least at the prices of room, and those that serve now."""
    split = begun_split(rooms, best.opened, finite_lost(rooms))
    price = np.zeros(len(rooms.room))
    price[split.site] = split.prices
    ways = np.flatnonzero(best.opened[rooms.site] & rooms.fits & (best.served[rooms.row] >= 0))
    row, site = rooms.row[ways], rooms.site[ways]
    asked = rooms.cost[ways] + rooms.load[row] * price[site]
    least = np.full(len(rooms.load), np.inf)
    np.minimum.at(least, row, asked)
    order = np.argsort(asked - least[row], kind="stable")
    near = np.zeros(len(ways), dtype=bool)
    near[order[: len(np.unique(row)) + _MORE]] = True
    return np.asarray(ways[near | (best.served[row] == site)])


def _moving(rooms: Rooms, core: Ints) -> Ints:
    """Return the entries of rows that have more than one of them."""
    return np.asarray(core[np.bincount(rooms.row[core], minlength=len(rooms.load))[rooms.row[core]] > 1])


def _model(rooms: Rooms, best: Choice, moves: Ints) -> Mip:
    """Return the model that sends each row once and leaves room for the rows that do not move."""
    site, (rows, who) = rooms.site[moves], np.unique(rooms.row[moves], return_inverse=True)
    every, count = np.arange(len(moves)), len(moves)
    stays = best.served >= 0
    stays[rows] = False
    left = rooms.room - np.bincount(best.served[stays], rooms.load[stays], len(rooms.room))
    sites, place = np.unique(site, return_inverse=True)
    one = np.ones(len(rows))
    full = Rows(place, every, rooms.load[rooms.row[moves]], np.full(len(sites), -np.inf), left[sites])
    once = Rows(who, every, np.ones(count), one, one)
    return Mip(rooms.cost[moves], 0.0, np.zeros(count), np.ones(count), np.ones(count, dtype=bool), (once, full))


def _with(rooms: Rooms, best: Choice, chosen: Ints) -> Choice:
    """Return the choice with some rows sent elsewhere, if each is sent once, none is too full, and it is better."""
    served = best.served.copy()
    served[rooms.row[chosen]] = rooms.site[chosen]
    some = served >= 0
    load = np.bincount(served[some], rooms.load[some], len(rooms.room))
    other = replace(best, served=served, value=value_of_choice(rooms, best.opened, served))
    return other if (load <= rooms.room).all() and other.value < best.value else best
