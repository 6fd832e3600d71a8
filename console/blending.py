"""One answer out of what people play and what the catalogue says: which tracks are like a track, by which of the views.

Co-listening counts half, sound a quarter, words a quarter; a view of which nothing is known for the seed leaves its share to the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from console.likeness import Content, sound_alike, words_alike

LISTENING, SOUND, WORDS = 0.5, 0.25, 0.25
SOUNDS_ALIKE: Final = "it sounds like it"
SAME_WORDS: Final = "its words"


class Heard(NamedTuple):
    """A track as co-listening sees it (`resemblance.Alike`, by its id)."""

    track: str
    score: float
    near: float
    company: float
    followed: int
    says: str


UNHEARD: Final = Heard("", 0.0, 0.0, 0.0, 0, "")
"""A track that nobody played near the seeds."""


class Blended(NamedTuple):
    """A track that is like the seeds."""

    track: str
    score: float
    """0..1: compares within one answer."""
    listening: float
    """Share of the best candidate's by co-listening."""
    near: float
    company: float
    followed: int
    sound: float | None
    """0..1; None = unknown."""
    words: float | None
    says: str
    """The view that gives most."""


def blended(seeds: Sequence[Content], others: Sequence[tuple[Heard, Content]]) -> list[Blended]:
    """`others` by all views together, the most alike first; left out is what has nothing in common with the seeds."""
    best = max((heard.score for heard, _ in others), default=0.0)
    weights = {
        "listening": LISTENING * (best > 0.0),
        "sound": SOUND * any(seed.sound is not None for seed in seeds),
        "words": WORDS * any(seed.words is not None for seed in seeds),
    }
    whole = sum(weights.values()) or 1.0
    found = [_one(seeds, heard, content, best, {name: weight / whole for name, weight in weights.items()}) for heard, content in others]
    return sorted((one for one in found if one.score > 0.0), key=lambda one: (-one.score, one.track))


def _one(seeds: Sequence[Content], heard: Heard, content: Content, best: float, weights: dict[str, float]) -> Blended:
    listening = heard.score / best if best > 0.0 else 0.0
    sound, words = sound_alike(seeds, content), words_alike(seeds, content)
    given = {heard.says: weights["listening"] * listening}
    given |= {SOUNDS_ALIKE: weights["sound"] * (sound or 0.0), SAME_WORDS: weights["words"] * (words or 0.0)}
    says = max(given, key=lambda view: given[view])
    return Blended(heard.track, sum(given.values()), listening, heard.near, heard.company, heard.followed, sound, words, says)
