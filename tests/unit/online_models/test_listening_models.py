"""What play counts and segments do beyond the promises of every model: erasures, partitions of their own time, bounds."""

from __future__ import annotations

from typing import Any

import pytest

from online_models.counts.model import PACE_MS, CountsModel
from online_models.counts.serving import BadServing as BadCounts
from online_models.counts.serving import parse as parse_counts
from online_models.error_drift import Rise
from online_models.lesson_formats import ERASED, HEARD_OUT
from online_models.listened import BOUNDS
from online_models.model import digest
from online_models.registry import entry
from online_models.segments.features import OF_TARGET
from online_models.segments.listeners import SegmentsModel
from online_models.segments.serving import BadServing, parse
from streams.model_fold import Fold
from tests.lessons_log import INCARNATION, messy_log
from tests.listening_of_known_habits import AT_MS, DAY_MS, MINUTE_MS, listening

Kind = type[CountsModel] | type[SegmentsModel]
KINDS = pytest.mark.parametrize("kind", [CountsModel, SegmentsModel])


def x(**changes: Any) -> dict[str, Any]:
    """A play that asks, in the first minute of the world."""
    return dict.fromkeys(BOUNDS, 0) | {"user": 7, "track": 9, "at_ms": AT_MS, "seconds": 200.0, "length_s": 210.0} | changes


def taught(kind: Kind, n: int, seed: int) -> CountsModel | SegmentsModel:
    model = kind()
    for lesson in listening(n, seed):
        model.learn_one(*lesson)
    return model


@KINDS
def test_who_is_erased_leaves_no_trace_but_in_what_was_learned(kind: Kind) -> None:
    model = taught(kind, 300, 1)
    users = sorted(model._audience.members)
    for user in users:
        assert f"{user}".encode() in b"".join(model.snapshot().values())
        model.learn_one(x(user=user % 2**64, at_ms=AT_MS + 900 * DAY_MS), ERASED)
        assert f"{user}".encode() not in b"".join(model.snapshot().values())
    assert not model._audience.members and model.n_lessons == 300 + len(users)
    assert digest(kind.restore(model.snapshot()).snapshot()) == digest(model.snapshot())


@KINDS
def test_one_partitions_time_says_nothing_about_anothers(kind: Kind) -> None:
    """A partition that is read again from its beginning, after another is done, teaches as it would have beside it."""
    apart, mixed = kind(), kind()
    logs = [[lesson for lesson in listening(900, seed) if lesson.y != ERASED] for seed in (2, 3)]
    logs[1] = [lesson._replace(x={**lesson.x, "source": 1}) for lesson in logs[1]]
    for model, lessons in ((apart, [*logs[0], *logs[1]]), (mixed, [each for pair in zip(*logs, strict=False) for each in pair])):
        for lesson in lessons:
            model.learn_one(*lesson)
    labels = [{k: float(v) for k, v in model.scores().items() if k.startswith("labels")} for model in (apart, mixed)]
    assert all(min(found.values()) > 0 for found in labels)
    # Not equal: the pace of questions follows the partitions known so far.
    assert all(0.6 < labels[0][name] / labels[1][name] < 1.9 for name in labels[0])


def test_questions_keep_their_distance_and_only_one_event_in_eight_asks() -> None:
    model = CountsModel()
    for n in range(64):
        model.learn_one(x(event=n, at_ms=AT_MS + n * MINUTE_MS, track=n), HEARD_OUT)
    asked = model._folds[0].pending._rows.asked_ms[: model._folds[0].pending.n_asked]
    times = sorted(set(asked.tolist()))
    assert len(times) == 2 and times[1] - times[0] >= PACE_MS
    assert all((at_ms - AT_MS) // MINUTE_MS % 8 == 0 for at_ms in times)


def test_a_new_champion_of_a_target_is_one_decision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("online_models.contest.REIGN_MIN", 20)
    monkeypatch.setattr("online_models.contest.MARGIN", 0.0)
    fold = Fold(entry("segments"), INCARNATION)
    for record in messy_log(400, 8, model="segments"):
        for _ in fold.record(record.offset, record.value):
            pass
    assert isinstance(fold.model, SegmentsModel)
    assert fold.decided and {decision.decision for decision in fold.decided} == {"champion"}
    for target, model in fold.model.minds.models.items():
        told = [decision.detail for decision in fold.decided if decision.detail["target"] == target]
        assert [it["from"] for it in told] == ["linear", *(it["to"] for it in told)][: len(told)], "each goes on from the one before"
        assert ([it["to"] for it in told] or ["linear"])[-1] == model.champion == fold.model.scores()[f"champion_{target}"]


def test_an_error_that_rises_is_one_decision_by_target_and_member(monkeypatch: pytest.MonkeyPatch) -> None:
    rises = {"exploring": [("tree", Rise(0.3, 0.9)), ("blend", Rise(0.2, 0.8))], "returning": [("linear", Rise(0.4, 1.1))], "finishing": []}
    fold = Fold(entry("segments"), INCARNATION)
    for target, model in fold.model.minds.models.items():  # type: ignore[attr-defined]
        monkeypatch.setattr(model, "_rises", rises[target])
    for record in messy_log(40, 8, model="segments"):
        for _ in fold.record(record.offset, record.value):
            pass
    drifts = [decision for decision in fold.decided if decision.decision == "drift"]
    assert len({decision.decision_id for decision in drifts}) == 3
    told = [tuple(decision.detail[name] for name in ("target", "member", "before", "after")) for decision in drifts]
    assert told == [("exploring", "tree", 0.3, 0.9), ("exploring", "blend", 0.2, 0.8), ("returning", "linear", 0.4, 1.1)]


def test_a_listeners_served_segments_are_what_the_model_says() -> None:
    model = taught(SegmentsModel, 700, 4)
    assert isinstance(model, SegmentsModel)
    served = parse(model.serving(3))
    assert (served.version, served.lessons, served.usual_new) == (3, 700, model.minds.usual_new)
    for target, names in OF_TARGET.items():
        for step in range(20):
            asked = {name: (n * step) % 7 / 3.0 for n, name in enumerate(names)}
            assert served.targets[target].say(asked) == pytest.approx(model.minds.models[target].say(asked), abs=1e-12)
        assert served.targets[target].champion == model.minds.models[target].champion


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'"version"', b'"verse"'),
        (b'"new_share"', b'"old_share"'),
        (b'"champion":"linear"', b'"champion":"nobody"'),
        (b'"blend":[', b'"blend":[1.0,'),
        (b'"left":[', b'"left":[1,'),
    ],
)
def test_segments_of_another_build_are_refused(before: bytes, after: bytes) -> None:
    raw = SegmentsModel().serving(1)
    parse(raw)
    assert before in raw
    with pytest.raises(BadServing):
        parse(raw.replace(before, after, 1))


@pytest.mark.parametrize(("before", "after"), [(b'"days":[7,', b'"days":[8,'), (b'"weights":[[', b'"weights":[[1.0,'), (b"{", b"")])
def test_play_counts_of_another_build_are_refused(before: bytes, after: bytes) -> None:
    raw = CountsModel().serving(1)
    assert parse_counts(raw).weights.shape == (2, 22)
    with pytest.raises(BadCounts):
        parse_counts(raw.replace(before, after, 1))
