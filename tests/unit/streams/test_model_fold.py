"""A fold learns each lesson once, in the order of the log, however the log is cut."""

from __future__ import annotations

import numpy as np
import pytest

from online_models.answers import encode_answer
from online_models.finish import FinishModel
from online_models.genres.model import GenreModel
from online_models.model import Happening, News
from online_models.registry import entry
from streams.lessons import LESSON, pack_json_lessons, pack_lessons, read_lessons
from streams.model_fold import Fold
from streams.sections import DELTAS, JSON_LESSONS, BadSection, NumberGap, pack_section, read_sections
from tests.lessons_log import INCARNATION, genre_lessons, lesson_items, messy_log
from tests.tracks_of_known_genre import tracks


def fold_whole(fold: Fold, log: list[bytes | None]) -> Fold:
    for offset, value in enumerate(log):
        for _ in fold.record(offset, value):
            pass
    return fold


def fresh() -> Fold:
    return Fold(entry("finish"), INCARNATION)


def test_a_lesson_is_64_bytes_and_reads_back_as_it_was_written() -> None:
    assert LESSON.itemsize == 64
    items = lesson_items(5, seed=1)
    (section,) = read_sections(pack_lessons(INCARNATION, 3, 8, items))
    assert (section.source, section.first, section.last) == (3, 8, 12)
    assert read_lessons(section).tobytes() == items.tobytes()


@pytest.mark.parametrize("body", [b"", b"x" * 63, b"x" * 128])
def test_a_section_of_another_size_is_not_lessons(body: bytes) -> None:
    (section,) = read_sections(pack_section(INCARNATION, 0, 1, 1, 1, body))
    with pytest.raises(BadSection):
        read_lessons(section)


def test_deltas_are_not_lessons() -> None:
    (section,) = read_sections(pack_section(INCARNATION, 0, DELTAS, 1, 1, b"x" * 64))
    with pytest.raises(BadSection):
        read_lessons(section)


def test_a_messy_log_teaches_what_a_clean_one_does() -> None:
    messy = fold_whole(fresh(), [record.value for record in messy_log(150, seed=5, sources=1)])
    items = lesson_items(150, seed=5)
    clean = fold_whole(fresh(), [pack_lessons(INCARNATION, 0, n + 1, items[n : n + 1]) for n in range(150)])
    assert messy.model.snapshot() == clean.model.snapshot()
    assert messy.watermarks == {0: 150}
    assert messy.counts.applied == 150
    assert messy.counts.skipped > 0


def test_lessons_of_another_incarnation_are_counted_and_passed_over() -> None:
    fold = fold_whole(fresh(), [pack_lessons("deadbeef", 0, 7, lesson_items(4, seed=1))])
    assert (fold.counts.foreign, fold.counts.applied, fold.watermarks) == (4, 0, {})


def test_bytes_that_are_no_lessons_are_counted_and_passed_over() -> None:
    fold = fold_whole(fresh(), [b"hello", pack_section(INCARNATION, 0, DELTAS, 1, 1, b"x" * 32), None])
    assert fold.counts.malformed == 2
    assert fold.model.n_lessons == 0


def test_a_missing_number_stops_the_fold() -> None:
    items = lesson_items(9, seed=2)
    fold = fold_whole(fresh(), [pack_lessons(INCARNATION, 0, 1, items[:3])])
    with pytest.raises(NumberGap, match="2 items are missing"):
        fold_whole(fold, [pack_lessons(INCARNATION, 0, 6, items[5:])])
    assert fold.watermarks == {0: 3}


def test_a_log_read_from_its_beginning_starts_with_number_one() -> None:
    with pytest.raises(NumberGap, match="4 items are missing"):
        fold_whole(fresh(), [pack_lessons(INCARNATION, 0, 5, lesson_items(2, seed=2))])


def test_a_missing_number_is_counted_where_the_operator_accepts_gaps() -> None:
    items = lesson_items(9, seed=2)
    fold = Fold(entry("finish"), INCARNATION, accept_gap=True)
    fold_whole(fold, [pack_lessons(INCARNATION, 0, 1, items[:3]), pack_lessons(INCARNATION, 0, 6, items[5:])])
    assert (fold.counts.missing, fold.counts.applied, fold.watermarks) == (2, 7, {0: 9})


def test_a_fold_that_starts_where_retention_cut_the_log_takes_the_first_number_it_finds() -> None:
    fold = fresh()
    for _ in fold.record(500, pack_lessons(INCARNATION, 4, 31, lesson_items(2, seed=3))):
        pass
    assert (fold.counts.missing, fold.counts.applied, fold.watermarks) == (30, 2, {4: 32})
    with pytest.raises(NumberGap):
        list(fold.record(501, pack_lessons(INCARNATION, 4, 40, lesson_items(2, seed=3))))


