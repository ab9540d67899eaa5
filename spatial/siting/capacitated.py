"""Which sites are best where each has room for only so much?"""

from dataclasses import replace

import numpy as np

from spatial.siting.general import Outcome, shrink_radius
from spatial.siting.mip import solve_mip
from spatial.siting.models import room_model
from spatial.siting.question import Question
from spatial.siting.ways import Deadline, Floats


def answer_with_room(question: Question, *, deadline: Deadline, seed: int) -> Outcome:
    """Return open sites and who serves whom, so that no site is fuller than it may be, with a bound."""
    if question.goal == "largest":
        return shrink_radius(
            question, lambda asked, left_s: _solve(asked, np.zeros(len(asked.fixed)), left_s, seed), deadline=deadline
        )
    charge = question.charge if question.goal == "count" else np.zeros(len(question.fixed))
    return _solve(question, charge, deadline.left(), seed)


def _solve(question: Question, charge: Floats, left_s: float, seed: int) -> Outcome:
    asked = replace(question, missing=np.inf) if question.goal == "largest" else question
    found = solve_mip(room_model(asked, charge), start=None, time_limit_s=left_s, seed=seed)
    if found.x is None:
        return Outcome(None, None, found.bound, found.infeasible)
    m, k = len(question.fixed), len(question.ways.site)
    share = np.clip(found.x[m : m + k], 0.0, 1.0)
    if not question.split:
        share = np.round(share)
    return Outcome(found.x[:m] > 0.5, share, found.bound, False)
