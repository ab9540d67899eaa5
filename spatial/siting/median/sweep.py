"""What does a narrow p-median cost with every number of sites, all at once?

Sites are decided one after the other along the question. What the decided ones mean for the others is how near the
best of them is for each row that lists sites on both sides; sets that agree in that, and in their number, go on as the
cheapest of them alone (dynamic programming along a path decomposition). Prices of the rows tell of every set begun how
much it wastes: a site that saves less than its fee, a row saving twice or paying more than its price. All that is
never regained, so sets that waste more than is asked for are dropped, which leaves few.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from spatial.siting.median.along import order_along
from spatial.siting.median.core import Core
from spatial.siting.median.price import raise_prices
from spatial.siting.ways import Deadline, Floats, Ints
from spatial.walking.compiled import inner, kernel

_ABREAST, _IN_ALL = 1 << 17, 1 << 23
"""Most sets begun that are told apart after one site (a power of two), and in all."""
_BITS = 64
_STEPS, _PACE = 400, 0.5
_ROUNDED = 1e-15
_WORD, _SHIFT, _LEVEL, _NONE, _FIRST_LEVEL, _BEGINS, _ENDS = range(7)
_BEFORE, _AFTER, _PRICE, _WEIGHT = range(4)
_SEED, _MIXED = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)
_HALF = np.uint64(32)


@dataclass(frozen=True, slots=True)
class Strip:
    """A connected question, a fee for each open site, prices by row that bound what sets cost with it, and the order of
    the sites along it."""

    core: Core
    fee: float
    price: Floats
    order: Ints

    def bound(self) -> float:
        """Return what any set costs at least with the fee for each site."""
        worth = _worth(self.core, self.price, self.fee)
        return self.core.base + self.paid() + float(np.minimum(worth, 0.0).sum())

    def paid(self) -> float:
        """Return what all rows pay at these prices, less what rounding may add to it."""
        return float(self.core.weight @ self.price) - _ROUNDED * float(self.core.weight @ np.abs(self.price))


@dataclass(frozen=True, slots=True)
class Swept:
    """The best set for each number of sites for which one was looked for, and how many sets were begun in all."""

    sites: dict[int, Ints]
    begun: int


@dataclass(frozen=True, slots=True)
class _Course:
    """Entries in the order in which their sites are decided: ``start`` has where those of a site begin.

    ``whole`` has, by entry, the word and the shift of what is kept of its row, the level of its cost, the level of no
    open site, where the levels of its row begin in ``cost``, and whether it is the first and the last of its row;
    ``real`` the cheapest entry of the row from this one on and after it, and the row's price and weight. A level is
    kept in the bits of ``mask``, all of them in so many ``words``.
    """

    start: Ints
    whole: Ints
    real: Floats
    cost: Floats
    mask: np.uint64
    words: int


def lay_out(core: Core, price: Floats, fee: float, gap: float) -> Strip:
    """Return the question with the best prices near the given ones for a fee; sets may be ``gap`` above its bound."""
    asked = replace(core, p=-1, fee=core.fee + fee)
    told = raise_prices(asked, price, goal=np.inf, upper=np.inf, steps=1, pace=0.0)
    told = raise_prices(asked, told.price, goal=np.inf, upper=told.bound + gap, steps=_STEPS, pace=_PACE)
    return Strip(core, fee, told.price, order_along(core))


def sweep(strip: Strip, most: float, deadline: Deadline) -> Swept | None:
    """Return the best sets that cost at most ``most`` with the fees.

    With any other number all sets cost more. The nearer ``most`` is to the bound the fewer sets are begun; where they
    are too many, or time is up, the answer is None.
    """
    core, limit = strip.core, most - strip.bound()
    if limit < 0.0:
        return Swept({}, 0)
    course = _course(_shortened(core, strip.price + limit / core.weight), strip.price, strip.order)
    worth = _worth(core, strip.price, strip.fee)[strip.order]
    key = np.zeros((2, _ABREAST + 1, course.words), np.uint64)
    number, waste = np.zeros((2, _ABREAST + 1), np.int64), np.zeros((2, _ABREAST + 1))
    table, parent = np.empty(4 * _ABREAST, np.int64), np.empty(_ABREAST, np.int64)
    parents, n, in_all = [], 1, 0
    for t in range(len(worth)):
        n = int(decide_site(
            key, number, waste, n, t % 2, course.start[t], course.start[t + 1], course.whole, course.real, course.cost,
            worth[t], limit, course.mask, table, parent,
        ))  # fmt: skip
        in_all += n
        if n < 0 or in_all > _IN_ALL or not deadline.left():
            return None
        parents.append(parent[:n].astype(np.int32))
    ended = number[len(worth) % 2, :n]
    return Swept({int(k): _traced(strip.order, parents, at) for at, k in enumerate(ended)}, in_all)


def _worth(core: Core, price: Floats, fee: float) -> Floats:
    """Return each site's fees less what it saves all rows at these prices."""
    row = np.repeat(np.arange(len(core.cap)), np.diff(core.ptr))
    saved = core.weight[row] * np.maximum(price[row] - core.cost, 0.0)
    return core.fee + fee - np.bincount(core.site, saved, len(core.names))


