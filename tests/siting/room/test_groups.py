"""Inequalities of groups of sites with room and of what rows lack: worked by hand, and against all sets of sites."""

from itertools import product

import numpy as np
import pytest
from scipy import sparse

from spatial.siting.room.groups import broken_groups
from spatial.siting.room.rows import Kinds, flow_of, list_kinds
from spatial.siting.ways import Floats
from tests.siting.room.test_cover import counted
from tests.siting.room.test_fewest import listed, scattered


def lacks_of(kinds: Kinds, opened: Floats) -> Floats:
    """Return what kinds lack in a largest flow to open sites, as parts of their loads."""
    flow = flow_of(kinds, opened)
    given = np.bincount(flow.kind, flow.amount, len(kinds.load))
    return np.asarray(np.clip(1.0 - given / kinds.load, 0.0, 1.0))


def drawn_kinds(seed: int) -> Kinds:
    rng = np.random.default_rng(seed)
    kinds = list_kinds(listed(scattered(seed, 15, 5 + seed % 3)))
    some = np.diff(kinds.table.ptr) > 0
    load = np.where(some, kinds.load, 0.0) * rng.choice((1.0, 1.0, 3.0), len(some))
    return Kinds(kinds.table, load, kinds.room * rng.choice((0.3, 1.0), len(kinds.room)), kinds.of)


def test_two_of_three_sites_serve_all_and_one_serves_two_thirds() -> None:
    """A load of 6 at three sites with room for 4: 1.5 sites in shares serve all, but a mix of whole ones 5 of 6."""
    kinds = list_kinds(listed(counted(np.ones((3, 3)), np.full(3, 2.0), np.full(3, 4.0))))
    assert len(kinds.load) == 1
    found = broken_groups(kinds, np.full(3, 0.5), np.zeros(1), sparse.csr_array((0, 1))).toarray()
    assert found[0, :3] == pytest.approx(np.full(3, found[0, 0]))
    whole = np.array([[a, b, c, lack] for (a, b, c), lack in (((1, 0, 0), 1 / 3), ((1, 1, 0), 0.0))])
    assert found @ whole.T == pytest.approx(np.ones((1, 2)), abs=1e-6)
    assert broken_groups(kinds, np.full(3, 0.5), np.full(1, 0.17), sparse.csr_array((0, 1))).shape[0] == 0


def test_all_sets_of_sites_with_what_they_lack_keep_the_inequalities_and_the_shares_break_them() -> None:
    seen = 0
    for seed in range(60):
        rng, kinds = np.random.default_rng(seed), drawn_kinds(seed)
        n, m = len(kinds.load), kinds.table.sites
        if not kinds.load.any():
            continue
        whole = [
            np.r_[one, np.where(kinds.load > 0.0, lacks_of(kinds, one), 0.0)]
            for one in np.array(list(product((0.0, 1.0), repeat=m)))
        ]
        for _ in range(3):
            share = rng.uniform(0.0, 1.0, m) * (rng.random(m) < 0.9)
            lack = rng.uniform(0.0, 0.2, n) * (rng.random(n) < 0.3)
            sets = sparse.csr_array((rng.random((2, n)) < 0.7).astype(float))
            terms = broken_groups(kinds, share, lack, sets)
            assert (terms @ np.array(whole).T >= 1.0 - 1e-6).all(), seed
            assert (terms @ np.r_[share, lack] < 1.0).all(), seed
            seen += terms.shape[0]
    assert seen > 100


def test_no_group_forms_where_all_is_open_or_shut() -> None:
    kinds = list_kinds(listed(counted(np.ones((3, 3)), np.full(3, 2.0), np.full(3, 4.0))))
    for share in (np.zeros(3), np.ones(3)):
        assert broken_groups(kinds, share, np.zeros(1), sparse.csr_array((0, 1))).shape == (0, 4)
