"""How much work can it be to read an expression of CQL2 text? The reader tries what stands in brackets twice.

It takes a bracket for a condition and, where that cannot be read, for a list: what is broken inside of n brackets is
read 2**n times. Some dozens would keep the process busy for years, so the work is held before it reads.
"""

import re

MOST_WORK = 250_000
"""Characters read, however often: some tenths of a second."""
_DEEP = 40
_PARTS = re.compile(
    r"""'(?:[^']|'')*' | "(?:[^"]|"")*"
    | (?P<call>\b(?:s_\w+|casei|accenti|polygon|multi(?:point|linestring|polygon)|geometrycollection)\s*\()
    | (?P<opening>\() | (?P<closing>\)) | [^'"()a-z]+ | [a-z_]\w* | .""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
"""Quoted texts and names, brackets of calls, which are read once, other brackets, and what is between."""


def measure_work(text: str) -> int:
    """Return how many characters are read at most where a text is broken: each twice for every bracket around it."""
    work, depth = 0, 0
    calls: list[bool] = []
    for part in _PARTS.finditer(text):
        if part["opening"] or part["call"]:
            calls.append(bool(part["call"]))
            depth += not calls[-1]
        work += (part.end() - part.start()) << min(depth, _DEEP)
        if part["closing"] and calls:
            depth -= not calls.pop()
    return work
