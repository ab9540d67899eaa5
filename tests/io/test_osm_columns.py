"""Tags as columns say the same of elements as mappings do."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spatial.io.osm_columns import KEY_CODE, TagTable, tag_table

_ASKED = ("highway", "foot", "name")
_ROWS = st.lists(
    st.dictionaries(st.sampled_from((*_ASKED, "barrier")), st.sampled_from(("yes", "no", "一号路")), max_size=4),
    max_size=20,
)


def as_texts(rows: list[dict[str, str]], keys: tuple[str, ...]) -> tuple[list[int], list[int]]:
    """Return the first row of each combination and the combination of each row, as a dictionary finds them."""
    known: dict[tuple[str | None, ...], int] = {}
    group = [known.setdefault(tuple(row.get(key) for key in keys), len(known)) for row in rows]
    return [group.index(number) for number in range(len(known))], group


@given(_ROWS)
def test_elements_are_grouped_by_the_values_of_the_keys_asked_for_in_the_order_they_come(
    rows: list[dict[str, str]],
) -> None:
    for keys in (_ASKED, _ASKED[:1], ("type",)):
        first, group = tag_table(rows).combine(keys)
        assert (first.tolist(), group.tolist()) == as_texts(rows, keys)


def test_of_a_key_given_twice_the_last_counts() -> None:
    key = np.array([KEY_CODE["foot"]] * 3, dtype=np.int32)
    table = TagTable(2, np.array([0, 0, 1]), key, np.array([0, 1, 1], dtype=np.int32), ("no", "yes"))
    first, group = table.combine(["foot"])
    assert group.tolist() == [0, 0]
    assert first.tolist() == [0]
    assert table.judge(lambda tags: tags["foot"] == "yes", ["foot"]).tolist() == [1, 1]
