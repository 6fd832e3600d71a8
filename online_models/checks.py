"""Promises that every learning model keeps; `tests/contracts/test_models.py` runs them over the registry.

Each check takes the class and a list of lessons, and raises AssertionError with a sentence.
"""

from __future__ import annotations

import copy
import math
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from online_models.model import BadLesson, BadSnapshot, Model, digest
from online_models.model import Lesson as Lesson

Kind = type[Model]
Lessons = Sequence[Lesson]


def taught(kind: Kind, lessons: Lessons) -> Model:
    """A model that learned `lessons` in order."""
    model = kind()
    for lesson in lessons:
        model.learn_one(*lesson)
    return model


def predicting_leaves_no_trace(kind: Kind, lessons: Lessons) -> None:
    """Neither on a fresh model nor on a taught one does asking change a byte, also for unknown features."""
    for model in (kind(), taught(kind, lessons)):
        before = model.snapshot()
        for lesson in lessons[:50]:
            model.predict_one(lesson.x)
            model.predict_one({**lesson.x, "never-seen": 3.0})
        model.predict_one({})
        model.serving(1)
        model.scores()
        assert model.snapshot() == before, "a read changed the model"


def learning_leaves_its_input_alone(kind: Kind, lessons: Lessons) -> None:
    """The caller's mapping is the same afterwards."""
    x = dict(lessons[0].x)
    before = copy.deepcopy(x)
    model = kind()
    model.learn_one(x, lessons[0].y)
    model.predict_one(x)
    assert x == before, "the model changed its input"


def unknown_features_are_ignored(kind: Kind, lessons: Lessons) -> None:
    """A feature the model does not know neither teaches nor sways it."""
    plain, with_more = kind(), kind()
    for x, y, w in lessons:
        plain.learn_one(x, y, w)
        with_more.learn_one({**x, "never-seen": 3.0}, y, w)
    assert plain.snapshot() == with_more.snapshot(), "an unknown feature taught something"
    x = lessons[0].x
    assert plain.predict_one(x) == plain.predict_one({**x, "never-seen": 3.0}), "an unknown feature swayed a prediction"


def predictions_are_probabilities(kind: Kind, lessons: Lessons) -> None:
    """Finite and inside (0, 1), before, while and after learning, also far from anything seen."""
    model = kind()
    for x, y, w in lessons:
        _probability(model, x)
        model.learn_one(x, y, w)
    for factor in (0.0, -1.0, 1e3, 1e30):
        _probability(model, {**lessons[0].x, **{name: value * factor for name, value in _numbers(lessons[0].x).items()}})


def _numbers(x: Mapping[str, Any]) -> dict[str, float]:
    return {name: value for name, value in x.items() if isinstance(value, int | float)}


def _probability(model: Model, x: Mapping[str, Any]) -> None:
    said = model.predict_one(x)
    if isinstance(said, Mapping):
        p = list(said.values())
        assert all(0.0 <= each <= 1.0 for each in p), f"{said} are not probabilities"
        assert not p or math.isclose(sum(p), 1.0), f"{said} do not add up to 1"
    else:
        assert math.isfinite(said) and 0.0 < said < 1.0, f"{said} is not a probability"


def bad_lessons_are_refused_whole(kind: Kind, lessons: Lessons) -> None:
    """A value that is not finite or out of range raises `BadLesson` with a reason, and nothing has changed."""
    model = taught(kind, lessons[:200])
    before = model.snapshot()
    x = dict(lessons[0].x)
    bad_x = [{**x, name: value} for name in _numbers(x) for value in (math.nan, math.inf, -math.inf, 1e300)]
    for lesson in (*((bad, 1.0) for bad in bad_x), *((x, w) for w in (math.nan, math.inf, 0.0, -1.0, 1e-40, 1e9))):
        try:
            model.learn_one(lesson[0], lessons[0].y, lesson[1])
        except BadLesson as error:
            assert error.reason, "a refusal names its reason"
        else:
            raise AssertionError(f"learned {lesson}")
    assert model.snapshot() == before, "a refused lesson left a trace"


