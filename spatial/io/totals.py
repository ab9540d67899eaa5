"""Which rows of a register are lines of totals, such as 合计, and no places of their own?"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.folding import fold_header
from spatial.io.listing import list_rows

_WORDS = "合计 总计 小计 共计 合計 總計 小計 共計 总共 累计 合计户数 总计户数 total totals subtotal grandtotal sum"
_TOTALS = frozenset(fold_header(word) for word in _WORDS.split())
_COLUMNS = 4  # a number, a code and a name stand before what is counted
_CELLS = 2


def find_totals(frame: Any) -> NDArray[np.bool_]:
    """Return a flag by row of text: one of its first two filled cells is a word for a total and nothing else."""
    found, filled = np.zeros(len(frame), dtype=bool), np.zeros(len(frame), dtype=np.int64)
    for column in [name for name in frame.columns if str(name) != "geometry"][:_COLUMNS]:
        cells = frame[column].fillna("").astype("str")
        filled += (cells != "").to_numpy()
        totals = [text for text in pd.unique(cells) if fold_header(text) in _TOTALS]
        found |= cells.isin(totals).to_numpy() & (filled <= _CELLS)
    return found


def drop_totals(frame: Any, source: str) -> tuple[Any, Any]:
    """Return the rows that are no lines of totals, and LISTED of those: they would be counted twice."""
    total = find_totals(frame)
    return frame[~total], list_rows(source, frame.index[total], "line of totals", "dropped")
