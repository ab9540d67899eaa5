"""How much more does a p-median cost than its prices say, counted part by part?

The rows fall into parts of a city, and each part opens sites of its own for a fee, any number of them; what a site asks
of all parts together is what one more site is worth. At the fees that the prices pay, the parts cost what the prices
prove, and branching in each of them can only add to it: the gaps of far places add up, which no branching of the whole
could do. Parts are fee questions as Erlenkotter solved them ("A dual-based procedure for uncapacitated facility
location", 1978); to split a city so is due to Senne, Pereira and Lorena ("A decomposition heuristic for the maximal
covering location problem", 2010).
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from spatial.siting.median.balls import split_ball
from spatial.siting.median.branch import Best, Node, Search, visit
from spatial.siting.median.core import Core, total
from spatial.siting.median.fees import pay_fees
from spatial.siting.median.labels import label_rows
from spatial.siting.median.swap import by_column
from spatial.siting.median.trade import Fees, Met, trade_fees
from spatial.siting.ways import Flags, Floats, Ints

_WIDER = 1.5
"""What a site may ask beyond what the prices pay is shared by what rows would save at prices so many times higher."""
_FAINT, _FAINTEST = 1e-9, 1e-12
_STEPS = 60
"""Steps of the prices of a node."""
_KICKS, _IMPROVED = 2, (1, 2, 8, 32)
"""Kicks of a search in a part, and the nodes that start one from the sites their prices favour."""
_OFTEN = 0.5


@dataclass(frozen=True, slots=True)
class Part:
    """The rows of one part as a question of its own with fees, their prices, and what these prove of it.

    ``excess`` is by how much the fee of each site is above what the part saves by it at these prices.
    """

    core: Core
    price: Floats
    bound: float
    excess: Floats


@dataclass(frozen=True, slots=True)
class Parts:
    """All parts; what they cost together, and ``rest``, is at most what the whole costs. ``fees`` are by part and site
    of the whole."""

    parts: tuple[Part, ...]
    rest: float
    fees: Fees


@dataclass(frozen=True, slots=True)
class Proved:
    """The label of each row, the part of each label, a bound of each part, and sets met in each."""

    label: Ints
    parts: Parts
    bound: Floats
    met: tuple[Met, ...]

    def reached(self) -> float:
        """Return what the whole costs at least."""
        return self.parts.rest + float(self.bound.sum())


@dataclass(frozen=True, slots=True)
class Proof:
    """A bound of one part, names and total of the best set met in it, whether no node was left (that set is then the
    best of all, and only rounding and what was let go lie between), and sets met."""

    bound: float
    names: Ints
    value: float
    whole: bool
    met: Met


def first_parts(core: Core, price: Floats, opened: Flags, depth: int) -> Proved:
    """Return the parts around the open sites, halved so often, and what their prices prove."""
    label = label_rows(core, opened, depth)
    parts = split_parts(core, price, label)
    return _unproved(label, parts, tuple({} for _ in parts.parts))


def double_parts(core: Core, price: Floats, halves: Proved, depth: int) -> Proved:
    """Return parts of two halves each, and what those prove of them; the same parts if they are so few already.

    ``core`` and ``price`` are those of the halves.
    """
    if int(halves.label.max(initial=0)) < 2**depth:
        return halves
    label, halved = halves.label // 2, halves.parts.fees
    fee = np.add.reduceat(halved.fee, np.arange(0, len(halved.fee), 2), axis=0)
    parts = split_parts(core, price, label, Fees(fee, halved.rate))
    met = tuple(_met_together(halves, range(2 * k, min(2 * k + 2, len(halves.met)))) for k in range(len(fee)))
    return Proved(label, parts, joined_bounds(parts, halves.parts, halves.bound), met)


def _met_together(halves: Proved, pair: range) -> Met:
    """Return the best sets met in two halves as one of both: each half paid at most that much for it."""
    names: set[int] = set()
    paid = 0.0
    for k in pair:
        fee, met = halves.parts.fees.fee[k], halves.met[k]
        if met:
            best = min(met, key=lambda one: (met[one] + float(fee[list(one)].sum()), one))
            names, paid = names | set(best), paid + met[best]
    return {tuple(sorted(names)): paid} if all(halves.met[k] for k in pair) and len(pair) else {}


def trade_parts(core: Core, proved: Proved, reach: float) -> Proved:
    """Return the same parts at fees that the sets met in them make seem better, none of them proved.

    ``core`` is the whole; how far fees move goes by ``reach``.
    """
    fees = trade_fees(proved.parts.fees, core.p, proved.met, reach)
    parts = tuple(_at_fees(part, fee[part.core.names]) for part, fee in zip(proved.parts.parts, fees.fee, strict=True))
    return _unproved(proved.label, Parts(parts, core.base - core.p * fees.rate, fees), proved.met)


def _at_fees(part: Part, fee: Floats) -> Part:
    """Return a part at other fees for its sites."""
    core, excess = replace(part.core, fee=fee), part.excess + (fee - part.core.fee)
    return Part(core, part.price, float(core.weight @ part.price + np.minimum(excess, 0.0).sum()), excess)


def split_parts(core: Core, price: Floats, label: Ints, fees: Fees | None = None) -> Parts:
    """Return the parts of a core, one for each label of its rows from 0 on, at prices that are at most the caps.

    Without ``fees`` each part pays what it saves by a site.
    """
    price = np.clip(price, np.minimum(core.cost[core.ptr[:-1]], core.cap), core.cap)
    count = int(label.max(initial=-1)) + 1
    paid = _saved(core, price, label, count)
    fees = fees or _first_fees(core, paid, _saved(core, _WIDER * price, label, count, _FAINT))
    parts = [_part(core, np.flatnonzero(label == k), price, fees.fee[k], paid[k]) for k in range(count)]
    return Parts(tuple(parts), core.base - core.p * fees.rate, fees)


def _unproved(label: Ints, parts: Parts, met: tuple[Met, ...]) -> Proved:
    """Return parts of which is known what their prices prove."""
    return Proved(label, parts, np.array([part.bound for part in parts.parts]), met)


def prove_part(part: Part, opened: Flags, most: int, goes_on: Callable[[], bool], *, slack: float = 0.0) -> Proof:
    """Return what branching proves of a part in so many nodes, the one with the least bound first.

    ``opened`` flags sites of the whole: a set to begin with. ``goes_on`` is asked before every node. Sets that are
    better than the best met by less than ``slack`` are let go.
    """
    core = part.core
    met: Met = {}

    def cost_of(names: Ints) -> float:
        """Return the total of the part with its fees."""
        return total(core, np.isin(core.names, names))

    def meet(names: Ints, value: float) -> None:
        """Remember a set and what the part pays at most with it, without fees."""
        names = np.sort(names)
        paid = value - float(core.fee[np.searchsorted(core.names, names)].sum())
        key = tuple(names.tolist())
        met[key] = min(met.get(key, np.inf), paid)

    columns = by_column(core)

    def improve(names: Ints) -> tuple[Ints, float]:
        """Return a set at least as good near one, with its total."""
        flags, value = pay_fees(core, columns, np.isin(core.names, names), kicks=_KICKS, seed=1)
        meet(core.names[flags], value)
        return core.names[flags], value

    def halve(node: Node, share: Floats) -> list[Node]:
        """Return halves of a node, and remember the sites that are open there more often than not."""
        often = share > _OFTEN
        names = np.concatenate((np.array(node.opened, np.int64), node.core.names[often]))
        meet(names, total(node.core, often))
        return split_ball(node, share)

    ask = Search(lambda value: value - slack, cost_of, improve, lambda _value, _bound: True, steps=_STEPS, halve=halve)
    best = Best(*improve(core.names[opened[core.names]]))
    heap: list[tuple[float, int, Node]] = [(part.bound, 0, Node(core, (), part.price, part.bound))]
    serial, nodes, floor = 1, 0, np.inf
    while heap and heap[0][0] < best.value - slack and nodes < most and goes_on():
        node = heapq.heappop(heap)[2]
        nodes += 1
        best, smaller, leaf = visit(node, best, ask, nodes in _IMPROVED)
        floor = min(floor, leaf)
        for child in smaller:
            heapq.heappush(heap, (child.bound, serial, child))
            serial += 1
    meet(best.names, best.value)
    lowest = min(heap[0][0] if heap else np.inf, floor, best.value - slack)
    whole = not heap or heap[0][0] >= best.value - slack
    return Proof(max(lowest, part.bound), best.names, best.value, whole, met)


def joined_bounds(parts: Parts, halves: Parts, bound: Floats) -> Floats:
    """Return what each part costs at least if its halves, with the labels 2 k and 2 k + 1, cost ``bound`` at least.

    A part's fees are those of its halves together; what rounding makes them less is taken off.
    """
    joined = np.array([part.bound for part in parts.parts])
    for k, part in enumerate(parts.parts):
        fee = np.zeros(int(part.core.names.max(initial=-1)) + 1)
        for half in halves.parts[2 * k : 2 * k + 2]:
            fee[half.core.names] += half.core.fee
        lacking = float(np.maximum(fee[part.core.names] - part.core.fee, 0.0).sum())
        joined[k] = max(joined[k], float(bound[2 * k : 2 * k + 2].sum()) - lacking)
    return joined


def settled_sites(core: Core, parts: Parts, bound: Floats, goal: float) -> Ints:
    """Return 1 for sites that are open in all sets whose total is at most ``goal``, -1 for those open in none, else 0.

    ``bound`` holds a proven bound by part.
    """
    shut, opened = np.zeros(len(core.names)), np.zeros(len(core.names))
    for part, proven in zip(parts.parts, bound, strict=True):
        # A part costs at least its bound; with a site forced upon it, also what the prices say then.
        names = part.core.names
        shut[names] += np.maximum(part.bound + np.maximum(part.excess, 0.0) - proven, 0.0)
        opened[names] += np.maximum(part.bound + np.maximum(-part.excess, 0.0) - proven, 0.0)
    reached = parts.rest + float(bound.sum())
    return np.where(reached + shut > goal, -1, np.where(reached + opened > goal, 1, 0))


def _saved(core: Core, price: Floats, label: Ints, count: int, least: float = 0.0) -> Floats:
    """Return by part and site what the part saves at the prices; each of its rows saves so much at the least."""
    row = np.repeat(np.arange(len(core.cap)), np.diff(core.ptr))
    saved = core.weight[row] * np.maximum(price[row] - core.cost, 0.0) + least
    sums = np.bincount(label[row] * len(core.names) + core.site, saved, count * len(core.names))
    by_part: Floats = sums.astype(np.float64).reshape(count, len(core.names))
    return by_part


def _first_fees(core: Core, paid: Floats, wide: Floats) -> Fees:
    """Return the fees that parts pay from what they save; where that is too little, from what they might save."""
    wide[0] += _FAINTEST
    saved = paid.sum(axis=0)
    rate = float(np.sort(saved)[-core.p])
    scale = np.divide(rate, saved, out=np.ones(len(saved)), where=saved > rate)
    fee: Floats = paid * scale + wide * (np.maximum(rate - saved, 0.0) / wide.sum(axis=0))
    return Fees(fee, float(fee.sum(axis=0).max()))


def _part(core: Core, rows: Ints, price: Floats, fee: Floats, paid: Floats) -> Part:
    length = np.diff(core.ptr)[rows]
    ptr = np.zeros(len(rows) + 1, np.int64)
    np.cumsum(length, out=ptr[1:])
    entry = np.repeat(core.ptr[:-1][rows] - ptr[:-1], length) + np.arange(ptr[-1])
    names = np.unique(core.site[entry]).astype(np.int64)
    place = np.zeros(len(core.names), np.int32)
    place[names] = np.arange(len(names), dtype=np.int32)
    small = replace(
        core, ptr=ptr, site=place[core.site[entry]], cost=core.cost[entry], cap=core.cap[rows],
        weight=core.weight[rows], names=names, rows=rows, base=0.0, p=-1, fee=fee[names],
    )  # fmt: skip
    excess = fee[names] - paid[names]
    return Part(small, price[rows], float(core.weight[rows] @ price[rows] + np.minimum(excess, 0.0).sum()), excess)
