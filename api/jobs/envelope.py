"""How is a request for a job kept: as it was sent, with a head that tells how its results are wanted, and who asked?"""

from dataclasses import dataclass
from typing import Any

import orjson

_BREAK = b"\n"  # JSON in one line holds none


@dataclass(frozen=True, slots=True)
class Wanted:
    """Who asked, which outputs are wanted (none: all), and whether a single one is answered bare."""

    who: str = ""
    outputs: tuple[str, ...] = ()
    raw: bool = False


def seal(body: bytes, wanted: Wanted) -> bytes:
    """Return what is kept of a request; ``body`` is a JSON object with ``inputs``."""
    return orjson.dumps(wanted) + _BREAK + body


def read_wanted(sealed: bytes) -> Wanted:
    """Return the head of what was kept."""
    told = orjson.loads(sealed.partition(_BREAK)[0])
    return Wanted(told["who"], tuple(told["outputs"]), told["raw"])


def read_inputs(sealed: bytes) -> Any:
    """Return the inputs of what was kept."""
    return orjson.loads(sealed.partition(_BREAK)[2])["inputs"]
