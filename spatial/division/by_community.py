"""How are the communities of a district divided, several at a time, and how good is the whole?"""

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from time import monotonic
from typing import Any

import numpy as np

from spatial.division.course import SEARCHING
from spatial.division.divide import Division, divide
from spatial.errors import CancelledError, InputError
from spatial.profile import Profile
from spatial.progress import Progress, silent

_STAGE = "dividing communities"
_SEARCH_SHARE = 0.1
_MOST_WORKERS = 8


@dataclass(frozen=True, slots=True)
class CommunityDivision:
    """A community divided: what was in it, the outcome, and the seconds that it took."""

    community_id: str
    blocks: int
    households: int
    division: Division
    seconds: float


def divide_communities(
    blocks: Any,
    adjacency: Any,
    profile: Profile,
    *,
    seed: int,
    budget_s: float | None = None,
    workers: int | None = None,
    on_progress: Progress = silent,
    on_done: Callable[[CommunityDivision], None] = lambda done: None,
) -> tuple[CommunityDivision, ...]:
    """Return each community of BLOCKS divided by itself, in the order of their ids.

    ``budget_s`` holds for each community. The outcome does not depend on the number of workers, unless a budget cuts a
    search short. A community's random numbers follow from the seed and its place among the ids. ``on_done`` hears of
    each community, in the order of their ids, as soon as it and those before it are divided. Where ``on_progress``
    raises ``CancelledError``, every community gets the best division found by then.

    Raises
    ------
    TableError, InputError
        If a frame breaks its contract or there are no blocks.
    """
    names = sorted(blocks["community_id"].astype(str).unique())
    if not names:
        raise InputError("blocks: found no rows, needed at least one block to divide")
    of = blocks.set_index(blocks["block_id"].astype(str))["community_id"].astype(str)
    one, other = adjacency["focal"].astype(str).map(of), adjacency["neighbor"].astype(str).map(of)
    side_by_side = max(1, min(len(names), workers or os.cpu_count() or 1, _MOST_WORKERS))
    inner = 1 if side_by_side > 1 else workers  # a thread for each community, not one for each of its parts
    progress_of, halt = _share_progress(on_progress, len(blocks))

    def work(number: int) -> CommunityDivision:
        began, name = monotonic(), names[number]
        mine = blocks[(blocks["community_id"].astype(str) == name).to_numpy()]
        pairs = adjacency[((one == name) & (other == name)).to_numpy()]
        rng, tell = np.random.default_rng([seed, 1, number]), progress_of(number, len(mine))
        division = divide(mine, pairs, profile, rng=rng, budget_s=budget_s, workers=inner, on_progress=tell)
        return CommunityDivision(name, len(mine), int(mine["households"].sum()), division, monotonic() - began)

    with ThreadPoolExecutor(side_by_side) as pool:
        waiting = [pool.submit(work, number) for number in range(len(names))]
        try:
            _tell_in_order(waiting, on_done)
        finally:  # of no effect where all is done
            halt()
            for future in waiting:
                future.cancel()
    _raise_first(waiting)
    return tuple(future.result() for future in waiting)


def _tell_in_order(waiting: list[Future[CommunityDivision]], on_done: Callable[[CommunityDivision], None]) -> None:
    """Tell of each piece of work once it and all before it are done; return at the end or at the first failure."""
    told = 0
    for future in as_completed(waiting):
        if future.exception() is not None:
            return
        while told < len(waiting) and waiting[told].done():
            on_done(waiting[told].result())
            told += 1


def _raise_first(done: list[Future[CommunityDivision]]) -> None:
    """Raise what went wrong first by community, rather than the stop of the others that followed."""
    errors = [error for future in done if not future.cancelled() and (error := future.exception()) is not None]
    errors.sort(key=lambda error: isinstance(error, CancelledError))
    if errors:
        raise errors[0]


def _share_progress(on_progress: Progress, blocks: int) -> tuple[Callable[[int, int], Progress], Callable[[], None]]:
    """Return what gives each piece of work its progress, told as one in shares of all blocks, and what stops them all.

    A piece of work that is stopped meets it at its next report; a stop of one is a stop of all.
    """
    lock, halted, done = threading.Lock(), threading.Event(), dict[int, float]()

    def part(number: int, mine: int) -> Progress:
        def tell(stage: str, share: float) -> None:
            if halted.is_set():
                raise CancelledError("the other communities were stopped")
            begun = _SEARCH_SHARE * share if stage == SEARCHING else _SEARCH_SHARE + (1.0 - _SEARCH_SHARE) * share
            with lock:
                done[number] = max(done.get(number, 0.0), mine * begun)
                try:
                    on_progress(_STAGE, min(1.0, sum(done.values()) / blocks))
                except (CancelledError, KeyboardInterrupt):
                    halted.set()
                    raise

        return tell

    return part, halted.set
