"""Which cells of a column must hold something, what do they hold, and in which row does the first one not?

Unlike a register, whose gaps are estimated, a table of blocks or of borders is divided as it stands: a cell that cannot
be read stops the work with the file, the column and the row.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from spatial.errors import InputError
from spatial.folding import fold_header
from spatial.io.counts import parse_number
from spatial.io.features import text_of
from spatial.io.numbers import read_counts

_FLAGS: Mapping[str, bool] = {
    **dict.fromkeys("1 true t yes y 是 有".split(), True),
    **dict.fromkeys("0 false f no n 否 无".split(), False),
}


@dataclass(frozen=True, slots=True)
class Sheet:
    """Rows of text, indexed by their number in the file, and what they are called in a sentence."""

    frame: Any
    where: str

    def find(self, names: Iterable[str]) -> str | None:
        """Return the column that bears the first of the names that any bears; case and punctuation do not count.

        Raises
        ------
        InputError
            If two columns bear it.
        """
        for name in names:
            found = [str(column) for column in self.frame.columns if fold_header(column) == fold_header(name)]
            found = [name] if name in found else found
            if len(found) > 1:
                raise InputError(f"{self.where}: columns {found[0]!r} and {found[1]!r} both say {name}; needed one")
            if found:
                return found[0]
        return None

    def need(self, name: str, why: str = "") -> str:
        """Return the column of a name.

        Raises
        ------
        InputError
            If there is none.
        """
        found = self.find([name])
        if found is None:
            columns = [str(column) for column in self.frame.columns if column != "geometry"]
            raise InputError(f"{self.where}: found columns {columns}, needed {name!r}{why}")
        return found

    def texts(self, column: str) -> Any:
        """Return the texts of a column that has one in every row."""
        text = text_of(self.frame, column).str.strip()
        self.refuse(text == "", column, text, "needed a text")
        return text

    def keys(self, column: str) -> Any:
        """Return the texts of a column that has another one in every row."""
        text = self.texts(column)
        again = text.duplicated(keep="first")
        if again.any():
            row = text.index[again][0]
            first = text.index[text == text[row]][0]
            raise InputError(
                f"{self.where}: column {column!r} holds {text[row]!r} in row {first} and again in row {row}; "
                "needed one row each"
            )
        return text

    def counts(self, column: str) -> Any:
        """Return the whole numbers of a column, none of them missing or below 0."""
        text = text_of(self.frame, column)
        number, problem = read_counts(text)
        self.refuse(number.isna() | (problem != ""), column, text, "needed a whole number of at least 0")
        return number.astype("int64")

    def numbers(self, column: str, *, most: float = np.inf) -> Any:
        """Return the numbers of a column, none of them missing, below 0 or above ``most``."""
        text = text_of(self.frame, column)
        number = text.map({one: _number(one) for one in text.unique()}).astype("float64")
        needed = "needed a number of at least 0" if most == np.inf else f"needed a number from 0 to {most:g}"
        self.refuse(~((number >= 0) & (number <= most) & np.isfinite(number)), column, text, needed)
        return number

    def flags(self, column: str) -> Any:
        """Return the column as true and false; an empty cell is false."""
        text = text_of(self.frame, column)
        folded = text.str.strip().str.casefold()
        self.refuse(~folded.isin([*_FLAGS, ""]), column, text, "needed yes or no")
        return folded.map({**_FLAGS, "": False}).astype(bool)

    def refuse(self, wrong: Any, column: str, text: Any, needed: str) -> None:
        """Refuse the sheet for the first row that is wrong.

        Raises
        ------
        InputError
            If any row is.
        """
        if wrong.any():
            row = text.index[wrong.to_numpy(dtype=bool)][0]
            found = repr(str(text[row])) if str(text[row]).strip() else "nothing"
            more = int(wrong.sum()) - 1
            beside = f" (and {more} more)" if more else ""
            raise InputError(f"{self.where}: found {found} in column {column!r}, row {row}{beside}; {needed}")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        pass
    try:
        number = parse_number(text)
    except InputError:
        return np.nan
    return np.nan if number is None else number
