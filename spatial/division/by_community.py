"""How are the communities of a district divided, several at a time, and how good is the whole?"""

import os
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from time import monotonic
from typing import Any

import numpy as np

from spatial.division.divide import Division, divide
from spatial.errors import CancelledError, InputError
from spatial.profile import Profile
from spatial.progress import Progress, silent

_STAGE = "dividing communities"
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
) -> tuple[CommunityDivision, ...]:
    """Return each community of BLOCKS divided by itself, in the order of their ids.

    ``budget_s`` holds for each community. The outcome does not depend on the number of workers, unless a budget cuts a
    search short. A community's random numbers follow from the seed and its place among the ids.

    Raises
    ------
    TableError, InputError
        If a frame breaks its contract or there are no blocks.
    CancelledError
        If ``on_progress`` raises it before a community has a division.
    """
    names = sorted(blocks["community_id"].astype(str).unique())
    if not names:
        raise InputError("blocks: found no rows, needed at least one block to divide")
    of = blocks.set_index(blocks["block_id"].astype(str))["community_id"].astype(str)
    one, other = adjacency["focal"].astype(str).map(of), adjacency["neighbor"].astype(str).map(of)
    progress_of, halt = _share_progress(on_progress, len(blocks))

    def work(number: int) -> CommunityDivision:
        began, name = monotonic(), names[number]
        mine = blocks[(blocks["community_id"].astype(str) == name).to_numpy()]
        pairs = adjacency[((one == name) & (other == name)).to_numpy()]
        rng, tell = np.random.default_rng([seed, 1, number]), progress_of(number, len(mine))
        division = divide(mine, pairs, profile, rng=rng, budget_s=budget_s, on_progress=tell)
        return CommunityDivision(name, len(mine), int(mine["households"].sum()), division, monotonic() - began)

    with ThreadPoolExecutor(min(len(names), workers or os.cpu_count() or 1, _MOST_WORKERS)) as pool:
        waiting = [pool.submit(work, number) for number in range(len(names))]
        try:
            wait(waiting, return_when=FIRST_EXCEPTION)
        finally:  # of no effect where all is done
            halt()
            for future in waiting:
                future.cancel()
    _raise_first(waiting)
    return tuple(future.result() for future in waiting)


def _raise_first(done: list[Future[CommunityDivision]]) -> None:
    """Raise what went wrong first by community, rather than the stop of the others that followed."""
    errors = [error for future in done if not future.cancelled() and (error := future.exception()) is not None]
    errors.sort(key=lambda error: isinstance(error, CancelledError))
    if errors:
        raise errors[0]


def _share_progress(on_progress: Progress, blocks: int) -> tuple[Callable[[int, int], Progress], Callable[[], None]]:
    """Return what gives each piece of work its progress, told as one in shares of all blocks, and what stops them all.

    A piece of work that is stopped meets it at its next report.
    """
    lock, failed, done = threading.Lock(), threading.Event(), dict[int, float]()

    def part(number: int, mine: int) -> Progress:
        def tell(stage: str, share: float) -> None:
            if failed.is_set():
                raise CancelledError("another community could not be divided")
            with lock:
                done[number] = mine * share
                on_progress(_STAGE, min(1.0, sum(done.values()) / blocks))

        return tell

    return part, failed.set
