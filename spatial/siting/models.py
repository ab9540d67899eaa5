"""Which rows and columns make a siting question a mixed-integer model?

Where room does not matter, each row has one variable per distinct cost that says that no open site is that cheap
(Elloumi, "A tighter formulation of the p-median problem", 2010); where it does, one variable per row and site.
The first variables are always the sites.
"""

from collections.abc import Iterator

import numpy as np

from spatial.siting.mip import Mip, Rows
from spatial.siting.question import AS_MANY_AS_NEEDED, Question, row_costs
from spatial.siting.ways import Flags, Floats, Ints, row_of


def site_rows(question: Question) -> Iterator[Rows]:
    """Give the rows that bind sites alone: number, budget, distances, kinds."""
    m = len(question.fixed)
    every = np.arange(m)
    if question.p != AS_MANY_AS_NEEDED:
        yield _one_row(every[question.counted], np.ones(int(question.counted.sum())), -np.inf, question.most)
    if np.isfinite(question.budget):
        yield _one_row(every, question.price, -np.inf, question.purse)
    if pairs := len(question.apart):
        yield Rows(
            np.repeat(np.arange(pairs), 2),
            question.apart.ravel(),
            np.ones(2 * pairs),
            np.full(pairs, -np.inf),
            np.ones(pairs),
        )
    for rule in question.rules:
        yield _one_row(every[rule.sites], np.ones(int(rule.sites.sum())), rule.least, rule.most)


def _one_row(col: Ints, value: Floats, low: float, high: float) -> Rows:
    return Rows(
        np.zeros(len(col), dtype=np.int64), col, value, np.array([low], dtype=float), np.array([high], dtype=float)
    )


def clique_rows(pairs: Ints, sites: int) -> tuple[Rows, ...]:
    """Return rows that let one of several sites open, all too near to each other, such that every pair is in one."""
    near: list[set[int]] = [set() for _ in range(sites)]
    for a, b in pairs.tolist():
        near[a].add(b)
        near[b].add(a)
    left, groups = {(a, b) for a, b in pairs.tolist()}, []
    for a, b in sorted(left):
        if (a, b) not in left:
            continue
        group, both = [a, b], near[a] & near[b]
        while both:
            # The one that is near most of the others leaves most to choose from.
            group.append(min(both, key=lambda s: (-len(near[s] & both), s)))
            both = both & near[group[-1]]
        groups.append(sorted(group))
        left -= {(s, t) for k, s in enumerate(groups[-1]) for t in groups[-1][k + 1 :]}
    if not groups:
        return ()
    size = [len(group) for group in groups]
    every = np.concatenate([np.array(group, np.int64) for group in groups])
    return (
        Rows(
            np.repeat(np.arange(len(groups)), size), every, np.ones(len(every)), np.full(len(groups), -np.inf),
            np.ones(len(groups)),
        ),
    )  # fmt: skip


def cover_rows(question: Question) -> Rows:
    """Return the rows that give every row as many open sites as it needs."""
    n = question.rows
    return Rows(
        row_of(question.ways), question.ways.site.astype(np.int64), np.ones(len(question.ways.site)),
        np.full(n, float(question.need)), np.full(n, np.inf),
    )  # fmt: skip


def site_bounds(question: Question) -> tuple[Floats, Floats]:
    """Return the bounds of the sites: 1 where fixed, 0 where banned."""
    return question.fixed.astype(np.float64), (~question.banned | question.fixed).astype(np.float64)


def cover_model(question: Question, charge: Floats) -> Mip:
    """Return the model of the cheapest open sites that serve every row."""
    lower, upper = site_bounds(question)
    rows = (*site_rows(question), cover_rows(question))
    return Mip(charge, 0.0, lower, upper, np.ones(len(lower), dtype=bool), rows)


def level_model(question: Question) -> Mip:
    """Return the model of the least total where room does not matter."""
    row, site, cost, gone = useful(question)
    m, need = len(question.fixed), question.need
    new_row = np.r_[True, row[1:] != row[:-1]] if len(row) else np.zeros(0, dtype=bool)
    new_level = new_row | np.r_[True, cost[1:] != cost[:-1]] if len(row) else new_row
    heads = np.flatnonzero(new_level)
    level_row, level_cost, first = row[heads], cost[heads], new_row[heads]
    last = np.r_[first[1:], True][: len(heads)]
    beyond = np.where(last, gone[level_row], np.r_[level_cost[1:], 0.0][: len(heads)])
    lowest = gone.copy()
    lowest[level_row[first]] = level_cost[first]
    weight, levels = question.weight, len(heads)
    level = np.cumsum(new_level) - 1
    lower, upper = site_bounds(question)
    build = _chain if need == 1 else _counting
    rows, extra = build(level, site, first, m, need)
    return Mip(
        cost=np.r_[np.zeros(m), weight[level_row] * (beyond - level_cost), np.zeros(extra)],
        offset=float(weight @ lowest),
        lower=np.r_[lower, np.zeros(levels + extra)],
        upper=np.r_[upper, np.ones(levels), np.full(extra, float(need))],
        whole=np.r_[np.ones(m, dtype=bool), np.full(levels, need > 1), np.zeros(extra, dtype=bool)],
        rows=(*site_rows(question), *rows),
    )


