"""How are the inner loops compiled: once, kept on disk, without the interpreter's lock?

Compiling takes as long as there are functions, signatures and ways in from Python, whatever their loops do. So counters
that a kernel hands on start as ``np.int64(0)`` (a bare 0 is a signature of its own), and arrays are copied in loops.
"""

import numba as nb
import numpy as np
from numba.extending import register_jitable

kernel = nb.njit(cache=True, nogil=True, error_model="numpy", no_cfunc_wrapper=True)
"""Compile a function; the machine code is cached beside the module (or in ``NUMBA_CACHE_DIR``)."""

bare = nb.njit(cache=True, nogil=True, error_model="numpy", no_cfunc_wrapper=True, _nrt=False)
"""Compile a function that makes no arrays and returns none, without counting references to those it is handed: where
loops call functions with many arrays, the counting takes half of the time."""

inner = register_jitable(nogil=True, error_model="numpy")
"""Compile a function into the kernels that call it; called from Python it runs uncompiled."""

pasted = register_jitable(nogil=True, error_model="numpy", forceinline=True)
"""As ``inner``, and without a call: for functions of many arrays, whose handing over takes longer than their work."""


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