@pytest.mark.parametrize(
    ("field", "value"), [("x", np.nan), ("x", np.inf), ("label", np.nan), ("label", 0.5), ("weight", np.nan), ("weight", 0.0)]
)
def test_a_lesson_with_a_bad_value_takes_its_number_and_teaches_nothing(field: str, value: float) -> None:
    items = lesson_items(3, seed=4)
    items[field][1] = value
    fold = fold_whole(fresh(), [pack_lessons(INCARNATION, 0, 1, items)])
    without = fold_whole(fresh(), [pack_lessons(INCARNATION, 0, 1, items[[0, 2]])])
    assert (fold.counts.applied, fold.counts.refused, fold.watermarks) == (3, 1, {0: 3})
    assert fold.model.snapshot() == without.model.snapshot()
    assert fold.last_refusal


# --- the genre model's lessons, JSON ---------------------------------------------------------------


def genre_fold(*values: bytes) -> Fold:
    return fold_whole(Fold(entry("genre"), INCARNATION), list(values))


def test_a_messy_log_of_json_lessons_teaches_what_the_rows_do() -> None:
    fold = genre_fold(*(record.value or b"" for record in messy_log(90, seed=5, sources=1, model="genre")))
    model = GenreModel()
    for i, (values, genre) in enumerate(tracks(90, 5)):
        if i % 9 != 8:
            model.learn_one(values, genre)
    assert fold.model.snapshot() == model.snapshot()
    assert (fold.watermarks, fold.counts.applied, fold.counts.asked, fold.model.n_lessons) == ({0: 90}, 90, 10, 80)


def test_a_lesson_without_a_label_takes_its_number_and_teaches_nothing() -> None:
    asked = genre_fold(pack_json_lessons(INCARNATION, 0, 1, genre_lessons(9, 1)))
    without = genre_fold(pack_json_lessons(INCARNATION, 0, 1, genre_lessons(9, 1)[:8]))
    assert (asked.counts.applied, asked.counts.asked, asked.counts.refused) == (9, 1, 0)
    assert asked.model.snapshot() == without.model.snapshot()


def test_what_is_asked_is_answered_as_the_model_stood_then_and_forgotten_when_a_label_comes() -> None:
    fold = genre_fold(pack_json_lessons(INCARNATION, 0, 1, genre_lessons(40, 1)))
    model, answers = GenreModel(), {}
    for i, (values, genre) in enumerate(tracks(40, 1)):
        if i % 9 == 8:
            answers[f"1-{i}"] = encode_answer(model.predict_proba_one(values), model.n_lessons)
        else:
            model.learn_one(values, genre)
    assert {about: said for about, said in fold.answers.items() if said is not None} == {"1-17": answers["1-17"], "1-35": answers["1-35"]}
    assert fold.answers["1-8"] is None and fold.answers["1-26"] is None


def test_a_model_that_knows_no_label_answers_nothing() -> None:
    fold = genre_fold(pack_json_lessons(INCARNATION, 0, 1, [genre_lessons(9, 1)[8]]))
    assert (fold.counts.asked, fold.answers) == (1, {})


@pytest.mark.parametrize(
    "bad",
    [
        b"{}",
        b'{"track_id":"","genre":"rock"}',
        b"not JSON",
        b'{"track_id":"t","genre":"rock","features":{"energy":7.0}}',
        b'{"track_id":"t","genre":""}',
        b'{"track_id":"t","genre":"rock","title":"%s"}' % (b"x" * 70_000),
    ],
)
def test_a_json_lesson_that_cannot_teach_takes_its_number(bad: bytes) -> None:
    first, last = genre_lessons(2, 1)
    fold = genre_fold(pack_json_lessons(INCARNATION, 0, 1, [first, bad, last]))
    without = genre_fold(pack_json_lessons(INCARNATION, 0, 1, [first, last]))
    assert (fold.counts.applied, fold.counts.refused, fold.watermarks) == (3, 1, {0: 3})
    assert fold.model.snapshot() == without.model.snapshot() and fold.last_refusal


def test_a_section_of_another_kind_or_count_of_lessons_is_malformed() -> None:
    wrong_count = pack_section(INCARNATION, 0, JSON_LESSONS, 1, 3, b"\n".join(genre_lessons(2, 1)))
    fold = genre_fold(pack_lessons(INCARNATION, 0, 1, lesson_items(2, seed=1)), wrong_count)
    assert (fold.counts.malformed, fold.counts.applied) == (2, 0)
    fold = fold_whole(fresh(), [pack_json_lessons(INCARNATION, 0, 1, genre_lessons(2, 1))])
    assert (fold.counts.malformed, fold.counts.applied) == (1, 0)


def test_what_a_model_decides_is_told_under_the_number_of_its_lesson(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fold of the same lessons gives it the same id: a crash publishes no second one."""
    monkeypatch.setattr(FinishModel, "take_news", lambda model: News([Happening("drift", "tree", {"lessons": model.n_lessons})], {}))
    told = []
    for _ in range(2):
        fold = fresh()
        for _ in fold.record(0, pack_lessons(INCARNATION, 0, 1, lesson_items(2, seed=1)), 77):
            pass
        told.append([(d.decision_id, d.decision, d.at, d.detail) for d in fold.decided])
    assert told[0] == told[1]
    assert told[0] == [(f"{INCARNATION}-finish-{n}-drift-tree", "drift", 77, {"lessons": n}) for n in (1, 2)]
