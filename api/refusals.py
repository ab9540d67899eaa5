"""Why does a value that was sent not fit? One sentence: where it stands, what was found, what was needed."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

_AROUND = ("query", "path", "header", "body")
"""What FastAPI puts before the place of a value: the part of a request that it stands in."""
_KINDS = ("list", "collection", "rows", "columns")
"""Kinds of a value that may stand as one of several; in the place of an error each follows the value's name."""
_MOST_SHOWN = 60


def tell_refusal(error: Mapping[str, Any]) -> str:
    """Return the sentence that tells of an error of pydantic's, of which FastAPI knows where it was."""
    kind, facts = str(error["type"]), error.get("ctx") or {}
    where = _where(error["loc"])
    if kind == "json_invalid":
        return f"the body is no JSON: {facts.get('error', error['msg'])}"
    if kind == "missing":
        return f"{where}: found nothing, needed a value"
    if kind == "extra_forbidden":
        return f"{where}: found a member that is not known, needed none of this name"
    if kind == "value_error":
        return f"{where}: {facts.get('error', error['msg'])}"
    need = _NEEDED.get(kind)
    needed = f"needed {need(facts)}" if need else _lowered(str(error["msg"]))
    return f"{where}: found {_show(error.get('input'), kind)}, {needed}"


def _where(place: Sequence[Any]) -> str:
    """Return the path to a value, as one writes it down: ``inputs.points[2].id``."""
    path = ""
    for part in place[1:] if place and place[0] in _AROUND else place:
        if part in _KINDS:
            continue
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    return path or "the body"


def _show(value: Any, kind: str) -> str:
    """Return a value as it stood, shortened; of what is too long or too short, how long it is."""
    if kind.endswith(("too_long", "too_short")) and isinstance(value, Sequence | Mapping):
        return f"{len(value):,}"
    if isinstance(value, Mapping):
        return "an object" if value else "an object without members"
    if isinstance(value, list):
        return f"a list of {len(value):,}"
    names = {None: "null", True: "true", False: "false"}
    text = names[value] if value is None or isinstance(value, bool) else repr(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."


def _lowered(message: str) -> str:
    return message[:1].lower() + message[1:]


def _always(text: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda facts: text


def _limit(words: str, name: str) -> Callable[[Mapping[str, Any]], str]:
    def tell(facts: Mapping[str, Any]) -> str:
        value = facts.get(name)
        return words.format(f"{value:g}" if isinstance(value, float) else value)

    return tell


_LIST = _always("a list")
_OBJECT = _always("an object")
_TEXT = _always("a text")
_WHOLE = _always("a whole number")
_NUMBER = _always("a number")
_FLAG = _always("true or false")
_NEEDED: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "list_type": _LIST,
    "dict_type": _OBJECT,
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "string_type": _TEXT,
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_from_float": _WHOLE,
    "int_parsing_size": _always("a whole number of fewer digits"),
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": _always("a finite number"),
    "bool_type": _FLAG,
    "bool_parsing": _FLAG,
    "literal_error": _limit("{}", "expected"),
    "greater_than_equal": _limit("{} or more", "ge"),
    "greater_than": _limit("more than {}", "gt"),
    "less_than_equal": _limit("{} or less", "le"),
    "less_than": _limit("less than {}", "lt"),
    "too_short": _limit("at least {}", "min_length"),
    "too_long": _limit("at most {}", "max_length"),
    "string_too_short": _limit("at least {} characters", "min_length"),
    "string_too_long": _limit("at most {} characters", "max_length"),
}
"""By kind of error: what would have fitted."""
