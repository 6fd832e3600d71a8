"""A stream of rows is cleaned the same wherever its memory was put away and taken up again."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from online_models.cleaning.fields import TRACK_FIELDS, USER_FIELDS
from online_models.cleaning.stream import Cleaned, CleanStream

ROW = st.fixed_dictionaries(
    {"track_id": st.sampled_from([f"t{n}" for n in range(9)])},
    optional={
        "title": st.sampled_from(["Load", "Load (Live)", "Lode", "Load (Remastered 2009)", "Queens", r"\ud83d", "?"]),
        "artist": st.sampled_from(["Metallica", "Metalica", "METALLICA", "Queen", "Queeen", "Guns N' Roses", "guns & roses"]),
        "album": st.sampled_from(["Load", "Reload", "A: B"]),
        "genre": st.sampled_from(["rock", "rokc", "Hip Hop", "hiphop", "qawwali", "Qawwali", "qawwalli"]),
        "subgenre": st.sampled_from(["album rock", "drum:bass"]),
        "released": st.sampled_from(["14/06/2019", "06/14/2019", "06/07/2019", "2019"]),
        "tempo": st.sampled_from([120.0, "122,5", "90 bpm", 0]),
        "duration_ms": st.sampled_from([201_000, "3:21", 203_500, 250_000]),
        "energy": st.floats(0, 1),
    },
)


def whole(rows: list[dict[str, object]], cuts: set[int], names_max: int = 25_000) -> tuple[list[Cleaned], dict[str, bytes], bytes]:
    """All rows, through a stream that is put away and taken up before each row in `cuts`; what a store holds in the end."""
    stream, kept, cleaned = CleanStream(TRACK_FIELDS, names_max=names_max), dict[str, bytes](), []
    for n, row in enumerate(rows):
        if n in cuts:
            kept |= {place: msgspec.json.encode(known) for place, known in stream.changes().items()}
            counts = msgspec.json.decode(msgspec.json.encode(stream.counts.plain()))
            stream = CleanStream(TRACK_FIELDS, names_max=names_max)
            stream.restore({place: msgspec.json.decode(known) for place, known in sorted(kept.items())}, counts)
        cleaned.append(stream.take(row))
    kept |= {place: msgspec.json.encode(known) for place, known in stream.changes().items()}
    return cleaned, kept, msgspec.json.encode(stream.counts.plain())


def many(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """Enough of each for spellings, dates and estimates to come into play."""
    return [row for row in rows for _ in range(6)]


@given(st.lists(ROW, min_size=1, max_size=25), st.sets(st.integers(0, 150), max_size=12))
def test_no_cut_changes_a_row_a_link_the_evidence_or_a_count(rows: list[dict[str, object]], cuts: set[int]) -> None:
    assert whole(many(rows), cuts) == whole(many(rows), set())


@given(st.lists(ROW, min_size=1, max_size=25), st.sets(st.integers(0, 150), max_size=12))
def test_no_cut_does_so_either_where_memory_is_full(rows: list[dict[str, object]], cuts: set[int]) -> None:
    assert whole(many(rows), cuts, names_max=3) == whole(many(rows), set(), names_max=3)


def test_what_was_learned_before_the_cut_is_used_behind_it() -> None:
    rows: list[dict[str, object]] = [{"track_id": f"t{n}", "artist": "Metallica", "energy": 0.5} for n in range(40)]
    (*_, last), _, _ = whole([*rows, {"track_id": "x", "artist": "Metalica"}], {40})
    assert (last.row.values["artist"], last.row.estimates["energy"]) == ("Metallica", 0.5)


def test_only_places_that_were_touched_are_given_again() -> None:
    stream = CleanStream(TRACK_FIELDS)
    stream.take({"track_id": "t1", "artist": "Queen", "album": "Innuendo", "title": "Innuendo", "duration_ms": 390_000})
    first = stream.changes()
    assert {place.split(":")[0] for place in first} == {"numbers", "dates", "artist", "artist+album", "artist+title", "song"}
    assert stream.changes() == {}
    stream.take({"track_id": "t2", "artist": "ABBA"})
    assert set(stream.changes()) == {"numbers", "dates", "artist:abba"}


def test_users_have_no_recordings() -> None:
    stream = CleanStream(USER_FIELDS, songs_max=0)
    cleaned: Any = stream.take({"user_id": "ana", "country": "Deutschland", "age": "thirty"})
    assert (cleaned.row.values, cleaned.same_as) == ({"user_id": "ana", "country": "DE", "age": 30}, None)
