"""Which borders between given blocks did the planner bring, or do their outlines show, and how clear are they?"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from spatial.errors import InputError
from spatial.io.attributes import read_attributes
from spatial.io.blocks import GivenBlocks
from spatial.io.features import Locator, text_of
from spatial.io.listing import join_listed, list_note, list_rows
from spatial.io.needed import Sheet
from spatial.land.touching import build_touching
from spatial.profile import LandRules
from spatial.tables import ADJACENCY, require

SOURCE = "adjacency"
_PAIR = ["focal", "neighbor"]
_VALUES = ["shared_m", "clear_m", "clarity", "crossable", "barrier"]
_SLACK_M = 0.01
"""A clear length may exceed the border by this much: lengths are often rounded on their own."""
_TOLD_M2 = 1.0


def read_adjacency(path: str | Path | Locator, given: GivenBlocks) -> tuple[Any, Any]:
    """Return ADJACENCY of given blocks from a table or a layer, and LISTED.

    Columns: ``focal`` and ``neighbor`` (ids of blocks), ``shared_m``, ``clear_m`` (or ``clarity``, 0 to 1); where
    ``clarity`` is not there it is the clear share of the border, where ``crossable`` is not there every border is. A
    pair may stand in two rows, one each way, that say the same.

    Raises
    ------
    InputError
        If the file cannot be read, a cell is not what its column needs, a pair names an unknown block, a block with
        itself, or says two different things; the sentence names the file, the column and the row.
    """
    sheet = read_attributes(path, SOURCE)
    known = pd.Index(given.blocks["block_id"].astype("str"))
    pairs = pd.DataFrame({name: _ends(sheet, name, known) for name in _PAIR})
    sheet.refuse(pairs["focal"] == pairs["neighbor"], sheet.need("neighbor"), pairs["neighbor"], "needed another block")
    rows = pairs.assign(**_values(sheet))
    rows["focal"], rows["neighbor"] = rows[_PAIR].min(axis=1), rows[_PAIR].max(axis=1)
    rows, again = _once(rows, sheet.where)
    rows = rows.sort_values(_PAIR, ignore_index=True)
    lone = ~known.isin([*rows["focal"], *rows["neighbor"]])
    return require(rows[[*_PAIR, *_VALUES]], ADJACENCY), join_listed([again, list_lone(known[lone], len(known))])


def _ends(sheet: Sheet, name: str, known: Any) -> Any:
    column = sheet.need(name)
    text = sheet.texts(column)
    sheet.refuse(~text.isin(known), column, text, f"needed one of the {len(known)} blocks")
    return text


def _values(sheet: Sheet) -> dict[str, Any]:
    """Return what is said of each border, with what follows from the rest where a column is not there."""
    shared = sheet.numbers(sheet.need("shared_m"))
    clear_column, clarity_column = sheet.find(["clear_m"]), sheet.find(["clarity"])
    clarity = None if clarity_column is None else sheet.numbers(clarity_column, most=1.0)
    if clear_column is not None:
        clear = sheet.numbers(clear_column)
        long = clear > shared + _SLACK_M
        sheet.refuse(long, clear_column, text_of(sheet.frame, clear_column), "needed at most shared_m")
        clear = np.minimum(clear, shared)
    elif clarity is not None:
        clear = clarity * shared
    else:
        sheet.need("clear_m", " (or 'clarity')")
    if clarity is None:
        clarity = (clear / shared).where(shared > 0, 0.0)
    flag, kind = sheet.find(["crossable"]), sheet.find(["barrier"])
    crossable = pd.Series(True, index=shared.index) if flag is None else sheet.flags(flag)
    values = {"shared_m": shared, "clear_m": clear, "clarity": clarity, "crossable": crossable}
    return {**values, "barrier": text_of(sheet.frame, kind).astype("str")}


def _once(rows: Any, where: str) -> tuple[Any, Any]:
    """Return one row per pair, and LISTED of those that repeat another one; a pair told in two ways is refused."""
    first = rows.drop_duplicates(_PAIR)
    same = first.reset_index().merge(rows.reset_index(), on=_PAIR, suffixes=("", "_again"))
    alike = np.ones(len(same), dtype=bool)
    for name in _VALUES:
        one, other = same[name], same[f"{name}_again"]
        numeric = name in ("shared_m", "clear_m", "clarity")
        alike &= np.isclose(one, other, rtol=1e-9, atol=1e-6) if numeric else (one == other).to_numpy(dtype=bool)
    if not alike.all():
        odd = same[~alike].iloc[0]
        raise InputError(
            f"{where}: rows {odd['row']} and {odd['row_again']} both tell of the pair {odd['focal']!r} and "
            f"{odd['neighbor']!r}, and differ; needed one row, or two that say the same"
        )
    count = len(rows) - len(first)
    return first, list_note(SOURCE, "pairs in two rows", "merged", f"{count:,} rows") if count else join_listed([])


def list_lone(names: Any, count: int) -> Any:
    """Return LISTED of the blocks that border on no other, where there are others."""
    if not len(names) or count < 2:
        return join_listed([])
    return list_rows("blocks", names, "shares no border with another block", "kept", "a piece of its own")


def draw_adjacency(given: GivenBlocks, rules: LandRules) -> tuple[Any, Any]:
    """Return ADJACENCY of given blocks as their outlines touch, and LISTED: no barrier is known, so none is clear."""
    touching = build_touching(given.blocks, given.outlines, rules)
    told = [list_note(SOURCE, "no adjacency given", "guessed", "borders are those of the outlines; none is clear")]
    if touching.slipped:
        detail = "corners within 0.5 m drawn together and gaps below 1 m closed, to measure borders"
        told.append(list_note(SOURCE, "outlines do not fit each other", "repaired", detail))
    if touching.overlap_m2 >= _TOLD_M2:
        detail = f"{touching.overlap_m2:,.0f} m2 count for the first of their blocks"
        told.append(list_note(SOURCE, "blocks overlap", "guessed", detail))
    lone = given.blocks["block_id"].to_numpy()[touching.lone]
    return touching.adjacency, join_listed([*told, list_lone(lone, len(given.blocks))])
