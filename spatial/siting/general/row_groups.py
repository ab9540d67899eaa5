"""How low can a total be, where a second open site has to be near, if a few rows are looked at together?

A row alone pairs the shares of its sites as it likes: those that are equally far from it. To rows on other sides of
them such sites lie apart, and one is farther. So rows that have the same nearest site are told into groups of a few,
and a group pays its sites as far as a search of all sets of them proves (``row_group_branch.py``): Lagrangian
decomposition into clusters (Senne, Pereira and Lorena, "A decomposition heuristic for the maximal covering location
problem", 2010).

Prices are found as those of areas are (``areas.py``): the sets of sites that are known of a group are mixed such that
they come nearest to the shares, which stay near a centre that moves to them. Lists of rows end soon after the last site
that single rows pay; beyond, a row pays what the next one costs.
"""

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from spatial.siting.general.area_mix import blend
from spatial.siting.general.row_group_branch import OPEN, SHUT, cost_of, decide, share_out
from spatial.siting.general.rows import (
    CENTRE,
    FINED,
    HIGH,
    LEAST,
    LEVEL,
    LOW,
    PAID,
    REACH,
    SHARE,
    WEIGHT,
    RowPrices,
    set_fines,
    side_table,
)
from spatial.siting.price import Priced, Sides, least_of_sites
from spatial.siting.question import tally
from spatial.siting.ways import Deadline, Flags, Floats, Ints, Ways
from spatial.walking.compiled import inner, kernel

_EACH = 5
"""Rows of a group at most."""
_MORE = 6
"""Sites that a row lists beyond those it pays."""
_COLUMNS, _TIMES = 60, 3
"""Sets of sites that a group keeps, and those that are sought at most in a visit."""
_BRANCHES, _PASSES, _STEPS = 500, 10, 60
"""Branches of a search at most, passes in which prices are shared out before, and steps by which sets are mixed."""
_NEAR, _FINES = 0.3, 16
"""A share moves by one where its price exceeds the others by this part of what an open site is paid on average; visits
between two settings of the fines."""
_FAINT = 1e-7


@dataclass(frozen=True, slots=True)
class Groups:
    """Rows by group, the sites of each group, and where prices stand.

    ``row_ptr`` and ``site_ptr`` are by group, ``ptr``, ``gone`` and ``weight`` by row, ``site`` (a place among the
    sites of the group), ``cost`` and ``share`` (of the price, by unit of weight) by entry. Rows pay beyond the least
    that they may. ``name`` has the sites of all groups, ``ask`` what the group pays them, ``worth`` what it costs at
    least for that. ``known`` has sets of each group in columns, ``paid`` what its rows pay with them, ``part`` how far
    they are mixed, ``count`` their number.
    """

    row_ptr: Ints
    site_ptr: Ints
    ptr: Ints
    site: Ints
    cost: Floats
    gone: Floats
    weight: Floats
    name: Ints
    share: Floats
    ask: Floats
    worth: Floats
    known: Flags
    paid: Floats
    part: Floats
    count: Ints


@dataclass(frozen=True, slots=True)
class Standing:
    """Groups, and figures by site and fines as in ``RowPrices``."""

    groups: Groups
    sites: Floats
    fine: Floats
    near: float
    rounds: int


def begin_groups(ways: Ways, prices: RowPrices, opened: Flags, *, seed: int) -> Standing:
    """Return groups of rows at the prices of single rows, which know the open sites and the fixed ones."""
    groups = _gather(ways, prices, _told(ways, np.random.default_rng(seed)))
    sites = prices.sites.copy()
    sites[CENTRE], sites[PAID] = sites[SHARE], tally(groups.name, groups.ask, ways.sites)
    for flags in (opened, sites[LOW] > 0.5):
        _know_all(flags[groups.name], *_columns(groups))
    paid = np.sort(sites[PAID])[::-1][: max(int(np.ceil(sites[SHARE].sum())), 1)]
    return Standing(groups, sites, prices.fine.copy(), max(_NEAR * float(paid.mean()), 1e-300), 0)


def visit_groups(
    now: Standing, sides: Sides, ends: tuple[Floats, Floats], *, deadline: Deadline, seed: int
) -> tuple[Standing, Priced]:
    """Return the groups after a visit of each, and what they prove of what their rows pay."""
    groups, sites, fine = _own(now.groups), now.sites.copy(), now.fine.copy()
    sites[LOW], sites[HIGH] = ends
    sites[CENTRE] = np.clip(sites[CENTRE], *ends)
    told, table = _columns(groups), side_table(sides)
    for turn, a in enumerate(np.random.default_rng([seed, now.rounds]).permutation(len(groups.worth))):
        if turn % _FINES == 0:
            set_fines(*table, sites, fine, now.near)
        _visit(np.int64(a), now.near, sites, *told)
        if deadline.left() <= 0.0:
            break
    set_fines(*table, sites, fine, now.near)
    sites[CENTRE] = sites[SHARE]
    moved = replace(now, groups=groups, sites=sites, fine=fine, rounds=now.rounds + 1)
    return moved, _prove(moved, sides, ends)


