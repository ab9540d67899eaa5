"""A filter that cannot be read is answered in one sentence of our own: what was found, where, what was needed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.filters import Language, read_filter
from spatial.errors import InputError

VALUE = "needed a property, a number, a text in 'single quotes', a geometry or a condition in brackets"
OPERATOR = "needed a comparison (= <> < > <= >= LIKE IN BETWEEN IS NULL), a sign (+ - * / % ^), AND, OR or "
NODE = 'an object with "op" and "args", a property, a value or a geometry'


def told(text: str, language: Language = "cql2-text") -> str:
    with pytest.raises(InputError) as error:
        read_filter(text, language)
    return str(error.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "found nothing in it, needed a condition such as households > 500 AND status = 'draft'"),
        (" \n", "found nothing in it, needed a condition such as households > 500 AND status = 'draft'"),
        ("households >", f"found the end at character 13, {VALUE}"),
        ("households == 3", f"found '= 3' at character 13, {VALUE}"),
        ("名称 = ", f"found the end at character 6, {VALUE}"),
        ("a = 1\n and b <> ", f"found the end at character 11 of line 2, {VALUE}"),
        ("hous eholds = 'x'", f"""found "eholds = 'x'" at character 6, {OPERATOR}the end"""),
        ("(a = 1", f"found the end at character 7, {OPERATOR}a closing bracket"),
        ("a = 1)", f"found ')' at character 6, {OPERATOR}the end"),
        ("a BETWEEN 1",
         "found the end at character 12, needed a sign (+ - * / % ^) or AND with the upper end of BETWEEN"),
        ("a IS", "found the end at character 5, needed NULL or NOT NULL"),
        ("S_WITHIN(geometry, POINT(1 a))",
         "found 'a))' at character 28, needed a number, a sign (+ - * / % ^) or a closing bracket"),
        ("a = 1 much more than anybody wants to read again",
         f"found 'much more than anybody w...' at character 7, {OPERATOR}the end"),
    ],
)  # fmt: skip
def test_text_that_cannot_be_read_says_what_stands_where_and_what_was_needed(text: str, sentence: str) -> None:
    assert told(text) == f"filter is no cql2-text: {sentence}"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", f"found the end at character 1, needed JSON: {NODE}"),
        ('{"op": "=", "args": [1,}', f"found '}}' at character 24, needed JSON: {NODE}"),
        ('{"property": "a"} x', f"found 'x' at character 19, needed JSON: {NODE}"),
        ('{"op": "and", "args": [{"op": "="}, true]}', f"""found '{{"op":"="}}', needed {NODE}"""),
        ('{"op": "=", "args": [{"property": "a"}, {"foo": 5}]}', f"""found '{{"foo":5}}', needed {NODE}"""),
    ],
)
def test_json_that_cannot_be_read_names_the_innermost_part(text: str, sentence: str) -> None:
    assert told(text, "cql2-json") == f"filter is no cql2-json: {sentence}"


@pytest.mark.parametrize("text", ['{"op":"not","args":[' * 300 + "1" + "]}" * 300, "[" * 5000])
def test_json_that_is_nested_too_deep_is_told_so(text: str) -> None:
    assert told(text, "cql2-json") == "filter is nested deeper than can be read; needed a plainer one"


@given(st.text(st.sampled_from("ab1 ='(),.<>\n名\"{}[]:-+") | st.characters(), max_size=30))
def test_whatever_cannot_be_read_is_told_without_the_words_of_the_reader(text: str) -> None:
    for language in ("cql2-text", "cql2-json"):
        sentence = _told_if_unread(text, language)
        assert sentence is None or sentence.startswith(f"filter is no {language}: found ")
        assert not {"-->", "expected", "EOI", "enum"} & (set((sentence or "").split()) - set(repr(text).split()))


def _told_if_unread(text: str, language: Language) -> str | None:
    try:
        read_filter(text, language)
    except InputError as error:
        return str(error)
    return None
