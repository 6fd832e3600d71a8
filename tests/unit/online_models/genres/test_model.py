"""The genre model keeps the promises of a learning model, and learns."""

from __future__ import annotations

import math
from collections.abc import Iterable

import msgspec
import pytest

from online_models.genres.ensemble import MEMBERS
from online_models.genres.inputs import AUDIO, EVERYTHING, Sight
from online_models.genres.model import GenreModel
from online_models.genres.sizes import GENRES_MAX
from online_models.model import BadLesson, BadSnapshot
from tests.tracks_of_known_genre import LOUD, Track, tracks

SIGHTS = pytest.mark.parametrize("sight", [AUDIO, EVERYTHING], ids=["audio", "everything"])
PARTS_MB_MAX = 8


@pytest.fixture(scope="module")
def lessons() -> list[Track]:
    return tracks(700, seed=4)


def _taught(lessons: Iterable[Track], sight: Sight = EVERYTHING) -> GenreModel:
    model = GenreModel(sight)
    for values, genre in lessons:
        model.learn_one(values, genre)
    return model


@pytest.fixture(scope="module")
def model(lessons: list[Track]) -> GenreModel:
    """Only to be read."""
    return _taught(lessons)


def _accuracy(model: GenreModel, found: list[Track], name: str = "ensemble") -> float:
    said = ((model.say_one(values)[name], genre) for values, genre in found)
    return sum(max(chances, key=chances.__getitem__) == genre for chances, genre in said) / len(found)


def test_what_is_heard_and_what_names_tell_is_learned(model: GenreModel, lessons: list[Track]) -> None:
    fresh = tracks(300, seed=5)
    assert _accuracy(model, fresh) > 0.95
    audio = _taught(lessons, AUDIO)
    assert 0.35 < _accuracy(audio, fresh) < 0.65, "of four genres two cannot be told apart by their sound"
    heard = [max(chances, key=chances.__getitem__) for chances in (audio.predict_proba_one(values) for values, _ in fresh)]
    assert sum(LOUD[said] == LOUD[genre] for said, (_, genre) in zip(heard, fresh, strict=True)) > 0.9 * len(fresh)


@pytest.mark.parametrize("name", [entry.name for entry in MEMBERS])
def test_every_member_learns(model: GenreModel, name: str) -> None:
    assert _accuracy(model, tracks(200, seed=6), name) > (0.4 if name == "naive_bayes" else 0.85)


def test_scores_are_prequential(lessons: list[Track]) -> None:
    one = _taught(lessons[:1])
    assert one.scores()["accuracy_ensemble"] == 1.0 and one.scores()["log_loss_ensemble"] == 0.0, "there was one answer to give"
    scores = _taught(lessons[:300]).scores()
    assert 0.8 < float(scores["accuracy_ensemble"]) < 1.0 and 0.02 < float(scores["log_loss_ensemble"]) < 0.5


@SIGHTS
def test_asking_leaves_no_trace(lessons: list[Track], sight: Sight) -> None:
    for model in (GenreModel(sight), _taught(lessons[:120], sight)):
        before = model.snapshot()
        for values, _ in lessons[:30]:
            model.predict_proba_one(values)
            model.predict_proba_one({**values, "artist": "Never Heard", "never-seen": 3.0, "energy": math.nan, "tempo": 1e30})
        model.predict_proba_one({})
        model.scores()
        assert model.snapshot() == before


def test_probabilities_add_up_and_are_finite(model: GenreModel, lessons: list[Track]) -> None:
    odd: list[dict[str, object]] = [{}, {"energy": math.inf}, {"artist": ""}, {"loudness": -60.0, "tempo": 300.0}, {"title": "x" * 100_000}]
    for values in (*odd, *(values for values, _ in lessons[:20])):
        for chances in model.say_one(values).values():  # type: ignore[arg-type]
            assert sum(chances.values()) == pytest.approx(1.0) and all(0.0 <= p <= 1.0 for p in chances.values())


@pytest.mark.parametrize("bad", [{"energy": math.nan}, {"tempo": math.inf}, {"loudness": 1e300}, {"danceability": 7.3}, {"key": -1}])
def test_a_bad_lesson_is_refused_whole(lessons: list[Track], bad: dict[str, float]) -> None:
    model = _taught(lessons[:60])
    before = model.snapshot()
    with pytest.raises(BadLesson):
        model.learn_one({**lessons[0][0], **bad}, "rock")
    assert model.snapshot() == before


def test_labels_that_are_none_or_too_many_are_refused(lessons: list[Track]) -> None:
    model, values = GenreModel(), lessons[0][0]
    for genre in ("", "x" * 65, None, 3):
        with pytest.raises(BadLesson, match="label"):
            model.learn_one(values, genre)  # type: ignore[arg-type]
    for n in range(GENRES_MAX):
        model.learn_one(values, f"genre {n}")
    before = model.snapshot()
    with pytest.raises(BadLesson, match="too-many-labels"):
        model.learn_one(values, "one more")
    assert model.snapshot() == before
    assert len(model.predict_proba_one(values)) == GENRES_MAX


def test_a_genre_that_comes_late_is_learned(lessons: list[Track]) -> None:
    early = [lesson for lesson in lessons if lesson[1] != "rock"][:300]
    model = _taught([*early, *(lesson for lesson in lessons if lesson[1] == "rock")])
    assert model.genres[-1] == "rock"
    late = [lesson for lesson in tracks(200, seed=8) if lesson[1] == "rock"]
    assert _accuracy(model, late) > 0.8


@SIGHTS
def test_a_restored_model_goes_on_bit_equally(lessons: list[Track], sight: Sight) -> None:
    whole, restored = GenreModel(sight), []
    for n, (values, genre) in enumerate(lessons[:170]):
        if n in (0, 1, 40, 133):
            restored.append(GenreModel.restore(whole.snapshot()))
            assert restored[-1].snapshot() == whole.snapshot()
        expected = whole.say_one(values)
        for model in restored:
            assert model.say_one(values) == expected, f"prediction {n} differs"
            model.learn_one(values, genre)
        whole.learn_one(values, genre)
    for model in restored:
        assert model.snapshot() == whole.snapshot()


def test_same_lessons_same_bytes(lessons: list[Track]) -> None:
    assert _taught(lessons[:150]).snapshot() == _taught(lessons[:150]).snapshot()


def test_a_snapshot_is_plain_data_in_small_parts(model: GenreModel, lessons: list[Track]) -> None:
    parts = model.snapshot()
    meta = msgspec.json.decode(parts["meta"])
    assert meta["n_lessons"] == len(lessons) and b"null" not in parts["meta"]
    assert all(len(part) < PARTS_MB_MAX * 1_000_000 and not part.startswith(b"\x80") for part in parts.values())


def test_torn_or_foreign_snapshots_are_refused(lessons: list[Track]) -> None:
    parts = _taught(lessons[:60]).snapshot()
    meta = msgspec.json.decode(parts["meta"])
    torn = [{other: part for other, part in parts.items() if other != name} for name in parts]
    torn += [{**parts, name: part[:-1]} for name, part in parts.items()]
    torn += [{**parts, "forest": b"\x7f" * len(parts["forest"])}, {**parts, "linear": b"\xff" * len(parts["linear"])}, {}]
    torn += [{**parts, "memory": parts["memory"][:-1] + label} for label in (b"\x04", b"\xff")]
    torn += [{**parts, "meta": msgspec.json.encode({**meta, "columns": ["energy"]})}]
    for broken in torn:
        with pytest.raises(BadSnapshot):
            GenreModel.restore(broken)