def _told(ways: Ways, rng: np.random.Generator) -> Ints:
    """Return a label by row: those with the same nearest site in groups of a few, drawn at random."""
    order = rng.permutation(ways.rows)
    nearest = ways.site[ways.ptr[:-1]].astype(np.int64)
    order = order[np.argsort(nearest[order], kind="stable")]
    many = np.bincount(nearest, minlength=ways.sites)
    groups = -(-many // _EACH)
    before, start = np.cumsum(many) - many, np.cumsum(groups) - groups
    home = nearest[order]
    label = np.empty(ways.rows, np.int64)
    label[order] = start[home] + (np.arange(ways.rows) - before[home]) % groups[home]
    return label


def _gather(ways: Ways, prices: RowPrices, label: Ints) -> Groups:
    """Return the groups of these labels, without a known set."""
    rows = np.argsort(label, kind="stable")
    size = np.minimum(np.diff(ways.ptr), prices.length + _MORE)[rows]
    begin = ways.ptr[:-1][rows]
    ptr = np.concatenate((np.zeros(1, np.int64), np.cumsum(size)))
    inside = np.arange(ptr[-1]) - np.repeat(ptr[:-1], size)
    entry = np.repeat(begin, size) + inside
    after = begin + size
    least, reach = prices.rows[LEAST, rows], prices.rows[REACH, rows]
    gone = np.where(after < ways.ptr[1:][rows], np.append(ways.cost, 0.0)[after] - least, reach)
    share = np.where(inside < np.repeat(prices.length[rows], size), prices.price[entry], 0.0)
    weight = prices.rows[WEIGHT, rows]
    group = np.repeat(label[rows], size)
    key, place = np.unique(group * ways.sites + ways.site[entry], return_inverse=True)
    count = int(label.max()) + 1
    site_ptr = np.searchsorted(key, np.arange(count + 1) * ways.sites).astype(np.int64)
    row_ptr = np.searchsorted(label[rows], np.arange(count + 1)).astype(np.int64)
    ask = tally(place.astype(np.int64), share * np.repeat(weight, size), len(key))
    worth = tally(label, prices.rows[WEIGHT] * prices.rows[LEVEL], count)
    return Groups(
        row_ptr, site_ptr, ptr, place.astype(np.int64) - site_ptr[group], ways.cost[entry] - np.repeat(least, size),
        gone, weight, key % ways.sites, share, ask, worth, np.zeros((_COLUMNS, len(key)), np.bool_),
        np.zeros((_COLUMNS, count)), np.zeros((_COLUMNS, count)), np.zeros(count, np.int64),
    )  # fmt: skip


def _columns(groups: Groups) -> tuple[Any, ...]:
    """Return all arrays, as the kernels take them."""
    return tuple(getattr(groups, one.name) for one in fields(groups))


def _own(groups: Groups) -> Groups:
    """Return groups whose prices and sets are their own, to be changed in place."""
    names = ("share", "ask", "worth", "known", "paid", "part", "count")
    return replace(groups, **{name: getattr(groups, name).copy() for name in names})


def _prove(now: Standing, sides: Sides, ends: tuple[Floats, Floats]) -> Priced:
    """Return what groups and fines prove, computed from what groups ask and are worth."""
    groups, fine = now.groups, now.fine[:-1]
    adds = -tally(groups.name, groups.ask, now.sites.shape[1]) - sides.matrix.T @ fine
    bound, shut, opened = least_of_sites(float(groups.worth.sum() + sides.least @ fine), adds, sides, ends)
    binds = bool((fine > _FAINT * max(float(np.abs(adds).max(initial=0.0)), 1e-300)).any())
    rows = len(groups.weight)
    return Priced(
        bound, now.sites[SHARE].copy(), np.zeros(rows), shut, opened, np.ones(rows, dtype=bool), np.zeros(rows), binds
    )


@kernel
def _know_all(  # type: ignore[no-untyped-def]
    opened, row_ptr, site_ptr, ptr, site, cost, gone, weight, name, share, ask, worth, known, paid, part, count
):  # fmt: skip
    """Let each group know a set of sites, flags by place."""
    for a in range(len(row_ptr) - 1):
        _know(
            a, opened[site_ptr[a] : site_ptr[a + 1]], row_ptr, site_ptr, ptr, site, cost, gone, weight, ask, known,
            paid, part, count,
        )  # fmt: skip


@kernel
def _visit(  # type: ignore[no-untyped-def]
    a, near, sites, row_ptr, site_ptr, ptr, site, cost, gone, weight, name, share, ask, worth, known, paid, part, count
):
    """Give a group new prices, in place, as far as they gain. ``sites`` and ``near`` are as in ``rows.py``."""
    first, last = site_ptr[a], site_ptr[a + 1]
    size = last - first
    free, new, best, state = np.empty(size), np.zeros(size), np.zeros(size, np.bool_), np.empty(size, np.int8)
    begin, end = row_ptr[a], row_ptr[a + 1]
    entry, until = ptr[begin], ptr[end]
    local, listed, costs = ptr[begin : end + 1] - entry, site[entry:until], cost[entry:until]
    for t in range(size):
        for k in range(count[a]):
            j = name[first + t]
            if (known[k, first + t] and sites[HIGH, j] < 0.5) or (not known[k, first + t] and sites[LOW, j] > 0.5):
                paid[k, a] = np.inf
    for _ in range(_TIMES):
        for t in range(size):
            j = name[first + t]
            state[t] = OPEN if sites[LOW, j] > 0.5 else SHUT if sites[HIGH, j] < 0.5 else 0
            aim = sites[CENTRE, j] + (sites[PAID, j] + sites[FINED, j] - ask[first + t]) / near
            free[t] = 1.0 if state[t] == OPEN else aim
        if not blend(a, first, size, size, free, near, near, known, paid, part, count, new, _STEPS):
            new[:] = ask[first:last]
        _start_at(a, first, state, new, known, paid, count, best)
        told = local, listed, costs, gone[begin:end], weight[begin:end]
        share_out(*told, new, state, share[entry:until], _PASSES)
        least, _ = decide(*told, share[entry:until], new, state, best, _BRANCHES)
        gain, length = least - worth[a], 0.0
        for t in range(size):
            step = new[t] - ask[first + t]
            gain -= step * sites[SHARE, name[first + t]]
            length += step * step / near
        if gain > 0.0:
            by = min(1.0, gain / length) if length > 0.0 else 1.0
            worth[a] += by * (least - worth[a])
            for t in range(size):
                j, step = name[first + t], by * (new[t] - ask[first + t])
                ask[first + t] += step
                sites[PAID, j] += step
                aim = sites[CENTRE, j] + (sites[PAID, j] + sites[FINED, j]) / near
                sites[SHARE, j] = min(max(aim, sites[LOW, j]), sites[HIGH, j])
        if not _know(a, best, row_ptr, site_ptr, ptr, site, cost, gone, weight, ask, known, paid, part, count):
            break


@inner
def _start_at(a, first, state, new, known, paid, count, best):  # type: ignore[no-untyped-def]
    """Flag the sites of the set known that is cheapest at these prices; the settled ones if none may be."""
    cheapest: Any = np.inf
    for t in range(len(best)):
        best[t] = state[t] == OPEN
    for k in range(count[a]):
        asked = paid[k, a]
        for t in range(len(best)):
            if known[k, first + t]:
                asked += new[t]
        if asked < cheapest:
            cheapest = asked
            best[:] = known[k, first : first + len(best)]


@inner
def _know(a, opened, row_ptr, site_ptr, ptr, site, cost, gone, weight, ask, known, paid, part, count):  # type: ignore[no-untyped-def]
    """Keep a set of sites, in the place of the dearest that is not mixed in; tell whether it is new."""
    first, size, at = site_ptr[a], len(opened), count[a]
    for k in range(count[a]):
        if (known[k, first : first + size] == opened).all():
            return False
    if at == len(known):
        at, dear = 0, -np.inf
        for k in range(count[a]):
            asked = paid[k, a]
            for t in range(size):
                if known[k, first + t]:
                    asked += ask[first + t]
            if part[k, a] <= 0.0 and asked > dear:
                at, dear = k, asked
    else:
        count[a] += 1
    begin, end = row_ptr[a], row_ptr[a + 1]
    entry, until = ptr[begin], ptr[end]
    known[at, first : first + size], part[at, a] = opened, 0.0
    paid[at, a] = cost_of(
        ptr[begin : end + 1] - entry, site[entry:until], cost[entry:until], gone[begin:end], weight[begin:end],
        np.zeros(size), opened,
    )  # fmt: skip
    return True
