"""What is wrong with a CQL2 expression that cannot be read? One sentence: what was found, where, what was needed."""

import re
from typing import Any

import cql2
import orjson

_PLACE = re.compile(r"--> (\d+):(\d+)")
_EXPECTED = re.compile(r"= expected (.+)", re.DOTALL)
_WORD = re.compile(r"\w+")
_VALUES = frozenset(
    "Identifier Negative UnaryNot True False Null DECIMAL Double SingleQuotedString Array Expr "
    "ExpressionInParentheses GEOMETRY".split()
)
_SUMS = frozenset("Add Subtract Multiply Divide Modulo Power".split())
_END = "EOI"
"""Words of the grammar that the reader expects: what they mean stands in ``_name_needed``."""
_VALUE = "a property, a number, a text in 'single quotes', a geometry or a condition in brackets"
_PLAIN = "a condition such as households > 500 AND status = 'draft'"
_NODE = 'an object with "op" and "args", a property, a value or a geometry'
_SHOWN = 24
_DEEPEST = 64


def tell_unread_text(text: str, said: str) -> str:
    """Return what is wrong with an expression of CQL2 text; ``said`` is the reader's own report."""
    place, expected = _PLACE.search(said), _EXPECTED.search(said)
    if not text.strip():
        return f"filter is no cql2-text: found nothing in it, needed {_PLAIN}"
    line, column = (int(place[1]), int(place[2])) if place else (1, 1)
    lines = text.split("\n")
    rest = "\n".join([lines[line - 1][column - 1 :], *lines[line:]])
    where = f"at character {column}" + (f" of line {line}" if len(lines) > 1 else "")
    needed = _name_needed(set(_WORD.findall(expected[1])) if expected else set())
    return f"filter is no cql2-text: found {_quote(rest)} {where}, needed {needed}"


def _name_needed(rules: set[str]) -> str:
    """Return what rules of the grammar are to who writes an expression."""
    if rules & _VALUES and rules & _SUMS:
        return "a number, a sign (+ - * / % ^) or a closing bracket"
    if rules & _VALUES:
        return _VALUE
    sums = "a sign (+ - * / % ^)"
    if rules and rules - {"or"} <= _SUMS:
        return f"{sums} or AND with the upper end of BETWEEN"
    if rules & _SUMS:
        closing = "the end" if _END in rules else "a closing bracket"
        return f"a comparison (= <> < > <= >= LIKE IN BETWEEN IS NULL), {sums}, AND, OR or {closing}"
    return "NULL or NOT NULL" if "NotFlag" in rules else _PLAIN


def tell_unread_json(text: str, said: str) -> str:
    """Return what is wrong with an expression of CQL2 JSON; ``said`` is the reader's own report."""
    if "recursion" in said:
        return "filter is nested deeper than can be read; needed a plainer one"
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        found = _quote(text[error.pos :])
        return f"filter is no cql2-json: found {found} at character {error.pos + 1}, needed JSON: {_NODE}"
    return f"filter is no cql2-json: found {_quote(orjson.dumps(_find_unread(document)).decode())}, needed {_NODE}"


def _find_unread(document: Any) -> Any:
    """Return the innermost part of a document that the reader does not take."""
    node = document
    for _ in range(_DEEPEST):
        parts = node.get("args") if isinstance(node, dict) else node
        inner = [part for part in parts if not _can_be_read(part)] if isinstance(parts, list) else []
        if not inner:
            return node
        node = inner[0]
    return node


def _can_be_read(node: Any) -> bool:
    try:
        cql2.parse_json(orjson.dumps(node).decode())
    except (cql2.ParseError, ValueError):
        return False
    return True


def _quote(text: str) -> str:
    """Return the beginning of a text in quotes, or that it is at its end."""
    line = " ".join(text.split())
    return repr(line if len(line) <= _SHOWN else f"{line[:_SHOWN]}...") if line else "the end"
