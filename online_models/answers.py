"""What a model said when a lesson came without a label, as JSON for whoever waits for it."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class Answer(msgspec.Struct, frozen=True):
    """The likeliest label and its probability, all probabilities, and how many lessons the model had learned."""

    label: str
    p: float
    labels: dict[str, float]
    lessons: int


def encode_answer(said: Mapping[str, float], n_lessons: int) -> bytes | None:
    """JSON of an answer; None when the model knows no label yet. Equals: the label that was taught first.

    >>> encode_answer({"rock": 0.25, "pop": 0.75}, 7)
    b'{"label":"pop","p":0.75,"labels":{"rock":0.25,"pop":0.75},"lessons":7}'
    """
    if not said:
        return None
    label = max(said, key=said.__getitem__)
    return msgspec.json.encode(Answer(label, said[label], dict(said), n_lessons))
