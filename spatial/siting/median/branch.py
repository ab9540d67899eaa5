"""Is there a better open set at all? Branch and bound over sites, with prices for the bound.

Every node is a smaller question of its own: sites that the prices settle leave it, and it starts from the prices of
the node above, so that some ten steps give its bound.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from spatial.siting.median.core import Core, shrink, total
from spatial.siting.median.price import Priced, raise_prices
from spatial.siting.median.start import Start
from spatial.siting.ways import Deadline, Flags, Floats, Ints

_STEPS = 60
_LIKELY = 0.45
"""Share near which a site is split on, where steps of prices give shares."""
_PACE = 0.3
_AGAIN = 0.8
"""A node is priced once more, before it is split, when fewer than this share of its sites is left."""
_OFTEN = 0.5
_FINE_STEPS, _FINE_PACE = 3, 0.01
_REPORT_EVERY = 64
_WIDE = 200
"""With more open nodes than this the last one is next, else the one of least bound after each that is closed, and after
every one whose relaxation is solved: that takes long, and the least bound is what all of it proves."""
_IMPROVE_FIRST, _IMPROVE_EVERY = 10, 16
"""The first nodes and then every 16th start a quick search from the sites their prices favour."""


@dataclass(frozen=True, slots=True)
class Node:
    """A smaller question, the names of the sites opened on the way, its prices, a bound for it, where the simplex
    method ended above it, and the balls that are ``held``: one of their sites is open."""

    core: Core
    opened: tuple[int, ...]
    price: Floats
    bound: float
    start: Start | None = None
    held: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Polished:
    """The node in costs that are nowhere higher and with prices that bound it better, how far each site is open, and
    the halves of what is left of it once sites are settled. The node's bound is infinite where nothing is left."""

    node: Node
    share: Floats
    split: Callable[[Node], list[Node]]


@dataclass(frozen=True, slots=True)
class Search:
    """What branching asks back: the total that better sets stay at or below, the true total of a set of names, a better
    set near one with its total, whether to go on (told value and bound), and, if given, better prices for a node and
    a goal, what a set costs at least where costs of nodes may be too low, and halves of a node with shares, if other
    than with a site shut and with it open; ``steps`` is how many steps the prices of a node take."""

    goal: Callable[[float], float]
    cost_of: Callable[[Ints], float]
    improve: Callable[[Ints], tuple[Ints, float]]
    watch: Callable[[float, float], bool]
    polish: Callable[[Node, float], Polished | None] | None = None
    steps: int = _STEPS
    least: Callable[[Ints], float] | None = None
    halve: Callable[[Node, Floats], list[Node]] | None = None


@dataclass(frozen=True, slots=True)
class Searched:
    """Names of the best open sites, their total, a bound, nodes seen, and whether it was stopped."""

    names: Ints
    value: float
    bound: float
    nodes: int
    stopped: bool


@dataclass(frozen=True, slots=True)
class Best:
    """Names of the best open sites and their total."""

    names: Ints
    value: float


def branch(
    root: Node, names: Ints, value: float, ask: Search, deadline: Deadline, most: int = 2**62, foreseen: float = 0.0
) -> Searched:
    """Return the best set at or below the goal, or proof that none is, as far as deadline and ``most`` nodes allow.

    After so many nodes it goes on only while the whole tree, told from the part of it that is done, seems to have no
    more than ``foreseen``. A set whose true total is above what its core says (rows are cut) keeps the bound down to
    the latter.
    """
    best, stack, nodes, floor = Best(names, value), [(root, 1.0)], 0, np.inf
    parts: list[Node] = []
    while stack:
        lowest = min(min(node.bound for node, _ in stack), floor, best.value)
        slow = nodes >= most and nodes > foreseen * (1.0 - sum(part for _, part in stack))
        if slow or not deadline.left() or (nodes % _REPORT_EVERY == 0 and not ask.watch(best.value, lowest)):
            return Searched(best.names, best.value, lowest, nodes, True)
        deep = len(stack) > _WIDE or bool(parts and not ask.polish)
        at = -1 if deep else min(range(len(stack)), key=lambda k: stack[k][0].bound)
        node, part = stack.pop(at)
        parts = []
        if node.bound > ask.goal(best.value):
            continue
        nodes += 1
        thorough = nodes <= _IMPROVE_FIRST or nodes % _IMPROVE_EVERY == 0
        best, parts, leaf = visit(node, best, ask, thorough)
        floor = min(floor, leaf)
        stack += [(one, part / len(parts)) for one in parts]
    return Searched(best.names, best.value, min(best.value, floor), nodes, False)


def likeliest(core: Core, priced: Priced) -> Flags:
    """Return the ``p`` sites that were open most often of late; ties by id; of any number those open half the time."""
    if core.p < 0:
        paying: Flags = priced.share > _OFTEN
        return paying
    flags = np.zeros(len(core.names), bool)
    flags[np.argsort(-priced.share, kind="stable")[: core.p]] = True
    return flags


def settle(node: Node, priced: Priced) -> Node | None:
    """Return the node without settled sites; None when no set of ``p`` sites keeps to all that is settled."""
    core = node.core
    sure = priced.status > 0
    count = int(sure.sum())
    if count > core.p >= 0:
        return None
    opened = node.opened + tuple(int(name) for name in core.names[sure])
    settled: Any = priced.status if count < core.p or core.p < 0 else np.where(sure, 1, -1)
    smaller, rows = shrink(core, settled)
    return Node(smaller, opened, priced.price[rows], max(node.bound, priced.bound), node.start, node.held)