def _shortened(core: Core, spare: Floats) -> Core:
    """Return the question with entries at or below ``spare`` by row; what is beyond costs as the next."""
    row = np.repeat(np.arange(len(core.cap)), np.diff(core.ptr))
    near = core.cost <= spare[row]
    beyond = np.minimum.reduceat(np.where(near, np.inf, core.cost), core.ptr[:-1])
    ptr = np.r_[0, np.cumsum(np.bincount(row[near], minlength=len(core.cap)))]
    return replace(core, ptr=ptr, site=core.site[near], cost=core.cost[near], cap=np.minimum(core.cap, beyond))


def _course(core: Core, price: Floats, order: Ints) -> _Course:
    """Return the course along the question."""
    n, m = len(core.cap), len(core.names)
    row = np.repeat(np.arange(n), np.diff(core.ptr))
    at = np.empty(m, np.int64)
    at[order] = np.arange(m)
    begins = np.r_[True, np.diff(row) > 0]
    steps = np.flatnonzero(begins | np.r_[True, np.diff(core.cost) != 0.0])
    level = np.searchsorted(steps, np.arange(len(row)), side="right") - 1
    first = level[core.ptr[:-1]]
    count = np.append(first[1:], len(steps)) - first
    # Each row has one level more than costs: no open site.
    cost = np.insert(core.cost[steps], first + count, core.cap)
    offset = first + np.arange(n)
    whole = np.zeros((len(row), 7), np.int64)
    real = np.empty((len(row), 4))
    whole[:, _LEVEL], whole[:, _NONE], whole[:, _FIRST_LEVEL] = level - first[row], count[row], offset[row]
    real[:, _PRICE], real[:, _WEIGHT] = price[row], core.weight[row]
    by_row = np.lexsort((at[core.site], row))
    whole, real, place = whole[by_row], real[by_row], at[core.site[by_row]]
    real[:, _BEFORE], real[:, _AFTER] = nearest_left(row, core.cost[by_row])
    whole[:, _BEGINS], whole[:, _ENDS] = begins, np.r_[begins[1:], True]
    by_site = np.argsort(place, kind="stable")
    whole, real = whole[by_site], real[by_site]
    slot, bits = give_slots(row[by_site], whole[:, _BEGINS], whole[:, _ENDS], n), int(count.max()).bit_length()
    whole[:, _WORD], whole[:, _SHIFT] = slot // (_BITS // bits), slot % (_BITS // bits) * bits
    start = np.searchsorted(place[by_site], np.arange(m + 1))
    return _Course(start, whole, real, cost, np.uint64((1 << bits) - 1), int(whole[:, _WORD].max()) + 1)


def _traced(order: Ints, parents: list[Any], at: int) -> Ints:
    """Return the sites of a set that ended."""
    sites = []
    for site, parent in zip(order[::-1], parents[::-1], strict=True):
        code = int(parent[at])
        at = code >> 1
        if code & 1:
            sites.append(site)
    return np.sort(np.array(sites, np.int64))


