"""How is a store kept in one GeoPackage by Python's own SQLite?

One writer at a time, readers beside it (write-ahead log); a transaction is on the disk before it is acknowledged.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from itertools import chain, count
from pathlib import Path

from api.store import geopackage
from api.store.database import Dialect, Row
from api.store.errors import StoreError
from api.store.layers import STORED
from api.store.migrations import in_format, read_format, upgrade
from api.store.pool import Pool
from api.store.schema import FORMAT_VERSION, create_tables
from api.store.sqlite_rows import SqliteRows
from spatial.errors import InputError, MissingError
from spatial.io.atomic import replace_file

_WAIT_S = 30.0
"""Longest wait for another writer."""
_TYPES = {
    "serial": "INTEGER PRIMARY KEY AUTOINCREMENT",
    "key": "TEXT",
    "text": "TEXT",
    "integer": "INTEGER",
    "number": "DOUBLE",
    "flag": "BOOLEAN",
    "blob": "BLOB",
    "geometry": "BLOB",
}


def _meets_box(layer: str) -> str:
    """Whose box lies in the box, meets it; boxes of the R-tree are rounded outwards."""
    return f"fid IN (SELECT id FROM rtree_{layer}_geom WHERE minx >= ? AND miny >= ? AND maxx <= ? AND maxy <= ?)"


def _near_box(layer: str) -> str:
    inside = "minx >= ?2 AND miny >= ?3 AND maxx <= ?4 AND maxy <= ?5"
    meets = "maxx >= ?2 AND maxy >= ?3 AND minx <= ?4 AND miny <= ?5"
    return f"fid IN (SELECT id FROM rtree_{layer}_geom WHERE {meets} AND NOT ({inside}))"


SQLITE = Dialect(
    name="sqlite",
    types=_TYPES,
    geometry_in="?",
    geometry_out="geom",
    encode=geopackage.encode,
    decode=geopackage.decode,
    meets_box=_meets_box,
    near_box=_near_box,
    # In the order of the rows that it is given; as bytes, which are not decoded to be encoded again.
    lines=lambda text: f"CAST(group_concat({text}, char(10)) AS BLOB)",
    quote=lambda text: f"json_quote({text})",
    lock="",
    seconds="((julianday('now') - 2440587.5) * 86400.0)",
)


class Embedded:
    """A GeoPackage as a database."""

    dialect = SQLITE

    def __init__(self, path: Path) -> None:
        """Keep the path; nothing is opened yet."""
        self.path, self.name = path, str(path)
        self._pool = Pool(lambda: open_connection(path), lambda connection: not connection.in_transaction)

    @contextmanager
    def reading(self) -> Iterator[SqliteRows]:
        """Give a transaction that sees one moment of the store."""
        with self._transaction("BEGIN") as connection:
            yield SqliteRows(connection)

    def writing(self) -> AbstractContextManager[SqliteRows]:
        """Give a transaction that is kept whole or not at all; it waits for the writer before it.

        Raises
        ------
        StoreError
            If the store is of another format by now.
        """
        return in_format(self.changing(), self.name)

    @contextmanager
    def changing(self) -> Iterator[SqliteRows]:
        """Give a transaction as ``writing`` does, whatever the format of the store."""
        with self._transaction("BEGIN IMMEDIATE") as connection:
            connection.execute("UPDATE guard SET writing = 1")
            yield SqliteRows(connection)
            connection.execute("UPDATE guard SET writing = 0")

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with telling(self.name), self._pool.transact(begin, sqlite3.Error) as connection:
            yield connection

    def backup(self, target: Path) -> None:
        """Write all that is in the store at one moment to a new file, whole or not at all."""
        with telling(self.name), closing(open_connection(self.path)) as source:
            _place(target, lambda beside: copy_database(source, beside))

    def inspect(self) -> list[str]:
        """Return what SQLite finds broken in pages, keys and R-trees."""
        with self.reading() as rows:
            found = [str(row[0]) for row in rows.all("PRAGMA integrity_check") if row[0] != "ok"]
            found += [f"table {row[0]}, row {row[1]}: no such row in {row[2]}" for row in _orphans(rows)]
            for layer in STORED:
                told = rows.one(f"SELECT rtreecheck('rtree_{layer}_geom')")
                found += [f"R-tree of {layer}: {told[0]}"] if told and told[0] != "ok" else []
                held = rows.one(f"SELECT (SELECT count(*) FROM {layer}), (SELECT count(*) FROM rtree_{layer}_geom)")
                missing = rows.one(f"SELECT count(*) FROM {layer} WHERE geom IS NULL OR ST_IsEmpty(geom)")
                if held and missing and held[0] - missing[0] != held[1]:
                    found.append(f"R-tree of {layer}: found {held[1]} places, needed {held[0] - missing[0]}")
        return found

    def close(self) -> None:
        """Let go of every connection."""
        self._pool.close()


def _orphans(rows: SqliteRows) -> list[Row]:
    return rows.all("PRAGMA foreign_key_check")


@contextmanager
def telling(name: str) -> Iterator[None]:
    """Tell what SQLite refused as one sentence."""
    try:
        yield
    except (OverflowError, UnicodeEncodeError) as error:
        raise InputError(f"found a value that SQLite cannot hold: {error}") from error
    except sqlite3.Error as error:
        raise StoreError(f"cannot use the store {name}: {error}; nothing of this step is kept") from error


def open_connection(path: Path) -> sqlite3.Connection:
    """Return a connection to a file that exists, set so that what is acknowledged is on the disk."""
    connection = sqlite3.connect(
        f"file:{_quoted(path)}?mode=rw", uri=True, timeout=_WAIT_S, isolation_level=None, check_same_thread=False
    )
    geopackage.register_functions(connection)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def _quoted(path: Path) -> str:
    return str(path.resolve()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")


def copy_database(source: sqlite3.Connection, target: Path) -> None:
    """Copy a database page by page, as it stands at one moment."""
    copy = sqlite3.connect(target)
    try:
        copy.execute("PRAGMA journal_mode = OFF")  # a copy that fails is thrown away; its journal would stay
        source.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")  # the copy is one file alone
    finally:
        copy.close()


def create_embedded(path: Path) -> Embedded:
    """Make an empty store; the file appears whole or not at all.

    Raises
    ------
    StoreError
        If there is a file already, or it cannot be written.
    """
    if path.exists():
        raise StoreError(f"{path} exists; needed the name of a new file")
    with telling(str(path)):
        _place(path, _fill)
    return open_embedded(path)


def _place(path: Path, fill: Callable[[Path], None]) -> None:
    try:
        replace_file(path, fill)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror or error}") from error


def restore_embedded(source: Path, path: Path) -> None:
    """Put all of a store in the place of another, in one transaction: readers meet the old one or the new one."""
    with telling(str(path)), closing(open_connection(source)) as held:
        if not path.exists():
            _place(path, lambda beside: copy_database(held, beside))
            return
        with closing(open_connection(path)) as target:
            held.backup(target)
            target.execute("PRAGMA journal_mode = WAL")


def _fill(path: Path) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        geopackage.register_functions(connection)
        connection.execute(f"PRAGMA application_id = {geopackage.APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {geopackage.USER_VERSION}")
        connection.execute("BEGIN")
        for statement in geopackage.metadata_statements():
            connection.execute(statement)
        create_tables(SqliteRows(connection), SQLITE)
        connection.execute("CREATE TABLE guard (writing INTEGER NOT NULL)")
        connection.execute("INSERT INTO guard VALUES (0)")
        for layer in STORED.values():
            for statement in geopackage.layer_statements(layer.name, layer.title, layer.shape):
                connection.execute(statement)
            for statement in geopackage.guard_statements(layer.name):
                connection.execute(statement)
        for table in ("plans", "versions"):  # tables that are told here are shown by QGIS, the others are not
            connection.execute(
                "INSERT INTO gpkg_contents (table_name, data_type, identifier) VALUES (?, 'attributes', ?)",
                (table, table),
            )
        connection.execute("COMMIT")
    finally:
        connection.close()


def keep_beside(path: Path, version: int) -> str:
    """Copy the store, as it stands before the transaction in which this is called, to a file beside it."""
    more = chain([""], (f"-{number}" for number in count(2)))
    names = (f"{path.stem}.format-{version}{one}{path.suffix}" for one in more)
    target = next(one for one in map(path.with_name, names) if not one.exists())  # an earlier copy stays as it is
    with closing(open_connection(path)) as source:
        _place(target, lambda beside: copy_database(source, beside))
    return f"as it was before it is kept as {target}"


def open_embedded(path: Path, *, keep: Callable[[Path, int], str] = keep_beside) -> Embedded:
    """Return the store in a file; one of an earlier format is brought to today's, and kept beside as it was.

    ``keep`` puts by what it was, and says where.

    Raises
    ------
    MissingError
        If there is no such file.
    StoreError
        If it is no store, or one of another format.
    """
    if not path.is_file():
        raise MissingError(f"no store {path}; make one with `wangge store init --store {path}`")
    database = Embedded(path)
    try:
        with database.reading() as rows:
            if rows.one("SELECT 1 FROM sqlite_master WHERE name = 'guard'") is None:
                raise StoreError(f"{path} is no store of plans; make one with `wangge store init`")
            old = read_format(rows, str(path)) < FORMAT_VERSION
        if old:
            with database.changing() as rows:
                upgrade(rows, SQLITE, str(path), lambda version: keep(path, version))
    except BaseException:
        database.close()
        raise
    return database
