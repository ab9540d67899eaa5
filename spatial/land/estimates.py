"""How many households live in buildings that nobody counted?"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from spatial.land.listing import Row, list_row
from spatial.land.tiling import Floats, Ints
from spatial.profile import HouseholdRules


@dataclass(frozen=True, slots=True)
class Counts:
    """Households per building, whether each is an estimate, and rows for LISTED."""

    households: Ints
    estimated: NDArray[np.bool_]
    rows: tuple[Row, ...]


def measure_floor(homes: Any, rules: HouseholdRules) -> Floats:
    """Return floor area x levels of each building, m2; levels of 0 are not known."""
    levels = homes["levels"].where(homes["levels"] > 0, rules.default_levels).to_numpy(dtype=np.float64)
    floor: Floats = shapely.area(homes.geometry.to_numpy()) * levels
    return floor


def share_estates(estates: Any, owner: Ints, counts: Counts, floor: Floats) -> tuple[Counts, Ints]:
    """Return the counts with those of estates shared among their buildings, and what is left on estates as a whole.

    Buildings with counts of their own keep them; the rest goes to the estate's other buildings by floor area (largest
    remainder). Where every building is counted, the buildings' sum holds, and a difference is listed.
    """
    total = estates["households"].to_numpy(dtype=np.int64)
    count, estimated, rows = counts.households.copy(), counts.estimated.copy(), list(counts.rows)
    whole = np.zeros(len(estates), dtype=np.int64)
    order = np.argsort(owner, kind="stable")
    starts = np.searchsorted(owner[order], np.arange(len(estates) + 1))
    for i in range(len(estates)):  # estates differ in how many buildings they have
        members = order[starts[i] : starts[i + 1]]
        known, blank = int(count[members].sum()), members[count[members] == 0]
        rest = int(total[i]) - known
        if rest > 0 and len(blank):
            count[blank] = share_out(floor[blank], rest)
            estimated[blank] = True
        elif rest > 0 and known == 0:
            whole[i] = rest
        elif total[i] > 0 and rest != 0:
            detail = f"the estate says {total[i]}, its buildings {known}; the buildings' counts are used"
            rows.append(list_row("estates", estates["estate_id"].iloc[i], "counts differ", "repaired", detail, rest))
    return Counts(count, estimated, tuple(rows)), whole


def estimate_rest(counts: Counts, floor: Floats, blank: Ints, rules: HouseholdRules) -> Counts:
    """Return the counts with the blank buildings estimated from floor area, at least one household each."""
    if not len(blank):
        return counts
    estimate = np.maximum(np.rint(floor[blank] * rules.net_floor_share / rules.m2_per_household), 1).astype(np.int64)
    count, estimated = counts.households.copy(), counts.estimated.copy()
    count[blank], estimated[blank] = estimate, True
    detail = f"floor area x levels / {rules.m2_per_household:g} m2"
    row = list_row("buildings", f"{len(blank)} rows", "households estimated", "guessed", detail, estimate.sum())
    return Counts(count, estimated, (*counts.rows, row))


def scale_to_totals(counts: Counts, floor: Floats, blank: Ints, community: Ints, known: Any) -> Counts:
    """Return the counts with the estimates of each community scaled to fill its known total exactly.

    ``community`` is that of each building, ``known`` a frame with ``community_id``, ``households`` (missing where not
    known) and ``elsewhere`` (households of the community that no building holds). Where what was counted already
    reaches the total, the estimates stay as they are and the contradiction is listed.
    """
    count, rows = counts.households.copy(), list(counts.rows)
    is_blank = np.zeros(len(count), dtype=bool)
    is_blank[blank] = True
    for i, (name, total, elsewhere) in enumerate(
        zip(known["community_id"], known["households"], known["elsewhere"], strict=True)
    ):
        mine = np.flatnonzero((community == i) & is_blank)
        counted = int(elsewhere) + int(count[(community == i) & ~is_blank].sum())
        if np.isnan(total):
            continue
        rest = int(total) - counted
        if rest >= len(mine) > 0:
            count[mine] = share_out(floor[mine], rest)
            rows.append(list_row("communities", name, "estimates scaled to its total", "guessed", f"{total:g}", rest))
        elif rest != 0:
            detail = f"its total is {total:g}, {counted} were counted in it; the counts are used"
            rows.append(list_row("communities", name, "counts differ from its total", "kept", detail, rest))
    return Counts(count, counts.estimated, tuple(rows))


def share_out(weight: Floats, total: int) -> Ints:
    """Return whole numbers in proportion to weights that sum to the total (Hamilton's method; ties to the first)."""
    weight = weight if weight.sum() > 0 else np.ones(len(weight))
    exact = weight * (total / weight.sum())
    share: Ints = np.floor(exact).astype(np.int64)
    spare = total - int(share.sum())
    share[np.argsort(-np.round(exact - share, 9), kind="stable")[:spare]] += 1
    return share
