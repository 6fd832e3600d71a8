"""Columns that say nothing are named, and no others."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from online_models.cleaning.unneeded import ROWS_MIN, Columns, Unneeded

VALUES = st.sampled_from(["", "NA", "a", "b", 1, 1.5, None])
NAMES = ("a", "b", "c", "d")


@given(st.lists(st.tuples(VALUES, VALUES, VALUES, VALUES), min_size=ROWS_MIN, max_size=ROWS_MIN + 10))
def test_it_is_what_a_look_at_the_whole_table_says(table: list[tuple[object, ...]]) -> None:
    columns = Columns(NAMES)
    for row in table:
        columns.learn_one(dict(zip(NAMES, row, strict=True)))
    whole = {name: ["" if row[k] in ("", "NA", None) else str(row[k]) for row in table] for k, name in enumerate(NAMES)}
    found = columns.unneeded()
    assert found.empty == [name for name in NAMES if not any(whole[name])]
    assert found.constant == [name for name in NAMES if len({it for it in whole[name] if it}) == 1]
    told = {*found.empty, *found.constant}
    firsts = {name: next(other for other in NAMES if whole[other] == whole[name]) for name in NAMES if name not in told}
    assert found.copies == {name: first for name, first in firsts.items() if name != first}


def test_few_rows_say_nothing() -> None:
    columns = Columns(["a"])
    for _ in range(ROWS_MIN - 1):
        columns.learn_one({"a": 1})
    assert columns.unneeded() == Unneeded([], [], {})
