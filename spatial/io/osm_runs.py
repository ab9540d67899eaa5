"""Which stretches of ways lie on the map, when nodes are missing, repeated or far outside it?"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial.walking.compiled import inner, kernel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_unsigned = np.uint64  # ids may be negative: their distances are told without a sign

MISSING, REPEATED, SHORT, OUTSIDE, CUT, BROKEN = range(6)
"""What ``cut_runs`` counts: nodes without a place, nodes repeated in a row; ways without a stretch, outside the zone,
cut where they leave it, broken by missing nodes."""


def cut_runs(
    refs: Ints, offsets: Ints, ways: Ints, node_id: Ints, xy: Floats, zone: Floats
) -> tuple[Ints, Ints, Ints, Floats, Ints]:
    """Return (place among the ways, offsets, node ids, metres, counts) of the longest runs of located nodes whose
    stretches touch the zone, way by way; ``xy`` are the metres of the rising ``node_id``, NaN where it has no place."""
    total = int((offsets[ways + 1] - offsets[ways]).sum())
    owner, ends = np.empty(total // 2, dtype=np.int64), np.zeros(total // 2 + 1, dtype=np.int64)
    node, spot, counts = np.empty(total, dtype=np.int64), np.empty((total, 2)), np.zeros(6, dtype=np.int64)
    runs, put = _cut(refs, offsets, ways, node_id, xy, zone, (owner, ends, node, spot, counts))
    return owner[:runs], ends[: runs + 1], node[:put], spot[:put], counts


@kernel
def _cut(refs, offsets, ways, node_id, xy, zone, out):  # type: ignore[no-untyped-def]
    owner, ends, node, spot, counts = out
    runs, put, row = np.int64(0), np.int64(0), np.int64(-1)
    directory = _make_directory(node_id)
    for k in range(len(ways)):
        linked = drawn = cut = holed = False
        before, running, was_inside = np.int64(-1), False, False
        for i in range(offsets[ways[k]], offsets[ways[k] + 1]):
            ref = refs[i]
            row = _find(node_id, directory, ref, row)
            located = row >= 0 and not np.isnan(xy[row, 0])
            counts[MISSING] += not located
            if i > offsets[ways[k]] and ref == refs[i - 1]:
                counts[REPEATED] += 1
                continue
            holed |= not located
            inside = located and _touches(xy, row, row, zone)
            kept = False
            if located and before >= 0:
                linked = True
                kept = inside or was_inside or _touches(xy, before, row, zone)
                drawn |= kept
                cut |= not kept or inside != was_inside
                if kept:
                    if not running:
                        owner[runs] = k
                        node[put] = node_id[before]
                        spot[put, 0], spot[put, 1] = xy[before, 0], xy[before, 1]
                        put += 1
                        runs += 1
                    node[put] = ref
                    spot[put, 0], spot[put, 1] = xy[row, 0], xy[row, 1]
                    put += 1
                    ends[runs] = put
            running, was_inside = kept, inside
            before = row if located else np.int64(-1)
        counts[SHORT] += not linked
        counts[OUTSIDE] += linked and not drawn
        counts[CUT] += drawn and cut
        counts[BROKEN] += drawn and holed
    return runs, put


@inner
def _make_directory(node_id):  # type: ignore[no-untyped-def]
    """Return (lowest id, distance to the highest, bits, rows): ids are looked for among those whose distance from the
    lowest agrees with theirs in all but so many last bits; what is left of it tells the first row of these."""
    n = len(node_id)
    low = node_id[0] if n else np.int64(0)
    span = _unsigned(node_id[n - 1]) - _unsigned(low) if n else _unsigned(0)
    shift = _unsigned(0)
    while (span >> shift) > _unsigned(n):
        shift += _unsigned(1)
    first = np.zeros(np.int64(span >> shift) + 2, np.int64)
    for k in range(n):
        first[((_unsigned(node_id[k]) - _unsigned(low)) >> shift) + _unsigned(1)] = k + 1
    for d in range(1, len(first)):
        first[d] = max(first[d], first[d - 1])
    return low, span, shift, first


@inner
def _find(node_id, directory, wanted, hint):  # type: ignore[no-untyped-def]
    """Return the row of a node id, or -1; neighbours on a way often follow each other."""
    if 0 <= hint + 1 < len(node_id) and node_id[hint + 1] == wanted:
        return hint + 1
    lowest, span, shift, first = directory
    away = _unsigned(wanted) - _unsigned(lowest)
    if wanted < lowest or away > span:
        return np.int64(-1)
    low, high = first[away >> shift], first[(away >> shift) + _unsigned(1)]
    while low < high:
        middle = (low + high) // 2
        if node_id[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low if low < len(node_id) and node_id[low] == wanted else np.int64(-1)


@inner
def _touches(xy, a, b, zone):  # type: ignore[no-untyped-def]
    """Tell whether the box about two nodes touches the zone."""
    west, east = min(xy[a, 0], xy[b, 0]), max(xy[a, 0], xy[b, 0])
    south, north = min(xy[a, 1], xy[b, 1]), max(xy[a, 1], xy[b, 1])
    return west <= zone[2] and south <= zone[3] and east >= zone[0] and north >= zone[1]


@kernel
def boxes_of(xy: Floats, offsets: Ints) -> tuple[Floats, Floats]:
    """Return the lowest and the highest corner of the box about each run."""
    n = len(offsets) - 1
    low, high = np.full((n, 2), np.inf), np.full((n, 2), -np.inf)
    for run in range(n):
        for i in range(offsets[run], offsets[run + 1]):
            for axis in range(2):
                low[run, axis] = min(low[run, axis], xy[i, axis])
                high[run, axis] = max(high[run, axis], xy[i, axis])
    return low, high


def count_runs(counts: Any, reasons: tuple[str, ...]) -> dict[str, int]:
    """Return reason -> count, for a reason for each of the counts."""
    return dict(zip(reasons, counts.tolist(), strict=True))
