"""Into which halves does a node of a p-median fall whose relaxation is solved: by one site, or by a ball of sites?

Where many sites are as good as each other, shutting one moves nothing. All sites of a ball shut, or one of them open at
least, moves both halves (branching on sums of variables: Ryan and Foster 1981). That one is open says that the step
after the ball is not paid.
"""

from dataclasses import replace

import numpy as np

from spatial.siting.median.branch import Node, split_on
from spatial.siting.median.core import shrink
from spatial.siting.median.cuts import Program, add_paid, charge
from spatial.siting.median.split import (
    Records,
    Trial,
    begin_trials,
    end_trials,
    gained,
    site_gains,
    split_site,
    worth_of,
)
from spatial.siting.median.steps import ball_sums
from spatial.siting.ways import Deadline, Floats, Ints

_SLOW = 0.1
"""Balls are tried where a site lifts both sides by less than this share of what is missing."""
_LEAST, _MOST, _FEWEST, _SEEN = 0.35, 0.65, 3, 1e-3
"""Shares of open sites that a ball may hold, and of how many sites at least, those with less of a share left out."""
_FIRST, _NEW, _STEPS = 6, 1, 250
"""Balls tried at first and at each node after it, and most steps of the simplex method in a trial."""


def is_empty(program: Program, node: Node) -> bool:
    """Tell whether balls that are held ask for more sites than are left: no set of whole sites is in the node then."""
    names, taken = program.core.names, np.zeros(len(program.core.names), bool)
    open_now, free, asked = np.isin(names, node.opened), np.isin(names, node.core.names), 0
    for ball in node.held:
        sites = sites_in(program, ball)
        if open_now[sites].any():
            continue
        sites = sites[free[sites]]
        if not len(sites):
            return True
        if not taken[sites].any():
            taken[sites], asked = True, asked + 1
    return asked > node.core.p


def sites_in(program: Program, ball: int) -> Ints:
    """Return the sites of a ball, ascending, as places in the programme."""
    at = int(program.ends[ball])
    sites: Ints = np.unique(program.core.site[program.core.ptr[program.row[ball]] : at + 1]).astype(np.int64)
    return sites


def split_node(
    program: Program, records: Records, share: Floats, value: float, goal: float, deadline: Deadline, node: Node
) -> list[Node]:
    """Return the halves of a node once the relaxation is solved to these shares and this value.

    Once a ball was better than a site, sites are tried only where no ball is half open.
    """
    missing = max(goal - value, 1e-9 * max(abs(goal), 1.0))
    ball = _best_ball(program, records, share, missing, -1, node) if records.balls and deadline.left() else -1
    if ball < 0:
        name = split_site(program, records, share, value, goal, deadline, node.core.names)
        site = int(np.flatnonzero(program.core.names == name)[0])
        if not records.balls and _SEEN < share[site] < 1.0 - _SEEN and deadline.left():
            ball = _best_ball(program, records, share, missing, site, node)
    if ball >= 0:
        return _on_ball(program, ball, node)
    return split_on(node, int(np.flatnonzero(node.core.names == name)[0]))


def _on_ball(program: Program, ball: int, node: Node) -> list[Node]:
    """Return the node with all sites of a ball shut, and with one of them open at least."""
    names = program.core.names[sites_in(program, ball)]
    core, rows = shrink(node.core, -np.isin(node.core.names, names).astype(np.int64))
    return [replace(node, core=core, price=node.price[rows]), replace(node, held=(*node.held, ball))]


def _best_ball(program: Program, records: Records, share: Floats, missing: float, site: int, node: Node) -> int:
    """Return the ball that trials show to lift both sides most, and farther than a site, if one is named; else -1."""
    if site >= 0:
        moved = np.array([share[site], 1.0 - share[site]])
        known = records.gain[:, site] / np.maximum(records.tries[:, site], 1.0) * moved
        if worth_of(known[:, None], missing)[0] > (_SLOW * missing) ** 2:
            return -1
    balls, summed = _candidates(program, share, node)
    fresh = [ball for ball in balls.tolist() if ball not in records.balls][: _FIRST if site >= 0 else _NEW]
    # What was taken as paid stands as columns from now on.
    add_paid(program, np.array([ball for ball in fresh if ball not in program.column], np.int64))
    charge(program)
    program.highs.run()
    trial = begin_trials(program, _STEPS)
    best, most = -1, 0.0
    if site >= 0:
        most = float(worth_of(site_gains(program, trial, site, missing)[:, None], missing)[0])
    for ball in fresh:
        gains = _ball_gains(program, trial, ball, node, missing)
        records.balls[ball] = gains / np.array([summed[ball], 1.0 - summed[ball]])
    for ball in balls.tolist():
        if ball in records.balls:
            parts = records.balls[ball] * np.array([summed[ball], 1.0 - summed[ball]])
            worth = float(worth_of(parts[:, None], missing)[0])
            if worth > most:
                best, most = ball, worth
    end_trials(program, trial)
    return best


def _candidates(program: Program, share: Floats, node: Node) -> tuple[Ints, Floats]:
    """Return the balls that are half open, the one with the longest step first, equal ones once, and sums by ball."""
    core = program.core
    summed = ball_sums(core.ptr, core.site, program.ends, program.row, share)
    free = np.isin(core.names, node.core.names)
    first = core.ptr[program.row]
    seen = np.r_[0, np.cumsum((free & (share > _SEEN))[core.site])]
    others = np.r_[0, np.cumsum(np.isin(core.names, node.opened)[core.site])]
    many = seen[program.ends + 1] - seen[first] >= _FEWEST
    clear = others[program.ends + 1] == others[first]
    at = np.flatnonzero((summed > _LEAST) & (summed < _MOST) & many & clear)
    token = np.r_[0.0, np.cumsum(np.random.default_rng(0).random(len(share))[core.site])]
    worth = program.step[at] * np.minimum(summed[at], 1.0 - summed[at])
    at = at[np.lexsort((at, -np.round(worth, 6)))]
    same = np.round(token[program.ends[at] + 1] - token[first[at]], 6)
    _, once = np.unique(same, return_index=True)
    return at[np.sort(once)], summed


def _ball_gains(program: Program, trial: Trial, ball: int, node: Node, missing: float) -> Floats:
    """Return how far some steps lift the value once all sites of a ball are shut, and once one of them is open."""
    highs, sites = program.highs, sites_in(program, ball)
    sites = sites[np.isin(program.core.names[sites], node.core.names)].astype(np.int32)
    none, all_ = np.zeros(len(sites)), np.ones(len(sites))
    highs.changeColsBounds(len(sites), sites, none, none)
    shut = gained(program, trial, missing)
    highs.changeColsBounds(len(sites), sites, none, all_)
    highs.setBasis(trial.basis)
    highs.changeColBounds(program.column[ball], 0.0, 0.0)
    opened = gained(program, trial, missing)
    highs.changeColBounds(program.column[ball], 0.0, np.inf)
    highs.setBasis(trial.basis)
    return np.array([shut, opened])
