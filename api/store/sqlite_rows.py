"""What does a transaction of Python's own SQLite do with rows?"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from api.store.database import Row


@dataclass(frozen=True, slots=True)
class SqliteRows:
    """The rows that a connection sees; whoever gives them begins and ends the transaction."""

    connection: sqlite3.Connection

    def run(self, sql: str, *values: object) -> int:
        """Run a statement; return how many rows it changed."""
        return self.connection.execute(sql, values).rowcount

    def run_many(self, sql: str, rows: Sequence[Row]) -> None:
        """Run a statement for each row."""
        self.connection.executemany(sql, rows)

    def one(self, sql: str, *values: object) -> Row | None:
        """Return the first row."""
        row: Row | None = self.connection.execute(sql, values).fetchone()
        return row

    def all(self, sql: str, *values: object) -> list[Row]:
        """Return every row."""
        return self.connection.execute(sql, values).fetchall()
