"""How high is the bound of a part of all choices by sets of rows, and what is left of it?

Column generation: sets that pay at the prices of a mix of sets join it, until the mix and a bound on all choices meet;
prices stay between those of the mix and the best ones met (Wentges, "Weighted Dantzig-Wolfe decomposition for linear
mixed-integer programming", 1997). Triples that the mix breaks lift both.
"""

from dataclasses import dataclass, replace

import numpy as np

from spatial.siting.room_bound import site_totals
from spatial.siting.room_climb import Bound, choose, goal_of, total_of
from spatial.siting.room_fill import broken_triples, fill_sites, flag_sites
from spatial.siting.room_master import Master, Mix, Taken, add_sets, add_triples, keep_triples, set_part, solve_mix
from spatial.siting.rooms import Choice, Rooms, value_of_choice
from spatial.siting.ways import Deadline, Floats, Ints

_VISITS, _FLAG_VISITS = 400_000, 40_000
"""Steps that a search for the sets of one site may take: for the best ones, and for all that are good enough."""
_ROUNDS = 200
_NEAR = 0.5
"""How near to the best ones prices stay, from 0 to 1; half as much each time that no set pays."""
_EACH = 2
_MET, _HAIR = 1e-6, 1e-11
_ENOUGH, _LITTLE = 1e-2, 1e-9
"""The mix is near enough to its bound at this share of the gap, or of the total."""
_LEAST_NEAR, _WHOLE = 0.1, 1e-6
_FAINT, _MOST_BROKEN = 0.02, 20_000
_PER_ROUND, _PER_ROW = 40, 6
"""Triples that join at once, and how many of them may share a row."""
_FIRST_TURNS, _TURNS = 40, 4
_FIRST_GAIN, _GAIN = 0.02, 0.1
"""Triples go on as long as a round of them closes this share of the gap: at first, and in further parts."""
_PATIENCE = 3
"""Rounds at first that may close less: a mix often is one of many alike."""


@dataclass(frozen=True, slots=True)
class Fined(Bound):
    """A bound whose prices go with fines on some triples of rows."""

    triples: Ints
    fines: Floats


@dataclass(frozen=True, slots=True)
class Found:
    """The bound at some prices and fines, what each site is worth at them, and sets that pay there."""

    bound: float
    prices: Floats
    fines: Floats
    worth: Floats
    sets: list[Taken]


@dataclass(frozen=True, slots=True)
class Lifted:
    """A state with its bound; how far the mix opens each site and serves by each entry, and how many sets are left."""

    state: Fined
    opened: Floats
    share: Floats
    sets: float


def lift_part(
    master: Master, rooms: Rooms, state: Fined, most: float, *, deadline: Deadline, first: bool = False
) -> Lifted:
    """Return the part with the bound that sets and triples give, without what no choice of at most a total has.

    That is ``most``, or what would be better than the best choice met where that is less. The first time more triples
    are tried.
    """
    alive, prices = state.alive & ~state.banned[rooms.site], np.clip(state.prices, 0.0, rooms.lost)
    state, mix, slow = replace(state, alive=alive, prices=prices), None, -1
    keep_triples(master, state.triples)
    set_part(master, rooms, state, _goal(rooms, state, most))
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
    return Lifted(state, opened, share, 0.0) if state.bound > goal else _cut(rooms, state, opened, share, goal)


def cut_lifted(rooms: Rooms, lifted: Lifted, most: float, few: float) -> Lifted:
    """Return a part that was lifted without what no choice of at most some total has, where few sets are left."""
    return _cut(rooms, lifted.state, lifted.opened, lifted.share, most, few)


def sets_of(rooms: Rooms, choice: Choice) -> list[Taken]:
    """Return the sets of rows that a choice serves."""
    entry = np.flatnonzero(choice.served[rooms.row] == rooms.site)
    sites = rooms.site[entry]
    return [_taken(rooms, int(s), entry[sites == s]) for s in np.unique(sites)]


def _taken(rooms: Rooms, site: int, entry: Ints) -> Taken:
    """Return entries of one site as a set."""
    return Taken(site, np.sort(rooms.row[entry]), float(rooms.cost[entry].sum()))


def _goal(rooms: Rooms, state: Bound, most: float) -> float:
    return min(goal_of(rooms, state.best.value), most)


def _padded(master: Master, state: Fined) -> Fined:
    """Return the state with fines on all triples that the programme has by now."""
    triples = np.array(master.triples, np.int64).reshape(-1, 3)
    return replace(state, triples=triples, fines=np.r_[state.fines, np.zeros(len(triples) - len(state.fines))])


