"""Which sites make the farthest place as near as can be under all conditions, and how near is provably the limit?

The answer is one of the costs in the table. Quick searches find sites for some radii, and sites that open in part tell
which ones are too small; then one search through the branches of all choices closes what is between.
The branches that a radius ended with are those that the next one begins with.
"""

from dataclasses import dataclass, replace

import numpy as np

from spatial.siting.center.near import Limits, Near, list_apart, list_near
from spatial.siting.center.search import search_apart
from spatial.siting.center.tree import WHOLE, Branch, Told, find_within, is_refuted
from spatial.siting.cover.set_search import search_cover, start_weights
from spatial.siting.ways import Deadline, Flags, Floats, Ints, Tick, Ways

_STRIDE = 8
"""Radii passed over at first where one is looked for from below; twice as many each time."""
_STEPS, _VISITS = 10_000, 40
"""Steps of a search, and visits of branches, that look for sites within one radius."""
_AGAIN, _TRIES = 3, 200
"""Times as many steps, and visits, where the next radius below the best one is asked for."""
_SLICE = 0.6
"""Share of the time left that goes into one radius before a smaller one is asked for."""


@dataclass(frozen=True, slots=True)
class Nearest:
    """Open sites (None if none were found), a bound on the radius, and whether there are provably none at all."""

    opened: Flags | None
    bound: float
    impossible: bool


@dataclass(frozen=True, slots=True)
class _Task:
    """A question, the radii that may be its answer, and what limits the search."""

    ways: Ways
    need: int
    fixed: Flags
    limits: Limits
    radii: Floats
    deadline: Deadline
    seed: int
    tick: Tick | None


@dataclass(frozen=True, slots=True)
class _Known:
    """Radii before the place ``low`` are too small; at the place ``high`` the open sites serve everybody."""

    low: int
    high: int
    opened: Flags | None


def nearest_sites(
    ways: Ways,
    need: int,
    fixed: Flags,
    limits: Limits,
    *,
    start: Flags | None,
    deadline: Deadline,
    seed: int,
    tick: Tick | None = None,
) -> Nearest:
    """Return open sites with the least cost at which every row has ``need`` of them, from some that keep the limits."""
    radii = _list_radii(ways, need, fixed, limits)
    task = _Task(ways, need, fixed, limits, radii, deadline, seed, tick)
    known = _Known(0, len(radii), None)
    if start is not None:
        known = _offered(task, known, start)
    known = _searched(task, known)
    looks = known.opened is None
    known = _visited(task, _raised(task, _begun(task, known))) if looks else _searched_again(task, known)
    known, begin = _tried(task, known)
    known = _closed(task, known if looks else _raised_behind(task, known), begin)
    impossible = known.low >= len(radii)
    bound = np.inf if impossible else float(radii[min(known.low, known.high)])
    return Nearest(known.opened, bound, impossible)


def radius_of(ways: Ways, need: int, opened: Flags) -> float:
    """Return the largest cost of a row's ``need``-th cheapest open site; infinite where a row has fewer."""
    at = np.flatnonzero(opened[ways.site])
    place = np.searchsorted(at, ways.ptr[:-1]) + need - 1
    entry = np.append(at, np.iinfo(np.int64).max)[np.minimum(place, len(at))]
    if (entry >= ways.ptr[1:]).any():
        return np.inf
    return float(ways.cost[entry].max(initial=0.0))


def _list_radii(ways: Ways, need: int, fixed: Flags, limits: Limits) -> Floats:
    """Return the costs that can be the answer, ascending: with all sites open it is not less, with fixed not more."""
    allowed = fixed.copy()
    allowed[limits.sites] = True
    radii: Floats = np.unique(np.append(ways.cost, 0.0))
    return radii[(radii >= radius_of(ways, need, allowed)) & (radii <= radius_of(ways, need, fixed))]


