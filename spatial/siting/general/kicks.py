"""Which open sites does a longer search find that keep every condition? Kicks, and swaps near what they changed.

Rows are served by their ``need``-th nearest open site. A site is weighed against all it could replace in one pass over
the rows it comes near to, as in ``swaps.py``; after a move only sites near the rows it touched are weighed again, so
that a kick and its repair cost little (iterated local search, Lourenco, Martin and Stuetzle 2003).
"""

import numpy as np

from spatial.siting.draws import draw
from spatial.siting.general.swaps import allowed, count_site, list_limits
from spatial.siting.question import Question
from spatial.siting.ways import Deadline, Flags, by_site
from spatial.walking.compiled import inner, kernel

_SLICES, _FIRST_KICKS, _KICKS = 12, 5, 100
"""Slices of a search, each colder than the one before, and kicks between two looks at the clock: twice as many each
time, up to the last."""
_HOT, _COLD = 0.05, 0.001
"""Temperature as a share of what an open site costs on average."""
_TRAIL = 512
_NEAR = 12
"""A kick opens a site among the first few of a row."""


def wander(
    question: Question, opened: Flags, *, deadline: Deadline, seed: int, hot: float = _HOT, most: int = 2**62
) -> Flags:
    """Return the best open sites met in the time, or in ``most`` kicks, from some that keep the conditions.

    Every row has to be served, or to pay what a row pays that is not (``missing``, finite).
    """
    ways, limits = question.ways, list_limits(question)
    columns = by_site(ways)
    best = opened.copy()
    free = ~question.fixed & ~question.banned
    if not free.any() or not ways.rows:
        return best
    told = (limits.counted, limits.price, limits.near_ptr, limits.near, limits.rule_ptr, limits.rule, limits.least,
            limits.most, limits.ends)  # fmt: skip
    draws = np.array([seed * 2654435761 + 88172645463325252], np.uint64)
    value, now, kicks, size = np.full(2, np.inf), opened.copy(), 0, _FIRST_KICKS
    begun = max(deadline.left(), 1e-9)
    while True:
        spent = 1.0 - deadline.left() / begun
        cooled = np.floor(_SLICES * max(spent, kicks / most)) / _SLICES
        heat = hot * (_COLD / hot) ** cooled
        _wander(
            ways.ptr, ways.site, ways.cost, *columns, question.weight, np.int64(question.need), question.missing, now,
            best, free, *told, value, float(heat), np.int64(min(size, most - kicks)), draws,
        )  # fmt: skip
        kicks, size = kicks + size, min(2 * size, _KICKS)
        if deadline.left() <= 0.0 or kicks >= most or value[1] <= 0.0:  # no total is below 0
            return best


