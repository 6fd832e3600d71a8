"""Rows of one track become one, and ids of one recording are linked; what only looks alike is not."""

from __future__ import annotations

import pytest

from online_models.cleaning.duplicates import SAME_MS, TAKES_MAX, Recordings, Repeats, merge
from online_models.cleaning.rows import CleanRow
from online_models.cleaning.verdicts import Value


def add(recordings: Recordings, track_id: str, title: str, artist: str | None = "Queen", ms: int | None = 200_000) -> str | None:
    row = CleanRow({"track_id": track_id, "title": title}, {}, [], [], {})
    row.values.update({} if artist is None else {"artist": artist})
    row.values.update({} if ms is None else {"duration_ms": ms})
    return recordings.add(track_id, row)


def test_a_later_row_wins_where_it_says_something() -> None:
    before: dict[str, Value] = {"track_id": "t", "genre": "pop", "tempo": 120.0}
    assert merge(before, {"track_id": "t", "genre": "rock", "key": 3}) == (
        {"track_id": "t", "genre": "rock", "tempo": 120.0, "key": 3},
        ["genre"],
    )


@pytest.mark.parametrize("nothing", ["?", "-", "unknown", "None"])
def test_a_text_that_may_mean_none_does_not_replace_what_is_known(nothing: str) -> None:
    assert merge({"album": "Load"}, {"album": nothing}) == ({"album": "Load"}, [])
    assert merge({}, {"album": nothing}).values == {"album": nothing}, "and it may be meant"


def test_rows_of_a_track_are_counted_with_what_they_say_otherwise() -> None:
    repeats = Repeats(["track_id", "genre", "tempo", "key"])
    rows: list[dict[str, Value]] = [{"genre": "pop", "tempo": 120.0}, {"genre": "rock"}, {"genre": "rock", "key": 3}, {"tempo": 121.0}]
    for row in rows:
        repeats.add("t", {"track_id": "t", **row})
    repeats.add("u", {"track_id": "u", "genre": "folk"})
    assert (repeats.n_rows, repeats.changed) == (3, {"genre": 1, "tempo": 1})


@pytest.mark.parametrize("title", ["Innuendo", "INNUENDO", "Innuendo - Remastered 2011", "Innuendo [Digital Remaster]", "Queen - Innuendo"])
def test_a_recording_under_another_id_is_linked_to_the_first(title: str) -> None:
    recordings = Recordings()
    assert add(recordings, "t1", "Innuendo") is None
    assert add(recordings, "t2", title, artist="QUEEN", ms=200_000 + SAME_MS) == "t1"
    assert add(recordings, "t3", title) == "t1"
    assert add(recordings, "t4", title, ms=200_000 + 2 * SAME_MS) == "t1", "near to the second"


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
    recordings = Recordings()
    add(recordings, "t1", "Innuendo")
    assert add(recordings, "t2", title, artist, ms) is None


def test_the_same_row_again_is_no_other_recording() -> None:
    recordings = Recordings()
    assert [add(recordings, "t1", "Innuendo") for _ in range(3)] == [None, None, None]


def test_a_row_that_says_it_better_makes_the_track_known_under_that_too() -> None:
    recordings = Recordings()
    add(recordings, "t1", "Innuendo", artist="Quen")
    assert add(recordings, "t1", "Innuendo") is None
    assert add(recordings, "t2", "Innuendo") == "t1"


def test_of_a_song_with_many_takes_the_nearest_is_meant_and_their_number_is_bounded() -> None:
    recordings = Recordings()
    for n in range(TAKES_MAX + 10):
        add(recordings, f"t{n}", "Intro", ms=10_000 * n)
    assert add(recordings, "u", "Intro", ms=20_000 - SAME_MS // 2) == "t2"
    assert add(recordings, "v", "Intro", ms=10_000 * (TAKES_MAX + 5)) is None