def _near(task: _Task, place: int) -> Near | None:
    return list_near(task.ways, task.need, task.fixed, task.limits, float(task.radii[place]))


def _goes_on(task: _Task, known: _Known) -> bool:
    """Tell whether something is left to find, and time for it."""
    if known.low >= known.high or task.deadline.left() <= 0.0:
        return False
    value = np.inf if known.opened is None else float(task.radii[known.high])
    share = min(task.deadline.spent() / max(task.deadline.budget_s, 1e-9), 1.0)
    return task.tick is None or task.tick("radii", share, value, float(task.radii[known.low]))


def _offered(task: _Task, known: _Known, opened: Flags) -> _Known:
    """Return what is known with open sites that keep the conditions."""
    place = int(np.searchsorted(task.radii, radius_of(task.ways, task.need, opened)))
    return replace(known, high=place, opened=opened) if place < known.high else known


def _chosen(task: _Task, known: _Known, sites: Ints) -> _Known:
    opened = task.fixed.copy()
    opened[sites] = True
    return _offered(task, known, opened)


def _raised(task: _Task, known: _Known) -> _Known:
    """Return what is known once sites that open in part tell nothing more."""
    end, place, stride = known.high, known.low, _STRIDE
    while known.low < end and _goes_on(task, known):
        near = _near(task, place)
        if near is None or is_refuted(near, deadline=task.deadline):
            known = replace(known, low=place + 1)
        else:
            end = place
        place, stride = min(known.low + stride, (known.low + end) // 2), 2 * stride
    return known


def _raised_behind(task: _Task, known: _Known) -> _Known:
    """Return what is known once sites that open in part tell nothing more, from just below the best radius."""
    end, place, stride = known.high, max(known.high - _STRIDE, known.low), 2 * _STRIDE
    while known.low < end and _goes_on(task, known):
        near = _near(task, place)
        if near is None or is_refuted(near, deadline=task.deadline):
            known = replace(known, low=place + 1)
        else:
            end = place
        place, stride = max(end - stride, (known.low + end) // 2), 2 * stride
    return known


def _searched(task: _Task, known: _Known) -> _Known:
    """Return what is known after searches that weight rows, where nothing but a number of sites limits the choice."""
    begin, place, stride = known.low, known.low, _STRIDE
    while begin < known.high and _goes_on(task, known):
        near = _near(task, place)
        if near is None:
            known, sites = replace(known, low=place + 1), None
        elif (most := _number_of_sites(near)) is None:
            break
        else:
            sites = _covered(near, most, task.seed)
        if sites is None:
            begin = place + 1
        else:
            known = _chosen(task, known, sites)
        place, stride = min(begin + stride, (begin + known.high) // 2), 2 * stride
    return known


def _searched_again(task: _Task, known: _Known) -> _Known:
    """Return what is known after longer searches at the next radius below the best one, as long as they find sites."""
    while _goes_on(task, known):
        near = _near(task, known.high - 1)
        if near is None:
            return replace(known, low=known.high)
        most = _number_of_sites(near)
        sites = None if most is None else _covered(near, most, task.seed + 1, steps=_AGAIN * _STEPS)
        if sites is None:
            break
        known = _chosen(task, known, sites)
    return known


def _number_of_sites(near: Near) -> int | None:
    """Return how many sites may open, where nothing else but too near ones limit them; None where something does."""
    counts = ~near.strict
    if near.strict.any() and not list_apart(near.packs, near.room, near.strict)[1][near.strict].all():
        return None
    if not counts.any():
        return len(near.sites)
    only = int(counts.sum()) == 1 and near.packs[counts].nnz == len(near.sites)
    return int(near.room[counts][0]) if only and (near.packs[counts].data == 1.0).all() else None


def _covered(near: Near, most: int, seed: int, *, steps: int = _STEPS) -> Ints | None:
    """Return at most so many sites that serve every row, if a short search finds some."""
    if near.table.rows == 0:
        return near.sites[:0]
    if near.strict.any():
        apart = list_apart(near.packs, near.room, near.strict)[0]
        pairs = apart.indptr.astype(np.int64), apart.indices.astype(np.int64)
        found = search_apart(near.table, near.need, pairs, most=most, steps=steps, seed=seed)
        return None if found is None else near.sites[found]
    columns = search_cover(near.table, start_weights(near.table, near.need, seed), steps=steps, target=most)
    return near.sites[columns] if len(columns) <= most else None


def _begun(task: _Task, known: _Known) -> _Known:
    """Return what is known after a few visits of branches at the largest radius, where nearly any sites will do.

    That may take twice as long as all before it, and is left out where there is less time.
    """
    if known.low >= known.high or task.deadline.left() <= 2.0 * task.deadline.spent():
        return known
    near = _near(task, known.high - 1)
    told = Told(None, (), ()) if near is None else find_within(near, WHOLE, deadline=task.deadline, visits=_VISITS)
    if told.chosen is not None:
        return _chosen(task, known, told.chosen)
    return replace(known, low=known.high) if told.none else known


def _visited(task: _Task, known: _Known) -> _Known:
    """Return what is known after a few visits of branches at radii from below, up to the first with sites."""
    begin, place, stride = known.low, known.low, _STRIDE
    while begin < known.high and _goes_on(task, known):
        near = _near(task, place)
        told = Told(None, (), ()) if near is None else find_within(near, WHOLE, deadline=task.deadline, visits=_VISITS)
        if told.chosen is not None:
            return _chosen(task, known, told.chosen)
        known = replace(known, low=place + 1) if told.none else known
        begin = place + 1
        place, stride = min(begin + stride, (begin + known.high) // 2), 2 * stride
    return known


def _tried(task: _Task, known: _Known) -> tuple[_Known, tuple[Branch, ...]]:
    """Return what is known after some visits below the best radius, and the branches that all choices were put into.

    First sites may be as near to each other as they like: of such sites another one does instead of more of them, so
    that there are fewer branches. A search often ends with the best sites, which is proved so before the radii between
    are looked at.
    """
    limits, begin = task.limits, WHOLE
    tells = list_apart(limits.packs, limits.room, limits.strict)[1]
    loose = replace(limits, packs=limits.packs[~tells].tocsr(), room=limits.room[~tells], strict=limits.strict[~tells])
    eased = replace(task, limits=loose)
    while known.opened is not None and _goes_on(task, known):
        near = _near(eased, known.high - 1)
        if near is None:
            return replace(known, low=known.high), begin
        short = Deadline(_SLICE * task.deadline.left(), task.deadline.clock)
        told = find_within(near, begin, deadline=short, visits=_TRIES)
        begin = told.left + told.closed
        if told.none:
            return replace(known, low=known.high), begin
        if told.chosen is None:
            break
        if (limits.packs @ np.isin(limits.sites, told.chosen) <= limits.room).all():
            known = _chosen(task, known, told.chosen)
        else:
            eased = task
    return known, begin


def _closed(task: _Task, known: _Known, begin: tuple[Branch, ...]) -> _Known:
    """Return what is known after the branches of all choices were searched below the best radius."""
    most = known.high
    while _goes_on(task, known):
        place = max(min(most, known.high) - 1, known.low)
        near = _near(task, place)
        if near is None:
            known = replace(known, low=place + 1)
            continue
        limit_s = task.deadline.left() * (_SLICE if place > known.low else 1.0)
        told = find_within(near, begin, deadline=Deadline(limit_s, task.deadline.clock))
        # Sites that another one does instead of at this radius may be needed at a smaller one, so no branch is dropped.
        begin = told.left + told.closed
        if told.chosen is not None:
            known = _chosen(task, known, told.chosen)
        elif told.none:
            known, most = replace(known, low=place + 1), known.high
        else:
            most = (known.low + place + 1) // 2
    return known