def useful(question: Question) -> tuple[Ints, Ints, Floats, Floats]:
    """Return row, site and cost of the entries that may matter, and what a row pays where none of them serves it."""
    ways = question.ways
    row = row_of(ways)
    usual = row_costs(question, question.fixed)[0]
    gone = np.where(np.isfinite(usual), usual, _beyond(question))
    use = (question.weight[row] > 0) & (ways.cost < gone[row]) & ~question.banned[ways.site]
    return row[use], ways.site[use].astype(np.int64), ways.cost[use], np.where(question.weight > 0, gone, 0.0)


def _beyond(question: Question) -> float:
    """Return a cost so high that no row pays it where all can be served."""
    return 2.0 * float(question.ways.cost.max(initial=0.0)) * max(float(question.weight.sum()), 1.0) + 1.0


def _chain(level: Ints, site: Ints, first: Flags, m: int, need: int) -> tuple[tuple[Rows, ...], int]:
    """Return the rows: sites of a level, plus its variable, less the one before."""
    levels, later = len(first), np.flatnonzero(~first)
    row = np.r_[level, np.arange(levels), later]
    col = np.r_[site, m + np.arange(levels), m + later - 1]
    value = np.r_[np.ones(len(level) + levels), -np.ones(len(later))]
    return (Rows(row, col, value, first.astype(np.float64), np.full(levels, np.inf)),), 0


def _counting(level: Ints, site: Ints, first: Flags, m: int, need: int) -> tuple[tuple[Rows, ...], int]:
    """Return the rows that count open sites up to each level, up to those needed, and hold the level's variable."""
    levels, later, every = len(first), np.flatnonzero(~first), np.arange(len(first))
    count = m + levels
    row = np.r_[every, later, level]
    col = np.r_[count + every, count + later - 1, site]
    value = np.r_[np.ones(levels), -np.ones(len(later)), -np.ones(len(level))]
    counts = Rows(row, col, value, np.full(levels, -np.inf), np.zeros(levels))
    holds = Rows(
        np.r_[every, every], np.r_[m + every, count + every], np.r_[np.full(levels, float(need)), np.ones(levels)],
        np.full(levels, float(need)), np.full(levels, np.inf),
    )  # fmt: skip
    return (counts, holds), levels


def start_of_levels(question: Question, opened: Flags) -> Floats:
    """Return the values of all variables of the level model at an open set."""
    row, site, cost, _ = useful(question)
    new_row = np.r_[True, row[1:] != row[:-1]] if len(row) else np.zeros(0, dtype=bool)
    new_level = new_row | np.r_[True, cost[1:] != cost[:-1]] if len(row) else new_row
    heads = np.flatnonzero(new_level)
    ends = np.r_[heads[1:], len(row)][: len(heads)]
    seen = np.r_[0, np.cumsum(opened[site])]
    begin = np.flatnonzero(new_row)[np.cumsum(new_row[heads]) - 1] if len(heads) else heads
    number = np.minimum(seen[ends] - seen[begin], question.need)
    levels = (number < question.need).astype(np.float64)
    extra = number.astype(np.float64) if question.need > 1 else np.zeros(0)
    return np.asarray(np.r_[opened.astype(np.float64), levels, extra], dtype=np.float64)


def room_model(question: Question, charge: Floats, *, radius: float = np.inf) -> Mip:
    """Return the model where sites may be full: one variable per row and site, and one for a row that goes unserved.

    Nobody is served from beyond the radius; a site in reserve may be.
    """
    ways, n, m = question.ways, question.rows, len(question.fixed)
    row, k = row_of(ways), len(ways.site)
    entry, must = m + np.arange(k), np.isinf(question.missing)
    everyone = np.arange(n)
    gone = m + k + everyone
    served = Rows(np.r_[row, everyone], np.r_[entry, gone], np.ones(k + n), np.ones(n), np.ones(n))
    limited = np.isfinite(question.capacity)
    held = limited[ways.site] & (question.load[row] > 0)
    room = Rows(
        np.r_[ways.site[held], np.flatnonzero(limited)], np.r_[entry[held], np.flatnonzero(limited)],
        np.r_[question.load[row[held]], -question.capacity[limited]], np.full(m, -np.inf), np.zeros(m),
    )  # fmt: skip
    links = Rows(
        np.tile(np.arange(k), 2), np.r_[entry, ways.site], np.r_[np.ones(k), -np.ones(k)], np.full(k, -np.inf),
        np.zeros(k),
    )  # fmt: skip
    lower, upper = site_bounds(question)
    total = question.goal == "sum"
    cost = question.weight[row] * ways.cost if total else np.zeros(k)
    lost = question.weight * (0.0 if must else question.missing) if total else np.zeros(n)
    possible = ((question.load[row] <= question.capacity[ways.site]) | question.split) & (ways.cost <= radius)
    rows = [*site_rows(question), served, room, links]
    if question.need > 1:
        reserve = Rows(
            np.r_[row, everyone], np.r_[ways.site, gone], np.r_[np.ones(k), np.full(n, float(question.need))],
            np.full(n, float(question.need)), np.full(n, np.inf),
        )  # fmt: skip
        rows.append(reserve)
    whole = not question.split
    # With backup a row is served wholly or not at all, so that what goes unserved is a yes or no too.
    return Mip(
        cost=np.r_[charge, cost, lost],
        offset=0.0,
        lower=np.r_[lower, np.zeros(k + n)],
        upper=np.r_[upper, possible.astype(np.float64), np.full(n, 0.0 if must else 1.0)],
        whole=np.r_[np.ones(m, dtype=bool), np.full(k, whole), np.full(n, whole or question.need > 1)],
        rows=tuple(rows),
    )
