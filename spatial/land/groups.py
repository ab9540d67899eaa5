"""How many elderly people and children live at each demand point?"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from spatial.land.estimates import share_out
from spatial.land.listing import Row, list_row
from spatial.land.owners import Owners
from spatial.land.tiling import Floats, Ints

GROUPS = ("elderly", "children")
"""Optional counts of people that estates and buildings may bring along."""
_DIFFER = "counts of people differ"


@dataclass(frozen=True, slots=True)
class _Places:
    """Homes, then estates as a whole: people counted there (missing: not known), households, estate, its face."""

    value: Floats
    households: Ints
    estate: Ints
    face: Ints

    def find_blank(self, i: int) -> tuple[Ints, int]:
        """Return the places that take in the people of an estate, and how many its other places count themselves."""
        lived = np.flatnonzero(self.households > 0)
        mine = lived[self.estate[lived] == i]
        unknown = np.isnan(self.value)
        if len(mine):
            known = int(np.nansum(self.value[mine]))
            return (mine[unknown[mine]] if known else mine), known
        if self.face[i] < 0:
            return mine, 0
        near = lived[np.isin(self.estate[lived], np.flatnonzero(self.face == self.face[i]))]
        return near[unknown[near]], 0


def count_groups(
    homes: Any, estates: Any, owners: Owners, households: Ints, whole: Ints
) -> tuple[dict[str, tuple[Ints, Ints]], tuple[Row, ...]]:
    """Return group -> people per home and per estate known as a whole, for the groups that anybody counted.

    ``households`` are those of each home, ``whole`` those that stay on each estate's own place. An estate's people are
    shared over its homes, and its place, in proportion to their households (largest remainder). Homes with counts of
    their own keep them; where all have one, these hold and a difference is listed. Zeros in all homes of an estate that
    counts people are no counts. An estate none of whose homes is its own has its people in those of its street face.
    """
    found: dict[str, tuple[Ints, Ints]] = {}
    rows: list[Row] = []
    weight = np.concatenate([households, whole])
    estate = np.concatenate([owners.estate, np.arange(len(estates))])
    for group in GROUPS:
        if group not in homes and group not in estates:
            continue
        value = np.concatenate([_read(homes, group), np.full(len(estates), np.nan)])
        rows += _list_empty(homes, group, value[: len(homes)], households)
        value[weight == 0] = np.nan
        people, more = _share(estates, group, _Places(value, weight, estate, owners.face))
        rows += more
        found[group] = people[: len(homes)], people[len(homes) :]
    return found, tuple(rows)


def _read(frame: Any, group: str) -> Floats:
    """Return the counts of a group, missing where there is none."""
    if group not in frame:
        return np.full(len(frame), np.nan)
    values: Floats = np.rint(pd.to_numeric(frame[group], errors="coerce").to_numpy(dtype=np.float64))
    return values


def _share(estates: Any, group: str, places: _Places) -> tuple[Ints, list[Row]]:
    """Return the people at each place, and rows for LISTED of estates whose people are not all shared."""
    people: Ints = np.nan_to_num(places.value).astype(np.int64)
    said = np.nan_to_num(_read(estates, group)).astype(np.int64)
    rows = []
    for i in np.flatnonzero(said > 0):  # estates differ in how many homes they have
        blank, known = places.find_blank(int(i))
        rest = int(said[i]) - known
        if rest > 0 and len(blank):
            people[blank] += share_out(places.households[blank].astype(np.float64), rest)
        elif rest != 0:
            rows.append(_tell(estates["estate_id"].iloc[i], group, int(said[i]), known))
    return people, rows


def _tell(name: str, group: str, said: int, known: int) -> Row:
    if not known:
        detail = f"{group}: the estate says {said}; no household of it is placed"
        return list_row("estates", name, _DIFFER, "dropped", detail)
    detail = f"{group}: the estate says {said}, its buildings {known}; the buildings' counts are used"
    return list_row("estates", name, _DIFFER, "repaired", detail)


def _list_empty(homes: Any, group: str, value: Floats, households: Ints) -> list[Row]:
    """Return a row per home that counts people but holds no household."""
    empty = np.flatnonzero((value > 0) & (households == 0))
    return [
        list_row("buildings", name, _DIFFER, "dropped", f"{group}: {count:g}; no household of it is placed")
        for name, count in zip(homes["building_id"].iloc[empty], value[empty], strict=True)
    ]
