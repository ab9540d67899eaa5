"""How high is the bound of a part of all choices by sets of rows, and what is left of it?

Column generation: sets that pay at the prices of a mix of sets join it, until the mix and a bound on all choices meet;
prices stay in a box about the best ones met, until those are inside of it. Triples that the mix breaks lift both.
"""

from dataclasses import replace

import numpy as np

from spatial.siting.room.climb import Bound, goal_of
from spatial.siting.room.fill import broken_triples
from spatial.siting.room.master import (
    Master,
    Mix,
    Taken,
    add_sets,
    add_triples,
    keep_triples,
    set_box,
    set_part,
    solve_mix,
)
from spatial.siting.room.pool import keep_open
from spatial.siting.room.rooms import Choice, Rooms, value_of_choice
from spatial.siting.room.worth import Fined, Lifted, cut_part, pool_of, price_part, taken_of
from spatial.siting.ways import Deadline, Floats

_ROUNDS, _BOXES = 200, 30
_WIDE, _WIDER = 0.1, 1.5
"""How wide the first box of prices is, as a share of them, and how much wider each further one."""
_MET = 1e-6
_ENOUGH, _LITTLE = 1e-2, 1e-9
"""The mix is near enough to its bound at this share of the gap, or of the total."""
_WHOLE = 1e-6
_FAINT, _MOST_BROKEN = 0.02, 20_000
_PER_ROUND, _PER_ROW = 40, 6
"""Triples that join at once, and how many of them may share a row."""
_FIRST_TURNS, _TURNS = 40, 4
_FIRST_GAIN, _GAIN = 0.02, 0.1
"""Triples go on as long as a round of them closes this share of the gap: at first, and in further parts."""
_PATIENCE = 3
"""Rounds at first that may close less: a mix often is one of many alike."""


def lift_part(
    master: Master, rooms: Rooms, state: Fined, most: float, *, deadline: Deadline, first: bool = False
) -> Lifted:
    """Return the part with the bound that sets and triples give, without what no choice of at most a total has.

    That is ``most``, or what would be better than the best choice met where that is less. The first time more triples
    are tried.
    """
    alive, prices = state.alive & ~state.banned[rooms.site], np.clip(state.prices, 0.0, rooms.lost)
    state, mix, slow = replace(state, alive=alive, prices=prices), None, -1
    if state.pool is not None:
        state = replace(state, pool=keep_open(state.pool, rooms, alive))
    keep_triples(master, state.triples)
    state = _carried(master, state)
    set_part(master, rooms, state, None if state.pool is None else state.pool.inside)
    turns, least, patience = (_FIRST_TURNS, _FIRST_GAIN, _PATIENCE) if first else (_TURNS, _GAIN, 1)
    for _ in range(turns):
        before = state.bound
        state, last = _grown(master, rooms, state, most, deadline)
        mix = last or mix
        if last is None or deadline.left() <= 0.0:
            break
        best, known = _best_of(master, rooms, state.best, last), state.best.value
        state = replace(state, best=best)
        missing = _goal(rooms, state, most) - state.bound
        if missing < 0.0:
            break
        if best.value < known:  # sets grow on: the bound was near enough to a total that is none any more
            continue
        slow = slow + 1 if state.bound - before < least * missing or slow < 0 else 0
        if slow > patience or not _add_broken(master, last):
            break
    opened, share = _shares(master, rooms, mix)
    state, goal = _without_none(state), _goal(rooms, state, most)
    if first or state.bound > goal:
        return Lifted(state, opened, share, 0.0)
    return cut_part(rooms, state, opened, share, goal)


def list_lifted(rooms: Rooms, lifted: Lifted, top: float, most: int) -> tuple[Fined, float]:
    """Return what choices of at most some total can have, with the sets that are left listed, and that total.

    That is the top, or as near to it as leaves no more than ``most`` sets; where none above the bound does, it is the
    top without a list.
    """
    state, guess = pool_of(rooms, lifted.state, top, most)
    return cut_part(rooms, state, lifted.opened, lifted.share, guess).state, guess


def sets_of(rooms: Rooms, choice: Choice) -> list[Taken]:
    """Return the sets of rows that a choice serves."""
    entry = np.flatnonzero(choice.served[rooms.row] == rooms.site)
    sites = rooms.site[entry]
    return [taken_of(rooms, int(s), entry[sites == s]) for s in np.unique(sites)]


def _goal(rooms: Rooms, state: Bound, most: float) -> float:
    return min(goal_of(rooms, state.best.value), most)


def _padded(master: Master, state: Fined) -> Fined:
    """Return the state with fines on all triples that the programme has by now."""
    triples = np.array(master.triples, np.int64).reshape(-1, 3)
    return replace(state, triples=triples, fines=np.r_[state.fines, np.zeros(len(triples) - len(state.fines))])


def _carried(master: Master, state: Fined) -> Fined:
    """Return the state with fines on the triples of the programme, in their order, none on those it had not."""
    fine = dict(zip(map(tuple, state.triples.tolist()), state.fines.tolist(), strict=True))
    fines = np.array([fine.get(one, 0.0) for one in master.triples])
    return replace(state, triples=np.array(master.triples, np.int64).reshape(-1, 3), fines=fines)


