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
from scipy import sparse
from scipy.linalg import eigh

from spatial.siting.median_balls import split_ball
from spatial.siting.median_branch import Best, Node, Search, visit
from spatial.siting.median_core import Core, total
from spatial.siting.median_fees import pay_fees
from spatial.siting.median_swap import by_column
from spatial.siting.ways import Flags, Floats, Ints, Ways, keep, row_of, serving

_WIDER = 1.5
"""What a site may ask beyond what the prices pay is shared by what rows would save at prices so many times higher."""
_FAINT, _FAINTEST = 1e-9, 1e-12
_LINKED = 1e-6
_STEPS = 120
"""Steps of the prices of a node: more than where a node is one of a whole question, and worth it."""
_KICKS, _IMPROVED = 5, (1, 2, 8, 32)
"""Kicks of a search in a part, and the nodes that start one from the sites their prices favour."""
_ROUNDED = 12


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
    """All parts; what they cost together, and ``rest``, is at most what the whole costs."""

    parts: tuple[Part, ...]
    rest: float


@dataclass(frozen=True, slots=True)
class Proved:
    """The label of each row, the part of each label, and a bound of each part."""

    label: Ints
    parts: Parts
    bound: Floats


@dataclass(frozen=True, slots=True)
class Proof:
    """A bound of one part, names and total of the best set met in it, and whether no node was left: that set is then
    the best of all, and only rounding lies between."""

    bound: float
    names: Ints
    value: float
    whole: bool


def first_parts(core: Core, price: Floats, opened: Flags, depth: int) -> Proved:
    """Return the parts around the open sites, halved so often, and what their prices prove."""
    label = label_rows(core, opened, depth)
    parts = split_parts(core, price, label)
    return Proved(label, parts, np.array([part.bound for part in parts.parts]))


def double_parts(core: Core, price: Floats, halves: Proved, depth: int) -> Proved:
    """Return parts of two halves each, and what those prove of them; the same parts if they are so few already.

    ``core`` and ``price`` are those of the halves.
    """
    if int(halves.label.max(initial=0)) < 2**depth:
        return halves
    label = halves.label // 2
    parts = split_parts(core, price, label)
    return Proved(label, parts, joined_bounds(parts, halves.parts, halves.bound))


def split_parts(core: Core, price: Floats, label: Ints) -> Parts:
    """Return the parts of a core, one for each label of its rows from 0 on, at prices that are at most the caps."""
    price = np.clip(price, np.minimum(core.cost[core.ptr[:-1]], core.cap), core.cap)
    count = int(label.max(initial=-1)) + 1
    fee, paid, rate = _fees(core, price, label, count)
    parts = [_part(core, np.flatnonzero(label == k), price, fee[k], paid[k]) for k in range(count)]
    return Parts(tuple(parts), core.base - core.p * rate)


def prove_part(part: Part, opened: Flags, most: int, goes_on: Callable[[], bool]) -> Proof:
    """Return what branching proves of a part in so many nodes, the one with the least bound first.

    ``opened`` flags sites of the whole: a set to begin with. ``goes_on`` is asked before every node.
    """
    core = part.core

    def cost_of(names: Ints) -> float:
        """Return the total of the part with its fees."""
        return total(core, np.isin(core.names, names))

    columns = by_column(core)

    def improve(names: Ints) -> tuple[Ints, float]:
        """Return a set at least as good near one, with its total."""
        flags, value = pay_fees(core, columns, np.isin(core.names, names), kicks=_KICKS, seed=1)
        return core.names[flags], value

    ask = Search(lambda value: value, cost_of, improve, lambda _value, _bound: True, steps=_STEPS, halve=split_ball)
    best = Best(*improve(core.names[opened[core.names]]))
    heap: list[tuple[float, int, Node]] = [(part.bound, 0, Node(core, (), part.price, part.bound))]
    serial, nodes, floor = 1, 0, np.inf
    while heap and heap[0][0] < best.value and nodes < most and goes_on():
        node = heapq.heappop(heap)[2]
        nodes += 1
        best, smaller, leaf = visit(node, best, ask, nodes in _IMPROVED)
        floor = min(floor, leaf)
        for child in smaller:
            heapq.heappush(heap, (child.bound, serial, child))
            serial += 1
    lowest = min(heap[0][0] if heap else np.inf, floor, best.value)
    whole = not heap or heap[0][0] >= best.value
    return Proof(max(lowest, part.bound), best.names, best.value, whole)


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


def label_rows(core: Core, opened: Flags, depth: int) -> Ints:
    """Return a label for each row, ``2 ** depth`` at most, such that rows of a label lie together.

    The open sites are halved again and again along the weakest links, a link being the weight of the rows whose first
    two sites they are; half of a label joins it to its sibling. Rows that no open site serves have label 0.
    """
    if not opened.any():
        return np.zeros(len(core.cap), np.int64)
    ways = Ways(core.ptr, core.site, core.cost, len(core.names))
    names = np.flatnonzero(opened)
    place = np.full(len(core.names) + 1, -1)
    place[names] = np.arange(len(names))
    first = serving(ways, opened)[0]
    second = serving(keep(ways, ways.site != first[row_of(ways)]), opened)[0]
    one, two = place[first], place[second]
    both = (one >= 0) & (two >= 0)
    links = sparse.csr_array((core.weight[both], (one[both], two[both])), shape=(len(names), len(names))).toarray()
    links = links + links.T
    label = np.zeros(len(names), np.int64)
    for _ in range(depth):
        label *= 2
        for k in np.unique(label):
            inside = np.flatnonzero(label == k)
            label[inside[_second_half(links[np.ix_(inside, inside)])]] += 1
    by_row: Ints = np.where(one >= 0, label[np.maximum(one, 0)], 0)
    return by_row


def _second_half(links: Floats) -> Ints:
    """Return half of the places, apart from the others along the second eigenvector of the links (Fiedler 1973)."""
    links = links + _LINKED
    scale = 1.0 / np.sqrt(links.sum(axis=1))
    which = min(1, len(links) - 1)
    _, vectors = eigh(np.eye(len(links)) - links * scale[:, None] * scale[None, :], subset_by_index=[which, which])
    along = vectors[:, 0] * scale
    along = np.round(along / max(float(np.abs(along).max()), _FAINTEST), _ROUNDED)
    order: Ints = np.argsort(along if along[0] <= 0 else -along, kind="stable")
    return order[(len(links) + 1) // 2 :]


def _fees(core: Core, price: Floats, label: Ints, count: int) -> tuple[Floats, Floats, float]:
    """Return by part and site the fee and what the part saves at the prices, and the rate that all fees sum to."""
    m = len(core.names)
    row = np.repeat(np.arange(len(core.cap)), np.diff(core.ptr))
    key, mass = label[row] * m + core.site, core.weight[row]

    def by_part(value: Floats) -> Floats:
        """Return the sums of a value of the entries by part and site."""
        sums: Floats = np.bincount(key, value, count * m).astype(np.float64)
        return sums.reshape(count, m)

    paid = by_part(mass * np.maximum(price[row] - core.cost, 0.0))
    wide = by_part(mass * np.maximum(_WIDER * price[row] - core.cost, 0.0) + _FAINT)
    wide[0] += _FAINTEST
    saved = paid.sum(axis=0)
    rate = float(np.sort(saved)[-core.p])
    scale = np.divide(rate, saved, out=np.ones(m), where=saved > rate)
    fee: Floats = paid * scale + wide * (np.maximum(rate - saved, 0.0) / wide.sum(axis=0))
    return fee, paid, float(fee.sum(axis=0).max())


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
