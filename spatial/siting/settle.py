"""What does a question come to: open sites, objective and bound as the planner counts them, who serves whom?"""

from dataclasses import dataclass

import numpy as np

from spatial.progress import Progress, silent
from spatial.siting.answer import answer
from spatial.siting.asking import Asked
from spatial.siting.figures import Served, serve_rows
from spatial.siting.infeasible import explain
from spatial.siting.setting import Setting
from spatial.siting.tidy import tidy
from spatial.siting.ways import Deadline, Flags, Floats, Tick

_EXPLAIN_S, _EXPLAIN_SHARE = 5.0, 0.08
"""Time to find out what would do, if all of it was spent on finding that nothing does."""
_TIDY_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Settled:
    """Open sites, the goal as the model counts it, its bound, and who is served by whom.

    ``objective`` and ``bound`` of maximal cover are weights covered; ``gap`` is their difference over the larger one.
    """

    opened: Flags
    objective: float
    bound: float
    gap: float
    status: str
    served: Served
    seconds: float
    notes: tuple[str, ...]


def settle(
    setting: Setting, asked: Asked, *, deadline: Deadline, seed: int = 0, on_progress: Progress = silent
) -> Settled:
    """Return the answer to a question, tidied and measured.

    Raises
    ------
    InfeasibleError
        If no sites keep every condition, or none were found in time; ``facts`` says which of the two and what would do.
    """
    kept = Deadline((1 - _TIDY_SHARE) * deadline.left())
    found = answer(asked.question, deadline=kept, seed=seed, tick=_tell(on_progress))
    if found is None:
        more_s = max(deadline.left(), min(_EXPLAIN_S, _EXPLAIN_SHARE * deadline.budget_s))
        raise explain(setting, asked, deadline=Deadline(more_s), seed=seed)
    found = tidy(asked, found, deadline=deadline)
    objective, bound = found.value, found.bound
    if asked.model == "max_cover":
        whole = float(asked.question.weight.sum())
        objective, bound = whole - objective, whole - bound
    gap = 0.0 if found.proved else abs(objective - bound) / max(abs(objective), abs(bound), 1e-12)
    notes = found.notes
    if not found.proved:
        notes += (
            f"the search ended after {deadline.spent():.1f} s without a proof; another machine may end elsewhere",
        )
    return Settled(
        opened=found.opened,
        objective=objective,
        bound=bound,
        gap=gap,
        status="optimal" if found.proved else "gap",
        served=serve_rows(asked, found),
        seconds=deadline.spent(),
        notes=notes,
    )


def row_limits(asked: Asked, cutoff: float) -> Floats:
    """Return the walk within which each row counts as covered: its own cutoff, else the general one."""
    return np.where(np.isfinite(asked.cutoff), asked.cutoff, cutoff)


def _tell(on_progress: Progress) -> Tick:
    def tick(stage: str, share: float, value: float, bound: float) -> bool:
        on_progress(stage, share)
        return True

    return tick
