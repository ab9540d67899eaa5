"""Windows of a large piece, divided anew: none is left worse, grids stay whole, threads change nothing."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from spatial.division.piece import in_contact
from spatial.division.polish import WINDOW, cut_windows, polish
from spatial.division.search import Effort, find_labels
from spatial.division.sizes import Band
from spatial.division.tally import measure_cost
from tests.division.drawn import draw_piece, draw_sizes

UNITS = 240


@pytest.fixture(scope="module")
def town() -> tuple[Any, Any, Band, Any]:
    """Return a drawn piece, its sizes and band, and the labels of a poor search."""
    piece = draw_piece(UNITS, 11)
    sizes = draw_sizes(piece)
    band = Band(sizes.floor, sizes.target, sizes.ceiling)
    found = find_labels(piece, sizes, band, Effort(0, 1), lambda _: True)
    return piece, sizes, band, found.labels


def is_connected(piece: Any, units: Any) -> bool:
    """Tell whether contact alone leads from every unit to every other."""
    contact, inside = in_contact(piece), set(units.tolist())
    near: dict[int, list[int]] = {unit: [] for unit in inside}
    for a, b in zip(piece.first[contact].tolist(), piece.second[contact].tolist(), strict=True):
        if a in inside and b in inside:
            near[a].append(b)
            near[b].append(a)
    met, waiting = {min(inside)}, [min(inside)]
    while waiting:
        fresh = set(near[waiting.pop()]) - met
        met |= fresh
        waiting += fresh
    return met == inside


@pytest.mark.parametrize("width", [WINDOW, 140])
def test_windows_are_of_whole_grids_share_none_and_hold_no_more_than_asked(town: Any, width: int) -> None:
    piece, _, _, labels = town
    for sweep in range(3):
        windows = list(cut_windows(piece, labels, sweep, width))
        assert windows
        chosen = np.concatenate(windows)
        assert len(np.unique(chosen)) == len(chosen)
        for units in windows:
            assert len(units) <= width
            assert np.isin(labels, labels[units]).sum() == len(units)
            assert len(np.unique(labels[units])) > 1


def test_polished_grids_cost_less_and_hang_together(town: Any) -> None:
    piece, sizes, band, labels = town
    told: list[float] = []
    better, grids = polish(
        piece, sizes, band, labels, left=lambda: 1e6, sweeps=2, tell=lambda _, total: told.append(total)
    )
    assert told == sorted(told, reverse=True)
    assert told[-1] == pytest.approx(measure_cost(piece, sizes, better))
    assert told[-1] < measure_cost(piece, sizes, labels)
    assert all(is_connected(piece, np.flatnonzero(better == label)) for label in np.unique(better))
    assert all(is_connected(piece, units) for units, _ in grids)


def test_threads_change_nothing(town: Any) -> None:
    piece, sizes, band, labels = town
    alone, _ = polish(piece, sizes, band, labels, left=lambda: 1e6, sweeps=2, width=48)
    with ThreadPoolExecutor(3) as pool:
        beside, _ = polish(piece, sizes, band, labels, left=lambda: 1e6, sweeps=2, width=48, pool=pool)
    assert beside.tolist() == alone.tolist()


def test_no_time_leaves_the_grids_as_they_are(town: Any) -> None:
    piece, sizes, band, labels = town
    same, grids = polish(piece, sizes, band, labels, left=lambda: 0.0)
    assert same.tolist() == labels.tolist()
    assert grids == []
