"""How few sites cover every row, as far as weighting the rows that stay uncovered finds?

Row weighting local search (Gao et al., "An efficient local search heuristic with row weighting for the unicost set
covering problem", 2015), here for rows that need several sites too: whenever everything is covered a site is given
up; then the site that is missed least is closed and one for a row in need opened, and rows still in need weigh more
from step to step, until everything is covered again.
"""

from dataclasses import dataclass

import numpy as np

from spatial.siting.cover.table import CoverTable
from spatial.siting.draws import draw, turn
from spatial.siting.ways import Ints
from spatial.walking.compiled import inner, kernel

_SAMPLE = 60
"""Open sites looked at for the one that is missed least, where there are more."""


@dataclass(frozen=True, slots=True)
class Weights:
    """The working arrays of a search; the kernel changes them in place."""

    need: Ints
    count: Ints
    weight: Ints
    score: Ints
    """What opening a closed site would bring, what closing an open one would cost, in weights of rows."""
    moved: Ints
    """The step at which a site was last opened or closed."""
    free: np.ndarray
    order: Ints
    place: Ints
    lacking: Ints
    row_place: Ints
    state: Ints
    """Open sites, rows that lack some, sites of the best cover (-1 before there is one), steps so far, last opened."""
    best: Ints
    seed: np.ndarray


def start_weights(table: CoverTable, need: Ints, seed: int) -> Weights:
    """Return the working arrays for a search that begins with what greedily covers all."""
    sites, rows = table.sites, table.rows
    return Weights(
        need.astype(np.int64),
        np.zeros(rows, np.int64),
        np.ones(rows, np.int64),
        np.diff(table.col_ptr),
        np.zeros(sites, np.int64),
        np.ones(sites, np.bool_),
        np.arange(sites),
        np.arange(sites),
        np.arange(rows),
        np.arange(rows),
        np.array([0, rows, -1, 0, -1], np.int64),
        np.zeros(sites, np.int64),
        np.array([seed * 2654435761 + 88172645463325252], np.uint64),
    )


def search_cover(table: CoverTable, work: Weights, *, steps: int, target: int) -> Ints:
    """Go on for a number of steps, or until a cover of ``target`` sites is found; return the best cover so far."""
    arrays = (work.need, work.count, work.weight, work.score, work.moved, work.free)
    lists = (work.order, work.place, work.lacking, work.row_place, work.state, work.best, work.seed)
    _search(table.ptr, table.site, table.col_ptr, table.row, steps, target, *arrays, *lists)
    return np.sort(work.best[: work.state[2]])


@inner
def _open(j, ptr, site, col_ptr, row, need, count, weight, score, free, order, place, lacking, row_place, state):  # type: ignore[no-untyped-def]
    turn(j, order, place, state[0])
    state[0] += 1
    own = np.int64(0)
    for t in range(col_ptr[j], col_ptr[j + 1]):
        i = row[t]
        before = count[i]
        count[i] = before + 1
        if before < need[i]:
            own += weight[i]
        if before + 1 == need[i]:
            turn(i, lacking, row_place, state[1] - 1)
            state[1] -= 1
            for s in range(ptr[i], ptr[i + 1]):
                k = site[s]
                free[k] = True
                if place[k] >= state[0]:
                    score[k] -= weight[i]
        elif before == need[i]:
            for s in range(ptr[i], ptr[i + 1]):
                k = site[s]
                if k != j and place[k] < state[0]:
                    score[k] -= weight[i]
    score[j] = own


@inner
def _close(j, ptr, site, col_ptr, row, need, count, weight, score, free, order, place, lacking, row_place, state):  # type: ignore[no-untyped-def]
    state[0] -= 1
    turn(j, order, place, state[0])
    own = np.int64(0)
    for t in range(col_ptr[j], col_ptr[j + 1]):
        i = row[t]
        before = count[i]
        count[i] = before - 1
        if before <= need[i]:
            own += weight[i]
        if before == need[i]:
            turn(i, lacking, row_place, state[1])
            state[1] += 1
            for s in range(ptr[i], ptr[i + 1]):
                k = site[s]
                free[k] = True
                if k != j and place[k] >= state[0]:
                    score[k] += weight[i]
        elif before == need[i] + 1:
            for s in range(ptr[i], ptr[i + 1]):
                k = site[s]
                if place[k] < state[0]:
                    score[k] += weight[i]
    score[j] = own
    free[j] = False


@inner
def _missed_least(order, score, moved, state, seed):  # type: ignore[no-untyped-def]
    """Return the open site that costs least to close, the one that moved longest ago of equals; not the last opened."""
    size, pick = state[0], np.int64(-1)
    looks = size if size <= _SAMPLE else _SAMPLE
    for q in range(looks):
        j = order[q] if looks == size else order[draw(seed, size)]
        if j == state[4]:
            continue
        if (
            pick < 0
            or score[j] < score[pick]
            or (score[j] == score[pick] and (moved[j] < moved[pick] or (moved[j] == moved[pick] and j < pick)))
        ):
            pick = j
    return pick


@inner
def _wanted_most(i, ptr, site, score, moved, free, place, state):  # type: ignore[no-untyped-def]
    """Return the closed site of a row that brings most, of those whose surroundings changed since they were closed."""
    pick, spare = np.int64(-1), np.int64(-1)
    for s in range(ptr[i], ptr[i + 1]):
        k = np.int64(site[s])
        if place[k] < state[0]:
            continue
        if spare < 0 or moved[k] < moved[spare]:
            spare = k
        if free[k] and (pick < 0 or score[k] > score[pick] or (score[k] == score[pick] and moved[k] < moved[pick])):
            pick = k
    return pick if pick >= 0 else spare


@kernel
def _search(  # type: ignore[no-untyped-def]
    ptr,
    site,
    col_ptr,
    row,
    steps,
    target,
    need,
    count,
    weight,
    score,
    moved,
    free,
    order,
    place,
    lacking,
    row_place,
    state,
    best,
    seed,
):
    if state[2] < 0:
        while state[1] > 0:
            pick = order[state[0]]
            for q in range(state[0], len(order)):
                j = order[q]
                if score[j] > score[pick] or (score[j] == score[pick] and j < pick):
                    pick = j
            _open(
                pick, ptr, site, col_ptr, row, need, count, weight, score, free, order, place, lacking, row_place, state
            )
        for q in range(state[0]):
            best[q] = order[q]
        state[2] = state[0]
    for _ in range(steps):
        while state[1] == 0:
            for q in range(state[0]):
                best[q] = order[q]
            state[2] = state[0]
            if state[0] <= target or state[0] == 0:
                return
            pick = order[0]
            for q in range(state[0]):
                j = order[q]
                if score[j] < score[pick] or (score[j] == score[pick] and j < pick):
                    pick = j
            _close(
                pick, ptr, site, col_ptr, row, need, count, weight, score, free, order, place, lacking, row_place, state
            )
        state[3] += 1
        out = _missed_least(order, score, moved, state, seed)
        if out >= 0:
            _close(
                out, ptr, site, col_ptr, row, need, count, weight, score, free, order, place, lacking, row_place, state
            )
            moved[out] = state[3]
        into = _wanted_most(lacking[draw(seed, state[1])], ptr, site, score, moved, free, place, state)
        if into >= 0:
            _open(
                into, ptr, site, col_ptr, row, need, count, weight, score, free, order, place, lacking, row_place, state
            )
            moved[into], state[4] = state[3], into
        for q in range(state[1]):
            i = lacking[q]
            weight[i] += 1
            for s in range(ptr[i], ptr[i + 1]):
                score[site[s]] += 1
