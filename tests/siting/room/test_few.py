"""Sites within a cost that keep all inequalities about room, or none: branching against an exact model of all pairs."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from spatial.siting.question import Question
from spatial.siting.room import few
from spatial.siting.room.few import Lane, few_sites
from spatial.siting.room.relaxed import Told, begin_near, set_ends, settle_relaxed, shed_relaxed
from spatial.siting.room.rows import flow_of
from spatial.siting.room.sites import Master, master_of, raise_bound
from spatial.siting.ways import Deadline
from tests.siting.room.test_cover import counted, drawn, fewest
from tests.siting.room.test_fewest import listed, scattered

INF = np.inf


def ring() -> Master:
    """Three rows between three sites: half of each site serves all in parts, two whole ones are needed."""
    cost = np.array([[1.0, 1.0, INF], [INF, 1.0, 1.0], [1.0, INF, 1.0]])
    return master_of(listed(counted(cost, np.ones(3), np.full(3, 9.0))))


def test_no_single_site_of_a_ring_of_three_serves_all_and_two_do() -> None:
    master = ring()
    none = few_sites(master, np.zeros(3), 1.0, Deadline(10.0))
    assert none.none
    assert none.opened is None
    two = few_sites(master, np.zeros(3), 2.0, Deadline(10.0))
    assert not two.none
    assert two.opened is not None
    assert sorted(two.opened.tolist()) == [0.0, 1.0, 1.0]


def test_nothing_is_told_without_time() -> None:
    found = few_sites(ring(), np.zeros(3), 1.0, Deadline(0.0))
    assert not found.none
    assert found.opened is None


def questions(seed: int) -> Question:
    question = drawn(seed) if seed % 3 == 0 else scattered(seed, 40, 10 + seed % 5, 0.4 + 0.05 * (seed % 5))
    return replace(question, split=True)


def test_branching_tells_the_fewest_sites_with_room_in_parts() -> None:
    """It begins with what the rows list alone, and finds the inequalities about room on its way."""
    met = none = 0
    for seed in range(60):
        question = questions(seed)
        rooms, least = listed(question), fewest(question)
        master, point = master_of(rooms), np.zeros(len(rooms.room))
        if least == INF:
            assert few_sites(master, point, float(len(point)), Deadline(20.0)).none, seed
            none += 1
            continue
        met += 1
        found = few_sites(master, point, least - 1.0, Deadline(20.0))
        assert found.none, seed
        found = few_sites(found.master, point, least, Deadline(20.0))
        assert found.opened is not None, seed
        assert found.opened @ master.cost <= least + 1e-9, seed
        assert flow_of(master.kinds, found.opened).short <= 1e-3, seed
        assert (found.opened >= master.lower).all(), seed
        assert (found.opened <= master.upper).all(), seed
    assert met >= 30
    assert none >= 1


def test_the_same_model_is_branched_on_in_the_same_way() -> None:
    master, point, bound = raise_bound(master_of(listed(scattered(5, 60, 16, 0.45))), Deadline(20.0))
    assert point is not None
    one, two = (few_sites(master, point, np.ceil(bound), Deadline(20.0)) for _ in range(2))
    assert one.none == two.none
    assert (one.master.terms != two.master.terms).nnz == 0
    assert one.opened is not None
    assert two.opened is not None
    assert (one.opened == two.opened).all()


def test_two_threads_look_at_the_same_parts_as_one() -> None:
    parts = 0
    with ThreadPoolExecutor(1) as pool:

        def both(work: Callable[[Lane], Lane], pair: tuple[Lane, Lane]) -> tuple[Lane, Lane]:
            other = pool.submit(work, pair[1])
            return work(pair[0]), other.result()

        for seed in range(6):
            question = replace(scattered(seed, 90, 24, 0.5), split=True)
            least, master = fewest(question), master_of(listed(question))
            for most in (least - 1.0, least):
                one = few_sites(master, np.zeros(24), most, Deadline(20.0))
                two = few_sites(master, np.zeros(24), most, Deadline(20.0), both)
                assert one.none == two.none == (most < least), seed
                assert one.parts == two.parts, seed
                assert (one.master.terms != two.master.terms).nnz == 0, seed
                assert one.opened is None or (one.opened == two.opened).all(), seed
                parts = max(parts, one.parts)
    assert parts >= 12


def test_a_programme_says_where_ends_leave_nothing_and_takes_back_what_waits() -> None:
    master, none, shut, opened = ring(), np.zeros(3), np.array([0.0, 0.0, 1.0]), np.ones(3)
    relaxed = begin_near(master, opened, 0.05)
    assert len(relaxed.inside) == 0
    relaxed, told = settle_relaxed(relaxed, (none, opened), 3.0, Deadline(10.0))
    assert told is not None
    assert told.bound == pytest.approx(1.5)
    assert len(relaxed.inside) == 3
    set_ends(relaxed, (none, shut))
    relaxed, told = settle_relaxed(relaxed, (none, shut), 3.0, Deadline(10.0))
    assert told is not None
    assert told.bound == INF
    set_ends(relaxed, (none, opened))
    relaxed, told = settle_relaxed(relaxed, (none, opened), 1.4, Deadline(10.0))
    assert told is not None
    assert told.bound == INF
    relaxed, told = settle_relaxed(relaxed, (none, opened), 1.5, Deadline(10.0))
    assert told is not None
    assert told.bound == pytest.approx(1.5)
    assert len(shed_relaxed(relaxed, told.point, 0.02).inside) == 3


def test_no_part_is_told_whose_split_site_prices_rule_out() -> None:
    """Site 0 is open in part, and its price beyond that of rows rules out one end: the other half is left."""
    relaxed = begin_near(ring(), np.zeros(3), 0.05)
    told = Told(1.9, np.zeros(3), np.array([-5.0, 0.0, 0.0]), np.array([0.6, 0.0, 1.0]))
    gains = few._Gains(np.zeros((2, 3)), np.zeros((2, 3)), np.full((2, 3), 9))
    part = few._Part((np.zeros(3), np.ones(3)), -1, 0, 0.0, 0.0)
    halves = few._halves(relaxed, part, told, gains, 2.0)
    assert [half.side for half in halves] == [1]
    told = replace(told, left=np.array([5.0, 0.0, 0.0]), point=np.array([0.4, 0.0, 1.0]))
    assert [half.side for half in few._halves(relaxed, part, told, gains, 2.0)] == [0]
