"""Why does a question have no answer, and which number of sites, budget or cutoff would do?"""

from dataclasses import replace
from typing import Any

import numpy as np

from spatial.errors import InfeasibleError
from spatial.siting.answer import Answer, answer
from spatial.siting.asking import Asked, ask, only
from spatial.siting.question import AS_MANY_AS_NEEDED, Question, in_full, tally
from spatial.siting.setting import Setting
from spatial.siting.ways import Deadline, Flags, Ways, keep, row_of

_EVERYBODY = ("count", "largest")
_SHOWN = 3
_HAIR = 1e-9

Told = tuple[list[str], dict[str, Any]]
"""What is said, and the same as facts."""


def explain(setting: Setting, asked: Asked, *, deadline: Deadline, seed: int) -> InfeasibleError:
    """Return the error for a question that provably has no answer, with what would give it one.

    ``facts`` may hold ``smallest_p``, ``smallest_budget`` and ``smallest_cutoff`` (each with all else unchanged; only
    where proved), ``enough_p`` with ``enough_budget`` where neither alone would do, ``too_large`` (ids of demand that
    no site has room for), ``room`` and ``room_needed`` where all sites together lack it, and ``unreachable`` (ids).
    """
    question = asked.question
    parts = [_room(setting, asked), _limits(question, deadline, seed), _cutoff(setting, asked, deadline, seed)]
    told = [one for said, _ in parts for one in said] or ["the conditions contradict each other"]
    facts = {name: value for _, found in parts for name, value in found.items()}
    return InfeasibleError(
        f"siting: no {_what(question)} keeps every condition; {'; '.join(told)}",
        proved=True,
        **facts,
        unreachable=list_reach(setting, asked)["unreachable"],
    )


def _limits(question: Question, deadline: Deadline, seed: int) -> Told:
    """Return how many sites it takes, and how much money; where neither alone would do, how much of both."""
    told, facts = list[str](), dict[str, Any]()
    many, poor = question.p != AS_MANY_AS_NEEDED, bool(np.isfinite(question.budget))
    hopeless = many and poor
    if many:
        fewest, known = _least(replace(question, p=AS_MANY_AS_NEEDED), question.counted.astype(float), deadline, seed)
        hopeless &= known and fewest is None
        if fewest is not None:
            facts["smallest_p"] = round(fewest.value)
            told.append(f"at least {round(fewest.value)} are needed, {question.p} are allowed")
    if poor:
        cheapest, known = _least(replace(question, budget=np.inf), question.price, deadline, seed)
        hopeless &= known and cheapest is None
        if cheapest is not None:
            facts["smallest_budget"] = cheapest.value
            told.append(f"it takes a budget of {in_full(cheapest.value)}, there are {in_full(question.budget)}")
    if hopeless:
        free = replace(question, p=AS_MANY_AS_NEEDED, budget=np.inf)
        both, _ = _least(free, question.price, deadline, seed)
        if both is not None:
            sites = int((both.opened & question.counted).sum())
            facts |= {"enough_p": sites, "enough_budget": both.value}
            told.append(
                f"neither more than {question.p} sites nor more than {in_full(question.budget)} alone would do, "
                f"{sites} sites with a budget of {in_full(both.value)} would"
            )
    return told, facts


