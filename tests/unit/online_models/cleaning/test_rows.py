"""A row is cleaned as a whole: what was changed stays on it, what cannot be used is named, and nothing is lost or thrown."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from online_models.cleaning.fields import TRACK_FIELDS, USER_FIELDS
from online_models.cleaning.missing import EVIDENCE_MIN
from online_models.cleaning.rows import EXAMPLES_MAX, SHOWN_CHARS_MAX, BadRow, Correction, Refusal, RowCleaner
from online_models.cleaning.verdicts import Reason, Rule

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
ROWS = st.dictionaries(st.sampled_from([field.name for field in TRACK_FIELDS]), ANYTHING, max_size=6)


@given(ROWS)
def test_no_value_whatever_stops_it_and_every_number_is_finite(raw: dict[str, object]) -> None:
    cleaner = RowCleaner(TRACK_FIELDS)
    row = cleaner.clean_one({**raw, "track_id": "t1"})
    cleaner.learn_one(raw, row)
    assert all(math.isfinite(value) for value in row.values.values() if isinstance(value, int | float))
    accounted = row.values.keys() | {refusal.field for refusal in row.refusals}
    assert accounted <= {field.name for field in TRACK_FIELDS}


@given(ROWS)
def test_a_clean_row_is_left_alone(raw: dict[str, object]) -> None:
    cleaner = RowCleaner(TRACK_FIELDS)
    clean = cleaner.clean_one({**raw, "track_id": "t1"}).values
    again = cleaner.clean_one(clean)
    assert again.values == clean
    assert (again.corrections, again.refusals) == ([], [])


def test_a_number_of_thousands_of_digits_is_refused_like_any_other() -> None:
    row = RowCleaner(TRACK_FIELDS).clean_one({"track_id": "t", "title": 10**5_000, "tempo": 10**5_000, "tags": [10**5_000]})
    assert row.values == {"track_id": "t"}
    assert [(it.field, it.value) for it in row.refusals] == [("title", "int"), ("tags", "list"), ("tempo", "int")]


def test_what_was_changed_and_refused_stands_on_the_row_and_is_counted() -> None:
    cleaner = RowCleaner(TRACK_FIELDS)
    raw = {"track_id": "t1", "artist": "BeyoncÃ©", "tempo": "120 bpm", "danceability": 7.3, "released": "14/06/2019", "genre": "unknown"}
    row = cleaner.clean_one(raw)
    assert row.values == {"track_id": "t1", "artist": "Beyoncé", "tempo": 120.0, "released": "2019-06-14"}
    assert row.corrections == [
        Correction("artist", Rule.MOJIBAKE, "BeyoncÃ©", "Beyoncé"),
        Correction("released", Rule.DATE_FORM, "14/06/2019", "2019-06-14"),
        Correction("tempo", Rule.UNIT, "120 bpm", 120.0),
    ]
    assert row.refusals == [Refusal("danceability", Reason.OUT_OF_RANGE, "7.3")]
    assert cleaner.counts.corrected["tempo", Rule.UNIT] == 1
    assert cleaner.counts.examples["tempo", Rule.UNIT] == [("120 bpm", "120.0")]
    assert cleaner.counts.missing["genre"] == 1
    assert "danceability" not in cleaner.counts.missing, "it was refused"


@pytest.mark.parametrize("track_id", [None, "", "  ", b"t1", ["t1"], "x" * 257, float("nan")])
def test_a_row_without_an_id_is_no_row(track_id: object) -> None:
    cleaner = RowCleaner(TRACK_FIELDS)
    with pytest.raises(BadRow, match="no track_id"):
        cleaner.clean_one({"track_id": track_id, "tempo": 120})
    assert (cleaner.counts.n_rows, cleaner.counts.n_bad_rows) == (0, 1)


def test_an_id_is_never_changed() -> None:
    cleaner = RowCleaner(USER_FIELDS)
    assert cleaner.clean_one({"user_id": " Ana\u00a0B "}).values["user_id"] == " Ana\u00a0B "
    assert cleaner.clean_one({"user_id": 7}).values["user_id"] == "7"


def test_an_estimate_stands_apart_and_is_not_learned() -> None:
    cleaner = RowCleaner(TRACK_FIELDS)
    for n in range(EVIDENCE_MIN):
        raw = {"track_id": f"t{n}", "energy": 0.25}
        cleaner.learn_one(raw, cleaner.clean_one(raw))
    for n in range(100):
        raw = {"track_id": f"u{n}"}
        row = cleaner.clean_one(raw)
        assert ("energy" in row.values, row.estimates["energy"]) == (False, 0.25)
        cleaner.learn_one(raw, row)
    raw = {"track_id": "v", "energy": 0.75}
    cleaner.learn_one(raw, cleaner.clean_one(raw))
    assert cleaner.clean_one({"track_id": "w"}).estimates["energy"] == pytest.approx((0.25 * EVIDENCE_MIN + 0.75) / (EVIDENCE_MIN + 1))


def test_dates_that_leave_no_choice_settle_the_others() -> None:
    cleaner = RowCleaner(TRACK_FIELDS)
    assert cleaner.clean_one({"track_id": "t", "released": "06/07/2019"}).values["released"] == "2019"
    for n in range(20):
        raw = {"track_id": f"t{n}", "released": "06/27/2019"}
        cleaner.learn_one(raw, cleaner.clean_one(raw))
    assert cleaner.clean_one({"track_id": "t", "released": "06/07/2019"}).values["released"] == "2019-06-07"


@pytest.mark.parametrize(
    ("tags", "clean", "rules"),
    [
        (["rock", "live", "rock"], ("rock", "live"), []),
        ("rock; live ;rock", ("rock", "live"), [Rule.SPLIT]),
        ("rock, live", ("rock, live",), []),
        (["R&amp;B", "", None], ("R&B",), [Rule.ENTITY]),
        ([1999], ("1999",), []),
    ],
)
def test_a_list_is_texts_each_once(tags: object, clean: tuple[str, ...], rules: list[Rule]) -> None:
    row = RowCleaner(TRACK_FIELDS).clean_one({"track_id": "t", "tags": tags})
    assert row.values["tags"] == clean
    assert [change.rule for change in row.corrections] == rules


def test_examples_are_few_and_short() -> None:
    cleaner = RowCleaner(TRACK_FIELDS)
    for n in range(10):
        cleaner.clean_one({"track_id": f"t{n}", "title": f"  {n}" + "x" * 1_000})
    examples = cleaner.counts.examples["title", Rule.SPACES]
    assert len(examples) == EXAMPLES_MAX
    assert all(len(before) == SHOWN_CHARS_MAX == len(after) for before, after in examples)
