"""What a command says of itself while it works."""

import numba as nb
import pytest

from spatial.console import telling_compiling


def test_compiling_is_told_once_and_what_is_compiled_already_is_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    double = nb.njit(lambda value: value + value)
    with telling_compiling():
        assert "compiling" not in capsys.readouterr().err
        assert (double(2), double(2.5)) == (4, 5.0)  # two signatures
        assert capsys.readouterr().err.count("compiling") == 1
    with telling_compiling():
        assert double(3) == 6
    assert not capsys.readouterr().err


def test_nothing_is_told_once_the_command_is_through(capsys: pytest.CaptureFixture[str]) -> None:
    halve = nb.njit(lambda value: value / 2)
    with telling_compiling():
        pass
    assert halve(5) == 2.5
    assert not capsys.readouterr().err
