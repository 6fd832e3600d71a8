"""Numbers, dates, keys, ages and text: what each rule corrects, and what it leaves alone."""

from __future__ import annotations

import pytest

from online_models.cleaning.dates import EVIDENCE_MIN, DayOrder, read_date
from online_models.cleaning.fields import TRACK, USER
from online_models.cleaning.missing import EVIDENCE_MIN as IMPUTE_MIN
from online_models.cleaning.missing import Imputer
from online_models.cleaning.numbers import read_number
from online_models.cleaning.text import tidy
from online_models.cleaning.verdicts import Reason, Rule


@pytest.mark.parametrize(
    ("field", "value", "number", "rule"),
    [
        ("tempo", "122.036", 122.036, None),
        ("tempo", "122.036 bpm", 122.036, Rule.UNIT),
        ("tempo", "122,036", 122.036, Rule.DECIMAL_COMMA),
        ("tempo", "122,036 BPM", 122.036, Rule.UNIT),
        ("danceability", "74.8 %", 0.748, Rule.UNIT),
        ("danceability", "6.09e-4", 6.09e-4, None),
        ("loudness", "−2,634", -2.634, Rule.DECIMAL_COMMA),
        ("duration_ms", "194,754", 194_754, Rule.THOUSANDS),
        ("duration_ms", "3:21", 201_000, Rule.CLOCK),
        ("duration_ms", "PT3M21S", 201_000, Rule.CLOCK),
        ("duration_ms", "194.754", 194_754, Rule.SECONDS),
        ("duration_ms", "3.2 min", 192_000, Rule.UNIT),
        ("duration_ms", 194_754.4, 194_754, Rule.WHOLE),
        ("key", "F♯ minor", 6, Rule.KEY_NAME),
        ("key", "8A", 9, Rule.KEY_NAME),
        ("mode", "Minor", 0, Rule.KEY_NAME),
        ("speechiness", "6,09E-4", 6.09e-4, Rule.DECIMAL_COMMA),
        ("danceability", "０．７４８", 0.748, Rule.UNICODE),
        ("loudness", "－7.2", -7.2, Rule.UNICODE),
        ("energy", '"0.5"', 0.5, Rule.BARE),
        ("energy", "'0.5", 0.5, Rule.BARE),
        ("energy", '="0.5"', 0.5, Rule.BARE),
        ("energy", "0.5;", 0.5, Rule.BARE),
        ("energy", "\ufeff0.5", 0.5, Rule.BARE),
        ("energy", "[0.5]", 0.5, Rule.BARE),
        ("energy", [0.5], 0.5, Rule.BARE),
        ("energy", ("50 %",), 0.5, Rule.UNIT),
        ("tempo", "Tempo: 122", 122.0, Rule.BARE),
        ("tempo", "BPM 122", 122.0, Rule.BARE),
        ("tempo", "ca. 122", 122.0, Rule.ABOUT),
        ("tempo", "~122 bpm", 122.0, Rule.UNIT),
        ("popularity", "66/100", 66, Rule.UNIT),
        ("danceability", "7 out of 10", 0.7, Rule.UNIT),
        ("duration_ms", "194’754", 194_754, Rule.THOUSANDS),
        ("duration_ms", "3 Min. 21 Sek.", 201_000, Rule.CLOCK),
    ],
)
def test_a_number_is_read_as_it_was_meant(field: str, value: object, number: float, rule: Rule | None) -> None:
    found = read_number(value, TRACK[field])
    assert (found.value, found.rule, found.reason) == (number, rule, None)


