"""Segments as a worker runs them: listening lessons in, taught models of listeners out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final, Self

import msgspec

from online_models.clusters.following import Event
from online_models.error_drift import Rise
from online_models.listened import Listened, asked
from online_models.listening_model import FORMAT, ListeningModel
from online_models.model import Happening, News
from online_models.segments.features import of_play
from online_models.segments.fold import Minds, SegmentFold
from online_models.segments.habits import Play, new_habits
from online_models.segments.serving import Served
from online_models.segments.waiting import FINISHING, RETURN_MS, TARGETS

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


class SegmentsModel(ListeningModel[SegmentFold]):
    """Who a listener is just now, from listening lessons. Keeps the promises of `online_models/model.py`."""

    schema: ClassVar[int] = FORMAT

    def __init__(self) -> None:
        super().__init__(USERS_MAX, PACE_MS)
        self.minds = Minds()
        self._news: list[Happening] = []

    @property
    def champion(self) -> str:
        """Each target has its own, in `scores`; `take_news` tells of a change with its figures."""
        return CHAMPION

    def _hear(self, lesson: Listened, weight: float) -> None:
        fold = self._folds.get(lesson.source)
        if fold is None:
            fold = self._folds[lesson.source] = SegmentFold(WAITING_MAX, self.minds)
        before = {target: model.champion for target, model in self.minds.models.items()}
        asks = lesson.event % EVERY == 0 and self._n_waiting + len(TARGETS) <= WAITING_MAX
        fold.play_one(_play(lesson), ask_play=asks, ask_listener=asks and self._in_pace(lesson), weight=weight)
        self._news += [self._crowned(target, champion) for target, champion in before.items() if champion != self._champion(target)]
        self._news += [self._drifted(target, *rise) for target, model in self.minds.models.items() for rise in model.take_rises()]

    @property
    def _n_waiting(self) -> int:
        return sum(len(fold.waiting.questions) for fold in self._folds.values())

    def _champion(self, target: str) -> str:
        return self.minds.models[target].champion

    def _crowned(self, target: str, before: str) -> Happening:
        after, scores = self._champion(target), self.minds.models[target].scores()
        losses = {name: scores[name] for name in (f"log_loss_{before}", f"log_loss_{after}")}
        return Happening("champion", target, {"target": target, "from": before, "to": after, "lessons": self.n_lessons, **losses})

    def _drifted(self, target: str, member: str, rise: Rise) -> Happening:
        detail: dict[str, int | float | str] = {"target": target, "member": member, "before": rise.before, "after": rise.after}
        return Happening("drift", f"{target}-{member}", {**detail, "lessons": self.n_lessons})

    def take_news(self) -> News:
        """Champions that changed since it was last asked, errors that rose, and what became of kinds of listeners."""
        kinds = self.minds.kinds
        events, kinds.events = kinds.events, []
        news, self._news = News([*self._news, *(self._happened(event) for event in events)], {}), []
        return news

    def _happened(self, event: Event) -> Happening:
        detail: dict[str, int | float | str] = {"kind": event.cluster, "listeners": event.at, "lessons": self.n_lessons}
        names = [kind.name for kind in self.minds.kinds.served().kinds if kind.id == event.cluster]
        if names:
            detail["name"] = names[0]
        if event.other is not None:
            detail["into" if event.what == "merged" else "from"] = event.other
        return Happening(event.what, f"kind-{event.cluster}", detail)

    def predict_one(self, x: Mapping[str, Any]) -> float:
        """The chance, in (0, 1), that the play of a lesson `x` is heard out; leaves no trace."""
        lesson = asked(x)
        fold = self._folds.get(lesson.source)
        habits = (fold.habits(lesson.user) if fold is not None else None) or new_habits(lesson.at_ms)
        return self.minds.models[FINISHING].predict_one(of_play(habits, _play(lesson), lesson.at_ms))

    def scores(self) -> dict[str, float | str]:
        """Per target who answers, their decayed mean log-loss in nats, and answers taught; listeners, their kinds, questions that wait."""
        told: dict[str, float | str] = {"champion": self.champion, "lessons": float(self.n_lessons)}
        told |= {"users": float(len(self._audience.members)), "waiting": float(self._n_waiting), "usual_new": self.minds.usual_new}
        told["kinds"] = float(self.minds.kinds.number)
        for target, model in self.minds.models.items():
            scores = model.scores()
            told[f"champion_{target}"] = model.champion
            told[f"log_loss_{target}"] = scores[f"log_loss_{model.champion}"]
            told[f"labels_{target}"] = float(model.n_lessons)
        return told

    def served(self, version: int) -> Served:
        """What is served as `version`."""
        targets = {target: model.served() for target, model in self.minds.models.items()}
        return Served(version, self.n_lessons, self.minds.usual_new, targets, self.minds.kinds.served())

    def serving(self, version: int) -> bytes:
        """JSON for `segments/serving.py`."""
        return msgspec.json.encode(self.served(version))

    def snapshot(self) -> dict[str, bytes]:
        """Parts "meta", "audience" (JSON), "minds" and "people" (parts of their own, `parts.py`): some 16 MB at most."""
        return self._kept("minds", self.minds.snapshot())

    @classmethod
    def restore(cls, parts: Mapping[str, bytes]) -> Self:
        """The model that made `parts`: it goes on bit-equally. Raises `BadSnapshot`."""
        model = cls()
        minds, people = model._take("minds", parts)
        model.minds = Minds.restore(minds)
        model._folds = {source: SegmentFold.restore(each, model.minds) for source, each in people.items()}
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