def _cutoff(setting: Setting, asked: Asked, deadline: Deadline, seed: int) -> Told:
    """Return the smallest cutoff with which there is an answer, where one cutoff stands for everybody.

    Demand that nobody could serve was left out. Each cutoff is the least that serves all who are within the one before,
    so that no smaller one would do; it is the answer once nobody else comes within it.
    """
    conditions = asked.conditions
    cutoffs = np.unique(asked.cutoff)
    if asked.question.goal not in _EVERYBODY or conditions.levels or len(cutoffs) != 1 or np.isinf(cutoffs[0]):
        return [], {}
    if deadline.left() <= 0:
        return [], {}
    free = replace(conditions, cutoffs={}, cheapest=False, refuse_unreachable=False)
    wide = ask(setting, free, model="p_center", p=asked.question.p, cutoff=np.inf).question
    enough = wide.ways.cost[wide.ways.ptr[:-1] + wide.need - 1]
    cutoff, smallest = -np.inf, float(cutoffs[0])
    while cutoff < 0 or ((enough > cutoff) & (enough <= smallest)).any():
        cutoff = smallest
        found, _ = _settled(_part(wide, enough <= cutoff), deadline, seed)
        if found is None:
            return [], {}
        smallest = max(cutoff, found.value)
    if smallest <= cutoffs[0]:
        return [], {}
    told = f"a cutoff of {in_full(smallest)} would do, it is {in_full(cutoffs[0])}"
    return [told], {"smallest_cutoff": smallest}


def _part(question: Question, rows: Flags) -> Question:
    """Return the question of some rows."""
    ways = only(keep(question.ways, np.repeat(rows, np.diff(question.ways.ptr))), rows)
    return replace(question, ways=ways, weight=question.weight[rows], load=question.load[rows])


def _room(setting: Setting, asked: Asked) -> Told:
    """Return the demand that is too large for every site in its reach, and whether all sites together are too small."""
    question, told, facts = asked.question, list[str](), dict[str, Any]()
    if not question.has_room_limits or question.goal not in _EVERYBODY:
        return told, facts
    at = row_of(question.ways)
    largest, room = np.zeros(question.rows), question.capacity[question.ways.site]
    np.maximum.at(largest, at, room)
    most = tally(at, room, question.rows) if question.split else largest
    large = np.flatnonzero(question.load > most * (1 + _HAIR))
    if len(large):
        ids = [str(one) for one in setting.homes.ids[np.unique(asked.home[large])]]
        name, takes, has = setting.homes.ids[asked.home[large[0]]], question.load[large[0]], most[large[0]]
        shown = ", ".join(ids[:_SHOWN]) + (", ..." if len(ids) > _SHOWN else "")
        facts["too_large"] = tuple(ids)
        told.append(
            f"{len(ids)} demand points are too large for the sites in their reach: {shown} "
            f"({name} takes {in_full(takes)}, there is room for {in_full(has)})"
        )
    needed, there = float(question.load.sum()), float(question.capacity[~question.banned].sum())
    if needed > there * (1 + _HAIR):
        facts |= {"room_needed": needed, "room": there}
        told.append(f"the demand takes {in_full(needed)} of room, all sites together have {in_full(there)}")
    return told, facts


def _what(question: Question) -> str:
    return "choice of sites" if question.goal == "sum" else "choice of sites that serves every demand point"


def _least(question: Question, charge: Any, deadline: Deadline, seed: int) -> tuple[Answer | None, bool]:
    """Return the sites of the least charge that keep the conditions, as ``_settled`` does."""
    asked = replace(question, goal="count", charge=np.asarray(charge, dtype=np.float64), missing=np.inf)
    if question.goal == "sum":  # it counts whoever goes unserved at a price, so that the conditions on sites are all
        nobody = Ways(np.zeros(1, np.int64), question.ways.site[:0], question.ways.cost[:0], question.ways.sites)
        asked = replace(asked, ways=nobody, weight=question.weight[:0], load=question.load[:0])
    return _settled(asked, deadline, seed)


def _settled(question: Question, deadline: Deadline, seed: int) -> tuple[Answer | None, bool]:
    """Return the proved answer if there is one, and whether it is known in time that there is one or none."""
    try:
        found = answer(question, deadline=deadline, seed=seed)
    except InfeasibleError:
        return None, False
    proved = found is None or found.proved
    return (found if proved else None), proved


def list_reach(setting: Setting, asked: Asked) -> dict[str, Any]:
    """Return the demand points that some group cannot be served at, and the cutoff at which all known walks count."""
    ids = setting.homes.ids[asked.left_out]
    return {"unreachable": tuple(str(one) for one in ids), "smallest_cutoff": asked.smallest_cutoff}
