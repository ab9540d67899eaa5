"""How many of the sites of a p-median go to each of several places that share nothing else, and which?

Each place is a p-median of its own for every number of sites; what these cost at least is put together by dynamic
programming over the number, and those that make the least sum are looked at more closely, until they are known. Gaps of
the places then add up, where one tree over all of them would have to multiply their nodes. A narrow place is looked at
with all numbers at once, any other with one at a time.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import gcd, inf

import numpy as np

from spatial.siting.median.branch import Best, Searched
from spatial.siting.median.core import Core
from spatial.siting.median.cuts import begin, lift
from spatial.siting.median.places import Places, saved_by_site
from spatial.siting.median.price import raise_prices
from spatial.siting.median.sweep import Strip, lay_out, sweep
from spatial.siting.median.terms import Terms, ask
from spatial.siting.ways import Deadline, Floats, Ints, Ways
from spatial.walking.compiled import kernel

_SWEPT, _ROUNDS = 0, (0, 40)
"""First a place with a number of sites is swept, as often as it takes. If it is too wide for that, most rounds of cuts
in the first and in the second look at it."""
_KNOWN = 3
"""The level at which the next look solves it, and how well it is known when it is solved: one more."""
_BARELY = 1e-5
"""A number of sites is not known by a sweep that goes less than this share of a step beyond what it costs at least."""
_SHORT, _LONGER, _LONG = 1 << 18, 2.0, 1.25
"""A sweep that began fewer sets is followed by one that goes so many times as far; any other one by a little."""
_PLAIN = 12
"""A place of so few sites is solved at once."""
_FINE_STEPS, _FINE_PACE = 3, 0.01


@dataclass(frozen=True, slots=True)
class _Table:
    """What a place costs at least, how well that is known, and which of its sites are best, by number of sites.

    All are written to as more becomes known, as well as how far the last sweep went and how many sets it began. Places
    that are the same have one table.
    """

    strip: Strip
    least: Floats
    level: Ints
    sites: dict[int, Ints]
    swept: Floats


Solve = Callable[[Terms], tuple[Ints, float]]
"""Returns the names of the best set found and a bound, infinite if nothing at or below the goal is left."""


def share_sites(
    terms: Terms, places: Places, best: Best, solve: Solve, deadline: Deadline, watch: Callable[[float, float], bool]
) -> Searched:
    """Return the best set at or below the goal of the places, or proof that none is, as far as there is time.

    The places were made for sets that are better than ``best``.
    """
    tables = _guesses(places, best.value)
    looks = 0
    while True:
        sums = _sums([table.least for table in tables], places.p)
        bound = places.rest + float(sums[-1][places.p])
        numbers = _numbers(sums, tables, places.p)
        level = np.array([table.level[k] for table, k in zip(tables, numbers, strict=True)], np.int64)
        known = bool((level > _KNOWN).all())
        if known:
            best = _joined(terms, places, tables, numbers, best)
        if bound > terms.goal(best.value):
            return Searched(best.names, best.value, best.value, looks, False)
        stopped = not deadline.left() or not watch(best.value, bound)
        if stopped or known:
            return Searched(best.names, best.value, bound, looks, stopped)
        others = _others(sums, tables, numbers, places.p)
        for c in _next(places, level):
            if tables[c].level[numbers[c]] > level[c]:
                continue  # known by now: another place is the same
            upper = best.value - places.rest - others[c]
            _look(tables[c], numbers[c], upper, terms.step, solve, deadline)
            looks += 1


def _next(places: Places, level: Ints) -> Ints:
    """Return the places to look at next: all those known least, or, once only solving is left, the smallest."""
    least = np.flatnonzero(level == level.min())
    if level.min() < _KNOWN:
        return least
    return least[[np.argmin([len(places.cores[c].names) for c in least])]]


def _look(table: _Table, k: int, upper: float, step: float, solve: Solve, deadline: Deadline) -> None:
    """Raise what a place with ``k`` sites costs at least, sets at or above ``upper`` not counting.

    Totals of the whole differ by multiples of ``step``. Those of a place may by larger ones, up to its cap, which would
    make nothing of its bound.
    """
    core = table.strip.core
    asked = ask(Ways(core.ptr, core.site, core.cost, len(core.names)), core.weight, k, None, core.cap)
    asked = replace(asked, step=float(gcd(int(asked.step), int(step))))
    if table.level[k] < _KNOWN and len(core.names) > max(_PLAIN, k) and k:
        if table.level[k] == _SWEPT:
            _sweep(table, k, asked, upper, deadline)
        else:
            _lift(table, k, replace(asked, upper=asked.bound(upper)), deadline)
    else:
        asked = replace(asked, upper=asked.bound(upper))
        names, bound = solve(asked)
        bound = min(bound, asked.upper, asked.cost_of(names))
        table.level[k], table.sites[k] = _KNOWN + 1, names
        table.least[k] = max(table.least[k], asked.bound(bound))
    # Fewer sites cost no less.
    table.least[:] = np.maximum.accumulate(table.least[::-1])[::-1]


def _sweep(table: _Table, k: int, asked: Terms, upper: float, deadline: Deadline) -> None:
    """Raise what a place costs at least with any number of sites, with ``k`` by a step if it is not known then."""
    most = _limit(table, k, asked.step, upper)
    told = sweep(table.strip, most, deadline)
    if told is None:
        table.level[table.level == _SWEPT] += 1
        return
    table.swept[:] = most - table.strip.bound(), told.begun
    for number in range(len(table.least)):
        if number in told.sites:
            table.level[number], table.sites[number] = _KNOWN + 1, told.sites[number]
            table.least[number] = asked.cost_of(told.sites[number])
        else:
            table.least[number] = max(table.least[number], asked.bound(most - table.strip.fee * number))


def _limit(table: _Table, k: int, step: float, upper: float) -> float:
    """Return how dear sets are looked for, with fees: so dear that ``k`` sites are known or cost a step more, farther
    where the last sweep was short, no farther than ``upper``."""
    fee, bound = table.strip.fee, table.strip.bound()
    needed = step * (np.floor((table.least[k] + fee * k - bound) / step + _BARELY) + 1.0)
    last, begun = table.swept
    farther = last * (_LONGER if begun < _SHORT else _LONG)
    return bound + float(max(needed, min(farther, upper + fee * k - bound)))


def _lift(table: _Table, k: int, asked: Terms, deadline: Deadline) -> None:
    """Raise what a place with ``k`` sites costs at least by rounds of cuts."""
    core, rounds = replace(table.strip.core, p=k), _ROUNDS[table.level[k] - 1]
    goal = asked.goal(inf)
    lifted = lift(begin(core, table.strip.price), goal, deadline, rounds=rounds, seed=0)
    if lifted is None:
        table.level[k] = _KNOWN
        return
    told = raise_prices(lifted.core, lifted.price, goal=goal, upper=asked.upper, steps=_FINE_STEPS, pace=_FINE_PACE)
    table.level[k] += 1
    table.least[k] = max(table.least[k], asked.bound(told.bound))


def _guesses(places: Places, value: float) -> list[_Table]:
    """Return the first table of each place; the best known set costs ``value``."""
    known: dict[bytes, _Table] = {}
    pairs = list(zip(places.cores, places.prices, strict=True))
    earned = sum(float(np.maximum(saved_by_site(core, price) - places.fee, 0.0).sum()) for core, price in pairs)
    bound = places.rest + sum(float(core.weight @ price) for core, price in pairs) - earned - places.fee * places.p
    for core, price in pairs:
        if _told(core) not in known:
            known[_told(core)] = _guess(lay_out(core, price, places.fee, max(value - bound, 0.0)))
    return [known[_told(core)] for core in places.cores]


def _told(core: Core) -> bytes:
    """Return what makes a place the same as another."""
    return b"".join(part.tobytes() for part in (core.ptr, core.site, core.cost, core.cap, core.weight))


def _guess(strip: Strip) -> _Table:
    """Return what the prices say of a place with every number of sites."""
    core, price = strip.core, strip.price
    least: Floats = strip.paid() - np.append(0.0, np.cumsum(np.sort(saved_by_site(core, price))[::-1]))
    return _Table(strip, least, np.zeros(len(least), np.int64), {}, np.zeros(2))


def _joined(terms: Terms, places: Places, tables: list[_Table], numbers: list[int], best: Best) -> Best:
    """Return the better of the best set and what the places with these numbers of sites are together."""
    parts = [core.names[table.sites[k]] for core, table, k in zip(places.cores, tables, numbers, strict=True)]
    names = np.concatenate((np.array(places.opened, np.int64), *parts))
    value = terms.cost_of(names)
    return Best(names, value) if value < best.value else best


def _sums(least: list[Floats], p: int) -> list[Floats]:
    """Return what the first places, none to all, cost at least with 0 to ``p`` sites at most."""
    sums = [np.zeros(p + 1)]
    for one in least:
        sums.append(join_counts(sums[-1], one))
    return sums


def _numbers(sums: list[Floats], tables: list[_Table], p: int) -> list[int]:
    """Return the number of sites of each place in the least sum, ties with fewer."""
    numbers = [0] * len(tables)
    for c in range(len(tables) - 1, -1, -1):
        least = tables[c].least[: p + 1]
        numbers[c] = int(np.argmin(least + sums[c][p - np.arange(len(least))]))
        p -= numbers[c]
    return numbers


def _others(sums: list[Floats], tables: list[_Table], numbers: list[int], p: int) -> list[float]:
    """Return what all places but one cost at least with the sites that it leaves, by place."""
    after, others = np.zeros(p + 1), [0.0] * len(tables)
    for c in range(len(tables) - 1, -1, -1):
        room = p - numbers[c]
        others[c] = float((sums[c][: room + 1] + after[: room + 1][::-1]).min())
        after = join_counts(after, tables[c].least)
    return others


@kernel
def join_counts(one, other):  # type: ignore[no-untyped-def]
    """Return the least sums of two tables by number, for each number that both together may have at most."""
    least = np.full(len(one), np.inf)
    for k in range(len(one)):
        for j in range(min(k + 1, len(other))):
            least[k] = min(least[k], one[k - j] + other[j])
    return least
