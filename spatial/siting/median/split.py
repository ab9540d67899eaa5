"""Which site is a node of a p-median split on best?

The one whose shutting and whose opening both lift the relaxation: a few steps of the dual simplex method tell by how
much for sites that were seldom tried, what these gave before for the others (reliability branching; Achterberg, Koch
and Martin, "Branching rules revisited", 2005).
"""

from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np

from spatial.siting.median.cuts import Program
from spatial.siting.ways import Deadline, Floats, Ints

_WHOLE = 1e-6
_STEPS = 60
"""Most steps of the simplex method in one trial."""
_TRUSTED = 1
"""After so many trials of a site what they gave is taken for what it gives."""
_LOOKS = 4
"""A look around ends when so many sites in a row were no better than the best."""
_LEAST = 1e-3
"""A side that lifts nothing counts as if it lifted this share of what is missing."""


@dataclass(frozen=True, slots=True)
class Records:
    """How much a trial lifted the value by unit of share moved, summed by side (shut, opened) and site, and trials; the
    same for one trial of each of some balls.

    Both are written to by every look around.
    """

    gain: Floats
    tries: Floats
    balls: dict[int, Floats]


def begin_records(sites: int) -> Records:
    """Return records without any trial."""
    return Records(np.zeros((2, sites)), np.zeros((2, sites)), {})


def split_site(
    program: Program, records: Records, share: Floats, value: float, goal: float, deadline: Deadline, names: Ints
) -> int:
    """Return the site among ``names`` to split on, once the relaxation is solved to these shares and this value.

    What a trial gives decides on nothing but the site. The programme is left as it was.
    """
    among = np.isin(program.core.names, names)
    loose = np.flatnonzero(among & (share > _WHOLE) & (share < 1.0 - _WHOLE))
    if not len(loose):
        return int(program.core.names[np.flatnonzero(among)[np.argmax(share[among])]])
    missing = max(goal - value, 1e-9 * max(abs(goal), 1.0))
    moved = np.stack((share[loose], 1.0 - share[loose]))
    known = records.tries.sum(axis=1)
    usual = np.where(known > 0, records.gain.sum(axis=1) / np.maximum(known, 1.0), 1.0)
    tries, gain = records.tries[:, loose], records.gain[:, loose]
    each = np.where(tries > 0, gain / np.maximum(tries, 1.0), usual[:, None])
    worth = worth_of(each * moved, missing)
    order = np.argsort(-worth, kind="stable")
    best, at, waited = -1.0, int(loose[order[0]]), 0
    trial = begin_trials(program, _STEPS)
    for k in order:
        site = int(loose[k])
        reached = float(worth[k])
        if tries[:, k].min() < _TRUSTED and deadline.left():
            gains = site_gains(program, trial, site, missing)
            records.gain[:, site] += gains / moved[:, k]
            records.tries[:, site] += 1.0
            reached = float(worth_of(gains[:, None], missing)[0])
        waited = 0 if reached > best else waited + 1
        if reached > best:
            best, at = reached, site
        if waited >= _LOOKS:
            break
    end_trials(program, trial)
    return int(program.core.names[at])


def worth_of(gains: Floats, missing: float) -> Floats:
    """Return how good a split is, by site: the product of what both sides lift, of which no more than needed counts."""
    product: Floats = np.clip(gains, _LEAST * missing, missing).prod(axis=0)
    return product


@dataclass(frozen=True, slots=True)
class Trial:
    """Where trials begin: the basis, and its value as the programme has it."""

    basis: Any
    value: float


def begin_trials(program: Program, steps: int) -> Trial:
    """Return where trials begin, and hold the programme to so many steps."""
    highs = program.highs
    trial = Trial(highs.getBasis(), float(highs.getInfo().objective_function_value))
    highs.setOptionValue("simplex_iteration_limit", steps)
    return trial


def end_trials(program: Program, trial: Trial) -> None:
    """Leave the programme as it was before the trials."""
    program.highs.setOptionValue("simplex_iteration_limit", highspy.kHighsIInf)
    program.highs.setBasis(trial.basis)


def site_gains(program: Program, trial: Trial, site: int, missing: float) -> Floats:
    """Return how far some steps lift the value once a site is shut, and once it is opened."""
    gains = []
    for side in (0.0, 1.0):
        program.highs.changeColBounds(site, side, side)
        gains.append(gained(program, trial, missing))
        program.highs.changeColBounds(site, 0.0, 1.0)
        program.highs.setBasis(trial.basis)
    return np.array(gains)


def gained(program: Program, trial: Trial, missing: float) -> float:
    """Return how far some steps lift the value as the programme stands; all that is missing if none is left."""
    highs, states = program.highs, highspy.HighsModelStatus
    highs.run()
    status = highs.getModelStatus()
    lifted = (float(highs.getInfo().objective_function_value) - trial.value) * program.unit
    if status == states.kInfeasible:
        return missing
    return float(np.clip(lifted, 0.0, missing)) if status in (states.kOptimal, states.kIterationLimit) else 0.0
