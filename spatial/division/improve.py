"""How can a plan be improved so that nothing gets worse?

The seven measures of the given plan become constraints, and a search from its labels looks for a plan that is behind on
none and ahead on at least one (the epsilon-constraint method, Haimes, Lasdon and Wismer 1971). Where every plan that
could do so can be looked at, the answer is the best of them, or the proof that there is none.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from time import monotonic
from typing import Any

import numpy as np
import pandas as pd

from spatial.division.improvable import weigh_plans
from spatial.division.improving import search_better
from spatial.division.layout import Layout, build_layout
from spatial.division.merits import (
    MERITS,
    Terrain,
    build_terrain,
    count_breaches,
    measure_merits,
    name_merits,
)
from spatial.division.piece import renumber
from spatial.division.standing import Goal, lay_standing
from spatial.errors import InputError
from spatial.profile import Profile
from spatial.progress import Progress, silent

_STAGE = "improving the plan"
_SURE = 1e-9
_LEAST_ROOM = 0.05
_HOT, _WARM, _COOL, _FALL = 3.0, 0.3, 0.1, 30.0
_RECUTS, _CHAINS = 0.1, 0.4
_RUNS = ((_HOT, True), (_WARM, False), (_HOT, True), (_WARM, False), (_WARM, False), (_COOL, False))
_CHUNK = 50_000
_LEAST_MOVES, _MOVES_PER_BLOCK = 600_000, 600
_AT_ONCE = 14
_FORCE = 3.0
_BROKEN = (
    "households above the ceiling of their grids",
    "grids above the ceiling",
    "households missing to the floor of their grids",
    "grids below the floor",
    "blocks in a grid that by rule belongs to a lone block",
    "parts of grids that lie apart from the rest of theirs",
)


@dataclass(frozen=True, slots=True)
class Improvement:
    """A plan held against the one it was made from.

    Attributes
    ----------
    assignment:
        Series ``block_id -> grid_id``, sorted by block; the given one where nothing better was found. A grid keeps the
        id of the given grid that it shares most households with.
    before, after:
        The seven measures of ``MERITS`` by name: deviations as shares of the target, shares, and compactness.
    improved:
        Names of the measures that got better; none got worse.
    status:
        "improved", "unimprovable" (every plan that is nowhere worse was looked at) or "none_found".
    reasons:
        Sentences: what the status rests on, and which hard rules the given plan breaks.
    """

    assignment: Any
    before: Mapping[str, float]
    after: Mapping[str, float]
    improved: tuple[str, ...]
    status: str
    reasons: tuple[str, ...]


def improve_plan(
    blocks: Any,
    adjacency: Any,
    profile: Profile,
    assignment: Any,
    *,
    rng: np.random.Generator,
    moves: int | None = None,
    budget_s: float | None = None,
    on_progress: Progress = silent,
) -> Improvement:
    """Return a plan that is worse than the given one on none of the seven measures and better on at least one.

    Hard rules that the given plan keeps are kept: contiguity over borders that are long enough and crossable, one
    community, the ceiling, the floor, and blocks that stand alone. Where it breaks one, that is told, and it is not
    broken further: no more households or grids outside the band, no more parts. The number of grids may change. Effort
    is counted in ``moves`` (by default some hundreds per block); the outcome depends on the blocks, the plan, the
    profile and ``rng`` alone, unless ``budget_s`` cuts the search short.

    Raises
    ------
    TableError, InputError
        If a frame breaks its contract, or the assignment is not one grid for every block.
    CancelledError
        If ``on_progress`` raises it.
    """
    layout = build_layout(blocks, adjacency, profile)
    given = _read_labels(layout, assignment)
    terrain, start = build_terrain(layout, profile), renumber(given)
    seed = int(rng.integers(1, 2**62))
    effort = max(_LEAST_MOVES, _MOVES_PER_BLOCK * len(start)) if moves is None else moves
    found, proof = _find_better(terrain, start, seed, effort, _watch(budget_s, effort, on_progress))
    on_progress(_STAGE, 1.0)
    return _describe(layout, terrain, given, found, proof)


def _read_labels(layout: Layout, assignment: Any) -> Any:
    """Return the grid ids by block in the order of the layout."""
    if not len(layout.households):
        raise InputError("blocks: found no rows, needed at least one block to divide")
    ids = layout.frame["block_id"].astype(str)
    labels = pd.Series(assignment).copy()
    labels.index = labels.index.astype(str)
    if not labels.index.is_unique:
        raise InputError(
            f"assignment: block {labels.index[labels.index.duplicated()][0]!r} stands in two rows; needed one"
        )
    unknown, missing = sorted(set(labels.index) - set(ids)), sorted(set(ids) - set(labels.dropna().index))
    if unknown:
        raise InputError(f"assignment: found block {unknown[0]!r}, needed only ids of the {len(ids)} blocks")
    if missing:
        raise InputError(f"assignment: block {missing[0]!r} has no grid; needed one for each of the {len(ids)} blocks")
    return labels.reindex(ids).astype(str).to_numpy(dtype=object)


def _watch(budget_s: float | None, effort: int, on_progress: Progress) -> Callable[[int], bool]:
    """Return what is told of every stretch of moves and says whether time is left."""
    began, made = monotonic(), [0]

    def tick(moves: int) -> bool:
        made[0] += moves
        on_progress(_STAGE, min(0.99, made[0] / max(1, effort)))
        return budget_s is None or monotonic() - began < budget_s

    return tick


def _find_better(terrain: Terrain, start: Any, seed: int, effort: int, tick: Callable[[int], bool]) -> tuple[Any, str]:
    """Return (labels of a plan that is nowhere worse, or of the start; the proof that there is no better one, or "").

    A dozen blocks are settled by weighing all plans. More are searched first; where that finds nothing, all plans are
    weighed as far as that is within reach.
    """
    whole = count_breaches(terrain, start)[-1] == 0
    if whole and len(start) <= _AT_ONCE:
        found, proof = _weigh_plans(terrain, start, tick)
        if proof:
            return found, proof
    found = _search(terrain, start, seed, effort, tick)
    if whole and not _is_better(terrain, start, found) and tick(0):
        return _weigh_plans(terrain, start, tick)
    return found, ""


def _aim(terrain: Terrain, start: Any) -> Goal:
    """Return the goals of a plan: gains count as shares of the way to perfect, breaches by a tenth of the target."""
    merits = measure_merits(terrain, start)
    room = np.where(np.arange(len(merits)) < 2, -merits, 1.0 - merits)
    coarse = max(1.0, 0.1 * terrain.target)
    return Goal(
        np.concatenate([merits, -count_breaches(terrain, start)[:4]]),
        np.concatenate([np.maximum(room, _LEAST_ROOM), [coarse, 1.0, coarse, 1.0]]),
        np.full(len(merits) + 4, _FORCE),
    )


def _search(terrain: Terrain, start: Any, seed: int, effort: int, tick: Callable[[int], bool]) -> Any:
    """Return the plan of most gain that runs of several temperatures meet, from the start and from the best so far."""
    best, least, goal = start.copy(), 0.0, _aim(terrain, start)
    state = np.array([seed | 1], dtype=np.uint64)
    if not len(terrain.contact):
        return best
    for run, (hot, afresh) in enumerate(_RUNS):
        labels = (start if afresh else renumber(best)).copy()
        grids = int(labels.max()) + 1
        goal.force[:] = _FORCE
        for low, high, moves in _stretches(effort * (run + 1) // len(_RUNS) - effort * run // len(_RUNS)):
            heat = [hot / grids * _FALL**-done for done in (low, high)]
            plan = lay_standing(terrain, labels, grids + max(4, grids // 4))
            schedule = (*heat, _RECUTS, _CHAINS)
            least = search_better(terrain, goal, plan, best, least, schedule, moves, state)
            if not tick(moves):
                return best
    return best


def _stretches(moves: int) -> Iterator[tuple[float, float, int]]:
    """Yield (share done before, after, moves) of calls of a fraction of a second each."""
    calls = max(1, -(-moves // _CHUNK))
    for i in range(calls):
        yield i / calls, (i + 1) / calls, moves * (i + 1) // calls - moves * i // calls


def _is_better(terrain: Terrain, start: Any, found: Any) -> bool:
    """Tell whether a plan is behind the start nowhere and ahead somewhere, all measured anew."""
    found = renumber(found)
    more = measure_merits(terrain, found) - measure_merits(terrain, start)
    held = count_breaches(terrain, found) <= count_breaches(terrain, start)
    return bool((more >= -_SURE).all() and (more > _SURE).any() and held.all())


def _weigh_plans(terrain: Terrain, start: Any, tick: Callable[[int], bool]) -> tuple[Any, str]:
    """Return (labels of the plan of most gain among all, or of the start; the proof, "" where there are too many)."""
    done, best = weigh_plans(terrain, _aim(terrain, start), float(count_breaches(terrain, start)[4]), start, tick)
    better = best is not None and _is_better(terrain, start, best)
    if not done:
        return (best if better else start), ""
    verdict = "none gains more" if better else "none is better somewhere and worse nowhere"
    return (best if better else start), f"Every contiguous plan was weighed or ruled out: {verdict}."


def _describe(layout: Layout, terrain: Terrain, given: Any, found: Any, proof: str) -> Improvement:
    start = renumber(given)
    better = _is_better(terrain, start, found)
    part = renumber(found) if better else start
    before, after = measure_merits(terrain, start), measure_merits(terrain, part)
    ids = pd.Index(layout.frame["block_id"].astype(str), name="block_id")
    names = _keep_names(layout, given, part) if better else given
    reasons = _tell_breaches(count_breaches(terrain, start), count_breaches(terrain, part))
    if proof:
        reasons = (proof, *reasons)
    elif not better:
        reasons = ("The search met no plan that is better somewhere and worse nowhere; there may be one.", *reasons)
    return Improvement(
        assignment=pd.Series(names, index=ids, name="grid_id").astype("str").sort_index(),
        before=name_merits(before),
        after=name_merits(after),
        improved=tuple(name for name, more in zip(MERITS, after - before, strict=True) if better and more > _SURE),
        status="improved" if better else "unimprovable" if proof else "none_found",
        reasons=reasons,
    )


def _keep_names(layout: Layout, given: Any, part: Any) -> Any:
    """Return grid ids by block: each grid takes the given id it shares most households with, others the next serial."""
    overlap = pd.DataFrame({"part": part, "given": given, "households": layout.households, "blocks": 1})
    sums = overlap.groupby(["part", "given"], as_index=False).sum()
    sums = sums.sort_values(["households", "blocks", "part", "given"], ascending=[False, False, True, True])
    name: dict[int, str] = {}
    taken: set[str] = set()
    for number, label in zip(sums["part"], sums["given"], strict=True):
        if number not in name and label not in taken:
            name[number] = label
            taken.add(label)
    community, used = layout.frame["community_id"].astype(str).to_numpy(), set(given)
    for number in range(int(part.max()) + 1):
        if number not in name:
            place = community[int(np.argmax(part == number))]
            name[number] = next(n for n in (f"{place}-{serial:03d}" for serial in count(1)) if n not in used)
            used.add(name[number])
    return np.array([name[number] for number in part.tolist()], dtype=object)


def _tell_breaches(before: Any, after: Any) -> tuple[str, ...]:
    """Return a sentence for every hard rule that the given plan breaks."""
    return tuple(
        f"The given plan breaks a hard rule: {first:.0f} {what}; {then:.0f} now."
        for first, then, what in zip(before, after, _BROKEN, strict=True)
        if first > 0
    )
