"""What models of listeners share: listening lessons in, whom to remember, when to ask, and how all of it is kept.

Each partition of events has a fold of its own, because labels are known by the time of the partition that a user is in: a partition that
is read again, or lags behind, teaches as it would have in time. All folds teach the same models.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Final, Generic, Protocol, TypeVar

import msgspec

from online_models.audience import Audience
from online_models.listened import Listened, Relative, read
from online_models.model import BadSnapshot
from online_models.parts import joined, split, under

FORMAT: Final = 1
"""Version of the snapshots' layout."""


class ListenersFold(Protocol):
    """What one partition's listeners did."""

    clock_ms: int

    def forget(self, user: int) -> None:
        """Nothing of this user is kept."""
        ...

    def people(self) -> dict[str, bytes]:
        """Named parts: all but what the folds share."""
        ...


class _Meta(msgspec.Struct, frozen=True):
    """The snapshot's part "meta", field for field."""

    format: int
    n_lessons: int
    weight_mean: float
    weight_n: int
    asked: list[tuple[int, int]]
    """(source, when a question in the pace was asked last)."""


Fold = TypeVar("Fold", bound=ListenersFold)


class ListeningModel(ABC, Generic[Fold]):
    """Folds by partition of events, and the users that are remembered in them.

    Parameters
    ----------
    users_max: users remembered.
    pace_ms: event time between two questions, for each partition that there is.
    """

    def __init__(self, users_max: int, pace_ms: int) -> None:
        self._users_max, self._pace_ms = users_max, pace_ms
        self.n_lessons = 0
        self._folds: dict[int, Fold] = {}
        self._asked_ms: dict[int, int] = {}
        self._audience = Audience(users_max)
        self._relative = Relative()

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

    @abstractmethod
    def _hear(self, lesson: Listened, weight: float) -> None:
        """A play of a user who is remembered."""

    def _in_pace(self, lesson: Listened) -> bool:
        """Is it time for a question of the lesson's partition? If so, it counts as asked."""
        pace_ms = self._pace_ms * len(self._folds)
        if lesson.at_ms < self._asked_ms.get(lesson.source, -pace_ms) + pace_ms:
            return False
        self._asked_ms[lesson.source] = lesson.at_ms
        return True

    def _forget(self, user: int) -> None:
        if self._audience.forget(user) is not None:
            self._drop(user)

    def _drop(self, user: int) -> None:
        for fold in self._folds.values():
            fold.forget(user)

    def _kept(self, name: str, taught: Mapping[str, bytes]) -> dict[str, bytes]:
        """Parts "meta", "audience" (JSON), `name` for what is taught, and "people" (parts of their own, `parts.py`)."""
        meta = _Meta(FORMAT, self.n_lessons, self._relative.mean, self._relative.n, sorted(self._asked_ms.items()))
        people = {f"{source}/{part}": raw for source, fold in sorted(self._folds.items()) for part, raw in fold.people().items()}
        return {"meta": msgspec.json.encode(meta), "audience": self._audience.state(), name: joined(taught), "people": joined(people)}

    def _take(self, name: str, parts: Mapping[str, bytes]) -> tuple[dict[str, bytes], dict[int, dict[str, bytes]]]:
        """Go on from `parts`; the parts of what is taught, and by partition those of its people. Raises `BadSnapshot`."""
        try:
            meta = msgspec.json.decode(parts["meta"], type=_Meta)
            if meta.format != FORMAT:
                raise BadSnapshot(f"format {meta.format}, this build goes on from {FORMAT}")
            taught, people = split(parts[name]), split(parts["people"])
            self._audience = Audience.from_state(self._users_max, parts["audience"])
        except (msgspec.MsgspecError, LookupError) as error:
            raise BadSnapshot(f"parts do not fit together: {error!r}") from error
        self.n_lessons, self._relative = meta.n_lessons, Relative(meta.weight_mean, meta.weight_n)
        self._asked_ms = dict(meta.asked)
        return taught, {source: under(f"{source}/", people) for source in sorted({int(part.partition("/")[0]) for part in people})}
