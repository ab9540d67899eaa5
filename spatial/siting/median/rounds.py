"""How near do swaps and prices in turns bring a p-median to its proof, before anything is branched?

A question too large for branching is left to ``city.py`` as soon as the rounds become slow.
"""

from dataclasses import dataclass, replace

import numpy as np

from spatial.siting.median.branch import Node, likeliest, settle
from spatial.siting.median.core import Core, shrink
from spatial.siting.median.greedy import fill_greedily
from spatial.siting.median.price import Priced, first_prices, raise_prices
from spatial.siting.median.swap import by_column, search
from spatial.siting.median.terms import Terms
from spatial.siting.ways import Deadline, Flags, Floats, Ints, Tick

_ROUNDS = 40
_STEPS, _STEP_VISITS = 150, 400_000_000
_LEAST_STEPS, _TRIED_STEPS, _PRICE_SHARE, _ALL = 60, 5, 0.6, 0.9
"""Steps of the prices in any round, those that tell how long a step of a large question takes, and the shares of the
time left that all of them may take then: where searches follow, and at the very end."""
_AGAIN = 2.0
"""A second search of a large question begins where there is so many times the time that the first took."""
_PACE = 0.7
_KICKS, _KICK_PASSES, KICK_VISITS = 400, 3, 1_000_000
"""A search ends with this many kicks, or when it looked at so many entries more than so many times all there are."""
_PACE_LEAST = 0.04
_LATE_STEPS, _LATE_VISITS, _LATE_PACE, _LATE_PASSES = 200, 800_000_000, 0.02, 15
"""Once a round has stalled: more and finer steps of the prices without a break, and many more passes of the search."""
_LATE_SHARE = 0.002
_SLICES, _SLICE_KICKS = 20, 2.0
_HOT, _COLD = 0.1, 0.002
"""The late search is among sites that were open in this share of the last prices. It has so many slices, each of so
many kicks per open site; the hotter it is, as shares of what a site costs, the more often worse sets are kept."""
_STALLED, _PATIENCE = 0.03, 3
"""Rounds end when three in a row close less than this share of the gap each."""
_SLOW = 0.4
"""A large question is left by rounds when one closes less than this share of the gap."""
_MANY = 100
"""A large question with so many sites to open is left after one round: prices take long there, and searches go beside
them."""
BRANCH_ENTRIES = 1_000_000
"""A question is large while it has more entries than this."""


@dataclass(frozen=True, slots=True)
class State:
    """Names of the best new sites and their total, the question left with its bound, the pace of the prices."""

    names: Ints
    value: float
    node: Node
    pace: float


def run_rounds(terms: Terms, root: Core, names: Ints, seed: int, deadline: Deadline, tick: Tick) -> tuple[State, bool]:
    """Take turns of prices and swaps until the bound meets the value or both stall; tell whether it was stopped.

    Where the question is large, both stall as soon as a round closes little.
    """
    state = start(terms, root, names, seed)
    stalled, turn, late, took = 0, 0, False, 0.0
    while state.node.bound <= terms.goal(state.value) and state.node.core.p > 0:
        bound = max(state.node.bound, 0.0)
        if not deadline.left() or not tick("prices and swaps", min(turn / _ROUNDS, 1.0), state.value, bound):
            return state, True
        gap, begun = state.value - state.node.bound, deadline.spent()
        # Where no other search would end in time, prices alone go on.
        hasty = _is_large(state.node.core) and deadline.left() < took
        state = _round(terms, state, seed + 2 * turn + 1, deadline, late=late, hasty=hasty)
        turn, took = turn + 1, deadline.spent() - begun
        if hasty:
            return state, True
        closed, large = gap - (state.value - state.node.bound), _is_large(state.node.core)
        stalled = stalled + 1 if closed < _STALLED * gap else 0
        late = stalled > 0
        if stalled >= _PATIENCE or (large and (closed < _SLOW * gap or terms.p >= _MANY)):
            break
    return state, False


def start(terms: Terms, root: Core, names: Ints, seed: int) -> State:
    """Return a first open set, by greedy adding and swaps, and the whole question."""
    columns = by_column(root)
    opened = np.isin(root.names, names) if len(names) else fill_greedily(root, columns)
    visits = _KICK_PASSES * len(root.cost) + KICK_VISITS
    opened, _ = search(root, columns, opened, kicks=20, visits=visits, seed=seed)
    chosen = root.names[opened]
    return State(chosen, terms.cost_of(chosen), Node(root, (), first_prices(root), -np.inf), _PACE)


