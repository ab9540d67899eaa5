"""What does a table say that needs no geometry? CSV, Excel, Parquet or any layer, as rows of text."""

from pathlib import Path

import pandas as pd

from spatial.errors import InputError
from spatial.io.features import Locator, locate, to_text
from spatial.io.needed import Sheet
from spatial.io.registers import TABLE_SUFFIXES, read_table
from spatial.io.vectors import VECTOR_SUFFIXES, read_rows
from spatial.personal import check_personal


def read_attributes(path: str | Path | Locator, source: str) -> Sheet:
    """Return the rows of a table or a layer, without geometry; the index is the row's number there.

    Raises
    ------
    InputError
        If the file cannot be read or holds personal data.
    """
    where = locate(path)
    suffix = where.path.suffix.lower()
    if suffix in (*TABLE_SUFFIXES, ".xls"):
        frame = read_table(where.path, sheet=where.layer)
    elif suffix in VECTOR_SUFFIXES:
        frame = read_rows(where.path, layer=where.layer)
    else:
        raise InputError(
            f"{source}: {where.path.name} ends with none of {', '.join((*TABLE_SUFFIXES, *VECTOR_SUFFIXES))}"
        )
    told = f"{source} ({where.path.name})"
    # Ids of blocks may have as many digits as telephone numbers, and the headers of pairs do not say that they are ids.
    check_personal(frame.rename(columns={"focal": "focal id", "neighbor": "neighbor id"}), told)
    text = pd.DataFrame({str(name): to_text(frame[name]) for name in frame.columns}, index=frame.index)
    return Sheet(text, told)
