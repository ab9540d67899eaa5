"""Is an estate closed (gated) or open, by what its row says?"""

from typing import Any

import pandas as pd

from spatial.folding import fold_header
from spatial.io.listing import list_rows

_GATED = frozenset("封闭 封闭式 封闭小区 封闭式小区 全封闭 半封闭 有围墙 封闭管理 gated closed private walled".split())
_OPEN = frozenset(
    "开放 开放式 开放小区 开放式小区 全开放 半开放 非封闭 不封闭 未封闭 无围墙 敞开 敞开式 散居 open public "
    "ungated unwalled".split()
)
_YES = frozenset("是 有 1 y yes true t √ ✓".split())
_NO = frozenset("否 无 0 n no false f × ✗ x".split())
_BLANK = frozenset({"", "unknown", "未知", "不详", "不明", "暂无资料", "nan", "none"})


def _yes_and_no(header: str) -> tuple[str, str]:
    """Return what yes and no mean under a header, "" where it names both or neither."""
    shuts = any(part in header for part in ("封闭", "gated", "closed", "围墙"))
    opens = any(part in header for part in ("开放", "open", "通行", "access"))
    if shuts == opens:
        return "", ""
    return ("gated", "open") if shuts else ("open", "gated")


def read_access(column: Any, header: str, source: str) -> tuple[Any, Any]:
    """Return gated, open or unknown for each row, and LISTED of texts that were not understood.

    Yes and no are read by the column's name: 是否封闭 and 是否开放 mean opposite things.
    """
    yes, no = _yes_and_no(fold_header(header))

    def judge(text: str) -> str:
        """Return what a word says of a gate: open, gated, unknown, or nothing."""
        folded = fold_header(text) if text not in ("√", "✓", "×", "✗") else text
        if folded in _GATED or (folded in _YES):
            return "gated" if folded in _GATED else yes
        if folded in _OPEN or folded in _NO:
            return "open" if folded in _OPEN else no
        return "unknown" if folded in _BLANK else ""

    judged = pd.Series([judge(text) for text in column], index=column.index, dtype="str")
    unclear = judged == ""
    listed = list_rows(source, column.index[unclear], "open or closed not understood", "kept", column[unclear])
    return judged.mask(unclear, "unknown"), listed