@kernel
def nearest_left(row, cost):  # type: ignore[no-untyped-def]
    """Return the least cost of each row from each of its entries on, and after it; infinite after the last."""
    before, after = np.empty(len(row)), np.empty(len(row))
    for k in range(len(row) - 1, -1, -1):
        after[k] = before[k + 1] if k + 1 < len(row) and row[k + 1] == row[k] else np.inf
        before[k] = min(cost[k], after[k])
    return before, after


@kernel
def give_slots(row, begins, ends, rows):  # type: ignore[no-untyped-def]
    """Return the slot of the row of each entry, free again after its last."""
    free, held, slot = np.empty(rows, np.int64), np.zeros(rows, np.int64), np.empty(len(row), np.int64)
    waiting, slots = 0, 0
    for k in range(len(row)):
        if begins[k]:
            if waiting:
                waiting -= 1
                held[row[k]] = free[waiting]
            else:
                held[row[k]] = slots
                slots += 1
        slot[k] = held[row[k]]
        if ends[k]:
            free[waiting] = slot[k]
            waiting += 1
    return slot


@kernel
def decide_site(key, number, waste, n, here, begin, end, whole, real, cost, worth, limit, mask, table, parent):  # type: ignore[no-untyped-def]
    """Go on with each of ``n`` sets begun, with the site and without; return how many there are then, -1 if too many.

    A set has a row in ``key``, the levels of its rows, packed, a number of sites, and a waste; each of these has a half
    for the sets begun and one for those that go on. ``parent`` is twice the set begun, odd with the site.
    """
    there, made, size = 1 - here, np.int64(0), np.int64(4)
    while size < 4 * n:
        size *= 2
    for k in range(size):
        table[k] = -1
    for s in range(n):
        for flag in range(2):
            paid = waste[here, s] + max(0.0, worth if flag else -worth)
            if paid > limit:
                continue
            for w in range(key.shape[2]):
                key[there, made, w] = key[here, s, w]
            number[there, made] = number[here, s] + flag
            paid = _decided(key[there, made], begin, end, whole, real, cost, flag, paid, limit, mask)
            if paid > limit:
                continue
            k = _found(table, size, key[there], number[there], made)
            if k == made:
                made += 1
                if made == len(parent):
                    return np.int64(-1)
            elif paid >= waste[there, k]:
                continue
            waste[there, k] = paid
            parent[k] = 2 * s + flag
    return made


@inner
def _decided(key, begin, end, whole, real, cost, flag, paid, limit, mask):  # type: ignore[no-untyped-def]
    """Change the levels of the rows of a site that opens or stays shut; return the waste then.

    It is not added up any further once it is beyond the limit.
    """
    for k in range(begin, end):
        word, shift = whole[k, _WORD], np.uint64(whole[k, _SHIFT])
        base, price, mass, after = whole[k, _FIRST_LEVEL], real[k, _PRICE], real[k, _WEIGHT], real[k, _AFTER]
        level = whole[k, _NONE] if whole[k, _BEGINS] else np.int64((key[word] >> shift) & mask)
        before = cost[base + level]
        if flag:
            own = cost[base + whole[k, _LEVEL]]
            paid += mass * max(0.0, price - max(own, before))
            level = min(level, whole[k, _LEVEL])
        now = cost[base + level]
        paid += mass * (max(0.0, min(now, after) - price) - max(0.0, min(before, real[k, _BEFORE]) - price))
        if paid > limit:
            return paid
        # Nothing that is left is nearer: how near the best is no longer matters.
        if now <= after:
            level = 0
        key[word] = (key[word] & ~(mask << shift)) | (np.uint64(level) << shift)
    return paid


@inner
def _found(table, size, key, number, made):  # type: ignore[no-untyped-def]
    """Return which set begun has the key and number of the last one; the last one itself, noted, if none has."""
    code = np.uint64(number[made]) * _SEED
    for w in range(key.shape[1]):
        code = (code ^ key[made, w]) * _SEED
        code = (code ^ (code >> _HALF)) * _MIXED
    at = np.int64((code ^ (code >> _HALF)) & np.uint64(size - 1))
    while table[at] >= 0:
        k = table[at]
        same = number[k] == number[made]
        for w in range(key.shape[1]):
            same = same and key[k, w] == key[made, w]
        if same:
            return np.int64(k)
        at = (at + 1) & (size - 1)
    table[at] = made
    return np.int64(made)
