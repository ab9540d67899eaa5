"""What more do inequalities about room say where a few sites near to each other open whole or not at all?

Some rows R are served by all sites together at most as much as by each of some groups of sites and by each other site
alone. What the sites A of a group serve of them is known by max-flow and min-cut,

    serves(A) = room(A) + least over B in A of (load of the rows of R that list a site of B - room(B)),

and where sites are open whole or shut a mix of such sets serves at most what the dearest mix does (local cuts: Boyd,
"Fenchel cutting planes for integer programs", 1994), whose prices tell for all sets A of a group

    serves(A) <= rest + sum over A of price.

So what the rows lack comes to their load less that, and less min(room, load of its rows in R) for each site in no
group. As R serve the rows of inequalities that hold an answer back, and those that list no other site with a share
than those of one group.
"""

import numpy as np
from scipy import sparse

from spatial.siting.room.hulls import leave, list_groups, own_rows, serve_sets, turn
from spatial.siting.room.rows import Kinds
from spatial.siting.ways import Floats
from spatial.walking.compiled import inner, kernel

_SITES = 10
"""Sites of a group at most."""
_PIVOTS = 400
_BROKEN, _CLOSE, _TINY = 2e-4, 1e-7, 1e-9
"""An inequality is told where it is broken by the first as a share of its load; the last set found gains the second."""
_FAINT = 1e-6


def broken_groups(kinds: Kinds, share: Floats, lack: Floats, sets: sparse.csr_array) -> sparse.csr_array:
    """Return inequalities broken by shares of sites and by what kinds lack, as parts of their loads.

    A row each, at least 1, a column per site, then one per kind. ``sets`` has a row per set of kinds to look at.
    """
    table, m, n = kinds.table, kinds.table.sites, kinds.table.rows
    near = list_groups(kinds, share, _SITES)
    most = sets.shape[0] + len(near)
    ends, row_ends, least = np.zeros(most + 1, np.int64), np.zeros(most + 1, np.int64), np.zeros(most)
    rows = int(sets.nnz + len(near) * n)
    site, price, row = np.zeros(most * m, np.int64), np.zeros(most * m), np.zeros(rows, np.int64)
    told = (table.ptr, table.site, table.col_ptr, table.row, kinds.load, kinds.room, share, lack, near)
    given = (sets.indptr.astype(np.int64), sets.indices.astype(np.int64))
    count = _look(*told, *given, (ends, site, price, row_ends, row), least)
    ends, row_ends = ends[: count + 1], row_ends[: count + 1]
    sites = sparse.csr_array((price[: ends[-1]], site[: ends[-1]], ends), shape=(count, m))
    row = row[: row_ends[-1]]
    lacks = sparse.csr_array((kinds.load[row], row, row_ends), shape=(count, n))
    return (sparse.diags_array(1.0 / least[:count]) @ sparse.hstack([sites, lacks])).tocsr()


@kernel
def _look(ptr, site, col_ptr, row, load, room, share, lack, near, set_ptr, set_row, out, least):  # type: ignore[no-untyped-def]
    """Write the inequality of each set of rows that breaks one; return how many there are."""
    n, most, sets = len(load), near.shape[1], len(set_ptr) - 1
    sign, met, held, touched = (
        np.zeros(n, np.int64),
        np.zeros(n, np.int64),
        np.empty(n, np.int64),
        np.empty(n, np.int64),
    )
    pays, inside, opened = np.zeros(len(room)), np.zeros(n, np.bool_), share > _FAINT
    serves, cost = np.zeros(1 << most), np.zeros(1 << most)
    inverse, basis = np.zeros((most + 1, most + 1)), np.zeros((2, most + 1))
    price, saved = np.zeros((len(near), most + 1)), np.zeros(len(near))
    count = np.int64(0)
    for k in range(sets + len(near)):
        first, last, rows = np.int64(0), np.int64(len(near)), np.int64(0)
        if k < sets:
            for h in range(set_ptr[k], set_ptr[k + 1]):
                held[rows] = set_row[h]
                rows += 1
        else:
            first, last = np.int64(k - sets), np.int64(k - sets + 1)
            rows = own_rows(near[first], _count(near[first]), ptr, site, col_ptr, row, load, opened, sign, met, held)
            for a in range(_count(near[first])):
                for e in range(col_ptr[near[first, a]], col_ptr[near[first, a] + 1]):
                    sign[row[e]] = 0
        for h in range(rows):
            inside[held[h]] = True
        total, slack = _slack(rows, held, ptr, site, load, room, share, lack, pays)
        for c in range(first, last):
            saved[c] = 0.0
            size = _touch(near[c], col_ptr, row, inside, sign, touched)
            if size > 0:
                some = _count(near[c])
                serve_sets(some, size, touched, sign, load, room, near[c], serves, cost)
                saved[c] = _mix(near[c], some, share, serves, cost, inverse, basis, price[c])
                for a in range(some):
                    saved[c] += pays[near[c, a]] * share[near[c, a]]
            for h in range(size):
                sign[touched[h]] = 0
        rest, won = _take(near, first, last, saved, price, pays)
        if won - slack > _BROKEN * total and rest < total * (1.0 - _BROKEN):
            _write(rows, held, ptr, site, pays, out, count)
            least[count] = total - rest
            count += 1
        for h in range(rows):
            inside[held[h]] = False
            for e in range(ptr[held[h]], ptr[held[h] + 1]):
                pays[site[e]] = 0.0
    return count


