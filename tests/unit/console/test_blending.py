"""Views of likeness as one answer: each counts its share, and an entry says which view gives most."""

from __future__ import annotations

import numpy as np
import pytest

from console.blending import SAME_WORDS, SOUNDS_ALIKE, UNHEARD, Heard, blended
from console.likeness import APART, NOTHING, Content, sound_alike, words_alike


def content(sound: float | None, words: int | None) -> Content:
    return Content(None if sound is None else np.full(10, sound), None if words is None else np.eye(32)[words])


def heard(track: str, score: float) -> Heard:
    return Heard(track, score, score, score, 1, "both")


def test_sound_is_nothing_at_the_distance_of_two_tracks_at_random_and_words_are_a_cosine() -> None:
    seed = content(0.0, 1)
    assert sound_alike([seed], seed) == 1.0 and words_alike([seed], seed) == 1.0
    assert sound_alike([seed], content(APART / 10**0.5, 1)) == pytest.approx(0.0) and sound_alike([seed], content(99.0, None)) == 0.0
    assert words_alike([seed, content(None, 2)], content(None, 2)) == 1.0, "the nearest seed counts"
    assert sound_alike([content(None, 1)], seed) is None and words_alike([seed], content(0.0, None)) is None


def test_every_view_counts_its_share_and_the_largest_one_is_named() -> None:
    seed = content(0.0, 1)
    others = [
        (heard("played", 0.8), content(99.0, 2)),
        (heard("all", 0.4), content(0.0, 1)),
        (UNHEARD._replace(track="sounds"), content(0.0, 2)),
        (UNHEARD._replace(track="words"), content(99.0, 1)),
        (UNHEARD._replace(track="nothing"), NOTHING),
    ]
    found = {one.track: (one.score, one.says) for one in blended([seed], others)}
    assert found["all"][0] == pytest.approx(0.75) and found["played"] == (0.5, "both")
    assert found["sounds"] == (0.25, SOUNDS_ALIKE) and found["words"] == (0.25, SAME_WORDS)
    assert list(found) == ["all", "played", "sounds", "words"], "the best first, and what has nothing in common is left out"


def test_a_view_of_which_nothing_is_known_leaves_its_share_to_the_others() -> None:
    (one,) = blended([NOTHING], [(heard("a", 0.2), content(0.0, 1))])
    assert (one.score, one.listening, one.sound, one.words) == (1.0, 1.0, None, None)
    (one,) = blended([content(None, 1)], [(UNHEARD._replace(track="a"), content(0.0, 1))])
    assert (one.score, one.says) == (1.0, SAME_WORDS)
    assert blended([NOTHING], []) == []
