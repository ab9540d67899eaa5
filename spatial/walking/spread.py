"""How far is every node from a source, within a limit, with residents' ways used only at the ends of a trip?

A trip is private, then public, then private, so the search is one over private ways, one over public ways and one over
private ways again, each from the labels of the one before. Labels are pairs (cost, other measure), compared in that
order, so equal costs have one answer whatever the numbering. It goes outwards step by step (the near and far piles of
Davidson, Baxter, Garland and Owens 2014): a node whose label fell waits in the near list, in the order of falling, or
in the far one if the label is beyond the step. Who falls again before its turn stands in a list twice, and the first
turn counts. When a list is full, those that wait are listed anew, each once. Inside a step labels may fall again, which
keeps the result exact for any step.

All that wait near are asked for what their arcs offer before any of it is taken: guessing which arc leads to something
better, or how many arcs a node has, as processors do, goes wrong for every third, and so not to branch there saves a
fourth of a search. Who has a single arc came by it, as each edge is two arcs, and does not wait to be sent back.
"""

import numpy as np

from spatial.walking.compiled import inner, pasted, prefetch, row
from spatial.walking.search import ARCS_AT_ONCE


@inner
def search(arrays, places, rows, how, work):  # type: ignore[no-untyped-def]
    """Fill the labels from the snapped places of one source; return how many nodes were reached: (public, private).

    ``places`` are (edge, share of it, access cost, access in the other measure), ``rows`` the first and the last of the
    source. ``how`` is (limit, step, whether a trip may leave the private ways that it starts on, whether there are any
    private ways). ``work`` is (public labels, private labels, nodes reached on public ways, on private ways, nodes that
    wait near, far, offers).
    A private label stands only where it is better than the public one.
    """
    _, arcs, ends = arrays
    limit, step, leaves, any_private = how
    public, private, on_public, on_private = work[:4]
    lists = work[4:]
    begun = np.int64(0)
    shut = _starts_inside(ends, places, rows)
    if shut and leaves:
        count = _plant(ends, places, rows, 1, (private, public), on_private, limit)
        count = _spread(arcs, (private, public), on_private, count, (limit, step, True), lists)
        for k in range(count):  # whoever came here may go on as anybody
            s = on_private[k]
            public[s].cost, public[s].other, public[s].waits = private[s].cost, private[s].other, 1
            private[s].cost = np.inf
            on_public[k] = s
        begun = count
    opened = _plant_more(ends, places, rows, 0, (public, public), on_public, begun, limit)
    opened = _spread(arcs, (public, public), on_public, opened, (limit, step, False), lists)
    inside = np.int64(0)
    if shut and not leaves:
        inside = _plant(ends, places, rows, 1, (private, public), on_private, limit)
    if any_private:
        inside = _enter(arcs, (private, public), on_public, opened, on_private, inside, limit)
    if inside:
        inside = _spread(arcs, (private, public), on_private, inside, (limit, step, True), lists)
    return opened, inside


@inner
def _starts_inside(ends, places, rows):  # type: ignore[no-untyped-def]
    """Tell whether a place lies on a private edge."""
    found = False
    for k in range(rows[0], rows[1]):
        found = found or ends[places[0][k]].private == 1
    return found


@inner
def _plant(ends, places, rows, kind, labels, reached, limit):  # type: ignore[no-untyped-def]
    return _plant_more(ends, places, rows, kind, labels, reached, np.int64(0), limit)


@inner
def _plant_more(ends, places, rows, kind, labels, reached, count, limit):  # type: ignore[no-untyped-def]
    """Label both ends of the edges of the places on private (1) or public (0) edges; return how many are reached."""
    at_edge, share, access, access_other = places
    for k in range(rows[0], rows[1]):
        edge, f = ends[at_edge[k]], share[k]
        if edge.private != kind:
            continue
        o = access_other[k] + part(f, edge.other)
        count = _improve(labels, np.int64(edge.u), access[k] + part(f, edge.uv), o, reached, count, limit)
        o = access_other[k] + part(1.0 - f, edge.other)
        count = _improve(labels, np.int64(edge.v), access[k] + part(1.0 - f, edge.vu), o, reached, count, limit)
    return count


@inner
def _enter(arcs, labels, on_public, opened, reached, count, limit):  # type: ignore[no-untyped-def]
    """Label what the private arcs of the nodes reached on public ways lead to; return how many are reached."""
    private, public = labels
    for k in range(opened):
        s = row(on_public[row(k)])
        here = public[s]
        if not here.enters:
            continue
        for j in range(private[s].first, private[s].last):
            arc = arcs[row(j)]
            c, o = here.cost + arc.cost, here.other + arc.other
            count = _improve(labels, np.int64(arc.head), c, o, reached, count, limit)
    return count


@inner
def _improve(labels, node, c, o, reached, count, limit):  # type: ignore[no-untyped-def]
    """Lower the label of a node if this trip is better than all so far; return how many are reached."""
    label, rival = labels[0][node], labels[1][node]
    if not c <= limit or c > label.cost or (c == label.cost and o >= label.other):
        return count
    if rival.cost < c or (rival.cost == c and rival.other <= o):
        return count
    if label.cost == np.inf:
        reached[count] = node
        count += 1
    label.cost, label.other, label.waits = c, o, 1
    return count


