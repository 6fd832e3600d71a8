"""What dirt costs a model, and what is left of that cost after cleaning: genres from audio features, tested, then learned.

Three inputs of the same tracks in the same order: as they were; dirty, read by a program that takes what `float` takes; and cleaned.
The true genre judges all three. Each learns the genre that its input says.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final, NamedTuple

import numpy as np
from river import compose, linear_model, naive_bayes, preprocessing

from evaluation.bootstrap import differences
from evaluation.faults.dirt import Dirty
from online_models.arrays import I32
from online_models.cleaning.rows import CleanRow

FEATURES: Final = (
    "danceability", "energy", "key", "loudness", "mode", "speechiness", "acousticness", "instrumentalness", "liveness", "valence", "tempo",
    "duration_ms",
)  # fmt: skip
MODELS: Final[dict[str, Callable[[], Any]]] = {
    "naive Bayes": naive_bayes.GaussianNB,
    "softmax": lambda: compose.Pipeline(preprocessing.StandardScaler(), linear_model.SoftmaxRegression()),
}

Steps = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
Features = dict[str, float]


class Lesson(NamedTuple):
    """A track as one input has it."""

    x: Features
    genre: str | None
    """None = this input does not say."""


def losses(made: Dirty, cleaned: Sequence[CleanRow | None], seed: int, steps: Steps) -> dict[str, dict[str, Any]]:
    """Model -> accuracy over the second half for each input, and [low, mean, high] of clean minus cleaned; {} without genres."""
    first = list(_first_rows(made))
    truth = [str(made.clean[k]["genre"]) for k in first]
    inputs = {
        "clean": [Lesson(_numbers(made.clean[k]), truth[n]) for n, k in enumerate(first)],
        "dirty": [_taken_as_it_is(made.rows[k]) for k in first],
        "cleaned": [_cleaned(cleaned[k]) for k in first],
    }
    return {name: _compared(name, make, inputs, truth, seed, steps) for name, make in MODELS.items()} if len(truth) > 1 else {}


def _compared(
    name: str, make: Callable[[], Any], inputs: Mapping[str, list[Lesson]], truth: list[str], seed: int, steps: Steps
) -> dict[str, Any]:
    with steps(f"seed {seed}: {name}", len(inputs) * len(truth)) as show:
        hits = {told: _hits(make(), lessons, truth, n * len(truth), show) for n, (told, lessons) in enumerate(inputs.items())}
    rows = np.arange(len(hits["clean"]), dtype=np.int32)
    loss = differences(hits["clean"], hits["cleaned"], rows, seed)["hr1"]
    return {**{told: round(float(found.mean()), 5) for told, found in hits.items()}, "tested": len(rows), "loss": loss}


def _hits(model: Any, lessons: Sequence[Lesson], truth: Sequence[str], done: int, show: Callable[[int], None]) -> I32:
    """1 where the genre of a track of the second half was said before it was learned, 0 where it was not."""
    hits = []
    for n, lesson in enumerate(lessons):
        if n >= len(lessons) // 2:
            hits.append(model.predict_one(lesson.x) == truth[n])
        if lesson.genre is not None:
            model.learn_one(lesson.x, lesson.genre)
        show(done + n + 1)
    return np.array(hits, np.int32)


def _first_rows(made: Dirty) -> Iterator[int]:
    """The first row of each track that has a genre: playlists of several genres hold the same one."""
    identity = next(iter(made.clean[0]))
    seen = set()
    for k, true in enumerate(made.clean):
        if true[identity] not in seen and "genre" in true and _numbers(true):
            yield k
        seen.add(true[identity])


def _numbers(row: Mapping[str, Any]) -> Features:
    return {name: float(row[name]) for name in FEATURES if name in row}


def _taken_as_it_is(row: Mapping[str, Any]) -> Lesson:
    """What a program without cleaning gets: every value that `float` takes and that is finite, and any text as a genre."""
    genre = row.get("genre")
    return Lesson(
        {name: x for name in FEATURES if (x := _float(row.get(name))) is not None}, genre if isinstance(genre, str) and genre else None
    )


def _float(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _cleaned(row: CleanRow | None) -> Lesson:
    if row is None:
        return Lesson({}, None)
    genre = row.values.get("genre")
    return Lesson(_numbers({**row.estimates, **row.values}), genre if isinstance(genre, str) else None)
