"""What is a question with limited room, listed by row and by site, and which choice does a quick search find for it?"""

from dataclasses import dataclass

import numpy as np

from spatial.siting.plain import most_sites
from spatial.siting.question import Question
from spatial.siting.room.assign import improve_rooms
from spatial.siting.ways import Deadline, Flags, Floats, Ints, by_site, row_of

MOST_ROWS = 2000
"""Of more rows than these exact models take too long, and more rounds of prices are worth it."""
_MOST_ROOM = 4000
"""Above so much room knapsacks are filled by parts of rows: there that is about the same, and much quicker."""
_SLICE, _MOST_SLICE, _SLICE_ENTRIES = 16, 256, 5_000_000
"""Tries from one look at the clock to the next, at least and at most, and entries of so many tries between."""
_SLACK = 2e-4
_SURE = 4.0
"""What a row that must be served is lost for in the search, as a multiple of the dearest row."""


@dataclass(frozen=True, slots=True)
class Rooms:
    """A question with limited room, by site: entries, loads and rooms, what a site and a row that nobody serves cost.

    ``place`` says where each entry stands in the question's ways, ``paid`` holds what those cost; ``whole`` tells
    whether loads and rooms are whole and small, ``most`` how many sites may open beside the fixed ones.
    """

    question: Question
    ptr: Ints
    row: Ints
    cost: Floats
    place: Ints
    paid: Floats
    load: Floats
    room: Floats
    charge: Floats
    lost: Floats
    whole: bool
    most: int

    @property
    def site(self) -> Ints:
        """The site of each entry."""
        return np.repeat(np.arange(len(self.room)), np.diff(self.ptr))

    @property
    def fits(self) -> Flags:
        """The entries whose site has room for their row, or for a part of it where rows may be shared."""
        return np.asarray((self.load[self.row] <= self.room[self.site]) | self.question.split)


@dataclass(frozen=True, slots=True)
class Choice:
    """Open sites, who serves each row (-1: nobody), and what that comes to; infinite where not all can be served."""

    opened: Flags
    served: Ints
    value: float


def list_rooms(question: Question, *, charge: Floats | None = None) -> Rooms:
    """Return the question by site; with a charge for each new site rows cost nothing, and all have to be served."""
    ways, m, n = question.ways, len(question.fixed), question.rows
    ptr, rows, _ = by_site(ways)
    place = np.lexsort((row_of(ways), ways.site))
    paid = ways.cost * question.weight[row_of(ways)] if charge is None else np.zeros(len(ways.cost))
    # A row without weight has to be served as well: infinity times nothing is no number.
    must = charge is not None or bool(np.isinf(question.missing))
    room = np.minimum(question.capacity, question.load.sum())
    loads_whole = bool((question.load == np.round(question.load)).all())
    room = np.floor(room + 1e-9) if loads_whole and not question.split else room * (1 + 1e-9)
    return Rooms(
        question=question,
        ptr=ptr,
        row=rows.astype(np.int64),
        cost=paid[place],
        place=place,
        paid=paid,
        load=question.load.astype(np.float64),
        room=room.astype(np.float64),
        charge=np.zeros(m) if charge is None else charge,
        lost=np.full(n, np.inf) if must else question.weight * question.missing,
        whole=loads_whole and not question.split and float(room.max(initial=0.0)) <= _MOST_ROOM,
        most=most_sites(question),
    )


def search_rooms(
    rooms: Rooms,
    opened: Flags,
    still: Flags,
    *,
    tries: int,
    seed: int,
    deadline: Deadline,
    served: Ints | None = None,
    slack: float = _SLACK,
) -> Choice:
    """Return the best choice that so many tries lead to from some open sites; the ``still`` ones do not move."""
    question, ways = rooms.question, rooms.question.ways
    now = opened.copy()
    who = np.full(question.rows, -2, dtype=np.int64) if served is None else served.copy()
    dear = float(rooms.paid.max(initial=0.0)) + 1.0
    light = max(float(rooms.load.mean()), 1e-9) if question.rows else 1.0
    lost = np.where(np.isfinite(rooms.lost), rooms.lost, _SURE * dear * (1.0 + rooms.load / light))
    state = np.array([seed * 7919 + 12345], dtype=np.uint64)
    told = (ways.ptr, ways.site, rooms.paid, rooms.ptr, rooms.row, rooms.cost, rooms.load, rooms.room, lost)
    each = _SLICE if question.rows <= MOST_ROWS else _tries_at_once(rooms)
    for done in range(0, max(tries, 1), each):
        improve_rooms(*told, now, ~still, who, min(each, tries - done), slack, state)
        if deadline.left() <= 0.0:
            break
    return Choice(now, who, value_of_choice(rooms, now, who))


def _tries_at_once(rooms: Rooms) -> int:
    """Return the tries between two looks at the clock: the longer the way from the start, the more are found."""
    return int(np.clip(_SLICE_ENTRIES // max(len(rooms.row), 1), _SLICE, _MOST_SLICE))


def value_of_choice(rooms: Rooms, opened: Flags, served: Ints) -> float:
    """Return what a choice comes to, infinite where a row that must be served is not."""
    entry = served[row_of(rooms.question.ways)] == rooms.question.ways.site
    alone = served < 0
    total = float(rooms.paid[entry].sum()) + float(rooms.charge[opened].sum())
    return total + (float(rooms.lost[alone].sum()) if alone.any() else 0.0)


def has_more_conditions(question: Question) -> bool:
    """Tell whether more than the number of sites and their room limits the choice."""
    return bool(np.isfinite(question.budget) or len(question.apart) or question.rules or question.need > 1)
