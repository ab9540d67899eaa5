"""How many households live in buildings that nobody counted?"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from spatial.land.listing import Row, list_row
from spatial.land.owners import Owners
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


def share_estates(estates: Any, owners: Owners, counts: Counts, floor: Floats) -> tuple[Counts, Ints]:
    """Return the counts with those of estates shared among their buildings, and what is left on estates as a whole.

    Buildings with counts of their own keep them; the rest goes to the estate's other buildings by floor area (largest
    remainder). Where every building is counted, the buildings' sum holds, and a difference is listed. Estates that take
    buildings of one street face have no more to share than all of them count beyond the buildings there.
    """
    total = estates["households"].to_numpy(dtype=np.int64)
    count, estimated = counts.households.copy(), counts.estimated.copy()
    known, taken, blank = _sum_members(owners, count, len(total))
    unshared = _net_faces(total - known, taken, (blank > 0) | (known + taken == 0), owners.face)
    members = np.flatnonzero((owners.estate >= 0) & (count == 0))
    members = members[np.argsort(owners.estate[members], kind="stable")]
    starts = np.searchsorted(owners.estate[members], np.arange(len(total) + 1))
    for i in np.flatnonzero((unshared > 0) & (blank > 0)):  # estates differ in how many buildings they have
        mine = members[starts[i] : starts[i + 1]]
        count[mine] = share_out(floor[mine], int(unshared[i]))
        estimated[mine] = True
    whole = np.where(blank == 0, unshared, 0)
    rows = [
        *counts.rows,
        *_list_taken(estates, owners, counts.households),
        *_list_differences(estates, known, taken, unshared),
    ]
    full = np.flatnonzero((total > 0) & (blank > 0) & (unshared == 0))
    for name, number in zip(estates["estate_id"].iloc[full], blank[full], strict=True):
        detail = f"{number} buildings of it have no count"
        rows.append(list_row("estates", name, "its count leaves none for some buildings", "kept", detail))
    return Counts(count, estimated, tuple(rows)), whole


def _sum_members(owners: Owners, count: Ints, estates: int) -> tuple[Ints, Ints, Ints]:
    """Return per estate the households of its own counted buildings, of those it takes, and its uncounted buildings."""
    own = owners.estate + 1
    sums = (
        np.bincount(own, weights=np.where(owners.taken, 0, count), minlength=estates + 1),
        np.bincount(own, weights=np.where(owners.taken, count, 0), minlength=estates + 1),
        np.bincount(own, weights=count == 0, minlength=estates + 1),
    )
    known, taken, blank = (values[1:].astype(np.int64) for values in sums)
    return known, taken, blank


def _net_faces(rest: Ints, taken: Ints, able: NDArray[np.bool_], face: Ints) -> Ints:
    """Return what each estate has to share: its rest, capped so that no street face counts the same people twice.

    ``able`` are estates that can place people: in uncounted buildings, or on their point where they have no building.
    """
    unshared = np.where(able, np.maximum(rest - taken, 0), 0)
    for k in np.unique(face[face >= 0]):  # faces differ in how many estates they have
        mine = np.flatnonzero(face == k)
        left = max(int(rest[mine].sum() - taken[mine].sum()), 0)
        if left < unshared[mine].sum():
            unshared[mine] = share_out(unshared[mine].astype(np.float64), left)
    return unshared


def _list_taken(estates: Any, owners: Owners, count: Ints) -> list[Row]:
    """Return one row per estate that takes buildings which name no estate."""
    rows = []
    for i in np.unique(owners.estate[owners.taken]):
        mine = np.flatnonzero(owners.taken & (owners.estate == i))
        held, blank = int(count[mine].sum()), int((count[mine] == 0).sum())
        detail = (
            f"{len(mine)} buildings of its street face name no estate, the farthest {owners.away_m[mine].max():.0f} m "
            f"away; {len(mine) - blank} count {held} households, the estate says {estates['households'].iloc[i]}"
        )
        rows.append(
            list_row("estates", estates["estate_id"].iloc[i], "buildings taken for its own", "guessed", detail, held)
        )
    return rows


def _list_differences(estates: Any, known: Ints, taken: Ints, unshared: Ints) -> list[Row]:
    total = estates["households"].to_numpy(dtype=np.int64)
    held, rows = known + taken, []
    for i in np.flatnonzero((total > 0) & (held + unshared != total)):
        detail = f"the estate says {total[i]}, its buildings {held[i]}; the buildings' counts are used"
        if not held[i]:
            detail = (
                f"the estate says {total[i]}; all but {unshared[i]} are counted in other buildings of its street face"
            )
        name, rest = estates["estate_id"].iloc[i], total[i] - held[i] - unshared[i]
        rows.append(list_row("estates", name, "counts differ", "repaired", detail, rest))
    return rows


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
    reaches the total, the estimates stay as they are.
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
    return Counts(count, counts.estimated, tuple(rows))


def share_out(weight: Floats, total: int) -> Ints:
    """Return whole numbers in proportion to weights that sum to the total (Hamilton's method; ties to the first)."""
    weight = weight if weight.sum() > 0 else np.ones(len(weight))
    exact = weight * (total / weight.sum())
    share: Ints = np.floor(exact).astype(np.int64)
    spare = total - int(share.sum())
    share[np.argsort(-np.round(exact - share, 9), kind="stable")[:spare]] += 1
    return share
