"""Repairs mend what is torn, with as few households as any way would do."""

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial.errors import EditError
from spatial.plan import edit_kinds as kinds
from spatial.plan import mending_exact
from spatial.plan.edits import Ground, State, begin, build_ground, propose_repair
from spatial.plan.mending import list_contacts
from tests.plan.editing import blocks_in, pieces_of, run, strict_town
from tests.plan.towns import adjacency_frame, block_frame, four_grids, make_plan


def town(columns: int, rows: int, label: dict[str, str], households: dict[str, int]) -> tuple[Ground, State]:
    blocks = block_frame(columns, rows)
    held = blocks["block_id"].map(households).astype("int64")
    names = pd.Series(label).reindex(blocks["block_id"]).rename("grid_id").rename_axis("block_id")
    plan = make_plan(blocks.assign(households=held), names)
    return build_ground(plan), begin(plan)


def strip(text: str, households: list[int]) -> tuple[Ground, State]:
    """A row of blocks, a letter of its grid each."""
    names = [f"b{k}0" for k in range(len(text))]
    return town(len(text), 1, dict(zip(names, text, strict=True)), dict(zip(names, households, strict=True)))


def test_what_is_whole_needs_no_repair() -> None:
    plan = four_grids()
    proposal = propose_repair(build_ground(plan), begin(plan))
    assert (proposal.edits, proposal.households, proposal.proved, proposal.unmended) == ((), 0, True, ())


def test_a_stray_block_goes_back_where_it_costs_least() -> None:
    plan = four_grids()
    ground = build_ground(plan)
    torn = run(ground, begin(plan), kinds.MoveBlocks(("b00",), "g11")).state
    proposal = propose_repair(ground, torn)
    assert (proposal.edits, proposal.households, proposal.blocks) == ((kinds.MoveBlocks(("b00",), "g00"),), 125, 1)
    assert proposal.proved
    mended = run(ground, torn, kinds.Repair())
    assert mended.state.digest == begin(plan).digest
    assert mended.strays == ()
    assert list(mended.cured["rule"]) == ["T2"]


def test_land_between_joins_where_that_moves_fewer_households_than_the_piece() -> None:
    ground, state = strip("aabbaab", [100, 100, 5, 6, 50, 50, 70])
    proposal = propose_repair(ground, state)
    # b is torn too: its last block of 70 stays, the two of 11 in all join a
    assert proposal.edits == (kinds.MoveBlocks(("b20", "b30"), "a"),)
    assert (proposal.households, proposal.blocks, proposal.proved) == (11, 2, True)


def test_of_equal_households_fewer_blocks_move() -> None:
    ground, state = strip("abba", [100, 0, 0, 0])
    # the end without households joins b: one block, where the two between joining a would be two
    assert propose_repair(ground, state).edits == (kinds.MoveBlocks(("b30",), "b"),)


def test_a_grid_of_one_block_between_is_not_swallowed() -> None:
    ground, state = strip("aba", [100, 10, 90])
    proposal = propose_repair(ground, state)
    assert proposal.edits == (kinds.MoveBlocks(("b20",), "b"),)
    assert proposal.households == 90


def test_locked_grids_stay_as_they_are_and_what_cannot_be_mended_is_said() -> None:
    ground, state = strip("abba", [100, 50, 50, 90])
    locked = run(ground, state, kinds.Lock(("b",))).state
    proposal = propose_repair(ground, locked)
    assert proposal.edits == ()
    assert proposal.unmended == ("Grid a lies in pieces that no unlocked grid beside can take or join.",)
    told = run(ground, locked, kinds.Repair())
    assert told.notes == proposal.unmended
    with pytest.raises(EditError, match="Grid a lies in pieces"):
        run(ground, locked, kinds.Repair(("a",)))
    torn = run(ground, state, kinds.Lock(("a",))).state
    assert propose_repair(ground, torn).unmended == ("Grid a is locked and in 2 pieces.",)


