"""How is a p-median of a whole city brought near to its proof, which branching would never complete?

One thread proves: prices to their end, then part after part, in parts that double in size, each of which costs at least
what its two halves were proved to. The other searches among
the sites that the prices waver about, hot and less hot in turns; a set it finds is joined with the best ones known, by
deciding anew which of the sites they differ in are open.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from threading import Event

import numpy as np

from spatial.siting.median_branch import Node, Search, branch, settle
from spatial.siting.median_core import shrink
from spatial.siting.median_parts import Part, Proved, double_parts, first_parts, prove_part, settled_sites
from spatial.siting.median_price import Priced
from spatial.siting.median_rounds import BRANCH_ENTRIES, KICK_VISITS, State, raise_in_time, wander
from spatial.siting.median_swap import by_column, search
from spatial.siting.median_terms import Terms
from spatial.siting.ways import Deadline, Flags, Floats, Ints, Tick

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
_JOIN_NODES, _JOIN_KICKS = 30, 3
_PART_SITES = 8
"""Open sites of the parts that are proved first."""
_NODE_VISITS, _LEAST_NODES, _PART_NODES, _MORE = 400_000_000, 20, 200, 4
"""Nodes of each of the first parts by entry of the question, such that all parts get their turn, and how many at least
and at most; of parts of twice the size twice as many, and if all were of that size so many times more."""
_LONGER = 4
"""Parts proved before the searches go on from what was found: first all, and so many times fewer for each doubling."""
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
class _Turn:
    """How often the city is halved into parts, most nodes of each, and how many are proved beside one search."""

    depth: int
    most: int
    batch: int

    def following(self) -> "_Turn":
        """Return the turn of parts of twice the size, or with more nodes where there are but two."""
        if self.depth == 1:
            return replace(self, most=self.most * _MORE)
        return _Turn(self.depth - 1, self.most * 2, max(self.batch // _LONGER, 1))


@dataclass(frozen=True, slots=True)
class _Known:
    """Best set, question left and bound; the best sets met, from the best on; how often sites were open of late; and
    what is proved of the parts of the question, if it is still the same."""

    state: State
    elite: tuple[Ints, ...]
    share: Floats
    turn: int = 0
    proved: Proved | None = None


@dataclass(frozen=True, slots=True)
class _Work:
    """Parts to prove in at most so many nodes each, the sites to begin with, and, filled by whoever proves a part, its
    bound and whether no node of it was left. ``bound`` holds what is known before."""

    parts: tuple[Part, ...]
    opened: Flags
    most: int
    bound: Floats
    done: Flags


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
            turn = _Turn(depth, most, 2**depth)
            while goes_on and way.goes_on() and _open(way, known):
                known, goes_on = _prove_parts(way, known, pool, turn)
                turn = turn.following()
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


def join_sets(terms: Terms, node: Node, one: Ints, other: Ints, deadline: Deadline) -> Ints:
    """Return the best set met that has the sites which both sets have, and else only sites of either."""
    core = node.core
    here, there = np.isin(core.names, one), np.isin(core.names, other)
    value, second = terms.cost_of(one), terms.cost_of(other)
    best, least = (one, value) if value <= second else (other, second)
    if int(here.sum()) != core.p or int(there.sum()) != core.p or (here == there).all():
        return best
    small, rows = shrink(core, np.where(here & there, 1, np.where(here | there, 0, -1)))
    columns = by_column(small)
    opened = (*node.opened, *core.names[here & there].tolist())

    def improve(names: Ints) -> tuple[Ints, float]:
        """Return a set near one, with its total in truth."""
        flags = np.isin(small.names, names)
        if int(flags.sum()) == small.p:
            flags, _ = search(small, columns, flags, kicks=_JOIN_KICKS, visits=KICK_VISITS, seed=1)
            names = np.concatenate((np.array(opened, np.int64), small.names[flags]))
        return names, terms.cost_of(names)

    ask = Search(terms.goal, terms.cost_of, improve, lambda _value, _bound: True)
    return branch(Node(small, opened, node.price[rows], -np.inf), best, least, ask, deadline, _JOIN_NODES).names


def _prove_parts(way: _Way, known: _Known, pool: ThreadPoolExecutor, turn: _Turn) -> tuple[_Known, bool]:
    """Prove one part after another, beside searches, and settle sites by what they prove.

    Tell whether more nodes may prove more: not so where all parts of the last depth are proved and settle nothing.
    """
    node = known.state.node
    parted = _parted(known, turn.depth)
    split, bound = parted.parts, parted.bound
    work = _Work(split.parts, np.isin(node.core.names, known.state.names), turn.most, bound, np.zeros(len(bound), bool))
    searches = True
    for first in range(0, len(bound), turn.batch):
        if not _asked(way, known, "parts"):
            return known, False
        turns = iter(range(first, min(first + turn.batch, len(bound))))
        job = pool.submit(_assist, way, known, work, turns, search=searches)
        _prove(work, turns, _asking(way, known))
        value = known.state.value
        known = _with(way, known, job.result())
        # Once a search finds nothing better, one beside each round of parts does.
        searches = known.state.value < value
        reached = min(split.rest + float(bound.sum()), known.state.value)
        if reached > known.state.node.bound:
            known = replace(known, state=replace(known.state, node=replace(known.state.node, bound=reached)))
    status = settled_sites(node.core, split, bound, way.terms.goal(known.state.value))
    if not status.any():
        return replace(known, proved=parted), turn.depth > 1 or not work.done.all()
    priced = Priced(known.state.node.bound, node.price, known.share, status.astype(np.int8), known.state.pace)
    return replace(_priced(known, priced), proved=None), True


def _parted(known: _Known, depth: int) -> Proved:
    """Return the parts of a turn, and what is known of them."""
    node = known.state.node
    if known.proved is not None:
        return double_parts(node.core, node.price, known.proved, depth)
    return first_parts(node.core, node.price, np.isin(node.core.names, known.state.names), depth)


def _prove(work: _Work, turns: Iterator[int], goes_on: Callable[[], bool]) -> None:
    """Prove parts as long as there are some to do; what is to do may be shared by two threads."""
    for at in turns:
        proof = prove_part(work.parts[at], work.opened, work.most, goes_on)
        work.bound[at], work.done[at] = max(work.bound[at], proof.bound), proof.whole


def _assist(way: _Way, known: _Known, work: _Work, turns: Iterator[int], *, search: bool) -> list[Ints]:
    """Return the sets of a search, if there is to be one, and prove parts then."""
    found = _found(way, known, _KICKS) if search else []
    _prove(work, turns, way.goes_on)
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
