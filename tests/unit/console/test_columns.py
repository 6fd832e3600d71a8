"""Columns of foreign files are guessed by name and unit, and told ones win."""

from __future__ import annotations

import pytest

from console.columns import Source, guess, parse_maps, unit_by_size
from console.trouble import Exit, Trouble


@pytest.mark.parametrize(
    ("columns", "user", "track", "time"),
    [
        (["session_id", "user_id", "song_id", "ts", "playtime"], "user_id", "song_id", "ts"),
        (["user", "item", "timestamp"], "user", "item", "timestamp"),
        (["listener", "track", "played_at"], "listener", "track", "played_at"),
        (["user_id:token", "item_id:token", "rating:float", "timestamp:float"], "user_id:token", "item_id:token", "timestamp:float"),
        (["User", "Track URI", "Time"], "User", "Track URI", "Time"),
        (["user_name", "recording_id", "listened_at", "track_name"], "user_name", "recording_id", "listened_at"),
    ],
)
def test_the_required_fields_are_found_under_their_usual_names(columns: list[str], user: str, track: str, time: str) -> None:
    found = guess(columns, {})
    assert (found["user_id"].column, found["track_id"].column, found["played_at"].column) == (user, track, time)


def test_a_column_called_track_is_the_title_where_another_one_is_the_id() -> None:
    found = guess(["user", "track_id", "track", "ts"], {})
    assert (found["track_id"].column, found["track"].column) == ("track_id", "track")


def test_a_column_serves_one_field_only() -> None:
    found = guess(["user", "track", "ts"], {})
    assert "track" not in found


def test_a_name_tells_the_unit_of_a_span_and_otherwise_its_size_does() -> None:
    found = guess(["user", "track", "ts", "ms_played", "duration_s"], {})
    assert found["ms_played"].unit == "ms"
    assert found["duration_ms"].unit == "s"
    assert guess(["user", "track", "ts", "playtime"], {})["ms_played"].unit is None
    assert unit_by_size("ms_played", 238) == "s"
    assert unit_by_size("ms_played", 238_000) == "ms"


@pytest.mark.parametrize(("median", "unit"), [(1.42e9, "s"), (1.42e12, "ms"), (1.42e15, "us"), (1.42e18, "ns")])
def test_the_unit_of_a_time_is_told_by_its_size(median: float, unit: str) -> None:
    assert unit_by_size("played_at", median) == unit


def test_what_is_told_wins_over_a_guess_and_frees_its_column() -> None:
    found = guess(["user", "track", "ts", "when"], parse_maps(["played_at=when:s"]))
    assert found["played_at"] == Source("when", "s")


def test_a_column_with_a_colon_in_its_name_can_be_told() -> None:
    assert parse_maps(["user_id=user_id:token"])["user_id"] == Source("user_id:token")


def test_a_missing_field_is_an_error_that_shows_the_flag() -> None:
    with pytest.raises(Trouble) as caught:
        guess(["user", "ts", "tempo"], {})
    assert caught.value.code == Exit.INVALID
    assert "track_id" in caught.value.message
    assert "--map track_id=" in caught.value.next_command


@pytest.mark.parametrize("pair", ["played_at", "when=ts", "=ts", "played_at="])
def test_a_mapping_of_another_form_is_a_usage_error(pair: str) -> None:
    with pytest.raises(Trouble) as caught:
        parse_maps([pair])
    assert caught.value.code == Exit.USAGE