def test_only_the_grids_asked_for_are_mended() -> None:
    ground, state = strip("abacdc", [100, 40, 20, 100, 40, 20])
    proposal = propose_repair(ground, state, ["c"])
    assert proposal.edits == (kinds.MoveBlocks(("b50",), "d"),)
    assert proposal.blocks == 1
    assert propose_repair(ground, state).households == 40
    with pytest.raises(EditError, match="'x'"):
        propose_repair(ground, state, ["x"])


def test_a_block_is_not_moved_into_another_community() -> None:
    plan = strict_town()
    ground = build_ground(plan)
    torn = run(ground, begin(plan), kinds.MoveBlocks(("b00",), plan.assignment["b23"])).state
    proposal = propose_repair(ground, torn)
    community = plan.blocks.set_index("block_id")["community_id"]
    for move in proposal.edits:
        assert {community[block] for block in move.blocks} == {torn.grids.loc[move.to, "community_id"]}


# -- against every way there is ----------------------------------------------------------------------------------------


class Every:
    """All ways to put the blocks of a small town into three grids."""

    def __init__(self, columns: int, rows: int) -> None:
        blocks = block_frame(columns, rows)
        self.names = sorted(blocks["block_id"])
        n = len(self.names)
        place = {name: k for k, name in enumerate(self.names)}
        pairs = adjacency_frame(blocks)[["focal", "neighbor"]].itertuples(index=False)
        near = [0] * n
        for a, b in pairs:
            near[place[a]] |= 1 << place[b]
            near[place[b]] |= 1 << place[a]
        self.whole = np.array([self._is_whole(mask, near) for mask in range(1 << n)])
        self.ways = np.array(list(product(range(3), repeat=n)), dtype=np.int8)
        self.masks = np.stack([(self.ways == g) @ (1 << np.arange(n)) for g in range(3)], axis=1)
        self.near = near

    @staticmethod
    def _is_whole(mask: int, near: list[int]) -> bool:
        if not mask:
            return False
        seen = mask & -mask
        while True:
            more = seen
            for k in range(len(near)):
                if seen >> k & 1:
                    more |= near[k] & mask
            if more == seen:
                return seen == mask
            seen = more

    def least(self, label: list[int], households: list[int], free: set[int]) -> tuple[int, int] | None:
        """The fewest households, then blocks, that move between the free grids so that all of those are whole."""
        now = np.array(label)
        own = np.array([(now == g) @ (1 << np.arange(len(now))) for g in range(3)])
        kept = [g for g in range(3) if g not in free]
        lawful = np.ones(len(self.ways), dtype=bool)
        for g in free:
            lawful &= self.whole[self.masks[:, g]] & (self.masks[:, g] & own[g] > 0)
        for g in kept:
            lawful &= self.masks[:, g] == own[g]
        moved = self.ways[lawful] != now
        costs = sorted(zip((moved @ np.array(households)).tolist(), moved.sum(axis=1).tolist(), strict=True))
        return costs[0] if costs else None

    def scope(self, label: list[int]) -> list[set[int]]:
        """Torn grids with those beside them, united where they share one."""
        masks = [sum(1 << k for k, g in enumerate(label) if g == one) for one in range(3)]
        groups: list[set[int]] = []
        for g in (g for g in range(3) if not self.whole[masks[g]]):
            mine = {g} | {label[b] for a in range(len(label)) for b in range(len(label)) if label[a] == g
                          and self.near[a] >> b & 1}  # fmt: skip
            touching = [group for group in groups if group & mine]
            groups = [group for group in groups if group not in touching] + [mine.union(*touching)]
        return groups


SMALL, WIDE = Every(3, 3), Every(4, 3)


