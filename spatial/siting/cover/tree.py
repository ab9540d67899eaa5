"""What does branching prove about a cover programme whose inequalities are at hand?

Branch and bound over sites and balls of them, the part of least bound first. A part is the same programme with some
sites open or shut, and some site of a ball open or all of them shut; its prices go on from those of the part that it
was split from, some hundred steps, which take a third of the time of the simplex method and prove most of what it does.
What to split on is foreseen by what splits have gained (``gains.py``) and, where eight halves take little longer than
one, by trials.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from spatial.siting.cover.gains import Gains, start_gains
from spatial.siting.cover.lanes import LANES, Lane, Lanes, make_lanes, near_lanes
from spatial.siting.cover.programme import Ends, Posed
from spatial.siting.cover.steps import BALANCE, Pace, near_prices
from spatial.siting.ways import Deadline, Flags, Floats, Ints

_LOOKS, _FIRST_LOOKS = 4, 20
"""Looks at the bound while the prices of a part, and of the whole, are brought down; twice as many, up to those of the
whole, for what is split from a part that they gained nothing."""
_FAINT, _LEAST_OF_BALL = 0.01, 0.25
"""Sites open by at most this share, or to one, are split on only where all are; balls never are."""
_LISTED, _TRIED, _TRIAL = 12, 2, 1
"""Places of a part to choose from, those of them that are tried where parts are priced in lanes, looks of a trial."""
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

    def split_on(self, posed: Posed, place: int, value: float) -> Ends:
        """Return the ends with a site open or shut; with some site of a ball open, or with all of them shut."""
        low, high = self.ends[0].copy(), self.ends[1].copy()
        low[place] = high[place] = value
        if place >= posed.sites and value < 0.5:
            high[posed.members(place - posed.sites)] = 0.0
        return low, high


@dataclass(frozen=True, slots=True)
class _Half:
    """A part to be priced: its ends, the part that it was split from, and on which place to which end."""

    ends: Ends
    start: _Part
    place: int
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
    lanes, heap, made = make_lanes(posed), [(root.bound, 0, root)], 1
    gains, most = start_gains(posed.sites, posed.places, max(ask.goal(value) - root.bound, 0.0)), LANES if lanes else 2
    while heap and heap[0][0] <= ask.goal(value) and deadline.left() > 0.0 and ask.watch(value, heap[0][0]):
        goal = ask.goal(value)
        parts = [heapq.heappop(heap)[2] for _ in range(min(most // 2, len(heap))) if heap[0][0] <= goal]
        for one in _priced(posed, lanes, parts, gains, goal, deadline):
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


def _priced(
    posed: Posed, lanes: Lanes | None, parts: list[_Part], gains: Gains, goal: float, deadline: Deadline
) -> list[_Part]:
    """Return the halves of parts priced, one after the other or all at once; as often as the first one asks for."""
    places = _chosen(posed, lanes, parts, gains, goal, deadline)
    halves = [half for part, place in zip(parts, places, strict=True) for half in _halves(posed, part, place)]
    if lanes is None:
        priced = [_price(posed, half, goal, half.start.looks, deadline) for half in halves]
    elif halves:
        looks, balance = halves[0].start.looks, halves[0].start.balance
        reached = near_lanes(lanes, _lined(halves), goal, looks, balance, deadline)
        priced = [_part(posed, half, *at, goal, looks) for half, at in zip(halves, reached, strict=True)]
    else:
        return []
    for half, one in zip(halves, priced, strict=True):
        gains.note(half.place, half.side, _away(posed, half), min(one.bound, goal) - half.start.bound)
    return priced


def _chosen(
    posed: Posed, lanes: Lanes | None, parts: list[_Part], gains: Gains, goal: float, deadline: Deadline
) -> list[Ints]:
    """Return for each part the place that is expected to gain most, if any is free.

    Where parts are priced in lanes, some places of which little is known are tried, and the others not chosen.
    """
    listed = [_places(posed, part, gains) for part in parts]
    if lanes is None:
        return [places[:1] for places, _ in listed]
    halves: list[_Half] = []
    for part, (places, expected) in zip(parts, listed, strict=True):
        unknown = np.flatnonzero(~gains.known(places))
        expected[unknown] = 0.0
        halves += _halves(posed, part, places[unknown[:_TRIED]])
    rises = _tried(posed, lanes, halves, goal, deadline)
    score: dict[tuple[int, int], float] = {}
    for half, rise in zip(halves, rises, strict=True):
        gains.note(half.place, half.side, _away(posed, half), rise)
        key = id(half.start), half.place
        score[key] = score.get(key, 1.0) * max(rise, gains.least)
    best: list[Ints] = []
    for part, (places, expected) in zip(parts, listed, strict=True):
        worth = [score.get((id(part), int(place)), one) for place, one in zip(places, expected, strict=True)]
        best.append(places[np.argmax(worth)][None] if len(places) else places)
    return best


def _tried(posed: Posed, lanes: Lanes, halves: list[_Half], goal: float, deadline: Deadline) -> list[float]:
    """Return by how much a few steps bring each half above the part that it was split from."""
    rises: list[float] = []
    for first in range(0, len(halves), LANES):
        some = halves[first : first + LANES]
        reached = near_lanes(lanes, _lined(some), goal, _TRIAL, some[0].start.balance, deadline)
        bounds = [posed.proves(price, half.ends)[0] for half, (_, price) in zip(some, reached, strict=True)]
        rises += [max(min(bound, goal) - half.start.bound, 0.0) for half, bound in zip(some, bounds, strict=True)]
    return rises


def _lined(halves: list[_Half]) -> list[Lane]:
    return [Lane(half.ends, half.start.point, half.start.price) for half in halves]


def _halves(posed: Posed, part: _Part, places: Ints) -> list[_Half]:
    """Return the halves of a part on some places, shut and open; those that open too many sites are left out."""
    counted = posed.sides.counted
    both = [
        _Half(part.split_on(posed, int(place), float(side)), part, int(place), side)
        for place in places
        for side in (0, 1)
    ]
    return [half for half in both if int((half.ends[0][: posed.sites] > 0.5)[counted].sum()) <= posed.sides.most]


def _away(posed: Posed, half: _Half) -> float:
    """Return how far the place of a half is from the end to which it is split."""
    return float(abs(half.side - posed.shares(half.start.point)[half.place]))


def _price(posed: Posed, half: _Half, goal: float, looks: int, deadline: Deadline) -> _Part:
    """Return the part with such ends, priced from where another one ended."""
    start, programme, asked = half.start, posed.within(half.ends), posed.prices_of(posed.held(half.ends))
    assert programme.low is not None
    assert programme.high is not None
    begin = np.clip(start.point, programme.low, programme.high), start.price[asked]
    paid = np.zeros(len(start.price))

    def falls(price: Floats) -> float:
        paid[asked] = price
        return -posed.proves(paid, half.ends)[0]

    pace = Pace(looks, looks, -goal, start.balance)
    point, paid[asked], _ = near_prices(programme, begin, falls, enough=0.0, deadline=deadline, pace=pace)
    return _part(posed, half, point, paid, goal, looks)


def _part(posed: Posed, half: _Half, point: Floats, price: Floats, goal: float, looks: int) -> _Part:
    """Return the part with a point and prices, without the sites that these rule out.

    Its bound is infinite where nothing in it stays at or below the goal.
    """
    ends, start = half.ends, half.start
    bound, shut, opened = posed.proves(price, ends)
    low, high = ends[0].copy(), ends[1].copy()
    sure, may = low[: posed.sites], high[: posed.sites]
    always, never = (shut > goal) & (may > 0.5), (opened > goal) & (sure < 0.5)
    sure[always], may[never] = 1.0, 0.0
    empty = (sure > may).any() or int((sure > 0.5)[posed.sides.counted].sum()) > posed.sides.most
    held = posed.held(ends)
    empty = empty or (len(held) > 0 and bool((posed.balls[held] @ may < 0.5).any()))
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


def _places(posed: Posed, part: _Part, gains: Gains) -> tuple[Ints, Floats]:
    """Return free places that are expected to gain most, best first, and what: half open balls, and sites."""
    share, free = posed.shares(part.point), part.ends[1] > part.ends[0]
    apart = np.minimum(share, 1.0 - share)
    within = np.flatnonzero(free & (apart > np.where(np.arange(posed.places) < posed.sites, _FAINT, _LEAST_OF_BALL)))
    if not len(within):
        sites = np.flatnonzero(free[: posed.sites])
        return sites[np.argsort(-apart[sites], kind="stable")[:1]], np.ones(min(len(sites), 1))
    expected = gains.expected(within, share[within])
    order = np.argsort(-expected, kind="stable")[:_LISTED]
    return within[order], expected[order]


def _rounded(posed: Posed, part: _Part) -> Flags:
    """Return the widest open sites of a part, as many as may be open."""
    low, high = (end[: posed.sites] for end in part.ends)
    flags = low > 0.5
    counted = posed.sides.counted
    share = np.where((high > 0.5) & ~flags & counted, part.point[: posed.sites], 0.0)
    room = max(posed.sides.most - int((flags & counted).sum()), 0)
    widest = np.argsort(-share, kind="stable")[:room]
    flags[widest[share[widest] > 0.0]] = True
    flags[~counted & (part.point[: posed.sites] > 0.5) & (high > 0.5)] = True
    return flags
