"""Which sites are best where there are so few that every set can be tried?

The cost of a row at every set grows from that of a smaller set by one comparison, so that all sets of a dozen sites,
or all of two or three of a hundred, take milliseconds.
"""

from collections.abc import Iterator
from itertools import combinations, islice
from math import comb

import numpy as np

from spatial.siting.question import AS_MANY_AS_NEEDED, Question
from spatial.siting.ways import Flags, Floats, Ints, row_of

_MOST_SITES = 14
_MOST_WORK = 24_000_000
_CHUNK = 2_000_000


def can_try_all(question: Question) -> bool:
    """Tell whether every set of sites can be tried in an instant."""
    free = int((~question.fixed & ~question.banned).sum())
    each = max(question.rows, 1) * question.need
    if question.has_room_limits or free > _MOST_WORK:
        return False
    if free <= _MOST_SITES:
        return (1 << free) * each <= _MOST_WORK
    each, work = max(each, len(question.fixed)), 0
    for size in range(_most_open(question) + 1):
        work += comb(free, size) * (size + 1) * each
        if work > _MOST_WORK:
            return False
    return True


def try_all(question: Question) -> Flags | None:
    """Return the best open sites of all that keep every condition; None where none does.

    Of equal ones the fewest sites win, then the first by number.
    """
    best: tuple[float, int, int] | None = None
    found = None
    for sets, value in every_set(question):
        okay = np.isfinite(value)
        if not okay.any():
            continue
        size = sets.sum(axis=1)
        order = np.lexsort((np.arange(len(sets)), size, value))
        at = int(order[np.flatnonzero(okay[order])[0]])
        key = (float(value[at]), int(size[at]), 0)
        if best is None or key[:2] < best[:2]:
            best, found = key, sets[at]
    return found


def every_set(question: Question) -> Iterator[tuple[Flags, Floats]]:
    """Give all sets of open sites in parts, with the goal's value of each; infinite where a condition is broken."""
    free = np.flatnonzero(~question.fixed & ~question.banned)
    if len(free) > _MOST_SITES:
        yield from _small_sets(question, free)
        return
    table = _table(question)
    low = min(len(free), max(int(np.log2(max(_CHUNK // max(question.rows * question.need, 1), 1))), 0))
    base = _ranked(table[question.fixed], question.need)
    inside = _grow(base, table[free[:low]])
    sets = _masks(low)
    for high in range(1 << (len(free) - low)):
        more = free[low:][[bool(high >> k & 1) for k in range(len(free) - low)]]
        ranked = inside
        for s in more:
            ranked = _with_site(ranked, table[s])
        opened = np.zeros((len(sets), len(question.fixed)), dtype=bool)
        opened[:, question.fixed] = True
        opened[:, free[:low]] = sets
        opened[:, more] = True
        value = _values(question, ranked[-1], opened)
        value[~_kept(question, opened)] = np.inf
        yield opened, value


def _small_sets(question: Question, free: Ints) -> Iterator[tuple[Flags, Floats]]:
    """Give all sets of no more open sites than there may be, smaller ones first."""
    table = _table(question)
    base = _ranked(table[question.fixed], question.need)
    many = max(_CHUNK // max(question.rows * question.need, len(question.fixed)), 1)
    for size in range(_most_open(question) + 1):
        sets = combinations(free.tolist(), size)
        while part := list(islice(sets, many)):
            sites = np.array(part, dtype=np.int64).reshape(len(part), size)
            ranked = np.broadcast_to(base, (question.need, len(part), question.rows))
            for column in sites.T:
                ranked = _with_site(ranked, table[column])
            opened = np.repeat(question.fixed[None, :], len(part), axis=0)
            opened[np.arange(len(part))[:, None], sites] = True
            value = _values(question, ranked[-1], opened)
            value[~_kept(question, opened)] = np.inf
            yield opened, value


def _most_open(question: Question) -> int:
    """Return how many sites that may be shut any set that keeps the conditions has open at most."""
    free = ~question.fixed & ~question.banned
    if question.p == AS_MANY_AS_NEEDED:
        return int(free.sum())
    return min(int(free.sum()), question.most + int((free & ~question.counted).sum()))


def _table(question: Question) -> Floats:
    """Return the costs of all sites (rows of the table) to all rows, infinite where a site does not serve."""
    table = np.full((len(question.fixed), question.rows), np.inf)
    table[question.ways.site, row_of(question.ways)] = question.ways.cost
    return table


def _masks(sites: int) -> Flags:
    return (np.arange(1 << sites)[:, None] >> np.arange(sites)[None, :] & 1).astype(bool)


def _ranked(costs: Floats, need: int) -> Floats:
    """Return the ``need`` least costs of each row (rank, 1, row)."""
    padded = np.concatenate([costs, np.full((need, costs.shape[1]), np.inf)])
    return np.sort(padded, axis=0)[:need, None, :]


def _grow(ranked: Floats, costs: Floats) -> Floats:
    """Return the least costs at every set of these sites besides what is open: (rank, set, row)."""
    for one in costs:
        ranked = np.concatenate([ranked, _with_site(ranked, one)], axis=1)
    return ranked


def _with_site(ranked: Floats, costs: Floats) -> Floats:
    """Return the least costs once a site opens."""
    out = np.empty_like(ranked)
    push = np.broadcast_to(costs, ranked.shape[1:])
    for k in range(len(ranked)):
        np.minimum(ranked[k], push, out=out[k])
        if k + 1 < len(ranked):
            push = np.maximum(ranked[k], push)
    return out


def _values(question: Question, cost: Floats, opened: Flags) -> Floats:
    paid = np.minimum(cost, question.missing)
    if question.goal == "count":
        value: Floats = opened @ question.charge
        value[np.isinf(paid).any(axis=1)] = np.inf
        return value
    weighty = question.weight > 0
    if question.goal == "largest":
        return np.asarray(paid[:, weighty].max(axis=1, initial=0.0))
    with np.errstate(invalid="ignore"):
        return np.asarray(paid[:, weighty] @ question.weight[weighty])


def _kept(question: Question, opened: Flags) -> Flags:
    """Tell which sets keep every condition on sites."""
    kept = opened[:, question.counted].sum(axis=1) <= question.most
    kept &= opened @ question.price <= question.purse
    for a, b in question.apart:
        kept &= ~(opened[:, a] & opened[:, b])
    for rule in question.rules:
        number = opened[:, rule.sites].sum(axis=1)
        kept &= (number >= rule.least) & (number <= rule.most)
    return np.asarray(kept)