def visit(node: Node, best: Best, ask: Search, thorough: bool) -> tuple[Best, list[Node], float]:
    """Return the best set, the parts the node splits into (the one to look at first last), and the bound of a leaf."""
    while True:
        core = node.core
        flags = _last(core)
        if flags is not None:
            best, floor = _leaf(node, flags, best, ask)
            return best, [], floor
        goal = ask.goal(best.value)
        priced = raise_prices(core, node.price, goal=goal, upper=best.value, steps=ask.steps, pace=_PACE)
        if priced.bound > goal:
            return best, [], np.inf
        polished = ask.polish(node, goal) if ask.polish else None
        if polished is not None:
            node, core = polished.node, polished.node.core
            priced = _with_polish(core, priced, polished, goal, best.value)
            if priced.bound > goal:
                return best, [], np.inf
        best = _try(node, likeliest(core, priced), best, ask, thorough)
        smaller = settle(node, priced)
        if smaller is None:
            return best, [], np.inf
        if _last(smaller.core) is None and len(smaller.core.names) >= _AGAIN * len(core.names):
            share = priced.share[priced.status == 0]
            if ask.halve and (halves := ask.halve(smaller, share)):
                return best, halves, np.inf
            if polished is not None:
                return best, polished.split(smaller), np.inf
            return best, split_on(smaller, int(np.argmin(np.abs(share - _LIKELY)))), np.inf
        node, thorough = smaller, False


def settle_first(polished: Polished, best: Best, ask: Search) -> tuple[Node, Best]:
    """Return the root of a tree without what its polished prices settle, and the better of the best set and one near
    its shares; a root that is bounded away keeps its bound."""
    goal, core = ask.goal(best.value), polished.node.core
    priced = raise_prices(core, polished.node.price, goal=goal, upper=best.value, steps=_STEPS, pace=_FINE_PACE)
    best = _try(polished.node, likeliest(core, replace(priced, share=polished.share)), best, ask, thorough=True)
    smaller = settle(polished.node, priced) if priced.bound <= goal else None
    # Where nothing keeps to all that is settled, nothing is better than the best known.
    return smaller or replace(polished.node, bound=max(goal, priced.bound) + 1.0), best


def _with_polish(core: Core, priced: Priced, polished: Polished, goal: float, upper: float) -> Priced:
    """Return the bound of a polished node, computed anew, with all that either settles."""
    price = polished.node.price
    fine = raise_prices(core, price, goal=goal, upper=upper, steps=_FINE_STEPS, pace=_FINE_PACE)
    status = np.where(fine.status != 0, fine.status, priced.status)
    return replace(fine, bound=max(fine.bound, priced.bound, polished.node.bound), share=polished.share, status=status)


def _last(core: Core) -> Flags | None:
    """Return the only or best set of a core so small that it is plain; None for others."""
    m = len(core.names)
    if core.p < 0 and m and len(core.cap):
        return None
    if core.p <= 0:
        return np.zeros(m, bool)
    if m <= core.p:
        return np.ones(m, bool)
    if core.p > 1 or core.fee.any():
        return None
    # One site: all rows pay their cap, and it saves most.
    row = np.repeat(np.arange(len(core.cap)), np.diff(core.ptr))
    saved = np.bincount(core.site, core.weight[row] * (core.cap[row] - core.cost), m)
    flags: Flags = np.arange(m) == saved.argmax()
    return flags


def _leaf(node: Node, flags: Flags, best: Best, ask: Search) -> tuple[Best, float]:
    """Return the better of the best set and the leaf's, and the leaf's bound where it is not settled by that.

    Where costs may be too low, the best set by them need not be the best: all that may reach the goal are looked at.
    """
    core, floor = node.core, np.inf
    while (reached := total(core, flags)) <= ask.goal(best.value):
        names = np.concatenate((np.array(node.opened, np.int64), core.names[flags]))
        floor = min(floor, max(reached, ask.least(names)) if ask.least else reached)
        value = ask.cost_of(names)
        if value < best.value:
            best = Best(names, value)
        if ask.least is None or core.p != 1 or len(core.names) == 1:
            break
        core, _ = shrink(core, -flags.astype(np.int64))
        flags = np.asarray(_last(core))
    return best, floor if floor <= ask.goal(best.value) else np.inf


def _try(node: Node, flags: Flags, best: Best, ask: Search, thorough: bool) -> Best:
    """Return the better of the best set and the flagged one, or one near it if the try is to be thorough."""
    reached = total(node.core, flags)
    if reached >= best.value and not thorough:
        return best
    names = np.concatenate((np.array(node.opened, np.int64), node.core.names[flags]))
    names, value = ask.improve(names) if thorough else (names, ask.cost_of(names))
    return Best(names, value) if value < best.value else best


def split_on(node: Node, at: int) -> list[Node]:
    """Return the node with one site shut and with it open."""
    core = node.core
    parts = []
    for flag in (-1, 1):
        status = np.zeros(len(core.names), np.int64)
        status[at] = flag
        smaller, rows = shrink(core, status)
        opened = (*node.opened, int(core.names[at])) if flag > 0 else node.opened
        parts.append(Node(smaller, opened, node.price[rows], node.bound, node.start, node.held))
    return parts
