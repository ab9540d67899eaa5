"""How are the messages of protocol buffers taken apart into arrays, when no byte of them can be trusted?

A message is a row of fields: a varint that holds number and wire type, then a varint, eight bytes, a length and so many
bytes, or four bytes (https://protobuf.dev/programming-guides/encoding). Every read is checked against the end of what
holds it. A kernel that meets what cannot be says where: its last result is the byte, or -1 where all is well.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial.walking.compiled import inner, kernel

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]

VARINT, WIDE, CHUNK, NARROW = 0, 1, 2, 5
"""Wire types: what follows the number of a field."""

PLAIN, ZIGZAG, DELTA = 0, 1, 2
"""How packed numbers are meant: as they stand, with the sign in the lowest bit, as steps of such."""

ID, VERSION, VISIBLE, KEYS, VALS, FIRST, SECOND, THIRD = 0, 1, 2, 3, 5, 7, 9, 11
"""Columns of ``list_entities``; from KEYS on pairs of a start and an end (or of a number and -1)."""
_COLUMNS = 13


@inner
def _read(data, at, end):  # type: ignore[no-untyped-def]
    """Return the varint at a byte, and the byte behind it: -1 where it has no end or more than 64 bits."""
    value = np.uint64(0)
    shift = np.uint64(0)
    while at < end and shift < np.uint64(70):
        byte = np.uint64(data[at])
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
    for row in range(count):
        out[row, 0], out[row, 1], out[row, 2], out[row, 3], at = _field(data, at, end)
    return out, np.int64(-1)


@kernel
def list_entities(data: Bytes, start: Ints, end: Ints) -> tuple[Ints, Any]:
    """Return a row per node, way or relation, which share their layout: id, version, visible, then the places of keys
    and values of tags and of fields 8, 9 and 10. What a message lacks is 0, or the place (0, 0)."""
    n = len(start)
    out = np.zeros((n, _COLUMNS), np.int64)
    for row in range(n):
        out[row, VISIBLE] = 1
        at = start[row]
        while at < end[row]:
            before = at
            number, wire, a, b, at = _field(data, at, end[row])
            if at < 0:
                return out, before
            if number == 1 and wire == 0:
                out[row, ID] = a
            elif number == 4 and wire == 2:
                while a < b:
                    before = a
                    item, wire, value, _, a = _field(data, a, b)
                    if a < 0:
                        return out, before
                    if item == 1 and wire == 0:
                        out[row, VERSION] = value
                    elif item == 6 and wire == 0:
                        out[row, VISIBLE] = value
            elif number == 2 or number == 3 or (number >= 8 and number <= 10):
                column = KEYS + 2 * (number - 2) if number <= 3 else FIRST + 2 * (number - 8)
                if out[row, column + 1] != 0 or (wire != 2 and number < 8) or (wire != 0 and wire != 2):
                    return out, before
                out[row, column], out[row, column + 1] = a, b
    return out, np.int64(-1)


@kernel
def unpack(data: Bytes, start: Ints, end: Ints, meaning: int) -> tuple[Ints, Ints, Any]:
    """Return the packed numbers of several places, one after the other, and their offsets; steps add up per place."""
    n = len(start)
    offsets = np.zeros(n + 1, np.int64)
    total = np.int64(0)
    for row in range(n):
        if end[row] > start[row] and data[end[row] - 1] >= 128:
            return np.empty(0, np.int64), offsets, start[row]
        for at in range(start[row], end[row]):
            total += data[at] < 128
        offsets[row + 1] = total
    out = np.empty(total, np.int64)
    k = np.int64(0)
    for row in range(n):
        at, stop = start[row], end[row]
        sum_ = np.int64(0)
        while at < stop:
            value = np.uint64(data[at])
            at += 1
            if value >= np.uint64(128):
                value &= np.uint64(127)
                shift = np.uint64(7)
                while True:  # the last byte of the place ends a number, so this stops before it
                    byte = np.uint64(data[at])
                    at += 1
                    value |= (byte & np.uint64(127)) << shift
                    if byte < np.uint64(128):
                        break
                    shift += np.uint64(7)
                    if shift >= np.uint64(70):
                        return out[:0], offsets, at
            number = np.int64(value)
            if meaning != PLAIN:
                number = np.int64(value >> np.uint64(1)) ^ -np.int64(value & np.uint64(1))
            if meaning == DELTA:
                sum_ += number
                number = sum_
            out[k] = number
            k += 1
    return out, offsets, np.int64(-1)


@kernel
def split_tags(mixed: Ints, nodes: int) -> tuple[Ints, Ints, Ints, Any]:
    """Return (node, key, value) of the tags of dense nodes: keys and values in turn, a 0 behind those of each node."""
    owner = np.empty(len(mixed) // 2, np.int64)
    key = np.empty(len(mixed) // 2, np.int64)
    value = np.empty(len(mixed) // 2, np.int64)
    count, node, at = np.int64(0), np.int64(0), np.int64(0)
    while at < len(mixed):
        if mixed[at] == 0:
            node += 1
            at += 1
            continue
        if node >= nodes or at + 1 >= len(mixed):
            return owner[:0], key[:0], value[:0], at
        owner[count], key[count], value[count] = node, mixed[at], mixed[at + 1]
        count += 1
        at += 2
    return owner[:count].copy(), key[:count].copy(), value[:count].copy(), np.int64(-1)


@kernel
def to_units(raw: Ints, granularity: int, offset: int, nano: int, most: int) -> Ints:
    """Return coordinates in units of so many billionths of a degree, cut towards zero; ``most`` where they are beyond
    it, whatever the numbers (the granularity is at most 10^9, the offset 2^62)."""
    out = np.empty(len(raw), np.int64)
    bound = (nano * most + abs(offset)) // granularity + 1
    for i in range(len(raw)):
        units = most
        if -bound <= raw[i] <= bound:
            value = raw[i] * granularity + offset
            units = -(-value // nano) if value < 0 else value // nano
        out[i] = units if abs(units) < most else most
    return out


def zigzag(values: Any) -> Ints:
    """Return numbers whose sign stands in the lowest bit."""
    plain = np.asarray(values, dtype=np.int64)
    return (plain.view(np.uint64) >> np.uint64(1)).view(np.int64) ^ -(plain & 1)
