"""Lessons on the wire: what is written is read back, and what cannot be read names its reason."""

from __future__ import annotations

import pytest

from online_models.lesson_formats import ROW_BYTES_MAX, GenreFormat, TextFormat, json_lesson
from online_models.model import BadLesson
from tests.tracks_of_known_genre import tracks


def test_a_catalogue_row_is_read_as_it_was_written() -> None:
    for n, (values, genre) in enumerate(tracks(20, seed=1)):
        heard = GenreFormat().read(json_lesson(f"t{n}", genre, values, n))
        assert heard.lesson == ({name: value for name, value in values.items() if name != "track_id"}, genre, 1.0)
        assert (heard.about, heard.at_ms) == (f"t{n}", n)


def test_null_or_no_genre_is_no_label_and_unknown_fields_are_ignored() -> None:
    for row in (b'{"track_id":"t1","genre":null}', b'{"track_id":"t1","more":[1]}'):
        assert GenreFormat().read(row).lesson == ({}, None, 1.0)


def test_words_are_read_by_the_models_of_words_alone() -> None:
    row = json_lesson("t1", "rock", {"title": "Vltava", "tags": ["river", "calm"], "lyrics": "ó", "language": "cs", "energy": 0.5})
    heard = TextFormat().read(row).lesson
    words = {"tags": ["river", "calm"], "lyrics": "ó", "language": "cs"}
    assert heard == ({"energy": 0.5, "title": "Vltava", **words, "track_id": "t1"}, "rock", 1.0)
    assert GenreFormat().read(row).lesson == ({"energy": 0.5, "title": "Vltava"}, "rock", 1.0)
    assert TextFormat().read(b'{"track_id":"t1","title":"x"}').lesson == ({"title": "x", "track_id": "t1"}, "", 1.0)


def test_numbers_may_be_unknown_or_yes_and_no() -> None:
    heard = GenreFormat().read(b'{"track_id":"t","features":{"explicit":true,"key":3,"tempo":null,"mode":false}}')
    assert heard.lesson.x == {"explicit": 1.0, "key": 3.0, "mode": 0.0}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"", "json"),
        (b'{"genre":"rock"}', "json"),
        (b'{"track_id":"t","features":{"energy":"high"}}', "json"),
        (b" " * (ROW_BYTES_MAX + 1), "size"),
    ],
)
def test_what_is_no_row_names_its_reason(row: bytes, reason: str) -> None:
    with pytest.raises(BadLesson) as refused:
        GenreFormat().read(row)
    assert refused.value.reason == reason


def test_lines_and_lessons_must_agree() -> None:
    assert len(GenreFormat().cut(memoryview(b"{}\n{}"), 2)) == 2
    with pytest.raises(ValueError, match="2 lines are not 3 lessons"):
        GenreFormat().cut(memoryview(b"{}\n{}"), 3)
