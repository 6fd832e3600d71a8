"""Rows of one track become one, and ids of one recording are linked; what only looks alike is not."""

from __future__ import annotations

import pytest

from online_models.cleaning.duplicates import SAME_MS, Duplicates
from online_models.cleaning.titles import take_apart
from online_models.cleaning.verdicts import Value


def add(duplicates: Duplicates, track_id: str, title: str, artist: str | None = "Queen", ms: int | None = 200_000) -> str | None:
    row: dict[str, Value] = {"track_id": track_id, "title": title}
    row |= {} if artist is None else {"artist": artist}
    row |= {} if ms is None else {"duration_ms": ms}
    return duplicates.add(track_id, row, take_apart(title))


def test_a_later_row_wins_where_it_says_something() -> None:
    duplicates = Duplicates()
    duplicates.add("t", {"track_id": "t", "genre": "pop", "tempo": 120.0}, None)
    duplicates.add("t", {"track_id": "t", "genre": "rock", "key": 3}, None)
    assert duplicates.merged("t") == {"track_id": "t", "genre": "rock", "tempo": 120.0, "key": 3}
    assert (duplicates.n_repeated, duplicates.changed) == (1, {"genre": 1})


@pytest.mark.parametrize("title", ["Innuendo", "INNUENDO", "Innuendo - Remastered 2011", "Innuendo [Digital Remaster]"])
def test_a_recording_under_another_id_is_linked_to_the_first(title: str) -> None:
    duplicates = Duplicates()
    assert add(duplicates, "t1", "Innuendo") is None
    assert add(duplicates, "t2", title, artist="QUEEN", ms=200_000 + SAME_MS) == "t1"
    assert add(duplicates, "t3", title) == "t1"
    assert duplicates.n_linked == 2


@pytest.mark.parametrize(
    ("title", "artist", "ms"),
    [
        ("Innuendo - Live at Wembley", "Queen", 200_000),
        ("Innuendo - Radio Edit", "Queen", 200_000),
        ("Innuendo", "Queen", 200_001 + SAME_MS),
        ("Innuendo", "Queensrÿche", 200_000),
        ("Innuendo", None, 200_000),
        ("Innuendo", "Queen", None),
    ],
)
def test_another_recording_is_another(title: str, artist: str | None, ms: int | None) -> None:
    duplicates = Duplicates()
    add(duplicates, "t1", "Innuendo")
    assert add(duplicates, "t2", title, artist, ms) is None
    assert duplicates.n_linked == 0


def test_the_same_row_again_is_no_other_recording() -> None:
    duplicates = Duplicates()
    assert [add(duplicates, "t1", "Innuendo") for _ in range(2)] == [None, None]
    assert (duplicates.n_repeated, duplicates.n_linked, duplicates.changed) == (1, 0, {})
