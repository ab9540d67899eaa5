"""What is asked of the sites, as arrays: rows to serve, what each site costs and may do, and every condition."""

from dataclasses import dataclass

import numpy as np

from spatial.siting.ways import Flags, Floats, Ints, Sites, Ways, is_whole, row_of

AS_MANY_AS_NEEDED = -1
PRICE_DIGITS = 5
"""Prices are told apart to so many digits after the point."""
_TOLERANCE = 1e-6
_PRICE_HAIR = 0.5 * 10.0**-PRICE_DIGITS


@dataclass(frozen=True, slots=True)
class CountRule:
    """Of these sites at least ``least`` and at most ``most`` are open; ``text`` names them for the planner."""

    sites: Flags
    least: int
    most: int
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """A siting question.

    Attributes
    ----------
    goal:
        ``sum`` (the least total of weight times cost), ``largest`` (the least largest cost of a row with weight) or
        ``count`` (the least charge of the open sites that serve every row).
    ways:
        What each row pays, per unit of weight, at the sites that may serve it.
    weight, load:
        What a row counts for in the total, and the room it takes at its site.
    missing:
        What a row pays that nobody serves; infinite where every row must be served.
    p, counted:
        Most open sites among those counted; AS_MANY_AS_NEEDED for no limit.
    fixed, banned:
        Sites that are open, and shut, whatever is chosen.
    charge:
        What the goal ``count`` adds up: 1 for a new site, or its price.
    price, budget:
        Money for each site, and in all (infinite for no limit).
    apart:
        Pairs of sites that may not both be open.
    rules:
        Numbers of open sites of some kind.
    capacity, split:
        Room at each site (infinite where it does not matter), and whether a row may be shared by several.
    need:
        A row is served by its ``need``-th nearest open site. Where room matters it is served by the site that has room
        for it, and ``need`` open sites must be able to serve it.
    """

    goal: str
    ways: Ways
    weight: Floats
    load: Floats
    missing: float
    p: int
    counted: Flags
    fixed: Flags
    banned: Flags
    charge: Floats
    price: Floats
    budget: float
    apart: Ints
    rules: tuple[CountRule, ...]
    capacity: Floats
    split: bool
    need: int

    @property
    def rows(self) -> int:
        """Number of rows to serve."""
        return len(self.weight)

    @property
    def is_plain(self) -> bool:
        """Tell whether a number of sites is all that limits the choice."""
        return not (
            self.banned.any() or np.isfinite(self.budget) or len(self.apart) or self.rules or self.has_room_limits
        ) and bool((self.counted | self.fixed).all())

    @property
    def has_room_limits(self) -> bool:
        """Tell whether some site may be full."""
        return bool(np.isfinite(self.capacity).any())

    @property
    def purse(self) -> float:
        """The budget and half of the smallest price there is, so that sums in any order stay on their side of it."""
        return self.budget + max(_PRICE_HAIR, 1e-12 * self.budget)

    @property
    def most(self) -> int:
        """Most counted sites that may be open."""
        every = int(self.counted.sum())
        return every if self.p == AS_MANY_AS_NEEDED else min(self.p, every)


def tally(index: Ints | Sites, amount: Floats, size: int) -> Floats:
    """Return the sum of the amounts at each index."""
    return np.asarray(np.bincount(index, amount, size), dtype=np.float64)


def in_full(amount: float) -> str:
    """Return a number with all of its digits: with those rounded away, what would do may not."""
    return f"{float(amount)!r}".removesuffix(".0")


def row_costs(question: Question, opened: Flags) -> tuple[Floats, Ints]:
    """Return what each row pays with these sites open and no limit of room, and the site that serves it, or -1."""
    ways, need = question.ways, question.need
    entry = np.flatnonzero(opened[ways.site])
    row = row_of(ways)[entry]
    rank = np.arange(len(row)) - np.searchsorted(row, row)
    cost, site = np.full(question.rows, question.missing), np.full(question.rows, -1, dtype=np.int64)
    last = entry[rank == need - 1]
    at = row[rank == need - 1]
    better = ways.cost[last] <= cost[at]
    cost[at[better]], site[at[better]] = ways.cost[last[better]], ways.site[last[better]]
    return cost, site