def _without_none(state: Fined) -> Fined:
    """Return the state without triples that have no fine."""
    some = state.fines > 0.0
    return replace(state, triples=state.triples[some], fines=state.fines[some])


def _grown(master: Master, rooms: Rooms, state: Fined, most: float, deadline: Deadline) -> tuple[Fined, Mix | None]:
    """Return the state with the best prices met, and the mix of sets when none paid any more; None without time."""
    state, mix, wide = _padded(master, state), None, _WIDE
    for _ in range(_BOXES):
        set_box(master, rooms, state.prices, wide)
        state, last = _grown_in_box(master, rooms, state, most, deadline)
        mix, wide = last or mix, _WIDER * wide
        if last is None or not last.strays or state.bound > _goal(rooms, state, most):
            break
    return state, mix


def _grown_in_box(
    master: Master, rooms: Rooms, state: Fined, most: float, deadline: Deadline
) -> tuple[Fined, Mix | None]:
    """Return the same with prices in their boxes; no mix without time."""
    mix = None
    for _ in range(_ROUNDS):
        goal = _goal(rooms, state, most)
        if deadline.left() <= 0.0 or (mix := solve_mix(master, deadline.left())) is None:
            return state, None
        if state.bound > -np.inf and mix.value - state.bound <= max(
            _ENOUGH * (goal - state.bound), _LITTLE * abs(goal)
        ):
            break
        found = price_part(rooms, state, np.minimum(mix.price, rooms.lost), mix.fine)
        if found.bound > state.bound:
            state = replace(state, prices=found.prices, fines=found.fines, bound=found.bound)
        if state.bound > goal or not add_sets(master, _paying(master, found.sets, mix)):
            break
    return state, mix


def _paying(master: Master, sets: list[Taken], mix: Mix) -> list[Taken]:
    """Return the sets that cost less than the prices of a mix."""
    some, size = mix.fine > 0.0, [len(one.rows) for one in sets]
    if not sets:
        return []
    triples, inside = np.array(master.triples, np.int64).reshape(-1, 3)[some], np.zeros((len(sets), master.rows), bool)
    inside[np.repeat(np.arange(len(sets)), size), np.concatenate([one.rows for one in sets])] = True
    held = sum((inside[:, triples[:, k]].astype(np.int8) for k in range(3)), np.zeros((len(sets), 1), np.int8))
    fined = (held >= 2) @ mix.fine[some]
    cost, site = np.array([one.cost for one in sets]), np.array([one.site for one in sets])
    pays = cost + fined < inside @ mix.price + mix.rent[site] - _MET
    return [one for one, does in zip(sets, pays.tolist(), strict=True) if does]


def _best_of(master: Master, rooms: Rooms, best: Choice, mix: Mix) -> Choice:
    """Return the choice that a mix takes whole sets for, if it is better than the best."""
    share = mix.share
    if ((share > _WHOLE) & (share < 1.0 - _WHOLE)).any():
        return best
    least, who = np.full(master.rows, np.inf), np.full(master.rows, -1, dtype=np.int64)
    cost = np.full((master.sites, master.rows), np.inf)
    cost[rooms.site, rooms.row] = rooms.cost
    for k in np.flatnonzero(share > 0.5).tolist():
        one = master.sets[k]
        nearer = one.rows[cost[one.site, one.rows] < least[one.rows]]
        least[nearer], who[nearer] = cost[one.site, nearer], one.site
    opened = rooms.question.fixed.copy()
    opened[who[who >= 0]] = True
    value = value_of_choice(rooms, opened, who)
    new = int((opened & ~rooms.question.fixed).sum())
    return Choice(opened, who, value) if value < best.value and new <= rooms.most else best


def _add_broken(master: Master, mix: Mix) -> bool:
    """Add the triples that a mix breaks most, spread over the rows; tell whether there are any."""
    share = mix.share
    some = np.flatnonzero((share > _WHOLE) & (share < 1.0 - _WHOLE))
    if len(some) == 0:
        return False
    rows = [master.sets[k].rows for k in some]
    ptr = np.cumsum([0, *(len(one) for one in rows)])
    met, over = broken_triples(master.rows, ptr, np.concatenate(rows), share[some], _FAINT, _MOST_BROKEN)
    used, known, new = np.zeros(master.rows, np.int64), set(master.triples), []
    for k in np.argsort(-over, kind="stable").tolist():
        one = sorted(met[k].tolist())
        if used[one].max() < _PER_ROW and (one[0], one[1], one[2]) not in known:
            used[one] += 1
            new.append(one)
        if len(new) == max(_PER_ROUND, master.rows // 4):
            break
    if new:
        add_triples(master, np.array(new, np.int64))
    return bool(new)


def _shares(master: Master, rooms: Rooms, mix: Mix | None) -> tuple[Floats, Floats]:
    """Return how far a mix opens each site, and serves by each entry."""
    opened, dense = np.zeros(master.sites), np.zeros((master.sites, master.rows))
    if mix is not None:
        opened += mix.idle
        share = mix.share
        for k in np.flatnonzero(share > 0.0).tolist():
            opened[master.sets[k].site] += share[k]
            dense[master.sets[k].site, master.sets[k].rows] += share[k]
    return opened, np.minimum(dense[rooms.site, rooms.row], 1.0)
