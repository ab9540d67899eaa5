"""How does a store that an earlier Wangge made become one of today's format?

A step for each version, in SQL that both databases read, all in one transaction: the store is of the old format or of
the new one. What a step leaves is what ``create_tables`` makes; the tests hold one against the other.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar

from api.store.database import Dialect, Rows
from api.store.errors import StoreError
from api.store.records import digest_of
from api.store.schema import FORMAT_VERSION, create_index, create_table

_FIRST_DECIDED = ',"name":'
"""With it begins what is decided in the feature of a grid: no key before is called so, and texts mask their quotes."""
_LOG = logging.getLogger("wangge.store")
Step = Callable[[Rows, Dialect], None]
R = TypeVar("R", bound=Rows)


def read_format(rows: Rows, name: str) -> int:
    """Return the version of the format of a store.

    Raises
    ------
    StoreError
        If it is none that this Wangge reads.
    """
    found = rows.one("SELECT value FROM meta WHERE name = 'format_version'")
    told = None if found is None else str(found[0])
    version = int(told) if told is not None and told.isdecimal() else 0
    if version > FORMAT_VERSION:
        raise StoreError(
            f"{name} has format version {version}, needed {FORMAT_VERSION} or an earlier one: a newer Wangge made it; "
            "use that one, or a backup from before"
        )
    if version not in {*STEPS, FORMAT_VERSION}:
        raise StoreError(f"{name} has format version {told!r}, needed 1 to {FORMAT_VERSION}")
    return version


@contextmanager
def in_format(changing: AbstractContextManager[R], name: str) -> Iterator[R]:
    """Give a transaction on a store that is still of the format that it was opened in, which is today's.

    A server that was left running while a newer Wangge brought the store on would write what that one cannot read.

    Raises
    ------
    StoreError
        If it is of another format.
    """
    with changing as rows:
        found = rows.one("SELECT value FROM meta WHERE name = 'format_version'")
        told = None if found is None else found[0]
        if told != str(FORMAT_VERSION):
            raise StoreError(
                f"{name} has format version {told} by now, needed {FORMAT_VERSION}: another Wangge brought it on; "
                "nothing is written; start this server again as that one"
            )
        yield rows


def upgrade(rows: Rows, dialect: Dialect, name: str, keep: Callable[[int], str]) -> None:
    """Bring a store to today's format; ``keep`` puts by what it was, once nobody else writes, and says where."""
    version = read_format(rows, name)
    if version == FORMAT_VERSION:  # another process was faster
        return
    kept = keep(version)
    for number in range(version, FORMAT_VERSION):
        STEPS[number](rows, dialect)
    rows.run("UPDATE meta SET value = ? WHERE name = 'format_version'", str(FORMAT_VERSION))
    _LOG.warning("%s was brought from format version %d to %d; %s", name, version, FORMAT_VERSION, kept)


def _share_jobs(rows: Rows, dialect: Dialect) -> None:
    """Let servers share jobs: who works on one, and when it last said so; what happened to each is kept too."""
    rows.run("ALTER TABLE jobs RENAME TO jobs_before")
    columns = "job_id, process, status, progress, message, created, started, finished, updated, inputs, results"
    old: list[Any] = rows.all(f"SELECT {columns} FROM jobs_before ORDER BY id")
    rows.run("DROP TABLE jobs_before")
    create_table(rows, dialect, "jobs")
    create_table(rows, dialect, "job_events")
    for *told, inputs, results in old:
        if told[2] in ("accepted", "running"):  # no server ever took jobs from that table
            told[2], told[4] = "dismissed", "left unfinished by an earlier Wangge"
        rows.run(
            f"""INSERT INTO jobs ({columns}, waited, attempts, problem, owner, alive)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, NULL, '', 0)""",
            *(*told, inputs.encode(), None if results is None else results.encode(), False),
        )


def _take_layers(rows: Rows, dialect: Dialect) -> None:
    """Let versions take layers from results of jobs."""
    for name in ("layer_features", "layer_changes"):
        create_table(rows, dialect, name)


def _limit_tokens(rows: Rows, dialect: Dialect) -> None:
    """Let tokens be for some plans alone."""
    create_table(rows, dialect, "token_plans")


def _part_contents(rows: Rows, dialect: Dialect) -> None:
    """Keep how grids are drawn apart from what is decided of them: names and locks change, and shapes are long."""
    rows.run("DROP INDEX changes_version")
    for name in ("changes", "contents"):
        rows.run(f"ALTER TABLE {name} RENAME TO {name}_before")
    for name in ("drawings", "contents", "changes"):
        create_table(rows, dialect, name)
    keys = rows.all("SELECT plan_id, content FROM contents_before ORDER BY plan_id, content")
    for plan_id, content in keys:  # one by one: all of them may be more than memory holds
        found = rows.one(
            "SELECT document, feature FROM contents_before WHERE plan_id = ? AND content = ?", plan_id, content
        )
        assert found is not None
        at = found[1].find(_FIRST_DECIDED)
        drawn, decided = (found[1][:at], found[1][at:]) if at >= 0 else (found[1], "")
        drawing = digest_of(drawn)
        rows.run(
            "INSERT INTO drawings (plan_id, drawing, feature) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            *(plan_id, drawing, drawn),
        )
        told = (plan_id, content, found[0], drawing, decided)
        rows.run("INSERT INTO contents (plan_id, content, document, drawing, decided) VALUES (?, ?, ?, ?, ?)", *told)
    columns = "plan_id, grid_id, version, content"
    rows.run(f"INSERT INTO changes ({columns}) SELECT {columns} FROM changes_before")
    for name in ("changes", "contents"):
        rows.run(f"DROP TABLE {name}_before")
    create_index(rows, "changes_version")


STEPS: Mapping[int, Step] = {1: _share_jobs, 2: _take_layers, 3: _limit_tokens, 4: _part_contents}
"""What leads from each version of the format to the next one."""