def _without_none(state: Fined) -> Fined:
    """Return the state without triples that have no fine."""
    some = state.fines > 0.0
    return replace(state, triples=state.triples[some], fines=state.fines[some])


def _grown(master: Master, rooms: Rooms, state: Fined, most: float, deadline: Deadline) -> tuple[Fined, Mix | None]:
    """Return the state with the best prices met, and the mix of sets when none paid any more; None without time."""
    state, near, mix = _padded(master, state), _NEAR, None
    for _ in range(_ROUNDS):
        goal = _goal(rooms, state, most)
        if deadline.left() <= 0.0 or (last := solve_mix(master, deadline.left())) is None:
            break
        mix = last
        if state.bound > -np.inf and mix.value - state.bound <= max(
            _ENOUGH * (goal - state.bound), _LITTLE * abs(goal)
        ):
            break
        prices = np.minimum(near * state.prices + (1.0 - near) * mix.price, rooms.lost)
        found = _priced(rooms, state, prices, near * state.fines + (1.0 - near) * mix.fine)
        if found.bound > state.bound:
            state = replace(state, prices=found.prices, fines=found.fines, bound=found.bound)
        if state.bound > goal:
            break
        if not add_sets(master, _paying(master, found.sets, mix)):
            if near == 0.0:
                break
            near = 0.5 * near if near > _LEAST_NEAR else 0.0
    return state, mix


def _priced(rooms: Rooms, state: Fined, prices: Floats, fines: Floats) -> Found:
    """Return what sites are worth at prices and fines, with some sets that are best there."""
    m, longest = len(rooms.room), int(np.diff(rooms.ptr).max(initial=0))
    entry, held = np.empty((m, _EACH, longest), np.int64), np.zeros((m, _EACH), np.int64)
    worth, hair = np.empty(m), _HAIR * max(float(prices.max(initial=0.0)), 1.0)
    told = (rooms.ptr, rooms.row, rooms.cost, rooms.load, rooms.room, prices, state.alive)
    fill_sites(*told, *_by_row(state.triples, fines, len(rooms.load)), hair, _VISITS, entry, held, worth)
    some = np.argwhere(held > 0).tolist()
    sets = [_taken(rooms, s, entry[s, q, : held[s, q]]) for s, q in some]
    bound = total_of(prices, worth[choose(rooms, worth, state)]) - float(fines.sum()) * (1.0 + _HAIR)
    return Found(bound, prices, fines, worth, sets)


def _by_row(triples: Ints, fines: Floats, rows: int) -> tuple[Ints, Ints, Floats]:
    """Return by row which triples with a fine it is in, as places in the fines that follow."""
    some = np.flatnonzero(fines > 0.0)
    row = triples[some].ravel()
    ptr = np.r_[0, np.cumsum(np.bincount(row, minlength=rows))]
    return ptr, np.repeat(np.arange(len(some)), 3)[np.argsort(row, kind="stable")], fines[some]


def _paying(master: Master, sets: list[Taken], mix: Mix) -> list[Taken]:
    """Return the sets that cost less than the prices of a mix."""
    triples, inside = np.array(master.triples, np.int64).reshape(-1, 3), np.zeros(master.rows, dtype=bool)
    out = []
    for one in sets:
        inside[:] = False
        inside[one.rows] = True
        fined = float(mix.fine[inside[triples].sum(axis=1) >= 2].sum())
        pays = float(mix.price[one.rows].sum()) + mix.rent[one.site]
        if one.cost + fined < pays - _MET:
            out.append(one)
    return out


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


def _cut(rooms: Rooms, state: Fined, opened: Floats, share: Floats, goal: float, few: float = np.inf) -> Lifted:
    """Return the part without what is in no set that a choice of at most this total can have."""
    found = _priced(rooms, state, state.prices, state.fines)
    opens, shuts = site_totals(rooms, state, found.worth, found.bound)
    limit = goal - (opens - found.worth) + _LITTLE * max(abs(goal), 1.0)
    banned = state.banned | (opens > goal)
    limit[banned] = -np.inf
    flags = np.zeros(len(rooms.row), dtype=bool)
    told = (rooms.ptr, rooms.row, rooms.cost, rooms.load, rooms.room, state.prices, state.alive)
    sets = flag_sites(*told, *_by_row(state.triples, state.fines, len(rooms.load)), limit, _FLAG_VISITS, few, flags)
    fixed = state.fixed | (shuts > goal)
    return Lifted(replace(state, alive=flags & state.alive, fixed=fixed, banned=banned), opened, share, sets)
