"""What is read from a clean row; samples; names."""

from __future__ import annotations

import numpy as np
import pytest

from online_models.clusters.naming import Name, Term, names, shown
from online_models.clusters.sample import place
from online_models.clusters.track import AUDIO, TOKENS_MAX, YEAR, Track, track_of


def test_a_row_without_anything_is_a_track() -> None:
    track = track_of({})
    assert np.isnan(track.numbers).all() and track[1:] == ((), "", (), ()) and track.tokens() == []


def test_numbers_come_in_their_places() -> None:
    track = track_of({"energy": 0.5, "speechiness": 0, "released": "1999-12", "tempo": 120})
    known = {name: track.numbers[i] for i, name in enumerate(AUDIO) if not np.isnan(track.numbers[i])}
    assert known == {"energy": 0.5, "tempo": 120.0, "speechiness": pytest.approx(np.log(0.01))} and track.numbers[YEAR] == 1999


def test_tokens_are_bounded_and_do_not_depend_on_writing() -> None:
    long = track_of({"title": " ".join(f"word{chr(97 + i)}" for i in range(26)), "artist": "A", "album": "B"})
    assert len(long.tokens()) <= TOKENS_MAX
    assert track_of({"artist": "BEYONCE"}).tokens() == track_of({"artist": "Beyoncé"}).tokens()
    assert track_of({"artist": "Blur"}).tokens() != track_of({"album": "Blur"}).tokens()


def test_a_sample_is_fair() -> None:
    hits = np.zeros(100)
    for start in range(300):  # 300 samples of 10 out of 100 by other stretches of the drawn numbers
        kept: dict[int, int] = {}
        for n in range(1, 101):
            at = place(n, size=10) if start == 0 else (n - 1 if n <= 10 else _drawn(start, n))
            if at is not None:
                kept[at] = n - 1
        hits[list(kept.values())] += 1
    assert hits.min() > 10 and hits.max() < 55, "30 each, give or take 5.2"


def _drawn(start: int, n: int) -> int | None:
    from online_models.clusters.sample import drawn

    at = drawn(1_000 * start + n) % n
    return at if at < 10 else None


def test_names_need_evidence() -> None:
    def track(label: str, word: str) -> Track:
        return Track(np.zeros(11), (), "", (word,), (label,))

    tracks = [track("rock", "stone")] * 50 + [track("rap", "stone")] * 47 + [track("rap", "seldom")] * 3
    found = names(tracks, np.array([0] * 50 + [1] * 50), 2)
    assert [str(name) for name in found] == ["rock", "rap"], "a word of three tracks in a hundred, and one of all, name nothing"


def test_clusters_of_one_name_get_further_words() -> None:
    def name(*words: str) -> Name:
        return Name((Term("edm", 9.0, 1.0),), tuple(Term(word, 5.0, 0.5) for word in words), ())

    assert shown([name("mix", "club", "night"), name("mix", "club", "day"), name("house")]) == [
        "edm: mix, club · night",
        "edm: mix, club · day",
        "edm: house",
    ]
