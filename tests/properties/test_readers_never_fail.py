"""Whatever stands in a field, its reader gives one answer, never raises, and never a number out of its range."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from online_models.cleaning.dates import DayOrder, read_date
from online_models.cleaning.fields import TRACK_FIELDS, USER_FIELDS, Field
from online_models.cleaning.numbers import read_number
from online_models.cleaning.text import tidy

NUMBERS = [field for field in (*TRACK_FIELDS, *USER_FIELDS) if field.kind == "number"]
PIECES = st.sampled_from(list("0123456789.,-+:eE% '#") + ["bpm", "ms", "PT", "M", "S", "twenty", "-", "June", "/", "²", "٣", "minor"])
RAW = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=30),
    st.binary(max_size=3),
    st.lists(PIECES, max_size=9).map("".join),
)


@given(RAW, st.sampled_from(NUMBERS))
def test_a_number_is_finite_and_in_range_or_refused(value: object, field: Field) -> None:
    found = read_number(value, field)
    if found.value is None:
        assert found.reason is not None
        return
    assert isinstance(found.value, int | float) and math.isfinite(found.value) and field.low <= found.value <= field.high
    assert read_number(found.value, field) == (found.value, None, None), "what is clean is left alone"


@given(RAW)
def test_a_date_that_was_read_is_left_alone(value: object) -> None:
    found = read_date(value, DayOrder())
    if found.value is not None:
        assert read_date(found.value, DayOrder()) == (found.value, None, None)


@given(st.text(max_size=40))
def test_tidy_text_has_single_spaces_between_words_and_none_around(text: str) -> None:
    once, _ = tidy(text)
    assert once == " ".join(once.split())
