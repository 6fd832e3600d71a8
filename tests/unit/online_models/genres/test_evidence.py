"""What names say: tokens, and their counts by genre."""

from __future__ import annotations

import numpy as np
import pytest

from online_models.arrays import F32
from online_models.genres.evidence import SAID_MAX, SCALE, STRENGTH, Evidence
from online_models.genres.tokens import ARTISTS_MAX, KINDS, WORDS_MAX, Token, tokens_of


def _weigh(evidence: Evidence, tokens: list[Token], n_genres: int) -> F32:
    x = np.full(evidence.n_columns(n_genres), np.nan, np.float32)
    evidence.weigh_one(tokens, n_genres, x)
    return x


def test_featured_artists_are_evidence_as_the_artist_is() -> None:
    row = {"title": "Umbrella (feat. JAY-Z) - Live", "artist": "Rihanna", "album": "Good Girl Gone Bad"}
    found = tokens_of(row)
    assert [token.text for token in found if token.kind == "artist"] == ["rihanna", "jayz"]
    assert Token("title", "umbrella") in found and Token("album_word", "girl") in found
    assert not [token for token in found if token.text == "live"], "a version is no word of the song"


def test_a_row_without_names_says_nothing() -> None:
    assert tokens_of({"energy": 0.5, "title": 7}) == []


def test_long_names_cost_no_more_than_their_limits() -> None:
    words = " ".join(f"word{n}" for n in range(1_000))
    found = tokens_of({"title": words, "artist": words, "album": words})
    assert len(found) == 3 * WORDS_MAX + 3 and max(len(token.text) for token in found) <= 48
    assert 3 * WORDS_MAX + 2 + ARTISTS_MAX <= SAID_MAX


def test_odds_are_the_smoothed_counts() -> None:
    evidence, token = Evidence(["artist", "album_word"]), Token("album_word", "love")
    for genre in (0, 0, 0, 1):
        evidence.learn_one([token], genre)
    x = _weigh(evidence, [token], 2)
    share, strength = np.array([4 / 6, 2 / 6]), STRENGTH["album_word"]
    expected = np.log((np.array([3, 1]) + strength * share) / ((4 + strength) * share))
    assert x[:2].tolist() == pytest.approx([0.0, np.log(5.0) * SCALE])
    assert x[[3, 6]].tolist() == pytest.approx(expected * SCALE, rel=1e-5)
    assert x[[4, 7]].tolist() == x[[3, 6]].tolist() and x[[2, 5]].tolist() == [0.0, 0.0]


def test_kinds_keep_apart_what_is_written_alike() -> None:
    evidence = Evidence(KINDS)
    evidence.learn_one([Token("artist", "blue")], 0)
    assert _weigh(evidence, [Token("title_word", "blue")], 2).any() == np.False_


def test_the_token_that_was_heard_of_longest_ago_makes_room() -> None:
    evidence = Evidence(["artist"], n_max=2)
    a, b, c = (Token("artist", name) for name in "abc")
    for token in (a, b, a, c):
        evidence.learn_one([token], 1)
    assert [text for _, text, _ in evidence.state()] == ["a", "c"]
    assert _weigh(evidence, [b], 2)[0] == 0.0, "b is forgotten"
    assert _weigh(evidence, [c], 2)[0] == pytest.approx(np.log(2.0) * SCALE), "c began at 0 in the row that was b's"


def test_a_table_is_not_taken_where_rows_do_not_fit() -> None:
    evidence = Evidence(["artist"], n_max=2)
    for rows in ([(0, "a", 0), (0, "b", 0)], [(0, "a", 1)], [(0, "a", 0), (0, "b", 1), (0, "c", 2)]):
        with pytest.raises(ValueError, match="tokens"):
            evidence.take(rows)
