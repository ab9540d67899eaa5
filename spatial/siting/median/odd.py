"""Which sums of covering rows, halved and rounded up, does a fractional p-median break?

A ball is a row's sites up to some cost: either one of them is open or the row pays the step to the next cost. An odd
number of such rows in which nearly every site stands evenly often gives a cut that holds for whole sites only
(zero-half cuts; Caprara and Fischetti 1996). They are found by elimination modulo 2, as Koster, Zymolka and Kutschka
("Algorithms to separate {0,1/2}-Chvatal-Gomory cuts", 2009) do.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from spatial.siting.median.core import Core
from spatial.siting.ways import Flags, Floats, Ints
from spatial.walking.compiled import inner, kernel

_WHOLE = 1e-6
_EFFORTS = ((0.25, 1500, 3), (0.4, 3000, 6), (0.55, 6000, 12))
"""How near to one the shares in a ball add up that is looked at, most such balls, and passes over them, by effort."""
EFFORTS = len(_EFFORTS)
_MOST_FOUND = 400
_BROKEN = 0.04
_MOST, _MOST_SHARE = 150, 0.2
"""Cuts that are told at most, or so many by loose site if that is more."""


@dataclass(frozen=True, slots=True)
class Cut:
    """The steps paid at ``balls`` (last entries of theirs) plus ``value`` of open ``site`` make at least ``low``."""

    balls: Ints
    site: Ints
    value: Floats
    low: float
    broken: float


def find_cuts(
    core: Core, ends: Ints, row: Ints, summed: Floats, share: Floats, *, seed: int, effort: int = 0
) -> list[Cut]:
    """Return cuts that the shares break, the most broken for its length first, up to ``_MOST``.

    ``ends`` are the last entries of all balls, ``row`` their rows, ``summed`` the shares in them. ``effort`` is below
    ``EFFORTS``.
    """
    reach, most, passes = _EFFORTS[effort]
    loose = np.flatnonzero(_loose(share))
    if not len(loose):
        return []
    away = np.abs(1.0 - summed)
    # A ball of whole sites alone tells nothing, one with the same open sites as the ball before it nothing new.
    first, begun = core.ptr[row], np.r_[True, row[1:] != row[:-1]]
    held = np.r_[0, np.cumsum((share > _WHOLE)[core.site])]
    held = held[ends + 1] - held[first]
    parted = np.r_[0, np.cumsum(_loose(share)[core.site])]
    parted = parted[ends + 1] - parted[first]
    near = np.flatnonzero((away < reach) & (parted > 0) & (begun | np.r_[True, held[1:] != held[:-1]]))
    near = near[np.argsort(away[near], kind="stable")][:most]
    place = np.full(len(share), -1, np.int32)
    place[loose] = np.arange(len(loose))
    place[share >= 1.0 - _WHOLE] = -2
    words = (len(loose) + 63) // 64
    first, last = core.ptr[row[near]], ends[near]
    bits, odd = patterns(first, last, core.site, place, words)
    # The number of sites is a row as well; it has no step to pay.
    every = np.zeros((1, words), np.uint64)
    for k in range(len(loose)):
        every[0, k // 64] |= np.uint64(1) << np.uint64(k % 64)
    whole = int((place == -2).sum())
    bits = np.concatenate((every, bits))
    odd = np.concatenate(([(core.p - whole) % 2 == 1], odd))
    weight = np.concatenate(([0.0], away[near]))
    _, once = np.unique(np.c_[bits, odd.astype(np.uint64)], axis=0, return_index=True)
    once = np.sort(once)
    once = once[bits[once].any(axis=1)]
    told = first, last, core.site, share, summed[near], np.int64(core.p)
    value = np.zeros(len(share), np.int64)
    scores: dict[bytes, tuple[float, Ints]] = {}
    rng = np.random.default_rng(seed)
    for turn in range(passes):
        key = np.minimum(share[loose], 1.0 - share[loose]) + (0.2 * turn) * rng.random(len(loose))
        order = np.argsort(-key, kind="stable")
        sums = eliminate(bits[once], odd[once], weight[once], share[loose], order, np.int64(_MOST_FOUND))
        for one in sums:
            members = once[one]
            _, broken, length = half_sum(members, *told, value)
            if broken > _BROKEN:
                scores[members.tobytes()] = broken / length, members
    best = sorted(scores.values(), key=lambda scored: -scored[0])
    return [_cut(members, told, value) for _, members in best[: max(_MOST, most_cuts(share))]]


def most_cuts(share: Floats) -> int:
    """Return how many cuts are of use at once where sites are loose nearly everywhere."""
    return int(_MOST_SHARE * int(_loose(share).sum()))


def _loose(share: Floats) -> Flags:
    """Return which sites are neither open nor shut."""
    loose: Flags = (share > _WHOLE) & (share < 1.0 - _WHOLE)
    return loose


def _cut(members: Ints, told: tuple[Any, ...], value: Ints) -> Cut:
    least, broken, _ = half_sum(members, *told, value)
    site = np.flatnonzero(value)
    return Cut(told[1][members[members > 0] - 1], site, value[site].astype(np.float64), least, broken)


@kernel
def half_sum(members, first, last, site, share, summed, p, value):  # type: ignore[no-untyped-def]
    """Write half the sum of the member rows (0 stands for the number of sites), rounded up, to ``value``, by site.

    Returned are its right side, by how much the shares break it (-1 where it cannot be made odd), and its length.
    """
    value[:] = -1 if members[0] == 0 else 0
    low, paid = np.int64(0), 0.0
    for r in members:
        if r == 0:
            low -= p
            continue
        low += 1
        paid += max(1.0 - summed[r - 1], 0.0)
        for k in range(first[r - 1], last[r - 1] + 1):
            value[site[k]] += 1
    turned, loose, nearest = np.int64(0), -1, 2.0
    for j in range(len(share)):
        if value[j] & 1:
            turned += share[j] > 0.5
            if abs(share[j] - 0.5) < nearest:
                loose, nearest = j, abs(share[j] - 0.5)
    if (low - turned) & 1:
        loose = -1
    elif loose < 0:
        return 0.0, -1.0, 1.0
    else:
        # One site is rounded the other way, so that the whole is odd: the one for which it matters least.
        turned += -1 if share[loose] > 0.5 else 1
    open_half, length = 0.0, np.float64(1 + len(members) - (members[0] == 0))
    for j in range(len(share)):
        down = (share[j] > 0.5) != (j == loose)
        value[j] = (value[j] + (0 if down else 1)) >> 1
        open_half += value[j] * share[j]
        length += value[j] * value[j]
    least = np.float64((low - turned + 1) >> 1)
    return least, least - paid - open_half, np.sqrt(length)


@kernel
def patterns(first, last, site, place, words):  # type: ignore[no-untyped-def]
    """Return, by ball, the bits of its loose sites, and whether its other side is odd without whole sites."""
    bits = np.zeros((len(first), words), np.uint64)
    odd = np.ones(len(first), np.bool_)
    for b in range(len(first)):
        for k in range(first[b], last[b] + 1):
            at = place[site[k]]
            if at >= 0:
                bits[b, at // 64] |= np.uint64(1) << np.uint64(at % 64)
            elif at == -2:
                odd[b] = not odd[b]
    return bits, odd


@kernel
def eliminate(bits, odd, weight, share, order, most):  # type: ignore[no-untyped-def]
    """Return lists of rows whose sum modulo 2 has an odd other side, and nearly no loose site or slack left."""
    rows, words = bits.shape
    bits, odd, weight = bits.copy(), odd.copy(), weight.copy()
    wide = (rows + 63) // 64
    sums = np.zeros((rows, wide), np.uint64)
    alive = np.ones(rows, np.bool_)
    for r in range(rows):
        sums[r, r // 64] = np.uint64(1) << np.uint64(r % 64)
    found = [np.zeros(1, np.int64) for _ in range(0)]
    for at in order:
        word, bit = at // 64, np.uint64(1) << np.uint64(at % 64)
        pivot = -1
        for r in range(rows):
            if alive[r] and bits[r, word] & bit and (pivot < 0 or weight[r] < weight[pivot]):
                pivot = r
        if pivot < 0:
            continue
        alive[pivot] = False
        for r in range(rows):
            if not alive[r] or not bits[r, word] & bit:
                continue
            if weight[r] + weight[pivot] >= 0.9:
                alive[r] = False
                continue
            weight[r] += weight[pivot]
            odd[r] = odd[r] != odd[pivot]
            for k in range(words):
                bits[r, k] ^= bits[pivot, k]
            for k in range(wide):
                sums[r, k] ^= sums[pivot, k]
            if _lost(bits[r], odd[r], share, 0.95 - weight[r]) < 0.95 - weight[r]:
                held = np.empty(rows, np.int64)
                count = 0
                for k in range(rows):
                    if sums[r, k // 64] & (np.uint64(1) << np.uint64(k % 64)):
                        held[count] = k
                        count += 1
                found.append(held[:count].copy())
                if len(found) >= most:
                    return found
    return found


@inner
def _lost(bits, odd, share, enough):  # type: ignore[no-untyped-def]
    """Return what rounding the loose sites that are left costs; once it is ``enough`` no more is looked at."""
    lost, least = 0.0, 2.0
    for k in range(len(bits)):
        left = bits[k]
        at = k * 64
        while left:
            if left & np.uint64(1):
                x = share[at]
                if x > 0.5:
                    lost += 1.0 - x
                    odd = not odd
                else:
                    lost += x
                least = min(least, abs(1.0 - 2.0 * x))
                if lost >= enough:
                    return lost
            left >>= np.uint64(1)
            at += 1
    return lost if odd else lost + least
