"""Which p sites make the total of weight times cost least, and how good is that provably?

Small questions are enumerated. Else swaps and prices take turns: the swaps give a total to beat, the prices a bound;
together they settle sites, so that both go on with a smaller question. Branch and bound closes what is left; where
that is a whole city, its parts are proved instead.
"""

from dataclasses import replace
from functools import partial

import numpy as np

from spatial.errors import InfeasibleError
from spatial.siting.median.branch import Best, Node, Polished, Search, Searched, branch, settle_first
from spatial.siting.median.city import run_city
from spatial.siting.median.core import Core, build_core, shrink, total
from spatial.siting.median.counts import share_sites
from spatial.siting.median.cuts import begin, lift
from spatial.siting.median.halves import is_empty, split_node
from spatial.siting.median.joined import join_sets
from spatial.siting.median.places import Places, split_places
from spatial.siting.median.price import raise_prices
from spatial.siting.median.rounds import BRANCH_ENTRIES, KICK_VISITS, State, named, run_rounds, wander
from spatial.siting.median.split import begin_records
from spatial.siting.median.swap import by_column, search
from spatial.siting.median.terms import Terms, ask, can_enumerate, enumerate_sets, finish
from spatial.siting.ways import Deadline, Flags, Floats, Found, Ints, Tick, Ways

_DEPTH_SITES, _DEPTH_SHARE, _DEPTH_LEAST = 20, 3, 50
"""A row is cut after 20 sites more than three times as many as there are per open site, and never before the 50th."""
_QUICK_NODES, _FORESEEN = 100, 800.0
"""Nodes that prices alone look at in any case, and how many they may seem to need in all to go on."""
_ROOT_ROUNDS, _NODE_ROUNDS = 40, 2
"""Most rounds of cuts at the root of the tree, and at any node after it; none where nodes are split on balls, which
lifts more in that time."""
_ROOT_SHARE = 0.45
"""Share of the time left that cuts at the root may take before searches go on."""
_TURNS, _HEAT, _FAR_HEAT, _FAR_KICKS = 20, 0.2, 0.1, 1.0
"""Most turns of searches once the cuts at the root tell which sites have a share, how hot searches near the best set
and from anywhere begin, and kicks of the latter by slice and open site."""
_IDLE, _FAR_IDLE, _FAR = 2, 5, 0.001
"""How many searches in a row may find nothing, and how many where that share of the total is still open."""


def solve_median(
    ways: Ways,
    weight: Floats | Ints,
    p: int,
    *,
    fixed: Flags | None = None,
    missing: float | Floats = np.inf,
    deadline: Deadline | None = None,
    seed: int = 0,
    tick: Tick | None = None,
) -> Found:
    """Return at most ``p`` open sites besides the ``fixed`` ones with the least sum of weight times cost.

    ``missing`` is the cost of a row none of whose listed sites is open; infinite, the default, if it has to be served.
    Sites that would lower nothing stay shut. The value is infinite when no set that serves all was found in time.

    Raises
    ------
    InputError
        If lengths differ, a weight is negative, or ``p`` is.
    InfeasibleError
        If a row has to be served and lists no site, or provably no ``p`` sites serve all such rows.
    """
    deadline = deadline or Deadline(np.inf)
    terms = ask(ways, weight, p, fixed, missing)
    names, bound, notes = _decide(terms, deadline, seed, tick or (lambda stage, share, value, bound: True))
    found = finish(terms, names, bound, deadline, *notes)
    if found.proved and not np.isfinite(found.value):
        raise InfeasibleError(f"siting: no {terms.p} new sites serve every row that has to be served")
    return found


def _decide(terms: Terms, deadline: Deadline, seed: int, tick: Tick) -> tuple[Ints, float, tuple[str, ...]]:
    """Return the best set found, a bound (infinite if nothing at or below the goal is left), and notes."""
    free = np.flatnonzero(~terms.fixed)
    if terms.p == 0 or terms.p >= len(free):
        return free if terms.p else free[:0], np.inf, ("nothing to choose",)
    if can_enumerate(terms):
        return enumerate_sets(terms), np.inf, ("all sets compared",)
    return _solve(terms, deadline, seed, tick)


