"""Which grids does a version have, and how are those that it changes kept and shown?

A version holds what it changes; what it is, is the last change of each grid up to it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from api.store.database import Dialect, Rows
from api.store.records import Grid
from api.store.tables import gather_columns, put_features, set_columns
from spatial.errors import MissingError

Content = tuple[Mapping[str, Any], bytes, bytes]
"""What is kept of a grid: its document, how it is drawn, and how what is decided of it is told."""
_CHUNK = 500


def read_manifest(rows: Rows, plan_id: str, version: int) -> dict[str, str]:
    """Return the content of each grid of a version, living or retired, by grid id."""
    found = rows.all(
        """SELECT c.grid_id, c.content FROM changes c
           JOIN (SELECT grid_id, max(version) AS version FROM changes WHERE plan_id = ? AND version <= ?
                 GROUP BY grid_id) last ON last.grid_id = c.grid_id AND last.version = c.version
           WHERE c.plan_id = ? ORDER BY c.grid_id""",
        plan_id,
        version,
        plan_id,
    )
    return {str(grid_id): str(content) for grid_id, content in found}


def read_grids(rows: Rows, plan_id: str, version: int) -> list[Grid]:
    """Return every grid of a version, living or retired, by id."""
    manifest = read_manifest(rows, plan_id, version)
    held = read_contents(rows, plan_id, manifest.values())
    return [Grid(grid_id, *held[content]) for grid_id, content in manifest.items()]


def read_grid(rows: Rows, plan_id: str, version: int, grid_id: str) -> Grid:
    """Return a living grid of a version.

    Raises
    ------
    MissingError
        If the version has none of this id, or it is retired.
    """
    found = rows.one(
        """SELECT content FROM changes WHERE plan_id = ? AND grid_id = ? AND version <= ?
           ORDER BY version DESC LIMIT 1""",
        *(plan_id, grid_id, version),
    )
    held = {} if found is None else read_contents(rows, plan_id, [found[0]])
    grids = [Grid(grid_id, *content) for content in held.values()]
    if not grids or not grids[0].feature:
        raise MissingError(f"version {version} of plan {plan_id!r} has no grid {grid_id!r}")
    return grids[0]


def read_changed(rows: Rows, plan_id: str, one: int, other: int) -> list[Grid]:
    """Return, as they stand in version ``other``, the grids that versions between it and ``one`` changed, by id.

    A grid that ``other`` has not yet has no blocks and no feature, as a retired one.
    """
    first, last = sorted((one, other))
    changed = "SELECT grid_id FROM changes WHERE plan_id = ? AND version > ? AND version <= ?"
    found = rows.all(
        f"""SELECT c.grid_id, c.content FROM changes c
            JOIN (SELECT grid_id, max(version) AS version FROM changes
                  WHERE plan_id = ? AND version <= ? AND grid_id IN ({changed}) GROUP BY grid_id) last
            ON last.grid_id = c.grid_id AND last.version = c.version WHERE c.plan_id = ?""",
        *(plan_id, other, plan_id, first, last, plan_id),
    )
    content_of = {str(grid_id): str(content) for grid_id, content in found}
    held = read_contents(rows, plan_id, content_of.values())
    ids = {str(row[0]) for row in rows.all(changed, plan_id, first, last)}
    nothing: Content = ({}, b"", b"")
    return [Grid(name, *(held[content_of[name]] if name in content_of else nothing)) for name in sorted(ids)]


def read_contents(rows: Rows, plan_id: str, contents: Iterable[str]) -> dict[str, Content]:
    """Return what is kept of each content."""
    wanted, out = sorted(set(contents)), {}
    for start in range(0, len(wanted), _CHUNK):
        some = wanted[start : start + _CHUNK]
        marks = ", ".join("?" * len(some))
        for content, document, drawn, decided in rows.all(
            f"""SELECT c.content, c.document, d.feature, c.decided FROM contents c
                JOIN drawings d ON d.plan_id = c.plan_id AND d.drawing = c.drawing
                WHERE c.plan_id = ? AND c.content IN ({marks})""",
            *(plan_id, *some),
        ):
            out[str(content)] = (orjson.loads(document), drawn.encode(), decided.encode())
    return out


def find_changed(rows: Rows, plan_id: str, version: int) -> list[str]:
    """Return the grids that a version changed."""
    found = rows.all("SELECT grid_id FROM changes WHERE plan_id = ? AND version = ? ORDER BY grid_id", plan_id, version)
    return [str(row[0]) for row in found]


def find_living(rows: Rows, dialect: Dialect, plan_id: str) -> dict[str, str]:
    """Return the content of each living grid of the last version, by id.

    An edit asks for them while it keeps other writers out, so they come as one row (see ``gather_columns``).
    """
    ids, contents = gather_columns(rows, dialect, "grids", ("feature_id", "content"), plan_id)
    return dict(zip(ids, contents, strict=True))


def put_contents(rows: Rows, plan_id: str, grids: Sequence[Grid], known: Mapping[str, Grid]) -> None:
    """Keep the contents of grids; one that is there already is not kept twice. ``known`` has some that are there."""
    new = [grid for grid in grids if grid.grid_id not in known or grid.drawn != known[grid.grid_id].drawn]
    rows.run_many(
        """INSERT INTO drawings (plan_id, drawing, feature) VALUES (?, ?, ?)
           ON CONFLICT (plan_id, drawing) DO NOTHING""",
        [(plan_id, grid.drawing, grid.drawn.decode()) for grid in new],
    )
    rows.run_many(
        """INSERT INTO contents (plan_id, content, document, drawing, decided) VALUES (?, ?, ?, ?, ?)
           ON CONFLICT (plan_id, content) DO NOTHING""",
        [(plan_id, grid.content, grid.text, grid.drawing, grid.decided.decode()) for grid in grids],
    )


def show_grids(rows: Rows, dialect: Dialect, plan_id: str, grids: Sequence[Grid], known: Mapping[str, Grid]) -> None:
    """Put changed grids, and the grid of each of their blocks, into the layers that show the last version.

    ``known`` has some of them as they are shown until now; the others are read.
    """
    shown_as = {**known, **_read_shown(rows, plan_id, grids, known)}
    decided = [grid for grid in grids if _is_decided_alone(grid, shown_as.get(grid.grid_id))]
    rows.run_many(
        "UPDATE grids SET name = ?, locked = ?, content = ? WHERE plan_id = ? AND feature_id = ?",
        [(g.document["name"], bool(g.document["locked"]), g.content, plan_id, g.grid_id) for g in decided],
    )
    done = {grid.grid_id for grid in decided}
    grids = [grid for grid in grids if grid.grid_id not in done]
    still = {g.grid_id for g in grids if _keeps_blocks(g, shown_as.get(g.grid_id))}
    kept, moved = ([grid for grid in grids if (grid.grid_id in still) is wanted] for wanted in (True, False))
    told = [orjson.loads(grid.feature) for grid in kept]
    set_columns(rows, "grids", plan_id, told, [grid.content for grid in kept])
    rows.run_many("DELETE FROM grids WHERE plan_id = ? AND feature_id = ?", [(plan_id, g.grid_id) for g in moved])
    shown = [grid for grid in moved if grid.feature]
    features = [orjson.loads(grid.feature) for grid in shown]
    put_features(rows, dialect, "grids", plan_id, features, contents=[grid.content for grid in shown])
    rows.run_many(
        "UPDATE blocks SET grid_id = ? WHERE plan_id = ? AND feature_id = ? AND grid_id <> ?",
        [(grid.grid_id, plan_id, block, grid.grid_id) for grid in shown for block in grid.document["blocks"]],
    )


def _keeps_blocks(grid: Grid, shown: Grid | None) -> bool:
    """Tell whether a grid has the blocks that are shown of it."""
    if shown is None or not (grid.feature and shown.feature):
        return False
    return bool(grid.document["blocks"] == shown.document["blocks"])


def _is_decided_alone(grid: Grid, shown: Grid | None) -> bool:
    """Tell whether a grid differs from what is shown of it in nothing but what people decide."""
    return shown is not None and _keeps_blocks(grid, shown) and grid.drawn == shown.drawn


def _read_shown(rows: Rows, plan_id: str, grids: Sequence[Grid], known: Mapping[str, Grid]) -> dict[str, Grid]:
    """Return those of some grids that are shown and not known, as they are shown, by id."""
    wanted, held = [grid.grid_id for grid in grids if grid.feature and grid.grid_id not in known], dict[str, Grid]()
    for start in range(0, len(wanted), _CHUNK):
        some = wanted[start : start + _CHUNK]
        marks = ", ".join("?" * len(some))
        told = f"SELECT feature_id, content FROM grids WHERE plan_id = ? AND feature_id IN ({marks})"
        content_of = {str(key): str(content) for key, content in rows.all(told, plan_id, *some)}
        found = read_contents(rows, plan_id, content_of.values())
        held |= {key: Grid(key, *found[content]) for key, content in content_of.items()}
    return held
