"""Columns are looked up in a kernel as the arrays they stand for, which live only as long as somebody holds them."""

from typing import Any, NamedTuple

import numba as nb
import numpy as np
import pytest

from spatial.walking.columns import hold, narrow
from spatial.walking.compiled import shared

compiled = nb.njit(error_model="numpy")


class Ware(NamedTuple):
    """A tuple of arrays within a tuple of arrays."""

    price: Any
    number: int
    shelf: Any


class Shelf(NamedTuple):
    """The inner one."""

    place: Any
    full: Any


def _ware() -> Ware:
    return Ware(np.array([1.5, 2.5, 4.0]), 7, Shelf(np.arange(6).reshape(2, 3), np.array([True, False])))


@compiled
def _tell(given: Any) -> Any:
    ware = narrow(given)
    place = ware.shelf.place
    first = (len(ware.price), len(place), place.shape[0], place.shape[1], len(ware.shelf.full), ware.number)
    return first, ware.price[1], ware.price[-1], place[1, 2], place[-1, 0], place[1][1], ware.shelf.full[0]


def test_a_column_answers_as_its_array() -> None:
    assert _tell(_ware()) == ((3, 2, 2, 3, 2, 7), 2.5, 4.0, 5, 3, 4, True)


@compiled
def _change(given: Any) -> None:
    ware = narrow(given)
    ware.price[0] = 9
    ware.price[-1] += 1.0
    ware.shelf.place[1, 0] = 70
    ware.shelf.place[0][2] = -5
    ware.shelf.full[1] = True


def test_what_is_put_into_a_column_is_in_the_array() -> None:
    ware = _ware()
    _change(ware)
    assert ware.price.tolist() == [9.0, 2.5, 5.0]
    assert ware.shelf.place.tolist() == [[0, 1, -5], [70, 4, 5]]
    assert ware.shelf.full.tolist() == [True, True]


def test_small_numbers_are_cut_to_their_kind_as_in_an_array() -> None:
    @compiled
    def fill(values: Any) -> None:
        column = narrow(values)
        for k in range(len(column)):
            column[k] = 200 + k

    values, expected = np.zeros(4, np.int8), (200 + np.arange(4)).astype(np.int8)
    fill(values)
    assert values.tolist() == expected.tolist()


def test_arrays_whose_rows_are_not_in_turn_are_refused() -> None:
    @compiled
    def first(values: Any) -> Any:
        return narrow(values)[0]

    with pytest.raises(nb.errors.TypingError, match="needed an array of one or two dimensions with its rows in turn"):
        first(np.arange(8)[::2])
    with pytest.raises(nb.errors.TypingError, match="needed an array of one or two dimensions with its rows in turn"):
        first(np.zeros((2, 2, 2)))


@shared
def _sum(column: Any) -> Any:
    total = 0.0
    for k in range(len(column)):
        total += column[k]
    return total


@compiled
def _make_and_sum(size: int, rounds: int) -> Any:
    total = 0.0
    for turn in range(rounds):
        values = np.empty(size)
        column = narrow(values)
        for k in range(size):
            column[k] = turn + k
        other = np.full(size, -1.0)  # takes the room of values, were that given back too early
        total += _sum(column) + _sum(narrow(other)) + size
        hold(values, other)
    return total


def test_what_is_held_stays_while_its_columns_are_used() -> None:
    size, rounds = 1000, 50
    assert _make_and_sum(size, rounds) == size * rounds * (rounds - 1) / 2 + rounds * size * (size - 1) / 2


def test_in_python_columns_are_the_arrays_themselves() -> None:
    ware = _ware()
    assert narrow(ware) is ware
    hold(ware)
