"""Time that kernels take to compile is nobody's."""

import numba as nb
import numpy as np
import pytest
from numba.core.event import end_event, start_event

from spatial.siting.ways import Deadline
from spatial.walking import compiling
from spatial.walking.compiling import working_s


class _Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> _Clock:
    clock = _Clock()
    monkeypatch.setattr(compiling, "time", clock)
    return clock


def test_seconds_go_by_but_not_while_kernels_are_compiled_one_inside_of_another(clock: _Clock) -> None:
    begun = working_s()
    clock.now += 1.0
    start_event("numba:compile")
    clock.now += 2.0
    assert working_s() - begun == 1.0
    start_event("numba:compile")
    clock.now += 4.0
    end_event("numba:compile")
    clock.now += 8.0
    assert working_s() - begun == 1.0
    end_event("numba:compile")
    assert working_s() - begun == 1.0
    clock.now += 16.0
    assert working_s() - begun == 17.0


def test_what_is_compiled_in_truth_is_told_of() -> None:
    before = compiling._WATCH.seconds
    assert nb.njit(lambda values: values.sum())(np.ones(3)) == 3.0
    assert compiling._WATCH.seconds > before


def test_no_budget_of_a_siting_is_spent_on_compiling() -> None:
    assert Deadline(1.0).clock is working_s
