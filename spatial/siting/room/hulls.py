"""Which inequalities that hold for all ways to open a small window of sites, as these have room, does an answer break?

Local cuts (Boyd, "Fenchel cutting planes for integer programs", 1994) of a flow: of a few sites near to each other all
sets can be listed with what each serves of the rows that list no other site with a share. By max-flow and min-cut

    served(A) = room(A) + least over B in A of (load of the rows that list a site of B - room(B)).

The sets that serve all of these rows are held against the shares: if sets that are packed into the shares weigh less
than one together, the prices of the packing say

    sum over sites of price * open  >=  1        for every set that serves the rows,

and the shares break it. A site without a share costs 1. The packing is a linear programme whose columns, the sets, are
sought among all of them (Gilmore and Gomory, "A linear programming approach to the cutting-stock problem", 1961).
"""

import numpy as np
from scipy import sparse

from spatial.siting.cover.table import matrix_of
from spatial.siting.room.rows import Kinds
from spatial.siting.ways import Floats, Ints
from spatial.walking.compiled import inner, kernel

_SITES, _FEWEST = 12, 3
"""Sites of a window at most and at least."""
_OPEN, _CENTRE = 1e-6, 0.02
"""Sites open by less have no share; windows form around those open by this much and not nearly whole."""
_SLICE = 64
"""Windows whose inequalities are written at once."""
_PIVOTS = 400
_BROKEN, _CLOSE, _TINY = 1e-3, 1e-7, 1e-9
"""Shares fall short of 1 by the first at least; the last set found gains the second at least."""


def broken_windows(kinds: Kinds, share: Floats) -> sparse.csr_array:
    """Return inequalities broken by the shares to which sites are open, a row each with at least 1, a column per site.

    They hold where every kind is served, in parts or whole.
    """
    near = list_groups(kinds, share, _SITES)
    found = [sparse.csr_array((0, len(share)))]
    found += [_broken(kinds, share, near[k : k + _SLICE]) for k in range(0, len(near), _SLICE)]
    return sparse.vstack(found).tocsr()


def _broken(kinds: Kinds, share: Floats, near: Ints) -> sparse.csr_array:
    """Return the inequalities of some windows, told by their sites."""
    table, m, size = kinds.table, kinds.table.sites, len(near)
    ends, site, price = np.zeros(size + 1, np.int64), np.zeros(size * m, np.int64), np.zeros(size * m)
    told = (table.ptr, table.site, table.col_ptr, table.row, kinds.load, kinds.room, share, share > _OPEN)
    count = _look(*told, near, ends, site, price)
    ends = ends[: count + 1]
    return sparse.csr_array((price[: ends[-1]], site[: ends[-1]], ends), shape=(count, m))


def list_groups(kinds: Kinds, share: Floats, most: int) -> Ints:
    """Return small groups of sites that shares open in part, around each of them, -1 beyond."""
    opened = np.flatnonzero(share > _OPEN)
    centres = np.flatnonzero((share > _CENTRE) & (share < 1.0 - _CENTRE))
    return _nearest(kinds, opened, centres, most)


def _nearest(kinds: Kinds, opened: Ints, centres: Ints, most: int) -> Ints:
    """Return the sites with a share that have most of their load in common with each centre, equal ones once, -1
    beyond."""
    near = np.full((len(centres), most), -1, np.int64)
    part = matrix_of(kinds.table)[:, opened]
    both = (part.T @ (sparse.diags_array(kinds.load) @ part)).toarray()
    own = np.maximum(np.diag(both), _TINY)
    for k, at in enumerate(np.searchsorted(opened, centres).tolist()):
        alike = both[at] / np.minimum(own[at], own) + both[at] / np.maximum(own[at], own)
        order = np.argsort(-alike, kind="stable")[:most]
        order = order[alike[order] > 0.0]
        near[k, : len(order)] = np.sort(opened[order])
    _, first = np.unique(near, axis=0, return_index=True)
    return near[np.sort(first)]


@kernel
def _look(ptr, site, col_ptr, row, load, room, share, opened, near, out_ptr, out_site, out_price):  # type: ignore[no-untyped-def]
    """Write the inequality of each window that breaks one; return how many there are."""
    n, most = len(load), near.shape[1]
    sign, met, held = np.zeros(n, np.int64), np.zeros(n, np.int64), np.empty(n, np.int64)
    serves, cost = np.zeros(1 << most), np.zeros(1 << most)
    inverse, basis, price = np.zeros((most, most)), np.zeros((2, most)), np.zeros(most)
    asks, count = np.zeros(len(room), np.bool_), np.int64(0)
    for c in range(len(near)):
        size = np.int64(0)
        while size < most and near[c, size] >= 0:
            size += 1
        if size < _FEWEST:
            continue
        rows = own_rows(near[c], size, ptr, site, col_ptr, row, load, opened, sign, met, held)
        if rows > 0:
            enough = serve_sets(size, rows, held, sign, load, room, near[c], serves, cost)
            for a in range(size):
                basis[0, a] = share[near[c, a]]
            if serves[(1 << size) - 1] >= enough and _pack(size, serves, enough, cost, inverse, basis, price):
                _write(near[c], size, rows, held, ptr, site, price, asks, out_ptr, out_site, out_price, count)
                count += 1
        for a in range(size):
            for k in range(col_ptr[near[c, a]], col_ptr[near[c, a] + 1]):
                sign[row[k]] = met[row[k]] = 0
    return count


