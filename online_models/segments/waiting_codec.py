"""Waiting questions as plain data: their features as arrays, everything else as JSON."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np

from online_models.arrays import F64
from online_models.segments.features import OF_TARGET
from online_models.segments.waiting import TARGETS, Question, Waiting


def encode_waiting(waiting: Waiting) -> dict[str, bytes]:
    """Parts "waiting" and, of each target, "x-TARGET": little-endian float64, a row per question in order of asking."""
    # In one order: a heap may lie in several, and a dict remembers in which order it was filled.
    questions = dict(sorted(waiting.questions.items()))
    x: dict[str, list[list[float]]] = {target: [] for target in TARGETS}
    bare = {}
    for serial, question in questions.items():
        x[question.target].append(list(question.x.values()))
        bare[serial] = msgspec.structs.replace(question, x={})
    whole = msgspec.structs.replace(waiting, by_time=sorted(waiting.by_time), questions=bare, of_user=dict(sorted(waiting.of_user.items())))
    parts = {"waiting": msgspec.json.encode(whole)}
    return parts | {f"x-{target}": np.array(rows, "<f8").tobytes() for target, rows in x.items()}


def decode_waiting(parts: Mapping[str, bytes]) -> Waiting:
    """The inverse. Raises `msgspec.MsgspecError`, `LookupError`, `ValueError`."""
    waiting: Waiting = msgspec.json.decode(parts["waiting"], type=Waiting)
    for target, names in OF_TARGET.items():
        asked = [question for question in waiting.questions.values() if question.target == target]
        _put(asked, names, np.frombuffer(parts[f"x-{target}"], "<f8").reshape(len(asked), len(names)))
    return waiting


def _put(questions: list[Question], names: tuple[str, ...], x: F64) -> None:
    for question, row in zip(questions, x.tolist(), strict=True):
        question.x = dict(zip(names, row, strict=True))
