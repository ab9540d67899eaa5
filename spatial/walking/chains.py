"""Which pieces of street lie in a row without a junction, so that they are one edge?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spatial.walking.compiled import kernel
from spatial.walking.obstacles import arms_of
from spatial.walking.segments import Flags, Floats, Ints, Segments


@dataclass(frozen=True, slots=True)
class Chains:
    """Edges as runs of pieces: edge e has the vertices ``vertex[start[e] + e : start[e + 1] + e + 1]``."""

    start: Ints
    piece: Ints
    vertex: Ints

    @property
    def count(self) -> int:
        """Number of edges."""
        return len(self.start) - 1

    def ends(self) -> tuple[Ints, Ints]:
        """Return the first and the last vertex of each edge."""
        e = np.arange(self.count)
        return self.vertex[self.start[:-1] + e], self.vertex[self.start[1:] + e]

    def shape_ptr(self) -> Ints:
        """Return where the vertices of each edge start in ``vertex``."""
        return self.start + np.arange(self.count + 1)


def build_chains(segments: Segments, kept: Flags) -> Chains:
    """Return the edges, in the order of their first vertices; kept vertices and junctions end a chain.

    Pieces are joined only where nothing changes: not the class, pace, direction or estate. A ring without a junction
    becomes a loop at its first vertex.
    """
    arm_start, arm_piece = arms_of(segments)
    ends = kept.copy()
    s = segments
    flags = s.private * np.uint8(1) + s.steps * np.uint8(2) + s.synthetic * np.uint8(4) + s.separate * np.uint8(8)
    flags += (s.extra_s > 0) * np.uint8(_DELAYED)
    ways = s.forward * np.uint8(_ALONG) + s.backward * np.uint8(_AGAINST)
    _mark_ends(arm_start, arm_piece, s.b, (flags, ways, s.factor, s.estate), ends)
    start = np.zeros(s.count + 1, dtype=np.int64)
    piece, vertex = np.empty(s.count, dtype=np.int64), np.empty(2 * s.count, dtype=np.int64)
    edges, vertices = _walk(s.a, s.b, arm_start, arm_piece, ends, (start, piece, vertex))
    return Chains(start[: edges + 1].copy(), piece, vertex[:vertices].copy())


_DELAYED, _ALONG, _AGAINST = 16, 1, 2


@kernel
def _mark_ends(arm_start, arm_piece, b, like, ends):  # type: ignore[no-untyped-def]
    """Mark the vertices at which not two pieces meet, or two that differ."""
    flags, ways, factor, estate = like
    for v in range(len(arm_start) - 1):
        if arm_start[v + 1] - arm_start[v] != 2:
            ends[v] = True
        elif not ends[v]:
            p, q = arm_piece[arm_start[v]], arm_piece[arm_start[v] + 1]
            # pieces that run through the vertex, one towards it and one away, are walked the same way
            through = (b[p] == v) != (b[q] == v)
            turned = ((ways[q] & _ALONG) << 1) | ((ways[q] & _AGAINST) >> 1)
            ends[v] = (
                p == q
                or flags[p] != flags[q]
                or flags[p] & _DELAYED != 0
                or ways[p] != (ways[q] if through else turned)
                or factor[p] != factor[q]
                or estate[p] != estate[q]
            )


@kernel
def _walk(  # type: ignore[no-untyped-def]
    a, b, arm_start, arm_piece, ends, out
):
    """Write the starts, pieces and vertices of the edges; return how many edges and vertices these are."""
    start, piece, vertex = out
    used = np.zeros(len(a), np.bool_)
    n = len(arm_start) - 1
    edges, p, k = 0, 0, 0
    for stage in range(2):  # the second stage takes rings that no junction ends
        for first in range(n):
            if not ends[first] and stage == 0:
                continue
            for t in range(arm_start[first], arm_start[first + 1]):
                s = arm_piece[t]
                if used[s]:
                    continue
                ends[first] = True
                at = first
                vertex[k] = at
                k += 1
                while True:
                    used[s] = True
                    piece[p] = s
                    p += 1
                    at = b[s] if a[s] == at else a[s]
                    vertex[k] = at
                    k += 1
                    if ends[at]:
                        break
                    s = arm_piece[arm_start[at] + (1 if arm_piece[arm_start[at]] == s else 0)]
                edges += 1
                start[edges] = p
    return edges, k


def chain_flags(segments: Segments, chains: Chains) -> tuple[Flags, Flags, Floats]:
    """Return whether each edge may be walked as it runs, and against it, and its fixed delay in seconds."""
    first = chains.piece[chains.start[:-1]]
    along = segments.a[first] == chains.ends()[0]
    forward: NDArray[np.bool_] = np.where(along, segments.forward[first], segments.backward[first])
    backward: NDArray[np.bool_] = np.where(along, segments.backward[first], segments.forward[first])
    delay = np.add.reduceat(segments.extra_s[chains.piece], chains.start[:-1]) if chains.count else np.zeros(0)
    return forward, backward, delay
