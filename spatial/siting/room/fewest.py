"""Which few sites have room for all, as far as a model of the sites alone leads to them?

The fewest sites that keep all inequalities known about room are nearly right: a search begins with them, and what they
break is added. The sites of the best choice are chosen anew window by window in the same way, where few inequalities
do to know all that matters.

Sites that just have room for all in parts seldom have room for whole rows. So choices are sought by a stricter model,
the guide, whose sites have a little less room than they have; how much less is learnt on the way. It proves nothing."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from threading import Event

import numpy as np
from scipy import sparse

from spatial.siting.cover.windows import window_around
from spatial.siting.room.beside import Known, counting, do_both, while_open
from spatial.siting.room.cover import search_few
from spatial.siting.room.few import Both, Lane, few_sites
from spatial.siting.room.hulls import broken_windows
from spatial.siting.room.rooms import Choice, Rooms
from spatial.siting.room.rows import Flow, broken_rooms, flow_of, serve_by_flow
from spatial.siting.room.sites import Master, fewest_sites, join_terms, master_of, raise_bound
from spatial.siting.ways import Deadline, Floats

_LP_SHARE, _GUIDE_SHARE, _MODEL_SHARE = 0.4, 0.4, 0.7
"""Shares of the time that a programme of all sites, one of the guide and an exact model of that may take at most."""
_DULL = 0.02
"""Rounds end where some gain less than this of a site: branching finds what is left as it goes."""
_TURNS, _MANY_STEPS, _TURNS_A_SITE = 5, 6_400, 2
"""Turns of a search until it makes so many steps, and turns for each site at most."""
_GUIDE_STEPS, _WINDOW_STEPS, _TRY_STEPS, _LOOK = 40.0, 10.0, 5.0, 0.5
"""What a turn of the guide, one of a window, a try of sites that branching met and 64 steps of a search count, where a
part counts 1: about as long as they take."""
_WINDOW_SITES, _WINDOW_S, _TRIES = 10, 2.0, 4
_STEPS = 640
_MIXED = (1.0, 0.8, 0.6, 0.4, 0.2)
"""Inequalities are sought at the fewest sites, and on the way from there to the answer of the linear programme."""
_SPARED, _LEAST_SPARED, _MOST_SPARED = 0.005, 0.0005, 0.1
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
class Search:
    """Where a search stands: its turn, steps, best choice and model, the guide and how much room that spares.

    It has so many ``turns``.
    """

    turn: int
    turns: int
    steps: float
    stand: Stand
    guide: Guide | None
    spared: float


def count_by_sites(rooms: Rooms, best: Choice, *, deadline: Deadline, seed: int, steps: int) -> tuple[Choice, float]:
    """Return the choice of fewest new sites met, no worse than the given one, and a bound on how few can do.

    Searches take about so many steps at most.

    One thread bounds the linear programme and branches over the sites, another one makes the guide and searches, and
    helps to branch once only that can prove its choice. Where branching does not tell, both search.
    """
    first, known, failed = master_of(rooms), Known(([(-1.0, best)], []), [-np.inf], [0.0, 0.0]), Event()
    turns = min(_TURNS_A_SITE * len(rooms.room), _TURNS * max(steps // _MANY_STEPS, 1))
    prove, seek = (while_open(known, me, failed, deadline) for me in (0, 1))
    with ThreadPoolExecutor(1) as pool:
        try:
            guiding = pool.submit(_guide_of, first, _SPARED, seek)
            master, point, bound = raise_bound(first, _part(deadline, _LP_SHARE), dull=_DULL)
            known.bounds.append(bound)
            if point is not None and not known.over(0):
                stand, most = Stand(best, bound, master, point), round(float(np.ceil(bound - _HAIR)))
                begun = Search(0, turns, 0.0, stand, None, _SPARED)
                searching = pool.submit(_begin, rooms, begun, guiding, known, most + 1, seek, seed)
                stand = _settle(
                    rooms, stand, known, prove, seed, lambda work, pair: do_both(work, pair, pool, searching)
                )
                most = round(float(np.ceil(known.bound - _HAIR)))
                further = pool.submit(_go_on, rooms, searching, known, most, known.steps[0], seek, seed)
                for turn in range(1, turns // _TURNS + 1):
                    if prove.left() <= 0.0:
                        break
                    stand = _stepped(rooms, stand, known, 0, most, prove, seed + turn)
                further.result()
        finally:
            failed.set()
    return known.best, known.bound


def _begin(
    rooms: Rooms, at: Search, guiding: "Future[Guide | None]", known: Known, most: int, deadline: Deadline, seed: int
) -> Search:
    """Search from the guide on for as many sites as are given; return where the search stands."""
    at = _search(rooms, replace(at, guide=guiding.result()), known, most, deadline, seed)
    known.steps[1] = np.inf
    return at


def _go_on(
    rooms: Rooms, searching: "Future[Search]", known: Known, most: int, steps: float, deadline: Deadline, seed: int
) -> None:
    """Search on for fewer sites than that came to, after so many steps at least."""
    at = searching.result()
    known.steps[1] = max(at.steps, steps)
    _search(rooms, at, known, most, deadline, seed)


def _search(rooms: Rooms, at: Search, known: Known, most: int, deadline: Deadline, seed: int) -> Search:
    """Tell of better and better choices, until one has as few sites; return where the search stands.

    In turns the guide leads to them, windows of the best one, and steps.
    """
    while at.turn < at.turns and at.stand.best.value > most and deadline.left() > 0.0:
        stand, guide, spared, way, mixed = at.stand, at.guide, at.spared, at.turn % _TURNS, seed + at.turn
        if way == _TURNS - 1:
            stand = _stepped(rooms, stand, known, 1, most, deadline, mixed)
        elif way % 2 == 0 and spared >= _LEAST_SPARED:
            known.steps[1] += _GUIDE_STEPS
            guide = guide or _guide_of(stand.master, spared, deadline)
            stand, guide, spared = _guided(rooms, stand, guide, deadline, mixed)
            known.tell(1, stand.best)
        else:
            known.steps[1] += _WINDOW_STEPS
            sites = np.flatnonzero(stand.best.opened & ~rooms.question.fixed)
            centre = int(np.random.default_rng(mixed).choice(sites))
            stand = _refitted(rooms, stand, centre, deadline, seed)
            known.tell(1, stand.best)
        at = Search(at.turn + 1, at.turns, known.steps[1], stand, guide, spared)
    return at


def _stepped(rooms: Rooms, stand: Stand, known: Known, me: int, most: int, deadline: Deadline, seed: int) -> Stand:
    """Return the state after many steps of a search, and tell of its choice."""
    counted = counting(known, me, _LOOK, deadline)
    found = search_few(rooms, target=most, seed=seed, deadline=counted, steps=_MANY_STEPS, first=stand.best)
    if found is None or found.value >= stand.best.value:
        return stand
    known.tell(me, found)
    return replace(stand, best=found)


def _guide_of(master: Master, spared: float, deadline: Deadline) -> Guide | None:
    """Return the model of sites without a share of their room; None where it has no answer, or no time."""
    kinds = replace(master.kinds, room=master.kinds.room * (1.0 - spared))
    stricter, point, _ = raise_bound(replace(master, kinds=kinds), _part(deadline, _GUIDE_SHARE))
    return None if point is None else Guide(stricter, point, spared)


def _guided(
    rooms: Rooms, stand: Stand, guide: Guide | None, deadline: Deadline, seed: int
) -> tuple[Stand, Guide | None, float]:
    """Return the state after the guide led to some sites, the guide that goes on, or none, and what it is to spare.

    A window around what is short of room is chosen anew as long as that needs no more sites.
    """
    if guide is None:
        return stand, None, 0.0
    master = guide.master
    found = fewest_sites(master, None, deadline=_part(deadline, _MODEL_SHARE), seed=seed)
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


def _settle(rooms: Rooms, stand: Stand, known: Known, deadline: Deadline, seed: int, both: Both) -> Stand:
    """Tell whether as few sites as the bound says have room, by branching, and else one more, as long as time is left.

    Return the state after a search from such sites, if there are any.
    """
    begun = 0

    def counted(work: Callable[[Lane], Lane], pair: tuple[Lane, Lane]) -> tuple[Lane, Lane]:
        known.steps[0] = float(begun + pair[0].parts + pair[1].parts)
        return both(work, pair)

    while deadline.left() > 0.0:
        most = float(np.ceil(known.bound - _HAIR))
        found = few_sites(stand.master, stand.point, most, deadline, counted)
        stand, begun = replace(stand, master=found.master), begun + found.parts
        known.steps[0] = float(begun)
        if found.none:
            known.bounds.append(most + 1.0)
        elif found.opened is None:
            break
        else:
            known.steps[0] += _TRY_STEPS
            stand = _tried(rooms, stand, found.opened, deadline, seed)
            known.tell(0, stand.best)
            break
    return stand


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


def _part(deadline: Deadline, share: float) -> Deadline:
    return Deadline(share * deadline.left(), clock=deadline.clock)
