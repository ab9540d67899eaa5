"""Which inequalities on the sites alone hold wherever there is room for all, and which of them does an answer break?

Any rows S together need room, and no site gives them more than it has or than those of S ask that may go there:

    sum over sites of min(room, load of its rows in S) * open  >=  load of S.

For shares to which sites are open these say just as much as a model of every pair of row and site does: by max-flow and
min-cut all rows find room, in parts, exactly if no S breaks its inequality, and the least cut of the flow is the S that
is broken most (what Benders' decomposition of the model gives; Fischetti, Ljubic and Sinnl, "Benders decomposition
without separability: a computational study for capacitated facility location problems", 2016).
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import breadth_first_order, connected_components, maximum_flow

from spatial.siting.cover.table import CoverTable, cover_table, matrix_of, pick, same_rows
from spatial.siting.room.rooms import Choice, Rooms
from spatial.siting.ways import Flags, Floats, Ints, keep, row_of

_WHOLE = 2.0**30
"""Flows are counted in whole parts, so many for all that is asked."""
_OPEN = 1e-6
_BROKEN = 1e-4
"""An inequality is told where it is broken by more than this share of what its rows ask."""
_ROUNDING = 1e-9
_SPARE = 2.0
"""What is left to go in a flow may be less than a row asks by so many parts: flows are counted in whole ones."""


@dataclass(frozen=True, slots=True)
class Kinds:
    """Rows that the same sites may serve, as one: their table, what they ask together, and the room of each site.

    ``of`` is the kind of each row. Sites that stay shut are not listed, nor those too small for a row.
    """

    table: CoverTable
    load: Floats
    room: Floats
    of: Ints


@dataclass(frozen=True, slots=True)
class Flow:
    """How much goes from kinds to open sites, and what cannot go: how much, and the kinds of the least cut."""

    kind: Ints
    site: Ints
    amount: Floats
    short: float
    inside: Flags


def list_kinds(rooms: Rooms) -> Kinds:
    """Return the rows of a question by kind."""
    question, ways = rooms.question, rooms.question.ways
    fits = (rooms.load[row_of(ways)] <= rooms.room[ways.site]) | question.split
    table = cover_table(keep(ways, fits & (~question.banned | question.fixed)[ways.site]))
    first, of = same_rows(table)
    load = np.asarray(np.bincount(of, rooms.load, len(first)), dtype=np.float64)
    return Kinds(pick(table, first, np.arange(table.sites)), load, rooms.room, of)


def flow_of(kinds: Kinds, share: Floats) -> Flow:
    """Return a largest flow from kinds to sites that are open to some share, within rooms of the same share."""
    table, n, total = kinds.table, kinds.table.rows, float(kinds.load.sum())
    scale = _scale_of(total)
    kind, site = np.repeat(np.arange(n), np.diff(table.ptr)), table.site.astype(np.int64)
    use = share[site] > _OPEN
    kind, site, opened = kind[use], site[use], np.flatnonzero(share > _OPEN)
    start, end = n + table.sites, n + table.sites + 1
    tail = np.concatenate((np.full(n, start), kind, n + opened))
    head = np.concatenate((np.arange(n), n + site, np.full(len(opened), end)))
    room = np.minimum(kinds.room, total)
    most = np.concatenate((kinds.load, kinds.load[kind] * share[site], room[opened] * share[opened]))
    graph = sparse.csr_array((np.floor(most * scale).astype(np.int32), (tail, head)), shape=(end + 1, end + 1))
    flow = maximum_flow(graph, start, end).flow
    left = graph - flow
    left.data = (left.data > 0).astype(np.int32)
    left.eliminate_zeros()
    inside = np.zeros(end + 1, np.bool_)
    inside[breadth_first_order(left, start, return_predecessors=False)] = True
    gone = sparse.coo_array(flow)
    used = (gone.row < n) & (gone.data > 0) & (gone.col < start)
    short = total - float(gone.data[gone.row == start].sum()) / scale
    return Flow(
        gone.row[used].astype(np.int64), gone.col[used] - n, gone.data[used] / scale, max(short, 0.0), inside[:n]
    )


def _scale_of(total: float) -> float:
    """Return how many parts of a flow one asked for is: a whole number if it can be, so that whole loads stay so."""
    scale = _WHOLE / max(total, 1e-9)
    return float(np.floor(scale)) if scale >= 1.0 else scale


def broken_rooms(kinds: Kinds, share: Floats, flow: Flow) -> sparse.csr_array:
    """Return inequalities broken by the shares, a row each with at least 1, a column per site.

    What the least cut says falls apart where no site is full of rows of two parts: each part says so for itself.
    """
    table = kinds.table
    rows = np.flatnonzero(flow.inside & (kinds.load > 0.0))
    part = matrix_of(table)[rows]
    asked = part.T @ kinds.load[rows]
    full = np.flatnonzero((asked > kinds.room) & (share > _OPEN))
    joins = part[:, full]
    count, label = connected_components(sparse.block_array([[None, joins], [joins.T, None]]), directed=False)
    label = label[: len(rows)]
    load = kinds.load[rows]
    of = sparse.csr_array((load, (label, np.arange(len(rows)))), shape=(count, len(rows)))
    terms = (of @ part).tocoo()
    need = np.bincount(label, load, count)
    value = np.minimum(terms.data, kinds.room[terms.col]) / np.maximum(need[terms.row], 1e-300)
    terms = sparse.csr_array((value * (1.0 + _ROUNDING), (terms.row, terms.col)), shape=(count, table.sites))
    return terms[(need > 0.0) & (terms @ share < 1.0 - _BROKEN)]


def serve_by_flow(rooms: Rooms, kinds: Kinds, opened: Floats, flow: Flow) -> Choice:
    """Return these sites with each row where most of its kind still has to go in a flow, the largest first.

    A row that does not fit into what is left to go anywhere is nowhere (-1).
    """
    order, room = np.argsort(flow.kind, kind="stable"), rooms.room.copy()
    spare = _SPARE / _scale_of(float(kinds.load.sum()))
    site, amount = flow.site[order], flow.amount[order] + spare
    first = np.searchsorted(flow.kind[order], np.arange(kinds.table.rows + 1))
    served = np.full(len(rooms.load), -1, np.int64)
    for i in np.argsort(-rooms.load, kind="stable").tolist():  # what is left depends on the rows before
        part = slice(first[kinds.of[i]], first[kinds.of[i] + 1])
        left = amount[part]
        if len(left) and left[at := int(np.argmax(left))] >= rooms.load[i] <= room[to := int(site[part][at])]:
            served[i] = to
            left[at] -= rooms.load[i]
            room[to] -= rooms.load[i]
    flags: Flags = opened > 0.5
    return Choice(flags, served, np.inf)
