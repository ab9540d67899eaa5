"""Texts of many blocks, each numbered once: the same as a dictionary would, whatever they are and however many."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spatial.errors import InputError
from spatial.io import pbf_texts
from spatial.io.pbf_texts import TextBook, number_texts


def to_block(texts: list[bytes]) -> tuple[np.ndarray, np.ndarray]:
    """Return the bytes of a block, with others before and between, and where its texts start and end."""
    data, spans = bytearray(b"x"), []
    for text in texts:
        spans.append((len(data), len(data) + len(text)))
        data += text + b"\x00"
    return np.frombuffer(bytes(data), dtype=np.uint8), np.array(spans, dtype=np.int64).reshape(-1, 2)


def number_all(blocks: list[list[bytes]]) -> tuple[list[str], list[list[int]]]:
    """Return the texts of some blocks in the order they were met, and by block their numbers."""
    book, codes = TextBook(), []
    for block in blocks:
        book, found = number_texts(book, *to_block(block), np.arange(len(block), dtype=np.int32), at=0)
        codes.append(found.tolist())
    return book.texts, codes


@given(st.lists(st.lists(st.text(max_size=6).map(str.encode), max_size=30), max_size=5))
def test_texts_are_numbered_in_the_order_they_are_met_each_once(blocks: list[list[bytes]]) -> None:
    known: dict[bytes, int] = {}
    expected = [[known.setdefault(text, len(known)) for text in block] for block in blocks]
    texts, codes = number_all(blocks)
    assert codes == expected
    assert texts == [text.decode() for text in known]


def test_only_wanted_texts_are_written_down_in_the_order_they_are_wanted() -> None:
    block = to_block([b"unread", b"b", b"a", b"\xff"])
    book, codes = number_texts(TextBook(), *block, np.array([2, 1, 2, 2, 1], dtype=np.int32), at=0)
    assert codes.tolist() == [0, 1, 0, 0, 1]
    assert book.texts == ["a", "b"]


def test_a_book_that_grows_keeps_its_numbers() -> None:
    first = [f"路{i}".encode() for i in range(5_000)]
    texts, codes = number_all([first, first[::-1], [b"new", *first[:3]]])
    assert codes[0] == list(range(5_000))
    assert codes[1] == codes[0][::-1]
    assert codes[2] == [5_000, 0, 1, 2]
    assert len(texts) == 5_001


def test_numbers_do_not_depend_on_where_texts_fall_in_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = [[str(i % 700).encode() for i in range(3_000)], [b"", b"700", b"3"]]
    before = number_all(blocks)
    for seed in (0, 1, 2**64 - 1):
        monkeypatch.setattr(pbf_texts, "_SEED", np.uint64(seed))
        assert number_all(blocks) == before


def test_bytes_that_are_no_text_are_refused_with_their_place() -> None:
    with pytest.raises(InputError, match=r"UTF-8"):
        number_all([[b"fine", b"\xff\xfe"]])
