"""How little can p sites with room leave out, as a model of sites and of what rows lack tells in shares?

Rows of a kind have a lack beside their sites, a site of their own with room for all of them, which costs what they are
lost for: with the lacks as further columns everybody is served. What answers of the linear programme break joins it
round after round: inequalities about room, zero-half cuts, those of windows, and those of groups of sites.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from spatial.siting.cover.table import matrix_of, table_of
from spatial.siting.room.groups import broken_groups
from spatial.siting.room.relaxed import (
    Relaxed,
    Told,
    begin_relaxed,
    join_relaxed,
    recall,
    run_until,
    shed_relaxed,
    tell,
)
from spatial.siting.room.rooms import Rooms
from spatial.siting.room.rows import Kinds, broken_rooms, flow_of, list_kinds
from spatial.siting.room.sites import Master, broken_cover
from spatial.siting.ways import Deadline, Floats

_ROUNDS, _IDLE, _LEAST = 200, 4, 1e-4
"""Rounds at most, and in a row that may gain less than the last as a share of the bound."""
_FIRST_SHARE = 0.3
"""Share of the time that the interior point method may take for a first answer."""
_LITTLE, _LESS = 0.01, 0.003
"""Cuts are looked for once a round gains no more than the first share of the bound, groups no more than the second."""
_SETS, _MANY = 6, 30
"""Inequalities in whose rows groups are looked for: those of at least so many rows that hold the bound up most."""
_SPARE = 0.05
"""Inequalities that are kept with more than this to spare wait aside until they are broken."""


@dataclass(frozen=True, slots=True)
class Raised:
    """The programme, what it told best and last, and by how much the last round raised the bound."""

    relaxed: Relaxed
    told: Told
    last: Told
    gained: float


def lacks_master(rooms: Rooms) -> Master:
    """Return the model of sites and lacks: what every kind lists, and how many sites may open."""
    question, kinds = rooms.question, list_kinds(rooms)
    n, m = kinds.table.rows, kinds.table.sites
    table = table_of(sparse.hstack([matrix_of(kinds.table), sparse.eye_array(n)]).tocsr())
    whole = Kinds(table, kinds.load, np.concatenate((kinds.room, kinds.load)), kinds.of)
    few = sparse.csr_array(np.concatenate((-(~question.fixed).astype(np.float64), np.zeros(n)))[None])
    lost = np.asarray(np.bincount(kinds.of, rooms.lost, n), dtype=np.float64)
    none, one = np.zeros(n), np.ones(n)
    shut = question.banned & ~question.fixed
    return Master(
        kinds=whole, cover=table, terms=sparse.vstack([matrix_of(table), few]).tocsr(),
        least=np.append(one, -float(rooms.most)), cost=np.concatenate((np.zeros(m), lost)),
        lower=np.concatenate((question.fixed.astype(np.float64), none)),
        upper=np.concatenate(((~shut).astype(np.float64), one)),
        whole=np.concatenate((np.ones(m, np.bool_), np.zeros(n, np.bool_))),
    )  # fmt: skip


def begin_lacks(rooms: Rooms, deadline: Deadline) -> Raised | None:
    """Return the programme before any round; None if time does not do for an answer."""
    master = lacks_master(rooms)
    relaxed = begin_relaxed(master, _FIRST_SHARE * deadline.left())
    if not run_until(relaxed, deadline):
        return None
    told = tell(relaxed, (master.lower, master.upper))
    return Raised(relaxed, told, told, np.inf)


def raise_lacks(raised: Raised, kinds: Kinds, deadline: Deadline) -> Raised:
    """Return the programme after rounds of inequalities, until little is gained or time is up."""
    relaxed, best, told, gained = raised.relaxed, raised.told, raised.last, raised.gained
    ends, idle = (relaxed.master.lower, relaxed.master.upper), 0
    for _ in range(_ROUNDS):
        if idle >= _IDLE or deadline.left() <= 0.0:
            break
        relaxed = shed_relaxed(relaxed, told.point, _SPARE)
        held = len(relaxed.inside)
        relaxed = recall(relaxed, told.point)
        terms, least = _broken(relaxed, kinds, told, gained, deadline)
        if not len(least) and len(relaxed.inside) == held:
            break
        relaxed = join_relaxed(relaxed, terms, least)
        done, told = run_until(relaxed, deadline), tell(relaxed, ends)
        gained = max(told.bound - best.bound, 0.0)
        best = told if told.bound >= best.bound else best
        idle = idle + 1 if gained < _LEAST * abs(best.bound) else 0
        if not done:
            break
    return Raised(shed_relaxed(relaxed, told.point, 0.0), best, told, gained)


def _broken(
    relaxed: Relaxed, kinds: Kinds, told: Told, gained: float, deadline: Deadline
) -> tuple[sparse.csr_array, Floats]:
    """Return what an answer breaks, and the least of each."""
    master, m = relaxed.master, kinds.table.sites
    terms = [broken_rooms(master.kinds, told.point, flow_of(master.kinds, told.point))]
    late = terms[0].shape[0] == 0 or gained < _LITTLE * abs(told.bound)
    if late and gained < _LESS * abs(told.bound):
        sets = _sets(master, told, m)
        terms.append(broken_groups(kinds, told.point[:m], told.point[m:], sets))
    least = [np.ones(sum(some.shape[0] for some in terms))]
    if late:
        more, at_least = broken_cover(master, told.point, told.price, deadline)
        terms.append(more)
        least.append(at_least)
    return sparse.vstack(terms).tocsr(), np.concatenate(least)


def _sets(master: Master, told: Told, m: int) -> sparse.csr_array:
    """Return the kinds whose lacks stand in those inequalities of many kinds that hold the bound up most."""
    lacks = master.terms[:, m:].tocsr()
    size = np.diff(lacks.indptr)
    holds = np.where(size > _MANY, told.price[: len(size)] * size, 0.0)
    order = np.argsort(-holds, kind="stable")[:_SETS]
    return lacks[order[holds[order] > 0.0]]