def _solve(terms: Terms, deadline: Deadline, seed: int, tick: Tick) -> tuple[Ints, float, tuple[str, ...]]:
    """Solve on rows cut to their first sites, and on longer ones where the answer shows the cut to be too near."""
    free = int((~terms.fixed).sum())
    depth = max(_DEPTH_LEAST, _DEPTH_SHARE * free // terms.p + _DEPTH_SITES)
    names, bound, nodes, stopped = np.zeros(0, np.int64), -np.inf, 0, False
    while True:
        root = build_core(terms.ways, terms.weight, terms.cap, terms.fixed, terms.p, depth)
        state, stopped = run_rounds(terms, root, names, seed, deadline, tick)
        if not stopped and len(state.node.core.cost) > BRANCH_ENTRIES:
            state, stopped = run_city(terms, state, seed, deadline, tick)
        reached = min(state.node.bound, state.value)
        names, value = state.names, state.value
        if reached <= terms.goal(value) and not stopped and deadline.left():
            searched = _branch(terms, root, state, seed, deadline, tick)
            names, value, reached, stopped = searched.names, searched.value, searched.bound, searched.stopped
            nodes += searched.nodes
        bound = max(bound, min(reached, value))
        notes = (f"{nodes} nodes",) if nodes else ()
        if bound > terms.goal(value):
            return names, np.inf, notes
        if not root.cut or stopped or not deadline.left():
            return names, bound, (*notes, "stopped before the proof was complete")
        depth *= 2


def _branch(terms: Terms, root: Core, state: State, seed: int, deadline: Deadline, tick: Tick) -> Searched:
    """Return what branching finds: a number of nodes by prices alone, then all by the linear relaxation with cuts."""
    ask = _search(terms, root, seed, tick)
    quick = branch(state.node, state.names, state.value, ask, deadline, _QUICK_NODES, _FORESEEN)
    if not quick.stopped or quick.nodes < _QUICK_NODES or not deadline.left():
        return quick
    trunk, best = state.node, Best(quick.names, quick.value)
    program, records = begin(trunk.core, trunk.price), begin_records(len(trunk.core.names))

    def polish(node: Node, goal: float, rounds: int = _NODE_ROUNDS, deadline: Deadline = deadline) -> Polished | None:
        """Return a node with cuts taken into its costs and its best prices, where they can be had in time."""
        opened = np.array(node.opened[len(trunk.opened) :], np.int64)
        names = node.core.names
        if is_empty(program, node):
            return Polished(replace(node, bound=np.inf), np.zeros(len(names)), lambda _left: [])
        rounds = 0 if records.balls and rounds == _NODE_ROUNDS else rounds
        lifted = lift(
            program, goal, deadline, rounds=rounds, seed=seed, opened=opened, free=names, start=node.start,
            held=node.held,
        )  # fmt: skip
        if lifted is None:
            return None
        status = np.where(np.isin(trunk.core.names, opened), 1, -1)
        status[np.isin(trunk.core.names, names)] = 0
        core, rows = shrink(lifted.core, status)
        split = partial(split_node, program, records, lifted.share, lifted.value, goal, deadline)
        left = replace(node, core=core, price=lifted.price[rows], start=lifted.start)
        return Polished(left, lifted.share[status == 0], split)

    ask = replace(ask, polish=polish, least=lambda names: total(root, np.isin(root.names, names)))
    early, start = Deadline(_ROOT_SHARE * deadline.left(), deadline.clock), trunk
    first = polish(trunk, terms.goal(best.value), _ROOT_ROUNDS, early) or polish(trunk, terms.goal(best.value), 0)
    if first:
        first = _bounded(first)
        best = _gather(terms, replace(state, names=best.names, value=best.value), first, seed, deadline)
        if not early.left() and deadline.left():
            first = polish(trunk, terms.goal(best.value), _ROOT_ROUNDS) or first
        start, best = settle_first(first, best, ask)
    places = split_places(trunk, start, terms.goal(best.value)) if first else None
    if places:
        found = _share(terms, places, best, ask, seed, deadline)
    else:
        found = branch(start, best.names, best.value, ask, deadline)
    bound = max(found.bound, min(max(quick.bound, start.bound), found.value))
    return replace(found, nodes=found.nodes + quick.nodes, bound=bound)


def _share(terms: Terms, places: Places, best: Best, ask: Search, seed: int, deadline: Deadline) -> Searched:
    """Return what places that share nothing but the number of sites prove, each solved by all there is here."""

    def tell(_stage: str, _share: float, _value: float, _bound: float) -> bool:
        """Tell the caller what is known of the whole."""
        return ask.watch(best.value, -np.inf)

    def solve(asked: Terms) -> tuple[Ints, float]:
        """Return the best set of a place and its bound."""
        return _decide(asked, deadline, seed, tell)[:2]

    return share_sites(terms, places, best, solve, deadline, ask.watch)


def _bounded(polished: Polished) -> Polished:
    """Return the same with the bound that its prices prove."""
    node = polished.node
    told = raise_prices(node.core, node.price, goal=np.inf, upper=np.inf, steps=1, pace=0.0)
    return replace(polished, node=replace(node, bound=max(node.bound, told.bound)))


def _gather(terms: Terms, state: State, polished: Polished, seed: int, deadline: Deadline) -> Best:
    """Return the best of long searches, by turns among the sites with a share and from sites drawn anywhere.

    What each finds is joined with the best before: sets that are good in other places than the best one help most.
    """
    best, idle, everywhere = Best(state.names, state.value), 0, np.ones(len(polished.share))
    most = _FAR_IDLE if best.value - polished.node.bound > _FAR * best.value else _IDLE
    for turn in range(_TURNS):
        before = best.value
        for far in (False, True):
            if idle >= most or polished.node.bound > terms.goal(best.value) or not deadline.left():
                return best
            draw = seed + turn + 1
            if far:
                begin = replace(state, names=_drawn(state, draw))
                found = wander(begin, everywhere, draw, deadline, hot=_FAR_HEAT, kicks=_FAR_KICKS)
            else:
                found = wander(state, polished.share, draw, deadline, hot=_HEAT)
            names = join_sets(terms, state.node, best.names, found, deadline)
            best = Best(names, terms.cost_of(names))
        idle = 0 if best.value < before else idle + 1
    return best


def _drawn(state: State, seed: int) -> Ints:
    """Return the names of as many sites as are to be open, drawn at random among those that are left."""
    core = state.node.core
    opened = np.zeros(len(core.names), bool)
    opened[np.random.default_rng(seed).choice(len(opened), core.p, replace=False)] = True
    return named(state.node, core, opened)


def _search(terms: Terms, root: Core, seed: int, tick: Tick) -> Search:
    """Return what branching asks back: the goal, the true total, a quick search from a set, and news to the caller."""
    columns = by_column(root)

    def improve(names: Ints) -> tuple[Ints, float]:
        opened = np.isin(root.names, names)
        if int(opened.sum()) == root.p:
            opened, _ = search(root, columns, opened, kicks=5, visits=KICK_VISITS, seed=seed)
            names = root.names[opened]
        return names, terms.cost_of(names)

    def watch(value: float, bound: float) -> bool:
        return tick("branch and bound", 0.0, value, max(bound, 0.0))

    return Search(terms.goal, terms.cost_of, improve, watch)
