"""Which rows of a register are lines of totals, such as 合计, and no places of their own?"""

import re
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import InputError
from spatial.folding import fold_header
from spatial.io.counts import parse_number
from spatial.io.headers import columns_for
from spatial.io.listing import list_rows

_WORDS = "合计 总计 小计 共计 合計 總計 小計 共計 总共 累计 合计户数 总计户数 total totals subtotal grandtotal sum"
_TOTALS = frozenset(fold_header(word) for word in _WORDS.split())
_LIKELY = re.compile(
    r"[计計共]|[tｔ][\W_]*[oｏ][\W_]*[tｔ][\W_]*[aａ][\W_]*[lｌ]|[sｓ][\W_]*[uｕ][\W_]*[mｍ]", re.IGNORECASE
)
"""A part of every such word: a cell without it need not be folded."""
_OWN_NAMES, _NAMES = ("name",), ("community_name",)
_CODES = (
    "code", "estate_id", "building_id", "community_id", "gate_id", "site_id", "source_id", "demand_id", "poi_id",
    "vertical_id",
)  # fmt: skip
_NAMING = (*_OWN_NAMES, *_NAMES, *_CODES, "community", "estate", "number")
"""Fields of ``headers`` that say which place a row is about."""
_OTHER_TEXTS = 1


def find_totals(frame: Any) -> NDArray[np.bool_]:
    """Return a flag by row of text: a word for a total, and nothing else, names its place or stands instead of a name.

    Instead of a name: the row has none, and besides the word at most one text that is no number, such as the district
    of a subtotal. In a table without names codes are the names. The order of the columns plays no part.
    """
    names = [name for name in frame.columns if str(name) != "geometry"]
    words = {name: _find_words(frame[name]) for name in names}
    found = np.zeros(len(frame), dtype=bool)
    for column in columns_for(names, _NAMING):
        found |= words[column]
    some = np.logical_or.reduce([np.zeros(len(frame), dtype=bool), *words.values()])
    for row in np.flatnonzero(some & ~found):
        others = [column for column in names if not words[column][row]]
        found[row] = _is_nameless(frame[others].iloc[row])
    return found


def _find_words(column: Any) -> NDArray[np.bool_]:
    """Return a flag by cell: it holds a word for a total and nothing else."""
    cells = column.fillna("").astype("str")
    words = [text for text in pd.unique(cells) if _LIKELY.search(text) and fold_header(text) in _TOTALS]
    return np.asarray(cells.isin(words).to_numpy(dtype=bool))


def _is_nameless(cells: Any) -> bool:
    """Tell whether cells of one row (column -> text) neither name a place nor hold much text."""
    own = next((found for fields in (_OWN_NAMES, _NAMES, _CODES) if (found := columns_for(cells.index, fields))), [])
    filled = cells.fillna("").astype("str")
    return not filled[own].any() and sum(map(_is_text, filled)) <= _OTHER_TEXTS


def _is_text(cell: str) -> bool:
    """Tell whether a cell holds something that is no number."""
    try:
        parse_number(cell)
    except InputError:
        return True
    return False


def drop_totals(frame: Any, source: str) -> tuple[Any, Any]:
    """Return the rows that are no lines of totals, and LISTED of those: they would be counted twice."""
    total = find_totals(frame)
    return frame[~total], list_rows(source, frame.index[total], "line of totals", "dropped")
