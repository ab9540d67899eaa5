"""Siting questions of every kind at random, and their answers by trying every set of sites, and every assignment."""

from dataclasses import replace
from itertools import combinations, product
from typing import Any

import numpy as np

from spatial.siting.conditions import Conditions, KindRule, LevelRule
from spatial.siting.question import AS_MANY_AS_NEEDED
from spatial.siting.setting import Homes, Places, Setting
from spatial.siting.ways import build_ways

CUTOFF = 9.0


def random_setting(rng: np.random.Generator, *, sites: int = 6, homes: int = 7) -> Setting:
    """So many sites and homes at most; walks of 0 to 19, some unknown; a few sites open; prices, kinds, streets."""
    n, m = int(rng.integers(1, homes + 1)), int(rng.integers(1, sites + 1))
    row, col = np.nonzero(rng.random((n, m)) < rng.choice([0.5, 0.9, 1.0]))
    ways = build_ways(row, col, rng.integers(0, 20, len(row)).astype(float), n, m)
    places = Places(
        ids=np.array([f"s{i}" for i in range(m)], dtype=object),
        existing=(rng.random(m) < 0.2) & (np.arange(m) > 0),
        price=rng.integers(1, 9, m).astype(float),
        room=rng.integers(2, 16, m).astype(float),
        xy=rng.integers(0, 30, (m, 2)).astype(float),
        marks={
            "kind": rng.choice(["hall", "shop"], m).astype(object),
            "mode": rng.choice(["new", "share"], m).astype(object),
            "street": rng.choice(["east", "west"], m).astype(object),
        },
        level=rng.integers(1, 3, m),
    )
    people = {"households": rng.integers(1, 9, n).astype(float), "elderly": rng.integers(0, 5, n).astype(float)}
    names = np.array([f"h{i}" for i in range(n)], dtype=object)
    return Setting(places, Homes(names, people, people["households"]), ways, {})


def random_conditions(rng: np.random.Generator, model: str, *, room: bool = False) -> Conditions:
    """Some of all conditions."""
    out = Conditions(refuse_unreachable=False, room=room)
    if rng.random() < 0.3:
        out = replace(out, budget=float(rng.integers(3, 20)))
    if rng.random() < 0.3:
        out = replace(out, spacing_m=float(rng.integers(2, 15)))
    if rng.random() < 0.2:
        out = replace(out, closable=True)
    if rng.random() < 0.3:
        out = replace(out, backup=2)
    if rng.random() < 0.3:
        out = replace(out, kinds=(KindRule("kind", "hall", int(rng.integers(0, 2)), int(rng.integers(1, 4))),))
    if rng.random() < 0.3:
        out = replace(out, each_of="street")
    if rng.random() < 0.3:
        out = replace(out, weights={"households": 1.0, "elderly": 2.0})
    if rng.random() < 0.3:
        out = replace(out, cutoffs={"households": 12.0, "elderly": 6.0})
    if rng.random() < 0.2 and not room and not out.cutoffs:
        out = replace(out, levels=(LevelRule(1, 8.0), LevelRule(2, 15.0, 2.0)))
    if model == "max_cover" and rng.random() < 0.3:
        out = replace(out, full_until=4.0)
    if model == "set_cover" and rng.random() < 0.3:
        out = replace(out, cheapest=True)
    return out


def rows_of(setting: Setting, conditions: Conditions, cutoff: float) -> list[dict[str, Any]]:
    """Who asks, word for word: one row per home, group and level, with the walks that count."""
    walks = walk_table(setting)
    weights = dict(conditions.weights) or {"households": 1.0}
    for name in conditions.cutoffs:
        weights.setdefault(name, 1.0)
    levels = [(one.level, one.cutoff, one.weight) for one in conditions.levels] or [(-1, None, 1.0)]
    out = []
    for level, own, factor in levels:
        for home in range(len(setting.homes.ids)):
            parts = {name: setting.homes.groups[name][home] * w for name, w in weights.items()}
            limits = {name: conditions.cutoffs.get(name, cutoff) for name in parts}
            if len(set(limits.values())) == 1:  # a home moves as one where all of it asks for the same
                parts = {"all": sum(parts.values())}
                limits = {"all": next(iter(limits.values()))}
            for name, weight in parts.items():
                limit = limits[name] if own is None else own
                reach = {
                    s: c for (h, s), c in walks.items() if h == home and c <= limit and setting.places.level[s] >= level
                }
                load = setting.homes.load[home] * weight / max(sum(parts.values()), 1e-9)
                out.append({"home": home, "weight": weight * factor, "limit": limit, "reach": reach, "load": load})
    return [row for row in out if row["weight"] > 0]


def walk_table(setting: Setting) -> dict[tuple[int, int], float]:
    ways = setting.ways
    return {
        (h, int(ways.site[k])): float(ways.cost[k])
        for h in range(len(ways.ptr) - 1)
        for k in range(ways.ptr[h], ways.ptr[h + 1])
    }


