"""Names take their usual writing: categories always, artists where it is known well."""

from __future__ import annotations

import pytest

from online_models.cleaning.fields import TRACK_FIELDS, USER_FIELDS
from online_models.cleaning.rows import RowCleaner
from online_models.cleaning.spelling import KNOWN_MIN, category_key
from online_models.cleaning.vocabulary import GENRES
from online_models.cleaning.writings import Artists, Categories, article_first


def test_a_category_takes_its_usual_writing() -> None:
    genres = Categories()
    for name in ("R&B", "rnb", "rnb"):
        genres.learn_one(name)
    assert [genres.one_form(it) for it in ("r n b", "R&B", "rock")] == ["rnb", "rnb", "rock"]
    genres.learn_one("R&B")
    assert genres.one_form("rnb") == "R&B", "a tie goes to the first"
    assert Categories({"r&b": ()}).one_form("RNB") == "r&b"


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


def test_every_declared_genre_has_letters_of_its_own() -> None:
    assert len({category_key(name) for name in GENRES}) == len(GENRES)


@pytest.mark.parametrize("written", ["GUNS N' ROSES", "Guns N’ Roses", "Guns & Roses", "guns and roses", "Guns_N'_Roses"])
def test_an_artist_that_is_known_well_takes_the_usual_writing(written: str) -> None:
    artists = Artists()
    for _ in range(KNOWN_MIN):
        assert artists.one_form(written) == written, "not known yet"
        artists.learn_one("Guns N' Roses")
    assert artists.one_form(written) == "Guns N' Roses"


def test_two_artists_of_the_same_letters_stay_two() -> None:
    artists = Artists()
    for _ in range(KNOWN_MIN):
        artists.learn_one("H.E.R.")
    assert artists.one_form("Her") == "Her", "short, and not the same but for capitals"
    assert artists.one_form("Her", is_told=True) == "H.E.R."
    assert artists.one_form("h.e.r.") == "H.E.R."
    artists.learn_one("h.e.r.")
    assert artists.one_form("h.e.r.") == "h.e.r.", "one in five is no slip"


@pytest.mark.parametrize(
    ("written", "said"), [("Beatles, The", "The Beatles"), ("Earth, Wind & Fire", "Earth, Wind & Fire"), (", The", ", The")]
)
def test_an_article_goes_first(written: str, said: str) -> None:
    assert article_first(written) == said


@pytest.mark.parametrize(
    ("written", "gender"), [("F", "female"), ("Weiblich", "female"), ("m ", "male"), ("NB", "non-binary"), ("agender", "agender")]
)
def test_gender_takes_its_declared_form(written: str, gender: str) -> None:
    assert RowCleaner(USER_FIELDS).clean_one({"user_id": "u", "gender": written}).values["gender"] == gender


def test_a_declared_genre_is_not_taken_for_its_neighbour_however_seldom_it_is() -> None:
    cleaner = RowCleaner(TRACK_FIELDS)
    for n in range(1_000):
        raw = {"track_id": f"t{n}", "subgenre": "hip hop"}
        cleaner.learn_one(raw, cleaner.clean_one(raw))
    assert cleaner.clean_one({"track_id": "t", "subgenre": "hip pop"}).values["subgenre"] == "hip pop"
    assert cleaner.clean_one({"track_id": "t", "subgenre": "Hip-Hop"}).values["subgenre"] == "hip hop"
