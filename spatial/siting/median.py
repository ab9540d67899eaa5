"""Which p sites make the total of weight times cost least, and how good is that provably?

Small questions are enumerated. Else swaps and prices take turns: the swaps give a total to beat, the prices a bound;
together they settle sites, so that both go on with a smaller question. Branch and bound closes what is left.
"""

from dataclasses import dataclass, replace

import numpy as np

from spatial.errors import InfeasibleError
from spatial.siting.median_branch import Node, Polished, Search, Searched, branch, likeliest, settle
from spatial.siting.median_core import Core, build_core, shrink
from spatial.siting.median_lp import relax, solve_at
from spatial.siting.median_price import Priced, first_prices, raise_prices
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
_LATE_STEPS, _LATE_VISITS, _LATE_PACE, _LATE_PASSES = 200, 800_000_000, 0.02, 15
"""Once a round has stalled: more and finer steps of the prices without a break, and many more passes of the search."""
_LATE_SHARE = 0.01
_SLICES, _SLICE_KICKS = 20, 2
_HOT, _COLD = 0.1, 0.002
"""The late search is among sites that were open in this share of the last prices. It has so many slices, each of so
many kicks per open site; the hotter it is, as shares of what a site costs, the more often worse sets are kept."""
_STALLED, _PATIENCE = 0.03, 3
"""Rounds end when three in a row close less than this share of the gap each."""
_SLOW = 0.2
"""Where the question is too large for branching, rounds that close less than this share of the gap are late already."""
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
    stalled, turn, late = 0, 0, False
    while state.node.bound <= terms.goal(state.value) and state.node.core.p > 0:
        bound = max(state.node.bound, 0.0)
        if not deadline.left() or not tick("prices and swaps", min(turn / _ROUNDS, 1.0), state.value, bound):
            return state, True
        gap = state.value - state.node.bound
        state = _round(terms, state, seed + 2 * turn + 1, deadline, late=late)
        turn += 1
        closed, large = gap - (state.value - state.node.bound), len(state.node.core.cost) > _BRANCH_ENTRIES
        stalled = stalled + 1 if closed < _STALLED * gap else 0
        late = closed < _SLOW * gap or late if large else stalled > 0
        if stalled >= _PATIENCE and not large:
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


def _round(terms: Terms, state: _State, seed: int, deadline: Deadline, *, late: bool) -> _State:
    """Raise the prices, search on from the sites they favour and from the best known, drop what is settled.

    ``late`` says that this has become slow: then a long search goes out from the best known set alone.
    """
    node, core = state.node, state.node.core
    visits, most = (_LATE_VISITS, _LATE_STEPS) if late else (_STEP_VISITS, _STEPS)
    steps = int(np.clip(visits // max(len(core.cost), 1), 10, most))
    goal = terms.goal(state.value)
    priced = raise_prices(core, node.price, goal=goal, upper=state.value, steps=steps, pace=state.pace)
    found = _wander(state, priced, seed, deadline) if late else _searched(state, priced, seed)
    names, value = state.names, state.value
    for tried in found:
        if (reached := terms.cost_of(tried)) < value:
            names, value = tried, reached
    smaller = settle(node, priced)
    # Where nothing keeps to all that is settled, nothing is better than the best known.
    left = smaller if smaller is not None else replace(node, bound=value)
    return _State(names, value, left, max(priced.pace, _LATE_PACE if late else _PACE_LEAST))


def _searched(state: _State, priced: Priced, seed: int) -> list[Ints]:
    """Return the sets that short searches reach from the sites the prices favour and from the best known ones."""
    node, core = state.node, state.node.core
    columns = by_column(core)
    starts = [likeliest(core, priced)]
    known = np.isin(core.names, state.names)
    if int(known.sum()) == core.p:
        starts.append(known)
    visits = _KICK_PASSES * len(core.cost) + _KICK_VISITS
    found = []
    for start in starts:
        opened, _ = search(core, columns, start, kicks=_KICKS, visits=visits, seed=seed)
        found.append(_named(node, core, opened))
    return found


def _wander(state: _State, priced: Priced, seed: int, deadline: Deadline) -> list[Ints]:
    """Return what a long search from the best known set, hot at first, finds among the sites the prices waver about."""
    node, core = state.node, state.node.core
    known = np.isin(core.names, state.names)
    if int(known.sum()) != core.p:
        return [] if core.p < 1 else _searched(state, priced, seed)
    core, _ = shrink(core, np.where(known | (priced.share >= _LATE_SHARE), 0, -1))
    columns, opened = by_column(core), np.isin(core.names, state.names)
    hot = state.value / max(len(state.names), 1) * _HOT
    for k in range(_SLICES):
        opened, _ = search(
            core, columns, opened, kicks=_SLICE_KICKS * core.p + _SLICES,
            visits=_LATE_PASSES * len(node.core.cost) + _KICK_VISITS, seed=seed * _SLICES + k,
            heat=hot * (_COLD / _HOT) ** (k / (_SLICES - 1)),
        )  # fmt: skip
        if not deadline.left():
            break
    return [_named(node, core, opened)]


def _named(node: Node, core: Core, opened: Flags) -> Ints:
    """Return the names of open sites of a core, with those that were opened on the way to a node."""
    return np.concatenate((np.array(node.opened, np.int64), core.names[opened]))


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
        """Return the prices and shares of a node at their best, where they can be had in time."""
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
