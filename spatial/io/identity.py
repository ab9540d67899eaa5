"""What are the rows of an input called? Their own ids where these are good, else ids that follow from the content."""

from typing import Any

import numpy as np
import pandas as pd
import shapely

from spatial.io.features import text_of
from spatial.io.headers import find_columns
from spatial.io.listing import join_listed, list_note, list_rows

_DECIMALS = 3  # of a metre: the last digits of a transformation differ between machines


def drop_repeated(frame: Any, source: str) -> tuple[Any, Any]:
    """Return rows without exact repetitions (every column and the geometry), and LISTED of these."""
    content = _content(frame)
    first: dict[str, object] = {}
    again, of = [], []
    for row, text in zip(frame.index, content, strict=True):
        if text in first:
            again.append(row)
            of.append(f"equals row {first[text]}")
        else:
            first[text] = row
    return frame.drop(index=again), list_rows(source, again, "repeats another row", "dropped", of)


def drop_alike(frame: Any, key: Any, source: str, *, doubt: Any, households: Any) -> tuple[Any, Any]:
    """Return rows of which no two share a key, and LISTED of the others; rows with the key "" stand for themselves.

    Of each key the row least in doubt is kept, then the one with most cells filled, whatever the order of the rows.
    """
    shared = frame[(key != "") & key.duplicated(keep=False)]
    if shared.empty:
        return frame, join_listed([])
    text = [name for name in shared.columns if name != frame.geometry.name and not name.startswith("_")]
    filled = sum((text_of(shared, name) != "").astype(int) for name in text)
    rank = sorted(zip(doubt[shared.index], -filled, _content(shared), shared.index, strict=True))
    first: dict[str, Any] = {}
    for *_, row in rank:
        first.setdefault(key[row], row)
    again = [row for row in shared.index if first[key[row]] != row]
    of = [f"equals row {first[key[row]]} in name, place and households" for row in again]
    return frame.drop(index=again), list_rows(source, again, "repeats another row", "dropped", of, households[again])


def name_rows(frame: Any, field: str, letter: str, source: str) -> tuple[Any, Any]:
    """Return a frame with ids in the column ``field``, sorted by them, and LISTED of columns of ids not used.

    The input's own ids are taken where every row has one and none is shared; else ``e00001``, ``e00002`` ... by the
    order of name and place, whatever the order of the rows.
    """
    found = find_columns(frame.columns, (field,), source)
    column = found.get(field)
    listed = join_listed([])
    if column is not None:
        own = text_of(frame, column)
        if (own != "").all() and own.is_unique:
            named = frame.assign(**{field: own})
            return named.sort_values(field, kind="stable"), listed
        why = "some are missing" if (own == "").any() else f"{own[own.duplicated()].iloc[0]!r} stands in several rows"
        listed = list_note(source, "column of ids not used", "guessed", f"{column}: {why}; own ids are given")
    named = frame.assign(**{field: content_ids(frame, letter)}).astype({field: "str"})
    return named.sort_values(field, kind="stable"), join_listed([listed])


def content_ids(frame: Any, letter: str) -> Any:
    """Return an id for each row, numbered by name, place and all else, whatever the order of the rows."""
    content = _content(frame)
    order = sorted(range(len(frame)), key=lambda at: content[at])
    width = max(5, len(str(len(frame))))
    ids = np.full(len(frame), "", dtype=object)
    ids[order] = [f"{letter}{number:0{width}d}" for number in range(1, len(frame) + 1)]
    return pd.Series(ids, index=frame.index, dtype="str")


def _content(frame: Any) -> list[str]:
    """Return a text per row that holds its name, its place and all else: equal rows give equal texts."""
    named = find_columns(frame.columns, ("name",), "rows").get("name")
    geometry = frame.geometry.to_numpy()
    inside = shapely.get_coordinates(shapely.point_on_surface(geometry)).round(_DECIMALS)
    shape = shapely.to_wkt(shapely.normalize(geometry), rounding_precision=_DECIMALS)
    columns = sorted(name for name in frame.columns if name != frame.geometry.name and not name.startswith("_"))
    rest = ["\x1f".join(cells) for cells in zip(*(text_of(frame, name) for name in columns), strict=True)]
    rest = rest or [""] * len(frame)
    names = text_of(frame, named)
    return [
        "\x1e".join((name, f"{x:015.3f}", f"{y:015.3f}", text, wkt))
        for name, (x, y), text, wkt in zip(names, inside, rest, shape, strict=True)
    ]
