"""Why does a question have no answer, and which number of sites, budget or cutoff would do?"""

from dataclasses import replace
from typing import Any

import numpy as np

from spatial.errors import InfeasibleError
from spatial.siting.answer import answer
from spatial.siting.asking import Asked
from spatial.siting.question import AS_MANY_AS_NEEDED, Question
from spatial.siting.setting import Setting
from spatial.siting.ways import Deadline, Ways


def explain(setting: Setting, asked: Asked, *, deadline: Deadline, seed: int) -> InfeasibleError:
    """Return the error for a question that provably has no answer, with what would give it one.

    ``facts`` may hold ``smallest_p`` and ``smallest_budget`` (each with all else unchanged; only where proved),
    ``unreachable`` (ids) and ``smallest_cutoff``.
    """
    question, facts = asked.question, dict[str, Any](proved=True)
    told = []
    if question.p != AS_MANY_AS_NEEDED:
        fewest = _least(replace(question, p=AS_MANY_AS_NEEDED), question.counted.astype(float), deadline, seed)
        if fewest is not None:
            facts["smallest_p"] = round(fewest)
            told.append(f"at least {round(fewest)} are needed, {question.p} are allowed")
    if np.isfinite(question.budget):
        cheapest = _least(replace(question, budget=np.inf), question.price, deadline, seed)
        if cheapest is not None:
            facts["smallest_budget"] = cheapest
            told.append(f"it takes a budget of {cheapest:g}, there are {question.budget:g}")
    facts.update(list_reach(setting, asked))
    if not told:
        told.append("the conditions contradict each other")
    return InfeasibleError(f"siting: no {_what(question)} keeps every condition; {'; '.join(told)}", **facts)


def _what(question: Question) -> str:
    return "choice of sites" if question.goal == "sum" else "choice of sites that serves every demand point"


def _least(question: Question, charge: Any, deadline: Deadline, seed: int) -> float | None:
    """Return the least charge of sites that keep the conditions, where it is proved in time."""
    asked = replace(question, goal="count", charge=np.asarray(charge, dtype=np.float64), missing=np.inf)
    if question.goal == "sum":  # it counts whoever goes unserved at a price, so that the conditions on sites are all
        nobody = Ways(np.zeros(1, np.int64), question.ways.site[:0], question.ways.cost[:0], question.ways.sites)
        asked = replace(asked, ways=nobody, weight=question.weight[:0], load=question.load[:0])
    try:
        found = answer(asked, deadline=deadline, seed=seed)
    except InfeasibleError:
        return None
    return found.value if found is not None and found.proved else None


def list_reach(setting: Setting, asked: Asked) -> dict[str, Any]:
    """Return the demand points that some group cannot be served at, and the cutoff at which all known walks count."""
    ids = setting.homes.ids[asked.left_out]
    return {"unreachable": tuple(str(one) for one in ids), "smallest_cutoff": asked.smallest_cutoff}