def same_lessons_same_bytes(kind: Kind, lessons: Lessons) -> None:
    """No clock, no chance, no order of a set: twice the same lessons make the same snapshot."""
    assert taught(kind, lessons).snapshot() == taught(kind, lessons).snapshot(), "two models of the same lessons differ"


def snapshot_is_plain_data(kind: Kind, lessons: Lessons) -> None:
    """Part "meta" is a JSON object, no part is a pickle, no number in it is not finite, and it counts its lessons."""
    parts = taught(kind, lessons).snapshot()
    meta = msgspec.json.decode(parts["meta"])
    assert isinstance(meta, dict) and meta["n_lessons"] == len(lessons), "meta is a JSON object that counts its lessons"
    assert b"null" not in parts["meta"] or _finite_where_null(meta), "JSON writes what is not finite as null"
    for name, part in parts.items():
        assert isinstance(part, bytes) and not _is_like_a_pickle(part), f"part {name} looks like a pickle"


def _is_like_a_pickle(part: bytes) -> bool:
    """Its first byte alone would do for one number in 256, too.

    >>> import pickle
    >>> _is_like_a_pickle(pickle.dumps(1.5)), _is_like_a_pickle(bytes([128, 5, 0]))
    (True, False)
    """
    return part[:1] == b"\x80" and part[1:2] <= b"\x05" and part[-1:] == b"."


def _finite_where_null(meta: Any) -> bool:
    """Only settings may be null: a number that is not finite would be hidden behind it."""
    if isinstance(meta, dict):
        return all(_finite_where_null(value) for name, value in meta.items() if name != "settings")
    return meta is not None if not isinstance(meta, list) else all(_finite_where_null(item) for item in meta)


def a_restored_model_goes_on_bit_equally(kind: Kind, lessons: Lessons) -> None:
    """At several points: same bytes, same predictions, and the same again after learning the rest."""
    whole = kind()
    cuts = {0, 1, 2, len(lessons) // 3, len(lessons) // 2, len(lessons) - 1}
    restored: list[Model] = []
    for n, lesson in enumerate(lessons):
        if n in cuts:
            restored.append(kind.restore(whole.snapshot()))
            assert digest(restored[-1].snapshot()) == digest(whole.snapshot()), f"restored after {n} lessons, other bytes"
        expected = bits(whole.predict_one(lesson.x))
        for model in restored:
            assert bits(model.predict_one(lesson.x)) == expected, f"prediction {n} differs"
            model.learn_one(*lesson)
        whole.learn_one(*lesson)
    for model in restored:
        assert model.snapshot() == whole.snapshot(), "a restored model learned differently"
        assert model.serving(7) == whole.serving(7), "a restored model serves differently"


def bits(said: Any) -> bytes:
    """An answer, bit for bit: of several labels in their order.

    >>> bits({"rock": 0.5, "pop": 0.5}) == bits({"pop": 0.5, "rock": 0.5})
    False
    """
    if isinstance(said, Mapping):
        return b"".join(f"{label}:".encode() + struct.pack("<d", p) for label, p in said.items())
    return struct.pack("<d", said)


def torn_snapshots_are_refused(kind: Kind, lessons: Lessons) -> None:
    """A part that is missing or cut short raises `BadSnapshot`, never another error and never a half-restored model."""
    parts = taught(kind, lessons).snapshot()
    torn = [{other: part for other, part in parts.items() if other != name} for name in parts]
    torn += [{**parts, name: part[:-1]} for name, part in parts.items() if part]
    torn += [{**parts, "meta": b"{}"}, {**parts, "meta": b"[]"}, {**parts, "meta": b"\x80\x04."}, {}]
    for broken in torn:
        try:
            kind.restore(broken)
        except BadSnapshot:
            continue
        raise AssertionError(f"restored from torn parts {sorted(broken)}")


CHECKS: Final[tuple[Callable[[Kind, Lessons], None], ...]] = (
    predicting_leaves_no_trace,
    learning_leaves_its_input_alone,
    unknown_features_are_ignored,
    predictions_are_probabilities,
    bad_lessons_are_refused_whole,
    same_lessons_same_bytes,
    snapshot_is_plain_data,
    a_restored_model_goes_on_bit_equally,
    torn_snapshots_are_refused,
)
"""All promises; a new model must keep every one."""
