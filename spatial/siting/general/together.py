"""How far do prices raise the bound that rows find together, many in areas (``areas.py``) or a few (``row_groups.py``)?

Both begin at the prices of single rows and go on in rounds as long as there is time and the best sites are not proved.
"""

from dataclasses import replace

from spatial.siting.general.area_rounds import begin_areas, prove_all, visit_all
from spatial.siting.general.row_groups import begin_groups, visit_groups
from spatial.siting.general.rows import RowPrices
from spatial.siting.general.task import State, Task, is_open, ruled
from spatial.siting.ways import Deadline, Tick

_AREA_SHARE, _ROUNDS_BETWEEN = 0.9, 4
"""The share of the time that is left for prices of areas, and rounds between two searches of what they prove."""
_GROUP_SHARE = 0.75
"""The share of the time that is left for prices of groups of a few rows."""


def raised_by_area(
    task: Task, state: State, prices: RowPrices, deadline: Deadline, seed: int, tick: Tick | None
) -> State:
    """Return the state after rounds of prices that areas of rows pay their sites, and each other for pairs of them."""
    until, need = Deadline(_AREA_SHARE * deadline.left(), clock=deadline.clock), task.question.need
    now = begin_areas(task.ways, need, prices, state.opened, seed=seed)
    goes_on, last = True, 0.0
    while goes_on and is_open(task, state) and until.left() > last:
        begun = until.spent()
        for _ in range(_ROUNDS_BETWEEN):
            now = visit_all(now, need, task.sides, state.ends, deadline=until, seed=seed)
        gap = max(state.value - state.bound, 0.0)
        now, priced = prove_all(now, need, task.sides, state.ends, gap, deadline=deadline)
        if priced is None:
            break
        state, last = ruled(task, state, priced), until.spent() - begun
        goes_on = tick is None or tick("prices", min(until.spent() / until.budget_s, 1.0), state.value, state.bound)
    return replace(state, stopped=not goes_on)


def raised_by_group(
    task: Task, state: State, prices: RowPrices, deadline: Deadline, seed: int, tick: Tick | None
) -> State:
    """Return the state after rounds of prices that groups of a few rows pay their sites."""
    until = Deadline(_GROUP_SHARE * deadline.left(), clock=deadline.clock)
    now, goes_on = begin_groups(task.ways, prices, state.opened, seed=seed), True
    while goes_on and is_open(task, state) and until.left() > 0.0:
        now, priced = visit_groups(now, task.sides, state.ends, deadline=until, seed=seed)
        state = ruled(task, state, priced)
        goes_on = tick is None or tick("prices", min(until.spent() / until.budget_s, 1.0), state.value, state.bound)
    return replace(state, stopped=not goes_on)
