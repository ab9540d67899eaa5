"""How far inside a service circle does each corner of a lattice lie?

Whoever lives at x starts at the nearest place p of a street, so x is inside by ``min(width, left(p)) - |x - p|``, where
``left`` is the walk left at p; and by no more than x is nearer to a reached street than to one that is not reached.
Within ``CORE_CELLS`` of a reached place a corner is inside whatever the rest says: then every cell that a reached piece
touches lies inside whole, and no outline drawn between corners can cut a piece.

Lengths are cells of the lattice, places are relative to its first corner, rows are flat. The loops over columns are
written for vectors: unsigned places in arrays and 32-bit counters, four times as fast.
"""

import numpy as np

from spatial.walking.compiled import inner

CORE_CELLS = 1.45
"""Just more than the diagonal of a cell."""
_FAR = np.float32(1e6)
_FARTHER = np.float32(4e6)
_TIE = np.float32(0.02)
"""Of a reached street and one that is not, nearer by less than this, the reached one counts: ways may lie on ways."""
_TIE_SHARE, _TIE_LEAST = np.float32(2e-3), np.float32(1e-4)
"""The same for squared distances: of two walks to one place, as on a site's own street, the shorter one counts."""
_ZERO, _ONE = np.float32(0.0), np.float32(1.0)


@inner
def clear_fields(fields, window, columns):  # type: ignore[no-untyped-def]
    """Forget what was stamped in a window (first row, last row, first column, last column)."""
    near, left, rival, _ = fields
    r0, r1, c0, c1 = window
    for r in range(r0, r1 + 1):
        at = np.uint64(r * columns + c0)
        for c in range(c1 - c0 + 1):
            k = at + np.uint64(c)
            near[k] = _FAR
            left[k] = _ZERO
            rival[k] = _FARTHER


@inner
def stamp_reached(fields, piece, shift, width, window, columns):  # type: ignore[no-untyped-def]
    """Stamp the reached part of a piece (x0, y0, left0, x1, y1, left1); ``shift`` is added to what is left."""
    near, left_there, _, _ = fields
    left, fall = piece[2] + shift, piece[2] - piece[5]
    if left < 0.0:
        return
    end = 1.0 if fall <= left else left / fall
    ends = (piece[0], piece[1], piece[0] + end * (piece[3] - piece[0]), piece[1] + end * (piece[4] - piece[1]))
    line = _line(ends)
    begins, falls = np.float32(left), np.float32(end * fall)
    reach = max(CORE_CELLS, min(width, left)) + 1.0
    first, last = _rows(ends, reach, window)
    for r in range(first, last + 1):
        c0, c1 = _columns(r, ends, reach, window)
        west, y = np.float32(c0) - line[0], np.float32(r) - line[1]
        at = np.uint64(r * columns + c0)
        for c in range(c1 - c0 + 1):
            t, away = _nearest(west + np.float32(np.int32(c)), y, line)
            k = at + np.uint64(c)
            least, most, rest = near[k], left_there[k], begins - t * falls
            tie = _TIE_SHARE * least + _TIE_LEAST
            left_there[k] = rest if away < least - tie or (away <= least + tie and rest > most) else most
            near[k] = away if away < least else least


@inner
def stamp_distance(square, ends, reach, window, columns):  # type: ignore[no-untyped-def]
    """Lower the squared distances of the corners within reach of a straight piece."""
    line = _line(ends)
    first, last = _rows(ends, reach, window)
    for r in range(first, last + 1):
        c0, c1 = _columns(r, ends, reach, window)
        west, y = np.float32(c0) - line[0], np.float32(r) - line[1]
        at = np.uint64(r * columns + c0)
        for c in range(c1 - c0 + 1):
            _, away = _nearest(west + np.float32(np.int32(c)), y, line)
            k = at + np.uint64(c)
            least = square[k]
            square[k] = away if away < least else least


@inner
def _line(ends):  # type: ignore[no-untyped-def]
    """Return a straight piece as (x, y, dx, dy, one over its squared length)."""
    dx, dy = np.float32(ends[2] - ends[0]), np.float32(ends[3] - ends[1])
    length = dx * dx + dy * dy
    return np.float32(ends[0]), np.float32(ends[1]), dx, dy, _ONE / length if length > 0.0 else _ZERO


@inner
def _nearest(x, y, line):  # type: ignore[no-untyped-def]
    """Return the share of a piece at its place nearest to a corner (relative to its start), and how far squared."""
    _, _, dx, dy, per = line
    t = (x * dx + y * dy) * per
    t = t if t > _ZERO else _ZERO
    t = t if t < _ONE else _ONE
    ax, ay = x - t * dx, y - t * dy
    return t, ax * ax + ay * ay


@inner
def _rows(ends, reach, window):  # type: ignore[no-untyped-def]
    low, high = min(ends[1], ends[3]) - reach, max(ends[1], ends[3]) + reach
    return max(window[0], int(np.ceil(low))), min(window[1], int(np.floor(high)))


@inner
def _columns(row, ends, reach, window):  # type: ignore[no-untyped-def]
    """Return the first and last column of a row whose corners may lie within reach."""
    low, high, rise = 0.0, 1.0, ends[3] - ends[1]
    if rise != 0.0:
        a, b = (row - reach - ends[1]) / rise, (row + reach - ends[1]) / rise
        low, high = max(low, min(a, b)), min(high, max(a, b))
    a, b = ends[0] + low * (ends[2] - ends[0]), ends[0] + high * (ends[2] - ends[0])
    return max(window[2], int(np.ceil(min(a, b) - reach))), min(window[3], int(np.floor(max(a, b) + reach)))


@inner
def settle(fields, width, window, columns):  # type: ignore[no-untyped-def]
    """Turn what was stamped into how far inside each corner lies, never farther than in the area drawn before."""
    near, left, rival, inside = fields
    r0, r1, c0, c1 = window
    wide, core = np.float32(width), np.float32(CORE_CELLS)
    for r in range(r0, r1 + 1):
        at = np.uint64(r * columns + c0)
        for c in range(c1 - c0 + 1):
            k = at + np.uint64(c)
            away, before = np.sqrt(near[k]), inside[k]
            rest = (left[k] if left[k] < wide else wide) - away
            nearer = np.sqrt(rival[k]) - away + _TIE
            rest = rest if rest < nearer else nearer
            rest = rest if rest > core - away else core - away
            inside[k] = rest if rest < before else before
