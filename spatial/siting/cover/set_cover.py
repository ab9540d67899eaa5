"""What is the least number of sites that covers every row as often as it needs, and how few can do it?

What cannot matter falls out, and what falls apart is answered part by part. Prices on the rows, tightened by zero-
half cuts and by what holds for all covers of small windows, bound each part from below; weighting the rows that stay
uncovered finds covers while the next prices are computed, and the best ones are mixed. Sites that the prices rule out
are dropped, and what has become small goes to branch and cut.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from spatial.errors import InfeasibleError, InputError
from spatial.siting.cover.cuts import NO_CUTS, Cuts, broken_cuts, chosen_cuts, joined_cuts
from spatial.siting.cover.hulls import broken_hulls, no_hulls
from spatial.siting.cover.prices import Prices, price_all
from spatial.siting.cover.set_core import search_timely
from spatial.siting.cover.set_end import finish_cover
from spatial.siting.cover.set_mix import Covers, search_mixed
from spatial.siting.cover.set_prices import LARGE, near_all
from spatial.siting.cover.set_search import start_weights
from spatial.siting.cover.state import CLOSE, Part, State, better_state
from spatial.siting.cover.table import (
    CoverTable,
    cover_table,
    covered_rows,
    dominated_sites,
    implied_rows,
    matrix_of,
    pick,
    same_rows,
)
from spatial.siting.ways import Deadline, Flags, Found, Ints, Tick, Ways, confirm

_ROUNDS = 40
_NEW_CUTS = 6_000
_THREADS = 3
"""Beside the one that prices: one searches, two look for what is broken."""
_STEPS = 60_000
_PATIENCE, _SELDOM = 2, 4
"""Once so many rounds of prices in a row have brought no smaller cover, there is a search beside each fourth one."""
_LAST = 1.5
"""A round is the last one if there is not this many times what the one before took."""
_STALL, _LARGE_STALL = 0.005, 0.0005
"""Cut rounds end where they close less than this share of the gap; those of a large question take less time."""
_LITTLE, _LAST_LITTLE = 1e-5, -1.0
"""Prices are near enough where further steps raise the bound by less than this share of it; in the last round
they go on as long as there is time."""
_LEAST_PART = 0.999
"""Prices whose bound is a little below the best one show what is broken all the same."""
_LEAST_PRICE = 1e-3
_IN_A_CUT = 0.01
"""What standing in a cut adds to the price of a row where windows are begun."""
_PART_S = 1.0
"""A part has this long if there is time, however small it is."""


def solve_set_cover(
    ways: Ways,
    *,
    fixed: Flags,
    deadline: Deadline,
    need: Ints | None = None,
    seed: int = 0,
    tick: Tick | None = None,
) -> Found:
    """Return the fewest sites besides the fixed ones that cover each row ``need`` times (once if not given).

    Value and bound count the new sites. A row that needs none may stay uncovered.

    Raises
    ------
    InfeasibleError
        If a row lists fewer sites than it needs.
    InputError
        If a need is negative, or the arrays do not fit the table.
    """
    wanted = _checked(ways, need, fixed)
    part, sure = _reduced(ways, wanted, fixed, deadline)
    opened = fixed.copy()
    opened[sure] = True
    bound = len(sure)
    notes = [f"{len(sure)} sites without a choice"] if len(sure) else []
    parts = _parts(part)
    entries = sum(p.table.entries for p in parts)
    for k, p in enumerate(parts):
        share = deadline.left() * p.table.entries / max(entries, 1)
        # A few rows beside thousands are proved in no time, but not in their share of the time.
        least = min(_PART_S, deadline.left() / (2 * (len(parts) - k)))
        state, note = _answered(p, Deadline(max(share, least), deadline.clock), seed, tick or _keep_on)
        entries -= p.table.entries
        opened[p.sites[state.chosen]] = True
        bound += min(state.least, len(state.chosen))
        notes += [note] if note else []
    value = float((opened & ~fixed).sum())
    short = np.flatnonzero(covered_rows(cover_table(ways), opened) < wanted)
    found = Found(opened, value, float(bound), value == bound, deadline.spent(), tuple(notes))
    return confirm(found, np.inf if len(short) else value)


def _keep_on(_stage: str, _share: float, _value: float, _bound: float) -> bool:
    return True


def _checked(ways: Ways, need: Ints | None, fixed: Flags) -> Ints:
    wanted = np.ones(ways.rows, np.int64) if need is None else np.asarray(need, np.int64)
    if len(wanted) != ways.rows or len(fixed) != ways.sites:
        raise InputError(
            f"set cover: {len(wanted)} needs and {len(fixed)} fixed flags; needed {ways.rows} and {ways.sites}"
        )
    if (wanted < 0).any():
        raise InputError(
            f"set cover: row {np.flatnonzero(wanted < 0)[0]} needs {wanted.min()} sites; needed at least 0"
        )
    listed = np.diff(ways.ptr)
    short = np.flatnonzero(listed < wanted)
    if len(short):
        i = short[0]
        raise InfeasibleError(
            f"set cover: {len(short)} rows list too few sites; row {i} lists {listed[i]}, needs {wanted[i]}"
        )
    return wanted


def _reduced(ways: Ways, need: Ints, fixed: Flags, deadline: Deadline) -> tuple[Part, Ints]:
    """Return the question without what cannot matter, and the sites every cover has."""
    table = cover_table(ways)
    need = need - covered_rows(table, fixed)
    sites = np.flatnonzero(~fixed)
    table, need = pick(table, need > 0, sites), need[need > 0]
    sure: list[Ints] = []
    while table.rows:
        before = table.rows, table.sites
        first, group = same_rows(table)
        most = np.zeros(len(first), np.int64)
        np.maximum.at(most, group, need)
        table, need = pick(table, first, np.arange(table.sites)), most
        if (need == 1).all():
            alive = ~implied_rows(table, deadline=deadline)
            table, need = pick(table, alive, np.arange(table.sites)), need[alive]
            alive = ~dominated_sites(table, deadline=deadline)
            table, sites = pick(table, np.arange(table.rows), alive), sites[alive]
        forced = np.zeros(table.sites, np.bool_)
        forced[table.site[np.repeat(np.diff(table.ptr) == need, np.diff(table.ptr))]] = True
        sure.append(sites[forced])
        need = need - covered_rows(table, forced)
        table, need, sites = pick(table, need > 0, ~forced), need[need > 0], sites[~forced]
        if (table.rows, table.sites) == before or deadline.left() <= 0.0:
            break
    return Part(table, need, sites), np.concatenate([np.zeros(0, np.int64), *sure])


def _parts(part: Part) -> list[Part]:
    """Return the parts that share no row and no site, the smallest first; sites without rows fall out."""
    table = part.table
    if table.rows == 0:
        return []
    matrix = matrix_of(table)
    count, label = connected_components(sparse.block_array([[None, matrix], [matrix.T, None]]), directed=False)
    by_row, by_site = label[: table.rows], label[table.rows :]
    order = np.argsort(np.bincount(by_row, minlength=count), kind="stable")
    parts = []
    for k in order:
        rows, sites = np.flatnonzero(by_row == k), np.flatnonzero(by_site == k)
        if len(rows):
            parts.append(Part(pick(table, rows, sites), part.need[rows], part.sites[sites]))
    return parts


def _answered(part: Part, deadline: Deadline, seed: int, tick: Tick) -> tuple[State, str]:
    work = start_weights(part.table, part.need, seed)
    steps = min(_STEPS, 100 * part.table.entries)
    chosen = search_timely(part.table, work, deadline, steps, target=int(part.need.max()))
    state = State(
        chosen, float(part.need.max()), NO_CUTS, no_hulls(part.table.sites), None, np.zeros(part.table.sites, np.bool_)
    )
    covers: Covers = (chosen,)
    if state.done or deadline.left() <= 0.0:
        return state, ""
    stall, took = _STALL if part.table.entries < LARGE else _LARGE_STALL, 0.0
    gained = 0
    with ThreadPoolExecutor(_THREADS) as pool:
        for turn in range(_ROUNDS):
            begun, before = deadline.spent(), len(state.chosen) - state.bound
            last = deadline.left() < _LAST * took
            told = (part, state, covers, deadline)
            searching = turn - gained <= _PATIENCE or turn % _SELDOM == 0
            job = pool.submit(search_mixed, *told, seed=seed + turn) if searching else None
            priced = _priced(part, state, deadline, None if last else pool)
            covers = job.result() if job else covers
            gained = turn if len(covers[0]) < len(state.chosen) else gained
            state = _fixed(better_state(priced, covers[0]))
            goes_on = tick(
                "cuts", min(deadline.spent() / max(deadline.budget_s, 1e-9), 1.0), len(state.chosen), state.bound
            )
            took = deadline.spent() - begun
            if state.done or not goes_on or last:
                break
            if turn > 1 and len(state.chosen) - state.bound > (1.0 - stall) * before:
                break
        tight = f"{state.cuts.count} cuts and {state.hulls.shape[0]} hulls"
        note = f"{turn + 1} rounds of prices with {tight}, {int(state.never.sum())} sites ruled out"
        if state.done or not goes_on:
            return state, note
        state, more = finish_cover(part, state, covers, deadline, seed, pool)
    return state, f"{note}; {more}"


def _priced(part: Part, state: State, deadline: Deadline, pool: ThreadPoolExecutor | None) -> State:
    """Return the state with new prices, the cuts and hulls they use, and those that their shares break.

    Without a pool for looking for the latter, prices are taken as near as there is time for.
    """
    left = np.flatnonzero(~state.never)
    table, hulls = pick(part.table, np.arange(part.table.rows), left), state.hulls[:, left]
    little = _LITTLE if pool is not None else _LAST_LITTLE
    prices = _new_prices(table, part.need, state, left, hulls, little, deadline)
    if prices is None or prices.bound <= _LEAST_PART * state.bound:
        # The time did not do: prices of a method that was cut off would mislead the search.
        return state
    used = prices.cut > _LEAST_PRICE
    cuts, hulls = chosen_cuts(state.cuts, used[: state.cuts.count]), state.hulls[used[state.cuts.count :]]
    paid, more = np.split(prices.cut[used], [cuts.count])
    if pool is not None:
        breaking = pool.submit(broken_cuts, table, prices.share, part.need == 1, most=_NEW_CUTS)
        if state.cuts.count:
            # Cuts are had for less: hulls begin where a first round of them has ended.
            hulls = sparse.vstack([hulls, _new_hulls(part, table, prices, cuts, left, deadline, pool)]).tocsr()
        cuts = joined_cuts(cuts, breaking.result())
    paid = np.concatenate((paid, np.zeros(cuts.count - len(paid)), more, np.zeros(hulls.shape[0] - len(more))))
    worth, share = np.full(part.table.sites, -np.inf), np.zeros(part.table.sites)
    worth[left], share[left] = prices.worth, prices.share
    bound = max(state.bound, min(prices.bound, float(len(state.chosen))))
    prices = replace(prices, worth=worth, share=share, cut=paid)
    return replace(state, prices=prices, bound=bound, cuts=cuts, hulls=hulls)


def _new_prices(
    table: CoverTable,
    need: Ints,
    state: State,
    left: Ints,
    hulls: sparse.csr_array,
    little: float,
    deadline: Deadline,
) -> Prices | None:
    """Return prices of the columns left, by steps from the last ones where the question is large and they are near."""
    if state.prices is None or table.entries < LARGE or state.hulls.shape[0] == 0:
        return price_all(table, need, state.cuts, limit_s=deadline.left(), hulls=hulls)
    start = replace(state.prices, share=state.prices.share[left])
    return near_all(table, need, state.cuts, hulls, start, little=little, deadline=deadline)


def _new_hulls(
    part: Part,
    table: CoverTable,
    prices: Prices,
    cuts: Cuts,
    left: Ints,
    deadline: Deadline,
    pool: ThreadPoolExecutor,
) -> sparse.csr_array:
    """Return inequalities of windows, over all columns, that the shares of the columns left break."""
    wanted = prices.row.copy()
    wanted[cuts.row] += _IN_A_CUT
    told = (table, prices.share, wanted, part.need == 1)
    other = pool.submit(broken_hulls, *told, deadline=deadline, turn=(1, 2))
    new = sparse.vstack([broken_hulls(*told, deadline=deadline, turn=(0, 2)), other.result()]).tocoo()
    return sparse.csr_array((new.data, (new.row, left[new.col])), shape=(new.shape[0], part.table.sites))


def _fixed(state: State) -> State:
    """Return the state with the sites ruled out that can be in no smaller cover."""
    if state.prices is None or state.done:
        return state
    out = state.prices.bound + 1.0 - state.prices.worth > len(state.chosen) - 1 + CLOSE
    out[state.chosen] = False
    return replace(state, never=state.never | out)
