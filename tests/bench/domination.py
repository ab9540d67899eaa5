"""Is a plan of ours worse than a rival's on nothing and better on something, or can none be?

A rival's labels are what ``improve_plan`` begins with: its seven metrics become constraints. Metrics, rules and what
got better are told by ``tests.bench.score``, which shares no code with the search; seeds of a rival that drew the same
grids are one case.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

import spatial
from tests.bench.rivals import Outcome
from tests.bench.score import METRICS, Score, list_worse, score

_SEED = 1


@dataclass(frozen=True, slots=True)
class Duel:
    """Ours beside a rival's: ``outcome`` is what our search says, ``like`` a method that drew the same grids before.

    Where the rival returned nothing, ``theirs`` and ``ours`` are None and ``outcome`` says why.
    """

    method: str
    theirs: Score | None
    ours: Score | None
    outcome: str
    cpu_s: float
    like: str = ""

    @property
    def lawful(self) -> bool:
        """Whether the rival's grids are contiguous and in the band."""
        return self.theirs is not None and not self.theirs.extra_parts and not self.theirs.out_of_band

    @property
    def worse(self) -> tuple[str, ...]:
        """Metrics on which ours is worse, and rules that it breaks further."""
        if self.theirs is None or self.ours is None:
            return ()
        rules = [n for n in ("extra_parts", "out_of_band") if getattr(self.ours, n) > getattr(self.theirs, n)]
        return (*list_worse(self.ours, self.theirs), *rules)

    @property
    def better(self) -> tuple[str, ...]:
        """Metrics on which ours is better."""
        return list_worse(self.theirs, self.ours) if self.theirs and self.ours else ()


def fight(blocks: Any, adjacency: Any, rivals: Iterable[Outcome]) -> Iterator[Duel]:
    """Yield a duel per outcome of a rival."""
    profile, met = spatial.read_profile("bench_j"), dict[bytes, Duel]()
    for rival in rivals:
        if rival.score is None:
            yield Duel(rival.method, None, None, rival.failure, rival.cpu_s)
            continue
        grids = np.unique(rival.labels.to_numpy(), return_index=True, return_inverse=True)
        drawn = grids[1][grids[2]].tobytes()
        if drawn in met:
            first = met[drawn]
            yield Duel(rival.method, first.theirs, first.ours, first.outcome, first.cpu_s, first.method)
            continue
        began, given = time.process_time(), "r" + rival.labels.astype(str)
        found = spatial.improve_plan(blocks, adjacency, profile, given, rng=np.random.default_rng(_SEED))
        cpu_s = time.process_time() - began
        ours = score(blocks, adjacency, found.assignment)
        met[drawn] = Duel(rival.method, rival.score, ours, found.status, cpu_s)
        yield met[drawn]


def tell_duel(duel: Duel) -> list[str]:
    """Return the cells of a duel: who, rules, metrics theirs -> ours, worse on, better on, outcome, seconds."""
    theirs, ours = duel.theirs, duel.ours
    if theirs is None or ours is None:
        return [duel.method, "-", *["-"] * len(METRICS), "-", "-", duel.outcome, "-"]
    rules = [f"{theirs.extra_parts} extra parts"] * bool(theirs.extra_parts)
    rules += [f"{theirs.out_of_band} out of band"] * bool(theirs.out_of_band)
    pairs = [(getattr(theirs, name), getattr(ours, name)) for name in METRICS]
    return [
        f"{duel.method} (drew what {duel.like} drew)" if duel.like else duel.method,
        ", ".join(rules) or "kept",
        *(f"{then:.3f} -> {now:.3f}" if then != now else f"{then:.3f}" for then, now in pairs),
        f"**{', '.join(duel.worse)}**" if duel.worse else "none",
        ", ".join(duel.better) or "none",
        duel.outcome,
        f"{duel.cpu_s:.1f}",
    ]


def sum_up(name: str, duels: list[Duel]) -> list[str]:
    """Return the cells of an instance: plans of rivals, worse, better, proved, neither; once more of lawful ones."""
    cells = [name, str(sum(duel.theirs is None for duel in duels))]
    for some in ([d for d in duels if d.lawful], [d for d in duels if d.theirs is not None and not d.lawful]):
        proved = [d for d in some if d.outcome == "unimprovable" and not d.better]
        better = [d for d in some if d.better and not d.worse]
        counts = (len(some), sum(bool(d.worse) for d in some), len(better), len(proved))
        cells.append(" / ".join(map(str, (*counts, len(some) - len(better) - len(proved)))))
    return cells
