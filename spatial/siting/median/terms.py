"""What is asked of a p-median, what does a set of sites cost in truth, and when is one set better than another?"""

from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np

from spatial.errors import InfeasibleError, InputError
from spatial.siting.ways import (
    Deadline,
    Flags,
    Floats,
    Found,
    Ints,
    Ways,
    closes,
    confirm,
    is_whole,
    median_value,
    row_of,
    serving,
)

_SETS = 5_000
_SET_VISITS = 20_000_000
"""Most sets, and most looks at costs, of an enumeration."""
_CHUNK = 2_000_000
_RELATIVE = 1e-9
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class Terms:
    """The question: costs, weights, what a row pays at most (finite), flags of fixed sites, and new sites at most.

    ``step`` is a number that all totals differ by multiples of; 0 where costs or weights are not whole. ``missing`` is
    the cost without an open site as it was asked: infinite where the cap only outweighs all else. Sets at or above
    ``upper`` are of no use to whoever asks.
    """

    ways: Ways
    weight: Floats
    cap: Floats
    missing: Floats
    fixed: Flags
    p: int
    step: float
    upper: float = np.inf

    def cost_of(self, names: Ints) -> float:
        """Return the total with the named sites and the fixed ones open, by plain sums."""
        return median_value(self.ways, self.weight, self.opened(names), self.cap)

    def opened(self, names: Ints) -> Flags:
        """Return the flags of the named sites and the fixed ones."""
        flags = self.fixed.copy()
        flags[names] = True
        return flags

    def goal(self, value: float) -> float:
        """Return the total that everything of use and better than ``value`` stays at or below."""
        value = min(value, self.upper)
        return value - (self.step * (1 - _ROUNDING) if self.step else _RELATIVE * max(abs(value), 1e-300))

    def bound(self, bound: float) -> float:
        """Return a bound rounded up to a total that is possible."""
        return float(np.ceil(bound / self.step - _ROUNDING) * self.step) if self.step else bound


def ask(ways: Ways, weight: Floats | Ints, p: int, fixed: Flags | None, missing: float | Floats) -> Terms:
    """Return the question, checked.

    Raises
    ------
    InputError
        If lengths differ, a weight is negative, or ``p`` is.
    InfeasibleError
        If a row has to be served and lists no site.
    """
    mass = np.asarray(weight, np.float64)
    opened = np.zeros(ways.sites, bool) if fixed is None else np.asarray(fixed, bool)
    if len(mass) != ways.rows or len(opened) != ways.sites:
        raise InputError(f"siting: {len(mass)} weights and {len(opened)} flags for {ways.rows} x {ways.sites} costs")
    bad = np.flatnonzero(~(mass >= 0.0) | ~np.isfinite(mass))
    if len(bad):
        raise InputError(f"siting: weight {mass[bad[0]]} of row {bad[0]}; needed a finite number of at least 0")
    if p < 0:
        raise InputError(f"siting: {p} new sites asked for; needed at least 0")
    else_cost = np.array(np.broadcast_to(np.asarray(missing, np.float64), ways.rows))
    if bool((np.isnan(else_cost) | (else_cost < 0)).any()):
        raise InputError("siting: the cost without an open site has to be a number of at least 0, or infinite")
    alone = np.flatnonzero((mass > 0) & (np.diff(ways.ptr) == 0) & np.isinf(else_cost))
    if len(alone):
        raise InfeasibleError(f"siting: row {alone[0]} has to be served and lists no site ({len(alone)} such rows)")
    cap = np.minimum(serving(ways, opened)[1], else_cost)
    cap = np.where(np.isfinite(cap), cap, _prohibitive(ways, mass, else_cost))
    return Terms(ways, mass, cap, else_cost, opened, int(p), _step(ways.cost, else_cost, mass))


def finish(terms: Terms, names: Ints, bound: float, deadline: Deadline, *notes: str) -> Found:
    """Return the answer, without sites that nobody needs; an infinite bound stands for a proof."""
    asks = terms.weight > 0
    site, cost = serving(terms.ways, terms.opened(names))
    used = np.zeros(terms.ways.sites, bool)
    used[site[asks & (cost < terms.missing)]] = True
    opened = terms.fixed | used
    value = median_value(terms.ways, terms.weight, opened, terms.missing)
    bound = min(terms.bound(bound), value) if np.isfinite(bound) else value if bound > 0 else 0.0
    proved = closes(value, bound, whole=terms.step > 0)
    found = Found(opened, value, value if proved else bound, proved, deadline.spent(), notes)
    return confirm(found, median_value(terms.ways, terms.weight, terms.opened(names), terms.missing))


def can_enumerate(terms: Terms) -> bool:
    """Tell whether all sets can be compared within milliseconds."""
    sets = comb(int((~terms.fixed).sum()), terms.p)
    return sets <= _SETS and sets * terms.ways.rows * terms.p <= _SET_VISITS


def enumerate_sets(terms: Terms) -> Ints:
    """Return the best of all sets of ``p`` free sites; the first of equals."""
    asks = np.flatnonzero(terms.weight > 0)
    names = np.flatnonzero(~terms.fixed)
    full = np.full((terms.ways.sites, terms.ways.rows), np.inf)
    full[terms.ways.site, row_of(terms.ways)] = terms.ways.cost
    table = np.minimum(full[names], terms.cap)[:, asks]
    sets = np.array(list(combinations(range(len(names)), terms.p)))
    totals = np.empty(len(sets))
    chunk = max(1, _CHUNK // max(len(asks), 1))
    for start in range(0, len(sets), chunk):
        part = sets[start : start + chunk]
        least = table[part[:, 0]]
        for column in part.T[1:]:
            least = np.minimum(least, table[column])
        totals[start : start + chunk] = least @ terms.weight[asks]
    best: Ints = names[sets[int(totals.argmin())]]
    return best


def _prohibitive(ways: Ways, weight: Floats, missing: Floats) -> float:
    """Return a cost that, paid by any one row, outweighs the largest total in which every row is served."""
    row = np.flatnonzero((weight > 0) & (np.diff(ways.ptr) > 0))
    dearest = ways.cost[ways.ptr[row + 1] - 1]
    dearest = np.maximum(dearest, np.where(np.isfinite(missing[row]), missing[row], 0.0))
    lightest = float(weight[weight > 0].min(initial=1.0))
    return float(np.ceil((float(weight[row] @ dearest) + 1.0) / min(lightest, 1.0)))


def _step(cost: Floats, missing: Floats, weight: Floats) -> float:
    """Return the greatest number that all totals are multiples of; 0 where they are not whole."""
    if not is_whole(cost, missing, weight):
        return 0.0
    each = int(np.gcd.reduce(cost.astype(np.int64), initial=0))
    each = int(np.gcd.reduce(missing[np.isfinite(missing)].astype(np.int64), initial=each))
    mass = int(np.gcd.reduce(weight.astype(np.int64), initial=0))
    return float(each * mass) if each * mass else 1.0