@pytest.mark.parametrize(("value", "age"), [("twenty-five", 25), ("25", 25), ("25 years", 25), ("Thirty one years old", 31)])
def test_an_age_may_be_a_word_or_a_text(value: str, age: int) -> None:
    assert read_number(value, USER["age"]).value == age


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("danceability", 7.3, Reason.OUT_OF_RANGE),
        ("tempo", "0", Reason.OUT_OF_RANGE),
        ("duration_ms", -194_754, Reason.OUT_OF_RANGE),
        ("duration_ms", "-3", Reason.OUT_OF_RANGE),
        ("tempo", float("inf"), Reason.NOT_FINITE),
        ("tempo", "1e999", Reason.NOT_FINITE),
        ("tempo", 10**400, Reason.NOT_FINITE),
        ("tempo", "fast", Reason.NOT_A_NUMBER),
        ("tempo", [120, 121], Reason.WRONG_TYPE),
        ("tempo", "120" + " " * 200 + "5", Reason.NOT_A_NUMBER),
        ("tempo", True, Reason.WRONG_TYPE),
        ("key", 6.5, Reason.NOT_WHOLE),
        ("key", "6/12", Reason.NOT_A_NUMBER),
        ("tempo", "energy: 122", Reason.NOT_A_NUMBER),
        ("energy", "(0.5)", Reason.NOT_A_NUMBER),
        ("danceability", "ca. 7.3", Reason.OUT_OF_RANGE),
    ],
)
def test_a_number_that_cannot_be_meant_is_refused(field: str, value: object, reason: Reason) -> None:
    found = read_number(value, TRACK[field])
    assert (found.value, found.reason) == (None, reason)


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("2019", "2019"),
        (2019, "2019"),
        ("2019.0", "2019"),
        ("2019-06", "2019-06"),
        ("2019-06-00", "2019-06"),
        ("2019-06-14", "2019-06-14"),
        ("2019/6/14", "2019-06-14"),
        ("20190614", "2019-06-14"),
        ("2019-06-14T00:00:00Z", "2019-06-14"),
        ("14/06/2019", "2019-06-14"),
        ("06/14/2019", "2019-06-14"),
        ("14.06.2019", "2019-06-14"),
        ("June 14, 2019", "2019-06-14"),
        ("14th Jun 2019", "2019-06-14"),
        ("2019 Jun 14", "2019-06-14"),
        ("14-JUN-2019", "2019-06-14"),
        ("Friday, June 14, 2019", "2019-06-14"),
        ("Fri, 14 Jun 2019 00:00:00 GMT", "2019-06-14"),
        ("14/06/2019 12:30 PM", "2019-06-14"),
        ("14. Juni 2019", "2019-06-14"),
        ("14 de junio de 2019", "2019-06-14"),
        ("1er août 2019", "2019-08-01"),
        ("14 июня 2019", "2019-06-14"),
        ("2019年6月14日", "2019-06-14"),
        ("2019년 6월", "2019-06"),
        ("(2019)", "2019"),
        ("2019-??-??", "2019"),
        ("2019-06-xx", "2019-06"),
        ('"2019-06-14"', "2019-06-14"),
        ("released: 2019", "2019"),
        (43630, "2019-06-14"),
        ("43630.0", "2019-06-14"),
        (1560470400, "2019-06-14"),
        ("1560470400000", "2019-06-14"),
        (-315619200, "1960-01-01"),
    ],
)
def test_a_date_is_brought_to_one_form(value: object, day: str) -> None:
    found = read_date(value, DayOrder())
    assert (found.value, found.reason) == (day, None)


@pytest.mark.parametrize("value", ["2019-02-30", "soon", "14/14/2019", "2019-13", "14/06/19", "49", 7, "14 foo 2019", "x" * 100, 10**400])
def test_what_is_no_day_is_refused(value: str) -> None:
    assert read_date(value, DayOrder()).reason is Reason.NOT_A_DATE


def test_the_stream_settles_whether_the_day_comes_first() -> None:
    day_first, month_first, mixed = DayOrder(), DayOrder(), DayOrder()
    for _ in range(EVIDENCE_MIN):
        day_first.learn_one("25/12/2019")
        month_first.learn_one("12/25/2019")
        mixed.learn_one("25/12/2019")
        mixed.learn_one("12/25/2019")
    assert read_date("06/07/2019", day_first).value == "2019-07-06"
    assert read_date("06/07/2019", month_first).value == "2019-06-07"
    assert read_date("06/07/2019", mixed).reason is Reason.UNCLEAR_DATE


@pytest.mark.parametrize(
    ("text", "after", "rule"),
    [
        ("Simon &amp; Garfunkel", "Simon & Garfunkel", Rule.ENTITY),
        ("BeyoncÃ©", "Beyoncé", Rule.MOJIBAKE),
        ("Beyonce\u0301", "Beyoncé", Rule.UNICODE),
        ("Pt\u200b. 4", "Pt. 4", Rule.INVISIBLE),
        (" Daft\u00a0 Punk ", "Daft Punk", Rule.SPACES),
        ("ï»¿Load", "\ufeffLoad", Rule.MOJIBAKE),
        ("Ã\x81rea", "Área", Rule.MOJIBAKE),
        ("BeyoncГ©", "Beyoncé", Rule.MOJIBAKE),
        ("MÃƒÂ\xadrame", "Mírame", Rule.MOJIBAKE),
        ("Beyonc\\u00e9", "Beyoncé", Rule.ESCAPE),
        ("Don%27t%20Stop", "Don't Stop", Rule.ESCAPE),
        ("Jamie\u200d Jones", "Jamie Jones", Rule.INVISIBLE),
    ],
)
def test_text_is_brought_to_one_form_by_one_rule(text: str, after: str, rule: Rule) -> None:
    found, steps = tidy(text)
    assert steps[0] == (text, after, rule)
    assert found == after.replace("\ufeff", "") and len(steps) == (2 if "\ufeff" in after else 1)


@pytest.mark.parametrize(
    "text",
    [
        "SENTADÃO",
        "UCLÃ",
        "AT&T",
        "Motörhead",
        "می\u200cخواهم",
        "하드캐리 Hard Carry",
        "Кино",
        "50%50",
        "100% Pure Love",
        "rock&roll;",
        "👩\u200d🎤",
        "<I°_°I>",
        "AC/DC",
        "C:\\new",
    ],
)
def test_text_that_is_right_is_left_alone(text: str) -> None:
    assert tidy(text) == (text, [])


def test_an_estimate_waits_for_evidence_and_is_a_whole_number_where_the_field_counts() -> None:
    imputer = Imputer(TRACK.values())
    for k in range(IMPUTE_MIN):
        assert imputer.transform_one({}) == {}
        imputer.learn_one({"popularity": 40 + k % 2, "energy": 0.5})
    assert imputer.transform_one({"energy": 0.9}) == {"popularity": 40}
