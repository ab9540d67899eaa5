"""What does branching prove about a cover programme whose inequalities are at hand?

Branch and bound over sites, the part of least bound first. A part is the same programme with some sites open or shut;
its prices go on from those of the part that it was split from, some hundred steps, which take a third of the time of
the simplex method and prove most of what it does. The site to split on is foreseen by what splits on it have gained
(Achterberg, Koch and Martin, "Branching rules revisited", 2005).
"""

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from spatial.siting.cover.lanes import LANES, Lane, Lanes, make_lanes, near_lanes
from spatial.siting.cover.programme import Ends, Posed
from spatial.siting.cover.steps import BALANCE, Pace, near_prices
from spatial.siting.ways import Deadline, Flags, Floats

_LOOKS, _FIRST_LOOKS = 4, 20
"""Looks at the bound while the prices of a part, and of the whole, are brought down; twice as many, up to those of the
whole, for what is split from a part that they gained nothing."""
_FAINT = 0.01
"""Sites open by at most this share, or to one, are split on only where all are."""
_EXPECTED, _PRIOR = 0.5, 0.02
"""How many splits the gain expected of any site counts as, and that gain before there are any, as a share of what the
bound may rise."""
_LEAST_GAIN = 1e-3
_SEARCH_EVERY = 5
"""Parts from one search near their shares to the next."""

Begin = tuple[Floats, Floats]
"""Point and prices to begin with."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What branching asks back: the total that anything better stays at or below, told the best; what a set of sites
    leaves uncovered (infinite if it breaks a condition); whether to go on, told best and bound; and, if given, what a
    search finds near shares of sites, now and then. ``balance`` is how fast prices of a part go to begin with."""

    goal: Callable[[float], float]
    cost_of: Callable[[Flags], float]
    watch: Callable[[float, float], bool]
    search: Callable[[Floats], Flags] | None = None
    balance: float = BALANCE


@dataclass(frozen=True, slots=True)
class Grown:
    """The best sites, what they leave uncovered, what any leave at least, and the number of parts."""

    opened: Flags
    value: float
    bound: float
    parts: int


@dataclass(frozen=True, slots=True)
class _Part:
    """Ends of the sites, the bound, and the point and prices where steps ended."""

    ends: Ends
    bound: float
    point: Floats
    price: Floats
    looks: int = _LOOKS
    balance: float = BALANCE

    def split_on(self, site: int, value: float) -> Ends:
        """Return the ends with a site open or shut."""
        low, high = self.ends[0].copy(), self.ends[1].copy()
        low[site] = high[site] = value
        return low, high


@dataclass(frozen=True, slots=True)
class _Half:
    """A part to be priced: its ends, the part that it was split from, and on which site to which end."""

    ends: Ends
    start: _Part
    site: int
    side: int


def grow_tree(
    posed: Posed, ends: Ends, begin: Begin, opened: Flags, value: float, ask: Ask, deadline: Deadline
) -> Grown:
    """Return the best sites and a bound, as far as the deadline allows, from the best ``opened`` known.

    Where no site is counted, the four parts of least bound are split at once, and all halves are priced together.
    """
    start = _Part(ends, -np.inf, *begin, balance=ask.balance)
    root = _price(posed, _Half(ends, start, -1, 0), ask.goal(value), _FIRST_LOOKS, deadline)
    opened, value = _better(posed, root, opened, value, ask)
    room, lanes = max(ask.goal(value) - root.bound, 0.0), make_lanes(posed)
    most = LANES if lanes else 2
    gains, heap, made = np.zeros((2, 2, posed.sites)), [(root.bound, 0, root)], 1
    while heap and heap[0][0] <= ask.goal(value) and deadline.left() > 0.0 and ask.watch(value, heap[0][0]):
        goal = ask.goal(value)
        halves: list[_Half] = []
        while heap and heap[0][0] <= goal and len(halves) + 2 <= most:
            part = heapq.heappop(heap)[2]
            halves += _halves(posed, part, gains, room)
        for half, one in zip(halves, _priced(posed, lanes, halves, goal, deadline), strict=True):
            away = abs(half.side - half.start.point[half.site])
            gains[half.side, :, half.site] += min(one.bound, goal) - half.start.bound, away
            made += 1
            if one.bound > ask.goal(value):
                continue
            opened, value = _better(posed, one, opened, value, ask)
            if ask.search is not None and made % _SEARCH_EVERY == 0:
                tried = ask.search(one.point[: posed.sites])
                reached = ask.cost_of(tried)
                opened, value = (tried, reached) if reached < value else (opened, value)
            heapq.heappush(heap, (one.bound, made, one))
    bound = heap[0][0] if heap else np.inf
    return Grown(opened, value, value if bound > ask.goal(value) else bound, made)


