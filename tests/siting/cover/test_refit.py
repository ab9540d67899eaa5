"""Neighbourhoods of a maximal cover annealed one by one: never less, only sites that may, faults mended."""

import numpy as np
import pytest

from spatial.siting.cover import refit as cover_refit
from spatial.siting.cover.refit import refit_cover
from spatial.siting.cover.table import CoverTable, cover_table, covered_rows
from spatial.siting.ways import Deadline, Floats, Ints
from tests.siting.cover_cases import ample, flags, most_weight, town, ways_of

NEAR, FAR = 0.22, 0.45


def drawn(seed: int, rows: int, sites: int, reach: float) -> tuple[CoverTable, Floats]:
    weight = np.random.default_rng(seed).integers(1, 50, rows).astype(float)
    return cover_table(ways_of(town(seed, rows, sites, reach), sites)), weight


def covers(table: CoverTable, weight: Floats, chosen: Ints) -> float:
    return float(weight[covered_rows(table, flags(table.sites, *chosen)) > 0].sum())


@pytest.fixture
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cover_refit, "_SIZE", 4)
    monkeypatch.setattr(cover_refit, "_SWAPS", 500)


@pytest.mark.usefixtures("small_windows")
@pytest.mark.parametrize("seed", range(40))
def test_windows_never_lose_and_open_only_what_they_may(seed: int) -> None:
    table, weight = drawn(seed, 300, 60, NEAR)
    rng = np.random.default_rng(seed)
    chosen, among = np.sort(rng.permutation(60)[:12]), rng.permutation(60)[:40]
    columns, value = refit_cover(table, weight, chosen, among, windows=6, seed=seed, deadline=ample())
    assert len(np.unique(columns)) == 12
    assert set(columns) <= {*chosen, *among}
    assert value == covers(table, weight, columns)
    assert value >= covers(table, weight, chosen)


@pytest.mark.usefixtures("small_windows")
@pytest.mark.parametrize("seed", range(40))
def test_a_window_around_all_open_sites_finds_what_trying_every_set_finds(seed: int) -> None:
    table, weight = drawn(seed, 60, 14, FAR)
    columns, value = refit_cover(table, weight, np.arange(4), np.arange(14), windows=4, seed=seed, deadline=ample())
    assert value == most_weight(town(seed, 60, 14, FAR), weight.tolist(), 4, 14, ())
    assert len(columns) == 4


@pytest.mark.usefixtures("small_windows")
def test_faults_are_mended_and_the_same_seed_gives_the_same_sites() -> None:
    table, weight = drawn(3, 400, 80, NEAR)
    chosen = np.arange(16)
    first, value = refit_cover(table, weight, chosen, np.arange(80), windows=40, seed=5, deadline=ample())
    second, _ = refit_cover(table, weight, chosen, np.arange(80), windows=40, seed=5, deadline=ample())
    assert np.array_equal(first, second)
    assert value > 1.1 * covers(table, weight, chosen)


def test_without_time_the_sites_stay() -> None:
    table, weight = drawn(1, 100, 30, NEAR)
    over = Deadline(0.0)
    columns, value = refit_cover(table, weight, np.arange(9), np.arange(30), windows=9, seed=1, deadline=over)
    assert columns.tolist() == list(range(9))
    assert value == covers(table, weight, np.arange(9))
