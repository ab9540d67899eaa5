"""A narrow question with every number of sites at once is held to every set of sites."""

from dataclasses import replace
from itertools import combinations
from math import inf

import numpy as np
import pytest

import spatial.siting.median.sweep as swept
from spatial.siting.median.core import Core, total
from spatial.siting.median.sweep import Strip, Swept, lay_out, sweep
from spatial.siting.ways import Deadline, Flags, Floats


def strip_of_rows(seed: int) -> Core:
    """Rows along a strip that list the sites near them, some of them weighty; whole costs, so that many are equal."""
    rng = np.random.default_rng(seed)
    m, n = int(rng.integers(3, 11)), int(rng.integers(2, 14))
    where, place = np.sort(rng.uniform(0, 10, m)), np.sort(rng.uniform(0, 10, n))
    cost = np.ceil(np.abs(where[None, :] - place[:, None]) + rng.integers(0, 3, (n, m)) * (seed % 3))
    listed = cost <= rng.integers(3, 7)
    listed[np.arange(n), cost.argmin(axis=1)] = True
    row, site = np.nonzero(listed)
    order = np.lexsort((cost[row, site], row))
    row, site = row[order], site[order]
    far = np.array([cost[i][listed[i]].max() for i in range(n)])
    cap = far + rng.integers(1, 9, n).astype(float)
    fee = rng.integers(0, 3, m).astype(float) * (seed % 2)
    ptr, weight = np.r_[0, np.cumsum(listed.sum(axis=1))], rng.integers(1, 4, n).astype(float)
    base, cost = float(seed % 5), cost[row, site]
    return Core(ptr, site.astype(np.int32), cost, cap, weight, np.arange(m), np.arange(n), base, -1, False, fee)


def flagged(core: Core, sites: tuple[int, ...]) -> Flags:
    flags = np.zeros(len(core.names), bool)
    flags[list(sites)] = True
    return flags


def best_by_number(core: Core) -> Floats:
    """What the best set of each number of sites costs."""
    every = range(len(core.names))
    return np.array(
        [min(total(core, flagged(core, one)) for one in combinations(every, k)) for k in (*every, len(every))]
    )


@pytest.mark.parametrize("seed", range(120))
def test_every_number_that_may_cost_so_much_has_its_best_set_and_no_other_number_costs_as_little(seed: int) -> None:
    core = strip_of_rows(seed)
    least = best_by_number(core)
    rng = np.random.default_rng(seed)
    fee = float(rng.uniform(0, 8))
    price = rng.uniform(0, 9, len(core.cap))
    near = lay_out(core, price, fee, gap=3.0)
    rough = Strip(core, fee, np.clip(price, core.cost[core.ptr[:-1]], core.cap), near.order)
    paid = least + fee * np.arange(len(least))
    for strip in (near, rough):
        assert strip.bound() <= paid.min() + 1e-9
        for most in (paid.min() - 0.5, paid.min() + 0.01, paid.min() + rng.uniform(0, 6), paid.max() + 1.0):
            found = sweep(strip, most, Deadline(inf))
            assert found is not None
            assert set(found.sites) == set(np.flatnonzero(paid <= most).tolist())
            for k, sites in found.sites.items():
                assert len(sites) == k
                assert total(core, flagged(core, tuple(sites))) == pytest.approx(least[k], abs=1e-9)


@pytest.mark.parametrize("seed", range(10))
def test_sites_in_any_order_give_the_same_totals(seed: int) -> None:
    core = strip_of_rows(seed + 500)
    least = best_by_number(core)
    strip = lay_out(core, np.full(len(core.cap), 4.0), 2.0, gap=3.0)
    shuffled = replace(strip, order=np.random.default_rng(seed).permutation(len(core.names)))
    found = sweep(shuffled, inf, Deadline(inf))
    assert found is not None
    assert [total(core, flagged(core, tuple(found.sites[k]))) for k in sorted(found.sites)] == pytest.approx(least)


def test_many_rows_at_once_take_more_words_than_one() -> None:
    rng = np.random.default_rng(4)
    n, m = 60, 7
    cost = np.sort(rng.integers(0, 9, (n, m)).astype(float), axis=1)
    site = np.array([rng.permutation(m) for _ in range(n)], np.int32)
    ptr = m * np.arange(n + 1)
    names, free = np.arange(m), np.zeros(m)
    core = Core(
        ptr, site.ravel(), cost.ravel(), np.full(n, 12.0), np.ones(n), names, np.arange(n), 0.0, -1, False, free
    )
    strip = lay_out(core, np.full(n, 5.0), 10.0, gap=20.0)
    found = sweep(strip, 1e9, Deadline(inf))
    assert found is not None
    least = best_by_number(core)
    assert [total(core, flagged(core, tuple(found.sites[k]))) for k in range(m + 1)] == pytest.approx(least)


def test_too_many_sets_or_no_time_give_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    core = strip_of_rows(7)
    strip = lay_out(core, np.full(len(core.cap), 4.0), 2.0, gap=3.0)
    assert sweep(strip, 1e9, Deadline(0)) is None
    monkeypatch.setattr(swept, "_IN_ALL", 5)
    assert sweep(strip, 1e9, Deadline(inf)) is None
    monkeypatch.setattr(swept, "_IN_ALL", 1 << 20)
    monkeypatch.setattr(swept, "_ABREAST", 3)
    assert sweep(strip, 1e9, Deadline(inf)) is None
    assert sweep(strip, strip.bound() - 1.0, Deadline(inf)) == Swept({}, 0)


def test_sites_along_a_line_are_decided_along_it() -> None:
    rng = np.random.default_rng(2)
    m = 30
    where = rng.permutation(m)
    lists = [sorted((j for j in range(m) if abs(where[j] - i) <= 2), key=lambda j: abs(where[j] - i)) for i in range(m)]
    site = np.concatenate([np.array(one, np.int32) for one in lists])
    cost = np.concatenate([np.abs(where[one] - i).astype(float) for i, one in enumerate(lists)])
    ptr = np.r_[0, np.cumsum([len(one) for one in lists])]
    core = Core(ptr, site, cost, np.full(m, 9.0), np.ones(m), np.arange(m), np.arange(m), 0.0, -1, False, np.zeros(m))
    along = where[lay_out(core, np.full(m, 1.0), 3.0, gap=5.0).order]
    assert abs(np.diff(along)).max() <= 2
