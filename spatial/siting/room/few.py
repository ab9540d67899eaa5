"""Can sites that cost no more than so much keep all inequalities about room? Branch and cut over the sites.

One half of a part after the other, the one that costs more first: that it can be no better is shown soonest, or it
leads to sites that have room. Every part gets the inequalities that its answers break, which hold for all others; sites
that prices rule out are fixed. The site to split on is foreseen by what splits on it have gained, and tried by a few
steps of the simplex method until enough is known of it (Achterberg, Koch and Martin, "Branching rules revisited",
2005). Steps are counted, so that only the end depends on the clock.

There are two lanes with a solver each, which look at a few parts apart, round after round, and then tell each other
what they learnt: what they find is the same whether one thread does both or a second one helps.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import highspy
import numpy as np
from scipy import sparse

from spatial.siting.room.hulls import broken_windows
from spatial.siting.room.relaxed import (
    Ends,
    Relaxed,
    Told,
    begin_near,
    copy_relaxed,
    join_relaxed,
    run_steps,
    set_basis,
    set_ends,
    settle_relaxed,
    shed_relaxed,
)
from spatial.siting.room.rows import broken_rooms, flow_of
from spatial.siting.room.sites import Master, join_terms
from spatial.siting.ways import Deadline, Floats, Ints

_ROUNDS, _GAIN = 8, 0.02
"""Rounds of inequalities for a part at most, as long as each gains this much of a site."""
_TRIED, _LOOKS, _STEPS = 8, 1, 80
"""Sites tried for a part at most, how often each is tried, and steps of the simplex method for that."""
_PRIOR, _LEAST = 0.1, 1e-4
"""What a split is expected to gain before there were any, and the least."""
_HALF_KNOWN = 0.5
"""How many splits what is expected of any site counts as."""
_NEAR, _LOOSE, _MORE_ROWS = 0.02, 0.02, 250
"""What is kept with no more than the first to spare is held from the start; with so many more inequalities, those with
more than the other to spare wait aside."""
_SETTLED = 0.2
"""A part with nothing in it comes to this much more than is asked for, as far as gains are counted."""
_ROUND = 4
"""Parts that a lane looks at in a round."""
_HAIR = 1e-6
_OPTIMAL = highspy.HighsModelStatus.kOptimal


@dataclass(frozen=True, slots=True)
class Few:
    """Open sites that keep all inequalities about room, if met; whether there are none; the model with what was met."""

    opened: Floats | None
    none: bool
    master: Master
    parts: int


@dataclass(frozen=True, slots=True)
class _Part:
    """Ends of the sites, and how it was made: the site and its end, how far that was away, and the bound before."""

    ends: Ends
    site: int
    side: int
    away: float
    bound: float


@dataclass(frozen=True, slots=True)
class _Gains:
    """What splits gained, for each end of each site: the sum, how far they moved, and how often."""

    sum: Floats
    moved: Floats
    times: Ints

    def note(self, side: int, site: int, gain: float, away: float) -> None:
        """Count one more split."""
        self.sum[side, site] += max(gain, 0.0)
        self.moved[side, site] += away
        self.times[side, site] += 1


@dataclass(frozen=True, slots=True)
class Lane:
    """A solver with the model known to it, what it knows of splits, and its parts; what it did: parts looked at, sites
    met, and whether time ended."""

    relaxed: Relaxed
    gains: _Gains
    waiting: tuple[_Part, ...]
    parts: int = 0
    opened: Floats | None = None
    late: bool = False


Pair = tuple[Lane, Lane]
Both = Callable[[Callable[[Lane], Lane], Pair], Pair]
"""Does the same with both lanes, one after the other or side by side."""


def _in_turn(work: Callable[[Lane], Lane], pair: Pair) -> Pair:
    """Return what comes of both lanes, one after the other."""
    return work(pair[0]), work(pair[1])


def few_sites(master: Master, point: Floats, most: float, deadline: Deadline, both: Both = _in_turn) -> Few:
    """Return sites that cost ``most`` at most and have room in parts for all, or that there are none, or neither.

    ``point`` is the answer of the linear programme; costs are whole numbers.
    """
    relaxed, m = begin_near(master, point, _NEAR), len(master.cost)
    many = len(relaxed.inside) + _MORE_ROWS
    gains = _Gains(np.zeros((2, m)), np.zeros((2, m)), np.zeros((2, m), np.int64))
    whole = _Part((master.lower, master.upper), -1, 0, 0.0, 0.0)
    lane = _run(Lane(relaxed, gains, (whole,)), most, many, 1, deadline)
    pair = lane, replace(lane, relaxed=copy_relaxed(lane.relaxed, lane.relaxed.highs.getBasis()), waiting=(), parts=0)
    while any(one.waiting for one in pair) and not any(one.late or one.opened is not None for one in pair):
        known, gains = pair[0].relaxed.master, pair[0].gains
        pair = both(lambda one: _run(one, most, many, _ROUND, deadline), _dealt(pair))
        pair = _shared(pair, known, gains)
    met = [one.opened for one in pair if one.opened is not None]
    none = not met and not any(one.late or one.waiting for one in pair)
    return Few(met[0] if met else None, none, pair[0].relaxed.master, sum(one.parts for one in pair))


def _run(lane: Lane, most: float, many: int, parts: int, deadline: Deadline) -> Lane:
    """Return the lane after it looked at so many parts, or met sites; it tells what it learnt apart."""
    relaxed, gains, waiting, seen = lane.relaxed, _copied(lane.gains), list(lane.waiting), lane.parts
    while waiting and seen < lane.parts + parts:
        part, seen = waiting[-1], seen + 1
        relaxed, told = _cut(relaxed, part, most, deadline)
        if told is None or deadline.left() <= 0.0:
            return Lane(relaxed, gains, tuple(waiting), seen, None, True)
        waiting.pop()
        if part.site >= 0:
            gains.note(part.side, part.site, min(told.bound, most + _SETTLED) - part.bound, part.away)
        if told.bound == np.inf:
            continue
        if _is_whole(told.point):
            return Lane(relaxed, gains, tuple(waiting), seen, np.round(told.point))
        if len(relaxed.inside) > many:
            relaxed = shed_relaxed(relaxed, told.point, _LOOSE)
        waiting += _halves(relaxed, part, told, gains, most)
    return Lane(relaxed, gains, tuple(waiting), seen)


def _dealt(pair: Pair) -> Pair:
    """Return the lanes with the oldest part of one given to the other if that has none."""
    one, two = pair
    if not two.waiting and len(one.waiting) > 1:
        return replace(one, waiting=one.waiting[1:]), replace(two, waiting=one.waiting[:1])
    if not one.waiting and two.waiting:
        return replace(one, waiting=two.waiting[:1]), replace(two, waiting=two.waiting[1:])
    return pair


def _shared(pair: Pair, known: Master, gains: _Gains) -> Pair:
    """Return the lanes with what either learnt since some model and gains were known to both."""
    (one, two), size = pair, len(known.least)
    first, second = one.relaxed.master, two.relaxed.master
    master, more = join_terms(first, second.terms[size:], second.least[size:]), len(first.least) - size
    inside = np.where(two.relaxed.inside < size, two.relaxed.inside, two.relaxed.inside + more)
    both = _Gains(
        one.gains.sum + (two.gains.sum - gains.sum), one.gains.moved + (two.gains.moved - gains.moved),
        one.gains.times + (two.gains.times - gains.times),
    )  # fmt: skip
    return (
        replace(one, relaxed=replace(one.relaxed, master=master), gains=both),
        replace(two, relaxed=replace(two.relaxed, master=master, inside=inside), gains=both),
    )


def _copied(gains: _Gains) -> _Gains:
    return _Gains(gains.sum.copy(), gains.moved.copy(), gains.times.copy())


def _is_whole(point: Floats) -> bool:
    return bool((np.abs(point - np.round(point)) < _HAIR).all())


def _cut(relaxed: Relaxed, part: _Part, most: float, deadline: Deadline) -> tuple[Relaxed, Told | None]:
    """Return the programme with what answers of a part break, and the last; whole ones break nothing.

    None where time is up.
    """
    set_ends(relaxed, part.ends)
    rounds, before = 0, -np.inf
    while True:
        relaxed, told = settle_relaxed(relaxed, part.ends, most, deadline)
        if told is None or told.bound == np.inf:
            return relaxed, told
        whole = _is_whole(told.point)
        if not whole and (rounds >= _ROUNDS or told.bound - before < _GAIN):
            return relaxed, told
        terms = _broken(relaxed.master, told.point, whole)
        if terms.shape[0] == 0:
            return relaxed, told
        if deadline.left() <= 0.0:
            return relaxed, None
        relaxed = join_relaxed(relaxed, terms, np.ones(terms.shape[0]))
        rounds, before = rounds + 1, told.bound


def _broken(master: Master, point: Floats, whole: bool) -> sparse.csr_array:
    point = np.round(point) if whole else point
    terms = broken_rooms(master.kinds, point, flow_of(master.kinds, point))
    return terms if whole else sparse.vstack([terms, broken_windows(master.kinds, point)]).tocsr()


def _halves(relaxed: Relaxed, part: _Part, told: Told, gains: _Gains, most: float) -> list[_Part]:
    """Return the halves of a part, the one to look at first last, without sites that prices rule out."""
    spare, point, ends = most - told.bound + _HAIR, told.point, part.ends
    low = np.where((told.left < -spare) & (point > 0.5), ends[1], ends[0])
    high = np.where((told.left > spare) & (point < 0.5), ends[0], ends[1])
    site, rises = _split_on(relaxed, told, gains, most)
    shut, opened = high.copy(), low.copy()
    shut[site] = 0.0
    opened[site] = 1.0
    share = float(point[site])
    halves = [
        _Part((low, shut), site, 0, share, told.bound),
        _Part((opened, high), site, 1, 1.0 - share, told.bound),
    ]
    halves = halves if rises[0] < rises[1] else halves[::-1]
    return [half for half in halves if (half.ends[0] <= half.ends[1]).all()]  # prices may rule out the split's site


def _split_on(relaxed: Relaxed, told: Told, gains: _Gains, most: float) -> tuple[int, tuple[float, float]]:
    """Return the site whose two ends gain most, by their product, and what they are expected to gain."""
    point = told.point
    away = np.stack((point, 1.0 - point))
    parts = np.flatnonzero(away.min(axis=0) > _HAIR)
    moved = gains.moved.sum(axis=1)
    usual = np.where(moved > 0.0, gains.sum.sum(axis=1) / np.maximum(moved, _HAIR), _PRIOR)[:, None]
    each = (gains.sum[:, parts] + _HALF_KNOWN * usual) / (gains.moved[:, parts] + _HALF_KNOWN) * away[:, parts]
    order = np.argsort(-np.maximum(each, _LEAST).prod(axis=0), kind="stable")[: 2 * _TRIED]
    best, worth, tried = (-1, (0.0, 0.0)), -1.0, 0
    for k in order.tolist():
        site, rises = int(parts[k]), (float(each[0, k]), float(each[1, k]))
        if tried < _TRIED and gains.times[:, site].min() < _LOOKS:
            tried, rises = tried + 1, _try_site(relaxed, site, told.bound, most + _SETTLED)
            for side in (0, 1):
                gains.note(side, site, rises[side], float(away[side, site]))
        product = max(rises[0], _LEAST) * max(rises[1], _LEAST)
        if product > worth:
            best, worth = (site, rises), product
    return best


def _try_site(relaxed: Relaxed, site: int, start: float, most: float) -> tuple[float, float]:
    """Return how far the cost rises from a start with a site shut, and with it open, in some steps.

    At most to what is given; the programme is then as it was.
    """
    highs, rises = relaxed.highs, []
    basis = highs.getBasis()
    for end in (0.0, 1.0):
        highs.changeColBounds(site, end, end)
        over = run_steps(relaxed, _STEPS) and highs.getModelStatus() != _OPTIMAL
        now = np.inf if over else float(highs.getInfo().objective_function_value)
        rises.append(min(max(now, start), most) - start)
        highs.changeColBounds(site, 0.0, 1.0)
        set_basis(relaxed, basis)
    return rises[0], rises[1]
