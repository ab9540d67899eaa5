"""Which sets of rows is a site worth most with, at prices of rows and fines on triples that it takes two or more of?

Whole loads alone: what the rows from one on can add within each room is known exactly but for the fines, which only
lessen it; so a search that goes on as long as that is enough misses nothing.
"""

import numpy as np

from spatial.siting.room.price import list_items
from spatial.siting.room.sets import add_rest
from spatial.walking.compiled import inner, kernel

AT, SIZE, LEFT, VISITS = range(4)
"""Where a search stands: the next item, how many are taken, the room that they leave, and visits left."""


@kernel
def fill_sites(  # type: ignore[no-untyped-def]
    ptr, row, cost, load, room, prices, open_to, tptr, triple, fine, fixed, most, hair, visits, entry, held, worth
):
    """Write the best sets met of each site that cost less than their prices.

    ``entry`` has as many places per site as sets are wanted, with as many entries as any site has; ``held`` becomes how
    many entries there are at each place, 0 for no set. ``triple`` lists from ``tptr`` on which triples each row is in.
    ``worth`` is no more than the least sum of cost less prices with fines of any set of the site, by a hair; where the
    visits of a site do not do, fines are left out of it. So they are, and no set is written, where a site is worth less
    even without them than ``most`` others that are not ``fixed`` are.
    """
    size, width = sizes(ptr, room)
    items, gain, weight = np.empty(size, np.int64), np.empty(size), np.empty(size)
    chosen, met, ahead = np.empty(size + 1, np.int64), np.zeros(len(fine) + 1, np.int64), np.zeros((size + 1, width))
    for s in range(len(room)):
        held[s, :] = 0
        helps = list_items(ptr[s], ptr[s + 1], row, cost, load, prices, open_to, items, gain, weight)
        look_ahead(gain, weight, helps, np.int64(room[s]), ahead)
        worth[s] = -ahead[0, np.int64(room[s])] - hair
    least = np.zeros(max(most, 1))  # what the best sites met are worth that are not fixed, the least good first
    for s in np.argsort(np.where(fixed, -np.inf, worth), kind="mergesort"):
        if worth[s] >= -hair or (not fixed[s] and (most <= 0 or worth[s] >= least[0])):
            continue
        helps = list_items(ptr[s], ptr[s + 1], row, cost, load, prices, open_to, items, gain, weight)
        look_ahead(gain, weight, helps, np.int64(room[s]), ahead)
        told = (row, room[s], items, gain, weight, helps, tptr, triple, fine, hair, visits)
        worth[s] = -_fill(told, chosen, met, ahead, entry[s], held[s]) - hair
        if not fixed[s] and worth[s] < least[0]:
            least[0] = worth[s]
            h = 0
            while h + 1 < most and least[h + 1] > least[h]:
                least[h], least[h + 1] = least[h + 1], least[h]
                h += 1


@inner
def _fill(told, chosen, met, ahead, entry, held):  # type: ignore[no-untyped-def]
    """Write the best sets met of one site; return no less than the best of them gains."""
    row, room, items, gain, weight, helps, tptr, triple, fine, hair, visits = told
    turn, best, place, value = np.int64(0), 0.0, np.zeros(4, np.int64), np.zeros(1)
    place[LEFT], place[VISITS] = np.int64(room), visits
    search = (row, items, gain, weight, helps, helps, tptr, triple, fine)
    size = next_set(search, chosen, met, ahead, place, value, best + hair)
    while size > 0:
        best = value[0]
        for h in range(size):
            entry[turn, h] = items[chosen[h]]
        held[turn] = size
        turn = (turn + 1) % len(held)
        size = next_set(search, chosen, met, ahead, place, value, best + hair)
    if size < 0:
        leave(search, chosen, met, place)
        return ahead[0, np.int64(room)]
    return best


@kernel
def flag_sites(  # type: ignore[no-untyped-def]
    ptr, row, cost, load, room, prices, open_to, tptr, triple, fine, limit, visits, flags
):
    """Flag the entries of all sets whose sum of cost less prices with fines is at most its site's limit.

    Return how many such sets there are; where the visits of a site do not do, all of its entries are flagged, and what
    is returned is infinite.
    """
    size, width = sizes(ptr, room)
    items, gain, weight = np.empty(size, np.int64), np.empty(size), np.empty(size)
    chosen, met, ahead = np.empty(size + 1, np.int64), np.zeros(len(fine) + 1, np.int64), np.zeros((size + 1, width))
    place, value, count = np.zeros(4, np.int64), np.zeros(1), 0.0
    for s in range(len(room)):
        if limit[s] == -np.inf:
            continue
        helps = list_items(ptr[s], ptr[s + 1], row, cost, load, prices, open_to, items, gain, weight)
        told = (ptr[s], ptr[s + 1], row, cost, load, room[s], prices, open_to, items, gain, weight, helps, limit[s])
        many = add_rest(*told)
        look_ahead(gain, weight, many, np.int64(room[s]), ahead)
        search = (row, items, gain, weight, helps, many, tptr, triple, fine)
        place[:], value[0] = 0, 0.0
        place[LEFT], place[VISITS] = np.int64(room[s]), visits
        many = next_set(search, chosen, met, ahead, place, value, -limit[s])
        while many > 0:
            count += 1.0
            for h in range(many):
                flags[items[chosen[h]]] = True
            many = next_set(search, chosen, met, ahead, place, value, -limit[s])
        if many < 0:
            leave(search, chosen, met, place)
            count = np.inf
            for k in range(ptr[s], ptr[s + 1]):
                flags[k] = flags[k] or open_to[k]
    return count


