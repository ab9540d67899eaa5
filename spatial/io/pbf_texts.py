"""Which different texts do the blocks of a .osm.pbf file hold, when every block brings a table of its own?

Most streets of a city come in many ways, so most texts come in many blocks: each is looked at once, as bytes.
"""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial.io.pbf_blobs import damaged
from spatial.walking.compiled import kernel

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]
Codes = NDArray[np.int32]

_FIRST_SLOTS = 1 << 12
_SEED = np.uint64(hash("wangge") & (2**64 - 1))
"""It differs from run to run, so nobody can write a file whose texts all fall into one slot; the number that a text
gets depends on the order of the texts alone."""


@dataclass(frozen=True, slots=True, eq=False)
class TextBook:
    """Texts in the order they were met: the bytes of text ``i`` are ``pool[place[i]:place[i + 1]]``.

    ``slots`` holds the number of a text where its hash leads to, -1 where none does. The arrays have room for more.
    """

    texts: list[str] = field(default_factory=list)
    slots: Ints = field(default_factory=lambda: np.full(_FIRST_SLOTS, -1))
    hashes: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, dtype=np.uint64))
    place: Ints = field(default_factory=lambda: np.zeros(1, dtype=np.int64))
    pool: Bytes = field(default_factory=lambda: np.empty(0, dtype=np.uint8))


def number_texts(book: TextBook, data: Bytes, spans: Ints, wanted: Codes, at: int) -> tuple[TextBook, Codes]:
    """Return the book with the wanted ones of the texts at these places (start, end) of a block, and their numbers.

    The book that was given is written on, and of no use afterwards.

    Raises
    ------
    InputError
        If one is no UTF-8; the blob of the block starts at byte ``at`` of the file.
    """
    known = len(book.texts)
    book = _make_room(book, known + min(len(spans), len(wanted)), int((spans[:, 1] - spans[:, 0]).sum()))
    codes = np.empty(len(wanted), dtype=np.int32)
    met = np.full(len(spans), -1, dtype=np.int32)
    count = _number((data, spans, wanted), (book.slots, book.hashes, book.place, book.pool), known, _SEED, (met, codes))
    ends = book.place[known : count + 1].tolist()
    try:
        new = [book.pool[start:end].tobytes().decode() for start, end in pairwise(ends)]
    except UnicodeDecodeError as error:
        raise damaged(at, f"a blob holds a text that is no UTF-8: {error}") from error
    book.texts.extend(new)
    return book, codes


def _make_room(book: TextBook, texts: int, more_bytes: int) -> TextBook:
    """Return the book with room for so many texts, and so many bytes more."""
    known, slots = len(book.texts), book.slots
    if 2 * texts > len(slots):
        slots = np.full(1 << (4 * texts).bit_length(), -1)
        _spread(book.hashes, slots, known)
    size = int(book.place[known]) + more_bytes
    return TextBook(
        book.texts, slots, _longer(book.hashes, texts), _longer(book.place, texts + 1), _longer(book.pool, size)
    )


def _longer(values: Any, size: int) -> Any:
    """Return the array, or a copy of it that is at least twice as long where it is too short."""
    if size <= len(values):
        return values
    out = np.empty(max(size, 2 * len(values)), dtype=values.dtype)
    out[: len(values)] = values
    return out


@kernel
def _spread(hashes: NDArray[np.uint64], slots: Ints, count: int) -> None:
    last = np.uint64(len(slots) - 1)
    for code in range(count):
        slot = hashes[code] & last
        while slots[slot] >= 0:
            slot = (slot + np.uint64(1)) & last
        slots[slot] = code


@kernel
def _number(block, book, count, seed, out):  # type: ignore[no-untyped-def]
    """Look up each text, once, by its hash (Fowler, Noll and Vo, stirred at the end), and write down those not met
    before; return how many texts the book holds."""
    data, spans, wanted = block
    slots, hashes, place, pool = book
    met, codes = out
    last = np.uint64(len(slots) - 1)
    for k in range(len(wanted)):
        text = wanted[k]
        if met[text] >= 0:
            codes[k] = met[text]
            continue
        start, size = spans[text, 0], spans[text, 1] - spans[text, 0]
        found = seed
        for i in range(size):
            found = (found ^ np.uint64(data[start + i])) * np.uint64(0x100000001B3)
        found ^= found >> np.uint64(29)
        slot = found & last
        while True:
            code = slots[slot]
            if code < 0:
                slots[slot] = code = count
                hashes[code] = found
                for i in range(size):
                    pool[place[code] + i] = data[start + i]
                place[code + 1] = place[code] + size
                count += 1
            same = hashes[code] == found and place[code + 1] - place[code] == size
            i = 0
            while same and i < size:
                same = pool[place[code] + i] == data[start + i]
                i += 1
            if same:
                break
            slot = (slot + np.uint64(1)) & last
        met[text] = codes[k] = code
    return count
