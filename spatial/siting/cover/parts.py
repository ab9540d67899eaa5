"""How much more does a large maximal cover leave uncovered than its prices say, counted part by part?

The rows fall into parts, and each part opens sites of its own for a fee, any number of them; what a site asks of all
parts together is the price of one more site, less what inequalities over several parts pay it. At the fees that the
prices pay, the parts leave uncovered what the prices prove, and branching in each of them can only add to it: the gaps
of far places add up, which no branching of the whole could do (Senne, Pereira and Lorena, "A decomposition heuristic
for the maximal covering location problem", 2010).
"""

from collections.abc import Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from threading import Event

import numpy as np
from scipy import sparse

from spatial.siting.cover.balls import half_open_balls
from spatial.siting.cover.cuts import members
from spatial.siting.cover.labels import label_cover
from spatial.siting.cover.prices import cover_terms
from spatial.siting.cover.programme import Posed, pose_cover
from spatial.siting.cover.question import CoverQuestion, CoverState
from spatial.siting.cover.table import CoverTable, covered_rows, matrix_of, table_of
from spatial.siting.cover.tree import Ask, Begin, grow_tree
from spatial.siting.median.core import Core
from spatial.siting.median.fees import pay_fees
from spatial.siting.median.swap import by_column
from spatial.siting.price import Sides
from spatial.siting.ways import Deadline, Flags, Floats, Ints

_SITES = 12
"""Open sites of the smallest parts, about."""
_SLACK = 0.02
"""A part lets go what would close less than this share of its share of the gap."""
_KICKS, _MORE_KICKS = 2, 50
"""Kicks of a search in a part near the shares of a node, and of the first ones."""
_BALANCE = 0.5
"""How fast prices of a node go to begin with: those of the node that it was split from are near."""
_FAINT = 0.02
"""A site open by at most this share, or to one, does not waver."""
_MOST_WAVERING = 350
"""A part with more sites that waver is halved: its halves are proved in the time that proves little of it. Larger parts
prove more than both of their halves, as long as a good part of what they lack can be proved."""
_THREADS, _MORE, _LAST = 2, 1.1, 3
"""Parts at a time, how much more than its share of the time that is left one has (some need less), and how many parts
are left when the one that wavers most begins: it keeps a thread to the end, and the others have one."""
_TINY = 1e-9


@dataclass(frozen=True, slots=True)
class CoverPart:
    """A part: its programme with fees as costs of its ``sites``, where steps begin, its table and weights."""

    posed: Posed
    begin: Begin
    sites: Ints
    table: CoverTable
    weight: Floats


@dataclass(frozen=True, slots=True)
class CoverParts:
    """All parts; what they leave uncovered or pay together, and ``rest``, is at most what the whole leaves."""

    parts: tuple[CoverPart, ...]
    rest: float


def bound_parts(question: CoverQuestion, state: CoverState, deadline: Deadline) -> float:
    """Return what any sites cover at most, by branching in all parts until the deadline, two at a time.

    Parts that are likely to be proved soon come first, and leave their time to the others.
    """
    split = split_cover(question, state, _label(question, state))
    opened = np.zeros(question.table.sites, np.bool_)
    opened[state.chosen] = True
    slack = max(_SLACK * state.gap / len(split.parts), _TINY)
    bounds = np.full(len(split.parts), -np.inf)
    order = np.argsort([_wavering(part) for part in split.parts], kind="stable")
    order[-_LAST:] = np.roll(order[-_LAST:], 1)
    turns, halted = iter(enumerate(order.tolist())), Event()
    until = Deadline(deadline.left(), clock=lambda: np.inf if halted.is_set() else deadline.clock())
    with ThreadPoolExecutor(_THREADS) as pool:
        try:
            jobs = [pool.submit(_prove_some, split.parts, turns, opened, slack, bounds, until) for _ in range(_THREADS)]
            for job in wait(jobs, return_when=FIRST_EXCEPTION).done:
                job.result()
        finally:
            halted.set()
    return float(question.weight.sum()) - split.rest - float(bounds.sum())