@kernel
def _wander(  # type: ignore[no-untyped-def]
    ptr, site, cost, sptr, srow, scost, weight, need, missing, now, best, free, counted, price, near_ptr, near,
    rule_ptr, rule, least, most, ends, value, heat, kicks, draws,
):  # fmt: skip
    """Kick and repair ``now``, in place; ``best`` keeps the best met; ``value`` has the totals of both."""
    m, n = len(now), len(weight)
    server, paid = np.full((n, need), np.int32(-1)), np.empty((n, 3))
    loss, extra = np.zeros(m), np.zeros(m)
    crowd, number, used = np.zeros(m, np.int64), np.zeros(len(least), np.int64), np.zeros(2)
    queue, waiting = np.empty(m + 1, np.int64), np.zeros(m, np.bool_)
    ends_at, trail = np.zeros(2, np.int64), np.empty(_TRAIL + 8, np.int64)
    sites, place, many = np.empty(m, np.int64), np.full(m, np.int64(-1)), np.zeros(1, np.int64)
    for s in range(m):
        if now[s]:
            count_site(s, 1, counted, price, near_ptr, near, rule_ptr, rule, crowd, number, used)
            if free[s]:
                _list(s, sites, place, many)
        elif free[s]:
            _wait(s, queue, waiting, ends_at)
    for i in range(n):
        _serve(i, ptr, site, cost, now, missing, server, paid)
        _lose(i, 1.0, weight, server, paid, loss)
    unit = _total(weight, paid) / max(1, many[0] + used[0])
    for turn in range(kicks + 1):
        length = np.int64(0)
        if turn > 0:
            for _ in range(1 + draw(draws, 3)):
                if many[0] == 0:
                    break
                out = sites[draw(draws, many[0])]
                size = sptr[out + 1] - sptr[out]
                into = np.int64(-1)
                if size > 0 and draw(draws, 4) > 0:
                    i = srow[sptr[out] + draw(draws, size)]
                    into = np.int64(site[ptr[i] + draw(draws, min(ptr[i + 1] - ptr[i], np.int64(_NEAR)))])
                    if now[into] or not free[into]:
                        continue
                if not _may(
                    into, out, counted, price, near_ptr, near, rule_ptr, rule, least, most, ends, crowd, number, used
                ):
                    continue
                for moved in (out, into):
                    if moved >= 0:
                        _turn(
                            moved, ptr, site, cost, sptr, srow, scost, weight, missing, now, free, server, paid, loss,
                            counted, price, near_ptr, near, rule_ptr, rule, crowd, number, used, sites, place, many,
                            queue, waiting, ends_at, True,
                        )  # fmt: skip
                        trail[length] = moved
                        length += 1
        tiny = 1e-9 * max(abs(value[0]) if value[0] < np.inf else 1.0, 1e-300)
        while ends_at[0] != ends_at[1] and length < _TRAIL:
            j = queue[ends_at[0]]
            ends_at[0] = (ends_at[0] + 1) % (m + 1)
            waiting[j] = False
            if now[j]:
                continue
            gain = _weigh(j, need, sptr, srow, scost, weight, server, paid, extra)
            out, saved = np.int64(-2), tiny
            if gain > saved and allowed(
                j, -1, counted, price, near_ptr, near, rule_ptr, rule, least, most, ends, crowd, number, used
            ):
                out, saved = np.int64(-1), gain
            else:
                for q in range(many[0]):
                    s = sites[q]
                    net = gain - loss[s] + extra[s]
                    if (net > saved or (net == saved and out >= 0 and s < out)) and allowed(
                        j, s, counted, price, near_ptr, near, rule_ptr, rule, least, most, ends, crowd, number, used
                    ):
                        out, saved = s, net
            _clear(j, sptr, srow, server, extra)
            if out == -2:
                continue
            for moved in (out, np.int64(j)):
                if moved >= 0:
                    _turn(
                        moved, ptr, site, cost, sptr, srow, scost, weight, missing, now, free, server, paid, loss,
                        counted, price, near_ptr, near, rule_ptr, rule, crowd, number, used, sites, place, many, queue,
                        waiting, ends_at, True,
                    )  # fmt: skip
                    trail[length] = moved
                    length += 1
        total = _total(weight, paid)
        slack = tiny - heat * unit * np.log((draw(draws, 4294967296) + 0.5) / 4294967296.0) if turn > 0 else np.inf
        if total <= value[0] + slack or turn == 0:
            value[0] = total
            if total < value[1] - tiny or value[1] == np.inf:
                value[1] = total
                for s in range(m):
                    best[s] = now[s]
            continue
        for q in range(length - 1, -1, -1):
            _turn(
                trail[q], ptr, site, cost, sptr, srow, scost, weight, missing, now, free, server, paid, loss, counted,
                price, near_ptr, near, rule_ptr, rule, crowd, number, used, sites, place, many, queue, waiting, ends_at,
                False,
            )  # fmt: skip
        while ends_at[0] != ends_at[1]:
            waiting[queue[ends_at[0]]] = False
            ends_at[0] = (ends_at[0] + 1) % (m + 1)


@inner
def _total(weight, paid):  # type: ignore[no-untyped-def]
    total = 0.0
    for i in range(len(weight)):
        total += weight[i] * paid[i, 1]
    return total


@inner
def _list(s, sites, place, many):  # type: ignore[no-untyped-def]
    """Put an open site that may shut on the list of those."""
    sites[many[0]] = s
    place[s] = many[0]
    many[0] += 1


@inner
def _wait(s, queue, waiting, ends_at):  # type: ignore[no-untyped-def]
    """Put a site at the end of the queue of those to weigh."""
    waiting[s] = True
    queue[ends_at[1]] = s
    ends_at[1] = (ends_at[1] + 1) % len(queue)


