"""Which p sites make the total of weight times cost least, and how good is that provably?

Small questions are enumerated. Else swaps and prices take turns: the swaps give a total to beat, the prices a bound;
together they settle sites, so that both go on with a smaller question. Branch and bound closes what is left.
"""

from dataclasses import dataclass, replace

import numpy as np

from spatial.errors import InfeasibleError
from spatial.siting.median_branch import Node, Polished, Search, Searched, branch, likeliest, settle
from spatial.siting.median_core import Core, build_core
from spatial.siting.median_lp import relax, solve_at
from spatial.siting.median_price import first_prices, raise_prices
from spatial.siting.median_swap import by_column, fill_greedily, search
from spatial.siting.median_terms import Terms, ask, can_enumerate, enumerate_sets, finish
from spatial.siting.ways import Deadline, Flags, Floats, Found, Ints, Tick, Ways

_DEPTH_SITES, _DEPTH_SHARE, _DEPTH_LEAST = 20, 3, 50
"""A row is cut after 20 sites more than three times as many as there are per open site, and never before the 50th."""
_ROUNDS = 40
_STEPS, _STEP_VISITS = 150, 400_000_000
_PACE = 0.7
_KICKS, _KICK_PASSES, _KICK_VISITS = 400, 3, 1_000_000
"""A search ends with this many kicks, or when it looked at so many entries more than so many times all there are."""
_PACE_LEAST = 0.04
_LATE_STEPS, _LATE_PASSES = 30, 15
"""Once a round has stalled: fewer steps of the prices, and many more passes of the search from the best known set."""
_STALLED, _PATIENCE = 0.03, 3
"""Rounds end when three in a row close less than this share of the gap each."""
_QUICK_NODES = 250
_BRANCH_ENTRIES = 1_000_000
"""Branching begins once the question has at most this many entries; before, rounds go on until the deadline."""


@dataclass(frozen=True, slots=True)
class _State:
    """Names of the best new sites and their total, the question left with its bound, the pace of the prices."""

    names: Ints
    value: float
    node: Node
    pace: float


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
    free = np.flatnonzero(~terms.fixed)
    if terms.p == 0 or terms.p >= len(free):
        found = finish(terms, free if terms.p else free[:0], np.inf, deadline, "nothing to choose")
    elif can_enumerate(terms):
        found = finish(terms, enumerate_sets(terms), np.inf, deadline, "all sets compared")
    else:
        found = _solve(terms, deadline, seed, tick or (lambda stage, share, value, bound: True))
    if found.proved and not np.isfinite(found.value):
        raise InfeasibleError(f"siting: no {terms.p} new sites serve every row that has to be served")
    return found


