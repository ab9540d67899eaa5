"""What is left to decide of a p-median once some sites are surely open or shut?

A row costs its cheapest open site, or its cap where none of the listed ones is open: an open site lowers the caps and
goes, a shut one just goes. So every smaller question has the form of the first.
"""

from dataclasses import dataclass, replace

import numpy as np

from spatial.siting.ways import Flags, Floats, Ints, Sites, Ways, serving
from spatial.walking.compiled import kernel


@dataclass(frozen=True, slots=True)
class Core:
    """Costs by row, ascending, below its cap; ``names`` and ``rows`` are those of the table, ``p`` still to open.

    ``base`` is what rows without a choice cost. ``cut`` says that rows end before their last site: the cap is then what
    the next one costs, and a total counts too little where a row pays its cap. Where ``p`` is below 0 any number of
    sites may open, and each costs its ``fee``.
    """

    ptr: Ints
    site: Sites
    cost: Floats
    cap: Floats
    weight: Floats
    names: Ints
    rows: Ints
    base: float
    p: int
    cut: bool
    fee: Floats


def build_core(ways: Ways, weight: Floats, cap: Floats, fixed: Flags, p: int, depth: int) -> Core:
    """Return the question without fixed sites and rows of no weight, each row cut after ``depth`` sites.

    ``cap`` is what a row pays at most: to a fixed site, or for being without an open one.
    """
    asks = weight > 0
    names = np.flatnonzero(~fixed)
    place = np.full(ways.sites, -1, np.int32)
    place[names] = np.arange(len(names), dtype=np.int32)
    ptr, site, cost, low = shrink_rows(ways.ptr, ways.site, ways.cost, cap, place, asks, np.int64(depth))
    cut = bool((asks & (low < cap)).any())
    core = Core(ptr, site, cost, low, weight, names, np.arange(ways.rows), 0.0, p, cut, np.zeros(len(names)))
    return _grouped(_drop_rows(core)[0])


def shrink(core: Core, status: Flags | Ints) -> tuple[Core, Ints]:
    """Return what is left when sites of status 1 are open and of -1 shut, and which rows stay."""
    stays = np.flatnonzero(status == 0)
    place = np.where(status > 0, -2, -1).astype(np.int32)
    place[stays] = np.arange(len(stays), dtype=np.int32)
    every = np.ones(len(core.cap), bool)
    ptr, site, cost, cap = shrink_rows(core.ptr, core.site, core.cost, core.cap, place, every, np.int64(2**62))
    p = core.p - int((status > 0).sum()) if core.p >= 0 else core.p
    base, names, fee = core.base + float(core.fee[status > 0].sum()), core.names[stays], core.fee[stays]
    return _drop_rows(Core(ptr, site, cost, cap, core.weight, names, core.rows, base, p, core.cut, fee))


def total(core: Core, opened: Flags) -> float:
    """Return what the core costs with these of its sites open."""
    ways = Ways(core.ptr, core.site, core.cost, len(core.names))
    paid = float(core.weight @ np.minimum(serving(ways, opened)[1], core.cap))
    return core.base + float(core.fee[opened].sum()) + paid


def _grouped(core: Core) -> Core:
    """Return the core with rows of the same nearest site side by side: a column then reads memory in few places."""
    order = np.argsort(core.site[core.ptr[:-1]], kind="stable")
    length = np.diff(core.ptr)[order]
    ptr = np.zeros(len(order) + 1, np.int64)
    np.cumsum(length, out=ptr[1:])
    entry = np.repeat(core.ptr[:-1][order] - ptr[:-1], length) + np.arange(len(core.site))
    return replace(
        core, ptr=ptr, site=core.site[entry], cost=core.cost[entry], cap=core.cap[order], weight=core.weight[order],
        rows=core.rows[order],
    )  # fmt: skip


def _drop_rows(core: Core) -> tuple[Core, Ints]:
    """Return the core without rows that have no site left (their caps go to the base), and the rows that stay."""
    length = np.diff(core.ptr)
    rows = np.flatnonzero(length > 0)
    if len(rows) == len(length):
        return core, rows
    empty = length == 0
    base = core.base + float(core.weight[empty] @ core.cap[empty])
    ptr = np.zeros(len(rows) + 1, np.int64)
    np.cumsum(length[rows], out=ptr[1:])
    smaller = replace(core, ptr=ptr, cap=core.cap[rows], weight=core.weight[rows], rows=core.rows[rows], base=base)
    return smaller, rows


@kernel
def shrink_rows(ptr, site, cost, cap, place, asks, depth):  # type: ignore[no-untyped-def]
    """Return rows with sites renamed to ``place`` (-1 shut, -2 open), cut at the cap and after ``depth`` entries.

    The cap of a row becomes the cost of its first open site or, past ``depth``, of the next entry.
    """
    n = len(ptr) - 1
    new_ptr = np.zeros(n + 1, np.int64)
    new_cap = np.empty(n)
    for i in range(n):
        count = np.int64(0)
        new_cap[i] = cap[i]
        if asks[i]:
            for k in range(ptr[i], ptr[i + 1]):
                if cost[k] >= cap[i]:
                    break
                to = place[site[k]]
                if to == -1:
                    continue
                if to == -2 or count == depth:
                    new_cap[i] = cost[k]
                    break
                count += 1
        new_ptr[i + 1] = new_ptr[i] + count
    new_site = np.empty(new_ptr[n], np.int32)
    new_cost = np.empty(new_ptr[n])
    for i in range(n):
        at = new_ptr[i]
        k = ptr[i]
        while at < new_ptr[i + 1]:
            to = place[site[k]]
            if to >= 0:
                new_site[at] = to
                new_cost[at] = cost[k]
                at += 1
            k += 1
    return new_ptr, new_site, new_cost, new_cap
