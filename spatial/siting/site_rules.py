"""What do conditions say of single sites? Who is open, shut or too near, what each costs, how many there may be."""

import numpy as np
from scipy.spatial import cKDTree

from spatial.errors import InfeasibleError, InputError
from spatial.siting.conditions import Conditions
from spatial.siting.question import AS_MANY_AS_NEEDED, PRICE_DIGITS, CountRule
from spatial.siting.setting import Places, Setting
from spatial.siting.ways import Flags, Floats, Ints


def place_sites(places: Places, conditions: Conditions) -> tuple[Flags, Flags, Ints]:
    """Return who is open and shut whatever is chosen, and the pairs that stand too near to each other."""
    fixed = places.existing & (not conditions.closable)
    banned = np.zeros(len(fixed), dtype=bool)
    if conditions.spacing_m <= 0:
        return fixed, banned, np.zeros((0, 2), dtype=np.int64)
    unknown = np.flatnonzero(~np.isfinite(places.xy).all(axis=1))
    if len(unknown):
        raise InputError(f"siting: site {places.ids[unknown[0]]!r} has no coordinates; a spacing needs them")
    near = cKDTree(places.xy).query_pairs(conditions.spacing_m, output_type="ndarray").astype(np.int64)
    gaps = np.hypot(*(places.xy[near[:, 0]] - places.xy[near[:, 1]]).T)
    near = near[(gaps < conditions.spacing_m) & ~places.existing[near].all(axis=1)]
    sides = fixed[near]
    banned[near[sides[:, 0]][:, 1]] = banned[near[sides[:, 1]][:, 0]] = True
    banned &= ~fixed
    free = ~sides.any(axis=1) & ~banned[near].any(axis=1)
    pairs = near[free]
    return fixed, banned, pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def known_prices(places: Places, conditions: Conditions) -> Floats:
    """Return what it costs to open each site; nothing where it is open, and missing where that is not known."""
    given = np.array([conditions.mode_prices.get(str(mode), np.nan) for mode in places.marks["mode"]], dtype=np.float64)
    return np.where(places.existing, 0.0, np.where(np.isnan(places.price), given, places.price))


def price_sites(places: Places, conditions: Conditions) -> Floats:
    """Return what it costs to open each site; nothing where it is open.

    Raises
    ------
    InputError
        If that is not known of a site, or no number of at least 0.
    """
    price = known_prices(places, conditions)
    bad = np.flatnonzero(~((price >= 0) & np.isfinite(price)))
    if len(bad):
        raise InputError(
            f"candidates: {places.ids[bad[0]]!r} has cost {price[bad[0]]:g} (mode {places.marks['mode'][bad[0]]!r}); "
            "money needs a cost of at least 0 for every candidate, or a price for its mode"
        )
    return np.asarray(np.round(price, PRICE_DIGITS))


def charge_sites(places: Places, conditions: Conditions, fixed: Flags) -> Floats:
    """Return what each site counts where the fewest are sought: its price where the cheapest are, else one if new."""
    if conditions.cheapest:
        return price_sites(places, conditions)
    return (~fixed).astype(np.float64)


def count_rules(places: Places, conditions: Conditions) -> tuple[CountRule, ...]:
    """Return how many sites of each kind, and of each value of a column, there may be."""
    size = len(places.ids)
    rules = [
        CountRule(_mark(places, rule.column) == rule.value, rule.least, size if rule.most is None else rule.most,
                  f"{rule.column} {rule.value!r}")
        for rule in conditions.kinds
    ]  # fmt: skip
    if conditions.each_of:
        marks = _mark(places, conditions.each_of)
        names = sorted({str(one) for one in marks} - {""})
        rules += [CountRule(marks == name, 1, size, f"{conditions.each_of} {name!r}") for name in names]
    return tuple(rules)


def check_kinds(places: Places, conditions: Conditions) -> None:
    """Refuse a rule about a kind that no site is of: it is misspelt, or about another table.

    Raises
    ------
    InputError
        If no site has the value.
    """
    for rule in conditions.kinds:
        marks = _mark(places, rule.column)
        if not (marks == rule.value).any():
            known = ", ".join(sorted({repr(str(one)) for one in marks})[:8])
            raise InputError(f"candidates: no site has {rule.column} {rule.value!r}; found {known}")


def _mark(places: Places, column: str) -> Ints:
    if column not in places.marks:
        raise InputError(f"candidates: found no column {column!r}; known are {', '.join(sorted(places.marks))}")
    return places.marks[column]


def number_of_sites(setting: Setting, p: int | None, conditions: Conditions) -> int:
    """Return p as the question counts it, checked.

    Raises
    ------
    InputError, InfeasibleError
        If it is below 1, or above the number of sites.
    """
    if p is None:
        return AS_MANY_AS_NEEDED
    if p < 1:
        raise InputError(f"siting: p is {p}; needed at least one new site")
    sites = len(setting.places.ids) if conditions.closable else int((~setting.places.existing).sum())
    if p > sites:
        raise InfeasibleError(f"siting: {p} new sites are asked for but only {sites} candidates are given")
    return p
