"""Who is served by the open sites, how far do people walk, and what would each site be missed for?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from spatial.siting.answer import Answer
from spatial.siting.asking import Asked
from spatial.siting.question import tally
from spatial.siting.setting import Setting
from spatial.siting.ways import Flags, Floats, Ints, Ways, row_of

_TINY = 1e-6


@dataclass(frozen=True, slots=True)
class Served:
    """For each row of a question its site (-1: none; the one that serves most where several do) and the walk to it.

    ``parts`` holds row, site, walk and share of every service; ``spare`` the next open site's walk, infinite if none.
    """

    site: Ints
    walk: Floats
    spare: Floats
    parts: tuple[Ints, Ints, Floats, Floats]


def serve_rows(asked: Asked, answer: Answer) -> Served:
    """Return who serves whom: the site that the answer gives, else the nearest open one that counts."""
    walks, need = asked.walks, asked.question.need
    if answer.share is None:
        site, walk = nearest(walks, answer.opened, rank=need)
        row = np.flatnonzero(site >= 0)
        parts = (row, site[row], walk[row], np.ones(len(row)))
    else:
        site, walk, parts = _shared(asked, answer.share)
    return Served(site, walk, nearest(walks, answer.opened, rank=need + 1)[1], parts)


def nearest(ways: Ways, opened: Flags, *, rank: int = 1) -> tuple[Ints, Floats]:
    """Return the ``rank``-th nearest open site of each row, -1 for none, and the walk to it."""
    at = np.flatnonzero(opened[ways.site])
    place = np.searchsorted(at, ways.ptr[:-1]) + rank - 1
    entry = np.append(at, np.iinfo(np.int64).max)[np.minimum(place, len(at))]
    found = entry < ways.ptr[1:]
    site, walk = np.full(ways.rows, -1, dtype=np.int64), np.full(ways.rows, np.inf)
    site[found], walk[found] = ways.site[entry[found]], ways.cost[entry[found]]
    return site, walk


def _shared(asked: Asked, share: Floats) -> tuple[Ints, Floats, tuple[Ints, Ints, Floats, Floats]]:
    walks, used = asked.walks, np.flatnonzero(share > _TINY)
    row, entry = row_of(asked.question.ways)[used], asked.order[used]
    parts = (row, walks.site[entry].astype(np.int64), walks.cost[entry], share[used])
    order = np.lexsort((parts[1], parts[3], row))
    site, walk = np.full(walks.rows, -1, dtype=np.int64), np.full(walks.rows, np.inf)
    site[row[order]], walk[row[order]] = parts[1][order], parts[2][order]
    return site, walk, parts


def measure_groups(asked: Asked, served: Served, limit: Floats) -> list[dict[str, Any]]:
    """Return what each group counts, and how much of it is served and within its limit; ``limit`` is per row."""
    row, _, walk, share = served.parts
    weight = asked.question.weight
    out = []
    for number, name in enumerate(asked.names):
        mine = asked.group[row] == number
        part, near = weight[row[mine]] * share[mine], walk[mine] <= limit[row[mine]]
        out.append(
            {
                "group": name,
                "weight": float(weight[asked.group == number].sum()),
                "served": float(part.sum()),
                "covered": float(part[near].sum()),
                **measure_walks(walk[mine], part),
            }
        )
    return out


def measure_walks(walk: Floats, weight: Floats) -> dict[str, float | None]:
    """Return the mean walk and the one that 95 of 100 do not exceed, by weight; None where nobody walks."""
    total = float(weight.sum())
    if total <= 0:
        return {"mean": None, "p95": None}
    order = np.argsort(walk, kind="stable")
    reached = np.cumsum(weight[order])
    last = min(int(np.searchsorted(reached, 0.95 * total * (1 - 1e-12))), len(walk) - 1)
    return {"mean": float(walk @ weight) / total, "p95": float(walk[order[last]])}


def measure_sites(setting: Setting, asked: Asked, served: Served, limit: Floats) -> Mapping[str, Floats]:
    """Return per site what it serves and what would be lost without it.

    ``weight`` and ``load`` served, ``mean`` walk, ``covered`` weight within the limit, and, had it not opened:
    ``only_here`` (weight that no other open site would cover) and ``longer`` (total by which walks would grow where
    another one would serve). With sites that have limited room the last two look at who is near, not at who has room.
    """
    row, site, walk, share = served.parts
    m, weight = len(setting.places.ids), asked.question.weight
    part = weight[row] * share
    near = walk <= limit[row]
    spare = served.spare[row]
    alone = near & ~(spare <= limit[row])
    with np.errstate(invalid="ignore"):
        grows = np.where(np.isfinite(spare), np.maximum(spare - walk, 0.0), 0.0) * part
        total = tally(site, part, m)
        mean = tally(site, part * walk, m) / np.where(total > 0, total, np.nan)
    return {
        "weight": total,
        "load": tally(site, asked.question.load[row] * share, m),
        "mean": mean,
        "covered": tally(site[near], part[near], m),
        "only_here": tally(site[alone], part[alone], m),
        "longer": tally(site, grows, m),
    }


def rate_sites(setting: Setting, asked: Asked, served: Served, limit: Floats, opened: Flags) -> list[dict[str, Any]]:
    """Return, per open site and criterion, what speaks for it: location, people of each group, radius.

    ``location`` is the mean walk of those it serves; ``population`` the weight of each group it serves; ``radius`` the
    weight that only this site brings within the cutoff. ``share`` is that of all open sites; of the location it is how
    much of the walks of all would be added without the site.
    """
    sites = measure_sites(setting, asked, served, limit)
    row, site, _, share = served.parts
    out: list[dict[str, Any]] = []

    def tell(criterion: str, values: Floats, parts: Floats) -> None:
        whole = float(parts[opened].sum())
        for k in np.flatnonzero(opened):
            value = None if np.isnan(values[k]) else float(values[k])
            rate = float(parts[k]) / whole if whole > 0 else 0.0
            out.append({"site_id": str(setting.places.ids[k]), "criterion": criterion, "value": value, "share": rate})

    tell("location", np.asarray(sites["mean"]), np.asarray(sites["longer"]))
    for name, count in setting.homes.groups.items():
        lives = _served_of(asked, count, row, share, site, len(opened))
        tell(f"population: {name}", lives, lives)
    tell("radius", np.asarray(sites["only_here"]), np.asarray(sites["only_here"]))
    return sorted(out, key=lambda one: (one["site_id"], one["criterion"]))


def _served_of(asked: Asked, count: Floats, row: Ints, share: Floats, site: Ints, m: int) -> Floats:
    """Return the members of a group that each site serves; where rows are split by group its own rows count."""
    several = np.bincount(asked.home, minlength=len(count))
    part = count[asked.home[row]] * share / np.maximum(several[asked.home[row]], 1)
    return tally(site, part, m)
