"""Which open sites that keep every condition leave least unserved, as far as annealing finds?

Simulated annealing over sites opened in the place of others, as in ``cover/swaps.py``, under conditions of every kind:
a site opens in the place of those too near to it, or alone where there is room for it, or else in the place of any
one, or of two where one does not make room.
"""

import numpy as np

from spatial.siting.cover.table import CoverTable
from spatial.siting.draws import draw, turn
from spatial.siting.general.swaps import allowed, count_site, list_limits
from spatial.siting.question import Question
from spatial.siting.ways import Deadline, Flags, Floats
from spatial.walking.compiled import inner, kernel

_NEAR, _BY_NEED = 0.5, 0.25
"""Shares of moves to another site of a row of one that shuts, and to a site of a row that nobody serves."""
_SLICE = 4_000
"""Moves between two looks at the clock."""
_COLD = 0.012
"""Temperature at the end, as a share of what an open site serves on average: colder, most moves find nothing new."""
_FOES = 16
"""Sites too near to one that opens which shut for it, at most."""
_OFTEN = 4
"""Of so many moves that break a condition one is tried with another site shut, too."""


def anneal_under(
    question: Question, table: CoverTable, weight: Floats, opened: Flags, ends: tuple[Floats, Floats], *, moves: int,
    hot: float, seed: int, deadline: Deadline,
) -> Flags:  # fmt: skip
    """Return the open sites that serve most of all met in so many moves, from some that keep every condition.

    ``table`` and ``weight`` are the rows that count, each served by any one of its sites; sites whose ``ends`` are
    equal stay as they are. ``hot`` is the temperature at first, as a share of what an open site serves on average. A
    search that the deadline would cut off cools faster.
    """
    sites, rows, limits = table.sites, table.rows, list_limits(question)
    free = np.flatnonzero((ends[0] < ends[1]) & ~question.fixed & ~question.banned)
    best = opened.copy()
    if not len(free) or not rows:
        return best
    place = np.full(sites, -1, np.int64)
    place[free] = np.arange(len(free))
    told = (limits.counted, limits.price, limits.near_ptr, limits.near, limits.rule_ptr, limits.rule, limits.least,
            limits.most, limits.ends)  # fmt: skip
    work = (
        np.zeros(rows, np.int64), np.zeros(rows, np.int64), np.bincount(table.site, _by_entry(table, weight), sites),
        np.zeros(sites), opened.copy(), free, place, np.arange(rows + 1), np.arange(rows), np.zeros(3, np.int64),
        np.zeros(sites, np.int64), np.zeros(len(limits.least), np.int64), np.zeros(2), np.zeros(2), best,
        np.array([seed * 2654435761 + 88172645463325252], np.uint64),
    )  # fmt: skip
    columns = (table.ptr, table.site, table.col_ptr, table.row, weight)
    _begin(*columns, *told, *work)
    begun, slices, heat = max(deadline.left(), 1e-9), max(moves // _SLICE, 1), hot
    unit = float(weight.sum()) / max(int(opened.sum()), 1)
    for k in range(slices):
        share = max((k + 1) / slices, 1.0 - deadline.left() / begun)
        cold = hot * (_COLD / hot) ** share
        _anneal(*columns, *told, *work, np.int64(_SLICE), heat * unit, cold * unit)
        heat = cold
        if deadline.left() <= 0.0:
            break
    return best


def _by_entry(table: CoverTable, weight: Floats) -> Floats:
    return np.repeat(weight, np.diff(table.ptr))


@inner
def _turn(  # type: ignore[no-untyped-def]
    j, ptr, site, col_ptr, row, weight, counted, price, near_ptr, near, rule_ptr, rule, count, sole, gain, loss, now,
    order, place, lacking, row_place, state, crowd, number, used, value,
):  # fmt: skip
    """Open a shut site or shut an open one; ``state``: open sites in ``order``, rows that nobody serves."""
    opens = not now[j]
    now[j] = opens
    count_site(j, 1 if opens else -1, counted, price, near_ptr, near, rule_ptr, rule, crowd, number, used)
    if place[j] >= 0:
        if opens:
            turn(j, order, place, state[0])
            state[0] += 1
        else:
            state[0] -= 1
            turn(j, order, place, state[0])
    value[0] += gain[j] if opens else -loss[j]
    own = 0.0
    for t in range(col_ptr[j], col_ptr[j + 1]):
        i = row[t]
        others = count[i] - (not opens)
        if others == 0:
            own += weight[i]
            for s in range(ptr[i], ptr[i + 1]):
                gain[site[s]] += -weight[i] if opens else weight[i]
            if opens:
                state[1] -= 1
                turn(i, lacking, row_place, state[1])
            else:
                turn(i, lacking, row_place, state[1])
                state[1] += 1
        elif others == 1:
            # While it is open, this site stands in what tells the only other one.
            other = sole[i] if opens else sole[i] ^ j
            loss[other] += -weight[i] if opens else weight[i]
        count[i] = others + opens
        sole[i] ^= j
    loss[j] = own if opens else 0.0


@kernel
def _begin(  # type: ignore[no-untyped-def]
    ptr, site, col_ptr, row, weight, counted, price, near_ptr, near, rule_ptr, rule, least, most, ends, count, sole,
    gain, loss, now, order, place, lacking, row_place, state, crowd, number, used, value, best, draws,
):  # fmt: skip
    state[1] = len(weight)
    for j in range(len(now)):
        if best[j]:
            now[j] = False
            _turn(
                np.int64(j), ptr, site, col_ptr, row, weight, counted, price, near_ptr, near, rule_ptr, rule, count,
                sole, gain, loss, now, order, place, lacking, row_place, state, crowd, number, used, value,
            )  # fmt: skip
    value[1] = value[0]


@kernel
def _anneal(  # type: ignore[no-untyped-def]
    ptr, site, col_ptr, row, weight, counted, price, near_ptr, near, rule_ptr, rule, least, most, ends, count, sole,
    gain, loss, now, order, place, lacking, row_place, state, crowd, number, used, value, best, draws, moves, hot, cold,
):  # fmt: skip
    """Make so many moves while the temperature falls; ``best`` keeps the best open sites, ``value`` both totals."""
    scale, sites = 1.0 / 4294967296.0, len(order)
    by_row, by_need = np.int64(_NEAR * 4294967296.0), np.int64((_NEAR + _BY_NEED) * 4294967296.0)
    foes = np.empty(_FOES, np.int64)
    for step in range(moves):
        if step & 255 == 0:
            heat = hot * (cold / hot) ** (step / moves)
        out = order[draw(draws, state[0])] if state[0] > 0 else np.int64(-1)
        kind = draw(draws, 4294967296)
        if out >= 0 and kind < by_row and col_ptr[out + 1] > col_ptr[out]:
            i = row[col_ptr[out] + draw(draws, col_ptr[out + 1] - col_ptr[out])]
            into = np.int64(site[ptr[i] + draw(draws, ptr[i + 1] - ptr[i])])
        elif kind < by_need and state[1] > 0:
            i = lacking[draw(draws, state[1])]
            if ptr[i + 1] == ptr[i]:
                continue
            into = np.int64(site[ptr[i] + draw(draws, ptr[i + 1] - ptr[i])])
        else:
            into = order[draw(draws, sites)]
        if now[into] or place[into] < 0:
            continue
        many = 0
        if crowd[into] > 0:
            if crowd[into] > _FOES:
                continue
            for k in range(near_ptr[into], near_ptr[into + 1]):
                if now[near[k]]:
                    foes[many] = near[k]
                    many += 1
            out = foes[0]
        elif (
            counted[into]
            and used[0] < ends[0]
            and allowed(
                into, -1, counted, price, near_ptr, near, rule_ptr, rule, least, most, ends, crowd, number, used
            )
        ):
            out = np.int64(-1)
        elif out < 0:
            continue
        else:
            foes[0], many = out, 1
        fits = True
        for q in range(many):
            fits = fits and place[foes[q]] >= 0
        if not fits:
            continue
        change = gain[into]
        for q in range(many):
            change -= loss[foes[q]]
        floor = heat * np.log((draw(draws, 4294967296) + 0.5) * scale)
        if many <= 1 and not allowed(
            into, out, counted, price, near_ptr, near, rule_ptr, rule, least, most, ends, crowd, number, used
        ):
            if out < 0 or draw(draws, _OFTEN) > 0:
                continue
            foes[0], foes[1], many = out, order[draw(draws, state[0])], 2
            if foes[1] == out:
                continue
        if many <= 1 and change < floor:
            for t in range(col_ptr[into], col_ptr[into + 1]):
                i = row[t]
                if count[i] == 1 and sole[i] == out:
                    change += weight[i]
                    if change >= floor:
                        break
            if change < floor:
                continue
        before, done = value[0], 0
        for q in range(many):
            if many > 1 and not _spares(foes[q], rule_ptr, rule, least, number):
                break
            _turn(
                foes[q], ptr, site, col_ptr, row, weight, counted, price, near_ptr, near, rule_ptr, rule, count, sole,
                gain, loss, now, order, place, lacking, row_place, state, crowd, number, used, value,
            )  # fmt: skip
            done += 1
        opens = done == many and (
            many <= 1
            or allowed(into, -1, counted, price, near_ptr, near, rule_ptr, rule, least, most, ends, crowd, number, used)
        )
        if opens:
            _turn(
                into, ptr, site, col_ptr, row, weight, counted, price, near_ptr, near, rule_ptr, rule, count, sole,
                gain, loss, now, order, place, lacking, row_place, state, crowd, number, used, value,
            )  # fmt: skip
        if many > 1 and (not opens or value[0] - before < floor):
            if opens:
                _turn(
                    into, ptr, site, col_ptr, row, weight, counted, price, near_ptr, near, rule_ptr, rule, count, sole,
                    gain, loss, now, order, place, lacking, row_place, state, crowd, number, used, value,
                )  # fmt: skip
            for q in range(done):
                _turn(
                    foes[q], ptr, site, col_ptr, row, weight, counted, price, near_ptr, near, rule_ptr, rule, count,
                    sole, gain, loss, now, order, place, lacking, row_place, state, crowd, number, used, value,
                )  # fmt: skip
            value[0] = before
            continue
        if value[0] > value[1] + 1e-9:
            value[1] = value[0]
            best[:] = now


@inner
def _spares(s, rule_ptr, rule, least, number):  # type: ignore[no-untyped-def]
    """Tell whether a site may shut with nothing in its place."""
    kept = True
    for k in range(rule_ptr[s], rule_ptr[s + 1]):
        kept = kept and number[rule[k]] > least[rule[k]]
    return kept