def check_against_all(every: Every, columns: int, label: list[int], households: list[int]) -> None:
    names = dict(zip(every.names, ("xyz"[g] for g in label), strict=True))
    ground, state = town(columns, 3, names, dict(zip(every.names, households, strict=True)))
    proposal = propose_repair(ground, state)
    best = [every.least(label, households, group) for group in every.scope(label)]
    assert proposal.proved
    assert len(proposal.unmended) == sum(one is None for one in best)
    found = [one for one in best if one is not None]
    assert (proposal.households, proposal.blocks) == (sum(h for h, _ in found), sum(n for _, n in found))
    if all(one is not None for one in best):
        mended = run(ground, state, kinds.Repair()).state
        assert all(pieces_of(ground, blocks_in(mended, name)) == 1 for name in mended.grids.index)


def three_grids(size: int) -> Any:
    labels = st.lists(st.integers(0, 2), min_size=size, max_size=size).filter(lambda label: len(set(label)) == 3)
    return st.tuples(labels, st.lists(st.sampled_from([0, 0, 1, 5, 20, 60, 200]), min_size=size, max_size=size))


@settings(max_examples=40)
@given(three_grids(9))
def test_no_way_at_all_moves_fewer_households_in_nine_blocks(drawn: tuple[list[int], list[int]]) -> None:
    check_against_all(SMALL, 3, *drawn)


@settings(max_examples=12)
@given(three_grids(12))
def test_no_way_at_all_moves_fewer_households_in_twelve_blocks(drawn: tuple[list[int], list[int]]) -> None:
    check_against_all(WIDE, 4, *drawn)


def test_a_repair_too_large_to_prove_is_still_a_repair_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mending_exact, "_MOST_CHOICES", 0)
    ground, state = strip("aabbaab", [100, 100, 5, 6, 50, 50, 70])
    proposal = propose_repair(ground, state)
    assert not proposal.proved
    mended = run(ground, state, *proposal.edits).state
    assert all(pieces_of(ground, blocks_in(mended, name)) == 1 for name in "ab")
    assert proposal.households == 11


def test_a_repair_that_runs_out_of_time_is_not_called_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mending_exact, "_LIMIT_S", -1.0)
    ground, state = strip("abba", [100, 50, 50, 90])
    proposal = propose_repair(ground, state)
    assert (proposal.households, proposal.proved) == (90, False)
    walled = propose_repair(ground, run(ground, state, kinds.Lock(("b",))).state)
    assert (walled.edits, walled.proved) == ((), False)
    assert walled.unmended == ("Grid a lies in pieces that no way was found to mend in time.",)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_larger_town_torn_in_several_places_is_mended(seed: int) -> None:
    rng = np.random.default_rng(seed)
    names = [f"b{c}{r}" for c in range(8) for r in range(8)]
    label = {name: f"g{int(name[1]) // 2}{int(name[2]) // 2}" for name in names}
    held = dict(zip(names, rng.integers(0, 200, len(names)).tolist(), strict=True))
    ground, state = town(8, 8, label, held)
    grids = sorted(set(label.values()))
    for block in rng.choice(names, 3, replace=False):
        state = run(ground, state, kinds.MoveBlocks((str(block),), str(rng.choice(grids)))).state
    torn = [name for name in grids if pieces_of(ground, blocks_in(state, name)) > 1]
    proposal = propose_repair(ground, state)
    assert proposal.proved
    mended = run(ground, state, *proposal.edits).state
    assert torn
    assert all(pieces_of(ground, blocks_in(mended, name)) == 1 for name in grids)
    assert propose_repair(ground, mended).edits == ()


def test_the_contacts_of_a_block_are_told_from_both_sides() -> None:
    ground = build_ground(strict_town())
    ends = zip(ground.first[ground.contact].tolist(), ground.second[ground.contact].tolist(), strict=True)
    pairs = {pair for a, b in ends for pair in ((a, b), (b, a))}
    assert list_contacts(ground) == [sorted(b for a, b in pairs if a == row) for row in range(25)]
