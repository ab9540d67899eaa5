"""How are the inner loops compiled: once, kept on disk, without the interpreter's lock?

Compiling takes as long as there are functions, signatures and ways in from Python, whatever their loops do. So counters
that a kernel hands on start as ``np.int64(0)`` (a bare 0 is a signature of its own), and arrays are copied in loops.
"""

import hashlib
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numba as nb
import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba.core import cgutils, types
from numba.extending import intrinsic, register_jitable

_IMPORT = re.compile(rb"^from (spatial[.\w]*) import|^import (spatial[.\w]*)", re.MULTILINE)
_HERE = Path(__file__).resolve()
_SHARED = frozenset({_HERE, _HERE.with_name("columns.py")})
_ROOT = _HERE.parents[2]


@cache
def stamp_sources(file: Path) -> str:
    """Return a digest of a module, of all that it imports from its own room, directly or not, and of what all share.

    Numba looks at the module of a kernel alone: a kernel would outlive a change in what it calls.
    """
    file = file.resolve()
    room = _ROOT.joinpath(*file.relative_to(_ROOT).parts[:2])
    met, waiting = set(_SHARED), [file]
    while waiting:
        one = waiting.pop()
        if one in met:
            continue
        met.add(one)
        for names in _IMPORT.findall(one.read_bytes()):
            other = _ROOT.joinpath(*(names[0] or names[1]).decode().split(".")).with_suffix(".py")
            if other.is_relative_to(room) and other.exists():
                waiting.append(other)
    digest = hashlib.sha256()
    for one in sorted(met):
        digest.update(one.name.encode() + b"\0" + one.read_bytes())
    return digest.hexdigest()


def _cached(**options: Any) -> Callable[[Any], Any]:
    """Return a decorator that compiles, and keeps the machine code for as long as no source of it changes."""

    def compile_later(function: Any) -> Any:
        compiled = nb.njit(cache=True, nogil=True, error_model="numpy", no_cfunc_wrapper=True, **options)(function)
        kept = compiled._cache._cache_file
        kept._source_stamp = (kept._source_stamp, stamp_sources(Path(function.__code__.co_filename)))
        return compiled

    return compile_later


kernel = _cached()
"""Compile a function; the machine code is cached beside the module (or in ``NUMBA_CACHE_DIR``)."""

bare = _cached(_nrt=False)
"""Compile a function that makes no arrays and returns none, without counting references to those it is handed: where
loops call functions with many arrays, the counting takes half of the time."""

shared = nb.njit(nogil=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True, _nrt=False)
"""Compile a function that kernels alone call, once for all of them: with no way in from Python, nothing of its own on
disk, and as ``bare`` no arrays made."""

inner = register_jitable(nogil=True, error_model="numpy", no_cfunc_wrapper=True)
"""Compile a function into the kernels that call it; called from Python it runs uncompiled."""

pasted = register_jitable(nogil=True, error_model="numpy", forceinline=True, no_cfunc_wrapper=True)
"""As ``inner``, and without a call: for functions of many arrays, whose handing over takes longer than their work."""

row = np.uint64
"""A place in an array that is counted from its start: for a signed number every look-up asks whether it is negative,
which takes a third of a search."""


@intrinsic
def prefetch(typing, values, at):  # type: ignore[no-untyped-def]
    """Ask for a row of an array, which may lie beyond its end, to be brought near; nothing waits for it."""

    def generate(context, builder, signature, given):  # type: ignore[no-untyped-def]
        data = context.make_array(signature.args[0])(context, builder, given[0]).data
        place = builder.bitcast(builder.gep(data, [given[1]]), ir.PointerType(ir.IntType(8)))
        number = ir.IntType(32)
        asked = ir.FunctionType(ir.VoidType(), [place.type, number, number, number])
        function = cgutils.get_or_insert_function(builder.module, asked, "llvm.prefetch")
        builder.call(function, [place, number(0), number(3), number(1)])  # to read, soon again, of data
        return context.get_dummy_value()

    return types.void(values, at), generate


@intrinsic
def stream(typing, values, at, value):  # type: ignore[no-untyped-def]
    """Set a row of an array past the caches: for what nobody reads soon, and which would drive out what is read."""

    def generate(context, builder, signature, given):  # type: ignore[no-untyped-def]
        data = context.make_array(signature.args[0])(context, builder, given[0]).data
        put = builder.store(given[2], builder.gep(data, [given[1]]))
        put.set_metadata("nontemporal", builder.module.add_metadata([ir.IntType(32)(1)]))
        return context.get_dummy_value()

    return types.void(values, at, values.dtype), generate


@inner
def grown(values, size):  # type: ignore[no-untyped-def]
    """Return a copy of a flat array with room for ``size`` values."""
    out = np.empty(size, values.dtype)
    for k in range(len(values)):
        out[k] = values[k]
    return out


@inner
def sort_first(values, count):  # type: ignore[no-untyped-def]
    """Sort the first ``count`` values in place (heapsort; numpy's own takes seconds to compile)."""
    for start in range(count // 2 - 1, -1, -1):
        _sift(values, start, count)
    for end in range(count - 1, 0, -1):
        values[0], values[end] = values[end], values[0]
        _sift(values, 0, end)


@inner
def _sift(values, at, end):  # type: ignore[no-untyped-def]
    value = values[at]
    while True:
        child = 2 * at + 1
        if child >= end:
            break
        if child + 1 < end and values[child + 1] > values[child]:
            child += 1
        if values[child] <= value:
            break
        values[at] = values[child]
        at = child
    values[at] = value
