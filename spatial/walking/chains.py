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
    ends = _is_end(segments, kept, arm_start, arm_piece)
    start, piece, vertex = _walk(segments.a, segments.b, arm_start, arm_piece, ends)
    return Chains(start, piece, vertex)


def _is_end(segments: Segments, kept: Flags, arm_start: Ints, arm_piece: Ints) -> Flags:
    degree = np.diff(arm_start)
    ends: Flags = (degree != 2) | kept
    rows = np.flatnonzero(~ends)
    p, q = arm_piece[arm_start[rows]], arm_piece[arm_start[rows] + 1]
    changes = p == q
    for name in ("private", "factor", "steps", "synthetic", "separate", "estate"):
        values = getattr(segments, name)
        changes |= values[p] != values[q]
    changes |= (segments.extra_s[p] > 0) | (segments.extra_s[q] > 0)
    p_in, p_out = _ways_through(segments, p, rows)
    q_in, q_out = _ways_through(segments, q, rows)
    changes |= (p_in != q_out) | (p_out != q_in)
    ends[rows[changes]] = True
    return ends


def _ways_through(segments: Segments, piece: Ints, vertex: Ints) -> tuple[Flags, Flags]:
    """Tell whether each piece may be walked towards and away from the vertex."""
    arrives = segments.b[piece] == vertex
    towards = np.where(arrives, segments.forward[piece], segments.backward[piece])
    away = np.where(arrives, segments.backward[piece], segments.forward[piece])
    return towards, away


@kernel
def _walk(a: Ints, b: Ints, arm_start: Ints, arm_piece: Ints, ends: Flags) -> tuple[Ints, Ints, Ints]:
    m, n = len(a), len(arm_start) - 1
    used = np.zeros(m, np.bool_)
    ends = ends.copy()
    start = np.zeros(m + 1, np.int64)
    piece = np.empty(m, np.int64)
    vertex = np.empty(2 * m, np.int64)
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
    return start[: edges + 1].copy(), piece, vertex[:k].copy()


def chain_flags(segments: Segments, chains: Chains) -> tuple[Flags, Flags, Floats]:
    """Return whether each edge may be walked as it runs, and against it, and its fixed delay in seconds."""
    first = chains.piece[chains.start[:-1]]
    along = segments.a[first] == chains.ends()[0]
    forward: NDArray[np.bool_] = np.where(along, segments.forward[first], segments.backward[first])
    backward: NDArray[np.bool_] = np.where(along, segments.backward[first], segments.forward[first])
    delay = np.add.reduceat(segments.extra_s[chains.piece], chains.start[:-1]) if chains.count else np.zeros(0)
    return forward, backward, delay
