"""Which entries can matter while prices stay near what they are? The others only make rounds and searches longer."""

from dataclasses import dataclass, replace

import numpy as np

from spatial.siting.room.rooms import Rooms
from spatial.siting.ways import Flags, Floats, Ints, keep, row_of

_OF_MEAN = 0.5
"""Share of the mean price up to which no entry is left out, whatever the price of its row."""
_LEAST = 8
"""Entries of a row that are never left out."""


@dataclass(frozen=True, slots=True)
class Near:
    """Nearer entries of a question, which of all they are, and the price of each row up to which no other matters."""

    rooms: Rooms
    inside: Flags
    top: Floats


def list_near(rooms: Rooms, prices: Floats, served: Ints, farther: float) -> Near:
    """Return the entries that cost less than so many times a row's price, the cheapest ones, and who serves it now.

    A site never gains from a row that costs as much as its price or more; so as long as no price is above ``top`` what
    sites are worth is the same with these entries as with all. What a row is lost for is part of ``top``.
    """
    ways, n = rooms.question.ways, rooms.question.rows
    row, size = row_of(ways), np.diff(ways.ptr)
    place = np.minimum(ways.ptr[:-1] + _LEAST, ways.ptr[1:]) - 1
    some = rooms.paid[place[size > 0]]
    least = np.zeros(n)
    least[size > 0] = np.where(size[size > 0] > _LEAST, some, np.inf)
    mean = float(prices.mean()) if n else 0.0
    top = np.minimum(np.maximum(np.maximum(farther * prices, least), _OF_MEAN * mean), rooms.lost)
    near = (rooms.paid < top[row]) | (np.arange(len(row)) - ways.ptr[row] < _LEAST) | (ways.site == served[row])
    if mean <= 0.0 or near.all():
        return list_all(rooms)
    inside = near[rooms.place]
    return Near(narrowed(rooms, inside), inside, top)


def narrowed(rooms: Rooms, inside: Flags) -> Rooms:
    """Return the question with some entries alone, flagged in the order of its sites."""
    near = np.zeros(len(inside), dtype=bool)
    near[rooms.place[inside]] = True
    before, number = np.r_[0, np.cumsum(inside)], np.cumsum(near) - 1
    return replace(
        rooms,
        question=replace(rooms.question, ways=keep(rooms.question.ways, near)),
        ptr=before[rooms.ptr],
        row=rooms.row[inside],
        cost=rooms.cost[inside],
        place=number[rooms.place[inside]],
        paid=rooms.paid[near],
    )


def list_all(rooms: Rooms) -> Near:
    """Return all entries as near ones."""
    return Near(rooms, np.ones(len(rooms.row), dtype=bool), rooms.lost)
