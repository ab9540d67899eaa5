"""Layouts and pieces: prices, units, anchors and heirs worked by hand; the order of rows changes nothing."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from spatial.division.layout import (
    build_layout,
    cut_out,
    list_olds,
    list_pieces,
    measure_side,
    number_units,
    price_sizes,
)
from spatial.division.locks import Locks
from spatial.division.piece import FREE, Piece, in_contact
from spatial.division.sizes import to_band
from spatial.errors import InputError, TableError
from spatial.profile import Profile
from tests.division.lattice import NO_BLOCK, banded, borders, rng, town

ABOUT_500 = banded(300, 500, 700)


def cut_first(blocks: Any, adjacency: Any = None, profile: Profile = ABOUT_500, **given: Any) -> Piece:
    """Return the westernmost piece of a town."""
    layout = build_layout(blocks, borders(blocks) if adjacency is None else adjacency, profile, **given)
    return cut_out(layout, next(list_pieces(layout)), to_band(profile.grid), profile.division)


def ids(layout: Any, blocks: Any) -> list[str]:
    return list(layout.frame["block_id"].iloc[blocks])


def test_a_border_costs_its_length_relative_to_a_square_of_the_mean_grid() -> None:
    blocks = town([[500, 500]])
    piece = cut_first(blocks, borders(blocks, clear=[("r0c0", "r0c1")]))
    assert piece.border.tolist() == [0.5 * 100.0 / 200.0]
    assert cut_first(blocks).border.tolist() == [1.5 * 100.0 / 200.0]


def test_the_mean_grid_counts_each_block_above_the_ceiling_once() -> None:
    profile = banded(300, 500, 700, oversize_alone=False)
    blocks = town([[4000, 500, 500, 0]])
    layout = build_layout(blocks, borders(blocks), profile)
    assert measure_side(layout, np.arange(4), to_band(profile.grid)) == pytest.approx(2 * np.sqrt(40_000 / 3))


def test_a_border_that_cannot_be_crossed_costs_when_cut_and_connects_nothing() -> None:
    blocks = town([[100, 100], [100, 100]])
    piece = cut_first(blocks, borders(blocks, barred=[("r0c0", "r0c1")]))
    assert len(piece.border) == 4
    assert in_contact(piece).sum() == 3
    barred = int(np.flatnonzero(~in_contact(piece))[0])
    assert piece.border[barred] == pytest.approx(0.5 * 100.0 / (2 * np.sqrt(40_000)))
    for unit in (piece.first[barred], piece.second[barred]):
        assert barred not in piece.edge[piece.row[unit] : piece.touch[unit]]
        assert barred in piece.edge[piece.touch[unit] : piece.row[unit + 1]]


def test_a_border_shorter_than_the_least_costs_its_length_and_connects_nothing() -> None:
    blocks = town([[100, 100], [100, 100]])
    adjacency = borders(blocks)
    adjacency.loc[0, ["shared_m", "clear_m"]] = 4.0, 0.0
    piece = cut_first(blocks, adjacency)
    assert piece.border[~in_contact(piece)].tolist() == [pytest.approx(1.5 * 4.0 / 400.0)]


def test_familiar_neighbours_cost_more_to_part() -> None:
    blocks = town([[100, 100, 100, 100]]).assign(company=["", "x", "x", None])
    blocks["estate_id"] = ["e", "e", "", ""]
    profile = banded(300, 500, 700, familiarity_weight=2.0)
    plain, familiar = cut_first(blocks).border, cut_first(blocks, profile=profile).border
    assert (familiar - plain).tolist() == [2.0, 2.0, 0.0]


def test_an_anchor_is_a_block_above_the_ceiling_or_where_told_above_the_target() -> None:
    blocks = town([[900, 0, 600, 500]])
    low = banded(300, 500, 700, oversize_alone=False)
    assert cut_first(blocks, profile=low).anchor.tolist() == [900, 0, 0, 0]
    high = banded(300, 500, 700, oversize_alone=False, largest_is_aim=True)
    assert cut_first(blocks, profile=high).anchor.tolist() == [900, 0, 600, 0]


def test_a_block_above_the_ceiling_stands_alone_unless_the_profile_lets_it_take_empty_land() -> None:
    blocks = town([[900, 0, 600]])
    layout = build_layout(blocks, borders(blocks), ABOUT_500)
    assert [ids(layout, part) for part in list_pieces(layout)] == [["r0c1", "r0c2"]]
    layout = build_layout(blocks, borders(blocks), banded(300, 500, 700, oversize_alone=False))
    assert [ids(layout, part) for part in list_pieces(layout)] == [["r0c0", "r0c1", "r0c2"]]


def test_a_mark_of_oversize_counts_where_such_blocks_stand_alone_and_households_are_counted() -> None:
    blocks = town([[300, 300]]).assign(oversize=[True, False], work=[300, 300])
    assert build_layout(blocks, borders(blocks), ABOUT_500).alone.tolist() == [True, False]
    for other in ({"oversize_alone": False}, {"size_column": "work"}):
        layout = build_layout(blocks, borders(blocks), banded(300, 500, 700, **other))
        assert not layout.alone.any()
        assert not layout.oversize.any()


def test_the_size_column_is_what_is_counted() -> None:
    blocks = town([[100, 100]]).assign(work=[250, 800])
    profile = banded(300, 500, 700, size_column="work", oversize_alone=False)
    layout = build_layout(blocks, borders(blocks), profile)
    assert layout.households.tolist() == [250, 800]
    assert layout.oversize.tolist() == [False, True]


def test_a_size_column_that_is_missing_or_holds_no_counts_is_refused() -> None:
    blocks = town([[100, 100]])
    profile = banded(300, 500, 700, size_column="work")
    with pytest.raises(TableError, match="found no column 'work'"):
        build_layout(blocks, borders(blocks), profile)
    for wrong in ([1.5, 2.0], [-1.0, 2.0], [np.nan, 2.0]):
        with pytest.raises(InputError, match=r"block r0c0: found .* work, needed a whole number"):
            build_layout(blocks.assign(work=wrong), borders(blocks), profile)
    with pytest.raises(TableError, match="column work holds"):
        build_layout(blocks.assign(work=["a", "b"]), borders(blocks), profile)


def test_blocks_that_stay_together_are_one_unit_with_one_border_to_each_neighbour() -> None:
    blocks = town([[100, 200], [300, 50]])
    piece = cut_first(blocks, locks=Locks(together=(("r0c0", "r0c1"),)))
    assert piece.households.tolist() == [300, 300, 50]
    assert list(zip(piece.first.tolist(), piece.second.tolist(), strict=True)) == [(0, 1), (0, 2), (1, 2)]
    one = 1.5 * 100.0 / 400.0
    assert piece.border.tolist() == pytest.approx([one, one, one])


def test_a_unit_lies_in_the_middle_of_its_blocks_by_area() -> None:
    blocks = town([[100, 100, 100]])
    blocks["area_m2"] = [30_000.0, 10_000.0, 10_000.0]
    piece = cut_first(blocks, locks=Locks(together=(("r0c0", "r0c1"),)))
    assert piece.x.tolist() == [75.0, 250.0]
    assert piece.y.tolist() == [150.0, 150.0]


def test_blocks_with_a_label_carry_its_lock() -> None:
    blocks = town([[100, 100, 100, 100]])
    piece = cut_first(blocks, locks=Locks({"r0c0": "north", "r0c1": "north", "r0c3": "east"}))
    assert piece.lock.tolist() == [1, FREE, 0]


def test_units_are_numbered_piece_by_piece() -> None:
    blocks = town([[100, 100, NO_BLOCK, 100, 100, 100]])
    layout = build_layout(blocks, borders(blocks), ABOUT_500, locks=Locks(together=(("r0c4", "r0c5"),)))
    found = [number_units(layout, part).tolist() for part in list_pieces(layout)]
    assert found == [[0, 1], [0, 1, 1]]


def test_a_household_pays_for_leaving_the_grid_it_is_in_today() -> None:
    blocks = town([[100, 200, 50, 25]])
    current = pd.Series({"r0c0": "a", "r0c1": "b", "r0c2": "", "r0c3": None})
    piece = cut_first(blocks, current=current)
    assert (piece.change * 500).tolist() == [[0, 100, 100], [200, 0, 200], [0, 0, 0], [0, 0, 0]]


def test_a_unit_of_two_of_todays_grids_pays_for_the_part_that_leaves() -> None:
    blocks = town([[100, 200]])
    current, locks = pd.Series({"r0c0": "a", "r0c1": "b"}), Locks(together=(("r0c0", "r0c1"),))
    assert cut_first(blocks, current=current, locks=locks).change.tolist() == [[0.4, 0.2, pytest.approx(0.6)]]


def test_where_change_weighs_nothing_nothing_is_inherited() -> None:
    blocks = town([[100, 200]])
    profile = banded(300, 500, 700, change_weight=0.0)
    assert cut_first(blocks, profile=profile, current=pd.Series({"r0c0": "a"})).change.tolist() == [[0.0], [0.0]]


def test_todays_grid_in_two_pieces_goes_to_the_one_with_most_of_its_households() -> None:
    blocks = town([[100, NO_BLOCK, 150, 10]])
    layout = build_layout(blocks, borders(blocks), ABOUT_500, current=pd.Series({"r0c0": "a", "r0c2": "a"}))
    assert layout.inherits.tolist() == [False, True, False]
    west, east = list_pieces(layout)
    rules, band = ABOUT_500.division, to_band(ABOUT_500.grid)
    assert list_olds(layout, west, rules).tolist() == []
    assert (cut_out(layout, west, band, rules).change * 500).tolist() == [[100]]
    assert list_olds(layout, east, rules).tolist() == [0]
    assert (cut_out(layout, east, band, rules).change * 500).tolist() == [[0, 150], [0, 0]]


def test_of_equal_pieces_the_western_one_inherits() -> None:
    blocks = town([[100, NO_BLOCK, 100]])
    layout = build_layout(blocks, borders(blocks), ABOUT_500, current=pd.Series({"r0c0": "a", "r0c2": "a"}))
    assert layout.inherits.tolist() == [True, False]


def test_a_block_that_stands_alone_may_keep_todays_grid() -> None:
    blocks = town([[900, 100]])
    layout = build_layout(blocks, borders(blocks), ABOUT_500, current=pd.Series({"r0c0": "a", "r0c1": "a"}))
    assert layout.inherits.tolist() == [True, False]


def test_todays_grids_of_unknown_or_repeated_blocks_are_refused() -> None:
    blocks = town([[100, 100]])
    with pytest.raises(InputError, match="current: found block 'nowhere'"):
        build_layout(blocks, borders(blocks), ABOUT_500, current=pd.Series({"nowhere": "a"}))
    twice = pd.Series(["a", "b"], index=["r0c0", "r0c0"])
    with pytest.raises(InputError, match="block 'r0c0' stands in two rows"):
        build_layout(blocks, borders(blocks), ABOUT_500, current=twice)


def test_without_grids_of_today_a_piece_has_none() -> None:
    blocks = town([[100, 100]])
    layout = build_layout(blocks, borders(blocks), ABOUT_500, current=pd.Series(dtype="str"))
    assert layout.today_ids == ()
    assert not layout.inherits.any()


def test_a_layout_of_no_blocks_is_empty() -> None:
    blocks = town([[100]]).iloc[:0]
    given = {"current": pd.Series(dtype="str"), "locks": Locks()}
    layout = build_layout(blocks, borders(blocks), ABOUT_500, **given)
    assert list(list_pieces(layout)) == []
    assert len(layout.unit) == 0


def test_sizes_price_a_span_relative_to_the_side_of_the_mean_grid() -> None:
    blocks = town([[500, 500]])
    profile = banded(300, 500, 700, span_weight=3.0, far_weight=20.0, floor_penalty=False)
    layout = build_layout(blocks, borders(blocks), profile)
    sizes = price_sizes(layout, np.arange(2), to_band(profile.grid), profile.division)
    assert sizes.span_weight == 3.0 / 200.0
    assert sizes.penalty[:300].max() == 0.0
    assert sizes.balance[250] == pytest.approx(4.0 + 20.0 * 0.1)


def test_the_order_of_rows_and_the_direction_of_pairs_change_nothing() -> None:
    blocks = town(rng(3).integers(0, 200, (4, 5)))
    adjacency = borders(blocks, barred=[("r0c0", "r0c1")])
    given = {
        "current": pd.Series({name: f"g{i % 4}" for i, name in enumerate(blocks["block_id"])}),
        "locks": Locks({"r0c0": "a", "r3c4": "b"}, (("r1c1", "r1c2"), ("r1c2", "r2c2"))),
    }
    one = cut_first(blocks, adjacency, **given)
    mixed = adjacency.sample(frac=1, random_state=4).rename(columns={"focal": "neighbor", "neighbor": "focal"})
    given["current"] = given["current"].sample(frac=1, random_state=5)
    two = cut_first(blocks.sample(frac=1, random_state=3), mixed, **given)
    for field, left, right in zip(Piece._fields, one, two, strict=True):
        assert np.array_equal(left, right), field