def _is_large(core: Core) -> bool:
    """Tell whether a question is too large for branching."""
    return len(core.cost) > BRANCH_ENTRIES


def _round(terms: Terms, state: State, seed: int, deadline: Deadline, *, late: bool, hasty: bool) -> State:
    """Raise the prices, search on from the sites they favour and from the best known, drop what is settled.

    ``late`` says that this has become slow: then a long search goes out from the best known set alone. ``hasty`` says
    that there is no time for any.
    """
    node, core = state.node, state.node.core
    visits, most = (_LATE_VISITS, _LATE_STEPS) if late else (_STEP_VISITS, _STEPS)
    steps = int(np.clip(visits // max(len(core.cost), 1), _LEAST_STEPS, most))
    priced = raise_in_time(state, terms.goal(state.value), steps, deadline, share=_ALL if hasty else _PRICE_SHARE)
    found: list[Ints] = []
    if not hasty:
        found = [wander(state, priced.share, seed, deadline)] if late else searched(state, priced, seed, deadline)
    names, value = state.names, state.value
    for tried in found:
        if (reached := terms.cost_of(tried)) < value:
            names, value = tried, reached
    smaller = settle(node, priced)
    # Where nothing keeps to all that is settled, nothing is better than the best known.
    left = smaller if smaller is not None else replace(node, bound=value)
    return State(names, value, left, max(priced.pace, _LATE_PACE if late else _PACE_LEAST))


def raise_in_time(state: State, goal: float, steps: int, deadline: Deadline, *, share: float) -> Priced:
    """Return the prices after so many steps, or as many as there is time for where a question is large."""
    core, price, pace, status = state.node.core, state.node.price, state.pace, None
    if _is_large(core):
        begun = deadline.spent()
        first = raise_prices(core, price, goal=goal, upper=state.value, steps=_TRIED_STEPS, pace=pace)
        each = max(deadline.spent() - begun, 1e-9) / _TRIED_STEPS
        steps = int(min(steps - _TRIED_STEPS, share * deadline.left() / each))
        if steps <= 0 or first.bound > goal:
            return first
        price, pace, status = first.price, first.pace, first.status
    priced = raise_prices(core, price, goal=goal, upper=state.value, steps=steps, pace=pace)
    return priced if status is None else replace(priced, status=np.where(status != 0, status, priced.status))


def searched(state: State, priced: Priced, seed: int, deadline: Deadline) -> list[Ints]:
    """Return the sets that short searches reach from the sites the prices favour and, in time, from the best known."""
    node, core, begun = state.node, state.node.core, deadline.spent()
    columns = by_column(core)
    starts = [likeliest(core, priced)]
    known = np.isin(core.names, state.names)
    if int(known.sum()) == core.p:
        starts.append(known)
    visits = _KICK_PASSES * len(core.cost) + KICK_VISITS
    found: list[Ints] = []
    for start in starts:
        if found and _is_large(core) and deadline.left() < _AGAIN * (deadline.spent() - begun):
            break
        opened, _ = search(core, columns, start, kicks=_KICKS, visits=visits, seed=seed)
        found.append(named(node, core, opened))
    return found


def wander(
    state: State, share: Floats, seed: int, deadline: Deadline, *, hot: float = _HOT, kicks: float = _SLICE_KICKS
) -> Ints:
    """Return what a long search from the known set, hot at first, finds among the sites the prices waver about.

    ``share`` is how often each site was open in the last prices; ``kicks`` is by slice and open site.
    """
    node, core = state.node, state.node.core
    known = np.isin(core.names, state.names)
    if int(known.sum()) != core.p or core.p < 1:
        return state.names
    core, _ = shrink(core, np.where(known | (share >= _LATE_SHARE), 0, -1))
    columns, opened = by_column(core), np.isin(core.names, state.names)
    unit = state.value / max(len(state.names), 1)
    for k in range(_SLICES):
        opened, _ = search(
            core, columns, opened, kicks=int(kicks * core.p) + _SLICES,
            visits=_LATE_PASSES * len(node.core.cost) + KICK_VISITS, seed=seed * _SLICES + k,
            heat=unit * hot * (_COLD / hot) ** (k / (_SLICES - 1)),
        )  # fmt: skip
        if not deadline.left():
            break
    return named(node, core, opened)


def named(node: Node, core: Core, opened: Flags) -> Ints:
    """Return the names of open sites of a core, with those that were opened on the way to a node."""
    return np.concatenate((np.array(node.opened, np.int64), core.names[opened]))