def _label(question: CoverQuestion, state: CoverState) -> Ints:
    """Return a label for each row; the whole is halved again and again where many sites waver."""
    assert state.prices is not None
    table, share = question.table, state.prices.share
    depth = max(round(np.log2(max(question.p / _SITES, 1.0))), 0)
    finest, label = label_cover(table, share, state.chosen, depth), np.ones(table.rows, np.int64)
    wavering = matrix_of(table)[:, _wavers(share)]
    for left in reversed(range(depth)):
        rows = sparse.csr_array((np.ones(table.rows), (label, np.arange(table.rows))))
        hard: Flags = ((rows @ wavering).toarray() > 0.0).sum(axis=1) > _MOST_WAVERING
        label = np.where(hard[label], 2 * label + ((finest >> left) & 1), label)
    return label


def _wavers(share: Floats) -> Flags:
    """Flag the sites that are neither open nor shut."""
    flags: Flags = (share > _FAINT) & (share < 1.0 - _FAINT)
    return flags


def _prove_some(
    parts: tuple[CoverPart, ...],
    turns: Iterator[tuple[int, int]],
    opened: Flags,
    slack: float,
    bounds: Floats,
    deadline: Deadline,
) -> None:
    """Prove parts as long as there are some, and write their bounds; each has a share of the time that is left."""
    for turn, at in turns:
        left = len(parts) - turn
        share = min(_MORE * (_THREADS if left >= _LAST else 1) / left, 1.0)
        limit = Deadline(max(deadline.left(), 0.0) * share, clock=deadline.clock)
        bounds[at] = prove_part(parts[at], opened, slack, limit)


def _wavering(part: CoverPart) -> int:
    """Return how many sites are neither open nor shut in the programme: a part takes the longer, the more there are."""
    return int(_wavers(part.begin[0][: len(part.sites)]).sum())


def prove_part(part: CoverPart, opened: Flags, slack: float, deadline: Deadline) -> float:
    """Return what a part leaves uncovered or pays at least, as far as branching comes.

    ``opened`` flags sites of the whole to begin with; sets better than the best met by at most ``slack`` are let go.
    """
    fee = part.posed.programme.cost[: len(part.sites)]
    core = _fee_core(part, fee)
    columns = by_column(core)

    def cost_of(flags: Flags) -> float:
        return float(part.weight[covered_rows(part.table, flags) == 0].sum() + fee[flags].sum())

    def search(share: Floats) -> Flags:
        return pay_fees(core, columns, share > 0.5, kicks=_KICKS, seed=1)[0]

    begun = (opened[part.sites], part.begin[0][: len(fee)] > 0.5)
    best = min((pay_fees(core, columns, one, kicks=_MORE_KICKS, seed=1)[0] for one in begun), key=cost_of)
    ask = Ask(lambda least: least - slack, cost_of, lambda _value, _bound: True, search, _BALANCE)
    balls = half_open_balls(part.table, part.weight, part.begin[0][: len(fee)])
    posed, places = replace(part.posed, balls=balls), len(fee) + balls.shape[0]
    begin = part.begin[0], np.concatenate((part.begin[1], np.zeros(balls.shape[0])))
    ends = np.zeros(places), np.ones(places)
    grown = grow_tree(posed, ends, begin, best, cost_of(best), ask, deadline)
    proved = posed.proves(begin[1], ends)[0]
    return max(min(grown.bound, grown.value - slack), proved)


def _fee_core(part: CoverPart, fee: Floats) -> Core:
    """Return a part as a question with fees whose rows pay nothing for any open site, and one if there is none."""
    table = part.table
    rows, names = np.arange(table.rows), np.arange(table.sites)
    nothing, one = np.zeros(table.entries), np.ones(table.rows)
    return Core(table.ptr, table.site, nothing, one, part.weight, names, rows, 0.0, -1, False, fee)