def _halves(posed: Posed, part: _Part, gains: Floats, room: float) -> list[_Half]:
    """Return the halves of a part, with a site shut and with it open; none if no site is free."""
    site, counted = _site(posed, part, gains, room), posed.sides.counted
    both = [_Half(part.split_on(site, float(side)), part, site, side) for side in (0, 1) if site >= 0]
    return [half for half in both if int((half.ends[0] > 0.5)[counted].sum()) <= posed.sides.most]


def _priced(posed: Posed, lanes: Lanes | None, halves: list[_Half], goal: float, deadline: Deadline) -> Iterator[_Part]:
    """Yield the halves priced, one after the other or all at once; as often as the first one asks to be looked at."""
    if lanes is None:
        yield from (_price(posed, half, goal, half.start.looks, deadline) for half in halves)
    elif halves:
        looks, balance = halves[0].start.looks, halves[0].start.balance
        parts = [Lane(half.ends, half.start.point, half.start.price) for half in halves]
        reached = near_lanes(lanes, parts, goal, looks, balance, deadline)
        yield from (_part(posed, half, *at, goal, looks) for half, at in zip(halves, reached, strict=True))


def _price(posed: Posed, half: _Half, goal: float, looks: int, deadline: Deadline) -> _Part:
    """Return the part with such ends, priced from where another one ended."""
    start, programme = half.start, posed.within(half.ends)
    assert programme.low is not None
    assert programme.high is not None
    begin = np.clip(start.point, programme.low, programme.high), start.price
    pace = Pace(looks, looks, -goal, start.balance)
    point, price, _ = near_prices(programme, begin, posed.falls(half.ends), enough=0.0, deadline=deadline, pace=pace)
    return _part(posed, half, point, price, goal, looks)


def _part(posed: Posed, half: _Half, point: Floats, price: Floats, goal: float, looks: int) -> _Part:
    """Return the part with a point and prices, without the sites that these rule out.

    Its bound is infinite where nothing in it stays at or below the goal.
    """
    ends, start = half.ends, half.start
    bound, shut, opened = posed.proves(price, ends)
    always, never = (shut > goal) & (ends[1] > 0.5), (opened > goal) & (ends[0] < 0.5)
    low, high = np.where(always, 1.0, ends[0]), np.where(never, 0.0, ends[1])
    empty = (low > high).any() or int((low > 0.5)[posed.sides.counted].sum()) > posed.sides.most
    bound = np.inf if empty or bound > goal else max(bound, start.bound)
    more = min(2 * looks, _FIRST_LOOKS) if bound <= start.bound else _LOOKS
    return _Part((low, high), bound, point, price, more, start.balance)


def _better(posed: Posed, part: _Part, opened: Flags, value: float, ask: Ask) -> tuple[Flags, float]:
    """Return the better of the best sites and those that a part has widest open: all there are if none is free."""
    if part.bound == np.inf:
        return opened, value
    tried = _rounded(posed, part)
    reached = ask.cost_of(tried)
    return (tried, reached) if reached < value else (opened, value)


def _site(posed: Posed, part: _Part, gains: Floats, missing: float) -> int:
    """Return the free site whose two ends are expected to gain most, by their product; -1 if none is free."""
    low, high = part.ends
    free = np.flatnonzero(high > low)
    if not len(free):
        return -1
    share = part.point[free]
    within = (share > _FAINT) & (share < 1.0 - _FAINT)
    if not within.any():
        return int(free[np.argmax(np.minimum(share, 1.0 - share))])
    free, share = free[within], share[within]
    product = np.ones(len(free))
    for side, away in ((0, share), (1, 1.0 - share)):
        gained, moved = gains[side, 0], gains[side, 1]
        usual = gained.sum() / moved.sum() if moved.sum() > 0.0 else _PRIOR * missing
        expected = (gained[free] + _EXPECTED * usual) / (moved[free] + _EXPECTED)
        product *= np.maximum(expected * away, _LEAST_GAIN * missing)
    return int(free[np.argmax(product)])


def _rounded(posed: Posed, part: _Part) -> Flags:
    """Return the widest open sites of a part, as many as may be open."""
    low, high = part.ends
    flags = low > 0.5
    counted = posed.sides.counted
    share = np.where((high > 0.5) & ~flags & counted, part.point[: posed.sites], 0.0)
    room = max(posed.sides.most - int((flags & counted).sum()), 0)
    widest = np.argsort(-share, kind="stable")[:room]
    flags[widest[share[widest] > 0.0]] = True
    flags[~counted & (part.point[: posed.sites] > 0.5) & (high > 0.5)] = True
    return flags