def _solve(terms: Terms, deadline: Deadline, seed: int, tick: Tick) -> Found:
    """Solve on rows cut to their first sites, and on longer ones where the answer shows the cut to be too near."""
    free = int((~terms.fixed).sum())
    depth = max(_DEPTH_LEAST, _DEPTH_SHARE * free // terms.p + _DEPTH_SITES)
    names, bound, nodes, stopped = np.zeros(0, np.int64), -np.inf, 0, False
    while True:
        root = build_core(terms.ways, terms.weight, terms.cap, terms.fixed, terms.p, depth)
        state, stopped = _run_rounds(terms, root, names, seed, deadline, tick)
        reached = min(state.node.bound, state.value)
        names, value = state.names, state.value
        if reached <= terms.goal(value) and not stopped and deadline.left():
            searched = _branch(terms, root, state, seed, deadline, tick)
            names, value, reached, stopped = searched.names, searched.value, searched.bound, searched.stopped
            nodes += searched.nodes
        bound = max(bound, min(reached, value))
        notes = (f"{nodes} nodes",) if nodes else ()
        if bound > terms.goal(value):
            return finish(terms, names, np.inf, deadline, *notes)
        if not root.cut or stopped or not deadline.left():
            return finish(terms, names, bound, deadline, *notes, "stopped before the proof was complete")
        depth *= 2


def _run_rounds(
    terms: Terms, root: Core, names: Ints, seed: int, deadline: Deadline, tick: Tick
) -> tuple[_State, bool]:
    """Take turns of prices and swaps until the bound meets the value or both stall; tell whether it was stopped."""
    state = _start(terms, root, names, seed)
    stalled, turn = 0, 0
    while state.node.bound <= terms.goal(state.value) and state.node.core.p > 0:
        bound = max(state.node.bound, 0.0)
        if not deadline.left() or not tick("prices and swaps", min(turn / _ROUNDS, 1.0), state.value, bound):
            return state, True
        gap = state.value - state.node.bound
        state = _round(terms, state, seed + 2 * turn + 1, late=stalled > 0)
        turn += 1
        stalled = stalled + 1 if gap - (state.value - state.node.bound) < _STALLED * gap else 0
        if stalled >= _PATIENCE and len(state.node.core.cost) <= _BRANCH_ENTRIES:
            break
    return state, False


def _start(terms: Terms, root: Core, names: Ints, seed: int) -> _State:
    """Return a first open set, by greedy adding and swaps, and the whole question."""
    columns = by_column(root)
    opened = np.isin(root.names, names) if len(names) else fill_greedily(root, columns)
    visits = _KICK_PASSES * len(root.cost) + _KICK_VISITS
    opened, _ = search(root, columns, opened, kicks=20, visits=visits, seed=seed)
    chosen = root.names[opened]
    return _State(chosen, terms.cost_of(chosen), Node(root, (), first_prices(root), -np.inf), _PACE)


def _round(terms: Terms, state: _State, seed: int, *, late: bool) -> _State:
    """Raise the prices, search on from the sites they favour and from the best known, drop what is settled.

    ``late`` says that this has become slow: then the best known set gets nearly all of the work.
    """
    node, core = state.node, state.node.core
    steps = int(np.clip(_STEP_VISITS // max(len(core.cost), 1), 10, _LATE_STEPS if late else _STEPS))
    goal = terms.goal(state.value)
    priced = raise_prices(core, node.price, goal=goal, upper=state.value, steps=steps, pace=state.pace)
    names, value = state.names, state.value
    columns = by_column(core)
    starts = [] if late else [likeliest(core, priced)]
    known = np.isin(core.names, names)
    if int(known.sum()) == core.p:
        starts.append(known)
    passes = _LATE_PASSES if late else _KICK_PASSES
    kicks, visits = _KICKS * passes // _KICK_PASSES, passes * len(core.cost) + _KICK_VISITS
    for start in starts:
        opened, reached = search(core, columns, start, kicks=kicks, visits=visits, seed=seed)
        if reached < value:
            tried = np.concatenate((np.array(node.opened, np.int64), core.names[opened]))
            if (tried_value := terms.cost_of(tried)) < value:
                names, value = tried, tried_value
    smaller = settle(node, priced)
    # Where nothing keeps to all that is settled, nothing is better than the best known.
    left = smaller if smaller is not None else replace(node, bound=value)
    return _State(names, value, left, max(priced.pace, _PACE_LEAST))


def _branch(terms: Terms, root: Core, state: _State, seed: int, deadline: Deadline, tick: Tick) -> Searched:
    """Return what branching finds: a number of nodes by prices alone, then all by the linear relaxation too."""
    ask = _search(terms, root, seed, tick)
    quick = branch(state.node, state.names, state.value, ask, deadline, _QUICK_NODES)
    if not quick.stopped or quick.nodes < _QUICK_NODES:
        return quick
    trunk = state.node
    relaxed = relax(trunk.core, trunk.price)
    place = np.zeros(terms.ways.rows, np.int64)
    place[trunk.core.rows] = np.arange(len(trunk.core.rows))
    column = np.zeros(terms.ways.sites, np.int64)
    column[trunk.core.names] = np.arange(len(trunk.core.names))

    def polish(node: Node, goal: float) -> Polished | None:
        opened = np.array(node.opened[len(trunk.opened) :], np.int64)
        first = node is trunk
        answer = solve_at(relaxed, opened, node.core.names, goal, deadline, first=first)
        if answer is None:
            return None
        return Polished(answer.price[place[node.core.rows]], answer.share[column[node.core.names]])

    found = branch(trunk, quick.names, quick.value, replace(ask, polish=polish), deadline)
    return replace(found, nodes=found.nodes + quick.nodes, bound=max(found.bound, min(quick.bound, found.value)))


def _search(terms: Terms, root: Core, seed: int, tick: Tick) -> Search:
    """Return what branching asks back: the goal, the true total, a quick search from a set, and news to the caller."""
    columns = by_column(root)

    def improve(names: Ints) -> tuple[Ints, float]:
        opened = np.isin(root.names, names)
        if int(opened.sum()) == root.p:
            opened, _ = search(root, columns, opened, kicks=5, visits=_KICK_VISITS, seed=seed)
            names = root.names[opened]
        return names, terms.cost_of(names)

    def watch(value: float, bound: float) -> bool:
        return tick("branch and bound", 0.0, value, max(bound, 0.0))

    return Search(terms.goal, terms.cost_of, improve, watch)
