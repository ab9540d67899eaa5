"""Rows that judge sites alike are one bundle, which costs what they cost together."""

import numpy as np

from spatial.siting.question import Question
from spatial.siting.room.bundles import bundle_rooms
from spatial.siting.room.rooms import list_rooms
from spatial.siting.ways import Ints
from tests.bench.bench_siting import with_room
from tests.bench.siting_instances import Capacitated


def question_of(seed: int, alike: int = 30, apart: int = 0) -> tuple[Ints, Question]:
    """Rows of a few places, each a little way off, so that those of a place judge sites alike."""
    places, sites, opened, rng = 12, 6, 3, np.random.default_rng(seed)
    home, there = rng.uniform(0, 1000, (places, 2)), rng.uniform(0, 1000, (sites, 2))
    way = np.hypot(*(home[:, None] - there[None]).transpose(2, 0, 1))
    of = np.repeat(np.arange(places), alike)
    cost = np.rint(way)[of] + rng.integers(0, 50, len(of))[:, None] + rng.integers(0, apart + 1, (len(of), sites))
    room = np.full(sites, float(int(1.5 * len(of) / opened)))
    return of, with_room(Capacitated("x", cost, np.ones(len(of)), room, opened, 0.0))


def test_rows_of_a_place_are_one_bundle_that_costs_as_much() -> None:
    of, question = question_of(1)
    rooms = list_rooms(question)
    bundles = bundle_rooms(rooms, np.full(len(of), 1e4), np.ones(6, dtype=bool), most=100)
    few = bundles.rooms
    assert few.question.rows == 12
    assert len(set(zip(of, bundles.of, strict=True))) == 12
    assert few.load.sum() == rooms.load.sum()
    table, whole = np.full((6, 12), np.nan), np.zeros((6, len(of)))
    table[few.site, few.row] = few.cost
    whole[rooms.site, rooms.row] = rooms.cost
    truth = np.stack([whole[:, bundles.of == k].sum(axis=1) for k in range(12)], axis=1)
    told = np.isfinite(table)
    assert told.sum(axis=0).min() >= 5
    np.testing.assert_allclose(table[told], truth[told])


def test_there_are_no_more_bundles_than_asked_for_and_each_row_is_in_one() -> None:
    for seed in range(30):
        of, question = question_of(seed, apart=400)
        rooms, prices = list_rooms(question), np.random.default_rng(seed).uniform(100, 900, len(of))
        bundles = bundle_rooms(rooms, prices, np.ones(6, dtype=bool), most=40)
        assert len(np.unique(bundles.of)) == bundles.rooms.question.rows == 40
        np.testing.assert_allclose(bundles.rooms.load, np.bincount(bundles.of))


def test_sites_that_are_left_out_have_no_bundle() -> None:
    for seed in range(20):
        of, question = question_of(seed, apart=100)
        bundles = bundle_rooms(list_rooms(question), np.full(len(of), 500.0), np.arange(6) != 5, most=30)
        assert not (bundles.rooms.site == 5).any()
