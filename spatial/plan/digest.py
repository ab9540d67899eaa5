"""Which id does a plan have? A digest of all it is made from."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from spatial.profile import Profile

_ID_LENGTH = 12
_NOT_CONTENT = frozenset({"path"})


def digest_inputs(provenance: Mapping[str, Any], profile: Profile, seed: int, version: int | str) -> str:
    """Return twelve hexadecimal digits of a SHA-256 over inputs, profile, seed and program version.

    Equal inputs give equal ids: the order of keys does not matter, nor where a file lies (``path``); how it was read
    does. Of a file its bytes count, so that its check sum tells on any machine which files a plan was made from: a file
    whose rows stand in another order is another file, though the plan made from it is the same but for this id. What
    was read could not tell that everywhere, for metres differ in their last bits from machine to machine.
    """
    document = {
        "inputs": _content(provenance),
        "profile": asdict(profile),
        "seed": seed,
        "version": version,
    }
    text = json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:_ID_LENGTH]


def _content(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _content(inner) for key, inner in value.items() if key not in _NOT_CONTENT}
    return value
