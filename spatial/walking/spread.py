"""How far is every node from a source, within a limit, with residents' ways used only at the ends of a trip?

A trip is private, then public, then private, so the search is one over private ways, one over public ways and one over
private ways again, each from the labels of the one before. Labels are pairs (cost, other measure), compared in that
order, so equal costs have one answer whatever the numbering. The queue is a ring of buckets of equal width (Dial 1969;
Denardo and Fox 1979). A label that falls is queued again; of its entries only the first to come up counts. When all
entries are used up, those that count are queued anew. Inside a bucket labels may fall again, which keeps the result
exact for any width and any number of buckets.
"""

import numpy as np

from spatial.walking.compiled import inner


@inner
def search(arrays, places, rows, how, work):  # type: ignore[no-untyped-def]
    """Fill the labels from the snapped places of one source; return how many nodes were reached: (public, private).

    ``places`` are (edge, share of it, access cost, access in the other measure), ``rows`` the first and the last of the
    source. ``how`` is (limit, width of a bucket, whether a trip may leave the private ways that it starts on). ``work``
    is (public labels, private labels, nodes reached on public ways, on private ways, entries of the queue, its ring).
    A private label stands only where it is better than the public one.
    """
    _, arcs, ends = arrays
    limit, width, leaves = how
    public, private, on_public, on_private, pool, ring = work
    per_bucket = 1.0 / width
    begun = np.int64(0)
    shut = _starts_inside(ends, places, rows)
    if shut and leaves:
        count = _plant(ends, places, rows, 1, (private, public), on_private, limit)
        count = _spread(arcs, (private, public), on_private, count, (limit, per_bucket), (pool, ring))
        for k in range(count):  # whoever came here may go on as anybody
            s = on_private[k]
            public[s].cost, public[s].other, public[s].waits = private[s].cost, private[s].other, 1
            private[s].cost = np.inf
            on_public[k] = s
        begun = count
    opened = _plant_more(ends, places, rows, 0, (public, public), on_public, begun, limit)
    opened = _spread(arcs, (public, public), on_public, opened, (limit, per_bucket), (pool, ring))
    inside = np.int64(0)
    if shut and not leaves:
        inside = _plant(ends, places, rows, 1, (private, public), on_private, limit)
    inside = _enter(arcs, (private, public), on_public, opened, on_private, inside, limit)
    if inside:
        inside = _spread(arcs, (private, public), on_private, inside, (limit, per_bucket), (pool, ring))
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
        s = on_public[k]
        for j in range(private[s].first, private[s].last):
            c, o = public[s].cost + arcs[j].cost, public[s].other + arcs[j].other
            count = _improve(labels, np.int64(arcs[j].head), c, o, reached, count, limit)
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
def _spread(arcs, labels, reached, count, how, queue):  # type: ignore[no-untyped-def]
    """Search on from the first ``count`` labels, over the arcs that they know of; return how many there are then."""
    limit, per_bucket = how
    pool, ring = queue
    own, rivals = labels
    lowest = np.inf
    for k in range(count):
        lowest = min(lowest, own[reached[k]].cost)
    mask, room, at = len(ring) - 1, len(pool) // 2, np.int64(lowest * per_bucket) if count else np.int64(0)
    live = _queue(own, reached, count, per_bucket, pool, ring)
    used = live
    while live:
        e = np.int64(ring[at & mask])
        while e < 0:
            at += 1
            e = np.int64(ring[at & mask])
        s = np.int64(pool[2 * e])
        ring[at & mask] = pool[2 * e + 1]
        live -= 1
        here = own[s]
        if here.waits == 0:
            continue
        if used + here.last - here.first > room:
            live = _queue(own, reached, count, per_bucket, pool, ring)  # this one too
            used = live
            continue
        here.waits = 0
        cost, other = here.cost, here.other
        for j in range(here.first, here.last):
            arc = arcs[j]
            c = cost + arc.cost
            if not c <= limit:
                break  # the arcs that follow cost more
            w = np.int64(arc.head)
            label, rival = own[w], rivals[w]
            if c > label.cost:
                continue
            o = other + arc.other
            if (c == label.cost and o >= label.other) or c > rival.cost or (c == rival.cost and o >= rival.other):
                continue
            reached[count] = w  # nobody reads it where the node was there before
            count += label.cost == np.inf
            label.cost, label.other, label.waits = c, o, 1
            b = np.int64(c * per_bucket) & mask
            pool[2 * used], pool[2 * used + 1], ring[b] = w, ring[b], used
            used += 1
            live += 1
    return count


@inner
def _queue(labels, reached, count, per_bucket, pool, ring):  # type: ignore[no-untyped-def]
    """Queue all reached nodes that wait, and nothing else; return how many."""
    live, mask = 0, len(ring) - 1
    for k in range(len(ring)):
        ring[k] = -1
    for k in range(count):
        s = reached[k]
        if labels[s].waits:
            b = np.int64(labels[s].cost * per_bucket) & mask
            pool[2 * live], pool[2 * live + 1], ring[b] = s, ring[b], live
            live += 1
    return live


@inner
def forget(work, opened, inside):  # type: ignore[no-untyped-def]
    """Take back the labels of a search."""
    for k in range(opened):
        work[0][work[2][k]].cost = np.inf
    for k in range(inside):
        work[1][work[3][k]].cost = np.inf


@inner
def part(share, whole):  # type: ignore[no-untyped-def]
    """Return a share of a cost; nothing of an impassable edge costs nothing."""
    return 0.0 if share == 0.0 else share * whole
