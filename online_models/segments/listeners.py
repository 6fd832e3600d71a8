"""Segments as a worker runs them: listening lessons in, taught models of listeners out.

Each partition of events has a fold of its own (`fold.py`), because labels are known by the time of the partition that a user is in: a
partition that is read again, or lags behind, teaches as it would have in time. All folds teach the same models.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final, Self

import msgspec

from online_models.audience import Audience
from online_models.listened import Listened, Relative, asked, read
from online_models.model import BadSnapshot, Happening, News
from online_models.parts import joined, split, under
from online_models.segments.features import of_play
from online_models.segments.fold import Minds, SegmentFold
from online_models.segments.habits import Play, new_habits
from online_models.segments.serving import Served
from online_models.segments.waiting import FINISHING, RETURN_MS, TARGETS

FORMAT: Final = 1
"""Version of the snapshot's layout."""
USERS_MAX: Final = 8_192
"""Listeners remembered: some 500 bytes each."""
WAITING_MAX: Final = 16_384
"""Questions that wait for their answers, over all partitions: 6 MB as they are kept."""
EVERY: Final = 16
"""One play in so many asks, by the event's hash: whether it is heard out, and, where there is room, what its listener will do."""
PACE_MS: Final = RETURN_MS // (WAITING_MAX // 4)
"""Event time between two questions about listeners, so that those of a week fill a quarter of the queue: 148 s. A busy service would
else fill it in its first hour, and ask nothing for a week."""

CHAMPION: Final = "per target"


class _Meta(msgspec.Struct, frozen=True):
    """The snapshot's part "meta", field for field."""

    format: int
    n_lessons: int
    weight_mean: float
    weight_n: int
    asked: list[tuple[int, int]]
    """(source, when a listener was asked about last)."""