def allowed_sets(setting: Setting, conditions: Conditions, p: int) -> list[frozenset[int]]:
    """All sets of open sites that keep the conditions."""
    places, m = setting.places, len(setting.places.ids)
    old = {s for s in range(m) if places.existing[s]}
    stay = set() if conditions.closable else old
    out = []
    for size in range(m + 1):
        for chosen in map(frozenset, combinations(range(m), size)):
            counted = len(chosen) if conditions.closable else len(chosen - old)
            near = any(
                np.hypot(*(places.xy[a] - places.xy[b])) < conditions.spacing_m and not {a, b} <= old
                for a, b in combinations(sorted(chosen), 2)
            )
            money = sum(places.price[s] for s in chosen - old)
            kinds = all(
                rule.least <= sum(places.marks[rule.column][s] == rule.value for s in chosen) <= (rule.most or 0)
                for rule in conditions.kinds
            )
            streets = set(places.marks["street"]) if conditions.each_of else set()
            okay = (
                stay <= chosen
                and (p == AS_MANY_AS_NEEDED or counted <= p)
                and not near
                and (conditions.budget is None or money <= conditions.budget)
                and kinds
                and streets <= {places.marks["street"][s] for s in chosen}
            )
            if okay:
                out.append(chosen)
    return out


def servable(setting: Setting, conditions: Conditions, row: dict[str, Any]) -> bool:
    """Tell whether a row can be served at all: by sites that no fixed one is too near to."""
    places = setting.places
    stay = [] if conditions.closable else [s for s in range(len(places.ids)) if places.existing[s]]
    shut = {
        s
        for s in row["reach"]
        for t in stay
        if s not in stay and np.hypot(*(places.xy[s] - places.xy[t])) < conditions.spacing_m
    }
    return len(set(row["reach"]) - shut) >= conditions.backup


def best_answer(setting: Setting, conditions: Conditions, model: str, p: int, cutoff: float) -> float | None:
    """The best objective of all sets; None where no set keeps the conditions."""
    rows = [row for row in rows_of(setting, conditions, cutoff) if servable(setting, conditions, row)]
    best = None
    for chosen in allowed_sets(setting, conditions, p):
        value = (
            worth_with_room(setting, conditions, model, rows, chosen)
            if conditions.room
            else worth(setting, conditions, model, rows, chosen)
        )
        if value is not None and (best is None or (value > best if model == "max_cover" else value < best)):
            best = value
    return best


def worth(setting: Setting, conditions: Conditions, model: str, rows: Any, chosen: frozenset[int]) -> float | None:
    walks = []
    for row in rows:
        near = sorted(cost for site, cost in row["reach"].items() if site in chosen)
        walks.append(near[conditions.backup - 1] if len(near) >= conditions.backup else None)
    return total(setting, conditions, model, rows, chosen, walks)


def total(setting: Setting, conditions: Conditions, model: str, rows: Any, chosen: Any, walks: Any) -> float | None:
    if model in ("set_cover", "p_center") and None in walks:
        return None
    if model == "p_center":
        return max(walks, default=0.0)
    if model == "set_cover":
        new = [s for s in chosen if conditions.closable or not setting.places.existing[s]]
        if conditions.cheapest:
            return float(sum(setting.places.price[s] for s in new if not setting.places.existing[s]))
        return float(len(new))
    if model == "max_cover":
        return sum(
            row["weight"] * cover_share(conditions, row["limit"], walk)
            for row, walk in zip(rows, walks, strict=True)
            if walk is not None
        )
    unserved = max(2.0 * max(walk_table(setting).values(), default=0.0), 1.0)
    return sum(row["weight"] * (unserved if walk is None else walk) for row, walk in zip(rows, walks, strict=True))


def cover_share(conditions: Conditions, limit: float, walk: float) -> float:
    if conditions.full_until is None or walk <= conditions.full_until:
        return 1.0
    return min(max((limit - walk) / (limit - conditions.full_until), 0.0), 1.0)


def worth_with_room(
    setting: Setting, conditions: Conditions, model: str, rows: Any, chosen: frozenset[int]
) -> float | None:
    """The best of all assignments of rows to open sites that have room for them, to rows with enough sites open."""
    best = None
    open_to = [sorted(set(row["reach"]) & chosen) for row in rows]
    for sites in product(*[[*near, None] if len(near) >= conditions.backup else [None] for near in open_to]):
        load: dict[int, float] = {}
        for row, site in zip(rows, sites, strict=True):
            if site is not None:
                load[site] = load.get(site, 0.0) + row["load"]
        if any(taken > setting.places.room[site] + 1e-9 for site, taken in load.items()):
            continue
        walks = [None if site is None else row["reach"][site] for row, site in zip(rows, sites, strict=True)]
        value = total(setting, conditions, model, rows, chosen, walks)
        if value is not None and (best is None or (value > best if model == "max_cover" else value < best)):
            best = value
    return best
