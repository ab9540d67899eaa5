"""Opening hours as maps and tables write them, and what they do to gates and ways."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spatial.errors import InputError
from spatial.io.profiles import read_profile
from spatial.walking.hours import DAY_MIN, DAYS, WEEK_MIN, is_open, read_hours, read_moment
from spatial.walking.network import build_walk_network
from spatial.walking.snapping import snap
from spatial.walking.walker import Walker
from tests.walking.streets import draw, estates, gates, homes
from tests.walking.test_gates import DRIVE, EAST, HOME, NODES, OUTLINE, ROUND, STREET, WEST
from tests.walking.test_travel import walk

PROFILE = read_profile()


@pytest.mark.parametrize(
    ("text", "opened", "closed"),
    [
        ("24/7", "Su 03:00", None),
        ("", "Mo 00:00", None),
        ("06:00-22:00", "We 06:00", "We 22:00"),
        ("Mo-Fr 07:00-19:00; Sa off", "Fr 18:59", "Sa 12:00"),
        ("Mo-Fr 07:00-19:00", "Mo 07:00", "Su 12:00"),
        ("Mo-Su 08:00-18:00; Sa 10:00-12:00", "Sa 11:00", "Sa 09:00"),
        ("08:00-12:00,13:30-18:00", "Tu 13:30", "Tu 12:30"),
        ("22:00-06:00", "Mo 05:00", "Mo 12:00"),
        ("Su 22:00-06:00", "Mo 05:59", "Tu 05:00"),
        ("Fr 18:00-26:00", "Sa 01:59", "Sa 02:00"),
        ("Sa-Mo 10:00-11:00", "Su 10:30", "Tu 10:30"),
        ("Mo,We,Fr-Su 10:00-11:00", "We 10:30", "Th 10:30"),
        ("Mo-Fr 08:00-12:00, We 14:00-18:00", "We 15:00", "Th 15:00"),
        ("Mo-Fr 08:00-12:00, We 14:00-18:00", "We 09:00", "We 13:00"),
        ("Mo-Fr 06:00-22:00; PH off", "Mo 12:00", "Mo 23:00"),
        ("Mo off", "Tu 12:00", "Mo 12:00"),
        ("mo-fr 6:00-22:00", "Mo 06:00", "Mo 05:59"),
        ("Mo-Fr", "Fr 23:59", "Sa 00:00"),
        ("off", None, "Mo 12:00"),
        ("周一至周五 6：00～22：00；周末 全天", "周六 23:00", "Mo 23:00"),
        ("每天 06:00至次日01:00", "Tu 00:30", "Tu 01:00"),
        ("工作日07:00-19:00", "周三 08:00", "周日 08:00"),
    ],
)
def test_hours_are_read_as_they_are_meant(text: str, opened: str | None, closed: str | None) -> None:
    hours = read_hours(text)
    assert hours is not None
    if opened is not None:
        assert is_open(hours, read_moment(opened))
    if closed is not None:
        assert not is_open(hours, read_moment(closed))


@pytest.mark.parametrize(
    "text",
    [
        "sunrise-sunset",
        "Mar-Oct 06:00-20:00",
        "by appointment",
        "PH off",
        "25:00-26:00",
        "08:61-09:00",
        "8-20",
        "06:00+",
    ],
)
def test_hours_that_cannot_be_told_from_day_and_time_are_unreadable(text: str) -> None:
    assert read_hours(text) is None


@pytest.mark.parametrize("text", ["", "20:30", "Tu", "Tu 24:00", "Tu 20:60", "Xx 20:30", "Tu 20:30 sharp"])
def test_a_moment_is_a_day_and_a_time(text: str) -> None:
    with pytest.raises(InputError, match="needed a day of the week and a time"):
        read_moment(text)


_TIMES = st.integers(0, DAY_MIN - 1)
_RULES = st.tuples(st.lists(st.sampled_from(DAYS), min_size=1, max_size=4, unique=True), _TIMES, _TIMES)


@given(rules=st.lists(_RULES, min_size=1, max_size=4), minute=st.integers(0, WEEK_MIN - 1))
def test_rules_mean_what_going_through_them_one_by_one_means(
    rules: list[tuple[list[str], int, int]], minute: int
) -> None:
    text = "; ".join(f"{','.join(days)} {_clock(a)}-{_clock(b)}" for days, a, b in rules)
    hours = read_hours(text)
    assert hours is not None
    assert all(0 <= a < b <= WEEK_MIN for a, b in hours)
    assert all(b < c for (_, b), (c, _) in pairwise(hours))
    day, time = divmod(minute, DAY_MIN)
    today, yesterday = (next((r for r in reversed(rules) if DAYS[d] in r[0]), None) for d in (day, day - 1))
    begun = today is not None and (today[1] <= time < today[2] if today[2] > today[1] else time >= today[1])
    runs_on = yesterday is not None and yesterday[2] <= yesterday[1] and time < yesterday[2]
    assert is_open(hours, minute) == (begun or runs_on)


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    hours = read_hours(text)
    assert hours is None or all(0 <= a < b <= WEEK_MIN for a, b in hours)


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


GUARDED = [*STREET, ("w wg mid eg e", DRIVE), ("mid yard", DRIVE)]


@pytest.mark.parametrize(("at", "metres"), [(None, 170), ("Tu 12:00", 170), ("Tu 23:00", 170 + ROUND)])
def test_a_gate_of_the_table_is_closed_outside_its_hours(at: str | None, metres: float) -> None:
    table = gates(west=((0, 100), "garden", "open"), east=((200, 100), "garden", "open"))
    table["hours"] = ["06:00-22:00", ""]
    network = build_walk_network(
        draw(NODES, GUARDED), PROFILE, gates=table, estates=estates(garden=OUTLINE), walker=Walker(at=at)
    )
    assert walk(network, WEST, HOME) == pytest.approx(metres)
    assert walk(network, EAST, HOME) == pytest.approx(170)
    assert network.report["gates with hours, not applied"] == (at is None)
    assert network.report["gates closed by their hours"] == (at == "Tu 23:00")


@pytest.mark.parametrize("access", ["", "private"])
def test_a_gate_of_the_map_is_closed_outside_its_hours_and_moves_nobody(access: str) -> None:
    tags = {"barrier": "gate", "access": access, "opening_hours": "Mo-Fr 06:00-22:00"}
    town = draw(NODES, GUARDED, {"wg": tags, "eg": {"barrier": "gate", "access": access}})
    day, night = (build_walk_network(town, PROFILE, walker=Walker(at=at)) for at in ("Mo 12:00", "Sa 12:00"))
    assert walk(day, WEST, HOME) == pytest.approx(170)
    assert walk(night, WEST, HOME) == pytest.approx(170 + ROUND)
    assert walk(night, EAST, HOME) == pytest.approx(170)
    assert walk(day, WEST, EAST) == pytest.approx(ROUND if access else 240)
    for place in (HOME, (50, 130), (10, 90)):
        assert snap(day, homes(h=place)).access_m.tolist() == snap(night, homes(h=place)).access_m.tolist()


def test_nobody_gets_out_when_every_gate_is_closed_for_the_night() -> None:
    """The hours of the one gate bind residents too; a person inside still walks about inside."""
    table = gates(west=((0, 100), "garden", "private"))
    table["hours"] = ["05:00-23:00"]
    for paths in ([*STREET, ("w wg mid", DRIVE), ("mid yard", DRIVE)], STREET):
        network = build_walk_network(
            draw(NODES, paths), PROFILE, gates=table, estates=estates(garden=OUTLINE), walker=Walker(at="We 23:30")
        )
        assert walk(network, WEST, HOME) == math.inf
        assert walk(network, (100, 100), HOME) == pytest.approx(50)


def test_a_way_is_closed_outside_its_hours_and_counted() -> None:
    ways = [*STREET, ("w wg mid eg e", {**DRIVE, "opening_hours": "06:00-20:00"}), ("mid yard", DRIVE)]
    town = draw(NODES, ways)
    for at, metres, closed in ((None, 240, 0), ("Su 19:59", 240, 0), ("Su 20:00", ROUND, 1)):
        network = build_walk_network(town, PROFILE, walker=Walker(at=at))
        assert walk(network, WEST, EAST) == pytest.approx(metres)
        assert network.report["ways closed by their hours"] == closed
        assert network.report["ways with hours, not applied"] == (at is None)


def test_hours_that_cannot_be_read_bind_nobody_and_are_counted() -> None:
    table = gates(west=((0, 100), "", "open"), east=((200, 100), "", "private"))
    table["hours"] = ["sunrise-sunset", "ask the guard"]
    network = build_walk_network(draw(NODES, GUARDED), PROFILE, gates=table, walker=Walker(at="Mo 03:00"))
    assert network.report["gates with hours that cannot be read, taken as without"] == 2
    assert walk(network, WEST, HOME) == pytest.approx(170)


def test_a_gate_closed_for_the_night_gives_nobody_the_key_of_another() -> None:
    """Behind the public west gate and the residents' east gate lies a public court; at night it stays public."""
    points = {"wg": {"barrier": "gate", "opening_hours": "06:00-22:00"}, "eg": {"barrier": "gate", "access": "private"}}
    town = draw(NODES, GUARDED, points)
    day, night = (build_walk_network(town, PROFILE, walker=Walker(at=at)) for at in ("Mo 12:00", "Mo 23:00"))
    assert walk(day, EAST, HOME) == pytest.approx(170 + ROUND)
    assert walk(night, EAST, HOME) == math.inf
