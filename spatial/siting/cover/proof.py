"""What does branching prove about a maximal cover question, with all cuts and hulls there are?"""

from dataclasses import replace

import numpy as np
from scipy import sparse

from spatial.siting.cover.cuts import members
from spatial.siting.cover.mix import Mix
from spatial.siting.cover.prices import cover_terms
from spatial.siting.cover.programme import pose_cover
from spatial.siting.cover.question import CoverQuestion, CoverState, better_cover
from spatial.siting.cover.table import covered_rows, matrix_of
from spatial.siting.cover.tree import Ask, grow_tree
from spatial.siting.price import Sides
from spatial.siting.ways import Deadline, Tick

_INSTANT_S = 1e-9


def prove_cover(question: CoverQuestion, state: CoverState, deadline: Deadline, tick: Tick) -> tuple[CoverState, str]:
    """Return the state after branching with all cuts and hulls there are."""
    assert state.prices is not None
    table, weight, total = question.table, question.weight, float(question.weight.sum())
    covered, (terms, least) = matrix_of(table), cover_terms(table, state.cuts, state.hulls[:, : table.sites])
    inside = sparse.vstack(
        [sparse.eye_array(table.rows), members(state.cuts, table.rows), state.hulls[:, table.sites :]]
    )
    every = Sides(sparse.csr_array((0, table.sites)), np.zeros(0), np.ones(table.sites, np.bool_), question.p)
    sides = np.concatenate((np.ones(table.rows), least))
    posed = pose_cover(sparse.vstack([covered, terms]).tocsr(), inside.tocsr(), sides, weight, every)
    share = np.where(state.never, 0.0, state.prices.share)
    begin = posed.point(share, np.maximum(1.0 - covered @ share, 0.0)), np.r_[state.prices.row, state.prices.cut]
    opened = np.zeros(table.sites, np.bool_)
    opened[state.chosen] = True

    def watch(value: float, bound: float) -> bool:
        done = min(deadline.spent() / max(deadline.budget_s, _INSTANT_S), 1.0)
        return tick("branching", done, total - value, total - bound)

    ask = Ask(
        lambda value: value - question.step * 0.999,
        lambda flags: float(weight[covered_rows(table, flags) == 0].sum()) if flags.sum() <= question.p else np.inf,
        watch,
    )
    ends = np.zeros(table.sites), np.where(state.never, 0.0, 1.0)
    grown = grow_tree(posed, ends, begin, opened, total - state.value, ask, deadline)
    state = better_cover(state, Mix(best=((np.flatnonzero(grown.opened), total - grown.value),)))
    state = replace(state, bound=min(state.bound, max(total - grown.bound, state.value)))
    return state, f"branching into {grown.parts} parts"
