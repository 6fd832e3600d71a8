"""Countries and languages are read from any of their names, and what is none of them is refused."""

from __future__ import annotations

import pytest

from online_models.cleaning.codes import BETWEEN, COUNTRY, LANGUAGE
from online_models.cleaning.country_names import COUNTRIES
from online_models.cleaning.fields import USER_FIELDS
from online_models.cleaning.language_names import LANGUAGES
from online_models.cleaning.rows import RowCleaner
from online_models.cleaning.verdicts import Reading, Reason, Rule


def names(table: str) -> list[tuple[str, str]]:
    entries = [entry.split(" ", 2) for entry in BETWEEN.split(table.strip())]
    return [(name, code) for code, others, spoken in entries for name in (*others.split(","), *spoken.split("/"))]


@pytest.mark.parametrize(("table", "codes"), [(COUNTRIES, COUNTRY), (LANGUAGES, LANGUAGE)])
def test_every_name_of_the_table_gives_its_code_in_any_case(table: str, codes: object) -> None:
    assert isinstance(codes, type(COUNTRY))
    for name, code in names(table):
        assert codes.read(name).value == codes.read(name.upper()).value == codes.read(f" {name} ").value == code
        assert codes.read(code) == Reading(code)


def test_the_countries_are_those_of_iso_3166() -> None:
    assigned = set(pytest.importorskip("pytz").country_names)
    assert {code for _, code in names(COUNTRIES)} - {"XK"} == assigned


@pytest.mark.parametrize(
    ("written", "code", "rule"),
    [
        ("de", "DE", Rule.ONE_FORM),
        ("U.S.A.", "US", Rule.ONE_FORM),
        ("the Philippines", "PH", Rule.ONE_FORM),
        ("Korea, Republic of", "KR", Rule.ONE_FORM),
        ("St. Lucia", "LC", Rule.ONE_FORM),
        ("Bosnia & Herzegovina", "BA", Rule.ONE_FORM),
        ("CÃ´te d'Ivoire", "CI", Rule.ONE_FORM),
        (["France"], "FR", Rule.ONE_FORM),
        ("Switzerlnd", "CH", Rule.SPELLING),
        ("Gremany", "DE", Rule.SPELLING),
    ],
)
def test_a_country_is_read_as_it_was_meant(written: object, code: str, rule: Rule) -> None:
    assert COUNTRY.read(written) == Reading(code, rule)


@pytest.mark.parametrize(
    ("written", "code"),
    [("en-US", "en"), ("pt_BR", "pt"), ("en_US.UTF-8", "en"), ("zh-Hant-TW", "zh"), ("iw", "he"), ("Français", "fr"), ("Portugese", "pt")],
)
def test_a_language_is_read_with_or_without_its_region(written: str, code: str) -> None:
    assert LANGUAGE.read(written).value == code


@pytest.mark.parametrize("written", ["Atlantis", "XX", "Korea", "Congo", "Nigera", ""])
def test_what_is_no_country_or_may_be_two_is_refused(written: str) -> None:
    assert COUNTRY.read(written) == Reading(reason=Reason.UNKNOWN_NAME)


@pytest.mark.parametrize("written", [49, {"code": "DE"}, ["DE", "FR"], b"DE"])
def test_a_country_is_a_text(written: object) -> None:
    assert COUNTRY.read(written) == Reading(reason=Reason.WRONG_TYPE)


def test_a_user_has_both_as_codes() -> None:
    row = RowCleaner(USER_FIELDS).clean_one({"user_id": "u", "country": "Deutschland", "language": "de_AT"})
    assert row.values == {"user_id": "u", "country": "DE", "language": "de"}
    assert [change.rule for change in row.corrections] == [Rule.ONE_FORM, Rule.ONE_FORM]
