"""Which tags do many elements carry, held as columns of codes rather than as one mapping per element?"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, overload

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from spatial.io.osm_tags import KEPT_KEYS, Tags

Ints = NDArray[np.int64]
Codes = NDArray[np.int32]

KEYS = tuple(sorted(KEPT_KEYS))
"""The keys that are kept; a tag names its key by the place here."""
KEY_CODE = {key: code for code, key in enumerate(KEYS)}


@dataclass(frozen=True, slots=True, eq=False)
class TagTable(Sequence[Tags]):
    """The tags of ``size`` elements, a sequence of mappings that are made when looked at.

    Tag ``t`` belongs to element ``owner[t]`` (rising), has the key ``KEYS[key[t]]`` and the value ``texts[value[t]]``.
    Where an element has a key twice, the last one counts.
    """

    size: int
    owner: Ints
    key: Codes
    value: Codes
    texts: tuple[str, ...]

    def __len__(self) -> int:
        """Number of elements."""
        return self.size

    @overload
    def __getitem__(self, at: int) -> Tags: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Tags]: ...
    def __getitem__(self, at: int | slice) -> Tags | Sequence[Tags]:
        """Return the tags of one element."""
        if isinstance(at, slice):
            return self.take(np.arange(self.size)[at])
        row = range(self.size)[at]
        first, last = np.searchsorted(self.owner, [row, row + 1]).tolist()
        pairs = zip(self.key[first:last].tolist(), self.value[first:last].tolist(), strict=True)
        return {KEYS[key]: self.texts[value] for key, value in pairs}

    def __iter__(self) -> Iterator[Tags]:
        """Give the tags of every element in turn."""
        return (self[row] for row in range(self.size))

    def take(self, rows: Ints) -> "TagTable":
        """Return the tags of these elements, in this order."""
        if len(rows) == self.size and (rows == np.arange(self.size)).all():
            return self
        start = np.searchsorted(self.owner, rows)
        held = np.searchsorted(self.owner, rows, side="right") - start
        ends = np.concatenate([[0], np.cumsum(held)]).astype(np.int64)
        tag = np.arange(ends[-1]) + np.repeat(start - ends[:-1], held)
        owner = np.repeat(np.arange(len(rows)), held)
        return replace(self, size=len(rows), owner=owner, key=self.key[tag], value=self.value[tag])

    def copy(self) -> "TagTable":
        """Return the table with columns of its own."""
        return replace(self, owner=self.owner.copy(), key=self.key.copy(), value=self.value.copy())

    def having(self, keys: Iterable[str]) -> Ints:
        """Return the elements that have at least one of these keys."""
        wanted = np.zeros(len(KEYS), dtype=bool)
        wanted[[KEY_CODE[key] for key in keys]] = True
        flag = np.zeros(self.size, dtype=bool)
        flag[self.owner[wanted[self.key]]] = True
        return np.flatnonzero(flag)

    def codes(self, key: str) -> Codes:
        """Return the row in ``texts`` of the value each element has for a key, -1 where it has none."""
        out = np.full(self.size, -1, dtype=np.int32)
        hit = self.key == KEY_CODE[key]
        out[self.owner[hit]] = self.value[hit]
        return out

    def columns(self, keys: Iterable[str]) -> dict[str, Any]:
        """Return key -> the value each element has for it as a text column, "" where it has none."""
        texts = pa.array([*self.texts, ""], type=pa.large_string())
        absent, out = len(self.texts), {}
        for key in keys:
            codes = self.codes(key)
            codes[codes < 0] = absent
            out[key] = pd.Series(pd.array(texts.take(pa.array(codes)), dtype="str"))
        return out

    def judge(self, rule: Callable[[Tags], int], keys: Iterable[str]) -> Ints:
        """Return what a rule that looks at these keys alone says of each element; it is asked once per combination."""
        first, group = self.combine(keys)
        return np.array([rule(self[row]) for row in first.tolist()], dtype=np.int64)[group]

    def combine(self, keys: Iterable[str]) -> tuple[Ints, Ints]:
        """Return the first element of each combination of values of these keys, and the combination of each element."""
        group, count = np.zeros(self.size, dtype=np.int64), 1
        wanted = np.zeros(len(KEYS), dtype=bool)
        wanted[[KEY_CODE[key] for key in keys]] = True
        tags = np.flatnonzero(wanted[self.key])
        key = self.key[tags].astype(np.uint16)
        tags = tags[np.argsort(key, kind="stable")]  # small numbers are sorted by their digits
        for hit in np.split(tags, np.cumsum(np.bincount(key, minlength=1))[:-1]):
            owner = self.owner[hit]
            again = np.flatnonzero(owner[1:] == owner[:-1])  # of a key twice the last counts
            hit, owner = (np.delete(part, again) for part in (hit, owner)) if len(again) else (hit, owner)
            apart, found = pd.factorize(group[owner] * len(self.texts) + self.value[hit])
            group[owner] = count + apart
            count += len(found)
        group, numbers = pd.factorize(group)
        first = np.empty(len(numbers), dtype=np.int64)
        first[group[::-1]] = np.arange(self.size)[::-1]
        return first, group

    def override(self, changes: Mapping[int, Tags]) -> "TagTable":
        """Return the tags with those of some elements put in place of their own."""
        rows = np.array(sorted(changes), dtype=np.int64)
        other = tag_table([changes[row] for row in rows.tolist()])
        both = join_tables([self, other])
        owner = np.concatenate([self.owner, rows[other.owner]])
        kept = np.concatenate([~np.isin(self.owner, rows), np.ones(len(other.owner), dtype=bool)])
        order = np.flatnonzero(kept)
        order = order[np.argsort(owner[order], kind="stable")]
        return TagTable(self.size, owner[order], both.key[order], both.value[order], both.texts)


def tag_table(rows: Sequence[Tags]) -> TagTable:
    """Return the table of so many mappings, of kept keys alone."""
    texts: dict[str, int] = {}
    owner, key, value = [], [], []
    for row, tags in enumerate(rows):
        for name, text in tags.items():
            owner.append(row)
            key.append(KEY_CODE[name])
            value.append(texts.setdefault(text, len(texts)))
    columns = np.array(owner, dtype=np.int64), np.array(key, dtype=np.int32), np.array(value, dtype=np.int32)
    return TagTable(len(rows), *columns, tuple(texts))


def join_tables(tables: Sequence[TagTable]) -> TagTable:
    """Return the tags of the elements of several tables, one after the other."""
    texts: dict[str, int] = defaultdict(count().__next__)  # a text not yet known gets the next number
    values = []
    for table in tables:
        used = np.unique(table.value)
        code = np.zeros(len(table.texts), dtype=np.int32)
        code[used] = [texts[table.texts[text]] for text in used.tolist()]
        values.append(code[table.value])
    starts = np.cumsum([0, *(table.size for table in tables)])
    owners = [table.owner + start for table, start in zip(tables, starts.tolist(), strict=False)]
    none = np.empty(0, dtype=np.int32)
    return TagTable(
        int(starts[-1]),
        np.concatenate([np.empty(0, dtype=np.int64), *owners]),
        np.concatenate([none, *(table.key for table in tables)]),
        np.concatenate([none, *values]),
        tuple(texts),
    )
