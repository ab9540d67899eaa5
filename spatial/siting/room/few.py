"""Can sites that cost no more than so much keep all inequalities about room? Branch and cut over the sites.

One half of a part after the other, the one that costs more first: that it can be no better is shown soonest, or it
leads to sites that have room. Every part gets the inequalities that its answers break, which hold for all others; sites
that prices rule out are fixed. The site to split on is foreseen by what splits on it have gained, and tried by a few
steps of the simplex method until enough is known of it (Achterberg, Koch and Martin, "Branching rules revisited",
2005). Steps are counted, so that only the end depends on the clock.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from spatial.siting.room.hulls import broken_windows
from spatial.siting.room.programme import (
    SETTLED,
    Answer,
    Programme,
    add_broken,
    add_rows,
    all_rows,
    answer_of,
    begin_programme,
    put_aside,
    set_ends,
    try_site,
)
from spatial.siting.room.rows import broken_rooms, flow_of
from spatial.siting.room.sites import Master
from spatial.siting.ways import Deadline, Floats, Ints

_ROUNDS, _GAIN = 3, 0.01
"""Rounds of inequalities for a part at most, as long as each gains this much of a site."""
_TRIED, _LOOKS, _STEPS = 6, 2, 40
"""Sites tried for a part at most, how often each is tried, and steps of the simplex method for that."""
_PRIOR, _LEAST = 0.1, 1e-4
"""What a split is expected to gain before there were any, and the least."""
_HALF_KNOWN = 0.5
"""How many splits what is expected of any site counts as."""
_HAIR = 1e-6


@dataclass(frozen=True, slots=True)
class Few:
    """Open sites that keep all inequalities about room, if met; whether there are none; the model with what was met."""

    opened: Floats | None
    none: bool
    master: Master


@dataclass(frozen=True, slots=True)
class _Part:
    """Ends of the sites, and how it was made: the site and its end, how far that was away, and the bound before."""

    low: Floats
    high: Floats
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


def few_sites(master: Master, point: Floats, most: float, deadline: Deadline) -> Few:
    """Return sites that cost ``most`` at most and have room in parts for all, or that there are none, or neither.

    ``point`` is the answer of the linear programme; costs are whole numbers.
    """
    programme, m = begin_programme(master, point, most), len(master.cost)
    gains = _Gains(np.zeros((2, m)), np.zeros((2, m)), np.zeros((2, m), np.int64))
    waiting, opened = [_Part(master.lower, master.upper, -1, 0, 0.0, 0.0)], None
    while waiting and opened is None and deadline.left() > 0.0:
        part = waiting.pop()
        answer = _cut(master, programme, part, deadline)
        if answer is None:
            waiting.append(part)
            break
        if part.site >= 0:
            gains.note(part.side, part.site, min(answer.bound, most + SETTLED) - part.bound, part.away)
        if answer.bound == np.inf:
            continue
        if _is_whole(answer.point):
            opened = np.round(answer.point)
            continue
        put_aside(programme, answer.point)
        waiting += _halves(programme, part, answer, gains)
    terms, least = all_rows(programme)
    return Few(opened, not waiting and opened is None, replace(master, terms=terms, least=least))


def _is_whole(point: Floats) -> bool:
    return bool((np.abs(point - np.round(point)) < _HAIR).all())


def _cut(master: Master, programme: Programme, part: _Part, deadline: Deadline) -> Answer | None:
    """Return the answer of a part with what its answers break; whole ones break nothing. None where time is up."""
    set_ends(programme, part.low, part.high)
    rounds, before = 0, -np.inf
    while (answer := answer_of(programme, part.low, part.high, deadline)) is not None and answer.bound < np.inf:
        if add_broken(programme, answer.point):
            continue
        whole = _is_whole(answer.point)
        if not whole and (rounds >= _ROUNDS or answer.bound - before < _GAIN):
            break
        terms = _broken(master, answer.point, whole)
        if terms.shape[0] == 0 or deadline.left() <= 0.0:
            return answer if terms.shape[0] == 0 else None
        add_rows(programme, terms, np.ones(terms.shape[0]))
        rounds, before = rounds + 1, answer.bound
    return answer


def _broken(master: Master, point: Floats, whole: bool) -> sparse.csr_array:
    point = np.round(point) if whole else point
    terms = broken_rooms(master.kinds, point, flow_of(master.kinds, point))
    return terms if whole else sparse.vstack([terms, broken_windows(master.kinds, point)]).tocsr()


def _halves(programme: Programme, part: _Part, answer: Answer, gains: _Gains) -> list[_Part]:
    """Return the halves of a part, the one to look at first last, without sites that prices rule out."""
    spare, point = programme.most - answer.bound + _HAIR, answer.point
    low = np.where((answer.rest < -spare) & (point > 0.5), part.high, part.low)
    high = np.where((answer.rest > spare) & (point < 0.5), part.low, part.high)
    site, rises = _split_on(programme, answer, gains)
    shut, opened = high.copy(), low.copy()
    shut[site] = 0.0
    opened[site] = 1.0
    share = float(point[site])
    halves = [
        _Part(low, shut, site, 0, share, answer.bound),
        _Part(opened, high, site, 1, 1.0 - share, answer.bound),
    ]
    return halves if rises[0] < rises[1] else halves[::-1]


def _split_on(programme: Programme, answer: Answer, gains: _Gains) -> tuple[int, tuple[float, float]]:
    """Return the site whose two ends gain most, by their product, and what they are expected to gain."""
    point = answer.point
    away = np.stack((point, 1.0 - point))
    parts = np.flatnonzero(away.min(axis=0) > _HAIR)
    moved = gains.moved.sum(axis=1)
    usual = np.where(moved > 0.0, gains.sum.sum(axis=1) / np.maximum(moved, _HAIR), _PRIOR)[:, None]
    each = (gains.sum[:, parts] + _HALF_KNOWN * usual) / (gains.moved[:, parts] + _HALF_KNOWN) * away[:, parts]
    order = np.argsort(-np.maximum(each, _LEAST).prod(axis=0), kind="stable")[: 2 * _TRIED]
    best, most, tried = (-1, (0.0, 0.0)), -1.0, 0
    for k in order.tolist():
        site, rises = int(parts[k]), (float(each[0, k]), float(each[1, k]))
        if tried < _TRIED and gains.times[:, site].min() < _LOOKS:
            tried, rises = tried + 1, try_site(programme, site, answer.bound, _STEPS)
            for side in (0, 1):
                gains.note(side, site, rises[side], float(away[side, site]))
        worth = max(rises[0], _LEAST) * max(rises[1], _LEAST)
        if worth > most:
            best, most = (site, rises), worth
    return best
