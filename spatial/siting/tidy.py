"""Of equally good choices, which one is the plainest? No site that helps nobody, and the shorter walks."""

from dataclasses import replace

import numpy as np

from spatial.siting.answer import Answer, with_value
from spatial.siting.asking import Asked
from spatial.siting.enumerate import can_try_all, try_all
from spatial.siting.figures import nearest
from spatial.siting.general.swaps import search
from spatial.siting.question import Question, broken_rules, tally, value_of
from spatial.siting.ways import Deadline, Flags, Floats

_MOST_TRIES = 200


def tidy(asked: Asked, answer: Answer, *, deadline: Deadline) -> Answer:
    """Return the answer without sites that help nobody, and with sites moved where that only shortens walks.

    The bound stays, and the value unless sites that cost something close; where sites have limited room, or rows need
    several sites, only idle sites close.
    """
    opened = _shorten(asked, _close_idle(asked, answer), deadline)
    value = value_of(asked.question, opened, answer.share)
    return (
        answer if (opened == answer.opened).all() else with_value(asked.question, replace(answer, opened=opened), value)
    )


def _close_idle(asked: Asked, answer: Answer) -> Flags:
    """Close new sites, last first, without which the goal's value is the same."""
    question, opened = asked.question, answer.opened.copy()
    free = opened & ~question.fixed & (question.price >= 0)
    if answer.share is not None:
        busy = np.zeros(len(opened), dtype=bool)
        busy[question.ways.site[answer.share > 0]] = True
        idle = free & ~busy
    else:
        idle = free & (_worth(question, opened) <= 0)
    for site in np.flatnonzero(idle)[::-1][:_MOST_TRIES]:
        opened[site] = False
        if broken_rules(question, opened, answer.share) or value_of(question, opened, answer.share) > answer.value:
            opened[site] = True
    return opened


def _worth(question: Question, opened: Flags) -> Floats:
    """Return by how much the total of weight times cost grows if a site shuts; 1 where the goal is another one."""
    if question.goal == "count":
        return np.ones(len(opened))
    if question.goal == "largest" or question.need > 1:
        return np.zeros(len(opened))
    site, first = nearest(question.ways, opened)
    second = nearest(question.ways, opened, rank=2)[1]
    row = np.flatnonzero((site >= 0) & (question.weight > 0))
    grows = np.minimum(second[row], question.missing) - np.minimum(first[row], question.missing)
    return tally(site[row], grows * question.weight[row], len(opened))


def _shorten(asked: Asked, opened: Flags, deadline: Deadline) -> Flags:
    """Swap sites where walks become shorter and the value stays."""
    question = asked.question
    if asked.model not in ("max_cover", "set_cover") or question.has_room_limits or question.need > 1:
        return opened
    if asked.model == "max_cover" and question.ways.cost.any():
        return opened
    covered = nearest(asked.walks, opened)[0] >= 0
    far = float(asked.walks.cost.max(initial=0.0)) + 1.0
    # To lose the lightest row costs more than all walks of the others.
    lightest = float(question.weight[question.weight > 0].min(initial=1.0))
    missing = far * (float(question.weight.sum()) / lightest + 1.0)
    walking = replace(
        question,
        goal="sum",
        ways=asked.walks,
        weight=np.where(covered, question.weight, 0.0),
        p=int((opened & question.counted).sum()),
        budget=min(question.budget, float(question.price[opened].sum())) if question.price.any() else question.budget,
    )
    moved: Flags | None
    if can_try_all(walking):
        moved = try_all(replace(walking, missing=missing))
        if moved is None:
            return opened
    else:
        moved = search(walking, opened, missing, time_left=deadline.left)
    worse = value_of(question, moved) > value_of(question, opened)
    return opened if worse or broken_rules(question, moved) else moved