def value_of(question: Question, opened: Flags, share: Floats | None = None) -> float:
    """Return the goal's value, infinite where a row that must be served is not.

    ``share`` says, where room matters, which part of its row each entry serves.
    """
    if share is None:
        cost = row_costs(question, opened)[0]
        unserved = np.isinf(cost)
    else:
        cost, unserved = _shared_costs(question, share)
    if question.goal == "count":
        return float("inf") if unserved.any() else float(question.charge[opened].sum())
    weighty = question.weight > 0
    if question.goal == "largest":
        return float(cost[weighty].max(initial=0.0))
    if unserved[weighty].any():
        return float("inf")
    return float(cost[weighty] @ question.weight[weighty])


def _shared_costs(question: Question, share: Floats) -> tuple[Floats, Flags]:
    row, n = row_of(question.ways), question.rows
    served = np.bincount(row, share, n)
    left = np.maximum(1.0 - served, 0.0)
    left[left < _TOLERANCE] = 0.0
    if question.goal == "largest":
        cost = np.zeros(n)
        used = share > _TOLERANCE
        np.maximum.at(cost, row[used], question.ways.cost[used])
        cost[left > 0] = question.missing
        return cost, left > 0
    unserved = (left > 0) & np.isinf(question.missing)
    cost = tally(row, share * question.ways.cost, n)
    cost[~unserved] += left[~unserved] * (question.missing if np.isfinite(question.missing) else 0.0)
    return cost, unserved


def broken_rules(question: Question, opened: Flags, share: Floats | None = None) -> list[str]:
    """Return what these open sites break, in words; nothing where they keep every condition."""
    out = []
    if (question.fixed & ~opened).any() or (question.banned & opened).any():
        out.append("a site is open or shut that may not be")
    if (number := int((opened & question.counted).sum())) > question.most:
        out.append(f"{number} sites are open, at most {question.most} may be")
    spent = float(question.price[opened].sum())
    if spent > question.purse:
        out.append(f"the open sites cost {spent:g}, the budget is {question.budget:g}")
    if len(question.apart) and (opened[question.apart].all(axis=1)).any():
        out.append("two open sites are too near to each other")
    numbers = [int((opened & rule.sites).sum()) for rule in question.rules]
    out += [
        f"{number} sites of {rule.text} are open, needed {rule.least} to {rule.most}"
        for rule, number in zip(question.rules, numbers, strict=True)
        if not rule.least <= number <= rule.most
    ]
    return out + ([] if share is None else _broken_rooms(question, opened, share))


def _broken_rooms(question: Question, opened: Flags, share: Floats) -> list[str]:
    out, ways = [], question.ways
    row, used = row_of(ways), share > _TOLERANCE
    if (~opened[ways.site[used]]).any():
        out.append("a shut site serves somebody")
    if (np.bincount(row, share, question.rows) > 1.0 + _TOLERANCE).any():
        out.append("a row is served more than once")
    if not question.split and (np.abs(share - np.round(share)) > _TOLERANCE).any():
        out.append("a row is shared by several sites")
    load = np.bincount(ways.site, share * question.load[row], len(opened))
    if (load > question.capacity * (1 + 1e-7) + 1e-6).any():
        out.append("a site is fuller than it may be")
    if question.need > 1:
        reach = np.bincount(row, opened[ways.site], question.rows)
        served = np.bincount(row, share, question.rows) > _TOLERANCE
        if (reach[served] < question.need).any():
            out.append("a row lacks a site in reserve")
    return out


def has_whole_values(question: Question) -> bool:
    """Tell whether every value of the goal is a whole number."""
    if question.goal == "count":
        return is_whole(question.charge)
    if question.goal == "largest":
        return is_whole(question.ways.cost)
    return not question.split and is_whole(question.weight, question.ways.cost, np.array([question.missing]))