@inner
def own_rows(near, size, ptr, site, col_ptr, row, load, opened, sign, met, held):  # type: ignore[no-untyped-def]
    """List the rows whose sites with a share are all in a window, and note which those are; return how many."""
    rows = np.int64(0)
    for a in range(size):
        for k in range(col_ptr[near[a]], col_ptr[near[a] + 1]):
            sign[row[k]] |= 1 << a
            met[row[k]] += 1
    for a in range(size):
        for k in range(col_ptr[near[a]], col_ptr[near[a] + 1]):
            i = row[k]
            if met[i] > 0 and load[i] > 0.0:
                beyond = -met[i]
                for h in range(ptr[i], ptr[i + 1]):
                    beyond += opened[site[h]]
                if beyond == 0:
                    held[rows] = i
                    rows += 1
            met[i] = 0
    return rows


@inner
def serve_sets(size, rows, held, sign, load, room, near, serves, work):  # type: ignore[no-untyped-def]
    """Write what each set of sites serves of some rows; return what all of them ask, by a hair less."""
    every = np.int64(1) << size
    for s in range(every):
        work[s] = 0.0
    for h in range(rows):
        work[sign[held[h]]] += load[held[h]]
    for a in range(size):  # load of the rows that list no site outside of each set
        for s in range(every):
            if (s >> a) & 1:
                work[s] += work[s ^ (1 << a)]
    total = work[every - 1]
    for s in range(every):
        serves[s] = total - work[every - 1 - s]
    work[0] = 0.0
    for a in range(size):
        for s in range(1 << a):
            # More room than for all is of no use, and would drown what small loads differ by.
            work[s | (1 << a)] = work[s] + min(room[near[a]], total)
    for s in range(every):
        serves[s] -= work[s]
    for a in range(size):  # the least over all subsets
        for s in range(every):
            if (s >> a) & 1:
                serves[s] = min(serves[s], serves[s ^ (1 << a)])
    for s in range(every):
        serves[s] += work[s]
    return total * (1.0 - _TINY)


@inner
def _pack(size, serves, enough, cost, inverse, basis, price):  # type: ignore[no-untyped-def]
    """Write prices at which every set that serves all costs at least 1; tell whether the shares pay less than that.

    The simplex method packs sets into the shares, whose rest is in ``basis`` beside the way of a set into it.
    """
    for a in range(size):
        price[a] = 0.0
        for b in range(size):
            inverse[a, b] = 1.0 if a == b else 0.0
    packed = 0.0
    for _ in range(_PIVOTS):
        pick, gain = _cheapest(size, serves, enough, cost, price)
        slack = np.int64(-1)
        for a in range(size):
            if -price[a] > gain:
                slack, gain = np.int64(a), -price[a]
        if gain <= _CLOSE or packed >= 1.0 - _BROKEN:
            break
        out, step = leave(size, pick, slack, inverse, basis)
        if out < 0:
            break
        packed += step * gain
        turn(size, out, step, inverse, basis)
        for b in range(size):
            price[b] += gain * inverse[out, b]
    for a in range(size):
        price[a] = max(price[a], 0.0)
    _, gain = _cheapest(size, serves, enough, cost, price)
    if not packed < (1.0 - _BROKEN) * (1.0 - gain):
        return False
    for a in range(size):  # the cheapest set costs 1, by a hair more
        price[a] *= (1.0 + _TINY) / (1.0 - gain)
    return True


@inner
def leave(size, pick, slack, inverse, basis):  # type: ignore[no-untyped-def]
    """Write how a set, or the slack of a row if any is told, stands in a basis; return what leaves it, and the step."""
    out, step = np.int64(-1), np.inf
    for a in range(size):
        basis[1, a] = inverse[a, slack] if slack >= 0 else 0.0
        if slack < 0:
            for b in range(size):
                if (pick >> b) & 1:
                    basis[1, a] += inverse[a, b]
        if basis[1, a] > _TINY and basis[0, a] < step * basis[1, a]:
            out, step = np.int64(a), basis[0, a] / basis[1, a]
    return out, step


@inner
def turn(size, out, step, inverse, basis):  # type: ignore[no-untyped-def]
    """Let a set take the place of what is in the basis."""
    by = basis[1, out]
    for b in range(size):
        inverse[out, b] /= by
    for a in range(size):
        if a != out:
            basis[0, a] = max(basis[0, a] - step * basis[1, a], 0.0)
            for b in range(size):
                inverse[a, b] -= basis[1, a] * inverse[out, b]
    basis[0, out] = step


@inner
def _cheapest(size, serves, enough, cost, price):  # type: ignore[no-untyped-def]
    """Return the cheapest set that serves all, and by how much it costs less than 1."""
    cost[0] = 0.0
    for a in range(size):
        for s in range(1 << a):
            cost[s | (1 << a)] = cost[s] + price[a]
    pick, gain = np.int64(0), -np.inf
    for s in range(np.int64(1) << size):
        if serves[s] >= enough and 1.0 - cost[s] > gain:
            pick, gain = np.int64(s), 1.0 - cost[s]
    return pick, gain


@inner
def _write(near, size, rows, held, ptr, site, price, asks, out_ptr, out_site, out_price, count):  # type: ignore[no-untyped-def]
    """Write an inequality: what the sites of the window cost, and 1 for each other site that its rows list."""
    at = out_ptr[count]
    for h in range(rows):
        for k in range(ptr[held[h]], ptr[held[h] + 1]):
            asks[site[k]] = True
    for a in range(size):
        asks[near[a]] = False
        if price[a] > 0.0:
            out_site[at], out_price[at] = near[a], price[a]
            at += 1
    for h in range(rows):
        for k in range(ptr[held[h]], ptr[held[h] + 1]):
            if asks[site[k]]:
                out_site[at], out_price[at], asks[site[k]] = site[k], 1.0, False
                at += 1
    out_ptr[count + 1] = at
