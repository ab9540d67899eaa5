"""Which few sites have room for all, as far as a model of the sites alone leads to them?

The fewest sites that keep all inequalities known about room are nearly right: a search begins with them, and what they
break is added. The sites of the best choice are chosen anew window by window in the same way, where few inequalities
do to know all that matters.

Sites that just have room for all in parts seldom have room for whole rows. So choices are sought by a stricter model,
the guide, whose sites have a little less room than they have; how much less is learnt on the way. It proves nothing.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from threading import Event

import numpy as np
from scipy import sparse

from spatial.siting.cover.windows import window_around
from spatial.siting.room.cover import search_few
from spatial.siting.room.few import few_sites
from spatial.siting.room.hulls import broken_windows
from spatial.siting.room.rooms import Choice, Rooms
from spatial.siting.room.rows import Flow, broken_rooms, flow_of, serve_by_flow
from spatial.siting.room.sites import Master, fewest_sites, join_terms, master_of, raise_bound
from spatial.siting.ways import Deadline, Floats

_LP_SHARE, _MODELS_SHARE, _MODEL_SHARE = 0.3, 0.5, 0.5
_GUIDE_SHARE = 0.3
_TURNS, _TURNS_A_SITE = 400, 2
_WINDOW_SITES, _WINDOW_S, _TRIES = 10, 2.0, 4
_STEPS = 640
_MIXED = (1.0, 0.8, 0.6, 0.4, 0.2)
"""Inequalities are sought at the fewest sites, and on the way from there to the answer of the linear programme."""
_SPARED, _LEAST_SPARED, _MOST_SPARED = 0.0025, 0.0005, 0.1
"""Share of each room that the guide leaves out at first, at least and at most."""
_HAIR = 1e-6


@dataclass(frozen=True, slots=True)
class Guide:
    """A model of sites with less room than they have by some share, and the answer of its linear programme."""

    master: Master
    point: Floats
    spared: float


@dataclass(frozen=True, slots=True)
class Stand:
    """The best choice met, the bound, the model so far, and the answer of its linear programme."""

    best: Choice
    bound: float
    master: Master
    point: Floats


@dataclass(frozen=True, slots=True)
class Known:
    """What two threads tell each other: the choices that were the best met, and the bounds proved."""

    choices: list[Choice]
    bounds: list[float]

    @property
    def best(self) -> Choice:
        """The best choice."""
        return min(self.choices, key=lambda choice: choice.value)

    @property
    def bound(self) -> float:
        """The highest bound."""
        return max(self.bounds)

    @property
    def done(self) -> bool:
        """Whether no choice can have fewer sites."""
        return bool(self.best.value <= np.ceil(self.bound - _HAIR))


def count_by_sites(rooms: Rooms, best: Choice, *, deadline: Deadline, seed: int, steps: int) -> tuple[Choice, float]:
    """Return the choice of fewest new sites met, no worse than the given one, and a bound on how few can do.

    The last search takes so many steps at most.

    One thread bounds the linear programme and branches over the sites, another one makes the guide and searches;
    neither goes on once choice and bound meet, or the other one failed. So which of two choices of as few sites is told
    may depend on which thread is first.
    """
    first, known, over = master_of(rooms), Known([best], [-np.inf]), Event()
    ends = Deadline(deadline.left(), clock=lambda: np.inf if known.done or over.is_set() else deadline.clock())
    with ThreadPoolExecutor(1) as pool:
        try:
            guiding = pool.submit(_guide_of, first, _SPARED, ends)
            short = Deadline(_LP_SHARE * deadline.left(), clock=deadline.clock)
            master, point, bound = raise_bound(first, short)
            known.bounds.append(bound)
            if point is not None and not known.done:
                stand = Stand(best, bound, master, point)
                searching = pool.submit(_search, rooms, stand, guiding, known, ends, seed, steps)
                _settle(rooms, stand, known, ends, seed)
                searching.result()
        finally:
            over.set()
    return known.best, known.bound


def _search(
    rooms: Rooms,
    stand: Stand,
    guiding: "Future[Guide | None]",
    known: Known,
    deadline: Deadline,
    seed: int,
    steps: int,
) -> None:
    """Tell of better and better choices: those that the guide and windows of the best one lead to, then steps."""
    guide, rng, spared = guiding.result(), np.random.default_rng(seed), _SPARED
    short = Deadline(_MODELS_SHARE * deadline.left(), clock=deadline.clock)
    for turn in range(min(_TURNS, _TURNS_A_SITE * len(rooms.room))):
        if short.left() <= 0.0:
            break
        if spared >= _LEAST_SPARED and turn % 2 == 0:
            guide = guide or _guide_of(stand.master, spared, deadline)
            stand, guide, spared = _guided(rooms, stand, guide, deadline, seed + turn)
        else:
            stand = _refitted(rooms, stand, int(rng.choice(_new_sites(rooms, stand.best))), short, seed)
        known.choices.append(stand.best)
    least = round(float(np.ceil(known.bound - _HAIR)))
    found = search_few(rooms, target=least, seed=seed + 1, deadline=deadline, steps=steps, first=stand.best)
    if found is not None:
        known.choices.append(found)


def _guide_of(master: Master, spared: float, deadline: Deadline) -> Guide | None:
    """Return the model of sites without a share of their room; None where it has no answer, or no time."""
    kinds = replace(master.kinds, room=master.kinds.room * (1.0 - spared))
    short = Deadline(_GUIDE_SHARE * deadline.left(), clock=deadline.clock)
    stricter, point, _ = raise_bound(replace(master, kinds=kinds), short)
    return None if point is None else Guide(stricter, point, spared)


def _guided(
    rooms: Rooms, stand: Stand, guide: Guide | None, deadline: Deadline, seed: int
) -> tuple[Stand, Guide | None, float]:
    """Return the state after the guide led to some sites, the guide that goes on, or none, and what it is to spare.

    A window around what is short of room is chosen anew as long as that needs no more sites.
    """
    if guide is None:
        return stand, None, 0.0
    master, short = guide.master, Deadline(_MODEL_SHARE * deadline.left(), clock=deadline.clock)
    found = fewest_sites(master, None, deadline=short, seed=seed)
    if found.x is None or found.x @ master.cost > stand.best.value - 0.5:
        return stand, None, guide.spared / 2.0
    opened = found.x
    for _ in range(_TRIES):
        value, flow = stand.best.value, flow_of(master.kinds, opened)
        stand = _searched(rooms, stand, master, opened, flow, deadline, seed)
        terms = _all_broken(master, opened, guide.point, flow)
        if terms.shape[0] == 0 and stand.best.value >= value:
            more = 2.0 * guide.spared
            return stand, None, more if more <= _MOST_SPARED else 0.0
        if stand.best.value < value or deadline.left() <= 0.0:
            break
        master, now = join_terms(master, terms, np.ones(terms.shape[0])), opened > 0.5
        centre = int(np.argmax(np.where(now, terms.sum(axis=0), -1.0)))
        free = window_around(master.kinds.table, now, centre, _WINDOW_SITES)
        short = Deadline(min(_WINDOW_S, deadline.left()), clock=deadline.clock)
        found = fewest_sites(master, now, free=free, deadline=short, seed=seed)
        if found.x is None or found.x @ master.cost > stand.best.value - 0.5:
            break
        opened = found.x
    return stand, replace(guide, master=master), guide.spared


def _new_sites(rooms: Rooms, best: Choice) -> np.ndarray:
    return np.flatnonzero(best.opened & ~rooms.question.fixed)


def _settle(rooms: Rooms, stand: Stand, known: Known, deadline: Deadline, seed: int) -> None:
    """Tell whether as few sites as the bound says have room, by branching, and else one more, as long as time is left.

    A search goes on from such sites.
    """
    while deadline.left() > 0.0:
        most = float(np.ceil(known.bound - _HAIR))
        found = few_sites(stand.master, stand.point, most, deadline)
        stand = replace(stand, master=found.master)
        if found.none:
            known.bounds.append(most + 1.0)
        elif found.opened is None:
            break
        else:
            known.choices.append(_tried(rooms, stand, found.opened, deadline, seed).best)
            break


def _refitted(rooms: Rooms, stand: Stand, centre: int, deadline: Deadline, seed: int) -> Stand:
    """Return the state after the sites around one were chosen anew, as often as that breaks what was not known."""
    table = stand.master.kinds.table
    for _ in range(_TRIES):
        if deadline.left() <= 0.0:
            break
        best, master = stand.best, stand.master
        free = window_around(table, best.opened, centre, _WINDOW_SITES)
        short = Deadline(min(_WINDOW_S, deadline.left()), clock=deadline.clock)
        found = fewest_sites(master, best.opened, free=free, deadline=short, seed=seed)
        if found.x is None or found.x @ master.cost > best.value - 0.5:
            break
        stand = _tried(rooms, stand, found.x, deadline, seed)
        if stand.master is master:
            break
    return stand


def _tried(rooms: Rooms, stand: Stand, opened: Floats, deadline: Deadline, seed: int) -> Stand:
    """Return the state after a search from some sites, and with the inequalities that they break."""
    master, flow = stand.master, flow_of(stand.master.kinds, opened)
    stand = _searched(rooms, stand, master, opened, flow, deadline, seed)
    terms = _all_broken(master, opened, stand.point, flow)
    return replace(stand, master=join_terms(master, terms, np.ones(terms.shape[0]))) if terms.shape[0] else stand


def _searched(
    rooms: Rooms, stand: Stand, master: Master, opened: Floats, flow: Flow, deadline: Deadline, seed: int
) -> Stand:
    """Return the state after a search that begins with some sites and a flow to them."""
    found = search_few(
        rooms, target=round(float(opened @ master.cost)), seed=seed, deadline=deadline, steps=_STEPS,
        first=serve_by_flow(rooms, master.kinds, opened, flow),
    )  # fmt: skip
    return stand if found is None or found.value >= stand.best.value else replace(stand, best=found)


def _all_broken(master: Master, opened: Floats, point: Floats, flow: Flow) -> sparse.csr_array:
    """Return inequalities about room broken by open sites, or on the way to them from an answer in shares."""
    points = [share * opened + (1.0 - share) * point for share in _MIXED]
    flows = [flow, *(flow_of(master.kinds, some) for some in points[1:])]
    new = [broken_rooms(master.kinds, some, one) for some, one in zip(points, flows, strict=True)]
    new += [broken_windows(master.kinds, some) for some in points[1:]]
    return sparse.vstack(new).tocsr()
