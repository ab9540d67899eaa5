"""What must a database do to keep a store: transactions, rows, places?

The rest of the room is written once, in SQL that SQLite and PostgreSQL both read; what they say differently stands in a
``Dialect``. Parameters are question marks.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one database says what others say differently.

    Attributes
    ----------
    name:
        ``sqlite`` or ``postgresql``.
    types:
        Names of types: key, text, integer, number, flag, blob.
    geometry_in, geometry_out:
        SQL of a parameter that is a geometry, and of a column that is read as one.
    encode, decode:
        An array of geometries (lon/lat) to what the database takes, and back from a list of what it gives.
    meets_box:
        SQL, for a layer, of a condition of west, south, east and north, that is kept by what surely meets the box.
    near_box:
        The same of what may meet it and is to be looked at; None where nothing is.
    lines:
        SQL that gathers a text of the rows, sorted by ``feature_id``, into one text or its bytes, a line each.
    quote:
        SQL of a text as JSON.
    lock:
        What a SELECT ends with so that nobody else changes the row before the transaction ends.
    seconds:
        SQL of the time by the database's own clock, in seconds since 1970.
    """

    name: str
    types: dict[str, str]
    geometry_in: str
    geometry_out: str
    encode: Callable[[Any], list[bytes | None]]
    decode: Callable[[list[Any]], Any]
    meets_box: Callable[[str], str]
    near_box: Callable[[str], str | None]
    lines: Callable[[str], str]
    quote: Callable[[str], str]
    lock: str
    seconds: str


class Rows(Protocol):
    """A transaction."""

    def run(self, sql: str, *values: Any) -> int:
        """Run a statement; return how many rows it changed."""

    def run_many(self, sql: str, rows: Sequence[Row]) -> None:
        """Run a statement for each row."""

    def one(self, sql: str, *values: Any) -> Row | None:
        """Return the first row."""

    def all(self, sql: str, *values: Any) -> list[Row]:
        """Return every row."""


class Database(Protocol):
    """Where a store is kept; every method raises StoreError when that fails."""

    dialect: Dialect
    name: str
    """How it is named to people: a path, or an address without its password."""

    def reading(self) -> AbstractContextManager[Rows]:
        """Give a transaction that sees one moment of the store and changes nothing."""

    def writing(self) -> AbstractContextManager[Rows]:
        """Give a transaction that is kept whole when the block ends, and not at all when it raises.

        When the block has ended without an error, what it wrote is on the disk.
        """

    def backup(self, target: Path) -> None:
        """Write all that is in the store at one moment to a new file, whole or not at all."""

    def inspect(self) -> list[str]:
        """Return what the database itself finds broken, a sentence each."""

    def close(self) -> None:
        """Let go of every connection."""