def split_cover(question: CoverQuestion, state: CoverState, label: Ints) -> CoverParts:
    """Return the parts of a question at the prices of a state, one for each label that any row has.

    An inequality over the rows of one part belongs to it; of those over several, sites and rows are told what they pay.
    """
    prices, table = state.prices, question.table
    assert prices is not None
    label = np.unique(label, return_inverse=True)[1]
    terms, least = cover_terms(table, state.cuts, state.hulls[:, : table.sites])
    inside = sparse.vstack([members(state.cuts, table.rows), state.hulls[:, table.sites :]]).tocsr()
    home = _homes(inside, label)
    apart = np.flatnonzero(home < 0)
    left = question.weight - inside[apart].T @ prices.cut[apart]
    rate = float(np.sort(prices.worth)[-question.p])
    asked = rate - terms[apart].T @ prices.cut[apart]
    paid = _paid(question, state, terms, home, label)
    fee = _fees(paid, asked)
    rest = float(least[apart] @ prices.cut[apart]) - rate * question.p + float(np.minimum(left, 0.0).sum())
    weight, whole = np.maximum(left, 0.0), (terms, inside, least)
    parts = (_part(table, weight, prices.share, _own(state, whole, label, home, k), fee[k]) for k in range(len(fee)))
    return CoverParts(tuple(parts), rest)


def _homes(inside: sparse.csr_array, label: Ints) -> Ints:
    """Return the one part that has all rows of an inequality, or -1."""
    count = np.diff(inside.indptr)
    met = label[inside.indices]
    first, last = np.full(inside.shape[0], len(label)), np.full(inside.shape[0], -1)
    at = np.repeat(np.arange(inside.shape[0]), count)
    np.minimum.at(first, at, met)
    np.maximum.at(last, at, met)
    homes: Ints = np.where((first == last) & (count > 0), last, -1)
    return homes


def _paid(question: CoverQuestion, state: CoverState, terms: sparse.csr_array, home: Ints, label: Ints) -> Floats:
    """Return by part and site what rows and inequalities of the part pay; a trifle for each of its rows at least."""
    prices, table = state.prices, question.table
    assert prices is not None
    count = int(label.max()) + 1
    by_part = sparse.csr_array((prices.row + _TINY, (label, np.arange(table.rows))), shape=(count, table.rows))
    own = np.flatnonzero(home >= 0)
    cuts = sparse.csr_array((prices.cut[own], (home[own], own)), shape=(count, len(home)))
    paid: Floats = (by_part @ matrix_of(table) + cuts @ terms).toarray()
    return paid


def _fees(paid: Floats, asked: Floats) -> Floats:
    """Return what each part is asked for each site, in all what is asked: in proportion to what parts pay."""
    fee: Floats = paid * (asked / np.maximum(paid.sum(axis=0), _TINY))
    return fee


Own = tuple[Ints, sparse.csr_array, sparse.csr_array, Floats, Floats]


def _own(
    state: CoverState, whole: tuple[sparse.csr_array, sparse.csr_array, Floats], label: Ints, home: Ints, k: int
) -> Own:
    """Return rows of a part; inequalities of its own by site and by its rows, their least sums; and all prices."""
    assert state.prices is not None
    (terms, inside, least), rows, cuts = whole, np.flatnonzero(label == k), np.flatnonzero(home == k)
    price = np.concatenate((state.prices.row[rows], state.prices.cut[cuts]))
    return rows, terms[cuts], inside[cuts][:, rows], least[cuts], price


def _part(table: CoverTable, weight: Floats, share: Floats, own: Own, fee: Floats) -> CoverPart:
    rows, terms, inside, least, price = own
    covered = matrix_of(table)[rows]
    sites = np.unique(covered.indices)
    covered = covered[:, sites].tocsr()
    lacks = sparse.vstack([sparse.eye_array(len(rows)), inside]).tocsr()
    every = Sides(sparse.csr_array((0, len(sites))), np.zeros(0), np.zeros(len(sites), np.bool_), 0)
    sums = np.concatenate((np.ones(len(rows)), least))
    posed = pose_cover(sparse.vstack([covered, terms[:, sites]]).tocsr(), lacks, sums, weight[rows], every)
    cost = posed.programme.cost.copy()
    cost[: len(sites)] = fee[sites]
    posed = replace(posed, programme=replace(posed.programme, cost=cost))
    begin = posed.point(share[sites], np.maximum(1.0 - covered @ share[sites], 0.0)), price
    return CoverPart(posed, begin, sites.astype(np.int64), table_of(covered), weight[rows])
