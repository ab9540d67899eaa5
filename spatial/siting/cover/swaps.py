"""Which p sites cover the most, as far as swapping one site after another finds?

Simulated annealing over swaps on tables kept up to date: how many open sites each row has, which one if it is the only
one (the exclusive-or of all), what opening each closed site would gain and closing each open one lose. The change of a
swap is known but for the rows that lean on the site to be closed alone and that the other one covers: most swaps are
decided without them.
"""

from dataclasses import dataclass

import numpy as np

from spatial.siting.cover.table import CoverTable
from spatial.siting.draws import draw, turn
from spatial.siting.ways import Floats, Ints
from spatial.walking.compiled import inner, kernel

_NEAR = 0.5
_BY_NEED = 0.25
"""Shares of swaps that move a site to another one for one of its rows, and that answer a row nobody covers."""


@dataclass(frozen=True, slots=True)
class Swaps:
    """The working arrays of a search; the kernels change them in place."""

    count: Ints
    sole: Ints
    gain: Floats
    loss: Floats
    order: Ints
    place: Ints
    open_rows: Ints
    row_place: Ints
    best: Ints
    value: Floats
    seed: np.ndarray


def start_swaps(table: CoverTable, weight: Floats, chosen: Ints, p: int, seed: int) -> Swaps:
    """Return the working arrays for a search from the chosen sites, and from those that gain most up to ``p``."""
    sites, rows = table.sites, table.rows
    work = Swaps(
        np.zeros(rows, np.int64),
        np.zeros(rows, np.int64),
        np.zeros(sites),
        np.zeros(sites),
        np.arange(sites),
        np.arange(sites),
        np.arange(rows + 1),
        np.arange(rows),
        np.zeros(p, np.int64),
        np.zeros(2),
        np.array([seed * 2654435761 + 88172645463325252], np.uint64),
    )
    _begin(table.ptr, table.site, table.col_ptr, table.row, weight, np.sort(chosen), *_arrays(work))
    return work


def anneal(table: CoverTable, weight: Floats, work: Swaps, *, swaps: int, hot: float, cold: float) -> None:
    """Try a number of swaps while the temperature falls from hot to cold; ``best`` keeps the best set."""
    _anneal(table.ptr, table.site, table.col_ptr, table.row, weight, swaps, hot, cold, *_arrays(work))


def best_of(work: Swaps) -> tuple[Ints, float]:
    """Return the best set met and what it covers."""
    return np.sort(work.best), float(work.value[1])


def _arrays(work: Swaps) -> tuple[np.ndarray, ...]:
    return (
        work.count,
        work.sole,
        work.gain,
        work.loss,
        work.order,
        work.place,
        work.open_rows,
        work.row_place,
        work.best,
        work.value,
        work.seed,
    )


@inner
def _open(j, ptr, site, col_ptr, row, weight, count, sole, gain, loss, open_rows, row_place):  # type: ignore[no-untyped-def]
    own = 0.0
    for t in range(col_ptr[j], col_ptr[j + 1]):
        i = row[t]
        if count[i] == 0:
            own += weight[i]
            for s in range(ptr[i], ptr[i + 1]):
                gain[site[s]] -= weight[i]
            last = open_rows[len(row_place)] - 1
            open_rows[len(row_place)] = last
            turn(i, open_rows, row_place, last)
        elif count[i] == 1:
            loss[sole[i]] -= weight[i]
        count[i] += 1
        sole[i] ^= j
    loss[j] = own


@inner
def _close(j, ptr, site, col_ptr, row, weight, count, sole, gain, loss, open_rows, row_place):  # type: ignore[no-untyped-def]
    for t in range(col_ptr[j], col_ptr[j + 1]):
        i = row[t]
        count[i] -= 1
        sole[i] ^= j
        if count[i] == 0:
            for s in range(ptr[i], ptr[i + 1]):
                gain[site[s]] += weight[i]
            first = open_rows[len(row_place)]
            turn(i, open_rows, row_place, first)
            open_rows[len(row_place)] = first + 1
        elif count[i] == 1:
            loss[sole[i]] += weight[i]
    loss[j] = 0.0


@kernel
def _begin(  # type: ignore[no-untyped-def]
    ptr,
    site,
    col_ptr,
    row,
    weight,
    chosen,
    count,
    sole,
    gain,
    loss,
    order,
    place,
    open_rows,
    row_place,
    best,
    value,
    seed,
):
    open_rows[len(row_place)] = len(row_place)
    for i in range(len(weight)):
        for s in range(ptr[i], ptr[i + 1]):
            gain[site[s]] += weight[i]
    for k in range(len(best)):
        if k < len(chosen):
            pick = chosen[k]
        else:
            pick = order[k]
            for q in range(k, len(order)):
                j = order[q]
                if gain[j] > gain[pick] or (gain[j] == gain[pick] and j < pick):
                    pick = j
        value[0] += gain[pick]
        _open(pick, ptr, site, col_ptr, row, weight, count, sole, gain, loss, open_rows, row_place)
        turn(pick, order, place, k)
        best[k] = pick
    value[1] = value[0]


@kernel
def _anneal(  # type: ignore[no-untyped-def]
    ptr,
    site,
    col_ptr,
    row,
    weight,
    swaps,
    hot,
    cold,
    count,
    sole,
    gain,
    loss,
    order,
    place,
    open_rows,
    row_place,
    best,
    value,
    seed,
):
    p, sites, rows = len(best), len(order), len(row_place)
    scale = 1.0 / 4294967296.0
    near, need = np.int64(_NEAR * 4294967296.0), np.int64((_NEAR + _BY_NEED) * 4294967296.0)
    for step in range(swaps):
        if step & 255 == 0:
            heat = hot * (cold / hot) ** (step / swaps)
        out = order[draw(seed, p)]
        kind = draw(seed, 4294967296)
        if kind < near and col_ptr[out + 1] > col_ptr[out]:
            i = row[col_ptr[out] + draw(seed, col_ptr[out + 1] - col_ptr[out])]
            into = np.int64(site[ptr[i] + draw(seed, ptr[i + 1] - ptr[i])])
        elif kind < need and open_rows[rows] > 0:
            i = open_rows[draw(seed, open_rows[rows])]
            into = np.int64(site[ptr[i] + draw(seed, ptr[i + 1] - ptr[i])])
        else:
            into = order[draw(seed, sites)]
        if place[into] < p:
            continue
        change = gain[into] - loss[out]
        floor = heat * np.log((draw(seed, 4294967296) + 0.5) * scale)
        if change < floor:
            for t in range(col_ptr[into], col_ptr[into + 1]):
                i = row[t]
                if count[i] == 1 and sole[i] == out:
                    change += weight[i]
                    if change >= floor:
                        break
            if change < floor:
                continue
        value[0] -= loss[out]
        _close(out, ptr, site, col_ptr, row, weight, count, sole, gain, loss, open_rows, row_place)
        value[0] += gain[into]
        _open(into, ptr, site, col_ptr, row, weight, count, sole, gain, loss, open_rows, row_place)
        turn(into, order, place, place[out])
        if value[0] > value[1]:
            value[1] = value[0]
            for q in range(p):
                best[q] = order[q]