class SegmentsModel:
    """Who a listener is just now, from listening lessons. Keeps the promises of `online_models/model.py`."""

    schema: ClassVar[int] = FORMAT

    def __init__(self) -> None:
        self.minds = Minds()
        self.n_lessons = 0
        self._folds: dict[int, SegmentFold] = {}
        self._asked_ms: dict[int, int] = {}
        self._audience = Audience(USERS_MAX)
        self._relative = Relative()
        self._news: list[Happening] = []

    @property
    def champion(self) -> str:
        """Each target has its own, in `scores`; `take_news` tells of a change with its figures."""
        return CHAMPION

    def learn_one(self, x: Mapping[str, Any], y: int, w: float = 1.0) -> None:
        """One lesson: a play, or an erasure. Raises `BadLesson`, and then nothing has changed."""
        lesson = read(x, y, w)
        relative = self._relative.of(w)
        self.n_lessons += 1
        if lesson.erased:
            self._forget(lesson.user)
            return
        clocks = {source: fold.clock_ms for source, fold in self._folds.items()}
        remembered, gone = self._audience.meet(lesson.user, lesson.source, lesson.at_ms, clocks)
        for user in gone:
            self._drop(user)
        if remembered:
            self._hear(lesson, relative)

    def _hear(self, lesson: Listened, weight: float) -> None:
        fold = self._folds.get(lesson.source)
        if fold is None:
            fold = self._folds[lesson.source] = SegmentFold(WAITING_MAX, self.minds)
        before = {target: model.champion for target, model in self.minds.models.items()}
        asks = lesson.event % EVERY == 0 and self._n_waiting + len(TARGETS) <= WAITING_MAX
        fold.play_one(_play(lesson), ask_play=asks, ask_listener=asks and self._in_pace(lesson), weight=weight)
        self._news += [self._crowned(target, champion) for target, champion in before.items() if champion != self._champion(target)]

    def _in_pace(self, lesson: Listened) -> bool:
        pace_ms = PACE_MS * len(self._folds)
        if lesson.at_ms < self._asked_ms.get(lesson.source, -pace_ms) + pace_ms:
            return False
        self._asked_ms[lesson.source] = lesson.at_ms
        return True

    @property
    def _n_waiting(self) -> int:
        return sum(len(fold.waiting.questions) for fold in self._folds.values())

    def _champion(self, target: str) -> str:
        return self.minds.models[target].champion

    def _crowned(self, target: str, before: str) -> Happening:
        after, scores = self._champion(target), self.minds.models[target].scores()
        losses = {name: scores[name] for name in (f"log_loss_{before}", f"log_loss_{after}")}
        return Happening("champion", target, {"target": target, "from": before, "to": after, "lessons": self.n_lessons, **losses})

    def take_news(self) -> News:
        """Champions that changed since it was last asked."""
        news, self._news = News(self._news, {}), []
        return news

    def _forget(self, user: int) -> None:
        if self._audience.forget(user) is not None:
            self._drop(user)

    def _drop(self, user: int) -> None:
        for fold in self._folds.values():
            fold.forget(user)

    def predict_one(self, x: Mapping[str, Any]) -> float:
        """The chance, in (0, 1), that the play of a lesson `x` is heard out; leaves no trace."""
        lesson = asked(x)
        fold = self._folds.get(lesson.source)
        habits = (fold.habits(lesson.user) if fold is not None else None) or new_habits(lesson.at_ms)
        return self.minds.models[FINISHING].predict_one(of_play(habits, _play(lesson), lesson.at_ms))

    def scores(self) -> dict[str, float | str]:
        """Per target who answers, their decayed mean log-loss in nats, and answers taught; listeners, questions that wait."""
        told: dict[str, float | str] = {"champion": self.champion, "lessons": float(self.n_lessons)}
        told |= {"users": float(len(self._audience.members)), "waiting": float(self._n_waiting), "usual_new": self.minds.usual_new}
        for target, model in self.minds.models.items():
            scores = model.scores()
            told[f"champion_{target}"] = model.champion
            told[f"log_loss_{target}"] = scores[f"log_loss_{model.champion}"]
            told[f"labels_{target}"] = float(model.n_lessons)
        return told

    def served(self, version: int) -> Served:
        """What is served as `version`."""
        targets = {target: model.served() for target, model in self.minds.models.items()}
        return Served(version, self.n_lessons, self.minds.usual_new, targets)

    def serving(self, version: int) -> bytes:
        """JSON for `segments/serving.py`."""
        return msgspec.json.encode(self.served(version))

    def snapshot(self) -> dict[str, bytes]:
        """Parts "meta", "audience" (JSON), "minds" and "people" (parts of their own, `parts.py`): some 16 MB at most."""
        meta = _Meta(FORMAT, self.n_lessons, self._relative.mean, self._relative.n, sorted(self._asked_ms.items()))
        people = {f"{source}/{name}": part for source, fold in sorted(self._folds.items()) for name, part in fold.people().items()}
        return {
            "meta": msgspec.json.encode(meta),
            "audience": self._audience.state(),
            "minds": joined(self.minds.snapshot()),
            "people": joined(people),
        }

    @classmethod
    def restore(cls, parts: Mapping[str, bytes]) -> Self:
        """The model that made `parts`: it goes on bit-equally. Raises `BadSnapshot`."""
        model = cls()
        try:
            meta = msgspec.json.decode(parts["meta"], type=_Meta)
            if meta.format != FORMAT:
                raise BadSnapshot(f"format {meta.format}, this build goes on from {FORMAT}")
            minds, people = split(parts["minds"]), split(parts["people"])
            model._audience = Audience.from_state(USERS_MAX, parts["audience"])
        except (msgspec.MsgspecError, LookupError) as error:
            raise BadSnapshot(f"parts do not fit together: {error!r}") from error
        model.minds = Minds.restore(minds)
        for source in sorted({int(name.partition("/")[0]) for name in people}):
            model._folds[source] = SegmentFold.restore(under(f"{source}/", people), model.minds)
        model.n_lessons, model._relative = meta.n_lessons, Relative(meta.weight_mean, meta.weight_n)
        model._asked_ms = dict(meta.asked)
        return model


def _play(lesson: Listened) -> Play:
    return Play(
        user=lesson.user,
        track=lesson.track,
        at_ms=lesson.at_ms,
        seconds=lesson.seconds,
        finished=lesson.finished,
        length_s=lesson.length_s,
        is_new=lesson.is_new,
        track_plays=lesson.track_plays,
        track_judged=lesson.track_plays,
        track_finishes=lesson.track_finishes,
    )
