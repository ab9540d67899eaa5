"""How is a text table of millions of pairs read: which encoding, which delimiter, which columns, where is no number?"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import csv

from spatial.errors import InputError

Pick = Callable[[list[str]], tuple[str, str, str]]
"""Chooses the columns of site, demand and cost among the names of a header."""

_HEAD_BYTES = 1 << 16
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_DELIMITERS = ",\t;|"
_NOT_UTF_8 = "utf8"


def read_cost_csv(path: Path, pick: Pick) -> tuple[Any, tuple[str, str, str]]:
    """Return the columns of a delimited text that ``pick`` chooses (ids as coded texts, costs as numbers), their names.

    UTF-8 (with or without a mark), UTF-16 with one, or else GB 18030; commas, tabs, semicolons or bars between cells.
    Spaces about a header do not belong to it.

    Raises
    ------
    InputError
        If the header lacks a column, or a cost is no number: its row is named.
    pyarrow.ArrowInvalid, OSError
        If the text cannot be split into rows, or the file not read.
    """
    head, encoding = _read_head(path)
    delimiter = max(_DELIMITERS, key=lambda mark: (head.count(mark), -_DELIMITERS.index(mark)))
    names = [word.strip().strip('"').strip() for word in head.strip().split(delimiter)]
    chosen = pick(names)
    try:
        return _read(path, names, chosen, (encoding, delimiter)), chosen
    except pa.ArrowInvalid as error:
        # a header in plain letters does not tell in what the ids below it are written
        if encoding != "utf-8" or _NOT_UTF_8 not in str(error).lower().replace("-", ""):
            raise
    return _read(path, names, chosen, ("gb18030", delimiter)), chosen


def _read_head(path: Path) -> tuple[str, str]:
    """Return the first line and the encoding that it is in."""
    with path.open("rb") as file:
        raw = file.read(_HEAD_BYTES)
    if raw.startswith(_UTF_16):
        return raw.decode("utf-16", errors="replace").partition("\n")[0], "utf-16"
    line = raw.partition(b"\n")[0]
    try:
        return line.decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError:
        return line.decode("gb18030", errors="replace"), "gb18030"


def _read(path: Path, names: list[str], chosen: tuple[str, str, str], how: tuple[str, str]) -> Any:
    """Return the chosen columns; a cost that is no number is refused with its row."""
    encoding, delimiter = how

    def read(kinds: Mapping[str, Any]) -> Any:
        """Read the named columns as their kinds."""
        return csv.read_csv(
            path,
            read_options=csv.ReadOptions(encoding=encoding, column_names=names, skip_rows=1),
            parse_options=csv.ParseOptions(delimiter=delimiter),
            convert_options=csv.ConvertOptions(include_columns=list(kinds), column_types=kinds),
        )

    try:
        return read({name: pa.dictionary(pa.int32(), pa.string()) for name in chosen[:2]} | {chosen[2]: pa.float64()})
    except pa.ArrowInvalid:
        _refuse_words(read({chosen[2]: pa.string()}).column(chosen[2]), path.name, chosen[2])
        raise


def _refuse_words(column: Any, where: str, name: str) -> None:
    """Refuse a column of texts whose first text that is no number stands somewhere; return where all are numbers.

    Raises
    ------
    InputError
        If there is such a text: its row is named.
    """
    texts = column.combine_chunks().dictionary_encode()
    empty = frozenset(csv.ConvertOptions().null_values)
    for number, text in enumerate(texts.dictionary.to_pylist()):  # each text once, in the order of its first row
        if text.strip() not in empty and not _is_number(text.strip()):
            row = int(np.flatnonzero(texts.indices.fill_null(-1).to_numpy(zero_copy_only=False) == number)[0])
            raise InputError(f"{where}: {name} is {text!r} in row {row + 1} of the data; needed a number, 0 or more")


def _is_number(text: str) -> bool:
    try:
        pa.array([text]).cast(pa.float64())
    except pa.ArrowInvalid:
        return False
    return True
