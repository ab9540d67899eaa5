"""Are there a few sites that serve every row, no two of them too near to each other, as far as weighting rows finds?

Row weighting local search (Gao et al., "An efficient local search heuristic with row weighting for the unicost set
covering problem", 2015) with a number of open sites that stays: the one that is missed least is closed and one for a
row in need opened, whereupon all that stand too near to it close; rows still in need weigh more from step to step.
"""

import numpy as np

from spatial.siting.cover.table import CoverTable
from spatial.siting.draws import draw, turn
from spatial.siting.ways import Ints
from spatial.walking.compiled import inner, kernel


def search_apart(
    table: CoverTable, need: Ints, apart: tuple[Ints, Ints], *, most: int, steps: int, seed: int
) -> Ints | None:
    """Return at most ``most`` columns that serve every row, if some were found in so many steps.

    ``apart`` gives, from ``apart[0][j]`` on, the columns ``apart[1]`` that must be shut where ``j`` is open.
    """
    sites, rows = table.sites, table.rows
    order, state = np.arange(sites), np.array([0, rows, -1], np.int64)
    draws = np.array([seed * 2654435761 + 88172645463325252], np.uint64)
    _search(
        table.ptr, table.site, table.col_ptr, table.row, *apart, np.int64(most), np.int64(steps), need.astype(np.int64),
        np.zeros(rows, np.int64), np.ones(rows, np.int64), np.diff(table.col_ptr), np.zeros(sites, np.int64),
        np.ones(sites, np.bool_), order, np.arange(sites), np.arange(rows), np.arange(rows), state, draws,
    )  # fmt: skip
    return np.sort(order[: state[0]]) if state[1] == 0 else None


@inner
def _turn(  # type: ignore[no-untyped-def]
    j, ptr, site, col_ptr, row, need, count, weight, score, free, order, place, lacking, row_place, state
):
    """Open a shut site or shut an open one, and weigh anew what the others bring or are missed for."""
    opens = place[j] >= state[0]
    if opens:
        turn(j, order, place, state[0])
        state[0] += 1
    else:
        state[0] -= 1
        turn(j, order, place, state[0])
    own = np.int64(0)
    for t in range(col_ptr[j], col_ptr[j + 1]):
        i = row[t]
        # What the row counted where this site is left out of account.
        others = count[i] - (not opens)
        count[i] = others + opens
        if others < need[i]:
            own += weight[i]
        if others == need[i] - 1:
            if opens:
                turn(i, lacking, row_place, state[1] - 1)
                state[1] -= 1
            else:
                turn(i, lacking, row_place, state[1])
                state[1] += 1
        for s in range(ptr[i], ptr[i + 1]):
            k = site[s]
            if others == need[i] - 1:
                free[k] = True
                if k != j and place[k] >= state[0]:
                    score[k] += -weight[i] if opens else weight[i]
            elif others == need[i] and k != j and place[k] < state[0]:
                score[k] += -weight[i] if opens else weight[i]
    score[j] = own


@inner
def _missed_least(order, score, moved, state):  # type: ignore[no-untyped-def]
    """Return the open site that costs least to close, the one that moved longest ago of equals; not the last opened."""
    pick = np.int64(-1)
    for q in range(state[0]):
        j = order[q]
        if j == state[2]:
            continue
        if pick < 0 or score[j] < score[pick] or (score[j] == score[pick] and moved[j] < moved[pick]):
            pick = j
    return pick


@inner
def _wanted_most(i, ptr, site, apart_ptr, apart, score, moved, free, place, state):  # type: ignore[no-untyped-def]
    """Return the shut site of a row that brings most, less what closes for it; it was not shut just now."""
    pick, most, spare = np.int64(-1), np.int64(0), np.int64(-1)
    for s in range(ptr[i], ptr[i + 1]):
        k = np.int64(site[s])
        if place[k] < state[0]:
            continue
        if spare < 0 or moved[k] < moved[spare]:
            spare = k
        if not free[k]:
            continue
        brings = score[k]
        for t in range(apart_ptr[k], apart_ptr[k + 1]):
            if place[apart[t]] < state[0]:
                brings -= score[apart[t]]
        if pick < 0 or brings > most or (brings == most and moved[k] < moved[pick]):
            pick, most = k, brings
    return pick if pick >= 0 else spare


@kernel
def _search(  # type: ignore[no-untyped-def]
    ptr, site, col_ptr, row, apart_ptr, apart, most, steps, need, count, weight, score, moved, free, order, place,
    lacking, row_place, state, draws,
):  # fmt: skip
    """Move open sites to the front of ``order``; ``state``: open sites, rows that lack some, the last opened site."""
    for step in range(steps):
        if state[1] == 0:
            return
        if state[0] >= most:
            out = _missed_least(order, score, moved, state)
            if out >= 0:
                _turn(
                    out, ptr, site, col_ptr, row, need, count, weight, score, free, order, place, lacking, row_place,
                    state,
                )  # fmt: skip
                moved[out], free[out] = step, False
        i = lacking[draw(draws, state[1])]
        into = _wanted_most(i, ptr, site, apart_ptr, apart, score, moved, free, place, state)
        if into >= 0 and state[0] < most:
            for t in range(apart_ptr[into], apart_ptr[into + 1]):
                near = np.int64(apart[t])
                if place[near] < state[0]:
                    _turn(
                        near, ptr, site, col_ptr, row, need, count, weight, score, free, order, place, lacking,
                        row_place, state,
                    )  # fmt: skip
                    moved[near], free[near] = step, False
            _turn(
                into, ptr, site, col_ptr, row, need, count, weight, score, free, order, place, lacking, row_place, state
            )
            moved[into], state[2] = step, into
        if state[0] >= most:
            for q in range(state[1]):
                i = lacking[q]
                weight[i] += 1
                for s in range(ptr[i], ptr[i + 1]):
                    score[site[s]] += 1