@inner
def _serve(i, ptr, site, cost, now, missing, server, paid):  # type: ignore[no-untyped-def]
    """Find the sites that serve a row, what it pays, and what it would with one site of them less or more."""
    need = server.shape[1]
    paid[i, 0], paid[i, 1], paid[i, 2] = 0.0 if need == 1 else missing, missing, missing
    found = np.int64(0)
    for q in range(need):
        server[i, q] = -1
    for k in range(ptr[i], ptr[i + 1]):
        if cost[k] >= missing:
            break
        if now[site[k]]:
            if found == need:
                paid[i, 2] = cost[k]
                break
            server[i, found] = site[k]
            found += 1
            if found == need - 1:
                paid[i, 0] = cost[k]
            elif found == need:
                paid[i, 1] = cost[k]


@inner
def _lose(i, sign, weight, server, paid, loss):  # type: ignore[no-untyped-def]
    """Add or take away what shutting any of its sites costs a row."""
    lost = sign * weight[i] * (paid[i, 2] - paid[i, 1])
    if lost != 0.0:
        for q in range(server.shape[1]):
            if server[i, q] >= 0:
                loss[server[i, q]] += lost


@inner
def _weigh(j, need, sptr, srow, scost, weight, server, paid, extra):  # type: ignore[no-untyped-def]
    """Return what opening a site saves; ``extra`` is what it saves more where one of the open ones shuts for it."""
    gain = 0.0
    for k in range(sptr[j], sptr[j + 1]):
        i, c = srow[k], scost[k]
        if c >= paid[i, 2]:
            continue
        if c < paid[i, 1]:
            saved = weight[i] * (paid[i, 1] - max(c, paid[i, 0]))
            gain += saved
            lost = weight[i] * (paid[i, 2] - paid[i, 1])
            for q in range(need):
                s = server[i, q]
                if s >= 0:
                    # The last one's place is taken as if it had never been there; else the last one serves on.
                    extra[s] += lost if q == need - 1 else lost - saved
        else:
            saved = weight[i] * (paid[i, 2] - c)
            for q in range(need):
                if server[i, q] >= 0:
                    extra[server[i, q]] += saved
    return gain


@inner
def _clear(j, sptr, srow, server, extra):  # type: ignore[no-untyped-def]
    for k in range(sptr[j], sptr[j + 1]):
        for q in range(server.shape[1]):
            if server[srow[k], q] >= 0:
                extra[server[srow[k], q]] = 0.0


@inner
def _may(  # type: ignore[no-untyped-def]
    into, out, counted, price, near_ptr, near, rule_ptr, rule, least, most, ends, crowd, number, used
):
    """Tell whether ``into`` may open, or nothing (-1), once ``out`` shuts."""
    if into >= 0:
        return allowed(
            into, out, counted, price, near_ptr, near, rule_ptr, rule, least, most, ends, crowd, number, used
        )
    kept = True
    for k in range(rule_ptr[out], rule_ptr[out + 1]):
        kept = kept and number[rule[k]] > least[rule[k]]
    return kept


@inner
def _turn(  # type: ignore[no-untyped-def]
    s, ptr, site, cost, sptr, srow, scost, weight, missing, now, free, server, paid, loss, counted, price, near_ptr,
    near, rule_ptr, rule, crowd, number, used, sites, place, many, queue, waiting, ends_at, spread,
):  # fmt: skip
    """Open a shut site or shut an open one; queue the sites that come near a row whose servers changed."""
    now[s] = not now[s]
    if now[s]:
        _list(s, sites, place, many)
    else:
        many[0] -= 1
        moved = sites[many[0]]
        sites[place[s]] = moved
        place[moved] = place[s]
        place[s] = -1
        if spread and not waiting[s]:
            _wait(s, queue, waiting, ends_at)
    count_site(s, 1 if now[s] else -1, counted, price, near_ptr, near, rule_ptr, rule, crowd, number, used)
    for k in range(sptr[s], sptr[s + 1]):
        i = srow[k]
        reach = paid[i, 2]
        if scost[k] > reach:
            continue
        _lose(i, -1.0, weight, server, paid, loss)
        _serve(i, ptr, site, cost, now, missing, server, paid)
        _lose(i, 1.0, weight, server, paid, loss)
        if spread:
            reach = max(reach, paid[i, 2])
            for t in range(ptr[i], ptr[i + 1]):
                if cost[t] >= reach:
                    break
                if not now[site[t]] and free[site[t]] and not waiting[site[t]]:
                    _wait(np.int64(site[t]), queue, waiting, ends_at)
