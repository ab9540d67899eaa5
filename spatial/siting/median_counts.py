"""How many of the sites of a p-median go to each of several places that share nothing else, and which?

Prices tell how dear a row can be in a set that is good enough. Without dearer ways the question may fall into places
far apart. Each is a p-median of its own for every number of sites; what these cost at least is put together by dynamic
programming over the number, and those that make the least sum are looked at more closely, until they are known. Gaps of
the places then add up, where one tree over all of them would have to multiply their nodes.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from spatial.siting.median_branch import Best, Node, Searched
from spatial.siting.median_core import Core, shrink
from spatial.siting.median_cuts import begin, lift
from spatial.siting.median_price import raise_prices
from spatial.siting.median_terms import Terms, ask
from spatial.siting.ways import Deadline, Floats, Ints, Ways, is_whole
from spatial.walking.compiled import kernel

_LARGEST = 0.7
"""Places are told apart where none has more than this share of all sites."""
_ROUNDS = (0, 40)
"""Most rounds of cuts in the first and in the second look at a place with a number of sites."""
_KNOWN = 2
"""Looks after which the next one solves it, and how well it is known when it is solved: one more."""
_PLAIN = 12
"""A place of so few sites is solved at once."""
_FINE_STEPS, _FINE_PACE = 3, 0.01


@dataclass(frozen=True, slots=True)
class Places:
    """Questions that share nothing but the number of sites, their prices, and the sites that are open in any case.

    A set of whole sites whose total is at most the goal they were made for costs ``rest`` and what it costs in each.
    """

    cores: tuple[Core, ...]
    prices: tuple[Floats, ...]
    opened: tuple[int, ...]
    rest: float
    p: int


@dataclass(frozen=True, slots=True)
class _Table:
    """What a place costs at least, how well that is known, and which of its sites are best, by number of sites.

    All are written to as more becomes known. Places that are the same have one table.
    """

    least: Floats
    level: Ints
    sites: dict[int, Ints]


Solve = Callable[[Terms], tuple[Ints, float]]
"""Returns the names of the best set found and a bound, infinite if nothing at or below the goal is left."""


def split_places(whole: Node, left: Node, goal: float) -> Places | None:
    """Return the places that a question falls into for sets whose total is at most ``goal``; None where it does not.

    ``left`` has the sites that are not settled, in costs that are nowhere higher. Only whole totals are told apart well
    enough for bounds of places to add up.
    """
    if left.bound > goal or not 0 < left.core.p < len(left.core.names):
        return None
    core, price = near_core(whole, left, goal)
    if not is_whole(core.cost, core.cap, core.weight):
        return None
    n, m, row = len(core.cap), len(core.names), np.repeat(np.arange(len(core.cap)), np.diff(core.ptr))
    graph = sparse.coo_array((np.ones(len(row)), (row, n + core.site)), shape=(n + m, n + m))
    count, label = connected_components(graph, directed=False)
    if np.bincount(label[n:], minlength=count).max(initial=0) > _LARGEST * m:
        return None
    rows = [np.flatnonzero(label[:n] == k) for k in np.unique(label[:n])]
    return Places(
        tuple(_part(core, one) for one in rows), tuple(price[one] for one in rows), left.opened, core.base, core.p
    )


def near_core(whole: Node, left: Node, goal: float) -> tuple[Core, Floats]:
    """Return the question without settled sites and without ways so dear that the total is above ``goal``, and prices.

    A row that were to pay more than its price would lift the bound of all by as much. Without a near open site it pays
    its cap, so that no set above the goal comes below it.
    """
    names = whole.core.names
    status = np.where(np.isin(names, left.opened), 1, np.where(np.isin(names, left.core.names), 0, -1))
    core, rows = shrink(whole.core, status)
    price, length = whole.price[rows], np.diff(core.ptr)
    kept = np.minimum(_reach(core, price, goal), length)
    # Rows of the lifted question are the first entries of the same rows.
    place = np.full(int(core.rows.max(initial=-1)) + 1, -1)
    place[core.rows] = np.arange(len(core.rows))
    kept[place[left.core.rows]] = np.minimum(kept[place[left.core.rows]], _reach(left.core, left.price, goal))
    inside = np.arange(len(core.cost)) - np.repeat(core.ptr[:-1], length) < np.repeat(kept, length)
    ptr = np.r_[0, np.cumsum(kept)]
    near = replace(core, ptr=ptr, site=core.site[inside], cost=core.cost[inside])
    near, stay = shrink(near, np.zeros(len(core.names), np.int64))
    return near, price[stay]


def share_sites(
    terms: Terms, places: Places, best: Best, solve: Solve, deadline: Deadline, watch: Callable[[float, float], bool]
) -> Searched:
    """Return the best set at or below the goal of the places, or proof that none is, as far as there is time.

    The places were made for sets that are better than ``best``.
    """
    tables = _guesses(places)
    looks = 0
    while True:
        sums = _sums([table.least for table in tables], places.p)
        bound = places.rest + float(sums[-1][places.p])
        numbers = _numbers(sums, tables, places.p)
        level = np.array([table.level[k] for table, k in zip(tables, numbers, strict=True)], np.int64)
        known = bool((level > _KNOWN).all())
        if known:
            best = _joined(terms, places, tables, numbers, best)
        if bound > terms.goal(best.value):
            return Searched(best.names, best.value, best.value, looks, False)
        stopped = not deadline.left() or not watch(best.value, bound)
        if stopped or known:
            return Searched(best.names, best.value, bound, looks, stopped)
        others = _others(sums, tables, numbers, places.p)
        for c in _next(places, level):
            upper = best.value - places.rest - others[c]
            _look(places.cores[c], places.prices[c], tables[c], numbers[c], upper, solve, deadline)
            looks += 1


def _next(places: Places, level: Ints) -> Ints:
    """Return the places to look at next: all those known least, or, once only solving is left, the smallest."""
    least = np.flatnonzero(level == level.min())
    if level.min() < _KNOWN:
        return least
    return least[[np.argmin([len(places.cores[c].names) for c in least])]]


def _look(core: Core, price: Floats, table: _Table, k: int, upper: float, solve: Solve, deadline: Deadline) -> None:
    """Raise what a place with ``k`` sites costs at least, sets at or above ``upper`` not counting."""
    asked = ask(Ways(core.ptr, core.site, core.cost, len(core.names)), core.weight, k, None, core.cap)
    asked = replace(asked, upper=asked.bound(upper))
    if table.level[k] < _KNOWN and len(core.names) > max(_PLAIN, k) and k:
        rounds = _ROUNDS[table.level[k]]
        lifted = lift(begin(replace(core, p=k), price), asked.goal(inf), deadline, rounds=rounds, seed=0)
        if lifted is None:
            table.level[k] = _KNOWN
            return
        told = raise_prices(
            lifted.core, lifted.price, goal=asked.goal(inf), upper=asked.upper, steps=_FINE_STEPS, pace=_FINE_PACE
        )
        table.level[k], bound = table.level[k] + 1, told.bound
    else:
        names, bound = solve(asked)
        bound = min(bound, asked.upper, asked.cost_of(names))
        table.level[k], table.sites[k] = _KNOWN + 1, names
    table.least[k] = max(table.least[k], asked.bound(bound))
    # Fewer sites cost no less.
    table.least[:] = np.maximum.accumulate(table.least[::-1])[::-1]


def _guesses(places: Places) -> list[_Table]:
    """Return the first table of each place."""
    known: dict[bytes, _Table] = {}
    for core, price in zip(places.cores, places.prices, strict=True):
        known.setdefault(_told(core), _guess(core, price))
    return [known[_told(core)] for core in places.cores]


def _told(core: Core) -> bytes:
    """Return what makes a place the same as another."""
    return b"".join(part.tobytes() for part in (core.ptr, core.site, core.cost, core.cap, core.weight))


def _guess(core: Core, price: Floats) -> _Table:
    """Return what the prices say of a place with every number of sites."""
    row = np.repeat(np.arange(len(core.cap)), np.diff(core.ptr))
    price = np.clip(price, core.cost[core.ptr[:-1]], core.cap)
    saved = np.bincount(core.site, core.weight[row] * np.maximum(price[row] - core.cost, 0.0), len(core.names))
    least = float(core.weight @ price) - np.r_[0.0, np.cumsum(-np.sort(-saved))]
    return _Table(least, np.zeros(len(least), np.int64), {})


def _joined(terms: Terms, places: Places, tables: list[_Table], numbers: list[int], best: Best) -> Best:
    """Return the better of the best set and what the places with these numbers of sites are together."""
    parts = [core.names[table.sites[k]] for core, table, k in zip(places.cores, tables, numbers, strict=True)]
    names = np.concatenate((np.array(places.opened, np.int64), *parts))
    value = terms.cost_of(names)
    return Best(names, value) if value < best.value else best


def _sums(least: list[Floats], p: int) -> list[Floats]:
    """Return what the first places, none to all, cost at least with 0 to ``p`` sites at most."""
    sums = [np.zeros(p + 1)]
    for one in least:
        sums.append(join_counts(sums[-1], one))
    return sums


def _numbers(sums: list[Floats], tables: list[_Table], p: int) -> list[int]:
    """Return the number of sites of each place in the least sum, ties with fewer."""
    numbers = [0] * len(tables)
    for c in range(len(tables) - 1, -1, -1):
        least = tables[c].least[: p + 1]
        numbers[c] = int(np.argmin(least + sums[c][p - np.arange(len(least))]))
        p -= numbers[c]
    return numbers


def _others(sums: list[Floats], tables: list[_Table], numbers: list[int], p: int) -> list[float]:
    """Return what all places but one cost at least with the sites that it leaves, by place."""
    after, others = np.zeros(p + 1), [0.0] * len(tables)
    for c in range(len(tables) - 1, -1, -1):
        room = p - numbers[c]
        others[c] = float((sums[c][: room + 1] + after[: room + 1][::-1]).min())
        after = join_counts(after, tables[c].least)
    return others


def _reach(core: Core, price: Floats, goal: float) -> Ints:
    """Return how many entries of each row are near enough for ``goal``; no limit where the cap is as well."""
    told = raise_prices(core, price, goal=inf, upper=goal, steps=1, pace=0.0)
    length = np.diff(core.ptr)
    spare = (goal - told.bound) / core.weight + told.price
    near = np.bincount(np.repeat(np.arange(len(length)), length), core.cost <= np.repeat(spare, length), len(length))
    return np.where(core.cap <= spare, np.iinfo(np.int64).max, near.astype(np.int64))


def _part(core: Core, rows: Ints) -> Core:
    """Return the question of some rows with the sites that they list."""
    length = np.diff(core.ptr)[rows]
    ptr = np.r_[0, np.cumsum(length)]
    entry = np.repeat(core.ptr[:-1][rows] - ptr[:-1], length) + np.arange(ptr[-1])
    names, site = np.unique(core.site[entry], return_inverse=True)
    return replace(
        core, ptr=ptr, site=site.astype(np.int32), cost=core.cost[entry], cap=core.cap[rows], rows=core.rows[rows],
        weight=core.weight[rows], names=core.names[names], base=0.0, fee=core.fee[names],
    )  # fmt: skip


@kernel
def join_counts(one, other):  # type: ignore[no-untyped-def]
    """Return the least sums of two tables by number, for each number that both together may have at most."""
    least = np.full(len(one), np.inf)
    for k in range(len(one)):
        for j in range(min(k + 1, len(other))):
            least[k] = min(least[k], one[k - j] + other[j])
    return least
