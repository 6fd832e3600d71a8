"""Names are corrected on evidence alone, and a name that goes on coming is its own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from online_models.cleaning.fields import TRACK_FIELDS
from online_models.cleaning.rows import Correction, RowCleaner
from online_models.cleaning.spelling import KNOWN_MIN, OWN_MAX, TIMES_MORE, Categories, Spelling, category_key, is_close
from online_models.cleaning.verdicts import Rule

LETTERS = st.text("abc", min_size=1, max_size=6)


def known(*names: str, times: int = KNOWN_MIN, declared: tuple[str, ...] = ()) -> Spelling:
    spelling = Spelling(declared)
    for name in names:
        for _ in range(times):
            spelling.learn_one(name)
    return spelling


@pytest.mark.parametrize("slip", ["Metalica", "Metallicaa", "Metallicq", "Mteallica", "metalica"])
def test_a_slip_of_a_letter_is_corrected(slip: str) -> None:
    assert known("Metallica").correct(slip) == "Metallica"


@pytest.mark.parametrize("name", ["Metallica", "METALLICA", "Metal", "Metalicaa", "Megadeth", "", "!!!"])
def test_anything_else_is_left_alone(name: str) -> None:
    assert known("Metallica").correct(name) is None


def test_a_name_must_be_known_well() -> None:
    assert known("Metallica", times=KNOWN_MIN - 1).correct("Metalica") is None
    assert known("Queen").correct("Queens") is None, "short names are close to each other"
    assert known("Millenium", "Milleniun").correct("Millenius") is None, "it may be either"


def test_a_name_that_goes_on_coming_is_its_own() -> None:
    spelling = known("Illenium", times=TIMES_MORE * 100)
    for _ in range(OWN_MAX):
        spelling.learn_one("Millenium")
        assert spelling.correct("Millenium") == "Illenium"
    spelling.learn_one("Millenium")
    assert spelling.correct("Millenium") is None


def test_a_declared_name_is_right_and_known_from_the_start() -> None:
    spelling = known("electro pop", times=100, declared=("electro hop", "shoegaze"))
    assert spelling.correct("electro hop") is None
    assert spelling.correct("shoegase") == "shoegaze"


@given(LETTERS, LETTERS)
def test_close_is_one_edit_or_one_swap(a: str, b: str) -> None:
    edits = {a[:i] + a[i + 1 :] for i in range(len(a))} | {a[:i] + c + a[i:] for i in range(len(a) + 1) for c in "abc"}
    edits |= {a[:i] + c + a[i + 1 :] for i in range(len(a)) for c in "abc"}
    edits |= {a[:i] + a[i + 1] + a[i] + a[i + 2 :] for i in range(len(a) - 1)}
    if a != b:
        assert is_close(a, b) == is_close(b, a) == (b in edits)


def test_a_category_takes_its_usual_writing() -> None:
    genres = Categories()
    for name in ("R&B", "rnb", "rnb"):
        genres.learn_one(name)
    assert [genres.one_form(it) for it in ("r n b", "R&B", "rock")] == ["rnb", "rnb", "rock"]
    genres.learn_one("R&B")
    assert genres.one_form("rnb") == "R&B", "a tie goes to the first"
    assert Categories(["r&b"]).one_form("RNB") == "r&b"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("rock", "rock n roll"),
        ("drum and bass", "drum bass"),
        ("hip hop", "hip pop"),
        ("k-pop", "j-pop"),
        ("новая волна", "волна"),
        ("!", "?"),
    ],
)
def test_other_categories_stay_apart(one: str, other: str) -> None:
    assert category_key(one) != category_key(other)


def test_a_row_says_what_became_of_its_names() -> None:
    cleaner = RowCleaner(TRACK_FIELDS, {"genre": ["electronic"]})
    for n in range(KNOWN_MIN):
        raw = {"track_id": f"t{n}", "artist": "Metallica", "genre": "R&B"}
        cleaner.learn_one(raw, cleaner.clean_one(raw))
    row = cleaner.clean_one({"track_id": "t", "artist": "Metalica ", "genre": "r'n'b"})
    assert (row.values["artist"], row.values["genre"]) == ("Metallica", "R&B")
    assert row.corrections == [
        Correction("artist", Rule.SPACES, "Metalica ", "Metalica"),
        Correction("artist", Rule.SPELLING, "Metalica", "Metallica"),
        Correction("genre", Rule.ONE_FORM, "r'n'b", "R&B"),
    ]
    assert cleaner.clean_one({"track_id": "t", "genre": "Electronik"}).values["genre"] == "electronic"