@inner
def next_set(told, chosen, met, ahead, place, value, need):  # type: ignore[no-untyped-def]
    """Go on to the next set of a site that gains as much as is needed; return its size, 0 for none, -1 out of visits.

    ``told`` is (row, items, gain, weight, how many items gain, how many there are, triples by row from .. on, fines).
    ``place`` is (next item, size, room left, visits left), ``value`` what the set gains so far.
    """
    row, items, gain, weight, helps, many, tptr, triple, fine = told
    while place[VISITS] > 0:
        place[VISITS] -= 1
        at = place[AT]
        if at < many and value[0] + (ahead[at, place[LEFT]] if at < helps else gain[at]) >= need:
            place[AT] += 1
            after = place[LEFT] - np.int64(weight[at])
            if after >= 0 and value[0] + gain[at] + ahead[at + 1, after] >= need:
                chosen[place[SIZE]] = at
                place[SIZE] += 1
                value[0] += gain[at] - join(row[items[at]], tptr, triple, fine, met)
                place[LEFT] = after
                if value[0] >= need:
                    return place[SIZE]
            continue
        if place[SIZE] == 0:
            return np.int64(0)
        place[SIZE] -= 1
        at = chosen[place[SIZE]]
        value[0] -= gain[at] - part(row[items[at]], tptr, triple, fine, met)
        place[LEFT] += np.int64(weight[at])
        place[AT] = at + 1
    return np.int64(-1)


@inner
def leave(told, chosen, met, place):  # type: ignore[no-untyped-def]
    """Count out the rows of a set that was not finished."""
    row, items, _, _, _, _, tptr, triple, fine = told
    for h in range(place[SIZE]):
        part(row[items[chosen[h]]], tptr, triple, fine, met)


@inner
def sizes(ptr, room):  # type: ignore[no-untyped-def]
    """Return the most entries of a site, and a place for each room up to the widest."""
    size, width = np.int64(0), np.int64(1)
    for s in range(len(room)):
        size, width = max(size, ptr[s + 1] - ptr[s]), max(width, np.int64(room[s]) + 1)
    return size, width


@inner
def look_ahead(gain, weight, count, room, ahead):  # type: ignore[no-untyped-def]
    """Write the most that the items from each one on add within each room."""
    for r in range(room + 1):
        ahead[count, r] = 0.0
    for h in range(count - 1, -1, -1):
        own, heavy = gain[h], np.int64(weight[h])
        for r in range(room + 1):
            ahead[h, r] = ahead[h + 1, r]
        if own > 0.0:
            for r in range(heavy, room + 1):
                ahead[h, r] = max(ahead[h, r], ahead[h + 1, r - heavy] + own)


@inner
def join(i, tptr, triple, fine, met):  # type: ignore[no-untyped-def]
    """Count a row in; return the fines that it brings."""
    total = 0.0
    for e in range(tptr[i], tptr[i + 1]):
        met[triple[e]] += 1
        if met[triple[e]] == 2:
            total += fine[triple[e]]
    return total


@inner
def part(i, tptr, triple, fine, met):  # type: ignore[no-untyped-def]
    """Count a row out; return the fines that go with it."""
    total = 0.0
    for e in range(tptr[i], tptr[i + 1]):
        if met[triple[e]] == 2:
            total += fine[triple[e]]
        met[triple[e]] -= 1
    return total


@kernel
def broken_triples(rows, ptr, row, share, least, most):  # type: ignore[no-untyped-def]
    """Return triples of rows that shares of sets break, and by how much: sets with two or more of the three come to
    more than 1 and the least.

    Subset-row inequalities (Jepsen, Petersen, Spoorendonk and Pisinger, "Subset-row inequalities applied to the
    vehicle-routing problem with time windows", 2008). ``row`` lists from ``ptr`` on the rows of each set.
    """
    both, first = np.zeros((rows, rows)), np.zeros(rows + 1, np.int64)
    for c in range(len(share)):
        for a in range(ptr[c], ptr[c + 1]):
            first[row[a] + 1] += 1
            for b in range(ptr[c], ptr[c + 1]):
                both[row[a], row[b]] += share[c]
    for i in range(rows):
        first[i + 1] += first[i]
    inside, at = np.empty(first[rows], np.int64), first.copy()
    for c in range(len(share)):
        for a in range(ptr[c], ptr[c + 1]):
            inside[at[row[a]]] = c
            at[row[a]] += 1
    out, over, count = np.empty((most, 3), np.int64), np.empty(most), np.int64(0)
    for i in range(rows):
        for j in range(i + 1, rows):
            if not _open(both[i, j]):
                continue
            for k in range(rows):
                total = both[i, j] + both[i, k] + both[j, k] - 1.0
                if total <= least or k in (i, j) or count == most:
                    continue
                if (k < j and k > i and _open(both[i, k])) or (k < i and (_open(both[k, i]) or _open(both[k, j]))):
                    continue  # an earlier pair of the three has met it
                for h in range(first[i], first[i + 1]):
                    c, held = inside[h], 0
                    for b in range(ptr[c], ptr[c + 1]):
                        held += row[b] == j or row[b] == k
                    if held == 2:
                        total -= 2.0 * share[c]
                if total > least:
                    out[count, 0], out[count, 1], out[count, 2], over[count] = i, j, k, total
                    count += 1
    return out[:count], over[:count]


@inner
def _open(share):  # type: ignore[no-untyped-def]
    return 1e-6 < share < 1.0 - 1e-6
