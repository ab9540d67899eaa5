"""How are the messages of protocol buffers taken apart into arrays, when no byte of them can be trusted?

A message is a row of fields: a varint that holds number and wire type, then a varint, eight bytes, a length and so many
bytes, or four bytes (https://protobuf.dev/programming-guides/encoding). Every read is checked against the end of what
holds it. A kernel that meets what cannot be says where: its last result is the byte, or -1 where all is well.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial.walking.compiled import inner, kernel, pasted, row

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]

VARINT, WIDE, CHUNK, NARROW = 0, 1, 2, 5
"""Wire types: what follows the number of a field."""

PLAIN, ZIGZAG, DELTA = 0, 1, 2
"""How packed numbers are meant: as they stand, with the sign in the lowest bit, as steps of such."""

ID, VERSION, VISIBLE, KEYS, VALS, FIRST, SECOND, THIRD = 0, 1, 2, 3, 5, 7, 9, 11
"""Columns of ``list_entities``; from KEYS on pairs of a start and an end (or of a number and -1)."""
_COLUMNS = 13

ENDLESS, UNEVEN, NO_TEXT = 1, 2, 3
"""What can be wrong with tags: a number without an end, keys and values that do not fit, a text that is not there."""

UNKNOWN = -2
"""The code of a text that was not looked at yet."""


@pasted
def _read(data, at, end):  # type: ignore[no-untyped-def]
    """Return the varint at a byte, and the byte behind it: -1 where it has no end or more than 64 bits."""
    if at < end and data[row(at)] < 128:  # nearly all are
        return np.int64(data[row(at)]), at + 1
    return _read_long(data, at, end)


@inner
def _read_long(data, at, end):  # type: ignore[no-untyped-def]
    value = np.uint64(0)
    shift = np.uint64(0)
    while at < end and shift < np.uint64(70):
        byte = np.uint64(data[row(at)])
        value |= (byte & np.uint64(127)) << shift
        at += 1
        if byte < np.uint64(128):
            return np.int64(value), at
        shift += np.uint64(7)
    return np.int64(0), np.int64(-1)


@inner
def _field(data, at, end):  # type: ignore[no-untyped-def]
    """Return number, wire type, value or start, end and the byte behind the field at a byte (-1: it cannot be)."""
    tag, at = _read(data, at, end)
    if at < 0:
        return tag, tag, tag, tag, at
    wire = tag & 7
    if wire == 0:
        value, at = _read(data, at, end)
        return tag >> 3, wire, value, np.int64(-1), at
    size = np.int64(-1)
    if wire == 2:
        size, at = _read(data, at, end)
    elif wire == 1:
        size = np.int64(8)
    elif wire == 5:
        size = np.int64(4)
    if at < 0 or size < 0 or size > end - at:
        return tag >> 3, wire, at, at, np.int64(-1)
    return tag >> 3, wire, at, at + size, at + size


@kernel
def list_fields(data: Bytes, start: int, end: int) -> tuple[Ints, Any]:
    """Return (number, wire type, start, end) of each field of a message, or the value and -1 of a varint."""
    count = np.int64(0)
    at = start
    while at < end:
        before = at
        _, _, _, _, at = _field(data, at, end)
        if at < 0:
            return np.empty((0, 4), np.int64), before
        count += 1
    out = np.empty((count, 4), np.int64)
    at = start
    for k in range(count):
        out[k, 0], out[k, 1], out[k, 2], out[k, 3], at = _field(data, at, end)
    return out, np.int64(-1)


@kernel
def list_entities(data: Bytes, start: Ints, end: Ints) -> tuple[Ints, Any]:
    """Return a row per node, way or relation, which share their layout: id, version, visible, then the places of keys
    and values of tags and of fields 8, 9 and 10. What a message lacks is 0, or the place (0, 0)."""
    n = len(start)
    out = np.zeros((n, _COLUMNS), np.int64)
    for k in range(n):
        out[k, VISIBLE] = 1
        at = start[k]
        while at < end[k]:
            before = at
            number, wire, a, b, at = _field(data, at, end[k])
            if at < 0:
                return out, before
            if number == 1 and wire == 0:
                out[k, ID] = a
            elif number == 4 and wire == 2:
                while a < b:
                    before = a
                    item, wire, value, _, a = _field(data, a, b)
                    if a < 0:
                        return out, before
                    if item == 1 and wire == 0:
                        out[k, VERSION] = value
                    elif item == 6 and wire == 0:
                        out[k, VISIBLE] = value
            elif number == 2 or number == 3 or (number >= 8 and number <= 10):
                column = KEYS + 2 * (number - 2) if number <= 3 else FIRST + 2 * (number - 8)
                if out[k, column + 1] != 0 or (wire != 2 and number < 8) or (wire != 0 and wire != 2):
                    return out, before
                out[k, column], out[k, column + 1] = a, b
    return out, np.int64(-1)


@kernel
def unpack(data: Bytes, start: Ints, end: Ints, meaning: int) -> tuple[Ints, Ints, Any]:
    """Return the packed numbers of several places, one after the other, and their offsets; steps add up per place."""
    n = len(start)
    offsets = np.zeros(n + 1, np.int64)
    total = np.int64(0)
    for place in range(n):
        piece = data[start[place] : end[place]]
        if len(piece) and piece[len(piece) - 1] >= 128:
            return np.empty(0, np.int64), offsets, start[place]
        for byte in piece:
            total += byte < 128
        offsets[place + 1] = total
    out = np.empty(total, np.int64)
    k = row(0)
    for place in range(n):
        at, stop = row(start[place]), row(end[place])
        sum_ = np.int64(0)
        while at < stop:
            value = np.uint64(data[at])
            at += row(1)
            if value >= np.uint64(128):
                value &= np.uint64(127)
                shift = np.uint64(7)
                while True:  # the last byte of the place ends a number, so this stops before it
                    byte = np.uint64(data[at])
                    at += row(1)
                    value |= (byte & np.uint64(127)) << shift
                    if byte < np.uint64(128):
                        break
                    shift += np.uint64(7)
                    if shift >= np.uint64(70):
                        return out[:0], offsets, np.int64(at)
            number = np.int64(value)
            if meaning != PLAIN:
                number = np.int64(value >> np.uint64(1)) ^ -np.int64(value & np.uint64(1))
            if meaning == DELTA:
                sum_ += number
                number = sum_
            out[k] = number
            k += row(1)
    return out, offsets, np.int64(-1)


@inner
def _code(data, texts, text):  # type: ignore[no-untyped-def]
    """Return the code of the key that a text of a block is, -1 where it is none that is kept."""
    table, keys, codes = texts
    start, size = table[text, 0], table[text, 1] - table[text, 0]
    codes[text] = -1
    for code in range(len(keys)):
        if keys[code, 0] == size:
            i = 0
            while i < size and keys[code, i + 1] == data[start + i]:
                i += 1
            if i == size:
                codes[text] = code
    return codes[text]


@kernel
def list_tags(data, rows, dense, texts, asked, out):  # type: ignore[no-untyped-def]
    """Write (row, key, text of the value) of the tags with kept keys, of elements that have at least one whose key is
    asked for; return how many these are, what is wrong (0: nothing), and where or which text.

    ``rows`` are those of ``list_entities``; or else ``dense`` is the number of dense nodes (-1: none of these), and the
    keys of the only row are keys and values in turn, a 0 behind those of each node. ``texts`` are the places of the
    texts of the block, the kept keys as rows of a length and so many letters, and the code of the key that each text
    is: ``UNKNOWN`` before it is looked up, then -1 or its place among the kept keys.
    """
    owner, key, value = out
    count, a, a_end, b, b_end = np.int64(0), np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    mixed = dense >= 0
    for element in range(dense if mixed else len(rows)):
        first, wanted = count, False
        if not mixed or element == 0:
            a, a_end = rows[element, KEYS], rows[element, KEYS + 1]
            b, b_end = (a, a_end) if mixed else (rows[element, VALS], rows[element, VALS + 1])
        while a < a_end and b < b_end:
            text, a = _read(data, a, a_end)
            if mixed:
                b = a
                if text == 0 and a >= 0:
                    break
                if b == b_end:
                    return count, UNEVEN, b
            other, b = _read(data, b, b_end)
            if a < 0 or b < 0:
                return count, ENDLESS, rows[0 if mixed else element, KEYS]
            for named in (text, other):
                if named < 0 or named >= len(texts[0]):
                    return count, NO_TEXT, named
            code = texts[2][row(text)]
            if code == UNKNOWN:
                code = _code(data, texts, text)
            if code >= 0:
                owner[count], key[count], value[count] = element, code, other
                count += 1
                wanted |= asked[code]
            if mixed:
                a = b
        if not mixed and (a != a_end or b != b_end):
            return count, UNEVEN, a
        if not wanted:
            count = first
    if dense == 0:
        a, a_end = rows[0, KEYS], rows[0, KEYS + 1]
    while mixed and a < a_end:
        if data[a] != 0:
            return count, UNEVEN, a
        a += 1
    return count, 0, np.int64(-1)


@kernel
def to_units(raw: Ints, granularity: int, offset: int, nano: int, most: int) -> Ints:
    """Return coordinates in units of so many billionths of a degree, cut towards zero; ``most`` where they are beyond
    it, whatever the numbers (the granularity is at most 10^9, the offset 2^62)."""
    out = np.empty(len(raw), np.int64)
    bound = (nano * most + abs(offset)) // granularity + 1
    alike = granularity == nano and offset == 0
    for i in range(len(raw)):
        units = most
        if alike:
            units = raw[i]
        elif -bound <= raw[i] <= bound:
            value = raw[i] * granularity + offset
            units = -(-value // nano) if value < 0 else value // nano
        out[i] = units if -most < units < most else most
    return out


def zigzag(values: Any) -> Ints:
    """Return numbers whose sign stands in the lowest bit."""
    plain = np.asarray(values, dtype=np.int64)
    return (plain.view(np.uint64) >> np.uint64(1)).view(np.int64) ^ -(plain & 1)
