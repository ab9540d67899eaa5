"""How much can p sites with room serve at most, where all sites that may serve a row are as good, and which do it?

Rows of a kind have a lack beside their sites, a site of their own with room for all of them, which costs what they are
lost for. With the lacks as further columns everybody is served, and a model of sites and lacks alone tells what can be
(see ``room_rows``): its linear programme, with zero-half cuts and inequalities of windows, bounds what is lost. Branch
and cut over all sites, and then over the sites of one neighbourhood after another, leads to better ones; what their
sites have no room for is added to the model.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from spatial.siting.cover_table import CoverTable, matrix_of, pick, table_of
from spatial.siting.cover_windows import window_around
from spatial.siting.room_pack import pack_rooms
from spatial.siting.room_rows import Kinds, broken_rooms, flow_of, list_kinds, serve_by_flow
from spatial.siting.room_sites import Master, fewest_sites, join_terms, raise_bound
from spatial.siting.room_trade import trade_rooms
from spatial.siting.rooms import MOST_ROWS, Choice, Rooms, has_more_conditions, search_rooms
from spatial.siting.ways import Deadline, Flags, Floats

_LP_SHARE, _TRADE_SHARE, _WINDOWS_SHARE = 0.35, 0.4, 0.5
_TRIES, _WINDOW_SITES, _WINDOW_S = 4, 10, 2.0
_LITTLE = 1e-5
_FLOOR = 0.1
_HALF = 0.5
_LIKE = 1e-9
_HAIR = 1e-6


@dataclass(frozen=True, slots=True)
class Stand:
    """The best choice met; the model so far, how many columns of it are sites, and what is lost at least.

    ``point`` holds the columns of the sites that lose least if rows may be shared, ``split`` what they lose then.
    """

    best: Choice
    bound: float
    master: Master
    sites: int
    point: Floats
    split: float

    @property
    def done(self) -> bool:
        """Whether no choice can lose less."""
        return self.best.value <= self.bound + _HAIR


def counts_served(rooms: Rooms) -> bool:
    """Tell whether the question is how much is served, among rows too many for exact models of single rows."""
    question = rooms.question
    lost, load = rooms.lost, rooms.load
    if has_more_conditions(question) or rooms.charge.any() or rooms.paid.any() or question.rows <= MOST_ROWS:
        return False
    heavy = load > 0.0
    rate = lost[heavy] / load[heavy]
    alike = len(rate) > 0 and bool(np.isfinite(rate).all()) and float(np.ptp(rate)) <= _LIKE * float(rate.max())
    return alike and not lost[~heavy].any()


def serve_most(rooms: Rooms, *, deadline: Deadline, seed: int) -> tuple[Choice, float] | None:
    """Return the choice met that leaves least out and how little can be left out; None if time does not do for a bound.

    Where rows may be shared is where the model leads to; a search by exchanges goes on from there with whole ones.
    """
    m = len(rooms.room)
    master, point, bound = raise_bound(lacks_master(rooms), _part(deadline, _LP_SHARE))
    if point is None:
        return None
    still = rooms.question.fixed | rooms.question.banned
    begun = _likeliest(rooms, list_kinds(rooms), point[:m])
    best = pack_rooms(rooms, trade_rooms(rooms, begun, still, deadline=_part(deadline, _TRADE_SHARE), seed=seed))
    stand = Stand(best, max(bound, 0.0), master, m, np.zeros(len(master.cost)), np.inf)
    stand = _refitted_all(rooms, _met(rooms, stand, best.opened), _part(deadline, _WINDOWS_SHARE), seed)
    if deadline.left() > 0.0 and not stand.done:
        found = pack_rooms(rooms, trade_rooms(rooms, stand.best.opened, still, deadline=deadline, seed=seed + 1))
        stand = replace(stand, best=found if found.value < stand.best.value else stand.best)
    return stand.best, min(stand.bound, stand.best.value)


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


def _part(deadline: Deadline, share: float) -> Deadline:
    return Deadline(share * deadline.left(), clock=deadline.clock)


def _likeliest(rooms: Rooms, kinds: Kinds, share: Floats) -> Flags:
    """Return the fixed sites with as many others as may open, one by one those that add most and have large shares."""
    question, near, left = rooms.question, matrix_of(kinds.table), kinds.load.copy()
    opened, free = question.fixed.copy(), ~question.fixed & ~question.banned
    fixed = np.flatnonzero(question.fixed).tolist()
    for turn in range(len(fixed) + min(rooms.most, int(free.sum()))):
        asks = near.T @ left
        worth = np.minimum(asks, kinds.room) * (_FLOOR + share)
        s = fixed[turn] if turn < len(fixed) else int(np.argmax(np.where(free, worth, -1.0)))
        opened[s], free[s] = True, False
        mine = kinds.table.row[kinds.table.col_ptr[s] : kinds.table.col_ptr[s + 1]]
        left[mine] *= 1.0 - min(kinds.room[s] / max(float(asks[s]), _LIKE), 1.0)
    return opened


def _refitted_all(rooms: Rooms, stand: Stand, deadline: Deadline, seed: int) -> Stand:
    """Return the state after windows of the best sites were chosen anew, each in turn, until that gains no more."""
    rng, kinds = np.random.default_rng(seed), _kinds_of_sites(stand)
    missed, table = 0, kinds.table
    queue: list[int] = []
    while deadline.left() > 0.0 and not stand.done:
        now = np.flatnonzero((stand.point[: stand.sites] > _HALF) & ~rooms.question.fixed)
        if missed > len(now):
            break
        queue = [s for s in queue if s in now] or rng.permutation(now).tolist()
        if not queue:
            break
        before = stand.split
        stand = _refitted(rooms, stand, table, queue.pop(), deadline, seed)
        missed = 0 if stand.split < before else missed + 1
    return stand


def _refitted(rooms: Rooms, stand: Stand, table: CoverTable, centre: int, deadline: Deadline, seed: int) -> Stand:
    """Return the state after the sites around one were chosen anew, as often as that breaks what was not known."""
    for _ in range(_TRIES):
        limit_s = min(_WINDOW_S, deadline.left())
        if limit_s <= 0.0:
            break
        master = stand.master
        window = window_around(table, stand.point[: stand.sites] > _HALF, centre, _WINDOW_SITES)
        free = np.concatenate((window, np.arange(stand.sites, len(master.cost))))  # all lacks, too
        found = fewest_sites(master, stand.point, free=free, limit_s=limit_s, seed=seed)
        if found.x is None or found.x @ master.cost > stand.split * (1.0 - _LITTLE):
            break
        stand = _met(rooms, stand, found.x[: stand.sites] > _HALF)
        if stand.master is master:
            break
    return stand


def _kinds_of_sites(stand: Stand) -> Kinds:
    """Return the kinds without their lacks."""
    kinds = stand.master.kinds
    real = pick(kinds.table, np.arange(kinds.table.rows), np.arange(stand.sites))
    return replace(kinds, table=real, room=kinds.room[: stand.sites])


def _met(rooms: Rooms, stand: Stand, opened: Flags) -> Stand:
    """Return the state with some sites, if they serve more, and what they have no room for added to the model."""
    master, kinds, sites = stand.master, _kinds_of_sites(stand), opened.astype(np.float64)
    flow = flow_of(kinds, sites)
    served = np.bincount(flow.kind, flow.amount, len(kinds.load))
    lacks = np.clip(1.0 - served * (1.0 - _HAIR) / np.maximum(kinds.load, _LIKE), 0.0, 1.0)
    point = np.concatenate((sites, lacks))
    split = float(point @ master.cost)
    begun, still = serve_by_flow(rooms, kinds, sites, flow), np.ones(len(opened), np.bool_)
    found = search_rooms(rooms, opened, still, tries=0, seed=0, deadline=Deadline(0.0), served=begun.served)
    found = pack_rooms(rooms, found)
    best = found if found.value < stand.best.value else stand.best
    bare = np.concatenate((sites, np.where(matrix_of(kinds.table) @ sites > 0.0, 0.0, 1.0)))
    terms = broken_rooms(master.kinds, bare, flow)
    if terms.shape[0]:
        master = join_terms(master, terms, np.ones(terms.shape[0]))
    if split < stand.split:
        stand = replace(stand, point=point, split=split)
    return replace(stand, best=best, master=master)