@inner
def _spread(arcs, labels, reached, count, how, lists):  # type: ignore[no-untyped-def]
    """Search on from the first ``count`` labels, over the arcs that they know of; return how many there are then.

    ``how`` is (limit, step, whether the rivals are other labels than these).
    """
    limit, step, apart = how
    near, far, offers = lists
    own = labels[0]
    end = _lowest(own, reached, count) + step
    nears, fars = _list_anew(own, reached, count, end, near, far)
    at = np.int64(0)
    while nears:
        while at < nears:
            at, made = _offer(arcs, own, near, at, nears, limit, offers)
            if max(nears, fars) + made > len(near):
                nears, fars = _list_anew(own, reached, count, end, near, far)
                at = np.int64(0)
            count, nears, fars = _take(arcs, labels, apart, (reached, count), (offers, made), end, lists, (nears, fars))
        at = np.int64(0)
        end += step
        nears, fars = _move_on(own, end, near, far, fars)
        if nears == 0 and fars:
            end = _lowest(own, far, fars) + step
            nears, fars = _move_on(own, end, near, far, fars)
    return count


@inner
def _offer(arcs, own, near, at, nears, limit, offers):  # type: ignore[no-untyped-def]
    """Note what the arcs of the nodes from ``at`` on would lower; return where it stopped, and how many are noted.

    Most nodes have three arcs or less, so of each as many are asked without looking.
    """
    made = np.int64(0)
    while at < nears:
        here = own[row(near[row(at)])]
        if here.waits:
            j, last = np.int64(here.first), np.int64(here.last)
            if made + last - j >= len(offers):  # one place more is written than there are offers
                break
            here.waits = 0
            made = _note(arcs, own, here, (j, last), limit, offers, made)
            made = _note(arcs, own, here, (j + 1, last), limit, offers, made)
            made = _note(arcs, own, here, (j + 2, last), limit, offers, made)
            j += ARCS_AT_ONCE
            while j < last:
                made = _note(arcs, own, here, (j, last), limit, offers, made)
                j += 1
        at += 1
    return at, made


@pasted
def _note(arcs, own, here, place, limit, offers, made):  # type: ignore[no-untyped-def]
    """Note what an arc offers, if it comes before the last of its node; return how many are noted.

    Whether it leads to something better nobody can tell ahead, so nothing branches on it: each is written down, and
    the next over it unless it is better. What is as good in cost is left to who takes it.
    """
    j, last = place
    arc, offer = arcs[row(j)], offers[row(made)]
    c = here.cost + arc.cost
    offer.cost, offer.other, offer.node = c, here.other + arc.other, arc.head
    return made + ((j < last) & (c <= min(limit, own[row(arc.head)].cost)))


@inner
def _take(arcs, labels, apart, known, noted, end, lists, waiting):  # type: ignore[no-untyped-def]
    """Lower labels as offered; return how many nodes are reached, and how many wait near and far."""
    own, rivals = labels
    offers, made = noted
    near, far = lists[:2]
    nears, fars = waiting
    reached, count = known
    for k in range(made):
        offer = offers[row(k)]
        w, c, o = offer.node, offer.cost, offer.other
        label, rival = own[row(w)], rivals[row(w)]
        if c >= label.cost and (c > label.cost or o >= label.other):
            continue
        if apart and c >= rival.cost and (c > rival.cost or o >= rival.other):
            continue
        prefetch(arcs, row(label.first))
        prefetch(arcs, row(label.first + 2))
        reached[row(count)] = w  # nobody reads it where the node was there before
        count += label.cost == np.inf
        leads = label.last - label.first > 1  # on to somewhere, and not just back
        label.cost, label.other, label.waits = c, o, leads
        near[row(nears)] = far[row(fars)] = w  # one of the two is written over
        nears += leads & (c <= end)
        fars += leads & (c > end)
    return count, nears, fars


@inner
def _lowest(labels, nodes, count):  # type: ignore[no-untyped-def]
    """Return the least cost of the first ``count`` nodes."""
    lowest = np.inf
    for k in range(count):
        lowest = min(lowest, labels[nodes[k]].cost)
    return lowest


@inner
def _move_on(labels, end, near, far, fars):  # type: ignore[no-untyped-def]
    """Move those of the far list that a step ends beyond to the near one, which is empty; return how many each has."""
    nears, kept = np.int64(0), np.int64(0)
    for k in range(fars):
        s = far[row(k)]
        label = labels[row(s)]
        near[row(nears)] = far[row(kept)] = s
        nears += (label.waits != 0) & (label.cost <= end)
        kept += (label.waits != 0) & (label.cost > end)
    return nears, kept


@inner
def _list_anew(labels, reached, count, end, near, far):  # type: ignore[no-untyped-def]
    """List all reached nodes that wait, each once, and nothing else; return how many are near, and far."""
    nears, fars = np.int64(0), np.int64(0)
    for k in range(count):
        s = reached[row(k)]
        label = labels[row(s)]
        near[row(nears)] = far[row(fars)] = s
        nears += (label.waits != 0) & (label.cost <= end)
        fars += (label.waits != 0) & (label.cost > end)
    return nears, fars


@inner
def forget(work, opened, inside):  # type: ignore[no-untyped-def]
    """Take back the labels of a search."""
    for k in range(opened):
        work[0][row(work[2][row(k)])].cost = np.inf
    for k in range(inside):
        work[1][row(work[3][row(k)])].cost = np.inf


@inner
def part(share, whole):  # type: ignore[no-untyped-def]
    """Return a share of a cost; nothing of an impassable edge costs nothing."""
    return 0.0 if share == 0.0 else share * whole
