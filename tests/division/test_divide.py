"""Blocks are divided into grids: hand-worked towns first, then laws that hold for any town."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spatial.division.divide import Division, divide
from spatial.errors import CancelledError, InputError, TableError
from spatial.io.profiles import read_profile
from tests.division.lattice import NO_BLOCK, assert_lawful, banded, borders, groups, rng, sizes, town

ABOUT_500 = read_profile("about_500")
QUICK = banded(300, 500, 700, moves_per_block=100)


def six_by_six() -> Any:
    return town(np.full((6, 6), 55))


def solve(blocks: Any, adjacency: Any | None = None, profile: Any = ABOUT_500, seed: int = 1) -> Division:
    adjacency = borders(blocks) if adjacency is None else adjacency
    division = divide(blocks, adjacency, profile, rng=rng(seed))
    assert_lawful(blocks, adjacency, division.assignment)
    return division


def test_six_by_six_equal_blocks_make_four_squares() -> None:
    blocks = six_by_six()
    division = solve(blocks)
    assert sizes(blocks, division.assignment) == {f"C-00{i}": 495 for i in range(1, 5)}
    assert (division.status, division.gap) == ("optimal", 0.0)
    assert division.total == division.bound
    assert division.objective["border_m"] == 1200.0
    assert division.objective["in_band_share"] == 1.0
    assert (division.explanations == "").all()


def test_the_same_seed_gives_the_same_bytes_whatever_the_order_of_rows() -> None:
    blocks = town(rng(7).integers(0, 200, (7, 7)))
    adjacency = borders(blocks)
    one = solve(blocks, adjacency)
    mixed, pairs = blocks.sample(frac=1, random_state=3), adjacency.sample(frac=1, random_state=4)
    two = solve(mixed, pairs)
    pd.testing.assert_series_equal(one.assignment, two.assignment)
    pd.testing.assert_series_equal(one.explanations, two.explanations)
    assert one.objective == two.objective
    assert (one.total, one.bound, one.status) == (two.total, two.bound, two.status)


def test_pairs_named_the_other_way_round_change_nothing() -> None:
    blocks = town(rng(7).integers(0, 200, (5, 7)))
    adjacency = borders(blocks)
    swapped = adjacency.rename(columns={"focal": "neighbor", "neighbor": "focal"})
    pd.testing.assert_series_equal(solve(blocks, adjacency).assignment, solve(blocks, swapped).assignment)


def test_other_block_ids_give_the_same_grids() -> None:
    blocks = town(rng(7).integers(0, 200, (6, 6)))
    adjacency = borders(blocks)
    shuffled = rng(5).permutation(len(blocks))
    new = {name: f"x{number:03d}" for name, number in zip(blocks["block_id"], shuffled, strict=True)}
    renamed = blocks.assign(block_id=blocks["block_id"].map(new))
    pairs = adjacency.assign(focal=adjacency["focal"].map(new), neighbor=adjacency["neighbor"].map(new))
    one, two = solve(blocks, adjacency).assignment, divide(renamed, pairs, ABOUT_500, rng=rng()).assignment
    assert one.rename(index=new).sort_index().to_dict() == two.to_dict()


def test_a_change_in_one_community_leaves_the_others_as_they_are() -> None:
    names = np.repeat([["A"] * 5 + ["B"] * 5], 5, axis=0)
    cells = rng(7).integers(20, 200, (5, 10))
    before = solve(town(cells, community=names)).assignment
    cells[2, 2] += 90
    after = solve(town(cells, community=names)).assignment
    in_b = before.str.startswith("B")
    assert before[in_b].equals(after[in_b])


def test_grids_are_numbered_from_west_to_east() -> None:
    blocks = town([[500, 500, 500]])
    division = solve(blocks, profile=banded(450, 500, 550))
    assert division.assignment.to_dict() == {"r0c0": "C-001", "r0c1": "C-002", "r0c2": "C-003"}


def test_grids_above_each_other_are_numbered_from_north_to_south() -> None:
    division = solve(town([[500], [500]]), profile=banded(450, 500, 550))
    assert division.assignment.to_dict() == {"r0c0": "C-001", "r1c0": "C-002"}


def test_a_corner_or_a_border_shorter_than_the_limit_is_no_contact() -> None:
    blocks = town([[200, NO_BLOCK], [NO_BLOCK, 200]])
    corner = pd.DataFrame(
        [("r0c0", "r1c1", 0.0, 0.0, 0.0, "", True)],
        columns="focal neighbor shared_m clear_m clarity barrier crossable".split(),
    )
    assert len(groups(solve(blocks, corner).assignment)) == 2
    assert len(groups(solve(blocks, corner.assign(shared_m=4.9)).assignment)) == 2
    assert len(groups(solve(blocks, corner.assign(shared_m=5.0)).assignment)) == 1


def test_a_river_without_a_crossing_separates_and_a_bridge_joins() -> None:
    blocks = town([[100, 100], [100, 100]])
    river = [("r0c0", "r1c0"), ("r0c1", "r1c1")]
    apart = solve(blocks, borders(blocks, barred=river))
    assert groups(apart.assignment) == {frozenset({"r0c0", "r0c1"}), frozenset({"r1c0", "r1c1"})}
    assert apart.status == "infeasible"
    assert len(apart.violations) == 2
    assert "no border of 5 m or more that can be crossed leads to C-002" in apart.explanations["C-001"]
    bridged = solve(blocks, borders(blocks, barred=river[:1]))
    assert len(groups(bridged.assignment)) == 1
    assert (bridged.status, bridged.violations) == ("optimal", ())


def test_borders_go_where_the_clear_lines_are() -> None:
    blocks = town(np.full((2, 6), 100))
    street = [(f"r{r}c2", f"r{r}c3") for r in range(2)]
    division = solve(blocks, borders(blocks, clear=street))
    assert sizes(blocks, division.assignment) == {"C-001": 600, "C-002": 600}
    assert division.objective["clear_share"] == 1.0
    assert division.objective["border_m"] == 200.0


def test_hefei_keeps_the_closed_estate_apart_and_merges_the_rest_into_two() -> None:
    cells = np.full((4, 4), NO_BLOCK)
    cells[0, :], cells[1, :], cells[2, :] = [80, 90, 70, 85], [95, 75, 80, 90], [85, 80, 90, 80]
    cells[3, 1] = 1800
    blocks = town(cells)
    closed = blocks["block_id"] == "r3c1"
    blocks = blocks.assign(
        kind=np.where(closed, "estate", "face"), access=np.where(closed, "gated", "open"), oversize=False
    )
    assert blocks.loc[~closed, "households"].sum() == 1000
    division = solve(blocks, profile=read_profile("hefei"))
    found = sizes(blocks, division.assignment)
    assert len(found) == 3
    assert division.assignment.value_counts()[division.assignment["r3c1"]] == 1
    assert all(400 <= count <= 600 for count in found.values() if count != 1800)
    assert "is a grid of its own whatever its size" in division.explanations[division.assignment["r3c1"]]
    assert division.explanations.ne("").sum() == 1


def test_a_small_closed_estate_is_never_merged_under_the_two_phase_rule() -> None:
    blocks = town([[250, 50, 250]])
    blocks["kind"] = ["face", "estate", "face"]
    joined = solve(blocks, profile=banded(400, 500, 600)).assignment
    assert joined.nunique() == 1
    apart = solve(blocks, profile=read_profile("hefei"))
    assert apart.assignment.nunique() == 3
    assert "below the floor of 400" in apart.explanations[apart.assignment["r0c1"]]


def test_an_open_estate_may_be_merged_under_the_two_phase_rule() -> None:
    blocks = town([[250, 250]])
    blocks["kind"], blocks["access"] = ["face", "estate"], ["", "open"]
    assert solve(blocks, profile=read_profile("hefei")).assignment.nunique() == 1


def test_an_oversize_block_stands_alone_and_is_counted() -> None:
    blocks = town([[300, 1800, 300], [250, NO_BLOCK, 250]])
    division = solve(blocks)
    assert sizes(blocks, division.assignment) == {"C-001": 550, "C-002": 1800, "C-003": 550}
    assert division.status == "optimal"  # a block that cannot be cut is an exception, not a breach
    assert division.violations == ()
    assert division.objective["oversize_grids"] == 1.0
    assert division.objective["in_band_share"] == 1.0
    assert division.explanations["C-002"] == (
        "Block r0c1 has 1800 households, above the ceiling of 700, and cannot be cut: "
        "it stands alone and needs 3 grids."
    )
    assert "1 blocks above the ceiling stand alone; they hold 1800 of 2900 households (62%)." in division.reasons


def test_an_enclosed_block_without_households_follows_its_only_neighbour() -> None:
    blocks = town([[0, 1800, 500], [NO_BLOCK, 0, NO_BLOCK]])
    division = solve(blocks)
    assert groups(division.assignment) == {frozenset({"r0c0", "r0c1", "r1c1"}), frozenset({"r0c2"})}


def test_empty_land_between_lone_blocks_joins_across_the_least_clear_border() -> None:
    blocks = town([[900, 0, 900]])
    division = solve(blocks, borders(blocks, clear=[("r0c0", "r0c1")]))
    assert division.assignment["r0c1"] == division.assignment["r0c2"]


def test_a_remnant_between_lone_blocks_says_what_surrounds_it() -> None:
    division = solve(town([[900, 40, 900]]))
    assert division.explanations["C-002"] == (
        "40 households, below the floor of 300: it is surrounded by grids that take no other blocks; "
        "C-001, C-003 stand alone."
    )


def test_an_island_says_that_it_touches_nothing() -> None:
    division = solve(town([[500, NO_BLOCK, 40]]))
    assert (
        division.explanations["C-002"]
        == "40 households, below the floor of 300: it touches no other grid of its community."
    )


def test_a_total_in_the_hole_of_the_band_keeps_the_ceiling_and_says_why() -> None:
    blocks = town([[110] * 5])
    division = solve(blocks, profile=banded(300, 400, 500))
    assert sorted(sizes(blocks, division.assignment).values()) == [220, 330]
    assert division.reasons[0] == (
        "Community C: 550 households make no whole number of grids of 300 to 500: "
        "1 would hold at most 500, 2 at least 600."
    )
    low = division.explanations[division.explanations != ""]
    assert len(low) == 1
    assert "joined to a neighbour it would pass the ceiling of 500 (550 with" in low.iloc[0]


def test_a_town_without_households_is_one_grid() -> None:
    division = solve(town(np.zeros((3, 3))))
    assert division.assignment.nunique() == 1
    assert division.explanations.iloc[0].startswith("0 households, below the floor of 300")


def test_one_block_is_one_grid() -> None:
    assert solve(town([[500]])).status == "optimal"


def test_grids_stay_inside_their_community() -> None:
    names = [["A", "A", "B", "B"]] * 2
    division = solve(town(np.full((2, 4), 60), community=names))
    assert division.assignment.nunique() == 2
    assert set(division.assignment) == {"A-001", "B-001"}


def test_no_blocks_are_refused() -> None:
    blocks = six_by_six()
    with pytest.raises(InputError, match="found no rows"):
        divide(blocks.iloc[:0], borders(blocks).iloc[:0], ABOUT_500, rng=rng())


def test_a_border_of_an_unknown_block_is_refused() -> None:
    blocks = six_by_six()
    adjacency = borders(blocks)
    adjacency.loc[0, "neighbor"] = "nowhere"
    with pytest.raises(InputError, match="'nowhere'"):
        divide(blocks, adjacency, ABOUT_500, rng=rng())


def test_a_pair_in_two_rows_is_refused() -> None:
    blocks = six_by_six()
    adjacency = borders(blocks)
    with pytest.raises(TableError, match="'r0c0' and 'r1c0' stands in more than one row"):
        divide(blocks, pd.concat([adjacency, adjacency.iloc[:1]]), ABOUT_500, rng=rng())


def test_progress_rises_to_one_in_each_stage() -> None:
    blocks, told = six_by_six(), dict[str, list[float]]()
    division = divide(
        blocks, borders(blocks), ABOUT_500, rng=rng(), on_progress=lambda *at: told.setdefault(at[0], []).append(at[1])
    )
    assert list(told) == ["dividing blocks into grids", "proving how good the grids are"]
    assert all(shares == sorted(shares) for shares in told.values())
    assert told["proving how good the grids are"][-1] == 1.0
    assert not division.stopped


@pytest.mark.parametrize("stop", [CancelledError("stopped"), KeyboardInterrupt()])
@pytest.mark.parametrize("after", [0, 3])
def test_whoever_stops_the_work_gets_the_best_so_far(stop: BaseException, after: int) -> None:
    blocks, told = town(rng(2).integers(0, 150, (12, 12))), list[float]()

    def halt(stage: str, share: float) -> None:
        told.append(share)
        if len(told) > after:
            raise stop

    division = divide(blocks, borders(blocks), ABOUT_500, rng=rng(), on_progress=halt)
    assert_lawful(blocks, borders(blocks), division.assignment)
    assert division.stopped
    assert division.status == "gap"


def test_no_time_still_gives_a_lawful_plan() -> None:
    blocks = town(rng(2).integers(0, 150, (12, 12)))
    adjacency = borders(blocks)
    division = divide(blocks, adjacency, ABOUT_500, rng=rng(), budget_s=0.0)
    assert_lawful(blocks, adjacency, division.assignment)
    assert max(sizes(blocks, division.assignment).values()) <= 700


households = st.one_of(
    st.just(0), st.integers(1, 120), st.integers(121, 700), st.integers(701, 2000), st.just(NO_BLOCK)
)


@st.composite
def towns(draw: Any) -> tuple[Any, Any]:
    rows, columns = draw(st.integers(1, 5)), draw(st.integers(1, 6))
    cells = draw(st.lists(households, min_size=rows * columns, max_size=rows * columns))
    if all(cell == NO_BLOCK for cell in cells):
        cells[0] = 10
    split = draw(st.integers(0, columns))
    names = np.array([["A" if c < split else "B" for c in range(columns)]] * rows, dtype=object)
    blocks = town(np.array(cells).reshape(rows, columns), community=names)
    adjacency = borders(blocks)
    closed = draw(st.sets(st.integers(0, max(0, len(adjacency) - 1)), max_size=len(adjacency) // 4))
    adjacency.loc[adjacency.index.isin(closed), "crossable"] = False
    return blocks, adjacency


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(towns(), st.integers(0, 2**31))
def test_every_town_is_divided_lawfully(drawn: tuple[Any, Any], seed: int) -> None:
    blocks, adjacency = drawn
    division = divide(blocks, adjacency, QUICK, rng=rng(seed))
    assert_lawful(blocks, adjacency, division.assignment)
    lone = set(division.assignment[blocks.set_index("block_id")["oversize"].reindex(division.assignment.index)])
    assert len(lone) == blocks["oversize"].sum()
    found = blocks.set_index("block_id").groupby(division.assignment)["households"].agg(["sum", "max"])
    for grid, (total, largest) in found.iterrows():
        if grid in lone:
            assert total == largest, "a lone block takes land without households only"
        else:
            assert total <= 700
        assert (division.explanations[grid] == "") == (300 <= total <= 700)
    assert bool(division.violations) == (division.explanations.drop(lone) != "").any()
    if division.status == "optimal":
        assert division.gap == 0.0
    if division.status == "infeasible":
        assert division.violations
    assert 0.0 <= division.bound <= division.total
