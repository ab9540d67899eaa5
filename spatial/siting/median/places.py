"""Which places does a p-median fall into, that share nothing but the number of sites?

Prices tell how dear a row can be in a set that is good enough. Without dearer ways the question may fall into places
far apart.
"""

from dataclasses import dataclass, replace
from math import inf

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from spatial.siting.median.branch import Node
from spatial.siting.median.core import Core, shrink
from spatial.siting.median.price import raise_prices
from spatial.siting.ways import Floats, Ints, is_whole

_LARGEST = 0.7
"""Places are told apart where none has more than this share of all sites."""


@dataclass(frozen=True, slots=True)
class Places:
    """Questions that share nothing but the number of sites, their prices, what one more site saves at these, and the
    sites that are open in any case.

    A set of whole sites whose total is at most the goal they were made for costs ``rest`` and what it costs in each.
    """

    cores: tuple[Core, ...]
    prices: tuple[Floats, ...]
    fee: float
    opened: tuple[int, ...]
    rest: float
    p: int


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
    cores, prices = tuple(_part(core, one) for one in rows), tuple(price[one] for one in rows)
    return Places(cores, prices, float(np.sort(saved_by_site(core, price))[-core.p]), left.opened, core.base, core.p)


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
    return near, np.clip(price[stay], near.cost[near.ptr[:-1]], near.cap)


def saved_by_site(core: Core, price: Floats) -> Floats:
    """Return what each site saves all rows at these prices."""
    row = np.repeat(np.arange(len(core.cap)), np.diff(core.ptr))
    saved = core.weight[row] * np.maximum(price[row] - core.cost, 0.0)
    by_site: Floats = np.bincount(core.site, saved, len(core.names)).astype(np.float64)
    return by_site


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