@inner
def _slack(rows, held, ptr, site, load, room, share, lack, pays):  # type: ignore[no-untyped-def]
    """Write what each site serves of some rows at most; return their load, and by how much shares serve too much."""
    total = slack = 0.0
    for h in range(rows):
        i = held[h]
        total += load[i]
        slack -= load[i] * (1.0 - lack[i])
        for e in range(ptr[i], ptr[i + 1]):
            pays[site[e]] += load[i]
    for h in range(rows):
        for e in range(ptr[held[h]], ptr[held[h] + 1]):
            s = site[e]
            if pays[s] > 0.0:  # counted once: turned round until all are
                pays[s] = -min(pays[s], room[s])
                slack -= pays[s] * share[s]
    for h in range(rows):
        for e in range(ptr[held[h]], ptr[held[h] + 1]):
            pays[site[e]] = abs(pays[site[e]])
    return total, slack


@inner
def _count(near):  # type: ignore[no-untyped-def]
    size = np.int64(0)
    while size < len(near) and near[size] >= 0:
        size += 1
    return size


@inner
def _touch(near, col_ptr, row, inside, sign, touched):  # type: ignore[no-untyped-def]
    """List the rows of a set that sites of a group list, and note which those are; return how many."""
    size = np.int64(0)
    for a in range(_count(near)):
        for e in range(col_ptr[near[a]], col_ptr[near[a] + 1]):
            i = row[e]
            if inside[i]:
                if sign[i] == 0:
                    touched[size] = i
                    size += 1
                sign[i] |= 1 << a
    return size


@inner
def _mix(near, size, share, serves, cost, inverse, basis, price):  # type: ignore[no-untyped-def]
    """Write prices of the sites of a group, then the rest, at which every set pays for what it serves; return what the
    shares pay, turned round.

    The simplex method looks for the mix that serves most.
    """
    wide = size + 1
    unit = max(serves[(1 << size) - 1], _TINY)
    for a in range(wide):
        basis[0, a], price[a] = share[near[a]] if a < size else 1.0, 0.0
        for b in range(wide):
            inverse[a, b] = 1.0 if a == b else 0.0
    for _ in range(_PIVOTS):
        pick, gain = _dearest(size, serves, cost, price)
        slack = np.int64(-1)
        for a in range(wide):
            if -price[a] > gain:
                slack, gain = np.int64(a), -price[a]
        if gain <= _CLOSE * unit:
            break
        out, step = leave(wide, pick | (1 << size), slack, inverse, basis)
        if out < 0:
            break
        turn(wide, out, step, inverse, basis)
        for b in range(wide):
            price[b] += gain * inverse[out, b]
    paid = 0.0
    for a in range(size):
        price[a] = price[a] if price[a] > _TINY * unit else 0.0
        paid += price[a] * share[near[a]]
    _, gain = _dearest(size, serves, cost, price)  # no set serves more than it pays, whatever was found
    price[size] += gain + _TINY * unit
    return -paid - price[size]


@inner
def _dearest(size, serves, cost, price):  # type: ignore[no-untyped-def]
    """Return the set that serves most beyond what it pays, and how much."""
    cost[0] = price[size]
    for a in range(size):
        for s in range(1 << a):
            cost[s | (1 << a)] = cost[s] + price[a]
    pick, gain = np.int64(0), -np.inf
    for s in range(np.int64(1) << size):
        if serves[s] - cost[s] > gain:
            pick, gain = np.int64(s), serves[s] - cost[s]
    return pick, gain


@inner
def _take(near, first, last, saved, price, pays):  # type: ignore[no-untyped-def]
    """Let sites pay as in groups that save most and have none in common; return what these pay beside, and save."""
    rest = won = 0.0
    most = near.shape[1]
    while True:
        at, best = np.int64(-1), 0.0
        for c in range(first, last):
            if saved[c] > best:
                at, best = np.int64(c), saved[c]
        if at < 0:
            return rest, won
        size = _count(near[at])
        rest += price[at, size]
        won += best
        for a in range(size):
            if pays[near[at, a]] > 0.0:  # a site that lists none of the rows serves none, and need not pay
                pays[near[at, a]] = price[at, a]
        for c in range(first, last):
            for a in range(most):
                for b in range(size):
                    if near[c, a] == near[at, b]:
                        saved[c] = 0.0


@inner
def _write(rows, held, ptr, site, pays, out, count):  # type: ignore[no-untyped-def]
    """Write an inequality: what its sites pay, then its rows."""
    out_ptr, out_site, out_price, row_ptr, out_row = out
    at = out_ptr[count]
    for h in range(rows):
        out_row[row_ptr[count] + h] = held[h]
        for e in range(ptr[held[h]], ptr[held[h] + 1]):
            s = site[e]
            if pays[s] > 0.0:
                out_site[at], out_price[at], pays[s] = s, pays[s], 0.0
                at += 1
    out_ptr[count + 1], row_ptr[count + 1] = at, row_ptr[count] + rows
