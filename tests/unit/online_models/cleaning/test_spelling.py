"""Names are corrected on evidence alone, and a name that goes on coming is its own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from online_models.cleaning.fields import TRACK_FIELDS
from online_models.cleaning.rows import Correction, RowCleaner
from online_models.cleaning.spelling import BESIDE_MAX, KNOWN_MIN, OWN_MAX, TIMES_MORE, Beside, Spelling, is_close
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


def test_a_short_name_needs_something_beside_it_that_says_the_same() -> None:
    spelling = known("Train", "Queen", "Kygo")
    assert spelling.correct("Trains") is None
    assert spelling.correct("Trains", beside={"train", "queen"}) == "Train"
    assert spelling.correct("qygo", beside={"queen"}) is None


def test_what_stands_beside_decides_between_two() -> None:
    spelling = known("Millenium", "Milleniun")
    assert spelling.correct("Millenius", beside={"milleniun"}) == "Milleniun"


def test_the_slips_of_a_name_of_thousands_of_rows_come_again() -> None:
    spelling = known("electro", times=3_000)
    for _ in range(6):
        assert spelling.correct("electto") == "electro"
        spelling.learn_one("electto")
    spelling.learn_one("electto")
    assert spelling.correct("electto") is None


def test_beside_keeps_the_frequent_names_of_a_place() -> None:
    albums = Beside()
    for n in range(200):
        albums.learn_one("Now!", f"guest{n}")
        albums.learn_one("NOW", "host")
    assert "host" in albums.names("now") and len(albums.names("now")) <= BESIDE_MAX


def test_an_album_or_a_song_tells_who_a_short_name_is() -> None:
    cleaner = RowCleaner(TRACK_FIELDS)
    for n in range(KNOWN_MIN):
        raw = {"track_id": f"t{n}", "artist": "Train", "album": "Save Me, San Francisco", "title": f"Song {n}"}
        cleaner.learn_one(raw, cleaner.clean_one(raw))
    dirty = {"track_id": "t", "artist": "Trains"}
    assert cleaner.clean_one(dirty).values["artist"] == "Trains"
    assert cleaner.clean_one({**dirty, "album": "save me san francisco"}).values["artist"] == "Train"
    assert cleaner.clean_one({**dirty, "title": "Song 3"}).values["artist"] == "Train"


def test_a_sub_genre_tells_which_genre_was_meant() -> None:
    cleaner = RowCleaner(TRACK_FIELDS)
    for n in range(KNOWN_MIN):
        raw = {"track_id": f"t{n}", "genre": "pop", "subgenre": "dance pop"}
        cleaner.learn_one(raw, cleaner.clean_one(raw))
    assert cleaner.clean_one({"track_id": "t", "genre": "ppo"}).values["genre"] == "ppo"
    assert cleaner.clean_one({"track_id": "t", "genre": "ppo", "subgenre": "Dance-Pop"}).values["genre"] == "pop"


def test_a_row_says_what_became_of_its_names() -> None:
    cleaner = RowCleaner(TRACK_FIELDS, {"genre": {"electronic": ()}})
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
