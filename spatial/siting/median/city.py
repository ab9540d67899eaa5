"""How is a p-median of a whole city brought near to its proof, which branching would never complete?

One thread proves: prices to their end, then part after part, again and again at fees that the parts trade among
themselves, and once that brings little in parts of twice the size, each of which costs at least what its two halves
were proved to. The other searches among the sites that the prices waver about, hot and less hot in turns; a set it
finds is joined with the best ones known.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from threading import Event

import numpy as np

from spatial.siting.median.branch import settle
from spatial.siting.median.joined import join_sets
from spatial.siting.median.parts import Proved, settled_sites
from spatial.siting.median.price import Priced
from spatial.siting.median.rounds import BRANCH_ENTRIES, State, raise_in_time, wander
from spatial.siting.median.terms import Terms
from spatial.siting.median.turns import Turn, Work, begin_work, prove_work
from spatial.siting.ways import Deadline, Floats, Ints, Tick

_STEP_VISITS, _MOST_STEPS = 3_000_000_000, 750
"""Looks at entries for the prices of a round, about as long as the search beside them, and most steps."""
_PRICE_SHARE = 0.9
"""Share of the time left that a round of prices may take."""
_ENDED_PACE, _ENDED_SHARE, _LEAST_PACE, _PRICE_TIME = 2e-3, 0.01, 1e-3, 0.4
"""Prices are at their end when their steps are that short, a round closes less than that share of the gap, or that
share of the time is over."""
_HEATS = (0.02, 0.05, 0.01, 0.1)
_FIRST_KICKS, _PRICE_KICKS, _KICKS = 0.15, 0.5, 1.0
"""Kicks by open site and slice of a search: among all sites, beside prices, and beside parts."""
_ELITE, _JOINED = 6, 3
"""Sets that are kept, and how many of them each set found is joined with."""
_PART_SITES = 8
"""Open sites of the parts that are proved first."""
_NODE_VISITS, _LEAST_NODES, _PART_NODES = 400_000_000, 20, 200
"""Nodes of each of the first parts by entry of the question, such that all parts get their turn, and how many at least
and at most; of parts of twice the size twice as many."""
_TRADED, _FOUND = 0.03, 0.1
"""Fees are traded on while that closes this share of the gap; beside them a search goes on while it does, too."""
_FEW = 0.5
"""Sites that the parts settle leave the question, which begins new parts, where this share of the sites is left."""
_FOREVER_S = 1e9
_TOLD_S = 1.0
"""The caller is asked about this often whether to go on."""


@dataclass(frozen=True, slots=True)
class _Way:
    """What every step needs: the question, when to end, who is told, where random numbers begin, and whether the caller
    wants no more, which ends the ``searches`` of the other thread as well."""

    terms: Terms
    deadline: Deadline
    tick: Tick
    seed: int
    halted: Event
    searches: Deadline

    def goes_on(self) -> bool:
        """Tell whether there is time, and nobody asked to stop."""
        return self.deadline.left() > 0.0 and not self.halted.is_set()


@dataclass(frozen=True, slots=True)
class _Known:
    """Best set, question left and bound; the best sets met, from the best on; how often sites were open of late; what
    is proved of the parts of the question, if it is still the same; and whether the last search found little."""

    state: State
    elite: tuple[Ints, ...]
    share: Floats
    turn: int = 0
    proved: Proved | None = None
    quiet: bool = False


def run_city(terms: Terms, state: State, seed: int, deadline: Deadline, tick: Tick) -> tuple[State, bool]:
    """Go on until the bound meets the value, parts prove no more, or the question is small enough for branching.

    Tell whether it was stopped before, by the caller or for want of time.
    """
    halted = Event()
    way = _Way(terms, deadline, tick, seed, halted, _until(deadline, halted))
    known = _Known(state, (state.names,), np.ones(len(state.node.core.names)))
    with ThreadPoolExecutor(1) as pool:
        try:
            known, goes_on = _end_prices(way, known, pool)
            depth, entries = max(int(np.log2(max(terms.p / _PART_SITES, 1.0))), 1), len(known.state.node.core.cost)
            most = int(np.clip(_NODE_VISITS // max(entries, 1), _LEAST_NODES, _PART_NODES))
            turn = Turn(depth, most, 2**depth)
            while goes_on and way.goes_on() and _open(way, known):
                known, turn, goes_on = _prove_parts(way, known, pool, turn)
        except BaseException:  # Ctrl-C, or a caller who stops it so: the other thread would go on until the end
            way.halted.set()
            raise
    return known.state, not way.goes_on()


def _until(deadline: Deadline, halted: Event) -> Deadline:
    """Return a deadline that also ends as soon as somebody halts."""
    return Deadline(min(deadline.left(), _FOREVER_S), clock=lambda: np.inf if halted.is_set() else deadline.clock())


def _open(way: _Way, known: _Known) -> bool:
    """Tell whether the question is neither proved nor small enough for branching."""
    state = known.state
    core = state.node.core
    proved = state.node.bound > way.terms.goal(state.value)
    return not proved and 0 < core.p < len(core.names) and len(core.cost) > BRANCH_ENTRIES


def _asked(way: _Way, known: _Known, stage: str) -> bool:
    """Tell the caller how far it is, and return whether to go on."""
    if not _open(way, known) or not way.goes_on():
        return False
    spent = min(way.deadline.spent() / max(way.deadline.budget_s, 1e-9), 1.0)
    if not way.tick(stage, spent, known.state.value, max(known.state.node.bound, 0.0)):
        way.halted.set()
    return not way.halted.is_set()


def _end_prices(way: _Way, known: _Known, pool: ThreadPoolExecutor) -> tuple[_Known, bool]:
    """Raise the prices until they no longer gain, beside searches; tell whether to go on."""
    while _asked(way, known, "prices and swaps"):
        state, begun = known.state, way.deadline.spent()
        core, gap = state.node.core, state.value - state.node.bound
        job = pool.submit(_found, way, known, _PRICE_KICKS if known.turn else _FIRST_KICKS)
        steps = int(np.clip(_STEP_VISITS // max(len(core.cost), 1), 10, _MOST_STEPS))
        goal = way.terms.goal(state.value)
        priced = raise_in_time(state, goal, steps, way.deadline, share=_PRICE_SHARE)
        known = _with(way, _priced(known, priced), job.result())
        closed = gap - (known.state.value - known.state.node.bound)
        soon = 2.0 * way.deadline.spent() - begun > _PRICE_TIME * way.deadline.budget_s
        if priced.pace <= _ENDED_PACE or closed < _ENDED_SHARE * gap or soon:
            return known, _open(way, known)
    return known, False


def _priced(known: _Known, priced: Priced) -> _Known:
    """Return what is known with new prices, without the sites that they settle."""
    state = known.state
    smaller = settle(state.node, priced)
    if smaller is None:
        return replace(known, state=replace(state, node=replace(state.node, bound=state.value)))
    stays = np.isin(state.node.core.names, smaller.core.names)
    pace = max(priced.pace, _LEAST_PACE)
    return replace(known, state=replace(state, node=smaller, pace=pace), share=priced.share[stays])


def _with(way: _Way, known: _Known, found: list[Ints]) -> _Known:
    """Return what is known with the sets that a search found."""
    sets = {tuple(np.sort(names).tolist()) for names in (*known.elite, *found)}
    ranked = sorted((way.terms.cost_of(np.array(names, np.int64)), names) for names in sets)[:_ELITE]
    elite = tuple(np.array(names, np.int64) for _, names in ranked)
    state = known.state
    if ranked[0][0] < state.value:
        state = replace(state, names=elite[0], value=ranked[0][0])
    return replace(known, state=state, elite=elite, turn=known.turn + 1)


def _found(way: _Way, known: _Known, kicks: float) -> list[Ints]:
    """Return the set of a search from one of the best sets, and what it gives joined with the best others."""
    begin, heat = known.elite[known.turn % 2 % len(known.elite)], _HEATS[known.turn % len(_HEATS)]
    state = replace(known.state, names=begin)
    seed = way.seed + 7 * known.turn + 1
    found = [wander(state, known.share, seed, way.searches, hot=heat, kicks=kicks)]
    for other in known.elite[:_JOINED]:
        if not way.searches.left():
            break
        best = min(found, key=way.terms.cost_of)
        found.append(join_sets(way.terms, known.state.node, best, other, way.searches))
    return found


def _prove_parts(way: _Way, known: _Known, pool: ThreadPoolExecutor, turn: Turn) -> tuple[_Known, Turn, bool]:
    """Prove one part after another, beside searches, and settle sites by what they prove.

    Tell which turn is next, and whether more nodes may prove more: not so where all parts of the last depth are proved,
    no other fees are better, and nothing is settled.
    """
    node, before, begun = known.state.node, known.proved, way.deadline.spent()
    gap = known.state.value - node.bound
    opened = np.isin(node.core.names, known.state.names)
    work = begin_work(node.core, node.price, before, turn, opened, known.state.value)
    known = replace(known, quiet=known.quiet and turn.reach > 0.0)
    for first in range(0, len(work.order), turn.batch):
        if not _asked(way, known, "parts"):
            return known, turn, False
        turns = iter(work.order[first : first + turn.batch].tolist())
        job = pool.submit(_assist, way, known, work, turns)
        prove_work(work, turns, _asking(way, known))
        value = known.state.value
        known = _with(way, known, job.result())
        quiet = known.quiet or value - known.state.value < _FOUND * gap
        known = _reaching(known, min(work.proved.reached(), known.state.value), quiet=quiet)
    rose = before is None or not turn.reach or work.proved.reached() > before.reached()
    known = replace(known, proved=work.proved if rose else before)
    closed = gap - (known.state.value - known.state.node.bound)
    in_time = way.deadline.left() > way.deadline.spent() - begun
    following = turn.following(trades=in_time and (closed > _TRADED * gap or not turn.reach))
    return _settled(way, known, following, more=turn.depth > 1 or following.reach > 0.0 or not work.done.all())


def _reaching(known: _Known, bound: float, *, quiet: bool) -> _Known:
    """Return what is known with a bound, if it is better, and whether the last search found little."""
    node = known.state.node
    return replace(known, quiet=quiet, state=replace(known.state, node=replace(node, bound=max(bound, node.bound))))


def _settled(way: _Way, known: _Known, turn: Turn, *, more: bool) -> tuple[_Known, Turn, bool]:
    """Return what is known without the sites that parts settle, if these are many or the parts prove no ``more``."""
    state, proved = known.state, known.proved
    if proved is None:
        return known, turn, more
    status = settled_sites(state.node.core, proved.parts, proved.bound, way.terms.goal(state.value))
    many = int((status == 0).sum()) <= _FEW * len(status)
    if not status.any() or (more and not many):
        return known, turn, more
    priced = Priced(state.node.bound, state.node.price, known.share, status.astype(np.int8), state.pace)
    return replace(_priced(known, priced), proved=None), replace(turn, reach=0.0), True


def _assist(way: _Way, known: _Known, work: Work, turns: Iterator[int]) -> list[Ints]:
    """Return the sets of a search, unless the last one found little, and prove parts then."""
    found = [] if known.quiet else _found(way, known, _KICKS)
    prove_work(work, turns, way.goes_on)
    return found


def _asking(way: _Way, known: _Known) -> Callable[[], bool]:
    """Return what tells whether to go on and asks the caller too, now and then, to be called where he is at home."""
    told = [way.deadline.spent()]

    def goes_on() -> bool:
        """Tell whether to go on."""
        if way.deadline.spent() > told[0] + _TOLD_S:
            told[0] = way.deadline.spent()
            _asked(way, known, "parts")
        return way.goes_on()

    return goes_on
